"""Announcements on their way, with the real engine, store and writer thread; providers fail in every way they know."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.senders.servers import Reader, Web, Writer, listening, response
from tests.test_delivery import BUSY, GONE, SOON, T0, Town, story
from tocsin.core.announcement import Announcement, Owed, Recipient, ToldTo
from tocsin.core.commands import MarkDrill
from tocsin.core.facts import AnnouncementFailed, AnnouncementSent
from tocsin.core.incident import Incident
from tocsin.ports import Receipt
from tocsin.saying.announcing import Allowance, Announcing, WriterDesk
from tocsin.saying.paces import LEASED_MAX, Paces
from tocsin.senders.webhook import WebhookSender

FAST = {"email": 10_000.0, "webhook": 10_000.0}


def said(name: str = "a1", **changes: object) -> Announcement:
    values: dict[str, object] = {
        "id": name,
        "topic": f"test/{name}",
        "subject": "Checkout is slow",
        "text": "We look into it.",
        "at": T0,
        "audience": "customers",
    }
    return Announcement(**{**values, **changes})  # type: ignore[arg-type]


def mails(count: int, **changes: object) -> tuple[Recipient, ...]:
    return tuple(Recipient(kind="email", address=f"p{n}@example.org", **changes) for n in range(count))  # type: ignore[arg-type]


class Square:
    """A town and its announcing."""

    def __init__(self, town: Town, paces: Paces | None = None, allowance: Allowance | None = None) -> None:
        self.town = town
        desk = WriterDesk(town.engine, town.writer.submit)
        dispatch, clock = town.delivery.dispatch, town.clock
        self.announcing = Announcing(desk, dispatch, clock, paces or Paces(FAST), allowance)

    async def owe(self, announcement: Announcement, *recipients: Recipient) -> None:
        owed = Owed(tenant="default", announcement=announcement, recipients=recipients)
        await self.town.do(lambda: self.town.store.commit(announce=[owed]))
        self.announcing.nudge()

    async def told(self, name: str = "a1") -> list[ToldTo]:
        found = await self.town.do(lambda: self.town.store.told_to("default", name, limit=100_000))
        assert isinstance(found, list)
        return found

    async def until(self, states: dict[str, int], name: str = "a1", seconds: float = SOON) -> list[ToldTo]:
        """The recipients, once so many are in these states."""
        async with asyncio.timeout(seconds):
            while True:
                found = await self.told(name)
                if all(sum(each.state == state for each in found) == count for state, count in states.items()):
                    return found
                await asyncio.sleep(0.01)

    async def attempted(self, count: int, name: str = "a1") -> list[ToldTo]:
        """The recipients, once that many mails were tried and their outcomes are stored."""
        async with asyncio.timeout(SOON):
            await self.town.email.reached(count)
            while self.announcing.in_flight:
                await asyncio.sleep(0.01)
        return await self.told(name)

    async def later(self, **span: float) -> None:
        self.town.clock.advance(timedelta(**span))
        self.announcing.nudge()


@asynccontextmanager
async def announcing(
    folder: Path, paces: Paces | None = None, allowance: Allowance | None = None
) -> AsyncIterator[Square]:
    town = Town(folder)
    square = Square(town, paces, allowance)
    task = asyncio.create_task(square.announcing.run())
    try:
        yield square
    finally:
        await square.announcing.stop(0.1)
        await asyncio.wait_for(task, SOON)
        await town.delivery.stop(0.1)
        town.writer.submit(town.store.close).result()
        town.writer.stop(SOON)


@story
async def test_what_is_owed_goes_out_and_says_so(tmp_path):
    async with announcing(tmp_path) as square:
        to = Recipient(kind="email", address="ana@example.org", name="Ana", unsubscribe_url="https://x.example/u/1")
        await square.owe(said(), to)
        (told,) = await square.until({"sent": 1})
        (message,) = square.town.email.seen

    assert (told.code, told.provider_id, told.attempts) == ("sent", "p1", 1)
    assert (message.id, message.subject, message.text) == ("a1-0", "Checkout is slow", "We look into it.")
    assert (message.acknowledge_url, message.incident_url, message.topic) == (None, "", "test/a1")
    assert message.unsubscribe_url == "https://x.example/u/1"
    assert message.person.name == "Ana"


@story
async def test_a_failure_for_good_is_visible_with_its_reason(tmp_path):
    async with announcing(tmp_path) as square:
        square.town.email.answers["p0@example.org"] = [GONE]
        await square.owe(said(), *mails(2))
        told = await square.until({"sent": 1, "failed": 1})

    assert [(each.state, each.code, each.detail) for each in told] == [("failed", "gone", "410"), ("sent", "sent", "")]


@story
async def test_a_refusal_is_tried_again_with_the_same_id(tmp_path):
    async with announcing(tmp_path) as square:
        square.town.email.answers["p0@example.org"] = [BUSY, BUSY]
        await square.owe(said(), *mails(1))
        (waiting,) = await square.attempted(1)
        await square.later(seconds=10)
        await square.attempted(2)
        await square.later(seconds=30)
        (told,) = await square.until({"sent": 1})

    assert (waiting.state, waiting.code) == ("pending", "refused")
    assert T0 + timedelta(seconds=4) <= waiting.next_at <= T0 + timedelta(seconds=6)
    assert told.attempts == 3
    assert {message.id for message in square.town.email.seen} == {"a1-0"}


@story
async def test_what_the_provider_asks_for_is_honoured_for_longer_than_a_page_would_wait(tmp_path):
    async with announcing(tmp_path) as square:
        wait = Receipt(code="throttled", detail="429", retry_after_seconds=1800)
        square.town.email.answers["p0@example.org"] = [wait]
        await square.owe(said(), *mails(1))
        (told,) = await square.attempted(1)

    assert told.next_at == T0 + timedelta(minutes=30)


@story
async def test_a_sender_that_raises_or_is_not_there_costs_only_its_own_message(tmp_path):
    async with announcing(tmp_path) as square:
        square.town.email.broken.add("p0@example.org")
        slack = Recipient(kind="slack", address="#incidents")
        await square.owe(said(), *mails(2), slack)
        told = await square.until({"sent": 1, "failed": 1, "pending": 1})

    assert [each.code for each in told] == ["unknown", "sent", "misconfigured"]
    assert "no sender for slack is configured" in told[2].detail


@story
async def test_a_provider_that_hangs_holds_up_no_other(tmp_path):
    async with announcing(tmp_path) as square:
        hooks = [Recipient(kind="webhook", address=f"https://slow.example/{n}") for n in range(2 * LEASED_MAX)]
        square.town.webhook.hang.update(each.address for each in hooks)
        await square.owe(said("slow"), *hooks)
        await square.town.webhook.reached(8)
        await square.owe(said("fast"), *mails(20))
        await square.until({"sent": 20}, "fast")

    assert len(square.town.webhook.seen) == 8


@story
async def test_a_paced_lane_sends_no_faster_than_its_pace(tmp_path):
    async with announcing(tmp_path, Paces({"email": 20.0})) as square:
        began = asyncio.get_running_loop().time()
        await square.owe(said(), *mails(40))
        await square.until({"sent": 40})
        took = asyncio.get_running_loop().time() - began

    assert took >= 0.9, "20 at once, 20 more within a second"


class Gate:
    """An allowance that is opened by hand."""

    def __init__(self) -> None:
        self.open = False
        self.waited = asyncio.Event()

    def may_announce(self) -> bool:
        return self.open

    def held_back(self) -> None:
        self.waited.set()


@story
async def test_over_the_limit_of_messages_announcements_wait_and_none_is_lost(tmp_path):
    gate = Gate()
    async with announcing(tmp_path, allowance=gate) as square:
        await square.owe(said(), *mails(3))
        await asyncio.wait_for(gate.waited.wait(), SOON)
        assert [each.state for each in await square.told()] == ["pending"] * 3
        gate.open = True
        square.announcing.nudge()
        await square.until({"sent": 3})


@story
async def test_a_drill_never_leaves_the_house_not_even_one_that_became_a_drill_meanwhile(tmp_path):
    async with announcing(tmp_path) as square:
        incident = await square.town.alert()
        await square.town.command(incident, MarkDrill(by="ana"))
        await square.owe(said("out", incident=incident, outside=True), *mails(1))
        await square.owe(said("in", incident=incident), *mails(1))
        (told,) = await square.until({"withdrawn": 1}, "out")
        await square.until({"sent": 1}, "in")

    assert told.detail == "a drill is not announced outside"
    assert [message.id for message in square.town.email.seen] == ["in-0"]


@story
async def test_who_unsubscribed_while_the_message_waited_is_not_sent_it(tmp_path):
    async with announcing(tmp_path, Paces({"email": 1.0})) as square:
        await square.owe(said(), *mails(2))
        await square.until({"sent": 1})
        await square.town.do(lambda: square.town.store.withdraw("default", "email", "p1@example.org"))
        await square.until({"withdrawn": 1})

    assert [message.id for message in square.town.email.seen] == ["a1-0"]


@story
async def test_the_end_at_a_named_channel_is_on_the_timeline_and_private_addresses_are_not(tmp_path):
    async with announcing(tmp_path) as square:
        incident = await square.town.alert()
        square.town.email.answers["p1@example.org"] = [GONE]
        named = [
            Recipient(kind="email", address=f"p{n}@example.org", name=f"list {n}", timeline=True) for n in range(2)
        ]
        private = Recipient(kind="email", address="somebody@example.org")
        await square.owe(said(incident=incident), *named, private)
        (sent,) = await square.town.facts(incident, AnnouncementSent)
        (failed,) = await square.town.facts(incident, AnnouncementFailed)
        await square.until({"sent": 2, "failed": 1})
        facts = await square.town.do(lambda: square.town.store.facts("default", incident))

    assert (sent.audience, sent.name, sent.announcement) == ("customers", "list 0", "a1")
    assert (failed.name, failed.code, failed.detail) == ("list 1", "gone", "410")
    assert "somebody" not in repr(facts)


@story
async def test_an_announcer_is_asked_in_the_commit_and_one_that_fails_loses_no_incident(tmp_path):
    def announcer(tenant: str, before: Incident | None, incident: Incident, facts: Sequence[object]) -> list[Owed]:
        if before is not None:
            raise ValueError("a fault in the announcer")
        return [Owed(tenant=tenant, announcement=said(incident=incident.id), recipients=mails(1))]

    async with announcing(tmp_path) as square:
        square.town.engine.announcing(announcer)
        incident = await square.town.alert()
        square.announcing.nudge()
        await square.until({"sent": 1})
        await square.town.command(incident, MarkDrill(by="ana"))

    assert square.town.engine.listeners.announcer_failures >= 1


class Moody(Web):
    """Each request meets the next of these answers, over and over, and after a hundred of them always the last."""

    def __init__(self, *answers: bytes | None) -> None:
        super().__init__(answers[0])
        self._answers = itertools.chain(itertools.islice(itertools.cycle(answers), 100), itertools.repeat(answers[-1]))

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        self.answer = next(self._answers)
        await super().__call__(reader, writer)


@pytest.mark.slow
@story
async def test_many_are_told_while_the_provider_fails_in_every_way(tmp_path):
    """429 with Retry-After, 500, a hang-up in the middle of an answer, garbage: each in turn, then it recovers."""
    web = Moody(
        response(500),
        response(429, b"", retry_after="1"),
        b"HTTP/1.1 200 O",
        b"\xff\xfe nonsense",
        None,
        response(200),
    )
    async with listening(web) as port, announcing(tmp_path, Paces(FAST, [0.01])) as square:
        square.town.delivery._senders["webhook"] = WebhookSender(clock=square.town.clock, allow_private=True)
        hooks = [Recipient(kind="webhook", address=f"http://127.0.0.1:{port}/{n}") for n in range(24)]
        await square.owe(said(), *hooks)
        async with asyncio.timeout(60):
            while any(each.state == "pending" for each in await square.told()):
                await asyncio.sleep(0.3)
                await square.later(seconds=300)
        told = await square.told()

    assert {each.state for each in told} == {"sent"}
    ids = [request.headers["webhook-id"] for request in web.seen]
    assert set(ids) == {f"a1-{n}" for n in range(24)}
