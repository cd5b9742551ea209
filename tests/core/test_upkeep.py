"""Who carries how much, and what is missing before it matters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, strategies as st

from tocsin.core.contact import Contacts, Known, judged
from tocsin.core.load import loads
from tocsin.core.people import Directory, Method, Person, Team
from tocsin.core.schedule import Layer, Override, Schedule, Shift
from tocsin.core.upkeep import upkeep

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MAIL = Method(kind="email", address="ana@example.org")
HOUR = timedelta(hours=1)


def shift(who: str, start: datetime, hours: float) -> Shift:
    return Shift(person=who, start=start, end=start + hours * HOUR)


def test_hours_nights_weekends_and_holidays_are_the_persons_own():
    """Friday 27 Nov 2026 20:00 to Saturday 12:00 in Berlin; Saturday is a holiday here."""
    held = [shift("ana", datetime(2026, 11, 27, 19, tzinfo=UTC), 16)]
    told = [("ana", datetime(2026, 11, 28, 1, tzinfo=UTC)), ("ana", datetime(2026, 11, 28, 10, tzinfo=UTC))]

    (found,) = loads(held, told, {"ana": "Europe/Berlin"}, frozenset({date(2026, 11, 28)}))

    assert (found.hours, found.shifts, found.nights) == (16, 1, 1)
    assert (found.night_hours, found.weekend_hours, found.holiday_hours) == (8, 12, 12)
    assert (found.pages, found.night_pages) == (2, 1)


def test_two_schedules_at_once_count_once():
    held = [shift("ana", NOW, 4), shift("ana", NOW + 2 * HOUR, 4), shift("ben", NOW, 10)]

    assert [(each.person, each.hours) for each in loads(held, [], {}, frozenset())] == [("ben", 10), ("ana", 6)]


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300)), max_size=8), st.integers(0, 2300))
def test_a_report_cut_in_two_has_the_same_hours(spans: list[tuple[int, int]], cut: int):
    held = [shift("ana", NOW + start * HOUR, hours) for start, hours in spans]
    at = NOW + cut * HOUR
    early = [Shift(person="ana", start=each.start, end=min(each.end, at)) for each in held if each.start < at]
    late = [Shift(person="ana", start=max(each.start, at), end=each.end) for each in held if each.end > at]

    def hours(some: list[Shift]) -> list[float]:
        found = loads(some, [], {"ana": "America/Havana"}, frozenset({date(2026, 12, 25)}))
        rows = [(each.hours, each.night_hours, each.weekend_hours, each.holiday_hours) for each in found]
        return list(rows[0]) if rows else 4 * [0]

    assert all(abs(a + b - c) < 0.05 for a, b, c in zip(hours(early), hours(late), hours(held), strict=True))


def texts(directory: Directory, contacts: dict[str, Contacts] | None = None) -> list[str]:
    return [f"{each.level}: {each.text}" for each in upkeep(directory, contacts or {}, NOW, tested=True)]


def test_a_schedule_that_has_nobody_now_is_an_error():
    ana = Person(id="ana", methods=(MAIL,))
    hole = Override(remove="ana", start=NOW, end=NOW + HOUR)
    later = Override(remove="ana", start=NOW + 50 * HOUR, end=NOW + 51 * HOUR)
    directory = Directory(
        people={"ana": ana}, schedules={"s": Schedule(layers=(Layer(people=("ana",)),), overrides=(hole, later))}
    )

    assert texts(directory)[0] == (
        "error: schedule s: nobody is on call from 2026-11-23 12:00 to 2026-11-23 13:00 UTC, and 1 more within 30 days"
    )


def test_whoever_left_or_cannot_be_reached_is_named_where_they_stand():
    gone = Person(id="gone", methods=(MAIL,), active=False)
    mute = Person(id="mute")
    plan = Schedule(layers=(Layer(people=("gone", "mute", "zoe")),))
    directory = Directory(
        people={"gone": gone, "mute": mute},
        teams={"t": Team(id="t", members=("gone",))},
        bindings={"On-call": ("person:gone",)},
        schedules={"s": plan},
    )

    said = "\n".join(texts(directory))

    assert "schedule s: gone has left and is on call from 2026-11-23 12:00 UTC" in said
    assert "schedule s: mute cannot be reached" in said and "schedule s: zoe is not in the directory" in said
    assert "warning: gone has left and stands in team t, the binding On-call, schedule s" in said


def test_methods_that_are_unverified_or_fail_their_test():
    known = Known(kind="email", address=MAIL.address, seen_at=NOW - timedelta(days=90))
    failed = Known(
        kind="ntfy",
        address="https://x/y",
        seen_at=NOW,
        verified_at=NOW,
        tested_at=NOW,
        tested_ok=False,
        tested_detail="gone",
    )
    contacts = Contacts(methods=(known, failed))
    person = Person(id="ana", methods=(MAIL, Method(kind="ntfy", address="https://x/y")))
    directory = Directory(people={"ana": judged(person, contacts, "fallback")})

    said = texts(directory, {"ana": contacts})

    assert said == [
        "warning: ana: email is not used, it was never verified",
        "warning: ana: email was not tested for 30 days",
        "warning: ana: the test by ntfy failed on 2026-11-23: gone",
    ]
    note = texts(Directory(people={"ana": Person(id="ana", methods=(MAIL,))}))
    assert note == ["note: ana: email was never verified"]
