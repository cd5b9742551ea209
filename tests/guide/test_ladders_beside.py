"""No level is claimed without the time that stands beside it: whatever was not read there is reported, and ends the ladder."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from tests.guide.test_forms_ladders import page, rungs, unread
from tocsin.core.policy import Level
from tocsin.guide.compile import compile_guide

PEOPLE = ("Duty engineer", "Team lead", "Head of operations", "CTO")
Lines = list[str]


def _list(people: Lines, at: int, said: str) -> Lines:
    return [f"{n}. {who}{f' ({said})' if n == at + 1 else ''}" for n, who in enumerate(people, 1)]


def _levels(people: Lines, at: int, said: str) -> Lines:
    return [f"- **Level {n}**: {who}{f' - {said}' if n == at + 1 else ''}" for n, who in enumerate(people, 1)]


def _under(people: Lines, at: int, said: str) -> Lines:
    return [line for n, who in enumerate(people) for line in (f"- **Level {n + 1}**: {who}", f"  - {said if n == at else 'Looks into it'}")]  # fmt: skip


def _labels(people: Lines, at: int, said: str) -> Lines:
    return [line for n, who in enumerate(people) for line in (f"### Level {n + 1}: {who}", "", f"- **Trigger:** {said}" if n == at else "- Looks into it", "")]  # fmt: skip


def _table(people: Lines, at: int, said: str) -> Lines:
    rows = [f"| {n + 1} | {who} | {said if n == at else '-'} |" for n, who in enumerate(people)]
    return ["| Level | Who | Remarks |", "|---|---|---|", *rows]


def _triggers(people: Lines, at: int, said: str) -> Lines:
    rows = [f"| {n + 1} | {who} | {said if n == at else 'Alert'} |" for n, who in enumerate(people)]
    return ["| Level | Who | Trigger |", "|---|---|---|", *rows]


def _tree(people: Lines, at: int, said: str) -> Lines:
    lines = [line for n, who in enumerate(people) for line in (f"Level {n + 1}: {who}", f"  └─ {said if n == at else 'looks into it'}")]  # fmt: skip
    return ["```", *lines, "```"]


def _arrows(people: Lines, at: int, said: str) -> Lines:
    lines = [line for n, who in enumerate(people) for line in (who, f"   ↓ {said}" if n == at else "   ↓")]
    return ["```", *lines[:-1], "```"]


def _chain(people: Lines, at: int, said: str) -> Lines:
    return [" → ".join(f"{who} ({said})" if n == at else who for n, who in enumerate(people))]


def _matrix(people: Lines, at: int, said: str) -> Lines:
    heads = " | ".join(f"Level {n + 1}" for n in range(len(people)))
    cells = " | ".join(f"{who} ({said})" if n == at else who for n, who in enumerate(people))
    return [f"| Severity | {heads} |", "|---" * (len(people) + 1) + "|", f"| SEV1 | {cells} |"]


def _mermaid(people: Lines, at: int, said: str) -> Lines:
    edges = [f'  A{n}["{who}"] -->|no answer{f", {said}" if n == at else ""}| A{n + 1}["{people[n + 1]}"]' for n, who in enumerate(people[:-1])]  # fmt: skip
    return ["```mermaid", "graph TD", *edges, "```"]


def _yaml(people: Lines, at: int, said: str) -> Lines:
    rows = [line for n, who in enumerate(people) for line in (f"  - who: {who}", f"    remark: {said if n == at else 'looks'}")]  # fmt: skip
    return ["```yaml", "levels:", *rows, "```"]


FORMS: dict[str, Callable[[Lines, int, str], Lines]] = {
    "a list": _list,
    "levels in a list": _levels,
    "lines under levels": _under,
    "labels under headings": _labels,
    "a column of a table": _table,
    "a column of triggers": _triggers,
    "branches of a tree": _tree,
    "arrows": _arrows,
    "a chain": _chain,
    "cells of a matrix": _matrix,
    "edges of a chart": _mermaid,
    "keys of YAML": _yaml,
}
TIMES = (
    "17 min", "17 min for SEV1, 3 hours for SEV2", "17 min SEV1 / 3 hr SEV2", "T+17", "if unresolved for 17 min", "after 17 minutes or 3 hours",
    "when it takes 17 minutes", "17-34 min", "2 business hours", "+17m", "in 17 min or with a breach", "SEV1: 17 min",
)  # fmt: skip
PARTS = ("if needed", "business hours only", "SEV1 only", "as required", "for SEV1")


def compiled(form: str, count: int, at: int, said: str) -> tuple[tuple[Level, ...], set[int]]:
    """The levels of a ladder in this form, and the lines of its findings; the same without what was added has levels."""
    lines = FORMS[form](list(PEOPLE[:count]), at, said)
    body = page("## Escalation path\n\n" + "\n".join(lines) + "\n")
    first = next(n for n, line in enumerate(body.split("\n"), 1) if said in line)
    policy = compile_guide(body, "g.md").policy
    return policy.escalation.levels, {each.line - first for each in policy.findings if each.rule.startswith("GUIDE-")}


@given(st.sampled_from(sorted(FORMS)), st.integers(2, 4), st.integers(0, 3), st.sampled_from(TIMES))
@settings(max_examples=150)
def test_a_time_beside_a_level_is_read_or_reported_and_never_lost(form: str, count: int, at: int, said: str):
    levels, reported = compiled(form, count, at % (count - 1), said)

    if any(each.within is not None for each in levels):
        assert "SEV1" not in said or all(each.severities for each in levels)
        assert len(levels) % count == 0 or at % (count - 1) != count - 2
    else:
        assert not levels
        assert 0 in reported or not rungs(
            "## Escalation path\n\n" + "\n".join(FORMS[form](list(PEOPLE[:count]), 0, ""))
        )


@pytest.mark.parametrize("said", PARTS)
@pytest.mark.parametrize("form", [each for each in FORMS if each not in ("arrows", "edges of a chart", "keys of YAML", "lines under levels", "branches of a tree")])  # fmt: skip
def test_a_level_for_some_incidents_ends_the_ladder_or_leaves_none(form: str, said: str):
    levels, reported = compiled(form, 4, 2, said)

    assert len(levels) in (0, 2)
    assert 0 in reported


REFUSED: dict[str, tuple[str, int]] = {
    "a time behind the name of a level in another place": (
        "## Escalation levels\n\n- **Level 1**: Duty engineer\n- **Level 2**: Team lead\n\n## When to go on\n\nEscalate to level 2 if:\n\n- An outage > 15 minutes\n", 10,
    ),
    "a column for a level in another table": (
        "## Escalation levels\n\n- **Level 1**: Duty engineer\n- **Level 2**: Team lead\n\n## Thresholds\n\n| Severity | Escalate to Level 2 |\n|---|---|\n| SEV1 | 15 minutes |\n", 10,
    ),
    "a time on an arrow for one severity": ("## Escalation\n\n```\nL1: Duty engineer\n   ↓ (SEV1 not resolved in 20 min)\nL2: Team lead\n```", 5),
    "two times of which one is read": ("## Escalation\n\n```\nLevel 1: Duty engineer\n   ↓ (no ack in 5 min OR >1 hour)\nLevel 2: Team lead\n```", 5),
    "a trigger under a heading": ("## Escalation\n\n### Level 1: Duty engineer\n\n- **Trigger:** every alert\n\n### Level 2: Team lead\n\n- **Trigger:** queue older than 25 min\n", 9),
    "what is for one severity after a time": ("## Escalation\n\n1. Duty engineer\n2. Team lead\n3. CTO (SEV1 only, 2 hours)\n", 5),
    "a step whose person is not known": ("## Escalation\n\n```\n0 min: Page the duty engineer\n5 min: No answer → page the team lead\n15 min: Not acknowledged → page Zed\n```", 6),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_ladder_beside_what_was_not_read_is_refused_with_its_line(name: str):
    body, line = REFUSED[name]

    assert rungs(body) == []
    assert line in unread(body)


KEPT: dict[str, str] = {
    "how soon somebody answers": "## Escalation\n\n1. Level 1: Duty engineer (15 min response)\n2. Level 2: Team lead\n",
    "when to write an update": "## Escalation\n\n- **Level 1**: Duty engineer\n  - Update the channel within 20 min\n- **Level 2**: Team lead\n",
    "what somebody is for": "## Escalation order\n\n1. **Duty engineer** — for a second pair of eyes and P0 work.\n2. **Team lead** — for decisions about money and people.\n",
    "a column of how soon somebody answers": "## Escalation\n\n| Level | Who | Response time |\n|---|---|---|\n| 1 | Duty engineer | 5 min |\n| 2 | Team lead | 20 min |\n",
}  # fmt: skip


@pytest.mark.parametrize("body", KEPT.values(), ids=KEPT)
def test_what_is_no_time_of_a_level_leaves_the_ladder_as_it_is(body: str):
    assert rungs(body) == [("", "duty engineer", None, ""), ("", "team lead", None, "")]


NOBODY: dict[str, str] = {
    "what is still to be done": "## Escalation matrix\n\n- [ ] Level 1: Duty engineer\n- [ ] Level 2: Team lead\n",
    "who has a role": "## Escalation matrix\n\n### Incident commander\n\n- **Primary**: Duty engineer\n- **Secondary**: Team lead\n- **Tertiary**: CTO\n",
    "a ticket at the first level": "## Escalation\n\n```\nLevel 1: Support ticket (0-4 hours)\n   ↓\nLevel 2: Team lead (4-8 hours)\n```\n",
    "customers of one plan": "## Escalation\n\n### Enterprise tier escalation\n\n```\nLevel 1: Duty engineer (0-1 hour)\n   ↓\nLevel 2: Team lead (1-2 hours)\n```\n",
}  # fmt: skip


@pytest.mark.parametrize("body", NOBODY.values(), ids=NOBODY)
def test_what_is_for_others_is_no_ladder(body: str):
    assert rungs(body) == []


def test_a_level_for_one_severity_in_a_column_of_answers_ends_the_ladder():
    body = "## Escalation\n\n| Level | Who | Response time |\n|---|---|---|\n| L1 | Duty engineer | 5 min |\n| L2 | Team lead | 20 min |\n| L3 | CTO | 1 hour (SEV1 only) |\n"

    assert rungs(body) == [("", "duty engineer", None, ""), ("", "team lead", None, "")]
    assert 7 in unread(body)


def test_the_same_people_without_times_are_no_ladder_beside_times_that_were_not_read():
    body = "## Escalation\n\n1. Duty engineer\n2. Team lead\n\n### Level 1: Duty engineer\n\n- Trigger: alert\n\n### Level 2: Team lead\n\n- Trigger: queue older than 25 min\n"

    assert rungs(body) == []
    assert {3, 12} <= unread(body)


def test_a_ladder_that_was_refused_leaves_no_ladder_of_the_owner():
    body = "## Escalation\n\n1. Duty engineer (5 min)\n2. Team lead (20 min)\n\nSEV1: escalate to the CTO if not resolved within 1 hour.\n"

    assert rungs(body) == []
    assert {4, 6} <= unread(body)


CALLS = {
    "a rule of a table": "| Rule | Trigger | Action |\n|---|---|---|\n| A | SEV1 not acknowledged within 10 min | Page the team lead |\n",
    "a sentence": "When SEV2 is still unresolved after 40 minutes, the desk calls the team lead at home.\n",
    "an arrow": "Unanswered for 10 min → team lead\n",
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("form", [_list, _levels, _labels, _table])
def test_people_without_times_are_no_ladder_where_one_of_them_is_called_after_a_time(
    form: Callable[[Lines, int, str], Lines], call: str
):
    people = "\n".join(form(list(PEOPLE), 9, ""))
    body = f"## Escalation path\n\n{people}\n\n## Automation\n\n{call}"
    everybody = [("", who.casefold(), None, "") for who in PEOPLE]

    assert rungs(f"## Escalation path\n\n{people}\n") == everybody
    assert rungs(body) != everybody
    assert any(each.rule in ("GUIDE-UNREAD", "GUIDE-LADDERS") for each in compile_guide(page(body), "g.md").findings)


def test_somebody_who_is_told_something_else_in_time_leaves_the_ladder():
    people = "\n".join(_list(list(PEOPLE), 9, ""))
    body = f"## Escalation path\n\n{people}\n\n## Afterwards\n\nThe team lead writes the review within 3 days.\n"

    assert [one[1] for one in rungs(body)] == [who.casefold() for who in PEOPLE]
