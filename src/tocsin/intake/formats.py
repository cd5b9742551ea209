"""The table of wire formats: a line per vendor. Intake is a loop over it; adding a vendor is one file and one line.

What the parsers read of a request stands in `Entry.meta`, journalled with the body (so that a replay reads the same):

| key | what |
|---|---|
| `content_type` | the Content-Type header, lower case |
| `suffix` | what follows the token in the path, percent-decoded, without the query |
| `ce-...` | the CloudEvents headers of binary mode |
| `dedup_key` | the id that Tocsin made up for this body, where `Format.makes_id` |
| `mapping` | the source's mapping (JSON text), generic format |
| `service` | the service that the source is about, where the source names one |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Report
from tocsin.intake import (
    alertmanager,
    cloudevents,
    generic,
    grafana,
    incidentio,
    mapping as mappings,
    monitor,
    oncall,
    opsgenie,
    pagerduty,
    victorops,
)
from tocsin.intake.wire import decode, string_at
from tocsin.ports import Entry, Parse

JSON = "application/json"
META_CHARACTERS_MAX = 2_048  # of one header or suffix; more is an attack, not an attribute
CE_HEADERS_MAX = 32


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender gets, in its vendor's words."""

    status: int
    content_type: str
    body: bytes


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One wire format. `answer` takes the journalled entry. `makes_id`: put a fresh id (32 hex digits) into
    `meta["dedup_key"]` before journalling: the vendor promises an identity to senders that give none."""

    kind: str
    title: str
    parse: Parse
    answer: Callable[[Entry], Answer]
    makes_id: bool = False


def _answer(status: int, value: Mapping[str, Any]) -> Answer:
    return Answer(status=status, content_type=JSON, body=msgspec.json.encode(value))


def accepted(entry: Entry) -> Answer:
    """200 and the number under which the payload's fate can be looked up."""
    return _answer(200, {"status": "accepted", "payload": str(entry.position)})


def _pagerduty(entry: Entry) -> Answer:
    return event_accepted(_given(entry, "dedup_key"))


def event_accepted(dedup_key: str) -> Answer:
    """PagerDuty's answer to an event that will be processed."""
    return _answer(202, {"status": "success", "message": "Event processed", "dedup_key": dedup_key})


def change_accepted(entry: Entry | None = None) -> Answer:
    """PagerDuty's answer to a change event; the same for every entry."""
    return _answer(202, {"status": "success", "message": "Change event processed"})


def event_refused(errors: list[str]) -> Answer:
    """PagerDuty's answer to an event that `pagerduty.check` found wrong."""
    return _answer(400, {"status": "invalid event", "message": "Event object is invalid", "errors": errors})


def _opsgenie(entry: Entry) -> Answer:
    request_id = entry.meta.get("dedup_key") or str(entry.position)
    return _answer(202, {"result": "Request will be processed", "took": 0.001, "requestId": request_id})


def _victorops(entry: Entry) -> Answer:
    return _answer(200, {"result": "success", "entity_id": _given(entry, "entity_id")})


def _incidentio(entry: Entry) -> Answer:
    key = _given(entry, "deduplication_key")
    return _answer(202, {"deduplication_key": key, "message": "Event accepted for processing", "status": "success"})


def _given(entry: Entry, name: str) -> str:
    """The identity that the body gives under `name`, else the one that was made up for it."""
    try:
        value = decode(entry.body)
    except ValueError:  # it was accepted all the same, and waits in quarantine
        value = None
    given = string_at(value, name, limit=1_000) if isinstance(value, dict) else ""
    return given or entry.meta.get("dedup_key", "")


FORMATS: dict[str, Format] = {
    row.kind: row
    for row in (
        Format(kind="alertmanager", title="Alertmanager webhook", parse=alertmanager.parse, answer=accepted),
        Format(kind="grafana", title="Grafana alerting webhook", parse=grafana.parse, answer=accepted),
        Format(kind="pagerduty", title="PagerDuty Events v2", parse=pagerduty.parse, answer=_pagerduty, makes_id=True),
        Format(
            kind="pagerduty_change", title="PagerDuty changes", parse=pagerduty.parse_change, answer=change_accepted
        ),
        Format(kind="opsgenie", title="Opsgenie alert API", parse=opsgenie.parse, answer=_opsgenie, makes_id=True),
        Format(
            kind="victorops",
            title="VictorOps (Splunk On-Call)",
            parse=victorops.parse,
            answer=_victorops,
            makes_id=True,
        ),
        Format(kind="incidentio", title="incident.io", parse=incidentio.parse, answer=_incidentio, makes_id=True),
        Format(kind="oncall", title="Grafana OnCall formatted webhook", parse=oncall.parse, answer=accepted),
        Format(kind="cloudevents", title="CloudEvents and CDEvents", parse=cloudevents.parse, answer=accepted),
        Format(kind=monitor.KIND, title="Tocsin's own monitors and detectors", parse=monitor.parse, answer=accepted),
        Format(kind="generic", title="JSON, with a mapping or without", parse=generic.parse, answer=accepted),
    )
}


def meta_of(headers: Mapping[str, str], suffix: str = "") -> dict[str, str]:
    """What the parsers need of a request's head. Header names are lower case; `suffix` is percent-decoded.

    The caller adds `dedup_key`, `mapping` and `service` where they apply.
    """
    meta = {"content_type": headers.get("content-type", "").lower()[:META_CHARACTERS_MAX]}
    if suffix:
        meta["suffix"] = suffix[:META_CHARACTERS_MAX]
    attributes = [name for name in headers if name.startswith("ce-")][:CE_HEADERS_MAX]
    return meta | {name: headers[name][:META_CHARACTERS_MAX] for name in attributes}


# What a source may be: a row that outsiders send, the Alertmanager API mounted under a token, or all of it.
SOURCE_KINDS = ("any", "prometheus", *(kind for kind in FORMATS if kind not in (monitor.KIND, "pagerduty_change")))


def check_source(kind: str, mapping: Mapping[str, Any] | None) -> None:
    """Raises ValueError naming the field when no source can be of this kind, or its mapping would not load."""
    if kind not in SOURCE_KINDS:
        raise ValueError(f"kind: expected one of {', '.join(SOURCE_KINDS)}, got {kind[:80]!r}")
    if mapping is not None:
        mappings.load(msgspec.json.encode(mapping).decode())


def parse(entry: Entry) -> list[Report]:
    """The reports in an entry of any kind in the table. Raises ValueError naming the kind or the field."""
    row = FORMATS.get(entry.kind)
    if row is None:
        raise ValueError(f"kind: expected one of {', '.join(FORMATS)}, got {entry.kind!r}")
    return row.parse(entry)
