"""The table of current alerts: compact, and never wrong about who is who."""

from __future__ import annotations

from array import array

from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tocsin.core.alert import Verdict
from tocsin.core.merge import FOREVER, fired, merge, resolved
from tocsin.digest import alerttable
from tocsin.digest.alerttable import AlertTable
from tocsin.digest.columns import Finder, Names, Wheel
from tocsin.digest.newcomers import Cells, Newcomers

SECOND = 1_000_000
T = "default"


def test_a_slot_is_found_by_fingerprint_and_by_label_bytes() -> None:
    table = AlertTable()
    slot = table.add(T, 0xABC, "prometheus", fired(1, 10, 20, timeout=False), key=77)

    assert table.slot_of(T, "0000000000000abc") == slot
    assert table.memo(T).get(77) == slot
    assert table.slot_of("other", "0000000000000abc") is None
    assert table.slot_of(T, "no number") is None
    assert table.slots(T) == [slot]


def test_a_new_episode_takes_over_the_fingerprint_and_the_old_one_is_still_known() -> None:
    table = AlertTable()
    old = table.add(T, 5, "s", resolved(1, 10, 20), key=7)
    new = table.add(T, 5, "s", fired(2, 30, FOREVER, timeout=False), key=7)

    assert table.slot_of(T, "5") == new
    assert table.memo(T).get(7) == new
    assert table.episodes(T, "5") == [new, old]


def test_another_spelling_of_the_labels_replaces_the_one_before() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", fired(1, 10, 99, timeout=False), key=7)
    table.remember(T, slot, 8)

    assert table.memo(T).get(7) is None
    assert table.memo(T).get(8) == slot


def test_merging_says_what_turned() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", fired(1, 10, 99, timeout=False), key=0)

    assert table.merge(slot, fired(2, 10, 120, timeout=False)) is None
    assert table.merge(slot, resolved(3, 10, 90)) is False
    assert not table.fires(slot)
    assert table.merge(slot, resolved(4, 10, 91)) is None
    assert table.merge(slot, fired(5, 10, 200, timeout=False)) is True
    assert (table.firing, table.ended) == (1, 0)


def test_a_deadline_that_was_moved_expires_when_it_says_now() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", fired(1, 0, 10 * SECOND, timeout=True), key=0)
    table.merge(slot, fired(2, 0, 50 * SECOND, timeout=True))

    assert table.expired(20 * SECOND, 100) == []
    assert table.expired(51 * SECOND, 100) == [slot]


def test_a_deadline_that_came_nearer_is_not_missed_and_told_once() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", fired(1, 0, 300 * SECOND, timeout=True), key=0)
    table.merge(slot, fired(2, 0, 100 * SECOND, timeout=False))

    assert table.expired(101 * SECOND, 100) == [slot]
    table.end(slot)
    assert table.expired(400 * SECOND, 100) == []


def test_a_moved_deadline_is_told_once_when_both_have_passed() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", fired(1, 0, 300 * SECOND, timeout=True), key=0)
    table.merge(slot, fired(2, 0, 100 * SECOND, timeout=False))

    assert table.expired(400 * SECOND, 100) == [slot]


def test_an_open_end_never_expires() -> None:
    table = AlertTable()
    table.add(T, 5, "s", fired(1, 0, FOREVER, timeout=False), key=0)

    assert table.expired(FOREVER - 1, 100) == []
    assert table.ends[0] == FOREVER


def test_what_is_over_is_forgotten_after_the_retention_and_its_slot_used_again() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", resolved(1, 0, SECOND), key=9)
    kept = alerttable.ENDED_KEPT_SECONDS * SECOND

    assert table.prune(kept) == []
    assert table.prune(kept + 3 * SECOND) == [slot]
    assert table.slot_of(T, "5") is None
    assert table.memo(T).get(9) is None
    assert table.add(T, 6, "s", fired(2, 0, 99, timeout=False), key=0) == slot


def test_what_fired_again_is_not_forgotten() -> None:
    table = AlertTable()
    slot = table.add(T, 5, "s", resolved(1, 0, SECOND), key=9)
    table.merge(slot, fired(2, 0, FOREVER, timeout=False))

    assert table.prune(FOREVER - SECOND) == []
    assert table.fires(slot)


