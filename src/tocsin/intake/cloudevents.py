"""CloudEvents 1.0 over HTTP, structured, batched and binary; CDEvents among them are changes (deployments).

Binary mode: the attributes come as `ce-` headers (`entry.meta["ce-type"]`...), the body is the data.
Source: cloudevents/spec http-protocol-binding.md; cdevents/spec continuous-deployment.md.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from tocsin.core.alert import Action, Report
from tocsin.intake import generic
from tocsin.intake.names import members_of
from tocsin.intake.wire import (
    REPORTS_MAX,
    SUMMARY_CHARACTERS_MAX,
    action_of,
    decode,
    details,
    instant,
    made_labels,
    make_report,
    severity_of,
    string_at,
    text_of,
    unreadable,
)
from tocsin.ports import Entry

CDEVENTS = "dev.cdevents."
# Of CDEvents, these two are about trouble; everything else is the life of software, which opens nothing.
CD_TROUBLE: dict[str, Action] = {
    "incident.detected": "fire",
    "incident.reported": "fire",
    "incident.resolved": "resolve",
}
NOT_DETAILS = ("data", "data_base64", "specversion", "datacontenttype", "dataschema")


def parse(entry: Entry) -> list[Report]:
    """The events in a body. What carries no CloudEvents attributes is a generic alert."""
    headers = {name[3:]: unquote(value) for name, value in entry.meta.items() if name.startswith("ce-")}
    if headers:
        return _event(entry, {**headers, "data": _data(entry.body)})
    value = decode(entry.body)
    if not isinstance(value, list):
        return _structured(entry, value, "body")
    events = [report for n, event in enumerate(value[:REPORTS_MAX]) for report in _structured(entry, event, f"[{n}]")]
    if len(value) > REPORTS_MAX:
        events.append(unreadable(entry, f"{len(value)} events", "body", f"at most {REPORTS_MAX} in one body"))
    return events


def _structured(entry: Entry, event: object, where: str) -> list[Report]:
    if not isinstance(event, dict):
        return [unreadable(entry, event, where, "a CloudEvent, an object")]
    if isinstance(event.get("context"), dict) and isinstance(event.get("subject"), dict):
        # A CDEvent without its envelope: the context has the same attributes.
        return _event(entry, {**event["context"], "data": event})
    if "type" not in event or not ("specversion" in event or "source" in event):
        return generic.reports(entry, event)
    if "data" not in event and isinstance(event.get("data_base64"), str):
        return _event(entry, {**event, "data": _from_base64(event["data_base64"])})
    return _event(entry, event)


def _from_base64(text: str) -> object:
    try:
        return _data(base64.b64decode(text))
    except (binascii.Error, ValueError):
        return text


def _data(body: bytes) -> object:
    """The data of an event: JSON where it is JSON, else text. Data of any kind is legal."""
    try:
        return decode(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def _event(entry: Entry, event: Mapping[str, Any]) -> list[Report]:
    kind = string_at(event, "type", limit=500)
    if kind.startswith(CDEVENTS):
        return [_cdevent(entry, event, kind)]
    data = event.get("data")
    annotations = {"event_type": kind, "event_source": string_at(event, "source"), "event_id": string_at(event, "id")}
    at = instant(event.get("time"), "time", annotations)
    subject = string_at(event, "subject", limit=1_000)
    by_type = action_of(kind.rpartition(".")[2]) or action_of(kind.rpartition("/")[2])
    if isinstance(data, dict) and data:
        # The data is the alert; the envelope fills in what it leaves open.
        return [_filled(entry, report, event, by_type, annotations) for report in generic.reports(entry, data)]
    text = text_of(data)
    action = by_type or "fire"
    return [
        make_report(
            entry,
            action,
            identity=_identity(event),
            labels=made_labels({
                "alertname": kind or "CloudEvent",
                "source": string_at(event, "source"),
                "subject": subject,
                "severity": severity_of(event.get("severity")),
            }),
            annotations={"summary": text[:200] or f"{kind} {subject}".strip(), **annotations, **_extensions(event)},
            starts_at=at if action == "fire" else None,
            ends_at=at,
            text=text,
        )
    ]  # fmt: skip


def _filled(
    entry: Entry, report: Report, event: Mapping[str, Any], by_type: Action | None, annotations: dict[str, str]
) -> Report:
    data: Mapping[str, Any] = event["data"]
    labels = {
        **made_labels({"source": string_at(event, "source"), "subject": string_at(event, "subject", limit=1_000)}),
        **report.labels,
    }
    members = members_of(data)
    named = members.is_named() or "labels" in data
    if not named and not entry.meta.get("mapping"):
        labels["alertname"] = string_at(event, "type", limit=200) or "CloudEvent"
        report.annotations["summary"] = text_of(f"{labels['alertname']} {string_at(event, 'subject')}", 500).strip()
    keyed = entry.meta.get("mapping") or members.key()
    said = members.action() is not None
    action = report.action if said or entry.meta.get("mapping") or by_type is None else by_type
    at = instant(event.get("time"), "time", annotations)
    filled = make_report(
        entry,
        action,
        identity=_identity(event),
        labels=labels,
        annotations={**report.annotations, **annotations, **_extensions(event)},
        starts_at=report.starts_at or (at if action == "fire" else None),
        ends_at=report.ends_at or at,
        url=report.url,
        group=report.group,
        text=report.text,
    )
    return msgspec.structs.replace(filled, fingerprint=report.fingerprint) if keyed else filled


def _identity(event: Mapping[str, Any]) -> str:
    """What an event is about, where it says so; else the event itself, which the pair (source, id) names."""
    source = string_at(event, "source", limit=1_000)
    subject = string_at(event, "subject", limit=1_000)
    return f"subject {source} {subject}" if subject else f"event {source} {string_at(event, 'id', limit=1_000)}"


def _extensions(event: Mapping[str, Any]) -> dict[str, str]:
    return details({name: value for name, value in event.items() if name not in NOT_DETAILS}, "ce")


def _cdevent(entry: Entry, event: Mapping[str, Any], kind: str) -> Report:
    """A CDEvent: `dev.cdevents.service.deployed.0.1.1` says that a service is in an environment now."""
    what = ".".join(kind[len(CDEVENTS) :].split(".")[:2])
    data = event.get("data")
    body: Mapping[str, Any] = data if isinstance(data, dict) else {}
    given = body.get("subject")
    subject: Mapping[str, Any] = given if isinstance(given, dict) else {}
    content_given = subject.get("content")
    content: Mapping[str, Any] = content_given if isinstance(content_given, dict) else {}
    environment_given = content.get("environment")
    environment: Mapping[str, Any] = environment_given if isinstance(environment_given, dict) else {}
    subject_id = string_at(subject, "id", limit=500) or string_at(event, "subject", limit=500)
    service_given = content.get("service")
    service = string_at(service_given, "id") if isinstance(service_given, dict) else ""
    artifact = string_at(content, "artifactId", "artifact_id", limit=500)
    summary = f"{what.replace('.', ' ')}: {subject_id}" + (f" ({artifact})" if artifact else "")
    annotations = {"summary": text_of(summary, SUMMARY_CHARACTERS_MAX), "event_type": kind}
    at = instant(event.get("time") or event.get("timestamp"), "time", annotations)
    action: Action = CD_TROUBLE.get(what, "change")
    change = f"change {string_at(event, 'id') or entry.position}"
    return make_report(
        entry,
        action,
        identity=change if action == "change" else f"incident {subject_id}",
        labels=made_labels({
            "alertname": what,
            "service": service or (subject_id if what.startswith("service.") else ""),
            "environment": string_at(environment, "id", "name"),
            "source": string_at(event, "source"),
        }),
        annotations=annotations | details(content) | details({"customData": body.get("customData")}),
        starts_at=None if action == "resolve" else at or entry.received_at,
        ends_at=at,
        url=string_at(content, "uri", "url"),
        text=summary,
    )  # fmt: skip
