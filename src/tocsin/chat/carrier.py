"""Carries to the sources of alerts how their incidents stand: somebody has it, nobody has it any more, it is over.

What was told is written down after the answer, so a lost answer leads to saying it again: each of these calls may be
repeated. A silence that was made and not written down is found by its words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec

from tocsin.chat.follower import FollowerDeps
from tocsin.clock import Clock
from tocsin.core import facts as f, twoway
from tocsin.core.incident import Incident, Refused
from tocsin.core.places import Record
from tocsin.core.twoway import ALERTS_MAX, Back, Held, Listed, Standing, Subject, Told, Words
from tocsin.ports import Declined, Entry, Receipt, Store

CARRIED = "carried"  # kind of document
ASK_SECONDS = 15.0  # how often an Alertmanager is asked for the alerts whose silences we hold
AGAIN_SECONDS = (5.0, 15.0, 60.0, 300.0)  # the last one again and again
TOLD_AFTER = 3  # failures of a source until the timeline says so
LATE_MAX = 200  # incidents that ended last, looked at when Tocsin starts
PATIENCE = timedelta(hours=11)  # as long as announcements are tried
DOING: dict[Standing, str] = {"acknowledged": "acknowledge", "open": "unacknowledge", "resolved": "resolve"}


class CarrierDeps(FollowerDeps, Protocol):
    @property
    def clock(self) -> Clock: ...
    async def alerts_of(self, tenant: str, incident: str) -> Sequence[Mapping[str, Any]]: ...
    async def accept(self, entry: Entry) -> int: ...


class Service(Protocol):
    """A source that is told each thing once (senders/pagerduty.py and its like). None: it cannot be told this."""

    async def tell(self, subject: Subject, standing: Standing, words: Words) -> Receipt | None: ...
    async def close(self) -> None: ...


class Silences(Protocol):
    """A source that is told by silences (senders/alertmanager.py)."""

    async def hold(self, subject: Subject, words: Words, now: datetime) -> Held | Declined: ...
    async def renew(self, name: str, subject: Subject, words: Words, now: datetime) -> Held | Declined | None: ...
    async def release(self, name: str) -> Receipt: ...
    async def listed(self, held: Sequence[Told]) -> Listed | Declined: ...
    async def close(self) -> None: ...


class Failing(msgspec.Struct, kw_only=True):
    """A source that could not be told. `said`: the code that the timeline has."""

    since: datetime
    tries: int = 0
    said: str = ""


class Kept(msgspec.Struct, kw_only=True):
    """What the sources of one incident's alerts were told, by fingerprint. `into`: where a merged one lives on."""

    seen: int = 0
    told: dict[str, Told] = {}
    failing: dict[str, Failing] = {}
    into: str = ""


class Look(msgspec.Struct, kw_only=True):
    """One pass over one incident: `live` is the one that says how it stands."""

    stream: str
    live: Incident
    kept: Kept
    now: datetime
    subjects: list[Subject] = []
    counts: dict[tuple[str, Standing], int] = {}
    again: float | None = None

    def soon(self, seconds: float) -> None:
        self.again = seconds if self.again is None else min(self.again, seconds)


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """The way back to one source: by silences, or by telling. `lent`: the service label that its alerts have of us."""

    back: Back
    silences: Silences | None = None
    service: Service | None = None
    lent: str | None = None


