"""Ladders in more of the forms that guides have, and what looks like one and is none. All texts are made up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings, strategies as st

from tests.guide.test_forms_ladders import compiled, rungs, unread
from tocsin.guide.compile import compile_guide

PEOPLE = ("duty engineer", "team lead", "cto")
HELD = [("", "duty engineer", 600, "level"), ("", "team lead", 1200, "level"), ("", "cto", None, "")]
OPENED = [("", "duty engineer", 600, "opened"), ("", "team lead", 1200, "opened"), ("", "cto", None, "")]
EACH = [("", "duty engineer", 600, "level"), ("", "team lead", 600, "level"), ("", "cto", None, "")]
LIST = "## Escalation path\n\n1. Duty engineer\n2. Team lead\n3. CTO\n\n"
LEVELS = "## Escalation levels\n\n- **Level 1**: Duty engineer\n- **Level 2**: Team lead\n- **Level 3**: CTO\n\n"

FORMS: dict[str, tuple[str, list[tuple[str, str, int | None, str]]]] = {
    "a sentence gives every level its time": (LIST + "A page that nobody acknowledges within 10 minutes goes on to the next level.\n", EACH),
    "a line gives every level its time": (LIST + "- Wait 10 minutes per level before you escalate\n", EACH),
    "another section gives every level its time": (LIST + "### When\n\nIf unanswered for 10 minutes, escalate to the next person.\n", EACH),
    "a chain ends with the time of each": ("## Escalation\n\nDuty engineer → Team lead → CTO, 10 minutes each\n", EACH),
    "a chain says it between its levels": ("## Escalation\n\nDuty engineer -> Team lead -> CTO (10 min between levels)\n", EACH),
    "times beside the names of levels": (LEVELS + "## When\n\n- Level 1 → Level 2: 10 min without an answer\n- Level 2 → Level 3: 20 min without an answer\n", HELD),
    "times in two sentences of one line": (LEVELS + "Escalate to level 2 if not resolved in 10 minutes. Escalate to level 3 if not resolved in 20 minutes.\n", HELD),
    "waits between calls": ("## Escalation\n\n1. Page the duty engineer\n2. Wait 10 minutes. If nobody answers:\n3. Page the team lead\n4. Wait 20 minutes\n5. Page the CTO\n", HELD),
    "numbered steps with waits": ("## Escalation\n\n1. Step 1: Page the duty engineer\n2. Wait 10 minutes\n3. Step 2: Page the team lead\n4. Wait 20 minutes\n5. Step 3: Page the CTO\n", HELD),
    "one paragraph with a further time": ("## Escalation\n\nThe duty engineer is paged first. If no response in 10 minutes, page the team lead; after a further 20, call the CTO.\n", HELD),
    "more minutes": ("## Escalation\n\n1. Page the duty engineer\n2. If not acknowledged after 10 minutes, page the team lead\n3. After 20 more minutes, page the CTO\n", HELD),
    "steps in one paragraph": ("## Escalation\n\nStep 1: The duty engineer acknowledges the alert.\nStep 2: If not acknowledged within 10 minutes, page the team lead.\nStep 3: If not acknowledged within 20 minutes, page the CTO.\n", HELD),
    "lines of a paragraph": ("## Escalation\n\nLevel 1 – Duty engineer  \nLevel 2 – Team lead  \nLevel 3 – CTO  \n\nUnanswered pages go to the next level after 10 minutes.\n", EACH),
    "steps without a condition": ("## Escalation\n\n- The duty engineer is paged\n- Escalate to the team lead after 10 minutes\n- Escalate to the CTO after 20 minutes\n", OPENED),
    "rules of a table": ("## Escalation\n\n| Rule | Trigger | Action |\n|---|---|---|\n| A | Alert fires | Page the duty engineer |\n| B | Not acknowledged in 10 min | Page the team lead |\n| C | Not acknowledged in 20 min | Page the CTO |\n", HELD),
    "a clock": ("## Escalation\n\n| Clock | Action |\n|---|---|\n| 00:00 | Page the duty engineer |\n| 00:10 | Page the team lead |\n| 00:20 | Page the CTO |\n", OPENED),
    "a clock in a list": ("## Escalation\n\n- 00:00 page the duty engineer\n- 00:10 page the team lead\n- 00:20 page the CTO\n", OPENED),
    "a time line that begins with the alert": ("## Escalation\n\n| Elapsed time | Action | Who |\n|---|---|---|\n| T+0 | Alert fires | Monitoring |\n| T+5 min | Duty engineer acknowledges | Duty engineer |\n| T+10 min | If no ack: page the team lead | Bot |\n| T+20 min | Page the CTO | Bot |\n", OPENED),
    "moments with branches": ("## Escalation\n\n```\n0 min    Alert fires\n         └── Duty engineer acknowledges\n10 min   └── Opens a channel\n         └── Notifies: Team lead\n20 min   └── Still down: says so\n         └── Escalate to CTO\n```\n", OPENED),
    "stretches of which only the first has a unit": ("## Escalation\n\n1. Duty engineer (0-10 min)\n2. Team lead (10-20)\n3. CTO (20+)\n", OPENED),
    "times behind all but the first": ("## Escalation\n\n1. Duty engineer\n2. Team lead (10 min)\n3. CTO (20 min)\n", OPENED),
    "times behind all but the last of a chain": ("## Escalation\n\nDuty engineer (10 min) → Team lead (20 min) → CTO\n", HELD),
    "equal times behind all but the last": ("## Escalation\n\n1. Duty engineer (10 min)\n2. Team lead (10 min)\n3. CTO\n", EACH),
    "times on drawn arrows": ("## Escalation\n\n```\nDuty engineer --(10 min)--> Team lead --(20 min)--> CTO\n```\n", HELD),
    "a chain beside a line about vendors": ("## Escalation\n\n1. Duty engineer → Team lead → CTO, 10 minutes each\n2. Vendors: see the wiki\n", EACH),
    "a column of hours beside the times": ("## Escalation\n\n| Level | Owner | Time | Escalate after |\n|---|---|---|---|\n| Level 1 | Duty engineer | 24/7 | N/A |\n| Level 2 | Team lead | 24/7 | 10 min of silence |\n| Level 3 | CTO | 24/7 | 20 min of silence |\n", OPENED),
    "stages over lists": ("## Escalation\n\n**Initial response:**\n\n- Alert routed to the duty engineer\n- Look at the graphs\n\n**First escalation (10 minutes without an answer or 15 minutes without a resolution):**\n\n- Alert escalated to the team lead\n- Open a channel\n\n**Management escalation (20 minutes without a resolution):**\n\n- CTO automatically notified\n", OPENED),
    "a time or a severity": ("## Escalation\n\n1. Page the duty engineer\n2. If unresolved after 10 minutes, or if the incident is SEV1, notify the team lead directly\n3. If unresolved after 20 minutes, notify the CTO\n", HELD),
    "another case behind a time line": ("## Escalation\n\n- **Immediate**: Page the duty engineer\n- **10 minutes**: Escalate to the team lead\n- **20 minutes**: Escalate to the CTO\n- **For loss of data**: Escalate to the board at once\n", OPENED),
    "a trigger that names the level before": ("## Escalation\n\n### Level 1: Duty engineer\n\n- Typical resolution: 30-60 minutes\n\n### Level 2: Team lead\n\n- Trigger: L1 unable to resolve in 10 min\n\n### Level 3: CTO\n\n- Trigger: L2 unable to resolve in 20 min\n", HELD),
    "Opsgenie": ('## Escalation\n\n```json\n{"rules": [\n {"condition": "if-not-acked", "delay": {"timeAmount": 0, "timeUnit": "minutes"}, "recipient": {"name": "Duty engineer"}},\n {"condition": "if-not-acked", "delay": {"timeAmount": 10, "timeUnit": "minutes"}, "recipient": {"name": "Team lead"}},\n {"condition": "if-not-acked", "delay": {"timeAmount": 20, "timeUnit": "minutes"}, "recipient": {"name": "CTO"}}]}\n```\n', OPENED),
    "a span with its unit in YAML": ("## Escalation\n\n```yaml\nescalation_levels:\n  - {role: duty engineer, timeout: 10_minutes}\n  - {role: team lead, timeout: 20_minutes}\n  - {role: CTO}\n```\n", HELD),
    "Grafana OnCall": ("## Escalation\n\n```yaml\nescalation_chain:\n  steps:\n    - {type: notify_schedule, schedule: duty engineer}\n    - {type: wait, duration: 600}\n    - {type: notify_persons, persons: [team lead]}\n    - {type: wait, duration: 1200}\n    - {type: notify_persons, persons: [CTO]}\n```\n", HELD),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_read(form: str):
    body, levels = FORMS[form]

    assert rungs(body) == levels


BY_SEVERITY: dict[str, tuple[str, list[tuple[str, str, int | None]]]] = {
    "one time beside a chain": (
        "## Escalation\n\n| Severity | Auto-escalate after | Escalation path |\n|---|---|---|\n| SEV1 | 10 min (no pickup) | Duty engineer → Team lead → CTO |\n| SEV2 | 1 hour | Duty engineer → Team lead |\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", 600), ("SEV1", "cto", None), ("SEV2", "duty engineer", 3600), ("SEV2", "team lead", None)],
    ),
    "a table in a fence": (
        "## Escalation\n\n```\nSeverity | Time to escalate | Escalation path\n---------|------|------\nSEV1 | 10 min | Duty engineer → Team lead\nSEV2 | 1 hour | Duty engineer → CTO\n```\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", None), ("SEV2", "duty engineer", 3600), ("SEV2", "cto", None)],
    ),
    "one time beside columns of levels": (
        "## Escalation\n\n| Severity | Tier 1 | Tier 2 | Tier 3 | Escalation time |\n|---|---|---|---|---|\n| SEV1 | Duty engineer | Team lead | CTO | 10 min |\n| SEV2 | Duty engineer | Team lead | - | 1 hour |\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", 600), ("SEV1", "cto", None), ("SEV2", "duty engineer", 3600), ("SEV2", "team lead", None)],
    ),
    "first responders and whom to escalate to": (
        "## Escalation\n\n| Severity | First responders | Escalate to | Timeframe |\n|---|---|---|---|\n| SEV1 | Duty engineer | Team lead | 10 min |\n| SEV2 | Duty engineer | Ada (network) | 1 hour |\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", None), ("SEV2", "duty engineer", 3600), ("SEV2", "ada", None)],
    ),
    "whoever stands behind the second has no time and is left out": (
        "## Escalation\n\n| Severity | Primary | Escalate after | Escalate to |\n|---|---|---|---|\n| SEV1 | Duty engineer | 10 min | Team lead → CTO |\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", None)],
    ),
    "how soon the first one answers is no time of the ladder": (
        "## Escalation\n\n| Severity | Initial response | Tier 1 | Tier 2 |\n|---|---|---|---|\n| SEV2 | Duty engineer (5 min) | Team lead (10 min) | CTO (20 min) |\n",
        [("SEV2", "duty engineer", 600), ("SEV2", "team lead", 1200), ("SEV2", "cto", None)],
    ),
    "a role for some incidents is passed over in its column": (
        "## Escalation\n\n| Role | SEV1 response | SEV2 response |\n|---|---|---|\n| Duty engineer | 0-5 min | 0-1 hr |\n| Security team | 7 min (if security) | 2 hr (if security) |\n| Team lead | 10 min | 3 hr |\n| CTO | 20 min (if ongoing) | - |\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", 1200), ("SEV1", "cto", None), ("SEV2", "duty engineer", 10800), ("SEV2", "team lead", None)],
    ),
    "a list under each severity": (
        "## Escalation\n\n- **SEV1 (all down)**: around the clock\n  - T+0: page the duty engineer\n  - T+5m: update the record\n  - T+10m: escalate to the team lead\n- **SEV2**: as above\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", None)],
    ),
    "times by severity in a sentence": (
        "## Escalation\n\n1. The duty engineer acknowledges the alert.\n2. If no mitigation in 10 minutes (SEV1) or 60 minutes (SEV2), escalate to the team lead.\n3. If still unresolved, escalate to the CTO.\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", None), ("SEV1", "cto", None), ("SEV2", "duty engineer", 3600), ("SEV2", "team lead", None), ("SEV2", "cto", None)],
    ),
    "times by severity for every level": (
        LIST + "Escalate to the next level after 10 minutes for SEV1, 1 hour for SEV2.\n",
        [(one, who, time) for one, time in (("SEV1", 600), ("SEV2", 3600)) for who, time in (("duty engineer", time), ("team lead", time), ("cto", None))],
    ),
    "times by severity for a level by its name": (
        LEVELS + "## When\n\n- SEV1: escalate to level 2 after 10 minutes\n- SEV2: escalate to level 2 after 1 hour\n",
        [(one, who, time) for one, time in (("SEV1", 600), ("SEV2", 3600)) for who, time in (("duty engineer", time), ("team lead", None), ("cto", None))],
    ),
    "a heading per severity": (
        "## Escalation\n\n### SEV1\n\n- The duty engineer is paged immediately\n- Escalate to the team lead after 10 minutes\n- Escalate to the CTO after 20 minutes\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", 1200), ("SEV1", "cto", None)],
    ),
    "a field per severity": (
        "## Notes\n\n### SEV1\n\n- **Escalation**: Duty engineer → Team lead (10 min) → CTO (20 min)\n\n### SEV2\n\n- **Escalation**: Duty engineer → Team lead (1 hour)\n",
        [("SEV1", "duty engineer", 600), ("SEV1", "team lead", 1200), ("SEV1", "cto", None), ("SEV2", "duty engineer", 3600), ("SEV2", "team lead", None)],
    ),
    "people with their times": (
        "## Escalation\n\n**SEV1**: Team lead after 10 min, director after 20 min, CTO after 1 hour\n",
        [("SEV1", "owner", 600), ("SEV1", "team lead", 1200), ("SEV1", "director", 3600), ("SEV1", "cto", None)],
    ),
    "the second is called after the one whom the guide names": (
        "## Duty\n\nThe primary on-call engineer looks first.\n\n## Escalation\n\n| Rule | Trigger | Action |\n|---|---|---|\n| A | SEV1 not acknowledged within 10 min | Page the secondary on-call |\n",
        [("SEV1", "primary on-call engineer", 600), ("SEV1", "secondary on-call", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", BY_SEVERITY)
def test_each_form_by_severity_is_read(form: str):
    body, levels = BY_SEVERITY[form]

    assert [(one, who, time) for one, who, time, _ in rungs(body)] == levels


def test_times_may_stand_beside_the_names_of_severities():
    scheme = "# Incident response\n\n## Incident severities\n\n| Severity | Response time |\n|---|---|\n| Critical | 15 min |\n| Major | 1 hour |\n| Minor | 4 hours |\n\n"
    levels = "## Escalation\n\n- **Level 1**: Duty engineer\n  - Escalation time: 10 minutes for critical, 1 hour for major\n- **Level 2**: Team lead\n"
    found = compile_guide(scheme + levels, "g.md").policy.escalation.levels

    assert [(each.severities, each.within and each.within.seconds) for each in found] == [
        (("Critical",), 600), (("Critical",), None), (("Major",), 3600), (("Major",), None),
    ]  # fmt: skip


def test_escalate_after_in_a_column_is_a_timer_where_nobody_is_named():
    body = "## More\n\n| Severity | Escalation |\n|---|---|\n| SEV1 | Escalate after 10 minutes |\n| SEV2 | Auto-escalate if not resolved in 2 hours |\n"
    timers = {row.severity: row.every.seconds for row in compiled(body).escalation.while_unresolved}

    assert timers == {"SEV1": 600, "SEV2": 7200}


BARE = [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, "")]
UNTOUCHED = {
    "how soon every level must answer": "Every level must acknowledge an escalation within 10 minutes.",
    "tickets": "## Support tickets\n\nOne that is not answered within 10 minutes goes to the next level.",
    "training": "## Training of new people\n\nThey wait 10 days before they go to the next level.",
    "reviews": "Without a review in 10 days it goes to the next level.",
    "an example": "For example, a page goes to the next level after 10 minutes without an answer.",
    "two times": "Unanswered for 10 minutes: to the next level. Unanswered for 20 minutes: to the next level.",
    "hours of the day": "After hours, unanswered pages go to the next level after 10 minutes.",
}


@pytest.mark.parametrize("what", UNTOUCHED)
def test_a_time_of_something_else_is_none_of_every_level(what: str):
    assert rungs(f"{LIST}{UNTOUCHED[what]}\n") == BARE


NONE = {
    "monthly reviews": "## Monthly review of escalations\n\n| Trigger | Action |\n|---|---|\n| Alert fires | Page the duty engineer |\n| Not acknowledged in 10 min | Page the team lead |\n",
    "a vendor's levels": "## Vendor escalation\n\n| Severity | Primary | Escalate after | Escalate to |\n|---|---|---|---|\n| SEV1 | Vendor desk | 10 min | Vendor manager |\n",
    "a drill": "## Escalation drill\n\n1. Page the duty engineer\n2. Wait 10 minutes\n3. Page the team lead\n",
    "a deployment": "## Escalation of deployments\n\n```\n0 min    └── Duty engineer notified\n10 min   └── Notifies: team lead\n```\n",
    "a handover with a wait": "## On-call and escalation\n\n- Page the duty engineer\n- Wait 10 minutes for the graphs to settle\n- Page the team lead\n",
    "times of the day": "## Escalation\n\n```\n00:00  Page the duty engineer\n08:00  Page the team lead\n```\n",
    "channels": "## Escalation\n\n1. **Step 1**: notify channels A and B immediately\n2. **Step 2**: if not acknowledged within 10 minutes, notify channel C\n",
    "machines": "## Escalation\n\n| Severity | Initial response | Escalate after | Escalate to |\n|---|---|---|---|\n| SEV1 | Health check | 10 min | Deep probe |\n",
    "acts of the work": "## Escalation\n\n- **SEV1**\n  - T+0: open the record\n  - T+10m: update the record\n",
    "rising times that may be either": "## Escalation\n\n1. Duty engineer (10 min)\n2. Team lead (20 min)\n3. CTO (30 min)\n",
    "approvals": "## Escalation of access requests\n\n- The team lead is notified\n- Escalate to the CTO after 10 hours\n",
    "stages of the work": "## Escalation\n\n**Initial response:**\n\n- The duty engineer is paged\n\n**First escalation (of the database):**\n\n- Restart the replica\n",
    "a stage for some incidents": "## Escalation\n\n**Initial response:**\n\n- The duty engineer is paged\n\n**First escalation (10 minutes for SEV1):**\n\n- Page the team lead\n",
    "a cadence": "## Escalation\n\nThe duty engineer acknowledges. After 10 minutes, the engineer restarts the service.\n",
}  # fmt: skip


@pytest.mark.parametrize("what", NONE)
def test_what_looks_like_a_ladder_and_is_none(what: str):
    assert rungs(NONE[what]) == []


def test_a_time_for_a_level_of_other_work_refuses_it():
    body = LEVELS + "## Bugs\n\nEscalate to level 2 if a bug is not resolved within 5 hours.\n"

    assert rungs(body) == []
    assert unread(body) == {9}


def _each(minutes: tuple[int, ...]) -> str:
    return LIST + f"Unacknowledged for {minutes[0]} minutes, a page goes to the next level.\n"


def _named(minutes: tuple[int, ...]) -> str:
    lines = [f"- L{n} → L{n + 1}: {time} min without an answer\n" for n, time in enumerate(minutes[:2], 1)]
    return LEVELS + "## When\n\n" + "".join(lines)


def _waits(minutes: tuple[int, ...]) -> str:
    return f"## Escalation\n\n- Page the duty engineer\n- Wait {minutes[0]} minutes\n- Page the team lead\n- Wait {minutes[1]} minutes\n- Page the CTO\n"


def _chain(minutes: tuple[int, ...]) -> str:
    return f"## Escalation\n\nDuty engineer ({minutes[0]} min) → Team lead ({minutes[1]} min) → CTO\n"


def _rules(minutes: tuple[int, ...]) -> str:
    rows = f"| Alert fires | Page the duty engineer |\n| Not acknowledged in {minutes[0]} min | Page the team lead |\n| Not acknowledged in {minutes[1]} min | Page the CTO |\n"
    return f"## Escalation\n\n| Trigger | Action |\n|---|---|\n{rows}"


def _drawn(minutes: tuple[int, ...]) -> str:
    return f"## Escalation\n\n```\nDuty engineer --({minutes[0]} min)--> Team lead --({minutes[1]} min)--> CTO\n```\n"


WRITTEN: tuple[Callable[[tuple[int, ...]], str], ...] = (_each, _named, _waits, _chain, _rules, _drawn)


@given(st.sampled_from(WRITTEN), st.integers(1, 55), st.integers(1, 55))
@settings(max_examples=60, deadline=None)
def test_whatever_the_times_are_each_level_has_its_own(written: Callable[[tuple[int, ...]], str], one: int, two: int):
    levels = rungs(written((one, two)))

    assert [who for _, who, _, _ in levels] == list(PEOPLE)
    assert [time for _, _, time, _ in levels] == [60 * one, 60 * (one if written is _each else two), None]
