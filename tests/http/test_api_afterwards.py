"""Action items, duties and regulatory clocks over HTTP."""

from __future__ import annotations

from tests.http.world import Server


def declared(server: Server, **more: object) -> str:
    api = server.client(server.world.token())
    made = api.post("/api/incidents", json={"title": "Export leaked", "severity": "SEV-1", **more})
    return str(made.json()["reference"])


def test_action_items_are_listed_with_what_is_done(server: Server) -> None:
    api = server.client(server.world.token())
    reference = declared(server)
    for title, owner in (("Encrypt exports", "ana"), ("Alert on exports", "ben")):
        body = {"title": title, "owner": owner, "due_on": "2099-12-15", "criteria": ["done"]}
        answer = api.post(f"/api/incidents/{reference}/add-action-item", json=body)
        assert answer.status_code == 200, answer.text
    api.post(f"/api/incidents/{reference}/finish-action-item", json={"item": 1, "because": "enough"})

    found = api.get("/api/action-items").json()

    assert [(each["name"], each["status"]) for each in found["items"]] == [
        (f"{reference}/1", "completed"),
        (f"{reference}/2", "open"),
    ]
    assert (found["total"], found["completed"], found["overdue"], found["completion_rate"]) == (2, 1, 0, 50.0)
    assert [each["item"] for each in api.get("/api/action-items?status=unfinished").json()["items"]] == [2]
    assert [each["item"] for each in api.get("/api/action-items?owner=BEN").json()["items"]] == [2]
    assert api.get("/api/action-items?status=nonsense").status_code == 400


def test_a_pack_is_off_until_it_is_switched_on_and_off_again_after(server: Server) -> None:
    api = server.client(server.world.token())
    reference = declared(server)
    clocks = f"/api/incidents/{reference}/regulatory"
    assert api.get("/api/regulatory").json()["items"][0]["enabled"] is None
    assert api.get(clocks).json()["clocks"] == []

    on = api.put("/api/regulatory/gdpr/enabled", json={"who": ["ana"], "targets": {"gdpr-33-2": 24}})

    assert on.status_code == 200, on.text
    found = api.get(clocks).json()
    assert {each["state"] for each in found["clocks"]} == {"assess"}
    assert "controller_aware" in found["to_assess"]
    assert "Not legal advice" in found["note"]

    said = {"name": "controller_aware", "happened_at": "2026-11-20T22:30:00Z", "because": "addresses were in it"}
    told = api.post(f"/api/incidents/{reference}/record-instant", json=said)
    assert told.status_code == 200, told.text
    first = api.get(clocks).json()["clocks"][0]
    assert (first["obligation"], first["due_at"]) == ("gdpr-33-1", "2026-11-23T22:30:00Z")
    promise = next(each for each in told.json()["promises"] if each["rule"] == "law:gdpr-33-1")
    assert promise["audience"].startswith("competent supervisory authority")

    assert api.delete("/api/regulatory/gdpr/enabled").status_code == 204
    assert api.delete("/api/regulatory/gdpr/enabled").status_code == 404
    left = api.get(clocks).json()["clocks"]
    assert [each["obligation"] for each in left] == ["gdpr-33-1"]
    assert "switched off" in left[0]["mark"]


def test_a_switch_that_cannot_be_is_refused_by_field(server: Server) -> None:
    api = server.client(server.world.token())
    for body, field in (
        ({"confirmed": ["nonsense"]}, "confirmed"),
        ({"targets": {"gdpr-33-2": 0}}, "targets.gdpr-33-2"),
        ({"guides": ["nonsense"]}, "guides"),
        ({"rollover_country": "XX"}, "rollover_country"),
        ({"nonsense": 1}, "nonsense"),
    ):
        answer = api.put("/api/regulatory/gdpr/enabled", json=body)
        assert answer.status_code == 400, body
        assert field in answer.text
    assert api.put("/api/regulatory/nonsense/enabled", json={}).status_code == 404
    assert api.get("/api/regulatory/nonsense").status_code == 404


def test_a_pack_of_ones_own_is_loaded_and_forgotten(server: Server) -> None:
    api = server.client(server.world.token())
    pack = {
        "id": "mine",
        "title": "Our customers",
        "jurisdiction": "contract",
        "as_of": "2026-11-21",
        "obligations": [
            {
                "id": "big-customer",
                "title": "Tell the big customer",
                "applies_to": "us",
                "stage": "notify_customer",
                "deadline": {"from_event": "aware", "unit": "hour", "amount": 24},
                "recipients": ["their security desk"],
                "source": {"citation": "contract of 2025, section 9"},
                "verification": "text_seen",
            }
        ],
    }

    assert api.put("/api/regulatory/mine", json=pack).status_code == 200
    assert api.put("/api/regulatory/mine/enabled", json={}).status_code == 200
    assert any(each["id"] == "mine" for each in api.get("/api/regulatory").json()["items"])
    wrong = api.put("/api/regulatory/mine", json=pack | {"as_of": "soon"})
    assert (wrong.status_code, "as_of" in wrong.text) == (400, True)
    assert api.delete("/api/regulatory/mine").status_code == 204
    assert api.get("/api/regulatory/mine").status_code == 404


def test_there_are_no_duties_where_no_guide_asks_for_any(server: Server) -> None:
    api = server.client(server.world.token())

    assert api.get("/api/duties").json() == {"items": []}
    missing = api.post("/api/duties/nothing/done", json={})
    assert missing.status_code == 404
    assert "no guide in force asks for any" in missing.text


def test_the_duties_have_a_page(server: Server) -> None:
    api = server.client(server.world.token())

    found = api.get("/duties", headers={"accept": "text/html"})

    assert found.status_code == 200
    assert "No guide in force asks for any" in found.text
