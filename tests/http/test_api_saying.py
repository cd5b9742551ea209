"""Saying an update over HTTP and from the page: previews, posting, the table, drafts, documents, audiences."""

from __future__ import annotations

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core.policy import Communication


def opened(api) -> str:
    made = api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-1"}).json()
    return made["reference"]


def put_audience(api, name: str, **said) -> None:
    document = {
        "id": name,
        "channels": [{"kind": "webhook", "address": f"https://hooks.example/{name}/secret"}],
        **said,
    }
    answer = api.put(f"/api/audiences/{name}", json=document)
    assert answer.status_code in (200, 201), answer.text


def missing(api, reference: str) -> dict[str, str]:
    """A value for everything that keeps the response team's text from going."""
    wanted = {"audiences": ["response-team"]}
    (preview,) = api.post(f"/api/incidents/{reference}/preview", json=wanted).json()["items"]
    return dict.fromkeys(preview["missing"], "known now")


def test_a_preview_names_what_is_missing_and_changes_nothing(shared: Server):
    api = shared.client(shared.world.token())
    reference = opened(api)
    before = api.get(f"/api/incidents/{reference}").json()["version"]

    items = api.post(f"/api/incidents/{reference}/preview", json={"audiences": ["response-team"]}).json()["items"]

    assert [each["audience"] for each in items] == ["response-team"]
    assert "Impact" in items[0]["missing"] and "____" in items[0]["text"]
    assert api.get(f"/api/incidents/{reference}").json()["version"] == before
    refused = api.post(f"/api/incidents/{reference}/say", json={"audiences": ["response-team"]})
    assert refused.status_code == 409 and "Impact" in refused.text


def test_an_update_is_owed_to_the_channels_and_the_table_shows_no_secret(shared: Server):
    api = shared.client(shared.world.token())
    put_audience(api, "response-team")
    reference = opened(api)
    fields = missing(api, reference)

    said = api.post(
        f"/api/incidents/{reference}/say", json={"audiences": ["response-team"], "fields": fields, "text": "On it."}
    )

    assert said.status_code == 200, said.text
    (row,) = api.get(f"/api/incidents/{reference}/told").json()["items"]
    assert (row["audience"], row["pending"], row["sent"]) == ("response-team", 1, 0)
    assert row["channels"][0]["address"] == "https://hooks.example/…"
    assert "secret" not in api.get(f"/api/incidents/{reference}/timeline").text
    assert "secret" not in api.get("/api/audiences").text


def test_a_draft_waits_until_somebody_releases_it(shared: Server):
    api = shared.client(shared.world.token())
    put_audience(api, "customers")
    reference = opened(api)
    api.post(f"/api/incidents/{reference}/say", json={"audiences": ["customers"], "texts": {"customers": "We know."}})

    (draft,) = api.get(f"/api/incidents/{reference}/told").json()["drafts"]
    assert draft["text"] == "We know."
    assert api.post(f"/api/incidents/{reference}/release", json={"draft": draft["draft"]}).status_code == 200

    told = api.get(f"/api/incidents/{reference}/told").json()
    assert told["drafts"] == [] and told["items"][0]["audience"] == "customers"


def test_a_responder_cannot_release_what_the_communications_lead_should(shared: Server):
    admin = shared.client(shared.world.token())
    responder = shared.client(shared.world.token("responder", "ben"))
    put_audience(admin, "customers")
    reference = opened(responder)
    path = f"/api/incidents/{reference}"
    responder.post(f"{path}/say", json={"audiences": ["customers"], "texts": {"customers": "We know."}})
    (draft,) = responder.get(f"{path}/told").json()["drafts"]
    assert (draft["approvers"], draft["released_by"]) == (["Communications Lead"], [])

    refused = responder.post(f"{path}/release", json={"draft": draft["draft"]})
    assert refused.status_code == 409
    assert "nobody holds Communications Lead" in refused.json()["detail"]
    forged = responder.post(f"{path}/release", json={"draft": draft["draft"], "override": True})
    assert forged.status_code == 400

    responder.post(f"{path}/assign-role", json={"role": "Communications Lead", "person": "ben"})
    assert responder.get(f"{path}/told").json()["drafts"][0]["released_by"] == ["ben"]
    assert "Communications Lead releases it: ben" in responder.get(f"/incidents/{reference}/say").text
    assert responder.post(f"{path}/release", json={"draft": draft["draft"]}).status_code == 200


