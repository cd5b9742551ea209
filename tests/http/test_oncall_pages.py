"""The page of who is on call, without a script: shown, changed, and linked."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tests.http.test_api_schedules import SCHEDULE
from tests.http.world import Server
from tocsin.core.schedule import Layer, Override, Schedule
from tocsin.web.rota_view import DAYS, days


def test_two_weeks_have_their_days_gaps_and_names():
    """Berlin leaves out an hour on 29 March; the gap of the second evening is said in local time."""
    hole = Override(
        remove="ana", start=datetime(2026, 3, 28, 18, tzinfo=UTC), end=datetime(2026, 3, 28, 20, tzinfo=UTC)
    )
    plan = Schedule(zone="Europe/Berlin", layers=(Layer(people=("ana",)),), overrides=(hole,))

    found = days(plan, {"ana": "Ana"}, datetime(2026, 3, 27, 12, tzinfo=UTC))

    assert len(found) == DAYS and [each.words for each in found[:2]] == ["Fri 27 Mar", "Sat 28 Mar"]
    assert found[0].now == 542 and found[1].now is None and found[1].weekend
    assert found[1].label == "Ana until 19:00; nobody 19:00–21:00; Ana from 21:00"
    assert [bar.gap for bar in found[1].bars].count(True) == 1
    assert all(0 <= bar.x < bar.x + bar.width <= 1000 for day in found for bar in day.bars)


def test_the_page_says_who_is_on_call_and_who_is_next(server: Server):
    browser = server.client(server.world.token())
    assert "There is no schedule yet" in browser.get("/oncall").text
    browser.put("/api/schedules/primary", json=SCHEDULE | {"name": "Primary"})

    shown = browser.get("/oncall").text

    assert "Ben Okoro" in shown and "Ana Ivanova" in shown and "Tue 24 Nov 02:30" in shown
    assert shown.count("<svg viewBox") == 14
    assert server.client().get("/oncall", follow_redirects=False).status_code == 303


def test_an_override_a_swap_and_a_link_by_forms(server: Server):
    browser = server.client(server.world.token("responder", "ben"))
    server.client(server.world.token()).put("/api/schedules/primary", json={**SCHEDULE, "layers": [{"user": "ana"}]})
    span = {"start": "2026-11-23T04:00", "end": "2026-11-23T12:00"}

    made = browser.post(
        "/oncall/primary/override", data={**span, "add": "ben", "remove": "ana"}, follow_redirects=False
    )
    assert made.status_code == 303
    browser.post("/oncall/primary/override", data={**span, "remove": "ana", "swap": "yes"})
    shown = browser.get("/oncall").text
    assert "Ben Okoro for Ana Ivanova" in shown and "Somebody for Ana Ivanova" in shown
    (take,) = re.findall(r'action="(/oncall/primary/change/swap/\w+/take)"', shown)
    browser.post(take)
    (remove, _) = re.findall(r'action="(/oncall/primary/change/\w+/\w+/remove)"', browser.get("/oncall").text)
    assert browser.post(remove, follow_redirects=False).status_code == 303
    assert browser.get("/oncall").text.count("/remove") == 1

    assert browser.post("/oncall/feed", data={"what": "person:ben"}, follow_redirects=False).status_code == 303
    page = browser.get("/oncall").text
    (url,) = re.findall(r'value="(http[^"]+\.ics)"', page)
    assert server.client().get(url).status_code == 200
    (revoke,) = re.findall(r'action="(/oncall/feed/\w+/revoke)"', page)
    browser.post(revoke)
    assert server.client().get(url).status_code == 404


def test_one_persons_page_shows_only_their_shifts(server: Server):
    browser = server.client(server.world.token())
    browser.put("/api/schedules/primary", json=SCHEDULE)
    browser.put("/api/schedules/other", json={**SCHEDULE, "id": "other", "layers": [{"user": "ben"}]})

    shown = browser.get("/oncall/person/ana").text

    assert "Ana Ivanova, on call" in shown and shown.count('<section class="rota"') == 1
    assert browser.get("/oncall/person/zoe").status_code == 404


def test_a_wrong_form_is_a_page_that_says_so(server: Server):
    browser = server.client(server.world.token())
    browser.put("/api/schedules/primary", json=SCHEDULE)

    for data in (
        {"start": "soon", "end": "later", "add": "ana"},
        {"start": "2026-11-23T04:00", "end": "2026-11-23T05:00"},
    ):
        answer = browser.post("/oncall/primary/override", data=data)
        assert answer.status_code == 400 and "expected" in answer.text
    assert browser.post("/oncall/none/override", data={}).status_code == 404
    assert browser.post("/oncall/feed", data={"what": "x"}).status_code == 400
