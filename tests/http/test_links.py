"""Acknowledge links: one button for whoever was woken, nothing for whoever merely looks."""

from __future__ import annotations

import asyncio
import hashlib
import re
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.http.world import T0, World
from tocsin.core.commands import Acknowledge, AddNote, MarkDrill, Merge, Resolve, Unacknowledge
from tocsin.core.people import Person
from tocsin.http.links import LINK_LIFE, Expired, Links, create_links

SECRET = b"0123456789abcdef0123456789abcdef"
LINKS = Links([SECRET], "https://tocsin.example/")
HTML = "text/html,application/xhtml+xml"


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: str


def ask(world: World, url: str, method: str = "GET", accept: str = HTML, links: Links = LINKS) -> Answer:
    """One request to the app, as a server would hand it over."""
    got = Answer(0, {}, "")

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event):
        if event["type"] == "http.response.start":
            got.status = event["status"]
            got.headers = {name.decode(): value.decode() for name, value in event["headers"]}
        else:
            got.body += event["body"].decode()

    path = url.removeprefix("https://tocsin.example")
    scope = {"type": "http", "method": method, "path": path, "headers": [(b"accept", accept.encode())]}
    asyncio.run(create_links(world, links)(scope, receive, send))
    return got


def link(*incidents: str, person: str = "ana", links: Links = LINKS) -> str:
    return links.acknowledge_url(tenant="default", incidents=incidents, person=person, page="p1", now=T0)


def state(world: World, incident: str):
    return world.do(lambda _: world.engine.load("default", incident))


def handle(world: World, incident: str, command) -> None:
    world.do(lambda _: world.engine.handle("default", incident, command))


def test_the_page_says_what_it_is_about_and_has_one_button(world):
    incident = world.alert("Checkout is failing", key="checkout")
    world.clock.advance(timedelta(minutes=12))

    page = ask(world, link(incident))

    assert page.status == 200
    assert '<link rel="icon" href="data:,">' in page.body  # else a browser asks the host for one and is told 404
    assert "img-src data:" in page.headers["content-security-policy"]
    assert "<h1>Checkout is failing</h1>" in page.body
    assert "SEV-1" in page.body and "INC-2026-001" in page.body and "12 minutes ago" in page.body
    assert page.body.count("<button") == 1
    assert "As Ana Ivanova." in page.body
    assert "<script" not in page.body


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_changes_nothing(world, method):
    incident = world.alert("Checkout is failing", key="checkout")
    before = state(world, incident).version

    for accept in (HTML, "*/*", "text/plain"):
        assert ask(world, link(incident), method, accept).status == 200

    assert state(world, incident).version == before
    assert state(world, incident).acknowledged_at is None


def test_a_head_has_the_headers_of_a_get_and_no_body(world):
    incident = world.alert("Checkout is failing", key="checkout")

    head, get = ask(world, link(incident), "HEAD"), ask(world, link(incident))

    assert head.headers == get.headers
    assert head.body == "" and get.body


def test_the_button_acknowledges_and_leads_back_to_the_page(world):
    incident = world.alert("Checkout is failing", key="checkout")

    posted = ask(world, link(incident), "POST")
    page = ask(world, posted.headers["location"])

    assert posted.status == 303
    assert state(world, incident).acknowledged_by == "ana"
    assert "you have it since 03:00 UTC" in page.body
    assert "You have it." in page.body
    assert "<button" not in page.body


def test_a_push_message_acknowledges_without_cookies_and_gets_a_line_of_text(world):
    incident = world.alert("Checkout is failing", key="checkout")

    posted = ask(world, link(incident), "POST", accept="text/plain")

    assert posted.status == 200
    assert posted.body == "INC-2026-001: you have it since 03:00 UTC. Checkout is failing\n"
    assert posted.headers["access-control-allow-origin"] == "*"


