"""The running product as somebody without a key sees it: what every face answers, and what it does not do."""

from __future__ import annotations

import gzip
import json
import socket
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx2
import pytest

from tests.path.server import TOKEN, Tocsin
from tocsin.clock import monotonic

pytestmark = pytest.mark.slow

FACES = (
    "/",
    "/sign-in",
    "/health",
    "/ready",
    "/metrics",
    "/api/incidents",
    "/api/openapi.json",
    "/api/v2/status",
    "/api/v2/alerts",
    "/-/ready",
    "/a/nothing",
    "/status",
    "/status/nothing",
    "/static/app.css",
    "/v1/pages",
    "/in/generic/nothing",
    "/ping/nothing",
    "/slack/events",
    "/telegram/x",
    "/twilio/sms",
    "/v2/enqueue",
    "/nothing",
    "/%2e%2e/%2e%2e/etc/passwd",
)
ELSEWHERE = "evil.example"


@pytest.fixture(scope="module")
def tocsin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tocsin]:
    started = Tocsin(tmp_path_factory.mktemp("outsider"))
    yield started
    started.stop()


def manager(tocsin: Tocsin) -> dict[str, str]:
    return {"Authorization": f"Bearer {(tocsin.folder / 'data' / 'cli.token').read_text().strip()}"}


@pytest.mark.parametrize("path", FACES)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_answer_is_safe_in_a_browser(tocsin: Tocsin, method: str, path: str):
    answer = tocsin.client.request(method, path)

    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and ("default-src 'self'" in policy or "default-src 'none'" in policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.status_code < 500
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert "frame-ancestors 'none'" in policy and "form-action" in policy and "base-uri" in policy
        assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2f..",
        "/sign-in?next=//evil.example",
        "/\\evil.example",
        "/?url=//evil.example",
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Host": ELSEWHERE, "X-Forwarded-Host": ELSEWHERE}])
def test_nobody_is_sent_elsewhere(tocsin: Tocsin, path: str, headers: dict[str, str]):
    with socket.create_connection(("127.0.0.1", tocsin.port), timeout=5) as line:
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {"Host": "x", **headers}.items())]
        line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = b"".join(iter(lambda: line.recv(65536), b"")).decode("latin-1")

    location = [each for each in answer.split("\r\n\r\n")[0].splitlines() if each.lower().startswith("location:")]
    assert all(each.split(": ")[1].startswith("/") and not each.split(": ")[1].startswith("//") for each in location)
    assert ELSEWHERE not in answer.partition("\r\n\r\n")[2]


def test_a_link_is_built_from_the_configured_address_whatever_the_host_header_says(tocsin: Tocsin):
    answer = tocsin.client.post(
        "/api/sign-in-links",
        headers={**manager(tocsin), "Host": ELSEWHERE, "X-Forwarded-Host": ELSEWHERE, "X-Forwarded-Proto": "https"},
        json={"person": "ana", "role": "viewer"},
    )

    assert answer.status_code in (200, 201), answer.text
    assert ELSEWHERE not in answer.text and tocsin.url in answer.text


def test_another_site_can_do_nothing_with_a_session(tocsin: Tocsin):
    link = tocsin.client.post("/api/sign-in-links", headers=manager(tocsin), json={"person": "ana", "role": "owner"})
    if link.status_code >= 400:
        link = tocsin.client.post(
            "/api/sign-in-links", headers=manager(tocsin), json={"person": "ana", "role": "administrator"}
        )
    path = link.json()["url"].removeprefix(tocsin.url)
    with httpx2.Client(base_url=tocsin.url) as browser:
        answer = browser.post(path)
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "samesite=lax" in cookie.lower() and "Path=/" in cookie
        headers = {"Cookie": cookie.partition(";")[0]}
        document = browser.get("/api/openapi.json").json()
        asked = 0
        for name, operations in document["paths"].items():
            for method in set(operations) & {"post", "put", "delete", "patch"}:
                for told in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
                    answer = browser.request(
                        method.upper(), name.replace("{", "").replace("}", ""), headers=headers | told
                    )
                    assert answer.status_code == 403, (method, name, told, answer.status_code)
                    asked += 1
        for name in ("/api/v2/silences", "/api/v2/alerts"):  # the loopback's exception ends where a browser begins
            answer = browser.post(name, headers=headers | {"Origin": "https://evil.example"}, json=[])
            assert answer.status_code == 401
        assert asked > 200


def test_what_tocsin_itself_sends_is_no_program_of_this_machine(tocsin: Tocsin):
    for path in ("/api/v2/alerts", "/api/v2/silences"):
        assert tocsin.client.post(path, headers={"User-Agent": "Tocsin"}, json=[]).status_code == 401
    assert tocsin.client.get("/metrics", headers={"User-Agent": "Tocsin"}).status_code == 401
    assert tocsin.client.get("/metrics").status_code == 200


