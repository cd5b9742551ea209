"""What Twilio calls, signed by Twilio's own library: keys of a call, answers to an SMS, ends of both."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from twilio.request_validator import RequestValidator

from tests.http.world import T0, World
from tocsin.core.commands import Declare
from tocsin.core.people import Method, Person
from tocsin.http.links import Links
from tocsin.http.twilio import TwilioApp

TOKEN = "12345"
URL = "https://tocsin.example"
LINKS = Links([b"0123456789abcdef0123456789abcdef"], URL)
ANA = Person(
    id="ana",
    methods=(
        Method(kind="sms", address="+14155550123"),
        Method(kind="email", address="ana@example.org", after_seconds=600),
    ),
)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.public_url = URL
    made.do(lambda store: made.engine.store.put("default", "person", "ana", msgspec.json.encode(ANA)))
    made.do(lambda store: made.engine.guides.changed("default"))
    yield made
    made.close()


def declared(world: World, title: str):
    return world.do(lambda _: world.engine.declare("default", Declare(by="ben", title=title)))


class Answer(msgspec.Struct):
    status: int = 0
    body: str = ""


def post(
    world: World,
    path: str,
    form: dict[str, str],
    *,
    signature: str | None = None,
    token: str | None = TOKEN,
    method: str = "POST",
) -> Answer:
    """One request as a server would hand it over; signed as Twilio signs, where no other signature is given."""
    got = Answer()
    body = urlencode(form).encode()
    if signature is None:
        signature = RequestValidator(TOKEN).compute_signature(f"{URL}{path}", form)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            got.status = event["status"]
        else:
            got.body += event["body"].decode()

    bare, _, query = path.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": bare,
        "query_string": query.encode(),
        "headers": [(b"x-twilio-signature", signature.encode()), (b"content-length", str(len(body)).encode())],
    }
    asyncio.run(TwilioApp(world, LINKS, token)(scope, receive, send))
    return got


def token_for(*incidents: str) -> str:
    url = LINKS.acknowledge_url(tenant="default", incidents=incidents, person="ana", page="p1", now=T0)
    return url.rpartition("/")[2]


def state(world: World, incident: str):
    return world.do(lambda _: world.engine.load("default", incident))


def test_a_call_reads_the_page_out_and_a_key_acknowledges(world):
    incident = declared(world, "Checkout <fails> & burns")
    token = token_for(incident.id)

    words = post(world, f"/twilio/voice/{token}", {"CallSid": "CA1"})
    pressed = post(world, f"/twilio/digits/{token}", {"CallSid": "CA1", "Digits": "4"})
    again = post(world, f"/twilio/digits/{token}", {"CallSid": "CA1", "Digits": "4"})

    assert "Checkout &lt;fails&gt; &amp; burns" in words.body
    assert f'action="{URL}/twilio/digits/{token}"' in words.body
    assert "You have it." in pressed.body
    assert "Goodbye" in again.body
    assert state(world, incident.id).acknowledged_by == "ana"


def test_another_key_escalates_and_any_other_asks_again(world):
    incident = declared(world, "Checkout fails")
    token = token_for(incident.id)
    before = state(world, incident.id).ladder.count

    unclear = post(world, f"/twilio/digits/{token}", {"Digits": "9"})
    raised = post(world, f"/twilio/digits/{token}", {"Digits": "6"})

    assert "<Gather" in unclear.body
    assert "The next level is paged" in raised.body
    assert state(world, incident.id).ladder.count == before + 1


def test_an_answer_to_an_sms_takes_the_one_incident_that_waits(world):
    incident = declared(world, "Checkout fails")

    said = post(world, "/twilio/sms", {"From": "+14155550123", "Body": " ack "})

    assert incident.reference in said.body
    assert state(world, incident.id).acknowledged_by == "ana"


def test_with_several_waiting_it_asks_which(world):
    first, second = declared(world, "Checkout fails"), declared(world, "Search fails")
    number = {"From": "+14155550123"}

    asked = post(world, "/twilio/sms", number | {"Body": "ACK"})
    assert "Which one?" in asked.body and first.reference in asked.body and second.reference in asked.body
    assert state(world, first.id).acknowledged_at is None

    post(world, "/twilio/sms", number | {"Body": f"ack {second.reference.lower()}"})
    assert (state(world, first.id).acknowledged_by, state(world, second.id).acknowledged_by) == (None, "ana")

    helped = post(world, "/twilio/sms", number | {"Body": "what?"})
    assert "Reply ACK" in helped.body and first.reference in helped.body

    post(world, "/twilio/sms", number | {"Body": f"esc {first.reference} nobody knows this part"})
    reasons = [fact.because for fact in world.do(lambda s: s.facts("default", first.id)) if hasattr(fact, "level")]
    assert "nobody knows this part" in " ".join(reasons)


def test_a_number_that_nobody_has_is_nobody(world):
    incident = declared(world, "Checkout fails")

    said = post(world, "/twilio/sms", {"From": "+19995550000", "Body": "ack"})

    assert "belongs to nobody" in said.body
    assert state(world, incident.id).acknowledged_at is None


@pytest.mark.parametrize("signature", ["", "AAAA", "\u00e9", "x" * 5000])
def test_a_forged_request_is_refused(world, signature):
    incident = declared(world, "Checkout fails")

    refused = post(world, "/twilio/sms", {"From": "+14155550123", "Body": "ack"}, signature=signature)

    assert refused.status == 403
    assert state(world, incident.id).acknowledged_at is None


def test_a_signature_is_of_one_address_and_one_form(world):
    form = {"From": "+14155550123", "Body": "ack"}
    other = RequestValidator(TOKEN).compute_signature(f"{URL}/twilio/status", form)
    changed = RequestValidator(TOKEN).compute_signature(f"{URL}/twilio/sms", {**form, "Body": "list"})

    assert [post(world, "/twilio/sms", form, signature=each).status for each in (other, changed)] == [403, 403]
    assert post(world, "/twilio/sms", form, token=None).status == 403
    assert post(world, "/twilio/sms", form, method="GET").status == 405


def page_of(world: World, incident: str):
    return next(iter(state(world, incident).pages.values())).page


def report(world: World, incident: str, form: dict[str, str]) -> int:
    page = page_of(world, incident)
    query = urlencode({"incident": incident, "page": page.id, "to": "+14155550123"})
    return post(world, f"/twilio/status?{query}", form).status


def kinds(world: World, incident: str) -> list[str]:
    return [type(fact).__name__ for fact in world.do(lambda s: s.facts("default", incident))]


def test_what_arrived_has_arrived_whatever_comes_later(world):
    incident = declared(world, "Checkout fails")

    answers = [
        report(world, incident.id, {"MessageStatus": each})
        for each in ("queued", "sent", "delivered", "delivered", "failed", "sent")
    ]

    assert answers == [204] * 6
    assert kinds(world, incident.id).count("PageDelivered") == 1
    assert "PageFailed" not in kinds(world, incident.id)


def test_what_never_arrives_makes_the_next_method_due_at_once(world):
    incident = declared(world, "Checkout fails")
    page = page_of(world, incident.id)
    assert [each.kind for each in page.methods] == ["sms", "email"]
    first = world.do(lambda store: store.claim_pages(store.now(), 10, 60))

    report(world, incident.id, {"MessageStatus": "undelivered", "ErrorCode": "30003"})
    report(world, incident.id, {"MessageStatus": "undelivered", "ErrorCode": "30003"})

    facts = world.do(lambda store: store.facts("default", incident.id))
    failed = [fact for fact in facts if type(fact).__name__ == "PageFailed"]
    after = world.do(lambda store: store.claim_pages(store.now(), 10, 60))
    assert [(each.code, each.detail) for each in failed] == [("unreachable", "Twilio: not delivered, error 30003")]
    assert [[each.kind for each in claimed] for claimed in (first, after)] == [["sms"], ["email"]]


def test_reports_of_what_is_not_known_change_nothing(world):
    query = urlencode({"incident": "nothing", "page": "p", "to": "+14155550123"})

    assert post(world, f"/twilio/status?{query}", {"MessageStatus": "failed"}).status == 204
    assert post(world, "/twilio/elsewhere", {}).status == 404
