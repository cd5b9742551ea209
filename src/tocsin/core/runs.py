"""The guide's commands that people ran for one incident, as the facts tell it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from tocsin.core import facts as f
from tocsin.core.risk import MEANS, risk


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One command that somebody began to run on their own machine: that of this `number` in an item of a list.

    `ended_at` None: it runs, or nobody said how it ended. `exit_code` None, though it ended: it was not told.
    """

    run: int
    phase: str
    item: str
    number: int
    text: str
    digest: str
    risk: str
    by: str
    begun_at: datetime
    host: str = ""
    approved_by: str = ""
    ended_at: datetime | None = None
    exit_code: int | None = None
    seconds: int = 0
    evidence: int | None = None
    because: str = ""

    @property
    def outcome(self) -> str:
        """How it ended, or that nobody knows yet."""
        return ended(self) if self.ended_at else "runs, or nobody said how it ended"


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """That `asker` may run the command of this digest once, until then."""

    request: int
    asker: str
    approved_by: str
    until: datetime


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Every run by its number, and what a second person has approved and nobody has run yet, by digest."""

    every: dict[int, Run] = {}
    allowed: dict[str, Allowed] = {}

    def newest(self, phase: str, item: str, number: int) -> Run | None:
        """The last run of this command."""
        same = (each for each in reversed(self.every.values()) if (each.phase, each.item) == (phase, item))
        return next((each for each in same if each.number == number), None)


def evolved(runs: Runs, fact: Any) -> Runs:
    """The runs after one more fact."""
    match fact:
        case f.RunApproved():
            allowed = Allowed(request=fact.request, asker=fact.asker, approved_by=fact.by, until=fact.until)
            return msgspec.structs.replace(runs, allowed=runs.allowed | {fact.digest: allowed})
        case f.RunBegun():
            same = {name: getattr(fact, name) for name in _SAME}
            begun = Run(begun_at=fact.at, **same)
            left = {digest: each for digest, each in runs.allowed.items() if digest != fact.digest}
            return Runs(every=runs.every | {fact.run: begun}, allowed=left if fact.approved_by else runs.allowed)
        case f.RunEnded() if fact.run in runs.every:
            ended = msgspec.structs.replace(
                runs.every[fact.run],
                ended_at=fact.at,
                exit_code=fact.exit_code,
                seconds=fact.seconds,
                evidence=fact.evidence,
                because=fact.because,
            )
            return msgspec.structs.replace(runs, every=runs.every | {fact.run: ended})
    return runs


_SAME = tuple(name for name in Run.__struct_fields__ if name in f.RunBegun.__struct_fields__)


def _ran(incident: Any, fact: Any, mark: Any, changes: dict[str, Any]) -> None:
    changes["runs"] = evolved(incident.runs, fact)


FAMILIES: dict[Any, Any] = dict.fromkeys((f.RunApproved, f.RunBegun, f.RunEnded), _ran)
"""What each fact makes of an incident, for core/incident.py."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    item: str


def asked_for(command: str, body: str) -> str:
    """What waits for a second person: `for resolve`, or the very command that would be run and what it does."""
    if command != "begin-run":
        return f"for {command}"
    try:
        asked = msgspec.json.decode(body, type=_Asked)
    except msgspec.MsgspecError:  # it was erased
        return "to run a command"
    return f"to run {asked.text} ({asked.item}; {MEANS[risk(asked.text)]})"


def words(fact: Any) -> str:
    """The timeline's sentence, or nothing for a fact of another kind."""
    match fact:
        case f.RunApproved():
            return f"{fact.asker} may run it once, until {fact.until:%H:%M} UTC (request {fact.request})"
        case f.RunBegun():
            approved = f", approved by {fact.approved_by}" if fact.approved_by else ""
            return f"Run {fact.run} begun ({fact.risk}{approved}), {fact.phase}: {fact.text}"
        case f.RunEnded():
            return f"Run {fact.run} {ended(fact)}"
    return ""


def ended(of: f.RunEnded | Run) -> str:
    """How it ended, in words."""
    how = "ended, and how was not told" if of.exit_code is None else f"failed with exit status {of.exit_code}"
    if of.exit_code == 0:
        how = "went well"
    kept = f", kept as evidence {of.evidence}" if of.evidence else ""
    because = f": {of.because}" if of.because else ""
    return f"{how} after {of.seconds} s{kept}{because}"
