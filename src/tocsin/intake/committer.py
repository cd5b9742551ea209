"""Group commit: everybody who waits while one fsync runs is served by the next one.

One thread takes what was submitted, writes it as one group, hands it to the digest in journal order, and only then are
the senders answered. Between the journal and the digest the backlog is bounded: first answers wait until the digest has
caught up, which slows honest senders down, and beyond `BACKLOG_BYTES_MAX` nothing more is accepted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextvars import copy_context
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any, Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.intake.times import EPOCH
from tocsin.ports import Entry, Journal

GROUP_ENTRIES_MAX = 2_000
GROUP_BYTES_MAX = 4 * 1024 * 1024
BACKLOG_BYTES_MAX = 96 * 1024 * 1024  # accepted and not digested; more would outgrow the memory it is held in
WAITING_BYTES_MAX = 64 * 1024 * 1024  # submitted and not yet durable
HELD_BYTES = 9 * 1024 * 1024  # a backlog beyond which answers wait for the digest
HELD_ENTRIES = 15_000

_log = logging.getLogger(__name__)


class Overloaded(Exception):
    """More waits to be digested than may wait; the sender should come back."""


class Stamp(msgspec.Struct, frozen=True, array_like=True):
    """What the journal keeps of an entry besides its body. `order_us` grows with every entry, whatever the clock."""

    tenant: str
    source: str
    kind: str
    received_us: int
    order_us: int
    meta: dict[str, str] = {}


class Accepted(msgspec.Struct, gc=False):
    """One body on its way. `said` is what the door decoded; `done` is called once `position` or `error` is set."""

    tenant: str
    source: str
    kind: str
    received_us: int
    body: bytes
    meta: dict[str, str] = {}
    said: Any = None
    done: Callable[[Accepted], None] | None = None
    order_us: int = 0
    position: int = 0
    error: OSError | None = None

    def entry(self) -> Entry:
        """As the parsers take it."""
        return Entry(
            position=self.position,
            tenant=self.tenant,
            source=self.source,
            kind=self.kind,
            received_at=EPOCH + timedelta(microseconds=self.received_us),
            body=self.body,
            meta=self.meta,
        )


Told = Callable[[list[Accepted]], None]


class Batch(msgspec.Struct, gc=False):
    """What was submitted together. `told` is called with all of it, once each has its position or error."""

    entries: list[Accepted]
    size: int
    told: Told


class Downstream(Protocol):
    """Where durable entries go, in journal order. `undigested` counts the bytes and entries that wait there."""

    def feed(self, group: Sequence[Accepted]) -> None: ...

    def undigested(self) -> tuple[int, int]: ...


_stamps = msgspec.json.Encoder()
_stamp = msgspec.json.Decoder(Stamp)


def recalled(position: int, meta: bytes, body: bytes) -> Accepted:
    """The entry as it was accepted. Raises msgspec.DecodeError if it was not written by a committer."""
    stamp = _stamp.decode(meta)
    return Accepted(
        tenant=stamp.tenant,
        source=stamp.source,
        kind=stamp.kind,
        received_us=stamp.received_us,
        body=body,
        meta=stamp.meta,
        order_us=stamp.order_us,
        position=position,
    )


class Committer:
    """`notify` brings finished groups to the thread that answers; by default that is the committer's own.

    `soon` runs a task once the submitting thread has dealt with all that it has read: what came together is handed over
    together, because waking a thread for every body costs more than storing it. By default nothing is gathered.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        downstream: Downstream,
        *,
        last_order_us: int = 0,
        notify: Callable[[Callable[[], None]], object] = lambda run: run(),
        soon: Callable[[Callable[[], None]], object] = lambda run: run(),
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._downstream = downstream
        self._notify = notify
        self._soon = soon
        self._gathered: list[Accepted] = []
        self._queue: SimpleQueue[Batch | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="tocsin-journal", daemon=True
        )
        self._order = last_order_us
        self._submitted = self._submitted_together = 0  # each written by one thread
        self._settled = 0
        self._held: list[list[Batch]] = []
        self._holding, self._storing = threading.Lock(), threading.Lock()
        self.refused = 0  # bodies that the journal could not take
        self.last_position = 0  # of the newest durable entry

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """Whether everything submitted before is durable and answered."""
        self._hand_over()
        self._queue.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def submit(self, accepted: Accepted) -> None:
        """`accepted.done` is called later, on the answering thread. Raises Overloaded. One thread submits."""
        self._bounded()
        self._submitted += len(accepted.body)
        self._gathered.append(accepted)
        if len(self._gathered) == 1:
            self._soon(self._hand_over)

    def submit_together(self, entries: list[Accepted], told: Told) -> None:
        """They are durable, or have their error: `told` is called on this thread, or on the digest's where answers wait
        for that. Raises Overloaded. One thread submits so, any one."""
        self._bounded()
        size = _size(entries)
        self._submitted_together += size
        self._store([Batch(entries, size, told)])

    def _bounded(self) -> None:
        waiting = self._submitted + self._submitted_together - self._settled
        if waiting > WAITING_BYTES_MAX or self._downstream.undigested()[0] > BACKLOG_BYTES_MAX:
            raise Overloaded("too much waits to be digested")

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            self._queue.put(Batch(gathered, _size(gathered), self._tell))

    def _tell(self, entries: list[Accepted]) -> None:
        self._notify(lambda: _tell(entries))

    def digested(self) -> None:
        """The digest has made progress: answers that waited for it may go out."""
        if self._held and not self._too_far_behind():
            with self._holding:
                held, self._held = self._held, []
            for group in held:
                self._answer(group)

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        ending = False
        while not ending:
            batches, ending = self._group()
            if batches:
                self._store(batches)
        for held in self._held:
            self._answer(held)

    def _group(self) -> tuple[list[Batch], bool]:
        batches: list[Batch] = []
        count = size = 0
        waiting = self._queue.get()
        while waiting is not None:
            batches.append(waiting)
            count += len(waiting.entries)
            size += waiting.size
            if count >= GROUP_ENTRIES_MAX or size >= GROUP_BYTES_MAX:
                return batches, False
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                return batches, False
        return batches, True

    def _store(self, batches: list[Batch]) -> None:
        with self._storing:
            self._append(batches)
        self._settled += sum([batch.size for batch in batches])
        if self._too_far_behind():
            with self._holding:
                self._held.append(batches)
            self.digested()  # it may have caught up between the two looks
        else:
            self._answer(batches)

    def _append(self, batches: list[Batch]) -> None:
        group = batches[0].entries if len(batches) == 1 else [each for batch in batches for each in batch.entries]
        entries = []
        for each in group:
            self._order = each.order_us = max(self._order + 1, each.received_us)
            stamp = Stamp(each.tenant, each.source, each.kind, each.received_us, each.order_us, each.meta)
            entries.append((_stamps.encode(stamp), each.body))
        try:
            positions = self._journal.append(entries)
        except OSError as error:
            self.refused += len(group)
            _log.error("the journal takes nothing: %s", error)
            for each in group:
                each.error = error
        else:
            for each, position in zip(group, positions, strict=True):
                each.position = position
            self.last_position = positions[-1]
            self._downstream.feed(group)

    def _too_far_behind(self) -> bool:
        size, entries = self._downstream.undigested()
        return size > HELD_BYTES or entries > HELD_ENTRIES

    def _answer(self, batches: list[Batch]) -> None:
        for batch in batches:
            batch.told(batch.entries)


def _size(entries: list[Accepted]) -> int:
    return sum([len(each.body) for each in entries])


def _tell(group: list[Accepted]) -> None:
    for each in group:
        if each.done is not None:
            each.done(each)
