"""What Alertmanager's API says about alerts: choosing them, their state, their groups. Runs on a reader's thread."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from tocsin.core.alert import Episode
from tocsin.core.correlation import labels_of
from tocsin.core.matchers import EVERYTHING, CompiledMatcher, Matchers, compile_matchers, holds, matches, parse_matchers
from tocsin.core.policy import Matcher, Policy
from tocsin.core.silence import Muting, silenced_by
from tocsin.http.asgi import Request
from tocsin.http.silences import show_time
from tocsin.ports import Store

NO_END = datetime(1, 1, 1, tzinfo=UTC)  # how Alertmanager's JSON says "not ended"
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+", re.ASCII)  # what clients may open; other texts are not passed on
NOBODY = "nobody"  # the receiver of an alert that pages nobody by its route

TRUE_WORDS = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
FALSE_WORDS = frozenset({"false", "0", "no", "n", "off", "f", "disabled"})


class AlertReader(Protocol):
    """The alert table as this API reads it."""

    def firing(self, store: Store, tenant: str, now: datetime, equal: Mapping[str, str]) -> Iterable[Episode]:
        """The episodes that have not ended at `now`, at least all those whose labels include `equal`.

        Called on a reader's thread with its snapshot. Values must not change while the caller holds them.
        """
        ...


class BadQuery(ValueError):
    """A query field is wrong; the text is the answer."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts a query asks for. `receiver` None: any."""

    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    unprocessed: bool = True
    muted: bool = True
    labels: Matchers = EVERYTHING
    receiver: CompiledMatcher | None = None
    receiver_labels: Matchers = EVERYTHING

    @property
    def equal(self) -> dict[str, str]:
        """Labels that every wanted alert carries; a matcher such as foo="" asks for absence and is none of them."""
        return {name: value for name, value in self.labels.equal if value}


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """Where alerts go, in Alertmanager's terms: a named escalation, a service, or a guide."""

    name: str
    labels: dict[str, str] = {}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as it stands now."""

    episode: Episode
    receiver: str
    state: str
    silenced_by: tuple[str, ...]
    inhibited_by: tuple[str, ...]
    muted_by: tuple[str, ...]


# --- the query --------------------------------------------------------------------------------------------------------


def wanted_of(request: Request) -> Wanted:
    """What the query asks for. Raises BadQuery."""
    flags = {name: flag(request, name) for name in ("active", "silenced", "inhibited", "unprocessed", "muted")}
    return Wanted(
        **flags,
        labels=_compiled(matchers_of(request, "filter")),
        receiver=_receiver(request.one("receiver")),
        receiver_labels=_compiled(matchers_of(request, "receiver_matchers")),
    )


def flag(request: Request, name: str, default: bool = True) -> bool:
    """A boolean query field. Raises BadQuery for a word that is none: reading `ture` as false would hide alerts."""
    text = (request.one(name) or "").casefold()
    if not text:
        return default
    if text not in TRUE_WORDS | FALSE_WORDS:
        raise BadQuery(f'{name} in query must be of type boolean: "{request.one(name)}"')
    return text in TRUE_WORDS


def matchers_of(request: Request, name: str) -> list[Matcher]:
    """Every matcher of a repeated query field. Raises BadQuery."""
    found: list[Matcher] = []
    for text in request.all(name):
        try:
            parsed = parse_matchers(text)
        except ValueError as error:
            raise BadQuery(f"bad matcher format: {text}: {error}") from None
        if not parsed:
            raise BadQuery(f"bad matcher format: {text}")
        found += parsed
    return found


def _compiled(matchers: Sequence[Matcher]) -> Matchers:
    try:
        return compile_matchers(matchers)
    except ValueError as error:
        raise BadQuery(f"bad matcher format: {error}") from None


def _receiver(text: str | None) -> CompiledMatcher | None:
    if not text:
        return None
    try:
        return compile_matchers([Matcher(name="receiver", value=text, is_regex=True)]).rest[0]
    except ValueError as error:
        raise BadQuery(f"failed to parse receiver param: {error}") from None


# --- alerts -----------------------------------------------------------------------------------------------------------


def receivers_of(policies: Iterable[tuple[str, Policy]]) -> list[Receiver]:
    """Everything that an alert's `receivers` can say under these guides (name, policy), each once, in order."""
    found: dict[str, Receiver] = {}
    for guide, policy in policies:
        found.setdefault(guide, Receiver(name=guide, labels={"guide": guide}))
        for name in policy.escalations:
            found.setdefault(name, Receiver(name=name, labels={"guide": guide, "escalation": name}))
        services = [route.service for route in policy.routes if route.service and route.page]
        for service in (*policy.services, *services):
            found.setdefault(service, Receiver(name=service, labels={"guide": guide, "service": service}))
        if any(not route.page for route in policy.routes):
            found.setdefault(NOBODY, Receiver(name=NOBODY))
    return list(found.values())


