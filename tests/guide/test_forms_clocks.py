"""Severities, limits and cadences as public guides give them, written afresh: what is read, what is only reported, what is none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import cadences
from tests.guide.test_forms_held_out import clocks
from tocsin.guide.compile import Compiled, compile_guide
from tocsin.guide.quantity import deadline, read

HARBOUR = (
    "# Incident response of the harbour\n\n## Severity\n\n| Severity | Meaning |\n|---|---|\n"
    "| SEV1 | no boat sails |\n| SEV2 | one boat is late |\n| SEV3 | an oar is lost |\n\n"
)


def compiled(body: str) -> Compiled:
    return compile_guide(HARBOUR + body, "g.md")


def limits(body: str) -> list[tuple[Any, ...]]:
    """(response, resolution) of the three severities of the harbour."""
    return [(respond, resolve) for _, respond, resolve, _ in clocks(HARBOUR + body)]


def lines(result: Compiled, *rules: str) -> list[int]:
    return [each.line for each in result.findings if each.rule in rules]


LIMITS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "a line leads into the list": (
        "## Targets\n\nTarget response times:\n\n- SEV1: 12 minutes\n- SEV2: 3 hours\n- SEV3: next business day\n",
        [(720, None), (10800, None), ("next business day", None)],
    ),
    "a bold line, by severity": (
        "## Targets\n\n**Resolution targets by severity:**\n\n- SEV1: 5 hours\n- SEV2: 2 business days\n",
        [(None, 18000), (None, "2 business days"), (None, None)],
    ),
    "an acknowledgement is the response too": (
        "## Targets\n\nAcknowledge within:\n- SEV1: 4 min\n- SEV2: 40 min\n",
        [(240, None), (2400, None), (None, None)],
    ),
    "first mitigation is no resolution": (
        "## Targets\n\nTime to mitigate:\n- SEV1: 50 min\n- SEV2: 6 h\n",
        [(None, None), (None, None), (None, None)],
    ),
    "a line that names no clock": (
        "## Crew\n\nRest after a night:\n\n- SEV1: 8 hours\n- SEV2: 4 hours\n",
        [(None, None), (None, None), (None, None)],
    ),
    "a sentence behind the limit": (
        "## Targets\n\n| Severity | Response target |\n|---|---|\n| SEV1 | Acknowledge within 12 minutes. Call at once. |\n"
        "| SEV2 | Next business day. Nobody is paged. |\n| SEV3 | 1 hour. Otherwise 2 hours at night. |\n",
        [(720, None), ("next business day", None), (None, None)],
    ),
    "the short form beside the long one": (
        "## Targets\n\n| Severity | Response time |\n|---|---|\n| SEV1 | ASAP (within 12 min) |\n| SEV2 | Next business day (NBD) |\n| SEV3 | Within one sprint |\n",
        [(720, None), ("next business day", None), ("one sprint", None)],
    ),
    "the permanent fix resolves, the interim one mitigates": (
        "## Targets\n\n| Severity | Ack | Interim fix | Permanent fix |\n|---|---|---|---|\n| SEV1 | 5 min | 2 h | 3 d |\n| SEV2 | 1 h | 1 d | 10 d |\n",
        [(300, 259200), (3600, 864000), (None, None)],
    ),
    "mean times, recovery points and detection are no clocks": (
        "## Targets\n\n| Severity | MTTR | RPO | Detection |\n|---|---|---|---|\n| SEV1 | 1 h | 5 min | 3 min |\n| SEV2 | 4 h | 1 h | 30 min |\n",
        [(None, None), (None, None), (None, None)],
    ),
    "plans rather than clocks": (
        "## Response time\n\n| Severity | Basic | Plus |\n|---|---|---|\n| SEV1 | 4 h | 12 min |\n| SEV2 | 8 h | 1 h |\n",
        [(None, None), (None, None), (None, None)],
    ),
    "restoring the service": (
        "## Targets\n\n| Severity | First response | Service restoration |\n|---|---|---|\n| SEV1 | 12 min | 3 h |\n| SEV2 | 2 h | Best effort |\n",
        [(720, 10800), (7200, "Best effort"), (None, None)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", LIMITS)
def test_limits(form: str):
    body, wanted = LIMITS[form]

    assert limits(body) == wanted


PAGES: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "Portuguese typed without accents": (
        "# Incidentes do porto\n\n## Niveis de severidade\n\n### P0 - CRITICAL (tudo parado)\n\n**Descricao:** nenhum barco.\n\n"
        "### P1 - HIGH (um barco)\n\n**Descricao:** um atraso.\n\n## Tempos\n\n| Severidade | Primeira Resposta | Atualizacao ao Cliente | Resolucao Target |\n"
        "|---|---|---|---|\n| **P0** | **12 minutos** | A cada 20 min | 3 horas |\n| **P1** | **2 horas** | Sob demanda | 4 dias uteis |\n",
        [("P0", 720, 10800, 5), ("P1", 7200, "4 business days", 9)],
    ),
    "French recovery targets": (
        "# Incidents du port\n\n## Niveaux de sévérité\n\n| Niveau | Description | RTO cible | RPO cible |\n|---|---|---|---|\n"
        "| **P0 — Critique** | rien | **< 20 min** | **< 2h** |\n| **P1 — Majeur** | un bateau | **< 3h** | N/A |\n",
        [("P0", None, 1200, 7), ("P1", None, 10800, 8)],
    ),
    "German words": (
        "# Handbuch\n\n## Incident Response\n\n### Klassifikation\n\n| Schweregrad | Beschreibung | Reaktionszeit | Behebungsziel |\n|---|---|---|---|\n"
        "| **Kritisch** | kein Boot | Sofort (< 2 Stunden) | < 1 Tag |\n| **Mittel** | ein Boot | < 1 Tag | < 9 Tage |\n| **Niedrig** | ein Ruder | nächster Arbeitstag | - |\n",
        [("Kritisch", 7200, 86400, 9), ("Mittel", 86400, 777600, 10), ("Niedrig", "next business day", None, 11)],
    ),
    "Japanese at once, with a number": (
        "# インシデント対応\n\n## 重大度\n\n| レベル | 説明 | 対応時間 |\n|---|---|---|\n| **P0** | 全停止 | **即座（12分以内）** |\n| **P1** | 一部 | **3時間以内** |\n",
        [("P0", 720, None, 7), ("P1", 10800, None, 8)],
    ),
    "a page about monitoring that is about who is called, too": (
        "# Monitoring of the harbour\n\nWho is on-call answers. Every outage is an incident.\n\nThe on-call phone rings.\n\n## Severity\n\n"
        "| Severity | Response time |\n|---|---|\n| SEV1 | 12 minutes |\n| SEV2 | 3 hours |\n",
        [("SEV1", 720, None, 11), ("SEV2", 10800, None, 12)],
    ),
    "Portuguese office hours start no clock that runs at night": (
        "# Incidentes\n\n## Severidade\n\n| Severidade | Descrição | Tempo de resposta |\n|---|---|---|\n| Sev 1 | tudo | 1 hora (hor. comercial) |\n"
        "| Sev 2 | algo | 4 horas (horário comercial) |\n| Sev 3 | pouco | Próximo dia útil |\n",
        [("Sev 1", None, None, 7), ("Sev 2", None, None, 8), ("Sev 3", "next business day", None, 9)],
    ),
    "who is paged at once, and by when": (
        "# Incidents\n\n## Severity\n\n| Severity | Definition | Response SLA |\n|---|---|---|\n| P0 | all | Page immediately, < 7 min |\n| P1 | some | Status page within 1 hour |\n",
        [("P0", 420, None, 7), ("P1", None, None, 8)],
    ),
    "answered and resolved by severity, on a page that names no incident": (
        "# Upkeep of the harbour\n\n## Agreement\n\n### Response times\n\n| Severity | Response | Resolution |\n|---|---|---|\n"
        "| P0 - Critical | 12 min | 3 hours |\n| P1 - High | 2 hours | next release |\n| P2 - Low | 1 day | - |\n",
        [("P0", 720, 10800, 9), ("P1", 7200, "next release", 10), ("P2", 86400, None, 11)],
    ),
    "below the log of incidents": (
        "# Incident log\n\n## Entries\n\n### SEV1: the pier fell\n\nAnswered within 2 minutes.\n\n### SEV2: a rope\n\nSlow.\n\n## Severity definitions\n\n"
        "| Level | Name | Response time |\n|---|---|---|\n| SEV-1 | Critical | < 12 min |\n| SEV-2 | Major | < 2 hours |\n",
        [("SEV-1", 720, None, 17), ("SEV-2", 7200, None, 18)],
    ),
    "Spanish, with the criterion at first": (
        "# Respuesta a incidentes\n\n## Escalamiento\n\n| Severidad | Criterio inicial | Participantes |\n|---|---|---|\n"
        "| SEV1 | ningún barco | todos |\n| SEV2 | un barco | la guardia |\n| SEV3 | un remo | nadie |\n",
        [("SEV1", None, None, 7), ("SEV2", None, None, 8), ("SEV3", None, None, 9)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", PAGES)
def test_pages(form: str):
    text, wanted = PAGES[form]

    assert clocks(text) == wanted


CADENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "a line leads into the list": ("## Talk\n\nUpdate cadence:\n\n- SEV1: 20 minutes\n- SEV2: hourly\n", {"SEV1": 1200, "SEV2": 3600}),
    "a verb leads into the list": ("## Talk\n\nWe update the passengers:\n\n- SEV1: every 20 minutes\n- SEV2: every hour\n", {"SEV1": 1200, "SEV2": 3600}),
    "another list of intervals is none": ("## Talk\n\nRest the crew:\n\n- SEV1: every 4 hours\n- SEV2: every 8 hours\n", {}),
    "every is said once": (
        "## Talk\n\n- Post an update every 20 minutes for SEV1, 40 minutes for SEV2 and daily for SEV3.\n",
        {"SEV1": 1200, "SEV2": 2400, "SEV3": 86400},
    ),
    "what is told on change has no interval": (
        "## Talk\n\n- Status updates every 20 minutes for SEV1, every 40 minutes for SEV2, and on change for SEV3.\n",
        {"SEV1": 1200, "SEV2": 2400},
    ),
    "as needed is no interval": ("## Talk\n\n- Update the page every 20 minutes during SEV1/SEV2 incidents; SEV3 as needed\n", {"SEV1": 1200, "SEV2": 1200}),
    "two ids of one interval": ("## Talk\n\n- Updates every 20 min for SEV1 and 2\n", {"SEV1": 1200, "SEV2": 1200}),
    "a second time that is no interval": ("## Talk\n\n- Updates every 20 minutes for SEV1, 40 minutes after the first\n", {"SEV1": 1200}),
    "in a checklist": (
        "## Response checklist\n\n- [ ] **Say it.** Post an update every 20 minutes for SEV1, every 40 minutes for SEV2.\n",
        {"SEV1": 1200, "SEV2": 2400},
    ),
    "a check of a checklist is none": ("## Response checklist\n\n- [ ] Look at the dashboard every 20 minutes for SEV1\n", {}),
    "Spanish": (
        "## Comunicación\n\n- Actualizar el estado cada 20 minutos en SEV1, cada 40 minutos en SEV2 y cuando cambie en SEV3.\n",
        {"SEV1": 1200, "SEV2": 2400},
    ),
    "a row of what is sent when": (
        "## Timeline of notices\n\n| Event | Target |\n|---|---|\n| SEV1 found | 12 min |\n| Status updates (open SEV1/SEV2) | Every 3 hours |\n| Report | 5 business days |\n",
        {"SEV1": 10800, "SEV2": 10800},
    ),
    "a Russian column": (
        "## Связь\n\n| Severity | Подтверждение | Обновления |\n|---|---|---|\n| SEV1 | ≤10 минут | каждые 20 минут |\n| SEV2 | ≤1 час | каждый час |\n",
        {"SEV1": 1200, "SEV2": 3600},
    ),
    "what follows the first one": (
        "## Talk\n\n| Severity | First update | Subsequent updates |\n|---|---|---|\n| SEV1 | 10 min | every 20 min |\n| SEV2 | 30 min | 2 hours |\n",
        {"SEV1": 1200, "SEV2": 7200},
    ),
    "a turned table": ("## Talk\n\n| | SEV1 | SEV2 |\n|---|---|---|\n| Update frequency | 20 min | 2 hours |\n", {"SEV1": 1200, "SEV2": 7200}),
    "a bare time may be the first update": ("## Talk\n\n| Severity | Customer updates |\n|---|---|\n| SEV1 | 20 min |\n| SEV2 | 2 hours |\n", {}),
}  # fmt: skip


@pytest.mark.parametrize("form", CADENCES)
def test_cadences(form: str):
    body, wanted = CADENCES[form]

    assert cadences(compiled(body).policy) == wanted


NO_POLICY = {
    "what another company uses": (
        "# How we think about severity levels\n\nAnother company of the coast uses this table:\n\n"
        "| Severity | Meaning | Response |\n|---|---|---|\n| SEV1 | all | 15 min |\n| SEV2 | some | 1 h |\n\nYours may differ.\n"
    ),
    "what one could look like": (
        "# On incidents\n\nA scale might look like this:\n\n- **SEV1**: all. Respond within 5 minutes.\n- **SEV2**: some. Respond within 1 hour.\n"
    ),
    "a report that counts what was found": (
        "# Test report\n\n## Flaws found\n\n### Severity 1 - Critical (5 issues)\n\n1. A hole\n\n### Severity 2 - High (4 issues)\n\n1. A crack\n"
    ),
    "levels of contacts": (
        "# Recovery of the boathouse\n\n## Escalation\n\n### Level 1: Warden\n- **Response time:** 5 minutes\n\n### Level 2: Mayor\n- **Response time:** 30 minutes\n"
    ),
    "one alert with its severity": "# Runbook: engine hot\n\n**Severity:** Critical\n**Response time:** 12 minutes\n\n## Steps\n\n1. Stop\n",
    "severities of alerts": (
        "# Alerts of the lighthouse\n\nA rule that fires writes a line.\n\n## Severity levels\n\n| Severity | Meaning | When used |\n|---|---|---|\n"
        "| Sev 1 | Error | the lamp is out |\n| Sev 2 | Warning | the lamp flickers |\n"
    ),
    "what the support of a supplier promises": (
        "# Getting started with the tide tables\n\n## Support severity levels\n\n| Severity | Response time | Description |\n|---|---|---|\n"
        "| Sev 1 | 1 hour | no tides |\n| Sev 2 | 4 hours | wrong tides |\n"
    ),
    "how an alert is shaped": (
        "# Monitoring architecture\n\n## Severity and frequency\n\n| Severity | Meaning | Shape |\n|---|---|---|\n| Sev 1 | page somebody | log @ 5 min |\n| Sev 2 | early warning | log @ 15 min |\n"
    ),
    "entries of a log": (
        "# Incident log\n\n## Entries\n\n### SEV1: the pier fell\n\nWe responded within 2 minutes.\n\n### SEV2: a rope\n\nSlow.\n"
    ),
    "holes in the planks, by severity": (
        "# Wood\n\n## Vulnerability remediation\n\n| Severity | Response | Resolution |\n|---|---|---|\n| P0 | 1 day | 7 days |\n| P1 | 2 days | 30 days |\n"
    ),
    "tiers of customers": (
        "# Tickets\n\n## SLA tiers\n\n| Tier | Response time | Resolution target |\n|---|---|---|\n| Gold | 4 hours | 24/7 |\n| Basic | Next business day | 8/5 |\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", NO_POLICY)
def test_what_is_no_policy_gives_nothing(form: str):
    policy = compile_guide(NO_POLICY[form], "g.md").policy

    assert (policy.severities, policy.cadences) == ((), ())


@pytest.mark.parametrize(
    ("body", "rule", "line"),
    [
        ("## Targets\n\n| Severity | RPO |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 1 h |\n", "GUIDE-UNREAD", 15),
        ("## Targets\n\n| Severity | Basic | Plus |\n|---|---|---|\n| SEV1 | - | Response within 1 hour, then a call |\n| SEV2 | - | - |\n", "GUIDE-UNREAD", 15),
        ("## Talk\n\n| Severity | Customer updates |\n|---|---|\n| SEV1 | 20 min |\n| SEV2 | every hour |\n", "GUIDE-UNREAD", 15),
        (
            "## Response times\n\n| Severity | Response time |\n|---|---|\n| SEV1 | 12 min |\n| SEV2 | 1 hour |\n\n## On call\n\nResponse times:\n\n- SEV1: 5 minutes\n- SEV2: 1 hour\n",
            "GUIDE-CONFLICT",
            22,
        ),
    ],
)  # fmt: skip
def test_what_starts_no_clock_is_reported(body: str, rule: str, line: int):
    result = compiled(body)

    assert line in lines(result, rule)
    assert all(each.respond_within is None or each.respond_within.seconds != 300 for each in result.policy.severities)


def test_words_of_another_language_beside_no_interval_are_nobody():
    result = compiled(
        "## Связь\n\n| Severity | Обновления |\n|---|---|\n| SEV1 | каждые 20 минут |\n| SEV2 | по изменениям |\n"
    )

    assert result.policy.escalation.notify == ()
    assert cadences(result.policy) == {"SEV1": 1200}


def test_a_column_that_is_read_is_not_reported():
    result = compiled(
        "## Targets\n\n| Severity | Response time | Notes |\n|---|---|---|\n| SEV1 | 12 min | none |\n| SEV2 | 1 h | none |\n"
    )

    assert lines(result, "GUIDE-UNREAD", "GUIDE-CONFLICT") == []


@pytest.mark.parametrize(
    ("phrase", "seconds"),
    [("3 d", 259200), ("ASAP (within 12 min)", 720), ("12 minutes. Call at once", 720), ("12 min (12 min)", 720), ("12 min (20 min)", None), ("12 min. At night 1 h", None)],
)  # fmt: skip
def test_phrases(phrase: str, seconds: int | None):
    limit = deadline(read(phrase))

    assert (limit and limit.seconds) == seconds
