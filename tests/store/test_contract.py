"""What every store promises; each test runs against all of them."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.store.given import T0, TENANT, alerts, append, key, minutes, note, page, row
from tocsin.clock import ManualClock
from tocsin.core.cells import BLANK
from tocsin.core.facts import NoteAdded
from tocsin.ports import Claim, Conflict, Store

REFERENCE = Claim(kind="reference", name="INC-2026-001")


# --- streams


def test_facts_come_back_as_they_went_in_and_in_order(store: Store) -> None:
    store.commit([append(facts=2), append(expected=2, facts=1)])

    assert store.facts(TENANT, "s") == [note("fact 0"), note("fact 1"), note("fact 2")]
    assert store.facts(TENANT, "s", after=2) == [note("fact 2")]


def test_an_unknown_stream_has_no_facts(store: Store) -> None:
    assert store.facts(TENANT, "nobody") == []
    assert store.index(TENANT, "nobody") is None


def test_an_append_to_a_stream_that_moved_on_is_refused(store: Store) -> None:
    store.commit([append()])

    with pytest.raises(Conflict, match="expected 0 facts, got 1") as refused:
        store.commit([append()])

    assert refused.value.claim is None
    assert len(store.facts(TENANT, "s")) == 1


def test_an_append_ahead_of_its_stream_is_refused(store: Store) -> None:
    with pytest.raises(Conflict):
        store.commit([append(expected=3)])


def test_a_refused_commit_leaves_nothing_behind(store: Store) -> None:
    store.commit([append("first", take=(key("db"),))], consumed=1)
    good = append(
        "second", wake_at=T0, pages=(page("p1"),), take=(key("web"), REFERENCE), reference_counter=("INC-2026", 1)
    )
    bad = append("third", take=(key("db"),))

    with pytest.raises(Conflict) as refused:
        store.commit([good, bad], alerts=alerts({1: BLANK}, {1: b"one"}), consumed=7)

    assert refused.value.claim == key("db")
    assert store.facts(TENANT, "second") == []
    assert store.index(TENANT, "second") is None
    assert store.due(T0, 10) == []
    assert store.next_page(T0) is None
    assert store.holder(TENANT, key("web")) is None
    assert store.find(TENANT, "INC-2026-001") is None
    assert store.last_number(TENANT, "INC-2026") == 0
    assert (list(store.alert_blocks()), store.alert_bodies([1])) == ([], {})
    assert store.consumed() == 1


def test_a_refused_commit_restores_what_a_stream_had(store: Store) -> None:
    store.commit([append("s", wake_at=T0, take=(key("db"),), pages=(page("p1"),))])
    store.commit([append("other", take=(key("web"),))])

    with pytest.raises(Conflict):
        store.commit(
            [
                append("s", 1, index=row("s", title="Changed"), release=(key("db"),), forgive=("p1",)),
                append("third", take=(key("web"),)),
            ]
        )

    index = store.index(TENANT, "s")
    assert index is not None and index.title == "Trouble in s"
    assert store.due(T0, 10) == [(TENANT, "s", T0)]
    assert store.holder(TENANT, key("db")) == "s"
    assert store.next_page(T0) == T0


def test_the_index_row_is_the_newest(store: Store) -> None:
    store.commit([append()])
    changed = row("s", status="resolved", acknowledged_at=T0, resolved_at=T0 + minutes(5), service="db", drill=True)

    store.commit([append("s", 1, index=changed)])

    assert store.index(TENANT, "s") == changed


def test_an_append_without_facts_moves_the_wake_up_only(store: Store) -> None:
    store.commit([append(wake_at=T0)])

    store.commit([append("s", 1, facts=0, wake_at=T0 + minutes(5))])

    assert store.due(T0, 10) == []
    assert store.next_wake() == T0 + minutes(5)
    assert len(store.facts(TENANT, "s")) == 1


def test_tenants_do_not_see_each_other(store: Store) -> None:
    store.commit([append("s", take=(key("db"), REFERENCE))])
    store.commit([append("s", tenant="other", take=(key("db"), REFERENCE))])
    store.put(TENANT, "policy", "a", b"1")

    store.commit([append("s", 1, tenant="other")])

    assert len(store.facts(TENANT, "s")) == 1
    assert len(store.facts("other", "s")) == 2
    assert store.get("other", "policy", "a") is None
    assert [each.incident for each in store.listing(TENANT)[0]] == ["s"]


def test_instants_keep_their_microseconds(store: Store) -> None:
    at = datetime.fromisoformat("2026-11-23T03:00:00.123457+00:00")
    store.commit([append("s", index=row("s", opened_at=at), wake_at=at)])

    index = store.index(TENANT, "s")
    assert index is not None and index.opened_at == at
    assert store.next_wake() == at


# --- claims, references, counters


def test_a_key_is_held_by_one_stream_until_it_is_released(store: Store) -> None:
    store.commit([append("a", take=(key("db"),))])
    store.commit([append("a", 1, release=(key("db"),))])

    store.commit([append("b", take=(key("db"),))])

    assert store.holder(TENANT, key("db")) == "b"


def test_taking_ones_own_claim_again_is_fine(store: Store) -> None:
    store.commit([append("a", take=(key("db"),))])

    store.commit([append("a", 1, take=(key("db"),))])

    assert store.holder(TENANT, key("db")) == "a"


def test_releasing_what_another_holds_changes_nothing(store: Store) -> None:
    store.commit([append("a", take=(key("db"),)), append("b")])

    store.commit([append("b", 1, release=(key("db"),))])

    assert store.holder(TENANT, key("db")) == "a"


def test_a_key_moves_between_streams_in_one_commit(store: Store) -> None:
    store.commit([append("a", take=(key("db"),)), append("b")])

    store.commit([append("a", 1, release=(key("db"),)), append("b", 1, take=(key("db"),))])

    assert store.holder(TENANT, key("db")) == "b"


def test_kinds_of_claims_are_separate_names(store: Store) -> None:
    store.commit([append("a", take=(key("x"),)), append("b", take=(Claim(kind="due", name="x"),))])

    assert store.holder(TENANT, key("x")) == "a"
    assert store.holder(TENANT, Claim(kind="due", name="x")) == "b"


def test_an_incident_is_found_by_its_reference_in_any_letter_case(store: Store) -> None:
    store.commit([append("a", take=(REFERENCE,))])

    assert store.find(TENANT, "INC-2026-001") == "a"
    assert store.find(TENANT, "inc-2026-001") == "a"
    assert store.find(TENANT, "INC-2026-002") is None


def test_reference_numbers_have_no_gap_and_are_not_used_twice(store: Store) -> None:
    store.commit([append("a", reference_counter=("INC-2026", 1)), append("b", reference_counter=("INC-2026", 2))])

    for wrong in (2, 4):
        with pytest.raises(Conflict, match="expected 3"):
            store.commit([append("c", reference_counter=("INC-2026", wrong))])

    assert store.last_number(TENANT, "INC-2026") == 2
    assert store.last_number(TENANT, "INC-2027") == 0


# --- deadlines


def test_due_streams_come_earliest_first_and_bounded(store: Store) -> None:
    store.commit(
        [append(name, wake_at=T0 + minutes(at)) for name, at in (("a", 3), ("b", 1), ("c", 2), ("d", 9))]
        + [append("e")]
    )

    due = store.due(T0 + minutes(3), 2)

    assert due == [(TENANT, "b", T0 + minutes(1)), (TENANT, "c", T0 + minutes(2))]
    assert [stream for _, stream, _ in store.due(T0 + minutes(3), 10)] == ["b", "c", "a"]
    assert store.next_wake() == T0 + minutes(1)


def test_a_stream_without_a_wake_up_never_is_due(store: Store) -> None:
    store.commit([append(wake_at=T0)])
    store.commit([append("s", 1, wake_at=None)])

    assert store.due(T0 + minutes(60), 10) == []
    assert store.next_wake() is None


# --- listing


def test_a_listing_is_newest_first_in_stable_pages(store: Store) -> None:
    store.commit([append(f"s{n}", index=row(f"s{n}", opened_at=T0 + minutes(n // 2))) for n in range(5)])

    first, cursor = store.listing(TENANT, limit=2)
    store.commit([append("newer", index=row("newer", opened_at=T0 + minutes(9)))])
    second, cursor = store.listing(TENANT, limit=2, cursor=cursor)
    third, end = store.listing(TENANT, limit=2, cursor=cursor)

    assert [each.incident for each in (*first, *second, *third)] == ["s4", "s3", "s2", "s1", "s0"]
    assert end is None


def test_the_last_page_that_is_exactly_full_has_no_cursor(store: Store) -> None:
    store.commit([append("a"), append("b")])

    rows, cursor = store.listing(TENANT, limit=2)

    assert len(rows) == 2
    assert cursor is None


def test_a_listing_is_filtered_by_status_severity_service_and_category(store: Store) -> None:
    store.commit(
        [
            append("a", index=row("a", status="resolved")),
            append("b", index=row("b", severity="P2", service="db", category="Database")),
            append("c", index=row("c", status="monitoring", service="db", category="Human Error")),
        ]
    )

    def names(**wanted: object) -> list[str]:
        return [each.incident for each in store.listing(TENANT, **wanted)[0]]  # type: ignore[arg-type]

    assert names(statuses=["investigating", "monitoring"]) == ["c", "b"]
    assert names(statuses=["monitoring", "monitoring"]) == ["c"]
    assert names(severities=["P2", "P9"]) == ["b"]
    assert names(severities=["p2"]) == ["b"]  # what somebody types at night
    assert names(service="db", statuses=["resolved"]) == []
    assert names(service="db") == names(service="DB") == ["c", "b"]  # as severities: what somebody types at night
    assert names(category="human error") == ["c"]
    assert names(category="Database", service="web") == names(category="Data") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [("DISK", ["a"]), ("100%", ["a"]), ("%", ["a"]), ("_", ["b"]), ("größe", ["c"]), ("inc-b", ["b"]), ("\\", ["c"])],
)
def test_a_listing_finds_text_in_title_and_reference_literally(store: Store, text: str, found: list[str]) -> None:
    titles = {"a": "Disk 100% full", "b": "web_1 is down", "c": "GRÖSSE \\ Größe"}
    store.commit([append(name, index=row(name, title=title)) for name, title in titles.items()])

    assert [each.incident for each in store.listing(TENANT, text=text)[0]] == found


def test_a_cursor_that_no_listing_gave_out_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="cursor: expected one that a listing gave out, got 'yesterday'"):
        store.listing(TENANT, cursor="yesterday")


# --- documents


def test_documents_are_put_replaced_listed_and_deleted(store: Store) -> None:
    store.put(TENANT, "person", "bo", b"1")
    store.put(TENANT, "person", "ana", b"2")
    store.put(TENANT, "team", "ana", b"3")
    store.put(TENANT, "person", "bo", b"4")

    assert store.get(TENANT, "person", "bo") == b"4"
    assert store.items(TENANT, "person") == [("ana", b"2"), ("bo", b"4")]
    assert store.delete(TENANT, "person", "bo") is True
    assert store.delete(TENANT, "person", "bo") is False
    assert store.items(TENANT, "person") == [("ana", b"2")]


# --- alerts and the journal position


def test_blocks_of_alerts_are_kept_as_they_were_last_given(store: Store) -> None:
    other = BLANK.replace(b"\x08", b"\x01", 1)
    store.commit(alerts=alerts({2: BLANK, 0: BLANK}))
    store.commit(alerts=alerts({2: other}))
    store.commit(alerts=alerts({1: other}, tenant="other"))

    assert list(store.alert_blocks()) == [(0, TENANT, BLANK), (1, "other", other), (2, TENANT, other)]
    assert list(store.alert_blocks([2, 7, 1])) == [(1, "other", other), (2, TENANT, other)]


def test_words_belong_to_tenants_and_the_newest_meaning_counts(store: Store) -> None:
    store.commit(alerts=alerts(words=[("source", 1, b"a"), ("incident", 1, b"i")]))
    store.commit(alerts=alerts(words=[("source", 1, b"b")]))
    store.commit(alerts=alerts(words=[("source", 2, b"c")], tenant="other"))

    assert sorted(store.alert_words()) == [
        (TENANT, ("incident", 1, b"i")), (TENANT, ("source", 1, b"b")), ("other", ("source", 2, b"c")),
    ]  # fmt: skip


def test_a_body_stays_until_it_is_given_again_or_taken_away(store: Store) -> None:
    store.commit(alerts=alerts(bodies={1: b"one", 2: b"two", 15: b"fifteen", 16: b"sixteen"}))
    store.commit(alerts=alerts(bodies={2: b"", 15: b"new"}))

    assert store.alert_bodies([1, 2, 3, 15, 16, 99]) == {1: b"one", 15: b"new", 16: b"sixteen"}


def test_bodies_of_more_slots_than_a_statement_takes_are_found(store: Store) -> None:
    store.commit(alerts=alerts(bodies={n: b"%d" % n for n in range(50_000)}))

    assert store.alert_bodies(range(50_000)) == {n: b"%d" % n for n in range(50_000)}


def test_the_consumed_position_only_grows(store: Store) -> None:
    store.commit(consumed=5)
    store.commit(consumed=3)

    assert store.consumed() == 5


def test_a_reader_sees_one_moment_and_does_not_write(store: Store) -> None:
    store.commit([append("a")])
    with store.reading() as reader:
        before = reader.listing(TENANT)[0]
        store.commit([append("b"), append("a", 1)])
        after = reader.listing(TENANT)[0]
        facts = reader.facts(TENANT, "a")

    assert before == after
    assert facts == [NoteAdded(at=T0, text="fact 0")]


def test_the_stores_time_is_the_clock_it_was_given(store: Store, clock: ManualClock) -> None:
    clock.advance(minutes(7))

    assert store.now() == T0 + minutes(7)


def test_a_postponed_stream_is_due_at_its_new_time(store: Store) -> None:
    store.commit([append(wake_at=T0)])

    store.postpone(TENANT, "s", T0 + minutes(5))

    assert store.due(T0, 10) == []
    assert store.next_wake() == T0 + minutes(5)
    assert len(store.facts(TENANT, "s")) == 1
