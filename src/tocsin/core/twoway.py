"""Two ways: what people say in Tocsin about an alert is said to its source too, where that source can be told.

Told is how the incident stands, not what happened to it: acknowledged, resolved, or neither. What a source has been
told is remembered for each episode of an alert, so that nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from tocsin.core.alert import fingerprint_of
from tocsin.core.incident import Incident

Standing = Literal["open", "acknowledged", "resolved"]
Service = Literal["alertmanager", "pagerduty", "opsgenie"]
SERVICES: tuple[Service, ...] = ("alertmanager", "pagerduty", "opsgenie")

URLS: dict[Service, str] = {"opsgenie": "https://api.opsgenie.com"}
PAGERDUTY_EVENTS, PAGERDUTY_REST = "https://events.pagerduty.com", "https://api.pagerduty.com"

ALERTS_MAX = 500  # of one incident whose sources are told: a silence each; the rest is left out
HOLD_SECONDS = 3600  # how far ahead a silence ends; it is renewed while it is wanted, so it outlives Tocsin by this
ECHO = timedelta(minutes=2)  # how long a source may take to report what we told it
LISTED_AGAIN = timedelta(minutes=5)
STARTING = timedelta(minutes=15)  # after its start, an Alertmanager may not have heard of every alert again


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """Where acknowledgements of a source's alerts go. `user`: beside a token that is a password or an API key's."""

    service: Service
    url: str
    token: str | None = None
    user: str | None = None
    hold_seconds: int = HOLD_SECONDS


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as its source knows it. `key`: the kind and the text of its identity; empty: its labels are it."""

    fingerprint: str
    source: str
    starts_at: str
    fires: bool
    labels: dict[str, str]
    key: tuple[str, str] = ("", "")


class Told(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the source of an alert was told of one episode. `silence`: the id of the one that we hold.

    `listed_at`: when the source last said that the alert fires.
    """

    source: str
    starts_at: str
    standing: Standing = "open"
    silence: str = ""
    until: datetime | None = None
    listed_at: datetime | None = None
    labels: dict[str, str] = {}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A silence, and when it ends."""

    name: str
    until: datetime


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What an Alertmanager says fires, by labels, and since when it runs."""

    firing: frozenset[tuple[tuple[str, str], ...]]
    running_since: datetime

    def fires(self, labels: Mapping[str, str]) -> bool:
        return tuple(sorted(labels.items())) in self.firing


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """What is said along: `marker` is recognised again."""

    text: str
    by: str
    marker: str


def standing(incident: Incident) -> Standing:
    """How the incident stands, as its sources may know it. A snooze is an acknowledgement with an end."""
    if not incident.open:
        return "resolved"
    return "acknowledged" if incident.acknowledged_at else "open"


def concerns(incident: Incident, told: Mapping[str, Told]) -> bool:
    """Whether any source has to be told, or asked, anything."""
    if told:
        return True
    known = standing(incident) != "open" or bool(incident.acknowledged_alert)
    return incident.firing > 0 and known and not incident.drill


def subject_of(alert: Mapping[str, Any]) -> Subject:
    """The alert as `Fates.of_incident` shows it. A label that the source's setting lent is none of the sender's."""
    labels = dict(alert["labels"])
    kind, _, text = str(alert.get("identity", "")).partition(" ")
    if not kind and fingerprint_of(labels) != alert["fingerprint"]:
        labels.pop("service", None)
    return Subject(
        fingerprint=alert["fingerprint"],
        source=alert["source"],
        starts_at=alert["starts_at"],
        fires=alert["state"] == "firing",
        labels=labels,
        key=(kind, text),
    )


def exact(subject: Subject) -> bool:
    """Whether these are exactly the labels that the sender knows the alert by."""
    return not subject.key[0] and fingerprint_of(subject.labels) == subject.fingerprint


def owed(subject: Subject, told: Told | None, incident: Incident) -> Standing | None:
    """What the source is still to be told of this episode, or None. What it said itself it knows, also where nobody
    looked before people took it back."""
    known: Standing = "acknowledged" if incident.acknowledged_alert == subject.fingerprint else "open"
    if told and told.starts_at == subject.starts_at:
        known = told.standing
    wanted = standing(incident)
    return wanted if subject.fires and known != wanted else None


def heard(incident: Incident, subject: Subject) -> bool:
    """Whether the source itself said that somebody has this very alert: it need not be told."""
    return incident.acknowledged_alert == subject.fingerprint and incident.acknowledged_by == f"source:{subject.source}"


def renews_at(told: Told, back: Back) -> datetime | None:
    """When the silence is to be made longer: with half of its time left."""
    return told.until - timedelta(seconds=back.hold_seconds / 2) if told.until else None


def seen_firing(told: Told, listed: Listed, now: datetime) -> None:
    """`listed_at` says that the alert fires, as far as `has_ended` needs it: not to the second, to save writing."""
    known = told.listed_at
    if known is None or known <= listed.running_since or now - known > LISTED_AGAIN:
        told.listed_at = now


def has_ended(told: Told, *, now: datetime, running_since: datetime) -> bool:
    """Whether an alert that its Alertmanager does not list any more has ended.

    One that was listed since that program started has; otherwise the program may not have heard of it again yet.
    """
    if told.listed_at is not None and told.listed_at > running_since:
        return True
    return now - running_since >= STARTING


def common_labels(held: Sequence[Told]) -> dict[str, str]:
    """The labels that all of these have: what a listing is asked for, so that it need not be whole."""
    first, *others = held
    return {name: value for name, value in first.labels.items() if all(o.labels.get(name) == value for o in others)}
