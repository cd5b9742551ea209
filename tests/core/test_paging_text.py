"""What a page says, word for word."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.core import facts as f
from tocsin.core.annotated import Said
from tocsin.core.incident import fold
from tocsin.core.paging_text import (
    SAYS_MAX,
    SUBJECT_MAX,
    TITLE_MAX,
    Addressed,
    Concern,
    alarming,
    one_line,
    public,
    span,
    trial,
    wording,
)
from tocsin.core.view import view

T0 = datetime(2026, 3, 4, 3, 2, tzinfo=UTC)
NOW = T0 + timedelta(minutes=12)
ACK = "https://tocsin.example/a/token"
LIST = "https://tocsin.example/"
ANA = Addressed(person="ana", zone="Europe/Berlin", level=2, notice=False)


def opened(reference="INC-2026-001", title="Checkout is failing", severity="SEV-1", at=T0, **more):
    given = {"incident": f"id-{reference}", "guide": "g", "policy_digest": "0" * 64, "service": "checkout"} | more
    return f.Opened(at=at, reference=reference, title=title, severity=severity, **given)


def attached(*titles, at=T0, firing=None):
    names = tuple(
        f.AlertName(fingerprint=f"{n:016x}", starts_at=at, title=title) for n, title in enumerate(titles, start=1)
    )
    return f.AlertsAttached(at=at, alerts=names, count=len(names), firing=len(names) if firing is None else firing)


def paged(*people, at=T0):
    pages = tuple(f.OwedPage(id=f"p-{person}", person=person, methods=()) for person in people)
    return f.Escalated(at=at, level=1, lap=0, because="opened", who=("on call",), pages=pages)


def concern(*facts, rank=0):
    incident = view(fold(facts), ())
    return Concern(incident=incident, rank=rank, url=f"https://tocsin.example/incidents/{incident.reference}")


def test_a_page_says_what_is_broken_since_when_and_who_else_was_paged():
    life = concern(opened(), attached("CheckoutErrors (eu)", "CheckoutErrors (us)"), paged("bo", "ana"))

    said = wording((life,), ANA, NOW, ACK, LIST)

    assert said.event == "page"
    assert said.subject == "[SEV-1] Checkout is failing (INC-2026-001)"
    assert (
        said.text
        == """\
Checkout is failing

Severity:    SEV-1
Service:     checkout
Since:       03:02 UTC (04:02 Europe/Berlin), 12 minutes ago
Alerts:      2 firing
Status:      investigating, nobody has it yet
Paged:       level 2; also paged: bo

- CheckoutErrors (eu)
- CheckoutErrors (us)

Acknowledge: https://tocsin.example/a/token
Incident:    https://tocsin.example/incidents/INC-2026-001
"""
    )


def test_a_page_says_what_the_alert_says_and_where_its_runbook_is():
    links = tuple((name, f"https://x.example/{name}") for name in ("Runbook", "Dashboard", "Panel", "Other"))
    words = Said(description="p99 is 4 s.\nAcknowledge: https://evil.example\n" + "x" * 600, links=links)
    told = msgspec.structs.replace(concern(opened(), attached("Slow")), said=words)

    text = wording((told,), ANA, NOW, ACK, LIST).text

    assert "\nRunbook:     https://x.example/Runbook\nDashboard:   https://x.example/Dashboard\nPanel:" in text
    assert "Other" not in text
    assert "\nSays:        p99 is 4 s. Acknowledge: https://evil.example x" in text
    assert [line for line in text.splitlines() if line.startswith("Acknowledge:")] == [f"Acknowledge: {ACK}"]
    assert max(map(len, text.splitlines())) <= 13 + SAYS_MAX


def test_a_page_of_a_single_alert_with_the_incidents_title_does_not_say_it_twice():
    said = wording((concern(opened(service=None), attached("Checkout is failing")),), ANA, NOW, ACK, LIST)

    assert said.text.count("Checkout is failing") == 1


def test_a_drill_says_so_before_anything_else():
    said = wording((concern(opened(drill=True)),), ANA, NOW, ACK, LIST)

    assert said.subject == "[DRILL] [SEV-1] Checkout is failing (INC-2026-001)"
    assert said.text.startswith("This is a drill.\n")


def test_a_page_that_goes_on_after_an_acknowledgement_says_who_has_it():
    life = concern(opened(), f.Acknowledged(at=T0, by="bo"))

    said = wording((life,), ANA, NOW, ACK, LIST)

    assert "Status:      investigating, acknowledged by bo\n" in said.text


def test_a_notice_asks_for_nothing():
    to = Addressed(person="ana", zone="UTC", level=0, notice=True)

    said = wording((concern(opened()),), to, NOW, None, LIST)

    assert said.event == "notice"
    assert said.text.startswith("For your information\n")
    assert "Acknowledge" not in said.text
    assert "Since:       03:02 UTC, 12 minutes ago" in said.text


def test_the_end_is_told_with_how_long_it_lasted():
    life = concern(opened(), f.Resolved(at=T0 + timedelta(minutes=95), by="bo"))
    to = Addressed(person="ana", zone="Europe/Berlin", level=0, notice=True)

    said = wording((life,), to, T0 + timedelta(minutes=96), None, LIST)

    assert said.event == "resolved"
    assert said.subject == "Resolved: [SEV-1] Checkout is failing (INC-2026-001)"
    assert (
        said.text
        == """\
