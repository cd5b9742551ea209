"""What became of alerts and payloads, in words: the alert table as people and Alertmanager's API read it.

A reader's thread asks the writer for a copy of the columns it needs (milliseconds for 100,000 alerts), and reads the
bodies from the store itself, so that a listing of everything holds no page up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from tocsin import acting
from tocsin.core.alert import Action, Episode, Verdict, fingerprint_of
from tocsin.core.annotated import Said, said, together
from tocsin.core.merge import FOREVER
from tocsin.core.sight import within
from tocsin.digest.alerttable import TIMEOUT
from tocsin.digest.digest import Digest
from tocsin.digest.quarantine import ERRORS_TOLD, QUARANTINE, Quarantined
from tocsin.http.deps import Explained
from tocsin.intake.committer import Accepted, recalled
from tocsin.intake.postable import KIND, Body, PostableReader, labels_of
from tocsin.intake.times import EPOCH, microseconds
from tocsin.ports import Journal, Parse, Store

T = TypeVar("T")

WAIT_SECONDS = 5.0  # for the writer's copy; it answers between two bites
CHUNK = 2_000  # bodies decoded at once
DID: Mapping[Action, str] = {
    "fire": "it told of",
    "resolve": "it ended",
    "acknowledge": "it acknowledged",
    "note": "it added words to",
}
Spoken = tuple[str, int, str, str]
"""Fingerprint, start in microseconds, what was done to the alert, and the words with it."""

FATES_MAX = 1_000  # alerts of one payload that are told one by one

_log = logging.getLogger(__name__)
_bodies = msgspec.json.Decoder(Body)


class _Row(msgspec.Struct, gc=False):
    """One episode's columns, copied on the writer thread."""

    slot: int
    fingerprint: str
    source: str
    starts_us: int
    ends_us: int
    updated_us: int
    count: int
    fires: bool
    timeout: bool
    incident: str | None
    verdict: Verdict | None
    body: bytes | None  # not in the store yet


