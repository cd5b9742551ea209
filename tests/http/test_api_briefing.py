"""What the guide says to responders, over HTTP: the briefing of an incident, runbooks, names that are heard."""

from __future__ import annotations

from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.guided import GUIDED, guide
from tests.http.world import Server

PLACE = "/api/incidents/INC-2026-001"


def declared(server: Server, title: str = "Checkout is down", **more: Any) -> httpx2.Client:
    api = server.client(server.world.token())
    answer = api.post("/api/incidents", json={"title": title, "severity": "SEV-1", "service": "checkout", **more})
    assert answer.status_code == 201, answer.text
    return api


def test_an_incident_has_its_phases_fitting_runbooks_duties_and_contacts(guided: Server):
    api = declared(guided)
    api.post(f"{PLACE}/assign-role", json={"role": "scribe", "person": "ben"}).raise_for_status()

    told = api.get(f"{PLACE}/guide").json()

    assert (told["incident"], told["guide"], told["current"]) == ("INC-2026-001", "main", "Phase 1: Detection")
    assert [each["name"] for each in told["phases"]] == ["Phase 1: Detection", "Phase 2: Containment"]
    assert told["phases"][0]["objectives"] == ["Know what is broken"]
    assert [(each["name"], each["because"]) for each in told["runbooks"]] == [
        ("Checkout Recovery", ["it names checkout", "the title says checkout"])
    ]
    assert [each["name"] for each in told["others"]] == ["Network Diagnosis"]
    flush = told["runbooks"][0]["items"][0]["commands"][0]
    assert flush == {
        "code": "redis-cli FLUSHALL",
        "language": "bash",
        "warnings": ["it cannot be taken back"],
        "dangerous": True,
        "needs": [],
        "run": "tocsin run --incident INC-2026-001 -- redis-cli FLUSHALL",
        "line": 32,
        "step": "",
        "file": None,
        "risk": "destroys",
        "endless": "",
        "parameters": [],
    }
    assert [(each["name"], each["people"], each["line"]) for each in told["roles"]] == [
        ("Scribe", ["ben"], 52), ("Incident Commander", [], 51),
    ]  # fmt: skip
    assert {each["name"]: each["support_level"] for each in told["call"]}["Hosting Ltd"] == "Premium Support"
    assert told["questions"][0]["next"]


def test_a_name_that_people_would_type_is_taken_as_the_guide_has_it(guided: Server):
    api = declared(guided)

    api.post(f"{PLACE}/begin-phase", json={"phase": "detection"}).raise_for_status()
    api.post(f"{PLACE}/begin-item", json={"phase": "detection", "item": "graphs"}).raise_for_status()
    api.post(f"{PLACE}/finish-item", json={"phase": "DETECTION", "item": "2"}).raise_for_status()
    after = api.post(f"{PLACE}/finish-item", json={"phase": "checkout recovery", "item": "drop the queue"}).json()

    assert after["phases"] == {"Phase 1: Detection": "begun"}
    assert after["items"] == {
        "Phase 1: Detection / Look at the graphs": "begun",
        "Phase 1: Detection / Check the pods": "finished",
        "Checkout Recovery / Drop the queue": "finished",
    }
    told = api.get(f"{PLACE}/guide").json()
    assert [each["standing"]["state"] for each in told["phases"][0]["items"]] == ["begun", "finished"]
    assert told["runbooks"][0]["items"][0]["standing"]["state"] == "finished"


@pytest.mark.parametrize(
    ("tag", "body", "said"),
    [
        ("begin-phase", {"phase": "Contaiment"}, "did you mean Phase 2: Containment?"),
        ("finish-phase", {"phase": "Checkout Recovery"}, "phase: expected one"),
        ("begin-item", {"phase": "Detection", "item": "Nonsense"}, "item: expected one of Look at the graphs"),
        ("finish-item", {"phase": "Detection", "item": "Stop the rollout"}, "item: expected one"),
        ("finish-item", {"phase": "Nonsense", "item": "Look at the graphs"}, "phase: expected one"),
        ("begin-item", {"phase": "Phase", "item": "1"}, "which is part of each"),
    ],
)
def test_a_name_that_the_guide_has_not_is_refused_and_nothing_happens(
    guided: Server, tag: str, body: dict[str, str], said: str
):
    api = declared(guided)
    before = api.get(PLACE).json()["version"]

    answer = api.post(f"{PLACE}/{tag}", json=body)

    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert api.get(PLACE).json()["version"] == before


def test_said_twice_it_is_one_fact(guided: Server):
    api = declared(guided)
    first = api.post(f"{PLACE}/finish-item", json={"phase": "detection", "item": "1"}).json()["version"]

    again = api.post(f"{PLACE}/finish-item", json={"phase": "Phase 1: Detection", "item": "Look at the graphs"}).json()

    assert again["version"] == first


def test_an_incident_keeps_the_edition_that_it_was_opened_under(guided: Server):
    api = declared(guided)
    newer = msgspec.structs.replace(GUIDED, phases=GUIDED.phases[1:], runbooks=())
    guide(guided.world, newer)

    told = api.get(f"{PLACE}/guide").json()

    assert told["current"] == "Phase 1: Detection"
    assert api.post(f"{PLACE}/finish-item", json={"phase": "detection", "item": "graphs"}).status_code == 200
    assert api.get("/api/runbooks").json()["items"] == []


def test_a_private_incident_of_others_has_no_guide(guided: Server):
    ben = guided.client(guided.world.token("responder", "ben"))
    ben.post("/api/incidents", json={"title": "Leak", "severity": "SEV-3", "private": True}).raise_for_status()

    assert ben.get(f"{PLACE}/guide").status_code == 200
    for role in ("viewer", "owner"):
        answer = guided.client(guided.world.token(role, "cleo")).get(f"{PLACE}/guide")
        assert answer.status_code == 404
        assert "Leak" not in answer.text and "Detection" not in answer.text


def test_the_runbooks_in_force_are_listed_by_guide(guided: Server):
    guided.world.do(lambda _: guided.world.engine.guides.activate("default", "second", GUIDED))
    api = guided.client(guided.world.token("viewer", "vera"))

    every, one = api.get("/api/runbooks").json()["items"], api.get("/api/runbooks", params={"guide": "second"}).json()
    unknown = api.get("/api/runbooks", params={"guide": "third"})

    assert [(each["guide"], each["name"]) for each in every] == [
        (name, book) for name in ("main", "second") for book in ("Checkout Recovery", "Network Diagnosis")
    ]
    assert [each["guide"] for each in one["items"]] == ["second", "second"]
    assert every[1]["items"][0]["commands"][0]["run"] == "tocsin run --incident INCIDENT -- bash -c 'ping -c 1 <host>'"
    assert (unknown.status_code, "expected one of main, second" in unknown.json()["detail"]) == (400, True)
