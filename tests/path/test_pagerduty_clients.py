"""PagerDuty's own Python clients, pointed at Tocsin by nothing but its address: alerts, their end, and changes."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pagerduty
import pytest
import trustme

from tests.path.harness import Tocsin, World, until

with warnings.catch_warnings(action="ignore", category=UserWarning):  # it says that nobody maintains it: so it is used
    pdpyras = import_module("pdpyras")

pytestmark = pytest.mark.slow

KEY = "0123456789abcdef0123456789abcdef"
REFUSALS = (pagerduty.Error, pdpyras.PDClientError)
Secure = Callable[[Tocsin], str]
SOURCE = f"""
[[sources]]
name = "checks"
kind = "pagerduty"
routing_key = "{KEY}"
"""


@pytest.fixture
def secure(shop: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Secure:
    """Tocsin behind TLS, as PagerDuty's newer client insists; its address."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)

    def before(tocsin: Tocsin) -> str:
        port = int(tocsin.url.rpartition(":")[2])

        async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(passed_on(reader, behind_writer), passed_on(behind_reader, writer))

        return f"https://localhost:{shop.servers.serve(through, ssl=context)}"

    return before


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65_536):
        writer.write(some)
        await writer.drain()
    writer.close()


def new_client(url: str, key: str = KEY) -> Any:
    return pagerduty.EventsApiV2Client(key, base_url=url)


def old_client(url: str, key: str = KEY) -> Any:
    client = pdpyras.EventsAPISession(key)
    client.url = url
    return client


@pytest.mark.parametrize("client", [new_client, old_client])
def test_an_event_opens_is_taken_and_ends(shop: World, secure: Secure, client: Any) -> None:
    tocsin = shop.tocsin(more=SOURCE)

    with client(secure(tocsin)) as events:
        key = events.trigger(
            "Checkout fails", "web-1", severity="critical", custom_details={"service": "checkout", "rate": 0.4},
            links=[{"href": "https://graphs.example/1", "text": "graph"}],
        )  # fmt: skip
        assert key
        incident = tocsin.incident(about="Checkout fails")
        (alert,) = tocsin.get(f"/api/incidents/{incident['id']}/alerts")["items"]
        assert alert["identity"] == f"dedup_key {key}"
        assert alert["annotations"]["links[0]"] == "graph https://graphs.example/1"
        assert events.trigger("Checkout fails", "web-1", dedup_key=key, severity="critical") == key
        events.acknowledge(key)
        until(lambda: tocsin.incident()["acknowledged_at"], what="the acknowledgement")
        events.resolve(key)
        until(lambda: tocsin.incident()["status"] == "resolved", what="the end")

    assert len(tocsin.incidents()) == 1


def old_changes(url: str) -> Any:
    client = pdpyras.ChangeEventsAPISession(KEY)
    client.url = url
    return client


@pytest.mark.parametrize("client", [new_client, old_changes])
def test_a_change_is_listed_and_opens_nothing(shop: World, secure: Secure, client: Any) -> None:
    tocsin = shop.tocsin(more=SOURCE)

    with client(secure(tocsin)) as changes:
        changes.submit(
            "Deployed checkout 2.1",
            source="ci",
            custom_details={"service": "checkout", "environment": "prod"},
            timestamp="2026-11-23T08:00:00Z",  # without one, release 7 of the new client fails before it asks
        )

    (found,) = until(lambda: tocsin.get("/api/changes")["items"], what="the change")
    assert "Deployed checkout 2.1" in str(found)
    assert tocsin.incidents() == []


@pytest.mark.parametrize("client", [new_client, old_client])
def test_a_wrong_key_is_refused_in_a_way_that_the_client_understands(shop: World, secure: Secure, client: Any) -> None:
    tocsin = shop.tocsin(more=SOURCE)

    with client(secure(tocsin), "f" * 32) as events, pytest.raises(REFUSALS) as refused:
        events.trigger("x", "y")

    assert refused.value.response.status_code == 400
    assert "Invalid routing key" in refused.value.response.text
