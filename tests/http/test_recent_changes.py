"""Recent changes beside an incident: on its page, by the API, and for whoever may see it."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.http.test_api_pages import browser
from tests.http.world import T0, Server


def change(server: Server, name: str, text: str, minutes: float, **more: object) -> None:
    at = (T0 + timedelta(minutes=minutes)).isoformat()
    value = {"id": name, "source": "ci", "kind": "pagerduty_change", "text": text, "at": at, "labels": {}} | more
    body = json.dumps({"annotations": {}} | value).encode()
    server.world.do(lambda store: store.put(server.world.tenant, "change", name, body))


def test_a_deployment_before_the_incident_stands_on_its_page(server: Server):
    change(server, "c1", "checkout <b>v4.18</b>", -15, labels={"service": "checkout"}, url="https://ci.example/7?a&b")
    change(server, "c2", "flag on", -5, annotations={"diff": "https://ci.example/flag"}, url="")
    change(server, "c3", "long ago", -200)
    server.world.do(lambda store: store.put(server.world.tenant, "change", "old", b'{"summary": "v1"}'))
    page = browser(server)
    page.post("/declare", data={"title": "Checkout is slow", "severity": "SEV-1", "service": "checkout", "key": "k"})

    text = page.get("/incidents/INC-2026-001").text
    found = page.get("/api/incidents/INC-2026-001/changes").json()["items"]

    assert [each["text"] for each in found] == ["flag on", "checkout <b>v4.18</b>"]
    assert found[0]["url"] == "https://ci.example/flag"
    assert "<strong>checkout</strong>" in text
    assert "checkout &lt;b&gt;v4.18&lt;/b&gt;</a>" in text
    assert 'href="https://ci.example/7?a&amp;b"' in text
    assert "long ago" not in text


def test_without_changes_the_page_says_nothing_of_them(server: Server):
    server.world.alert("Checkout is slow", key="k")

    assert "Changed since" not in browser(server).get("/incidents/INC-2026-001").text


def test_an_incident_that_is_not_there_has_no_changes(shared: Server):
    assert browser(shared).get("/api/incidents/INC-1999-001/changes").status_code == 404


def test_a_link_that_is_no_web_address_hides_no_other_one(server: Server):
    links = {"links[0]": "x javascript:alert(1)", "links[1]": "build https://ci.example/8"}
    change(server, "c1", "checkout v8", -5, url="javascript:alert(1)", annotations=links)
    server.world.alert("Checkout is slow", key="k")

    found = browser(server).get("/api/incidents/INC-2026-001/changes").json()["items"]

    assert [each["url"] for each in found] == ["https://ci.example/8"]


def test_a_start_that_was_corrected_to_the_year_one_keeps_nobody_from_the_page(server: Server):
    change(server, "c1", "checkout v8", -5)
    server.world.alert("Checkout is slow", key="k")
    page = browser(server)
    corrected = {"name": "started_at", "to": "0001-01-01T00:30:00Z", "because": "a slip"}
    page.post("/api/incidents/INC-2026-001/correct-timestamp", json=corrected).raise_for_status()

    assert page.get("/incidents/INC-2026-001").status_code == 200
