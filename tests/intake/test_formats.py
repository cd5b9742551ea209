"""The table of wire formats: every vendor's answer in its own words, and what a parser gets to see of a request."""

from __future__ import annotations

import json

import pytest

from tocsin.intake import formats
from tocsin.intake.formats import FORMATS, check_source, event_refused, meta_of, parse

from .entries import entry


@pytest.mark.parametrize(
    ("kind", "body", "status", "answer"),
    [
        ("alertmanager", {"alerts": []}, 200, {"status": "accepted", "payload": "7"}),
        ("grafana", {"alerts": []}, 200, {"status": "accepted", "payload": "7"}),
        ("generic", {"title": "x"}, 200, {"status": "accepted", "payload": "7"}),
        ("cloudevents", {"type": "x", "source": "y"}, 200, {"status": "accepted", "payload": "7"}),
        ("oncall", {"title": "x"}, 200, {"status": "accepted", "payload": "7"}),
        ("pagerduty", {"dedup_key": "k"}, 202, {"status": "success", "message": "Event processed", "dedup_key": "k"}),
        ("pagerduty", {}, 202, {"status": "success", "message": "Event processed", "dedup_key": "made-up"}),
        ("pagerduty_change", {}, 202, {"status": "success", "message": "Change event processed"}),
        ("opsgenie", {}, 202, {"result": "Request will be processed", "took": 0.001, "requestId": "made-up"}),
        ("victorops", {"entity_id": "e"}, 200, {"result": "success", "entity_id": "e"}),
        ("victorops", {}, 200, {"result": "success", "entity_id": "made-up"}),
        (
            "incidentio",
            {"title": "x"},
            202,
            {"deduplication_key": "made-up", "message": "Event accepted for processing", "status": "success"},
        ),
    ],
)
def test_a_sender_is_answered_in_its_vendors_words(kind, body, status, answer):
    given = FORMATS[kind].answer(entry(kind, body, dedup_key="made-up"))

    assert (given.status, given.content_type, json.loads(given.body)) == (status, "application/json", answer)


@pytest.mark.parametrize("kind", [kind for kind, row in FORMATS.items() if row.makes_id])
def test_the_id_in_the_answer_is_the_identity_of_the_alert(kind):
    body = {"title": "x", "message_type": "CRITICAL", "message": "x", "event_action": "trigger", "payload": {"a": 1}}
    first, again, other = (
        parse(entry(kind, body, position=position, dedup_key=key, suffix="v2/alerts"))[0].fingerprint
        for position, key in ((1, "id-1"), (2, "id-1"), (3, "id-2"))
    )

    assert first == again != other


def test_a_body_that_waits_in_quarantine_was_answered_all_the_same():
    for kind, row in FORMATS.items():
        assert row.answer(entry(kind, b"not json", dedup_key="made-up")).status in (200, 202)


def test_an_invalid_event_is_refused_as_pagerduty_does():
    given = event_refused(["'payload.summary' is missing or blank"])

    assert given.status == 400
    assert json.loads(given.body) == {
        "status": "invalid event",
        "message": "Event object is invalid",
        "errors": ["'payload.summary' is missing or blank"],
    }


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match=r"kind: expected one of alertmanager, .* got 'nagios'"):
        parse(entry("nagios", {}))


def test_the_parsers_see_the_content_type_the_suffix_and_the_attributes_of_an_event():
    headers = {"content-type": "Application/JSON", "ce-type": "x", "ce-id": "1", "authorization": "Bearer secret"}

    assert meta_of(headers, "KEY/db") == {
        "content_type": "application/json",
        "suffix": "KEY/db",
        "ce-type": "x",
        "ce-id": "1",
    }


def test_no_request_makes_the_journals_meta_large():
    headers = {f"ce-{n}": "x" * 10_000 for n in range(1_000)}

    meta = meta_of(headers, "s" * 10_000)

    assert len(meta) <= formats.CE_HEADERS_MAX + 2
    assert max(map(len, meta.values())) <= formats.META_CHARACTERS_MAX


def test_every_row_stands_under_its_own_kind():
    assert all(kind == row.kind and row.title for kind, row in FORMATS.items())


@pytest.mark.parametrize("kind", ["any", "prometheus", "generic", "pagerduty", "cloudevents"])
def test_a_source_may_be_of_any_kind_that_outsiders_send(kind):
    check_source(kind, {"name": "a.b"})


@pytest.mark.parametrize(
    ("kind", "mapping", "said"),
    [
        ("nagios", None, "kind: expected one of any"),
        ("monitor", None, "kind: expected one of any"),
        ("generic", {"nmae": "x"}, "nmae"),
        ("generic", {"name": "a[["}, "mapping.name: not a JMESPath expression"),
    ],
)
def test_a_source_that_could_not_work_is_refused_when_it_is_made(kind, mapping, said):
    with pytest.raises(ValueError, match=r"kind|mapping") as refused:
        check_source(kind, mapping)

    assert said in str(refused.value)
