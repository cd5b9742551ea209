"""Grafana, Opsgenie, VictorOps, incident.io, OnCall and CloudEvents, from payloads after their documentation."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tocsin.core.alert import fingerprint_of, identity_of
from tocsin.intake.opsgenie import call_of
from tocsin.intake.victorops import routing_key_of

from .entries import RECEIVED, at, one, read

GRAFANA: dict[str, Any] = {
    "receiver": "tocsin",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "High memory usage", "grafana_folder": "Prod", "team": "blue"},
            "annotations": {"summary": "memory is high", "runbook_url": "https://rb/mem"},
            "startsAt": "2026-11-21T07:59:00.123456789+01:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://grafana/alerting/1afz29v7z/edit",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://grafana/alerting/silence/new?x=1",
            "dashboardURL": "https://grafana/d/abc",
            "panelURL": "https://grafana/d/abc?viewPanel=1",
            "imageURL": "https://grafana/image.png",
            "ruleUID": "1afz29v7z",
            "values": {"A": 44.23943737541908, "B": None},
            "valueString": "[ var='A' labels={} value=44.2 ]",
            "orgId": 1,
        }
    ],
    "groupLabels": {},
    "commonLabels": {"team": "blue"},
    "externalURL": "https://grafana/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:1]  (blue)",
    "state": "alerting",
    "message": "**Firing**",
    "appVersion": "12.1.0",
}


def test_grafana_is_alertmanagers_webhook_with_links_and_values():
    report = one("grafana", GRAFANA)

    assert report.action == "fire"
    assert report.labels == GRAFANA["alerts"][0]["labels"]
    assert report.fingerprint == fingerprint_of(report.labels)
    assert report.annotations == {
        "summary": "memory is high",
        "runbook_url": "https://rb/mem",
        "dashboard_url": "https://grafana/d/abc",
        "panel_url": "https://grafana/d/abc?viewPanel=1",
        "silence_url": "https://grafana/alerting/silence/new?x=1",
        "image_url": "https://grafana/image.png",
        "value_string": "[ var='A' labels={} value=44.2 ]",
        "rule_uid": "1afz29v7z",
        "values": "A=44.23943737541908, B=",
    }
    assert report.starts_at == at("2026-11-21T06:59:00.123456Z")
    assert report.url == "https://grafana/alerting/1afz29v7z/edit"


@pytest.mark.parametrize("version", ["1", "4", 4, None, "17"])
def test_no_version_of_a_notification_is_refused(version):
    assert one("grafana", {**GRAFANA, "version": version}) == one("grafana", GRAFANA)


def test_a_template_of_the_users_own_is_read_as_a_generic_alert():
    report = one("grafana", {"title": "Disk full", "state": "alerting", "text": "on db1", "severity": "critical"})

    assert report.action == "fire"
    assert report.labels == {"alertname": "Disk full", "severity": "critical"}
    assert report.annotations["description"] == "on db1"


def test_the_webhook_of_the_old_grafana_alerting_is_read_too():
    body = {
        "dashboardId": 1, "evalMatches": [{"value": 1, "metric": "Count", "tags": {}}], "message": "too much",
        "orgId": 0, "panelId": 1, "ruleId": 7, "ruleName": "Panel Title alert", "ruleUrl": "https://grafana/d/x",
        "state": "alerting", "title": "[Alerting] Panel Title alert",
    }  # fmt: skip
    fired, resolved = one("grafana", body), one("grafana", {**body, "state": "ok", "title": "[OK] Panel Title alert"})

    assert (fired.action, resolved.action) == ("fire", "resolve")
    assert fired.fingerprint == resolved.fingerprint
    assert fired.labels["alertname"] == "Panel Title alert"
    assert fired.url == "https://grafana/d/x"
    pending = one("grafana", {**body, "state": "Pending"})
    assert (pending.action, pending.fingerprint) == ("note", fired.fingerprint)  # Grafana waits itself, and then alerts
    assert one("grafana", {"title": "a template of somebody's own", "state": "pending"}).action == "fire"


@pytest.mark.parametrize(
    ("suffix", "call"),
    [
        ("v2/alerts", ("", "")),
        ("v2/alerts/", ("", "")),
        ("", ("", "")),
        ("v1/alerts", ("", "")),
        ("alerts", ("", "")),
        ("v2/alerts/abc/close", ("abc", "close")),
        ("v2/alerts/abc/close?identifierType=alias", ("abc", "close")),
        ("v2/alerts/srv01/disk/acknowledge", ("srv01/disk", "acknowledge")),
        ("v2/alerts/close/close", ("close", "close")),
        ("v2/alerts/abc", ("abc", "")),
    ],
)
def test_an_opsgenie_path_names_the_alias_and_the_verb(suffix, call):
    assert call_of(suffix) == call


def test_an_opsgenie_alert_keeps_short_details_as_labels_and_long_ones_as_annotations():
    report = one(
        "opsgenie",
        {
            "message": "An example alert", "alias": "Life is too short", "description": "Every alert needs one",
            "responders": [{"name": "NOC Team", "type": "team"}, {"username": "trinity@example.com", "type": "user"}],
            "tags": ["OverwriteQuietHours", "Critical"], "entity": "db1", "priority": "P2", "user": "Monit",
            "details": {"serverName": "Zion", "trace": "x" * 300, "nested": {"a": 1}},
        },
        suffix="v2/alerts",
    )  # fmt: skip

    assert report.fingerprint == identity_of("prod", "alias Life is too short")
    assert report.labels == {
        "alertname": "An example alert",
        "entity": "db1",
        "tags": "OverwriteQuietHours, Critical",
        "serverName": "Zion",
        "priority": "P2",
        "severity": "error",
    }
    assert report.annotations == {
        "summary": "An example alert",
        "description": "Every alert needs one",
        "trace": "x" * 300,
        "nested.a": "1",
        "responders": '["NOC Team","trinity@example.com"]',
        "user": "Monit",
    }


@pytest.mark.parametrize(
    ("priority", "severity"), [("P1", "critical"), ("P2", "error"), ("P3", "warning"), ("P4", "info"), ("P5", "info")]
)
def test_an_opsgenie_priority_is_a_severity(priority, severity):
    report = one("opsgenie", {"message": "m", "alias": "a", "priority": priority}, suffix="v2/alerts")

    assert report.labels["severity"] == severity


@pytest.mark.parametrize(
    ("details", "severity", "priority"),
    [
        ({}, "warning", "P3"),
        ({"priority": "sometime"}, "warning", "sometime"),
        ({"severity": "critical"}, "critical", None),
        ({"severity": "page"}, "page", None),
    ],
)
def test_an_opsgenie_alert_that_says_no_priority_has_opsgenies_own(details, severity, priority):
    for alert in ({"details": details}, {"details": details, "priority": ""}, {"details": details, "priority": None}):
        labels = one("opsgenie", {"message": "m", "alias": "a", **alert}, suffix="v2/alerts").labels

        assert (labels["severity"], labels.get("priority")) == (severity, priority)


@pytest.mark.parametrize(
    ("verb", "body", "action", "text"),
    [
        ("close", {"user": "ana", "note": "fixed"}, "resolve", "close: fixed"),
        ("close", {}, "resolve", "close"),
        ("acknowledge", {"user": "ana"}, "acknowledge", "acknowledge"),
        ("notes", {"note": "looking", "user": "ana"}, "note", "looking"),
        ("message", {"message": "new title"}, "note", "message: new title"),
        ("priority", {"priority": "P1"}, "note", "priority: P1"),
        ("tags", {"tags": ["a"]}, "note", 'tags: {"tags":["a"]}'),
        ("unacknowledge", {}, "note", "unacknowledge"),
    ],
)
def test_an_opsgenie_call_on_an_alias_is_about_that_alert(verb, body, action, text):
    report = one("opsgenie", body, suffix=f"v2/alerts/my alias/{verb}")

    assert (report.action, report.text, report.labels) == (action, text, {})
    assert report.fingerprint == identity_of("prod", "alias my alias")


@pytest.mark.parametrize(
    ("word", "action"),
    [("Create", "fire"), ("Acknowledge", "acknowledge"), ("UnAcknowledge", "note"), ("Close", "resolve"),
     ("Delete", "resolve"), ("AddNote", "note"), ("Escalate", "note")],
)  # fmt: skip
def test_an_opsgenie_webhook_tells_what_became_of_the_alias(word, action):
    alert = {"alertId": "052652ac", "alias": "a/b", "message": "m", "username": "kim@example.org",
             "updatedAt": 1795248000123456789, "createdAt": 1795247000123, "tags": ["x"]}  # fmt: skip
    report = one("opsgenie", {"action": word, "alert": alert, "integrationName": "out"})

    assert (report.action, report.fingerprint) == (action, identity_of("prod", "alias a/b"))
    assert report.identity == "alias a/b"
    if action == "fire":
        assert report.starts_at == at("2026-11-21T07:43:20.123Z")
        assert report.labels["alertname"] == "m"
    else:
        assert report.said_at == at("2026-11-21T08:00:00.123456Z")
        assert "kim@example.org" in report.text


def test_an_opsgenie_webhook_without_an_alias_means_the_alert_by_its_id():
    report = one("opsgenie", {"action": "Acknowledge", "alert": {"alertId": "052652ac"}})
    assert (report.identity, report.said_at) == ("alias 052652ac", None)


def test_an_opsgenie_close_with_an_empty_body_closes():
    assert one("opsgenie", b"", suffix="v2/alerts/abc/close").action == "resolve"


def test_opsgenie_alerts_without_an_alias_are_told_apart():
    first = one("opsgenie", {"message": "m"}, suffix="v2/alerts", dedup_key="made-up-1")
    second = one("opsgenie", {"message": "m"}, suffix="v2/alerts", dedup_key="made-up-2")

    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize(
    ("suffix", "key"),
    [("KEY/db", "db"), ("KEY/db/", "db"), ("KEY", ""), ("", ""), ("db", "db"), ("KEY/db?x=1", "db")],
)
def test_a_victorops_path_names_the_routing_key(suffix, key):
    assert routing_key_of(suffix) == key


@pytest.mark.parametrize(
    ("kind", "action", "severity"),
    [
        ("CRITICAL", "fire", "critical"),
        ("critical", "fire", "critical"),
        ("WARNING", "fire", "warning"),
        ("INFO", "note", None),
        ("ACKNOWLEDGEMENT", "acknowledge", None),
        ("RECOVERY", "resolve", None),
        ("SOMETHING_NEW", "fire", None),
    ],
)
def test_a_victorops_message_type_is_an_action(kind, action, severity):
    report = one("victorops", {"message_type": kind, "entity_id": "disk/db1", "state_start_time": 1795245600})

    assert (report.action, report.labels.get("severity")) == (action, severity)
    assert report.fingerprint == identity_of("prod", "entity disk/db1")
    assert report.starts_at == (at("2026-11-21T07:20:00Z") if action == "fire" else None)
    assert report.ends_at == (at("2026-11-21T07:20:00Z") if action == "resolve" else None)


def test_incident_ios_http_form_is_read_field_by_field():
    body = {
        "title": "*errors.withMessage: timeout", "status": "firing", "deduplication_key": "4293868629",
        "description": "the full trace", "source_url": "https://sentry.io/x",
        "metadata": {"service": "hooks", "severity": "P2", "team": ["my-team"]},
    }  # fmt: skip
    fired, resolved = one("incidentio", body), one("incidentio", {**body, "status": "resolved"})

    assert fired.fingerprint == resolved.fingerprint == identity_of("prod", "key 4293868629")
    assert (fired.action, resolved.action, resolved.ends_at) == ("fire", "resolve", RECEIVED)
    assert fired.labels == {"alertname": "*errors.withMessage: timeout", "severity": "error", "service": "hooks"}
    assert fired.annotations["team"] == '["my-team"]'
    assert fired.url == "https://sentry.io/x"


def test_the_formatted_webhook_of_oncall_is_read_verbatim():
    body = {
        "alert_uid": "08d6891a-835c-e661-39fa-96b6a9e26552", "title": "The whole system is down",
        "image_url": "https://example.com/cat.png", "state": "alerting", "message": "Smth happened. Oh no!",
        "link_to_upstream_details": "https://en.wikipedia.org/wiki/Downtime",
    }  # fmt: skip
    fired, resolved = one("oncall", body), one("oncall", {**body, "state": "ok"})

    assert fired.fingerprint == resolved.fingerprint
    assert (fired.action, resolved.action) == ("fire", "resolve")
    assert fired.annotations == {
        "summary": "The whole system is down",
        "description": "Smth happened. Oh no!",
        "image_url": "https://example.com/cat.png",
    }
    assert fired.url == "https://en.wikipedia.org/wiki/Downtime"


CLOUD_EVENT = {
    "specversion": "1.0",
    "type": "com.example.disk.firing",
    "source": "/monitors/disk",
    "subject": "db1",
    "id": "A234-1234-1234",
    "time": "2026-11-21T07:31:00Z",
    "severity": "critical",
}


def test_a_cloudevent_means_the_same_structured_batched_and_binary():
    headers = {f"ce-{name}": value for name, value in CLOUD_EVENT.items()}
    data = {"title": "disk is full"}

    structured = one("cloudevents", {**CLOUD_EVENT, "data": data})
    (batched,) = read("cloudevents", [{**CLOUD_EVENT, "data": data}])
    encoded = base64.b64encode(json.dumps(data).encode()).decode()
    packed = one("cloudevents", {**CLOUD_EVENT, "data_base64": encoded})
    binary = one("cloudevents", data, **headers)

    assert structured == batched == binary
    assert packed.labels == structured.labels
    assert structured.action == "fire"
    assert structured.fingerprint == identity_of("prod", "subject /monitors/disk db1")
    assert structured.starts_at == at("2026-11-21T07:31:00Z")
    assert structured.annotations["summary"] == "disk is full"
    assert structured.labels["subject"] == "db1"


def test_a_cloudevent_whose_type_says_that_it_is_over_resolves_the_same_subject():
    fired = one("cloudevents", CLOUD_EVENT)
    resolved = one("cloudevents", {**CLOUD_EVENT, "type": "com.example.disk.resolved", "id": "B"})

    assert fired.fingerprint == resolved.fingerprint
    assert (resolved.action, resolved.ends_at) == ("resolve", at("2026-11-21T07:31:00Z"))
    assert (fired.labels["alertname"], fired.labels["severity"]) == ("com.example.disk.firing", "critical")


def test_percent_encoded_headers_of_binary_mode_are_decoded():
    report = one("cloudevents", b"plain text", **{"ce-type": "x.fired", "ce-source": "/a", "ce-subject": "caf%C3%A9"})

    assert report.labels["subject"] == "café"
    assert report.text == "plain text"


def test_the_data_of_a_cloudevent_decides_what_it_says():
    report = one("cloudevents", {**CLOUD_EVENT, "data": {"id": "k1", "status": "ok", "name": "Disk"}})

    assert (report.action, report.labels["alertname"]) == ("resolve", "Disk")
    assert report.fingerprint == identity_of("prod", "key k1")


def test_a_cdevents_deployment_is_a_change():
    report = one(
        "cloudevents",
        {
            "specversion": "1.0", "id": "271069a8", "source": "/ci/spinnaker", "time": "2026-11-21T07:40:00Z",
            "type": "dev.cdevents.service.deployed.0.1.1", "datacontenttype": "application/json",
            "data": {
                "context": {"version": "0.3.0", "id": "271069a8"},
                "subject": {
                    "id": "checkout", "type": "service",
                    "content": {"environment": {"id": "production"}, "artifactId": "pkg:oci/checkout@sha256%3A0b31"},
                },
            },
        },
    )  # fmt: skip

    assert report.action == "change"
    assert report.labels == {
        "alertname": "service.deployed",
        "service": "checkout",
        "environment": "production",
        "source": "/ci/spinnaker",
    }
    assert report.annotations["summary"] == "service deployed: checkout (pkg:oci/checkout@sha256%3A0b31)"
    assert report.starts_at == at("2026-11-21T07:40:00Z")


def test_a_cdevent_without_its_envelope_is_read_too():
    context = {"version": "0.4.0", "id": "1", "source": "/ci", "type": "dev.cdevents.service.rolledback.0.2.0",
               "timestamp": "2026-11-21T07:41:00Z"}  # fmt: skip
    report = one("cloudevents", {"context": context, "subject": {"id": "checkout", "content": {}}})

    assert (report.action, report.labels["service"]) == ("change", "checkout")
    assert report.starts_at == at("2026-11-21T07:41:00Z")


def test_a_cdevents_incident_is_no_change():
    body = {**CLOUD_EVENT, "data": {"subject": {"id": "inc-1", "content": {"service": {"id": "checkout"}}}}}
    detected = one("cloudevents", {**body, "type": "dev.cdevents.incident.detected.0.2.0"})
    resolved = one("cloudevents", {**body, "type": "dev.cdevents.incident.resolved.0.2.0"})

    assert (detected.action, resolved.action) == ("fire", "resolve")
    assert detected.fingerprint == resolved.fingerprint
    assert detected.labels["service"] == "checkout"


def test_one_event_of_a_batch_that_is_none_does_not_lose_the_others():
    reports = read("cloudevents", [CLOUD_EVENT, 7, {**CLOUD_EVENT, "subject": "db2"}])

    assert [report.labels["alertname"] for report in reports] == [
        "com.example.disk.firing",
        "UnreadableAlert",
        "com.example.disk.firing",
    ]
