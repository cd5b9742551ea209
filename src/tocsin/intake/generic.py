"""Any JSON (or form): read through the source's own mapping, or by the names that monitors commonly use.

Also what every other format degrades to when a body is not what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Action, Report
from tocsin.intake import mapping as mappings
from tocsin.intake.wire import (
    REPORTS_MAX,
    SUMMARY_CHARACTERS_MAX,
    action_of,
    decode,
    decode_form,
    details,
    instant,
    labels_of,
    made_labels,
    make_report,
    severity_of,
    string_at,
    text_of,
    unreadable,
)
from tocsin.ports import Entry

# Without a mapping: the names under which senders keep what an alert has, the likeliest first. A test reads a payload
# of each product that docs/integrations.md names.
KEY = (
    "dedup_key", "deduplication_key", "alert_uid", "fingerprint", "alias", "entity_id", "incident_key", "aggreg_key",
    "alert_cycle_key", "alert_id", "alertId", "monitor_id", "monitorID", "check_id", "rule_id", "ruleId", "code",
    "key", "uuid", "id",
)  # fmt: skip
NAME = (
    "alertname", "alert_name", "alertName", "rule_name", "ruleName", "check_name", "check", "monitor_name",
    "monitorFriendlyName", "monitor", "trigger", "name",
)  # fmt: skip
TITLE = ("title", "summary", "subject", "event_title", "headline", "display_name", "monitorFriendlyName", "msg")
TEXT = ("description", "message", "text", "body", "details", "event_msg", "alertDetails", "reason")
STATUS = (
    "status", "state", "alert_transition", "alert_status", "event_action", "action", "current_state", "newState",
    "alertTypeFriendlyName", "message_type",
)  # fmt: skip
SEVERITY = ("severity", "priority", "level", "urgency", "alert_priority", "criticality")
SERVICE = ("service", "service_name", "application", "app", "component")
STARTS_AT = (
    "starts_at", "startsAt", "started_at", "start_time", "startTime", "triggered_at", "timestamp", "time", "date",
    "created_at", "@timestamp", "ts",
)  # fmt: skip
ENDS_AT = ("ends_at", "endsAt", "ended_at", "end_time", "endTime", "resolved_at", "closed_at")
URL = ("url", "link", "source_url", "html_url", "permalink", "generatorURL", "ruleUrl", "link_to_upstream_details")
GROUP = ("group", "group_key", "groupKey")
PLACES = {
    "host": ("host", "hostname"), "instance": ("instance",), "cluster": ("cluster",), "region": ("region",),
    "environment": ("environment", "env"), "namespace": ("namespace",), "source": ("source",), "job": ("job",),
    "team": ("team",), "class": ("class",), "service": SERVICE,
}  # fmt: skip

NAMELESS = "Alert"


def parse(entry: Entry) -> list[Report]:
    """The alerts in one body. A journalled mapping that no longer loads is said in the report, which still fires."""
    if "form" in entry.meta.get("content_type", ""):
        return reports(entry, decode_form(entry.body))
    return reports(entry, decode(entry.body))


def reports(entry: Entry, value: object) -> list[Report]:
    """The alerts in a decoded body: through `entry.meta["mapping"]` where there is one, else by common names."""
    text = entry.meta.get("mapping", "")
    if not text:
        alerts = value if isinstance(value, list) else [value]
        return _all(entry, alerts, _by_names)
    try:
        mapping = mappings.load(text)
    except ValueError as error:
        return [_noted(_by_names(entry, value, "body"), [str(error)])]
    problems: list[str] = []
    found = mappings.find(mapping.each, "each", value, problems) if mapping.each else [value]
    if not isinstance(found, list):
        problems.append(f"each: expected a list, got {type(found).__name__}")
        return [_noted(_by_names(entry, value, "body"), problems)]
    return _all(entry, found, lambda e, alert, where: _by_mapping(e, alert, where, mapping))


def _all(entry: Entry, alerts: list[Any], read: Any) -> list[Report]:
    found = [read(entry, alert, f"[{n}]") for n, alert in enumerate(alerts[:REPORTS_MAX])]
    if len(alerts) > REPORTS_MAX:
        found.append(unreadable(entry, f"{len(alerts)} alerts", "body", f"at most {REPORTS_MAX} in one body"))
    return found


def _by_names(entry: Entry, alert: object, where: str) -> Report:
    if not isinstance(alert, dict) or not alert:
        return unreadable(entry, alert, f"body{where}" if where.startswith("[") else where, "an object with members")
    annotations: dict[str, str] = {}
    given = labels_of(alert.get("labels"))
    title = string_at(alert, *TITLE, limit=SUMMARY_CHARACTERS_MAX)
    text = string_at(alert, *TEXT)
    labels = {
        **made_labels({label: string_at(alert, *names) for label, names in PLACES.items()}),
        **_severity(string_at(alert, *SEVERITY)),
        **given,
    }
    name = given.get("alertname") or string_at(alert, *NAME, limit=200)
    labels["alertname"] = name or title or text_of(text, 200) or NAMELESS
    starts_at = instant(next((alert[n] for n in STARTS_AT if alert.get(n)), None), "starts_at", annotations)
    ends_at = instant(next((alert[n] for n in ENDS_AT if alert.get(n)), None), "ends_at", annotations)
    action = _action(alert, STATUS, {}, ends_at is not None and ends_at <= entry.received_at)
    annotations = {
        "summary": title or name or text_of(text, 200) or "an alert without a title",
        **({"description": text} if text else {}),
        **annotations,
        **details(alert),
    }
    key = string_at(alert, *KEY, limit=1_000)
    return make_report(
        entry,
        action,
        labels=labels,
        annotations=annotations,
        # Without a key the labels are the identity; severity may change while the problem is the same.
        identity=f"key {key}" if key else _identity(labels, alert),
        # A time stamp on a resolve is when it was sent, not when the trouble began.
        starts_at=starts_at if action == "fire" else None,
        ends_at=ends_at or (starts_at if action == "resolve" else None),
        url=string_at(alert, *URL),
        group=string_at(alert, *GROUP, limit=1_000) or None,
        text=text,
    )


def _by_mapping(entry: Entry, alert: object, where: str, mapping: mappings.Mapping) -> Report:
    problems: list[str] = []
    found = {name: mappings.find(getattr(mapping, name), name, alert, problems) for name in mappings.FIELDS}
    annotations: dict[str, str] = {}
    severity = text_of(found["severity"], 200)
    words = {word.lower(): value for word, value in mapping.severities.items()}
    labels = {
        **_severity(words.get(severity.strip().lower(), severity)),
        **made_labels({"service": found["service"], "alertname": found["name"]}),
        **labels_of(mappings.find_all(mapping.labels, "labels", alert, problems)),
    }
    title = text_of(found["title"], SUMMARY_CHARACTERS_MAX)
    text = text_of(found["text"])
    labels.setdefault("alertname", title or text_of(text, 200) or NAMELESS)
    starts_at = instant(found["starts_at"], "starts_at", annotations)
    ends_at = instant(found["ends_at"], "ends_at", annotations)
    annotations = {
        "summary": title or labels["alertname"],
        **({"description": text} if text else {}),
        **annotations,
        **details(mappings.find_all(mapping.annotations, "annotations", alert, problems)),
    }
    key = text_of(found["key"], 1_000)
    if mapping.key and not key:
        problems.append("key: found nothing; the labels are the identity")
    if not labels_of(found) and not key:
        annotations["as_sent"] = text_of(alert)
    actions = {word.lower(): action for word, action in mapping.actions.items()}
    report = make_report(
        entry,
        _action(found, ("status",), actions, ends_at is not None and ends_at <= entry.received_at),
        labels=labels,
        annotations=annotations,
        identity=f"key {key}" if key else _identity(labels, alert),
        starts_at=starts_at,
        ends_at=ends_at,
        url=text_of(found["url"]),
        group=text_of(found["group"], 1_000) or None,
        text=text,
    )
    return _noted(report, problems) if problems else report


def _identity(labels: Mapping[str, str], alert: object) -> str:
    """Who an alert is that has no key: its labels, but for the severity, which may change while it burns. Where they
    tell nothing apart, its whole text, so that two problems are never one."""
    telling = {name: value for name, value in labels.items() if name != "severity"}
    if telling == {"alertname": NAMELESS}:
        return f"body {text_of(alert)}"
    return "labels " + "\xff".join(f"{name}\xfe{telling[name]}" for name in sorted(telling))


def _severity(word: str) -> dict[str, str]:
    """The severity label: our word for the sender's where we know it, else the sender's own."""
    word = severity_of(word) or text_of(word, 100).strip()
    return {"severity": word} if word else {}


def _action(alert: Mapping[str, Any], names: tuple[str, ...], words: Mapping[str, Action], ended: bool) -> Action:
    """The first status that says something known; else an end that has passed. Anything else fires: a needless page
    is better than a lost one."""
    for name in names:
        value = alert.get(name)
        if value is None or isinstance(value, dict | list):
            continue
        action = words.get(text_of(value, 200).strip().lower()) or action_of(value)
        if action is not None:
            return action
    return "resolve" if ended else "fire"


def _noted(report: Report, problems: list[str]) -> Report:
    """`report` with what went wrong with its mapping in sight."""
    annotations = {"tocsin_mapping": text_of("; ".join(problems), 1_000), **report.annotations}
    return msgspec.structs.replace(report, annotations=annotations)
