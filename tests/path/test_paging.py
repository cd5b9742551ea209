"""Who is paged, when, and what is left out: on a running Tocsin, with real mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.path.harness import PEOPLE, POLICY, World, throughout, until
from tests.senders.servers import response

pytestmark = pytest.mark.slow

QUICK = POLICY.replace("level: 1, who: [on-call], within: 10m", "level: 1, who: [on-call], within: 3s").replace(
    "level: 2, who: [boss], within: 10m", "level: 2, who: [boss], within: 3s"
)
FIRES = {"labels": {"alertname": "CheckoutFails", "service": "checkout", "severity": "critical"}}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_nobody_answers_and_each_level_is_paged_at_its_time_then_the_last_resort(shop: World) -> None:
    people = PEOPLE + '[[people]]\nid = "cy"\nmethods = ["cy@example.org"]\n[paging]\nlast_resort = ["cy"]\n'
    tocsin = shop.tocsin(people=people, policy=QUICK)

    tocsin.alert(FIRES)
    (last,) = until(lambda: shop.mailbox.to("cy@example.org"), what="the last resort's mail")

    opened_at = at(tocsin.incident()["opened_at"])
    first, second = shop.mailbox.to("ana@example.org")[0], shop.mailbox.to("bo@example.org")[0]
    late = [(mail.at - opened_at).total_seconds() for mail in (first, second, last)]
    assert late[0] < 1.5
    assert 3 <= late[1] < 4.5
    assert 6 <= late[2] < 7.5
    assert "Acknowledge" in last.text

    httpx2.post(last.link)
    acknowledged = tocsin.incident()
    assert acknowledged["acknowledged_by"] == "cy"
    before = len(shop.mailbox.received())
    throughout(4.0, lambda: len(shop.mailbox.received()) == before)
    kinds = tocsin.kinds(acknowledged["id"])
    assert kinds.index("NobodyReached") < kinds.index("Acknowledged")


def test_the_mail_says_what_the_alert_says_and_names_its_runbook(shop: World) -> None:
    tocsin = shop.tocsin(policy=QUICK)

    said = {"description": "p99 is 4 s", "runbook_url": "https://wiki.example/slow", "x_url": "javascript:alert(1)"}
    tocsin.alert({**FIRES, "annotations": said})
    mail = until(lambda: shop.mailbox.to("ana@example.org"), what="the mail")[0]

    assert "p99 is 4 s" in mail.text
    assert "https://wiki.example/slow" in mail.text
    assert "javascript" not in mail.text


def test_an_acknowledgement_by_the_first_level_keeps_the_second_asleep(shop: World) -> None:
    tocsin = shop.tocsin(policy=QUICK)

    tocsin.alert(FIRES)
    (mail,) = until(lambda: shop.mailbox.to("ana@example.org"), what="the first level's mail")
    httpx2.post(mail.link)

    throughout(4.0, lambda: shop.mailbox.to("bo@example.org") == [])


def test_a_method_that_will_never_work_gives_way_to_the_next_at_once(shop: World) -> None:
    """The second method would have to wait ten minutes; the first is refused for good, so it does not."""
    _, port = shop.servers.web(response(410))
    people = f"""
[[people]]
id = "ana"
methods = [{{kind = "email", address = "gone@example.org"}},
           {{kind = "webhook", address = "http://127.0.0.1:{port}/hook", after = "5m"}},
           {{kind = "email", address = "ana@example.org", after = "10m"}}]
