"""`/api/hooks`: a secret is shown once, a wrong field is named, an event is sent again."""

from __future__ import annotations

import base64

from tests.http.world import Server
from tocsin.core.hooks import HOOK, Happened, Hook
from tocsin.ports import Receipt
from tocsin.saying.hooks import owed

PUT = {"url": "https://bus.example/in/secret-path"}


def test_a_secret_is_made_and_shown_once(server: Server) -> None:
    api = server.client(server.world.token())

    made = api.put("/api/hooks/bus", json=PUT)
    again = api.put("/api/hooks/bus", json={**PUT, "events": ["incident.resolved"]})
    listed = api.get("/api/hooks").json()["items"][0]

    assert (made.status_code, again.status_code) == (201, 200)
    assert len(base64.b64decode(made.json()["secret"].removeprefix("whsec_"))) == 32
    assert (again.json()["secret"], listed["secret"], listed["signed"]) == (None, None, True)
    assert (listed["url"], listed["state"]) == ("https://bus.example/…", "on")
    assert HOOK in server.world.told
    kept = server.world.do(lambda store: store.get("default", HOOK, "bus"))
    assert made.json()["secret"].encode() in kept


def test_a_hook_of_another_format_gets_a_secret_that_fits(server: Server) -> None:
    api = server.client(server.world.token())
    api.put("/api/hooks/bus", json=PUT)

    changed = api.put("/api/hooks/bus", json={**PUT, "format": "pagerduty"})

    assert changed.status_code == 200
    assert len(changed.json()["secret"]) == 64


def test_a_wrong_field_is_named(server: Server) -> None:
    api = server.client(server.world.token())
    for body, field in (
        ({"url": "file:///etc/passwd"}, "url"),
        ({**PUT, "format": "xml"}, "format"),
        ({**PUT, "events": ["incident.nope"]}, "events"),
        ({**PUT, "secret": "plain"}, "secret"),
        ({**PUT, "colour": "red"}, "colour"),
    ):
        answer = api.put("/api/hooks/bus", json=body)

        assert answer.status_code == 400, body
        assert field in answer.text
        assert "plain" not in answer.text


def test_only_who_manages_may_change_hooks(server: Server) -> None:
    api = server.client(server.world.token("responder"))

    assert api.put("/api/hooks/bus", json=PUT).status_code == 403
    assert api.post("/api/hook-replays", json={"announcement": "a"}).status_code == 403
    assert api.get("/api/hooks").status_code == 200


def test_a_test_says_what_the_receiver_answered(server: Server) -> None:
    api = server.client(server.world.token())
    api.put("/api/hooks/bus", json=PUT)
    server.world.receipt = Receipt(code="rejected", permanent=True, detail="https://bus.example answered 400")

    answer = api.post("/api/hooks/bus/test")

    assert answer.json() == {"code": "rejected", "detail": "https://bus.example answered 400"}
    assert server.world.sent == [("bus", "hook", "")]
    assert api.post("/api/hooks/nope/test").status_code == 404


def test_an_event_is_owed_again_with_its_own_id(server: Server) -> None:
    api = server.client(server.world.token())
    api.put("/api/hooks/bus", json=PUT)
    happened = Happened(id="i-1", type="incident.triggered", at=server.world.clock.now(), by="ana")
    said = owed("default", Hook(name="bus", url=PUT["url"]), happened, "INC-1", {"type": "incident.triggered"})
    server.world.do(lambda store: store.commit(announce=[said]))

    answer = api.post("/api/hook-replays", json={"announcement": "hook-i-1-bus"})
    twice = api.post("/api/hook-replays", json={"announcement": answer.json()["announcement"]})
    items = api.get("/api/hooks/bus/deliveries").json()["items"]

    assert (answer.status_code, twice.status_code) == (201, 201)
    assert [(each["event"], each["state"], each["replay"]) for each in items] == [
        ("i-1", "pending", True),
        ("i-1", "pending", True),
        ("i-1", "pending", False),
    ]
    assert api.post("/api/hook-replays", json={"announcement": "other"}).status_code == 404
    api.delete("/api/hooks/bus")
    assert api.post("/api/hook-replays", json={"announcement": "hook-i-1-bus"}).status_code == 400
    assert api.get("/api/hooks/bus/deliveries").status_code == 404
