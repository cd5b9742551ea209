"""The OpenAPI document: Litestar's, made exact where it is vague, with an example for every body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from litestar import Litestar, Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import JsonRenderPlugin

# One body for each command, as somebody would send it; tests/http/test_api_incidents.py sends every one of them.
EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "acknowledge": {},
    "open-channel": {"because": "many people are needed"},
    "open-ticket": {"tracker": "ops"},
    "release": {"draft": "customers-17"},
    "discard": {"draft": "customers-17", "because": "overtaken by events"},
    "unacknowledge": {"because": "I am on a plane"},
    "snooze": {"until": "2026-11-23T04:00:00Z", "because": "waiting for the provider"},
    "escalate": {"because": "two more services are affected"},
    "change-severity": {"severity": "SEV-0", "because": "every customer is affected"},
    "change-status": {"status": "identified", "because": "the new release"},
    "rename": {"title": "Payments fail in two zones"},
    "set-impact": {"impact": "a third of the payments fail"},
    "set-category": {"category": "Application"},
    "set-affected": {"services": ["checkout"], "components": ["Website"]},
    "set-customer-impact": {"users": 1200, "revenue": "EUR 4,000 per minute", "description": "cannot pay"},
    "set-detection": {"source": "customer report"},
    "set-root-cause": {"cause": "a full disk", "contributing": ["no alert"], "prevention": "the alert was silenced"},
    "assess": {"question": "Is the service completely down?", "answer": "no"},
    "correct-timestamp": {"name": "started_at", "to": "2026-11-23T02:50:00Z", "because": "the graph says so"},
    "begin-phase": {"phase": "Containment"},
    "finish-phase": {"phase": "Containment"},
    "begin-item": {"phase": "Containment", "item": "stop the rollout"},
    "finish-item": {"phase": "Containment", "item": "stop the rollout"},
    "begin-run": {
        "phase": "Database Unavailable",
        "item": "2",
        "text": "kubectl logs postgres-0",
        "values": ["postgres-pod=postgres-0"],
        "host": "bastion",
    },
    "end-run": {"run": 1, "exit_code": 0, "seconds": 2, "output": "database system is ready"},
    "freeze-deployments": {"services": ["checkout"], "because": "until we know more"},
    "unfreeze-deployments": {},
    "restrict": {"people": ["ana", "ben"], "because": "customer data may have leaked"},
    "lift-restriction": {"because": "it was no leak"},
    "approve": {"request": 1, "because": "agreed on the call"},
    "decline": {"request": 1, "because": "not yet"},
    "assign-role": {"role": "Incident Commander", "person": "ana"},
    "release-role": {"role": "Incident Commander", "person": "ana"},
    "post-update": {"text": "We have found the cause and are rolling back.", "audience": "customers"},
    "publish": {"name": "Payments fail for some customers", "components": ["payments=partial_outage"]},
    "unpublish": {"because": "published by mistake"},
    "change-public-text": {"update": 3, "text": "We have found the cause and are rolling back."},
    "set-public-review": {"text": "On Monday payments failed for an hour.", "published": False},
    "add-note": {"text": "Errors began 90 s after the deployment."},
    "link": {"other": "INC-2026-002", "relation": "related"},
    "merge": {"into": "INC-2026-002"},
    "resolve": {"because": "rolled back"},
    "reopen": {"because": "the errors are back"},
    "close": {"because": "reviewed"},
    "mark-false-positive": {"because": "the probe was misconfigured"},
    "mark-drill": {"drill": True},
    "waive-promise": {"key": "resolve:SEV-1@1", "because": "agreed with the owner"},
    "confirm-promise": {"rule": "update:partners:1", "because": "their payments fail too"},
    "keep-promise": {"rule": "follow-up:customers:0", "notes": "sent to all customers, see the mail of 2 December"},
    "schedule-review": {"meets_at": "2026-11-25T10:00:00Z", "because": "everybody is there"},
    "hold-review": {"notes": "six action items"},
    "write-review": {"field": "What Went Well", "text": "Paged within a minute."},
    "tick-review": {"item": "1"},
    "add-action-item": {
        "title": "Alert before the disk is full",
        "owner": "ana",
        "due_on": "2099-12-15",
        "priority": "high",
        "criteria": ["an alert fires at 80 %", "the runbook says what to delete"],
    },
    "change-action-item": {"item": 1, "status": "in progress"},
    "meet-criterion": {"item": 1, "criterion": 2},
    "finish-action-item": {"item": 1, "because": "the second criterion is covered by the first"},
    "record-instant": {
        "name": "controller_aware",
        "happened_at": "2026-11-23T02:40:00Z",
        "because": "the export held customers' addresses",
        "decided_by": "the data protection officer",
    },
    "submit-report": {
        "obligation": "gdpr-33-1",
        "recipient": "the supervisory authority",
        "channel": "its portal",
        "reference": "2026/4711",
    },
}


class ExactJson(JsonRenderPlugin):
    """`/api/openapi.json`, exact."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return super().render(request, exact(openapi_schema, request.app))


def exact(document: dict[str, Any], app: Litestar) -> dict[str, Any]:
    """The document with each body's schema as msgspec enforces it: unknown fields, zones of instants, bounds."""
    _, enforced = msgspec.json.schema_components(_bodies(app), ref_template="#/components/schemas/{name}")
    schemas = document.get("components", {}).get("schemas", {})
    for name, schema in enforced.items():
        if name in schemas:
            schemas[name] = {**schema, "title": name}
    for path in document.get("paths", {}).values():
        for operation in path.values():
            body = operation.get("requestBody") if isinstance(operation, dict) else None
            schema = body["content"].get("application/json", {}).get("schema", {}) if body else {}
            if body and {"type": "null"} in schema.get("oneOf", ()):
                body["required"] = False  # a command without required fields may come without a body
    return document


def _bodies(app: Litestar) -> list[Any]:
    found: dict[str, Any] = {}
    for handler in _handlers(app):
        field = handler.parsed_data_field
        for each in (field.annotation, *(inner.annotation for inner in field.inner_types)) if field else ():
            if isinstance(each, type) and issubclass(each, msgspec.Struct):
                found[each.__name__] = each
    return list(found.values())


def _handlers(app: Litestar) -> Iterable[HTTPRouteHandler]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler):
                yield handler
