"""Private incidents: whoever does not see one learns nothing of it, by any route there is, whatever their role."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.routes_of import Route, body_for, routes
from tests.http.world import Server
from tocsin.core import commands as c
from tocsin.core.incident import Incident
from tocsin.core.people import Method, Person, Team
from tocsin.core.policy import Privacy
from tocsin.http import auth

TITLE = "Zebrafinch credentials leaked"
ROLES: tuple[auth.Spoken, ...] = ("viewer", "responder", "commander", "administrator", "owner")


def hide(server: Server, title: str = TITLE, **more: Any) -> Incident:
    """A private incident with something of everything: notes, a freeze, an action item, an update, a review."""
    world, engine, tenant = server.world, server.world.engine, server.world.tenant

    def work(_: Any) -> Incident:
        for _ in range(7):  # they take the numbers that texts give as examples
            engine.declare(tenant, c.Declare(by="ben", title="Filler"))
        declare = c.Declare(by="ana", title=title, severity="SEV-1", service="checkout", private=True, **more)
        made = engine.declare(tenant, declare)
        for command in (
            c.Acknowledge(by="ana"),
            c.FreezeDeployments(by="ana", because=title),
            c.AddNote(by="ana", text=title),
            c.PostUpdate(by="ana", text=title),
            c.AddActionItem(by="ana", title=title, owner="ana", due_on="2026-12-15"),
            c.SetCategory(by="ana", category="Zebrafinch"),
        ):
            engine.handle(tenant, made.id, command)
        return engine.load(tenant, made.id)

    return world.do(work)


def telltales(incident: Incident) -> list[str]:
    return [incident.title, incident.id, incident.reference, "Zebrafinch"]


def ask(client: httpx2.Client, route: Route, name: str) -> httpx2.Response:
    body = body_for(route)
    if route.path.startswith("/api/") or route.path.startswith("/v1/"):
        return client.request(route.method, route.at(incident=name), json=body)
    return client.request(route.method, route.at(incident=name), data=body)


def without(text: str, *names: str) -> str:
    """The answer without what the caller said, and without what differs from one answer to the next."""
    for name in names:
        text = re.sub(re.escape(name), "NAME", text, flags=re.IGNORECASE)
    return text


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "owner"])
def test_no_route_tells_an_outsider_of_it(server: Server, role: auth.Spoken):
    secret = hide(server)
    outsider = server.client(server.world.token(role, "olga"))
    asked = [each for each in routes(server) if not each.stream and each.path != "/sign-out"]
    told = []

    for route in asked:
        names = [secret.id, secret.reference, secret.reference.lower()] if route.names_an_incident else ["x"]
        for name in names:
            answer = ask(outsider, route, name)
            missing = ask(outsider, route, "INC-1999-001") if route.names_an_incident else answer
            told += [f"{route.method} {route.path}"] if answer.status_code != missing.status_code else []
            text = without(answer.text, name) if route.names_an_incident else answer.text
            told += [f"{route.method} {route.path}: {word}" for word in telltales(secret) if word in text]

    assert len(asked) > 250
    assert told == []


@pytest.mark.parametrize("role", ROLES)
def test_no_listing_search_count_or_feed_has_it(server: Server, role: auth.Spoken):
    secret = hide(server)
    outsider = server.client(server.world.token(role, "olga"))

    for path in (
        "/api/incidents",
        "/api/incidents?text=Zebrafinch",
        f"/api/incidents?text={secret.reference}",
        "/api/incidents?status=open&service=checkout",
        "/?text=Zebrafinch",
        "/",
        "/api/action-items",
        "/api/measures",
        "/api/freeze",
        "/metrics",
        "/api/oncall/load",
        "/status",
        "/status/status/history",
        "/api/v2/incidents.json",
        "/api/v2/summary.json",
    ):
        answer = outsider.get(path)
        text = without(answer.text, secret.reference) if "text=" in path else answer.text
        assert not [word for word in telltales(secret) if word in text and word not in path], path
    assert [each["title"] for each in outsider.get("/api/incidents").json()["items"]] == ["Filler"] * 7
    assert outsider.get("/api/measures").json()["incidents"] == 7


def test_a_hidden_incident_and_one_that_is_not_there_answer_alike(server: Server):
    secret = hide(server)
    outsider = server.client(server.world.token("administrator", "olga"))

    hidden = outsider.get(f"/api/incidents/{secret.reference}")
    missing = outsider.get("/api/incidents/INC-2026-999")

    assert hidden.status_code == missing.status_code == 404
    assert hidden.text.replace(secret.reference, "INC-2026-999") == missing.text


def test_it_freezes_deployments_and_is_not_named_for_it(server: Server):
    hide(server)
    outsider = server.client(server.world.token("viewer", "olga"))
    insider = server.client(server.world.token("viewer", "ana"))

    assert outsider.get("/api/freeze?service=checkout").json() == {
        "frozen": True,
        "service": "checkout",
        "incidents": [],
    }
    assert len(insider.get("/api/freeze").json()["incidents"]) == 1


def test_those_that_it_names_see_it_whatever_their_role(server: Server):
    server.world.do(lambda store: _team(server, "security", "cleo"))
    secret = hide(server, visible_to=("dora", "team:security"))

    for person in ("ana", "cleo", "dora"):
        client = server.client(server.world.token("viewer", person))
        assert client.get(f"/api/incidents/{secret.reference}").json()["private"] is True, person
        assert next(iter(client.get("/api/incidents").json()["items"]))["id"] == secret.id
    assert server.client(server.world.token("owner", "ben")).get(f"/api/incidents/{secret.id}").status_code == 404


def test_a_role_or_a_page_lets_somebody_in_and_releasing_the_role_lets_them_out(server: Server):
    world = server.world
    secret = hide(server)
    ben = server.client(world.token("responder", "ben"))
    path = f"/api/incidents/{secret.id}"
    act = lambda command: world.do(lambda _: world.engine.handle(world.tenant, secret.id, command))  # noqa: E731

    assert ben.get(path).status_code == 404
    act(c.AssignRole(by="ana", role="Scribe", person="ben"))
    assert ben.get(path).status_code == 200
    act(c.ReleaseRole(by="ana", role="Scribe", person="ben"))
    assert ben.get(path).status_code == 404
    act(c.Escalate(by="ana", because="more hands"))  # ben is the second level
    assert ben.get(path).status_code == 200


def test_restricting_hides_what_everybody_saw_and_lifting_shows_it(server: Server):
    world = server.world
    ana, olga = (server.client(world.token("commander", person)) for person in ("ana", "olga"))
    made = ana.post("/api/incidents", json={"title": "Slow checkout"}).json()
    path = f"/api/incidents/{made['reference']}"

    assert olga.get(path).status_code == 200
    assert ana.post(f"{path}/restrict", json={"because": "it is an intrusion"}).status_code == 200
    assert olga.get(path).status_code == 404
    assert olga.post(f"{path}/resolve", json={}).status_code == 404
    assert ana.post(f"{path}/publish", json={}).status_code == 409
    assert ana.post(f"{path}/open-channel", json={}).status_code == 409
    assert ana.post(f"{path}/lift-restriction", json={"because": "it was none"}).status_code == 200
    assert olga.get(path).status_code == 200


def test_the_policy_makes_incidents_private_by_category_and_service(server: Server):
    world = server.world

    def activate(_: Any) -> None:
        policy = world.engine.guides.active(world.tenant)[0].policy
        privacy = Privacy(categories=("Security",), services=("vault",), visible_to=("ben",))
        world.engine.guides.activate(world.tenant, "main", msgspec.structs.replace(policy, privacy=privacy))

    world.do(activate)
    ana, olga = (server.client(world.token("responder", person)) for person in ("ana", "olga"))

    declared = [
        ana.post("/api/incidents", json={"title": TITLE, "category": "security"}).json(),
        ana.post("/api/incidents", json={"title": TITLE, "service": "vault"}).json(),
        ana.post("/api/incidents", json={"title": "Slow", "category": "performance"}).json(),
    ]

    assert [each["private"] for each in declared] == [True, True, False]
    assert set(declared[0]["visible_to"]) == {"ana", "ben"}
    assert [each["title"] for each in olga.get("/api/incidents").json()["items"]] == ["Slow"]


def test_a_link_or_a_merge_does_not_tell_the_other_side(server: Server):
    world = server.world
    secret = hide(server)
    ana, olga = (server.client(world.token("commander", person)) for person in ("ana", "olga"))
    other = ana.post("/api/incidents", json={"title": "Slow checkout"}).json()

    assert ana.post(f"/api/incidents/{secret.id}/link", json={"other": other["reference"]}).status_code == 200
    assert ana.post(f"/api/incidents/{secret.id}/merge", json={"into": other["reference"]}).status_code == 409
    assert olga.post(f"/api/incidents/{other['id']}/link", json={"other": secret.reference}).status_code == 404
    assert olga.post(f"/api/incidents/{other['id']}/merge", json={"into": secret.reference}).status_code == 404
    story = olga.get(f"/api/incidents/{other['id']}/timeline").text + olga.get(f"/api/incidents/{other['id']}").text
    assert not [word for word in telltales(secret) if word in story]
    assert other["reference"] in ana.get(f"/api/incidents/{secret.id}/timeline").text


def test_the_stream_of_everything_leaves_it_out(server: Server):
    world = server.world
    secret = hide(server)
    ana, olga = (server.client(world.token("viewer", person)) for person in ("ana", "olga"))

    with ana.stream("GET", "/api/events") as seen, olga.stream("GET", "/api/events") as unseen:
        told, untold = seen.iter_lines(), unseen.iter_lines()
        _until(told, "hello")
        _until(untold, "hello")
        world.do(lambda _: world.engine.handle(world.tenant, secret.id, c.AddNote(by="ana", text=TITLE)))
        after = world.do(lambda _: world.engine.declare(world.tenant, c.Declare(by="ana", title="Slow")))
        assert json.loads(_until(told, "changed").removeprefix("data: "))["incident"] == secret.id
        assert json.loads(_until(untold, "changed").removeprefix("data: "))["incident"] == after.id


def _until(lines: Any, event: str) -> str:
    """The data of the next event of this name."""
    for line in lines:
        if line == f"event: {event}":
            return str(next(lines))
    raise AssertionError(f"the stream ended without {event}")


def _team(server: Server, team: str, *members: str) -> None:
    world = server.world
    for person in (*members, "dora", "olga"):
        value = Person(id=person, methods=(Method(kind="email", address=f"{person}@example.org"),))
        world.store.put(world.tenant, "person", person, msgspec.json.encode(value))
    value = msgspec.json.encode(Team(id=team, members=members))
    world.store.put(world.tenant, "team", team, value)
    world.engine.guides.changed(world.tenant)
