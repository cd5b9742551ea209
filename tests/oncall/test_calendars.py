"""Calendars out and in: what a feed says, and what is taken over from somebody else's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import icalendar
import pytest

from tocsin.core.rotation import Participant, Rotation
from tocsin.core.schedule import Layer, Override, Schedule
from tocsin.oncall.feed import calendar, entries, horizon
from tocsin.oncall.outside import Unreadable, rows

NOW = datetime(2026, 3, 20, 15, tzinfo=UTC)
WEEKLY = Schedule(
    zone="America/Chicago",
    layers=(
        Layer(
            rotation=Rotation(
                unit="day",
                anchor=datetime.fromisoformat("2026-01-01T02:30"),
                zone="America/Chicago",
                participants=(Participant(people=("ana",)), Participant(people=("ben",))),
            )
        ),
    ),
)


def events(body: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(body).walk("VEVENT"))


def feed(schedule: Schedule, now: datetime = NOW) -> bytes:
    start, end = horizon(now, schedule.zone)
    return calendar("primary", entries("primary", schedule, start, end), start)


def test_a_feed_says_the_instants_of_a_handoff_that_clocks_leave_out():
    """Chicago leaves out 02:30 on 8 March: the turn begins at 03:00, and the one before ends there."""
    changed = datetime(2026, 3, 8, 8, tzinfo=UTC)

    starts = {each["DTSTART"].dt: str(each["SUMMARY"]) for each in events(feed(WEEKLY))}
    ends = {each["DTEND"].dt for each in events(feed(WEEKLY))}

    assert changed in starts and changed in ends
    assert all(each.tzinfo is not None and each.utcoffset() == timedelta() for each in starts)
    assert {"ana: primary", "ben: primary"} == set(starts.values())


def test_a_feed_is_the_same_all_day_and_its_uids_for_as_long_as_the_shifts_stay():
    later, tomorrow = feed(WEEKLY, NOW + timedelta(hours=5)), feed(WEEKLY, NOW + timedelta(days=1))

    assert feed(WEEKLY) == later != tomorrow
    today, then = ({str(each["UID"]) for each in events(body)} for body in (feed(WEEKLY), tomorrow))
    assert len(today & then) >= len(today) - 3
    assert len(today) == len(events(feed(WEEKLY)))


def test_an_override_moves_an_events_end_and_not_its_name():
    day = datetime(2026, 4, 1, 7, 30, tzinfo=UTC)
    cut = Schedule(
        zone=WEEKLY.zone,
        layers=WEEKLY.layers,
        overrides=(Override(add="cyd", remove="ana", start=day, end=day + timedelta(days=2)),),
    )

    before = {str(each["UID"]): each for each in events(feed(WEEKLY))}
    after = {str(each["UID"]): each for each in events(feed(cut))}

    assert len(set(before) & set(after)) >= len(before) - 2
    assert any(str(each["SUMMARY"]).startswith("cyd") for each in after.values())


def test_a_gap_is_an_event_and_somebody_elses_shifts_are_not_mine():
    noon = datetime(2026, 4, 1, 12, tzinfo=UTC)
    gone = Schedule(
        layers=(Layer(people=("ana",)), Layer(people=("Ben",))),
        overrides=(
            Override(remove="ana", start=noon, end=noon + timedelta(hours=1)),
            Override(remove="Ben", start=noon, end=noon + timedelta(hours=2)),
        ),
    )
    start, end = horizon(NOW, "UTC")

    whole = [each.person for each in entries("p", gone, start, end)]
    mine = entries("p", gone, start, end, people=("ben", ""))

    assert whole.count("") == 1
    assert {each.person for each in mine} == {"Ben"}


def text(*lines: str, uid: str = "u1") -> bytes:
    body = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:test", "BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"]
    return "\r\n".join([*body, "END:VCALENDAR", ""]).encode()


def read(body: bytes, zone: str = "America/Chicago", days: int = 60) -> list[tuple[str, str, str]]:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    known = {"ana": "ana", "ben@example.org": "ben", "ben okoro": "ben"}
    found = rows(body, zone, start, start + timedelta(days=days), lambda said: known.get(said.casefold()))
    return [(each.person, each.start.isoformat(), each.end.isoformat()) for each in found]


def test_a_daily_event_hands_off_without_a_hole_when_clocks_change():
    daily = text(
        "DTSTART;TZID=America/Chicago:20260301T023000",
        "DTEND;TZID=America/Chicago:20260302T023000",
        "RRULE:FREQ=DAILY;COUNT=20",
        "SUMMARY:[L1] Ana",
    )

    found = read(daily)

    assert all(end == start for (_, _, end), (_, start, _) in pairwise(found))
    assert ("ana", "2026-03-08T08:00:00+00:00", "2026-03-09T07:30:00+00:00") in found


def test_whole_days_exceptions_and_guests():
    event = text(
        "DTSTART;VALUE=DATE:20260302",
        "RRULE:FREQ=WEEKLY;COUNT=3",
        "EXDATE;VALUE=DATE:20260309",
        "SUMMARY:Primary on call",
        "ATTENDEE:mailto:ben@example.org",
    )

    assert read(event, "Europe/Berlin") == [
        ("ben", "2026-03-01T23:00:00+00:00", "2026-03-02T23:00:00+00:00"),
        ("ben", "2026-03-15T23:00:00+00:00", "2026-03-16T23:00:00+00:00"),
    ]


def test_several_people_by_commas_and_a_cancelled_event():
    both = text("DTSTART:20260302T080000Z", "DTEND:20260302T100000Z", "SUMMARY:ana\\, Ben Okoro")
    off = text("DTSTART:20260302T080000Z", "DTEND:20260302T100000Z", "SUMMARY:ana", "STATUS:CANCELLED")

    assert [who for who, _, _ in read(both)] == ["ana", "ben"]
    assert read(off) == []


@pytest.mark.filterwarnings("ignore::icalendar.error.GloballyUniqueTZIDGuessed")
@pytest.mark.parametrize("name", ["W. Europe Standard Time", "/vendor.example/Europe/Berlin", "Europe/Berlin"])
def test_a_zone_is_known_by_the_names_that_calendars_give_it(name: str):
    event = text(f"DTSTART;TZID={name}:20260330T090000", "DURATION:PT8H", "SUMMARY:ana")

    assert read(event, "UTC") == [("ana", "2026-03-30T07:00:00+00:00", "2026-03-30T15:00:00+00:00")]


def test_a_date_that_is_no_part_of_a_shift_may_be_nonsense():
    event = text("CREATED:00001231T000000Z", "DTSTART:20260330T090000Z", "DURATION:PT8H", "SUMMARY:ana")

    assert [who for who, _, _ in read(event)] == ["ana"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (
            ("DTSTART:20260302T080000Z", "SUMMARY:zoe", "DURATION:PT1H"),
            "event 'zoe' at 2026-03-02 08:00:00+00:00 (UID u1)",
        ),
        (("DTSTART:2026-03-02", "SUMMARY:ana"), "event 'ana' (UID u1): DTSTART"),
        (("SUMMARY:ana",), "expected UID and DTSTART, got no DTSTART"),
        (("DTSTART:20260302T080000Z", "SUMMARY:ana", "RRULE:FREQ=DAILY;INTERVAL=0"), "INTERVAL 1 or more"),
        (("DTSTART:20260302T080000Z", "SUMMARY:ana", "RRULE:FREQ=SECONDLY"), "expected FREQ HOURLY"),
        (("DTSTART:20260302T080000Z", "SUMMARY:ana", "RRULE:FREQ=DAILY;BYMINUTE=1,2,3"), "BYMINUTE"),
        (("DTSTART;TZID=Mars/Olympus:20260302T080000", "SUMMARY:ana"), "Mars/Olympus"),
    ],
)
def test_what_cannot_be_taken_over_names_the_event(lines: tuple[str, ...], words: str):
    with pytest.raises(Unreadable) as raised:
        read(text(*lines))

    assert words in str(raised.value)


@pytest.mark.parametrize("body", [b"", b"hello", b"BEGIN:VCALENDAR", b"\xff\xfe", b"BEGIN:VEVENT\r\nEND:VCALENDAR\r\n"])
def test_what_is_no_calendar_is_refused(body: bytes):
    with pytest.raises(Unreadable):
        read(body)


def test_a_calendar_too_large_is_refused():
    with pytest.raises(Unreadable, match="at most"):
        read(b"x" * 2_000_000)
    hourly = text("DTSTART:20260301T000000Z", "DURATION:PT30M", "RRULE:FREQ=HOURLY", "SUMMARY:ana")
    with pytest.raises(Unreadable, match="event 'ana'"):
        read(hourly, days=400)
