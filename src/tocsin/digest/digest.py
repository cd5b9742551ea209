"""From the journal to incidents: accepted bodies become alert states, and changes of state become what people hear.

A bite takes entries in journal order, merges every report into the alert table, and settles: the alerts that began or
ceased to fire get their verdicts, are grouped by correlation key, and go to `engine.report` in one transaction with the
rows of the alert table. A monitor that repeats itself changes one row in memory and nothing else; such rows reach the
store with the next flush, and until then the journal remembers them. After a crash the rows are loaded and the journal
is read on from `store.consumed()`: reports that a row has already heard are recognised by their order.

`feed` and `undigested` may be called from any thread, everything else is the writer's.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.clock import monotonic
from tocsin.core import merge
from tocsin.core.alert import Report, fingerprint_number
from tocsin.core.merge import Life
from tocsin.digest import blocks
from tocsin.digest.alerttable import ENDED, TIMEOUT, AlertTable
from tocsin.digest.hearing import body_of_report, life_of, life_of_posted, mark_of, reading_of
from tocsin.digest.newcomers import Newcomers, Place
from tocsin.digest.pace import Pace
from tocsin.digest.pending import Pending, word_of
from tocsin.digest.quarantine import ERRORS_TOLD, Quarantine
from tocsin.digest.settling import Settler
from tocsin.engine import Engine
from tocsin.intake.committer import Accepted, recalled
from tocsin.intake.postable import KIND, PostableReader, body_of, body_with, labels_of
from tocsin.intake.posting import Posted
from tocsin.intake.times import EPOCH, microseconds
from tocsin.ports import DEFAULT_TENANT, Journal, Parse
from tocsin.writer import AlwaysMine, Turn

BITE_ALERTS = 12_000  # about 0.15 s of new alerts; between two bites, deadlines and commands have their turn
BUSY_BYTES = 4 * 1024 * 1024  # so much would fill a bite: no pace is kept
EXPIRE_MAX = 5_000  # deadlines that pass in one look
FLUSH_BYTES = 16 * 1024 * 1024  # of journal that a restart reads again, at most, for refreshes alone
FLUSH_SECONDS = 10
PRUNE_SECONDS = 60

_log = logging.getLogger(__name__)

Submit = Callable[[Callable[[], object]], object]


class Digest:
    """`parsers`: wire format -> parse. `submit` runs a task on the writer thread, after everything more urgent."""

    def __init__(
        self,
        engine: Engine,
        table: AlertTable,
        journal: Journal,
        parsers: Mapping[str, Parse],
        *,
        submit: Submit,
        reader: PostableReader | None = None,
        tenant: str = DEFAULT_TENANT,
        turn: Turn | None = None,
        elapsed: Callable[[], float] = monotonic,
    ) -> None:
        self._tenant, self._turn, self._pace = tenant, turn or AlwaysMine(), Pace(elapsed)
        self._engine, self._store, self._journal = engine, engine.store, journal
        self._parsers, self._submit = parsers, submit
        self._reader = reader or PostableReader()
        self._queue = deque[Accepted]()
        self._fed_bytes = self._fed = 0  # written by the committer's thread
        self._done_bytes = self._done = 0  # written by the writer's
        self._scheduled = False
        self._pending, self._new = Pending(), Newcomers()  # those of `_new` have not begun in the table yet
        self._flushed_at, self._pruned_at, self._flushed_position = EPOCH, EPOCH, 0
        self._waiting: list[tuple[int, Callable[[], None]]] = []
        self.table, self.settler = table, Settler(engine, table)
        self.quarantine = Quarantine(self._store)
        self._taken = 0  # the newest entry that the table has heard
        self.position = 0  # the newest entry whose effects can be read
        self.progress: Callable[[], None] = lambda: None
        self.heard = 0  # reports, refreshes included
        self.echoes: Callable[[str, str], bool] = lambda tenant, fingerprint: False  # says what we told it

    # --- other threads ------------------------------------------------------------------------------------------------

    def feed(self, group: Sequence[Accepted]) -> None:
        """These entries are durable; they will be digested, in this order."""
        for each in group:
            self._fed_bytes += len(each.body)
        self._fed += len(group)
        self._pace.fed()
        self._queue.extend(group)
        if not self._scheduled and (self._pace.quiet or self._fed_bytes - self._done_bytes > BUSY_BYTES):
            self._schedule()

    def undigested(self) -> tuple[int, int]:
        """How many bytes and entries wait."""
        return self._fed_bytes - self._done_bytes, self._fed - self._done

    def when_digested(self, position: int, call: Callable[[], None]) -> None:
        """Call once, on the writer thread, when everything up to `position` can be read. Writer thread."""
        if position <= self.position:
            call()
        else:
            self._waiting.append((position, call))
            if self._queue and not self._scheduled:
                self._schedule()  # somebody waits: this bite need not grow

    # --- a start ------------------------------------------------------------------------------------------------------

    def load(self) -> int:
        """The table is as the store has it and as the journal goes on from there; how many entries were read again."""
        now = self._store.now()
        blocks.load(self.table, self._store)
        self.settler.load(now)
        self.position = self._taken = self._flushed_position = self._store.consumed()
        self._flushed_at = self._pruned_at = now
        count = 0
        for position, meta, body in self._journal.read(self.position):
            try:
                accepted = recalled(position, meta, body)
            except msgspec.DecodeError as error:
                why = f"the journal's stamp is unreadable: {error}"
                self.quarantine.add(self._tenant, position, "", "", len(body), why)
                continue
            self._fed += 1
            self._fed_bytes += len(body)
            self._queue.append(accepted)
            count += 1
            if len(self._queue) >= BITE_ALERTS:
                self._drain()
        self._drain()
        return count

    def _drain(self) -> None:
        while self._queue:
            self.bite()

    # --- bites --------------------------------------------------------------------------------------------------------

    def bite(self) -> None:
        """A bounded part of what waits is digested."""
        self._scheduled = False
        self._pace.began()
        self._begin_new()
        if self._pending:
            self._settle()  # what the store refused last time comes first
        heard = self.heard
        while self._queue and self.heard - heard < BITE_ALERTS:
            accepted = self._queue[0]
            self._take(accepted)
            self._queue.popleft()
            self._taken = accepted.position
            self._done += 1
            self._done_bytes += len(accepted.body)
        self._begin_new()
        self._settle()
        self.position = self._taken
        self.progress()
        self._tell()
        self._pace.ended(self.heard - heard)
        busy = self._fed_bytes - self._done_bytes > BUSY_BYTES
        if ((self._queue and (busy or self._pace.allows())) or self.settler.more) and not self._scheduled:
            self._schedule()

    def tick(self, now: datetime) -> int:
        """Deadlines that passed, silences that ended, rows to flush; how much was done. Called a few times a second."""
        self._begin_new()
        if self._queue and not self._scheduled and self._pace.allows():
            self._bite_in_turn()
        if self._pending:
            self._settle()
        expired = self.table.expired(microseconds(now), EXPIRE_MAX)
        for slot in expired:
            self.table.end(slot)
            self._pending.clear(slot, "silence")
        edges = self.settler.refresh(now)
        done = len(expired) + edges
        if self._pending or self.settler.waits or self._flush_is_due(now):
            self._settle()
        if now - self._pruned_at >= timedelta(seconds=PRUNE_SECONDS):
            self._pruned_at = now
            self.table.prune(microseconds(now))
            self.settler.forget(now)
        self.position = self._taken
        self._tell()
        return done

    def _bite_in_turn(self) -> None:  # what came since the last large bite, or an earlier one failed
        if self._turn.take():
            try:
                self.bite()
            finally:
                self._turn.give()

    def flush(self) -> None:
        """Everything that was heard is in the store, and a restart reads nothing again."""
        self._settle(flush=True)

    def _schedule(self) -> None:
        self._scheduled = True
        self._submit(self.bite)

    def _tell(self) -> None:
        if self._waiting:
            ready = [call for position, call in self._waiting if position <= self.position]
            self._waiting = [each for each in self._waiting if each[0] > self.position]
            for call in ready:
                call()

    def _settle(self, *, flush: bool = False) -> None:
        self._begin_new()
        now = self._store.now()
        refreshed = bool(self.table.dirty)
        flush = flush or self._flush_is_due(now)
        moved = self._taken != self._flushed_position
        if not (self._pending or self.settler.waits or (flush and refreshed) or moved):
            return
        if not (self._pending or self.settler.waits or flush or not refreshed):
            return  # only repeats: the journal remembers them until the next flush
        consumed = self._taken if moved and (flush or not refreshed) else None
        self.settler.settle(self._pending, now, consumed=consumed, flush=flush)
        self._pending = Pending()
        if consumed is not None:
            self._flushed_position, self._flushed_at = consumed, now
            self._journal.release(consumed)

    def _flush_is_due(self, now: datetime) -> bool:
        if self._taken - self._flushed_position > FLUSH_BYTES:
            return True
        late = now - self._flushed_at >= timedelta(seconds=FLUSH_SECONDS)
        return late and (bool(self.table.dirty) or self._taken != self._flushed_position)

    # --- one entry ----------------------------------------------------------------------------------------------------

    def _take(self, accepted: Accepted) -> None:
        if accepted.kind == KIND:
            reading = reading_of(accepted, self._reader, self.table.memo(accepted.tenant))
            self._hear(accepted, reading.posted)
            if reading.errors:
                self.quarantine.keep(accepted, "; ".join(reading.errors[:ERRORS_TOLD]))
            return
        self._begin_new()
        parse = self._parsers.get(accepted.kind)
        try:
            if parse is None:
                raise ValueError(f"kind: expected one of {', '.join(sorted(self._parsers))}, got {accepted.kind!r}")
            reports = parse(accepted.entry())
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.quarantine.keep(accepted, str(error))
            self.heard += 1
            return
        for number, report in enumerate(reports):
            self._take_report(accepted, report, number)
        self.heard += len(reports)

    def _hear(self, accepted: Accepted, posted: Sequence[Posted]) -> None:
        """What was posted to `/api/v2/alerts`. The case that happens all day is worked out here: the alert still fires.

        The short cut must end as `core.merge` does; a property test compares them.
        """
        table, order, received = self.table, accepted.order_us, accepted.received_us
        tenant, source = accepted.tenant, accepted.source
        place = table.place(tenant, source)
        find, find_episode = place.memo.get, place.newest.get
        flags, ends, updated = table.flags, table.ends, table.updated
        new = self._newcomers(place)
        for said in posted:
            slot = find(said.key)
            if slot is not None and said.fires and order > updated[slot]:
                flag, end = flags[slot], ends[slot]
                if not flag & ENDED and end > received and said.ends_us >= end and said.timeout == bool(flag & TIMEOUT):
                    ends[slot], updated[slot] = said.ends_us, order
                    table.count[slot] += 1
                    if 0 < said.starts_us < table.starts[slot]:
                        table.starts[slot] = said.starts_us
                    mark = mark_of(said)
                    if table.said[slot] != mark:
                        table.said[slot], table.bodies[slot] = mark, body_of(said)
                    table.touch(slot)
                    continue
            elif slot is None and said.fires and said.checked:
                fingerprint = said.fingerprint or fingerprint_number(labels_of(said))
                if fingerprint not in new.fingerprints and find_episode(fingerprint) is None:
                    new.fingerprints[fingerprint] = None
                    new.starts.append(said.starts_us or min(received, said.ends_us))
                    new.ends.append(said.ends_us)
                    new.orders.append(order)
                    new.flags.append(TIMEOUT * said.timeout)
                    new.keys.append(said.key)
                    annotations, url = bytes(said.raw_annotations), bytes(said.raw_url)
                    new.saids.append(hash(annotations) ^ hash(url))
                    new.bodies.append(body_with(said.raw_labels, annotations, url))
                    continue
            self._begin_new()
            self._take_posted(accepted, said)
            new = self._newcomers(place)
        self.heard += len(posted)

    def _newcomers(self, place: Place) -> Newcomers:
        """Where newcomers of this place are gathered; those of another are begun first."""
        if self._new.place is not place:
            self._begin_new()
            self._new.place = place
        return self._new

    def _begin_new(self) -> None:
        """The table knows everybody that was heard of."""
        if self._new:
            new, self._new = self._new, Newcomers()
            self._pending.fired.update(dict.fromkeys(self.table.begin_all(new)))

    def _take_posted(self, accepted: Accepted, said: Posted) -> None:
        known, labels = self.table.memo(accepted.tenant).get(said.key), None
        if known is not None:
            fingerprint = self.table.fingerprint[known]
        else:
            labels = labels_of(said)
            fingerprint = fingerprint_number(labels)
        life = life_of_posted(said, accepted.order_us, accepted.received_us)
        self._merge(accepted, fingerprint, life, said.key, mark_of(said), lambda: body_of(said), labels=labels)

    def _take_report(self, accepted: Accepted, report: Report, number: int) -> None:
        fingerprint = int(report.fingerprint, 16)
        match report.action:
            case "change":
                self.settler.changes.add(accepted, number, report)
                return
            case "acknowledge" | "note":
                self._say(accepted, fingerprint, report)
                return
            case _:
                life = life_of(report, accepted.order_us, accepted.received_us)
        body = body_of_report(report)
        self._merge(accepted, fingerprint, life, 0, hash(body), lambda: body, labels=report.labels, group=report.group)

    def _say(self, accepted: Accepted, fingerprint: int, report: Report) -> None:
        """The source acknowledged, or added words to, what it reported before."""
        slot = self.table.newest(accepted.tenant).get(fingerprint)
        if slot is None or accepted.order_us < self.table.updated[slot]:
            return
        if self._pending.has(slot):
            self._settle()  # its incident may be opened by this very bite
        if not (report.action == "acknowledge" and self.echoes(accepted.tenant, report.fingerprint)):
            self._pending.words.append(word_of(report, slot, accepted.source, accepted.position))

    def _merge(
        self,
        accepted: Accepted,
        fingerprint: int,
        life: Life,
        key: int,
        mark: int,
        body: Callable[[], bytes],
        *,
        labels: dict[str, str] | None,
        group: str | None = None,
    ) -> None:
        table, tenant = self.table, accepted.tenant
        slot = table.newest(tenant).get(fingerprint)
        if slot is not None and accepted.order_us < table.updated[slot]:
            return  # read again after a restart: the row has heard it
        resolves = merge.is_resolved(life)
        if slot is not None and merge.same_episode(table.life(slot), life, received_us=accepted.received_us):
            if self._pending.has(slot) and resolves == table.fires(slot):
                self._settle()  # one change of an alert per settlement, so that none is hidden by the next
            table.count[slot] += not resolves and accepted.order_us > table.updated[slot]
            turned = table.merge(slot, life)
            if key != table.key[slot]:
                table.remember(tenant, slot, key)
            if table.said[slot] != mark and not resolves:
                table.said[slot], table.bodies[slot] = mark, body()
            if turned is None:
                table.touch(slot)
            elif turned:
                self._pending.fire(slot, group, labels)
            else:
                self._pending.clear(slot, "resolved")
            return
        if resolves and slot is not None:
            return  # it speaks of an episode before the current one
        if slot is not None and table.fires(slot):
            if self._pending.has(slot):
                self._settle()  # its beginning is told before its end
            table.end(slot)  # its deadline passed and nobody has looked yet
            self._pending.clear(slot, "silence")
        if slot is not None:
            self._pending.over.append(slot)  # read again after a crash, its reports would go to the new episode
        slot = table.add(tenant, fingerprint, accepted.source, life, key)
        table.said[slot], table.bodies[slot] = mark, body()
        if resolves:
            self._pending.over.append(slot)
        else:
            self._pending.fire(slot, group, labels)
