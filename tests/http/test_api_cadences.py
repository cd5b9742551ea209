"""A cadence that stands only in a template is confirmed once for its guide, and again only where it changed."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.confirming import CONFIRMED
from tocsin.core.policy import Cadence, Deadline, Source
from tocsin.guidefile import GuideFile
from tocsin.wiring.furnish import put_guides

INSIDE = Cadence(
    audience="internal", every=Deadline(seconds=900, text="every 15 minutes"), confirmed=False, source=Source(line=7)
)
OUTSIDE = Cadence(audience="customers", every=Deadline(seconds=1800), severities=("SEV-0",), confirmed=False)
GUIDE = msgspec.structs.replace(POLICY, cadences=(INSIDE, OUTSIDE))
PLACE = "/api/guides/main/cadences"


@pytest.fixture
def proposing(server: Server) -> Server:
    put(server, GUIDE)
    return server


def put(server: Server, policy, name: str = "main") -> None:
    server.world.do(lambda _: server.world.engine.guides.activate("default", name, policy))


def owed(api) -> dict[str, str]:
    """What an incident that opens now owes to audiences, and how it stands."""
    made = api.post("/api/incidents", json={"title": "It is down", "severity": "SEV-0"}).json()
    return {each["rule"]: each["state"] for each in made["promises"] if each["rule"].startswith("update:")}


def test_a_cadence_is_confirmed_once_and_holds_for_every_new_incident(proposing: Server):
    api = proposing.client(proposing.world.token())
    before = owed(api)

    answer = api.post(f"{PLACE}/confirm", json={"rules": ["update:internal:0"]}).json()["items"]

    assert before == {"update:internal:0": "proposed", "update:customers:1": "proposed"}
    assert [
        (each["rule"], each["every"], each["line"], each["confirmed"], each["confirmed_by"]) for each in answer
    ] == [
        ("update:internal:0", "every 15 minutes", 7, True, "ana"),
        ("update:customers:1", "30m", None, False, ""),
    ]
    assert owed(api) == {"update:internal:0": "open", "update:customers:1": "proposed"}
    assert api.get(PLACE).json()["items"] == answer


def test_a_new_version_asks_again_only_where_the_cadence_changed(proposing: Server):
    api = proposing.client(proposing.world.token())
    api.post(f"{PLACE}/confirm", json={})
    moved = msgspec.structs.replace(INSIDE, source=Source(line=99))
    faster = msgspec.structs.replace(OUTSIDE, every=Deadline(seconds=600))

    put(proposing, msgspec.structs.replace(GUIDE, title="Second version", cadences=(moved, faster)))

    assert [each["confirmed"] for each in api.get(PLACE).json()["items"]] == [True, False]


def test_the_same_file_is_unchanged_after_it_was_confirmed(proposing: Server):
    api = proposing.client(proposing.world.token())
    api.post(f"{PLACE}/confirm", json={})
    world, file = proposing.world, GuideFile(name="main", file="g.md", policy=GUIDE)

    said = world.do(lambda store: put_guides(world.engine.guides, store, [file], "default"))

    assert said == ["guide main: in force, unchanged"]


def test_a_confirmation_is_taken_back(proposing: Server):
    api = proposing.client(proposing.world.token())
    api.post(f"{PLACE}/confirm", json={})

    after = api.post(f"{PLACE}/confirm", json={"rules": ["update:internal:0"], "holds": False}).json()["items"]

    assert [each["confirmed"] for each in after] == [False, True]
    assert owed(api) == {"update:internal:0": "proposed", "update:customers:1": "open"}


def test_the_audit_trail_says_who_confirmed(proposing: Server):
    api = proposing.client(proposing.world.token())
    proposing.world.clock.advance(timedelta(minutes=1))
    api.post(f"{PLACE}/confirm", json={})

    entries = api.get("/api/audit").json()["items"]

    assert any(CONFIRMED in msgspec.json.encode(each).decode() and each["actor"] == "ana" for each in entries)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"rules": ["update:press:7"]}, "rules: expected a cadence that the guide only proposes (update:internal:0, "),
        (
            {"rules": ["update:internal:0"], "holds": False},
            "rules: expected a cadence that was confirmed (there is none)",
        ),
    ],
)
def test_what_cannot_be_confirmed_is_named(proposing: Server, body: dict[str, object], error: str):
    answer = proposing.client(proposing.world.token()).post(f"{PLACE}/confirm", json=body)

    assert answer.status_code == 400 and answer.json()["detail"].startswith(error)


def test_who_may_not_put_a_guide_in_force_confirms_nothing(proposing: Server):
    responder = proposing.client(proposing.world.token("responder"))

    assert responder.get(PLACE).status_code == 200
    assert responder.post(f"{PLACE}/confirm", json={}).status_code == 403
    assert responder.get("/api/guides/other/cadences").status_code == 404