class Fates:
    """Over one digest and its store. `submit` runs a task on the writer thread, commands first."""

    def __init__(
        self,
        digest: Digest,
        store: Store,
        journal: Journal,
        parsers: Mapping[str, Parse],
        submit: Callable[[Callable[[], list[_Row]]], Future[list[_Row]]],
    ) -> None:
        self._digest, self._store, self._journal = digest, store, journal
        self._parsers = parsers
        self._submit = submit

    # --- from a reader's thread ---------------------------------------------------------------------------------------

    def firing(self, store: Store, tenant: str, now: datetime, equal: Mapping[str, str]) -> Iterator[Episode]:
        """The episodes that have not ended at `now`; those whose labels cannot include `equal` may be left out."""
        table = self._digest.table
        rows = self._submit(lambda: self._rows(table.slots(tenant))).result(WAIT_SECONDS)
        now_us = microseconds(now)
        needles = [msgspec.json.encode(value) for value in equal.values() if value]
        hidden = self._hidden(tenant)
        wanted = [row for row in rows if row.ends_us > now_us and row.incident not in hidden]
        for row, body in self._with_bodies(wanted, needles):
            yield _episode(row, body)

    def firing_of(self, tenant: str, sources: str) -> list[Episode]:
        """The episodes that fire of sources whose names begin so: what a detector of ours said before a restart."""
        table = self._digest.table

        def rows() -> list[_Row]:
            return self._rows([slot for slot in table.slots(tenant) if table.source_of(slot).startswith(sources)])

        found = self._submit(rows).result(WAIT_SECONDS)
        return [_episode(row, body) for row, body in self._with_bodies(found, [])]

    def of_incident(self, tenant: str, incident: str) -> list[dict[str, Any]]:
        """The alerts of an incident as JSON values, firing ones first."""
        table = self._digest.table
        rows = self._submit(lambda: self._rows(table.of_incident(tenant, incident))).result(WAIT_SECONDS)
        found = [_shown(_episode(row, body), fires=row.fires) for row, body in self._with_bodies(rows, [])]
        return sorted(found, key=lambda each: (each["state"] != "firing", each["starts_at"], each["fingerprint"]))

    def said(self, tenant: str, fingerprints: Sequence[str]) -> Said:
        """What the newest episodes of these alerts tell people; it costs as little for those that are forgotten, since
        every page asks. Writer thread."""
        table = self._digest.table
        rows = self._rows([slot for each in fingerprints if (slot := table.slot_of(tenant, each)) is not None])
        try:
            return together(said(body.annotations) for _, body in self._with_bodies(rows, []))
        except msgspec.MsgspecError:  # a row that a broken disk left must not hold up the page that would show it
            _log.exception("what the alerts %s say could not be read", ", ".join(fingerprints))
            return Said()

    def explain(self, tenant: str, fingerprint: str) -> Explained | None:
        """Why the newest episode of an alert did what it did, and the ones before it; None if it is not known."""
        table = self._digest.table
        rows = self._submit(lambda: self._rows(table.episodes(tenant, fingerprint))).result(WAIT_SECONDS)
        hidden = self._hidden(tenant)
        rows = [row for row in rows if row.incident not in hidden]
        if not rows:
            return None
        shown = [_shown(_episode(row, body), fires=row.fires) for row, body in self._with_bodies(rows, [])]
        newest, row = shown[0], rows[0]
        because = [*(row.verdict.because if row.verdict else ("it has not been judged: it came resolved",))]
        if row.incident:
            index = self._store.index(tenant, row.incident)
            because.append(f"it belongs to {index.reference if index else row.incident}")
        if not row.fires:
            because.append(f"it ended at {newest['ends_at']}")
        return Explained(
            fingerprint=fingerprint,
            state=_state(row),
            incident=row.incident,
            because=tuple(because),
            details={"episodes": shown},
        )

    def fate(self, tenant: str, payload: str) -> dict[str, Any] | None:
        """What became of an accepted payload: an incident per alert, or why none. None: not, or no longer, known."""
        number = payload.isascii() and payload.isdigit() and len(payload) < 20  # as long as a position can be
        entry = self._journal.get(int(payload)) if number else None
        if entry is None:
            return None
        accepted = recalled(int(payload), *entry)
        if accepted.tenant != tenant:
            return None
        told = {
            "payload": payload,
            "source": accepted.source,
            "kind": accepted.kind,
            "received_at": _instant(accepted.received_us).isoformat(),
        }
        stored = self._store.get(tenant, QUARANTINE, f"{accepted.position:020d}")
        if stored is not None:
            told["quarantine"] = msgspec.json.decode(stored, type=Quarantined).reason
        if accepted.position > self._digest.position:
            return {**told, "fate": "it is accepted and waits to be digested", "alerts": []}
        said, unread = self._said(accepted)
        if unread:  # of a source that complains every second, one complaint a minute is written down
            told.setdefault("quarantine", unread)
        alerts = self._alerts_in(accepted, said)
        return {**told, "fate": _summary(alerts, told.get("quarantine")), "alerts": alerts}

    def _alerts_in(self, accepted: Accepted, said: Sequence[Spoken]) -> list[dict[str, Any]]:
        found = []
        hidden = self._hidden(accepted.tenant)
        for fingerprint, starts_us, did, words in said[:FATES_MAX]:
            rows = self._submit(partial(self._newest, accepted.tenant, fingerprint)).result(WAIT_SECONDS)
            if rows and rows[0].incident in hidden:
                continue
            told: dict[str, Any] = {"fingerprint": fingerprint, "incident": None}
            if starts_us:
                told["starts_at"] = _instant(starts_us).isoformat()
            if not rows:
                told["because"] = [f"{did} an alert that is not, or no longer, known{words}"]
            else:
                row = rows[0]
                index = self._store.index(accepted.tenant, row.incident) if row.incident else None
                told["incident"] = row.incident
                told["reference"] = index.reference if index else None
                told["because"] = [*(row.verdict.because if row.verdict else ("it came resolved; nobody is paged",))]
            found.append(told)
        return found

    def _said(self, accepted: Accepted) -> tuple[list[Spoken], str]:
        """What the payload said of every alert that it spoke of, and what could not be read."""
        if accepted.kind == KIND:
            reading = PostableReader().read(accepted.body, accepted.received_us)
            posted = [(fingerprint_of(labels_of(each)), each.starts_us, DID["resolve"], "") for each in reading.posted]
            return posted, "; ".join(reading.errors[:ERRORS_TOLD])
        parse = self._parsers.get(accepted.kind)
        if parse is None:
            return [], f"kind: nothing reads {accepted.kind!r}"
        try:
            reports = parse(accepted.entry())
        except (ValueError, RecursionError) as error:
            return [], str(error) or type(error).__name__
        told = [
            (
                report.fingerprint,
                microseconds(report.starts_at) if report.starts_at else 0,
                DID[report.action],
                f": {report.text}" if report.action == "note" and report.text else "",
            )
            for report in reports
            if report.action != "change"
        ]
        return told, ""

    def _newest(self, tenant: str, fingerprint: str) -> list[_Row]:
        """Writer thread."""
        table = self._digest.table
        newest = table.slot_of(tenant, fingerprint)
        return self._rows([newest] if newest is not None else table.episodes(tenant, fingerprint))

    def _hidden(self, tenant: str) -> frozenset[str]:
        """Private incidents that whoever asks does not see; their alerts tell nobody else of them either."""
        sight = acting.sight()
        if sight is None:
            return frozenset()
        return frozenset(name for name, by in self._store.private(tenant).items() if not within(sight, by))

    # --- both sides ---------------------------------------------------------------------------------------------------

    def _rows(self, slots: Sequence[int]) -> list[_Row]:
        """Writer thread."""
        table = self._digest.table
        return [
            _Row(
                slot=slot,
                fingerprint=table.name(slot),
                source=table.source_of(slot),
                starts_us=table.starts[slot],
                ends_us=table.ends[slot],
                updated_us=table.updated[slot],
                count=table.count[slot],
                fires=table.fires(slot),
                timeout=bool(table.flags[slot] & TIMEOUT),
                incident=table.incident_of(slot),
                verdict=table.verdict_of(slot),
                body=table.bodies.get(slot),
            )
            for slot in slots
        ]

    def _with_bodies(self, rows: Sequence[_Row], needles: Sequence[bytes]) -> Iterator[tuple[_Row, Body]]:
        for start in range(0, len(rows), CHUNK):
            some = rows[start : start + CHUNK]
            stored = self._store.alert_bodies([row.slot for row in some if row.body is None])
            for row in some:
                raw = row.body if row.body is not None else stored.get(row.slot)
                # A body with escapes may spell a value in other bytes (Go writes & as \u0026): it is read to be sure.
                if raw is not None and (b"\\" in raw or all(needle in raw for needle in needles)):
                    yield row, _bodies.decode(raw)


