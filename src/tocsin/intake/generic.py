"""Any JSON (or form): read through the source's own mapping, or by the names that monitors commonly use.

Also what every other format degrades to when a body is not what was expected.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from tocsin.core.alert import Action, Report
from tocsin.intake import mapping as mappings, names
from tocsin.intake.names import members_of
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
    text_of,
    unreadable,
)
from tocsin.ports import Entry

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
        alerts = value if isinstance(value, list) else names.listed(value) if isinstance(value, dict) else None
        return _all(entry, [value] if alerts is None else alerts, _by_names)
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
    members = members_of(alert)
    annotations: dict[str, str] = {}
    labels, name = _labels(alert, members)
    title = members.text(names.TITLE, SUMMARY_CHARACTERS_MAX)
    text = members.text(names.TEXT)
    checked = labels.get("service", "") if "host" in labels else ""  # a check is called what it looks at
    labels["alertname"] = name or title or checked or text_of(text, 200) or NAMELESS
    ends_at = instant(members.instant(names.ENDS_AT), "ends_at", annotations)
    action = members.action() or _until(entry, ends_at)
    # A time stamp on a resolve is when it was sent, not when the trouble began.
    began_at = members.instant(names.BEGAN_AT, names.SAID_AT) if action == "fire" else None
    starts_at = instant(began_at, "starts_at", annotations)
    if action != "fire" and ends_at is None:
        ends_at = instant(members.instant(names.SAID_AT), "ends_at", annotations)
    annotations = {
        "summary": title or name or text_of(text, 200) or "an alert without a title",
        **({"description": text} if text else {}),
        **annotations,
        **details(alert),
    }
    key = members.key()
    return make_report(
        entry,
        action,
        labels=labels,
        annotations=annotations,
        # Without a key the labels are the identity; severity may change while the problem is the same.
        identity=f"key {key}" if key else _identity(labels, alert),
        starts_at=starts_at,
        ends_at=ends_at,
        url=members.text(names.URL),
        group=members.text(names.GROUP, 1_000) or None,
        text=text,
    )


def _labels(alert: Mapping[str, Any], members: names.Members) -> tuple[dict[str, str], str]:
    """The labels but for the alert's name, and that name. Tags say what no member says."""
    given = labels_of(alert.get("labels"))
    tags, said = members.tags()
    tagged = {names.fold(name): value for name, value in tags.items()} | said
    places = {
        label: members.place(found) or next((tagged[name] for name in found if name in tagged), "")
        for label, found in names.PLACES.items()
    }
    word = text_of(next((tagged[name] for name in names.SEVERITY if name in tagged), ""), 200)
    labels = {**labels_of(tags), **made_labels(places), **_severity(members.severity() or severity_of(word) or word)}
    return {**labels, **given}, given.get("alertname") or members.name()


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
        _action(found["status"], actions) or _until(entry, ends_at),
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


def _action(status: object, words: Mapping[str, Action]) -> Action | None:
    if status is None or isinstance(status, dict | list):
        return None
    return words.get(text_of(status, 200).strip().lower()) or action_of(status)


def _until(entry: Entry, ends_at: datetime | None) -> Action:
    """What an alert asks for that says no state: an end that has passed resolves. Anything else fires: a needless page
    is better than a lost one."""
    return "resolve" if ends_at is not None and ends_at <= entry.received_at else "fire"


def _noted(report: Report, problems: list[str]) -> Report:
    """`report` with what went wrong with its mapping in sight."""
    annotations = {"tocsin_mapping": text_of("; ".join(problems), 1_000), **report.annotations}
    return msgspec.structs.replace(report, annotations=annotations)
