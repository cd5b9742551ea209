"""Runs of the guide's commands over HTTP: who may begin one, who approves it, what is told and what is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.http.guided import guide
from tests.http.test_two_persons import accounts_of, told
from tests.http.world import Server, World
from tocsin.http import auth

PLACE = "/api/incidents/INC-2026-001"
FLUSH = {"phase": "checkout recovery", "item": "1", "text": "redis-cli FLUSHALL"}
LOOK = {"phase": "detection", "item": "2", "text": "kubectl get pods", "host": "bastion"}


@pytest.fixture
def guided(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    guide(world)
    server = Server(world)
    yield server
    server.stop()
    world.close()


def person(server: Server, name: str, role: Any = "responder") -> httpx2.Client:
    return server.client(server.world.token(role, name))


@pytest.fixture
def ana(guided: Server) -> httpx2.Client:
    api = person(guided, "ana")
    api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-1"}).raise_for_status()
    return api


def test_a_run_is_begun_ended_and_listed_and_ticks_its_item(guided: Server, ana: httpx2.Client):
    ana.post(f"{PLACE}/begin-run", json=LOOK).raise_for_status()
    said = {"run": 1, "exit_code": 0, "seconds": 2, "output": "web-1 Running"}
    after = ana.post(f"{PLACE}/end-run", json=said).json()

    assert after["items"] == {"Phase 1: Detection / Check the pods": "finished"}
    (run,) = ana.get(f"{PLACE}/runs").json()["items"]
    assert (run["run"], run["by"], run["text"], run["risk"]) == (1, "ana", "kubectl get pods", "reads")
    assert (run["exit_code"], run["output"], run["host"]) == (0, "web-1 Running", "bastion")


def test_what_destroys_waits_for_a_commander_who_is_told_the_very_words(guided: Server, ana: httpx2.Client):
    ben, cleo = person(guided, "ben", "commander"), person(guided, "cleo")
    accounts_of(guided, ben="commander", cleo="responder")

    asked = ana.post(f"{PLACE}/begin-run", json=FLUSH).json()
    (waiting,) = asked["approvals"]
    assert waiting["says"] == "to run redis-cli FLUSHALL (Drop the queue; it cannot be taken back)"
    ((name, because),) = told(guided, asked["id"])
    assert (name, "ana asks to run redis-cli FLUSHALL (Drop the queue;" in because) == ("ben", True)

    assert cleo.post(f"{PLACE}/approve", json={"request": 1}).status_code == 403
    assert ben.post(f"{PLACE}/approve", json={"request": 1}).status_code == 200
    (allowed,) = ana.get(f"{PLACE}/runs").json()["allowed"]
    assert (allowed["asker"], allowed["approved_by"]) == ("ana", "ben")
    ana.post(f"{PLACE}/begin-run", json=FLUSH).raise_for_status()
    runs = ana.get(f"{PLACE}/runs").json()
    assert (runs["items"][0]["approved_by"], runs["allowed"]) == ("ben", [])


def test_a_program_is_nobodys_second_person(guided: Server, ana: httpx2.Client):
    ana.post(f"{PLACE}/begin-run", json=FLUSH).raise_for_status()
    program = auth.issue("robot", "commander", guided.world.clock.now(), service=True)
    guided.world.do(lambda store: auth.save(store, "default", "token", program.record))

    assert guided.client(program.text).post(f"{PLACE}/approve", json={"request": 1}).status_code == 409


def test_secrets_are_taken_out_of_what_a_command_said(guided: Server, ana: httpx2.Client):
    ana.post(f"{PLACE}/begin-run", json=LOOK).raise_for_status()
    leak = "connected\npassword=hunter2hunter2\nAKIAIOSFODNN7EXAMPLE\n"
    ana.post(f"{PLACE}/end-run", json={"run": 1, "exit_code": 0, "output": leak}).raise_for_status()

    for path in ("runs", "timeline"):
        text = ana.get(f"{PLACE}/{path}").text
        assert "connected" in text
        assert "hunter2" not in text and "AKIAIOSFODNN7EXAMPLE" not in text


def test_who_only_looks_on_sees_the_runs_and_not_what_they_said(guided: Server, ana: httpx2.Client):
    ana.post(f"{PLACE}/begin-run", json=LOOK).raise_for_status()
    ana.post(f"{PLACE}/end-run", json={"run": 1, "exit_code": 0, "output": "web-1 Running"}).raise_for_status()
    viewer = person(guided, "vera", "viewer")

    assert viewer.post(f"{PLACE}/begin-run", json=LOOK).status_code == 403
    assert viewer.get(f"{PLACE}/runs").json()["items"][0]["output"] == ""
    assert "web-1" not in viewer.get(f"{PLACE}/timeline").text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({**LOOK, "text": "kubectl get pods; id"}, "text: expected"),
        ({**LOOK, "item": "nonsense"}, "item: expected"),
        ({**LOOK, "values": ["a=b"]}, "a: expected one of none"),
        ({"phase": "network", "item": "1", "text": "ping -c 1 x"}, "host: expected a value"),
    ],
)
def test_what_is_not_the_guides_is_refused(guided: Server, ana: httpx2.Client, body: dict[str, Any], says: str):
    answer = ana.post(f"{PLACE}/begin-run", json=body)

    assert answer.status_code == 400
    assert says in answer.json()["detail"]


def test_the_guide_says_of_each_command_what_it_does_and_leaves_open(guided: Server, ana: httpx2.Client):
    shown = ana.get(f"{PLACE}/guide").json()
    commands = {
        each["code"]: each
        for book in (*shown["runbooks"], *shown["others"])
        for item in book["items"]
        for each in item["commands"]
    }

    assert commands["redis-cli FLUSHALL"]["risk"] == "destroys"
    ping = commands["ping -c 1 <host>"]
    assert (ping["risk"], ping["needs"]) == ("reads", ["host"])
    assert ping["parameters"] == [{"name": "host", "kind": "host", "default": None}]
