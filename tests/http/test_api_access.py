"""Who may call what: tokens, sessions, sign-in links, other sites, rebound names."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from tests.http.world import T0, Server
from tocsin.http import auth


def link(server: Server, person: str = "ana") -> str:
    url = server.world.do(lambda store: auth.sign_in_link(store, server.url, person, "admin"))
    return url.removeprefix(server.url)


def test_nobody_is_401_and_too_little_is_403(shared: Server):
    viewer = shared.client(shared.world.token("viewer"))
    responder = shared.client(shared.world.token("responder"))
    nobody = shared.client()

    assert nobody.get("/api/incidents").status_code == 401
    assert nobody.get("/api/incidents").headers["www-authenticate"].startswith("Bearer")
    assert nobody.post("/api/incidents", json={"title": "x"}).status_code == 401
    assert viewer.get("/api/incidents").status_code == 200
    assert viewer.post("/api/incidents", json={"title": "x"}).status_code == 403
    assert responder.post("/api/incidents", json={"title": "x"}).status_code == 201
    assert responder.get("/api/tokens").status_code == 403
    assert responder.put("/api/people/x", json={"id": "x"}).status_code == 403


@pytest.mark.parametrize(
    "text",
    ["toc_nix", "toc_0011223344556677_wrong", "toc", "x" * 5000, "toc__", "toc_0011223344556677_", "Bearer", "\u00e9"],
)
def test_a_token_that_is_not_ours_is_nobody(shared: Server, text: str):
    value = f"Bearer {text}".encode()

    answer = httpx2.get(f"{shared.url}/api/me", headers=[(b"Authorization", value)])

    assert answer.status_code == 401


def test_the_right_id_with_another_secret_is_nobody(shared: Server):
    token = shared.world.token()

    answer = shared.client(token[:-4] + "AAAA").get("/api/me")

    assert answer.status_code == 401


def test_a_token_is_shown_once_used_and_revoked(shared: Server):
    admin = shared.client(shared.world.token())

    made = admin.post("/api/tokens", json={"name": "deploy pipeline", "role": "viewer", "service": True, "days": 30})
    api = shared.client(made.json()["token"])

    assert made.status_code == 201
    assert api.get("/api/me").json() == {"id": "ana", "kind": "service", "role": "viewer"}
    listed = next(each for each in admin.get("/api/tokens").json()["items"] if each["id"] == made.json()["id"])
    assert listed["token"] is None
    assert listed["used_at"] is not None
    assert made.json()["token"].split("_", 2)[2] not in admin.get("/api/tokens").text
    assert admin.delete(f"/api/tokens/{made.json()['id']}").status_code == 204
    assert api.get("/api/me").status_code == 401
    assert admin.delete(f"/api/tokens/{made.json()['id']}").status_code == 404


def test_a_token_ends_when_it_says(server: Server):
    made = server.client(server.world.token()).post("/api/tokens", json={"name": "short", "days": 1}).json()
    api = server.client(made["token"])
    assert api.get("/api/me").status_code == 200

    server.world.clock.advance(timedelta(days=1))

    assert api.get("/api/me").status_code == 401


def test_the_secret_is_not_in_the_store(shared: Server):
    token = shared.world.token()

    stored = shared.world.do(lambda store: store.items("default", "token"))

    assert all(token.split("_", 2)[2].encode() not in body for _, body in stored)


def test_looking_at_a_sign_in_link_uses_nothing_up_and_pressing_it_does(shared: Server):
    browser = shared.client()
    path = link(shared)

    for method in ("GET", "HEAD", "GET"):
        assert browser.request(method, path).status_code == 200
    pressed = browser.post(path, headers={"Origin": shared.url, "Sec-Fetch-Site": "same-origin"})

    assert pressed.status_code == 303
    assert pressed.headers["location"] == "/?welcome=1"  # nothing else lets them in a second time
    for cookie in pressed.headers.get_list("set-cookie"):
        assert "httponly" in cookie.lower() and "samesite=lax" in cookie.lower() and "path=/" in cookie.lower()
    assert browser.get("/api/me").json() == {"id": "ana", "kind": "person", "role": "administrator"}
    assert shared.client().post(path).status_code == 410
    assert shared.client().get(path).status_code == 410


def test_a_program_gets_a_token_for_a_sign_in_link(shared: Server):
    path = link(shared)

    answer = shared.client().post(path, headers={"Accept": "application/json"})

    assert answer.status_code == 200
    assert shared.client(answer.json()["token"]).get("/api/me").json()["role"] == "administrator"
    again = shared.client().post(path, headers={"Accept": "application/json"})
    assert again.status_code == 400


def test_a_sign_in_link_ends_after_a_day(server: Server):
    path = link(server)

    server.world.clock.advance(timedelta(hours=24))

    assert server.client().post(path).status_code == 410


def test_the_first_sign_in_is_offered_until_somebody_has_signed_in(server: Server):
    def offer() -> str | None:
        return server.world.do(lambda store: auth.first_sign_in(store, server.url))

    first, second = offer(), offer()
    assert first and second

    assert server.client().post(first.removeprefix(server.url)).status_code == 410  # a new offer replaces the old one
    assert server.client().post(second.removeprefix(server.url)).status_code == 303
    assert offer() is None


def test_signing_out_ends_the_session_here_too(shared: Server):
    browser = shared.client()
    browser.post(link(shared))
    stolen = httpx2.Cookies(browser.cookies)

    assert browser.post("/sign-out").status_code == 303

    assert httpx2.get(f"{shared.url}/api/me", cookies=stolen).status_code == 401


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_another_site_cannot_use_the_session(shared: Server, headers: dict[str, str], allowed: bool):
    browser = shared.client()
    browser.post(link(shared))

    answer = browser.post("/api/incidents", json={"title": "x"}, headers=headers)

    assert answer.status_code == (201 if allowed else 403)


def test_a_bearer_token_is_not_held_against_its_origin(shared: Server):
    api = shared.client(shared.world.token())

    answer = api.post("/api/incidents", json={"title": "x"}, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("LOCALHOST", True),
        ("[::1]:8080", True),
        ("127.8.8.8", True),
        ("evil.example:8080", False),
        ("localhost.evil.example", False),
        ("10.0.0.1", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_a_loopback_host_without_an_origin_is_trusted(host: str, trusted: bool):
    assert auth.trusted_loopback({"host": host}, listening=True) is trusted
    assert auth.trusted_loopback({"host": host}, listening=False) is False
    assert auth.trusted_loopback({"host": host, "user-agent": "Tocsin"}, listening=True) is False
    assert auth.trusted_loopback({"host": host, "origin": "http://localhost"}, listening=True) is False


def test_metrics_and_readiness_are_open_on_loopback_only(server: Server):
    nobody = server.client()
    assert [nobody.get(path).status_code for path in ("/metrics", "/ready", "/health")] == [200, 200, 200]
    assert nobody.get("/metrics", headers={"Host": "evil.example"}).status_code == 401

    server.world.loopback = False

    assert [nobody.get(path).status_code for path in ("/metrics", "/ready", "/health")] == [401, 401, 200]
    assert server.client(server.world.token("viewer")).get("/metrics").status_code == 200


def test_the_command_line_token_is_private_and_survives_a_restart(server: Server, tmp_path: Path):
    path = tmp_path / "cli.token"

    first = server.world.do(lambda store: auth.local_token(store, path))
    again = server.world.do(lambda store: auth.local_token(store, path))
    assert first == again == path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert server.client(first).get("/api/me").json()["role"] == "owner"

    fresh = server.world.do(lambda store: auth.rotate_local_token(store, path))

    assert server.client(first).get("/api/me").status_code == 401
    assert server.client(fresh).get("/api/me").status_code == 200


def test_a_token_of_a_restored_backup_is_confirmed_by_whoever_may_make_it(server: Server):
    world = server.world
    world.loopback = False
    ci, owners = world.token("responder", "ci"), world.token("owner", "ada")
    world.do(lambda store: auth.suspend_tokens(store, world.tenant))
    admin = server.client(world.token("administrator", "bo"))
    assert [server.client(each).get("/api/me").status_code for each in (ci, owners)] == [401, 401]
    waiting = {each["person"]: each["id"] for each in admin.get("/api/tokens").json()["items"] if each["suspended"]}
    assert set(waiting) == {"ci", "ada"}
    held = {path: server.client(ci).get(path).json() for path in ("/api/me", "/api/incidents", "/metrics")}
    assert all(f"`tocsin token confirm {waiting['ci']}`" in said["detail"] for said in held.values()), held
    forged = ci[: -len(ci.rpartition("_")[2])] + "a" * 43
    plain = server.client("toc_0123456789abcdef_" + "a" * 43).get("/api/me").json()
    assert server.client(forged).get("/api/me").json() == plain  # who does not know the secret learns nothing
    assert "confirm" not in plain["detail"]

    assert admin.post(f"/api/tokens/{waiting['ci']}/confirm").json()["suspended"] is False
    assert admin.post(f"/api/tokens/{waiting['ada']}/confirm").status_code == 403  # an owner's is not theirs to give
    assert admin.post("/api/tokens/nix/confirm").status_code == 404
    assert server.client(ci).post(f"/api/tokens/{waiting['ada']}/confirm").status_code == 403

    assert [server.client(each).get("/api/me").status_code for each in (ci, owners)] == [200, 401]


def test_every_answer_forbids_scripts_from_elsewhere(shared: Server):
    for path in ("/sign-in", "/health", "/api/incidents", "/nix"):
        headers = shared.client().get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_last_use_is_written_rarely(server: Server):
    token = server.world.token()
    api = server.client(token)

    def used() -> object:
        return server.world.do(
            lambda store: auth.check(store, "default", "token", token, server.world.clock.now())
        ).used_at

    api.get("/api/me")
    server.world.clock.advance(timedelta(minutes=1))
    api.get("/api/me")
    assert used() == T0
    server.world.clock.advance(timedelta(minutes=5))
    api.get("/api/me")
    assert used() == T0 + timedelta(minutes=6)
