"""Passkeys, one-time codes and recovery codes, and what attackers try with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pyotp
import pytest

from tests.http.test_sign_in import GOOD, given_account, sign_in, signed_in
from tests.http.world import Server
from tests.identity.soft_key import SoftKey
from tocsin.core.lockout import FREE
from tocsin.http import auth
from tocsin.identity import accounts
from tocsin.ports import Store


@pytest.fixture
def named(server: Server) -> Server:
    """A server whose address is a name, as passkeys need it."""
    given_account(server)
    server.world.public_url = server.url.replace("127.0.0.1", "localhost")
    return server


def origin(server: Server) -> str:
    return server.world.public_url


def enrol(server: Server, browser: httpx2.Client, key: SoftKey, name: str = "My phone", **how: Any) -> httpx2.Response:
    options = browser.post("/api/me/passkeys/options").json()
    credential = key.made(options, origin(server), **how)
    return browser.post("/api/me/passkeys", json={"name": name, "credential": credential})


def offered(server: Server) -> dict[str, Any]:
    options: dict[str, Any] = server.client().post("/sign-in/passkey/options").json()
    return options


def press(server: Server, credential: dict[str, Any], browser: httpx2.Client | None = None) -> httpx2.Response:
    browser = browser or server.client()
    return browser.post(
        "/sign-in/passkey", json={"credential": credential, "next": "/oncall"}, headers={"Accept": "application/json"}
    )


# --- passkeys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, None])
def test_a_passkey_signs_in_without_a_name_as_often_as_one_likes(named: Server, count: int | None):
    key = SoftKey(count=count)
    assert enrol(named, signed_in(named), key).status_code == 201

    for _ in range(2):
        browser = named.client()
        answer = press(named, key.answer(offered(named), origin(named)), browser)
        assert answer.json() == {"next": "/oncall"}
        assert browser.get("/api/me").json()["id"] == "ana"
        (here,) = [each for each in browser.get("/api/me/sessions").json()["items"] if each["here"]]
        assert here["via"] == "passkey"


def test_an_answer_counts_once(named: Server):
    key = SoftKey(count=None)
    enrol(named, signed_in(named), key)
    answer = key.answer(offered(named), origin(named))

    assert [press(named, answer).status_code for _ in range(2)] == [200, 401]


def test_an_answer_to_an_old_or_foreign_challenge_is_refused(named: Server):
    key = SoftKey()
    browser = signed_in(named)
    enrolling = browser.post("/api/me/passkeys/options").json()
    enrol(named, browser, key)
    old = offered(named)
    named.world.clock.advance(timedelta(minutes=5))

    for challenge in (old["challenge"], "AAAA", enrolling["challenge"], ""):
        answer = key.answer({"challenge": challenge, "rpId": "localhost"}, origin(named))
        assert press(named, answer).status_code == 401


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://tocsin.evil.example"},
        {"origin": "http://localhost"},
        {"rp": "evil.example"},
        {"verified": False},
        {"user": b"somebody else"},
    ],
)
def test_an_answer_for_another_site_or_without_a_verified_person_is_refused(named: Server, how: dict[str, Any]):
    key = SoftKey()
    enrol(named, signed_in(named), key)
    where = how.pop("origin", origin(named))

    assert press(named, key.answer(offered(named), where, **how)).status_code == 401


def test_a_copy_of_a_passkey_is_noticed_by_its_count_and_recorded(named: Server):
    key = SoftKey()
    enrol(named, signed_in(named), key)
    assert press(named, key.answer(offered(named), origin(named))).status_code == 200
    key.count = 0  # a copy, made before

    assert press(named, key.answer(offered(named), origin(named))).status_code == 401

    entries = named.world.do(lambda store: store.audit_newest("default"))
    assert any(b"sign-in.failed" in each.body and b"sign count" in each.body for each in entries)


def test_another_key_under_the_same_id_is_refused(named: Server):
    key, thief = SoftKey(), SoftKey()
    enrol(named, signed_in(named), key)
    thief.id, thief.user, thief.count = key.id, key.user, 7

    assert press(named, thief.answer(offered(named), origin(named))).status_code == 401
    assert press(named, SoftKey().answer(offered(named), origin(named))).status_code == 401


@pytest.mark.parametrize(
    "credential",
    [
        {},
        {"id": 7, "response": None},
        {"id": "AAAA", "response": {"clientDataJSON": "!!!"}},
        {"id": "AAAA", "response": {"clientDataJSON": "e30"}},
        {"id": "x" * 5000, "response": {"clientDataJSON": "W10"}},
    ],
)
def test_nonsense_is_refused_and_breaks_nothing(named: Server, credential: dict[str, Any]):
    browser = signed_in(named)

    assert press(named, credential).status_code == 401
    assert browser.post("/api/me/passkeys", json={"name": "x", "credential": credential}).status_code == 400


def test_enrolling_wants_our_challenge_once_a_verified_person_and_a_fresh_session(named: Server):
    browser, key = signed_in(named), SoftKey()
    options = browser.post("/api/me/passkeys/options").json()
    made = key.made(options, origin(named))
    unverified = SoftKey().made(options, origin(named), verified=False)
    foreign = SoftKey().made(options, "https://evil.example")

    def add(credential: dict[str, Any]) -> int:
        return browser.post("/api/me/passkeys", json={"name": "x", "credential": credential}).status_code

    assert (add(unverified), add(foreign), add(made), add(made)) == (400, 400, 201, 400)
    assert add(SoftKey().made(options, origin(named))) == 400  # the challenge is spent
    named.world.clock.advance(timedelta(minutes=31))
    assert browser.post("/api/me/passkeys/options").status_code == 403


def test_the_same_passkey_is_nobody_elses_too(named: Server):
    given_account(named, "ben")
    key = SoftKey()
    enrol(named, signed_in(named), key)

    assert enrol(named, signed_in(named, "ben"), key).status_code == 400
    assert press(named, key.answer(offered(named), origin(named))).status_code == 401  # it says ben, the record ana


def test_passkeys_are_named_and_removed_by_their_person_only(named: Server):
    given_account(named, "ben")
    browser, ben, key = signed_in(named), signed_in(named, "ben"), SoftKey()
    name = enrol(named, browser, key).json()["id"]

    assert ben.patch(f"/api/me/passkeys/{name}", json={"name": "mine"}).status_code == 404
    assert ben.delete(f"/api/me/passkeys/{name}").status_code == 404
    assert browser.patch(f"/api/me/passkeys/{name}", json={"name": "Work phone"}).json()["name"] == "Work phone"
    assert browser.post("/account/passkeys/remove", data={"passkey": name}).status_code == 303

    assert browser.get("/api/me/passkeys").json()["items"] == []
    assert press(named, key.answer(offered(named), origin(named))).status_code == 401


def test_a_passkey_gets_in_whatever_was_tried_with_the_name(named: Server):
    key = SoftKey()
    enrol(named, signed_in(named), key)
    for _ in range(FREE + 1):
        sign_in(named, password="wrong wrong wrong")
    assert sign_in(named).status_code == 429

    assert press(named, key.answer(offered(named), origin(named))).status_code == 200


def test_what_is_offered_says_nothing_about_who_has_passkeys(named: Server):
    before = offered(named)
    enrol(named, signed_in(named), SoftKey())

    assert {**offered(named), "challenge": ""} == {**before, "challenge": ""}


def test_an_address_that_is_no_name_has_no_passkeys_and_the_page_says_so(server: Server):
    given_account(server)
    server.world.public_url = "http://192.0.2.1:8080"
    browser = signed_in(server)

    assert server.client().post("/sign-in/passkey/options").status_code == 400
    assert browser.post("/api/me/passkeys/options").status_code == 400
    assert "set <code>public_url</code>" in browser.get("/account").text


# --- one-time codes ---------------------------------------------------------------------------------------------------


def with_codes(server: Server, browser: httpx2.Client) -> tuple[pyotp.TOTP, list[str]]:
    """One-time codes are asked of whoever has this browser; their generator and the recovery codes."""
    begun = browser.post("/api/me/totp").json()
    codes = pyotp.parse_uri(begun["uri"])
    assert isinstance(codes, pyotp.TOTP) and codes.secret == begun["secret"]
    now = codes.at(server.world.clock.now())
    answer = browser.post("/api/me/totp/confirm", json={"sealed": begun["sealed"], "code": now})
    server.world.clock.advance(timedelta(seconds=60))
    return codes, answer.json()["recovery_codes"]


def half(server: Server) -> httpx2.Client:
    """A browser whose password was right."""
    answer = sign_in(server)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in/second")
    browser: httpx2.Client = answer.extensions["browser"]
    return browser


def give(browser: httpx2.Client, code: str) -> int:
    return browser.post("/sign-in/second", data={"code": code}).status_code


def test_after_the_password_a_code_is_asked_for_and_only_both_sign_in(server: Server):
    given_account(server)
    codes, _ = with_codes(server, signed_in(server))

    browser = half(server)
    assert browser.get("/api/me").status_code == 401
    assert give(browser, "000000") == 401
    assert give(browser, codes.at(server.world.clock.now())) == 303

    assert browser.get("/api/me").json()["id"] == "ana"


def test_a_code_counts_once_and_an_earlier_one_no_more(server: Server):
    given_account(server)
    codes, _ = with_codes(server, signed_in(server))
    now = server.world.clock.now()

    assert give(half(server), codes.at(now)) == 303
    assert give(half(server), codes.at(now)) == 401
    assert give(half(server), codes.at(now - timedelta(seconds=30))) == 401
    assert give(half(server), codes.at(now + timedelta(seconds=30))) == 303


def test_the_code_that_confirmed_the_app_does_not_sign_in(server: Server):
    given_account(server)
    codes, _ = with_codes(server, signed_in(server))
    server.world.clock.advance(timedelta(seconds=-60))

    assert give(half(server), codes.at(server.world.clock.now())) == 401


def test_a_recovery_code_counts_once_in_any_spelling(server: Server):
    given_account(server)
    _, recovery = with_codes(server, signed_in(server))
    assert len(set(recovery)) == 10

    assert give(half(server), recovery[0].upper().replace("-", " ")) == 303
    assert give(half(server), recovery[0]) == 401
    assert signed_in_left(server, recovery[1]) == 8


def signed_in_left(server: Server, code: str) -> int:
    browser = half(server)
    give(browser, code)
    left: int = browser.get("/api/me/sign-in").json()["recovery_codes_left"]
    return left


def test_guessing_codes_is_slowed_down_whatever_browser_or_password_try_comes_between(server: Server):
    given_account(server)
    codes, _ = with_codes(server, signed_in(server))
    for _ in range(FREE):
        assert give(half(server), "000000") == 401

    assert give(half(server), codes.at(server.world.clock.now())) == 429
    server.world.clock.advance(timedelta(minutes=1))
    assert give(half(server), codes.at(server.world.clock.now())) == 303


def test_half_signed_in_lasts_five_minutes_and_cannot_be_made_up(server: Server):
    given_account(server)
    codes, _ = with_codes(server, signed_in(server))
    browser, stranger = half(server), server.client(Cookie="tocsin_second=AAAA")
    server.world.clock.advance(timedelta(minutes=5))

    for each in (browser, stranger, server.client()):
        assert give(each, codes.at(server.world.clock.now())) == 401
        assert each.get("/sign-in/second").headers["location"] == "/sign-in"


def test_codes_are_asked_for_only_once_the_app_has_shown_a_right_one(server: Server):
    given_account(server)
    given_account(server, "ben")
    browser, ben = signed_in(server), signed_in(server, "ben")
    begun = browser.post("/api/me/totp").json()
    code = pyotp.TOTP(begun["secret"]).at(server.world.clock.now())

    wrong = browser.post("/api/me/totp/confirm", json={"sealed": begun["sealed"], "code": "000000"})
    others = ben.post("/api/me/totp/confirm", json={"sealed": begun["sealed"], "code": code})

    assert wrong.status_code == others.status_code == 400
    assert sign_in(server).headers["location"] == "/"


def test_the_page_enrols_without_scripts_and_shows_recovery_codes_once(server: Server):
    given_account(server)
    browser = signed_in(server)
    shown = browser.post("/account/totp").text
    sealed = shown.partition('name="sealed" value="')[2].partition('"')[0]
    secret = shown.partition("<pre><code>")[2].partition("</code>")[0].replace(" ", "")

    again = browser.post("/account/totp/confirm", data={"sealed": sealed, "code": "000000"})
    done = browser.post(
        "/account/totp/confirm", data={"sealed": sealed, "code": pyotp.TOTP(secret).at(server.world.clock.now())}
    )

    assert again.status_code == 400 and secret[:4] in again.text
    assert "Your recovery codes" in done.text and done.headers["cache-control"] == "no-store"
    assert "Your recovery codes" not in browser.get("/account").text


def test_new_recovery_codes_void_the_old_and_none_are_asked_for_after_removal(server: Server):
    given_account(server)
    browser = signed_in(server)
    _, old = with_codes(server, browser)
    new = browser.post("/api/me/recovery-codes").json()["recovery_codes"]

    assert (give(half(server), old[0]), give(half(server), new[0])) == (401, 303)
    assert browser.delete("/api/me/totp").status_code == 204
    assert sign_in(server).headers["location"] == "/"
    assert browser.delete("/api/me/totp").status_code == browser.post("/api/me/recovery-codes").status_code == 404


def test_an_administrators_link_lets_somebody_in_who_has_lost_their_app(server: Server):
    given_account(server)
    with_codes(server, signed_in(server))
    url = server.world.do(lambda store: auth.sign_in_link(store, server.url, "ana", "administrator"))
    browser = server.client()

    assert browser.post(url.removeprefix(server.url)).status_code == 303
    assert browser.delete("/api/me/totp").status_code == 204


def test_neither_secret_nor_recovery_codes_are_in_the_audit_trail(server: Server):
    given_account(server)
    codes, recovery = with_codes(server, signed_in(server))
    give(half(server), recovery[0])

    entries = server.world.do(lambda store: list(store.audit_entries("default")))
    rows = b"".join(each.body + (each.content or b"") for each in entries)
    assert codes.secret.encode() not in rows
    stored = server.world.do(lambda store: accounts.find(store, "default", "ana"))
    assert not any(each.encode() in rows for each in stored.recovery)
    assert GOOD.encode() not in rows


def test_the_secret_of_codes_is_sealed_in_the_database_and_one_from_before_still_counts(server: Server):
    given_account(server)
    browser = signed_in(server)
    codes, _ = with_codes(server, browser)
    world = server.world

    def reopened(store: Store) -> None:  # as a release before this one stored it
        account = accounts.find(store, world.tenant, "ana")
        assert account is not None and account.totp.startswith("sealed:") and codes.secret not in account.totp
        accounts.keep(store, world.tenant, msgspec.structs.replace(account, totp=codes.secret))

    world.do(reopened)
    assert give(half(server), codes.at(world.clock.now())) == 303
    assert world.do(lambda store: world.identity.seal_stored(store, world.tenant)) == 1
    world.clock.advance(timedelta(seconds=60))
    assert give(half(server), codes.at(world.clock.now())) == 303


def test_a_lost_key_refuses_codes_and_lets_recovery_codes_in(server: Server, tmp_path: Path):
    given_account(server)
    codes, recovery = with_codes(server, signed_in(server))
    (tmp_path / "identity.keys").unlink()

    assert give(half(server), codes.at(server.world.clock.now())) == 401
    assert give(half(server), recovery[0]) == 303
