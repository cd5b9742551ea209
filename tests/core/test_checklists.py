"""Names of phases and steps: every one has its own, and what people say names one of them or is refused in words."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.checklists import checklists, item_named, meant, nearest, phase_named, unique
from tocsin.core.policy import Phase, Policy, Runbook, Step


def steps(*texts: str) -> tuple[Step, ...]:
    return tuple(Step(text=each) for each in texts)


GUIDE = Policy(
    title="G",
    severities=(),
    phases=(
        Phase(title="Phase 1: Detection (0-15 minutes)", steps=steps("Page somebody", "Look at the graphs", "Again")),
        Phase(title="Phase 2: Containment", steps=steps("Stop the spread", "Isolate the node", "Isolate the network")),
        Phase(title="Phase 3: Review"),
    ),
    runbooks=(Runbook(title="Database Unavailable", steps=steps("Restart it", "Restart it", "Fail over")),),
)
TEXTS = st.lists(st.text(st.sampled_from("ab (2)\n"), max_size=6), max_size=12)


@given(TEXTS)
def test_every_text_has_a_name_of_its_own_in_its_place(texts: list[str]) -> None:
    names = unique(texts)

    assert len(names) == len(texts)
    assert len({name.casefold() for name in names}) == len(names)
    assert all(name.strip() for name in names)
    assert all(name.startswith(" ".join(text.split())) for name, text in zip(names, texts, strict=True) if text.split())


@given(TEXTS, TEXTS, TEXTS)
def test_every_step_of_the_guide_can_be_named_exactly(first: list[str], second: list[str], third: list[str]) -> None:
    policy = Policy(
        title="G",
        severities=(),
        phases=(Phase(title="One", steps=steps(*first)), Phase(title="One", steps=steps(*second))),
        runbooks=(Runbook(title="one", steps=steps(*third)),),
    )

    lists = checklists(policy)

    assert [len(each.items) for each in lists] == [len(first), len(second), len(third)]
    for each in lists:
        for n, (name, step) in enumerate(each.items):
            assert step.text == (first, second, third)[lists.index(each)][n]
            assert item_named(policy, each.name, name) == (each.name, name)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Phase 2: Containment", "Phase 2: Containment"),
        ("phase 2:   containment", "Phase 2: Containment"),
        ("Containment", "Phase 2: Containment"),
        ("phase 1", "Phase 1: Detection (0-15 minutes)"),
        ("DETECTION", "Phase 1: Detection (0-15 minutes)"),
    ],
)
def test_a_phase_is_named_by_a_run_of_its_words(said: str, name: str) -> None:
    assert phase_named(GUIDE, said) == name


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Contaiment", "did you mean Phase 2: Containment?), got 'Contaiment'"),
        ("Phase", "which is part of each"),
        ("Cleanup", "expected one of Phase 1: Detection (0-15 minutes), Phase 2: Containment, Phase 3: Review"),
        ("Contain", "did you mean Phase 2: Containment?"),  # part of a word is no word
        ("Database Unavailable", "phase: expected one of"),  # a runbook is no phase
        ("Containment Phase 2", "did you mean Phase 2: Containment or"),
    ],
)
def test_a_phase_that_the_guide_has_not_is_refused_with_those_near(said: str, hint: str) -> None:
    with pytest.raises(ValueError) as refused:
        phase_named(GUIDE, said)

    assert str(refused.value).startswith("phase: expected one")
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("phase", "item", "found"),
    [
        ("containment", "spread", "Stop the spread"),
        ("containment", "2", "Isolate the node"),
        ("Database Unavailable", "2", "Restart it (2)"),
        ("database unavailable", "restart it", "Restart it"),
        ("Detection", " look at ", "Look at the graphs"),
    ],
)
def test_a_step_is_named_by_its_words_or_its_number(phase: str, item: str, found: str) -> None:
    assert item_named(GUIDE, phase, item)[1] == found


@pytest.mark.parametrize(
    ("phase", "item", "hint"),
    [
        ("Containment", "Isolate the", "expected one of Isolate the node, Isolate the network"),
        ("Containment", "4", "expected one of Stop the spread"),
        ("Containment", "0", "expected one of Stop the spread"),
        ("Containment", "99999999999999999999", "expected one of Stop the spread"),
        ("Containment", "Isolte", "did you mean Isolate the n"),
        ("Review", "anything", "the guide has no steps in 'Phase 3: Review'"),
        ("Containment", "Page somebody", "item: expected one"),  # of another phase
        ("Nonsense", "1", "phase: expected one of"),
    ],
)
def test_a_step_that_is_not_there_is_refused(phase: str, item: str, hint: str) -> None:
    with pytest.raises(ValueError) as refused:
        item_named(GUIDE, phase, item)

    assert hint in str(refused.value)


def test_a_guide_without_phases_and_runbooks_leaves_them_to_people() -> None:
    policy = Policy(title="G", severities=())

    assert phase_named(policy, " Contain ") == "Contain"
    assert item_named(policy, "Contain", " stop the rollout ") == ("Contain", "stop the rollout")


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6, unique=True), st.text(max_size=12))
def test_whatever_is_said_names_one_of_them_or_is_refused_in_words(names: list[str], said: str) -> None:
    try:
        found = meant("item", names, said)
    except ValueError as refused:
        assert str(refused).startswith("item: expected one")
        assert len(str(refused)) < 1500
        assert said not in names
    else:
        assert found in names


@given(st.lists(st.text(max_size=300), max_size=20), st.text(max_size=50))
def test_those_near_are_few_and_of_the_guide(names: list[str], said: str) -> None:
    near = nearest(names, said)

    assert len(near) <= 3
    assert set(near) <= set(names)
