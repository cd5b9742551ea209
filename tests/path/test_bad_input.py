"""What no sender should send, on every way in: something sensible is answered, never a 500, and Tocsin stays up."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.path.harness import Tocsin, World, until, world

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef0123456789abcdef"
KINDS = (
    "alertmanager", "grafana", "pagerduty", "opsgenie", "victorops", "incidentio", "oncall", "cloudevents", "generic"
)  # fmt: skip
WAYS_IN = (
    "/api/v2/alerts", "/api/v2/silences", "/v2/enqueue", "/v2/change/enqueue", "/ping/backup",
    f"/in/alertmanager/{TOKEN}/api/v2/alerts", *(f"/in/{kind}/{TOKEN}" for kind in KINDS),
)  # fmt: skip
MORE = f'[[sources]]\nname = "all"\nkind = "any"\ntoken = "{TOKEN}"\n[[monitors]]\nid = "backup"\nevery = "1h"\n'

MANY = {f"label_{n}": f"value {n}" for n in range(5_000)}
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "truncated": b'[{"labels": {"alertname": "A"',
    "no JSON": b"alert!",
    "a number": b"7",
    "null": b"null",
    "a text": b'"alert"',
    "a list of numbers": b"[1, 2, 3]",
    "an empty list": b"[]",
    "an empty object": b"{}",
    "a list of lists": b"[[[[]]]]",
    "depth": b"[" * 100_000,
    "depth that ends": b"[" * 5_000 + b"]" * 5_000,
    "labels that are a list": b'[{"labels": ["alertname"]}]',
    "labels that are numbers": b'[{"labels": {"alertname": 7}}]',
    "labels that are null": b'[{"labels": null, "annotations": null, "startsAt": null}]',
    "a NUL": b'[{"labels": {"alertname": "a\\u0000b"}, "annotations": {"summary": "\\u0000"}}]',
    "a raw NUL": b'[{"labels": {"alertname": "a\x00b"}}]',
    "no UTF-8": b'[{"labels": {"alertname": "\xff\xfe"}}]',
    "half a surrogate": b'[{"labels": {"alertname": "\\ud800"}}]',
    "unknown fields": b'[{"labels": {"alertname": "A"}, "colour": "red", "more": {"deep": [1]}}]',
    "5,000 labels": json.dumps([{"labels": MANY}]).encode(),
    "5,000 labels in a group": json.dumps({"alerts": [{"labels": MANY, "status": "firing"}]}).encode(),
    "a huge number": b'[{"labels": {"alertname": "A"}, "startsAt": ' + b"9" * 5_000 + b"}]",
    "ten megabytes": b'[{"labels": {"alertname": "A"}, "annotations": {"x": "' + b"y" * 10_000_000 + b'"}}]',
    "ten megabytes of nothing": b" " * 10_000_000,
    "types turned round": json.dumps(
        {"alerts": {"labels": 1}, "status": [], "payload": "x", "routing_key": 1, "event_action": {}, "message": []}
    ).encode(),
}  # fmt: skip
TIMES = (
    "2026-11-23T03:00:00Z", "2026-11-23T03:00:00.123456789Z", "2026-11-23T03:00:00+05:30", "2026-11-23 03:00:00 UTC",
    "2026-11-23T03:00:00", "2026-11-23", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "99999-01-01T00:00:00Z", "",
    "yesterday", "Mon, 23 Nov 2026 03:00:00 GMT", "2026-02-30T00:00:00Z", "2026-11-23T03:00:60Z", 1763866800,
    1763866800000, 1763866800.5, -1, 10**30, None, True, [], {}, "1763866800", "2026-11-23T03:00:00.000+0000",
)  # fmt: skip


@pytest.fixture(scope="module")
def tocsin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tocsin]:
    with world(tmp_path_factory.mktemp("bad")) as made:
        yield made.tocsin(more=MORE)


def unharmed(tocsin: Tocsin) -> bool:
    """It runs, nothing is late, no task of the writer failed, nothing was raised that nobody caught."""
    assert tocsin.running
    until(lambda: tocsin.metric("tocsin_intake_backlog_payloads") == 0, what="the digest")
    assert tocsin.metric("tocsin_writer_failures_total") == 0
    assert "Traceback" not in "\n".join(tocsin.err), tocsin.tail()
    return tocsin.ask("GET", "/ready", token=False).status_code == 200


@pytest.mark.parametrize("path", WAYS_IN)
def test_no_body_is_an_error_of_the_server(tocsin: Tocsin, path: str) -> None:
    headers = {"content-type": "application/json"}
    told: dict[str, int] = {}
    with httpx2.Client(base_url=tocsin.url, timeout=30, headers=headers) as sender:
        for name, body in BODIES.items():
            answer = sender.post(path, content=body)
            told[name] = answer.status_code
            assert 200 <= answer.status_code < 500 or answer.status_code == 503, (name, answer.text[:300])
            assert answer.status_code != 503 or answer.headers["retry-after"], name
        packed = sender.post(path, content=gzip.compress(b"[" * 1000), headers={"content-encoding": "gzip"})
        broken = sender.post(path, content=b"\x1f\x8bnothing", headers={"content-encoding": "gzip"})
        odd = sender.post(path, content=b"x", headers={"content-type": b"text/\xff", "content-encoding": b"rot13"})
    assert {packed.status_code // 100, broken.status_code // 100, odd.status_code // 100} <= {2, 4}
    if path.startswith(f"/in/generic/{TOKEN}"):
        assert set(told.values()) <= {200, 202, 413}, told
    assert unharmed(tocsin)


@pytest.mark.parametrize("kind", ["v2", *KINDS])
def test_a_time_in_any_dialect_costs_no_alert(tocsin: Tocsin, kind: str) -> None:
    """People's dialects of time: what can be kept is kept, and the alert fires or is refused by name."""
    with httpx2.Client(base_url=tocsin.url, timeout=30) as sender:
        for n, time in enumerate(TIMES):
            name = f"{kind} {n}"
            alert: dict[str, Any] = {"labels": {"alertname": name}, "startsAt": time, "status": "firing"}
            if kind == "v2":
                answer = sender.post("/api/v2/alerts", json=[alert])
                assert answer.status_code in (200, 400), (time, answer.text)
                continue
            body: Any = {"version": "4", "status": "firing", "alerts": [alert], "groupKey": name, "title": name}
            if kind in ("generic", "cloudevents", "oncall"):
                body = {"id": name, "title": name, "time": time, "started_at": time, "source": "x", "type": "alert"}
            answer = sender.post(f"/in/{kind}/{TOKEN}", json=body)
            assert answer.status_code in (200, 202), (time, answer.text)
            if kind in ("alertmanager", "grafana"):
                fate = tocsin.get(f"/api/payloads/{answer.headers['tocsin-payload']}")
                assert fate["alerts"], (time, fate)
    assert unharmed(tocsin)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b'{"title": 7}', "title"),
        (b'{"titel": "x"}', "titel"),
        (b'{"title": "x", "severity": "SEV-9"}', "severity"),
        (b'{"title": "x", "drill": "maybe"}', "drill"),
        (b'{"title": ""}', "title"),
        (b'{"title": "\xff"}', ""),
        (b"[]", ""),
    ],
)
def test_people_are_told_which_field_is_wrong(tocsin: Tocsin, body: bytes, field: str) -> None:
    answer = tocsin.ask("POST", "/api/incidents", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert field in answer.text


@pytest.mark.parametrize(
    "path",
    [
        f"/api/payloads/{'9' * 5000}",
        "/api/payloads/x",
        "/api/alerts/%00/explain",
        "/api/alerts/%ff/explain",
        "/api/incidents/%00",
        "/api/incidents/INC-2026-001%0a",
        "/api/incidents?limit=99999999999999999999",
        "/api/incidents?cursor=%ff",
        "/api/incidents?status=nonsense",
        f"/api/incidents?text={'%25' * 150}",
        "/api/events/nothing",
        "/a/%00",
        f"/a/{'x' * 9000}",
        "/sign-in/toc_x_y",
        "/ping/%00",
        "/api/v2/alerts?filter=a%3D~(",
        "/api/v2/silence/%00",
    ],
)
def test_no_address_is_an_error_of_the_server(tocsin: Tocsin, path: str) -> None:
    answer = tocsin.ask("GET", path)

    assert 200 <= answer.status_code < 500, answer.text
    assert unharmed(tocsin)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n[]",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\n" + b"X-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"POST /api/v2/alerts HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n[",
    ],
)
def test_what_is_hardly_http_harms_nobody(tocsin: Tocsin, raw: bytes) -> None:
    answer = said_raw(tocsin.port, raw)

    assert not answer.startswith(b"HTTP/1.1 5"), answer[:300]
    assert unharmed(tocsin)


