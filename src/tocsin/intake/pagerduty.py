"""PagerDuty's Events API v2: trigger, acknowledge, resolve, and change events; events of v1; and its webhooks v3.

Identity is the dedup_key within the source (PagerDuty scopes it to the routing key). Alertmanager sends a group as one
event; its alerts stand in `custom_details`, as objects (0.33) or as printed text (0.25), and lend the event their
common labels and their times.
Source: PagerDuty/api-schema reference/events-v2/openapiv3.json, PagerDuty/developer-docs docs/events-API-v2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.alert import Action, Report
from tocsin.intake import generic
from tocsin.intake.groups import group_of
from tocsin.intake.times import read_time
from tocsin.intake.wire import (
    SUMMARY_CHARACTERS_MAX,
    action_of,
    annotations_of,
    common,
    decode,
    details,
    instant,
    labels_in_text,
    labels_of,
    made_labels,
    make_report,
    severity_of,
    string_at,
    text_of,
)
from tocsin.ports import Entry

ROUTING_KEY_CHARACTERS = 32
DEDUP_KEY_CHARACTERS_MAX = 255
ACTIONS: dict[str, Action] = {"trigger": "fire", "acknowledge": "acknowledge", "resolve": "resolve"}
SEVERITY_WORDS = ("critical", "warning", "error", "info")
LINKS_MAX = 10


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller of `check` needs of a valid event. `dedup_key` None: make one up and journal it with the body."""

    routing_key: str
    action: Action
    dedup_key: str | None


def check(body: bytes, change: bool = False) -> Event | list[str]:
    """The event in `body`, or what is wrong with it in PagerDuty's words.

    Only what PagerDuty itself refuses is wrong: unknown fields and odd time stamps are not.
    """
    try:
        value = decode(body)
    except ValueError:
        return ["JSON parse error"]
    if not isinstance(value, dict):
        return ["Event object format is unrecognized"]
    errors: list[str] = []
    routing_key = value.get("routing_key")
    if not isinstance(routing_key, str) or not routing_key:
        errors.append("'routing_key' is missing or blank")
    elif len(routing_key) != ROUTING_KEY_CHARACTERS:
        errors.append("Length of 'routing_key' is incorrect (should be 32 characters)")
    action: Action = "change" if change else _checked_action(value, errors)
    dedup_key = None if change else _checked_key(value, action, errors)
    if change or action == "fire":
        _check_payload(value.get("payload"), change, errors)
    if errors or not isinstance(routing_key, str):
        return errors
    return Event(routing_key=routing_key, action=action, dedup_key=dedup_key)


def _checked_action(value: Mapping[str, Any], errors: list[str]) -> Action:
    action = value.get("event_action")
    if not action:
        errors.append("'event_action' is missing or blank")
    elif not isinstance(action, str) or action not in ACTIONS:
        errors.append("'event_action' is invalid (must be one of: trigger, acknowledge, resolve)")
    else:
        return ACTIONS[action]
    return "fire"


def _checked_key(value: Mapping[str, Any], action: Action, errors: list[str]) -> str | None:
    key = value.get("dedup_key")
    if key is None or key == "":
        if action != "fire":
            errors.append("'dedup_key' is missing or blank")
        return None
    if isinstance(key, dict | list | bool):
        errors.append("'dedup_key' is invalid (must be a string)")
        return None
    text = text_of(key)
    if len(text) > DEDUP_KEY_CHARACTERS_MAX:
        errors.append(f"Length of 'dedup_key' is incorrect (should be at most {DEDUP_KEY_CHARACTERS_MAX} characters)")
    return text


def _check_payload(payload: object, change: bool, errors: list[str]) -> None:
    if not isinstance(payload, dict):
        errors.append("'payload' is missing or blank" if not payload else "'payload' is invalid (must be an object)")
        return
    errors += [
        f"'payload.{name}' is missing or blank"
        for name in (("summary",) if change else ("summary", "source", "severity"))
        if not string_at(payload, name)
    ]
    severity = payload.get("severity")
    if not change and severity and severity not in SEVERITY_WORDS:
        errors.append("'payload.severity' is invalid (must be one of: critical, warning, error, info)")


