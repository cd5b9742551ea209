"""Rotations in the zones whose clocks do the strangest things, over a hundred years."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tocsin.core.rotation import (
    DAYS,
    STEADY,
    Participant,
    Position,
    Restriction,
    Rotation,
    active,
    current_handoff,
    handoffs,
    next_handoff,
    on_turn,
    turns,
    window_at_or_after,
    windows,
)
from tocsin.core.schedule import Layer, Override, Schedule, coverage_gaps, on_call, shifts
from tocsin.core.walltime import gaps, local, resolve, wall_at, zone_named
from tocsin.zonedata import use_pinned_zones

use_pinned_zones()

ZONES = re.findall(
    r"\S+",
    "UTC Africa/Cairo Africa/Casablanca Africa/Monrovia America/Asuncion America/Caracas America/Chicago America/Havana"
    " America/Los_Angeles America/New_York America/Nuuk America/Santiago America/Sao_Paulo America/Scoresbysund "
    "America/St_Johns Antarctica/Casey Antarctica/Troll Asia/Amman Asia/Beirut Asia/Gaza Asia/Kathmandu Asia/Kolkata "
    "Asia/Pyongyang Asia/Tehran Asia/Tokyo Asia/Yekaterinburg Atlantic/Azores Australia/Adelaide Australia/Lord_Howe "
    "Australia/Sydney Europe/Berlin Europe/Dublin Europe/Lisbon Europe/London Europe/Moscow Pacific/Apia "
    "Pacific/Auckland Pacific/Chatham Pacific/Kiritimati Pacific/Kwajalein",
)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
wall = datetime.fromisoformat  # a local time without offset

zones = st.sampled_from(ZONES)
instants = st.datetimes(wall("1970-01-02T00:00"), wall("2070-01-01T00:00")).map(
    lambda each: each.replace(microsecond=0, tzinfo=UTC)
)
walls = st.datetimes(wall("1970-01-02T00:00"), wall("2070-01-01T00:00")).map(
    lambda each: each.replace(second=0, microsecond=0)
)
clocks = st.times().map(lambda each: each.replace(second=0, microsecond=0))


@st.composite
def edges(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and an instant, mostly close to a change of its clocks."""
    name, at = draw(zones), draw(instants)
    change = next(gaps(ZoneInfo(name), at, at + 400 * DAY), None)
    if change is None or draw(st.integers(0, 3)) == 0:
        return name, at
    return name, change[0] + draw(st.integers(-180, 180)) * timedelta(minutes=1)


@st.composite
def rotations(draw: st.DrawFn, zone: str) -> Rotation:
    unit = draw(st.sampled_from(["hour", "day", "week", "month"]))
    every = draw(st.sampled_from([1, 2, 3, 5, 7, 8, 10, 12, 24, 48] if unit == "hour" else [1, 2, 3, 6]))
    people = tuple(Participant(people=(name,)) for name in "abcde"[: draw(st.integers(1, 5))])
    return Rotation(unit=unit, every=every, anchor=draw(walls), zone=zone, participants=people)