def test_an_administrator_releases_and_the_timeline_calls_it_an_override(shared: Server):
    api = shared.client(shared.world.token())
    put_audience(api, "customers")
    path = f"/api/incidents/{opened(api)}"
    api.post(f"{path}/say", json={"audiences": ["customers"], "texts": {"customers": "We know."}})
    (draft,) = api.get(f"{path}/told").json()["drafts"]

    assert api.post(f"{path}/release", json={"draft": draft["draft"]}).status_code == 200
    assert "released as an administrator, in place of Communications Lead" in api.get(f"{path}/timeline").text


def test_a_draft_without_a_channel_waits_for_one_and_then_goes_there(server: Server):
    api = server.client(server.world.token())
    path = f"/api/incidents/{opened(api)}"
    api.post(f"{path}/say", json={"audiences": ["customers"], "texts": {"customers": "We know."}})
    (draft,) = api.get(f"{path}/told").json()["drafts"]

    refused = api.post(f"{path}/release", json={"draft": draft["draft"]})
    assert refused.status_code == 409
    assert "cannot tell customers: it has no channel; give it one" in refused.json()["detail"]
    assert "customers told" not in api.get(f"{path}/timeline").text

    put_audience(api, "customers")
    assert api.post(f"{path}/release", json={"draft": draft["draft"]}).status_code == 200
    (row,) = api.get(f"{path}/told").json()["items"]
    assert (row["audience"], row["pending"]) == ("customers", 1)


@pytest.mark.parametrize(
    "body, field",
    [
        ({"audiences": ["nobody"]}, "audiences"),
        ({"status": "on fire"}, "status"),
        ({"texts": 7}, "texts"),
        ({"oops": 1}, "oops"),
        ({"next_at": "yesterday"}, "next_at"),
    ],
)
def test_what_is_wrong_with_an_update_is_named(shared: Server, body, field):
    api = shared.client(shared.world.token())
    reference = opened(api)

    answer = api.post(f"/api/incidents/{reference}/say", json=body)

    assert answer.status_code == 400, answer.text
    assert field in answer.text


def test_who_looks_on_reads_no_drafts_and_says_nothing(shared: Server):
    api = shared.client(shared.world.token())
    reference = opened(api)
    viewer = shared.client(shared.world.token(role="viewer"))

    assert viewer.get(f"/api/incidents/{reference}/told").status_code == 403
    assert viewer.post(f"/api/incidents/{reference}/say", json={}).status_code == 403


@pytest.mark.parametrize("body", ["{{ status.__class__ }}", "{% for a in range(9) %}x{% endfor %}", "{{ status"])
def test_a_template_that_wants_too_much_is_refused(shared: Server, body):
    api = shared.client(shared.world.token())

    answer = api.put("/api/templates/own", json={"id": "own", "audience": "customers", "body": body})

    assert answer.status_code == 400 and "body" in answer.text


def test_the_page_shows_what_is_missing_as_inputs_and_says_it(shared: Server):
    api = shared.client(shared.world.token())
    put_audience(api, "response-team")
    reference = opened(api)

    page = api.get(f"/incidents/{reference}/say")
    assert page.status_code == 200 and 'name="field-Impact"' in page.text

    form = {"to-response-team": "1", "act": "say"}
    refused = api.post(f"/incidents/{reference}/say", data=form)
    assert refused.status_code == 422 and "no value for" in refused.text

    form |= {f"field-{name}": "<script>alert(1)</script>" for name in missing(api, reference)}
    shown = api.post(f"/incidents/{reference}/say", data={**form, "act": "preview"})
    assert "&lt;script&gt;" in shown.text and "<script>alert" not in shown.text
    assert api.post(f"/incidents/{reference}/say", data=form, follow_redirects=False).status_code == 303


def test_what_the_guide_wants_in_an_update_stands_beside_it(server: Server):
    wanted = Communication(audience="customers", severities=("SEV-0",), content=("What happened", "Workarounds"))
    others = Communication(audience="Management", content=("Business impact",))
    policy = msgspec.structs.replace(POLICY, communications=(wanted, others))
    server.world.do(lambda _: server.world.engine.guides.activate("default", "main", policy))
    api = server.client(server.world.token())
    refs = [
        api.post("/api/incidents", json={"title": "It is down", "severity": each}).json()["reference"]
        for each in ("SEV-0", "SEV-1")
    ]

    def contents(reference: str) -> list[list[str]]:
        said = {"audiences": ["customers", "management"]}
        found = api.post(f"/api/incidents/{reference}/preview", json=said).json()["items"]
        return [each["contents"] for each in found]

    assert contents(refs[0]) == [["What happened", "Workarounds"], ["Business impact"]]
    assert contents(refs[1]) == [[], ["Business impact"]]
    page = api.post(f"/incidents/{refs[0]}/say", data={"to-customers": "1", "act": "preview"}).text
    assert "The guide wants in it: What happened; Workarounds" in page
