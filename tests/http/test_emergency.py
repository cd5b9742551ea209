"""Emergency access: by whom, for how long, what it opens, who is told, and that somebody else reviews it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.http.test_private import hide
from tests.http.world import Server
from tocsin.http import auth

REASON = {"because": "nobody who is named answers, and it gets worse"}
PATH = "/api/access/emergency"


def person(server: Server, name: str, role: auth.Spoken = "responder") -> httpx2.Client:
    return server.client(server.world.token(role, name))


def test_whoever_is_on_call_sees_and_may_what_the_emergency_needs(server: Server):
    secret = hide(server)
    ben = person(server, "ben", "viewer")  # the second level of the guide
    assert ben.get(f"/api/incidents/{secret.id}").status_code == 404
    assert ben.get("/api/tokens").status_code == 403

    taken = ben.post(PATH, json={**REASON, "incident": secret.reference})

    assert taken.status_code == 201, taken.text
    assert taken.json()["until"] == "2026-11-23T04:00:00Z"
    assert ben.get(f"/api/incidents/{secret.id}").json()["title"] == secret.title
    assert ben.get("/api/tokens").status_code == 200
    assert ben.get("/api/me").json()["role"] == "administrator"
    assert "emergency access" in ben.get(f"/api/incidents/{secret.id}/timeline").text


def test_it_is_over_by_itself(server: Server):
    secret = hide(server)
    ben = person(server, "ben")
    ben.post(PATH, json={**REASON, "minutes": 5})

    server.world.clock.advance(timedelta(minutes=5))

    assert ben.get(f"/api/incidents/{secret.id}").status_code == 404
    assert ben.get("/api/tokens").status_code == 403
    assert ben.get(PATH).json()["items"] == []


def test_it_is_ended_early_and_by_nobody_else_without_a_role(server: Server):
    ben, olga = person(server, "ben"), person(server, "olga", "commander")
    ben.post(PATH, json=REASON)

    assert olga.delete(f"{PATH}/ben").status_code == 403
    assert ben.delete(f"{PATH}/ben").status_code == 204
    assert ben.get("/api/tokens").status_code == 403
    assert ben.delete(f"{PATH}/ben").status_code == 404


@pytest.mark.parametrize("body", [{"because": "x"}, {"because": "           "}, {}, {**REASON, "minutes": 0}])
def test_it_needs_a_reason(server: Server, body: dict[str, Any]):
    assert person(server, "ben").post(PATH, json=body).status_code == 400


def test_who_is_not_on_call_cannot_take_it(server: Server):
    assert person(server, "olga", "commander").post(PATH, json=REASON).status_code == 403
    assert person(server, "olga", "owner").post(PATH, json=REASON).status_code == 201


def test_others_are_told_and_somebody_else_reviews_it(server: Server):
    world = server.world
    ben, ana = person(server, "ben"), person(server, "ana")
    review = ben.post(PATH, json=REASON).json()["review"]

    owed = world.do(lambda _: world.engine.lease())
    assert [(page.person, page.notice) for page in owed] == [("ana", True)]
    seen = world.do(lambda _: world.engine.describe(owed[0]))
    assert seen is not None and REASON["because"] in seen.paged_because

    duty = next(each for each in ana.get("/api/duties").json()["items"] if each["name"] == review)
    assert duty["state"] == "owed" and duty["kind"] == "review"
    assert ben.post(f"/api/duties/{review}/done", json={}).status_code == 409
    assert ben.post(f"/api/duties/{review}/waive", json={"because": "no"}).status_code == 409
    assert ana.post(f"/api/duties/{review}/done", json={"notes": "it was needed"}).json()["state"] == "done"
    assert ben.post(f"/api/duties/{review}/done", json={}).status_code == 409


def test_it_hands_out_no_more_than_ones_own_role(server: Server):
    ben = person(server, "ben")
    ben.post(PATH, json=REASON)

    assert ben.post("/api/tokens", json={"name": "for later", "role": "administrator"}).status_code == 403
    assert ben.post("/api/tokens", json={"name": "for later", "role": "responder"}).status_code == 201


def test_a_program_takes_none(server: Server):
    world = server.world
    issued = auth.issue("ben", "owner", world.clock.now(), name="deploys", service=True)
    world.do(lambda store: auth.save(store, world.tenant, "token", issued.record))

    assert server.client(issued.text).post(PATH, json=REASON).status_code == 400


def test_guides_that_change_leave_the_review_owed(server: Server):
    from_page = person(server, "ben")
    assert from_page.post("/emergency", data=REASON, follow_redirects=False).status_code == 303
    assert "has it until" in from_page.get("/duties").text
    assert from_page.post("/emergency/end", follow_redirects=False).status_code == 303
    assert "has it until" not in from_page.get("/duties").text


def test_what_it_shows_is_in_the_audit_trail_before_it_is_shown(server: Server):
    secret = hide(server)
    ben, olga = person(server, "ben"), person(server, "olga", "administrator")

    def read(client: httpx2.Client) -> list[tuple[str, str, str]]:
        entries = client.get("/api/audit").json()["items"]
        return [
            (each["actor"], each["resource"], each["detail"]) for each in entries if each["action"] == "emergency.read"
        ]

    ben.get("/api/incidents")
    ben.post(PATH, json=REASON)
    ben.get(f"/api/incidents/{secret.reference}/timeline")
    ben.get("/api/incidents?text=Zebrafinch")
    ben.get("/static/nothing.js")
    ben.get(f"/api/incidents/{secret.id}/nothing")

    everything = read(ben)
    assert everything == [
        ("ben", "/api/audit", "GET /api/audit"),
        ("ben", "/api/incidents", "GET /api/incidents"),
        ("ben", secret.id, f"GET /api/incidents/{secret.reference}/timeline"),
    ]
    assert read(olga) == everything[:2]  # she may not know of the incident


def test_what_is_changed_under_it_is_no_reading(server: Server):
    secret = hide(server)
    ben = person(server, "ben")
    ben.post(PATH, json=REASON)

    assert ben.post(f"/api/incidents/{secret.id}/acknowledge", json={}).status_code in (200, 409)

    entries = person(server, "ana", "administrator").get("/api/audit").json()["items"]
    assert "emergency.read" not in [each["action"] for each in entries]
