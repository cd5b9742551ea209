"""/api/readiness on a real server: what it finds changes with the people."""

from __future__ import annotations

from tests.http.world import Server


def test_it_names_whoever_could_not_be_reached(server: Server) -> None:
    api = server.client(server.world.token())
    before = api.get("/api/readiness").json()
    api.put("/api/people/ana", json={"id": "ana", "methods": []})

    after = api.get("/api/readiness").json()

    levels = [gap["text"] for gap in after["findings"] if gap["check"] == "level"]
    assert levels == ["level 1 pages nobody; ana: ana has no enabled contact method"]
    assert not after["ready"]
    assert not [gap for gap in before["findings"] if gap["check"] == "level"]


def test_it_takes_a_token(server: Server) -> None:
    assert server.client().get("/api/readiness").status_code == 401
