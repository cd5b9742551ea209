"""People, teams, services, bindings, sources, maintenance, monitors, policies over HTTP."""

from __future__ import annotations

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core.access import Role
from tocsin.core.people import Person
from tocsin.core.policy import digest

DOCUMENTS = {
    "people": {"id": "eve", "name": "Eve", "methods": [{"kind": "ntfy", "address": "https://n.example/x"}]},
    "teams": {"id": "db", "members": ["ana"], "lead": "ben"},
    "services": {"id": "search", "owner": "db", "tier": 1, "depends_on": ["checkout"]},
    "bindings": {"id": "Engineering Director", "means": ["ben"]},
}


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_document_is_made_changed_listed_and_deleted(shared: Server, path: str):
    api = shared.client(shared.world.token())
    document = DOCUMENTS[path]
    url = f"/api/{path}/{document['id']}"

    assert api.put(url, json=document).status_code == 201
    assert api.put(url, json=document).status_code == 200
    shown = api.get(url).json()
    assert shown.items() >= {name: value for name, value in document.items() if name != "methods"}.items()
    assert shown in api.get(f"/api/{path}").json()["items"]
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == api.delete(url).status_code == 404


def test_a_person_is_paged_as_soon_as_the_answer_is_there(server: Server):
    api = server.client(server.world.token())
    api.put("/api/bindings/ana", json={"id": "ana", "means": ["ben"]})

    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()

    assert made["paged"] == ["ben"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"id": "eve", "methods": [{"kind": "pigeon", "address": "loft"}]}, "methods[0].kind"),
        ({"id": "eve", "metods": []}, "metods"),
        ({"id": "adam"}, "id"),
        ({"name": "Eve"}, "id"),
        ({"id": "eve", "roles": "SRE"}, "roles"),
    ],
)
def test_a_wrong_document_names_the_field(shared: Server, body: dict[str, object], field: str):
    answer = shared.client(shared.world.token()).put("/api/people/eve", json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_source_gets_a_token_once_and_can_be_removed(server: Server):
    api = server.client(server.world.token())

    made = api.post("/api/sources", json={"name": "grafana", "kind": "grafana", "secret": "s3cret"})

    assert made.status_code == 201, made.text
    assert made.json()["url"] == f"{server.url}/in/grafana/{made.json()['token']}"
    assert len(made.json()["token"]) == 32
    listed = api.get("/api/sources")
    assert listed.json()["items"][0]["signed"] is True
    assert made.json()["token"] not in listed.text and "s3cret" not in listed.text
    assert api.delete("/api/sources/grafana").status_code == 204
    assert api.delete("/api/sources/grafana").status_code == 404
    assert "source" in server.world.told


def test_a_maintenance_window_is_planned_changed_and_ended(server: Server):
    api = server.client(server.world.token())
    window = {"starts_at": "2026-11-23T02:00:00Z", "ends_at": "2026-11-23T05:00:00Z", "service": "checkout"}

    made = api.post("/api/maintenance", json=window).json()
    changed = api.put(f"/api/maintenance/{made['id']}", json={**window, "matchers": ['team="db"', 'env=~"a|b"']})

    assert made["by"] == "ana"
    assert [each["name"] for each in changed.json()["matchers"]] == ["team", "env"]
    assert api.delete(f"/api/maintenance/{made['id']}").status_code == 204
    assert api.get("/api/maintenance").json()["items"][0]["ends_at"] == "2026-11-23T03:00:00Z"
    assert api.put("/api/maintenance/nix", json=window).status_code == 404
    assert api.delete("/api/maintenance/nix").status_code == 404
    assert server.world.told.count("maintenance") >= 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"ends_at": "2026-11-23T01:00:00Z"}, "ends_at"),
        ({"ends_at": "2026-11-23T05:00:00"}, "ends_at"),
        ({"service": None}, "matchers"),
        ({"matchers": ["team"]}, ""),
        ({"starts_at": "tomorrow"}, "starts_at"),
    ],
)
def test_a_wrong_window_is_refused(shared: Server, change: dict[str, object], field: str):
    window = {"starts_at": "2026-11-23T02:00:00Z", "ends_at": "2026-11-23T05:00:00Z", "service": "checkout", **change}

    answer = shared.client(shared.world.token()).post("/api/maintenance", json=window)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == field


def test_a_monitor_is_agreed_and_shown(shared: Server):
    api = shared.client(shared.world.token())

    made = api.put("/api/monitors/backup", json={"every_seconds": 3600, "severity": "warning"})

    assert made.status_code == 201
    assert (made.json()["standing"], made.json()["url"]) == ("new", f"{shared.url}/ping/backup")
    assert api.put("/api/monitors/backup", json={"every_seconds": 7200}).status_code == 200
    assert api.get("/api/monitors").json()["items"][0]["monitor"]["every_seconds"] == 7200
    assert api.put("/api/monitors/backup", json={"every_seconds": 1}).json()["errors"][0]["field"] == "every"
    assert api.delete("/api/monitors/backup").status_code == 204
    assert api.delete("/api/monitors/backup").status_code == 404
    assert "monitor" in shared.world.told


