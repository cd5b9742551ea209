"""What teams manage of their own: services by their members, schedules by their leads, no more."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.world import Server
from tocsin.core.people import Team
from tocsin.http import auth

LAYER = {"user": "ana"}


@pytest.fixture
def teams(server: Server) -> Server:
    """ana leads payments, ben is a member of it; platform has neither."""
    world = server.world

    def work(store: Any) -> None:
        for team in (Team(id="payments", members=("ben",), lead="ana"), Team(id="platform", members=("cleo",))):
            store.put(world.tenant, "team", team.id, msgspec.json.encode(team))

    world.do(work)
    return server


def person(server: Server, name: str, role: auth.Spoken = "responder") -> httpx2.Client:
    return server.client(server.world.token(role, name))


def service(name: str, owner: str) -> dict[str, Any]:
    return {"id": name, "owner": owner, "tier": 2}


def test_a_member_manages_the_services_of_the_team_and_no_others(teams: Server):
    ben, olga = person(teams, "ben"), person(teams, "olga")

    assert ben.put("/api/services/cards", json=service("cards", "payments")).status_code == 201
    assert ben.put("/api/services/nodes", json=service("nodes", "platform")).status_code == 403
    assert olga.put("/api/services/cards", json=service("cards", "payments")).status_code == 403
    assert olga.delete("/api/services/cards").status_code == 403
    assert ben.delete("/api/services/cards").status_code == 204


def test_nobody_takes_a_service_from_another_team_or_gives_one_away(teams: Server):
    ben, admin = person(teams, "ben"), person(teams, "adam", "administrator")
    admin.put("/api/services/nodes", json=service("nodes", "platform"))
    admin.put("/api/services/cards", json=service("cards", "payments"))

    assert ben.put("/api/services/nodes", json=service("nodes", "payments")).status_code == 403
    assert ben.put("/api/services/cards", json=service("cards", "platform")).status_code == 403
    assert ben.delete("/api/services/nodes").status_code == 403


def test_the_lead_manages_the_schedule_of_the_team(teams: Server):
    ana, ben, viewer = person(teams, "ana"), person(teams, "ben"), person(teams, "ana", "viewer")
    plan = {"id": "cards", "team": "payments", "layers": [LAYER]}

    assert ben.put("/api/schedules/cards", json=plan).status_code == 403
    assert viewer.put("/api/schedules/cards", json=plan).status_code == 403
    assert ana.put("/api/schedules/cards", json=plan).status_code == 201
    assert ana.put("/api/schedules/nodes", json={**plan, "id": "nodes", "team": "platform"}).status_code == 403
    assert ana.put("/api/schedules/nodes", json={**plan, "id": "nodes", "team": None}).status_code == 403
