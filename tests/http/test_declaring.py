"""Declaring an incident on a page when several guides are in force: plain forms, whatever the browser runs."""

from __future__ import annotations

import re

import msgspec
import pytest

from tests.http.test_api_pages import browser
from tests.http.world import POLICY, Server
from tocsin.core.policy import Category, Policy, Question, Severity

PAYMENTS = Policy(
    title="Payments",
    services=("ledger",),
    categories=(Category(name="Fraud"), Category(name="Outage")),
    severities=(
        Severity(id="P1", name="Stop", rank=0, examples=("No card <b>works</b>", "b" * 300, "three", "four")),
        Severity(id="P2", name="Slow", rank=1),
    ),
    decision_tree=(
        Question(question="Is money lost?", severity="P1"),
        Question(question="Is money late?", severity="P2"),
        Question(question="", severity="P2"),
    ),
)
OFFICE = msgspec.structs.replace(PAYMENTS, title="Office", services=(), severities=(Severity(id="P9", rank=0),))


@pytest.fixture
def three(server: Server) -> Server:
    world = server.world
    calm = msgspec.structs.replace(OFFICE, decision_tree=())
    world.do(lambda _: world.engine.guides.activate(world.tenant, "payments", PAYMENTS))
    world.do(lambda _: world.engine.guides.activate(world.tenant, "office", calm))
    return server


def radios(page: str) -> list[str]:
    return re.findall(r'name="severity" value="([^"]+)"', page)


def test_every_guide_can_be_chosen_and_what_was_typed_stays(three: Server):
    page = browser(three).post(
        "/declare", data={"title": "Cards fail", "key": "k", "show": "payments", "severity": "SEV-0"}
    )

    assert page.status_code == 200
    assert radios(page.text) == ["P1", "P2"]
    assert 'value="Cards fail"' in page.text
    assert '<input type="hidden" name="guide" value="payments">' in page.text
    assert browser(three).get("/api/incidents").json()["items"] == []


def test_the_service_decides_until_a_guide_is_chosen(three: Server):
    assert radios(browser(three).get("/declare?service=ledger").text) == ["P1", "P2"]
    assert radios(browser(three).get("/declare?service=ledger&guide=office").text) == ["P9"]
    assert radios(browser(three).get("/declare?guide=nonsense").text) == [each.id for each in POLICY.severities]
    back = browser(three).post("/declare", data={"title": "x", "show": "by service", "guide": "office"})
    assert radios(back.text) == [each.id for each in POLICY.severities]


def test_a_declaration_in_another_guides_words_is_that_guides(three: Server):
    page = browser(three)

    chosen = page.post("/declare", data={"title": "Cards fail", "severity": "P1", "guide": "payments", "key": "a"})
    alone = page.post("/declare", data={"title": "No heating", "severity": "P9", "key": "b"})

    assert (chosen.status_code, alone.status_code) == (303, 303)
    opened = page.get("/api/incidents").json()["items"]
    assert {(each["guide"], each["severity"]) for each in opened} == {("payments", "P1"), ("office", "P9")}


def test_a_severity_that_the_services_guide_does_not_know_shows_those_it_knows(three: Server):
    answer = browser(three).post("/declare", data={"title": "x", "severity": "P9", "service": "ledger", "key": "c"})

    assert answer.status_code == 422
    assert "expected one of P1, P2" in answer.text
    assert radios(answer.text) == ["P1", "P2"]


def test_examples_are_hints_bounded_and_escaped(three: Server):
    page = browser(three).get("/declare?guide=payments").text

    assert "Such as: No card &lt;b&gt;works&lt;/b&gt;; " in page
    assert "b" * 121 not in page
    assert "four" not in page


@pytest.mark.parametrize(
    ("answers", "said", "checked"),
    [
        ({"q0": "no", "q1": "yes"}, "By your answers it is P2, Slow.", "P2"),
        ({"q0": "yes"}, "By your answers it is P1, Stop.", "P1"),
        ({"q0": "no", "q1": "no"}, "By your answers it is P2, Slow.", "P2"),
        ({"q1": "yes"}, "Still to be answered: Is money lost?", "P2"),
    ],
)
def test_the_guides_questions_choose_the_severity_and_declare_nothing(
    three: Server, answers: dict[str, str], said: str, checked: str
):
    page = browser(three).post("/declare", data={"guide": "payments", "ask": "1", "key": "d", **answers})

    assert said in page.text
    assert re.search(rf'value="{checked}" required checked', page.text)
    assert browser(three).get("/api/incidents").json()["items"] == []


def test_with_one_guide_nothing_is_to_be_chosen(server: Server):
    assert "By which guide?" not in browser(server).get("/declare").text


def test_a_category_of_the_guide_comes_along(three: Server):
    page = browser(three)

    page.post("/declare", data={"title": "x", "severity": "P1", "guide": "payments", "category": "Fraud", "key": "e"})

    assert page.get("/api/incidents/INC-2026-001").json()["category"] == "Fraud"
