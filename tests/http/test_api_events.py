"""Server-sent events: nothing missed across a reconnect, and no open stream holds up a stop."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.http.world import Server
from tocsin.http.events import Events


class Reader:
    """One client of a stream, reading events as they come."""

    def __init__(self, client: httpx2.Client, url: str, last: str | None = None) -> None:
        headers = {"Last-Event-ID": last} if last else {}
        self._stream = client.stream("GET", url, headers=headers)
        self.response = self._stream.__enter__()
        self._events = self._read()

    def _read(self) -> Iterator[dict[str, Any]]:
        event: dict[str, Any] = {}
        for line in self.response.iter_lines():
            if not line:
                if "event" in event:
                    yield event
                event = {}
                continue
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value

    def take(self, count: int) -> list[dict[str, Any]]:
        return [next(self._events) for _ in range(count)]

    def rest(self) -> list[dict[str, Any]]:
        return list(self._events)

    def close(self) -> None:
        self._stream.__exit__(None, None, None)


def declared(server: Server) -> tuple[httpx2.Client, str]:
    api = server.client(server.world.token())
    return api, api.post("/api/incidents", json={"title": "Checkout is down"}).json()["id"]


def test_a_stream_tells_the_past_and_then_what_happens(server: Server):
    api, incident = declared(server)
    reader = Reader(api, f"/api/incidents/{incident}/events")
    past = len(api.get(f"/api/incidents/{incident}/timeline").json()["items"])
    assert [each["data"]["version"] for each in reader.take(past)] == list(range(1, past + 1))

    api.post(f"/api/incidents/{incident}/add-note", json={"text": "hello\nthere"})

    told = reader.take(1)[0]
    assert (told["event"], told["id"]) == ("fact", str(past + 1))
    assert told["data"]["data"]["text"] == "hello\nthere"
    assert reader.response.headers["content-type"].startswith("text/event-stream")
    assert reader.response.headers["cache-control"] == "no-cache"
    reader.close()


def test_a_reconnect_resumes_after_the_last_event_without_loss(server: Server):
    api, incident = declared(server)
    reader = Reader(api, f"/api/incidents/{incident}/events")
    last = reader.take(1)[-1]["id"]
    reader.close()
    for n in range(5):
        api.post(f"/api/incidents/{incident}/add-note", json={"text": f"note {n}"})
    whole = api.get(f"/api/incidents/{incident}/timeline").json()["items"]

    again = Reader(api, f"/api/incidents/{incident}/events?after=999", last)

    assert [each["data"] for each in again.take(len(whole) - 1)] == whole[1:]
    again.close()


def test_a_page_gets_only_what_is_newer_than_it(server: Server):
    api, incident = declared(server)
    version = len(api.get(f"/api/incidents/{incident}/timeline").json()["items"])
    reader = Reader(api, f"/api/incidents/{incident}/events?after={version}")

    api.post(f"/api/incidents/{incident}/acknowledge")

    assert reader.take(1)[0]["data"]["kind"] == "Acknowledged"
    reader.close()


def test_the_stream_of_everything_resumes_by_its_ids(server: Server):
    api, _ = declared(server)
    reader = Reader(api, "/api/events")
    hello = reader.take(1)[0]
    assert hello["event"] == "hello"

    other = api.post("/api/incidents", json={"title": "Search is down"}).json()["id"]

    change = reader.take(1)[0]
    assert change["data"]["incident"] == other
    reader.close()
    api.post(f"/api/incidents/{other}/acknowledge")
    again = Reader(api, "/api/events", change["id"])
    assert again.take(1)[0]["data"]["incident"] == other
    again.close()
    stranger = Reader(api, "/api/events", "00000000-7")
    assert stranger.take(1)[0]["event"] == "reset"
    stranger.close()


def test_a_commit_of_another_incident_is_not_told(server: Server):
    api, incident = declared(server)
    version = len(api.get(f"/api/incidents/{incident}/timeline").json()["items"])
    reader = Reader(api, f"/api/incidents/{incident}/events?after={version}")
    api.post("/api/incidents", json={"title": "Search is down"})

    api.post(f"/api/incidents/{incident}/acknowledge")

    assert reader.take(1)[0]["id"] == str(version + 1)
    reader.close()


def test_a_viewer_hears_of_no_private_note(server: Server):
    api, incident = declared(server)
    viewer = server.client(server.world.token("viewer", "vera"))
    version = len(api.get(f"/api/incidents/{incident}/timeline").json()["items"])
    reader = Reader(viewer, f"/api/incidents/{incident}/events?after={version}")

    api.post(f"/api/incidents/{incident}/add-note", json={"text": "secret", "private": True})
    api.post(f"/api/incidents/{incident}/add-note", json={"text": "open"})

    assert reader.take(1)[0]["data"]["data"]["text"] == "open"
    reader.close()


def test_a_stop_ends_open_streams_with_a_word(server: Server):
    api, incident = declared(server)
    reader = Reader(api, f"/api/incidents/{incident}/events")
    everything = Reader(server.client(server.world.token()), "/api/events")
    ended: list[str] = []
    threads = [
        threading.Thread(target=lambda each=each: ended.append(each.rest()[-1]["event"]))  # type: ignore[misc]
        for each in (reader, everything)
    ]
    for thread in threads:
        thread.start()

    assert server.stop()

    for thread in threads:
        thread.join(2)
    assert ended == ["closing", "closing"]


def test_a_revoked_token_reads_on_in_no_stream(server: Server):
    api, incident = declared(server)
    server.faces.events.keep_alive_seconds = 0.05
    token = server.world.token(person="eve")
    reader = Reader(server.client(token), f"/api/incidents/{incident}/events")
    reader.take(1)

    assert api.delete(f"/api/tokens/{token.split('_')[1]}").status_code == 204

    assert reader.rest()[-1]["event"] == "closing"


def test_a_silent_stream_is_kept_alive(server: Server):
    api, _ = declared(server)
    server.faces.events.keep_alive_seconds = 0.05

    with api.stream("GET", "/api/events") as response:
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("retry:")) == "retry: 2000"
        assert next(line for line in lines if line.startswith(":")) == ": keep-alive"


def test_nobody_gets_no_stream(server: Server):
    _, incident = declared(server)

    assert server.client().get("/api/events").status_code == 401
    assert server.client().get(f"/api/incidents/{incident}/events").status_code == 401
    assert server.client(server.world.token()).get("/api/incidents/nix/events").status_code == 404


def test_what_the_ring_forgot_is_said():
    events = Events()
    for n in range(5_000):
        events._note("default", f"i{n}", 1)

    changes, number, forgotten = events.since("default", events.id_of(4_990))
    assert (changes[0].incident, len(changes), number, forgotten) == ("i4990", 10, 5_000, False)

    assert events.since("default", events.id_of(3))[2] is True
    assert events.since("default", events.id_of(5_001))[2] is True
    assert events.since("default", "nonsense")[2] is True
    assert events.since("other", events.id_of(4_990))[0] == []
    assert events.touched("i4999", 4_999) is True
    assert events.touched("i4998", 4_999) is False


def test_a_client_that_leaves_is_forgotten(server: Server):
    server.faces.events.keep_alive_seconds = 0.05  # nobody takes the next sign of life
    api, incident = declared(server)
    reader = Reader(api, f"/api/incidents/{incident}/events")
    reader.take(1)
    assert server.faces.events.clients == 1

    reader.close()

    for _ in range(200):  # the server notices when the socket closes; asking it takes a moment each time
        if api.get("/metrics").text.find("tocsin_event_streams 0.0") >= 0:
            return
    raise AssertionError("the stream is still counted")


def test_one_person_does_not_keep_everybody_else_from_listening(server: Server):
    server.faces.events.person_max = 2
    api, incident = declared(server)
    path = f"/api/incidents/{incident}/events"
    mine = [Reader(api, path) for _ in range(2)]
    for reader in mine:
        reader.take(1)

    refused = api.get(path)
    other = Reader(server.client(server.world.token("viewer", "ben")), path)

    assert (refused.status_code, "2 event streams open already" in refused.text) == (503, True)
    assert other.take(1)
    for reader in (*mine, other):
        reader.close()


@pytest.mark.slow
def test_many_clients_hear_of_one_commit(server: Server):
    api, incident = declared(server)
    version = len(api.get(f"/api/incidents/{incident}/timeline").json()["items"])
    readers = [
        Reader(server.client(server.world.token()), f"/api/incidents/{incident}/events?after={version}")
        for _ in range(40)
    ]

    api.post(f"/api/incidents/{incident}/acknowledge")

    assert [reader.take(1)[0]["data"]["kind"] for reader in readers] == ["Acknowledged"] * 40
    for reader in readers:
        reader.close()
