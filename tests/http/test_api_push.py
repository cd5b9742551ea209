"""A browser as one of the caller's methods: added, tested, removed, and removed when its push service says so."""

from __future__ import annotations

import msgspec

from tests.http.world import Server
from tests.senders.push_browser import Browser
from tocsin.core.announcement import AnnouncementSettlement, LeasedAnnouncement, Recipient
from tocsin.core.people import Method, Person
from tocsin.devices import keeping_devices, lost
from tocsin.ports import Receipt


def stored(server: Server, who: str = "ana") -> Person:
    body = server.world.do(lambda store: store.get("default", "person", who))
    assert body
    return msgspec.json.decode(body, type=Person)


def test_a_browser_subscribes_and_is_a_verified_method_of_whoever_calls(server: Server):
    ana = server.client(server.world.token("responder", "ana"))
    key = ana.get("/api/push/key").json()["key"]
    browser = Browser("https://push.example/send/s3cr3t")

    made = ana.post("/api/me/push", json=browser.subscription)
    again = ana.post("/api/me/push", json=browser.subscription)

    assert len(key) == 87 and ana.get("/api/push/key").json()["key"] == key
    assert (made.status_code, again.json()) == (200, made.json())
    assert "s3cr3t" not in made.text
    assert [each.kind for each in stored(server).methods] == ["email", "webpush"]
    (_, shown) = ana.get("/api/people/ana/contacts").json()["items"]
    assert shown["verified_at"] and shown["used"]
    assert browser.subscription["keys"]["auth"] not in str(shown) and "s3cr3t" not in str(shown)


def test_a_test_push_goes_to_the_device_and_a_removed_one_is_not_there(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    browser = Browser("https://push.example/send/1")
    ana.post("/api/me/push", json=browser.subscription)
    which = {"endpoint": browser.subscription["endpoint"]}

    assert ana.post("/api/me/push/test", json=which).json() == {"receipt": "sent", "detail": ""}
    assert world.sent[-1][:2] == ("ana", "webpush")
    assert ana.request("DELETE", "/api/me/push", json=which).status_code == 204

    assert ana.request("DELETE", "/api/me/push", json=which).status_code == 404
    assert [each.kind for each in stored(server).methods] == ["email"]


def test_wrong_subscriptions_and_strangers_are_refused(server: Server):
    ana, zoe = (server.client(server.world.token("responder", who)) for who in ("ana", "zoe"))
    good = Browser("https://push.example/1").subscription

    assert ana.post("/api/me/push", json=good | {"endpoint": "ftp://x"}).status_code == 400
    assert ana.post("/api/me/push", json=good | {"keys": {"auth": "x", "p256dh": "y"}}).status_code == 400
    assert zoe.post("/api/me/push", json=good).status_code == 404
    assert server.client().get("/api/push/key").status_code == 401


def test_a_device_that_a_test_finds_gone_is_removed(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    browser = Browser("https://push.example/send/1")
    ana.post("/api/me/push", json=browser.subscription)
    world.receipt = Receipt(code="gone", permanent=True, detail="answered 410")

    ana.post("/api/me/push/test", json={"endpoint": browser.subscription["endpoint"]})

    assert [each.kind for each in stored(server).methods] == ["email"]


def test_a_device_that_an_announcement_finds_gone_is_removed(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    for n in (1, 2):
        ana.post("/api/me/push", json=Browser(f"https://push.example/send/{n}").subscription)
    first, second = (each.address for each in stored(server).methods if each.kind == "webpush")
    leased = LeasedAnnouncement(
        tenant=world.tenant, announcement="a", number=0, recipient=Recipient(kind="webpush", address=first), attempt=1,
        lease_until=world.clock.now(),
    )  # fmt: skip
    gone = AnnouncementSettlement(leased=leased, outcome="failed", at=world.clock.now(), code="gone")

    world.do(lambda store: lost(world.engine.guides, store, [gone]))

    assert [each.address for each in stored(server).methods if each.kind == "webpush"] == [second]


def test_a_device_that_a_page_finds_gone_is_removed_and_the_timeline_says_so(server: Server):
    world, ana = server.world, server.client(server.world.token("responder", "ana"))
    for n in (1, 2):
        ana.post("/api/me/push", json=Browser(f"https://push.example/send/{n}").subscription)
    incident = world.alert("Checkout answers 5xx", key="k")

    def fail(_: object) -> None:
        for page in world.engine.lease(20, ()):
            gone = page.kind == "webpush" and page.address.startswith('{"endpoint":"https://push.example/send/1"')
            receipt = Receipt(code="gone", permanent=True, detail="answered 410") if gone else Receipt(code="sent")
            world.engine.receive(page, receipt)

    world.do(fail)

    assert ["send/1" in each.address for each in stored(server).methods] == [False, False]
    told = ana.get(f"/api/incidents/{incident}/timeline").text
    assert "the device was removed from ana" in told


def test_a_restart_keeps_the_devices_of_people_in_the_configuration():
    configured = Person(id="ana", methods=(Method(kind="email", address="ana@example.org"),))
    device = Method(kind="webpush", address=Browser("https://push.example/1").address)
    before = msgspec.structs.replace(configured, methods=(device,))

    kept = keeping_devices(configured, msgspec.json.encode(before))

    assert [each.kind for each in kept.methods] == ["email", "webpush"]
    assert keeping_devices(configured, None) == configured
