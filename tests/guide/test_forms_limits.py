"""More ways in which public guides say how soon somebody answers and how soon it is over, written afresh; and what says neither."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.test_forms_clocks import HARBOUR, limits
from tests.guide.test_forms_held_out import clocks
from tocsin.guide.compile import compile_guide
from tocsin.guide.quantity import deadline, read

NOTHING = (None, None)

# (the guide, [(id, response, resolution, line)])
SCHEMES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "Chinese fields with the wide colon": (
        "# 码头事故响应\n\n## 分级\n\n### P0 - 全港停航\n- 响应时间：12分钟\n- 处理时间：3小时\n\n### P1 - 一船晚点\n- 响应时间：2小时内\n- 处理时间：9小时\n",
        [("P0", 720, 10800, 5), ("P1", 7200, 32400, 9)],
    ),
    "Chinese bold grades over lists": (
        "# 码头\n\n## 应急响应\n\n### 故障级别\n**P0级别**：全港停航\n- 响应时间：12分钟内\n- 处理时间：3小时内恢复\n\n**P1级别**：一船晚点\n- 响应时间：2小时内\n\n**P2级别**：丢一支桨\n- 响应时间：9小时内\n",
        [("P0", 720, 10800, 6), ("P1", 7200, None, 10), ("P2", 32400, None, 13)],
    ),
    "Chinese headings with the time in wide brackets": (
        "# 码头\n\n## 事件响应\n\n### P0 - 全港停航（响应时间：立即）\n\n敲钟。\n\n### P1 - 一船晚点（响应时间：12分钟）\n\n写条。\n",
        [("P0", 0, None, 5), ("P1", 720, None, 9)],
    ),
    "Chinese, two clocks in one item": (
        "# 码头事故\n\n## 级别\n\n- **P0**：全港停航，12分钟内响应，3小时内恢复\n- **P1**：一船晚点，2小时内响应，9小时内恢复\n- **P2**：丢一支桨，30分钟内通知船主\n",
        [("P0", 720, 10800, 5), ("P1", 7200, 32400, 6), ("P2", None, None, 7)],
    ),
    "Japanese and Korean clauses": (
        "# 障害対応\n\n## 重大度\n\n- P1: 12分以内に対応開始、3時間以内に復旧\n- P2: 2시간 이내 대응, 9시간 이내 복구\n",
        [("P1", 720, 10800, 5), ("P2", 7200, 32400, 6)],
    ),
    "a code, a clock, a time": (
        "# Incidents\n\n## Targets\n\n- `P0` acknowledgement: 12 min\n- `P1` acknowledgement: 2 hours\n- `P2` acknowledgement: 9 hours\n",
        [("P0", 720, None, 5), ("P1", 7200, None, 6), ("P2", 32400, None, 7)],
    ),
    "one line for each clock of a severity": (
        "# Incidents\n\n## Severity\n\n- SEV1 response: 12 min\n- SEV1 resolution: 3 h\n- SEV2 response: 2 h\n- SEV2 resolution: 9 h\n- SEV3 response: 1 d\n",
        [("SEV1", 720, 10800, 5), ("SEV2", 7200, 32400, 7), ("SEV3", 86400, None, 9)],
    ),
    "a heading that ends in its time, under an escalation": (
        "# Harbour\n\n## Escalation of incidents\n\n### Severity levels\n\n#### Severity 1 (Critical) - Response Time: Immediate\n\n- ring\n\n#### Severity 2 (High) - Response Time: 2 Hours\n\n- write\n",
        [("Severity 1", 0, None, 7), ("Severity 2", 7200, None, 11)],
    ),
    "lists below labels with a text": (
        "# Harbour incidents\n\n## Levels\n\n**SEV-1:** no boat sails\n- Acknowledge: 12 min\n- Target resolution: 3 h\n\n**SEV-2:** one boat\n- Acknowledge: 2 h\n- Target resolution: 9 h\n",
        [("SEV-1", 720, 10800, 5), ("SEV-2", 7200, 32400, 9)],
    ),
    "three severities on one line": (
        "# Incident playbook\n\n## SLAs\n\n- Sev1: response ≤12 min (24×7), resolution ≤3h; Sev2: response ≤2h, resolution ≤9h; Sev3: response ≤1 business day, resolution ≤2 business days.\n",
        [("Sev1", 720, 10800, 5), ("Sev2", 7200, 32400, 5), ("Sev3", "1 business day", "2 business days", 5)],
    ),
    "three limits behind one label": (
        "# On-call of the harbour\n\n## Watch\n\n- Weekly rotation.\n- Ack SLA: SEV1 immediate, SEV2 ≤12 min, SEV3 next business day.\n",
        [("SEV1", 0, None, 6), ("SEV2", 720, None, 6), ("SEV3", "next business day", None, 6)],
    ),
    "arrows to the limits": (
        "# On-call of the harbour\n\n## Watch\n\nResponse SLA: P1 → 12 min, P2 → 2 hours, P3 → 9 hours\n",
        [("P1", 720, None, 5), ("P2", 7200, None, 5), ("P3", 32400, None, 5)],
    ),
    "a bold line above speaks of incidents": (
        "# Needs of the ferry\n\n## Standing\n\n**N-5 — Incident response**\nCalls go to PagerDuty with the following severity:\n- **P1 (Critical)**: no boat. Target resolution: 3 hours.\n- **P2 (Low)**: one boat; target resolution: 9 hours.\n",
        [("P1", None, 10800, 7), ("P2", None, 32400, 8)],
    ),
    "a fence with a list of what they mean and one of the limits": (
        "# Harbour\n\n## Incidents\n\n```\nSeverity levels:\n  SEV-1 (Critical): no boat sails,\n                    or none comes\n  SEV-2 (High):     one boat\n"
        "  SEV-3 (Low):      an oar\n\nResponse times:\n  SEV-1: Acknowledge within 12 min, resolve within 3 hours\n  SEV-2: Acknowledge within 2 h, resolve within 9 h\n"
        "  SEV-3: Acknowledge within 9 h, resolve in next sprint\n\nThen:\n  1. Ring\n```\n",
        [("SEV-1", 720, 10800, 7), ("SEV-2", 7200, 32400, 9), ("SEV-3", 32400, "next sprint", 10)],
    ),
    "a box with bars between the limits": (
        "# Harbour\n\n## Incidents\n\n```\n┌──────────────────────────────────┐\n│ SEVERITY LEVELS                  │\n│ ───────────────                  │\n│ SEV-1 (Critical) — no boat sails │\n"
        "│ SEV-2 (High) — one boat          │\n│ SEV-3 (Low) — an oar             │\n│                                  │\n│ Response SLAs:                   │\n"
        "│ SEV-1: Acknowledge 12 min | Look 1 h │\n│ SEV-2: Acknowledge 2 h | Look 3 h    │\n│ SEV-3: Acknowledge 9 h | Look 1 d    │\n└──────────────────────────────────┘\n```\n",
        [("SEV-1", 720, None, 9), ("SEV-2", 7200, None, 10), ("SEV-3", 32400, None, 11)],
    ),
    "a Chinese table that says what they mean": (
        "# 安全事件\n\n### SEV 矩阵\n\n| SEV | 名称 | 判据（节选） |\n|---|---|---|\n| SEV1 | Critical | 全港停航 |\n| SEV2 | High | 一船晚点 |\n| SEV3 | Low | 丢一支桨 |\n",
        [("SEV1", None, None, 7), ("SEV2", None, None, 8), ("SEV3", None, None, 9)],
    ),
    "minutes as a prime, and a habit that is no cadence": (
        "# Incidents\n\n## Severity levels\n\n### Sev 1 - Critical (response < 12')\n\nRing.\n\n### Sev 2 - Low (handled in weekly cadence)\n\nWrite.\n",
        [("Sev 1", 720, None, 5), ("Sev 2", None, None, 9)],
    ),
    "a list in a fence that is called YAML and is none": (
        "# Harbour\n\n### Incident response\n\n```yaml\nSeverity Levels:\n  P1: No boat\n  P2: > 50% late\n  P3: An oar\n\nResponse Times:\n  P1: 12 minutes\n  P2: 2 hours\n  P3: Next business day\n```\n",
        [("P1", 720, None, 7), ("P2", 7200, None, 8), ("P3", "next business day", None, 9)],
    ),
    "YAML with the limits under a key of their own": (
        "# Harbour\n\n### Incident response\n\n```yaml\nSeverity Levels:\n  P1: No boat\n  P2: One boat\n  P3: An oar\nResponse Times:\n  P1: 12 minutes\n  P2: 2 hours\n  P3: Next business day\n```\n",
        [("P1", 720, None, 7), ("P2", 7200, None, 8), ("P3", "next business day", None, 9)],
    ),
    "two lines of a header": (
        "# Incidents\n\n## Severity\n\n| Severity | Targets | |\n|---|---|---|\n| | Response | Resolution |\n| SEV1 | 12 min | 3 h |\n| SEV2 | 2 h | 9 h |\n",
        [("SEV1", 720, 10800, 8), ("SEV2", 7200, 32400, 9)],
    ),
    "behind an arrow": (
        "# Incidents\n\n- SEV1 → page at once, 12 min response\n- SEV2 → 2 hours response\n",
        [("SEV1", 720, None, 3), ("SEV2", 7200, None, 4)],
    ),
    "the limit in a sentence behind what it means": (
        "# Incidents\n\n- **SEV1** - no boat sails. *Response: 12 min*\n- **SEV2** - one boat. *Response: 2 h*\n",
        [("SEV1", 720, None, 3), ("SEV2", 7200, None, 4)],
    ),
    "a label whose first sentence is the limit": (
        "# Incidents\n\n### SEV1 - Critical\n\nInitial response: within 12 minutes. Updates every 20 minutes. Target resolution 3 hours.\n\n"
        "### SEV2 - Low\n\nInitial response: within 2 hours. Another 3 hours may pass.\n",
        [("SEV1", 720, 10800, 3), ("SEV2", None, None, 7)],
    ),
    "German hours, cut short": (
        "# Störungen\n\n| Priorität | Beschreibung | Reaktionszeit | Lösungszeit |\n|---|---|---|---|\n| P1 | alles | 12 Min. | 3 Std. |\n| P2 | ein Boot | 2 Std. | nächster Werktag |\n",
        [("P1", 720, 10800, 5), ("P2", 7200, "next business day", 6)],
    ),
    "Portuguese and Spanish sentences": (
        "# Incidentes\n\n- **P1 (Crítico)**: nada anda. Resposta em até 12 min, resolução em até 3 h.\n- **P2 (Alto)**: uno. Tiempo de respuesta: 2 h. Resolución: 1 día hábil.\n",
        [("P1", 720, 10800, 3), ("P2", 7200, "1 business day", 4)],
    ),
    "examples are no definition": (
        "# On-call\n\n## Times\n\n| Priority | Response |\n|---|---|\n| P1 - no boat | 12 min |\n| P2 - one boat | 2 h |\n| P3 - an oar | 9 h |\n\n**P1 examples**: the pier is gone.\n**P2 examples**: the oars are.\n**P3 examples**: paint.\n",
        [("P1", 720, None, 7), ("P2", 7200, None, 8), ("P3", 32400, None, 9)],
    ),
    "the incidents of a desk": (
        "# Support of the harbour\n\n## Incidents\n\n| Priority | Description | Response target |\n|---|---|---|\n| P1 | no boat | 12 min |\n| P2 | one boat | 2 h |\n| P3 | an oar | 9 h |\n",
        [("P1", 720, None, 7), ("P2", 7200, None, 8), ("P3", 32400, None, 9)],
    ),
    "Spanish, of incidencias": (
        "# Acuerdo de nivel\n\n## Clasificación de incidencias\n\n### Prioridad Alta\n- Tiempo de respuesta: hasta 2 horas hábiles\n\n### Prioridad Baja\n- Tiempo de respuesta: hasta 9 horas hábiles\n",
        [("Alta", "2 business hours", None, 5), ("Baja", "9 business hours", None, 8)],
    ),
}

# behind the three severities of the harbour: (response, resolution) of each
ADDED: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "rows that name severity and clock": (
        "## Targets\n\n| Metric | Target |\n|---|---|\n| Boats afloat | 99 % |\n| SEV1 time-to-respond | ≤ 12 min |\n| SEV1 incident resolution | 3 h |\n| SEV2 response time | 2 h |\n",
        [(720, 10800), (7200, None), NOTHING],
    ),
    "what was measured is no promise": (
        "## Targets\n\n| Metric | Last month |\n|---|---|\n| SEV1 time-to-respond | 12 min |\n| SEV2 response time | 2 h |\n",
        [NOTHING, NOTHING, NOTHING],
    ),
    "a step of the escalation that says how soon it answers": (
        "## Escalation steps\n\n1. **Watch**: Must acknowledge within 12 minutes for SEV1.\n2. **Harbour master**: call if SEV1 is not resolved within 2 hours.\n",
        [(720, None), NOTHING, NOTHING],
    ),
    "who answers, and how soon in brackets": (
        "## Matrix\n\n| Severity | Initial response |\n|---|---|\n| SEV1 | On-call keeper (immediate) |\n| SEV2 | On-call keeper (2 hours) |\n| SEV3 | Team lead (if needed) |\n",
        [(0, None), (7200, None), NOTHING],
    ),
    "a table of acknowledgements of alerts": (
        "## Response time SLAs\n\n### Alert acknowledgement\n\n| Severity | Target | Maximum |\n|---|---|---|\n| SEV1 | 12 min | 20 min |\n| SEV2 | 2 h | 9 h |\n| SEV3 | next business hour | 1 d |\n",
        [(720, None), (7200, None), ("1 business hour", None)],
    ),
    "two times, and which one depends on when": (
        "## SLA targets\n\n1. SEV1 acknowledgement: 12 minutes during the regatta, 60 minutes afterward.\n2. SEV2 acknowledgement: 2 hours.\n",
        [NOTHING, (7200, None), NOTHING],
    ),
    "one sentence for two severities, the next for the third": (
        "## Watch\n\nSEV1 and SEV2: respond within 12 minutes. SEV3: next business day.\n",
        [(720, None), (720, None), ("next business day", None)],
    ),
    "a sentence of another clock between": (
        "## Watch\n\nSEV1: respond within 12 minutes. SEV2: lights for 9 hours.\n",
        [(720, None), NOTHING, NOTHING],
    ),
    "examples behind the table": (
        "## Targets\n\n| Severity | Response |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 2 h |\n\n**SEV1 examples**: the pier for 9 h.\n\n**SEV2 examples**: the oars.\n",
        [(720, None), (7200, None), NOTHING],
    ),
    "what is done at once, in many words": (
        "## Detail\n\n### SEV1 again\n\nResponse target: acknowledge immediately, stop the ferries, keep what was found and open a channel until somebody has looked at all of it.\n\n### SEV2 again\n\nResponse target: acknowledge within 12 minutes, name a captain.\n",
        [(0, None), (720, None), NOTHING],
    ),
    "hours of business in Portuguese brackets": (
        "## Tempos\n\n| Nível | Resposta |\n|---|---|\n| SEV1 | 12min |\n| SEV2 | 4h (comercial) |\n| SEV3 | 1 dia |\n",
        [(720, None), ("4 business hours", None), (86400, None)],
    ),
}

NO_POLICY: dict[str, str] = {
    "how many there were": "# Incidents of May\n\n## Severity distribution\n\n| Severity | Count | Share |\n|---|---|---|\n| Critical | 2 | 4 % |\n| High | 15 | 30 % |\n| Low | 33 | 66 % |\n",
    "two on a line are no scheme": "# On-call\n\n- Ack SLA: SEV1 immediate, SEV2 12 min.\n",
    "limits without a clock": "# On-call\n\nRest after a watch: P1 12 h, P2 9 h, P3 2 h\n",
    "limits of one clock without severities": "# Health of the buoys\n\n## Default thresholds\n\n- Acknowledgement: 12 minutes\n- Resolution: 60 minutes\n\nAn incident breaches them.\n",
    "a scheme that is not implemented": "# Incidents\n\n## Severity\n\nNot implemented yet; planned for spring.\n\n| Severity | Response time |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 2 h |\n| SEV3 | 9 h |\n",
    "a scheme to be done, by its status": "# Harbour\n\n## Boats\n\nMany.\n\n## Incident severity\n\n> **Status:** TODO\n\n| Severity | Response time |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 2 h |\n| SEV3 | 9 h |\n",
    "a proposed scheme": "# Incidents\n\n## Proposed severity levels\n\n| Severity | Response time |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 2 h |\n| SEV3 | 9 h |\n",
    "an example in a fence, in Chinese": "# 多船审查\n\n## SLA\n\n例如：\n\n```text\nP0: immediate\nP1: 12 min\nP2: 2 h\nP3: 9 h\n```\n\n## Incident mode\n\n敲钟。\n",
    "the tickets of a desk that escalates them": "# Support of the harbour\n\n## Tickets\n\n### Priority matrix\n\n| Priority | Description | Response target | Resolution target |\n|---|---|---|---|\n| P1 | no boat | 12 min | 3 h |\n| P2 | one boat | 2 h | 9 h |\n| P3 | an oar | 9 h | 3 d |\n\n### Escalation path\n\n1. Keeper\n2. Harbour master, in an outage\n",
    "a page that asks for what it lacks": "# Open questions\n\n## Severity of incidents\n\nTo be decided:\n\n1. How soon?\n   - SEV-1: respond within X minutes? 12? 30?\n   - SEV-2: respond within Y minutes?\n",
}


@pytest.mark.parametrize("form", SCHEMES)
def test_a_scheme_is_read_in_this_form(form: str):
    text, expected = SCHEMES[form]

    assert clocks(text) == expected


@pytest.mark.parametrize("form", ADDED)
def test_limits_are_added_in_this_form(form: str):
    text, expected = ADDED[form]

    assert limits(text) == expected


@pytest.mark.parametrize("form", NO_POLICY)
def test_this_is_no_policy(form: str):
    result = compile_guide(NO_POLICY[form], "g.md")

    assert result.policy.severities == ()


@pytest.mark.parametrize("words", ["next business hour", "by the next working hour", "one business hour"])
def test_the_next_business_hour_is_one(words: str):
    quantity = read(words)

    assert quantity is not None
    assert deadline(quantity).business_hours == 1


def test_a_limit_that_was_measured_is_reported_and_starts_nothing():
    result = compile_guide(HARBOUR + ADDED["what was measured is no promise"][0], "g.md")

    assert [(each.rule, each.line) for each in result.findings] == [("GUIDE-UNREAD", 15)]


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("# Soup\n\nBoil it for an hour.\n", "error"),
        ("# Incident response\n\nAsk the harbour master.\n", "warning"),
        ("# Chores\n\n## Priority\n\nP1 is done before P2 and P2 before P3.\n", "warning"),
        (
            "# Security policy\n\n## Reporting a vulnerability\n\n| Severity | Fix |\n|---|---|\n| Critical | 1 d |\n| Low | 9 d |\n",
            "error",
        ),
    ],
)
def test_only_a_page_that_is_surely_no_policy_is_an_error(text: str, level: str):
    [finding] = [each for each in compile_guide(text, "g.md").findings if each.rule == "GUIDE-NO-POLICY"]

    assert finding.level == level


def test_a_habit_named_in_a_heading_is_no_cadence():
    text, _ = SCHEMES["minutes as a prime, and a habit that is no cadence"]

    assert compile_guide(text, "g.md").policy.cadences == ()


def test_the_status_of_one_part_is_not_that_of_the_guide():
    text = HARBOUR + "## Drills\n\n**Status:** TODO\n\nNone.\n"

    assert [each.id for each in compile_guide(text, "g.md").policy.severities] == ["SEV1", "SEV2", "SEV3"]


def test_a_scheme_in_force_stands_instead_of_the_one_that_is_planned():
    planned = "## Planned severity levels\n\n| Severity | Response time |\n|---|---|\n| P1 | 5 min |\n| P2 | 50 min |\n| P3 | 5 h |\n"

    assert [each.id for each in compile_guide(HARBOUR + planned, "g.md").policy.severities] == ["SEV1", "SEV2", "SEV3"]


def test_what_is_planned_is_named_as_that():
    [finding] = compile_guide(NO_POLICY["a proposed scheme"], "g.md").findings

    assert (finding.rule, finding.level, finding.line) == ("GUIDE-NO-POLICY", "warning", 5)
    assert "planned" in finding.message


def test_reports_of_progress_are_told_and_new_versions_of_packages_are_not():
    talk = "## Communication\n\n- **Hourly**: Status updates while it lasts\n- **Daily**: Progress reports\n- **Weekly**: Dependency updates\n"

    assert sorted(each.every.seconds or 0 for each in compile_guide(HARBOUR + talk, "g.md").policy.cadences) == [
        3600,
        86400,
    ]


@pytest.mark.parametrize("title", ["Market hours (6 AM - 6 PM)", "After hours", "9:00 am to 5 pm", "Weekends"])
def test_a_sentence_below_some_hours_sets_no_limit_that_always_holds(title: str):
    page = "# Incidents\n\n- **P0**: All is down\n- **P1**: Much is down\n- **P2**: A flaw\n\n## On call\n\n"
    rule = "- **Response time**: faster (P0: 2 minutes, P1: 5 minutes, P2: 1 hour)\n"

    always = compile_guide(f"{page}### Our pace\n\n{rule}", "g.md").policy.severities
    at_times = compile_guide(f"{page}### {title}\n\n{rule}", "g.md").policy.severities

    assert [each.respond_within and each.respond_within.seconds for each in always] == [120, 300, 3600]
    assert [each.respond_within for each in at_times] == [None, None, None]


def test_nothing_is_resolved_at_once():
    table = (
        "# Incidents\n\n| Severity | Meaning | Acknowledge | Resolution target |\n|---|---|---|---|\n"
        "| SEV1 | All is down | Immediate | immediate containment, a plan in the same hour |\n"
        "| SEV2 | Much is down | 1 hour | Immediate |\n| SEV3 | A flaw | 1 day | 3 days |\n"
    )
    policy = compile_guide(table, "g.md").policy

    assert [each.respond_within and each.respond_within.seconds for each in policy.severities] == [0, 3600, 86400]
    assert [each.resolve_within and each.resolve_within.seconds for each in policy.severities] == [None, None, 259200]
    assert {each.line for each in policy.findings if each.rule == "GUIDE-UNREAD"} >= {5, 6}


def test_how_soon_each_is_reviewed_defines_none():
    page = (
        "# Incident response\n\nWe help each other.\n\n## Review process\n\n### Timing\n\n"
        "- **P0/P1 (Critical)**: Review scheduled within 24 hours\n- **P2 (Warning)**: Review scheduled within 1 week\n"
        "- **P3 (Info)**: Written into the log, review monthly\n"
    )

    assert compile_guide(page, "g.md").policy.severities == ()
    assert compile_guide(HARBOUR + page, "g.md").policy.severities[0].id == "SEV1"