def test_a_name_that_leads_to_this_machine_is_not_this_machine(tocsin: Tocsin):
    for path in ("/metrics", "/api/v2/alerts"):
        assert tocsin.client.get(path, headers={"Host": f"rebound.example:{tocsin.port}"}).status_code == 401


@cache
def bomb() -> bytes:
    return gzip.compress(b'[{"labels": {"a": "' + b"a" * 200_000_000 + b'"}}]', 9)


@pytest.mark.parametrize("path", ["/api/v2/alerts", f"/in/generic/{TOKEN}", f"/in/alertmanager/{TOKEN}", "/v2/enqueue"])
def test_a_packed_bomb_is_too_large_at_once(tocsin: Tocsin, path: str):
    content = bomb()

    before = monotonic()
    answer = tocsin.client.post(path, content=content, headers={"Content-Encoding": "gzip"})

    assert answer.status_code in (400, 413, 415), answer.text
    assert monotonic() - before < 3


DEEP = (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 5_000 + b"]" * 5_000)


@pytest.mark.parametrize("body", DEEP, ids=["lists", "tables", "closed"])
@pytest.mark.parametrize(
    "path",
    [
        "/api/incidents",
        "/api/v2/silences",
        "/api/v2/alerts",
        f"/in/generic/{TOKEN}",
        f"/in/pagerduty/{TOKEN}",
        f"/in/grafana/{TOKEN}",
        f"/in/cloudevents/{TOKEN}",
        "/v2/enqueue",
        "/slack/events",
        "/telegram/x",
        "/v1/pages/x/incidents",
    ],
)
def test_no_depth_is_an_error_of_the_server(tocsin: Tocsin, path: str, body: bytes):
    headers = {**manager(tocsin), "Content-Type": "application/json"}
    answer = tocsin.client.post(path, content=body, headers=headers)

    assert answer.status_code < 500, answer.text
    assert tocsin.client.get("/health").status_code == 200


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b$", "(.*a){25}", "((a*)*)*b"])
def test_a_hostile_pattern_costs_nothing(tocsin: Tocsin, pattern: str):
    silence = {
        "matchers": [{"name": "alertname", "value": pattern, "isRegex": True}],
        "startsAt": "2026-01-01T00:00:00Z",
        "endsAt": "2036-01-01T00:00:00Z",
        "createdBy": "eve",
        "comment": "x",
    }
    made = tocsin.client.post("/api/v2/silences", json=silence)
    assert made.status_code == 200, made.text
    before = monotonic()
    label = "a" * 900 + "!"
    assert tocsin.client.post("/api/v2/alerts", json=[{"labels": {"alertname": label}}]).status_code == 200
    assert tocsin.client.get("/api/v2/alerts", params={"filter": f'alertname=~"{pattern}"'}).status_code == 200
    assert monotonic() - before < 2


def test_what_strangers_say_is_one_line_of_the_log(tocsin: Tocsin):
    forged = "x\n2026-11-23 03:00:00,000 ERROR tocsin.audit: the record was changed"
    tocsin.client.post(f"/in/generic/{TOKEN}", json={"title": forged, "severity": forged, "labels": {forged: forged}})
    tocsin.client.post(f"/in/grafana/{TOKEN}", content=b"{" + json.dumps(forged).encode())
    tocsin.client.get("/nothing", headers={"X-Name": "a"}, params={"q": forged})
    tocsin.client.post("/api/v2/alerts", json=[{"labels": {"alertname": forged}}])

    assert "\n2026-11-23 03:00:00,000" not in (tocsin.folder / "serve.log").read_text()


def test_nobody_else_on_the_machine_reads_the_data_directory(tocsin: Tocsin):
    data = tocsin.folder / "data"
    (tocsin.client.get("/health")).raise_for_status()
    tocsin.client.get("/api/push/key", headers=manager(tocsin))  # makes the key of web push

    open_to_others = [
        f"{path.relative_to(tocsin.folder)} {stat.filemode(path.stat().st_mode)}"
        for path in (data, *data.rglob("*"))
        if path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert {each.name for each in data.iterdir()} >= {"secret", "cli.token", "vapid.pem", "tocsin.db", "journal"}


def test_static_files_are_those_of_the_package(tocsin: Tocsin):
    for path in ("../pages.py", "..%2fpages.py", "%2e%2e/pages.py", "/etc/passwd", "....//pages.py", "%00app.css"):
        assert tocsin.client.get(f"/static/{path}").status_code in (400, 404)
    assert Path(__file__).name not in tocsin.client.get("/static/").text
