"""What people may in a chat: each action asks the table that every face asks, and a private incident is not there."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.http.guided import GUIDED, guide
from tests.http.world import POLICY, World
from tocsin import acting
from tocsin.chat.desk import CHAT_USER, Desk
from tocsin.chat.slack_desk import SlackDesk
from tocsin.chat.telegram_desk import TelegramDesk
from tocsin.core import commands as c
from tocsin.core.access import Role
from tocsin.core.chat_command import USAGE
from tocsin.core.incident import Incident
from tocsin.core.people import Person
from tocsin.core.policy import CodeBlock, Runbook, Step, TwoPersons
from tocsin.core.sight import NOBODY
from tocsin.identity import accounts
from tocsin.ports import Receipt
from tocsin.standing import EMERGENCY, Access

TYPED = {  # verb -> what is typed after the reference, as the help says it and more
    "create": "",
    "list": "",
    "show": "",
    "ack": "",
    "unack": "",
    "escalate": "nobody can log in",
    "update": "we are rolling back",
    "assign": "me as Incident Commander",
    "severity": "SEV-2 it is less",
    "status": "identified",
    "note": "the disk was full",
    "approve": "1 agreed",
    "decline": "1 not yet",
    "begin": "Containment",
    "done": "Containment / 2",
    "resolve": "rolled back",
    "reopen": "it is back",
    "close": "done",
}
READS = ("list", "show")
FORMS = {  # button -> what its form says
    "escalate": {"because": "why"},
    "resolve": {"because": "why"},
    "update": {"audience": "response team", "text": "news"},
    "assign": {"person": "UANA", "role": "Incident Commander"},
}
LINKS = (
    ("slack", "UANA", "ana"),
    ("slack", "UBEN", "ben"),
    ("slack", "UCLEO", "cleo"),
    ("telegram", "7", "ana"),
    ("telegram", "9", "cleo"),
)
LONG_CODE = f"echo {'a' * 2000} && redis-cli FLUSHALL"
NUMBERS = itertools.count(1)


class Calls:
    """Slack's and Telegram's API, as far as answering needs it: what was called."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []

    async def call(self, method: str, /, **arguments: Any) -> dict[str, Any]:
        self.made.append((method, arguments))
        return {"ok": True}

    async def respond(self, url: str, body: dict[str, Any]) -> Receipt:
        self.made.append(("respond", body))
        return Receipt(code="sent")


