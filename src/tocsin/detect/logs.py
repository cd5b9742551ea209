"""The logs of this node: each is followed, counted and judged, and what was found is told as alerts.

How far each file was read, what was counted and which errors are known lies in one file per log, replaced as a whole:
after a crash the lines since then are read again, into the counts of then.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

import msgspec

from tocsin.clock import Clock
from tocsin.core.logwatch import LogWatch
from tocsin.detect.faults import kept_running, until_known
from tocsin.detect.follow import Follower, Split, found, split_lines, tail
from tocsin.detect.handing import Finding
from tocsin.detect.journal import split_entries
from tocsin.detect.logwatching import LogWatching
from tocsin.detect.tally import Redact, Tally
from tocsin.writer import Overloaded

log = logging.getLogger(__name__)

SOURCE = "log:"  # what the sources of their alerts begin with
LOOK_SECONDS = 1.0
KEEP_EVERY = timedelta(seconds=5)  # how often what was counted is written down
HISTORY_BYTES = 4 * 1024 * 1024  # of a file, that is looked at for errors that are nothing new
HISTORY_FILES_MAX = 4  # files of one log: together they take a few seconds of one thread
BLIND_AFTER = timedelta(minutes=5)  # a log that could not be read for so long is an alert
FORMATS: dict[str, Split] = {"lines": split_lines, "journal": split_entries}


class Tells(Protocol):
    async def load(self, sources: str) -> None: ...

    def sources(self, beginning: str) -> list[str]: ...

    async def tell(self, source: str, findings: Sequence[Finding], *, every: timedelta) -> None:
        """These are all findings of the source. Raises Overloaded or OSError when nothing could be recorded."""
        ...


class Logs:
    """`folder`: where what is remembered lies, made when it is needed."""

    def __init__(self, watches: Sequence[LogWatch], folder: Path, clock: Clock, redact: Redact, tells: Tells) -> None:
        self._logs = [Log(watch, folder, clock, redact) for watch in watches]
        self._tells = tells

    async def run(self) -> None:
        """Every log is looked at, until cancelled. What was told of one that is configured no more has ended."""
        await until_known(SOURCE, partial(self._tells.load, SOURCE))
        for source in set(self._tells.sources(SOURCE)) - {each.source for each in self._logs}:
            try:
                await self._tells.tell(source, [], every=timedelta(seconds=LOOK_SECONDS))
            except (Overloaded, OSError) as error:  # nobody says it again, so it ends by itself a little later
                log.warning("%s: its end could not be recorded: %s", source, error)
        try:
            await asyncio.gather(*(kept_running(each.source, partial(self._run, each)) for each in self._logs))
        finally:
            for each in self._logs:
                each.close()

    def figures(self) -> dict[str, float]:
        """For /metrics."""
        if not self._logs:
            return {}
        return {
            "logs_files": sum(each.files for each in self._logs),
            "logs_findings": sum(each.findings for each in self._logs),
            "logs_blind": sum(bool(each.problem) for each in self._logs),
        }

    def counters(self) -> dict[str, int]:
        if not self._logs:
            return {}
        return {
            "logs_lines_total": sum(each.lines for each in self._logs),
            "logs_skipped_bytes_total": sum(each.skipped_bytes for each in self._logs),
        }

    async def _run(self, one: Log) -> None:
        while True:
            wait = LOOK_SECONDS
            try:
                findings, more = await asyncio.to_thread(one.look)
                await self._tells.tell(one.source, findings, every=timedelta(seconds=LOOK_SECONDS))
                await asyncio.to_thread(one.keep)
                wait = 0.0 if more else LOOK_SECONDS
            except (Overloaded, OSError) as error:
                log.warning("log %s: nothing could be recorded, trying again: %s", one.watch.name, error)
            await asyncio.sleep(wait)


class Log:
    """One log and everything that is remembered of it. `look` and `keep` may be called from any thread, in turn."""

    def __init__(self, watch: LogWatch, folder: Path, clock: Clock, redact: Redact) -> None:
        self.watch = watch
        self.source = f"{SOURCE}{watch.name}"
        self.lines = 0
        self.findings = 0
        self.problem = ""
        self._file = folder / file_name(watch.name)
        self._clock = clock
        self._lock = threading.Lock()
        self._closed = False
        self._kept_at: datetime | None = None
        self._kept = b""
        self._well_at: datetime | None = None
        tally = self._remembered()
        self._new = tally.places is None
        self._follower = Follower(watch.files, tally.places, FORMATS[watch.format])
        self._watching = LogWatching(watch, tally, redact)

    @property
    def files(self) -> int:
        return self._follower.files

    @property
    def skipped_bytes(self) -> int:
        return self._follower.skipped_bytes

    def look(self) -> tuple[list[Finding], bool]:
        """What was written since the last look is counted; everything that is wrong now, and whether there is more."""
        with self._lock:
            if self._closed:
                return [], False
            now = self._clock.now()
            if self._new:
                self._learn(now)
            pieces, more = self._follower.read()
            self._new = False
            self.lines += sum(len(piece.lines) for piece in pieces)
            self._watching.take(pieces, now)
            findings = [*self._watching.judged(now), *self._blind(now)]
            self.findings = len(findings)
            return findings, more

    def keep(self, *, at_once: bool = False) -> None:
        """What is remembered is in the file, when it is time. Raises OSError."""
        with self._lock:
            now = self._clock.now()
            if self._closed or (not at_once and self._kept_at is not None and now - self._kept_at < KEEP_EVERY):
                return
            tally = self._watching.tally
            tally.places = self._follower.places
            body = msgspec.json.encode(tally)
            self._kept_at = now
            if body == self._kept:
                return
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = self._file.with_suffix(".new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._file)
            self._kept = body

    def close(self) -> None:
        """What is remembered is in the file if it can be, and nothing is open any more."""
        try:
            self.keep(at_once=True)
        except OSError as error:
            log.warning("log %s: what was counted could not be kept: %s", self.watch.name, error)
        with self._lock:
            self._closed = True
            self._follower.close()

    def _remembered(self) -> Tally:
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Tally)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
            log.warning("log %s: %s cannot be read, beginning anew: %s", self.watch.name, self._file, error)
        return Tally(began_at=self._clock.now())

    def _learn(self, now: datetime) -> None:
        for path in islice(found(self.watch.files), HISTORY_FILES_MAX):
            try:
                self._watching.learn(tail(path, HISTORY_BYTES, FORMATS[self.watch.format]), now)
            except OSError as error:
                log.warning("log %s: %s cannot be read: %s", self.watch.name, path, error.strerror or error)

    def _blind(self, now: datetime) -> list[Finding]:
        """A log that nobody can read finds nothing, which looks like a system that is well."""
        problems = self._follower.problems
        why = next((f"{path}: {reason}" for path, reason in sorted(problems.items())), "")
        if not why and not self._follower.files:
            why = f"{', '.join(self.watch.files)}: there is no such file"
        if why != self.problem and why:
            log.warning("log %s: %s", self.watch.name, why)
        self.problem = why
        if not why or self._well_at is None:
            self._well_at = now
        if now - self._well_at < BLIND_AFTER:
            return []
        service = {"service": self.watch.service} if self.watch.service else {}
        return [
            Finding(
                labels={"alertname": "LogUnreadable", "log": self.watch.name, "severity": "warning", **service},
                annotations={"summary": f"{self.watch.name}: the log cannot be read", "description": why},
                since=self._well_at,
            )
        ]


def file_name(name: str) -> str:
    """A file name for a log, unlike that of any other."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name)[:40]
    return f"{plain}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}.json"