def _episode(row: _Row, body: Body) -> Episode:
    return Episode(
        fingerprint=row.fingerprint,
        labels=body.labels,
        annotations=body.annotations,
        starts_at=_instant(row.starts_us),
        ends_at=None if row.ends_us >= FOREVER else _instant(row.ends_us),
        timeout=row.timeout,
        updated_at=_instant(row.updated_us),
        source=row.source,
        url=body.url,
        identity=body.identity or "",
        count=row.count,
        incident=row.incident,
        verdict=row.verdict,
    )


def _shown(episode: Episode, *, fires: bool) -> dict[str, Any]:
    ended = None if fires or episode.ends_at is None else episode.ends_at.isoformat()
    return {
        "fingerprint": episode.fingerprint,
        "state": "firing" if fires else "ended",
        "labels": episode.labels,
        "annotations": episode.annotations,
        "starts_at": episode.starts_at.isoformat(),
        "ends_at": ended,
        "updated_at": episode.updated_at.isoformat(),
        "source": episode.source,
        "url": episode.url,
        "identity": episode.identity,
        "count": episode.count,
        "incident": episode.incident,
        "verdict": msgspec.to_builtins(episode.verdict),
    }


def _state(row: _Row) -> str:
    if not row.fires:
        return "ended"
    return row.verdict.outcome if row.verdict and row.verdict.outcome != "page" else "firing"


def _summary(alerts: Sequence[Mapping[str, Any]], quarantine: str | None) -> str:
    incidents = list(dict.fromkeys(str(each["reference"]) for each in alerts if each.get("reference")))
    if incidents:
        return f"went to {', '.join(incidents)}"
    if quarantine and not alerts:
        return f"could not be read: {quarantine}"
    return "opened nothing; each alert says why" if alerts else "spoke of no alert (a change event, or an empty list)"


def _instant(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
