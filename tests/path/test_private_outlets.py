"""A private incident and every way out of a running Tocsin: a row for each; what else is told passes there.

Both incidents come by alert, the private one first, so that an outlet that has told of the second has had the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import httpx2
import pytest

from tests.listening import NO_CERTIFICATES
from tests.path.harness import PEOPLE, POLICY, Tocsin, World, until, world
from tests.senders.fake_slack import BOT, FakeSlack
from tests.senders.fake_trackers import TOKEN, FakeTracker
from tests.senders.servers import Web

pytestmark = pytest.mark.slow

SECRET, PLAIN = "Zebrafinch", "Wagtail"
PRIVATE_ROUTES = (
    POLICY
    + """
routes:
  - {name: secret, matchers: ['service="vault"'], service: vault, private: true}
  - {name: plain, matchers: ['service="checkout"'], service: checkout}
"""
)


class Town(NamedTuple):
    """A Tocsin with something at the end of every way out. `olga`: the token of an administrator whom nobody named."""

    tocsin: Tocsin
    slack: FakeSlack
    tracker: FakeTracker
    hook: Web
    shop: World
    olga: str
    feed: str
    words: tuple[str, ...]  # the private incident's title, service, id and reference

    def get(self, path: str) -> str:
        headers = {"authorization": f"Bearer {self.olga}"}
        answer = httpx2.get(f"{self.tocsin.url}{path}", headers=headers, timeout=20, verify=NO_CERTIFICATES)
        assert answer.status_code == 200, (path, answer.text)
        return answer.text


def settings(shop: World, slack: FakeSlack, tracker: FakeTracker, hook: int) -> str:
    slack.port, tracker.port = shop.servers.serve(slack), shop.servers.serve(tracker)
    return f"""
[[people]]
id = "olga"
methods = ["olga@example.org"]
[slack]
bot_token = "{BOT}"
signing_secret = "8f742231b10e8888abcd99yyyzzz85a5"
channel = "C0PS"
api_url = "{slack.url.rstrip("/")}"
[[trackers]]
id = "ops"
kind = "github"
project = "acme/ops"
token = "{TOKEN}"
url = "{tracker.url}"
severities = ["all"]
[[hooks]]
name = "bus"
url = "http://127.0.0.1:{hook}/bus"
"""


def fires(title: str, service: str) -> dict[str, Any]:
    labels = {"alertname": title, "service": service, "severity": "critical"}
    return {"labels": labels, "annotations": {"summary": f"{title} is down"}}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with world(tmp_path_factory.mktemp("outlets")) as shop:
        slack, tracker = FakeSlack(), FakeTracker("github")
        hook, port = shop.servers.web()
        tocsin = shop.tocsin(people=PEOPLE, policy=PRIVATE_ROUTES, more=settings(shop, slack, tracker, port))
        olga = tocsin.ask("POST", "/api/tokens", json={"name": "t", "role": "administrator", "person": "olga"}).json()
        feed = tocsin.ask("POST", "/api/feeds", json={"person": "ana"}).json()["url"]
        tocsin.ask("PUT", "/api/status/components/shop", json={"name": "Shop", "services": ["checkout", "vault"]})
        tocsin.alert(fires(SECRET, "vault"))
        until(lambda: any(SECRET in each.subject for each in shop.mailbox.to("ana@example.org")), what="the page")
        tocsin.alert(fires(PLAIN, "checkout"))
        made = tocsin.incident(about=PLAIN)
        public = {"name": f"{PLAIN} is down", "components": ["shop=major_outage"]}
        assert tocsin.ask("POST", f"/api/incidents/{made['id']}/publish", json=public).status_code == 200
        tocsin.command(made["id"], "add-action-item", title=f"{PLAIN} alarm", owner="ana", due_on="2099-12-15")
        (secret,) = [each for each in seen_by_ana(tocsin) if each["title"].startswith(SECRET)]
        words = (SECRET, "vault", secret["id"], secret["reference"])
        yield Town(tocsin, slack, tracker, hook, shop, olga["token"], feed.replace(tocsin.url, ""), words)


def seen_by_ana(tocsin: Tocsin) -> list[dict[str, Any]]:
    token = tocsin.ask("POST", "/api/tokens", json={"name": "t", "role": "viewer", "person": "ana"}).json()["token"]
    answer = httpx2.get(f"{tocsin.url}/api/incidents", headers={"authorization": f"Bearer {token}"})
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


OUTLETS: dict[str, Callable[[Town], str]] = {
    "alertmanager alerts": lambda town: town.get("/api/v2/alerts"),
    "alertmanager groups": lambda town: town.get("/api/v2/alerts/groups"),
    "alertmanager, old": lambda town: town.get("/api/v1/alerts"),
    "alertmanager, no token": lambda town: town.tocsin.ask("GET", "/api/v2/alerts", token=False).text,
    "chat": lambda town: json.dumps([town.slack.calls, town.slack.messages], default=str),
    "tickets": lambda town: json.dumps([town.tracker.issues, town.tracker.comments]),
    "hooks": lambda town: " ".join(each.body.decode() for each in town.hook.seen),
    "listing": lambda town: town.get("/api/incidents"),
    "search": lambda town: town.get(f"/api/incidents?text={PLAIN}"),
    "first page": lambda town: town.get("/"),
    "action items": lambda town: town.get("/api/action-items"),
    "status page": lambda town: town.get("/status"),
    "status in JSON": lambda town: town.get("/api/v2/summary.json"),
    "status feed": lambda town: town.get("/history.atom"),
}


@pytest.mark.parametrize("outlet", OUTLETS)
def test_nothing_of_a_private_incident_leaves_by(town: Town, outlet: str) -> None:
    told = until(lambda: said if PLAIN in (said := OUTLETS[outlet](town)) else "", what=f"{PLAIN} at {outlet}")

    assert [word for word in town.words if word in told] == []


NUMBERS: dict[str, Callable[[Town], str]] = {
    "deliveries of hooks": lambda town: town.get("/api/hooks/bus/deliveries"),
    "search for it": lambda town: town.get(f"/api/incidents?text={SECRET}"),
    "metrics": lambda town: town.get("/metrics"),
    "measures": lambda town: town.get("/api/measures"),
    "freeze": lambda town: town.get("/api/freeze"),
    "calendar": lambda town: town.get(town.feed),
    "load on call": lambda town: town.get("/api/oncall/load"),
    "mail to others": lambda town: " ".join(each.text for each in town.shop.mailbox.to("olga@example.org")),
    "audit trail": lambda town: town.get("/api/audit?limit=200"),
}


@pytest.mark.parametrize("outlet", NUMBERS)
def test_nothing_of_it_is_told_or_counted_by(town: Town, outlet: str) -> None:
    told = NUMBERS[outlet](town)

    assert [word for word in town.words if word in told] == []
    if outlet == "measures":
        assert json.loads(told)["incidents"] == 1


def test_whoever_was_paged_sees_it(town: Town) -> None:
    """Teeth: it is there, with an alert, and its page went out."""
    assert {each["title"].split()[0] for each in seen_by_ana(town.tocsin)} == {SECRET, PLAIN}