def test_a_second_use_says_who_has_it_and_changes_nothing(world):
    incident = world.alert("Checkout is failing", key="checkout")
    ask(world, link(incident, person="ben"), "POST")
    before = state(world, incident)

    again = ask(world, link(incident, person="ana"), "POST", accept="*/*")
    page = ask(world, link(incident, person="ana"))

    assert "already acknowledged by ben, 03:00 UTC" in again.body
    assert "already acknowledged by ben" in page.body
    assert state(world, incident) == before


def test_a_link_works_again_when_the_incident_waits_again(world):
    incident = world.alert("Checkout is failing", key="checkout")
    url = link(incident)
    ask(world, url, "POST")
    handle(world, incident, Unacknowledge(by="ana", because="fell asleep"))

    ask(world, url, "POST")

    assert state(world, incident).acknowledged_by == "ana"


def once(*incidents: str, page: str = "p1") -> str:
    return LINKS.acknowledge_url(tenant="default", incidents=incidents, person="ana", page=page, now=T0, once=True)


def test_a_link_in_a_channel_acts_once_says_so_and_changes_nothing_after(world):
    incident = world.alert("Checkout is failing", key="checkout")
    ask(world, once(incident), "POST")
    assert state(world, incident).acknowledged_by == "ana"
    handle(world, incident, Unacknowledge(by="ana", because="fell asleep"))
    before = state(world, incident)
    world.clock.advance(timedelta(minutes=5))

    again = ask(world, once(incident), "POST", accept="*/*")
    posted = ask(world, once(incident), "POST")
    page = ask(world, posted.headers["location"])

    assert again.status == 200 and again.body.startswith("This link was used, and works once.")
    assert "nobody has it yet" in again.body and "This link was used" in page.body and "<button" not in page.body
    assert state(world, incident) == before
    ask(world, once(incident, page="p2"), "POST")  # whoever is paged again has a new link
    assert state(world, incident).acknowledged_by == "ana"


def test_looking_at_a_link_in_a_channel_does_not_use_it_up(world):
    incident = world.alert("Checkout is failing", key="checkout")
    handle(world, incident, Acknowledge(by="ben"))
    ask(world, once(incident))
    ask(world, once(incident), "POST")  # somebody has it: nothing to do, nothing used
    handle(world, incident, Unacknowledge(by="ben", because="not me"))

    ask(world, once(incident), "POST")

    assert state(world, incident).acknowledged_by == "ana"


def test_used_links_are_forgotten_when_they_would_be_too_old(world):
    first, second = world.alert("One", key="one"), world.alert("Two", key="two")
    ask(world, once(first), "POST")
    world.clock.advance(LINK_LIFE + timedelta(minutes=1))
    late = LINKS.acknowledge_url(
        tenant="default", incidents=[second], person="ana", page="p9", now=world.clock.now(), once=True
    )

    ask(world, late, "POST")

    assert [name for name, _ in world.do(lambda store: list(store.items("default", "used-link")))] == ["p9"]


def test_a_resolved_incident_is_not_acknowledged(world):
    incident = world.alert("Checkout is failing", key="checkout")
    handle(world, incident, Resolve(by="ben"))
    before = state(world, incident)

    posted = ask(world, link(incident), "POST", accept="*/*")

    assert posted.status == 200
    assert "resolved by ben" in posted.body
    assert state(world, incident) == before


def test_a_bundles_link_acknowledges_everything_that_still_waits(world):
    first, second, third = (world.alert(f"Trouble {n}", key=f"k{n}") for n in range(3))
    ask(world, link(second, person="ben"), "POST")
    url = link(first, second, third)

    page = ask(world, url)
    ask(world, url, "POST")

    assert "3 incidents, 2 waiting for somebody" in page.body
    assert "Acknowledge all 2" in page.body
    assert [state(world, each).acknowledged_by for each in (first, second, third)] == ["ana", "ben", "ana"]


def test_a_link_follows_a_merge(world):
    first, second = (world.alert(f"Trouble {n}", key=f"k{n}") for n in range(2))
    handle(world, first, Merge(by="ben", into=second))

    ask(world, link(first), "POST")

    assert state(world, second).acknowledged_by == "ana"