def said_raw(port: int, raw: bytes) -> bytes:
    """What the server says to these bytes before the connection ends, or within half a second."""
    with socket.create_connection(("127.0.0.1", port), timeout=0.5) as line:
        line.sendall(raw)
        try:
            return line.recv(65536)
        except (TimeoutError, ConnectionError):
            return b""


def test_an_unreadable_body_waits_in_quarantine_and_says_why(shop: World, tmp_path: Path) -> None:
    tocsin = shop.tocsin(more=MORE)
    answer = tocsin.ask("POST", f"/in/grafana/{TOKEN}", token=False, content=b'{"alerts": [')

    assert answer.status_code == 200
    fate = tocsin.get(f"/api/payloads/{answer.headers['tocsin-payload']}")
    assert fate["alerts"] == []
    assert "could not be read" in fate["fate"]
    (kept,) = tocsin.get("/api/quarantine")["items"]
    assert kept["kind"] == "grafana"


def test_every_unreadable_body_has_its_fate_however_often_it_comes(shop: World, tmp_path: Path) -> None:
    """The list of complaints is short; whoever asks for one payload hears the truth about it."""
    tocsin = shop.tocsin(more=MORE)
    for kind in KINDS * 2:
        answer = tocsin.ask("POST", f"/in/{kind}/{TOKEN}", token=False, content=b'{"alerts": [')

        fate = tocsin.get(f"/api/payloads/{answer.headers['tocsin-payload']}")
        assert fate["fate"].startswith("could not be read"), (kind, fate)
        assert fate["quarantine"]
    assert [each["kind"] for each in tocsin.get("/api/quarantine")["items"]] == list(KINDS)
