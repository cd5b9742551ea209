"""What an event looks like to the program that is told: Standard Webhooks, CloudEvents 1.0, PagerDuty's webhooks v3.

Sources: standard-webhooks/standard-webhooks spec, cloudevents/spec 1.0 (JSON format, structured mode),
PagerDuty/developer-docs docs/webhooks/01-Overview.md.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.facts import TOCSIN
from tocsin.core.hooks import Format, Happened
from tocsin.core.incident import Incident
from tocsin.core.paging_text import one_line

TEXT_MAX = 6000  # characters of a note or an update in PagerDuty's form, which says `trimmed` then
TEST = "Tocsin's test of this hook. Nothing happened."


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What a body needs besides the event: the incident after it, as state and as public JSON, and names."""

    incident: Incident
    summary: dict[str, Any]
    public_url: str
    people: dict[str, str] = {}
    service: str = ""  # its name
    team: tuple[str, str] | None = None  # id and name of the team that owns it
    low: bool = False  # its pages may wait


def body_of(form: Format, happened: Happened, around: Around) -> dict[str, Any]:
    """The JSON value that is posted."""
    match form:
        case "standard":
            return {"type": happened.type, "timestamp": happened.at, "data": _data(happened, around)}
        case "cloudevents":
            return _cloudevent(happened, around.public_url, around.incident.reference, _data(happened, around))
        case "pagerduty":
            return _event(happened, _agent(happened.by, around), _client(happened.by), _resource(happened, around))


def test_body(form: Format, name: str, at: datetime, public_url: str) -> dict[str, Any]:
    """A body that says it is a test; PagerDuty's own is called `pagey.ping`."""
    happened = Happened(id=name, type="tocsin.test", at=at, by=TOCSIN)
    match form:
        case "standard":
            return {"type": happened.type, "timestamp": at, "data": {"event": name, "message": TEST}}
        case "cloudevents":
            return _cloudevent(happened, public_url, "test", {"event": name, "message": TEST})
        case "pagerduty":
            ping = msgspec.structs.replace(happened, type="pagey.ping")
            return _event(ping, None, None, {"message": TEST, "type": "ping"}, resource="pagey")


def _data(happened: Happened, around: Around) -> dict[str, Any]:
    return {
        "event": happened.id,
        "by": happened.by,
        "drill": around.incident.drill,
        "details": happened.details,
        "incident_url": f"{around.public_url}/incidents/{around.incident.reference}",
        "incident": around.summary,
    }


def _cloudevent(happened: Happened, source: str, subject: str, data: dict[str, Any]) -> dict[str, Any]:
    kind = happened.type if happened.type.startswith("tocsin.") else f"tocsin.{happened.type}"
    return {
        "specversion": "1.0",
        "id": happened.id,
        "source": source,
        "type": kind,
        "subject": subject,
        "time": happened.at,
        "datacontenttype": "application/json",
        "data": data,
    }


# --- PagerDuty's ------------------------------------------------------------------------------------------------------


def _event(
    happened: Happened, agent: Any, client: Any, data: dict[str, Any], resource: str = "incident"
) -> dict[str, Any]:
    return {
        "event": {
            "id": happened.id,
            "event_type": happened.type,
            "resource_type": resource,
            "occurred_at": happened.at,
            "agent": agent,
            "client": client,
            "data": data,
        }
    }


def _reference(kind: str, name: str, summary: str, page: str, api: str) -> dict[str, Any]:
    return {"html_url": page, "id": name, "self": api, "summary": summary, "type": f"{kind}_reference"}


def _of(kind: str, path: str, name: str, summary: str, around: Around) -> dict[str, Any]:
    at = f"{around.public_url}/api/{path}/{name}"
    return _reference(kind, name, summary or name, at, at)


def _agent(by: str, around: Around) -> dict[str, Any] | None:
    if by == TOCSIN or by.startswith("source:"):
        return None
    return _of("user", "people", by, around.people.get(by, ""), around)


def _client(by: str) -> dict[str, str] | None:
    return {"name": by.removeprefix("source:")} if by.startswith("source:") else None


def _resource(happened: Happened, around: Around) -> dict[str, Any]:
    match happened.type:
        case "incident.annotated":
            return _text(happened, around, "incident_note", "content")
        case "incident.status_update_published":
            return _text(happened, around, "incident_status_update", "message")
        case _:
            return _incident(around)


def _text(happened: Happened, around: Around, kind: str, field: str) -> dict[str, Any]:
    incident = around.incident
    page, api = _addresses(around)
    return {
        "incident": _reference("incident", incident.id, _title(incident), page, api),
        "id": happened.id,
        field: happened.text[:TEXT_MAX],
        "trimmed": len(happened.text) > TEXT_MAX,
        "type": kind,
    }


def _addresses(around: Around) -> tuple[str, str]:
    incident = around.incident
    return f"{around.public_url}/incidents/{incident.reference}", f"{around.public_url}/api/incidents/{incident.id}"


def _title(incident: Incident) -> str:
    return f"{'[DRILL] ' if incident.drill else ''}{one_line(incident.title, 1000)}"


def _incident(around: Around) -> dict[str, Any]:
    incident = around.incident
    page, api = _addresses(around)
    keys = incident.keys or incident.last_keys
    service, team = incident.service, around.team
    return {
        "id": incident.id,
        "type": "incident",
        "self": api,
        "html_url": page,
        "number": _number(incident.reference),
        "status": _status(incident),
        "incident_key": keys[0] if keys else incident.id,
        "created_at": incident.opened_at,
        "title": _title(incident),
        "service": _of("service", "services", service, around.service, around) if service else None,
        "assignees": [
            _of("user", "people", each, around.people.get(each, ""), around) for each in _assignees(incident)
        ],
        "escalation_policy": _of("escalation_policy", "guides", incident.guide, "", around),
        "teams": [_of("team", "teams", team[0], team[1], around)] if team else [],
        "priority": _reference("priority", incident.severity, incident.severity, page, api),
        "urgency": "low" if around.low else "high",
        "conference_bridge": None,
        "resolve_reason": None,
    }


def _number(reference: str) -> int:
    """The last number of a reference: PagerDuty's is one, ours is a text."""
    found = re.findall(r"[0-9]{1,15}", reference)
    return int(found[-1]) if found else 0


def _status(incident: Incident) -> str:
    if not incident.open:
        return "resolved"
    return "acknowledged" if incident.acknowledged_at else "triggered"


def _assignees(incident: Incident) -> list[str]:
    """Who has it; else whom the newest round of pages asks."""
    if not incident.open:
        return []
    if incident.acknowledged_at and incident.acknowledged_by and ":" not in incident.acknowledged_by:
        return [incident.acknowledged_by]
    asked = [each.page for each in incident.pages.values() if not each.page.notice]
    newest = max((each.round for each in asked), default=0)
    return list(dict.fromkeys(each.person for each in asked if each.round == newest))
