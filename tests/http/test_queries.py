"""Query parameters are what the description says, exactly: a misspelt filter must not answer with everything."""

from __future__ import annotations

import pytest

from tests.http.world import Server


@pytest.mark.parametrize(
    ("query", "field", "expected"),
    [
        ("limit=1e1", "limit", "a whole number in digits"),
        ("limit=5.0", "limit", "a whole number in digits"),
        ("limit=%205", "limit", "a whole number in digits"),
        ("limit=%2B5", "limit", "a whole number in digits"),
        ("limit=05", "limit", "a whole number in digits"),
        ("limit=1_0", "limit", "a whole number in digits"),
        ("limit=true", "limit", "a whole number in digits"),
        ("limit=", "limit", "a whole number in digits"),
        ("limit=%D9%A3", "limit", "a whole number in digits"),
        ("limit=5&limit=6", "limit", "one value"),
        ("severities=SEV-1", "severities", "category, cursor, limit, service, severity, status, text"),
    ],
)
def test_a_query_that_is_not_as_described_is_refused_by_name(shared: Server, query: str, field: str, expected: str):
    answer = shared.client(token=shared.world.token()).get(f"/api/incidents?{query}")

    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["expected"]) == (field, expected)


@pytest.mark.parametrize("since", ["1764230400", "1e9", "yesterday", "2026-11-23", "2026-11-23T08:00:00"])
def test_an_instant_is_written_out_with_its_zone(shared: Server, since: str):
    answer = shared.client(token=shared.world.token()).get("/api/measures", params={"since": since})

    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == ["since"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/incidents?limit=5&status=open&status=resolved&severity=SEV-1&text=slow&service=shop",
        "/api/measures?since=2026-11-23T08:00:00Z&until=2026-11-24T08:00:00.5%2B02:00",
        "/api/freeze?service=shop",
    ],
)
def test_a_query_as_described_is_answered(shared: Server, path: str):
    assert shared.client(token=shared.world.token()).get(path).status_code == 200


def test_a_page_takes_what_mail_programs_append(shared: Server):
    assert shared.client().get("/health?utm_source=mail").status_code == 200