class Chat:
    """Slack and Telegram in front of a world: `UANA` is ana and so on, whoever they are here."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.public_url = "https://tocsin.example"
        self.calls = Calls()
        self.slack = SlackDesk(Desk(world, "slack"), self.calls)
        self.telegram = TelegramDesk(Desk(world, "telegram"), self.calls)
        cleo = msgspec.json.encode(Person(id="cleo", name="Cleo Marsh"))  # on no level of the guide
        world.do(lambda store: store.put(world.tenant, "person", "cleo", cleo))
        world.do(lambda _: world.engine.guides.changed(world.tenant))
        for kind, user, person in LINKS:
            body = msgspec.json.encode(person)
            world.do(lambda store, name=f"{kind}:{user}", body=body: store.put(world.tenant, CHAT_USER, name, body))

    def account(self, role: Role, person: str = "ana") -> None:
        self.world.do(lambda store: accounts.with_role(store, self.world.tenant, person, role))

    def declared(self, *, private: bool = False, by: str = "ben") -> Incident:
        declare = c.Declare(by=by, title="Zebrafinch", severity="SEV-1", private=private)
        return self.world.do(lambda _: self.world.engine.declare(self.world.tenant, declare))

    def now(self, incident: Incident) -> Incident:
        return self.world.do(lambda _: self.world.engine.load(self.world.tenant, incident.id))

    def typed(self, text: str, user: str = "UANA") -> dict[str, Any]:
        form = {"user_id": user, "text": text, "channel_id": "C1", "trigger_id": str(next(NUMBERS))}
        return self._answer(self.slack.command(form)) or {}

    def pressed(self, verb: str, incident: str, user: str = "UANA") -> list[tuple[str, dict[str, Any]]]:
        """What Slack is asked to show."""
        before = len(self.calls.made)
        action = {"action_id": f"tocsin.{verb}", "value": incident}
        said = {"type": "block_actions", "user": {"id": user}, "response_url": "https://s.example/1", "trigger_id": "1"}
        self._answer(self.slack.interaction(said | {"actions": [action]}))
        return self.calls.made[before:]

    def submitted(self, verb: str, incident: str, user: str = "UANA") -> dict[str, Any] | None:
        values = {name: {name: {"value": text}} for name, text in FORMS[verb].items()}
        view = {"callback_id": f"tocsin.{verb}", "private_metadata": incident, "state": {"values": values}}
        said = {"type": "view_submission", "user": {"id": user}, "view": view}
        return self._answer(self.slack.interaction(said))

    def mentioned(self, text: str, user: str = "UANA") -> tuple[str, dict[str, Any]]:
        event = {"type": "app_mention", "user": user, "text": f"<@U0> {text}", "channel": "C1", "ts": "1.1"}
        self._answer(self.slack.event({"type": "event_callback", "event_id": str(next(NUMBERS)), "event": event}))
        return self.calls.made[-1]

    def tapped(self, verb: str, incident: str, user: int = 7) -> str:
        query = {"id": "q", "from": {"id": user}, "data": f"{verb}:{incident}"}
        self._answer(self.telegram.update({"update_id": next(NUMBERS), "callback_query": query}))
        return str(self.calls.made[-1][1]["text"])

    def _answer(self, work: Any) -> Any:
        async def answered() -> Any:
            acting.sees(NOBODY)
            found = await work
            await self.slack.settle()
            return found

        return asyncio.run(answered())


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("chat"))
    yield made
    made.close()


@pytest.fixture
def chat(world: World) -> Chat:
    made = Chat(world)
    for person in ("ana", "ben"):
        world.do(lambda store, person=person: store.delete(world.tenant, accounts.ACCOUNT, person))
    return made


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Chat]:
    made = World(tmp_path)
    yield Chat(made)
    made.close()


def line(verb: str, reference: str) -> str:
    match verb:
        case "create":
            return 'create "Made in the chat"'
        case "list":
            return "list"
    return f"{verb} {reference} {TYPED[verb]}".strip()


def second(chat: Chat) -> None:
    """Resolving takes two persons from now on."""
    policy = msgspec.structs.replace(POLICY, two_persons=TwoPersons(commands=("resolve",)))
    chat.world.do(lambda _: chat.world.engine.guides.activate(chat.world.tenant, "main", policy))


def ready(chat: Chat, verb: str) -> Incident:
    """An incident on which the verb is no nonsense."""
    if verb in ("approve", "decline"):
        second(chat)
    made = chat.declared()
    chat.world.do(lambda _: chat.world.engine.guides.activate(chat.world.tenant, "main", POLICY))
    command: c.Command | None = {
        "approve": c.Resolve(by="ben"),
        "decline": c.Resolve(by="ben"),
        "unack": c.Acknowledge(by="ana"),
        "reopen": c.Resolve(by="ben"),
        "close": c.Resolve(by="ben"),
    }.get(verb)
    if command is not None:
        chat.world.do(lambda _: chat.world.engine.handle(chat.world.tenant, made.id, command))
    return chat.now(made)


def test_every_verb_that_the_help_names_is_tried_here():
    assert set(re.findall(r"^`\{0\} (\w+)", USAGE, re.MULTILINE)) <= set(TYPED)


@pytest.mark.parametrize("verb", TYPED)
def test_a_viewer_reads_in_the_chat_and_changes_nothing(chat: Chat, verb: str):
    chat.account("viewer")
    incident = ready(chat, verb)

    answer = chat.typed(line(verb, incident.reference))

    assert ("ana is a viewer" in answer["text"]) == (verb not in READS), answer
    assert answer["response_type"] == "ephemeral"
    assert chat.now(incident) == incident


@pytest.mark.parametrize("verb", [each for each in TYPED if each != "approve"])
def test_a_responder_does_each_of_them_as_themselves(chat: Chat, verb: str):
    chat.account("responder")
    incident = ready(chat, verb)

    answer = chat.typed(line(verb, incident.reference))

    assert "needs a" not in answer["text"], answer
    after = chat.now(incident)
    if verb in (*READS, "create"):
        assert after == incident
    else:
        newest = chat.world.do(lambda store: store.facts(chat.world.tenant, incident.id, incident.version))
        assert [fact.by for fact in newest if hasattr(fact, "by")][:1] == ["ana"]


def test_a_step_that_the_guide_has_not_is_refused_in_the_chat_with_what_is_near(alone: Chat):
    guide(alone.world)
    alone.account("responder")
    incident = alone.declared()

    refused = alone.typed(f"done {incident.reference} Detection / Chek the pods")
    assert "did you mean Check the pods?" in refused["text"]
    assert alone.now(incident) == incident

    alone.typed(f"done {incident.reference} detection / check the pods")
    assert alone.now(incident).items == {"Phase 1: Detection / Check the pods": "finished"}


@pytest.mark.parametrize("verb", TYPED)
def test_somebody_who_is_not_linked_is_told_how_to_be(chat: Chat, verb: str):
    incident = ready(chat, verb)

    assert "tocsin channel link slack UEVE" in chat.typed(line(verb, incident.reference), "UEVE")["text"]
    assert chat.now(incident) == incident


@pytest.mark.parametrize("verb", [*FORMS, "acknowledge"])
def test_buttons_and_forms_ask_the_same_table(chat: Chat, verb: str):
    incident = chat.declared()

    ((_, stranger),) = chat.pressed(verb, incident.id, "UEVE")
    assert "tocsin channel link slack UEVE" in stranger["text"]
    chat.account("viewer")
    ((shown, refusal),) = chat.pressed(verb, incident.id)
    assert (shown, "ana is a viewer" in refusal["text"]) == ("respond", True)
    if verb in FORMS:
        assert "ana is a viewer" in str(chat.submitted(verb, incident.id))
        assert "tocsin channel link" in str(chat.submitted(verb, incident.id, "UEVE"))
    assert chat.now(incident) == incident

    chat.account("responder")
    opened = chat.pressed(verb, incident.id)
    if verb in FORMS:
        assert [name for name, _ in opened] == ["views.open"]
        assert chat.submitted(verb, incident.id) is None
    assert chat.now(incident).version > incident.version


@pytest.mark.parametrize("verb", ["ack", "esc"])
def test_buttons_of_telegram_ask_the_same_table(chat: Chat, verb: str):
    incident = chat.declared()

    assert "Tocsin does not know you" in chat.tapped(verb, incident.id, user=8)
    chat.account("viewer")
    assert "ana is a viewer" in chat.tapped(verb, incident.id)
    assert chat.now(incident) == incident
    chat.account("responder")
    chat.tapped(verb, incident.id)
    assert chat.now(incident).version > incident.version


def test_whoever_is_called_to_incidents_and_has_no_account_responds(chat: Chat):
    incident = chat.declared()

    assert "ana has it" in chat.typed(f"ack {incident.reference}")["text"]


def test_somebody_who_is_switched_off_here_is_nobody_in_the_chat(alone: Chat):
    incident = alone.declared()
    away = msgspec.json.encode(Person(id="ana", name="Ana", active=False))
    alone.world.do(lambda store: store.put(alone.world.tenant, "person", "ana", away))
    alone.world.do(lambda _: alone.world.engine.guides.changed(alone.world.tenant))

    assert "tocsin channel link" in alone.typed(f"ack {incident.reference}")["text"]


@pytest.mark.parametrize("verb", [each for each in TYPED if each != "create"])
def test_a_private_incident_is_not_there_for_whom_it_does_not_name(chat: Chat, verb: str):
    """Not for an owner either, nor with emergency access: a chat is read over shoulders."""
    chat.account("owner", "cleo")
    now = chat.world.clock.now()
    access = Access(stream="e", review="r", because="why", taken_at=now, until=now + timedelta(hours=1))
    chat.world.do(lambda store: store.put(chat.world.tenant, EMERGENCY, "cleo", msgspec.json.encode(access)))
    incident = chat.declared(private=True)

    answer = chat.typed(line(verb, incident.reference), "UCLEO")["text"]

    if verb == "list":
        assert incident.reference not in answer
    else:
        never = chat.typed(line(verb, "INC-2026-999999"), "UCLEO")["text"]
        assert answer.replace(incident.reference, "INC-2026-999999") == never
    assert chat.now(incident) == incident


def test_buttons_and_forms_of_a_private_incident_do_nothing_for_others(chat: Chat):
    chat.account("owner", "cleo")
    incident = chat.declared(private=True)

    for verb in (*FORMS, "acknowledge"):
        ((shown, refusal),) = chat.pressed(verb, incident.id, "UCLEO")
        assert shown == "respond"
        assert "Zebrafinch" not in str(refusal) and incident.reference not in str(refusal)
    for verb in FORMS:
        assert "expected" in str(chat.submitted(verb, incident.id, "UCLEO"))
    for verb in ("ack", "esc"):
        assert incident.reference not in chat.tapped(verb, incident.id, 9)
    assert chat.now(incident) == incident


def test_what_is_said_of_a_private_incident_is_shown_to_whoever_asked_alone(chat: Chat):
    """A mention is answered in the thread, which everybody in the channel reads."""
    incident = chat.declared(private=True)

    for text in (f"show {incident.reference}", "list", f"ack {incident.reference}"):
        assert incident.reference in chat.typed(text, "UBEN")["text"]
        assert chat.typed(text, "UBEN")["response_type"] == "ephemeral"
        method, told = chat.mentioned(text, "UBEN")
        assert (method, told["user"]) == ("chat.postEphemeral", "UBEN")
    assert chat.mentioned(f"ack {chat.declared().reference}", "UBEN")[0] == "chat.postMessage"


def test_the_record_says_who_it_was_in_the_chat(chat: Chat):
    chat.typed('create "From the chat"')

    newest = chat.world.do(lambda store: store.audit_newest(chat.world.tenant, limit=5))
    assert {b"ana" in each.body for each in newest} >= {True}


def test_what_waits_for_a_second_person_says_so(alone: Chat):
    second(alone)
    incident = alone.declared()

    answer = alone.typed(f"resolve {incident.reference} rolled back")["text"]

    assert "`resolve` waits until somebody else approves it (request 1)" in answer
    assert alone.now(incident).status == "investigating"


def test_a_second_person_reads_the_very_command_in_the_chat_and_approves_it(alone: Chat):
    guide(alone.world)
    incident = alone.declared()
    flush = c.BeginRun(by="ben", phase="Checkout Recovery", item="Drop the queue", text="redis-cli FLUSHALL")
    alone.world.do(lambda _: alone.world.engine.handle(alone.world.tenant, incident.id, flush))
    asked = "ben asks to run redis-cli FLUSHALL (Drop the queue; it cannot be taken back)"

    assert f"Request 1: {asked}" in alone.typed(f"show {incident.reference}")["text"]
    alone.account("responder")
    assert "needs a commander" in alone.typed(f"approve {incident.reference} 1")["text"]
    assert "Which request?" in alone.typed(f"approve {incident.reference} it")["text"]
    alone.account("commander")
    own = alone.typed(f"approve {incident.reference} 1", "UBEN")["text"]
    assert "somebody else approves" in own or "needs a commander" in own
    answer = alone.typed(f"approve {incident.reference} 1 agreed on the call")["text"]

    assert "Approved request 1: ben asked to run redis-cli FLUSHALL" in answer
    (allowed,) = alone.now(incident).runs.allowed.values()
    assert (allowed.asker, allowed.approved_by) == ("ben", "ana")


def test_nobody_approves_in_the_chat_what_does_not_fit_into_a_message(alone: Chat):
    long = Runbook(title="Long", steps=(Step(text="It", commands=(CodeBlock(language="bash", code=LONG_CODE),)),))
    guide(alone.world, msgspec.structs.replace(GUIDED, runbooks=(long,)))
    incident = alone.declared()
    run = c.BeginRun(by="ben", phase="Long", item="It", text=LONG_CODE)
    alone.world.do(lambda _: alone.world.engine.handle(alone.world.tenant, incident.id, run))
    alone.account("commander")

    assert "too long to be read here" in alone.typed(f"approve {incident.reference} 1")["text"]
    assert not alone.now(incident).runs.allowed


def test_a_role_in_the_chat_goes_to_somebody_known_and_a_slip_is_heard(chat: Chat):
    incident = chat.declared()

    slip = chat.typed(f"assign {incident.reference} @bne as Scribe")
    given = chat.typed(f"assign {incident.reference} ben@example.org as Scribe")

    assert "did you mean ben?" in slip["text"], slip
    assert "Ben Okoro is Scribe" in given["text"], given
    assert chat.now(incident).roles == {"Scribe": ("ben",)}


def test_an_audience_in_the_chat_is_known_or_the_slip_is_heard(chat: Chat):
    incident = chat.declared()

    answer = chat.typed(f"update {incident.reference} we are rolling back --to custmers")

    assert "did you mean customers?" in answer["text"], answer
    assert chat.now(incident) == incident
