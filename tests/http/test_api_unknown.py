"""What is not there, and what is too large, under `/api`: always a problem in JSON, whatever the method."""

from __future__ import annotations

import pytest

from tests.http.world import Server
from tocsin.http.problems import BODY_MAX

FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("path", ["/api/nosuch", "/api/nosuch/deeper", "/api/incidents/INC-2026-001/nosuch"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_a_problem_in_json(shared: Server, method: str, path: str):
    answer = shared.client(shared.world.token()).request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["status"] == 404


def test_a_body_that_is_too_large_names_the_limit_and_what_came(shared: Server):
    answer = shared.client(shared.world.token()).post("/api/incidents", content=b" " * (BODY_MAX + 10))

    assert answer.status_code == 413
    assert answer.json()["detail"] == f"body: expected at most {BODY_MAX} bytes, got {BODY_MAX + 10}"
    (found,) = answer.json()["errors"]
    assert found["field"] == "body"


def test_a_page_says_what_is_too_large_as_a_page(shared: Server):
    answer = shared.client(**{"content-type": FORM}).post("/sign-in", content=b"a=" + b"b" * BODY_MAX)

    assert answer.status_code == 413
    assert answer.headers["content-type"].startswith("text/html")
    assert str(BODY_MAX) in answer.text


HTML = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize("path", ["/nosuch", "/directory/nosuch", "/nosuch/deeper"])
def test_a_browser_is_told_as_a_page_that_a_page_is_not_there(shared: Server, path: str):
    answer = shared.client(**HTML).get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page." in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize("path", ["/api/nosuch", "/nosuch"])
def test_a_program_gets_a_problem_where_no_page_is(shared: Server, path: str):
    answer = shared.client(**(HTML if path.startswith("/api") else {"accept": "*/*"})).get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_an_address_cut_short_leads_to_the_incidents(shared: Server):
    answer = shared.client(shared.world.token()).get("/incidents", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
@pytest.mark.parametrize(
    "path", ["/api/oncall/load", "/api/oncall/gaps", "/api/schedules/primary/shifts", "/api/oncall"]
)
def test_no_instant_is_too_far_for_an_answer(shared: Server, path: str, at: str):
    api = shared.client(shared.world.token())

    for query in ({"to": at}, {"from": at}, {"from": at, "to": at}, {"at": at}):
        answer = api.get(path, params=query)

        assert answer.status_code < 500, (path, query, answer.text)
