"""Every captured request of a real sender, read field by field."""

from __future__ import annotations

import json

from tocsin.core.alert import fingerprint_of, identity_of
from tocsin.intake.groups import group_named
from tocsin.intake.pagerduty import Event, check

from .entries import RECEIVED, at, capture, one, read, whole

OPSGENIE_ALIAS = "17c4e445d234645c9e547ff6d32a864af0ebdadcd1902771c24c8d366637ff41"
DEDUP_KEY = "55e02de15d3fcfdf8128acef8359fab46d9616ba45b4b8c32f5e43fbc938d572"
DISK_FULL = {"alertname": "DiskFull", "instance": "a", "service": "db", "severity": "warning"}


def receivers(prefix: str) -> list[tuple[str, str, str]]:
    """(method, path after the receiver's name, body) of the requests to one of Alertmanager 0.33's receivers."""
    return [
        (method, path.removeprefix(f"/{prefix}").lstrip("/"), body)
        for method, path, _, body in capture("am033_receivers.json")
        if path.startswith(f"/{prefix}")
    ]


def hooks(path: str) -> list[str]:
    return [record["body"] for record in capture("hook33.jsonl") if record["path"] == path]


def test_the_webhook_of_alertmanager_0_25_sent_twice_says_the_same_twice():
    first, second = (read("alertmanager", record["body"].encode()) for record in capture("hook_own.json"))

    assert first == second
    a, b = first
    assert a.action == b.action == "fire"
    assert a.labels == {
        "alertname": "HighErrorRate", "instance": "a", "service": "checkout", "severity": "critical",
    }  # fmt: skip
    assert a.fingerprint == fingerprint_of(a.labels) != b.fingerprint
    assert a.annotations == {"runbook_url": "https://rb/x", "summary": "5xx > 10%"}
    assert a.starts_at == at("2026-11-21T06:39:52.781148Z")
    assert b.starts_at == at("2026-11-21T06:39:52.797941Z")
    assert a.ends_at is None and not a.timeout
    assert (a.url, b.url) == ("http://prom/graph", "http://vm:19093")
    assert a.group == group_named('{}:{alertname="HighErrorRate", severity="critical"}')


def test_a_truncated_group_resolves_nobody_and_says_that_some_are_missing():
    reports = read("alertmanager", capture("hook_own.json")[0]["body"].encode())

    assert [report.action for report in reports] == ["fire", "fire"]
    assert {report.text for report in reports} == {"the sender left out alerts of this group: 1"}


def test_the_webhook_of_alertmanager_0_33_fires_and_resolves_one_alert():
    fired, resolved = (one("alertmanager", body.encode()) for body in hooks("/alertmanager"))

    assert fired.labels == resolved.labels == DISK_FULL
    assert fired.fingerprint == resolved.fingerprint == fingerprint_of(DISK_FULL)
    assert (fired.action, fired.ends_at) == ("fire", None)
    assert (resolved.action, resolved.ends_at) == ("resolve", at("2026-11-21T06:41:25Z"))
    assert fired.starts_at == resolved.starts_at == at("2026-11-21T06:41:25Z")
    assert fired.annotations == {"summary": "disk 95%"}
    assert fired.group == group_named('{}/{}:{alertname="DiskFull", severity="warning"}')
    assert fired.text == ""


def test_pagerduty_events_of_alertmanager_0_33_fire_and_resolve_one_alert():
    fired, resolved = (one("pagerduty", body.encode()) for body in hooks("/v2/enqueue"))

    assert fired.fingerprint == resolved.fingerprint == identity_of("prod", f"dedup_key {DEDUP_KEY}")
    assert fired.labels == {**DISK_FULL, "source": "Alertmanager", "client": "Alertmanager"}
    assert fired.annotations["summary"] == "[FIRING:1] DiskFull warning (a db)"
    assert fired.annotations["num_firing"] == "1"
    assert json.loads(fired.annotations["firing"])[0]["fingerprint"] == "03a96514512d16e4"
    assert (fired.action, fired.starts_at, fired.ends_at) == ("fire", at("2026-11-21T06:41:25Z"), None)
    assert (resolved.action, resolved.ends_at) == ("resolve", at("2026-11-21T06:41:25Z"))
    assert fired.url == "http://vm:43193/#/alerts?receiver=pd"


def test_opsgenie_calls_of_alertmanager_create_update_and_close_one_alert():
    calls = receivers("opsgenie")
    reports = [one("opsgenie", body.encode(), suffix=path) for _, path, body in calls]

    created, message, description, closed = reports
    assert {report.fingerprint for report in reports} == {identity_of("prod", f"alias {OPSGENIE_ALIAS}")}
    assert [report.action for report in reports] == ["fire", "note", "note", "resolve"]
    assert created.labels == {
        "alertname": "DiskFull",
        "service": "db",
        "severity": "critical",
        "priority": "P1",
        "source": "http://vm:45659/#/alerts?receiver=all",
    }
    assert created.annotations["summary"] == "[FIRING:1] DiskFull (db critical)"
    assert created.annotations["description"].startswith("disk 95%\nAlerts Firing:")
    assert created.url == "http://vm:45659/#/alerts?receiver=all"
    assert message.text == "message: [FIRING:1] DiskFull (db critical)"
    assert description.text.startswith("description: disk 95%")
    assert (closed.ends_at, closed.labels) == (RECEIVED, {})


