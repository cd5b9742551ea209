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
