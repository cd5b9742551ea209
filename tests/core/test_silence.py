from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.core.matchers import matches
from tocsin.core.policy import Matcher
from tocsin.core.silence import (
    Maintenance,
    Silence,
    check_maintenance,
    check_silence,
    compiled,
    expire,
    in_order,
    maintenance_mutes,
    mentions,
    mutes,
    next_change,
    place,
    silenced_by,
    state,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHECKOUT = Matcher(name="service", value="checkout")


def silence(**changes: object) -> Silence:
    plain = Silence(
        id="s1",
        matchers=(CHECKOUT,),
        starts_at=T0,
        ends_at=T0 + HOUR,
        created_by="ana",
        comment="deploy",
        updated_at=T0,
    )
    return msgspec.structs.replace(plain, **changes)


def test_a_silence_holds_from_its_start_up_to_its_end() -> None:
    assert state(silence(), T0 - timedelta(microseconds=1)) == "pending"
    assert state(silence(), T0) == "active"
    assert state(silence(), T0 + HOUR) == "expired"


def test_a_new_silence_cannot_start_in_the_past() -> None:
    (new,) = place(None, silence(id="", starts_at=T0 - HOUR), T0, "fresh")

    assert (new.id, new.starts_at, new.ends_at) == ("fresh", T0, T0 + HOUR)


def test_an_active_silence_is_extended_in_place() -> None:
    (changed,) = place(silence(), silence(ends_at=T0 + 3 * HOUR, comment="longer"), T0 + timedelta(minutes=5), "fresh")

    assert (changed.id, changed.ends_at, changed.comment) == ("s1", T0 + 3 * HOUR, "longer")


def test_other_matchers_end_the_old_silence_and_begin_a_new_one() -> None:
    now = T0 + timedelta(minutes=5)

    old, new = place(silence(), silence(matchers=(Matcher(name="service", value="pay"),)), now, "fresh")

    assert (old.id, old.ends_at, state(old, now)) == ("s1", now, "expired")
    assert (new.id, new.starts_at) == ("fresh", now)


def test_a_silence_that_is_over_is_not_brought_back() -> None:
    (new,) = place(silence(), silence(ends_at=T0 + 5 * HOUR), T0 + 2 * HOUR, "fresh")

    assert new.id == "fresh"


def test_a_pending_silence_may_move_but_not_into_the_past() -> None:
    pending = silence(starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)

    (moved,) = place(pending, msgspec.structs.replace(pending, ends_at=T0 + 4 * HOUR), T0, "fresh")
    old, new = place(pending, msgspec.structs.replace(pending, starts_at=T0 - HOUR), T0, "fresh")

    assert moved.id == "s1"
    assert state(old, T0) == "expired"
    assert (new.id, new.starts_at) == ("fresh", T0)


def test_expiring_twice_keeps_the_first_end() -> None:
    once = expire(silence(), T0 + timedelta(minutes=10))

    assert expire(once, T0 + timedelta(minutes=20)) == once


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ends_at": T0}, "start time must be before end time"),
        ({"starts_at": T0 - 2 * HOUR, "ends_at": T0 - HOUR}, "end time can't be in the past"),
        ({"matchers": (Matcher(name="a", value=""),)}, "at least one matcher must not match the empty string"),
        (
            {"matchers": (Matcher(name="a", value=".*", is_regex=True),)},
            "at least one matcher must not match the empty",
        ),
        (
            {"matchers": (Matcher(name="a", value="x", is_equal=False),)},
            "at least one matcher must not match the empty",
        ),
        ({"matchers": (Matcher(name="a", value="[", is_regex=True),)}, "invalid label matcher 0"),
        ({"matchers": (Matcher(name="", value="x"),)}, "invalid label name"),
        ({"matchers": (CHECKOUT,) * 101}, "at most 100 matchers"),
        ({"comment": "x" * 20_000}, "comment: expected at most"),
    ],
)
def test_a_silence_that_cannot_hold_or_silences_everything_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_silence(silence(**changes), T0)


def test_a_regex_that_other_engines_choke_on_is_answered_at_once() -> None:
    evil = silence(matchers=(Matcher(name="a", value="(x+x+)+y", is_regex=True),))
    check_silence(evil, T0)

    assert silenced_by(compiled([evil], T0), {"a": "x" * 50_000}) == ()