def parse(entry: Entry) -> list[Report]:
    """The one event in a body: an alert, a change, or a webhook of PagerDuty's. Another shape is a generic alert."""
    value = decode(entry.body)
    if isinstance(value, dict) and isinstance(value.get("event"), dict):
        return [_webhook(entry, value["event"])]
    if isinstance(value, dict) and "event_action" not in value and string_at(value, "event_type") in ACTIONS:
        value = _first_version(value)
    if not isinstance(value, dict) or not isinstance(value.get("payload", {}), dict):
        return generic.reports(entry, value)
    if "event_action" not in value and "payload" not in value:
        return generic.reports(entry, value)
    payload: dict[str, Any] = value.get("payload", {})
    is_change = entry.kind == "pagerduty_change" or "change" in entry.meta.get("suffix", "")
    if is_change or ("event_action" not in value and "severity" not in payload):
        return [_change(entry, value, payload)]
    return [_alert(entry, value, payload)]


def _first_version(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event of the Events API v1 as v2 says it; what v1 does not have stays away."""
    contexts = event.get("contexts")
    items = [item for item in contexts if isinstance(item, dict)] if isinstance(contexts, list) else []
    given = {"summary": event.get("description"), "custom_details": event.get("details")}
    return {
        "event_action": string_at(event, "event_type"),
        "dedup_key": event.get("incident_key"),
        "client": event.get("client"),
        "client_url": event.get("client_url"),
        "links": [item for item in items if item.get("type") == "link"],
        "images": [item for item in items if item.get("type") == "image"],
        "payload": {name: value for name, value in given.items() if value},
    }


def parse_change(entry: Entry) -> list[Report]:
    """The change event in a body, whatever else it looks like."""
    value = decode(entry.body)
    if not isinstance(value, dict):
        raise ValueError("body: expected a change event, an object with a payload")
    payload = value.get("payload")
    return [_change(entry, value, payload if isinstance(payload, dict) else value)]


def _alert(entry: Entry, event: Mapping[str, Any], payload: Mapping[str, Any]) -> Report:
    word = string_at(event, "event_action", limit=40)
    action = ACTIONS.get(word) or action_of(word) or "fire"
    members, member_labels, member_annotations = _members(payload.get("custom_details"))
    summary = string_at(payload, "summary", limit=SUMMARY_CHARACTERS_MAX) or string_at(event, "description")
    kind = string_at(payload, "class", limit=200)
    component = string_at(payload, "component", limit=200)
    described = {
        **made_labels({
            "alertname": kind or component or summary or "PagerDuty event",
            "severity": severity_of(payload.get("severity")) or string_at(payload, "severity"),
            "source": string_at(payload, "source"),
            "service": string_at(payload, "service"),
            "component": component,
            "group": string_at(payload, "group"),
            "class": kind,
            "client": string_at(event, "client"),
        }),
        # Alertmanager puts severity `error` on everything that says nothing else: the alerts know better.
        **member_labels,
    }  # fmt: skip
    labels = described if payload or action == "fire" else {}
    annotations: dict[str, str] = {"summary": summary} if summary else {}
    said_at = instant(payload.get("timestamp"), "timestamp", annotations)
    annotations = member_annotations | annotations | _links(event) | details(payload.get("custom_details"))
    burning = [member for member in members if action_of(member.get("status")) != "resolve"]
    starts = [at for at in (read_time(member.get("startsAt")) for member in burning) if at]
    ends = [at for at in (read_time(member.get("endsAt")) for member in members) if at]
    return make_report(
        entry,
        action,
        identity=f"dedup_key {_key(entry, event)}",
        labels=labels,
        annotations=annotations,
        starts_at=_start(action, said_at, starts),
        ends_at=max(ends, default=said_at),
        url=string_at(event, "client_url"),
        group=group_of(_key(entry, event), marked=_is_alertmanagers(event, payload)),
        text=summary,
    )


def _is_alertmanagers(event: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    custom = payload.get("custom_details")
    counted = isinstance(custom, dict) and "num_firing" in custom
    return counted or string_at(event, "client").casefold() == "alertmanager"


def _start(action: Action, said_at: datetime | None, starts: list[datetime]) -> datetime | None:
    """When the trouble began. A resolve or acknowledgement by key means whatever is open under it."""
    return min(starts, default=said_at) if action == "fire" else None


def _key(entry: Entry, event: Mapping[str, Any]) -> str:
    """The sender's key; else the one that was made up when the body came; else this one body's own."""
    return (
        string_at(event, "dedup_key", "incident_key", limit=1_000)
        or entry.meta.get("dedup_key", "")
        or f"entry {entry.position}"
    )


def _members(custom: object) -> tuple[list[Mapping[str, Any]], dict[str, str], dict[str, str]]:
    """The alerts that Alertmanager lists in custom_details, and the labels and annotations that all of them share."""
    if not isinstance(custom, dict):
        return [], {}, {}
    members: list[Mapping[str, Any]] = []
    printed: list[dict[str, str]] = []
    for name in ("firing", "resolved"):
        value = custom.get(name)
        if isinstance(value, list):
            members += [member for member in value if isinstance(member, dict)]
        elif isinstance(value, str) and (labels := labels_in_text(value)):
            printed.append(labels)
    labels = common([*(labels_of(member.get("labels")) for member in members), *printed])
    return members, labels, common(annotations_of(member.get("annotations")) for member in members)


def _links(event: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, address in (("links", "href"), ("images", "src")):
        items = event.get(name)
        for n, item in enumerate(items[:LINKS_MAX] if isinstance(items, list) else []):
            if isinstance(item, dict) and (href := string_at(item, address, limit=2_000)):
                title = string_at(item, "text", "alt", limit=200)
                found[f"{name}[{n}]"] = f"{title} {href}".strip()
    return found


def _change(entry: Entry, event: Mapping[str, Any], payload: Mapping[str, Any]) -> Report:
    """A deployment or other change: it opens nothing, and stands among the recent changes."""
    summary = string_at(payload, "summary", limit=SUMMARY_CHARACTERS_MAX) or "a change without a summary"
    custom = payload.get("custom_details")
    known = custom if isinstance(custom, dict) else {}
    annotations = {"summary": summary}
    starts_at = instant(payload.get("timestamp"), "timestamp", annotations)
    return make_report(
        entry,
        "change",
        identity=f"change {entry.position}",
        labels=made_labels({
            "alertname": "Change",
            "source": string_at(payload, "source"),
            "service": string_at(known, "service", "service_name") or string_at(payload, "component"),
            "environment": string_at(known, "environment", "env"),
        }),
        annotations=annotations | _links(event) | details(custom),
        starts_at=starts_at or entry.received_at,
        url=next(iter(_hrefs(event)), ""),
        text=summary,
    )  # fmt: skip


def _hrefs(event: Mapping[str, Any]) -> list[str]:
    links = event.get("links")
    items = links if isinstance(links, list) else []
    return [href for item in items if isinstance(item, dict) and (href := string_at(item, "href", limit=2_000))]


WEBHOOK_ACTIONS: dict[str, Action] = {
    "incident.triggered": "fire",
    "incident.reopened": "fire",
    "incident.unacknowledged": "fire",
    "incident.acknowledged": "acknowledge",
    "incident.resolved": "resolve",
}


def _webhook(entry: Entry, event: Mapping[str, Any]) -> Report:
    """An event of PagerDuty's own webhooks v3: its incident is our alert. What only informs is a note."""
    data = event.get("data")
    incident = data if isinstance(data, dict) else {}
    if isinstance(incident.get("incident"), dict):  # annotations, responders and updates point at their incident
        incident = {**incident["incident"], **{k: v for k, v in incident.items() if k != "id"}}
    service, priority = incident.get("service"), incident.get("priority")
    kind = string_at(event, "event_type", limit=100)
    title = string_at(incident, "title", "summary", limit=SUMMARY_CHARACTERS_MAX) or kind or "PagerDuty incident"
    annotations = {"summary": title, "event_type": kind}
    at = instant(event.get("occurred_at"), "occurred_at", annotations)
    action = WEBHOOK_ACTIONS.get(kind, "note")
    urgency = {"high": "error", "low": "info"}.get(string_at(incident, "urgency"), "")
    return make_report(
        entry,
        action,
        identity=f"incident {string_at(incident, 'id', limit=200) or entry.position}",
        labels=made_labels({
            "alertname": "PagerDutyIncident",
            "service": string_at(service, "summary") if isinstance(service, dict) else "",
            "severity": (severity_of(priority.get("summary")) if isinstance(priority, dict) else "") or urgency,
        }),
        annotations=annotations | details(event),
        starts_at=instant(incident.get("created_at"), "created_at", annotations) if action == "fire" else None,
        ends_at=at,
        url=string_at(incident, "html_url"),
        text=f"{kind}: {title}",
        said_at=at,
    )  # fmt: skip
