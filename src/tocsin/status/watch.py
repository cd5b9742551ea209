"""Watching the status pages of providers: what they say is shown beside our own incidents, never posted anywhere.

A provider's page is an outsider's: the answer is bounded, redirects are not followed, private addresses are refused
(all of that in senders/http.py), and what it says is shown as text.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from xml.etree import ElementTree

import msgspec

from tocsin.clock import Clock
from tocsin.core.status import Provider

POLL_SECONDS = 60.0
TITLES_MAX = 20
TEXT_MAX = 200
FRESH = timedelta(hours=12)  # how old a feed's entry may be and still be news
PARALLEL_MAX = 4
ATOM = "{http://www.w3.org/2005/Atom}"

log = logging.getLogger(__name__)
Fetch = Callable[[str], Awaitable[bytes]]
"""The body at an address. Raises OSError with the reason in words."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider said when it was asked last. `error`: why it could not be read, "" when it could."""

    provider: str
    name: str
    services: tuple[str, ...]
    url: str
    at: datetime
    indicator: str = ""  # none, minor, major, critical, maintenance; "" where the page does not say
    sentence: str = ""
    problems: tuple[str, ...] = ()
    error: str = ""

    @property
    def troubled(self) -> bool:
        return bool(self.problems) or self.indicator in ("minor", "major", "critical")


class Summary(msgspec.Struct, frozen=True):
    """As much of Atlassian's `summary.json` as matters."""

    status: dict[str, Any] = {}
    incidents: list[dict[str, Any]] = []


class Watch:
    """Polls until it is cancelled. `providers` are asked for anew each time; `seen` is what they said last."""

    def __init__(self, clock: Clock, providers: Callable[[], list[Provider]], fetch: Fetch) -> None:
        self._clock, self._providers, self._fetch = clock, providers, fetch
        self.seen: dict[str, Seen] = {}

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(POLL_SECONDS)

    async def look(self) -> None:
        """Every provider was asked once; one that fails keeps what it said before, and says that it failed."""
        providers = self._providers()
        places = asyncio.Semaphore(PARALLEL_MAX)

        async def ask(provider: Provider) -> None:
            async with places:
                self.seen[provider.id] = await self._ask(provider)

        await asyncio.gather(*(ask(each) for each in providers))
        for name in set(self.seen) - {each.id for each in providers}:
            del self.seen[name]

    async def _ask(self, provider: Provider) -> Seen:
        now = self._clock.now()
        empty = Seen(
            provider=provider.id,
            name=provider.name or provider.id,
            services=provider.services,
            url=provider.url,
            at=now,
        )
        try:
            body = await self._fetch(address_of(provider))
            return read_feed(body, empty) if provider.kind == "feed" else read_summary(body, empty)
        except (OSError, ValueError, RecursionError, ElementTree.ParseError) as error:
            before = self.seen.get(provider.id, empty)
            log.info("provider %s could not be read: %s", provider.id, error)
            return msgspec.structs.replace(before, at=now, error=str(error)[:TEXT_MAX])


def address_of(provider: Provider) -> str:
    """What is fetched: Atlassian's summary of the page, or the feed itself."""
    if provider.kind == "feed" or provider.url.endswith(".json"):
        return provider.url
    return provider.url.rstrip("/") + "/api/v2/summary.json"


def read_summary(body: bytes, empty: Seen) -> Seen:
    """What Atlassian's JSON says. Raises ValueError."""
    said = msgspec.json.decode(body, type=Summary)
    problems = [f"{_word(each, 'name')} ({_word(each, 'status')})" for each in said.incidents[:TITLES_MAX]]
    return msgspec.structs.replace(
        empty,
        indicator=_word(said.status, "indicator"),
        sentence=_word(said.status, "description"),
        problems=tuple(problems),
    )


def _word(table: dict[str, Any], name: str) -> str:
    return " ".join(str(table.get(name, "")).split())[:TEXT_MAX]


def read_feed(body: bytes, empty: Seen) -> Seen:
    """The fresh entries of an Atom or RSS feed. Raises ValueError, ElementTree.ParseError.

    A document type is refused: an entity that doubles forty times is larger than the machine. So is UTF-16, in which it
    could not be seen.
    """
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        raise ValueError("feed: expected one without a document type")
    root = ElementTree.fromstring(body)
    titles: list[str] = []
    for entry in (*root.iter("item"), *root.iter(f"{ATOM}entry")):
        at = _instant(entry)
        title = entry.findtext("title") or entry.findtext(f"{ATOM}title") or ""
        if at is not None and empty.at - at <= FRESH and title.strip():
            titles.append(" ".join(title.split())[:TEXT_MAX])
    return msgspec.structs.replace(empty, problems=tuple(titles[:TITLES_MAX]))


def _instant(entry: ElementTree.Element) -> datetime | None:
    text = entry.findtext("pubDate") or entry.findtext(f"{ATOM}updated") or entry.findtext(f"{ATOM}published") or ""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            at = read(text.strip())
        except ValueError:
            continue
        return at if at.tzinfo else None
    return None
