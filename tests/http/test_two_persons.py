"""The rule of two persons: what the policy names is asked for by one and approved by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core.policy import TwoPersons
from tocsin.core.policycheck import flaws
from tocsin.http import auth


@pytest.fixture
def ruled(server: Server) -> Server:
    world = server.world
    rule = TwoPersons(commands=("resolve", "unfreeze-deployments"), severities=("SEV-0",), within_seconds=1800)
    policy = msgspec.structs.replace(POLICY, two_persons=rule)
    world.do(lambda _: world.engine.guides.activate(world.tenant, "main", policy))
    return server


def person(server: Server, name: str, role: auth.Spoken = "commander") -> httpx2.Client:
    return server.client(server.world.token(role, name))


def declared(api: httpx2.Client, severity: str = "SEV-0") -> str:
    made: dict[str, Any] = api.post("/api/incidents", json={"title": "Checkout is down", "severity": severity}).json()
    return f"/api/incidents/{made['id']}"


def test_one_asks_another_approves_and_it_is_the_askers_doing(ruled: Server):
    ana, ben = person(ruled, "ana"), person(ruled, "ben")
    path = declared(ana)

    asked = ana.post(f"{path}/resolve", json={"because": "rolled back"}).json()
    assert asked["status"] == "investigating"
    assert [(each["request"], each["command"], each["by"]) for each in asked["approvals"]] == [(1, "resolve", "ana")]

    assert ana.post(f"{path}/approve", json={"request": 1}).status_code == 409
    after = ben.post(f"{path}/approve", json={"request": 1}).json()
    assert (after["status"], after["resolved_by"], after["approvals"]) == ("resolved", "ana", [])
    kinds = [(each["kind"], each["by"]) for each in ben.get(f"{path}/timeline").json()["items"]]
    assert ("ApprovalRequested", "ana") in kinds
    assert ("ApprovalEnded", "ben") in kinds


def test_asking_twice_is_asking_once_and_a_request_lapses(ruled: Server):
    ana, ben = person(ruled, "ana"), person(ruled, "ben")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={"because": "over"})

    assert len(ana.post(f"{path}/resolve", json={"because": "over"}).json()["approvals"]) == 1
    ruled.world.clock.advance(timedelta(minutes=30))
    assert ben.post(f"{path}/approve", json={"request": 1}).status_code == 409
    assert ana.post(f"{path}/resolve", json={"because": "over"}).json()["approvals"][-1]["request"] == 2
    assert ben.post(f"{path}/approve", json={"request": 2}).json()["status"] == "resolved"


def test_a_way_around_is_none(ruled: Server):
    ana = person(ruled, "ana")
    path = declared(ana)

    assert ana.post(f"{path}/change-status", json={"status": "resolved"}).json()["status"] == "investigating"
    said = {"text": "It is over.", "audience": "response team", "status": "resolved"}
    assert ana.post(f"{path}/post-update", json=said).json()["status"] == "investigating"
    said = {"audiences": ["customers"], "status": "resolved", "texts": {"customers": "over"}}
    ana.post(f"{path}/say", json=said)
    assert ana.get(path).json()["status"] == "investigating"


def test_it_can_be_declined_and_asks_for_a_commander(ruled: Server):
    ana, ben = person(ruled, "ana", "responder"), person(ruled, "ben", "responder")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={})

    assert ben.post(f"{path}/approve", json={"request": 1}).status_code == 403
    assert ben.post(f"{path}/decline", json={"request": 1, "because": "not yet"}).json()["approvals"] == []
    assert ben.post(f"{path}/decline", json={"request": 1}).status_code == 400


def test_other_severities_commands_and_what_alerts_do_ask_nobody(ruled: Server):
    ana = person(ruled, "ana")

    assert ana.post(f"{declared(ana, 'SEV-2')}/resolve", json={}).json()["status"] == "resolved"
    assert ana.post(f"{declared(ana)}/acknowledge", json={}).json()["acknowledged_by"] == "ana"


def test_what_must_not_wait_cannot_be_named_in_a_policy():
    named = TwoPersons(commands=("acknowledge", "merge", "resolve"))
    found = [flaw.field for flaw in flaws(msgspec.structs.replace(POLICY, two_persons=named))]

    assert [each for each in found if each.startswith("two_persons")] == [
        "two_persons.commands[0]",
        "two_persons.commands[1]",
    ]
