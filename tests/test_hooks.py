"""Hooks, with the real engine, store, writer thread and receivers: what is told, how it is signed, what stops it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from standardwebhooks.webhooks import Webhook

from tests.senders.servers import Web, listening, response
from tests.test_delivery import SOON, Town, story
from tocsin.clock import SystemClock
from tocsin.core import commands as c, facts as f
from tocsin.core.hooks import EVENTS, HOOK, PAGERDUTY_EVENTS, Hook, check_hook, happenings, wants
from tocsin.saying.announcing import Announcing, WriterDesk
from tocsin.saying.hooks import STOPPED, Delivery, Hooks, deliveries, replay, stopped
from tocsin.saying.paces import Paces
from tocsin.senders.events import EventSender, fitting
from tocsin.senders.webhook import BODY_BYTES_MAX

STANDARD = "whsec_" + base64.b64encode(b"k" * 32).decode()
PAGERDUTY = "an honest secret of 32 characters"
URL = "https://tocsin.example"


class Square:
    """A town, its hooks and their way out. The signature's clock is the real one: the library that verifies has it."""

    def __init__(self, town: Town, *, allow_private: bool = True) -> None:
        self.town = town
        self.hooks = Hooks("default", town.engine, URL)
        town.engine.announcing(self.hooks.announce)
        sender = EventSender(self.hooks.named, clock=SystemClock(), public_url=URL, allow_private=allow_private)
        town.delivery._senders[HOOK] = sender
        self.announcing = Announcing(
            WriterDesk(town.engine, town.writer.submit, self.hooks.settled),
            town.delivery.dispatch,
            town.clock,
            Paces({HOOK: 10_000.0}),
        )
        town.engine.subscribe(lambda *_: self.announcing.nudge())

    async def keep(self, hook: Hook) -> None:
        def put() -> None:
            self.town.store.put("default", HOOK, hook.name, msgspec.json.encode(hook))
            self.hooks.load()

        await self.town.do(put)

    async def delivered(self, hook: str, *states: str) -> Sequence[Delivery]:
        """The deliveries of a hook, oldest first, once they are in these states."""
        async with asyncio.timeout(SOON):
            while True:
                found = await self.town.do(lambda: deliveries(self.town.store, "default", hook, 200)[::-1])
                assert isinstance(found, list)
                if [each.state for each in found] == list(states) and not self.announcing.in_flight:
                    return found
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hooked(folder: Path, *hooks: Hook, allow_private: bool = True) -> AsyncIterator[Square]:
    town = Town(folder)
    square = Square(town, allow_private=allow_private)
    for each in hooks:
        await square.keep(each)
    task = asyncio.create_task(square.announcing.run())
    try:
        yield square
    finally:
        await square.announcing.stop(0.1)
        await asyncio.wait_for(task, SOON)
        await town.delivery.stop(0.1)
        town.writer.submit(town.store.close).result()
        town.writer.stop(SOON)


def hook(port: int, name: str = "bus", **changes: object) -> Hook:
    return Hook(**{"name": name, "url": f"http://127.0.0.1:{port}/{name}", **changes})  # type: ignore[arg-type]


@story
async def test_the_standards_own_library_verifies_every_event(tmp_path):
    web = Web(response(200))
    async with listening(web) as port, hooked(tmp_path, hook(port, secret=STANDARD)) as square:
        incident = await square.town.alert()
        await square.town.command(incident, c.Acknowledge(by="ana", via="web"))
        await square.town.command(incident, c.Resolve(by="ana", because="rolled back"))
        await square.delivered("bus", "sent", "sent", "sent")

    said = sorted(
        (Webhook(STANDARD).verify(each.body, each.headers) for each in web.seen), key=lambda each: each["type"]
    )
    assert [each["type"] for each in said] == ["incident.acknowledged", "incident.resolved", "incident.triggered"]
    assert said[1]["data"]["details"] == {"because": "rolled back"}
    assert (said[1]["data"]["by"], said[1]["data"]["incident"]["status"]) == ("ana", "resolved")
    assert len({each.headers["webhook-id"] for each in web.seen}) == 3


def verified(request, secret: str) -> bool:
    """As PagerDuty's documentation has receivers do it: any of the signatures of the list, in constant time."""
    expected = "v1=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, each) for each in request.headers["x-pagerduty-signature"].split(","))


