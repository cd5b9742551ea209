"""Schedules over HTTP: stored, asked, and paged by."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.http.world import Server

SCHEDULE: dict[str, Any] = {
    "id": "primary",
    "timezone": "Europe/Berlin",
    "layers": [
        {
            "rotation": {
                "frequency": "daily",
                "anchor": "2026-03-27T02:30",
                "timezone": "Europe/Berlin",
                "users": ["ana", "ben"],
            }
        }
    ],
}


def test_a_schedule_is_stored_and_asked(shared: Server):
    api = shared.client(shared.world.token())
    assert api.put("/api/schedules/primary", json=SCHEDULE).status_code == 201

    shown = api.get(
        "/api/schedules/primary/shifts", params={"from": "2026-03-28T12:00:00Z", "to": "2026-03-29T12:00:00Z"}
    ).json()

    assert shown == {
        "items": [
            {"person": "ben", "start": "2026-03-28T12:00:00Z", "end": "2026-03-29T01:00:00Z"},
            {"person": "ana", "start": "2026-03-29T01:00:00Z", "end": "2026-03-29T12:00:00Z"},
        ],
        "gaps": [],
        "recorded_since": "2026-11-23T03:00:00Z",
        "recorded_until": "2026-11-23T03:00:00Z",
    }
    assert api.get("/api/schedules/primary/on-call", params={"at": "2026-03-29T00:59:59Z"}).json()["people"] == ["ben"]
    assert api.get("/api/schedules").json()["items"][0]["layers"] == SCHEDULE["layers"]
    assert api.delete("/api/schedules/primary").status_code == 204
    assert api.get("/api/schedules/primary/on-call").status_code == 404


def test_whoever_is_on_call_is_paged(server: Server):
    api = server.client(server.world.token())
    everybody_but_ben = {**SCHEDULE, "overrides": [{"add": "ben", **LONG}, {"remove": "ana", **LONG}]}
    assert api.put("/api/schedules/primary", json=everybody_but_ben).status_code == 201
    api.put("/api/bindings/ana", json={"id": "ana", "means": ["schedule:primary"]})

    made = api.post("/api/incidents", json={"title": "Checkout is down"}).json()

    assert made["paged"] == ["ben"]


LONG = {"start": "2020-01-01T00:00:00Z", "end": "2120-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": []}, "layers: expected 1 to 50"),
        ({"timezone": "Berlin"}, "timezone: expected an IANA time zone"),
        ({"layers": [{"rotation": {"frequency": "daily", "anchor": "2026-13-01T00:00"}}]}, "layers[0].rotation.anchor"),
        ({"overrides": [{"add": "a", **LONG}, {"remove": "a", **LONG}]}, "overlaps overrides[0], which names a too"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_schedule_that_cannot_be_read_is_refused(shared: Server, changes: dict[str, Any], words: str):
    answer = shared.client(shared.world.token()).put("/api/schedules/primary", json={**SCHEDULE, **changes})

    assert answer.status_code == 400
    assert words in answer.text


def test_a_period_too_long_is_refused(shared: Server):
    api = shared.client(shared.world.token())
    api.put("/api/schedules/other", json={**SCHEDULE, "id": "other"})

    answer = api.get(
        "/api/schedules/other/shifts", params={"from": "2026-01-01T00:00:00Z", "to": "2028-01-01T00:00:00Z"}
    )

    assert answer.status_code == 400
    assert "up to 400 days" in answer.text


# --- the record, and changes of a live schedule


def test_an_edit_does_not_change_the_past(server: Server):
    world, api = server.world, server.client(server.world.token())
    world.clock.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    api.put("/api/schedules/primary", json=SCHEDULE)
    world.clock.set(datetime(2026, 3, 30, 12, tzinfo=UTC))

    turned = {**SCHEDULE, "layers": [{"user": "ben"}]}
    assert api.put("/api/schedules/primary", json=turned).status_code == 200
    world.clock.set(datetime(2026, 3, 31, 12, tzinfo=UTC))
    span = {"from": "2026-03-28T02:00:00Z", "to": "2026-04-01T00:00:00Z"}
    shown = api.get("/api/schedules/primary/shifts", params=span).json()

    assert [(each["person"], each["start"], each["end"]) for each in shown["items"]] == [
        ("ben", "2026-03-28T02:00:00Z", "2026-03-29T01:00:00Z"),
        ("ana", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"),
        ("ben", "2026-03-30T00:30:00Z", "2026-04-01T00:00:00Z"),
    ]
    assert shown["gaps"] == [] and shown["recorded_since"] == "2026-03-28T12:00:00Z"
    assert api.get("/api/schedules/primary/on-call", params={"at": "2026-03-29T12:00:00Z"}).json()["people"] == ["ana"]


def test_a_schedule_that_was_deleted_and_made_again_was_empty_in_between(server: Server):
    world, api = server.world, server.client(server.world.token())
    world.clock.set(datetime(2026, 3, 28, 12, tzinfo=UTC))
    always = {**SCHEDULE, "layers": [{"user": "ben"}]}
    api.put("/api/schedules/primary", json=always)
    world.clock.set(datetime(2026, 3, 29, 12, tzinfo=UTC))
    api.delete("/api/schedules/primary")
    world.clock.set(datetime(2026, 3, 30, 12, tzinfo=UTC))
    api.put("/api/schedules/primary", json=always)

    shown = api.get(
        "/api/schedules/primary/shifts", params={"from": "2026-03-28T12:00:00Z", "to": "2026-03-31T00:00:00Z"}
    ).json()

    assert [each["start"] for each in shown["items"]] == ["2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z"]
    assert shown["gaps"] == [{"start": "2026-03-29T12:00:00Z", "end": "2026-03-30T12:00:00Z"}]


def test_an_override_counts_at_once_and_can_be_removed(shared: Server):
    api = shared.client(shared.world.token("responder", "ben"))
    shared.client(shared.world.token()).put("/api/schedules/live", json={**SCHEDULE, "id": "live"})
    tonight = {"start": "2026-11-23T02:00:00Z", "end": "2026-11-23T09:00:00+01:00"}
    (before,) = api.get("/api/schedules/live/on-call").json()["people"]
    other = {"ana": "ben", "ben": "ana"}[before]

    made = api.post("/api/schedules/live/overrides", json={"add": other.upper(), "remove": before, **tonight})
    assert made.status_code == 201 and made.json()["gaps"] == []
    assert api.get("/api/schedules/live/on-call").json()["people"] == [other]
    change = made.json()["change"]
    assert (change["add"], change["by"]) == (other, "ben")
    assert [each["id"] for each in api.get("/api/schedules/live/changes").json()["items"]] == [change["id"]]
    again = api.post("/api/schedules/live/overrides", json={"add": other, **tonight})
    assert again.status_code == 400 and "overlaps overrides[0]" in again.text
    assert api.delete(f"/api/schedules/live/overrides/{change['id']}").status_code == 204
    assert api.get("/api/schedules/live/on-call").json()["people"] == [before]
    assert api.delete(f"/api/schedules/live/overrides/{change['id']}").status_code == 404


def test_a_removal_that_leaves_nobody_says_so(shared: Server):
    api = shared.client(shared.world.token())
    api.put("/api/schedules/alone", json={**SCHEDULE, "id": "alone", "layers": [{"user": "ana"}]})
    day = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}

    made = api.post("/api/schedules/alone/overrides", json={"remove": "ana", **day}).json()

    assert made["gaps"] == [day]


def test_a_swap_waits_until_somebody_takes_it(shared: Server):
    api = shared.client(shared.world.token("responder", "ana"))
    shared.client(shared.world.token()).put(
        "/api/schedules/swaps", json={**SCHEDULE, "id": "swaps", "layers": [{"user": "ana"}]}
    )
    day = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
    noon = {"at": "2026-11-24T12:00:00Z"}
    asked = api.post("/api/schedules/swaps/swaps", json={"beneficiary": "ana", **day}).json()["change"]
    assert api.get("/api/schedules/swaps/on-call", params=noon).json()["people"] == ["ana"]

    assert api.post(f"/api/schedules/swaps/swaps/{asked['id']}/take", json={}).status_code == 400
    taken = api.post(f"/api/schedules/swaps/swaps/{asked['id']}/take", json={"benefactor": "ben"})

    assert taken.json()["change"]["benefactor"] == "ben"
    assert api.get("/api/schedules/swaps/on-call", params=noon).json()["people"] == ["ben"]
    assert api.post(f"/api/schedules/swaps/swaps/{asked['id']}/take", json={"benefactor": "ben"}).status_code == 400
    assert api.post("/api/schedules/swaps/swaps/nothing/take", json={"benefactor": "ben"}).status_code == 404
    assert api.delete(f"/api/schedules/swaps/swaps/{asked['id']}").status_code == 204


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("overrides", {}, "expected add, remove or both"),
        ("overrides", {"add": "zoe"}, "add: expected a person of the directory, got 'zoe'"),
        ("overrides", {"add": "ana", "end": "2026-11-24T00:00:00Z"}, "end: expected up to 400 days after start"),
        (
            "overrides",
            {"add": "ana", "start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
            "the past is recorded",
        ),
        ("overrides", {"add": "ana", "start": "2026-11-24T00:00"}, "start"),
        ("swaps", {"benefactor": "ana"}, "beneficiary"),
        ("temporary", {"shifts": [{"user": "zoe", "start": LONG["start"], "end": LONG["end"]}]}, "shifts[0].user"),
    ],
)
def test_a_change_that_cannot_be_is_refused(shared: Server, path: str, body: dict[str, Any], words: str):
    api = shared.client(shared.world.token())
    api.put("/api/schedules/refusing", json={**SCHEDULE, "id": "refusing"})
    day = {"start": "2026-11-25T00:00:00Z", "end": "2026-11-26T00:00:00Z"}

    answer = api.post(f"/api/schedules/refusing/{path}", json={**day, **body})

    assert answer.status_code == 400
    assert words in answer.text


def test_a_temporary_schedule_replaces_its_span(shared: Server):
    api = shared.client(shared.world.token())
    api.put("/api/schedules/temp", json={**SCHEDULE, "id": "temp"})
    day = {"start": "2026-11-24T00:00:00Z", "end": "2026-11-25T00:00:00Z"}
    shift = {"user": "ben", "start": "2026-11-24T00:00:00Z", "end": "2026-11-24T12:00:00Z"}

    made = api.post("/api/schedules/temp/temporary", json={**day, "shifts": [shift]}).json()

    assert made["gaps"] == [{"start": "2026-11-24T12:00:00Z", "end": "2026-11-25T00:00:00Z"}]
    assert api.delete(f"/api/schedules/temp/temporary/{made['change']['id']}").status_code == 204


def test_somebody_who_may_only_read_changes_nothing(shared: Server):
    api = shared.client(shared.world.token("viewer", "eve"))

    assert api.post("/api/schedules/live/overrides", json={"add": "ana", **LONG}).status_code == 403
