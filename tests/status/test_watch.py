"""Watching providers: what they say is read, bounded and guarded, and never posted."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.senders.servers import Web, listening, response
from tests.senders.test_pages import story
from tocsin.clock import ManualClock
from tocsin.core.status import Provider
from tocsin.senders.addresses import Forbidden, judged
from tocsin.senders.fetch import BODY_MAX, Fetcher
from tocsin.status.watch import Seen, Watch

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SUMMARY = (
    b'{"page":{},"status":{"indicator":"major","description":"Partial System Outage"},'
    b'"incidents":[{"name":"Webhooks <b>late</b>","status":"investigating","impact":"major"}]}'
)
RSS = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>
<item><title>Increased error rates in eu-central-1</title><pubDate>Mon, 23 Nov 2026 01:00:00 GMT</pubDate></item>
<item><title>Old</title><pubDate>Sun, 01 Nov 2026 01:00:00 GMT</pubDate></item></channel></rss>"""
ATOM = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>x</title>
<entry><title>DNS is slow</title><updated>2026-11-23T02:00:00Z</updated></entry></feed>"""
BOMB = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaa">]><rss><item><title>&a;</title></item></rss>'


def looked(body: bytes | Exception, kind: Any = "statuspage") -> Seen:
    async def fetch(url: str) -> bytes:
        if isinstance(body, Exception):
            raise body
        return body

    watch = Watch(ManualClock(T0), lambda: [Provider(id="cloud", url="https://status.example", kind=kind)], fetch)
    asyncio.run(watch.look())
    return watch.seen["cloud"]


def test_a_statuspage_is_read():
    seen = looked(SUMMARY)

    assert (seen.indicator, seen.sentence, seen.troubled) == ("major", "Partial System Outage", True)
    assert seen.problems == ("Webhooks <b>late</b> (investigating)",)


@pytest.mark.parametrize(
    ("body", "problems"), [(RSS, ("Increased error rates in eu-central-1",)), (ATOM, ("DNS is slow",))]
)
def test_feeds_are_read_as_far_as_they_are_fresh(body: bytes, problems: tuple[str, ...]):
    assert looked(body, "feed").problems == problems


DEEP = b'{"status": {"indicator": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status": 3}', b"\xff", DEEP, OSError("no answer")])
def test_what_cannot_be_read_says_so_and_nothing_else(body: bytes | Exception):
    seen = looked(body)

    assert seen.error and not seen.troubled


def test_an_entity_bomb_is_not_opened():
    assert "document type" in looked(BOMB, "feed").error


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_nor_is_one_that_is_spelt_in_another_encoding(encoding: str):
    told = BOMB.decode().replace("1.0", f'1.0" encoding="{encoding}').encode(encoding)
    seen = looked(told, "feed")

    assert seen.problems == () and "document type" in seen.error


def test_a_provider_that_fails_keeps_what_it_said():
    bodies: list[bytes] = [SUMMARY]

    async def fetch(url: str) -> bytes:
        if not bodies:
            raise OSError("no answer")
        return bodies.pop()

    watch = Watch(ManualClock(T0), lambda: [Provider(id="cloud", url="https://status.example")], fetch)
    asyncio.run(watch.look())
    asyncio.run(watch.look())

    assert watch.seen["cloud"].troubled and watch.seen["cloud"].error == "no answer"


# --- where it may not go ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/x",
        "http://localhost:{port}/x",
        "http://2130706433:{port}/x",
        "http://[::ffff:127.0.0.1]:{port}/x",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:{port}/",
    ],
)
@story
async def test_a_private_address_is_not_called(url: str):
    web = Web(response(200, SUMMARY))
    async with listening(web) as port:
        with pytest.raises((OSError, ValueError)):
            await Fetcher().get(url.format(port=port))

    assert web.seen == []


@story
async def test_a_redirect_is_not_followed():
    inside = Web(response(200, SUMMARY))
    async with listening(inside) as port:
        outside = Web(response(302, Location=f"http://127.0.0.1:{port}/secret"))
        async with listening(outside) as front:
            with pytest.raises(OSError, match="302"):
                await Fetcher(allow_private=True).get(f"http://127.0.0.1:{front}/")

    assert inside.seen == []


def test_a_name_that_leads_to_a_public_and_a_private_address_is_refused():
    with pytest.raises(Forbidden):
        judged("rebound.example", ["93.184.216.34", "127.0.0.1"], allow_private=False)


@story
async def test_a_body_without_end_is_cut():
    async with listening(Web(response(200, b"x" * (BODY_MAX + 10)))) as port:
        with pytest.raises(OSError, match="at most"):
            await Fetcher(allow_private=True).get(f"http://127.0.0.1:{port}/")
