"""How PagerDuty, Opsgenie and Jira Service Management are told, against servers that take what is documented."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.senders.fake_sources import FakeOpsgenie, FakePagerDuty, event_errors
from tests.senders.servers import listening, response
from tocsin.core.alert import fingerprint_of
from tocsin.core.twoway import Back, Standing, Subject, Told, Words
from tocsin.ports import Declined, Receipt
from tocsin.senders.alertmanager import Silences, _filters
from tocsin.senders.opsgenie import Opsgenie
from tocsin.senders.pagerduty import PagerDuty

T0 = datetime(2026, 11, 23, 8, tzinfo=UTC)
KEY = "fedcba9876543210fedcba9876543210"
WORDS = Words(text="INC-1: acknowledged by ana in Tocsin. " + "x" * 30_000, by="ana" * 50, marker="tocsin:i:f:t")
ALL: tuple[Standing, ...] = ("acknowledged", "open", "resolved")


def subject(kind: str, name: str) -> Subject:
    return Subject(fingerprint="0" * 16, source="s", starts_at="t", fires=True, labels={}, key=(kind, name))


def told(fake: Any, sender: Any, one: Subject, *standings: Standing) -> list[Receipt | None]:
    async def run() -> list[Receipt | None]:
        async with listening(fake) as port:
            made = sender(f"http://127.0.0.1:{port}")
            try:
                return [await made.tell(one, each, WORDS) for each in standings]
            finally:
                await made.close()

    return asyncio.run(run())


def codes(receipts: list[Receipt | None]) -> list[str | None]:
    return [each.code if each else None for each in receipts]


def test_pagerduty_events_name_the_key_and_nothing_is_taken_back() -> None:
    fake = FakePagerDuty(KEY)
    found = told(fake, lambda url: PagerDuty(Back(service="pagerduty", url=url, token=KEY)),
                 subject("dedup_key", "srv 1/ü"), *ALL)  # fmt: skip

    assert codes(found) == ["sent", None, "sent"]
    assert fake.events == [("acknowledge", "srv 1/ü"), ("resolve", "srv 1/ü")]
    assert fake.wrong == []


def test_pagerduty_rest_changes_the_incident_for_a_user() -> None:
    fake = FakePagerDuty(KEY, user="tocsin@example.org")
    back = Back(service="pagerduty", url="", token=KEY, user="tocsin@example.org")
    found = told(fake, lambda url: PagerDuty(replaced(back, url)), subject("incident", "Q1"), *ALL)

    assert codes(found) == ["sent", None, "sent"]
    assert fake.incidents == [("acknowledged", "Q1"), ("resolved", "Q1")]
    assert fake.wrong == []


def replaced(back: Back, url: str) -> Back:
    return Back(service=back.service, url=url, token=back.token, user=back.user)


@pytest.mark.parametrize(
    ("user", "one", "hint"),
    [
        (None, subject("incident", "Q1"), "acknowledge_user"),
        ("kim", subject("dedup_key", "k"), "routing key"),
        (None, subject("", ""), "formats"),
    ],
)
def test_what_pagerduty_cannot_know_is_said_before_it_is_asked(user: str | None, one: Subject, hint: str) -> None:
    fake = FakePagerDuty(KEY)
    back = Back(service="pagerduty", url="", token=KEY, user=user)
    (receipt,) = told(fake, lambda url: PagerDuty(replaced(back, url)), one, "acknowledged")

    assert receipt is not None
    assert (receipt.code, receipt.permanent) == ("misconfigured", True)
    assert hint in receipt.detail
    assert fake.events == fake.wrong == []


def test_opsgenie_is_told_by_the_alias() -> None:
    fake = FakeOpsgenie(KEY)
    found = told(fake, lambda url: Opsgenie(Back(service="opsgenie", url=url, token=KEY)),
                 subject("alias", "a/b c?d=e#ü"), *ALL)  # fmt: skip

    assert codes(found) == ["sent", "sent", "sent"]
    assert fake.calls == [(verb, "a/b c?d=e#ü") for verb in ("acknowledge", "unacknowledge", "close")]
    assert fake.wrong == []


def test_jira_service_management_takes_nothing_back() -> None:
    fake = FakeOpsgenie(KEY, takes_back=False)
    found = told(fake, lambda url: Opsgenie(Back(service="opsgenie", url=f"{url}/jsm/ops/integration", token=KEY)),
                 subject("alias", "a"), *ALL)  # fmt: skip

    assert codes(found) == ["sent", None, "sent"]
    assert fake.calls == [("acknowledge", "a"), ("close", "a")]
    assert fake.wrong == []


def test_an_opsgenie_alert_of_another_format_is_not_asked_for() -> None:
    (receipt,) = told(FakeOpsgenie(KEY), lambda url: Opsgenie(Back(service="opsgenie", url=url, token=KEY)),
                      subject("dedup_key", "a"), "acknowledged")  # fmt: skip
    assert receipt is not None
    assert receipt.code == "misconfigured"


@pytest.mark.needs("shared")
def test_the_fake_refuses_what_the_specification_does() -> None:
    good = {"routing_key": KEY, "event_action": "acknowledge", "dedup_key": "k"}
    assert event_errors(good) == []
    assert event_errors(good | {"note": "x"})
    assert event_errors(good | {"event_action": "ack"})
    assert event_errors({"event_action": "resolve", "dedup_key": "k"})


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"uptime": 3}', b'{"id": "x"}', b"[3]", b""])
def test_what_is_no_alertmanager_gives_a_reason_and_never_a_crash(body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0].strip()
            await reader.readexactly(int(length or 0))
            writer.write(response(200, body))

    labels = {"alertname": "a"}
    one = Subject(fingerprint=fingerprint_of(labels), source="s", starts_at="t", fires=True, labels=labels)
    held = Told(source="s", starts_at="t", silence="x", labels=labels)

    async def run() -> list[Any]:
        async with listening(serve) as port:
            made = Silences(Back(service="alertmanager", url=f"http://127.0.0.1:{port}", token="t", user="u"))
            found = [
                await made.hold(one, WORDS, T0),
                await made.renew("x", one, WORDS, T0),
                await made.listed([held]),
            ]
            await made.close()
            return found

    for each in asyncio.run(run()):
        assert isinstance(each, Declined)
        assert each.receipt.code == "unknown"


def test_a_listing_is_asked_with_what_needs_no_escape() -> None:
    assert _filters({"b": 'quo"te', "a": "x=y,z", "no name": "x", "c": "y" * 99}) == ['a="x=y,z"']
