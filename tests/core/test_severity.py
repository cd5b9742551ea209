"""Severity: the decision tree, the ranks, and what the words of alerts mean."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.policy import Policy, Question, Severity
from tocsin.core.severity import at_rank, classify, next_question, severity_from_labels, words_of, worse

SEVERITIES = tuple(
    Severity(id=f"P{rank + 1}", name=name, rank=rank) for rank, name in enumerate(["Worst", "Bad", "Low"])
)
TREE = (
    Question(question="Is it completely down?", severity="P1"),
    Question(question="Is a critical feature broken?", severity="P2"),
    Question(question="", severity="P3"),
)
POLICY = Policy(title="g", severities=SEVERITIES, decision_tree=TREE)


def severity(rank: int) -> Severity:
    return SEVERITIES[rank]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({}, None),
        ({"Is it completely down?": "yes"}, "P1"),
        ({"is it COMPLETELY   down?": " Yes "}, "P1"),
        ({"Is it completely down?": "no"}, None),
        ({"Is it completely down?": "perhaps"}, None),
        ({"Is a critical feature broken?": "yes"}, None),  # an earlier question is open
        ({"Is it completely down?": "no", "Is a critical feature broken?": "y"}, "P2"),
        ({"Is it completely down?": "no", "Is a critical feature broken?": "no"}, "P3"),
        ({"Is it completely down?": "yes", "Is a critical feature broken?": "yes"}, "P1"),
    ],
)
def test_the_first_yes_of_the_tree_decides(answers: dict[str, str], expected: str | None) -> None:
    found = classify(POLICY, answers)

    assert (found.id if found else None) == expected


def test_the_next_question_is_the_first_one_without_an_answer() -> None:
    assert next_question(POLICY, {}) == TREE[0]
    assert next_question(POLICY, {"Is it completely down?": "no"}) == TREE[1]
    assert next_question(POLICY, {"Is it completely down?": "yes"}) is None
    assert next_question(POLICY, {row.question: "no" for row in TREE[:2]}) is None


def test_a_tree_without_otherwise_may_decide_nothing() -> None:
    policy = Policy(title="g", severities=SEVERITIES, decision_tree=TREE[:1])

    assert classify(policy, {"Is it completely down?": "no"}) is None


ANSWERS = st.dictionaries(st.sampled_from([row.question for row in TREE[:2]]), st.sampled_from(["yes", "no", "?"]))


@given(ANSWERS)
def test_either_the_tree_has_decided_or_it_asks_the_next_question(answers: dict[str, str]) -> None:
    assert (classify(POLICY, answers) is None) == (next_question(POLICY, answers) is not None)


RANKS = st.integers(min_value=0, max_value=2).map(severity)


@given(RANKS, RANKS, RANKS)
def test_worse_is_a_join(a: Severity, b: Severity, c: Severity) -> None:
    assert worse(a, b).rank == min(a.rank, b.rank)
    assert worse(a, worse(b, c)) == worse(worse(a, b), c)
    assert worse(a, a) is a


@given(st.integers(min_value=-5, max_value=10))
def test_ranks_are_clamped(rank: int) -> None:
    assert at_rank(POLICY, rank) == SEVERITIES[max(0, min(rank, 2))]


def test_no_severity_at_all_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected at least one, got none in 'g'"):
        at_rank(Policy(title="g", severities=()), 0)


def test_mapping_before_ids_before_names_before_common_words() -> None:
    policy = Policy(
        title="g",
        severities=(
            Severity(id="info", name="warning", rank=0),
            Severity(id="low", name="critical", rank=1),
        ),
        severity_mapping={"Critical": "INFO", "lost": "nowhere"},
    )

    words = words_of(policy)

    assert words == {"critical": "info", "error": "low", "warning": "info", "info": "info", "low": "low"}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"severity": "critical"}, "P1"),
        ({"severity": "worst"}, "P1"),
        ({"severity": "info"}, "P3"),
        ({"severity": "p3"}, "P3"),
        ({"priority": "P1"}, "P1"),
        ({"severity": "strange", "priority": "P3"}, "P3"),
        ({"severity": "P1", "priority": "P3"}, "P1"),
        ({"severity": "strange"}, "P2"),
        ({}, "P2"),
    ],
)
def test_labels_say_how_bad_it_is_or_it_is_the_worst_but_one(labels: dict[str, str], expected: str) -> None:
    assert severity_from_labels(POLICY, labels).id == expected
