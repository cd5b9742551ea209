"""Incidents over HTTP: declare, read, command, refuse."""

from __future__ import annotations

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core import commands as c
from tocsin.core.guidance import CodeBlock, Runbook, Step
from tocsin.core.places import Outside
from tocsin.http.api_incidents import COMMANDS
from tocsin.http.openapi import EXAMPLES
from tocsin.ports import Receipt

CONTRACT = {
    "id", "reference", "title", "status", "severity", "guide", "service", "opened_at", "acknowledged_at", "resolved_at",
    "roles", "alerts", "promises",
}  # fmt: skip


def test_a_declared_incident_can_be_read_by_id_and_by_reference(server: Server):
    api = server.client(server.world.token())

    made = api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-0", "service": "checkout"})

    assert made.status_code == 201, made.text
    incident = made.json()
    assert incident["reference"] == "INC-2026-001"
    assert incident["status"] == "investigating"
    assert incident.keys() >= CONTRACT
    assert made.headers["location"] == "/api/incidents/INC-2026-001"
    for name in (incident["id"], incident["reference"], "inc-2026-001"):
        assert api.get(f"/api/incidents/{name}").json() == incident


def test_the_status_page_form_declares_too(server: Server):
    api = server.client(server.world.token())
    form = {"name": "Database slow", "status": "identified", "impact": "critical", "body": "We look into it."}

    plain = api.post("/api/incidents", json=form)
    wrapped = api.post("/api/incidents", json={"incident": {**form, "component_ids": ["a"]}})

    for answer in (plain, wrapped):
        assert answer.status_code == 201, answer.text
        incident = answer.json()
        assert (incident["title"], incident["status"]) == ("Database slow", "identified")
        assert (incident["severity"], incident["impact"]) == ("SEV-0", "critical")
        assert incident["description"] == "We look into it."


