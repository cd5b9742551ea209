"""Tickets on a running Tocsin: opened by rule or when asked, linked, never a second one, and told the end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.path.harness import PEOPLE, POLICY, Tocsin, World, until
from tests.senders.fake_trackers import TOKEN, FakeTracker

pytestmark = pytest.mark.slow

FIRES = {"labels": {"alertname": "CheckoutFails", "service": "checkout", "severity": "critical"}}


def running(shop: World, fake: FakeTracker, more: str = "") -> Tocsin:
    fake.port = shop.servers.serve(fake)
    tracker = f"""
[[trackers]]
id = "ops"
kind = "github"
project = "acme/ops"
token = "{TOKEN}"
url = "{fake.url}"
{more}
"""
    return shop.tocsin(people=PEOPLE + tracker, policy=POLICY)


def ticket(tocsin: Tocsin) -> list[dict[str, Any]]:
    return [each for each in tocsin.incident()["tickets"] if each["name"]]


def test_a_severe_incident_gets_a_ticket_that_is_told_the_end(shop: World) -> None:
    fake = FakeTracker("github")
    tocsin = running(shop, fake, 'severities = ["P1"]')

    tocsin.alert(FIRES)
    (opened,) = until(lambda: ticket(tocsin), what="the ticket")
    assert (opened["tracker"], opened["name"], opened["url"]) == ("ops", "#1", "https://gh.example/1")
    page = tocsin.ask("GET", f"/incidents/{tocsin.incident()['reference']}").text
    assert "https://gh.example/1" in page

    tocsin.command(tocsin.incident()["id"], "resolve", because="rolled back")
    until(lambda: fake.comments.get("1"), what="the comment")
    assert len(fake.issues) == 1


def test_a_ticket_is_opened_when_asked_and_an_unknown_tracker_is_said_so(shop: World) -> None:
    fake = FakeTracker("github")
    tocsin = running(shop, fake)
    tocsin.alert(FIRES)
    incident = tocsin.incident()["id"]
    assert tocsin.incident()["tickets"] == []

    nowhere = tocsin.ask("POST", f"/api/incidents/{incident}/open-ticket", json={"tracker": "nowhere"})
    assert (nowhere.status_code, nowhere.json()["errors"][0]["expected"]) == (400, "one of ops")
    tocsin.command(incident, "open-ticket", tracker="ops")
    until(lambda: ticket(tocsin), what="the ticket")
    tocsin.command(incident, "open-ticket", tracker="ops")

    assert tocsin.kinds(incident).count("TicketRequested") == 1
    assert len(fake.issues) == 1


def test_a_lost_answer_and_a_kill_lead_to_one_ticket(shop: World) -> None:
    fake = FakeTracker("github")
    fake.lose = 1
    tocsin = running(shop, fake, 'severities = ["all"]')
    tocsin.alert(FIRES)
    until(lambda: fake.issues, what="the ticket to be made, its answer lost")

    tocsin.end(9)
    again = shop.start(tocsin.folder)
    (opened,) = until(lambda: ticket(again), 60, what="the ticket to be found again")

    assert opened["name"] == "#1"
    assert len(fake.issues) == 1
