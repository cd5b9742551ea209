"""Debian's Alertmanager hands on to Tocsin through each of its receivers: one incident each, with the right times."""

from __future__ import annotations

import resource
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.path.harness import Tocsin, World, until
from tocsin.clock import SystemClock

pytestmark = [pytest.mark.needs("alertmanager"), pytest.mark.slow]

TOKEN = "0123456789abcdef0123456789abcdef"
KINDS = ("webhook", "pagerduty", "opsgenie", "victorops")
SOURCES = "".join(
    f'[[sources]]\nname = "am-{kind}"\nkind = "{"alertmanager" if kind == "webhook" else kind}"\n'
    f'token = "{kind}{TOKEN[len(kind) :]}"\n'
    for kind in KINDS
)


def token(kind: str) -> str:
    return f"{kind}{TOKEN[len(kind) :]}"


def receivers(url: str) -> list[dict[str, Any]]:
    def to(kind: str, wire: str) -> str:
        return f"{url}/in/{wire}/{token(kind)}"

    return [
        {"name": "webhook", "webhook_configs": [{"url": to("webhook", "alertmanager"), "send_resolved": True}]},
        {
            "name": "pagerduty",
            "pagerduty_configs": [{"url": to("pagerduty", "pagerduty"), "routing_key": token("pagerduty")}],
        },
        {"name": "opsgenie", "opsgenie_configs": [{"api_url": to("opsgenie", "opsgenie") + "/", "api_key": "unused"}]},
        {
            "name": "victorops",
            "victorops_configs": [
                {"api_url": to("victorops", "victorops") + "/", "api_key": "key", "routing_key": "database"}
            ],
        },
    ]


def config(url: str) -> dict[str, Any]:
    routes = [{"receiver": kind, "matchers": [f'via="{kind}"']} for kind in KINDS]
    timing = {"group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s", "repeat_interval": "3s"}
    return {"route": {"receiver": "webhook", "routes": routes, **timing}, "receivers": receivers(url)}


def fire(alertmanager: str, kind: str, started_at: datetime, ended_at: datetime | None = None) -> None:
    alert: dict[str, Any] = {
        "labels": {"alertname": f"Via{kind}", "via": kind, "service": "shop", "severity": "critical"},
        "annotations": {"summary": f"Broken, says {kind}"},
        "startsAt": started_at.isoformat(),
    }
    if ended_at is not None:
        alert["endsAt"] = ended_at.isoformat()
    httpx2.post(f"{alertmanager}/api/v2/alerts", json=[alert]).raise_for_status()


def of(tocsin: Tocsin, kind: str) -> list[dict[str, Any]]:
    by = f"source:am-{kind}"
    return [each for each in tocsin.incidents() if tocsin.timeline(each["id"])[0]["by"] == by]


def at(incident: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(incident[name])


def test_each_receiver_gives_one_incident_that_ends_when_the_alert_does(shop: World) -> None:
    tocsin = shop.tocsin(more=SOURCES)
    alertmanager = shop.alertmanager(config(tocsin.url))
    started_at = SystemClock().now().replace(microsecond=0) - timedelta(minutes=2)

    posted_at = SystemClock().now()
    for kind in KINDS:
        fire(alertmanager, kind, started_at)
    opened = {kind: until(lambda kind=kind: of(tocsin, kind), what=kind)[0] for kind in KINDS}  # type: ignore[misc]
    until(lambda: tocsin.metric("tocsin_alert_reports_total") >= 8, what="every receiver to repeat itself")
    ended_at = SystemClock().now()
    for kind in KINDS:
        fire(alertmanager, kind, started_at, ended_at)
    until(lambda: len(tocsin.incidents(status="resolved")) == 4, what="four incidents to end")

    assert len(tocsin.incidents()) == 4
    for kind in KINDS:
        (incident,) = of(tocsin, kind)
        assert incident["id"] == opened[kind]["id"]
        assert incident["service"] == "shop"
        assert posted_at < at(incident, "opened_at") < posted_at + timedelta(seconds=6)
        assert ended_at < at(incident, "resolved_at") < ended_at + timedelta(seconds=6)
        assert tocsin.kinds(incident["id"]).count("AlertsAttached") == 1
    (episode,) = tocsin.get(f"/api/incidents/{opened['webhook']['id']}/alerts")["items"]
    assert datetime.fromisoformat(episode["starts_at"]) == started_at
    assert abs(datetime.fromisoformat(episode["ends_at"]) - ended_at) < timedelta(milliseconds=2)


@pytest.mark.parametrize("by", ["one receiver", "routes that continue"])
def test_all_receivers_at_once_give_one_incident_that_ends_with_the_alert(shop: World, by: str) -> None:
    tocsin = shop.tocsin(more=SOURCES)
    setting = config(tocsin.url)
    if by == "one receiver":
        parts = {name: value for each in receivers(tocsin.url) for name, value in each.items() if name != "name"}
        setting["receivers"] = [{"name": "webhook", **parts}]
        setting["route"]["routes"] = []
    else:
        setting["route"]["routes"] = [{"receiver": kind, "continue": True} for kind in KINDS]
    alertmanager = shop.alertmanager(setting)
    started_at = SystemClock().now().replace(microsecond=0) - timedelta(minutes=2)

    fire(alertmanager, "all", started_at)
    until(lambda: tocsin.metric("tocsin_alert_reports_total") >= 8, what="every receiver to repeat itself")
    (incident,) = tocsin.incidents()
    ended_at = SystemClock().now()
    fire(alertmanager, "all", started_at, ended_at)
    until(lambda: tocsin.incidents(status="resolved"), what="the incident to end")

    alerts = tocsin.get(f"/api/incidents/{incident['id']}/alerts")["items"]
    assert [each["reference"] for each in tocsin.incidents()] == [incident["reference"]]
    assert sorted(each["source"] for each in alerts) == sorted(f"am-{kind}" for kind in KINDS)
    assert ended_at < at(tocsin.incidents()[0], "resolved_at") < ended_at + timedelta(seconds=8)
    assert started_at in [datetime.fromisoformat(each["starts_at"]) for each in alerts]


def test_what_the_disk_does_not_take_is_sent_again_by_alertmanager(shop: World) -> None:
    """A limit on the size of files is as good as a full disk: every write fails, and nobody is told that it did not."""
    tocsin = shop.tocsin(more=SOURCES)
    alertmanager = shop.alertmanager(config(tocsin.url))
    started_at = SystemClock().now()
    whole = resource.prlimit(tocsin.process.pid, resource.RLIMIT_FSIZE)

    resource.prlimit(tocsin.process.pid, resource.RLIMIT_FSIZE, (0, whole[1]))
    refused = tocsin.ask("POST", "/api/v2/alerts", token=False, json=[{"labels": {"alertname": "Full"}}])
    for kind in KINDS:
        fire(alertmanager, kind, started_at)
    until(lambda: tocsin.metric("tocsin_journal_refused_total") >= 5, what="five refused payloads")
    resource.prlimit(tocsin.process.pid, resource.RLIMIT_FSIZE, whole)

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) >= 1
    until(lambda: len(tocsin.incidents()) == 4, what="four incidents")
    assert sorted(len(of(tocsin, kind)) for kind in KINDS) == [1, 1, 1, 1]
    until(lambda: len(shop.mailbox.received()) >= 1, what="a mail")
    until(lambda: tocsin.ask("GET", "/ready", token=False).status_code == 200, what="Tocsin to be ready")
