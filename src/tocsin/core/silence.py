"""Silences and maintenance windows: who is to be left alone, about what, from when until when.

Both are stored apart from the policy and change while it stands. What they mute stays visible. Alertmanager's rules
decide how a silence may be changed: one that has mattered is ended and replaced, never rewritten.
Source: observed on Alertmanager 0.25 (`silence.Set`, `silence.Expire`), see tests/http/test_alertmanager_silences.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal, TypeVar

import msgspec

from tocsin.core.matchers import Matchers, compile_matchers, holds, matches
from tocsin.core.policy import Matcher
from tocsin.core.triage import Mute, Mutes, compile_mutes

SILENCE = "silence"  # kinds of stored documents
MAINTENANCE = "maintenance"

SILENCES_MAX = 10_000  # stored per tenant; every alert that is new is held against all active ones
COMMENT_MAX = 16 * 1024
MATCHERS_PER_SILENCE_MAX = 100

State = Literal["pending", "active", "expired"]


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that all `matchers` match page nobody from `starts_at` up to, and not including, `ends_at`."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str = ""
    comment: str = ""
    annotations: dict[str, str] = {}
    updated_at: datetime


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work: alerts of `service`, or those that all `matchers` match, page nobody while it lasts.

    With both, an alert has to meet both. With neither, the window is refused by `check_maintenance`.
    """

    id: str
    starts_at: datetime
    ends_at: datetime
    service: str | None = None
    matchers: tuple[Matcher, ...] = ()
    by: str = ""
    comment: str = ""
    updated_at: datetime


class UnknownSilence(LookupError):
    """No silence has this id."""


def state(of: Silence | Maintenance, now: datetime) -> State:
    """pending before `starts_at`, expired from `ends_at` on, active between."""
    if now >= of.ends_at:
        return "expired"
    return "pending" if now < of.starts_at else "active"


def place(existing: Silence | None, wanted: Silence, now: datetime, fresh_id: str) -> tuple[Silence, ...]:
    """The silences to store, the one that now speaks for `wanted` last; it is new, or `existing` changed in place.

    A silence whose matchers stay, and that has not begun or keeps its start (to the second), is changed in place.
    Otherwise the old one ends now and a new one with `fresh_id` takes over; it cannot start in the past.
    Raises ValueError in Alertmanager's words.
    """
    check_silence(wanted, now)
    if existing is not None and _changeable(existing, wanted, now):
        return (msgspec.structs.replace(wanted, id=existing.id, updated_at=now),)
    new = msgspec.structs.replace(wanted, id=fresh_id, starts_at=max(wanted.starts_at, now), updated_at=now)
    if existing is None or state(existing, now) == "expired":
        return (new,)
    return (expire(existing, now), new)


def expire(silence: Silence, now: datetime) -> Silence:
    """The silence, ended at `now`; one that has ended already keeps its end."""
    if state(silence, now) == "expired":
        return silence
    return msgspec.structs.replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, updated_at=now)


def check_silence(silence: Silence, now: datetime) -> None:
    """Raises ValueError, in Alertmanager's words, for a silence that can never hold or that silences everything."""
    if silence.starts_at >= silence.ends_at:
        raise ValueError("Failed to create silence: start time must be before end time")
    if silence.ends_at < now:
        raise ValueError("Failed to create silence: end time can't be in the past")
    if len(silence.comment) > COMMENT_MAX:
        raise ValueError(f"silence invalid: comment: expected at most {COMMENT_MAX} characters")
    if len(silence.matchers) > MATCHERS_PER_SILENCE_MAX:
        raise ValueError(f"silence invalid: expected at most {MATCHERS_PER_SILENCE_MAX} matchers")
    for n, matcher in enumerate(silence.matchers):
        if not matcher.name:
            raise ValueError(f'silence invalid: invalid label matcher {n}: invalid label name ""')
        try:
            compile_matchers((matcher,))
        except ValueError as error:
            raise ValueError(f"silence invalid: invalid label matcher {n}: {error}") from None
    if _needs_nothing(silence.matchers):
        raise ValueError("silence invalid: at least one matcher must not match the empty string")