@story
async def test_pagerdutys_form_has_its_fields_and_its_signature(tmp_path):
    web = Web(response(200))
    to = {"format": "pagerduty", "secret": PAGERDUTY}
    async with listening(web) as port, hooked(tmp_path, hook(port, **to)) as square:
        incident = await square.town.alert()
        await square.town.command(incident, c.Acknowledge(by="ana", via="web"))
        await square.town.command(incident, c.AddNote(by="ana", text="looking"))
        await square.delivered("bus", "sent", "sent", "sent")

    events = {each.json["event"]["event_type"]: each.json["event"] for each in web.seen}
    assert all(verified(each, PAGERDUTY) for each in web.seen)
    assert not any(verified(each, "another secret, as long as that") for each in web.seen)
    assert set(events) == {"incident.triggered", "incident.acknowledged", "incident.annotated"}
    triggered, taken = events["incident.triggered"], events["incident.acknowledged"]
    assert set(triggered) == {"id", "event_type", "resource_type", "occurred_at", "agent", "client", "data"}
    assert (triggered["agent"], triggered["client"]) == (None, {"name": "p"})
    assert set(triggered["data"]) == {
        "id", "type", "self", "html_url", "number", "status", "incident_key", "created_at", "title", "service",
        "assignees", "escalation_policy", "teams", "priority", "urgency", "conference_bridge", "resolve_reason",
    }  # fmt: skip
    assert (triggered["data"]["status"], triggered["data"]["number"]) == ("triggered", 1)
    assert [each["id"] for each in triggered["data"]["assignees"]] == ["ana"]
    assert (taken["data"]["status"], taken["agent"]["id"], taken["agent"]["type"]) == (
        "acknowledged",
        "ana",
        "user_reference",
    )
    note = events["incident.annotated"]["data"]
    assert (note["type"], note["content"], note["trimmed"]) == ("incident_note", "looking", False)
    assert note["incident"]["type"] == "incident_reference"


@story
async def test_cloudevents_are_structured_json(tmp_path):
    web = Web(response(200))
    async with listening(web) as port, hooked(tmp_path, hook(port, format="cloudevents", secret=STANDARD)) as square:
        await square.town.alert()
        await square.delivered("bus", "sent")

    (request,) = web.seen
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert {name: request.json[name] for name in ("specversion", "source", "type", "subject")} == {
        "specversion": "1.0",
        "source": URL,
        "type": "tocsin.incident.triggered",
        "subject": "INC-2026-001",
    }
    Webhook(STANDARD).verify(request.body, request.headers)


@story
async def test_a_hook_hears_only_what_it_asked_for(tmp_path):
    web = Web(response(200))
    chosen = hook(0, "chosen", events=("incident.resolved",))
    async with listening(web) as port:
        chosen = msgspec.structs.replace(chosen, url=f"http://127.0.0.1:{port}/chosen")
        async with hooked(tmp_path, chosen, hook(port, "off", enabled=False)) as square:
            incident = await square.town.alert()
            await square.town.command(incident, c.Resolve(by="ana"))
            await square.delivered("chosen", "sent")
            await square.delivered("off")

    assert [each.json["type"] for each in web.seen] == ["incident.resolved"]


@story
async def test_what_fails_is_tried_again_after_the_standards_waits_with_the_same_id(tmp_path):
    web = Web(response(503, b"down"))
    async with listening(web) as port, hooked(tmp_path, hook(port)) as square:
        await square.town.alert()
        await until(lambda: len(web.seen) == 1)
        (waits,) = await square.delivered("bus", "pending")
        web.answer = response(200)
        square.town.clock.advance(timedelta(seconds=7))
        square.announcing.nudge()
        (sent,) = await square.delivered("bus", "sent")

    assert (waits.code, waits.detail) == ("refused", f"http://127.0.0.1:{port} answered 503 Service Unavailable: down")
    assert timedelta(seconds=4) <= waits.next_at - waits.at <= timedelta(seconds=6)
    assert sent.attempts == 2
    assert web.seen[0].headers["webhook-id"] == web.seen[1].headers["webhook-id"]
    assert web.seen[0].body == web.seen[1].body


async def until(holds) -> None:
    async with asyncio.timeout(SOON):
        while not holds():
            await asyncio.sleep(0.01)


@story
async def test_a_receiver_that_is_gone_is_told_nothing_more_until_somebody_enables_it(tmp_path):
    web = Web(response(410))
    async with listening(web) as port, hooked(tmp_path, hook(port)) as square:
        town, to = square.town, hook(port)
        incident = await town.alert()
        (failed,) = await square.delivered("bus", "failed")
        note = await town.do(lambda: stopped(town.store, "default", to))
        await town.command(incident, c.Acknowledge(by="ana"))
        await square.delivered("bus", "failed")
        with pytest.raises(ValueError, match="enable it first"):
            await town.do(lambda: replay(town.store, "default", failed.announcement, "r0"))

        web.answer = response(200)
        await town.do(lambda: (town.store.delete("default", STOPPED, "bus"), square.hooks.load()))
        await town.do(lambda: replay(town.store, "default", failed.announcement, "r1"))
        square.announcing.nudge()
        again = (await square.delivered("bus", "failed", "sent"))[1]

    assert (failed.code, note.because) == ("gone", f"http://127.0.0.1:{port} answered 410 Gone")
    assert (again.replay, again.event) == (True, failed.event)
    assert [each.headers["webhook-id"] for each in web.seen] == [failed.event, failed.event]


