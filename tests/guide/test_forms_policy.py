"""What makes a table or a list of severities a policy on a page that never says "incident", and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.test_forms_held_out import clocks
from tocsin.guide.compile import compile_guide
from tocsin.guide.quantity import deadline, read

TIMES = "|---|---|\n| P0 | 12 min |\n| P1 | 2 hours |\n| P2 | 9 hours |\n"
BOTH = "|---|---|---|\n| P0 - Critical | 12 min | 3 hours |\n| P1 - High | 2 hours | 9 hours |\n| P2 - Low | 1 day | next release |\n"
WORDS = "|---|---|---|\n| Critical | 12 min | 3 hours |\n| High | 2 hours | 9 hours |\n| Low | 9 hours | 3 days |\n"
ANSWERED = [("P0", 720, None), ("P1", 7200, None), ("P2", 32400, None)]
BOTH_READ = [("P0", 720, 10800), ("P1", 7200, 32400), ("P2", 86400, "next release")]

POLICIES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "a plan for the support of one's own boats": (
        "# Upkeep and support plan\n\n## Agreement\n\n### Times\n\n| Severity | Response | Resolution |\n" + BOTH,
        BOTH_READ,
    ),
    "the part about support of a page about the harbour": (
        "# Running the harbour\n\n## Support\n\n| Severity | Response | Resolution |\n" + BOTH,
        BOTH_READ,
    ),
    "a page about watching": ("# Monitoring\n\n## Classes\n\n| Severity | Response time |\n" + TIMES, ANSWERED),
    "a page called by its service": ("# Ferry\n\n## Who comes when\n\n| Level | Response time |\n" + TIMES, ANSWERED),
    "Chinese, a kind of trouble": (
        "# 码头检查清单\n\n## 响应矩阵\n\n| 问题类型 | 响应时间 | 升级条件 |\n|---|---|---|\n| **P0 严重** | 立即 | 9 分钟未响应 |\n"
        "| **P1 一般** | 40 分钟 | 3 小时未处理 |\n| **P2 轻微** | 20 小时 | 周会 |\n",
        [("P0", 0, None), ("P1", 2400, None), ("P2", 72000, None)],
    ),
    "words, with both clocks": (
        "# Service level agreement\n\n## Times of the keepers\n\n| Severity | Response time | Resolution time |\n" + WORDS,
        [("Critical", 720, 10800), ("High", 7200, 32400), ("Low", 32400, 259200)],
    ),
    "a list below the line that names its clock": (
        "# Roll-out of the lamps\n\n## Keepers\n\nResponse times:\n\n- SEV1: 12 min\n- SEV2: 2 hours\n- SEV3: 9 hours\n",
        [("SEV1", 720, None), ("SEV2", 7200, None), ("SEV3", 32400, None)],
    ),
    "headings with their times": (
        "# Ferry\n\n## Levels\n\n### S1\n\n**Response time:** 12 min\n\n### S2\n\n**Response time:** 2 hours\n\n### S3\n\n**Response time:** 2 business days\n",
        [("S1", 720, None), ("S2", 7200, None), ("S3", "2 business days", None)],
    ),
    "how often people are told": (
        "# Talk of the harbour\n\n## Support\n\n## Severity\n\n| Severity | Update frequency |\n|---|---|\n| SEV1 | every 20 min |\n| SEV2 | every 2 hours |\n| SEV3 | daily |\n",
        [("SEV1", None, None), ("SEV2", None, None), ("SEV3", None, None)],
    ),
    "two labels on one line": (
        "# Incidents\n\n- P1 (Critical): no boat\n  - Acknowledge: 12 min, Resolve: 3 h\n- P2 (Low): one boat\n  - Acknowledge: 2 h; Resolve: 3 d\n",
        [("P1", 720, 10800), ("P2", 7200, 259200)],
    ),
    "plans beside what the severities mean": (
        "# Incidents\n\n## Severity\n\n| Severity | Definition | Basic | Premium |\n|---|---|---|---|\n| SEV1 | no boat | 2 h | 1 h |\n| SEV2 | one boat | 9 h | 3 h |\n",
        [("SEV1", None, None), ("SEV2", None, None)],
    ),
    "Spanish, the word behind what it grades": (
        "# Respuesta a incidentes\n\n## Atención\n\n### Prioridad Alta\n\n- **Tiempo de respuesta:** hasta 2 horas\n\n### Prioridad Media\n\n"
        "- **Tiempo de respuesta:** 5 horas hábiles\n\n### Prioridad Baja\n\n- **Tiempo de respuesta:** 2 días laborales\n",
        [("Alta", 7200, None), ("Media", "5 business hours", None), ("Baja", "2 business days", None)],
    ),
    "Portuguese, in a table": (
        "# Incidentes do porto\n\n| Nível | Tempo de resposta |\n|---|---|\n| Severidade Alta | 2 horas |\n| Severidade Média | 7 horas úteis |\n| Severidade Baixa | 3 dias úteis |\n",
        [("Alta", 7200, None), ("Média", "7 business hours", None), ("Baixa", "3 business days", None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", POLICIES)
def test_short_times_of_their_own_make_a_policy_under_any_title(form: str):
    text, wanted = POLICIES[form]

    assert [each[:3] for each in clocks(text)] == wanted


SEVERITY = "| Severity | Response | Resolution |\n"
NO_POLICIES = {
    "holes that are patched": "# Planks\n\n## Patching\n\n" + SEVERITY + BOTH,
    "holes, said in the lead": "# Planks\n\n## Times\n\nEvery vulnerability has a time:\n\n" + SEVERITY + BOTH,
    "a score in the header": "# Planks\n\n## Times\n\n| Severity | CVSS | Response time |\n|---|---|---|\n| P0 | 9 | 1 h |\n| P1 | 7 | 5 h |\n| P2 | 4 | 9 h |\n",
    "a bounty": "# Bounty of the harbour\n\n## Times\n\n" + SEVERITY + BOTH,
    "bugs": "# Quality\n\n## Bugs\n\n" + SEVERITY + BOTH,
    "a burnt budget": "# Error budget\n\n## Times\n\n| Severity | Response time |\n" + TIMES,
    "what went wrong last year": "# Retrospective of the pier\n\n## Times\n\n| Level | Response time |\n" + TIMES.replace("P", "S"),
    "an example": "# Tables\n\n## Example\n\n| Severity | Response time |\n" + TIMES,
    "alerts": "# Lamps\n\n## Alert levels\n\n| Severity | Response time |\n" + TIMES,
    "the supplier's support": "# Lamps\n\n## Support of the vendor\n\n" + SEVERITY + BOTH,
    "support in a guide for beginners": "# Getting started with lamps\n\n## Support\n\n" + SEVERITY + BOTH,
    "only an answer from support": "# Lamps\n\n## Support\n\n| Severity | Response time |\n" + TIMES,
    "a column per plan": "# Service level\n\n## Times\n\n| Severity | Response time | Basic | Premium |\n|---|---|---|---|\n| P0 | 12 min | 1 h | 1 h |\n| P1 | 2 h | 3 h | 4 h |\n| P2 | 9 h | 9 h | 9 h |\n",
    "nothing but plans, for an incident": "# Incidents of the lamps\n\n## Severity\n\n| Severity | Premium support | Basic support |\n|---|---|---|\n| SEV1 | 1 hour | 9 hours |\n| SEV2 | 2 hours | None |\n| SEV3 | 9 hours | None |\n",
    "plans to buy": "# Plans and pricing\n\n## Times\n\n" + SEVERITY + BOTH,
    "tickets": "# Helpdesk\n\n## Targets\n\n| Priority | Ack target | Resolve target |\n" + BOTH,
    "chores by priority": "# Keepers\n\n## Priority of chores\n\n| Priority | Response time |\n" + TIMES,
    "Chinese chores": "# 码头指南\n\n## 优先级定义\n\n| 优先级 | 响应时间 |\n|---|---|\n| P0 | 20 分钟 |\n| P1 | 2 小时 |\n| P2 | 9 小时 |\n",
    "Chinese holes": "# 码头指南\n\n## 漏洞\n\n| 级别 | 响应时间 |\n|---|---|\n| P0 | 20 分钟 |\n| P1 | 2 小时 |\n| P2 | 9 小时 |\n",
    "days": "# Keepers\n\n## Times\n\n| Level | Response time |\n|---|---|\n| P0 | 1 day |\n| P1 | 3 days |\n| P2 | 9 days |\n",
    "weeks after one urgent day": "# Keepers\n\n## Times\n\n| Level | Response time |\n|---|---|\n| P0 | at once |\n| P1 | this week |\n| P2 | this month |\n",
    "two lines": "# Keepers\n\n## Times\n\n| Level | Response time |\n|---|---|\n| P0 | 12 min |\n| P1 | 2 hours |\n",
    "one time for all": "# Keepers\n\n## Times\n\n| Level | Response time |\n|---|---|\n| P0 | 1 hour |\n| P1 | 1 hour |\n| P2 | 1 hour |\n",
    "times of another kind": "# Keepers\n\n## Walks\n\n| Level | Length |\n" + TIMES,
    "copies": "# Backup of the log\n\n## Times\n\n| Level | Recovery time |\n" + TIMES,
    "words, with one clock": "# Keepers\n\n## Times\n\n| Severity | Response time |\n|---|---|\n| Critical | 12 min |\n| High | 2 hours |\n| Low | 9 hours |\n",
    "words of support": "# Lamps\n\n## Support\n\n" + SEVERITY + WORDS,
    "what a tool does": "# Watching agent\n\n## Severity levels\n\n| Level | Label | Actions |\n|---|---|---|\n| SEV-1 | Critical | mail + log |\n| SEV-2 | High | log |\n| SEV-3 | Low | log |\n",
    "priorities as a field of a form": "# Form\n\n## Task\n\n### Priority: High\n\nResponse time: 2 hours\n\n### Priority: Low\n\nResponse time: 9 hours\n",
    "a stub": "# Ferry\n\nSTATUS: NOT STARTED\n\n## Levels\n\n" + SEVERITY + BOTH,
    "a note on how holes are told": "# Security policy\n\n## Reporting a vulnerability\n\n" + SEVERITY + WORDS,
}  # fmt: skip


@pytest.mark.parametrize("form", NO_POLICIES)
def test_times_of_something_else_make_no_policy(form: str):
    compiled = compile_guide(NO_POLICIES[form], "g.md")

    assert (compiled.status != "active", compiled.policy.severities) == (True, ())


def test_severities_that_are_passed_over_are_named_by_their_line():
    [finding] = compile_guide(
        "# Keepers\n\n## Priority of chores\n\n| Priority | Response time |\n" + TIMES, "g.md"
    ).findings

    assert (finding.rule, finding.line) == ("GUIDE-NO-POLICY", 5)
    assert "nothing says" in finding.message


@pytest.mark.parametrize(
    ("phrase", "hours"),
    [
        ("4 horas hábiles", 4),
        ("hasta 24 horas habiles", 24),
        ("máximo 8 horas laborales", 8),
        ("8 hrs hábiles", 8),
        ("6 h úteis", 6),
    ],
)
def test_working_hours_in_spanish_and_portuguese(phrase: str, hours: int):
    limit = deadline(read(phrase))

    assert limit is not None
    assert (limit.business_hours, limit.seconds) == (hours, None)


@pytest.mark.parametrize("phrase", ["2 horas (horas hábiles)", "2 horas (horario hábil)", "2 horas (horas úteis)"])
def test_working_hours_beside_a_span_start_no_clock_that_runs_at_night(phrase: str):
    assert deadline(read(phrase)) is None


@pytest.mark.parametrize(("phrase", "seconds"), [("menos de 12 minutos", 720), ("no máximo 3 horas", 10800)])
def test_bounds_in_spanish_and_portuguese(phrase: str, seconds: int):
    limit = deadline(read(phrase))

    assert limit is not None
    assert limit.seconds == seconds
