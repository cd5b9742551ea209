"""How long it took, over HTTP."""

from __future__ import annotations

from datetime import timedelta

from tests.http.world import Server
from tocsin.core import commands as c


def lived(server: Server, title: str, minutes: int, **declared: bool) -> str:
    """An incident that somebody acknowledged after a minute and resolved after `minutes`."""
    world = server.world
    incident = world.do(lambda _: world.engine.declare("default", c.Declare(title=title, severity="SEV-1", **declared)))
    world.clock.advance(timedelta(minutes=1))
    world.do(lambda _: world.engine.handle("default", incident.id, c.Acknowledge(by="ana")))
    world.clock.advance(timedelta(minutes=minutes - 1))
    world.do(lambda _: world.engine.handle("default", incident.id, c.Resolve(by="ana")))
    return incident.reference


def test_the_measures_of_an_incident_follow_a_corrected_timestamp(server: Server):
    world = server.world
    reference = lived(server, "Checkout is slow", 10)
    client = server.client(world.token())
    before = client.get(f"/api/measures/{reference}").json()

    opened = world.engine.load("default", world.engine.find("default", reference)).opened_at
    command = c.CorrectTimestamp(name="opened_at", to=opened - timedelta(minutes=5), because="the log says so")
    world.do(lambda _: world.engine.handle("default", reference, command))
    after = client.get(f"/api/measures/{reference}").json()

    assert (before["seconds"]["time_to_acknowledge"], before["seconds"]["time_to_resolve"]) == (60.0, 600.0)
    assert (after["seconds"]["time_to_acknowledge"], after["seconds"]["time_to_resolve"]) == (360.0, 900.0)
    assert after["corrected"] == ["opened_at"]


def test_many_incidents_are_measured_together_and_drills_are_not(server: Server):
    lived(server, "One", 10)
    lived(server, "Two", 20)
    lived(server, "Rehearsal", 500, drill=True)

    found = server.client(server.world.token()).get("/api/measures").json()

    assert found["incidents"] == 2
    assert found["complete"]
    assert found["spans"]["time_to_resolve"]["mean_seconds"] == 900.0


def test_a_time_and_a_severity_narrow_what_is_measured(server: Server):
    world = server.world
    lived(server, "Early", 10)
    world.clock.advance(timedelta(days=2))
    since = world.clock.now()
    lived(server, "Late", 20)
    client = server.client(world.token())

    late = client.get("/api/measures", params={"since": since.isoformat()}).json()
    early = client.get("/api/measures", params={"until": since.isoformat()}).json()
    none = client.get("/api/measures", params={"severity": "SEV-3"}).json()

    assert late["spans"]["time_to_resolve"]["mean_seconds"] == 1200.0
    assert early["spans"]["time_to_resolve"]["mean_seconds"] == 600.0
    assert none["incidents"] == 0


def test_an_instant_has_a_zone_and_no_instant_is_an_error(server: Server):
    client = server.client(server.world.token())

    assert client.get("/api/measures", params={"since": "2026-01-01T00:00:00Z"}).status_code == 200
    for spoilt in ("2026-01-01T00:00:00", "yesterday"):
        refused = client.get("/api/measures", params={"since": spoilt})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "since")


def test_measures_take_a_sign_in(server: Server):
    assert server.client().get("/api/measures").status_code == 401
