"""The texts were read from Alertmanager 0.25 itself; the statuses are those of its specification."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.http.am_world import AmWorld, am_server

NO_COMMENT = "comment in body is required"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Silences:
    def __init__(self, folder: Path) -> None:
        self.world = AmWorld(folder)
        self.server = am_server(self.world)
        self.client = self.server.client()

    def post(self, **changes: Any) -> httpx2.Response:
        body = {
            "matchers": [{"name": "a", "value": "x", "isRegex": False}],
            "startsAt": "2026-11-23T03:00:00Z",
            "endsAt": "2026-11-23T05:00:00Z",
            "createdBy": "ana",
            "comment": "deploy",
        } | changes
        return self.client.post("/api/v2/silences", json={key: value for key, value in body.items() if value != "-"})

    def get(self, name: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.client.get(f"/api/v2/silence/{name}").json()
        return shown

    def advance(self, **span: int) -> None:
        self.world.clock.advance(timedelta(**span))  # type: ignore[attr-defined]


@pytest.fixture
def am(tmp_path: Path) -> Iterator[Silences]:
    made = Silences(tmp_path)
    yield made
    made.server.stop()
    made.world.close()


def matcher(name: str, value: str, *, regex: bool = False) -> list[dict[str, Any]]:
    return [{"name": name, "value": value, "isRegex": regex}]


def test_a_silence_is_made_shown_and_ended(am: Silences) -> None:
    name = am.post().json()["silenceID"]
    shown = am.get(name)

    assert shown == {
        "id": name,
        "status": {"state": "active"},
        "updatedAt": "2026-11-23T03:00:00.000Z",
        "annotations": {},
        "comment": "deploy",
        "createdBy": "ana",
        "endsAt": "2026-11-23T05:00:00.000Z",
        "matchers": [{"isEqual": True, "isRegex": False, "name": "a", "value": "x"}],
        "startsAt": "2026-11-23T03:00:00.000Z",
    }
    am.advance(minutes=10)
    ended = am.client.delete(f"/api/v2/silence/{name}")
    assert (ended.status_code, ended.content, ended.headers.get("content-type")) == (200, b"", None)
    assert (am.get(name)["status"], am.get(name)["endsAt"]) == ({"state": "expired"}, "2026-11-23T03:10:00.000Z")
    assert am.client.delete(f"/api/v2/silence/{name}").status_code == 200
    assert am.get(name)["endsAt"] == "2026-11-23T03:10:00.000Z"


def test_every_change_is_told_to_whoever_keeps_silences_compiled(am: Silences) -> None:
    name = am.post().json()["silenceID"]
    am.client.delete(f"/api/v2/silence/{name}")

    assert am.world.told == ["silence", "silence"]


def test_an_update_with_the_same_start_keeps_the_id(am: Silences) -> None:
    name = am.post().json()["silenceID"]
    am.advance(minutes=1)

    assert am.post(id=name, endsAt="2026-11-23T09:00:00Z").json()["silenceID"] == name
    assert am.get(name)["endsAt"] == "2026-11-23T09:00:00.000Z"


def test_an_update_of_matchers_ends_the_old_silence_and_makes_another(am: Silences) -> None:
    name = am.post().json()["silenceID"]
    am.advance(minutes=1)

    other = am.post(id=name, matchers=matcher("b", "y")).json()["silenceID"]

    assert other != name
    assert am.get(name)["status"] == {"state": "expired"}
    assert am.get(other)["startsAt"] == "2026-11-23T03:01:00.000Z"


def test_the_listing_has_the_order_and_the_filters_of_alertmanager(am: Silences) -> None:
    late = am.post(endsAt="2026-11-23T08:00:00Z").json()["silenceID"]
    pending = am.post(startsAt="2026-11-23T04:00:00Z").json()["silenceID"]
    soon = am.post(matchers=matcher("b", "y.*", regex=True)).json()["silenceID"]
    over = am.post().json()["silenceID"]
    am.client.delete(f"/api/v2/silence/{over}")

    def ids(query: str = "") -> list[str]:
        return [each["id"] for each in am.client.get(f"/api/v2/silences{query}").json()]

    assert ids() == [soon, late, pending, over]
    assert ids("?expired=false&pending=false") == [soon, late]
    assert ids("?filter=b%3D~y.*") == [soon]
    assert ids("?filter=a%3Dx&filter=b%3D~y.*") == []
    assert am.client.get("/api/v2/silences?filter=a").status_code == 400


@pytest.mark.parametrize(
    ("changes", "status", "told"),
    [
        ({"comment": "-"}, 400, "comment in body is required"),
        ({"createdBy": "-", "endsAt": "-"}, 400, "createdBy in body is required"),
        ({"startsAt": "-"}, 400, "startsAt in body is required"),
        ({"matchers": []}, 400, "matchers in body should have at least 1 items"),
        ({"matchers": [{"name": "a", "value": "x"}]}, 400, "matchers.0.isRegex in body is required"),
        ({"matchers": matcher("a", "")}, 400, "silence invalid: at least one matcher must not match the empty string"),
        ({"matchers": matcher("a", ".*", regex=True)}, 400, "silence invalid: at least one matcher must not match the"),
        ({"matchers": matcher("a", "[", regex=True)}, 400, "silence invalid: invalid label matcher 0: "),
        ({"endsAt": "2026-11-23T01:00:00Z"}, 400, "Failed to create silence: start time must be before end time"),
        (
            {"startsAt": "2026-11-20T00:00:00Z", "endsAt": "2026-11-21T00:00:00Z"},
            400,
            "Failed to create silence: end time can't be in the past",
        ),
        ({"id": NOBODY}, 404, "silence not found"),
        ({"id": "zz"}, 404, "silence not found"),
        ({"startsAt": "nope"}, 400, None),
        ({"startsAt": "2026-02-31T00:00:00Z"}, 400, None),
        ({"startsAt": 5}, 400, None),
        ({"matchers": {}}, 400, None),
        ({"matchers": [5]}, 400, None),
        ({"matchers": [{"name": "a", "value": "x", "isRegex": "no"}]}, 400, None),
        ({"annotations": [1]}, 400, None),
    ],
)
def test_what_is_wrong_is_told_in_alertmanagers_words(
    am: Silences, changes: dict[str, Any], status: int, told: Any
) -> None:
    answer = am.post(**changes)

    assert answer.status_code == status
    if isinstance(told, str):
        assert answer.json().startswith(told)
    elif told is not None:
        assert answer.json() == told
    else:
        assert answer.json().startswith('parsing silence body from "" failed, because ')


@pytest.mark.parametrize("body", [b"", b"nope", b"[]", b"null", b'{"a":', b"\xff\xfe", b"[" * 100_000, b'"\\ud800"'])
def test_a_body_that_is_no_silence_is_never_a_server_error(am: Silences, body: bytes) -> None:
    answer = am.client.post("/api/v2/silences", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert isinstance(answer.json(), str)


def test_a_nul_or_half_a_pair_in_a_text_does_not_break_the_store(am: Silences) -> None:
    body = json.dumps(
        {
            "matchers": matcher("a", "x\0y"),
            "startsAt": "2026-11-23T03:00:00Z",
            "endsAt": "2026-11-23T05:00:00+00:00",
            "createdBy": "ana",
            "comment": "\0",
            "annotations": {"ticket": "OPS-1"},
        }
    )
    answer = am.client.post("/api/v2/silences", content=body, headers={"content-type": "application/json"})

    shown = am.get(answer.json()["silenceID"])
    assert (shown["matchers"][0]["value"], shown["annotations"]) == ("x\ufffdy", {"ticket": "OPS-1"})


@pytest.mark.parametrize(
    ("method", "name", "status", "body"),
    [
        ("GET", "zz", 404, '"silence not found"'),
        ("DELETE", "zz", 404, '"silence not found"'),
        ("GET", NOBODY, 404, '"silence not found"'),
        ("DELETE", NOBODY, 404, '"silence not found"'),
        ("POST", NOBODY, 405, '{"code":405,"message":"method POST is not allowed, but [GET,DELETE] are"}'),
    ],
)
def test_a_silence_that_is_not_there(am: Silences, method: str, name: str, status: int, body: str) -> None:
    answer = am.client.request(method, f"/api/v2/silence/{name}")

    assert (answer.status_code, answer.text.strip()) == (status, body)


def test_a_packed_body_is_read_and_a_bomb_is_not(am: Silences) -> None:
    packed = {"content-type": "application/json", "content-encoding": "gzip"}

    assert am.client.post("/api/v2/silences", content=gzip.compress(b"{}"), headers=packed).json() == NO_COMMENT
    bomb = gzip.compress(b" " * (65 * 1024 * 1024))
    assert am.client.post("/api/v2/silences", content=bomb, headers=packed).status_code == 413
    assert am.client.post("/api/v2/silences", content=b"no gzip", headers=packed).status_code == 400
    assert am.client.post("/api/v2/silences", content=gzip.compress(b"{}")[:-9], headers=packed).status_code == 400


def test_silences_survive_a_restart(am: Silences, tmp_path: Path) -> None:
    name = am.post().json()["silenceID"]
    am.server.stop()
    am.world.close()
    again = AmWorld(tmp_path)
    server = am_server(again)
    try:
        assert server.client().get(f"/api/v2/silence/{name}").json()["status"] == {"state": "active"}
    finally:
        server.stop()
        again.close()


def test_ended_silences_are_kept_for_five_days(am: Silences) -> None:
    name = am.post().json()["silenceID"]
    am.advance(days=5)
    am.post(startsAt="2026-11-29T00:00:00Z", endsAt="2026-11-30T00:00:00Z")
    assert am.get(name)["status"] == {"state": "expired"}

    am.advance(hours=3)
    am.post(startsAt="2026-11-29T00:00:00Z", endsAt="2026-11-30T00:00:00Z")

    assert am.client.get(f"/api/v2/silence/{name}").status_code == 404