def test_equal_verdicts_are_one_object() -> None:
    table = AlertTable()
    slots = [table.add(T, n, "s", fired(1, 0, 99, timeout=False), key=0) for n in range(1, 3)]
    for slot in slots:
        table.judge(slot, Verdict(outcome="page", key="k", because=("a reason",)))

    assert table.verdict_of(slots[0]) is table.verdict_of(slots[1])


def _newcomers(table: AlertTable, tenant: str, source: str, cells: list[Cells]) -> Newcomers:
    new = Newcomers()
    new.place = table.place(tenant, source)
    for fingerprint, starts, ends, order, flags, key in cells:
        new.fingerprints[fingerprint] = None
        for column, cell in (
            (new.starts, starts), (new.ends, ends), (new.orders, order), (new.flags, flags), (new.keys, key),
            (new.saids, key + 1),
        ):  # fmt: skip
            column.append(cell)
        new.bodies.append(b"%d" % fingerprint)
    return new


@given(
    st.lists(
        st.tuples(
            st.integers(1, 2**64 - 1), st.integers(0, 9), st.sampled_from([5 * SECOND, 9 * SECOND, FOREVER]),
            st.integers(1, 99), st.sampled_from([0, alerttable.TIMEOUT]), st.integers(1, 2**62),
        ),
        min_size=1, max_size=90, unique_by=(lambda cells: cells[0], lambda cells: cells[5]),
    ),
    st.integers(0, 90),
)  # fmt: skip
def test_many_alerts_begin_as_each_of_them_would(cells: list[Cells], gone: int) -> None:
    together, single = AlertTable(), AlertTable()
    for table in (together, single):
        for number in range(gone):  # some of the room was used before
            table.add(T, 2**64 - 1 - number, "s", resolved(1, 0, SECOND), key=0)
        table.prune(FOREVER // 2)

    slots = together.begin_all(_newcomers(together, T, "s", cells))
    ones = [single.begin(single.place(T, "s"), *each) for each in cells]

    for slot, one, each in zip(slots, ones, cells, strict=True):
        assert together.newest(T).get(each[0]) == together.memo(T).get(each[5]) == slot
        assert together.life(slot) == single.life(one)
        assert together.bodies[slot] == b"%d" % each[0]
        assert (together.said[slot], together.count[slot]) == (each[5] + 1, 1)
        assert (together.source_of(slot), together.tenant_of(slot)) == ("s", T)
    assert (together.firing, together.ended, len(together)) == (single.firing, single.ended, len(single))
    assert sorted(together.name(slot) for slot in together.expired(7 * SECOND, 1_000)) == sorted(
        single.name(slot) for slot in single.expired(7 * SECOND, 1_000)
    )


def test_room_of_forgotten_alerts_is_used_again_by_many_at_once() -> None:
    table = AlertTable()
    for number in range(200):
        table.add(T, 1 + number, "s", resolved(1, 0, SECOND), key=0)
    old = set(table.prune(FOREVER // 2))

    new = table.begin_all(_newcomers(table, T, "s", [(9_000 + n, 1, 9, 1, 0, 7_000 + n) for n in range(200)]))

    assert set(new) == old


lives = st.one_of(
    st.builds(lambda order, starts, ends, t: fired(order, starts, ends, timeout=t), st.integers(1, 50),
              st.integers(1, 40), st.integers(1, 200), st.booleans()),
    st.builds(resolved, st.integers(1, 50), st.integers(0, 40), st.integers(1, 60)),
)  # fmt: skip


@given(st.lists(lives, min_size=1, max_size=8))
def test_columns_fold_as_lives_do_when_reports_come_in_order(said: list[object]) -> None:
    said = sorted(said, key=alerttable.newest)  # type: ignore[arg-type]
    table = AlertTable()
    slot = table.add(T, 5, "s", said[0], key=0)  # type: ignore[arg-type]
    for each in said[1:]:
        table.merge(slot, each)  # type: ignore[arg-type]

    life = table.life(slot)
    assert merge(life, life) == life
    assert table.fires(slot) == (table.firing == 1)
    assert table.updated[slot] == max(alerttable.newest(each) for each in said)  # type: ignore[arg-type]


class FinderIsADictionary(RuleBasedStateMachine):
    """Against a dictionary, with keys that collide in their low bits."""

    def __init__(self) -> None:
        super().__init__()
        self.column = array("q", [0]) * 64
        self.finder = Finder(self.column)
        self.model: dict[int, int] = {}

    @rule(key=st.integers(1, 12), spread=st.integers(0, 3), slot=st.integers(0, 63))
    def add(self, key: int, spread: int, slot: int) -> None:
        number = key + spread * 4_096
        if slot in self.model.values():
            return  # a slot has one key
        held = self.model.get(number)
        self.column[slot] = number
        self.finder.add(number, slot)
        if held is not None:
            self.column[held] = 0
        self.model[number] = slot

    @rule(key=st.integers(1, 12), spread=st.integers(0, 3))
    def pop(self, key: int, spread: int) -> None:
        number = key + spread * 4_096
        self.finder.pop(number)
        slot = self.model.pop(number, None)
        if slot is not None:
            self.column[slot] = 0

    @invariant()
    def agrees(self) -> None:
        for key in range(1, 13):
            for spread in range(4):
                number = key + spread * 4_096
                assert self.finder.get(number) == self.model.get(number)
        assert sorted(self.finder.values()) == sorted(self.model.values())


TestFinder = FinderIsADictionary.TestCase
TestFinder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_finder_grows() -> None:
    column = array("Q", [hash(("k", n)) & (2**64 - 1) for n in range(20_000)])
    finder = Finder(column)
    for slot, key in enumerate(column):
        finder.add(key, slot)

    assert all(finder.get(key) == slot for slot, key in enumerate(column))
    assert finder.get(12_345) is None


def test_a_finder_forgets_what_was_taken_away_when_it_grows() -> None:
    column = array("Q", [0]) * 10
    finder = Finder(column)
    for n in range(1, 100_000):
        column[n % 10] = n
        finder.add(n, n % 10)
        finder.pop(n)

    assert finder.values() == []


@given(st.lists(st.integers(1, 2**63 - 1), unique=True, max_size=300), st.integers(0, 300))
def test_new_keys_are_added_together_as_one_by_one(keys: list[int], before: int) -> None:
    column = array("q", keys)
    finder = Finder(column)
    for slot, key in enumerate(keys[:before]):
        finder.add(key, slot)
    finder.add_new(keys[before:], range(min(before, len(keys)), len(keys)))

    assert [finder.get(key) for key in keys] == list(range(len(keys)))
    assert [key in finder for key in keys] == [True] * len(keys)
    assert sorted(finder.values()) == list(range(len(keys)))


def test_names_are_stored_once_for_each_tenant() -> None:
    names: Names[str] = Names()

    assert names.number(T, None) == 0
    assert names.number(T, "a") == names.number(T, "a") == 1
    assert names.number("other", "a") == 2
    assert (names[0], names[1]) == (None, "a")
    assert names.new == {1: T, 2: "other"}
    assert (names.find(T, "a"), names.find(T, "b")) == (1, None)


def test_numbers_that_stand_for_nothing_any_more_are_given_again() -> None:
    names: Names[str] = Names()
    names.load([(4, T, "d"), (2, T, "b")])

    assert (names[2], names[4], names.new) == ("b", "d", {})
    assert {names.number(T, "x"), names.number(T, "y"), names.number(T, "z")} == {1, 3, 5}


@given(st.lists(st.integers(0, 100), max_size=60), st.integers(1, 20))
def test_a_wheel_gives_back_everything_once_at_its_second(times: list[int], limit: int) -> None:
    wheel = Wheel()
    for slot, at in enumerate(times):
        wheel.add(at * SECOND, slot)
    again = Wheel()
    again.add_all([at * SECOND for at in times], range(len(times)))
    assert again.due(200 * SECOND, 1_000) == wheel.due(200 * SECOND, 1_000)
    wheel.add_all([at * SECOND for at in times], range(len(times)))
    seen: list[int] = []
    for now in range(103):
        while due := wheel.due(now * SECOND, limit):
            assert len(due) <= limit
            assert all(times[slot] == now for slot in due)
            seen += due

    assert sorted(seen) == list(range(len(times)))
