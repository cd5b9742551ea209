"""YAML in the fences of a guide: escalation policies and severities are read, examples, forms and programs are not."""

from __future__ import annotations

from time import process_time

import pytest

from tests.guide.scoring import value
from tests.guide.test_forms_ladders import STEPS, TIMELINE, Rungs, compiled, page, rungs
from tocsin.guide.compile import compile_guide


def fence(yaml: str, title: str = "Escalation policy", above: str = "") -> str:
    return f"## {title}\n\n{above}```yaml\n{yaml}```\n"


LEVELS = (
    "escalation_policy:\n  levels:\n    - level: 1\n      target: duty engineer\n      timeout_minutes: 10\n"
    "    - level: 2\n      target: team-lead\n      timeout_minutes: 40\n    - level: 3\n      target: CTO\n"
)
BODIES: dict[str, tuple[str, Rungs]] = {
    "levels with a target and a timeout": (fence(LEVELS), STEPS),
    "rules that count from the opening": (
        fence("rules:\n  - delay: 0\n    recipients: [duty engineer]\n  - delay: 10m\n    recipients: [team lead]\n  - delay: 40m\n    recipients: [CTO]\n"),
        TIMELINE,
    ),
    "rules with what they wait, and targets by name": (
        fence(
            "escalation_rules:\n  - escalation_delay_in_minutes: 10\n    targets:\n      - {type: schedule_reference, name: Duty engineer}\n"
            "  - escalation_delay_in_minutes: 40\n    targets:\n      - {type: user_reference, id: TEAM_LEAD}\n  - targets: [CTO]\n"
        ),
        STEPS,
    ),
    "a chain with steps that wait": (
        fence("escalation_chain:\n  - notify: duty engineer\n  - wait: 10m\n  - notify: team lead\n  - type: wait\n    duration: 40 minutes\n  - notify: CTO\n"),
        STEPS,
    ),
    "levels that are keys": (
        fence("escalation_matrix:\n  level_1:\n    contact: Duty engineer\n    escalate_after: 10m\n  level_2:\n    contact: Team lead\n    escalate_after: 40m\n  level_3:\n    contact: CTO\n"),
        STEPS,
    ),
    "levels by their names alone": (fence("escalation:\n  primary: duty engineer\n  secondary: team lead\n"), [("", "duty engineer", None, ""), ("", "team lead", None, "")]),
    "a policy per severity": (
        fence("escalation:\n  SEV1:\n    - after: 0m\n      notify: duty engineer\n    - after: 10m\n      notify: CTO\n  SEV2:\n    - notify: duty engineer\n    - notify: team lead\n"),
        [
            ("SEV1", "duty engineer", 600, "opened"), ("SEV1", "cto", None, ""),
            ("SEV2", "duty engineer", None, ""), ("SEV2", "team lead", None, ""),
        ],
    ),
    "a policy with a severity in its name": (
        fence("policy:\n  name: SEV1 escalation\n  steps:\n    - {who: duty engineer, timeout: 10m}\n    - {who: CTO}\n"),
        [("SEV1", "duty engineer", 600, "level"), ("SEV1", "cto", None, "")],
    ),
    "the same as JSON": (
        '## Escalation\n\n```json\n{"escalation": {"levels": [{"role": "duty engineer", "timeout": "10m"}, {"role": "team lead", "timeout": "40m"}, {"role": "CTO"}]}}\n```\n',
        STEPS,
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", BODIES)
def test_a_ladder_in_yaml_is_read_in_this_form(form: str):
    body, expected = BODIES[form]

    assert rungs(body) == expected


def test_a_level_in_yaml_has_the_line_on_which_it_begins():
    above = page("").count("\n") - 1

    found = [each.source.line - above for each in compiled(fence(LEVELS)).escalation.levels if each.source]

    assert found == [6, 9, 12]


NOT_READ: dict[str, str] = {
    "an example by the line above": fence(LEVELS, above="For example:\n\n"),
    "an example by its own comment": fence(f"# Example policy\n{LEVELS}"),
    "an example by its heading": fence(LEVELS, title="Example escalation policy"),
    "a form to fill in": fence(LEVELS.replace("duty engineer", "<name>")),
    "ids that name nobody": fence(LEVELS.replace("duty engineer", "USER_ID_1")),
    "conditions that escalate a finding": fence("escalation_policy:\n  triggers:\n    - condition: amount > 500\n      escalate_to: manager\n    - condition: risk\n      escalate_to: analyst\n"),
    "people to ask": fence("escalation_contacts:\n  - name: Data lead\n    phone: 1\n  - name: CTO\n    phone: 2\n"),
    "two policies for the same incidents": fence("escalation_policies:\n  - name: web\n    levels: [duty engineer, CTO]\n  - name: data\n    levels: [data lead, CTO]\n"),
    "an alias": fence("escalation_policy:\n  levels: &a [duty engineer, CTO]\n  more: *a\n"),
    "no YAML": fence("escalation_policy: [duty engineer\n"),
}  # fmt: skip


@pytest.mark.parametrize("form", NOT_READ)
def test_yaml_that_is_no_policy_for_sure_yields_no_level_and_is_reported(form: str):
    policy = compiled(NOT_READ[form])

    assert policy.escalation.levels == ()
    assert any(each.rule == "GUIDE-UNREAD" and "YAML" in each.message for each in policy.findings) or "heading" in form


@pytest.mark.parametrize("first", ["apiVersion: v1\n", "route:\n  receiver: escalation\n"])
def test_the_configuration_of_a_program_is_none(first: str):
    policy = compiled(fence(first + LEVELS))

    assert policy.escalation.levels == ()


def test_levels_in_yaml_whose_times_may_mean_two_things_are_none():
    body = fence("levels:\n  - {who: duty engineer, timeframe: 10m}\n  - {who: team lead, timeframe: 40m}\n")

    policy = compiled(body)

    assert policy.escalation.levels == ()
    assert any(each.rule == "GUIDE-UNREAD" for each in policy.findings)


def test_severities_in_yaml_are_read_where_nothing_else_defines_them():
    yaml = (
        "severity_levels:\n  SEV1:\n    name: Critical\n    description: All is down\n    response_time: 15m\n    resolution_time_hours: 4\n"
        "  SEV2:\n    name: High\n    description: Much is down\n    response_time: 1h\n    update_frequency: hourly\n"
    )

    policy = compile_guide(f"# Incidents\n\n{fence(yaml, title='Severity levels')}", "g.md").policy

    assert [(each.id, each.name, each.source and each.source.line) for each in policy.severities] == [
        ("SEV1", "Critical", 7),
        ("SEV2", "High", 12),
    ]
    assert [(value(each.respond_within), value(each.resolve_within)) for each in policy.severities] == [
        (900, 14400),
        (3600, None),
    ]
    assert [(each.severities, value(each.every)) for each in policy.cadences] == [(("SEV2",), 3600)]


def test_severities_in_a_list_in_yaml_are_read():
    yaml = "severities:\n  - level: P1\n    description: All is down\n    response_minutes: 15\n  - level: P2\n    description: Much\n    response_minutes: 60\n"

    policy = compile_guide(f"# Incidents\n\n{fence(yaml, title='Severity levels')}", "g.md").policy

    assert [(each.id, value(each.respond_within)) for each in policy.severities] == [("P1", 900), ("P2", 3600)]


BOMBS: dict[str, str] = {
    "aliases of aliases": "escalation: &a [x, x]\n" + "".join(f"k{n}: &b{n} [*a, *a, *a]\n" for n in range(150)),
    "nesting": f"escalation: {'[' * 20_000}",
    "one long line": f"escalation: [{'duty engineer, ' * 20_000}]",
    "many keys": "escalation:\n" + "  a: b\n" * 50_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_hostile_yaml_ends_in_time_and_raises_nothing(bomb: str):
    began = process_time()

    policy = compile_guide(page(fence(BOMBS[bomb])), "g.md").policy

    assert policy.escalation.levels == ()
    assert process_time() - began < 5