@given(st.data(), edges())
def test_the_turn_running_now_began_at_or_before_now_and_ends_later(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    rotation = data.draw(rotations(zone))

    assert current_handoff(rotation, at) <= at < next_handoff(rotation, at)


@given(st.data(), edges())
def test_every_handoff_is_later_than_the_one_before(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    rotation = data.draw(rotations(zone))

    found = list(islice(handoffs(rotation, at, at + 40 * DAY), 60))

    assert all(later > earlier for earlier, later in pairwise(found))
    assert all(current_handoff(rotation, each) == each for each in found)
    assert all(next_handoff(rotation, earlier) == later for earlier, later in pairwise(found))


@given(st.data(), edges())
def test_a_rotation_has_no_hole(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    schedule = Schedule(zone=zone, layers=(Layer(rotation=data.draw(rotations(zone))),))

    assert coverage_gaps(schedule, at - 5 * DAY, at + 5 * DAY) == []


@given(st.data(), edges(), st.integers(0, 4))
def test_turns_counted_at_once_are_the_turns_walked_one_by_one(
    data: st.DataObject, edge: tuple[str, datetime], index: int
):
    zone, at = edge
    plain = data.draw(rotations(zone))
    members = plain.participants
    start = Position(index=index % len(members), at=at - 2 * DAY)
    rotation = Rotation(
        unit=plain.unit, every=plain.every, anchor=plain.anchor, zone=zone, participants=members, position=start
    )

    walked = list(islice(handoffs(rotation, start.at, at + 4 * DAY), 200))

    assert [on_turn(rotation, each) for each in walked] == [
        members[(start.index + n) % len(members)].people for n in range(len(walked))
    ]


@given(st.data(), edges())
def test_turns_before_the_position_go_backwards_one_by_one(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    plain = data.draw(rotations(zone))
    walked = list(islice(handoffs(plain, at - 3 * DAY, at + 3 * DAY), 150))
    last = len(walked) - 1
    rotation = Rotation(
        unit=plain.unit,
        every=plain.every,
        anchor=plain.anchor,
        zone=zone,
        participants=plain.participants,
        position=Position(index=0, at=walked[last]),
    )

    count = len(plain.participants)
    assert [on_turn(rotation, each) for each in walked] == [
        plain.participants[(n - last) % count].people for n in range(len(walked))
    ]


@given(st.data(), edges(), clocks, clocks, st.sets(st.sampled_from(DAYS)))
def test_a_window_is_open_exactly_when_it_is_listed(
    data: st.DataObject, edge: tuple[str, datetime], start: time, end: time, days: set[str]
):
    zone, at = edge
    rule = Restriction(days=tuple(days), start=start, end=end, zone=zone)
    listed = list(windows(rule, at - 2 * DAY, at + 2 * DAY))

    for minutes in data.draw(st.lists(st.integers(-2800, 2800), min_size=1, max_size=20)):
        then = at + minutes * timedelta(minutes=1)
        assert active(rule, then) == any(opens <= then < closes for opens, closes in listed)
    assert all(later[0] > earlier[1] for earlier, later in pairwise(listed))


@given(edges(), clocks, clocks, st.sets(st.sampled_from(DAYS), min_size=1, max_size=6))
def test_the_window_at_or_after_now_is_open_now_or_is_the_next(
    edge: tuple[str, datetime], start: time, end: time, days: set[str]
):
    zone, at = edge
    rule = Restriction(days=tuple(days), start=start, end=end, zone=zone)

    found = window_at_or_after(rule, at)

    assert found is not None
    opens, closes = found
    assert opens < closes
    assert at < closes
    assert active(rule, at) == (opens <= at)
    assert not active(rule, closes)


@given(st.data(), edges())
@settings(max_examples=60)
def test_the_pager_and_the_calendar_agree(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    layers = tuple(
        Layer(
            priority=data.draw(st.integers(0, 2)),
            rotation=data.draw(rotations(zone)),
            restrictions=tuple(
                Restriction(start=data.draw(clocks), end=data.draw(clocks), zone=zone)
                for _ in range(data.draw(st.integers(0, 1)))
            ),
        )
        for _ in range(data.draw(st.integers(1, 3)))
    )
    override = Override(add="z", remove=data.draw(st.sampled_from(["a", "b", None])), start=at, end=at + 5 * HOUR)
    schedule = Schedule(zone=zone, layers=layers, overrides=(override,))

    listed = shifts(schedule, at - DAY, at + DAY)

    for minutes in range(-1430, 1430, 97):
        then = at + minutes * timedelta(minutes=1)
        assert set(on_call(schedule, then)) == {each.person for each in listed if each.start <= then < each.end}


@given(edges())
def test_turns_of_people_who_come_and_go_have_no_hole(edge: tuple[str, datetime]):
    zone, at = edge
    members = (
        Participant(people=("a",)),
        Participant(people=("b",), joins_at=at - DAY, leaves_at=at + DAY),
        Participant(people=("c",), joins_at=at),
    )
    rotation = Rotation(unit="day", anchor=wall("2000-01-01T09:00"), zone=zone, participants=members)

    found = list(turns(rotation, at - 3 * DAY, at + 3 * DAY))

    assert all(earlier.end == later.start for earlier, later in pairwise(found))
    assert all(each.people for each in found)
    assert all(on_turn(rotation, each.start) == each.people for each in found)


@given(zones, walls)
def test_a_wall_time_is_what_clocks_show_unless_they_never_do(name: str, local: datetime):
    zone = zone_named(name)
    first, last = resolve(local, zone), resolve(local, zone, "last")

    assert first <= last
    shown = wall_at(first, zone).replace(fold=0)
    assert shown >= local
    if shown != local:  # in a gap: a moment before, clocks showed less than was asked for
        assert wall_at(first - timedelta(seconds=1), zone).replace(fold=0) < local


@pytest.mark.parametrize(
    ("zone", "shown", "first", "last"),
    [
        ("America/Chicago", "2020-03-08T02:30", "2020-03-08T08:00+00:00", "2020-03-08T08:00+00:00"),
        ("America/Chicago", "2020-11-01T01:30", "2020-11-01T06:30+00:00", "2020-11-01T07:30+00:00"),
        ("America/Havana", "2026-03-08T00:00", "2026-03-08T05:00+00:00", "2026-03-08T05:00+00:00"),
        ("Australia/Lord_Howe", "2020-10-04T02:15", "2020-10-03T15:30+00:00", "2020-10-03T15:30+00:00"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00+00:00", "2011-12-30T10:00+00:00"),
        ("Africa/Cairo", "2026-04-24T00:30", "2026-04-23T22:00+00:00", "2026-04-23T22:00+00:00"),
    ],
)
def test_the_edges_of_daylight_saving(zone: str, shown: str, first: str, last: str):
    local = wall(shown)

    assert resolve(local, ZoneInfo(zone)) == datetime.fromisoformat(first)
    assert resolve(local, ZoneInfo(zone), "last") == datetime.fromisoformat(last)


def test_a_day_that_a_zone_left_out_takes_nobodys_turn():
    people = tuple(Participant(people=(name,)) for name in "abc")
    position = Position(index=0, at=datetime(2011, 12, 28, 12, tzinfo=UTC))
    rotation = Rotation(
        unit="day", anchor=wall("2011-12-01T00:00"), zone="Pacific/Apia", participants=people, position=position
    )

    found = list(turns(rotation, datetime(2011, 12, 28, 12, tzinfo=UTC), datetime(2012, 1, 1, 12, tzinfo=UTC)))

    assert ["".join(each.people) for each in found] == ["a", "b", "c", "a", "b"]


def test_a_month_too_short_clamps_and_does_not_drift():
    rotation = Rotation(unit="month", anchor=wall("2027-01-31T09:00"))
    start = datetime(2027, 1, 31, 9, tzinfo=UTC)

    found = list(islice(handoffs(rotation, start, start + 400 * DAY), 14))

    assert " ".join(f"{each:%m-%d}" for each in found) == (
        "01-31 02-28 03-31 04-30 05-31 06-30 07-31 08-31 09-30 10-31 11-30 12-31 01-31 02-29"
    )


@given(st.data(), edges())
def test_an_hourly_grid_counts_the_same_from_its_table_and_by_looking(data: st.DataObject, edge: tuple[str, datetime]):
    zone, at = edge
    anchor = data.draw(walls)
    people = tuple(Participant(people=(name,)) for name in "abcdefg")
    rotation = Rotation(unit="hour", anchor=anchor, zone=zone, participants=people)
    start = resolve(anchor, ZoneInfo(zone))
    positioned = msgspec.structs.replace(rotation, position=Position(index=0, at=start))

    assert on_turn(rotation, at) == on_turn(positioned, at)
    assert on_turn(rotation, at) == on_turn(rotation, at, local(at, ZoneInfo(zone), STEADY))


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_shifts_are_gap_free_for_a_hundred_years(zone: str):
    """Weeks all the way; days and nights, in two layers that meet, around every change of clocks."""
    people = tuple(Participant(people=(name,)) for name in "abc")
    turning = Rotation(unit="week", anchor=wall("1980-01-07T00:00"), zone=zone, participants=people)
    by_day = Restriction(start=time(2, 30), end=time(14, 30), zone=zone)
    by_night = Restriction(start=time(14, 30), end=time(2, 30), zone=zone)
    halves = (Layer(rotation=turning, restrictions=(by_day,)), Layer(rotation=turning, restrictions=(by_night,)))
    start, clock = datetime(1980, 1, 2, tzinfo=UTC), ZoneInfo(zone)
    days = [start + n * DAY for n in range(36524)]
    offsets = [each.astimezone(clock).utcoffset() for each in days]
    changes = [days[n] for n in range(1, len(days)) if offsets[n] != offsets[n - 1]]

    assert coverage_gaps(Schedule(zone=zone, layers=(Layer(rotation=turning),)), days[0], days[-1]) == []
    for each in changes:
        assert coverage_gaps(Schedule(zone=zone, layers=halves), each - 3 * DAY, each + 3 * DAY) == []


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_rotation_is_gap_free_for_a_hundred_years(zone: str):
    rotation = Rotation(unit="day", anchor=wall("1980-01-01T02:30"), zone=zone, participants=(Participant(),))
    start, end = datetime(1980, 1, 2, tzinfo=UTC), datetime(2080, 1, 1, tzinfo=UTC)

    found = list(handoffs(rotation, start, end))

    assert all(timedelta() < later - earlier <= 49 * HOUR for earlier, later in pairwise(found))
    assert len(found) in range(36522, 36528)


@pytest.mark.parametrize(
    ("zone", "around", "every"),
    [("Antarctica/Troll", "2026-03-29T01:00", 2), ("Antarctica/Casey", "2016-10-21T16:00", 3)],
)
def test_hours_that_a_long_gap_takes_take_nobodys_turn(zone: str, around: str, every: int):
    there = wall(around).replace(tzinfo=UTC)
    names = tuple(Participant(people=(name,)) for name in "abcdefg")
    rotation = Rotation(unit="hour", every=every, anchor=wall_at(there, ZoneInfo(zone)) - 7 * DAY, zone=zone)
    rotation = msgspec.structs.replace(rotation, anchor=rotation.anchor.replace(minute=0), participants=names)

    walked = list(handoffs(rotation, there - DAY, there + DAY))
    served = [on_turn(rotation, each)[0] for each in walked]

    assert all((ord(after) - ord(before)) % 7 == 1 for before, after in pairwise(served))


def test_a_window_of_a_day_that_began_before_clocks_went_back_past_midnight_is_open():
    # St John's, 2010-11-07: at 00:01 clocks went back to 23:01 of the day before.
    rule = Restriction(days=("SU",), start=time(), end=time(12), zone="America/St_Johns")
    at = datetime(2010, 11, 7, 3, tzinfo=UTC)  # 23:30 on Saturday, again; Sunday's window opened at 02:30 UTC

    assert active(rule, at)
    assert (datetime(2010, 11, 7, 2, 30, tzinfo=UTC), datetime(2010, 11, 7, 15, 30, tzinfo=UTC)) in windows(
        rule, at, at + HOUR
    )