def test_policies_in_force_and_every_old_one_can_be_read(shared: Server):
    api = shared.client(shared.world.token("viewer"))

    listed = api.get("/api/policies").json()["items"]

    assert [(each["guide"], each["title"]) for each in listed] == [("main", "How we respond")]
    assert listed[0]["digest"] == digest(POLICY)
    assert api.get(f"/api/policies/{listed[0]['digest']}").json()["severities"][0]["id"] == "SEV-0"
    assert api.get("/api/policies/nix").status_code == 404


def test_a_binding_that_leads_back_to_itself_is_refused(server: Server):
    api = server.client(server.world.token())
    assert api.put("/api/bindings/first", json={"id": "first", "means": ["second", "ana"]}).status_code == 201

    again = api.put("/api/bindings/Second", json={"id": "Second", "means": ["FIRST"]})

    assert again.status_code == 400
    assert "got a circle: Second -> first -> Second" in again.text
    assert api.put("/api/bindings/first", json={"id": "first", "means": ["ana"]}).status_code == 200
    assert api.put("/api/bindings/Second", json={"id": "Second", "means": ["first"]}).status_code == 201


SENDS = (
    ("webhook", "https://ana:pass-word-1@hook.example/path-1?token=query-1"),
    ("ntfy", "https://:ntfy-token-1@ntfy.example/topic-1"),
    ("apprise", "tgram://bot-token-1/chat-1"),
    ("teams", "https://teams.example/webhook-1"),
    ("email", "ana@example.org"),
)
MAY_BE_SEEN = {"viewer": ("ana@example.org",), "administrator": ("ana@example.org", "path-1", "topic-1")}


@pytest.mark.parametrize("role", ["viewer", "administrator"])
def test_nobody_is_told_what_signs_in_where_a_person_is_reached(server: Server, role: Role):
    methods = [{"kind": kind, "address": address} for kind, address in SENDS]
    server.client(server.world.token()).put("/api/people/eve", json={"id": "eve", "methods": methods})
    api = server.client(server.world.token(role))

    for text in (api.get("/api/people/eve").text, api.get("/api/people").text, api.get("/directory").text):
        for secret in ("pass-word-1", "query-1", "ntfy-token-1", "bot-token-1", "chat-1", "webhook-1"):
            assert secret not in text
    shown = api.get("/api/people/eve").text
    for word in ("ana@example.org", "path-1", "topic-1"):
        assert (word in shown) == (word in MAY_BE_SEEN[role])


def test_a_person_who_was_only_shown_can_be_written_back(server: Server):
    api = server.client(server.world.token())
    methods = [{"kind": kind, "address": address} for kind, address in (*SENDS, ("teams", "https://teams.example/2"))]
    api.put("/api/people/eve", json={"id": "eve", "methods": methods}).raise_for_status()
    shown = api.get("/api/people/eve").json()
    shown["methods"] = shown["methods"][1:]

    api.put("/api/people/eve", json=shown | {"name": "Eve"}).raise_for_status()

    body = server.world.do(lambda store: store.get("default", "person", "eve"))
    stored = msgspec.json.decode(body or b"", type=Person)
    assert stored.name == "Eve"
    assert [each.address for each in stored.methods] == [each["address"] for each in methods[1:]]
    for wrong in ("https://teams.example/…", "tgram://…12345678", "https://other:…@hook.example/x"):
        kind = "apprise" if wrong.startswith("tgram") else "webhook"
        answer = api.put("/api/people/max", json={"id": "max", "methods": [{"kind": kind, "address": wrong}]})
        assert answer.status_code == 400 and "whole address" in answer.text


@pytest.mark.parametrize("zone", ["Mars/One", "", "../../etc/passwd", "Europe/Berlin\u00e9"])
def test_a_zone_that_is_none_is_refused_by_name(shared: Server, zone: str):
    """It would be noticed by whoever asks for the load of everybody, and gets a 500."""
    api = shared.client(shared.world.token())
    answer = api.put("/api/people/zoe", json={"id": "zoe", "name": "Zoe", "zone": zone})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "zone"), answer.text
    assert api.get("/api/people/zoe").status_code == 404


@pytest.mark.parametrize(
    ("method", "field"),
    [
        ({"kind": "email", "address": "no at"}, "methods[0].address"),
        ({"kind": "sms", "address": "12345"}, "methods[0].address"),
        ({"kind": "email", "address": "a@example.org", "after_seconds": 10**12}, "methods[0].after_seconds"),
    ],
)
def test_a_method_that_can_reach_nobody_is_refused_by_name(shared: Server, method: dict[str, object], field: str):
    api = shared.client(shared.world.token())
    answer = api.put("/api/people/zoe", json={"id": "zoe", "methods": [method]})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field), answer.text


@pytest.mark.parametrize("means", [[], [""], ["ana", "  "]])
def test_words_that_mean_nothing_are_no_binding(shared: Server, means: list[str]):
    answer = shared.client(shared.world.token()).put("/api/bindings/dba", json={"id": "dba", "means": means})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "means"


def test_an_audience_is_told_by_channels_that_there_are(shared: Server):
    api = shared.client(shared.world.token())

    slip = api.put("/api/audiences/acme", json={"id": "acme", "channels": [{"kind": "salck", "address": "C1"}]})
    right = api.put("/api/audiences/acme", json={"id": "acme", "channels": [{"kind": "slack", "address": "C1"}]})

    assert (slip.status_code, slip.json()["errors"][0]["field"]) == (400, "channels[0].kind")
    assert "slack" in slip.json()["detail"]
    assert right.status_code in (200, 201)