def test_only_active_silences_that_match_are_named_in_order() -> None:
    stored = [
        silence(id="b"),
        silence(id="a"),
        silence(id="c", ends_at=T0 + timedelta(seconds=1)),
        silence(id="d", matchers=()),
    ]

    named = silenced_by(compiled(stored[:3], T0 + timedelta(minutes=1)), {"service": "checkout", "instance": "a"})

    assert named == ("a", "b")


def test_the_listing_is_active_then_pending_then_expired() -> None:
    expired = silence(id="e", starts_at=T0 - 2 * HOUR, ends_at=T0 - HOUR)
    pending = silence(id="p", starts_at=T0 + HOUR, ends_at=T0 + 2 * HOUR)
    soon, late = silence(id="s", ends_at=T0 + HOUR), silence(id="l", ends_at=T0 + 2 * HOUR)

    assert [each.id for each in in_order([expired, late, pending, soon], T0)] == ["s", "l", "p", "e"]


def test_a_filter_on_silences_asks_for_a_matcher_word_for_word() -> None:
    assert mentions(silence(), [CHECKOUT])
    assert not mentions(silence(), [Matcher(name="service", value="check.*", is_regex=True)])


def test_the_next_change_is_the_nearest_start_or_end_to_come() -> None:
    pending = silence(starts_at=T0 + 3 * HOUR, ends_at=T0 + 4 * HOUR)

    assert next_change([silence(), pending], T0) == T0 + HOUR
    assert next_change([silence(), pending], T0 + 2 * HOUR) == T0 + 3 * HOUR
    assert next_change([silence()], T0 + 2 * HOUR) is None


def test_triage_gets_what_is_not_over_with_who_and_why() -> None:
    over = silence(id="old", ends_at=T0 - HOUR, starts_at=T0 - 2 * HOUR)

    (mute,) = mutes([over, silence()], T0).mutes

    assert (mute.id, mute.by, mute.comment, mute.service) == ("s1", "ana", "deploy", None)
    assert matches(mute.matchers, {"service": "checkout"})


def test_a_maintenance_window_covers_a_service_or_what_it_matches() -> None:
    window = Maintenance(id="m", starts_at=T0, ends_at=T0 + HOUR, service="checkout", by="ben", updated_at=T0)

    check_maintenance(window)
    (mute,) = maintenance_mutes([window], T0).mutes

    assert (mute.service, mute.by) == ("checkout", "ben")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ends_at": T0}, "ends_at: expected an instant after"),
        ({"service": None}, "matchers: expected a service"),
        ({"service": None, "matchers": (Matcher(name="a", value="("),)}, None),
        ({"matchers": (Matcher(name="a", value="(", is_regex=True),)}, r"matchers\[0\]"),
    ],
)
def test_a_maintenance_window_that_means_nothing_is_refused(changes: dict[str, object], told: str | None) -> None:
    window = Maintenance(id="m", starts_at=T0, ends_at=T0 + HOUR, service="checkout", updated_at=T0)
    changed = msgspec.structs.replace(window, **changes)
    if told is None:
        check_maintenance(changed)
        return

    with pytest.raises(ValueError, match=told):
        check_maintenance(changed)


INSTANTS = st.integers(-5, 10).map(lambda minutes: T0 + timedelta(minutes=minutes))


@given(st.tuples(INSTANTS, INSTANTS, INSTANTS, INSTANTS, INSTANTS), st.booleans())
def test_whatever_is_written_no_past_of_a_silence_is_rewritten(
    instants: tuple[datetime, datetime, datetime, datetime, datetime], other: bool
) -> None:
    first, second, start, end, now = instants
    if first >= second or start >= end or end < now:
        return
    before = silence(starts_at=first, ends_at=second)
    wanted = silence(starts_at=start, ends_at=end, matchers=(CHECKOUT, CHECKOUT) if other else (CHECKOUT,))

    after = place(before, wanted, now, "fresh")
    stored = {"s1": before} | {each.id: each for each in after}

    def held(silences: list[Silence], at: datetime) -> bool:
        return any(state(each, at) == "active" for each in silences)

    for minutes in range(-5, 11):
        at = T0 + timedelta(minutes=minutes)
        if at < now:
            assert held([before], at) <= held(list(stored.values()), at)
        else:
            assert held([after[-1]], at) == (start <= at < end)
