"""Pages on their way, with the real engine, store, writer thread and delivery; only the providers are made up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.senders.servers import Mailbox, mail_server
from tocsin.clock import ManualClock
from tocsin.core.alert import Verdict
from tocsin.core.commands import Acknowledge, Resolve
from tocsin.core.facts import AlertName, PageFailed, PageSent, PersonUnreachable
from tocsin.core.people import Method, Person
from tocsin.core.policy import Deadline, Escalation, Level, Policy, Severity
from tocsin.core.view import IncidentView
from tocsin.delivery import Delivery, Seen, WriterDesk
from tocsin.engine import Engine, Group
from tocsin.http.links import Links
from tocsin.lanes import PLACES_MAX, destination
from tocsin.ports import LeasedPage, Message, Receipt
from tocsin.senders.email import EmailSender
from tocsin.store.sqlite import SqliteStore
from tocsin.writer import Writer

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SOON = 4.0  # seconds of real time within which anything expected here has long happened
BUSY = Receipt(code="refused", detail="451 try again later")
GONE = Receipt(code="gone", permanent=True, detail="410")
LINKS = Links([b"0123456789abcdef"], "https://tocsin.example")

POLICY = Policy(
    title="Test guide",
    severities=(Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=3600)),),
    escalation=Escalation(levels=(Level(level=1, who=("on call",), within=Deadline(seconds=3600)),)),
)


class Provider:
    """A sender whose answers are told: `answers` by address, one for each attempt, afterwards all is accepted.

    An address in `hang` is never answered; one in `broken` raises.
    """

    def __init__(self, kind: str = "email") -> None:
        self.kind = kind
        self.seen: list[Message] = []
        self.answers: dict[str, list[Receipt]] = {}
        self.hang: set[str] = set()
        self.broken: set[str] = set()
        self.closed = False
        self._changed = asyncio.Event()

    async def send(self, message: Message) -> Receipt:
        self.seen.append(message)
        self._changed.set()
        address = message.method.address
        if address in self.hang:
            await asyncio.Event().wait()
        if address in self.broken:
            raise ZeroDivisionError("a fault in the sender")
        queued = self.answers.get(address)
        return queued.pop(0) if queued else Receipt(code="sent", provider_id="p1")

    async def close(self) -> None:
        self.closed = True

    async def reached(self, number: int) -> list[Message]:
        """The messages once there are at least `number`."""
        async with asyncio.timeout(SOON):
            while len(self.seen) < number:
                self._changed.clear()
                await self._changed.wait()
        return self.seen


def person(name: str, *methods: tuple[str, str, int]) -> Person:
    given = methods or (("email", f"{name}@example.org", 0),)
    return Person(
        id=name,
        methods=tuple(Method(kind=kind, address=address, after_seconds=after) for kind, address, after in given),  # type: ignore[arg-type]
    )


class Town:
    """One Tocsin without faces: a store on disk, an engine, a writer thread, a delivery, made-up providers."""

    def __init__(self, folder: Path, *people: Person) -> None:
        self.clock = ManualClock(T0)
        self.store = SqliteStore(folder / "tocsin.db", self.clock)
        ids = itertools.count(1)
        self.engine = Engine(self.store, new_id=lambda: f"i{next(ids)}")
        self.writer = Writer(lambda: 0)
        self.writer.start()
        self.writer.submit(self.store.own).result()
        self.email, self.webhook = Provider("email"), Provider("webhook")
        self.delivery = self.made()
        self.engine.subscribe(lambda *_: self.delivery.nudge())
        self._prepare(people or (person("ana"),))

    def made(self) -> Delivery:
        desk = WriterDesk(self.engine, self.writer.submit)
        senders = {"email": self.email, "webhook": self.webhook}
        return Delivery(desk, senders, links=LINKS, clock=self.clock, public_url="https://tocsin.example")

    def _prepare(self, people: tuple[Person, ...]) -> None:
        def put() -> None:
            for each in people:
                self.store.put("default", "person", each.id, msgspec.json.encode(each))
            everybody = msgspec.json.encode([each.id for each in people])
            self.store.put("default", "binding", "on call", everybody)
            self.engine.guides.activate("default", "main", POLICY)

        self.writer.submit(put).result()

    async def do(self, task: Callable[[], object]) -> object:
        return await asyncio.wrap_future(self.writer.submit(task))

    async def alert(self, key: str = "checkout") -> str:
        verdict = Verdict(outcome="page", guide="main", severity="SEV-1", service="checkout", key=key)
        name = AlertName(fingerprint="00000000000000aa", starts_at=T0, title=f"{key} fails")
        group = Group(key=key, verdict=verdict, title=f"{key} fails", source="p", fired=(name,), fired_count=1)
        opened = await self.do(lambda: self.engine.report("default", [group]))
        assert isinstance(opened, dict)
        return str(opened[key])

    async def command(self, incident: str, command: object) -> None:
        await self.do(lambda: self.engine.handle("default", incident, command))

    async def later(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))
        self.delivery.nudge()

    async def facts(self, incident: str, kind: type, number: int = 1) -> list:
        """The facts of a kind, once there are at least `number`."""
        async with asyncio.timeout(SOON):
            while True:
                known = await self.do(lambda: self.store.facts("default", incident))
                found = [fact for fact in known if isinstance(fact, kind)]  # type: ignore[attr-defined]
                if len(found) >= number:
                    return found
                await asyncio.sleep(0.01)

    async def settled(self) -> None:
        """Nothing is under way, and the store has been looked at since."""
        async with asyncio.timeout(SOON):
            for _ in range(3):
                self.delivery.nudge()
                await asyncio.sleep(0.02)
                while self.delivery.in_flight:
                    await asyncio.sleep(0.01)


@asynccontextmanager
async def running(folder: Path, *people: Person) -> AsyncIterator[Town]:
    town = Town(folder, *people)
    task = asyncio.create_task(town.delivery.run())
    try:
        yield town
    finally:
        await town.delivery.stop(0.1)
        await asyncio.wait_for(task, SOON)
        town.writer.submit(town.store.close).result()
        town.writer.stop(SOON)


def story(test: Callable[[Path], Awaitable[None]]) -> Callable[[Path], None]:
    """A test that runs in an event loop of its own."""

    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    run.__name__ = test.__name__
    run.__doc__ = test.__doc__
    return run


@story
async def test_a_page_goes_out_at_once_and_its_receipt_is_on_the_timeline(tmp_path):
    async with running(tmp_path) as town:
        incident = await town.alert()
        (message,) = await town.email.reached(1)
        (sent,) = await town.facts(incident, PageSent)

    assert message.subject == "[SEV-1] checkout fails (INC-2026-001)"
    assert message.acknowledge_url.startswith("https://tocsin.example/a/")
    assert message.acknowledge_url in message.text
    assert message.incident_url == "https://tocsin.example/incidents/INC-2026-001"
    assert (message.event, message.rank, message.attempt) == ("page", 0, 1)
    assert message.data["id"] == incident
    assert (sent.page, sent.person, sent.provider_id) == (message.id, "ana", "p1")


@story
async def test_the_link_of_a_page_is_good_for_its_person_and_incident(tmp_path):
    async with running(tmp_path) as town:
        incident = await town.alert()
        (message,) = await town.email.reached(1)

    ticket = LINKS.read(message.acknowledge_url.rpartition("/")[2], T0)

    assert (ticket.person, ticket.page, ticket.incidents) == ("ana", message.id, (incident,))


@story
async def test_a_failed_attempt_is_made_again_with_the_same_id(tmp_path):
    async with running(tmp_path) as town:
        town.email.answers["ana@example.org"] = [BUSY, BUSY]
        incident = await town.alert()
        await town.facts(incident, PageFailed, 1)
        await town.later(seconds=10)
        failed = await town.facts(incident, PageFailed, 2)
        await town.later(seconds=30)
        await town.facts(incident, PageSent)

    assert [each.attempt for each in town.email.seen] == [1, 2, 3]
    assert len({each.id for each in town.email.seen}) == 1
    assert failed[0].code == "refused" and failed[0].again_at is not None


@story
async def test_a_kill_between_send_and_receipt_sends_the_page_again_with_the_same_id(tmp_path):
    async with running(tmp_path) as town:
        town.email.hang.add("ana@example.org")  # it was handed over; the receipt never comes
        incident = await town.alert()
        await town.email.reached(1)
        await town.delivery.stop(0)
        town.email.hang.clear()

        town.delivery = town.made()
        again = asyncio.create_task(town.delivery.run())
        await town.settled()
        before_the_lease_ended = len(town.email.seen)
        await town.later(seconds=61)
        await town.facts(incident, PageSent)
        await town.delivery.stop()
        await again

    assert before_the_lease_ended == 1
    assert len(town.email.seen) == 2
    assert town.email.seen[0].id == town.email.seen[1].id


class Held(WriterDesk):
    """A desk that looks again only once it is let: the gap between lease and send, as wide as a test needs it."""

    def __init__(self, *args) -> None:
        super().__init__(*args)
        self.leased = asyncio.Event()
        self.let = asyncio.Event()

    async def look(self, page: LeasedPage) -> Seen | None:
        self.leased.set()
        await self.let.wait()
        return await super().look(page)


@pytest.mark.parametrize("command", [Acknowledge(by="ben", via="web"), Resolve(by="ben")], ids=["ack", "resolve"])
def test_what_is_acknowledged_or_resolved_while_leased_is_not_sent(tmp_path, command):
    async def story() -> None:
        async with running(tmp_path) as town:
            await town.delivery.stop(0)
            desk = Held(town.engine, town.writer.submit)
            town.delivery = Delivery(desk, {"email": town.email}, links=LINKS, clock=town.clock, public_url="https://t")
            task = asyncio.create_task(town.delivery.run())
            incident = await town.alert()
            await asyncio.wait_for(desk.leased.wait(), SOON)
            await town.command(incident, command)
            desk.let.set()
            await town.settled()
            await town.later(minutes=30)
            await town.settled()
            await town.delivery.stop()
            await task

        assert town.email.seen == []
        assert town.delivery.counts == {("email", "forgiven"): 1}

    asyncio.run(story())


@story
async def test_what_is_acknowledged_between_two_attempts_is_not_tried_again(tmp_path):
    async with running(tmp_path) as town:
        town.email.answers["ana@example.org"] = [BUSY]
        incident = await town.alert()
        await town.facts(incident, PageFailed)
        await town.command(incident, Acknowledge(by="ben"))
        await town.later(minutes=30)
        await town.settled()

    assert len(town.email.seen) == 1


@story
async def test_a_permanent_failure_moves_on_to_the_next_method_at_once(tmp_path):
    ana = person("ana", ("webhook", "https://hook.example/ana", 0), ("email", "ana@example.org", 600))
    async with running(tmp_path, ana) as town:
        town.webhook.answers["https://hook.example/ana"] = [GONE]
        incident = await town.alert()
        (message,) = await town.email.reached(1)
        (failed,) = await town.facts(incident, PageFailed)

    assert message.method.address == "ana@example.org"
    assert (failed.code, failed.again_at) == ("gone", None)


@story
async def test_a_person_without_a_method_that_works_is_said_to_be_unreachable(tmp_path):
    async with running(tmp_path) as town:
        town.email.answers["ana@example.org"] = [GONE]
        incident = await town.alert()
        (lost,) = await town.facts(incident, PersonUnreachable)

    assert lost.person == "ana"


@story
async def test_a_sender_that_hangs_delays_nobody_else(tmp_path):
    async with running(tmp_path, person("ana"), person("ben")) as town:
        town.email.hang.add("ana@example.org")
        incident = await town.alert()
        await town.email.reached(2)
        (sent,) = await town.facts(incident, PageSent)

    assert sent.person == "ben"


@story
async def test_a_sender_that_raises_is_a_failed_attempt_and_delays_nobody_else(tmp_path):
    async with running(tmp_path, person("ana"), person("ben")) as town:
        town.email.broken.add("ana@example.org")
        incident = await town.alert()
        (failed,) = await town.facts(incident, PageFailed)
        (sent,) = await town.facts(incident, PageSent)

    assert (failed.person, failed.code) == ("ana", "unknown")
    assert failed.again_at is not None
    assert sent.person == "ben"


@story
async def test_a_channel_that_is_not_configured_is_said_so_and_passed(tmp_path):
    ana = person("ana", ("ntfy", "https://ntfy.example/ana", 0), ("email", "ana@example.org", 600))
    async with running(tmp_path, ana) as town:
        incident = await town.alert()
        (failed,) = await town.facts(incident, PageFailed)
        await town.email.reached(1)

    assert failed.code == "misconfigured"
    assert "no sender for ntfy is configured, only email, webhook" in failed.detail


@story
async def test_a_storm_becomes_one_message_whose_link_covers_all_of_it(tmp_path):
    async with running(tmp_path) as town:
        await town.delivery.stop(0)
        incidents = [await town.alert(f"k{n}") for n in range(20)]
        town.delivery = town.made()
        task = asyncio.create_task(town.delivery.run())
        messages = await town.email.reached(5)
        await town.facts(incidents[-1], PageSent)
        await town.settled()
        sent = [await town.facts(incident, PageSent) for incident in incidents]
        await town.delivery.stop()
        await task

    bundle = messages[-1]
    ticket = LINKS.read(bundle.acknowledge_url.rpartition("/")[2], T0)
    assert [each.event for each in messages] == ["page", "page", "page", "page", "bundle"]
    assert bundle.subject.startswith("16 incidents wait for you, the worst is SEV-1")
    assert len(ticket.incidents) == 16
    assert all(len(each) == 1 for each in sent)


@story
async def test_a_bundle_leaves_out_what_was_acknowledged_meanwhile(tmp_path):
    async with running(tmp_path) as town:
        await town.delivery.stop(0)
        incidents = [await town.alert(f"k{n}") for n in range(8)]
        desk = Held(town.engine, town.writer.submit)
        town.delivery = Delivery(desk, {"email": town.email}, links=LINKS, clock=town.clock, public_url="https://t")
        task = asyncio.create_task(town.delivery.run())
        await asyncio.wait_for(desk.leased.wait(), SOON)
        await town.command(incidents[4], Acknowledge(by="ben"))  # the first of the bundle
        await town.command(incidents[6], Acknowledge(by="ben"))
        desk.let.set()
        await town.facts(incidents[7], PageSent)
        await town.settled()
        told = [await town.do(lambda i=i: town.store.facts("default", i)) for i in incidents]
        await town.delivery.stop()
        await task

    bundle = next(each for each in town.email.seen if each.event == "bundle")
    assert len(LINKS.read(bundle.acknowledge_url.rpartition("/")[2], T0).incidents) == 2
    assert "k4 fails" not in bundle.text and "k6 fails" not in bundle.text
    paged = [any(isinstance(fact, PageSent) for fact in facts) for facts in told]
    assert paged == [True, True, True, True, False, True, False, True]


@story
async def test_a_stop_ends_in_time_and_says_goodbye_to_the_senders(tmp_path):
    async with running(tmp_path) as town:
        town.email.hang.add("ana@example.org")
        await town.alert()
        await town.email.reached(1)

        async with asyncio.timeout(2):
            await town.delivery.stop(0.2)

    assert town.email.closed and town.webhook.closed
    assert town.delivery.in_flight == 0


@story
async def test_a_test_message_goes_out_once_and_asks_for_nothing(tmp_path):
    async with running(tmp_path) as town:
        town.email.answers["ana@example.org"] = [BUSY]
        receipt = await town.delivery.trial(person("ana"), Method(kind="email", address="ana@example.org"))
        await town.later(minutes=5)
        await town.settled()

    assert receipt == BUSY
    assert [each.event for each in town.email.seen] == ["test"]
    assert town.email.seen[0].acknowledge_url is None


@story
async def test_an_alarm_goes_out_directly_and_does_not_need_the_store(tmp_path):
    async with running(tmp_path) as town:
        method = Method(kind="email", address="ana@example.org")
        receipt = await town.delivery.trial(person("ana"), method, "a page has been owed for 90 s")

    assert receipt.code == "sent"
    assert town.email.seen[0].event == "alarm"
    assert "a page has been owed for 90 s" in town.email.seen[0].subject


@story
async def test_a_clock_that_is_set_forward_does_not_have_a_page_under_way_sent_again(tmp_path):
    async with running(tmp_path) as town:
        town.email.hang.add("ana@example.org")
        incident = await town.alert()
        await town.email.reached(1)
        for _ in range(3):
            await town.later(hours=2)
            await town.do(lambda: None)
            await asyncio.sleep(0.05)
        attempts = len([each for each in town.email.seen if each.incident == incident and each.event == "page"])

    assert attempts == 1


# --- without a store --------------------------------------------------------------------------------------------------


def leased(n: int, address: str, kind: str = "webhook") -> LeasedPage:
    return LeasedPage(
        tenant="default",
        id=f"p{n}",
        incident=f"i{n}",
        person=f"person-{n}",
        kind=kind,
        address=address,
        level=1,
        notice=False,
        method=0,
        attempt=1,
        lease=str(n),
        lease_until=T0 + timedelta(seconds=60),
    )


class Pile:
    """A desk that gives out what lies on it, and can fail."""

    def __init__(self, view: IncidentView, *pages: LeasedPage) -> None:
        self._view = view
        self.pages = list(pages)
        self.receipts: dict[str, Receipt] = {}
        self.faults = 0
        self.got = asyncio.Event()

    async def lease(self, limit: int, held: Collection[LeasedPage]) -> list[LeasedPage]:
        if self.faults:
            self.faults -= 1
            raise OSError("disk full")
        out, self.pages = self.pages[:limit], self.pages[limit:]
        return out

    async def look(self, page: LeasedPage) -> Seen | None:
        return Seen(person=Person(id=page.person), concerns=((self._view, 0),), page=page)

    async def receive(self, page: LeasedPage, receipt: Receipt) -> None:
        self.receipts[page.id] = receipt
        self.got.set()

    async def next_at(self) -> datetime | None:
        return None


async def a_view(folder: Path) -> IncidentView:
    async with running(folder) as town:
        incident = await town.alert()
        view = await town.do(lambda: town.engine.view("default", town.engine.load("default", incident)))
    assert isinstance(view, IncidentView)
    return view


@story
async def test_a_server_that_hangs_holds_up_its_own_pages_only(tmp_path):
    provider = Provider("webhook")
    provider.hang.add("https://black-hole.example/x")
    pages = [leased(n, "https://black-hole.example/x") for n in range(100)] + [leased(100, "https://fine.example/x")]
    desk = Pile(await a_view(tmp_path), *pages)
    delivery = Delivery(desk, {"webhook": provider}, links=LINKS, clock=ManualClock(T0), public_url="https://t")
    task = asyncio.create_task(delivery.run())

    await asyncio.wait_for(desk.got.wait(), SOON)
    await delivery.stop(0)
    await task

    assert {page: receipt.code for page, receipt in desk.receipts.items()} == {"p100": "sent"}
    assert len(provider.seen) == PLACES_MAX + 1


@story
async def test_a_store_that_fails_for_a_moment_is_asked_again(tmp_path):
    provider = Provider("webhook")
    desk = Pile(await a_view(tmp_path), leased(1, "https://fine.example/x"))
    desk.faults = 1
    delivery = Delivery(desk, {"webhook": provider}, links=LINKS, clock=ManualClock(T0), public_url="https://t")
    task = asyncio.create_task(delivery.run())

    await asyncio.wait_for(desk.got.wait(), SOON)
    await delivery.stop()
    await task

    assert desk.receipts["p1"].code == "sent"
    assert delivery.failures == 1


@story
async def test_a_lease_that_is_nearly_over_is_left_to_the_next_one(tmp_path):
    provider = Provider("webhook")
    desk = Pile(await a_view(tmp_path), leased(1, "https://fine.example/x"))
    clock = ManualClock(T0 + timedelta(seconds=45))
    delivery = Delivery(desk, {"webhook": provider}, links=LINKS, clock=clock, public_url="https://t")
    task = asyncio.create_task(delivery.run())
    async with asyncio.timeout(SOON):
        while desk.pages or delivery.in_flight:
            await asyncio.sleep(0.01)
    await delivery.stop()
    await task

    assert provider.seen == [] and desk.receipts == {}


@pytest.mark.parametrize(
    ("kind", "address", "server"),
    [
        ("webhook", "https://user:secret@hook.example:8443/x?y", "webhook hook.example:8443"),
        ("ntfy", "https://ntfy.example/a", "ntfy ntfy.example"),
        ("email", "ana@example.org", "email"),
        ("webhook", "http://[broken", "webhook"),
    ],
)
def test_a_destination_is_the_server_and_never_a_secret(kind, address, server):
    assert destination(kind, address) == server


# --- the whole way ----------------------------------------------------------------------------------------------------


@story
async def test_a_page_arrives_in_a_real_mailbox_and_its_link_is_whole(tmp_path):
    mailbox = Mailbox()
    async with mail_server(mailbox) as port, running(tmp_path) as town:
        await town.delivery.stop(0)
        sender = EmailSender(host="127.0.0.1", port=port, sender="tocsin@example.org", tls="none")
        desk = WriterDesk(town.engine, town.writer.submit)
        town.delivery = Delivery(
            desk, {"email": sender}, links=LINKS, clock=town.clock, public_url="https://tocsin.example"
        )
        task = asyncio.create_task(town.delivery.run())
        incident = await town.alert()
        (sent,) = await town.facts(incident, PageSent)
        await town.delivery.stop()
        await task

    (mail,) = mailbox.mails
    text = mail.get_body(("plain",)).get_content()
    token = text.split("Acknowledge: https://tocsin.example/a/")[1].split()[0]
    assert mail["To"] == "ana@example.org"
    assert LINKS.read(token, T0).incidents == (incident,)
    assert sent.provider_id == "Ok: queued as ABC123"
