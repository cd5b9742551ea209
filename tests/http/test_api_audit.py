"""`/api/audit`: who did what, and what is taken out of the record."""

from __future__ import annotations

import msgspec

from tests.http.world import Server
from tocsin.core.people import Method, Person


def test_what_somebody_did_is_listed_with_their_name(server: Server) -> None:
    admin = server.client(server.world.token("admin"))
    admin.put("/api/teams/web", json={"id": "web", "members": ["ana"]}).raise_for_status()
    made = admin.post("/api/incidents", json={"title": "Checkout is down", "service": "checkout"}).json()

    listed = admin.get("/api/audit", params={"limit": 200}).json()

    assert listed["next"] is None
    teams = [each for each in listed["items"] if each["action"] == "team.created"]
    opened = [each for each in listed["items"] if each["resource"] == f"{made['id']}/1"]
    assert [(each["actor"], each["resource"]) for each in teams] == [(admin.get("/api/me").json()["id"], "web")]
    assert [each["action"] for each in opened] == ["incident.Opened"]
    assert [each["seq"] for each in listed["items"]] == list(range(len(listed["items"])))[::-1]


def test_pages_of_the_listing_go_on(server: Server) -> None:
    admin = server.client(server.world.token("admin"))

    first = admin.get("/api/audit", params={"limit": 2}).json()
    second = admin.get("/api/audit", params={"limit": 2, "before": first["next"]}).json()

    seqs = [each["seq"] for each in (*first["items"], *second["items"])]
    assert seqs == list(range(seqs[0], seqs[0] - 4, -1))


def test_only_administrators_read_it_and_bad_numbers_are_named(server: Server) -> None:
    responder, admin = (server.client(server.world.token(role)) for role in ("responder", "admin"))

    paths = ("/api/audit", "/api/audit/verify")
    assert [responder.get(path).status_code for path in paths] == [403, 403]
    assert responder.post("/api/audit/exports", json={"what": "x"}).status_code == 403
    assert responder.post("/api/audit/erasures", json={"because": "x", "seqs": [1]}).status_code == 403
    assert responder.get("/api/audit/protection").status_code == 200
    assert admin.get("/api/audit", params={"limit": 0}).status_code == 400
    assert admin.post("/api/audit/erasures", json={"because": "x"}).json()["errors"][0]["field"] == "seqs"
    assert admin.post("/api/audit/erasures", json={"because": "x", "seqs": [99_999]}).status_code == 404


def test_the_log_verifies_and_an_export_is_an_entry(server: Server) -> None:
    admin = server.client(server.world.token("admin"))

    assert admin.post("/api/audit/exports", json={"what": "audit.zip: everything"}).status_code == 204
    report = admin.get("/api/audit/verify").json()

    assert (report["valid"], report["violations"]) == (True, [])
    newest = admin.get("/api/audit", params={"limit": 1}).json()["items"][0]
    assert (newest["action"], newest["detail"]) == ("log.exported", "audit.zip: everything")


def test_what_is_erased_is_gone_everywhere_and_the_log_still_verifies(server: Server) -> None:
    admin = server.client(server.world.token("admin"))
    made = admin.post("/api/incidents", json={"title": "Mrs Miller cannot pay", "service": "checkout"}).json()
    items = admin.get("/api/audit", params={"limit": 200}).json()["items"]
    (opened,) = [each["seq"] for each in items if each["resource"] == f"{made['id']}/1"]

    erased = admin.post("/api/audit/erasures", json={"because": "she asked", "seqs": [opened]})

    assert (erased.status_code, erased.json()) == (201, {"entries": [opened]})
    shown = admin.get(f"/api/incidents/{made['id']}").json()
    assert shown["title"] == "[erased]"
    assert "Miller" not in admin.get(f"/api/incidents/{made['id']}/timeline").text
    assert "Miller" not in admin.get("/api/incidents").text
    report = admin.get("/api/audit/verify").json()
    assert (report["valid"], report["erased"]) == (True, 1)
    entry = admin.get("/api/audit", params={"limit": 1}).json()["items"][0]["seq"]
    again = admin.post("/api/audit/erasures", json={"because": "she asked", "seqs": [entry]})
    assert (again.status_code, "what was erased before" in again.text) == (409, True)


def test_a_persons_contacts_are_erased_once_they_have_left(server: Server) -> None:
    admin = server.client(server.world.token("admin"))
    eve = Person(id="eve", methods=(Method(kind="email", address="eve@private.example"),))
    admin.put("/api/people/eve", json=msgspec.to_builtins(eve)).raise_for_status()
    body = {"because": "she left", "person": "eve"}

    early = admin.post("/api/audit/erasures", json=body)
    admin.delete("/api/people/eve").raise_for_status()
    done = admin.post("/api/audit/erasures", json=body)

    assert (early.status_code, early.json()["errors"][0]["field"]) == (400, "person")
    assert done.status_code == 201
    contents = server.world.do(lambda store: [each.content or b"" for each in store.audit_entries("default")])
    assert not any(b"eve@private.example" in each for each in contents)
    assert admin.get("/api/audit/verify").json()["valid"] is True
    assert admin.post("/api/audit/erasures", json={"because": "x", "person": "nobody"}).status_code == 404
