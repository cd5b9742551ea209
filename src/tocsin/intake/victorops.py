"""VictorOps (Splunk On-Call): its REST endpoint, as Alertmanager and many monitors call it.

The path after the token is `KEY/{routing_key}`; the routing key becomes a label. Identity is the entity_id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.core.alert import Action, Report
from tocsin.intake import generic
from tocsin.intake.groups import group_of
from tocsin.intake.wire import (
    SUMMARY_CHARACTERS_MAX,
    decode,
    details,
    instant,
    labels_in_text,
    made_labels,
    make_report,
    severity_of,
    string_at,
)
from tocsin.ports import Entry

ACTIONS: dict[str, Action] = {
    "CRITICAL": "fire",
    "WARNING": "fire",
    "INFO": "note",  # VictorOps shows it on the timeline and pages nobody
    "ACKNOWLEDGEMENT": "acknowledge",
    "ACKNOWLEDGE": "acknowledge",
    "RECOVERY": "resolve",
    "OK": "resolve",
}


def parse(entry: Entry) -> list[Report]:
    """The one message in a body; what has no message_type is read as a generic alert."""
    value = decode(entry.body)
    if not isinstance(value, dict) or not string_at(value, "message_type"):
        return generic.reports(entry, value)
    return [_report(entry, value)]


def routing_key_of(suffix: str) -> str:
    """The routing key in the path after the token, `KEY/{routing_key}`; the placeholder may be missing."""
    parts = [part for part in suffix.partition("?")[0].strip("/").split("/") if part]
    return parts[-1] if len(parts) > 1 or (parts and parts[0] != "KEY") else ""


def _report(entry: Entry, message: Mapping[str, Any]) -> Report:
    kind = string_at(message, "message_type", limit=40).upper()
    action = ACTIONS.get(kind, "fire")  # a type that we do not know is not a reason to stay silent
    title = string_at(message, "entity_display_name", limit=SUMMARY_CHARACTERS_MAX)
    text = string_at(message, "state_message")
    entity = string_at(message, "entity_id", limit=1_000) or entry.meta.get("dedup_key", "")
    printed, tool = labels_in_text(text), string_at(message, "monitoring_tool")
    labels = {
        **made_labels({
            "alertname": title or entity or "VictorOps alert",
            "severity": severity_of(kind) if action == "fire" else "",
            "host": string_at(message, "host_name"),
            "monitoring_tool": tool,
            "routing_key": routing_key_of(entry.meta.get("suffix", "")),
        }),
        **printed,
    }  # fmt: skip
    annotations = {"summary": title or entity or kind}
    if text:
        annotations["description"] = text
    began_at = instant(message.get("state_start_time"), "state_start_time", annotations)
    said_at = instant(message.get("timestamp"), "timestamp", annotations)
    annotations |= details({k: v for k, v in message.items() if k not in ("entity_display_name", "state_message")})
    return make_report(
        entry,
        action,
        identity=f"entity {entity or f'entry {entry.position}'}",
        labels=labels,
        annotations=annotations,
        starts_at=(began_at or said_at) if action == "fire" else None,
        # In a recovery, the state that began is the good one.
        ends_at=began_at or said_at,
        group=group_of(entity, marked=bool(printed) or tool.casefold() == "alertmanager"),
        url=string_at(message, "alert_url", "monitor_url"),
        text=string_at(message, "ack_message") or text,
    )
