"""How a person is told: rules, urgency, quiet hours, verified methods; and that nothing starts again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.core.lives import T0
from tocsin.core.contact import Contacts, Wrong, asked, due_for_test, judged, noted_test, seen, tried
from tocsin.core.escalation import pages_for
from tocsin.core.facts import OwedPage
from tocsin.core.incident import Incident
from tocsin.core.notifying import low_urgency, owed_methods, still_told
from tocsin.core.people import Directory, Method, NotificationRule, NotificationRules, Person, flaw_of, reachable
from tocsin.core.state import PageState

MAIL, PUSH = Method(kind="email", address="ana@example.org"), Method(kind="ntfy", address="https://ntfy.sh/ana")
RULES = NotificationRules(
    high=(NotificationRule(method="ntfy"), NotificationRule(after_seconds=300, method="email")),
    low=(NotificationRule(after_seconds=60, method="email"),),
)
ANA = Person(id="ana", methods=(MAIL, PUSH), rules=RULES, zone="Europe/Berlin", quiet_hours="22:00-07:00")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def told(person: Person, now: datetime = NOON, *, low: bool = False) -> list[tuple[str, float]]:
    return [(each.kind, (each.not_before - now).total_seconds()) for each in owed_methods(person, now, low=low)]


def test_rules_say_when_and_how():
    assert told(ANA) == [("ntfy", 0), ("email", 300)]
    assert told(ANA, low=True) == [("email", 60)]


def test_without_rules_every_method_is_used_after_its_own_time():
    late = msgspec.structs.replace(PUSH, after_seconds=120)

    assert told(Person(id="ana", methods=(late, MAIL))) == [("email", 0), ("ntfy", 120)]


def test_rules_that_lead_nowhere_silence_nobody():
    lost = NotificationRules(high=(NotificationRule(method="slack"),))

    assert told(Person(id="ana", methods=(MAIL,), rules=lost)) == [("email", 0)]


@given(st.integers(-(10**15), 10**15), st.text(max_size=30), st.booleans())
def test_nothing_written_about_a_person_keeps_a_page_back(after: int, zone: str, low: bool):
    """Stored long ago, or by another hand: an error here would keep the incident from being opened."""
    odd = msgspec.structs.replace(MAIL, after_seconds=after)
    person = Person(id="ana", methods=(odd,), zone=zone, quiet_hours="22:00-07:00")

    ((kind, seconds),) = told(person, low=low)

    assert kind == "email" and 0 <= seconds <= 8 * 86_400


@pytest.mark.parametrize(
    ("method", "flaw"),
    [
        (Method(kind="email", address="ana@example.org"), None),
        (Method(kind="email", address="no at"), "address: expected a mail address, got 'no at'"),
        (Method(kind="email", address="a@b\r\nBcc: x"), "address: expected a mail address"),
        (Method(kind="email", address=""), "address: expected a mail address, got ''"),
        (Method(kind="sms", address="123"), "address: expected a telephone number that begins with +, got '123'"),
        (Method(kind="voice", address="+49 (30) 123-456"), None),
        (Method(kind="webhook", address="ftp://x"), "address: expected an http or https URL, got 'ftp://x'"),
        (Method(kind="teams", address="https://chat.example/hook"), None),
        (Method(kind="slack", address=" "), "address: expected an address for slack, got ' '"),
        (Method(kind="console", address=""), None),
        (Method(kind="email", address="a@" + "b" * 4_000), "address: expected at most 4000 characters, got 4002"),
        (Method(kind="email", address="a@b.c", after_seconds=-1), "after_seconds: expected 0 to 604800, got -1"),
        (Method(kind="email", address="a@b.c", after_seconds=604_801), "after_seconds: expected 0 to 604800"),
    ],
)
def test_a_method_that_can_reach_nobody_has_a_flaw(method: Method, flaw: str | None):
    found = flaw_of(method)

    assert (found or "").startswith(flaw or "") and (found is None) == (flaw is None)


def test_one_of_two_methods_of_a_kind_is_named_by_its_address():
    other = Method(kind="email", address="ana@home.example")
    one = NotificationRules(high=(NotificationRule(method="email:ANA@home.example"),))

    found = owed_methods(Person(id="ana", methods=(MAIL, other), rules=one), NOON)

    assert [each.address for each in found] == ["ana@home.example"]


@pytest.mark.parametrize(
    ("at", "waits_until"),
    [
        ("2026-11-23T22:30:00+00:00", "2026-11-24T06:00:00+00:00"),
        ("2026-11-24T05:58:00+00:00", "2026-11-24T06:00:00+00:00"),
        ("2026-11-24T05:59:30+00:00", "2026-11-24T06:00:30+00:00"),
        ("2026-11-23T12:00:00+00:00", "2026-11-23T12:01:00+00:00"),
        ("2026-10-24T23:00:00+00:00", "2026-10-25T06:00:00+00:00"),  # an hour more when clocks go back
    ],
)
def test_low_urgency_waits_for_the_end_of_quiet_hours(at: str, waits_until: str):
    (found,) = owed_methods(ANA, datetime.fromisoformat(at), low=True)

    assert found.not_before == datetime.fromisoformat(waits_until)


def test_high_urgency_never_waits():
    night = datetime(2026, 11, 23, 23, tzinfo=UTC)

    assert told(ANA, night) == [("ntfy", 0), ("email", 300)]


def test_which_severities_are_of_low_urgency_is_the_installations_word():
    assert low_urgency(Directory(low_urgency=("SEV-3",)), "sev-3")
    assert not low_urgency(Directory(low_urgency=("SEV-3",)), "SEV-2")
    assert not low_urgency(Directory(), "SEV-3")


def incident(*pages: PageState) -> Incident:
    return Incident(
        id="i",
        reference="r",
        title="t",
        status="open",
        severity="SEV-1",
        guide="g",
        policy_digest="d",
        opened_at=T0,
        last_at=T0,
        version=1,
        pages={each.page.id: each for each in pages},
        page_count=len(pages),
    )


def page(person: Person = ANA, *, low: bool = False, at: datetime = NOON) -> OwedPage:
    (found,) = pages_for(incident(), [person], at, low=low)
    return found


def test_somebody_whose_rules_still_run_is_not_told_from_the_start_again():
    running = incident(PageState(page=page(), sent=frozenset({0})))

    assert pages_for(running, [ANA], NOON + timedelta(minutes=2)) == ()
    assert len(pages_for(running, [ANA], NOON + timedelta(minutes=5))) == 1
    assert [each.person for each in pages_for(running, [ANA, Person(id="ben", methods=(MAIL,))], NOON)] == ["ben"]


def test_a_page_that_waits_for_the_morning_does_not_keep_a_worse_one():
    night = datetime(2026, 11, 23, 23, tzinfo=UTC)
    waiting = incident(PageState(page=page(low=True, at=night)))

    assert pages_for(waiting, [ANA], night, low=True) == ()
    assert len(pages_for(waiting, [ANA], night)) == 1


def test_what_was_forgiven_or_failed_does_not_run():
    gone = PageState(page=page(), forgiven=True)
    failed = PageState(page=page(), failed=frozenset({0, 1}))

    assert not still_told(incident(gone), "ana", NOON)
    assert not still_told(incident(failed), "ana", NOON)


# --- verified contacts


def known(*methods: Method) -> tuple[Person, Contacts]:
    person = Person(id="ana", methods=methods)
    return person, seen(Contacts(), person, NOON)


def test_the_right_code_verifies_in_time():
    person, contacts = known(MAIL, PUSH)
    waiting = asked(contacts, MAIL, "h", NOON)

    after, wrong = tried(waiting, MAIL, "h", NOON + timedelta(minutes=14))
    late, said = tried(waiting, MAIL, "h", NOON + timedelta(minutes=15))

    assert wrong == "" and judged(person, after, "fallback").methods[0].verified_at == NOON + timedelta(minutes=14)
    assert "older than 15 minutes" in said and late == waiting
    assert "none is waiting" in tried(after, MAIL, "h", NOON + timedelta(minutes=14))[1]


@given(st.integers(0, 8))
def test_five_wrong_tries_are_all(wrong: int):
    _, contacts = known(MAIL)
    contacts = asked(contacts, MAIL, "right", NOON)
    for _ in range(wrong):
        contacts, _ = tried(contacts, MAIL, "wrong", NOON)

    _, said = tried(contacts, MAIL, "right", NOON)

    assert (said == "") == (wrong < 5)


def test_a_new_code_comes_after_a_minute_and_the_old_one_is_void():
    _, contacts = known(MAIL)
    contacts = asked(contacts, MAIL, "first", NOON)
    with pytest.raises(Wrong, match="less than a minute"):
        asked(contacts, MAIL, "second", NOON + timedelta(seconds=59))

    contacts = asked(contacts, MAIL, "second", NOON + timedelta(minutes=1))

    assert tried(contacts, MAIL, "first", NOON + timedelta(minutes=1))[1] != ""
    assert tried(contacts, MAIL, "second", NOON + timedelta(minutes=1))[1] == ""


@pytest.mark.parametrize(
    ("policy", "verified", "kinds"),
    [
        ("use", True, ["email", "ntfy"]),
        ("fallback", True, ["email"]),
        ("fallback", False, ["email", "ntfy"]),
        ("never", True, ["email"]),
        ("never", False, []),
    ],
)
def test_unverified_methods_are_used_as_the_installation_says(policy: str, verified: bool, kinds: list[str]):
    person, contacts = known(MAIL, PUSH)
    if verified:
        contacts, _ = tried(asked(contacts, MAIL, "h", NOON), MAIL, "h", NOON)

    found = judged(person, contacts, policy)  # type: ignore[arg-type]

    assert [each.kind for each in owed_methods(found, NOON)] == kinds
    assert reachable(found) == bool(kinds)


def test_an_address_that_changed_is_verified_anew():
    person, contacts = known(MAIL)
    contacts, _ = tried(asked(contacts, MAIL, "h", NOON), MAIL, "h", NOON)
    moved = msgspec.structs.replace(person, methods=(msgspec.structs.replace(MAIL, address="ana@new.example"),))

    assert seen(contacts, moved, NOON).methods[0].verified_at is None


def test_the_test_is_due_a_week_after_the_last_or_after_the_method_came():
    _, contacts = known(MAIL)
    week = timedelta(days=7)
    assert not due_for_test(contacts.of(MAIL), NOON + week - timedelta(seconds=1), week)
    assert due_for_test(contacts.of(MAIL), NOON + week, week)

    contacts = noted_test(contacts, MAIL, NOON + week, "refused: full", ok=False)

    found = contacts.of(MAIL)
    assert found is not None and (found.tested_ok, found.tested_detail) == (False, "refused: full")
    assert not due_for_test(found, NOON + week + timedelta(days=6), week)
