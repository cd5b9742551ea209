"""Who is on call: layers, overrides, temporary schedules, swaps, the record, and turns that join and leave."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tocsin.core.rotation import Participant, Position, Restriction, Rotation
from tocsin.core.schedule import (
    Gap,
    Layer,
    Override,
    Recorded,
    Schedule,
    Shift,
    Temporary,
    coverage_gaps,
    on_call,
    shifts,
)
from tocsin.core.schedule_pattern import Pattern

T0 = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
wall = datetime.fromisoformat  # a local time without offset


def plan(*layers: Layer, **more) -> Schedule:
    return Schedule(layers=layers, **more)


def fixed(*people: str, priority: int = 0, hours: tuple[int, int] | None = None) -> Layer:
    windows = (Restriction(start=time(hours[0]), end=time(hours[1])),) if hours else ()
    return Layer(people=people, priority=priority, restrictions=windows)


def daily(*turns: Participant, position: Position | None = None) -> Rotation:
    return Rotation(unit="day", anchor=wall("2026-06-01T09:00"), participants=turns, position=position)


def turn(*people: str, joins: datetime | None = None, leaves: datetime | None = None) -> Participant:
    return Participant(people=people, joins_at=joins, leaves_at=leaves)


def who_each_day(rotation: Rotation, days: int) -> str:
    return "".join(
        "".join(on_call(plan(Layer(rotation=rotation)), T0 + n * DAY + 12 * HOUR)) or "-" for n in range(days)
    )


def test_layers_of_one_priority_are_on_call_together():
    schedule = plan(fixed("ann", hours=(8, 12)), fixed("bob", hours=(10, 16)))

    assert on_call(schedule, T0 + 9 * HOUR) == ("ann",)
    assert on_call(schedule, T0 + 10 * HOUR) == ("ann", "bob")
    assert on_call(schedule, T0 + 12 * HOUR) == ("bob",)
    assert on_call(schedule, T0 + 16 * HOUR) == ()


def test_the_highest_priority_that_has_anybody_wins():
    schedule = plan(fixed("ann"), fixed("bob", priority=1, hours=(10, 16)))

    assert shifts(schedule, T0, T0 + DAY) == [
        Shift(person="ann", start=T0, end=T0 + 10 * HOUR),
        Shift(person="bob", start=T0 + 10 * HOUR, end=T0 + 16 * HOUR),
        Shift(person="ann", start=T0 + 16 * HOUR, end=T0 + DAY),
    ]


def test_a_buffer_turn_lets_the_layer_below_show_through():
    above = Layer(priority=1, rotation=daily(turn("bob"), turn()))
    schedule = plan(fixed("ann"), above)

    assert on_call(schedule, T0 + 12 * HOUR) == ("bob",)
    assert on_call(schedule, T0 + DAY + 12 * HOUR) == ("ann",)


def test_an_override_adds_removes_or_stands_in_for_one_person():
    span = {"start": T0 + 12 * HOUR, "end": T0 + 18 * HOUR}
    at = T0 + 13 * HOUR

    def now(override: Override) -> tuple[str, ...]:
        return on_call(plan(fixed("ann", "cyd"), overrides=(override,)), at)

    assert now(Override(add="bob", **span)) == ("ann", "cyd", "bob")
    assert now(Override(remove="ann", **span)) == ("cyd",)
    assert now(Override(add="bob", remove="ann", **span)) == ("bob", "cyd")
    assert now(Override(add="bob", remove="dan", **span)) == ("ann", "cyd")


def test_an_override_is_half_open():
    schedule = plan(fixed("ann"), overrides=(Override(add="bob", remove="ann", start=T0, end=T0 + HOUR),))

    assert on_call(schedule, T0) == ("bob",)
    assert on_call(schedule, T0 + HOUR) == ("ann",)


def test_a_temporary_schedule_replaces_its_span_gaps_included():
    shift = Shift(person="eve", start=T0 + 2 * HOUR, end=T0 + 3 * HOUR)
    override = Override(add="bob", start=T0, end=T0 + DAY)
    temporary = Temporary(start=T0 + HOUR, end=T0 + 4 * HOUR, shifts=(shift,))
    schedule = plan(fixed("ann"), overrides=(override,), temporary=(temporary,))

    assert on_call(schedule, T0) == ("ann", "bob")
    assert on_call(schedule, T0 + HOUR) == ()
    assert on_call(schedule, T0 + 2 * HOUR) == ("eve",)
    assert coverage_gaps(schedule, T0, T0 + DAY) == [
        Gap(start=T0 + HOUR, end=T0 + 2 * HOUR),
        Gap(start=T0 + 3 * HOUR, end=T0 + 4 * HOUR),
    ]


def test_the_later_temporary_schedule_cuts_the_earlier():
    whole = {"start": T0, "end": T0 + DAY}
    earlier = Temporary(shifts=(Shift(person="ann", **whole),), **whole)
    later = Temporary(start=T0 + HOUR, end=T0 + 2 * HOUR, shifts=(Shift(person="bob", **whole),))
    schedule = plan(temporary=(earlier, later))

    assert [on_call(schedule, T0 + n * HOUR) for n in range(3)] == [("ann",), ("bob",), ("ann",)]


def test_swaps_are_applied_last_and_in_turn():
    span = {"start": T0, "end": T0 + DAY}
    swaps = (Override(add="bob", remove="ann", **span), Override(add="cyd", remove="bob", **span))

    assert on_call(plan(fixed("ann"), swaps=swaps), T0) == ("cyd",)


def test_the_past_is_what_was_recorded():
    recorded = (Recorded(person="bob", start=T0, end=T0 + HOUR), Recorded(person="cyd", start=T0 + 2 * HOUR))
    schedule = plan(fixed("ann"), recorded=recorded, recorded_until=T0 + 3 * HOUR)

    assert shifts(schedule, T0, T0 + 4 * HOUR) == [
        Shift(person="bob", start=T0, end=T0 + HOUR),
        Shift(person="cyd", start=T0 + 2 * HOUR, end=T0 + 3 * HOUR),
        Shift(person="ann", start=T0 + 3 * HOUR, end=T0 + 4 * HOUR),
    ]


def test_an_earlier_rule_change_does_not_reach_back_into_the_record():
    before = plan(fixed("ann"), recorded=(Recorded(person="ann", start=T0),), recorded_until=T0 + DAY)
    after = plan(fixed("bob"), recorded=before.recorded, recorded_until=before.recorded_until)

    assert on_call(after, T0 + HOUR) == ("ann",)
    assert on_call(after, T0 + DAY) == ("bob",)


def test_a_layer_that_starts_and_ends_is_silent_outside():
    schedule = plan(Layer(people=("ann",), starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR))

    assert [on_call(schedule, T0 + n * HOUR) for n in range(3)] == [(), ("ann",), ()]
    assert shifts(schedule, T0, T0 + DAY) == [Shift(person="ann", start=T0 + HOUR, end=T0 + 2 * HOUR)]


def test_somebody_who_joins_gets_a_turn_without_a_reshuffle():
    alone = daily(turn("a"), turn("b"), turn("c"))
    joined = daily(turn("a"), turn("b"), turn("n", joins=T0 + 4 * DAY), turn("c"))

    assert who_each_day(alone, 9) == "abcabcabc"
    assert who_each_day(joined, 9) == "abcabncab"


def test_somebody_who_leaves_is_passed_over_from_then_on():
    rotation = daily(turn("a"), turn("b", leaves=T0 + 3 * DAY), turn("c"))

    assert who_each_day(rotation, 8) == "abcacaca"


def test_a_turn_whose_owner_leaves_goes_to_the_next_at_once():
    leaves = T0 + DAY + 10 * HOUR + HOUR  # at 11:00 of b's own day
    rotation = daily(turn("a"), turn("b", leaves=leaves), turn("c"))
    schedule = plan(Layer(rotation=rotation))

    assert shifts(schedule, T0 + DAY + 9 * HOUR, T0 + 3 * DAY + 9 * HOUR) == [
        Shift(person="b", start=T0 + DAY + 9 * HOUR, end=leaves),
        Shift(person="c", start=leaves, end=T0 + 2 * DAY + 9 * HOUR),
        Shift(person="a", start=T0 + 2 * DAY + 9 * HOUR, end=T0 + 3 * DAY + 9 * HOUR),
    ]


def test_nobody_is_on_call_when_everybody_has_left():
    rotation = daily(turn("a", leaves=T0 + 2 * DAY), turn("b", leaves=T0 + 2 * DAY))

    assert who_each_day(rotation, 4) == "ab--"


def test_a_person_may_have_two_turns_in_a_round():
    assert who_each_day(daily(turn("a"), turn("b"), turn("a")), 6) == "abaaba"


def test_a_position_keeps_its_turn_whoever_was_added_before_it():
    at = T0 + 2 * DAY + 12 * HOUR
    before = daily(turn("a"), turn("b"), position=Position(index=0, at=at))
    after = daily(turn("n"), turn("a"), turn("b"), position=Position(index=1, at=at))

    assert on_call(plan(Layer(rotation=before)), at) == on_call(plan(Layer(rotation=after)), at) == ("a",)


def test_a_night_shift_over_the_spring_change_is_an_hour_shorter():
    zone = "Europe/Berlin"
    night = Layer(people=("ann",), restrictions=(Restriction(start=time(22), end=time(6), zone=zone),))
    evening = datetime(2026, 3, 28, 22, tzinfo=ZoneInfo(zone)).astimezone(UTC)

    (shift,) = shifts(plan(night), evening - HOUR, evening + 10 * HOUR)

    assert shift.end - shift.start == 7 * HOUR


def test_a_window_that_ends_in_the_repeated_hour_covers_both_passes():
    zone = "America/Chicago"
    night = Layer(people=("n",), restrictions=(Restriction(start=time(20), end=time(1, 30), zone=zone),))
    day = Layer(people=("d",), restrictions=(Restriction(start=time(1, 30), end=time(20), zone=zone),))
    first_pass = datetime(2020, 11, 1, 6, 30, tzinfo=UTC)

    assert on_call(plan(night, day), first_pass) == ("n", "d")
    assert on_call(plan(night, day), first_pass + HOUR) == ("d",)


def test_every_two_days_with_days_given_means_two_enabled_days_in_a_row():
    pattern = Pattern(
        start=wall("2026-06-01T00:00"),
        length=DAY,
        unit="day",
        every=2,
        groups=(("a",), ("b",)),
        by_day=("MO", "WE", "FR"),
    )
    schedule = plan(Layer(pattern=pattern))

    found = ["".join(on_call(schedule, T0 + n * DAY)) for n in range(14)]

    assert found == ["a", "", "a", "", "b", "", "", "b", "", "a", "", "a", "", ""]


def test_a_pattern_of_whole_days_has_no_hole_when_clocks_change():
    pattern = Pattern(
        start=wall("2026-03-01T02:30"), length=DAY, unit="day", groups=(("a",), ("b",)), zone="Europe/Berlin"
    )
    schedule = plan(Layer(pattern=pattern))

    assert coverage_gaps(schedule, datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)) == []
