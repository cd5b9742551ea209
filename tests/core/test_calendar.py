"""Business time: when each form of a deadline is due, over weekends, holidays and changing clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core.calendar import (
    BusinessTime,
    business_time,
    dated,
    deadline_at,
    in_business_hours,
    reminder_at,
    repeated_at,
    working_hours,
)
from tocsin.core.policy import BusinessHours, Deadline

PLAIN = BusinessTime()
CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 26)})
BERLIN = business_time(BusinessHours(zone="Europe/Berlin"), (*CHRISTMAS, date(2026, 4, 3), date(2026, 4, 6)))
NEW_YORK = business_time(BusinessHours(zone="America/New_York"), (date(2026, 7, 3),))
CAIRO = business_time(BusinessHours(zone="Africa/Cairo", days=(6, 0, 1, 2, 3), opens="08:30", closes="16:30"))


def at(text: str) -> datetime:
    """A wall time and its zone, or UTC."""
    wall, _, zone = text.partition(" in ")
    return datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone or "UTC")).astimezone(UTC)


NEXT = Deadline(calendar="next_business_day")
SAME = Deadline(calendar="same_business_day")
TODAY = Deadline(calendar="same_day")
TOMORROW = Deadline(calendar="next_day")


def days(n: int) -> Deadline:
    return Deadline(business_days=n)


def hours(n: int) -> Deadline:
    return Deadline(business_hours=n)


TABLE = [
    # what is elapsed counts nights, weekends and changed clocks as they are
    (PLAIN, Deadline(seconds=86_400), "2026-11-27T17:30", "2026-11-28T17:30"),
    (BERLIN, Deadline(seconds=86_400), "2026-03-28T12:00 in Europe/Berlin", "2026-03-29T13:00 in Europe/Berlin"),
    # the next business day ends when it closes, whatever the hour of the opening
    (PLAIN, NEXT, "2026-11-23T03:00", "2026-11-24T17:00"),
    (PLAIN, NEXT, "2026-11-27T17:30", "2026-11-30T17:00"),
    (PLAIN, NEXT, "2026-11-28T08:00", "2026-11-30T17:00"),
    (PLAIN, NEXT, "2026-11-29T23:59", "2026-11-30T17:00"),
    (BERLIN, NEXT, "2026-04-02T17:30 in Europe/Berlin", "2026-04-07T17:00 in Europe/Berlin"),
    (BERLIN, NEXT, "2026-12-24T17:30 in Europe/Berlin", "2026-12-28T17:00 in Europe/Berlin"),
    (NEW_YORK, NEXT, "2026-07-02T17:30 in America/New_York", "2026-07-06T17:00 in America/New_York"),
    # the local day counts: 23:30 UTC on Sunday is Monday in Berlin
    (BERLIN, NEXT, "2026-11-29T23:30", "2026-12-01T17:00 in Europe/Berlin"),
    (PLAIN, NEXT, "2026-11-29T23:30", "2026-11-30T17:00"),
    # n business days
    (PLAIN, days(1), "2026-11-27T17:30", "2026-11-30T17:00"),
    (PLAIN, days(2), "2026-11-27T17:30", "2026-12-01T17:00"),
    (PLAIN, days(5), "2026-11-25T12:00", "2026-12-02T17:00"),
    (BERLIN, days(2), "2026-04-02T17:30 in Europe/Berlin", "2026-04-08T17:00 in Europe/Berlin"),
    (CAIRO, days(1), "2026-11-26T17:30 in Africa/Cairo", "2026-11-29T16:30 in Africa/Cairo"),
    (CAIRO, days(5), "2026-11-26T17:30 in Africa/Cairo", "2026-12-03T16:30 in Africa/Cairo"),
    # the business day that runs, else the one that comes
    (PLAIN, SAME, "2026-11-27T10:00", "2026-11-27T17:00"),
    (PLAIN, SAME, "2026-11-27T03:00", "2026-11-27T17:00"),
    (PLAIN, SAME, "2026-11-27T17:00", "2026-11-30T17:00"),
    (PLAIN, days(0), "2026-11-28T10:00", "2026-11-30T17:00"),
    # hours of work
    (PLAIN, hours(4), "2026-11-27T10:00", "2026-11-27T14:00"),
    (PLAIN, hours(4), "2026-11-27T13:00", "2026-11-27T17:00"),
    (PLAIN, hours(4), "2026-11-27T14:30", "2026-11-30T10:30"),
    (PLAIN, hours(4), "2026-11-27T17:30", "2026-11-30T13:00"),
    (PLAIN, hours(20), "2026-11-27T09:00", "2026-12-01T13:00"),
    (PLAIN, hours(0), "2026-11-28T09:00", "2026-11-30T09:00"),
    (BERLIN, hours(8), "2026-12-24T13:00 in Europe/Berlin", "2026-12-28T13:00 in Europe/Berlin"),
    # whole local days, whoever works
    (PLAIN, TODAY, "2026-11-28T10:00", "2026-11-29T00:00"),
    (PLAIN, TOMORROW, "2026-11-28T10:00", "2026-11-30T00:00"),
    (BERLIN, TODAY, "2026-03-29T01:00 in Europe/Berlin", "2026-03-30T00:00 in Europe/Berlin"),
    (BERLIN, Deadline(calendar_days=1), "2026-03-28T12:00 in Europe/Berlin", "2026-03-29T12:00 in Europe/Berlin"),
    (BERLIN, Deadline(calendar_days=1), "2026-10-24T12:00 in Europe/Berlin", "2026-10-25T12:00 in Europe/Berlin"),
    # 02:30 is skipped: the first instant after the gap; it comes twice: the last one, because it is an end
    (BERLIN, Deadline(calendar_days=1), "2026-03-28T02:30 in Europe/Berlin", "2026-03-29T01:00"),
    (BERLIN, Deadline(calendar_days=1), "2026-10-24T02:30 in Europe/Berlin", "2026-10-25T01:30"),
    # months clamp
    (PLAIN, Deadline(months=1), "2026-01-31T10:00", "2026-02-28T10:00"),
    (PLAIN, Deadline(months=1), "2028-01-31T10:00", "2028-02-29T10:00"),
    (PLAIN, Deadline(months=13), "2026-12-31T10:00", "2028-01-31T10:00"),
    # the earlier of two limits
    (PLAIN, Deadline(business_days=2, not_after=Deadline(seconds=86_400)), "2026-11-27T12:00", "2026-11-28T12:00"),
    (PLAIN, Deadline(seconds=3600, not_after=SAME), "2026-11-27T16:30", "2026-11-27T17:00"),
    (PLAIN, Deadline(qualitative="as soon as possible", not_after=NEXT), "2026-11-27T16:30", "2026-11-30T17:00"),
]


@pytest.mark.parametrize(("calendar", "deadline", "start", "due"), TABLE)
def test_a_deadline_is_due_at_the_second(calendar: BusinessTime, deadline: Deadline, start: str, due: str) -> None:
    assert deadline_at(deadline, at(start), calendar) == at(due)


@pytest.mark.parametrize("deadline", [Deadline(milestone="next sprint"), Deadline(qualitative="soon")])
def test_what_is_no_quantity_is_due_at_no_instant(deadline: Deadline) -> None:
    assert deadline_at(deadline, at("2026-11-23T03:00"), PLAIN) is None


REMINDERS = [
    (PLAIN, NEXT, "2026-11-27T17:30", "2026-11-30T09:00"),
    (PLAIN, days(2), "2026-11-27T17:30", "2026-12-01T09:00"),
    (PLAIN, SAME, "2026-11-27T03:00", "2026-11-27T09:00"),
    (PLAIN, SAME, "2026-11-27T12:00", "2026-11-27T16:00"),
    (PLAIN, hours(5), "2026-11-27T15:00", "2026-11-30T11:00"),
    (PLAIN, Deadline(seconds=600), "2026-11-27T15:00", "2026-11-27T15:08"),
    (PLAIN, Deadline(business_hours=5, not_after=Deadline(seconds=7200)), "2026-11-27T16:00", "2026-11-27T17:36"),
]


@pytest.mark.parametrize(("calendar", "deadline", "start", "reminded"), REMINDERS)
def test_people_are_reminded_when_they_can_still_act(
    calendar: BusinessTime, deadline: Deadline, start: str, reminded: str
) -> None:
    due_at = deadline_at(deadline, at(start), calendar)
    assert due_at is not None

    assert reminder_at(deadline, at(start), due_at, calendar) == at(reminded)


def test_months_are_counted_from_the_anchor_and_do_not_drift() -> None:
    monthly = [repeated_at(Deadline(months=1), at("2026-01-31T10:00"), n, PLAIN) for n in range(4)]

    assert monthly == [at(f"2026-{day}T10:00") for day in ("01-31", "02-28", "03-31", "04-30")]


def test_what_repeats_every_business_day_skips_the_weekend() -> None:
    daily = [repeated_at(NEXT, at("2026-11-26T17:00"), n, PLAIN) for n in range(4)]

    assert daily == [at(f"2026-{day}T17:00") for day in ("11-26", "11-27", "11-30", "12-01")]


def test_a_day_that_clocks_skip_is_no_working_day() -> None:
    apia = business_time(BusinessHours(zone="Pacific/Apia"))

    assert working_hours(date(2011, 12, 30), apia) is None  # a Friday that Samoa never had
    assert deadline_at(NEXT, at("2011-12-29T12:00 in Pacific/Apia"), apia) == at("2012-01-02T17:00 in Pacific/Apia")


def test_hours_that_begin_in_the_gap_begin_after_it_and_end_with_the_second_pass() -> None:
    night = business_time(BusinessHours(zone="Europe/Berlin", days=(6,), opens="02:30", closes="03:30"))
    late = business_time(BusinessHours(zone="Europe/Berlin", days=(6,), opens="01:00", closes="02:30"))

    assert working_hours(date(2026, 3, 29), night) == (at("2026-03-29T01:00"), at("2026-03-29T01:30"))
    assert working_hours(date(2026, 10, 25), late) == (at("2026-10-24T23:00"), at("2026-10-25T01:30"))


def test_a_day_may_end_at_midnight() -> None:
    always = business_time(BusinessHours(days=tuple(range(7)), opens="00:00", closes="24:00"))

    assert deadline_at(hours(30), at("2026-11-27T10:00"), always) == at("2026-11-28T16:00")
    assert deadline_at(NEXT, at("2026-11-27T10:00"), always) == at("2026-11-29T00:00")


def test_closing_time_is_outside_of_the_hours() -> None:
    assert in_business_hours(at("2026-11-27T09:00"), PLAIN)
    assert not in_business_hours(at("2026-11-27T17:00"), PLAIN)
    assert not in_business_hours(at("2026-11-28T12:00"), PLAIN)


def test_own_closures_are_no_working_days() -> None:
    closed = business_time(BusinessHours(closures=("2026-11-30", "2026-12-01")))

    assert deadline_at(NEXT, at("2026-11-27T17:30"), closed) == at("2026-12-02T17:00")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (BusinessHours(zone="Mars/Olympus"), "business_hours.zone"),
        (BusinessHours(zone="../etc"), "business_hours.zone"),
        (BusinessHours(days=()), "business_hours.days"),
        (BusinessHours(days=(0, 7)), "business_hours.days"),
        (BusinessHours(opens="9"), "business_hours.opens"),
        (BusinessHours(closes="25:00"), "business_hours.closes"),
        (BusinessHours(opens="17:00", closes="09:00"), "business_hours.closes"),
        (BusinessHours(closures=("2026-12-24", "Christmas")), r"business_hours.closures\[1\]"),
    ],
)
def test_hours_that_cannot_be_are_refused_by_their_field(wrong: BusinessHours, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        business_time(wrong)


def test_a_calendar_without_a_working_day_is_an_error_and_not_a_search_for_ever() -> None:
    start = date(2026, 11, 23)
    shut = BusinessTime(closed=frozenset(start + timedelta(days=n) for n in range(500)))

    with pytest.raises(ValueError, match="400 days"):
        deadline_at(NEXT, at("2026-11-23T03:00"), shut)
    assert dated(NEXT, at("2026-11-23T03:00"), shut) is None


@pytest.mark.parametrize(
    "beyond",
    [days(2_501), hours(2_501), Deadline(months=10**6), Deadline(seconds=10**12), Deadline(calendar_days=10**8)],
)
def test_a_count_beyond_any_calendar_is_an_error(beyond: Deadline) -> None:
    with pytest.raises(ValueError, match="deadline"):
        deadline_at(beyond, at("2026-11-23T03:00"), PLAIN)


def test_a_working_day_of_one_minute_holds_nobody_up() -> None:
    tiny = business_time(BusinessHours(opens="09:00", closes="09:01"))

    with pytest.raises(ValueError, match="is over within"):
        deadline_at(hours(2_500), at("2026-11-23T03:00"), tiny)


# --- whatever the zone ------------------------------------------------------------------------------------------------

FIRST, LAST = datetime.fromisoformat("2005-01-01"), datetime.fromisoformat("2035-01-01")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Havana", "America/Santiago", "Africa/Cairo",
         "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu", "Pacific/Chatham", "America/Sao_Paulo",
         "Asia/Tehran", "Antarctica/Troll", "America/St_Johns")  # fmt: skip
MINUTES = st.tuples(st.integers(0, 1440), st.integers(0, 1440)).filter(lambda pair: pair[0] < pair[1])
CALENDARS = st.builds(
    lambda zone, days, window, closed: BusinessTime(
        zone=zone, days=tuple(sorted(days)), opens_minute=window[0], closes_minute=window[1], closed=closed
    ),
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    MINUTES,
    st.frozensets(st.dates(date(2010, 1, 1), date(2012, 12, 31)), max_size=30),
)
STARTS = st.datetimes(FIRST, LAST).map(lambda wall: wall.replace(tzinfo=UTC))
DEADLINES = st.one_of(
    st.sampled_from([NEXT, SAME, TODAY, TOMORROW]),
    st.builds(lambda n: Deadline(business_days=n), st.integers(0, 30)),
    st.builds(lambda n: Deadline(business_hours=n), st.integers(0, 20)),
    st.builds(lambda n: Deadline(calendar_days=n), st.integers(0, 400)),
    st.builds(lambda n: Deadline(months=n), st.integers(0, 40)),
    st.builds(lambda n: Deadline(seconds=n), st.integers(0, 10**7)),
)


@settings(max_examples=300, deadline=None)
@given(CALENDARS, STARTS, DEADLINES)
def test_a_deadline_is_never_before_its_start_and_its_reminder_lies_between(
    calendar: BusinessTime, start: datetime, deadline: Deadline
) -> None:
    due_at = dated(deadline, start, calendar)
    if due_at is None:  # twenty hours of a working day of a minute
        return

    assert start <= due_at
    assert start <= reminder_at(deadline, start, due_at, calendar) <= due_at


@settings(max_examples=300, deadline=None)
@given(CALENDARS, STARTS, st.integers(1, 15))
def test_n_business_days_end_with_the_nth_day_that_somebody_works_on(
    calendar: BusinessTime, start: datetime, count: int
) -> None:
    due_at = deadline_at(days(count), start, calendar)
    day, seen, closes = start.astimezone(ZoneInfo(calendar.zone)).date(), 0, None
    while seen < count:
        day += timedelta(days=1)
        found = working_hours(day, calendar)
        seen, closes = (seen + 1, found[1]) if found else (seen, closes)

    assert due_at == closes


@settings(max_examples=200, deadline=None)
@given(CALENDARS, STARTS, st.integers(0, 12), st.integers(0, 12))
def test_business_hours_add_up(calendar: BusinessTime, start: datetime, first: int, second: int) -> None:
    together = dated(hours(first + second), start, calendar)
    half = dated(hours(first), start, calendar)

    if together is not None and half is not None and second:
        assert dated(hours(second), half, calendar) == together


@settings(max_examples=200, deadline=None)
@given(CALENDARS, STARTS, STARTS, DEADLINES)
def test_who_starts_later_is_never_due_earlier(
    calendar: BusinessTime, one: datetime, other: datetime, deadline: Deadline
) -> None:
    early, late = dated(deadline, min(one, other), calendar), dated(deadline, max(one, other), calendar)

    assert early is None or late is None or early <= late