def test_a_link_expires(world):
    incident = world.alert("Checkout is failing", key="checkout")
    world.clock.advance(LINK_LIFE)

    posted = ask(world, link(incident), "POST")

    assert posted.status == 410
    assert state(world, incident).acknowledged_at is None


def test_a_person_who_left_cannot_use_old_links(world):
    incident = world.alert("Checkout is failing", key="checkout")
    gone = Person(id="ana", name="Ana", active=False)
    world.do(lambda store: store.put("default", "person", "ana", msgspec.json.encode(gone)))
    world.do(lambda _: world.engine.guides.changed("default"))

    assert ask(world, link(incident), "POST").status == 403
    assert ask(world, link(incident, person="nobody"), "POST").status == 403
    assert state(world, incident).acknowledged_at is None


def test_another_method_is_told_which_ones_there_are(world):
    answer = ask(world, link("x"), "DELETE")

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_an_incident_that_is_not_there_is_not_found(world):
    assert ask(world, link("no-such-incident"), "POST").status == 404


def test_a_token_of_another_secret_is_not_ours(world):
    incident = world.alert("Checkout is failing", key="checkout")
    forged = link(incident, links=Links([b"x" * 32], "https://tocsin.example"))

    assert ask(world, forged, "POST").status == 404
    assert state(world, incident).acknowledged_at is None


def test_a_changed_secret_still_reads_the_old_links():
    rotated = Links([SECRET, b"y" * 32], "https://tocsin.example")
    token = link("i1").rpartition("/")[2]

    assert rotated.read(token, T0).incidents == ("i1",)
    assert Links([b"y" * 32], "https://tocsin.example").read(token, T0) is None


def test_a_short_secret_is_refused():
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Links([b"short"], "https://tocsin.example")


@given(at=st.integers(0, 10_000), new=st.characters(codec="ascii"))
def test_no_changed_token_is_ever_ours(at, new):
    token = link("i1", "i2").rpartition("/")[2]
    at %= len(token)
    changed = token[:at] + new + token[at + 1 :]

    read = LINKS.read(changed, T0)

    # The last character of a base64 group can differ in bits that do not count; what is read is the same then.
    assert read is None or read == LINKS.read(token, T0)


@given(token=st.text(max_size=300))
def test_no_text_is_a_token(token):
    assert LINKS.read(token, T0) is None


def test_a_link_for_a_hundred_incidents_is_short_enough_for_a_mail():
    url = link(*(hashlib.md5(b"%d" % n).hexdigest() for n in range(101)))  # ids that do not compress well

    assert len(url) < 4000
    assert len(LINKS.read(url.rpartition("/")[2], T0).incidents) == 101


def test_an_expired_token_says_so():
    token = link("i1").rpartition("/")[2]

    with pytest.raises(Expired):
        LINKS.read(token, T0 + LINK_LIFE)


def test_what_a_label_says_is_text_and_never_markup(world):
    nasty = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    incident = world.alert(nasty, key="checkout")
    handle(world, incident, MarkDrill(by="ana"))
    handle(world, incident, AddNote(by="ana", text=nasty))

    page = ask(world, link(incident)).body

    assert "<script" not in page and "<img" not in page
    assert "(a drill)" in page


def test_the_page_is_not_stored_not_framed_and_does_not_leak_its_address(world):
    headers = ask(world, link(world.alert("Checkout is failing", key="checkout"))).headers

    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "unsafe-inline" not in headers["content-security-policy"]
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/=]{44}'", headers["content-security-policy"])


def test_a_link_of_another_tenant_is_none_even_with_the_right_key():
    url = LINKS.acknowledge_url(tenant="acme", incidents=["i1"], person="ana", page="p1", now=T0)
    token = url.rpartition("/")[2]

    assert Links([SECRET], "https://tocsin.example", "acme").read(token, T0) is not None
    assert Links([SECRET], "https://tocsin.example", "globex").read(token, T0) is None
