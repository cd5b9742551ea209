"""What looks like an escalation ladder and is none: a wrong level is worse than one that is reported as missing."""

from __future__ import annotations

import pytest

from tests.guide.test_forms_ladders import STEPS, rungs, unread
from tocsin.guide.compile import compile_guide

NO_LADDERS: dict[str, str] = {
    "roles whose times differ by severity": (
        "## Escalation\n\n| Role | Hours | Escalation after |\n|---|---|---|\n| Duty engineer | always | 10 min (SEV1), 2 hours (SEV2) |\n"
        "| Team lead | weekdays | After the duty engineer |\n| CISO | on request | Only for breaches |\n"
    ),
    "people to contact with what for": (
        "## Escalation contacts\n\n| Role | Chat | When to contact |\n|---|---|---|\n| CTO | @cto | Large decisions |\n"
        "| CEO | @ceo | Press and law |\n| Product owner | @po | What users feel |\n"
    ),
    "boxes beside each other": (
        "## Escalation hierarchy\n\n```\n       ┌───────┐\n       │  CTO  │\n       └───┬───┘\n           │\n     ┌─────┴─────┐\n"
        " ┌───┴────┐  ┌───┴────┐\n │Web lead│  │App lead│\n └────────┘  └────────┘\n```\n"
    ),
    "from the head down to those on call": (
        "## Escalation\n\n```\nCTO\n |\nEngineering manager\n |\nOn-call engineer\n```\n"
    ),
    "tiers that name the next tier": (
        "## Escalation\n\n| Tier | Duty | Escalation |\n|---|---|---|\n| L1: Front | Questions | L2 if technical |\n"
        "| L2: Back | Servers | L3 if hard |\n| L3: Deep | Code | Executive team |\n"
    ),
    "headings that are steps and do not follow each other": (
        "## Escalation\n\n### Level 1: Duty engineer → Team lead\n\n- Ask\n\n### Level 2: Web manager → CTO\n\n- Ask again\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", NO_LADDERS.values(), ids=NO_LADDERS)
def test_what_is_no_ladder_for_sure_yields_no_level(body: str):
    assert rungs(body) == []


@pytest.mark.parametrize("name", ["from the head down to those on call", "tiers that name the next tier"])
def test_a_doubtful_ladder_is_reported_where_it_stands(name: str):
    assert unread(NO_LADDERS[name])


def test_a_table_of_whom_to_notify_keeps_its_ladder_beside_what_happened():
    body = (
        "## Escalation\n\n| Time | Action | Notify |\n|---|---|---|\n| 0 min | Alert seen | Duty engineer |\n"
        "| 10 min | No acknowledgement | Team lead |\n| 40 min | Still open | CTO |\n"
    )

    assert rungs(body) == [
        ("", "duty engineer", 600, "opened"),
        ("", "team lead", 2400, "opened"),
        ("", "cto", None, ""),
    ]


def test_those_called_at_one_time_are_one_level():
    body = (
        "## Escalation\n\n| Time | Role |\n|---|---|\n| Immediate | Duty engineer |\n| 10 min | Team lead |\n"
        "| 10 min | Support manager |\n| 40 min | CTO |\n"
    )

    assert rungs(body) == [
        ("", "duty engineer", 600, "opened"),
        ("", "team lead+support manager", 2400, "opened"),
        ("", "cto", None, ""),
    ]


def test_headings_that_lead_from_one_to_the_next_are_one_ladder():
    body = "## Escalation\n\n### Level 1: Duty engineer → Team lead\n\n- Ask\n\n### Level 2: Team lead → CTO\n\n- Ask again\n"

    assert rungs(body) == [("", "duty engineer", None, ""), ("", "team lead", None, ""), ("", "cto", None, "")]


def test_stretches_of_time_in_a_list_under_a_severity_are_its_ladder():
    body = "## Escalation paths\n\n### SEV1 - All is down\n\n1. **Duty engineer** (0-10 min)\n2. **Team lead** (10-40 min)\n3. **CTO** (40+ min)\n"

    assert rungs(body) == [
        ("SEV1", "duty engineer", 600, "opened"),
        ("SEV1", "team lead", 2400, "opened"),
        ("SEV1", "cto", None, ""),
    ]


def test_steps_of_work_with_gaps_between_their_times_are_no_ladder():
    body = "## Escalation paths\n\n### SEV1 - All is down\n\n1. **Duty engineer** (5-10 min)\n2. **Team lead** (20-40 min)\n3. **CTO** (60+ min)\n"

    assert rungs(body) == []


def test_rows_of_kinds_of_alerts_are_no_levels():
    body = "## Escalation\n\n| Alert | Who is paged | Escalation path | Timeout |\n|---|---|---|---|\n| Disk | Duty engineer | Web lead | 5 min |\n| Login | Security lead | CISO | 10 min |\n"

    assert rungs(body) == []


def test_sentences_of_what_is_done_are_no_people():
    body = "## Escalation\n\n1. The pager pages the duty engineer.\n2. If unacknowledged after 10 minutes, go on to the backup.\n3. For SEV1 incidents, tell the CTO.\n"

    assert rungs(body) == []


def test_a_level_whose_people_are_responders_has_its_timeout():
    body = "## Escalation\n\n| Level | Responder | Timeout |\n|---|---|---|\n| 1 | Duty engineer | 10 min |\n| 2 | Team lead | 40 min |\n| 3 | CTO | - |\n"

    assert rungs(body) == STEPS


def test_an_escalation_that_names_its_end_is_no_timer_that_goes_on():
    body = (
        "# Severities\n\n## SEV1 - All is down\n\n- **Response time**: 15 minutes\n"
        "- **Auto-escalation**: If not acknowledged in 20 minutes, escalate to the harbour director\n\n"
        "## SEV2 - Much is down\n\n- **Response time**: 1 hour\n"
    )

    policy = compile_guide(body, "g.md").policy

    assert policy.escalation.while_unresolved == ()
    assert [(each.who, each.severities, each.source and each.source.line) for each in policy.escalation.levels] == [
        (("owner",), ("SEV1",), 6),
        (("harbour director",), ("SEV1",), 6),
    ]


def test_who_may_change_the_level_is_no_level():
    body = "## Escalation authority\n\n- **Level 1 to 2**: Shift lead\n- **Level 2 to 3**: Operations manager\n- **Level 3 to 4**: Director\n"

    assert rungs(body) == []


def test_numbered_steps_of_the_work_are_no_levels():
    body = "## Escalation\n\n| Step | Action | Who | Within |\n|---|---|---|---|\n| 1 | Look | Tier 1 analyst | 0 min |\n| 2 | Start the call | Team lead | 10 min |\n| 3 | Tell the board | CTO | 40 min |\n"

    assert rungs(body) == []


def test_an_analyst_of_a_tier_is_somebody():
    body = "## Escalation\n\n| Time | Role |\n|---|---|\n| 0 min | Tier 1 analyst |\n| 10 min | Tier 2 analyst |\n| 40 min | CTO |\n"

    assert [who for _, who, _, _ in rungs(body)] == ["tier 1 analyst", "tier 2 analyst", "cto"]


def test_a_time_for_one_severity_is_no_time_of_the_level():
    body = "## Escalation\n\n| Level | Who | When |\n|---|---|---|\n| L1 | Duty engineer | All alerts |\n| L2 | Team lead | SEV1, or SEV2 > 1 hour |\n"

    assert rungs(body) == []
    assert 6 in unread(body)


def test_a_level_for_one_severity_ends_the_ladder_that_holds_for_all():
    body = "## Escalation\n\n1. **Level 1**: Duty engineer\n2. **Level 2**: Team lead (if no response in 10 minutes)\n3. **Level 3**: CTO (for SEV1 incidents)\n"

    assert rungs(body) == [("", "duty engineer", 600, "level"), ("", "team lead", None, "")]


def test_what_a_machine_does_is_nobody():
    body = "## Escalation\n\n1. **Level 1**: Automated recovery (0-10 minutes)\n2. **Level 2**: Duty engineer (10-40 minutes)\n3. **Level 3**: CTO (40+ minutes)\n"

    assert rungs(body) == []
    assert 3 in unread(body)


def test_what_stands_behind_numbered_levels_without_a_number_is_none_of_them():
    body = "## Escalation levels\n\n- **Level 1**: Duty engineer\n- **Level 2**: Team lead\n- **Emergency**: Immediate attention of the management\n"

    assert rungs(body) == [("", "duty engineer", None, ""), ("", "team lead", None, "")]
