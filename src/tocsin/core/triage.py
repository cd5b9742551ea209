"""Alert -> verdict: which guide, severity, service and incident an alert belongs to, or why nobody is paged.

In this order: route (the first that matches), `page: false`, maintenance, silence, inhibition, threshold, page. An
alert that no route matches is taken by the guide that governs its service, else by the first guide. Flapping hides
nothing: it keeps an incident open (`changed`), so that whoever has it is not paged again for every turn.

The caller keeps one `Context` per tenant. `verdict` only reads it. Around it the caller says what happens:

- `source_fired`, `source_cleared` for each alert that fires and clears, those of one bite before the first verdict;
- `counted` after the verdict on each new firing (threshold routes count them);
- `changed` when the number of firing alerts of a key has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from tocsin.core.alert import Verdict
from tocsin.core.correlation import key_of
from tocsin.core.matchers import Index, Matchers, first_matching, index, matches, matching
from tocsin.core.policy import Flapping, Threshold
from tocsin.core.routing import Compiled, CompiledGuide, CompiledInhibition, CompiledRoute
from tocsin.core.severity import LABELS
from tocsin.core.texts import shortened

FLAPPING = Flapping()  # of routes that say nothing
SERVICE_MAX = 200  # characters of a service's name that an incident carries; the correlation key has it all
CHANGES_MAX = 100  # of one key within its window; flapping is told by far fewer

SourceKey = tuple[int, bool, tuple[str, ...]]  # inhibition, whether the source matches its targets too, equal values
WindowKey = tuple[str, str, str]  # guide, route, correlation key
Outcome = Literal["page", "silenced", "inhibited", "maintenance", "threshold", "not_paged"]


class Mute(msgspec.Struct, frozen=True, kw_only=True):
    """A silence or a maintenance window: what it covers, from when until when, and who wanted it.

    `service` (maintenance only): it covers the alerts of this service that also match `matchers`.
    """

    id: str
    matchers: Matchers
    starts_at: datetime
    ends_at: datetime
    by: str = ""
    comment: str = ""
    service: str | None = None


class Mutes(msgspec.Struct, frozen=True, kw_only=True):
    mutes: tuple[Mute, ...]
    index: Index


def compile_mutes(mutes: Iterable[Mute]) -> Mutes:
    """Silences or maintenance windows, ready to be asked; order them as they should be named."""
    kept = tuple(mutes)
    return Mutes(mutes=kept, index=index([each.matchers for each in kept]))


NO_MUTES = compile_mutes(())


class Window(msgspec.Struct):
    """The newest firings that a threshold counts: (fingerprint, episode start) -> when it came."""

    firings: dict[tuple[str, datetime], datetime] = {}


class Context(msgspec.Struct):
    """What verdicts depend on beside the alert. The caller keeps it, replaces `silences`, `maintenance` and `compiled`
    when they change, and gives `open_keys`: the correlation keys of open incidents."""

    compiled: Compiled
    silences: Mutes = NO_MUTES
    maintenance: Mutes = NO_MUTES
    open_keys: Collection[str] = frozenset()
    firing_sources: dict[SourceKey, dict[str, None]] = {}
    windows: dict[WindowKey, Window] = {}
    changes: dict[str, tuple[datetime, ...]] = {}


class Flap(msgspec.Struct, frozen=True, kw_only=True):
    """A key that flaps: how often it changed state within the window, and until when it must be quiet."""

    transitions: int
    quiet_until: datetime


# --- the verdict ------------------------------------------------------------------------------------------------------


def verdict(
    context: Context,
    labels: Mapping[str, str],
    fingerprint: str,
    starts_at: datetime,
    now: datetime,
    *,
    group: str | None = None,
) -> Verdict:
    """What becomes of a firing alert now. `group` is the sender's own grouping key (`Report.group`)."""
    compiled = context.compiled
    said = labels.get("service")
    table = compiled.by_service.get(said, compiled.general) if said else compiled.general
    number = first_matching(table.index, labels)
    route = table.routes[number] if number is not None else None
    guide_number = route.guide if route else table.fallback
    guide = compiled.guides[guide_number]
    severity, why_severity = (route.severity if route else None) or _severity(guide, labels)
    service = (route.route.service if route else None) or said or None
    key = key_of(
        route.prefix if route else guide.prefix,
        service,
        labels,
        route.route.correlate_by if route else None,
        group=group,
        fingerprint=fingerprint,
    )
    because = (route.because if route else table.because, why_severity)
    outcome, by, why = _held_back(context, route, guide_number, labels, service, key, fingerprint, starts_at, now)
    return Verdict(
        outcome=outcome,
        guide=guide.name,
        severity=severity,
        service=service and shortened(service, SERVICE_MAX),
        key=key,
        route=route.name if route else "",
        escalation=route.route.escalation if route else None,
        private=bool(route and route.route.private),
        by=by,
        because=(*because, why) if why else because,
        reopen_seconds=route.reopen_seconds if route else 0,
    )