def test_incident_io_notifications_of_alertmanager_fire_and_resolve_one_alert():
    fired, resolved = (one("incidentio", body.encode()) for _, _, body in receivers("incidentio"))

    assert fired.labels == {"alertname": "DiskFull", "service": "db", "severity": "critical"}
    assert fired.fingerprint == resolved.fingerprint == fingerprint_of(fired.labels)
    assert (fired.action, resolved.action) == ("fire", "resolve")
    assert fired.starts_at == resolved.ends_at == at("2026-11-21T07:09:59.954488Z")


def test_victorops_messages_of_alertmanager_fire_and_resolve_one_alert():
    fired, resolved = (one("victorops", body.encode(), suffix=path) for _, path, body in receivers("victorops"))

    assert fired.fingerprint == resolved.fingerprint == identity_of("prod", f"entity {OPSGENIE_ALIAS}")
    assert (fired.action, resolved.action) == ("fire", "resolve")
    assert fired.labels == {
        "alertname": "DiskFull",
        "service": "db",
        "severity": "critical",
        "monitoring_tool": "Alertmanager",
        "routing_key": "db",
    }
    assert fired.annotations["summary"] == "[FIRING:1] DiskFull (db critical)"
    assert fired.annotations["description"].startswith("disk 95%")
    assert resolved.ends_at == RECEIVED


def test_no_captured_body_is_unreadable():
    bodies = [("alertmanager", record["body"], "") for record in capture("hook_own.json")]
    bodies += [
        ("pagerduty" if "enqueue" in record["path"] else "alertmanager", record["body"], "")
        for record in capture("hook33.jsonl")
    ]
    bodies += [
        (kind, body, path) for kind in ("opsgenie", "incidentio", "victorops") for _, path, body in receivers(kind)
    ]

    reports = [report for kind, body, path in bodies for report in read(kind, body.encode(), suffix=path)]

    assert len(reports) == 16
    assert not [report for report in reports if report.labels.get("alertname") == "UnreadableAlert"]


def test_the_examples_of_pagerdutys_specification_are_valid_events():
    specification = whole("pd_events.json")
    alerts, changes = (
        [example["value"] for example in content["examples"].values()]
        for content in (
            specification["paths"][path]["post"]["requestBody"]["content"]["application/json"]
            for path in ("/enqueue", "/change/enqueue")
        )
    )

    for event in alerts:
        assert check(json.dumps(event).encode()) == Event(
            routing_key="e93facc04764012d7bfb002500d5d1a6", action="fire", dedup_key="srv01/mysql"
        )
        assert one("pagerduty", event).labels["alertname"] == "disk"
    for event in changes:
        assert isinstance(check(json.dumps(event).encode(), change=True), Event)
        assert one("pagerduty_change", event).action == "change"
    assert (len(alerts), len(changes)) == (1, 2)


def test_a_group_of_alertmanager_0_33_has_one_name_through_every_receiver():
    opsgenie = next(body for method, path, body in receivers("opsgenie") if (method, path) == ("POST", "v2/alerts"))
    groups = {
        "opsgenie": one("opsgenie", opsgenie.encode(), suffix="v2/alerts").group,
        "victorops": one("victorops", receivers("victorops")[0][2].encode(), suffix="KEY/db").group,
        "incidentio": one("incidentio", receivers("incidentio")[0][2].encode()).group,
    }

    assert set(groups.values()) == {group_named('{}:{alertname="DiskFull"}')}, groups
    (pagerduty, _), (webhook, _) = hooks("/v2/enqueue"), hooks("/alertmanager")
    assert one("pagerduty", pagerduty.encode()).group == one("alertmanager", webhook.encode()).group
    assert one("pagerduty", pagerduty.encode()).group == DEDUP_KEY[:16]


def test_a_digest_as_somebody_elses_key_is_no_group():
    alert = {"message": "Disk full", "alias": OPSGENIE_ALIAS, "source": "cron"}
    event = {
        "event_action": "trigger",
        "dedup_key": DEDUP_KEY,
        "payload": {"summary": "Disk full", "source": "db1", "severity": "error", "custom_details": {"firing": "yes"}},
    }
    message = {"message_type": "CRITICAL", "entity_id": OPSGENIE_ALIAS, "monitoring_tool": "cron"}

    assert one("opsgenie", alert, suffix="v2/alerts").group is None
    assert one("pagerduty", event).group is None
    assert one("victorops", message).group is None
    assert one("pagerduty", {**event, "client": "Alertmanager", "dedup_key": "disk"}).group is None
