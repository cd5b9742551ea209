"""Whoever is on call gets in, whatever others try; and asking in somebody's name tells nobody anything."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pyotp
import pytest

from tests.http.test_sign_in import given_account, sign_in
from tests.http.world import Server
from tocsin.contacts import contacts_of
from tocsin.core.contact import proven
from tocsin.core.lockout import FREE
from tocsin.core.people import Method, Person
from tocsin.guides import CONTACT
from tocsin.http import auth
from tocsin.identity import accounts
from tocsin.identity.accounts import Account


def verified(server: Server, person: str, kind: str = "email") -> None:
    def prove(store: Any) -> None:
        found = msgspec.json.decode(store.get("default", "person", person), type=Person)
        known = contacts_of(store, "default", found, store.now())
        for method in found.methods:
            known = proven(known, method, store.now()) if method.kind == kind else known
        store.put("default", CONTACT, person, msgspec.json.encode(known))
        server.world.engine.guides.changed("default")

    server.world.do(prove)


def given_person(server: Server, person: str, *methods: Method) -> None:
    body = msgspec.json.encode(Person(id=person, methods=methods))
    server.world.do(lambda store: store.put("default", "person", person, body))
    server.world.do(lambda _: server.world.engine.guides.changed("default"))


def ask(server: Server, name: str) -> httpx2.Response:
    """The answer, once whatever it set going is done."""
    answer = server.client().post("/sign-in/contact", data={"name": name})
    waiting = threading.Event()
    for _ in range(200):
        if not server.world.identity._tasks:
            break
        waiting.wait(0.01)
    return answer


def links(server: Server) -> list[tuple[str, str, str]]:
    return [each for each in server.world.sent if "/sign-in/" in each[2]]


def path(server: Server) -> str:
    return links(server)[-1][2].removeprefix(server.url)


def test_whoever_is_on_call_gets_a_link_that_works_once_while_the_name_is_locked(server: Server):
    given_account(server, role="responder")  # ana is level 1 of the guide
    verified(server, "ana")
    for _ in range(FREE + 1):
        sign_in(server, password="wrong wrong wrong")
    assert sign_in(server).status_code == 429

    ask(server, "Ana")

    browser = server.client()
    assert browser.get(path(server)).status_code == 200
    assert browser.post(path(server)).status_code == 303
    assert browser.get("/api/me").json() == {"id": "ana", "kind": "person", "role": "responder"}
    assert browser.get("/api/me/sessions").json()["items"][0]["via"] == "contact"
    assert server.client().post(path(server)).status_code == 410


def test_everybody_gets_the_same_answer_and_only_who_may_gets_a_link(server: Server):
    given_account(server)  # its method is not verified
    given_person(server, "cleo", Method(kind="email", address="cleo@example.org"))
    given_account(server, "cleo")
    verified(server, "cleo")  # but nobody pages cleo

    texts = {ask(server, name).text.replace(name, "NAME") for name in ("ana", "cleo", "nobody")}

    assert len(texts) == 1 and "a link is on its way" in texts.pop()
    assert links(server) == []


def test_whoever_is_signed_in_elsewhere_gets_one_too(server: Server):
    given_person(server, "cleo", Method(kind="email", address="cleo@example.org"))
    given_account(server, "cleo")
    verified(server, "cleo")
    assert sign_in(server, "cleo").status_code == 303

    ask(server, "cleo")

    assert [each[:2] for each in links(server)] == [("cleo", "email")]


def test_a_link_goes_where_it_can_be_read_and_to_the_next_method_when_the_first_fails(server: Server):
    given_person(
        server,
        "ana",
        Method(kind="voice", address="+15550100"),
        Method(kind="ntfy", address="ntfy://ntfy.sh/ana"),
        Method(kind="email", address="ana@example.org"),
    )
    given_account(server)
    for kind in ("voice", "ntfy", "email"):
        verified(server, "ana", kind)
    verified_all = server.world.do(lambda store: store.get("default", CONTACT, "ana"))
    assert verified_all.count(b"verified_at") == 3
    server.world.receipt = msgspec.structs.replace(server.world.receipt, code="unreachable")

    ask(server, "ana")

    assert [each[1] for each in links(server)] == ["ntfy", "email"]


def test_a_one_time_code_is_still_asked_for_after_such_a_link(server: Server):
    codes = pyotp.TOTP(pyotp.random_base32())
    account = Account(person="ana", role="responder", created_at=server.world.clock.now(), totp=codes.secret)
    server.world.do(lambda store: accounts.keep(store, "default", account))
    verified(server, "ana")
    ask(server, "ana")
    browser = server.client()

    answer = browser.post(path(server))

    assert answer.headers["location"] == "/sign-in/second"
    assert browser.get("/api/me").status_code == 401
    assert server.client().post(path(server)).status_code == 410
    code = codes.at(server.world.clock.now())
    assert browser.post("/sign-in/second", data={"code": code}).status_code == 303
    assert browser.get("/api/me").json()["id"] == "ana"


def test_such_a_link_gives_no_program_a_token_and_no_new_role_or_password(server: Server):
    given_account(server, role="viewer")
    verified(server, "ana")
    ask(server, "ana")

    assert server.client().post(path(server), headers={"Accept": "application/json"}).status_code == 400
    browser = server.client()
    assert browser.post(path(server)).status_code == 303
    assert browser.get("/api/me").json()["role"] == "viewer"
    assert browser.put("/api/me/password", json={"new": "five lanterns by day"}).status_code == 400


@pytest.mark.slow
def test_strangers_who_ask_all_night_neither_flood_the_person_nor_keep_them_out(server: Server):
    given_account(server)
    verified(server, "ana")
    for _ in range(120):  # two hours, every minute
        ask(server, "ana")
        newest = path(server).rpartition("/")[2]
        now = server.world.clock.advance(timedelta(seconds=59))
        assert server.world.do(lambda store: auth.check(store, "default", "sign-in", newest, now))  # noqa: B023
        server.world.clock.advance(timedelta(seconds=1))

    assert len(links(server)) <= 15


def test_a_link_that_was_used_makes_room_for_the_next(server: Server):
    given_account(server)
    verified(server, "ana")
    for _ in range(3):
        ask(server, "ana")
        browser = server.client()
        assert browser.post(path(server)).status_code == 303
        browser.post("/sign-out")

    assert len(links(server)) == 3
