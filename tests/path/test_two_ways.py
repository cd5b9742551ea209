"""What people do in Tocsin reaches the source of the alert, and the other way round."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.listening import NO_CERTIFICATES
from tests.path.harness import Tocsin, World, free_port, throughout, until
from tests.senders.fake_sources import FakeOpsgenie, FakePagerDuty
from tocsin.clock import SystemClock

pytestmark = pytest.mark.slow

TOKEN = "0123456789abcdef0123456789abcdef"
KEY = "fedcba9876543210fedcba9876543210"


# --- Alertmanager -----------------------------------------------------------------------------------------------------

LABELS = {"alertname": "DiskFull", "service": "shop", "severity": "critical", "path": 'C:\\ "data" ä', "a_b": "x=y,z"}


class Alertmanager:
    """Debian's, with a receiver that is Tocsin."""

    def __init__(self, shop: World, tocsin: Tocsin, port: int) -> None:
        hook = {"url": f"{tocsin.url}/in/alertmanager/{TOKEN}", "send_resolved": True}
        route = {"receiver": "tocsin", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s"}
        receivers = [{"name": "tocsin", "webhook_configs": [hook]}]
        self.url = shop.alertmanager({"route": route | {"repeat_interval": "3s"}, "receivers": receivers}, port)

    def post(self, labels: dict[str, str], ended: bool = False) -> None:
        now = SystemClock().now()
        alert: dict[str, Any] = {"labels": labels, "startsAt": (now - timedelta(minutes=1)).isoformat()}
        alert["endsAt"] = (now if ended else now + timedelta(hours=1)).isoformat()
        httpx2.post(f"{self.url}/api/v2/alerts", json=[alert]).raise_for_status()

    def silences(self, state: str = "active") -> list[dict[str, Any]]:
        found = httpx2.get(f"{self.url}/api/v2/silences", verify=NO_CERTIFICATES).json()
        return [each for each in found if each["status"]["state"] == state]

    def suppressed(self) -> list[dict[str, str]]:
        found = httpx2.get(f"{self.url}/api/v2/alerts", verify=NO_CERTIFICATES).json()
        return [each["labels"] for each in found if each["status"]["state"] == "suppressed"]


def with_alertmanager(shop: World) -> tuple[Tocsin, Alertmanager]:
    port = free_port()
    source = f"""
[[sources]]
name = "prod"
kind = "alertmanager"
token = "{TOKEN}"
acknowledge = "alertmanager"
acknowledge_url = "http://127.0.0.1:{port}"
"""
    tocsin = shop.tocsin(more=source)
    return tocsin, Alertmanager(shop, tocsin, port)


@pytest.mark.needs("alertmanager")
def test_an_acknowledgement_is_a_silence_with_an_end_that_goes_with_it(shop: World) -> None:
    tocsin, alertmanager = with_alertmanager(shop)
    other = LABELS | {"path": "/other", "service": "search"}

    alertmanager.post(LABELS)
    incident = tocsin.incident(about="DiskFull")
    tocsin.command(incident["id"], "acknowledge")
    (silence,) = until(alertmanager.silences, what="a silence")

    matched = {each["name"]: each["value"] for each in silence["matchers"]}
    assert matched == LABELS
    assert all(each["isEqual"] and not each["isRegex"] for each in silence["matchers"])
    assert silence["createdBy"] == "Tocsin"
    assert f"{incident['reference']}: acknowledged by" in silence["comment"]
    left = datetime.fromisoformat(silence["endsAt"]) - SystemClock().now()
    assert timedelta(minutes=55) < left <= timedelta(hours=1)
    alertmanager.post(other)
    until(lambda: alertmanager.suppressed() == [LABELS], what="only this alert to be silenced")
    until(lambda: "SourceTold" in tocsin.kinds(incident["id"]), what="the timeline to say so")

    tocsin.command(incident["id"], "unacknowledge", because="I have to go")
    until(lambda: not alertmanager.silences(), what="the silence to end")
    tocsin.command(incident["id"], "acknowledge")
    until(alertmanager.silences, what="a second silence")
    tocsin.command(incident["id"], "resolve", because="it is a test")
    until(lambda: not alertmanager.silences(), what="the second silence to end")

    assert len(alertmanager.silences("expired")) == 2
    told = [each["text"] for each in tocsin.timeline(incident["id"]) if each["kind"] == "SourceTold"]
    assert [each.removeprefix("prod (alertmanager) knows: 1 alert ") for each in told] == [
        "acknowledged", "not acknowledged any more", "acknowledged", "resolved",
    ]  # fmt: skip


@pytest.mark.needs("alertmanager")
def test_the_end_that_a_silence_hides_is_heard_by_asking(shop: World) -> None:
    """Alertmanager does not tell the end of a silenced alert; Tocsin depends on it, and asks."""
    tocsin, alertmanager = with_alertmanager(shop)
    alertmanager.post(LABELS)
    incident = tocsin.incident(about="DiskFull")
    tocsin.command(incident["id"], "acknowledge")
    until(alertmanager.silences, what="a silence")

    alertmanager.post(LABELS, ended=True)
    told = until(lambda: tocsin.incidents(status="resolved"), 60, what="the incident to end")

    assert told[0]["id"] == incident["id"]
    until(lambda: not alertmanager.silences(), what="the silence to end, so that the next time is heard")
    alertmanager.post(LABELS)
    until(lambda: tocsin.incident(status="investigating"), what="the next time")


@pytest.mark.needs("alertmanager")
def test_an_alertmanager_that_is_started_anew_has_not_ended_its_alerts(shop: World) -> None:
    tocsin, alertmanager = with_alertmanager(shop)
    alertmanager.post(LABELS)
    incident = tocsin.incident(about="DiskFull")
    tocsin.command(incident["id"], "acknowledge")
    until(alertmanager.silences, what="a silence")

    port = int(alertmanager.url.rpartition(":")[2])
    shop.programs[-1].end()
    alertmanager = Alertmanager(shop, tocsin, port)  # its silences are on disk, its alerts are not
    throughout(20, lambda: tocsin.incident()["status"] == "investigating")

    assert len(alertmanager.silences()) == 1
    tocsin.command(incident["id"], "unacknowledge", because="enough")
    until(lambda: not alertmanager.silences(), what="the silence to end")


# --- PagerDuty and Opsgenie -------------------------------------------------------------------------------------------


def event(tocsin: Tocsin, action: str, key: str) -> None:
    body = {"routing_key": TOKEN, "event_action": action, "dedup_key": key}
    if action == "trigger":
        body["payload"] = {"summary": f"{key} is down", "source": key, "severity": "critical"}  # type: ignore[assignment]
    httpx2.post(f"{tocsin.url}/v2/enqueue", json=body).raise_for_status()


def test_events_are_acknowledged_and_resolved_at_pagerduty_by_their_key(shop: World) -> None:
    fake = FakePagerDuty(KEY)
    fake.port = shop.servers.serve(fake)
    fake.failures = [500, 429]
    source = f"""
[[sources]]
name = "pd"
kind = "pagerduty"
token = "{TOKEN}"
acknowledge = "pagerduty"
acknowledge_url = "{fake.url}"
acknowledge_token = "{KEY}"
"""
    tocsin = shop.tocsin(more=source)
    event(tocsin, "trigger", "srv 1/mysql")
    incident = tocsin.incident()
    tocsin.command(incident["id"], "acknowledge")
    until(lambda: fake.events == [("acknowledge", "srv 1/mysql")], 40, what="the acknowledgement, in spite of failures")

    event(tocsin, "acknowledge", "srv 1/mysql")  # PagerDuty tells everybody, us too
    tocsin.command(incident["id"], "resolve", because="restarted")
    until(lambda: fake.events[1:] == [("resolve", "srv 1/mysql")], what="the end")

    assert fake.wrong == []
    assert tocsin.kinds(incident["id"]).count("Acknowledged") == 1
    assert tocsin.kinds(incident["id"]).count("SourceNotTold") == 0


def test_an_acknowledgement_at_the_source_is_taken_over_and_not_sent_back(shop: World) -> None:
    fake = FakeOpsgenie(KEY)
    fake.port = shop.servers.serve(fake)
    source = f"""
[[sources]]
name = "og"
kind = "opsgenie"
token = "{TOKEN}"
acknowledge = "opsgenie"
acknowledge_url = "{fake.url}"
acknowledge_token = "{KEY}"
"""
    tocsin = shop.tocsin(more=source)
    where = f"{tocsin.url}/in/opsgenie/{TOKEN}"

    def tells(action: str, alias: str) -> None:
        now = SystemClock().now()
        alert = {"alertId": f"id-{alias}", "alias": alias, "message": f"{alias} hurts", "username": "kim@example.org",
                 "updatedAt": int(now.timestamp() * 1e9), "createdAt": int(now.timestamp() * 1e3)}  # fmt: skip
        httpx2.post(where, json={"action": action, "alert": alert, "integrationName": "out"}).raise_for_status()

    tells("Create", "a/b ü")
    incident = tocsin.incident()
    tells("Acknowledge", "a/b ü")
    until(lambda: tocsin.incident()["acknowledged_at"], what="the acknowledgement")
    (taken,) = [each for each in tocsin.timeline(incident["id"]) if each["kind"] == "Acknowledged"]
    assert taken["by"] == "source:og"

    tocsin.command(incident["id"], "unacknowledge", because="not alone")
    until(lambda: fake.calls == [("unacknowledge", "a/b ü")], what="that nobody has it")
    tocsin.command(incident["id"], "acknowledge")
    until(lambda: fake.calls[1:] == [("acknowledge", "a/b ü")], what="that somebody has it")
    tells("Acknowledge", "a/b ü")
    tocsin.command(incident["id"], "resolve", because="done")
    until(lambda: fake.calls[2:] == [("close", "a/b ü")], what="the end")

    assert fake.wrong == []


def test_what_cannot_be_told_is_on_the_timeline_with_the_reason(shop: World) -> None:
    fake = FakePagerDuty("another key of thirty-two letters")
    fake.port = shop.servers.serve(fake)
    source = f"""
[[sources]]
name = "pd"
kind = "pagerduty"
token = "{TOKEN}"
acknowledge = "pagerduty"
acknowledge_url = "{fake.url}"
acknowledge_token = "{KEY}"
"""
    tocsin = shop.tocsin(more=source)
    event(tocsin, "trigger", "srv1")
    incident = tocsin.incident()
    tocsin.command(incident["id"], "acknowledge")
    until(lambda: "SourceNotTold" in tocsin.kinds(incident["id"]), what="the failure")

    (failed,) = [each for each in tocsin.timeline(incident["id"]) if each["kind"] == "SourceNotTold"]
    assert failed["text"].startswith("pd (pagerduty): could not acknowledge 1 alert: rejected")
    assert "Invalid routing key" in failed["text"]