def test_the_same_idempotency_key_opens_one_incident(server: Server):
    api = server.client(server.world.token())
    key = {"Idempotency-Key": "declare-1"}

    first = api.post("/api/incidents", json={"title": "Checkout is down"}, headers=key)
    again = api.post("/api/incidents", json={"title": "Checkout is down"}, headers=key)
    other = api.post("/api/incidents", json={"title": "Search is down"}, headers=key)
    somebody = server.client(server.world.token(person="ben"))
    elses = somebody.post("/api/incidents", json={"title": "Checkout is down"}, headers=key)

    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert (other.status_code, other.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    assert elses.json()["id"] != first.json()["id"]
    assert len(api.get("/api/incidents").json()["items"]) == 2


LOGS = CodeBlock(language="bash", code="kubectl logs <postgres-pod>")
RUNBOOK = Runbook(title="Database Unavailable", steps=(Step(text="Look"), Step(text="Read", commands=(LOGS,))))
"""What the examples of runs are about."""


def govern(server: Server, *runbooks: Runbook | None) -> None:
    """Incidents that are opened from now on have these runbooks."""
    policy = msgspec.structs.replace(POLICY, runbooks=tuple(filter(None, runbooks)))
    server.world.do(lambda _: server.world.engine.guides.activate("default", "main", policy))


@pytest.mark.parametrize(
    "command",
    [each for each in COMMANDS if each not in (c.Approve, c.Decline)],
    ids=lambda each: each.__struct_config__.tag,
)
def test_every_command_has_a_route_and_an_example_that_works(shared: Server, command: type[c.Command]):
    api = shared.client(shared.world.token())
    tag = str(command.__struct_config__.tag)
    govern(shared, RUNBOOK if tag in ("begin-run", "end-run") else None)
    made = api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-1"}).json()
    govern(shared)
    other = api.post("/api/incidents", json={"title": "Payments are down", "severity": "SEV-1"}).json()["reference"]
    before = {
        "unacknowledge": "acknowledge",
        "release-role": "assign-role",
        "reopen": "resolve",
        "close": "resolve",
        "keep-promise": "resolve",
        "hold-review": "resolve",
        "change-action-item": "add-action-item",
        "meet-criterion": "add-action-item",
        "finish-action-item": "add-action-item",
        "submit-report": "record-instant",
        "end-run": "begin-run",
    }
    assert api.put("/api/regulatory/gdpr/enabled", json={}).status_code == 200
    if tag in before:
        path = f"/api/incidents/{made['id']}/{before[tag]}"
        assert api.post(path, json=EXAMPLES[before[tag]]).status_code == 200

    if tag in ("release", "discard"):
        channels = [{"kind": "email", "address": "all@example.org"}]
        api.put("/api/audiences/customers", json={"id": "customers", "channels": channels})
        said = {"audiences": ["customers"], "texts": {"customers": "We are on it."}}
        assert api.post(f"/api/incidents/{made['id']}/say", json=said).status_code == 200
    body = {name: other if value == "INC-2026-002" else value for name, value in EXAMPLES[tag].items()}
    if "draft" in body:
        body["draft"] = api.get(f"/api/incidents/{made['id']}/told").json()["drafts"][0]["draft"]
    if tag == "publish":
        assert api.put("/api/status/components/payments", json={"name": "Payments"}).status_code == 200
    if tag == "change-public-text":
        path = f"/api/incidents/{made['id']}"
        api.post(f"{path}/post-update", json={"text": "We are looking into it.", "audience": "public"})
        said = [each for each in api.get(f"{path}/timeline").json()["items"] if each["kind"] == "UpdatePosted"]
        body["update"] = said[-1]["version"]
    url = f"/api/incidents/{made['reference']}/{tag}"
    answer = api.post(url, json=body) if body else api.post(url)

    assert answer.status_code == 200, answer.text
    assert answer.json()["id"] == made["id"]


def test_a_refused_command_is_a_conflict_that_names_the_state(server: Server):
    api = server.client(server.world.token())
    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()
    api.post(f"/api/incidents/{made['id']}/resolve")

    answer = api.post(f"/api/incidents/{made['id']}/acknowledge")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "cannot acknowledge: INC-2026-001 is resolved"


@pytest.mark.parametrize(
    ("path", "body", "field", "expected"),
    [
        ("", {"title": 7}, "title", "str | null"),
        ("", {}, "title", "a few words (or name, in the status-page form)"),
        ("", {"title": "x", "severity": "P1"}, "severity", "one of SEV-0, SEV-1, SEV-2, SEV-3"),
        ("", {"title": "x", "guide": "nix"}, "guide", "one of main"),
        ("", {"title": "x", "impact": "huge"}, "impact", None),
        ("", {"title": "x", "prio": 1}, "prio", "no such field"),
        ("/{id}/escalate", {}, "because", "a value"),
        ("/{id}/snooze", {"until": "2026-11-23T04:00:00"}, "until", None),
        ("/{id}/change-status", {"status": "sleeping"}, "status", None),
        ("/{id}/set-affected", {"services": ["a", 1]}, "services[1]", "str"),
        ("/{id}/acknowledge", {"by": "ben"}, "by", "no such field"),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(
    shared: Server, path: str, body: object, field: str, expected: str | None
):
    api = shared.client(shared.world.token())
    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()

    answer = api.post("/api/incidents" + path.format(**made), json=body)

    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert error["field"] == field
    assert error["expected"] == (expected if expected is not None else error["expected"])
    assert error["expected"]


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        (
            "change-status",
            {"status": "zzz"},
            "status: expected one of the words that /api/openapi.json lists, got 'zzz'",
        ),
        ("snooze", {"until": "soon"}, "until: expected an instant with its zone, such as 2026-11-23T08:00:00Z"),
        ("add-note", {"text": 5}, "text: expected str, got int"),
    ],
)
def test_a_refusal_says_in_a_sentence_what_to_write_instead(shared: Server, path: str, body: object, said: str):
    api = shared.client(shared.world.token())
    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()

    answer = api.post(f"/api/incidents/{made['id']}/{path}", json=body)

    assert (answer.status_code, answer.json()["detail"]) == (400, said)


@pytest.mark.parametrize("body", [b"", b'{"title":', b"\xff\xfe", b'{"title": "\\ud800"}', b"[" * 5000, b"null"])
def test_a_body_that_is_no_json_is_a_400(shared: Server, body: bytes):
    api = shared.client(shared.world.token())

    answer = api.post("/api/incidents", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["status"] == 400


def test_a_body_over_a_megabyte_is_refused(shared: Server):
    api = shared.client(shared.world.token())

    answer = api.post("/api/incidents", json={"title": "x" * 1_100_000})

    assert answer.status_code == 413


def test_what_does_not_exist_is_a_404(shared: Server):
    api = shared.client(shared.world.token())

    for path in ("/api/incidents/INC-2026-999", "/api/incidents/nix/timeline", "/api/incidents/nix/alerts", "/api/nix"):
        assert api.get(path).status_code == 404
    assert api.post("/api/incidents/nix/acknowledge").status_code == 404


def test_a_listing_filters_and_pages(server: Server):
    api = server.client(server.world.token())
    for n, severity in enumerate(("SEV-0", "SEV-1", "SEV-1", "SEV-2")):
        api.post("/api/incidents", json={"title": f"Broken {n}", "severity": severity, "service": "checkout"})
    api.post("/api/incidents/INC-2026-002/resolve")

    def references(query: str) -> list[str]:
        return [each["reference"][-3:] for each in api.get(f"/api/incidents?{query}").json()["items"]]

    assert sorted(references("status=open")) == ["001", "003", "004"]
    assert references("status=resolved") == ["002"]
    assert sorted(references("severity=SEV-1&severity=SEV-2")) == ["002", "003", "004"]
    assert references("text=broken 3") == ["004"]
    assert references("service=nix") == []
    first = api.get("/api/incidents?limit=3").json()
    rest = api.get("/api/incidents", params={"limit": "3", "cursor": first["next"]}).json()
    assert len({each["id"] for each in first["items"] + rest["items"]}) == 4
    assert rest["next"] is None
    assert api.get("/api/incidents?cursor=nix").status_code == 400
    assert api.get("/api/incidents?limit=0").status_code == 400


def test_the_timeline_pages_and_keeps_private_notes_from_viewers(shared: Server):
    api = shared.client(shared.world.token())
    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()
    api.post(f"/api/incidents/{made['id']}/add-note", json={"text": "customer X is angry", "private": True})

    whole = api.get(f"/api/incidents/{made['id']}/timeline").json()["items"]
    first = api.get(f"/api/incidents/{made['id']}/timeline?limit=1").json()
    viewer = shared.client(shared.world.token("viewer", "vera"))
    seen = viewer.get(f"/api/incidents/{made['id']}/timeline")

    assert [each["version"] for each in whole] == list(range(1, len(whole) + 1))
    assert (len(first["items"]), first["next"]) == (1, 1)
    assert whole[0]["data"]["fact"] == "Opened"
    assert "angry" in str(whole)
    assert "angry" not in seen.text


def test_a_freeze_is_seen_for_its_services_while_the_incident_is_open(server: Server):
    api = server.client(server.world.token())
    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()
    assert api.get("/api/freeze?service=checkout").json()["frozen"] is False

    api.post(f"/api/incidents/{made['id']}/freeze-deployments", json={"services": ["checkout"]})

    assert api.get("/api/freeze?service=checkout").json()["incidents"][0]["reference"] == "INC-2026-001"
    assert api.get("/api/freeze?service=search").json()["frozen"] is False
    assert api.get("/api/freeze").json()["frozen"] is True
    api.post(f"/api/incidents/{made['id']}/freeze-deployments", json={})
    assert api.get("/api/freeze?service=search").json()["frozen"] is True
    api.post(f"/api/incidents/{made['id']}/resolve")
    assert api.get("/api/freeze").json() == {"frozen": False, "service": None, "incidents": []}


def test_alerts_payloads_and_changes_can_be_looked_up(server: Server):
    api = server.client(server.world.token())
    incident = server.world.alert("Checkout is slow", key="k")
    server.world.do(lambda store: store.put("default", "change", "c1", msgspec.json.encode({"summary": "v4.18"})))

    assert api.get(f"/api/incidents/{incident}/alerts").json()["items"][0]["state"] == "firing"
    assert api.get("/api/alerts/00c0ffee00c0ffee/explain").json()["because"] == ["route 'checkout' matched"]
    assert api.get("/api/alerts/ffffffffffffffff/explain").status_code == 404
    assert api.get("/api/payloads/17").json()["because"] == "silenced"
    assert api.get("/api/payloads/18").status_code == 404
    assert api.get("/api/changes").json() == {"items": [{"id": "c1", "summary": "v4.18"}]}
    assert api.get("/api/quarantine").json() == {"items": []}


def test_a_receipt_is_on_the_timeline(server: Server):
    api = server.client(server.world.token())
    incident = server.world.alert("Checkout is slow", key="k")

    def deliver(_: object) -> None:
        for page in server.world.engine.lease():
            server.world.engine.receive(page, Receipt(code="sent", provider_id="250 queued"))

    server.world.do(deliver)

    told = api.get(f"/api/incidents/{incident}/timeline").json()["items"]
    assert told[-1]["kind"] == "PageSent"
    assert told[-1]["text"] == "ana was paged by email at ana@example.org"


def test_a_role_is_given_to_somebody_who_is_known_or_said_to_be_a_guest(server: Server):
    api = server.client(server.world.token())
    path = f"/api/incidents/{api.post('/api/incidents', json={'title': 'Checkout is down'}).json()['id']}"
    api.post(f"{path}/assign-role", json={"role": "Scribe", "person": "Ana Ivanova"})

    slip = api.post(f"{path}/assign-role", json={"role": "Scribe", "person": "bne"})
    api.post(f"{path}/assign-role", json={"role": "SME", "person": "Kim of Acme", "guest": True})
    after = api.post(f"{path}/release-role", json={"role": "scribe", "person": "ANA@example.org"})

    assert (slip.status_code, slip.json()["errors"][0]["field"]) == (400, "person")
    assert "did you mean ben?" in slip.json()["detail"]
    assert after.json()["roles"] == {"SME": ["Kim of Acme"]}


def test_without_a_chat_and_a_tracker_nothing_is_asked_of_them(server: Server):
    server.world.do(lambda _: server.world.engine.reaching(Outside()))
    api = server.client(server.world.token())
    path = f"/api/incidents/{api.post('/api/incidents', json={'title': 'Checkout is down'}).json()['id']}"

    channel, ticket = api.post(f"{path}/open-channel"), api.post(f"{path}/open-ticket", json={"tracker": "ops"})

    assert (channel.status_code, ticket.status_code) == (409, 409)
    assert "tocsin.toml" in channel.json()["detail"] and "tocsin.toml" in ticket.json()["detail"]
    kinds = {each["kind"] for each in api.get(f"{path}/timeline").json()["items"]}
    assert not kinds & {"ChannelRequested", "TicketRequested"}


@pytest.mark.parametrize(
    ("tag", "body", "said"),
    [
        (
            "waive-promise",
            {"key": "respnd", "because": "a slip"},
            "key: expected the key of a promise (respond:SEV-1@1",
        ),
        ("post-update", {"text": "We look into it", "audience": "custmers"}, "did you mean customers?"),
        ("post-update", {"text": "news", "next_at": "9999-12-31T00:00:00Z"}, "not within 31 days"),
        ("publish", {"pages": ["typo"]}, "pages: expected one of main, got 'typo'"),
        (
            "publish",
            {"components": ["nix=major_outage"]},
            "components: expected one of none, there is no component yet, got",
        ),
        ("add-note", {"text": " \n "}, "text: expected a few words"),
        ("assess", {"question": "", "answer": "yes"}, "question: expected a few words"),
        ("begin-item", {"phase": "Recovery", "item": ""}, "item: expected a few words"),
        ("finish-phase", {"phase": " "}, "phase: expected a few words"),
        ("set-customer-impact", {"users": -4}, "users: expected 0 or more, got -4"),
        ("schedule-review", {"meets_at": "9999-12-31T00:00:00Z"}, "not within 366 days"),
    ],
)
def test_a_slip_is_heard_and_nothing_happens(shared: Server, tag: str, body: dict[str, object], said: str):
    api = shared.client(shared.world.token())
    path = f"/api/incidents/{api.post('/api/incidents', json={'title': 'Down', 'severity': 'SEV-1'}).json()['id']}"
    if tag == "publish":
        assert api.delete("/api/status/components/payments").status_code in (204, 404)
    before = api.get(f"{path}/timeline").json()["items"]

    answer = api.post(f"{path}/{tag}", json=body)

    assert answer.status_code in (400, 409), answer.text
    assert said in answer.json()["detail"]
    assert api.get(f"{path}/timeline").json()["items"] == before


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"private": True, "visible_to": ["bne"]}, "visible_to: expected people and teams that are known, got 'bne'"),
        ({"visible_to": ["ben"]}, "visible_to: expected it with private only"),
    ],
)
def test_an_incident_that_would_be_seen_by_others_than_meant_is_not_opened(
    server: Server, said: dict[str, object], why: str
):
    api = server.client(server.world.token())

    answer = api.post("/api/incidents", json={"title": "Break-in", **said})

    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert api.get("/api/incidents").json()["items"] == []


def test_incidents_are_listed_by_their_kind(server: Server):
    api = server.client(server.world.token())
    for title, category in (("Disk full", "Database"), ("Typo in a flag", "Human Error"), ("Nobody knows", None)):
        api.post("/api/incidents", json={"title": title, "category": category}).raise_for_status()

    def titles(**query: str) -> list[str]:
        return [each["title"] for each in api.get("/api/incidents", params=query).json()["items"]]

    assert titles(category="Human Error") == titles(category="human error") == ["Typo in a flag"]
    assert titles(category="Human Error", text="disk") == titles(category="Typo") == []
    assert len(titles()) == 3
