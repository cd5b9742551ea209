"""When a level is called: "Trigger: after 15 min" under it, conditions in items, tables of who does what when."""

from __future__ import annotations

import pytest

from tests.guide.test_forms_ladders import STEPS, TIMELINE, rungs, unread
from tocsin.guide.ladder_due import trigger

ACTS = "## Escalation timeline\n\n| Time | Action | Who |\n|---|---|---|\n"
HEADINGS = "## Escalation\n\n### Level 1: Duty engineer\n\n- **Trigger:** every alert\n\n### Level 2: Team lead\n\n{0}\n\n### Level 3: CTO\n\n{1}\n"
ITEMS = "## Escalation\n\n- **Level 1**: Duty engineer\n  - Trigger: an alert\n- **Level 2**: Team lead\n  - {0}\n- **Level 3**: CTO\n  - {1}\n"

READ: dict[str, tuple[str, list[tuple[str, str, int | None, str]]]] = {
    "a grave case after a time ends the ladder": (
        "## Escalation\n\n```\nLevel 1: Duty engineer (0-10 minutes)\nLevel 2: Team lead (10-40 minutes)\nLevel 3: CTO (40+ minutes)\nLevel 4: CEO (Critical outage > 2 hours)\n```\n",
        TIMELINE,
    ),
    "what many suffer from after a time ends the ladder": (
        "## Escalation\n\n- L1: Duty engineer\n- L2: Team lead (if not resolved in 10 min)\n- L3: CTO (if customer impact > 30 min)\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", None, "")],
    ),
    "a chain of levels in one line": (
        "## Escalation\n\n```\nL1: Duty engineer → L2: Team lead → L3: CTO\n```\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, "")],
    ),
    "timeouts that begin at once": (
        "## Escalation levels\n\n| Level | Escalate to | Timeout |\n|---|---|---|\n| L1 | Duty engineer | Immediate |\n| L2 | Team lead | 10 min |\n| L3 | CTO | 40 min |\n",
        TIMELINE,
    ),
    "numbered people with arrows between": (
        "## Escalation path\n\n```\n1. Duty engineer\n   ↓ (10 mins, unresolved)\n2. Team lead\n   ↓ (40 mins, unresolved)\n3. CTO\n```\n",
        STEPS,
    ),
    "a question on a branch": (
        "## Escalation path\n\n```\nL1: Duty engineer\n  ├─ Can't resolve in 10 min?\n  └─ Escalate to L2\nL2: Team lead\n  ├─ Can't resolve in 40 min?\n  └─ Escalate to L3\nL3: CTO\n```\n",
        STEPS,
    ),
    "an arrow for one severity ends the ladder": (
        "## Escalation path\n\n```\nL1: Duty engineer\n   ↓ (10 min no response)\nL2: Team lead\n   ↓ (40 min no response)\nL3: CTO\n   ↓ (SEV1 incidents)\nL4: Executive team\n```\n",
        STEPS,
    ),
    "labels that are times below whoever is called first": (
        "## Escalation path\n\n1. Alert the duty engineer\n2. After 10 min: Escalate to team lead\n3. After 40 min: Escalate to CTO\n4. After 2 hours: Start the other site\n",
        TIMELINE,
    ),
    "a labelled chain under another heading": (
        "## On-call\n\nRotation is weekly.\n\nEscalation path: Duty engineer → Team lead → CTO\n",
        [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, "")],
    ),
    "a line under a heading that says when to hand on": (
        "## Escalation\n\n### Level 1: Duty engineer\n\n- Looks\n- Escalate if unable to resolve in 10 minutes\n\n### Level 2: Team lead\n\n- Escalate if: can't resolve in 40 minutes\n\n### Level 3: CTO\n\n- Decides\n",
        STEPS,
    ),
    "a page that a tool sends to somebody first": (
        "## Escalation path\n\n1. Pingbird alert fires → Duty engineer (SMS)\n2. If no ack in 10 min → Team lead\n3. If SEV1 → tell everybody\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", None, "")],
    ),
    "somebody called twice": (
        "## Escalation\n\n```\n0 min  → Notify duty engineer (chat + push)\n5 min  → Phone call to duty engineer\n10 min → Escalate to team lead\n40 min → Escalate to CTO\n```\n",
        TIMELINE,
    ),
    "a chain as the only item of a list": (
        "## Escalation\n\n- Duty engineer → (10 min) → Team lead → (40 min) → CTO\n", STEPS,
    ),
    "a column of triggers, and whom else to call": (
        "## Escalation\n\n| Level | Who | Triggers |\n|---|---|---|\n| L1 | Duty engineer | Any alert |\n| L2 | Team lead | L1 cannot resolve in 10 min |\n| L3 | CTO | Not resolved in 40 min |\n| Vendor | help@example.org | Their fault |\n",
        TIMELINE,
    ),
    "what is for grave incidents ends the ladder": (
        "## Escalation\n\n```\nLevel 1: Duty engineer\n  ↓ (10 min)\nLevel 2: Team lead\n  ↓ (40 min)\nLevel 3: CTO (major incidents)\n```\n",
        [("", "duty engineer", 600, "level"), ("", "team lead", 2400, "level")],
    ),
    "a trigger under a heading, from the opening": (HEADINGS.format("- **Trigger:** after 10 min", "- **Trigger:** 40 minutes"), TIMELINE),
    "a trigger under a heading, from the level before": (HEADINGS.format("- **When:** no ack in 10 min", "- **When:** not resolved in 40 min"), STEPS),
    "a trigger in a paragraph under a heading": (HEADINGS.format("**Trigger**: no response within 10 min", "**Trigger**: no response in 40 min"), STEPS),
    "a trigger under an item": (ITEMS.format("Trigger: after 10 min", "Trigger: after 40 min"), TIMELINE),
    "a trigger under an item, not answered": (ITEMS.format("When: no answer in 10 min", "Trigger: not resolved in 40 min"), STEPS),
    "a trigger with another case": (
        ITEMS.format("Trigger: no response in 10 min or data lost", "Trigger: the press calls"),
        [("", "duty engineer", 600, "level"), ("", "team lead", None, ""), ("", "cto", None, "")],
    ),
    "people who act on others": (
        ACTS + "| 0 min | Page the duty engineer | Pager |\n| 10 min | No answer → page the team lead | Pager |\n| 20 min | No answer → phone call | Team lead |\n| 40 min | Still stuck → add CTO | Team lead |\n",
        TIMELINE,
    ),
    "people who act, the last of it other work": (
        ACTS + "| 0 min | Page the duty engineer | Pager |\n| 10 min | No answer → page the backup | Pager |\n| 40 min | Not resolved → raise the severity | Manager |\n",
        [("", "duty engineer", 600, "opened"), ("", "backup", None, "")],
    ),
    "what was not resolved, from the opening": (
        "## Escalation chain\n\n1. Alert triggered → **Duty engineer (Level 1)**\n2. Not resolved in **10 min** → Escalate to **Team lead (Level 2)**\n3. Not resolved in **40 min** → Escalate to **CTO (Level 3)**\n4. **SEV1 incidents** → CTO contacted immediately\n",
        TIMELINE,
    ),
    "what whoever is on call is told": (
        "## On-call\n\n- **Response time:** 15 minutes to acknowledge.\n- **Escalation:** If you cannot resolve the issue in 30 minutes, you MUST page the Team lead.\n",
        [("", "owner", 1800, "level"), ("", "team lead", None, "")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", READ)
def test_when_a_level_is_called_is_read_in_this_form(form: str):
    body, expected = READ[form]

    assert rungs(body) == expected


NONE: dict[str, tuple[str, set[int]]] = {
    "an action that calls somebody unknown": (ACTS + "| 0 min | Page the duty engineer | Pager |\n| 10 min | No answer → page Zed | Pager |\n| 40 min | Call the CTO | Zed |\n", {6}),
    "a trigger about something else": (HEADINGS.format("- **Trigger:** queue older than 10 min", "- Looks"), {9}),
    "two triggers": (ITEMS.format("Trigger: after 10 min", "Trigger: after 40 min\n  - Trigger: after 20 min"), {8, 9}),
    "a trigger for one severity": (ITEMS.format("Trigger: SEV1 not resolved in 10 min", "Looks"), {6}),
    "two sentences to whoever is on call": (
        "## On-call\n\nIf you cannot resolve it in 30 minutes, page the team lead.\n\nThe CTO wants to know of whatever is not resolved in 2 hours.\n", {3},
    ),
    "a sentence to nobody": ("## Escalation\n\nEscalate to the CTO if not resolved within 1 hour.\n", {3}),
}  # fmt: skip


@pytest.mark.parametrize("form", NONE)
def test_what_is_not_sure_is_reported_and_no_level(form: str):
    body, lines = NONE[form]

    assert rungs(body) == []
    assert lines & unread(body)


def test_a_trigger_under_a_level_is_no_time_that_it_has():
    got = rungs(ITEMS.format("Trigger: no response in 10 min", "Looks into it"))

    assert ("", "team lead", 600, "level") not in got
    assert got[0] == ("", "duty engineer", 600, "level")


@pytest.mark.parametrize("said", ["after 10 min", "10 minutes", "> 10 min", "T+10 min", "+10 min", "10 min elapsed"])
def test_a_bare_time_counts_from_the_opening(said: str):
    due = trigger(said)

    assert due is not None
    assert (due[0].value, due[1]) == (600, True)


@pytest.mark.parametrize("said", ["10 min for SEV1", "queue older than 10 min", "10 min to 20 min", "data loss", "after 10 min or 20 min", "within 10 min of a breach"])  # fmt: skip
def test_words_about_something_else_are_no_trigger_with_a_time(said: str):
    assert trigger(said) is None
