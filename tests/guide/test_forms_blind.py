"""Forms met in a blind round over public guides, written afresh and as small as they still show the form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.guide.scoring import cadences, ladder, timers, value
from tests.guide.test_forms_held_out import clocks, page
from tocsin.guide.clocks import clauses, clock_of
from tocsin.guide.compile import Compiled, compile_guide
from tocsin.guide.ids import is_word
from tocsin.guide.quantity import read


def compiled(text: str) -> Compiled:
    return compile_guide(text, "g.md")


IDS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "sentences whose subjects are severities": (
        "# Incident plan\n\n## Severity\n\n**SEV-1** is a leak of letters or a lost post office. **SEV-2** covers late\n"
        "letters. **SEV-3** means a stamp that is crooked.\n",
        [("SEV-1", None, None, 5), ("SEV-2", None, None, 5), ("SEV-3", None, None, 6)],
    ),
    "one labelled line": (
        "# Incident runbook of the ferry\n\n**Owner:** the crew\n**Severity levels:** P1 (critical) / P2 (major) / P3 (minor)\n",
        [("P1", None, None, 4), ("P2", None, None, 4), ("P3", None, None, 4)],
    ),
    "two plain paragraphs under the title": (
        "# On-call\n\nCall the first of the list.\n\nSeverity 1: no boat sails. Stay until one does.\n\n"
        "Severity 2: one boat is late. Write it down.\n",
        [("Severity 1", None, None, 5), ("Severity 2", None, None, 7)],
    ),
    "the definition and not the limits give the line": (
        "# Incidents\n\n## Severity\n\n- **CRÍTICO** — o barco afunda\n- **ALTO** — o barco para\n- **BAIXO** — o barco treme\n"
        "- **INFORMATIVO** — só um registo\n\n## Severity limits\n\n| Severity | Response time |\n|---|---|\n"
        "| CRÍTICO | < 10 min |\n| ALTO | < 2 hours |\n| BAIXO | < 2 days |\n",
        [("CRÍTICO", 600, None, 5), ("ALTO", 7200, None, 6), ("BAIXO", 172800, None, 7), ("INFORMATIVO", None, None, 8)],
    ),
    "who must do it": (
        "# Incidents\n\n## Severity\n\n### P1 - Critical\n\n| Attribute | Value |\n|---|---|\n"
        "| **Response Time** | On-call engineer must acknowledge within **7 minutes** |\n| **Target Resolution** | **2 hours** (next business day if outside hours) |\n\n"
        "### P2 - High\n\n| Attribute | Value |\n|---|---|\n| **Response Time** | The team should respond within 40 minutes |\n",
        [("P1", 420, 7200, 5), ("P2", 2400, None, 12)],
    ),
    "one line gives the limit of each": (
        "# Incidents\n\n## Severity\n\n- P0: all boats\n- P1: one boat\n- P2: an oar\n\n## On duty\n\n"
        "**Response times**: P0 (10 min), P1 (2 hours) and P2 (next business day).\n",
        [("P0", 600, None, 5), ("P1", 7200, None, 6), ("P2", "next business day", None, 7)],
    ),
    "two words under a heading that says it": (
        "# Incident response of the ferry\n\n## Severity\n\n- **Critical:** no boat sails\n- **Warning:** one is late\n\n## First\n\n1. Ring\n",
        [("Critical", None, None, 5), ("Warning", None, None, 6)],
    ),
    "two words of alerts are no scheme": (
        "# Dashboards\n\n## Severity\n\n- **Critical:** red\n- **Warning:** amber\n",
        [],
    ),
    "a label of the tracker": (
        "# Incident severity policy\n\n| Priority | Meaning |\n|---|---|\n| `priority-p1` | no boat sails |\n| `priority-p2` | one is late |\n| `priority-p3` | an oar is lost |\n",
        [("P1", None, None, 5), ("P2", None, None, 6), ("P3", None, None, 7)],
    ),
    "a sentence for two": (
        "# On-call\n\n## Duties\n\n- Acknowledge SEV1/SEV2 pages within **6 minutes**.\n\n## Severity\n\n- SEV1: all boats\n- SEV2: one boat\n- SEV3: an oar\n",
        [("SEV1", 360, None, 9), ("SEV2", 360, None, 10), ("SEV3", None, None, 11)],
    ),
    "French, with working hours": (
        "# Engagement de service\n\nVoir aussi la gestion d'incident et l'astreinte.\n\nL'astreinte répond de chaque incident.\n\n## Niveaux de service\n\n"
        "| Niveau | Exemple | Prise en charge | Résolution cible |\n|---|---|---|---|\n| **P1 – Critique** | rien ne part | 2 heures | 6 heures |\n"
        "| **P2 – Haute** | un retard | 3 heures ouvrées | 2 jours ouvrés |\n| **P3 – Faible** | une rame | 1 jour ouvré | prochaine itération |\n",
        [("P1", 7200, 21600, 11), ("P2", "3 business hours", "2 business days", 12), ("P3", "1 business day", "next sprint", 13)],
    ),
    "Vietnamese": (
        "# Ứng phó sự cố\n\n## Mức độ nghiêm trọng\n\n| Level | Định nghĩa | Acknowledge SLA | Resolve SLA |\n|---|---|---|---|\n"
        "| **P0** | dừng hết | **6 phút** | **2 giờ** |\n| **P1** | chậm | **3 giờ** | **Ngày làm việc tiếp theo** |\n| **P2** | nhỏ | **2 tuần** | **3 ngày** |\n",
        [("P0", 360, 7200, 7), ("P1", 10800, "next business day", 8), ("P2", 1209600, 259200, 9)],
    ),
    "Indonesian, turned": (
        "# Klasifikasi insiden\n\n## Matriks\n\n| | SEV1 (kritis) | SEV2 (tinggi) | SEV3 (rendah) |\n|---|---|---|---|\n"
        "| **Definisi** | semua kapal | satu kapal | dayung |\n| **Respons awal** | ≤ 12 menit | ≤ 3 jam kerja | Sprint berikutnya |\n",
        [("SEV1", 720, None, 5), ("SEV2", "3 business hours", None, 5), ("SEV3", "next sprint", None, 5)],
    ),
    "under a bare response stands what is done": (
        "# Incident response\n\n## Severity\n\n| Severity | Definition | Response |\n|---|---|---|\n| SEV-1 | no boat | Immediate crew meeting and rescue |\n"
        "| SEV-2 | late boat | Urgent coordinated answer |\n| SEV-3 | an oar | Immediate |\n| SEV-4 | paint | Backlog |\n",
        [("SEV-1", None, None, 7), ("SEV-2", None, None, 8), ("SEV-3", 0, None, 9), ("SEV-4", None, None, 10)],
    ),
    "a cell that only says how is no limit": (
        "# Incidents\n\n## Severity\n\n| Sev | Impact | Response |\n|---|---|---|\n| Sev1 | all | 20 minutes |\n| Sev2 | some | In-hours reply; ticket + watch |\n",
        [("Sev1", 1200, None, 7), ("Sev2", None, None, 8)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", IDS)
def test_severities_and_their_clocks(form: str):
    text, wanted = IDS[form]

    assert clocks(text) == wanted


CADENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "a pair per severity in one line": (
        "## Communication\n\n- **Updates**: SEV1 (20 min), SEV2 (2hr), SEV3 (daily)\n",
        {"SEV1": 1200, "SEV2": 7200, "SEV3": 86400},
    ),
    "a column called timing": (
        "## Communication\n\n### External communication\n\n| Severity | Status page | Timing |\n|---|---|---|\n"
        "| SEV1 | Immediately | Every 20 min |\n| SEV2 | If > 15 min | Every hour |\n| SEV3 | No | N/A |\n",
        {"SEV1": 1200, "SEV2": 3600},
    ),
    "a hyphen in the label": (
        "## Severity targets\n\n| Severity | Status-update SLO |\n|---|---|\n| SEV1 | Every 40 minutes |\n| SEV2 | Daily until resolved |\n",
        {"SEV1": 2400, "SEV2": 86400},
    ),
    "a second clause of the response": (
        "## Severity and response\n\n| Severity | Response SLA |\n|---|---|\n"
        "| SEV1 | Acknowledge within 15 minutes; status update every 2h |\n| SEV2 | Acknowledge within 1h; status update every 6h |\n",
        {"SEV1": 7200, "SEV2": 21600},
    ),
    "an interval in front of other words": (
        "## Severity duties\n\n| Severity | Communication cadence |\n|---|---|\n| SEV1 | Every 20 minutes |\n| SEV2 | Every 4 hours or on change |\n| SEV3 | Daily / ticket notes |\n",
        {"SEV1": 1200, "SEV2": 14400, "SEV3": 86400},
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", CADENCES)
def test_cadences(form: str):
    body, wanted = CADENCES[form]

    assert cadences(compiled(page(body)).policy) == wanted


TIMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "a column that says when": (
        "## Escalation matrix\n\n| Severity | Escalate to | When to escalate |\n|---|---|---|\n| SEV1 | Harbour master | Immediately |\n"
        "| SEV2 | Pilot | If not resolved in 25 min |\n| SEV3 | Crew lead | No response in 2 hours |\n",
        {"SEV2": 1500, "SEV3": 7200},
    ),
    "a condition that lasts": (
        "## Escalation\n\n### When to escalate\n\n- SEV1 incident lasting > 20 minutes\n- Letters are lost\n",
        {"SEV1": 1200},
    ),
    "a person behind the condition is told, and nothing repeats": (
        "## Auto-escalation\n\n- A **SEV1** not acknowledged in 12 min → page the harbour master\n",
        {},
    ),
}


@pytest.mark.parametrize("form", TIMERS)
def test_timers(form: str):
    body, wanted = TIMERS[form]

    assert timers(compiled(page(body)).policy) == wanted


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("## Afterwards\n\n### Lessons learned meeting\n\nSchedule within 6 days of the end:\n\n- all\n", 518400),
        ("## Afterwards\n\n- [ ] Schedule post-mortem meeting (within 24-36 hours)\n", 129600),
        (
            "## Post-mortem plan\n\n| Timeframe | Activity |\n|---|---|\n| Within 20 hours | Create post-mortem document |\n| Within 1 week | Assign |\n",
            72000,
        ),
        (
            "## Post-mortem plan\n\n| Task | Deadline |\n|---|---|\n| Draft post-mortem | 30 hours after the end |\n",
            108000,
        ),
        (
            "## Post-incident review\n\n### Timeline\n\n- **Conduct review** within 60 hours\n- **Publish report** within 1 week\n",
            216000,
        ),
        ("## Afterwards\n\n### Town meeting\n\nSchedule within 6 days of the end:\n", None),
    ],
)
def test_when_the_review_is_due(body: str, wanted: int | None):
    assert value(compiled(page(body)).policy.review.within) == wanted


@pytest.mark.parametrize("word", ["informativo", "gering", "majeure", "mineur", "basso"])
def test_words_of_other_languages(word: str):
    assert is_word(word)


def test_a_hyphen_in_a_label_is_a_space():
    assert clock_of("Status-update SLO") == clock_of("Status update SLO") == "updates"
    assert clock_of("When to escalate") == "escalate"


def test_only_a_person_may_stand_before_the_verb():
    assert [(name, limit.seconds) for name, limit in clauses("the duty engineer must respond within 9 minutes")] == [
        ("respond", 540)
    ]
    assert list(clauses("the customer may not respond within 9 minutes")) == []


def test_what_is_said_of_work_is_no_quantity():
    assert read("best effort") is not None
    assert read("in-hours reply; ticket + watch") is None


def test_no_ladder_is_made_of_conditions():
    assert ladder(compiled(page(TIMERS["a condition that lasts"][0])).policy) == []


def test_a_remark_between_the_lead_in_and_the_fence_leaves_the_title():
    text = page(
        "## Updates\n\nStatus page template:\n\nWe have all been there.\n\n```\n[Investigating] We look into [fault].\n```\n"
    )

    assert [template.title for template in compiled(text).policy.templates] == ["Status page template"]


def test_under_examples_a_remark_is_none_of_them():
    text = (
        "# Incidents\n\n## Severity\n\n### P1\n\n**Examples:**\n\nWe have all been there.\n\n- no boat\n- no bell\n\n"
        "### P2\n\n**Notification:**\n\nWe have all been there.\n\n- Ring the bell\n"
    )

    first, second = compiled(text).policy.severities

    assert first.examples == ("no boat", "no bell")
    assert second.communication == ""


@pytest.mark.parametrize(
    ("item", "kept_by"),
    [
        ("Schedule PIR meeting within 2 business days", "scheduling"),
        ("[ ] Schedule the post-incident review within 2 business days", "scheduling"),
        ("**Afterwards** -- Schedule a post-incident review within 2 business days", "scheduling"),
        ("The post-mortem must be scheduled within 2 business days", "scheduling"),
        ("Schedule and hold the post-mortem within 2 business days", "holding"),
        ("Hold the scheduled post-mortem within 2 business days", "holding"),
        ("Conduct the post-incident review within 2 business days", "holding"),
    ],
)
def test_a_duty_to_schedule_is_another_than_to_hold(item: str, kept_by: str):
    review = compile_guide(f"{_SEVERE}## Post-incident review\n\n- {item}\n").policy.review

    assert review.within is not None and review.within.business_days == 2
    assert review.kept_by == kept_by


_SEVERE = """# Incident response

## Severity

| Severity | Response time |
|---|---|
| P1 | 15 min |
| P2 | 1 hour |

"""