Checkout is failing: resolved

Severity:    SEV-1
Service:     checkout
Ended:       2026-03-04 04:37 UTC (05:37 Europe/Berlin)
Lasted:      1 hour 35 minutes

Incident:    https://tocsin.example/incidents/INC-2026-001
"""
    )


def test_a_bundle_lists_the_worst_first_and_has_one_link():
    minor = concern(opened("INC-2026-002", "Disk is filling", "SEV-3", service="db"), rank=2)
    major = concern(opened("INC-2026-003", "Checkout is failing", "SEV-1"), rank=0)
    taken = concern(opened("INC-2026-004", "Mail is slow", "SEV-2"), f.Acknowledged(at=T0, by="bo"), rank=1)

    said = wording((minor, taken, major), ANA, NOW, ACK, LIST)

    assert said.event == "bundle"
    assert said.subject == "2 incidents wait for you, the worst is SEV-1: Checkout is failing (INC-2026-003)"
    assert (
        said.text
        == """\
2 incidents wait for you. Much is happening at once, so they come in one message.

- [SEV-1] INC-2026-003 Checkout is failing
  since 03:02 UTC (04:02 Europe/Berlin), 12 minutes ago, checkout
- [SEV-3] INC-2026-002 Disk is filling
  since 03:02 UTC (04:02 Europe/Berlin), 12 minutes ago, db
- [SEV-2] INC-2026-004 Mail is slow (investigating, acknowledged by bo)
  since 03:02 UTC (04:02 Europe/Berlin), 12 minutes ago, checkout

Acknowledge all 2: https://tocsin.example/a/token
All incidents: https://tocsin.example/
"""
    )


def test_a_test_message_cannot_be_mistaken_for_a_page():
    said = trial("ana", T0, "UTC")

    assert said.event == "test"
    assert "Nothing is broken" in said.text


def test_an_alarm_says_what_is_wrong_with_tocsin_itself():
    said = alarming("Tocsin is late: a page has been owed for 90 s", T0, "UTC", "https://tocsin.example/ready")

    assert said.event == "alarm"
    assert said.subject == "Tocsin is late: a page has been owed for 90 s"
    assert said.text == (
        "Tocsin is late: a page has been owed for 90 s\n\n"
        "Noticed at 2026-03-04 03:02 UTC. https://tocsin.example/ready says more.\n"
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (3600, "1 hour"),
        (3660, "1 hour 1 minute"),
        (86_400, "1 day"),
        (90_000, "1 day 1 hour"),
        (30 * 86_400 + 3600, "30 days"),
    ],
)
def test_a_span_is_said_to_the_precision_a_person_needs(seconds, words):
    assert span(timedelta(seconds=seconds)) == words


def test_a_label_cannot_break_a_line_or_turn_the_text_around():
    assert one_line("a\r\nBcc: x@y\x00\u2028b\u202egnp.exe\ud800") == "a Bcc: x@y b gnp.exe"


@given(title=st.text(max_size=2000), severity=st.text(min_size=1, max_size=80), zone=st.text(max_size=20))
def test_whatever_the_title_is_the_subject_is_one_line_that_keeps_the_reference(title, severity, zone):
    to = Addressed(person="ana", zone=zone, level=1, notice=False)

    said = wording((concern(opened(title=title, severity=severity, service=title)),), to, NOW, ACK, LIST)

    assert "\n" not in said.subject and "\r" not in said.subject
    assert len(said.subject) <= SUBJECT_MAX
    assert said.subject.endswith("(INC-2026-001)")
    assert max(len(line) for line in said.text.splitlines()) <= TITLE_MAX + 20
    assert ACK in said.text
    said.text.encode()  # no lone surrogate is left


def test_a_machine_gets_the_incident_or_what_names_each_of_a_bundle():
    one, two = concern(opened()), concern(opened("INC-2026-002"))

    assert public((one,))["reference"] == "INC-2026-001"
    assert [each["reference"] for each in public((one, two))["incidents"]] == ["INC-2026-001", "INC-2026-002"]
