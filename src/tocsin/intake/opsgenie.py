"""Opsgenie's alert API, as Alertmanager, its SDKs and its many integrations call it.

The call is in the path after the token (`entry.meta["suffix"]`): `v2/alerts` creates, `v2/alerts/{alias}/close` and the
like act on what the alias names. Identity is the alias. A body with `action` and `alert` comes from
Opsgenie's own webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Action, Report
from tocsin.intake.groups import group_of
from tocsin.intake.times import read_time
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
    text_of,
)
from tocsin.ports import Entry

VERBS: dict[str, Action] = {
    "close": "resolve",
    "delete": "resolve",
    "acknowledge": "acknowledge",
    "unacknowledge": "note",
    "snooze": "note",
    "escalate": "note",
    "assign": "note",
    "notes": "note",
    "message": "note",
    "description": "note",
    "priority": "note",
    "tags": "note",
    "details": "note",
    "responders": "note",
    "teams": "note",
    "actions": "note",
}
PRIORITY_DEFAULT = "P3"  # of an alert that says none, as Opsgenie itself takes it
LABEL_VALUE_MAX = 256  # a longer detail is prose, not something to route by


def parse(entry: Entry) -> list[Report]:
    """The one call in a body: an alert created, or what became of it."""
    alias, verb = call_of(entry.meta.get("suffix", ""))
    value = decode(entry.body) if entry.body.strip() else {}
    body: Mapping[str, Any] = value if isinstance(value, dict) else {"note": value}
    if verb:
        return [_update(entry, alias, verb, body)]
    if not alias and isinstance(body.get("alert"), dict) and isinstance(body.get("action"), str):
        return [_webhook(entry, str(body["action"]), body["alert"])]
    return [_create(entry, alias, body)]


def call_of(suffix: str) -> tuple[str, str]:
    """(alias, verb) of the path after the token; both empty when it creates. An alias may hold slashes."""
    parts = suffix.partition("?")[0].strip("/").split("/")
    if parts[0] in ("v1", "v2"):
        parts.pop(0)
    if parts[:1] == ["alerts"]:
        parts.pop(0)
    if len(parts) > 1 and parts[-1] in VERBS:
        return "/".join(parts[:-1]), parts[-1]
    return "/".join(parts), ""


def _create(entry: Entry, alias: str, alert: Mapping[str, Any]) -> Report:
    message = string_at(alert, "message", limit=SUMMARY_CHARACTERS_MAX)
    description = string_at(alert, "description")
    given = alert.get("details")
    details_given: Mapping[str, Any] = given if isinstance(given, dict) else {}
    short = {
        name: value
        for name, value in details_given.items()
        if not isinstance(value, dict | list) and len(text_of(value)) <= LABEL_VALUE_MAX
    }
    labels = {
        **made_labels({"alertname": message or "Opsgenie alert", "source": string_at(alert, "source")}),
        **made_labels({"entity": string_at(alert, "entity"), "tags": ", ".join(_names(alert.get("tags")))}),
        **labels_in_text(description),
        **made_labels(short),
    }
    if priority := string_at(alert, "priority", limit=20):
        # The priority is what its sender chose for the pager; a detail of the same name may be another scale.
        labels |= {"priority": priority, "severity": severity_of(priority) or labels.get("severity", priority)}
    elif said := labels.get("severity"):
        labels["severity"] = severity_of(said) or said
    else:
        labels |= {"priority": labels.get("priority", PRIORITY_DEFAULT), "severity": severity_of(PRIORITY_DEFAULT)}
    annotations = {"summary": message or "an Opsgenie alert without a message", "description": description}
    annotations |= details({name: value for name, value in details_given.items() if name not in short})
    annotations |= details({"responders": _names(alert.get("responders"))})
    annotations |= {name: text for name in ("user", "note") if (text := string_at(alert, name))}
    source = string_at(alert, "source")
    alias = string_at(alert, "alias", limit=1_000) or alias or _made_up(entry)
    marked = "/#/alerts?receiver=" in source or bool(labels_in_text(description))
    return make_report(
        entry,
        "fire",
        identity=f"alias {alias}",
        group=group_of(alias, marked=marked),
        labels=labels,
        annotations={name: value for name, value in annotations.items() if value},
        url=source if source.startswith(("http://", "https://")) else "",
        text=message,
    )


def _update(entry: Entry, alias: str, verb: str, body: Mapping[str, Any]) -> Report:
    """What a call on an alias says. Only closing and acknowledging change a state; the rest is told as a note."""
    rest = {name: value for name, value in body.items() if name not in ("source", "user")}
    said = string_at(body, "note", "message", "description", "priority") or text_of(rest or None)
    annotations = {
        name: text
        for name, text in (
            ("summary", string_at(body, "message", limit=SUMMARY_CHARACTERS_MAX)),
            ("description", string_at(body, "description")),
            ("note", string_at(body, "note")),
            ("user", string_at(body, "user")),
        )
        if text
    }
    text = said if verb == "notes" else f"{verb}: {said}" if said else verb
    return make_report(entry, VERBS[verb], identity=f"alias {alias}", labels={}, annotations=annotations, text=text)


WEBHOOK_ACTIONS: dict[str, Action] = {
    "create": "fire",
    "acknowledge": "acknowledge",
    "close": "resolve",
    "delete": "resolve",
}


def _webhook(entry: Entry, word: str, alert: Mapping[str, Any]) -> Report:
    """An action that Opsgenie's own webhook tells of. What neither begins, takes nor ends an alert is a note."""
    action = WEBHOOK_ACTIONS.get(word.casefold(), "note")
    alias = string_at(alert, "alias", limit=1_000) or string_at(alert, "alertId", limit=1_000) or _made_up(entry)
    if action == "fire":
        made = _create(entry, alias, {**alert, "alias": alias})
        return msgspec.structs.replace(made, starts_at=read_time(alert.get("createdAt")))
    annotations: dict[str, str] = {}
    said_at = instant(alert.get("updatedAt"), "updated_at", annotations)
    who = string_at(alert, "username", "userId", limit=200)
    return make_report(
        entry,
        action,
        identity=f"alias {alias}",
        labels={},
        annotations=annotations,
        ends_at=said_at,
        text=f"{word}: {who}" if who else word,
        said_at=said_at,
    )


def _names(value: object) -> list[str]:
    """The names in a list of strings or of objects with a name; what responders, teams and tags look like."""
    items = value if isinstance(value, list) else []
    return [
        string_at(item, "name", "username", "id", limit=200) if isinstance(item, dict) else text_of(item, 200)
        for item in items[:50]
    ]


def _made_up(entry: Entry) -> str:
    return entry.meta.get("dedup_key", "") or f"entry {entry.position}"
