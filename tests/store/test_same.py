"""The SQLite store and the memory store answer alike, whatever is done to them in whatever order."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.store.given import T0, TENANT, alerts, append, key, page, row
from tocsin.clock import ManualClock
from tocsin.core.announcement import (
    Announcement,
    AnnouncementSettlement,
    LeasedAnnouncement,
    Owed,
    Recipient,
)
from tocsin.ports import Append, Conflict, LeasedPage, Settlement, Store
from tocsin.store.memory import MemoryStore
from tocsin.store.sqlite import SqliteStore

STREAMS = st.sampled_from(["s0", "s1", "s2"])
KEYS = st.sets(st.sampled_from([key("k0"), key("k1")]))
PEOPLE = ("ana", "bo")
SECONDS = st.integers(0, 400)


class SameStores(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(T0)
        self.path = Path(self.folder.name) / "tocsin.db"
        self.memory: Store = MemoryStore(self.clock)
        self.sqlite: Store = SqliteStore(self.path, self.clock)
        self.versions: dict[str, int] = {}
        self.pages = 0
        self.leased: list[LeasedPage] = []
        self.announcing: list[LeasedAnnouncement] = []

    def both(self, act: Callable[[Store], Any]) -> Any:
        answers = []
        for store in (self.memory, self.sqlite):
            try:
                answers.append(act(store))
            except Conflict as conflict:
                answers.append((str(conflict), conflict.claim))
        assert answers[0] == answers[1]
        return answers[0]

    def some_pages(self, count: int, delays: tuple[int, int], notice: bool) -> tuple[Any, ...]:
        now = self.clock.now()
        methods = (
            ("email", "mail", now + timedelta(seconds=delays[0])),
            ("ntfy", "topic", now + timedelta(seconds=delays[1])),
        )
        first = self.pages
        self.pages += count
        return tuple(
            page(f"p{n:04}", *methods[: 1 + n % 2], person=PEOPLE[n % 3 == 0], notice=notice)
            for n in range(first, self.pages)
        )

    @rule(
        streams=st.lists(STREAMS, min_size=1, max_size=3),
        off=st.sampled_from([0, 0, 0, 0, 1, -1]),
        facts=st.integers(0, 3),
        take=KEYS,
        release=KEYS,
        wake=st.none() | SECONDS,
        count=st.integers(0, 7),
        delays=st.tuples(SECONDS, SECONDS),
        notice=st.booleans(),
        forgive=st.sets(st.integers(0, 60), max_size=3),
        number=st.sampled_from([None, None, 1, 2]),
    )
    def commit(
        self,
        streams: list[str],
        off: int,
        facts: int,
        take: set[Any],
        release: set[Any],
        wake: int | None,
        count: int,
        delays: tuple[int, int],
        notice: bool,
        forgive: set[int],
        number: int | None,
    ) -> None:
        now = self.clock.now()
        versions = dict(self.versions)
        appends: list[Append] = []
        for n, stream in enumerate(streams):
            last = n == len(streams) - 1
            appends.append(
                append(
                    stream,
                    max(0, versions.get(stream, 0) + (off if last else 0)),
                    facts=facts,
                    index=row(
                        stream, title=f"version {versions.get(stream, 0)}", status=("open", "resolved")[facts % 2]
                    ),
                    wake_at=None if wake is None else now + timedelta(seconds=wake),
                    take=tuple(sorted(take)) if last else (),
                    release=tuple(sorted(release)),
                    pages=self.some_pages(count, delays, notice) if last else (),
                    forgive=tuple(f"p{each:04}" for each in sorted(forgive)),
                    reference_counter=("INC", self.memory.last_number(TENANT, "INC") + number)
                    if number and last
                    else None,
                )
            )
            versions[stream] = versions.get(stream, 0) + facts
        if self.both(lambda store: store.commit(appends)) is None:
            self.versions = versions

    @rule(limit=st.integers(1, 12), lease=st.sampled_from([5, 60]))
    def claim(self, limit: int, lease: int) -> None:
        now = self.clock.now()
        self.leased += self.both(lambda store: store.claim_pages(now, limit, lease))

    @rule(data=st.data(), seconds=SECONDS)
    def renew(self, data: st.DataObject, seconds: int) -> None:
        if self.leased:
            held = data.draw(st.lists(st.sampled_from([each.lease for each in self.leased]), max_size=3))
            until = self.clock.now() + timedelta(seconds=seconds)
            self.both(lambda store: store.renew(held, until))

    @rule(data=st.data(), outcome=st.sampled_from(["sent", "retry", "given_up"]), later=SECONDS)
    def settle(self, data: st.DataObject, outcome: Any, later: int) -> None:
        if not self.leased:
            return
        leased = data.draw(st.sampled_from(self.leased))
        now = self.clock.now()
        settlement = Settlement(page=leased, outcome=outcome, at=now, retry_at=now + timedelta(seconds=later))
        self.both(lambda store: store.commit(settle=[settlement]))

    @rule(
        name=st.integers(0, 5),
        text=st.sampled_from(["down", "up"]),
        people=st.lists(st.sampled_from(["ana", "bo"]), max_size=3),
        hook=st.booleans(),
    )
    def announce(self, name: int, text: str, people: list[str], hook: bool) -> None:
        recipients = [Recipient(kind="email", address=f"{each}@example.org") for each in people]
        recipients += [Recipient(kind="webhook", address="https://hooks.example/x", timeline=True)] if hook else []
        announcement = Announcement(
            id=f"a{name}", topic=f"t{name % 2}", subject="", text=text, at=self.clock.now(), incident=f"s{name % 2}"
        )
        owed = Owed(tenant=TENANT, announcement=announcement, recipients=tuple(recipients))
        self.both(lambda store: store.commit(announce=[owed]))

    @rule(limit=st.integers(0, 4), room=st.integers(-1, 3), lease=st.sampled_from([5, 60]))
    def claim_announcements(self, limit: int, room: int, lease: int) -> None:
        now = self.clock.now()
        self.announcing += self.both(lambda store: store.claim_announcements(now, limit, lease, lambda lane: room))

    @rule(data=st.data(), outcome=st.sampled_from(["sent", "pending", "failed", "withdrawn"]), later=SECONDS)
    def settle_announcement(self, data: st.DataObject, outcome: Any, later: int) -> None:
        if not self.announcing:
            return
        leased = data.draw(st.sampled_from(self.announcing))
        now = self.clock.now()
        retry_at = now + timedelta(seconds=later)
        told = AnnouncementSettlement(leased=leased, outcome=outcome, at=now, code="refused", retry_at=retry_at)
        self.both(lambda store: store.commit(told=[told]))

    @rule(name=st.sampled_from(["ana", "bo"]))
    def withdraw(self, name: str) -> None:
        self.both(lambda store: store.withdraw(TENANT, "email", f"{name}@example.org"))

    @rule(seconds=SECONDS, limit=st.integers(0, 3))
    def forget(self, seconds: int, limit: int) -> None:
        before = self.clock.now() - timedelta(seconds=seconds)
        self.both(lambda store: store.forget_announcements(before, limit))

    @rule(seconds=st.sampled_from([1, 20, 60, 299, 300, 301]))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @rule(
        slot=st.integers(0, 40),
        body=st.binary(max_size=3),
        number=st.integers(0, 2),
        cells=st.binary(max_size=3),
        word=st.binary(max_size=2),
        at=st.integers(0, 9),
    )
    def change_alerts(self, slot: int, body: bytes, number: int, cells: bytes, word: bytes, at: int) -> None:
        changes = alerts({number: cells}, {slot: body}, [("source", number, word)])
        self.both(lambda store: store.commit(alerts=changes, consumed=at))

    @rule(name=st.sampled_from(["a", "b"]), value=st.none() | st.binary(max_size=3))
    def document(self, name: str, value: bytes | None) -> None:
        if value is None:
            self.both(lambda store: store.delete(TENANT, "kind", name))
        else:
            self.both(lambda store: store.put(TENANT, "kind", name, value))

    @rule()
    def reopen(self) -> None:
        self.sqlite.close()
        self.sqlite = SqliteStore(self.path, self.clock)
        self.memory.release_leases()

    @invariant()
    def the_answers_are_the_same(self) -> None:
        now = self.clock.now()
        self.both(lambda store: store.next_page(now))
        self.both(lambda store: store.next_wake())
        self.both(lambda store: store.due(now, 2))
        self.both(lambda store: [store.facts(TENANT, each) for each in ("s0", "s1", "s2")])
        self.both(lambda store: store.listing(TENANT, limit=2))
        self.both(lambda store: store.listing(TENANT, statuses=["resolved"], text="version"))
        self.both(lambda store: [store.holder(TENANT, key(each)) for each in ("k0", "k1")])
        self.both(lambda store: store.last_number(TENANT, "INC"))
        self.both(lambda store: (store.alert_bodies(range(41)), store.alert_words(), store.consumed()))
        self.both(lambda store: (list(store.alert_blocks()), list(store.alert_blocks([0, 2]))))
        self.both(lambda store: store.items(TENANT, "kind"))
        self.both(lambda store: (store.next_announcement(), store.announced(TENANT, incident="s1")))
        self.both(lambda store: [store.told_to(TENANT, f"a{n}") for n in range(6)])

    def teardown(self) -> None:
        self.sqlite.close()
        self.folder.cleanup()


SameStores.TestCase.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
TestSameStores = pytest.mark.slow(SameStores.TestCase)
