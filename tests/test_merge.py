"""Merging deliveries: any order, any repeats, one life; and Alertmanager's rules for what that life is."""

from __future__ import annotations

from functools import reduce

from hypothesis import given, strategies as st

from tocsin.core.merge import (
    FOREVER,
    Life,
    end_of,
    fired,
    is_resolved,
    merge,
    newest,
    resolved,
    restored,
    same_episode,
)

instants = st.integers(min_value=1, max_value=60)


@st.composite
def reports(draw: st.DrawFn) -> Life:
    order, starts = draw(instants), draw(st.integers(0, 40))
    if draw(st.booleans()):
        return resolved(order, starts, draw(instants))
    return fired(order, starts, draw(st.one_of(instants, st.just(FOREVER))), timeout=draw(st.booleans()))


lives = st.lists(reports(), min_size=1, max_size=6).map(lambda said: reduce(merge, said))


@given(st.lists(reports(), min_size=1, max_size=7), st.data())
def test_any_order_with_any_repeats_gives_the_same_life(said: list[Life], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(said), max_size=5))
    shuffled = data.draw(st.permutations([*said, *again]))

    assert reduce(merge, shuffled) == reduce(merge, said)


@given(lives, lives)
def test_merging_is_commutative(one: Life, other: Life) -> None:
    assert merge(one, other) == merge(other, one)


@given(lives, lives, lives)
def test_merging_is_associative(one: Life, two: Life, three: Life) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(lives, lives)
def test_merging_what_is_known_changes_nothing(one: Life, other: Life) -> None:
    both = merge(one, other)

    assert merge(both, one) == both
    assert merge(both, both) == both


@given(st.lists(reports(), min_size=1, max_size=6))
def test_the_last_word_decides_whether_it_fires(said: list[Life]) -> None:
    life = reduce(merge, said)
    last = max(newest(each) for each in said)
    resolves = [newest(each) for each in said if is_resolved(each)]

    assert newest(life) == last
    assert is_resolved(life) == (bool(resolves) and max(resolves) == last)


@given(lives)
def test_an_end_is_never_before_the_start(life: Life) -> None:
    assert end_of(life)[0] >= life.starts_us


def test_the_earliest_start_is_kept() -> None:
    life = merge(fired(1, 110, 500, timeout=False), fired(2, 100, 600, timeout=False))

    assert life.starts_us == 100


def test_an_unknown_start_takes_the_known_one() -> None:
    assert merge(resolved(2, 0, 150), fired(1, 100, 500, timeout=False)).starts_us == 100


def test_a_refresh_moves_the_deadline() -> None:
    life = merge(fired(1, 100, 400, timeout=True), fired(2, 100, 500, timeout=True))

    assert end_of(life) == (500, True)


def test_a_younger_resolve_beats_an_older_deadline() -> None:
    life = merge(fired(1, 100, 900, timeout=False), resolved(2, 100, 300))

    assert is_resolved(life)
    assert end_of(life) == (300, False)


def test_a_deadline_that_arrives_late_does_not_undo_the_resolve() -> None:
    life = merge(resolved(5, 100, 300), fired(3, 100, 900, timeout=False))

    assert is_resolved(life)


def test_of_two_resolves_the_later_end_counts() -> None:
    life = merge(resolved(5, 290, 480), resolved(6, 290, 410))

    assert end_of(life) == (480, False)


def test_an_explicit_later_end_beats_a_newer_report_that_still_fires() -> None:
    life = merge(fired(1, 100, 900, timeout=False), fired(2, 100, 400, timeout=True))

    assert end_of(life) == (900, False)


def test_a_timeout_does_not_beat_a_newer_explicit_end() -> None:
    life = merge(fired(1, 100, 900, timeout=True), fired(2, 100, 400, timeout=False))

    assert end_of(life) == (400, False)


def test_what_fired_before_the_resolve_does_not_hold_what_fires_after_it() -> None:
    said = [fired(1, 100, 900, timeout=False), resolved(2, 100, 200), fired(3, 100, 350, timeout=True)]

    assert end_of(reduce(merge, said)) == (350, True)


def test_an_end_before_the_start_is_moved_to_the_start() -> None:
    assert end_of(merge(fired(1, 100, 900, timeout=False), resolved(2, 0, 40))) == (100, False)


def test_a_refire_after_the_end_is_a_new_episode() -> None:
    over = resolved(2, 100, 200)

    assert not same_episode(over, fired(3, 250, 600, timeout=False), received_us=260)
    assert not same_episode(over, fired(3, 200, 600, timeout=False), received_us=260)


def test_a_second_monitor_that_still_fires_revives_the_episode() -> None:
    assert same_episode(resolved(2, 100, 200), fired(3, 120, 600, timeout=False), received_us=210)


def test_a_refresh_after_the_deadline_passed_is_a_new_episode_unless_it_began_before() -> None:
    silent = fired(1, 100, 200, timeout=True)

    assert same_episode(silent, fired(2, 150, 400, timeout=True), received_us=300)
    assert not same_episode(silent, fired(2, 290, 400, timeout=True), received_us=300)


def test_a_repeated_resolve_of_an_earlier_episode_does_not_end_this_one() -> None:
    again = fired(9, 300, 900, timeout=False)

    assert not same_episode(again, resolved(10, 100, 200), received_us=310)
    assert same_episode(again, resolved(10, 0, 299), received_us=310)


@given(lives)
def test_a_life_restored_from_its_row_goes_on_the_same_way(life: Life) -> None:
    """After a restart only the row's columns are left; a younger report leads to the same state as without it."""
    end, timeout = end_of(life)
    after = restored(
        starts_us=life.starts_us, ends_us=end, updated=newest(life), timeout=timeout, ended=is_resolved(life)
    )
    last = resolved(newest(life) + 1, 0, 70)

    assert end_of(after) == (end, timeout)
    assert is_resolved(merge(after, last))
