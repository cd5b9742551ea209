"""What is not there, under `/api`: always a problem in JSON, whatever the method."""

from __future__ import annotations

import pytest

from tests.http.world import Server


@pytest.mark.parametrize("path", ["/api/nosuch", "/api/nosuch/deeper", "/api/incidents/INC-2026-001/nosuch"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_path_is_a_problem_in_json(shared: Server, method: str, path: str):
    answer = shared.client(shared.world.token()).request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["status"] == 404