def check_maintenance(window: Maintenance) -> None:
    """Raises ValueError naming the field, what was expected and what came."""
    if window.starts_at >= window.ends_at:
        raise ValueError(f"ends_at: expected an instant after starts_at, got {window.ends_at.isoformat()}")
    for n, matcher in enumerate(window.matchers):
        try:
            compile_matchers((matcher,))
        except ValueError as error:
            raise ValueError(f"matchers[{n}]: {error}") from None
    if not window.service and _needs_nothing(window.matchers):
        raise ValueError("matchers: expected a service, or a matcher that does not match the empty string, got neither")


class Muting(msgspec.Struct, frozen=True, kw_only=True):
    """A silence, ready to be asked."""

    silence: Silence
    matchers: Matchers


def compiled(silences: Iterable[Silence], now: datetime) -> tuple[Muting, ...]:
    """Those that are active at `now`, the one that ends last first."""
    active = sorted((each for each in silences if state(each, now) == "active"), key=lambda each: each.ends_at)
    return tuple(Muting(silence=each, matchers=compile_matchers(each.matchers)) for each in reversed(active))


def silenced_by(muting: Sequence[Muting], labels: Mapping[str, str]) -> tuple[str, ...]:
    """The ids of the active silences that match, sorted as Alertmanager sorts them."""
    return tuple(sorted(each.silence.id for each in muting if matches(each.matchers, labels)))


def mutes(silences: Iterable[Silence], now: datetime) -> Mutes:
    """The silences that are not over, as triage asks them: the one that ends last is named first."""
    return _mutes(_lasting(silences, now))


def maintenance_mutes(windows: Iterable[Maintenance], now: datetime) -> Mutes:
    """The maintenance windows that are not over, as triage asks them."""
    return _mutes(_lasting(windows, now))


def next_change(of: Iterable[Silence | Maintenance], now: datetime) -> datetime | None:
    """When the next of them begins or ends, or None: the wake-up that they need."""
    edges = [edge for each in of for edge in (each.starts_at, each.ends_at) if edge > now]
    return min(edges, default=None)


def in_order(silences: Iterable[Silence], now: datetime) -> list[Silence]:
    """As Alertmanager lists them: active by their end, then pending by their start, then expired, newest end first."""
    groups: dict[State, list[Silence]] = {"active": [], "pending": [], "expired": []}
    for each in silences:
        groups[state(each, now)].append(each)
    groups["active"].sort(key=lambda each: (each.ends_at, each.id))
    groups["pending"].sort(key=lambda each: (each.starts_at, each.id))
    groups["expired"].sort(key=lambda each: (each.ends_at, each.id), reverse=True)
    return [each for group in groups.values() for each in group]


def mentions(silence: Silence, matchers: Iterable[Matcher]) -> bool:
    """Whether the silence has each of these matchers, word for word: Alertmanager's `filter` on silences."""
    return all(matcher in silence.matchers for matcher in matchers)


def _changeable(existing: Silence, wanted: Silence, now: datetime) -> bool:
    if existing.matchers != wanted.matchers:
        return False
    match state(existing, now):
        case "active":
            return wanted.starts_at.replace(microsecond=0) == existing.starts_at.replace(microsecond=0)
        case "pending":
            return wanted.starts_at >= now
        case "expired":
            return False


def _needs_nothing(matchers: Sequence[Matcher]) -> bool:
    """Whether an alert without a single label would match: such a set of matchers matches far more than was meant."""
    everything = compile_matchers(matchers)
    return all(not value for _, value in everything.equal) and all(holds(each, "") for each in everything.rest)


Lasting = TypeVar("Lasting", Silence, Maintenance)


def _lasting(of: Iterable[Lasting], now: datetime) -> list[Lasting]:
    return sorted((each for each in of if state(each, now) != "expired"), key=lambda each: each.ends_at, reverse=True)


def _mutes(of: Iterable[Silence | Maintenance]) -> Mutes:
    return compile_mutes(
        Mute(
            id=each.id,
            matchers=compile_matchers(each.matchers),
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            by=each.created_by if isinstance(each, Silence) else each.by,
            comment=each.comment,
            service=None if isinstance(each, Silence) else each.service,
        )
        for each in of
    )