class Carrier:
    """`follow` tells what is still to be told; in how many seconds to look again, or None. `ways`: by source."""

    def __init__(
        self, deps: CarrierDeps, ways: Mapping[str, Way], public_url: str, ask_seconds: float = ASK_SECONDS
    ) -> None:
        self._deps = deps
        self._ways = ways
        self._url = public_url
        self._ask_seconds = ask_seconds
        self._merged: dict[str, set[str]] = {}
        self._echoes: dict[str, datetime] = {}

    def seen(self, store: Store) -> dict[str, int]:
        """Up to which version each incident was looked at."""
        found = {}
        for name, body in store.items(self._deps.tenant, CARRIED):
            kept = msgspec.json.decode(body, type=Kept)
            if kept.into:
                self._merged.setdefault(kept.into, set()).add(name)
            found[name] = -1 if kept.told or kept.failing else kept.seen  # there may be something to look after
        ended, _ = store.listing(self._deps.tenant, statuses=["resolved"], limit=LATE_MAX)
        for row in ended:  # it may have ended while nobody looked
            found.setdefault(row.incident, -1)
        return found

    def echoes(self, tenant: str, fingerprint: str) -> bool:
        """Whether an acknowledgement by this alert's source is only our own, reported. From any thread."""
        until = self._echoes.get(fingerprint)
        return until is not None and self._deps.clock.now() < until

    async def close(self) -> None:
        for way in self._ways.values():
            for each in (way.silences, way.service):
                if each is not None:
                    await each.close()

    async def follow(self, stream: str) -> float | None:
        waits = [await self._one(stream)]
        for merged in sorted(self._merged.get(stream, ())):
            waits.append(await self._one(merged))
        return min((each for each in waits if each is not None), default=None)

    async def _one(self, stream: str) -> float | None:
        look = await self._deps.run(lambda store: self._look(store, stream))
        if look is None:
            return None
        before = msgspec.json.encode(look.kept)
        shown = await self._deps.alerts_of(self._deps.tenant, stream)
        subjects = [twoway.subject_of(each) for each in shown if each["source"] in self._ways]
        look.subjects = subjects[:ALERTS_MAX]
        for source in sorted({each.source for each in subjects} | {each.source for each in look.kept.told.values()}):
            way = self._ways.get(source)
            if way and way.silences:
                await self._silenced(look, source, way.silences)
            elif way and way.service:
                await self._said(look, source, way.service)
            else:  # it is configured no more
                look.kept.told = {name: told for name, told in look.kept.told.items() if told.source != source}
        await self._recorded(look)
        look.kept.seen = look.live.version
        if msgspec.json.encode(look.kept) != before:
            await self._save(stream, look.kept)
        return look.again

    # --- services that are told ---------------------------------------------------------------------------------------

    async def _said(self, look: Look, source: str, service: Service) -> None:
        wanted = twoway.standing(look.live)
        mine = [each for each in look.subjects if each.source == source]
        self._forget(look, source, {each.fingerprint for each in mine if each.fires})
        owed = [each for each in mine if twoway.owed(each, look.kept.told.get(each.fingerprint), look.live)]
        if not owed or not self._may(look, source):
            return
        failed: Receipt | None = None
        for subject in owed:
            receipt = await self._tell(look, service, subject, wanted)
            if receipt is not None and receipt.code != "sent":
                failed = receipt
                if _stops(receipt):
                    break
            else:
                self._count(look, source, wanted, int(receipt is not None))
            look.kept.told[subject.fingerprint] = Told(source=source, starts_at=subject.starts_at, standing=wanted)
        if failed is not None:
            return await self._failed(look, source, f"{DOING[wanted]} {_many(len(owed))}", failed)
        look.kept.failing.pop(source, None)

    async def _tell(self, look: Look, service: Service, subject: Subject, wanted: Standing) -> Receipt | None:
        if wanted == "acknowledged":
            if twoway.heard(look.live, subject):
                return None
            self._echoes[subject.fingerprint] = look.now + twoway.ECHO  # its report may come before the answer
        else:
            self._echoes.pop(subject.fingerprint, None)
        return await service.tell(subject, wanted, self._words(look, subject))

    # --- silences -----------------------------------------------------------------------------------------------------

    async def _silenced(self, look: Look, source: str, silences: Silences) -> None:
        wanted = twoway.standing(look.live)
        firing = {each.fingerprint: each for each in look.subjects if each.source == source and each.fires}
        if not self._may(look, source):
            return
        failed: Receipt | None = None
        for subject in firing.values() if wanted == "acknowledged" else ():
            receipt = await self._held(look, source, silences, subject)
            failed = receipt or failed
            if receipt is not None and _stops(receipt):
                break
        if failed is not None:
            await self._failed(look, source, f"silence {_many(len(firing))}", failed)
            if _stops(failed):
                return
        for name, told in [each for each in look.kept.told.items() if each[1].source == source]:
            over = name not in firing or firing[name].starts_at != told.starts_at
            if not over and wanted == "acknowledged":
                continue
            receipt = await silences.release(told.silence) if told.silence else Receipt(code="sent")
            if receipt.code != "sent":
                return await self._failed(look, source, "end a silence", receipt)
            self._count(look, source, wanted, int(bool(told.silence) and not over))
            look.kept.told.pop(name)
        held = {name: told for name, told in look.kept.told.items() if told.source == source and told.silence}
        if held and (unheard := await self._asked(look, source, silences, held, firing)):
            return await self._failed(look, source, "ask which alerts fire", unheard)
        if failed is None:
            look.kept.failing.pop(source, None)

    async def _held(self, look: Look, source: str, silences: Silences, subject: Subject) -> Receipt | None:
        """None: the alert is silenced as it has to be, and that is written down."""
        told = look.kept.told.get(subject.fingerprint)
        if told is not None and told.starts_at != subject.starts_at:
            return None  # of the episode before: its silence is ended first
        fresh = Told(source=source, starts_at=subject.starts_at, standing="acknowledged", labels=subject.labels)
        words = self._words(look, subject)
        if told is None and not twoway.exact(subject):
            look.kept.told[subject.fingerprint] = fresh
            detail = "these are not an Alertmanager's own labels; let it send by its own webhook"
            return Receipt(code="misconfigured", permanent=True, detail=detail)
        if told is None:
            made: Held | Declined | None = await silences.hold(subject, words, look.now)
        else:
            due = twoway.renews_at(told, self._ways[source].back) if told.silence else None
            if due is None or due > look.now:
                return None
            made = await silences.renew(told.silence, subject, words, look.now)
        if isinstance(made, Declined):
            if not _stops(made.receipt):  # it would be refused again
                look.kept.told.setdefault(subject.fingerprint, fresh)
            return made.receipt
        self._count(look, source, "acknowledged", int(told is None))
        known = told or fresh
        known.silence, known.until = (made.name, made.until) if made else ("", None)
        look.kept.told[subject.fingerprint] = known
        return None

    async def _asked(
        self,
        look: Look,
        source: str,
        silences: Silences,
        held: Mapping[str, Told],
        firing: Mapping[str, Subject],
    ) -> Receipt | None:
        """Ends that a silence keeps its Alertmanager from telling are heard by asking, and go the way of all alerts."""
        listed = await silences.listed(list(held.values()))
        if isinstance(listed, Declined):
            return listed.receipt
        look.soon(self._ask_seconds)
        for each in held.values():
            if listed.fires(each.labels):
                twoway.seen_firing(each, listed, look.now)
        ended = [firing[name] for name, told in held.items() if self._ended(look, listed, told) and name in firing]
        if ended:
            await self._deps.accept(self._entry(source, ended, look.now))
        return None

    def _ended(self, look: Look, listed: Listed, told: Told) -> bool:
        if listed.fires(told.labels):
            return False
        return twoway.has_ended(told, now=look.now, running_since=listed.running_since)

    def _entry(self, source: str, ended: Sequence[Subject], now: datetime) -> Entry:
        """What the Alertmanager's webhook would have said."""
        alerts = [
            {"status": "resolved", "labels": each.labels, "startsAt": each.starts_at, "endsAt": now.isoformat()}
            for each in ended
        ]
        lent = self._ways[source].lent
        return Entry(
            position=0,
            tenant=self._deps.tenant,
            source=source,
            kind="alertmanager",
            received_at=now,
            body=msgspec.json.encode({"version": "4", "status": "resolved", "alerts": alerts}),
            meta={"service": lent} if lent else {},
        )

    # --- what became of it --------------------------------------------------------------------------------------------

    def _may(self, look: Look, source: str) -> bool:
        """Whether the source is to be tried; one that failed too long is left alone until the incident changes."""
        failing = look.kept.failing.get(source)
        if failing is not None and look.now - failing.since > PATIENCE and look.kept.seen != look.live.version:
            look.kept.failing.pop(source)
            return True
        return failing is None or look.now - failing.since <= PATIENCE

    async def _failed(self, look: Look, source: str, doing: str, receipt: Receipt) -> None:
        """What may pass is tried again; the timeline says what does not pass at once."""
        failing = look.kept.failing.setdefault(source, Failing(since=look.now))
        failing.tries += 1
        if not receipt.permanent:
            wait = AGAIN_SECONDS[min(failing.tries, len(AGAIN_SECONDS)) - 1]
            look.soon(max(wait, float(receipt.retry_after_seconds or 0)))
        if failing.said != receipt.code and (receipt.permanent or failing.tries >= TOLD_AFTER):
            failing.said = receipt.code
            fact = f.SourceNotTold(
                at=look.live.last_at,
                source=source,
                service=self._ways[source].back.service,
                doing=doing,
                code=receipt.code,
                detail=receipt.detail[:300],
            )
            await self._record(look.live.id, fact)

    async def _recorded(self, look: Look) -> None:
        for (source, standing), many in look.counts.items():
            if many:
                fact = f.SourceTold(
                    at=look.live.last_at,
                    source=source,
                    service=self._ways[source].back.service,
                    standing=standing,
                    alerts=many,
                )
                await self._record(look.live.id, fact)

    def _count(self, look: Look, source: str, standing: Standing, many: int) -> None:
        look.counts[source, standing] = look.counts.get((source, standing), 0) + many

    def _forget(self, look: Look, source: str, firing: set[str]) -> None:
        """Alerts that ended need not be remembered."""
        gone = [name for name, told in look.kept.told.items() if told.source == source and name not in firing]
        for name in gone:
            look.kept.told.pop(name)

    def _words(self, look: Look, subject: Subject) -> Words:
        incident = look.live
        by = incident.acknowledged_by or incident.resolved_by or f.TOCSIN
        said = {"open": "nobody has it any more", "acknowledged": f"acknowledged by {by}", "resolved": "resolved"}
        page = f"{self._url}/incidents/{incident.reference}"
        text = f"{incident.reference}: {said[twoway.standing(incident)]} in Tocsin. {page}"
        return Words(text=text, by=by, marker=f"tocsin:{look.stream}:{subject.fingerprint}:{subject.starts_at}")

    # --- the store ----------------------------------------------------------------------------------------------------

    def _look(self, store: Store, stream: str) -> Look | None:
        """None: nobody has to be told or asked anything."""
        tenant = self._deps.tenant
        body = store.get(tenant, CARRIED, stream)
        kept = msgspec.json.decode(body, type=Kept) if body else Kept()
        live = self._deps.engine.load(tenant, stream)
        while live.merged_into:
            kept.into = live.merged_into
            live = self._deps.engine.load(tenant, live.merged_into)
        if kept.into:
            self._merged.setdefault(kept.into, set()).add(stream)
        if not twoway.concerns(live, kept.told):
            return None
        return Look(stream=stream, live=live, kept=kept, now=store.now())

    async def _save(self, stream: str, kept: Kept) -> None:
        body = msgspec.json.encode(kept)
        await self._deps.run(lambda store: store.put(self._deps.tenant, CARRIED, stream, body))

    async def _record(self, incident: str, fact: f.SourceTold | f.SourceNotTold) -> None:
        def work(_: Store) -> None:
            try:
                self._deps.engine.handle(self._deps.tenant, incident, Record(fact=fact))
            except Refused:  # it was closed meanwhile: its timeline is complete
                return

        await self._deps.run(work)


def _stops(receipt: Receipt) -> bool:
    """Whether the next alert of this source would fare no better."""
    return not receipt.permanent or receipt.code == "unauthorised"


def _many(count: int) -> str:
    return "1 alert" if count == 1 else f"{count} alerts"
