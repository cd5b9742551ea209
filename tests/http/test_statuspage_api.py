"""Atlassian's management API, as curl and clients of statuspage.io speak it; answers are held against its schema."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest
import yaml

from tests.http.world import Server
from tests.shared_files import SHARED
from tests.status.schema import problems_with

PAGE = "/v1/pages/main"


@pytest.fixture
def api(server: Server) -> httpx2.Client:
    return server.client(Authorization=f"OAuth {server.world.token()}")


def component(api: httpx2.Client, name: str = "API", **more: Any) -> str:
    made = api.post(f"{PAGE}/components", json={"component": {"name": name, **more}})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def incident(api: httpx2.Client, **more: Any) -> dict[str, Any]:
    form = {"name": "Payments fail", "status": "investigating", "body": "We look into it.", **more}
    made = api.post(f"{PAGE}/incidents.json", json={"incident": form})
    assert made.status_code == 201, made.text
    return dict(made.json())


def test_the_key_goes_by_three_ways_and_nothing_without(server: Server):
    token = server.world.token()
    stranger = server.client()

    assert stranger.get("/v1/pages").status_code == 401
    assert stranger.get("/v1/pages", headers={"Authorization": "OAuth toc_no_no"}).status_code == 401
    for headers, query in (
        ({"Authorization": f"OAuth {token}"}, ""),
        ({"Authorization": f"Bearer {token}"}, ""),
        ({}, f"?api_key={token}"),
    ):
        assert stranger.get(f"/v1/pages{query}", headers=headers).json()[0]["id"] == "main"


def test_roles_hold_here_too(server: Server):
    admin, responder, viewer = (
        server.client(Authorization=f"OAuth {server.world.token(role)}") for role in ("admin", "responder", "viewer")
    )
    name = component(admin)

    assert viewer.get(f"{PAGE}/components").status_code == 200
    assert viewer.post(f"{PAGE}/incidents", json={"incident": {"name": "x"}}).status_code == 403
    assert responder.post(f"{PAGE}/components", json={"component": {"name": "x"}}).status_code == 403
    down = {"component": {"status": "major_outage"}}
    assert responder.patch(f"{PAGE}/components/{name}", json=down).json()["status"] == "major_outage"
    assert responder.patch(f"{PAGE}/components/{name}", json={"component": {"name": "y"}}).status_code == 403


def test_an_incident_from_its_first_word_to_its_last(server: Server, api: httpx2.Client):
    name = component(api)
    made = incident(api, impact_override="major", components={name: "partial_outage"})
    assert (made["impact"], made["components"][0]["status"]) == ("major", "partial_outage")
    url = f"{PAGE}/incidents/{made['id']}"

    form = {"incident": {"status": "identified", "body": "A full disk.", "components": {name: "major_outage"}}}
    found = api.patch(url, json=form).json()
    assert [each["body"] for each in found["incident_updates"]] == ["A full disk.", "We look into it."]
    assert api.get(f"{PAGE}/components/{name}").json()["status"] == "major_outage"
    update = found["incident_updates"][0]["id"]
    corrected = api.patch(f"{url}/incident_updates/{update}", json={"incident_update": {"body": "Two full disks."}})
    assert corrected.json()["body"] == "Two full disks."

    done = api.put(url, json={"incident": {"status": "resolved", "body": "All is well."}}).json()

    assert done["status"] == "resolved" and done["resolved_at"]
    assert api.get(f"{PAGE}/components/{name}").json()["status"] == "operational"
    assert api.get(f"{PAGE}/incidents/unresolved").json() == []
    assert api.patch(url, json={"incident": {"status": "investigating"}}).json()["status"] == "investigating"
    assert api.delete(url).status_code == 200
    assert api.get(url).status_code == 404


def test_a_form_says_the_same_as_json(api: httpx2.Client):
    name = component(api)
    fields = {
        "incident[name]": "Payments fail",
        "incident[status]": "identified",
        "incident[body]": "ümläut & more",
        f"incident[components][{name}]": "degraded_performance",
        "incident[component_ids][]": name,
    }

    made = api.post(f"{PAGE}/incidents", data=fields)

    assert made.status_code == 201, made.text
    assert made.json()["incident_updates"][0]["body"] == "ümläut & more"
    assert made.json()["components"][0]["status"] == "degraded_performance"


def test_scheduled_maintenance(server: Server, api: httpx2.Client):
    name = component(api)
    window = {"scheduled_for": "2026-11-25T00:00:00Z", "scheduled_until": "2026-11-25T02:00:00Z"}
    made = incident(api, status="scheduled", component_ids=[name], **window)
    assert (made["status"], made["scheduled_until"]) == ("scheduled", "2026-11-25T02:00:00.000Z")
    assert [each["id"] for each in api.get(f"{PAGE}/incidents/upcoming").json()] == [made["id"]]

    url = f"{PAGE}/incidents/{made['id']}"
    begun = api.patch(url, json={"incident": {"status": "in_progress", "body": "We begin."}}).json()

    assert begun["status"] == "in_progress"
    assert api.get(f"{PAGE}/components/{name}").json()["status"] == "under_maintenance"
    assert [each["id"] for each in api.get(f"{PAGE}/incidents/active_maintenance").json()] == [made["id"]]
    back = api.patch(url, json={"incident": {"status": "scheduled"}})
    assert back.status_code == 422 and "in_progress" in back.json()["error"]


def test_a_backfilled_incident_is_over_and_pages_nobody(server: Server, api: httpx2.Client):
    form = {"backfilled": True, "backfill_date": "2026-11-01T10:00:00Z", "impact_override": "critical"}
    made = incident(api, status="resolved", **form)

    assert (made["status"], made["created_at"]) == ("resolved", "2026-11-01T10:00:00.000Z")
    assert server.world.do(lambda store: store.claim_pages(store.now(), 10, 60)) == []
    assert server.world.do(lambda store: store.announced(server.world.tenant)) == []


def test_groups_hold_components_and_give_them_back(api: httpx2.Client):
    one, two = component(api, "One"), component(api, "Two")
    form = {"component_group": {"name": "Both", "components": [one, two]}}
    made = api.post(f"{PAGE}/component-groups", json=form).json()
    assert made["components"] == [one, two]
    assert api.get(f"{PAGE}/components/{one}").json()["group_id"] == made["id"]

    url = f"{PAGE}/component-groups/{made['id']}"
    assert api.put(url, json={"component_group": {"components": [two]}}).json()["components"] == [two]
    assert api.delete(url).status_code == 200

    assert {each["id"]: each.get("group_id") for each in api.get(f"{PAGE}/components").json()} == {one: None, two: None}


def test_the_public_review_is_written_published_and_taken_back(server: Server, api: httpx2.Client):
    url = f"{PAGE}/incidents/{incident(api)['id']}/postmortem"
    assert api.get(url).status_code == 404
    api.put(url, json={"postmortem": {"body_draft": "A disk was full."}})
    public = f"/status/incidents/{url.split('/')[5]}"
    assert "A disk was full." not in server.client().get(public).text

    assert api.put(f"{url}/publish", json={"postmortem": {}}).json()["body"] == "A disk was full."
    assert "A disk was full." in server.client().get(public).text
    assert "body" not in api.put(f"{url}/revert").json()
    assert api.delete(url).status_code == 204


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "name"),
        ({"name": "x" * 256}, "255"),
        ({"name": "x", "status": "broken"}, "investigating"),
        ({"name": "x", "impact_override": "huge"}, "critical"),
        ({"name": "x", "body": "x" * 25_001}, "25000"),
        ({"name": "x", "components": {"nobody": "operational"}}, "nobody"),
        ({"name": "x", "component_ids": "nobody"}, "component_ids"),
        ({"name": "x", "scheduled_for": "tomorrow"}, "scheduled_for"),
        ({"name": "x", "scheduled_for": "2026-11-25T00:00:00Z"}, "scheduled_until"),
        ({"name": ["x"]}, "name"),
    ],
)
def test_what_is_wrong_is_named(api: httpx2.Client, form: dict[str, Any], words: str):
    answer = api.post(f"{PAGE}/incidents", json={"incident": form})

    assert answer.status_code in (404, 422) and words in answer.json()["error"]


@pytest.mark.parametrize(
    "raw", [b"{", b"[1]", b"\xff\xfe", b"incident[a][b][c][d][e]=1", b"incident=1&incident[name]=x"]
)
def test_a_body_that_is_none_is_refused(api: httpx2.Client, raw: bytes):
    assert api.post(f"{PAGE}/incidents", content=raw).status_code in (400, 422)


def test_paths_that_are_none(api: httpx2.Client):
    assert api.get("/v1/pages/nobody").status_code == 404
    assert api.get(f"{PAGE}/metrics").status_code == 404
    assert api.delete(PAGE).status_code == 405


# --- the published schema ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    path = SHARED / "fixtures/wire/statuspage_openapi.yaml"
    if not path.exists():
        pytest.skip("Atlassian's description is not beside this checkout")
    return dict(yaml.safe_load(path.read_text("utf-8"))["components"]["schemas"])


def test_answers_fit_atlassians_schema(server: Server, api: httpx2.Client, schemas: dict[str, Any]):
    name = component(api)
    made = incident(api, impact_override="major", components={name: "partial_outage"})
    window = {"scheduled_for": "2026-11-25T00:00:00Z", "scheduled_until": "2026-11-25T02:00:00Z"}
    planned = incident(api, name="Upgrade", status="scheduled", component_ids=[name], **window)
    mail = api.post(f"{PAGE}/subscribers", json={"subscriber": {"email": "ana@example.org"}}).json()
    api.put(f"{PAGE}/incidents/{made['id']}/postmortem", json={"postmortem": {"body_draft": "x"}})
    for kind, answer in (
        ("Component", api.get(f"{PAGE}/components/{name}").json()),
        ("Incident", api.get(f"{PAGE}/incidents/{made['id']}").json()),
        ("Incident", planned),
        ("IncidentUpdate", made["incident_updates"][0]),
        ("Page", api.get(PAGE).json()),
        ("Postmortem", api.get(f"{PAGE}/incidents/{made['id']}/postmortem").json()),
        ("ComponentUptime", api.get(f"{PAGE}/components/{name}/uptime").json()),
        ("Subscriber", {**mail, "components": ""}),  # the schema says text where the real API gives a list
    ):
        assert problems_with(answer, schemas[kind], schemas) == [], kind


def test_the_public_json_fits_too(server: Server, api: httpx2.Client, schemas: dict[str, Any]):
    name = component(api)
    incident(api, components={name: "partial_outage"})
    window = {"scheduled_for": "2026-11-25T00:00:00Z", "scheduled_until": "2026-11-25T02:00:00Z"}
    incident(api, name="Upgrade", status="scheduled", component_ids=[name], **window)
    visitor = server.client()

    summary = visitor.get("/api/v2/summary.json").json()

    assert set(summary) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert set(summary["page"]) == {"id", "name", "url", "time_zone", "updated_at"}
    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    for each in summary["components"]:
        assert problems_with(each, schemas["Component"], schemas, nulls=True) == []
    for each in (*summary["incidents"], *summary["scheduled_maintenances"]):
        assert problems_with(each, schemas["Incident"], schemas, nulls=True) == []
        assert re.fullmatch(r"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z", each["created_at"])
    assert visitor.get("/api/v2/summary.json").headers["access-control-allow-origin"] == "*"
