"""A finding becomes an alert like any other: journalled, digested, judged by routes, silences and maintenance.

Whoever detects says, as often as it looks, the whole of what is wrong under the name of one source (`probe:web`). What
is new fires, what is still there is said again in time, what is missing ends. An alert that nobody says again ends by
itself, so that a detector that died leaves nothing behind; one that fired before a restart is known from the alert
table, and ends with the first look that finds nothing wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.core.alert import Episode, Report, fingerprint_of
from tocsin.ports import Entry

KIND = "monitor"  # the journal's name of the format of our own reports; nobody outside may send it
HOLD_MIN = timedelta(minutes=15)  # an alert outlives a restart of ours, and a look that was late
LOOKS_HELD = 4  # and so many looks that said nothing
AGAIN_SHARE = 3  # said again when a third of the time has passed: two refusals by a full disk are outlived
FINDINGS_MAX = 200  # of one source at once, the first ones; a detector that finds more has found one thing


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong. `labels` are its identity: what changes with every look belongs in `annotations`.

    `since`: when it began; of what is open already, the earliest counts. `summary` is the annotation that becomes the
    title; while it stays the same, nothing is said again before its time.
    """

    labels: dict[str, str]
    annotations: dict[str, str]
    since: datetime
    url: str = ""


class HandingDeps(Protocol):
    @property
    def tenant(self) -> str: ...
    @property
    def clock(self) -> Clock: ...

    def accept(self, entry: Entry) -> Awaitable[int]:
        """Journal the entry; its position, once durable. Raises writer.Overloaded, OSError."""
        ...

    async def firing_of(self, sources: str) -> Sequence[Episode]:
        """The alerts that fire of sources whose names begin so."""
        ...


class _Open(msgspec.Struct):
    report: Report
    said_at: datetime | None  # None: before a restart, so that it is said again at once


class Handing:
    """`load` first, with what the names of your sources begin with; then `tell` after every look."""

    def __init__(self, deps: HandingDeps) -> None:
        self._deps = deps
        self._open: dict[str, dict[str, _Open]] = {}  # source -> fingerprint -> what was said of it last
        self._locks: dict[str, asyncio.Lock] = {}

    async def load(self, sources: str) -> None:
        """What fired before the restart is known. `sources`: what the names begin with, such as `probe:`."""
        for each in await self._deps.firing_of(sources):
            report = Report(
                action="fire",
                fingerprint=each.fingerprint,
                labels=each.labels,
                annotations=each.annotations,
                starts_at=each.starts_at,
                url=each.url,
            )
            self._open.setdefault(each.source, {})[each.fingerprint] = _Open(report, None)

    def sources(self, beginning: str) -> list[str]:
        """The sources of which something is open; those that nobody has configured any more should be told nothing."""
        return sorted(name for name, opened in self._open.items() if opened and name.startswith(beginning))

    def opened(self, source: str) -> list[Finding]:
        """What is open of this source, as it was said last."""
        return [
            Finding(labels=said.labels, annotations=said.annotations, since=said.starts_at, url=said.url)
            for said in (each.report for each in self._open.get(source, {}).values())
            if said.starts_at is not None
        ]

    async def tell(self, source: str, findings: Sequence[Finding], *, every: timedelta) -> None:
        """These findings are all that is wrong; what was open and is not among them has ended.

        `every`: how often the caller looks, from which it follows how long an alert holds without being said again.
        Raises writer.Overloaded or OSError when nothing could be recorded; the next call says it all again.
        """
        async with self._locks.setdefault(source, asyncio.Lock()):
            now = self._deps.clock.now()
            opened = self._open.setdefault(source, {})
            hold = max(HOLD_MIN, every * LOOKS_HELD)
            wanted = {fingerprint_of(each.labels): each for each in findings[:FINDINGS_MAX]}
            fires = [
                report
                for name, finding in wanted.items()
                if (report := _said(name, finding, opened.get(name), now, hold)) is not None
            ]
            ends = [_ended(each.report, now) for name, each in opened.items() if name not in wanted]
            if not fires and not ends:
                return
            entry = Entry(
                position=0,
                tenant=self._deps.tenant,
                source=source,
                kind=KIND,
                received_at=now,
                body=msgspec.json.encode([*fires, *ends]),  # what is new first: an incident may go on with it
            )
            await self._deps.accept(entry)
            for report in fires:
                opened[report.fingerprint] = _Open(report, now)
            for report in ends:
                del opened[report.fingerprint]


def _said(name: str, finding: Finding, before: _Open | None, now: datetime, hold: timedelta) -> Report | None:
    """The report that is due of a finding, if one is."""
    if before is not None and before.said_at is not None:
        alike = before.report.annotations.get("summary") == finding.annotations.get("summary")
        if alike and now - before.said_at < hold / AGAIN_SHARE:
            return None
    return Report(
        action="fire",
        fingerprint=name,
        labels=finding.labels,
        annotations=finding.annotations,
        starts_at=min(finding.since, now),
        ends_at=now + hold,
        timeout=True,
        url=finding.url,
    )


def _ended(report: Report, now: datetime) -> Report:
    return msgspec.structs.replace(report, action="resolve", ends_at=max(now, report.starts_at or now), timeout=False)
