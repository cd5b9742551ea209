"""Payloads of products that nobody wrote a mapping for: by common names, however they are written and wrapped."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tocsin.core.alert import Report
from tocsin.intake.wire import action_of

from .entries import at, one, read

BEGAN, ENDED = "2026-11-21T06:00:00Z", "2026-11-21T07:00:00Z"


def words(name: str, first: Callable[[str], str], rest: Callable[[str], str], between: str) -> str:
    head, *tail = name.split("_")
    return between.join([first(head), *map(rest, tail)])


CASES: dict[str, Callable[[str], str]] = {
    "snake": lambda name: name,
    "camel": lambda name: words(name, str.lower, str.title, ""),
    "pascal": lambda name: words(name, str.title, str.title, ""),
    "upper": str.upper,
    "kebab": lambda name: name.replace("_", "-"),
    "run together": lambda name: name.replace("_", ""),
}
WRAPPINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "nothing": lambda alert: alert,
    "alert": lambda alert: {"version": "1", "alert": alert},
    "incident": lambda alert: {"incident": alert, "account": {"name": "acme", "id": "9"}},
    "data": lambda alert: {"id": "message-1", "kind": "hook", "data": alert},
    "data of something": lambda alert: {"delivery": 3, "data": {"snitch": alert}},
    "detail": lambda alert: {"id": "message-2", "region": "eu", "detail": alert},
    "JSON in text": lambda alert: {"Type": "Notification", "MessageId": "m", "Message": json.dumps(alert)},
    "JSON in base64": lambda alert: {"message": {"data": base64.b64encode(json.dumps(alert).encode()).decode()}},
    "a list": lambda alert: {"events": [alert]},
}
KEYS = st.sampled_from(["dedup_key", "alert_id", "incident_id", "monitor_id", "check_id", "rule_id", "id"])
NAMES = st.sampled_from(["name", "alert_name", "check_name", "monitor_name", "rule_name"])
STATES = st.sampled_from(["status", "state", "alert_state", "current_state", "event_type", "alert_type"])
FIRES = st.sampled_from(["firing", "ALARM", "Triggered", "DOWN", "open", "ALERT_FAILURE", "OK -> ALARM", "alert.fired"])
ENDS = st.sampled_from(
    ["resolved", "OK", "Recovered", "UP", "closed", "ALERT_RECOVERY", "ALARM -> OK", "alertResolved"]
)


@given(
    st.sampled_from(sorted(CASES)), st.sampled_from(sorted(WRAPPINGS)), KEYS, NAMES, STATES, FIRES, ENDS, st.booleans()
)
def test_an_alert_is_read_however_its_names_are_written_and_whatever_it_is_wrapped_in(
    case, wrapping, key, name, state, fires, ends, keyed
):
    write, wrap = CASES[case], WRAPPINGS[wrapping]
    body = {
        name: "Disk full",
        "severity": "High",
        "started_at": BEGAN,
        "host_name": "db1",
        **({key: 7} if keyed else {}),
    }

    first = one("generic", wrap({write(n): value for n, value in {**body, state: fires}.items()}))
    last = one("generic", wrap({write(n): value for n, value in {**body, state: ends, "ended_at": ENDED}.items()}))

    assert (first.action, last.action) == ("fire", "resolve")
    assert first.fingerprint == last.fingerprint
    assert (first.labels["alertname"], first.labels["severity"], first.labels["host"]) == ("Disk full", "error", "db1")
    assert (first.starts_at, last.ends_at) == (at(BEGAN), at(ENDED))


@given(st.sampled_from(sorted(WRAPPINGS)), KEYS)
def test_two_problems_are_never_one_because_of_what_they_are_wrapped_in(wrapping, key):
    wrap = WRAPPINGS[wrapping]
    first = one("generic", wrap({key: 7, "name": "Disk full", "status": "firing"}))
    other = one("generic", wrap({key: 8, "name": "Disk full", "status": "firing"}))

    assert first.fingerprint != other.fingerprint


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["data", "alert", "status", "state", "tags", "time", "id", "heartbeat", "message", "events", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["data", "alert", "detail", "status", "tags", "date"]), json_values, min_size=1))
def test_no_object_makes_it_raise_or_stay_silent(body):
    reports = read("generic", body)

    assert reports
    assert all(report.labels["alertname"] for report in reports)


# Invented values in the shapes that products document; (what fires, what ends it, what is read of the first).
CLOUDWATCH = {
    "AlarmName": "cpu", "NewStateValue": "ALARM", "NewStateReason": "Threshold Crossed", "OldStateValue": "OK",
    "StateChangeTime": "2026-11-21T06:00:00.000+0000", "Region": "EU (Ireland)",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-1:1:alarm:cpu",
}  # fmt: skip
AZURE = {
    "alertId": "/subscriptions/1/alerts/2", "alertRule": "cpu", "severity": "Sev0", "monitorCondition": "Fired",
    "firedDateTime": "2026-11-21T06:00:00.1234567Z", "description": "too high",
}  # fmt: skip
PRODUCTS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "CloudWatch": (
        CLOUDWATCH,
        {**CLOUDWATCH, "NewStateValue": "OK", "OldStateValue": "ALARM"},
        {"alertname": "cpu", "region": "EU (Ireland)", "starts_at": BEGAN, "text": "Threshold Crossed"},
    ),
    "EventBridge": (
        {
            "id": "1",
            "source": "aws.cloudwatch",
            "time": BEGAN,
            "detail": {"alarmName": "cpu", "state": {"value": "ALARM"}},
        },
        {
            "id": "2",
            "source": "aws.cloudwatch",
            "time": ENDED,
            "detail": {"alarmName": "cpu", "state": {"value": "OK"}},
        },
        {"alertname": "cpu", "source": "aws.cloudwatch", "starts_at": BEGAN},
    ),
    "Azure": (
        {"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": AZURE, "alertContext": {"name": "x"}}},
        {"data": {"essentials": {**AZURE, "monitorCondition": "Resolved", "resolvedDateTime": ENDED}}},
        {"alertname": "cpu", "severity": "critical", "starts_at": "2026-11-21T06:00:00.123456Z", "text": "too high"},
    ),
    "Google Cloud": (
        {
            "incident": {
                "incident_id": "0.a",
                "state": "open",
                "started_at": 1795240800,
                "policy_name": "cpu",
                "ended_at": None,
            }
        },
        {"incident": {"incident_id": "0.a", "state": "closed", "policy_name": "cpu", "ended_at": 1795244400}},
        {"alertname": "cpu", "starts_at": BEGAN},
    ),
    "Uptime Kuma": (
        {
            "heartbeat": {"monitorID": 7, "status": 0, "time": "2026-11-21 06:00:00.000"},
            "monitor": {"id": 7, "name": "web"},
        },
        {
            "heartbeat": {"monitorID": 7, "status": 1, "time": "2026-11-21 07:00:00.000"},
            "monitor": {"id": 7, "name": "web"},
        },
        {"alertname": "web", "starts_at": BEGAN},
    ),
    "UptimeRobot, numbers only": (
        {"monitorID": "7", "monitorFriendlyName": "web", "alertType": "1", "alertDateTime": "1795240800"},
        {"monitorID": "7", "monitorFriendlyName": "web", "alertType": "2", "alertDateTime": "1795244400"},
        {"alertname": "web", "starts_at": BEGAN},
    ),
    "Zabbix": (
        {
            "event_id": "31",
            "event_value": "1",
            "event_name": "cpu",
            "event_severity": "Disaster",
            "host_name": "db1",
            "event_date": "2026.11.21",
            "event_time": "06:00:00",
        },
        {"event_id": "31", "event_value": "0", "event_name": "cpu", "event_severity": "Disaster", "host_name": "db1"},
        {"alertname": "cpu", "severity": "critical", "host": "db1", "starts_at": BEGAN},
    ),
    "Sentry, an issue": (
        {"action": "created", "data": {"issue": {"id": "5", "title": "boom", "level": "error", "firstSeen": BEGAN}}},
        {"action": "resolved", "data": {"issue": {"id": "5", "title": "boom", "level": "error", "firstSeen": BEGAN}}},
        {"alertname": "boom", "severity": "error", "starts_at": BEGAN},
    ),
    "Sentry, a metric": (
        {"action": "critical", "data": {"metric_alert": {"id": "4"}, "description_title": "Critical: slow"}},
        {"action": "resolved", "data": {"metric_alert": {"id": "4"}, "description_title": "Resolved: slow"}},
        {"severity": "critical", "summary": "Critical: slow"},
    ),
    "New Relic, classic": (
        {
            "incident_id": 42,
            "condition_name": "cpu",
            "current_state": "open",
            "details": "90 %",
            "timestamp": 1795240800000,
        },
        {"incident_id": 42, "condition_name": "cpu", "current_state": "closed", "details": "over"},
        {"alertname": "cpu", "starts_at": BEGAN, "text": "90 %"},
    ),
    "Better Stack": (
        {
            "data": {
                "id": "25",
                "type": "incident",
                "attributes": {"name": "web", "started_at": BEGAN, "status": "Started"},
            }
        },
        {"data": {"id": "25", "attributes": {"name": "web", "resolved_at": ENDED, "status": "Resolved"}}},
        {"alertname": "web", "starts_at": BEGAN},
    ),
    "Sensu": (
        {"check": {"metadata": {"name": "cpu"}, "status": 2, "state": "failing"}, "timestamp": 1795240800},
        {"check": {"metadata": {"name": "cpu"}, "status": 0, "state": "passing"}, "timestamp": 1795244400},
        {"alertname": "cpu", "starts_at": BEGAN},
    ),
    "Kapacitor": (
        {"id": "cpu:db1", "message": "cpu is high", "level": "CRITICAL", "time": BEGAN, "data": {"series": []}},
        {"id": "cpu:db1", "message": "cpu is fine", "level": "OK", "time": ENDED, "data": {"series": []}},
        {"severity": "critical", "summary": "cpu is high", "starts_at": BEGAN},
    ),
    "Grafana, before version 8": (
        {
            "ruleId": 2,
            "ruleName": "cpu",
            "state": "alerting",
            "title": "[Alerting] cpu",
            "tags": {"severity": "crit", "team": "a"},
        },
        {"ruleId": 2, "ruleName": "cpu", "state": "ok", "title": "[OK] cpu", "tags": {"team": "a"}},
        {"alertname": "cpu", "severity": "critical", "team": "a", "summary": "[Alerting] cpu"},
    ),
    "Jenkins": (
        {
            "name": "build",
            "build": {"number": 18, "phase": "COMPLETED", "status": "FAILURE", "timestamp": 1795240800000},
        },
        {"name": "build", "build": {"number": 19, "phase": "COMPLETED", "status": "SUCCESS"}},
        {"alertname": "build", "starts_at": BEGAN},
    ),
    "Icinga": (
        {"host": {"name": "db1"}, "service": {"name": "disk"}, "state": "CRITICAL", "output": "97 %"},
        {"host": {"name": "db1"}, "service": {"name": "disk"}, "state": "OK", "output": "50 %"},
        {"alertname": "disk", "host": "db1", "service": "disk", "severity": "critical"},
    ),
}


def seen(report: Report) -> dict[str, Any]:
    found: dict[str, Any] = {**report.labels, "summary": report.annotations["summary"], "text": report.text}
    return found | {"starts_at": report.starts_at}


@pytest.mark.parametrize("kind", ["generic", "cloudevents", "grafana", "alertmanager", "oncall"])
@pytest.mark.parametrize("product", sorted(PRODUCTS))
def test_the_payloads_of_products_fire_and_end_one_alert(product, kind):
    fires, ends, wanted = PRODUCTS[product]
    if kind == "oncall" and {"title", "message"} & fires.keys():
        kind = "generic"  # OnCall's own form has these
    first, last = one(kind, fires), one(kind, ends)

    assert (first.action, last.action) == ("fire", "resolve")
    assert first.fingerprint == last.fingerprint
    assert {name: seen(first)[name] for name in wanted} == {
        name: at(value) if name == "starts_at" else value for name, value in wanted.items()
    }


def test_the_number_of_a_message_is_no_identity_of_what_it_tells():
    first = one("generic", {"id": "m1", "data": {"id": "5", "title": "Disk", "status": "open"}})
    again = one("generic", {"id": "m2", "data": {"id": "5", "title": "Disk", "status": "open"}})

    assert first.fingerprint == again.fingerprint


def test_what_an_alert_carries_does_not_say_what_it_is():
    report = one("generic", {"id": "1", "title": "Disk full", "data": {"id": "9", "name": "bob", "status": "ok"}})

    assert (report.action, report.labels["alertname"]) == ("fire", "Disk full")


def test_the_time_of_a_resolve_is_its_end_and_not_when_the_trouble_began():
    body = {"name": "Disk", "status": "ok", "started_at": BEGAN, "timestamp": ENDED}

    assert one("generic", body).ends_at == at(ENDED)
    assert one("generic", {**body, "status": "firing"}).starts_at == at(BEGAN)


@pytest.mark.parametrize(
    "tags", ["env:prod,service:web,monitor", ["env:prod", "service:web"], [["env", "prod"], ["service", "web"]]]
)
def test_tags_say_where_it_is_when_no_member_does(tags):
    report = one("generic", {"title": "CPU", "tags": tags, "team": "core"})

    assert report.labels == {"alertname": "CPU", "environment": "prod", "service": "web", "team": "core"}


def test_a_wrapped_list_is_one_alert_for_each_with_what_is_said_of_all():
    first, last = read(
        "generic",
        {
            "severity": "P2",
            "id": "m",
            "alerts": [{"id": 1, "name": "a", "status": "down"}, {"id": 2, "name": "b", "status": "up"}],
        },
    )

    assert [(each.action, each.labels["alertname"]) for each in (first, last)] == [("fire", "a"), ("resolve", "b")]
    assert first.labels["severity"] == "error"
    assert first.fingerprint != last.fingerprint


@pytest.mark.parametrize(
    "state",
    [
        "not ok",
        "NOT_OK",
        "no longer ok",
        "failed to resolve",
        "awaiting recovery",
        "unresolved",
        "un-resolved",
        "OK to ALARM",
        "was resolved",
        "partially resolved",
        "never cleared",
        "non-ok",
    ],
)
def test_a_state_that_only_mentions_the_end_is_none(state):
    assert action_of(state) != "resolve"
    assert one("generic", {"name": "x", "status": state}).action == "fire"


@pytest.mark.parametrize(
    ("state", "meant"),
    [
        ("ALERT_DEGRADED_RECOVERY", "resolve"),
        ("uptimeCheckRecoveredNotification", "resolve"),
        ("resolved_item", "resolve"),
        ("ALARM to OK", "resolve"),
        ("incident.acknowledged", "acknowledge"),
        ("HTTPCheckFailed", "fire"),
        ("lorem", None),
        ("auto-resolved", "resolve"),
        ("opened then closed", "resolve"),
        ("resolved or acknowledged maybe", None),
    ],
)
def test_of_several_words_the_last_says_the_state(state, meant):
    assert action_of(state) == meant