@story
async def test_what_a_hook_never_got_is_on_the_timeline_once(tmp_path):
    web = Web(response(422))
    async with listening(web) as port, hooked(tmp_path, hook(port)) as square:
        incident = await square.town.alert()
        await square.town.command(incident, c.Acknowledge(by="ana"))
        await square.delivered("bus", "failed", "failed")
        facts = await square.town.do(lambda: square.town.store.facts("default", incident))

    (failed,) = [each for each in facts if isinstance(each, f.AnnouncementFailed)]
    assert (failed.audience, failed.kind, failed.name, failed.code) == ("other programs", "hook", "bus", "rejected")
    assert failed.address == f"http://127.0.0.1:{port}/…"


@story
async def test_a_hook_that_moved_gets_what_waits_at_its_new_address(tmp_path):
    web = Web(response(503))
    async with listening(web) as port, hooked(tmp_path, hook(port)) as square:
        await square.town.alert()
        await until(lambda: len(web.seen) == 1)
        await square.delivered("bus", "pending")
        web.answer = response(200)
        await square.keep(Hook(name="bus", url=f"http://127.0.0.1:{port}/elsewhere"))
        square.town.clock.advance(timedelta(seconds=7))
        square.announcing.nudge()
        await square.delivered("bus", "sent")

    assert [each.path for each in web.seen] == ["/bus", "/elsewhere"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "169.254.169.254"])
def test_a_private_address_is_not_called_where_that_is_not_allowed(host, tmp_path):
    async def run() -> tuple[Delivery, int]:
        web = Web(response(200))
        async with listening(web) as port:
            to = Hook(name="bus", url=f"http://{host}:{port}/")
            async with hooked(tmp_path, to, allow_private=False) as square:
                await square.town.alert()
                (failed,) = await square.delivered("bus", "failed")
        return failed, len(web.seen)

    failed, calls = asyncio.run(run())

    assert (failed.code, calls) == ("bad_address", 0)


@story
async def test_a_drill_says_so_in_every_format(tmp_path):
    web = Web(response(200))
    async with listening(web) as port:
        to = [hook(port, each, format=each) for each in ("standard", "cloudevents", "pagerduty")]
        async with hooked(tmp_path, *to) as square:
            town = square.town
            await town.do(lambda: town.engine.declare("default", c.Declare(by="ana", title="Fire", drill=True)))
            for each in to:
                await square.delivered(each.name, "sent")

    said = {each.path: each.json for each in web.seen}
    assert said["/standard"]["data"]["drill"] is True
    assert said["/cloudevents"]["data"]["drill"] is True
    assert said["/pagerduty"]["event"]["data"]["title"] == "[DRILL] Fire"


# --- which facts are events -------------------------------------------------------------------------------------------


def test_private_notes_and_what_belongs_to_the_opening_are_no_events():
    at = SystemClock().now()
    facts = [
        f.Opened(at=at, incident="i", reference="INC-1", title="t", guide="g", policy_digest="d", severity="S"),
        f.Escalated(at=at, level=1, lap=0, because="opened", who=("ana",), pages=()),
        f.NoteAdded(at=at, text="secret", private=True),
    ]

    assert [(each.id, each.type) for each in happenings("i", 0, facts)] == [("i-1", "incident.triggered")]
    assert [each.type for each in happenings("i", 3, facts[1:])] == ["incident.escalated"]


def test_an_escalation_tells_nobodys_address():
    at = SystemClock().now()
    page = f.OwedPage(id="p", person="ana", methods=(f.OwedMethod(kind="email", address="a@b.c", not_before=at),))
    fact = f.Escalated(at=at, level=2, lap=0, because="nobody answered", who=("lead",), pages=(page,))

    (event,) = happenings("i", 3, [fact])

    assert event.id == "i-4"
    assert b"a@b.c" not in msgspec.json.encode(event)


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_pagerdutys_form_has_only_pagerdutys_events(event):
    assert wants(Hook(name="a", url="https://x.example", format="pagerduty"), event) == (event in PAGERDUTY_EVENTS)
    assert wants(Hook(name="a", url="https://x.example"), event)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "ftp://x.example"}, "url: expected an http"),
        ({"url": "https://x.example/#a"}, "url: expected an http"),
        ({"events": ("incident.nope",)}, "events: expected some of .*, got 'incident.nope'"),
        ({"format": "pagerduty", "events": ("incident.closed",)}, "events: expected some of"),
        ({"secret": "plain"}, "secret: expected whsec_"),
        ({"format": "pagerduty", "secret": "short"}, "secret: expected at least 16"),
    ],
)
def test_what_a_hook_cannot_be_is_said(changes, said):
    with pytest.raises(ValueError, match=said):
        check_hook(Hook(**{"name": "a", "url": "https://x.example", **changes}))


def test_a_large_incident_is_cut_to_what_receivers_have_to_take():
    incident = {"id": "i", "reference": "INC-1", "title": "t" * 9000, "alerts": [{"title": "x" * 500}] * 100}
    body = {
        "type": "incident.triggered",
        "data": {"event": "i-1", "details": {"text": "y" * 30_000}, "incident": incident},
    }

    cut = fitting(body)

    assert len(cut) <= BODY_BYTES_MAX
    assert msgspec.json.decode(cut)["data"]["incident"]["reference"] == "INC-1"
