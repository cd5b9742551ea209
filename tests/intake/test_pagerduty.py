"""PagerDuty's Events v2: what is refused in its words, what is read from an event, and changes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tocsin.core.alert import identity_of
from tocsin.intake.pagerduty import Event, check

from .entries import RECEIVED, at, one

KEY = "e93facc04764012d7bfb002500d5d1a6"
EVENT: dict[str, Any] = {
    "routing_key": KEY,
    "event_action": "trigger",
    "dedup_key": "srv01/mysql",
    "payload": {
        "summary": "DISK at 99% on machine prod-datapipe03.example.com",
        "timestamp": "2015-07-17T08:42:58.315+0000",
        "severity": "critical",
        "source": "prod-datapipe03.example.com",
        "component": "mysql",
        "group": "prod-datapipe",
        "class": "disk",
        "custom_details": {"free space": "1%", "load avg": 0.75, "disks": {"sda": "99%"}},
    },
    "client": "Sample Monitoring Service",
    "client_url": "https://monitoring.service.com",
    "links": [{"href": "http://pagerduty.example.com", "text": "An example link."}],
    "images": [{"src": "https://chart.example.com/x.png"}],
}


def event(**changes: Any) -> dict[str, Any]:
    payload = {**EVENT["payload"], **changes.pop("payload", {})}
    return {**EVENT, "payload": payload, **changes}


def errors(value: Any, change: bool = False) -> list[str]:
    found = check(value if isinstance(value, bytes) else json.dumps(value).encode(), change)
    assert isinstance(found, list)
    return found


def test_a_trigger_is_read_field_by_field():
    report = one("pagerduty", EVENT)

    assert report.action == "fire"
    assert report.fingerprint == identity_of("prod", "dedup_key srv01/mysql")
    assert report.labels == {
        "alertname": "disk",
        "severity": "critical",
        "source": "prod-datapipe03.example.com",
        "component": "mysql",
        "group": "prod-datapipe",
        "class": "disk",
        "client": "Sample Monitoring Service",
    }
    assert report.annotations == {
        "summary": "DISK at 99% on machine prod-datapipe03.example.com",
        "links[0]": "An example link. http://pagerduty.example.com",
        "images[0]": "https://chart.example.com/x.png",
        "free space": "1%",
        "load avg": "0.75",
        "disks.sda": "99%",
    }
    assert report.starts_at == at("2015-07-17T08:42:58.315Z")
    assert report.ends_at is None
    assert report.url == "https://monitoring.service.com"


def test_acknowledge_and_resolve_name_the_alert_by_its_key_alone():
    acknowledged = one("pagerduty", {"routing_key": KEY, "event_action": "acknowledge", "dedup_key": "srv01/mysql"})
    resolved = one("pagerduty", {"routing_key": KEY, "event_action": "resolve", "dedup_key": "srv01/mysql"})

    assert acknowledged.fingerprint == resolved.fingerprint == one("pagerduty", EVENT).fingerprint
    assert (acknowledged.action, acknowledged.labels, acknowledged.ends_at) == ("acknowledge", {}, None)
    assert (resolved.action, resolved.labels, resolved.ends_at) == ("resolve", {}, RECEIVED)


def test_the_key_is_scoped_to_the_source():
    assert one("pagerduty", EVENT).fingerprint != identity_of("another", "dedup_key srv01/mysql")


def test_a_trigger_without_a_key_takes_the_one_that_was_journalled_with_it():
    report = one("pagerduty", event(dedup_key=None), dedup_key="made-up")

    assert report.fingerprint == identity_of("prod", "dedup_key made-up")


def test_a_naive_time_with_a_z_after_an_offset_is_read():
    report = one("pagerduty", event(payload={"timestamp": "2026-11-21T06:39:52.123456+00:00Z"}))

    assert report.starts_at == at("2026-11-21T06:39:52.123456Z")


def test_a_time_that_cannot_be_read_stays_visible_and_loses_nothing():
    report = one("pagerduty", event(payload={"timestamp": "half past nine"}))

    assert (report.action, report.starts_at) == ("fire", None)
    assert report.annotations["timestamp_as_sent"] == "half past nine"


def test_a_resolve_from_a_clock_ahead_of_ours_ends_now():
    report = one("pagerduty", event(event_action="resolve", payload={"timestamp": "2026-11-21T09:30:00Z"}))

    assert report.ends_at == RECEIVED


def test_the_printed_alerts_of_alertmanager_0_25_lend_the_event_their_common_labels():
    printed = (
        "Labels:\n - alertname = DiskFull\n - instance = {}\n - service = db\n - severity = critical\n"
        "Annotations:\n - summary = disk 95%\nSource: http://prom/graph\n"
    )
    details = {"firing": printed.format("a") + printed.format("b"), "num_firing": "2", "num_resolved": "0"}

    report = one("pagerduty", event(payload={"severity": "error", "custom_details": details}))

    assert report.labels["alertname"] == "DiskFull"
    assert report.labels["severity"] == "critical"
    assert report.labels["service"] == "db"
    assert "instance" not in report.labels


def test_a_group_of_alerts_begins_with_its_first_one_that_burns_and_ends_with_its_last():
    members = [
        {"labels": {"alertname": "A", "n": "1"}, "startsAt": "2026-11-21T06:00:00Z", "status": "resolved",
         "endsAt": "2026-11-21T06:30:00Z"},
        {"labels": {"alertname": "A", "n": "2"}, "startsAt": "2026-11-21T06:10:00Z", "status": "firing",
         "endsAt": "0001-01-01T00:00:00Z", "annotations": {"runbook_url": "https://rb/a"}},
        {"labels": {"alertname": "A", "n": "3"}, "startsAt": "2026-11-21T06:20:00Z", "status": "firing"},
    ]  # fmt: skip
    fired = one("pagerduty", event(payload={"custom_details": {"firing": members[1:], "resolved": members[:1]}}))
    ended = [{**member, "status": "resolved", "endsAt": f"2026-11-21T07:0{n}:00Z"} for n, member in enumerate(members)]
    resolved = one("pagerduty", event(event_action="resolve", payload={"custom_details": {"resolved": ended}}))

    assert fired.starts_at == at("2026-11-21T06:10:00Z")
    assert resolved.ends_at == at("2026-11-21T07:02:00Z")
    assert fired.labels["alertname"] == "A" and "n" not in fired.labels


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"not json", ["JSON parse error"]),
        (b"[1]", ["Event object format is unrecognized"]),
        (event(routing_key="short"), ["Length of 'routing_key' is incorrect (should be 32 characters)"]),
        (event(routing_key=None), ["'routing_key' is missing or blank"]),
        (event(event_action="page"), ["'event_action' is invalid (must be one of: trigger, acknowledge, resolve)"]),
        (
            event(event_action=["trigger"]),
            ["'event_action' is invalid (must be one of: trigger, acknowledge, resolve)"],
        ),
        ({"routing_key": KEY, "event_action": "resolve"}, ["'dedup_key' is missing or blank"]),
        (event(dedup_key="x" * 256), ["Length of 'dedup_key' is incorrect (should be at most 255 characters)"]),
        (event(dedup_key={"a": 1}), ["'dedup_key' is invalid (must be a string)"]),
        ({**EVENT, "payload": None}, ["'payload' is missing or blank"]),
        ({**EVENT, "payload": "text"}, ["'payload' is invalid (must be an object)"]),
        (
            {**EVENT, "payload": {}},
            [
                "'payload.summary' is missing or blank",
                "'payload.source' is missing or blank",
                "'payload.severity' is missing or blank",
            ],
        ),
        (
            event(payload={"severity": "P1"}),
            ["'payload.severity' is invalid (must be one of: critical, warning, error, info)"],
        ),
    ],
)
def test_what_pagerduty_refuses_is_refused_in_its_words(body, expected):
    assert errors(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        event(payload={"timestamp": "never"}),
        event(unknown_field={"deep": [1]}),
        event(payload={"summary": "x" * 5000}),
        event(dedup_key=None),
        event(links="none", images=7),
        {"routing_key": KEY, "event_action": "acknowledge", "dedup_key": "k"},
    ],
)
def test_no_event_is_refused_for_its_time_or_for_what_we_do_not_know(body):
    found = check(json.dumps(body).encode())

    assert isinstance(found, Event)
    assert found.routing_key == KEY
    assert found.dedup_key == body.get("dedup_key")


def test_a_change_event_opens_nothing_and_keeps_what_was_deployed():
    body = {
        "routing_key": KEY,
        "payload": {
            "summary": "Build Success - Increase snapshot create timeout to 30 seconds",
            "timestamp": "2026-11-21T07:42:58.315+0000",
            "source": "acme-build-pipeline-tool-default-i-9999",
            "custom_details": {"service": "checkout", "environment": "production", "build_number": "220"},
        },
        "links": [{"href": "https://acme.example.com/builds/220", "text": "Build"}],
    }

    assert check(json.dumps(body).encode(), change=True) == Event(routing_key=KEY, action="change", dedup_key=None)
    for report in (
        one("pagerduty_change", body),
        one("pagerduty", body),
        one("pagerduty", body, suffix="v2/change/enqueue"),
    ):
        assert report.action == "change"
        assert report.labels == {
            "alertname": "Change",
            "source": "acme-build-pipeline-tool-default-i-9999",
            "service": "checkout",
            "environment": "production",
        }
        assert report.starts_at == at("2026-11-21T07:42:58.315Z")
        assert report.url == "https://acme.example.com/builds/220"
        assert report.annotations["build_number"] == "220"


def test_a_change_needs_only_a_summary():
    assert errors({"routing_key": KEY, "payload": {}}, change=True) == ["'payload.summary' is missing or blank"]
    assert one("pagerduty_change", {"payload": {"summary": "deployed"}}).starts_at == RECEIVED


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("incident.triggered", "fire"),
        ("incident.acknowledged", "acknowledge"),
        ("incident.resolved", "resolve"),
        ("incident.priority_updated", "note"),
        ("incident.status_update_published", "note"),
    ],
)
def test_pagerdutys_own_webhooks_are_read_as_alerts(kind, action):
    body = {
        "event": {
            "id": "01",
            "event_type": kind,
            "occurred_at": "2026-11-21T07:30:00.5Z",
            "data": {
                "id": "PGR0VU2", "type": "incident", "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
                "created_at": "2026-11-21T07:00:00Z", "title": "A little bump in the road", "urgency": "high",
                "service": {"id": "PF9KMXH", "summary": "API Service"}, "priority": {"summary": "P1"},
            },
        }
    }  # fmt: skip

    report = one("pagerduty", body)

    assert (report.action, report.fingerprint) == (action, identity_of("prod", "incident PGR0VU2"))
    assert report.labels == {"alertname": "PagerDutyIncident", "service": "API Service", "severity": "critical"}
    assert report.annotations["summary"] == "A little bump in the road"
    assert report.url == "https://acme.pagerduty.com/incidents/PGR0VU2"
    if action == "resolve":
        assert report.ends_at == datetime(2026, 11, 21, 7, 30, 0, 500000, tzinfo=UTC)
    if action == "fire":
        assert report.starts_at == RECEIVED - timedelta(hours=1)


FIRST_VERSION = {
    "service_key": "0" * 32,
    "event_type": "trigger",
    "incident_key": "db1/disk",
    "description": "disk full on db1",
    "client": "Cron",
    "client_url": "https://cron/1",
    "details": {"used": "97 %"},
    "contexts": [{"type": "link", "href": "https://rb", "text": "Runbook"}, {"type": "image", "src": "https://i"}],
}


def test_an_event_of_the_first_version_is_the_alert_that_the_second_calls_by_the_same_key():
    fired = one("pagerduty", FIRST_VERSION)
    taken = one("pagerduty", {**FIRST_VERSION, "event_type": "acknowledge"})
    ended = one("pagerduty", {"event_action": "resolve", "dedup_key": "db1/disk"})

    assert [each.action for each in (fired, taken, ended)] == ["fire", "acknowledge", "resolve"]
    assert fired.fingerprint == taken.fingerprint == ended.fingerprint
    assert fired.annotations["summary"] == "disk full on db1"
    assert fired.annotations["used"] == "97 %"
    assert fired.annotations["links[0]"] == "Runbook https://rb"
    assert fired.url == "https://cron/1"


def test_without_an_incident_key_every_event_of_the_first_version_is_its_own():
    event = {name: value for name, value in FIRST_VERSION.items() if name != "incident_key"}

    assert one("pagerduty", event, dedup_key="a").fingerprint != one("pagerduty", event, dedup_key="b").fingerprint


@pytest.mark.parametrize("odd", [{}, [], 7, None, {"trigger": 1}, ["trigger"]])
def test_an_event_type_that_is_no_word_is_read_as_any_json(odd):
    body = {"event_type": odd, "title": "Disk full"}

    assert one("pagerduty", body).annotations["summary"] == "Disk full"
