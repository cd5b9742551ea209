"""Subscribers: who hears of what, once, after two steps, until one click."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings, strategies as st

from tests.http.test_status_page import HOSTILE, SECRET, declare, furnish
from tests.http.world import Server, World
from tocsin.core import commands as c
from tocsin.core.announcement import AnnouncementSettlement, Told, ToldTo
from tocsin.core.incident import Refused
from tocsin.ports import Store


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    server = Server(world)
    yield server
    server.stop()
    world.close()


@pytest.fixture
def admin(server: Server) -> httpx2.Client:
    api = server.client(server.world.token())
    furnish(api)
    return api


def announced(world: World) -> list[Told]:
    """What was said so far, oldest first, without confirmations."""
    found = world.do(lambda store: store.announced(world.tenant, limit=1000))
    return [each for each in reversed(found) if each.announcement.event != "confirm"]


def told(world: World, name: str) -> list[ToldTo]:
    return world.do(lambda store: store.told_to(world.tenant, name, limit=1000))


def heard(world: World) -> list[tuple[str, str]]:
    """Who was owed which subject, in order."""
    return [
        (each.recipient.address, said.announcement.subject)
        for said in announced(world)
        for each in told(world, said.announcement.id)
    ]


def add(api: httpx2.Client, mail: str, *components: str) -> str:
    form = {"email": mail, "component_ids": list(components), "skip_confirmation_notification": True}
    made = api.post("/v1/pages/acme/subscribers", json={"subscriber": form})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def confirmation(world: World) -> str:
    said = world.do(lambda store: store.announced(world.tenant))[0].announcement
    assert said.event == "confirm"
    return re.findall(r"http://status\.test(\S+)", said.text)[0]


def test_subscribing_takes_a_message_and_a_button(server: Server, admin: httpx2.Client):
    visitor = server.client()
    assert visitor.post("/status/acme/subscribe", data={"email": "ana@example.org"}).status_code == 200
    link = confirmation(server.world)
    assert "Confirm" in visitor.get(link).text  # a mail scanner follows the link, and nothing happens
    incident = declare(admin)
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": "first", "audience": "public"})
    assert heard(server.world) == []

    assert visitor.post(link).status_code == 200
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": "second", "audience": "public"})

    assert [address for address, _ in heard(server.world)] == ["ana@example.org"]


def test_subscribing_twice_is_one_row_and_one_message(server: Server, admin: httpx2.Client):
    visitor = server.client()
    for mail in ("ana@example.org", "ana@EXAMPLE.org"):
        visitor.post("/status/acme/subscribe", data={"email": mail})

    counted = admin.get("/v1/pages/acme/subscribers/count?state=unconfirmed").json()
    asked = server.world.do(lambda store: store.announced(server.world.tenant))

    assert counted == {"email": 1, "webhook": 0}
    assert len(asked) == 1


def test_one_click_ends_it_and_what_was_under_way(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    admin.post("/api/status/components/web/report", json={"state": "major_outage"})
    (said,) = announced(server.world)
    (owed,) = told(server.world, said.announcement.id)
    path = owed.recipient.unsubscribe_url.removeprefix("http://status.test")
    visitor = server.client()
    assert visitor.get(path).status_code == 200  # following the link changes nothing
    assert admin.get("/v1/pages/acme/subscribers/count").json()["email"] == 1

    done = visitor.post(path, content=b"List-Unsubscribe=One-Click")

    assert done.status_code == 200
    assert admin.get("/v1/pages/acme/subscribers/count").json()["email"] == 0
    assert [each.state for each in told(server.world, said.announcement.id)] == ["withdrawn"]
    assert visitor.post(path).status_code == 200


@pytest.mark.parametrize("path", ["/status/acme/unsubscribe/nonsense", "/status/acme/confirm/" + "a" * 900])
def test_a_link_that_is_none_of_ours_does_nothing(server: Server, admin: httpx2.Client, path: str):
    assert server.client().post(path).status_code == 404


def test_who_hears_of_what(server: Server, admin: httpx2.Client):
    """Subscription x event: all, this component, another one; an incident, a component, maintenance."""
    for mail, components in (("all@x.example", ()), ("api@x.example", ("api",)), ("web@x.example", ("web",))):
        add(admin, mail, *components)
    admin.post(f"/api/incidents/{declare(admin)}/post-update", json={"text": "We know.", "audience": "public"})
    admin.post("/api/status/components/web/report", json={"state": "degraded_performance"})
    window = {"name": "Upgrade", "starts_at": "2026-11-25T00:00:00Z", "ends_at": "2026-11-25T01:00:00Z"}
    admin.post("/api/status/maintenance", json={**window, "components": ["api"], "text": "Soon."})

    found = [(address.partition("@")[0], subject) for address, subject in heard(server.world)]

    incident, web, upgrade = (
        "[Acme status] Investigating: Problem with API",
        "[Acme status] Degraded: Website",
        "[Acme status] Maintenance scheduled: Upgrade",
    )
    assert sorted(found) == sorted(
        [("all", incident), ("api", incident), ("all", web), ("web", web), ("all", upgrade), ("api", upgrade)]
    )


def test_the_same_update_twice_is_one_message_and_a_resolution_is_one(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    incident = declare(admin)
    for _ in range(2):
        admin.post(f"/api/incidents/{incident}/post-update", json={"text": "We know.", "audience": "public"})
        server.world.clock.advance(timedelta(minutes=1))
    admin.post(
        f"/api/incidents/{incident}/post-update", json={"text": "Over.", "audience": "public", "status": "resolved"}
    )

    subjects = [subject.split("] ")[1] for _, subject in heard(server.world)]

    assert subjects == ["Investigating: Problem with API", "Resolved: Problem with API"]


def test_the_same_report_twice_is_one_message(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    for _ in range(3):
        admin.post("/api/status/components/web/report", json={"state": "major_outage"})
        server.world.clock.advance(timedelta(minutes=1))

    assert len(heard(server.world)) == 1


def test_maintenance_that_begins_by_itself_is_told_once(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    now = server.world.clock.now()
    form = {
        "name": "Upgrade",
        "starts_at": (now + timedelta(hours=1)).isoformat(),
        "ends_at": (now + timedelta(hours=2)).isoformat(),
    }
    admin.post("/api/status/maintenance", json=form)
    for step in (0, 61, 1, 60, 1):
        server.world.clock.advance(timedelta(minutes=step))
        server.world.do(lambda _: server.world.subscribers.look())

    subjects = [subject.split("] ")[1] for _, subject in heard(server.world)]

    assert subjects == ["Maintenance in progress: Upgrade", "Maintenance completed: Upgrade"]


def test_nothing_private_is_in_a_message(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    hook = {"subscriber": {"endpoint": "https://hooks.example.org/x"}}
    assert admin.post("/v1/pages/acme/subscribers", json=hook).status_code == 201
    incident = declare(admin, description=SECRET)
    admin.post(f"/api/incidents/{incident}/add-note", json={"text": SECRET})
    admin.post(f"/api/incidents/{incident}/post-update", json={"text": HOSTILE, "audience": "public"})

    (said,) = announced(server.world)

    assert len(told(server.world, said.announcement.id)) == 2
    words = repr((said.announcement.subject, said.announcement.text, said.announcement.data))
    assert SECRET not in words and "INC-" not in words and "ana" not in words.casefold().replace("status", "")
    assert said.announcement.data["incident"]["incident_updates"][0]["body"] == HOSTILE


def test_a_drill_and_an_unpublished_incident_reach_nobody(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    drill, secret = declare(admin, drill=True), declare(admin)
    admin.post(f"/api/incidents/{drill}/post-update", json={"text": "a drill", "audience": "public"})
    admin.post(f"/api/incidents/{secret}/post-update", json={"text": "for us", "audience": "response team"})
    admin.post(f"/api/incidents/{secret}/resolve", json={})

    assert heard(server.world) == []


def test_the_public_review_is_told(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    incident = declare(admin)
    admin.post(f"/api/incidents/{incident}/publish", json={"name": "Slow API"})
    admin.post(f"/api/incidents/{incident}/resolve", json={})
    admin.post(f"/api/incidents/{incident}/set-public-review", json={"text": "A disk was full."})
    assert [subject for _, subject in heard(server.world)] == ["[Acme status] Resolved: Slow API"]

    admin.post(f"/api/incidents/{incident}/set-public-review", json={"text": "A disk was full.", "published": True})

    assert [subject for _, subject in heard(server.world)][1:] == ["[Acme status] What happened: Slow API"]


def test_an_address_that_does_not_exist_is_written_to_no_more(server: Server, admin: httpx2.Client):
    name = add(admin, "gone@example.org")
    admin.post("/api/status/components/web/report", json={"state": "major_outage"})

    def bounce(store: Store) -> None:
        (leased,) = store.claim_announcements(store.now(), 10, 60, lambda lane: 10)
        failed = AnnouncementSettlement(leased=leased, outcome="failed", at=store.now(), code="bad_address")
        server.world.engine.receive_announcements([failed])
        server.world.subscribers.bounced([failed])

    server.world.do(bounce)
    server.world.clock.advance(timedelta(minutes=1))
    admin.post("/api/status/components/web/report", json={"state": "operational"})

    assert len(heard(server.world)) == 1
    assert admin.get(f"/v1/pages/acme/subscribers/{name}").json()["quarantined_at"]


def test_a_crash_between_a_report_and_its_message_loses_nothing(server: Server, admin: httpx2.Client):
    add(admin, "ana@example.org")
    with_nobody_listening = server.world.board._listeners[:]
    server.world.board._listeners.clear()
    admin.post("/api/status/components/web/report", json={"state": "major_outage"})
    server.world.board._listeners.extend(with_nobody_listening)
    assert heard(server.world) == []

    for _ in range(2):
        server.world.do(lambda _: server.world.subscribers.look())

    assert len(heard(server.world)) == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"email": "no address"}, "email"),
        ({"email": "a@b.example\r\nBcc: x@y.example"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "ana@example.org", "endpoint": "file:///etc/passwd"}, "endpoint"),
        ({"email": "ana@example.org", "endpoint": "http://[::1"}, "endpoint"),
        ({"endpoint": "https://hooks.example.org/"}, "email"),
    ],
)
def test_addresses_that_are_none_are_refused(server: Server, admin: httpx2.Client, form: dict[str, str], words: str):
    answer = server.client().post("/status/acme/subscribe", data=form)

    assert answer.status_code == 400 and words in answer.text


MADE: dict[str, Callable[[int], Any]] = {
    "update": lambda n: c.PostUpdate(text=f"word {n}", audience="public"),
    "same": lambda n: c.PostUpdate(text="the same", audience="public"),
    "status": lambda n: c.ChangeStatus(status="monitoring"),
    "note": lambda n: c.AddNote(text=f"note {n}"),
    "resolve": lambda n: c.Resolve(),
    "reopen": lambda n: c.Reopen(because="again"),
    "publish": lambda n: c.Publish(name="Slow"),
    "unpublish": lambda n: c.Unpublish(because="x"),
    "rename": lambda n: c.Rename(title=f"title {n}"),
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(sorted(MADE)), max_size=10))
def test_every_public_update_is_owed_exactly_once(tmp_path_factory: pytest.TempPathFactory, steps: list[str]):
    world = World(tmp_path_factory.mktemp("w"))

    def live(store: Store) -> tuple[list[str], list[str]]:
        world.subscribers.subscribe(world.board.known.pages[0], "email", "ana@example.org", confirmed=True)
        incident = world.engine.declare(world.tenant, c.Declare(title="x")).id
        for n, step in enumerate(steps):
            world.clock.advance(timedelta(minutes=1))
            with suppress(Refused):
                world.engine.handle(world.tenant, incident, MADE[step](n))
        told = [each.announcement.id for each in reversed(store.announced(world.tenant))]
        return told, [f"status-main-{x.id}-{y.id}" for x in world.board.known.incidents for y in x.updates]

    try:
        told, shown = world.do(live)
    finally:
        world.close()

    assert told == shown
