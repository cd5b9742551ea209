"""Bodies that no documentation describes: what can be kept is kept, and only what cannot be decoded is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, strategies as st

from tocsin.core.alert import Report, fingerprint_of
from tocsin.intake.formats import FORMATS, accepted, parse
from tocsin.intake.postable import PostableReader, labels_of
from tocsin.intake.wire import (
    ANNOTATION_CHARACTERS_MAX,
    ANNOTATIONS_CHARACTERS_MAX,
    ANNOTATIONS_MAX,
    CUT,
    bounded,
    decode,
    details,
    text_of,
)

from .entries import RECEIVED, at, entry, one, read

KINDS = sorted(FORMATS.keys() - {"monitor"})  # what Tocsin says to itself is strict


def alert(**changes: Any) -> dict[str, Any]:
    return {"status": "firing", "labels": {"alertname": "A"}, "startsAt": "2026-11-21T07:00:00Z", **changes}


def webhook(*alerts: Any, **changes: Any) -> dict[str, Any]:
    return {"version": "4", "status": "firing", "groupKey": "g", "alerts": list(alerts), **changes}


def test_one_bad_alert_in_a_batch_does_not_lose_the_other_sixty_three():
    alerts: list[Any] = [alert(labels={"alertname": "A", "n": str(n)}) for n in range(63)]
    alerts.insert(31, "not an alert")

    reports = read("alertmanager", webhook(*alerts))

    assert len(reports) == 64
    assert reports[31].labels["alertname"] == "UnreadableAlert"
    assert reports[31].annotations["summary"] == (
        "prod sent an alert that cannot be read: alerts[31]: expected an object"
    )
    assert reports[31].annotations["as_sent"] == "not an alert"
    assert len({report.fingerprint for report in reports}) == 64


def test_labels_of_the_wrong_type_become_text_and_empty_ones_are_none():
    report = one("alertmanager", webhook(alert(labels={"alertname": "A", "n": 5, "up": True, "x": "", "y": None})))

    assert report.labels == {"alertname": "A", "n": "5", "up": "true"}


def test_an_alert_without_labels_is_known_by_the_senders_fingerprint():
    first = one("alertmanager", webhook(alert(labels={}, fingerprint="abc")))
    second = one("alertmanager", webhook(alert(labels="none", fingerprint="abc", status="resolved")))
    third = one("alertmanager", webhook(alert(labels=None)))

    assert first.fingerprint == second.fingerprint
    assert (first.action, second.action) == ("fire", "resolve")
    assert third.labels["alertname"] == "UnreadableAlert"


def test_a_status_that_is_missing_is_told_from_the_end_then_from_the_notification():
    ended = alert(endsAt="2026-11-21T07:30:00Z")
    del ended["status"]
    silent = alert()
    del silent["status"]

    assert one("alertmanager", webhook(ended)).action == "resolve"
    assert one("alertmanager", webhook(silent)).action == "fire"
    assert one("alertmanager", webhook(silent, status="resolved")).action == "resolve"


def test_times_that_cannot_be_true_are_clamped():
    ahead = one("alertmanager", webhook(alert(status="resolved", startsAt="2026-11-21T08:04:00Z",
                                              endsAt="2026-11-21T08:04:00Z")))  # fmt: skip
    backwards = one("alertmanager", webhook(alert(status="resolved", endsAt="2026-11-21T06:00:00Z")))
    promised = one("alertmanager", webhook(alert(endsAt="2026-11-21T09:00:00Z")))
    far = one("alertmanager", webhook(alert(startsAt="2030-01-01T00:00:00Z")))

    assert (ahead.starts_at, ahead.ends_at) == (None, RECEIVED)
    assert backwards.starts_at == backwards.ends_at == at("2026-11-21T07:00:00Z")
    assert (promised.ends_at, promised.timeout) == (None, False)
    assert far.starts_at is None and far.annotations["starts_at_as_sent"] == "2030-01-01T00:00:00+00:00"


def test_a_time_that_cannot_be_read_loses_no_alert():
    report = one("alertmanager", webhook(alert(startsAt="soon", endsAt=[1])))

    assert (report.action, report.starts_at) == ("fire", None)
    assert report.annotations == {"starts_at_as_sent": "soon", "ends_at_as_sent": "[1]"}


def test_a_bare_list_of_alerts_is_a_notification():
    assert [report.labels for report in read("alertmanager", [alert()])] == [{"alertname": "A"}]


def test_a_notification_without_alerts_says_nothing():
    assert read("alertmanager", webhook()) == []


labels = st.dictionaries(
    st.from_regex(r"[a-z_][a-z0-9_]{0,8}", fullmatch=True), st.text(min_size=1, max_size=20), min_size=1, max_size=5
)


@given(labels)
@example({"alertname": "NUL \x00 inside"})
@example({"alertname": "x" * 70_000})
def test_the_webhook_and_api_v2_agree_on_the_fingerprint(given_labels):
    through_webhook = one("alertmanager", webhook(alert(labels=given_labels)))
    reading = PostableReader().read(json.dumps([{"labels": given_labels}]).encode(), received_us=1)
    (posted,) = reading.posted

    assert through_webhook.fingerprint == fingerprint_of(labels_of(posted))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"alerts":[{"labels":{"alertname":"a\\u0000b"}}]}', "a\ufffdb"),
        (b'{"alerts":[{"labels":{"alertname":"a\x00b"}}]}', "a\ufffdb"),
        (b'{"alerts":[{"labels":{"alertname":"a\\ud800b"}}]}', "a\ufffdb"),
        (b'{"alerts":[{"labels":{"alertname":"a\xffb"}}]}', "a\ufffdb"),
        (b'{"alerts":[{"labels":{"alertname":"a\tb"}}]}', "a\tb"),
        (b'\xef\xbb\xbf{"alerts":[{"labels":{"alertname":"bom"}}]}', "bom"),
        ('{"alerts":[{"labels":{"alertname":"wide"}}]}'.encode("utf-16"), "wide"),
        (b'{"alerts":[{"labels":{"alertname":NaN}}]}', "nan"),
        (b'{"alerts":[{"labels":{"alertname":1e999}}]}', "inf"),
        (b'{"alerts":[{"labels":{"alertname":' + b"7" * 30 + b"}}]}", "7" * 30),
        (b'{"alerts":[{"labels":{"alertname":' + b"7" * 5000 + b"}}]}", "7" * 5000),
        (b'{"alerts":[{"labels":{"alertname":"first","alertname":"last"}}]}', "last"),
    ],
    ids=["NUL escaped", "NUL raw", "lone surrogate", "not UTF-8", "control character", "byte order mark", "UTF-16",
         "NaN", "infinite", "huge number", "enormous number", "key twice"],
)  # fmt: skip
def test_a_label_is_always_text_that_can_be_stored(body, name):
    report = one("alertmanager", body)

    assert report.labels == {"alertname": name}
    report.labels["alertname"].encode()


def test_five_thousand_labels_are_kept():
    many = {f"l{n}": str(n) for n in range(5_000)}

    assert one("alertmanager", webhook(alert(labels=many))).labels == many


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000, b"", b"\x00", b'{"alerts": [', b"\xff\xff"])
def test_a_body_that_cannot_be_decoded_is_refused_by_name_or_kept_as_text(kind, body):
    try:
        reports = parse(entry(kind, body))
    except ValueError as refusal:
        assert str(refusal).startswith("body: ")
    else:
        assert kind == "opsgenie" and not body and reports[0].action == "fire"


@pytest.mark.parametrize("depth", [33, 200, 800])
def test_deep_nesting_is_cut_where_people_would_not_look(depth):
    deep: Any = "bottom"
    for _ in range(depth):
        deep = {"d": deep}

    report = one("pagerduty", {"event_action": "trigger", "dedup_key": "k",
                               "payload": {"summary": "s", "severity": "info", "custom_details": deep}})  # fmt: skip

    assert (report.action, report.annotations["summary"]) == ("fire", "s")
    assert "nested too deeply, left out" in json.dumps(report.annotations)


def test_annotations_are_bounded_and_say_what_was_left_out():
    many = one("generic", {"title": "t", **{f"key{n}": "v" for n in range(200)}})
    long = one("alertmanager", webhook(alert(annotations={"trace": "x" * 50_000, "summary": "s"})))

    assert len(many.annotations) == ANNOTATIONS_MAX + 1
    assert " left out" in many.annotations[CUT]
    assert len(long.annotations["trace"]) == ANNOTATION_CHARACTERS_MAX
    assert long.annotations["trace"].endswith("…")
    assert long.annotations["summary"] == "s"
    assert long.annotations[CUT].startswith(f"trace to {ANNOTATION_CHARACTERS_MAX} of ")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=15,
)
# The members that parsers look at, with values of any type.
member_names = st.sampled_from([
    "alerts", "labels", "annotations", "status", "startsAt", "endsAt", "fingerprint", "generatorURL", "values",
    "event_action", "dedup_key", "payload", "summary", "severity", "source", "timestamp", "custom_details", "links",
    "images", "firing", "resolved", "event", "data", "event_type", "id", "alias", "message", "details", "priority",
    "tags", "responders", "message_type", "entity_id", "state_message", "state_start_time", "title", "metadata",
    "deduplication_key", "alert_uid", "state", "specversion", "type", "subject", "context", "content", "time",
    "data_base64", "commonLabels", "truncatedAlerts", "groupKey",
])  # fmt: skip
words = st.sampled_from([
    "firing", "resolved", "trigger", "resolve", "CRITICAL", "RECOVERY", "ok", "2026-11-21T07:00:00Z",
    "0001-01-01T00:00:00Z", "dev.cdevents.service.deployed.0.1.1", "incident.resolved", "Labels:\n - a = b\n",
])  # fmt: skip
shaped = st.recursive(
    json_values | words,
    lambda inner: st.dictionaries(member_names, inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=20,
)
suffixes = st.sampled_from(["", "v2/alerts", "v2/alerts/a/close", "v2/alerts/a/notes", "KEY/db", "v2/change/enqueue"])
MAPPING = json.dumps({"each": "alerts", "name": "labels.a", "title": "join(',', values)", "labels": "labels",
                      "annotations": "annotations", "starts_at": "startsAt"})  # fmt: skip


def sound(report: Report) -> None:
    """What the digest relies on, whatever was sent."""
    assert len(report.fingerprint) == 16
    for name, value in (*report.labels.items(), *report.annotations.items(), ("text", report.text), ("u", report.url)):
        assert isinstance(name, str) and isinstance(value, str)
        assert "\x00" not in name + value
        (name + value).encode()
    assert len(report.annotations) <= ANNOTATIONS_MAX + 2
    assert sum(map(len, report.annotations.values())) <= ANNOTATIONS_CHARACTERS_MAX + 3_000
    if report.action == "resolve":
        assert report.ends_at is not None and report.ends_at <= RECEIVED
        assert report.starts_at is None or report.starts_at <= report.ends_at
    else:
        assert report.ends_at is None and not report.timeout


@given(st.sampled_from(KINDS), shaped, suffixes, st.sampled_from(["", MAPPING]))
def test_any_json_becomes_sound_reports_or_a_named_refusal(kind, value, suffix, mapping):
    given_entry = entry(kind, value, suffix=suffix, mapping=mapping)
    try:
        reports = parse(given_entry)
    except ValueError as refusal:
        assert str(refusal).startswith("body: ")
        return

    for report in reports:
        sound(report)
    assert parse(given_entry) == reports
    assert FORMATS[kind].answer(given_entry).status in (200, 202)


@given(st.sampled_from(KINDS), st.binary(), st.sampled_from(["", "application/x-www-form-urlencoded"]), st.booleans())
def test_any_bytes_become_sound_reports_or_a_named_refusal(kind, body, content_type, binary_mode):
    meta = {"ce-type": "a.b", "ce-source": "%ff"} if binary_mode else {}
    given_entry = entry(kind, body, content_type=content_type, **meta)
    try:
        reports = parse(given_entry)
    except ValueError as refusal:
        assert str(refusal).startswith("body: ")
        reports = []

    for report in reports:
        sound(report)
    assert FORMATS[kind].answer(given_entry).status in (200, 202)


@given(json_values)
def test_what_is_strict_json_is_decoded_as_it_stands(value):
    body = json.dumps(value, allow_nan=False).encode() if _finite(value) else b"null"

    assert json.dumps(decode(body)) == json.dumps(json.loads(body))


def _finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


@given(json_values)
def test_text_and_details_of_anything_can_be_stored(value):
    text_of(value).encode()
    for name, text in bounded(details(value)).items():
        (name + text).encode()


def test_the_number_of_a_payload_is_in_the_answer():
    assert accepted(entry("generic", {}, position=42)).body == b'{"status":"accepted","payload":"42"}'


expressions = st.sampled_from([
    "alerts", "alerts[]", "alerts[*].labels", "labels", "values(@)", "keys(@)", "to_string(@)", "length(@)", "&status",
    "join(',', @)", "sort(@)", "sort_by(alerts, &status)", "max(@)", "alerts[?status=='firing']", "to_number(status)",
    "[@, @]", "{a: status, b: labels}", "`1`", "'text'", "nope(@)", "map(&status, alerts)", "merge(@, labels)", "@",
    "alerts[::0]", "reverse(@)", "type(@)", "not_null(status, @)", "sum(@)", "avg(@)", "alerts[0:5:2]", "*.*", "[][][]",
])  # fmt: skip
mappings = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("each", "key", "name", "title", "text", "status", "severity", "service", "starts_at",
                         "ends_at", "url", "group"), expressions),
        "labels": expressions | st.dictionaries(st.text(max_size=5), expressions, max_size=3),
        "annotations": expressions | st.dictionaries(st.text(max_size=5), expressions, max_size=3),
    },
)  # fmt: skip


@given(shaped, mappings)
def test_any_mapping_of_any_payload_gives_sound_reports(value, mapping):
    for report in read("generic", value, mapping=json.dumps(mapping)):
        sound(report)
