"""Contact methods over HTTP: verified by a code that only its owner gets."""

from __future__ import annotations

from datetime import timedelta

from tests.http.world import Server
from tocsin.ports import Receipt


def test_a_code_verifies_a_method(server: Server):
    world = server.world
    ana, ben = (server.client(world.token("responder", who)) for who in ("ana", "ben"))

    assert ana.post("/api/people/ana/contacts/verify", json={"kind": "email"}).json() == {
        "receipt": "sent",
        "detail": "",
    }
    person, kind, code = world.sent[-1]
    assert (person, kind, len(code)) == ("ana", "email", 6)
    assert ana.post("/api/people/ana/contacts/verify", json={"kind": "email"}).status_code == 400
    assert ben.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": code}).status_code == 403
    wrong = f"{(int(code) + 1) % 10**6:06}"
    refused = ana.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": wrong})
    assert refused.status_code == 400 and "4 tries left" in refused.text
    spaced = f"{code[:3]} {code[3:]}"
    done = ana.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": spaced}).json()["items"]

    assert done[0]["verified_at"] == "2026-11-23T03:00:00Z" and done[0]["used"] is True
    assert ana.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": code}).status_code == 400


def test_a_code_is_void_after_15_minutes(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    ana.post("/api/people/ana/contacts/verify", json={"kind": "email"})
    world.clock.advance(timedelta(minutes=15))

    late = ana.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": world.sent[-1][2]})

    assert late.status_code == 400 and "older than 15 minutes" in late.text


def test_a_verified_method_is_used_and_others_wait(server: Server):
    world, api = server.world, server.client(server.world.token())
    methods = [
        {"kind": "email", "address": "ana@example.org"},
        {"kind": "webhook", "address": "https://x.example/s3cret"},
    ]
    written = {"id": "ana", "methods": [methods[0], methods[1] | {"verified_at": "2026-01-01T00:00:00Z"}]}
    assert api.put("/api/people/ana", json=written).status_code == 200
    api.post("/api/people/ana/contacts/verify", json={"kind": "email"})
    api.post("/api/people/ana/contacts/confirm", json={"kind": "email", "code": world.sent[-1][2]})

    shown = api.get("/api/people/ana/contacts").json()["items"]

    assert [(each["kind"], each["used"], each["verified_at"] is not None) for each in shown] == [
        ("email", True, True),
        ("webhook", False, False),
    ]
    assert "s3cret" not in str(shown)


def test_a_test_keeps_its_receipt(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    world.receipt = Receipt(code="refused", detail="mailbox full")

    assert ana.post("/api/people/ana/contacts/test", json={"kind": "email"}).json()["receipt"] == "refused"

    (shown,) = ana.get("/api/people/ana/contacts").json()["items"]
    assert (shown["tested_ok"], shown["tested_detail"]) == (False, "refused: mailbox full")
    assert ana.post("/api/people/ana/contacts/test", json={"kind": "slack"}).status_code == 400
    assert ana.get("/api/people/zoe/contacts").status_code == 404
