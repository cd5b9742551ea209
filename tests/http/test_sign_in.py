"""Signing in with a password, what failed tries cost, and one's own sessions and tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.http.world import T0, Server
from tocsin.core.lockout import FREE, FREE_ADDRESS
from tocsin.http import auth
from tocsin.identity import accounts
from tocsin.identity.accounts import Account
from tocsin.identity.hashing import Hasher

GOOD = "four pagers at night"
BETTER = "five lanterns by day"
HERE = {"Sec-Fetch-Site": "same-origin"}


def given_account(server: Server, person: str = "ana", role: Any = "administrator", password: str = GOOD) -> None:
    made = asyncio.run(server.world.identity.hasher.hashed(password)) if password else ""
    server.world.identity.hasher._slots = None  # it belonged to the loop above
    account = Account(person=person, role=role, created_at=T0, password=made)
    server.world.do(lambda store: accounts.keep(store, "default", account))


def sign_in(server: Server, name: str = "ana", password: str = GOOD, browser: httpx2.Client | None = None) -> Any:
    browser = browser or server.client()
    browser.headers.update(HERE)
    answer = browser.post("/sign-in", data={"name": name, "password": password})
    answer.extensions["browser"] = browser
    return answer


def signed_in(server: Server, name: str = "ana", password: str = GOOD) -> httpx2.Client:
    answer = sign_in(server, name, password)
    assert answer.status_code == 303, answer.text
    browser: httpx2.Client = answer.extensions["browser"]
    return browser


# --- signing in -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ana", "ANA", " ana "])
def test_name_and_password_sign_in_and_the_session_says_how(server: Server, name: str):
    given_account(server)

    browser = signed_in(server, name)

    assert browser.get("/api/me").json()["id"] == "ana"
    (session,) = browser.get("/api/me/sessions").json()["items"]
    assert (session["via"], session["address"], session["here"]) == ("password", "127.0.0.1", True)


def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(server: Server):
    given_account(server)

    wrong, unknown = sign_in(server, password="not this one"), sign_in(server, "nobody", "not this one")

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text == unknown.text.replace("nobody", "ana")


def test_an_account_without_a_password_is_not_open_to_an_empty_or_to_the_dummys_password(server: Server):
    given_account(server, password="")

    for password in ("", "nobody has this password"):
        assert sign_in(server, password=password).status_code == 401


def test_the_session_of_a_browser_is_new_at_each_sign_in_and_the_one_before_is_over(server: Server):
    given_account(server)
    browser = signed_in(server)
    before = browser.cookies[auth.COOKIE]

    sign_in(server, browser=browser)

    assert browser.cookies[auth.COOKIE] != before
    assert httpx2.get(f"{server.url}/api/me", cookies={auth.COOKIE: before}).status_code == 401
    assert len(browser.get("/api/me/sessions").json()["items"]) == 1


@pytest.mark.parametrize(
    ("to", "where"),
    [
        ("/incidents/INC-2026-001", "/incidents/INC-2026-001"),
        ("/oncall", "/oncall"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/sign-out", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\nb", "/"),
    ],
)
def test_after_signing_in_one_is_where_one_wanted_to_be_and_never_elsewhere(server: Server, to: str, where: str):
    given_account(server)

    answer = server.client().post("/sign-in", data={"name": "ana", "password": GOOD, "next": to})

    assert answer.headers["location"] == where


def test_a_stranger_comes_back_to_the_page_they_asked_for(shared: Server):
    answer = shared.client().get("/oncall")

    assert answer.headers["location"] == "/sign-in?next=/oncall"
    assert 'value="/oncall"' in shared.client().get(answer.headers["location"]).text


def test_another_site_cannot_sign_a_browser_in(server: Server):
    given_account(server)

    answer = server.client(**{"Sec-Fetch-Site": "cross-site"}).post("/sign-in", data={"name": "ana", "password": GOOD})

    assert answer.status_code == 403


def test_an_old_hash_is_made_anew_at_the_next_sign_in(server: Server):
    from argon2 import PasswordHasher

    server.world.identity.hasher = Hasher()
    old = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(GOOD)
    account = Account(person="ana", role="administrator", created_at=T0, password=old)
    server.world.do(lambda store: accounts.keep(store, "default", account))

    signed_in(server)

    stored = server.world.do(lambda store: accounts.find(store, "default", "ana"))
    assert stored.password != old and "m=19456,t=2,p=1" in stored.password
    signed_in(server)


def test_over_https_cookies_are_bound_to_the_host(server: Server):
    given_account(server)
    server.world.public_url = "https://tocsin.example"

    answer = sign_in(server)

    for cookie in answer.headers.get_list("set-cookie"):
        assert cookie.startswith("__Host-tocsin_") and "secure" in cookie.lower() and "domain" not in cookie.lower()
    text = answer.headers.get_list("set-cookie")[0].partition("=")[2].partition(";")[0]
    bare = server.client(Cookie=f"{auth.COOKIE}={text}").get("/api/me")
    bound = server.client(Cookie=f"__Host-{auth.COOKIE}={text}").get("/api/me")
    assert (bare.status_code, bound.status_code) == (401, 200)


# --- failed tries -----------------------------------------------------------------------------------------------------


def test_after_some_failures_the_right_password_waits_too_whether_the_account_exists_or_not(server: Server):
    given_account(server)
    for name in ("ana", "nobody"):
        for _ in range(FREE):
            assert sign_in(server, name, "wrong wrong wrong").status_code == 401

    ana, nobody = sign_in(server, "ANA"), sign_in(server, "nobody")

    assert ana.status_code == nobody.status_code == 429
    assert ana.text.replace("ANA", "nobody") == nobody.text
    server.world.clock.advance(timedelta(seconds=10))
    assert sign_in(server).status_code == 303
    assert sign_in(server).status_code == 303  # what had failed is forgotten


def test_many_tries_at_once_are_no_way_around_the_count(server: Server):
    server.world.identity.hasher = Hasher()  # slow enough that the tries meet
    given_account(server)

    async def flood() -> list[int]:
        async with httpx2.AsyncClient(base_url=server.url, timeout=30) as client:
            form = {"name": "ana", "password": "wrong wrong wrong"}
            answers = await asyncio.gather(*(client.post("/sign-in", data=form) for _ in range(30)))
            return [each.status_code for each in answers]

    assert asyncio.run(flood()).count(401) == FREE


def test_the_person_still_gets_in_from_a_browser_they_have_used_while_others_guess(server: Server):
    given_account(server)
    own = signed_in(server)
    own.post("/sign-out")
    for _ in range(FREE + 1):
        sign_in(server, password="wrong wrong wrong")
    assert sign_in(server).status_code == 429

    assert sign_in(server, browser=own).status_code == 303


def test_a_known_browser_has_its_own_few_tries_and_helps_with_no_other_name(server: Server):
    given_account(server)
    given_account(server, "ben")
    own = signed_in(server)
    for _ in range(FREE):
        assert sign_in(server, password="wrong wrong wrong", browser=own).status_code == 401
    assert sign_in(server, browser=own).status_code == 429

    for _ in range(FREE):
        assert sign_in(server, "ben", "wrong wrong wrong", browser=own).status_code == 401
    assert sign_in(server, "ben", browser=own).status_code == 429


def test_an_address_that_tries_many_names_waits(server: Server):
    for n in range(FREE_ADDRESS):
        server.world.identity.attempts.failed([f"name:default:{n}", "address:127.0.0.1"], T0)

    assert sign_in(server, "yet another").status_code == 429


def test_a_row_of_failures_is_in_the_audit_trail_and_not_each_of_them(server: Server):
    given_account(server)
    for _ in range(20):
        sign_in(server, password="wrong wrong wrong")
        server.world.clock.advance(timedelta(minutes=15))

    entries = server.world.do(lambda store: store.audit_newest("default"))
    said = [each.body.decode() for each in entries if b"sign-in.failed" in each.body]
    assert len(said) == 2  # at 8 and at 16
    assert all('"resource":"ana"' in each and "wrong wrong" not in each for each in said)


# --- the password -----------------------------------------------------------------------------------------------------


def test_a_first_password_is_set_after_the_link_and_signs_in_from_then_on(server: Server):
    url = server.world.do(lambda store: auth.sign_in_link(store, server.url, "ana", "administrator"))
    browser = server.client()
    browser.post(url.removeprefix(server.url))
    assert "Set a password" in browser.get("/account").text

    answer = browser.post("/account/password", data={"new": GOOD})

    assert answer.status_code == 200 and "Your password is set" in answer.text
    assert signed_in(server).get("/api/me").json()["role"] == "administrator"


def test_changing_the_password_wants_the_old_one_and_ends_other_sessions(server: Server):
    given_account(server)
    here, there = signed_in(server), signed_in(server)

    wrong = here.put("/api/me/password", json={"old": "no", "new": BETTER})
    right = here.put("/api/me/password", json={"old": GOOD, "new": BETTER})

    assert wrong.status_code == 400 and wrong.json()["errors"][0]["field"] == "old"
    assert right.json() == {"sessions": 1}
    assert (here.get("/api/me").status_code, there.get("/api/me").status_code) == (200, 401)
    assert sign_in(server).status_code == 401
    assert sign_in(server, password=BETTER).status_code == 303


@pytest.mark.parametrize("new", ["short", "qwertyqwerty", "anaanaanaana", "tocsin 12345"])
def test_a_password_that_anybody_guesses_is_refused_with_the_reason(server: Server, new: str):
    given_account(server)
    browser = signed_in(server)

    said = browser.put("/api/me/password", json={"old": GOOD, "new": new})
    shown = browser.post("/account/password", data={"old": GOOD, "new": new})

    assert said.status_code == shown.status_code == 400
    assert said.json()["errors"][0]["field"] == "new"
    assert "Expected" in shown.text or "expected" in shown.text


def test_guessing_the_old_password_in_an_open_browser_is_slowed_down_too(server: Server):
    given_account(server)
    browser = signed_in(server)
    for _ in range(FREE):
        browser.put("/api/me/password", json={"old": "no", "new": BETTER})

    assert browser.put("/api/me/password", json={"old": GOOD, "new": BETTER}).status_code == 429


def test_an_administrators_link_resets_a_forgotten_password_and_keeps_the_role(server: Server):
    given_account(server, role="viewer")
    admin = server.client(server.world.token(person="boss"))
    url = admin.post("/api/sign-in-links", json={"person": "ana"}).json()["url"]
    browser = server.client()
    browser.post(url.removeprefix(server.url))

    assert browser.put("/api/me/password", json={"new": BETTER}).status_code == 200

    assert signed_in(server, password=BETTER).get("/api/me").json()["role"] == "viewer"
    server.world.clock.advance(timedelta(minutes=31))
    assert browser.put("/api/me/password", json={"new": GOOD}).status_code == 400  # by then the old one is asked for


def test_a_token_changes_nothing_about_how_its_person_signs_in(server: Server):
    api = server.client(server.world.token())

    assert api.put("/api/me/password", json={"new": GOOD}).status_code == 403
    assert api.post("/api/me/tokens", json={"name": "another"}).status_code == 403


def test_neither_password_nor_hash_is_in_the_audit_trail(server: Server):
    given_account(server)
    signed_in(server).put("/api/me/password", json={"old": GOOD, "new": BETTER})

    entries = server.world.do(lambda store: list(store.audit_entries("default")))
    rows = b"".join(each.body + (each.content or b"") for each in entries)
    assert b'"action":"account.changed"' in rows and b'"action":"session.created"' in rows
    assert b"argon2" not in rows and BETTER.encode() not in rows


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_one_sees_and_ends_ones_own_sessions_and_no_others(server: Server):
    given_account(server)
    given_account(server, "ben", "responder")
    here, there, ben = signed_in(server), signed_in(server), signed_in(server, "ben")
    other = next(each for each in here.get("/api/me/sessions").json()["items"] if not each["here"])

    assert ben.delete(f"/api/me/sessions/{other['id']}").status_code == 404
    assert here.delete(f"/api/me/sessions/{other['id']}").status_code == 204

    assert [each.get("/api/me").status_code for each in (here, there, ben)] == [200, 401, 200]


def test_signing_out_does_not_stop_pages_from_reaching_the_device(server: Server):
    """The cache goes. "storage" would unregister the service worker, and with it the push subscription."""
    given_account(server)

    answer = signed_in(server).post("/sign-out")

    assert (answer.status_code, answer.headers["clear-site-data"]) == (303, '"cache"')


def test_signing_out_everywhere_else_leaves_this_browser(server: Server):
    given_account(server)
    here, *others = (signed_in(server) for _ in range(3))

    assert here.delete("/api/me/sessions").json() == {"sessions": 2}

    assert [each.get("/api/me").status_code for each in (here, *others)] == [200, 401, 401]


def test_an_administrator_sees_and_ends_every_session(server: Server):
    given_account(server)
    given_account(server, "ben", "responder")
    admin, ben = signed_in(server), signed_in(server, "ben")
    (session,) = admin.get("/api/sessions?person=ben").json()["items"]
    assert ben.get("/api/sessions").status_code == 403

    assert admin.delete(f"/api/sessions/{session['id']}").status_code == 204

    assert ben.get("/api/me").status_code == 401
    assert len(admin.get("/api/sessions").json()["items"]) == 1


def test_a_session_ends_when_it_lies_idle_and_after_a_month_whatever_happens(server: Server):
    given_account(server)
    idle, busy = signed_in(server), signed_in(server)

    for _ in range(29):
        server.world.clock.advance(timedelta(days=1))
        assert busy.get("/api/me").status_code == 200
    assert idle.get("/api/me").status_code == 401
    server.world.clock.advance(timedelta(days=1))
    assert busy.get("/api/me").status_code == 401
    assert signed_in(server).get("/api/me/sessions").json()["items"][1:] == []


def test_a_revoked_session_hears_nothing_more_on_an_open_stream(server: Server):
    given_account(server)
    here, there = signed_in(server), signed_in(server)
    server.faces.events.keep_alive_seconds = 3_600

    with there.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        while not next(lines).startswith("event: hello"):
            pass
        assert here.delete("/api/me/sessions").json() == {"sessions": 1}
        rest = list(lines)  # ends although nothing happens

    assert "event: closing" in rest


def test_nobody_has_more_than_fifty_sessions(server: Server):
    given_account(server)
    first = signed_in(server)
    for _ in range(auth.SESSIONS_MAX):
        server.world.clock.advance(timedelta(seconds=1))
        server.world.do(lambda store: auth.begin(store, "default", "ana", "administrator", "password", auth.Visit()))

    assert first.get("/api/me").status_code == 401


# --- roles, tokens, accounts ------------------------------------------------------------------------------------------


def test_a_role_that_changes_counts_at_once_for_sessions_and_tokens(server: Server):
    given_account(server)
    browser = signed_in(server)
    made = browser.post("/api/me/tokens", json={"name": "laptop", "role": "administrator"}).json()["token"]
    assert server.client(made).get("/api/tokens").status_code == 200

    server.world.do(lambda store: accounts.with_role(store, "default", "ana", "responder"))

    assert browser.get("/api/me").json()["role"] == "responder"
    assert server.client(made).get("/api/me").json()["role"] == "responder"
    server.world.do(lambda store: accounts.with_role(store, "default", "ana", "administrator"))
    assert (
        server.client(made).get("/api/me").json()["role"] == "administrator"
    )  # its use has not written the lower one down


@pytest.mark.parametrize(
    ("role", "expected"),
    [("viewer", (200, 403, 403)), ("responder", (200, 201, 403)), ("administrator", (200, 201, 200))],
)
def test_a_token_may_what_its_scope_says_and_no_more(server: Server, role: str, expected: tuple[int, ...]):
    given_account(server)
    made = signed_in(server).post("/api/me/tokens", json={"name": "scoped", "role": role}).json()

    api = server.client(made["token"])

    assert (
        api.get("/api/incidents").status_code,
        api.post("/api/incidents", json={"title": "x"}).status_code,
        api.get("/api/tokens").status_code,
    ) == expected


def test_nobody_makes_a_token_that_may_more_than_they(server: Server):
    given_account(server, role="responder")

    answer = signed_in(server).post("/api/me/tokens", json={"name": "more", "role": "administrator"})

    assert answer.status_code == 400


def test_own_tokens_end_by_themselves_and_are_revoked_on_the_page(server: Server):
    given_account(server)
    browser = signed_in(server)
    shown = browser.post("/account/tokens", data={"token_name": "laptop", "role": "viewer", "days": "1"})
    text = shown.text.partition("<pre><code>")[2].partition("</code>")[0]
    assert server.client(text).get("/api/me").status_code == 200
    (listed,) = browser.get("/api/me/tokens").json()["items"]
    assert (listed["token"], listed["role"]) == (None, "viewer")
    assert text not in browser.get("/account").text

    assert browser.post("/account/tokens/end", data={"token": listed["id"]}).status_code == 303
    assert server.client(text).get("/api/me").status_code == 401


def test_a_link_that_says_no_role_leaves_the_role_to_the_groups(server: Server):
    account = Account(person="ana", role="responder", role_from="groups", created_at=T0)
    server.world.do(lambda store: accounts.keep(store, "default", account))
    admin = server.client(server.world.token(person="boss"))

    for role, said in (({}, "groups"), ({"role": "viewer"}, "administrator")):
        url = admin.post("/api/sign-in-links", json={"person": "ana", **role}).json()["url"]
        server.client().post(url.removeprefix(server.url))
        assert server.world.do(lambda store: accounts.find(store, "default", "ana")).role_from == said


def test_an_account_that_is_removed_lets_nobody_in_by_any_way(server: Server):
    given_account(server, "ben", "responder")
    ben = signed_in(server, "ben")
    token = ben.post("/api/me/tokens", json={"name": "laptop"}).json()["token"]
    link = server.world.do(lambda store: auth.sign_in_link(store, server.url, "ben", "responder"))
    admin = server.client(server.world.token())
    assert [each["person"] for each in admin.get("/api/accounts").json()["items"]] == ["ben"]

    assert admin.delete("/api/accounts/ben").status_code == 204

    assert ben.get("/api/me").status_code == server.client(token).get("/api/me").status_code == 401
    assert sign_in(server, "ben").status_code == 401
    assert server.client().post(link.removeprefix(server.url)).status_code == 410
    assert admin.delete("/api/accounts/ben").status_code == 404


def test_the_last_owner_is_neither_removed_nor_demoted(server: Server):
    given_account(server, "ben", "owner")
    owner = server.client(server.world.token("owner"))

    refused = owner.delete("/api/accounts/ben")
    assert refused.status_code == 409 and "nobody else is an owner" in refused.json()["detail"]
    kept = server.world.do(lambda store: accounts.with_role(store, "default", "ben", "viewer"))
    assert kept.role == "owner"

    server.world.do(lambda store: accounts.with_role(store, "default", "ana", "owner"))
    assert owner.delete("/api/accounts/ben").status_code == 204
    assert owner.delete("/api/accounts/ana").status_code == 409


def test_an_old_session_cannot_make_tokens_and_the_page_says_why(server: Server):
    given_account(server)
    browser = signed_in(server)
    server.world.clock.advance(timedelta(minutes=31))

    assert browser.post("/api/me/tokens", json={"name": "late"}).status_code == 403
    assert "sign in again" in browser.get("/account").text
