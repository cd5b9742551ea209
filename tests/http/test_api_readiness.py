"""/api/readiness on a real server: what it finds changes with the people."""

from __future__ import annotations

import msgspec

from tests.http.world import POLICY, Server
from tocsin.core.policy import Communication, Deadline


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


def test_it_names_an_audience_that_is_owed_news_and_has_no_channel(server: Server) -> None:
    owed = Communication(audience="customers", within=Deadline(seconds=3600))
    guide = msgspec.structs.replace(POLICY, communications=(owed,), cadences=())
    server.world.do(lambda store: server.world.engine.guides.activate("default", "main", guide))
    api = server.client(server.world.token())

    def missing() -> list[str]:
        found = api.get("/api/readiness").json()["findings"]
        return [each["text"].partition(" have")[0] for each in found if each["check"] == "audience"]

    assert missing() == ["customers are owed news and"]
    channels = [{"kind": "email", "address": "all@example.org"}]
    api.put("/api/audiences/customers", json={"id": "customers", "channels": channels})
    assert missing() == []