def listed(
    episodes: Iterable[Episode], wanted: Wanted, muting: Sequence[Muting], receivers: Mapping[str, Receiver]
) -> Iterator[Listed]:
    """The wanted alerts. Silences are judged as they stand now; inhibition and maintenance as triage found them."""
    for episode in episodes:
        if not matches(wanted.labels, episode.labels):
            continue
        each = _listed(episode, muting)
        if _hidden(each, wanted):
            continue
        if wanted.receiver is not None and not holds(wanted.receiver, each.receiver):
            continue
        labels = receivers[each.receiver].labels if each.receiver in receivers else {}
        if matches(wanted.receiver_labels, labels):
            yield each


def _listed(episode: Episode, muting: Sequence[Muting]) -> Listed:
    verdict = episode.verdict
    silenced = silenced_by(muting, episode.labels) if muting else ()
    inhibited = verdict.by if verdict and verdict.outcome == "inhibited" else ()
    muted = verdict.by if verdict and verdict.outcome == "maintenance" else ()
    suppressed = silenced or inhibited or muted
    return Listed(
        episode=episode,
        receiver=receiver_of(episode),
        state="suppressed" if suppressed else "active" if verdict else "unprocessed",
        silenced_by=silenced,
        inhibited_by=inhibited,
        muted_by=muted,
    )


def receiver_of(episode: Episode) -> str:
    """The escalation, service or guide that the verdict named; `nobody` where the route pages nobody."""
    verdict = episode.verdict
    if verdict is None:
        return NOBODY
    if verdict.outcome == "not_paged":
        return NOBODY
    return verdict.escalation or verdict.service or verdict.guide or NOBODY


def _hidden(each: Listed, wanted: Wanted) -> bool:
    """Alertmanager's flags; planned work counts as silenced, because that is what amtool asks to leave out."""
    if each.state == "active" and not wanted.active:
        return True
    if each.state == "unprocessed" and not wanted.unprocessed:
        return True
    if (each.silenced_by or each.muted_by) and not wanted.silenced:
        return True
    return bool(each.inhibited_by) and not wanted.inhibited


def show_alert(each: Listed) -> dict[str, Any]:
    """An alert as `gettableAlert`."""
    episode = each.episode
    shown: dict[str, Any] = {
        "annotations": episode.annotations,
        "endsAt": show_time(episode.ends_at or NO_END),
        "fingerprint": episode.fingerprint,
        "receivers": [{"name": each.receiver}],
        "startsAt": show_time(episode.starts_at),
        "status": {
            "inhibitedBy": each.inhibited_by,
            "mutedBy": each.muted_by,
            "silencedBy": each.silenced_by,
            "state": each.state,
        },
        "updatedAt": show_time(episode.updated_at),
        "labels": episode.labels,
    }
    if URI.fullmatch(episode.url):
        shown["generatorURL"] = episode.url
    return shown


def show_old_alert(each: Listed) -> dict[str, Any]:
    """An alert as the API v1 showed it, with `state` where old runbooks look for it and where v1 really had it."""
    shown = show_alert(each)
    shown.pop("updatedAt")
    shown["generatorURL"] = each.episode.url
    shown["receivers"] = [each.receiver]
    shown["state"] = each.state
    return shown


def alerts_json(alerts: Iterable[Listed]) -> bytes:
    """The alerts sorted by fingerprint, as one JSON array."""
    encode = msgspec.json.Encoder().encode
    rows = sorted((each.episode.fingerprint, each.episode.starts_at, encode(show_alert(each))) for each in alerts)
    return b"[" + b",".join(row[2] for row in rows) + b"]\n"


# --- groups -----------------------------------------------------------------------------------------------------------


def groups_json(alerts: Iterable[Listed], *, muted: bool) -> bytes:
    """The alerts in their correlation groups; without `muted`, no group in which every alert is suppressed."""
    groups: dict[tuple[str, str], list[Listed]] = {}
    for each in alerts:
        key = each.episode.verdict.key if each.episode.verdict else ""
        groups.setdefault((each.receiver, key or each.episode.fingerprint), []).append(each)
    shown: list[tuple[list[tuple[str, str]], str, dict[str, Any]]] = []
    for (receiver, key), members in groups.items():
        if not muted and all(each.state == "suppressed" for each in members):
            continue
        members.sort(key=lambda each: (each.episode.fingerprint, each.episode.starts_at))
        labels = _group_labels(key, members[0].episode.labels)
        group = {
            "alerts": [show_alert(each) for each in members],
            "labels": labels,
            "receiver": {"name": receiver},
            "routeLabels": {},
        }
        shown.append((sorted(labels.items()), receiver, group))
    shown.sort(key=lambda each: each[:2])
    return msgspec.json.encode([each[2] for each in shown]) + b"\n"


def _group_labels(key: str, labels: Mapping[str, str]) -> dict[str, str]:
    """The labels by which the group is one: those of the correlation key that the alerts really carry."""
    return {name: value for name, value in labels_of(key).items() if labels.get(name) == value}