def _severity(guide: CompiledGuide, labels: Mapping[str, str]) -> tuple[str, str]:
    for label in LABELS:
        word = labels.get(label)
        if word:
            meant = guide.words.get(word) or guide.words.get(word.strip().casefold())
            if meant:
                return meant
    return guide.otherwise


def _held_back(
    context: Context,
    route: CompiledRoute | None,
    guide: int,
    labels: Mapping[str, str],
    service: str | None,
    key: str,
    fingerprint: str,
    starts_at: datetime,
    now: datetime,
) -> tuple[Outcome, tuple[str, ...], str]:
    """The outcome, what decided it, and the sentence that says why nobody is paged."""
    if route and not route.route.page:
        return "not_paged", (route.name,), f"route {route.name!r} pages nobody"
    if context.maintenance.mutes:
        found = _active(context.maintenance, labels, service, now)
        if found:
            return "maintenance", tuple(each.id for each in found), _told("in maintenance", found[0])
    if context.silences.mutes:
        found = _active(context.silences, labels, service, now)
        if found:
            return "silenced", tuple(each.id for each in found), _told("silenced by", found[0])
    if context.firing_sources:
        source = _inhibitor(context, guide, labels)
        if source:
            inhibition, by = source
            return "inhibited", (by,), f"inhibited by alert {by}, which fires ({inhibition.name!r})"
    if route and route.route.threshold:
        why = _too_few(context, route, route.route.threshold, key, (fingerprint, starts_at), now)
        if why:
            return "threshold", (route.name,), why
    return "page", (), ""


def _active(mutes: Mutes, labels: Mapping[str, str], service: str | None, now: datetime) -> list[Mute]:
    found = [mutes.mutes[number] for number in matching(mutes.index, labels)]
    return [each for each in found if each.starts_at <= now < each.ends_at and each.service in (None, service)]


def _told(verb: str, mute: Mute) -> str:
    who = f"{mute.by}: {mute.comment}" if mute.by and mute.comment else mute.by or mute.comment
    return f"{verb} {mute.id} until {mute.ends_at:%Y-%m-%d %H:%M} UTC" + (f" ({who})" if who else "")


# --- inhibition -------------------------------------------------------------------------------------------------------


def source_keys(compiled: Compiled, labels: Mapping[str, str]) -> list[SourceKey]:
    """What an alert with these labels inhibits while it fires; usually nothing."""
    keys = []
    for number in matching(compiled.sources, labels):
        inhibition = compiled.inhibitions[number]
        keys.append((number, matches(inhibition.target, labels), _values(inhibition, labels)))
    return keys


def source_fired(context: Context, labels: Mapping[str, str], fingerprint: str) -> None:
    """While this alert fires, its inhibitions hold. Twice is as good as once."""
    for key in source_keys(context.compiled, labels):
        context.firing_sources.setdefault(key, {})[fingerprint] = None


def source_cleared(context: Context, labels: Mapping[str, str], fingerprint: str) -> bool:
    """The alert inhibits no more. True if it did: verdicts that name it in `by` are out of date."""
    did = False
    for key in source_keys(context.compiled, labels):
        firing = context.firing_sources.get(key)
        if firing and fingerprint in firing:
            did = True
            del firing[fingerprint]
            if not firing:
                del context.firing_sources[key]
    return did


