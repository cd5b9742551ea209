"""Signing in at a real identity provider, with groups mapped; and who somebody from there is here."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest

from tests.http.test_sign_in import given_account, signed_in
from tests.http.world import Server
from tests.path.server import free_port
from tocsin.clock import SystemClock
from tocsin.contacts import contacts_of
from tocsin.core.contact import proven
from tocsin.core.people import Person, Team
from tocsin.guides import CONTACT
from tocsin.http import auth
from tocsin.identity import accounts
from tocsin.identity.oidc import SEAL
from tocsin.setting.oidc import Oidc
from tocsin.wiring.identifying import provider_of

pytestmark = pytest.mark.slow

USERS = (
    {"sub": "u-1", "preferred_username": "alice", "name": "Alice", "email": "alice@example.org", "groups": ["sre"]},
    {"sub": "u-2", "email": "ana@example.org", "email_verified": True, "groups": ["leads", "sre"]},
    {"sub": "u-3", "email": "ana@example.org", "email_verified": False, "groups": ["sre"]},
    {"sub": "u-4", "preferred_username": "gardener", "groups": ["garden"]},
    {"sub": "u-5", "preferred_username": "ANA", "groups": ["sre"]},
)


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    port = free_port()
    program = Path(sys.executable).with_name("oidc-provider-mock")
    users = [each for user in USERS for each in ("--user-claims", json.dumps(user))]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([program, "-p", str(port), "-H", "127.0.0.1", *users], stdout=quiet, stderr=quiet)
    url = f"http://localhost:{port}"
    waiting = threading.Event()
    for _ in range(200):
        try:
            if httpx2.get(f"{url}/.well-known/openid-configuration").status_code == 200:
                break
        except httpx2.TransportError:
            waiting.wait(0.1)
    yield url
    process.terminate()
    process.wait(10)


def settings(issuer: str, **more: Any) -> Oidc:
    given: dict[str, Any] = {
        "issuer": issuer,
        "client_id": "tocsin",
        "client_secret": "hush",
        "name": "Example Org",
        "scopes": ("openid", "profile", "email"),
        "groups_claim": "groups",
        "roles": {"sre": "responder", "leads": "administrator"},
        "teams": {"sre": "platform"},
        "default_role": None,
        "create": True,
        "allow_private": True,
    }
    return Oidc(**given | more)


def with_provider(server: Server, issuer: str, **more: Any) -> None:
    close(server)
    server.world.identity.provider = provider_of(settings(issuer, **more), server.url)


def close(server: Server) -> None:
    server.on_loop(server.world.identity.close())


@pytest.fixture
def org(server: Server, issuer: str) -> Iterator[Server]:
    server.world.clock.set(SystemClock().now())  # the provider's tokens are of now
    with_provider(server, issuer)
    server.world.do(lambda store: store.put("default", "team", "platform", msgspec.json.encode(Team(id="platform"))))
    yield server
    close(server)


def away(browser: httpx2.Client, sub: str, start: str = "/sign-in/oidc?next=/oncall") -> str:
    """The address that the provider sends the browser back to."""
    left = browser.get(start)
    assert left.status_code == 303, left.text
    agreed = httpx2.post(left.headers["location"], data={"sub": sub})
    url = urlsplit(agreed.headers["location"])
    return f"{url.path}?{url.query}"


def come(server: Server, sub: str) -> tuple[httpx2.Client, httpx2.Response]:
    browser = server.client()
    return browser, browser.get(away(browser, sub))


def test_somebody_new_is_signed_in_with_the_role_and_team_of_their_groups(org: Server):
    assert "Sign in with Example Org" in org.client().get("/sign-in").text

    browser, answer = come(org, "u-1")

    assert (answer.status_code, answer.headers["location"]) == (303, "/oncall")
    assert browser.get("/api/me").json() == {"id": "alice", "kind": "person", "role": "responder"}
    team = msgspec.json.decode(org.world.do(lambda store: store.get("default", "team", "platform")), type=Team)
    assert team.members == ("alice",)
    person = msgspec.json.decode(org.world.do(lambda store: store.get("default", "person", "alice")), type=Person)
    assert (person.name, person.methods) == ("Alice", ())  # the address is not verified there
    again, _ = come(org, "u-1")
    assert again.get("/api/me").json()["id"] == "alice"


def test_the_answer_works_once_and_in_the_browser_that_asked(org: Server):
    browser = org.client()
    back = away(browser, "u-1")

    assert org.client().get(back).status_code == 403
    kept = dict(browser.cookies)
    assert browser.get(back).status_code == 303
    assert org.client(Cookie="; ".join(f"{name}={value}" for name, value in kept.items())).get(back).status_code == 403
    assert browser.get(back.replace("state=", "state=x")).status_code == 403


def test_groups_that_give_no_role_let_nobody_in_and_end_what_they_gave(org: Server, issuer: str):
    assert come(org, "u-4")[1].status_code == 403
    browser, _ = come(org, "u-1")
    with_provider(org, issuer, roles={"leads": "administrator"})

    assert come(org, "u-1")[1].status_code == 403

    assert browser.get("/api/me").status_code == 401


def test_a_role_follows_the_groups_unless_an_administrator_gave_it(org: Server, issuer: str):
    come(org, "u-1")
    with_provider(org, issuer, roles={"sre": "viewer"})
    assert come(org, "u-1")[0].get("/api/me").json()["role"] == "viewer"

    org.world.do(lambda store: accounts.with_role(store, "default", "alice", "commander"))

    assert come(org, "u-1")[0].get("/api/me").json()["role"] == "commander"


def verified(server: Server, person: str) -> None:
    def prove(store: Any) -> None:
        found = msgspec.json.decode(store.get("default", "person", person), type=Person)
        known = proven(contacts_of(store, "default", found, store.now()), found.methods[0], store.now())
        store.put("default", CONTACT, person, msgspec.json.encode(known))

    server.world.do(prove)


def test_a_mail_address_that_both_sides_have_verified_finds_the_person(org: Server):
    given_account(org, role="commander")
    verified(org, "ana")

    browser, _ = come(org, "u-2")

    assert browser.get("/api/me").json() == {"id": "ana", "kind": "person", "role": "commander"}


@pytest.mark.parametrize(("sub", "here"), [("u-2", False), ("u-3", True), ("u-5", True)])
def test_nobody_is_taken_over_by_an_unverified_address_or_a_name(org: Server, sub: str, here: bool):
    """u-2: not verified here; u-3: not verified there; u-5: only the name is the same."""
    given_account(org)
    if here:
        verified(org, "ana")

    browser, answer = come(org, sub)

    assert answer.status_code == 303
    assert browser.get("/api/me").json()["id"] == "ana-2"


def test_without_creation_somebody_signs_in_once_they_have_linked_it(org: Server, issuer: str):
    with_provider(org, issuer, create=False)
    given_account(org, role="viewer")
    assert come(org, "u-5")[1].status_code == 403
    browser = signed_in(org)

    assert browser.get(away(browser, "u-5", "/account/oidc")).headers["location"] == "/account"

    assert come(org, "u-5")[0].get("/api/me").json() == {"id": "ana", "kind": "person", "role": "viewer"}
    assert "You can sign in with your account there" in browser.get("/account").text


def test_an_account_elsewhere_belongs_to_one_person(org: Server):
    come(org, "u-1")
    given_account(org)
    browser = signed_in(org)

    answer = browser.get(away(browser, "u-1", "/account/oidc"))

    assert answer.status_code == 403 and "belongs to somebody else" in answer.text


def test_linking_counts_only_for_whoever_began_it(org: Server):
    given_account(org)
    given_account(org, "ben")
    browser = signed_in(org)
    back = away(browser, "u-5", "/account/oidc")
    ben = signed_in(org, "ben")
    mixed = f"{SEAL}={browser.cookies[SEAL]}; {auth.COOKIE}={ben.cookies[auth.COOKIE]}"

    assert org.client(Cookie=mixed).get(back).status_code == 403
    assert org.world.do(lambda store: accounts.outside_names(store, "default")) == []


def test_a_refusal_there_and_a_provider_that_is_gone_are_said_on_the_page(org: Server):
    browser = org.client()
    left = browser.get("/sign-in/oidc").headers["location"]
    url = urlsplit(httpx2.post(left, data={"action": "deny"}).headers["location"])
    state = parse_qs(urlsplit(left).query)["state"][0]  # which this provider forgets when somebody refuses
    assert "did not agree" in browser.get(f"{url.path}?{url.query}&state={state}").text

    with_provider(org, f"http://localhost:{free_port()}")
    gone = browser.get("/sign-in/oidc")
    assert gone.status_code == 403 and "cannot be reached" in gone.text
