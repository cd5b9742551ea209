"""What is said to many: owed once, leased by lane, settled, told about; in every store."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.store.given import T0, TENANT, append, minutes
from tocsin.core.announcement import (
    RECIPIENTS_MAX,
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    Recipient,
)
from tocsin.ports import Conflict, Store


def said(name: str = "a1", **changes: object) -> Announcement:
    values: dict[str, object] = {
        "id": name,
        "topic": "incident/s/customers",
        "subject": "Checkout",
        "text": f"We look into it ({name}).",
        "at": T0,
        "incident": "s",
        "audience": "customers",
    }
    return Announcement(**{**values, **changes})  # type: ignore[arg-type]


def mail(name: str = "ana") -> Recipient:
    return Recipient(kind="email", address=f"{name}@example.org", name=name)


def owe(store: Store, announcement: Announcement, *recipients: Recipient) -> None:
    store.commit(announce=[Owed(tenant=TENANT, announcement=announcement, recipients=recipients or (mail(),))])


def claim(store: Store, at: datetime = T0, limit: int = 50, room: int = 50) -> list[LeasedAnnouncement]:
    return store.claim_announcements(at, limit, 60, lambda lane: room)


def settle(
    store: Store, leased: list[LeasedAnnouncement], outcome: str, at: datetime = T0, retry_at: datetime | None = None
) -> None:
    store.commit(
        told=[
            AnnouncementSettlement(
                leased=each, outcome=outcome, at=at, code="sent" if outcome == "sent" else "refused", retry_at=retry_at  # type: ignore[arg-type]
            )
            for each in leased
        ]
    )  # fmt: skip


def states(store: Store, name: str = "a1") -> list[str]:
    return [each.state for each in store.told_to(TENANT, name)]


def test_an_announcement_is_owed_to_each_address_once(store: Store) -> None:
    owe(store, said(), mail("ana"), mail("bo"), mail("ana"))

    leased = claim(store)

    assert [(each.number, each.recipient.name, each.attempt) for each in leased] == [(0, "ana", 1), (1, "bo", 1)]
    assert {each.announcement for each in leased} == {"a1"}
    assert store.announcement(TENANT, "a1") == said()


def test_it_commits_with_the_fact_that_owes_it_or_not_at_all(store: Store) -> None:
    owed = Owed(tenant=TENANT, announcement=said(), recipients=(mail(),))
    with pytest.raises(Conflict):
        store.commit([append("s", 7)], announce=[owed], documents=[(TENANT, "k", "n", b"1")])

    assert store.next_announcement() is None
    assert store.get(TENANT, "k", "n") is None

    store.commit([append("s")], announce=[owed], documents=[(TENANT, "k", "n", b"1")])

    assert store.next_announcement() == T0
    assert store.get(TENANT, "k", "n") == b"1"


def test_the_same_id_twice_is_owed_once(store: Store) -> None:
    owe(store, said())
    owe(store, said(text="other words under the same name"))

    assert len(claim(store)) == 1


def test_an_identical_update_is_no_news(store: Store) -> None:
    owe(store, said("a1", text="We look into it."))
    owe(store, said("a2", text="We look into it."))

    assert [each.announcement for each in claim(store)] == ["a1"]
    assert store.announcement(TENANT, "a2") is None


def test_what_was_said_before_something_else_is_news_again(store: Store) -> None:
    for name, text in (("a1", "down"), ("a2", "up"), ("a3", "down")):
        owe(store, said(name, text=text))

    assert [each.announcement for each in claim(store)] == ["a1", "a2", "a3"]


def test_another_topic_has_news_of_its_own(store: Store) -> None:
    owe(store, said("a1", text="down"))
    owe(store, said("a2", text="down", topic="incident/s/partners"))

    assert len(claim(store)) == 2


def test_the_announcer_may_say_what_makes_it_the_same_news(store: Store) -> None:
    owe(store, said("a1", text="at 10:00", change="outage"))
    owe(store, said("a2", text="at 10:01", change="outage"))

    assert [each.announcement for each in claim(store)] == ["a1"]


def test_nothing_is_claimed_twice_while_it_is_leased(store: Store) -> None:
    owe(store, said())
    claim(store)

    assert claim(store, T0 + timedelta(seconds=59)) == []
    assert [each.attempt for each in claim(store, T0 + minutes(1))] == [2]


def test_a_lane_takes_as_many_as_it_has_room_for_and_holds_up_no_other(store: Store) -> None:
    hook = Recipient(kind="webhook", address="https://hooks.example/x")
    owe(store, said(), *(mail(f"p{n}") for n in range(5)), hook)

    leased = store.claim_announcements(T0, 50, 60, lambda lane: 2 if lane == "email" else 1)

    assert [each.recipient.kind for each in leased] == ["email", "email", "webhook"]
    assert [
        each.recipient.name for each in store.claim_announcements(T0, 50, 60, lambda lane: 9 if lane == "email" else 0)
    ] == ["p2", "p3", "p4"]


def test_no_more_is_claimed_than_was_asked_for(store: Store) -> None:
    owe(store, said(), *(mail(f"p{n}") for n in range(5)))

    assert len(claim(store, limit=3)) == 3
    assert claim(store, limit=0) == []


def test_a_retry_waits_for_its_time(store: Store) -> None:
    owe(store, said())
    settle(store, claim(store), "pending", T0, T0 + minutes(5))

    assert store.next_announcement() == T0 + minutes(5)
    assert claim(store, T0 + minutes(4)) == []
    assert [each.attempt for each in claim(store, T0 + minutes(5))] == [2]


@pytest.mark.parametrize("outcome", ["sent", "failed", "withdrawn"])
def test_what_ended_is_not_sent_again_and_can_be_asked_for(store: Store, outcome: str) -> None:
    owe(store, said())
    settle(store, claim(store), outcome)

    assert store.next_announcement() is None
    assert claim(store, T0 + minutes(60)) == []
    (told,) = store.told_to(TENANT, "a1")
    assert (told.state, told.attempts, told.at, told.next_at) == (outcome, 1, T0, None)


def test_the_outcome_of_a_lost_lease_is_ignored(store: Store) -> None:
    owe(store, said())
    late = claim(store)
    again = claim(store, T0 + minutes(1))

    settle(store, late, "failed", T0 + minutes(1))
    assert states(store) == ["pending"]
    settle(store, again, "sent", T0 + minutes(1))
    settle(store, again, "failed", T0 + minutes(1))

    assert states(store) == ["sent"]


def test_who_is_withdrawn_gets_nothing_more_even_while_leased(store: Store) -> None:
    owe(store, said("a1"), mail("ana"), mail("bo"))
    owe(store, said("a2"), mail("ana"))
    (leased, *_) = claim(store, limit=1)

    assert store.withdraw(TENANT, "email", "ana@example.org") == 2
    settle(store, [leased], "pending", T0, T0)

    assert [each.recipient.name for each in claim(store, T0 + minutes(60))] == ["bo"]
    assert states(store, "a2") == ["withdrawn"]


def test_who_was_told_what_can_be_asked_for_per_incident_and_topic(store: Store) -> None:
    owe(store, said("a1"), mail("ana"), mail("bo"), mail("cy"))
    owe(store, said("a2", topic="page/main", incident=""), mail("ana"))
    first, second, _ = claim(store)[:3]
    settle(store, [first], "sent")
    settle(store, [second], "failed")

    (told,) = store.announced(TENANT, incident="s")
    assert (told.announcement.id, told.pending, told.sent, told.failed, told.withdrawn) == ("a1", 1, 1, 1, 0)
    assert [each.announcement.id for each in store.announced(TENANT, topic="page/main")] == ["a2"]
    assert [each.announcement.id for each in store.announced(TENANT)] == ["a2", "a1"]
    assert store.announced("other", incident="s") == []
    assert [each.recipient.name for each in store.told_to(TENANT, "a1", states=["failed"])] == ["bo"]
    assert [each.number for each in store.told_to(TENANT, "a1", after=0, limit=1)] == [1]


def test_old_announcements_go_once_nothing_is_owed_and_newer_news_exists(store: Store) -> None:
    owe(store, said("a1"))
    settle(store, claim(store), "sent")
    later = T0 + minutes(90)
    assert store.forget_announcements(later, 10) == 0, "the newest of a topic says what is no news"

    owe(store, said("a2", at=later))
    assert store.forget_announcements(later, 10) == 1

    assert store.announcement(TENANT, "a1") is None
    assert store.told_to(TENANT, "a1") == []


def test_an_announcement_has_a_bounded_number_of_recipients() -> None:
    with pytest.raises(ValueError, match="recipients: expected at most"):
        Owed(tenant=TENANT, announcement=said(), recipients=(mail(),) * (RECIPIENTS_MAX + 1))
