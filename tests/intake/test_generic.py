"""Any JSON: by common names, and through a source's mapping."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tocsin.core.alert import identity_of
from tocsin.intake.formats import parse
from tocsin.intake.mapping import GROWTH_MAX, find, load

from .entries import RECEIVED, at, entry, one, read


def mapped(mapping: dict[str, Any], body: Any) -> list[Any]:
    return read("generic", body, mapping=json.dumps(mapping))


def test_common_names_are_read_without_a_mapping():
    body = {
        "id": 4711, "title": "Disk full on db1", "description": "97 % used", "status": "firing", "priority": "P1",
        "service": "db", "host": "db1", "env": "production", "started_at": "2026-11-21T07:30:00Z",
        "url": "https://monitor/4711", "extra": {"used": 97},
    }  # fmt: skip

    report = one("generic", body)

    assert report.action == "fire"
    assert report.fingerprint == identity_of("prod", "key 4711")
    assert report.labels == {
        "alertname": "Disk full on db1",
        "severity": "critical",
        "service": "db",
        "host": "db1",
        "environment": "production",
    }
    assert report.annotations["summary"] == "Disk full on db1"
    assert report.annotations["description"] == "97 % used"
    assert report.annotations["extra.used"] == "97"
    assert report.starts_at == at("2026-11-21T07:30:00Z")
    assert report.url == "https://monitor/4711"


DATADOG = {
    "id": "7", "event_title": "[Triggered] CPU high", "event_msg": "avg > 90", "alert_id": "123",
    "alert_transition": "Triggered", "alert_priority": "P2", "date": 1795243192000, "link": "https://app.datadoghq.eu/x",
}  # fmt: skip
UPTIMEROBOT = {
    "monitorID": "777", "monitorFriendlyName": "Web", "alertTypeFriendlyName": "Down", "alertDetails": "timeout",
}  # fmt: skip
HEALTHCHECKS = {"code": "4a6b", "name": "backup", "status": "down", "tags": "prod"}


@pytest.mark.parametrize(
    ("fired", "over"),
    [
        (DATADOG, {"alert_transition": "Recovered", "event_title": "[Recovered] CPU high", "id": "8"}),
        (UPTIMEROBOT, {"alertTypeFriendlyName": "Up", "alertDetails": "HTTP 200"}),
        (HEALTHCHECKS, {"status": "up"}),
    ],
    ids=["Datadog", "UptimeRobot", "Healthchecks"],
)
def test_the_templates_of_the_documentation_fire_and_resolve_one_alert(fired, over):
    first, last = one("generic", fired), one("generic", {**fired, **over})

    assert (first.action, last.action) == ("fire", "resolve")
    assert first.fingerprint == last.fingerprint
    assert last.ends_at is not None and last.ends_at <= RECEIVED


def test_without_a_key_the_labels_are_the_identity_and_never_the_prose():
    first = one("generic", {"name": "Disk", "host": "db1", "message": "97 % used", "severity": "warning"})
    again = one("generic", {"name": "Disk", "host": "db1", "message": "98 % used", "severity": "critical"})
    other = one("generic", {"name": "Disk", "host": "db2", "message": "97 % used", "severity": "warning"})

    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_payloads_in_which_nothing_is_known_are_told_apart_by_all_of_their_text():
    slack = {"attachments": [{"title": "[FIRING:1] DiskFull (db critical)"}]}
    first, again = one("generic", slack), one("generic", slack)
    other = one("generic", {"attachments": [{"title": "[FIRING:1] LoadHigh (web critical)"}]})

    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert "DiskFull" in first.annotations["attachments"]


@pytest.mark.parametrize("status", ["ok", "RESOLVED", "closed", "recovered", "up", False])
def test_words_for_the_end_resolve(status):
    assert one("generic", {"name": "x", "status": status}).action == "resolve"


@pytest.mark.parametrize("status", ["firing", "ALARM", "No Data", "something new", "", None, {"a": 1}])
def test_everything_else_fires(status):
    assert one("generic", {"name": "x", "status": status}).action == "fire"


def test_an_end_that_has_passed_resolves_what_has_no_status():
    assert one("generic", {"name": "x", "ends_at": "2026-11-21T07:00:00Z"}).action == "resolve"
    assert one("generic", {"name": "x", "ends_at": "2026-11-21T09:00:00Z"}).action == "fire"


def test_a_form_is_read_like_json():
    form = one("generic", b"title=Disk+full&status=ok&id=7", content_type="application/x-www-form-urlencoded")
    payload = one(
        "generic", b"payload=%7B%22title%22%3A%22Disk+full%22%7D", content_type="application/x-www-form-urlencoded"
    )

    assert (form.action, form.labels["alertname"]) == ("resolve", "Disk full")
    assert payload.labels["alertname"] == "Disk full"


def test_a_list_is_one_alert_for_each_element_and_a_bad_one_costs_only_itself():
    reports = read("generic", [{"name": "a"}, "text", None, {"name": "b"}])

    assert [report.labels["alertname"] for report in reports] == ["a", "UnreadableAlert", "UnreadableAlert", "b"]
    assert "expected an object with members" in reports[1].annotations["summary"]
    assert reports[1].annotations["as_sent"] == "text"


MAPPING = {
    "each": "events",
    "key": "monitor.id",
    "name": "monitor.name",
    "title": "join(': ', [monitor.name, text])",
    "text": "text",
    "status": "kind",
    "severity": "importance",
    "service": "tags.app",
    "starts_at": "since",
    "ends_at": "until",
    "url": "links[0]",
    "group": "tags.cell",
    "labels": "tags",
    "annotations": {"owner": "monitor.owner", "spread": "values"},
    "actions": {"Raised": "fire", "Lowered": "resolve", "Taken": "acknowledge", "Deployed": "change"},
    "severities": {"urgent": "critical"},
}
PAYLOAD = {
    "events": [
        {
            "monitor": {"id": 7, "name": "Disk", "owner": "ana"}, "text": "97 % used", "kind": "Raised",
            "importance": "URGENT", "tags": {"app": "db", "cell": "eu-1"}, "since": 1795243192, "until": None,
            "links": ["https://m/7"], "values": {"used": 97, "free": 3},
        },
        {"monitor": {"id": 8, "name": "Load"}, "kind": "lowered", "until": "2026-11-21T07:00:00Z", "text": "fine"},
        {"monitor": {"id": 9, "name": "Load"}, "kind": "Taken", "text": "on it"},
        {"monitor": {"id": 1, "name": "v2"}, "kind": "Deployed", "text": "out", "since": "2026-11-21T07:00:00Z"},
    ]
}  # fmt: skip


def test_a_mapping_says_where_everything_is():
    raised, lowered, taken, deployed = mapped(MAPPING, PAYLOAD)

    assert raised.action == "fire"
    assert raised.fingerprint == identity_of("prod", "key 7")
    assert raised.labels == {"severity": "critical", "service": "db", "alertname": "Disk", "app": "db", "cell": "eu-1"}
    assert raised.annotations == {
        "summary": "Disk: 97 % used",
        "description": "97 % used",
        "owner": "ana",
        "spread.used": "97",
        "spread.free": "3",
    }
    assert (raised.url, raised.group) == ("https://m/7", "eu-1")
    assert raised.starts_at == at("2026-11-21T06:39:52Z")
    assert (lowered.action, lowered.ends_at) == ("resolve", at("2026-11-21T07:00:00Z"))
    assert (taken.action, deployed.action) == ("acknowledge", "change")


def test_an_expression_that_fails_on_a_payload_is_said_and_the_alert_still_fires():
    (report,) = mapped({"name": "name", "title": "join(', ', name)", "key": "nowhere"}, {"name": "Disk"})

    assert report.action == "fire"
    assert report.labels["alertname"] == "Disk"
    assert "title: " in report.annotations["tocsin_mapping"]
    assert "key: found nothing" in report.annotations["tocsin_mapping"]


def test_a_mapping_whose_list_is_missing_reads_the_body_by_common_names():
    (report,) = mapped({"each": "events", "name": "n"}, {"title": "Disk", "status": "firing"})

    assert report.labels["alertname"] == "Disk"
    assert "each: expected a list" in report.annotations["tocsin_mapping"]


def test_a_mapping_that_finds_nothing_keeps_what_was_sent():
    (report,) = mapped({"name": "a.b", "title": "c"}, {"other": "shape"})

    assert report.action == "fire"
    assert report.annotations["as_sent"] == '{"other":"shape"}'


def test_a_journalled_mapping_that_no_longer_loads_loses_no_alert():
    report = one("generic", {"title": "Disk"}, mapping='{"nmae": "x"}')

    assert report.labels["alertname"] == "Disk"
    assert "nmae" in report.annotations["tocsin_mapping"]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("nonsense", "mapping: "),
        ("[]", "mapping: "),
        ('{"nmae": "x"}', "nmae"),
        ('{"name": "a[["}', "mapping.name: not a JMESPath expression"),
        ('{"labels": {"x": "]"}}', "mapping.labels.x: not a JMESPath expression"),
        ('{"name": "nope(a)"}', None),
        ('{"actions": {"up": "explode"}}', "actions"),
        (json.dumps({"name": "a" * 501}), "at most 500 characters"),
        (json.dumps({"name": " | ".join(["[@, @][]"] * 20)}), "at most 6 flattenings"),
        (json.dumps({"each": "|".join([f"[{','.join('@' * 40)}][]"] * 3)}), "at most 64 times as large as the payload"),
        (json.dumps({"key": f"map(&[{','.join('@' * 9)}], [{','.join('@' * 9)}])"}), "got 81 times"),
        (json.dumps({"labels": {f"n{n}": "a" for n in range(65)}}), "at most 64 names"),
        ("{" + " " * 20_000 + "}", "at most 16384 characters"),
    ],
)
def test_a_wrong_mapping_is_refused_naming_what_is_wrong(mapping, said):
    if said is None:  # an unknown function shows when it is called
        assert load(mapping)
        return
    with pytest.raises(ValueError, match="mapping") as refused:
        load(mapping)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    "expression",
    [
        "[@,@][]|[@,@][]|[@,@][]",
        f"[{','.join('@' * 60)}][]",
        "map(&[@,@,@,@], [@,@,@,@][])",
        "[a,a,a][].{x: @, y: @}",
        "[*].[@,@,@]|[@,@][]|to_string(@)",
    ],
)
def test_a_mapping_makes_no_more_of_a_payload_than_it_may(expression):
    """Whoever manages a source of one organisation must not use up the memory of all."""
    size = 200
    payload: dict[str, object] | list[int] = {"a": [7] * size} if "a," in expression else [7] * size
    load(json.dumps({"each": expression}))

    assert str(find(expression, "each", payload, [])).count("7") <= GROWTH_MAX * size


def test_the_service_of_a_source_is_lent_to_its_alerts_and_changes_no_identity():
    plain = one("generic", {"name": "Disk"})
    lent = one("generic", {"name": "Disk"}, service="db")
    own = one("generic", {"name": "Disk", "service": "web"}, service="db")

    assert lent.fingerprint == plain.fingerprint
    assert lent.labels == {"alertname": "Disk", "service": "db"}
    assert own.labels["service"] == "web"


@pytest.mark.parametrize("body", [b"", b"   ", b"disk full", b"{", b"\xff\xfe", b"<xml/>"])
def test_only_a_body_that_cannot_be_decoded_is_refused_naming_it(body):
    with pytest.raises(ValueError, match="body: "):
        read("generic", body)


def test_position_makes_no_difference_to_who_an_alert_is():
    (first,) = parse(entry("generic", {"name": "Disk"}, position=1))
    (second,) = parse(entry("generic", {"name": "Disk"}, position=2))

    assert first == second
