"""Dead-man monitors: something promises to say "I am alive" every so often, and its silence is the alert.

A monitor is new until its first beat (unless it is armed), then up; late once a beat is overdue, down once the grace
has passed as well, or when the job itself says that it failed. Down is an alert that fires, the next good beat is its
end. The instant of going down is the deadline, not the moment somebody looked, so that looking twice, or after a
restart, tells the same alert.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import msgspec

from tocsin.core.alert import Report, fingerprint_of

MONITOR = "monitor"  # kinds of stored documents: what was agreed, and what was heard
BEATS = "beats"

BODY_MAX = 10_000  # characters of a ping's body that are kept: the end of a job's output
EVERY_MIN_SECONDS = 10
EVERY_MAX_SECONDS = 366 * 24 * 3600

Standing = Literal["new", "up", "late", "down"]
Signal = Literal["alive", "start", "fail"]


class Monitor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A beat is expected every `every_seconds`; `grace_seconds` later it is missed. A run that was announced with
    `/start` has the grace to finish. `armed`: the first beat is expected too, counted from `created_at`."""

    id: str
    name: str = ""
    every_seconds: int
    grace_seconds: int = 60
    service: str | None = None
    severity: str = "critical"
    labels: dict[str, str] = {}
    armed: bool = False
    created_at: datetime


class Beats(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard of a monitor. `down_at` None: it is not down. `started_at`: a run that has not finished."""

    last_at: datetime | None = None
    started_at: datetime | None = None
    down_at: datetime | None = None
    failed: bool = False
    code: int | None = None  # the exit code of the last beat, if it gave one
    text: str = ""  # the last body
    count: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What was heard, including the newest, and the alert report that follows from it, if one does."""

    beats: Beats
    report: Report | None = None


def check_monitor(monitor: Monitor) -> None:
    """Raises ValueError naming the field, what was expected and what came."""
    if not monitor.id or not monitor.id.isascii() or not monitor.id.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"id: expected ASCII letters, digits, - and _, got {monitor.id!r}")
    if len(monitor.id) > 100:
        raise ValueError(f"id: expected at most 100 characters, got {len(monitor.id)}")
    if monitor.id in ("start", "fail"):
        raise ValueError(f"id: expected a name that is no signal, got {monitor.id!r}")
    if not EVERY_MIN_SECONDS <= monitor.every_seconds <= EVERY_MAX_SECONDS:
        raise ValueError(f"every: expected {EVERY_MIN_SECONDS} s to 366 days, got {monitor.every_seconds} s")
    if not 0 <= monitor.grace_seconds <= EVERY_MAX_SECONDS:
        raise ValueError(f"grace: expected 0 s to 366 days, got {monitor.grace_seconds} s")


def heard(
    monitor: Monitor,
    beats: Beats,
    signal: Signal,
    now: datetime,
    *,
    code: int | None = None,
    text: str = "",
    unsure: bool = False,
) -> Step:
    """After a beat. `alive` with a code other than 0 is a failure. `start` neither clears an alert nor is a beat.

    `unsure`: an alert may have been told that `beats` know nothing of, as after a crash; a good beat clears it too.
    """
    if signal == "start":
        return Step(beats=msgspec.structs.replace(beats, started_at=now, text=text[-BODY_MAX:], count=beats.count + 1))
    failed = signal == "fail" or bool(code)
    after = msgspec.structs.replace(
        beats,
        last_at=now,
        started_at=None,
        failed=failed,
        code=code,
        text=text[-BODY_MAX:],
        count=beats.count + 1,
        down_at=(beats.down_at or now) if failed else None,
    )
    if failed:
        return Step(beats=after, report=_fire(monitor, after, now))
    return Step(beats=after, report=_clear(monitor, beats.down_at, now) if beats.down_at or unsure else None)


def looked(
    monitor: Monitor, beats: Beats, now: datetime, *, not_before: datetime | None = None, unsure: bool = False
) -> Step:
    """At `now`: a beat that is missed puts the monitor down, once.

    `not_before`: nobody could be heard until then (the server was off), so nothing is missed before this instant.
    `unsure`: a beat may have been told that `beats` know nothing of, as after a crash; a monitor that is down is told
    to be down once more, which changes nothing where its alert fires still.
    """
    if unsure and beats.down_at is not None and now >= (not_before or now):
        again = msgspec.structs.replace(_fire(monitor, beats, now), starts_at=now)
        return Step(beats=beats, report=again)
    due = missed_at(monitor, beats)
    if beats.down_at is not None or due is None or now < max(due, not_before or due):
        return Step(beats=beats)
    after = msgspec.structs.replace(beats, down_at=due)
    return Step(beats=after, report=_fire(monitor, after, due))


def missed_at(monitor: Monitor, beats: Beats) -> datetime | None:
    """From when on the monitor counts as down unless it is heard; None: it is down, or nothing is expected yet."""
    if beats.down_at is not None:
        return None
    grace = timedelta(seconds=monitor.grace_seconds)
    since = beats.last_at or (monitor.created_at if monitor.armed else None)
    due = since + timedelta(seconds=monitor.every_seconds) + grace if since else None
    if beats.started_at is None:
        return due
    finished = beats.started_at + grace
    return min(due, finished) if due else finished


def standing(monitor: Monitor, beats: Beats, now: datetime) -> Standing:
    """How the monitor stands at `now`."""
    missed = missed_at(monitor, beats)
    if beats.down_at is not None or (missed is not None and now >= missed):
        return "down"
    if missed is None:
        return "new"
    since = beats.last_at or monitor.created_at
    if (beats.last_at or monitor.armed) and now >= since + timedelta(seconds=monitor.every_seconds):
        return "late"
    return "up" if beats.last_at else "new"


def labels_of(monitor: Monitor) -> dict[str, str]:
    """The labels of the monitor's alert: its identity, the same for every episode."""
    own = {"alertname": "DeadManMissing", "monitor": monitor.id, "severity": monitor.severity}
    if monitor.service:
        own["service"] = monitor.service
    return {**monitor.labels, **{name: value for name, value in own.items() if value}}


def _fire(monitor: Monitor, beats: Beats, at: datetime) -> Report:
    name = monitor.name or monitor.id
    annotations = {"monitor": name}
    if beats.failed:
        code = f" (exit code {beats.code})" if beats.code else ""
        annotations["summary"] = f"{name} says that it failed{code}"
    elif beats.started_at and at < (beats.last_at or at) + timedelta(seconds=monitor.every_seconds):
        annotations["summary"] = f"{name} started at {_clock(beats.started_at)} and did not finish in time"
    elif beats.last_at:
        annotations["summary"] = f"No beat from {name} since {_clock(beats.last_at)}"
    else:
        annotations["summary"] = f"No beat from {name} ever"
    if beats.text:
        annotations["output"] = beats.text
    labels = labels_of(monitor)
    return Report(
        action="fire",
        fingerprint=fingerprint_of(labels),
        labels=labels,
        annotations=annotations,
        starts_at=beats.down_at or at,
    )


def _clear(monitor: Monitor, down_at: datetime | None, now: datetime) -> Report:
    labels = labels_of(monitor)
    return Report(
        action="resolve",
        fingerprint=fingerprint_of(labels),
        labels=labels,
        annotations={"monitor": monitor.name or monitor.id},
        starts_at=down_at,
        ends_at=max(now, down_at or now),
    )


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
