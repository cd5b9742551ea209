"""Who is sent what, when: leases, the order of methods, forgiveness and the throttle, in every store."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.store.given import T0, TENANT, append, minutes, page, row
from tocsin.core.facts import OwedPage, SeverityChanged
from tocsin.ports import LeasedPage, Settlement, Store
from tocsin.store.throttle import BUNDLE_MAX, NOTICE, PAGES_MAX, PAGES_WINDOW

MAIL, PUSH = "email", "ntfy"


def owe(store: Store, *pages: OwedPage, stream: str = "s") -> None:
    store.commit([append(stream, pages=pages)])


def settle(store: Store, pages: list[LeasedPage], outcome: str, at: datetime, retry_at: datetime | None = None) -> None:
    store.commit(settle=[Settlement(page=each, outcome=outcome, at=at, retry_at=retry_at) for each in pages])  # type: ignore[arg-type]


def claim(store: Store, at: datetime, limit: int = 50) -> list[LeasedPage]:
    return store.claim_pages(at, limit, 60)


def ids(pages: list[LeasedPage]) -> list[str]:
    return [each.id for each in pages]


def test_an_owed_page_is_leased_with_all_that_a_sender_needs(store: Store) -> None:
    owe(store, page("p1", (MAIL, "ana@example.org", T0), level=2))

    (leased,) = claim(store, T0)

    assert (leased.id, leased.incident, leased.person, leased.kind, leased.address) == (
        "p1",
        "s",
        "ana",
        MAIL,
        "ana@example.org",
    )
    assert (leased.level, leased.notice, leased.method, leased.attempt, leased.also) == (2, False, 0, 1, ())
    assert leased.lease_until == T0 + minutes(1)


def test_a_page_is_not_claimed_before_its_time(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0 + minutes(2))))

    assert claim(store, T0 + minutes(0.5)) == []
    assert store.next_page(T0) == T0 + minutes(2)
    assert ids(claim(store, T0 + minutes(2))) == ["p1"]


def test_a_page_without_methods_owes_nothing(store: Store) -> None:
    owe(store, OwedPage(id="p1", person="ana", methods=()))

    assert store.next_page(T0) is None


def test_a_leased_attempt_is_not_handed_out_twice(store: Store) -> None:
    owe(store, page("p1"))
    claim(store, T0)

    assert claim(store, T0 + timedelta(seconds=59)) == []
    assert store.next_page(T0) == T0 + minutes(1)


def test_a_lease_that_ran_out_is_claimed_again_as_the_next_attempt(store: Store) -> None:
    owe(store, page("p1"))
    (first,) = claim(store, T0)

    (second,) = claim(store, T0 + minutes(1))

    assert (second.id, second.attempt) == ("p1", 2)
    assert second.lease != first.lease


def test_a_lease_that_is_renewed_keeps_its_attempt(store: Store) -> None:
    owe(store, page("p1"), page("p2"))
    first, _ = claim(store, T0)

    store.renew([first.lease], T0 + minutes(3))

    assert ids(claim(store, T0 + minutes(1))) == ["p2"]
    assert ids(claim(store, T0 + minutes(2))) == ["p2"]
    settle(store, [first], "sent", T0 + minutes(2))
    assert ids(claim(store, T0 + minutes(3))) == ["p2"]


def test_renewing_a_lease_that_is_settled_owes_nothing(store: Store) -> None:
    owe(store, page("p1"))
    (first,) = claim(store, T0)
    settle(store, [first], "sent", T0)

    store.renew([first.lease], T0 + minutes(3))

    assert store.next_page(T0) is None


def test_the_receipt_of_a_lost_lease_is_ignored(store: Store) -> None:
    owe(store, page("p1"))
    late = claim(store, T0)
    again = claim(store, T0 + minutes(1))

    settle(store, late, "given_up", T0 + minutes(1))
    assert claim(store, T0 + minutes(0.5)) == []
    settle(store, again, "sent", T0 + minutes(1))

    assert store.next_page(T0) is None


def test_after_a_sent_page_the_next_method_waits_for_its_time(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0 + minutes(2))))
    settle(store, claim(store, T0), "sent", T0)

    assert store.next_page(T0) == T0 + minutes(2)
    (second,) = claim(store, T0 + minutes(2))
    assert (second.kind, second.method, second.attempt) == (PUSH, 1, 1)


def test_a_method_that_was_given_up_makes_the_next_one_due_at_once(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0 + minutes(30))))
    settle(store, claim(store, T0), "given_up", T0 + minutes(1))

    (second,) = claim(store, T0 + minutes(1))

    assert second.kind == PUSH


def test_giving_up_does_not_disturb_a_method_that_is_being_tried(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0)))
    mail, push = claim(store, T0)
    settle(store, [push], "retry", T0, T0 + minutes(10))

    settle(store, [mail], "given_up", T0 + minutes(1))

    assert store.next_page(T0) == T0 + minutes(10)


def test_a_retry_comes_at_the_time_that_was_asked_for(store: Store) -> None:
    owe(store, page("p1"))
    settle(store, claim(store, T0), "retry", T0, T0 + minutes(3))

    assert claim(store, T0 + minutes(2)) == []
    assert [each.attempt for each in claim(store, T0 + minutes(3))] == [2]


def test_a_retry_does_not_hold_up_the_next_method(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0 + minutes(1))))
    settle(store, claim(store, T0), "retry", T0, T0 + minutes(20))

    assert [each.kind for each in claim(store, T0 + minutes(1))] == [PUSH]


def test_a_forgiven_page_is_never_returned(store: Store) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0)), page("p2"))

    store.commit([append("s", 1, forgive=("p1", "unknown"))])

    assert ids(claim(store, T0 + minutes(60))) == ["p2"]


@pytest.mark.parametrize("outcome", ["sent", "retry", "given_up"])
def test_a_page_forgiven_while_it_was_leased_is_not_tried_again(store: Store, outcome: str) -> None:
    owe(store, page("p1", (MAIL, "a", T0), (PUSH, "b", T0 + minutes(1))))
    leased = claim(store, T0)
    store.commit([append("s", 1, forgive=("p1",))])

    settle(store, leased, outcome, T0, T0 + minutes(1))

    assert store.next_page(T0) is None
    assert claim(store, T0 + minutes(90)) == []


def test_pages_go_before_notices_and_those_who_waited_longest_first(store: Store) -> None:
    owe(
        store,
        page("notice", (MAIL, "a", T0), notice=True, person="bo"),
        page("late", (MAIL, "a", T0 + minutes(2)), person="cy"),
        page("early", (MAIL, "a", T0 + minutes(1)), person="di"),
    )

    assert ids(claim(store, T0 + minutes(5))) == ["early", "late", "notice"]


def test_a_claim_is_bounded(store: Store) -> None:
    owe(store, *(page(f"p{n}", person=f"person{n}") for n in range(5)))

    assert len(claim(store, T0, limit=2)) == 2
    assert len(claim(store, T0, limit=2)) == 2
    assert len(claim(store, T0, limit=2)) == 1


def test_a_page_that_is_owed_twice_is_owed_once(store: Store) -> None:
    owe(store, page("p1"))
    claim(store, T0)

    store.commit([append("s", 1, pages=(page("p1"),))])

    assert claim(store, T0) == []


# --- the throttle


def storm(store: Store, many: int, *, notice: bool = False, prefix: str = "p", stream: str = "s") -> None:
    owe(store, *(page(f"{prefix}{n:03}", notice=notice) for n in range(many)), stream=stream)


def test_four_messages_go_alone_and_the_fifth_carries_what_waits(store: Store) -> None:
    storm(store, 8)

    messages = claim(store, T0)

    assert ids(messages) == ["p000", "p001", "p002", "p003", "p004"]
    assert [each.also for each in messages[:4]] == [()] * 4
    assert messages[4].also == (("p005", "s", "INC-s"), ("p006", "s", "INC-s"), ("p007", "s", "INC-s"))


def test_what_comes_when_the_window_is_full_waits_until_it_has_room(store: Store) -> None:
    storm(store, 8)
    settle(store, claim(store, T0), "sent", T0)
    store.commit([append("t", pages=(page("later"),))])

    assert claim(store, T0 + PAGES_WINDOW - timedelta(microseconds=1)) == []
    assert store.next_page(T0) == T0 + PAGES_WINDOW
    assert ids(claim(store, T0 + PAGES_WINDOW)) == ["later"]


def test_the_receipt_of_a_message_settles_every_page_in_it(store: Store) -> None:
    storm(store, 8)

    settle(store, claim(store, T0), "sent", T0)

    assert store.next_page(T0) is None


def test_a_bundle_that_failed_is_tried_again_page_by_page(store: Store) -> None:
    storm(store, 7)
    *alone, bundle = claim(store, T0)
    settle(store, alone, "sent", T0)

    settle(store, [bundle], "retry", T0, T0 + minutes(1))

    (again,) = claim(store, T0 + minutes(1))
    assert (again.id, again.attempt, [each[0] for each in again.also]) == ("p004", 2, ["p005", "p006"])


def test_failed_messages_do_not_count(store: Store) -> None:
    storm(store, 4)
    settle(store, claim(store, T0), "given_up", T0)
    storm(store, 5, prefix="q", stream="t")

    assert len(claim(store, T0)) == 5


def test_messages_of_unknown_outcome_count(store: Store) -> None:
    storm(store, 5)
    claim(store, T0)

    assert claim(store, T0 + minutes(0.5)) == []
    assert store.next_page(T0) == T0 + PAGES_WINDOW


def test_all_methods_of_a_person_count_together(store: Store) -> None:
    owe(store, *(page(f"p{n}", (MAIL, "a", T0), (PUSH, "b", T0 + minutes(1))) for n in range(3)))
    settle(store, claim(store, T0), "sent", T0)

    messages = claim(store, T0 + minutes(1))

    assert [(each.id, each.kind, len(each.also)) for each in messages] == [("p0", PUSH, 0), ("p1", PUSH, 1)]


def test_only_pages_to_the_same_address_ride_in_one_message(store: Store) -> None:
    owe(store, *(page(f"p{n}") for n in range(5)), page("push", (PUSH, "topic", T0)), page("q"))

    *_, bundle = claim(store, T0)

    assert [each[0] for each in bundle.also] == ["q"]


def test_the_throttle_is_per_person(store: Store) -> None:
    owe(store, *(page(f"p{n}") for n in range(9)), page("other", person="bo"))

    assert "other" in ids(claim(store, T0))


def test_a_bundle_lists_a_bounded_number_of_others(store: Store) -> None:
    storm(store, 5 + BUNDLE_MAX + 10)

    messages = claim(store, T0, limit=50)

    assert len(messages[-1].also) == BUNDLE_MAX
    settle(store, messages, "sent", T0)
    assert len(claim(store, T0 + PAGES_WINDOW)) == 5


def test_notices_leave_room_for_pages(store: Store) -> None:
    storm(store, 20, notice=True)
    settle(store, claim(store, T0), "sent", T0)
    storm(store, 4, prefix="page", stream="t")

    messages = claim(store, T0 + minutes(1))

    assert [(each.id, len(each.also)) for each in messages] == [("page000", 0), ("page001", 0), ("page002", 1)]


def test_notices_beyond_their_share_ride_in_one(store: Store) -> None:
    storm(store, 6, notice=True)

    messages = claim(store, T0)

    assert [(each.id, len(each.also)) for each in messages] == [("p000", 0), ("p001", 4)]


def test_a_page_that_is_bundled_takes_the_waiting_notices_along(store: Store) -> None:
    storm(store, 6)
    store.commit([append("t", index=row("t"), pages=(page("note", notice=True),))])

    messages = claim(store, T0)

    assert messages[-1].also == (("p005", "s", "INC-s"), ("note", "t", "INC-t"))


def test_the_methods_of_one_page_to_one_address_are_named_once(store: Store) -> None:
    owe(store, *(page(f"p{n}", (MAIL, "a", T0), (MAIL, "a", T0)) for n in range(4)))

    messages = claim(store, T0)

    assert len(messages) == 5
    assert len({each[0] for each in messages[-1].also}) == len(messages[-1].also)
    settle(store, messages, "sent", T0)
    assert store.next_page(T0) is None


def test_tenants_are_throttled_apart(store: Store) -> None:
    storm(store, 9)
    store.commit([append("s", tenant="other", pages=(page("theirs"),))])

    assert ("other", "theirs") in {(each.tenant, each.id) for each in claim(store, T0)}
    assert TENANT != "other"


def test_messages_that_left_the_window_hold_nobody_up(store: Store) -> None:
    storm(store, 5)
    store.claim_pages(T0, 5, 5)
    owe(store, page("other", (MAIL, "b", T0 + minutes(2)), person="bo"), stream="t")

    assert ids(claim(store, T0 + minutes(6), limit=1)) == ["p000"]  # due since its lease ran out, five seconds in


def test_a_method_that_failed_afterwards_makes_the_next_one_due_and_no_other(store: Store) -> None:
    """A provider took the message and reports later that it never arrived."""
    methods = ((MAIL, "a", T0), (PUSH, "b", T0 + minutes(30)), ("console", "c", T0 + minutes(60)))
    owe(store, page("p1", *methods), page("p2", *methods, person="ben"))
    settle(store, claim(store, T0), "sent", T0)

    store.commit([append("s", 1, hasten=(("p1", 0),))])

    assert [(each.id, each.kind) for each in claim(store, T0)] == [("p1", PUSH)]
    store.commit([append("s", 2, hasten=(("p1", 0), ("p1", 7), ("nothing", 0)))])
    assert claim(store, T0 + minutes(0.5)) == []


# --- what is worse finds room


def owe_of(store: Store, rank: int, name: str, at: datetime = T0, *, notice: bool = False, expected: int = 0) -> None:
    due = (MAIL, "ana@example.org", at)
    store.commit([append(name, expected, index=row(name, rank=rank), pages=(page(f"{name}-1", due, notice=notice),))])


def test_the_worst_is_paged_at_once_behind_a_storm_of_milder_ones(store: Store) -> None:
    for n in range(9):
        owe_of(store, 2, f"mild{n}")
    settle(store, claim(store, T0), "sent", T0)

    owe_of(store, 0, "worst", T0 + minutes(1))

    assert ids(claim(store, T0 + minutes(1))) == ["worst-1"]


def test_each_worse_severity_finds_room_in_turn_and_the_window_still_holds_five(store: Store) -> None:
    sent = []
    for rank in (4, 3, 2, 1, 0, 0):
        for n in range(6):
            owe_of(store, rank, f"rank{rank}-{len(sent)}-{n}")
        messages = claim(store, T0)
        settle(store, messages, "sent", T0)
        sent += [(rank, len(messages))]

    assert sent == [(4, 2), (3, 0), (2, 1), (1, 1), (0, 1), (0, 0)]


def test_what_is_worse_goes_first_though_it_came_last(store: Store) -> None:
    owe_of(store, 3, "mild", T0)
    owe_of(store, 0, "worst", T0 + minutes(1))

    assert ids(claim(store, T0 + minutes(1))) == ["worst-1", "mild-1"]


def test_a_message_that_carries_others_names_the_worst_first(store: Store) -> None:
    for n, rank in enumerate((3, 0, 2, 0, 0, 1, 0, 0)):
        owe_of(store, rank, f"s{n}")

    messages = claim(store, T0)

    assert ids(messages) == ["s1-1", "s3-1", "s4-1", "s6-1", "s7-1"]
    assert [each[1] for each in messages[-1].also] == ["s5", "s2", "s0"]


def test_a_raised_severity_moves_what_is_owed_already(store: Store) -> None:
    for n in range(2):
        owe_of(store, 3, f"s{n}")
    settle(store, claim(store, T0), "sent", T0)
    owe_of(store, 3, "s2")
    assert claim(store, T0) == []

    raised = SeverityChanged(at=T0, severity="P0", before="P3", because="it spreads")
    store.commit([msgspec.structs.replace(append("s2", 1, index=row("s2", rank=0)), facts=(raised,))])

    assert ids(claim(store, T0)) == ["s2-1"]


def test_a_duty_waits_behind_incidents(store: Store) -> None:
    store.commit([append("duty", index=row("duty", rank=0, kind="duty"), pages=(page("duty-1"),))])
    owe_of(store, 2, "mild")

    assert ids(claim(store, T0)) == ["mild-1", "duty-1"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrivals=st.lists(
        st.tuples(st.integers(0, 240), st.integers(0, 5), st.integers(1, 4), st.booleans()), min_size=1, max_size=25
    )
)
def test_no_window_holds_six_and_what_is_worse_than_all_in_it_never_waits(
    store: Store, arrivals: list[tuple[int, int, int, bool]]
) -> None:
    """`arrivals`: after so many seconds so many pages (or notices) of a rank, over hours of one person's life."""
    tenant, now = f"t{next(TENANTS)}", T0
    sent: list[tuple[datetime, int]] = []
    for n, (seconds, rank, many, notice) in enumerate(arrivals):
        now += timedelta(seconds=seconds)
        turn = NOTICE if notice else min(rank, 3)
        worse_than_all = turn < 3 and all(turn < other for at, other in sent if now - at < PAGES_WINDOW)
        pages = tuple(page(f"{n}-{m}", (MAIL, "a", now), notice=notice) for m in range(many))
        store.commit([append(f"s{n}", tenant=tenant, index=row(f"s{n}", rank=rank), pages=pages)])
        messages = [each for each in claim(store, now) if each.tenant == tenant]
        settle(store, messages, "sent", now)
        sent += [(now, turn_of_message(each, arrivals)) for each in messages]

        assert sum(1 for at, _ in sent if now - at < PAGES_WINDOW) <= PAGES_MAX
        if worse_than_all:
            going = [name for each in messages for name in (each.id, *(other for other, _, _ in each.also))]
            assert any(name.startswith(f"{n}-") for name in going)


TENANTS = count()


def turn_of_message(leased: LeasedPage, arrivals: list[tuple[int, int, int, bool]]) -> int:
    """The turn of the page that the message was made for."""
    _, rank, _, notice = arrivals[int(leased.id.partition("-")[0])]
    return NOTICE if notice else min(rank, 3)