[bindings]
"on-call" = ["ana"]
"boss" = ["ana"]
"""
    shop.mailbox.refused.add("gone@example.org")
    tocsin = shop.tocsin(people=people)

    tocsin.alert(FIRES)
    (mail,) = until(lambda: shop.mailbox.to("ana@example.org"), what="the third method's mail")

    incident = tocsin.incident()
    assert mail.at - at(incident["opened_at"]) < timedelta(seconds=5)
    line = [item["data"] for item in tocsin.timeline(incident["id"]) if item["kind"] in ("PageFailed", "PageSent")]
    assert [(fact["kind"], fact.get("code"), fact.get("again_at")) for fact in line] == [
        ("email", "bad_address", None),
        ("webhook", "gone", None),
        ("email", None, None),
    ]
    httpx2.post(mail.link)
    assert tocsin.incident()["acknowledged_by"] == "ana"


def test_a_receiver_that_comes_back_gets_what_was_owed_while_it_was_away(shop: World) -> None:
    web, port = shop.servers.web(response(503, Retry_After="1"))
    people = f'[[people]]\nid = "ana"\nmethods = ["http://127.0.0.1:{port}/hook"]\n[bindings]\n"on-call" = ["ana"]\n'
    tocsin = shop.tocsin(people=people)

    tocsin.alert(FIRES)
    incident = tocsin.incident()
    until(lambda: "PageFailed" in tocsin.kinds(incident["id"]), what="a first attempt")
    web.answer = response(200)
    until(lambda: "PageSent" in tocsin.kinds(incident["id"]), what="the page to be sent")

    assert len({request.json["data"]["page"] for request in web.seen}) == 1
    assert len(web.seen) == 2
    failed = [item["data"] for item in tocsin.timeline(incident["id"]) if item["kind"] == "PageFailed"]
    assert [(fact["code"], bool(fact["again_at"])) for fact in failed] == [("refused", True)]


def test_a_resolve_forgives_what_was_not_sent_yet(shop: World) -> None:
    """Level one cannot be reached for now; the alert clears before it can, and nobody is woken for nothing."""
    people = PEOPLE.replace('["ana@example.org"]', '[{kind = "email", address = "ana@example.org", after = "4s"}]')
    tocsin = shop.tocsin(people=people)
    tocsin.alert(FIRES)
    incident = tocsin.incident()

    tocsin.alert({**FIRES, "endsAt": incident["opened_at"]})

    assert tocsin.incident(status="resolved")["id"] == incident["id"]
    throughout(5.0, lambda: shop.mailbox.received() == [])
    assert "PagesForgiven" in tocsin.kinds(incident["id"])


def test_a_storm_sends_five_mails_and_shows_everything(shop: World) -> None:
    """Ten thousand alerts, ten thousand incidents, one person."""
    policy = POLICY + "routes: [{name: each, matchers: ['shop=~\".+\"'], correlate_by: [shop]}]\n"
    tocsin = shop.tocsin(policy=policy)
    count = 10_000

    for start in range(0, count, 500):
        alerts: list[dict[str, Any]] = [
            {"labels": {"alertname": "ShopDown", "shop": f"s{n}", "severity": "P1"}} for n in range(start, start + 500)
        ]
        tocsin.alert(*alerts)
    until(lambda: tocsin.metric("tocsin_intake_backlog_payloads") == 0, 120, what="the digest")
    until(lambda: len(shop.mailbox.received()) == 5, 60, what="five mails")
    ready = tocsin.ask("GET", "/ready", token=False)
    incidents = tocsin.incidents()

    assert len({each["id"] for each in incidents}) == len({each["reference"] for each in incidents}) == count
    assert {each["status"] for each in incidents} == {"investigating"}
    assert ready.status_code == 200 or ready.json()["reasons"]
    until(lambda: tocsin.ask("GET", "/ready", token=False).status_code == 200, 60, what="Tocsin to be ready")
    *single, bundle = shop.mailbox.received()
    assert all(len(tocsin.kinds(mail.incident)) >= 4 for mail in single)
    assert httpx2.get(bundle.link, headers={"accept": "text/html"}).text.count("<li>") == 101
    assert httpx2.post(bundle.link).status_code == 200
    until(lambda: len([each for each in tocsin.incidents() if each["acknowledged_by"] == "ana"]) == 101)
    assert len(shop.mailbox.received()) == 5
