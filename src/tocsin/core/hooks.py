"""Outgoing hooks: which events of an incident other programs are told of, and in which form.

Event names are those of PagerDuty's webhooks v3 where it has one, so that a filter means the same in every format.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

from tocsin.core import facts as f
from tocsin.core.facts import AnyFact

Format = Literal["standard", "cloudevents", "pagerduty"]
FORMATS: tuple[Format, ...] = ("standard", "cloudevents", "pagerduty")
HOOK = "hook"  # the kind of document, of recipient and of method
URL_MAX = 2000  # below what a sender takes

SECRET_PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
PAGERDUTY_SECRET_MIN = 16  # characters

PAGERDUTY_EVENTS = frozenset({
    "incident.triggered",
    "incident.acknowledged",
    "incident.unacknowledged",
    "incident.escalated",
    "incident.reassigned",
    "incident.priority_updated",
    "incident.annotated",
    "incident.status_update_published",
    "incident.resolved",
    "incident.reopened",
})  # fmt: skip
EVENTS = PAGERDUTY_EVENTS | {
    "incident.status_changed",
    "incident.nobody_reached",
    "incident.promise_missed",
    "incident.merged",
    "incident.closed",
}


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One program that is told. `events` empty: all that its format has. `secret` signs; None: unsigned."""

    name: str
    url: str
    format: Format = "standard"
    secret: str | None = None
    events: tuple[str, ...] = ()
    enabled: bool = True


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """Its receiver answered 410 at this address: nothing more is sent there until somebody enables the hook."""

    at: datetime
    url: str
    because: str


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `id` is the same in every attempt and replay; `text` is what a note or an update says."""

    id: str
    type: str
    at: datetime
    by: str
    details: dict[str, Any] = {}
    text: str = ""


def check_url(url: str) -> None:
    """Raises ValueError for anything but an http or https URL with a host, and without a fragment."""
    if len(url) > URL_MAX or not re.fullmatch(r"https?://[^\s/?#\\]+([/?][^\s#\\]*)?", url):
        raise ValueError(f"url: expected an http or https URL of at most {URL_MAX} characters, without #")


def check_hook(hook: Hook) -> None:
    """Raises ValueError naming the field. The text repeats no secret."""
    check_url(hook.url)
    if hook.format not in FORMATS:
        raise ValueError(f"format: expected one of {', '.join(FORMATS)}, got {hook.format!r}")
    known = PAGERDUTY_EVENTS if hook.format == "pagerduty" else EVENTS
    unknown = [each for each in hook.events if each not in known]
    if unknown:
        raise ValueError(f"events: expected some of {', '.join(sorted(known))}, got {unknown[0]!r}")
    if hook.secret is None:
        return
    if hook.format == "pagerduty" and len(hook.secret) < PAGERDUTY_SECRET_MIN:
        raise ValueError(f"secret: expected at least {PAGERDUTY_SECRET_MIN} characters, got {len(hook.secret)}")
    if hook.format != "pagerduty":
        key_of(hook.secret)


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_` secret. Raises ValueError; the text does not repeat the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("webhook secret: expected whsec_ and base64, got something else") from None
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"webhook secret: expected 24 to 64 bytes, got {len(key)}")
    return key


def wants(hook: Hook, event: str) -> bool:
    """Whether the hook is told of events of this type."""
    if not hook.enabled or (hook.format == "pagerduty" and event not in PAGERDUTY_EVENTS):
        return False
    return not hook.events or event in hook.events


def happenings(incident: str, before: int, facts: Sequence[AnyFact]) -> list[Happened]:
    """What other programs are told of these facts, the first of which is number `before` + 1 of the incident.

    Private notes stay inside. The level that is paged at the opening is part of it, not an escalation.
    """
    opens = any(isinstance(each, f.Opened) for each in facts)
    found = []
    for number, fact in enumerate(facts, before + 1):
        said = _said(fact, opens)
        if said is not None:
            kind, details, text = said
            told = {name: value for name, value in details.items() if value not in ("", None, ())}
            name = f"{incident}-{number}"
            found.append(Happened(id=name, type=kind, at=fact.at, by=fact.by, details=told, text=text))
    return found


def _said(fact: AnyFact, opens: bool) -> tuple[str, dict[str, Any], str] | None:
    match fact:
        case f.Opened():
            return "incident.triggered", {"because": fact.because}, ""
        case f.Acknowledged():
            return "incident.acknowledged", {"via": fact.via, "until": fact.again_at}, ""
        case f.Unacknowledged():
            return "incident.unacknowledged", {"because": fact.because}, ""
        case f.Escalated() if not opens:
            details = {"level": fact.level, "who": fact.who, "because": fact.because}
            return "incident.escalated", details, ""
        case f.RoleAssigned():
            return "incident.reassigned", {"role": fact.role, "person": fact.person}, ""
        case f.SeverityChanged():
            details = {"severity": fact.severity, "before": fact.before, "because": fact.because}
            return "incident.priority_updated", details, ""
        case f.NoteAdded(private=False):
            return "incident.annotated", {"text": fact.text}, fact.text
        case f.UpdatePosted():
            details = {"audience": fact.audience, "text": fact.text, "status": fact.status, "next_at": fact.next_at}
            return "incident.status_update_published", details, fact.text
        case f.Resolved():
            return "incident.resolved", {"because": fact.because}, ""
        case f.Reopened():
            return "incident.reopened", {"because": fact.because}, ""
    return _ours(fact)


def _ours(fact: AnyFact) -> tuple[str, dict[str, Any], str] | None:
    match fact:
        case f.StatusChanged():
            return "incident.status_changed", {"status": fact.status, "because": fact.because}, ""
        case f.NobodyReached():
            return "incident.nobody_reached", {"because": fact.because}, ""
        case f.PromiseMissed():
            return "incident.promise_missed", {"promise": fact.key, "due_at": fact.due_at}, ""
        case f.MergedInto():
            return "incident.merged", {"other": fact.other, "reference": fact.reference}, ""
        case f.Closed():
            return "incident.closed", {"because": fact.because}, ""
    return None