def _inhibitor(context: Context, guide: int, labels: Mapping[str, str]) -> tuple[CompiledInhibition, str] | None:
    """The inhibition and the firing alert that hold this one back.

    As in Alertmanager: labels that are missing are equal to empty ones, and an alert that matches both sides of a rule
    is not inhibited by one that does so too, hence never by itself.
    """
    compiled = context.compiled
    for number in matching(compiled.targets, labels):
        inhibition = compiled.inhibitions[number]
        if inhibition.guide != guide:  # a guide decides about its own alerts only
            continue
        values = _values(inhibition, labels)
        firing = context.firing_sources.get((number, False, values))
        if not firing and not matches(inhibition.source, labels):
            firing = context.firing_sources.get((number, True, values))
        if firing:
            return inhibition, next(iter(firing))
    return None


def _values(inhibition: CompiledInhibition, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple([labels.get(name, "") for name in inhibition.equal])


# --- thresholds and flapping ------------------------------------------------------------------------------------------


def counted(context: Context, given: Verdict, fingerprint: str, starts_at: datetime, now: datetime) -> bool:
    """The firing counts towards its route's threshold. True when it was the one that reached it.

    After True, the verdicts with outcome `threshold` and the same key are out of date: they belong to the incident.
    """
    route = context.compiled.routes.get((given.guide, given.route))
    if route is None or route.route.threshold is None or given.outcome not in ("page", "threshold"):
        return False
    threshold = route.route.threshold
    where = (given.guide, given.route, given.key)
    window = context.windows.get(where) or Window()
    oldest = now - timedelta(seconds=threshold.seconds)
    recent = {firing: at for firing, at in window.firings.items() if at > oldest}
    before = len(recent)
    recent.setdefault((fingerprint, starts_at), now)
    if len(recent) > threshold.count:
        recent.pop(next(iter(recent)))  # the oldest; more than `count` say nothing more
    context.windows[where] = Window(firings=recent)
    return given.outcome == "page" and before == threshold.count - 1


def _too_few(
    context: Context,
    route: CompiledRoute,
    threshold: Threshold,
    key: str,
    firing: tuple[str, datetime],
    now: datetime,
) -> str:
    if key in context.open_keys:
        return ""  # its incident is open: there it is seen
    window = context.windows.get((context.compiled.guides[route.guide].name, route.name, key))
    firings = window.firings if window else {}
    oldest = now - timedelta(seconds=threshold.seconds)
    count = sum(at > oldest for other, at in firings.items() if other != firing) + 1
    if count >= threshold.count:
        return ""
    return f"{count} of {threshold.count} alerts within {_span(threshold.seconds)}: route {route.name!r} waits for more"


def changed(context: Context, given: Verdict, before: int, after: int, now: datetime) -> Flap | None:
    """The key had `before` firing alerts and has `after`: whether it flaps. Only all-clear and firing again count."""
    if (before == 0) == (after == 0):
        return None
    route = context.compiled.routes.get((given.guide, given.route))
    rule = (route.route.flapping if route else None) or FLAPPING
    span = timedelta(seconds=rule.seconds)
    changes = (*[at for at in context.changes.get(given.key, ()) if at > now - span], now)
    context.changes[given.key] = changes[-CHANGES_MAX:]
    if len(changes) < rule.transitions:
        return None
    return Flap(transitions=len(changes), quiet_until=now + span)


def forget(context: Context, now: datetime) -> None:
    """Windows and changes that can matter no more are dropped; call it every few minutes."""
    routes = context.compiled.routes
    for where, window in list(context.windows.items()):
        route = routes.get(where[:2])
        span = route.route.threshold.seconds if route and route.route.threshold else 0
        if all(at <= now - timedelta(seconds=span) for at in window.firings.values()):
            del context.windows[where]
    spans = [route.route.flapping.seconds for route in routes.values() if route.route.flapping]
    oldest = now - timedelta(seconds=max([FLAPPING.seconds, *spans]))
    for key in [key for key, changes in context.changes.items() if changes[-1] <= oldest]:
        del context.changes[key]


def _span(seconds: int) -> str:
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"
