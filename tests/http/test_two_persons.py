"""The rule of two persons: what the policy names is asked for by one and approved by another."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.world import POLICY, T0, Server
from tocsin.core import facts as f, twopersons
from tocsin.core.paging_text import Addressed, Concern, wording
from tocsin.core.people import Method, Person
from tocsin.core.policy import TwoPersons, digest
from tocsin.core.policycheck import flaws
from tocsin.core.released import NAMEABLE
from tocsin.guides import Offered
from tocsin.http import auth, second
from tocsin.identity import accounts
from tocsin.setting.access import AccessSetting


@pytest.fixture
def ruled(server: Server) -> Server:
    world = server.world
    rule = TwoPersons(commands=("resolve", "unfreeze-deployments"), severities=("SEV-0",), within_seconds=1800)
    policy = msgspec.structs.replace(POLICY, two_persons=rule)
    world.do(lambda _: world.engine.guides.activate(world.tenant, "main", policy))
    return server


def person(server: Server, name: str, role: auth.Spoken = "commander") -> httpx2.Client:
    return server.client(server.world.token(role, name))


def declared(api: httpx2.Client, severity: str = "SEV-0") -> str:
    made: dict[str, Any] = api.post("/api/incidents", json={"title": "Checkout is down", "severity": severity}).json()
    return f"/api/incidents/{made['id']}"


def test_one_asks_another_approves_and_it_is_the_askers_doing(ruled: Server):
    ana, ben = person(ruled, "ana"), person(ruled, "ben")
    path = declared(ana)

    asked = ana.post(f"{path}/resolve", json={"because": "rolled back"}).json()
    assert asked["status"] == "investigating"
    assert [(each["request"], each["command"], each["by"]) for each in asked["approvals"]] == [(1, "resolve", "ana")]

    assert ana.post(f"{path}/approve", json={"request": 1}).status_code == 409
    after = ben.post(f"{path}/approve", json={"request": 1}).json()
    assert (after["status"], after["resolved_by"], after["approvals"]) == ("resolved", "ana", [])
    kinds = [(each["kind"], each["by"]) for each in ben.get(f"{path}/timeline").json()["items"]]
    assert ("ApprovalRequested", "ana") in kinds
    assert ("ApprovalEnded", "ben") in kinds


def test_asking_twice_is_asking_once_and_a_request_lapses(ruled: Server):
    ana, ben = person(ruled, "ana"), person(ruled, "ben")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={"because": "over"})

    assert len(ana.post(f"{path}/resolve", json={"because": "over"}).json()["approvals"]) == 1
    ruled.world.clock.advance(timedelta(minutes=30))
    assert ben.post(f"{path}/approve", json={"request": 1}).status_code == 409
    assert ana.post(f"{path}/resolve", json={"because": "over"}).json()["approvals"][-1]["request"] == 2
    assert ben.post(f"{path}/approve", json={"request": 2}).json()["status"] == "resolved"


def test_a_way_around_is_none(ruled: Server):
    ana = person(ruled, "ana")
    path = declared(ana)

    assert ana.post(f"{path}/change-status", json={"status": "resolved"}).json()["status"] == "investigating"
    said = {"text": "It is over.", "audience": "response team", "status": "resolved"}
    assert ana.post(f"{path}/post-update", json=said).json()["status"] == "investigating"
    said = {"audiences": ["customers"], "status": "resolved", "texts": {"customers": "over"}}
    ana.post(f"{path}/say", json=said)
    assert ana.get(path).json()["status"] == "investigating"


def test_it_can_be_declined_and_asks_for_a_commander(ruled: Server):
    ana, ben = person(ruled, "ana", "responder"), person(ruled, "ben", "responder")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={})

    assert ben.post(f"{path}/approve", json={"request": 1}).status_code == 403
    assert ben.post(f"{path}/decline", json={"request": 1, "because": "not yet"}).json()["approvals"] == []
    assert ben.post(f"{path}/decline", json={"request": 1}).status_code == 400


def test_other_severities_commands_and_what_alerts_do_ask_nobody(ruled: Server):
    ana = person(ruled, "ana")

    assert ana.post(f"{declared(ana, 'SEV-2')}/resolve", json={}).json()["status"] == "resolved"
    assert ana.post(f"{declared(ana)}/acknowledge", json={}).json()["acknowledged_by"] == "ana"


def test_what_must_not_wait_cannot_be_named_in_a_policy():
    named = TwoPersons(commands=("acknowledge", "merge", "resolve"))
    found = [flaw.field for flaw in flaws(msgspec.structs.replace(POLICY, two_persons=named))]

    assert [each for each in found if each.startswith("two_persons")] == [
        "two_persons.commands[0]",
        "two_persons.commands[1]",
    ]


# --- what is no command of an incident --------------------------------------------------------------------------------


@pytest.fixture
def asking(server: Server) -> Server:
    server.world.access = AccessSetting(two_persons=frozenset(NAMEABLE), approval=timedelta(minutes=30))
    return server


def offered(server: Server) -> None:
    policy = msgspec.structs.replace(POLICY, title="How we respond now")

    def offer(_: Any) -> None:
        found = Offered(name="main", digest=digest(policy), at=server.world.clock.now())
        server.world.engine.guides.offer(server.world.tenant, policy, found)

    server.world.do(offer)


def kept(api: httpx2.Client) -> str:
    """An item of evidence with its original, removed or read by what is asked of its path."""
    path = declared(api)
    made = api.post(
        f"{path}/evidence",
        params={"name": "log.txt", "keep_original": "true"},
        content=b"password=hunter22",
        headers={"Content-Type": "text/plain"},
    )
    assert made.status_code == 201, made.text
    return f"{path}/evidence"


def deed(server: Server, action: str, api: httpx2.Client) -> Any:
    """What a person does, again and again the same, that asks for this action."""
    match action:
        case "audit.erase":
            return lambda by: by.post("/api/audit/erasures", json={"because": "asked for", "seqs": [3]})
        case "policy.activate":
            offered(server)
            return lambda by: by.post("/api/guides/main/activate")
        case "incident.merge":
            one, other = declared(api), declared(api)
            return lambda by: by.post(f"{one}/merge", json={"into": other.rpartition("/")[2]})
    path = kept(api)
    match action:
        case "evidence.original":
            return lambda by: by.get(f"{path}/1/content", params={"original": "true"})
        case "evidence.remove":
            return lambda by: by.post(f"{path}/1/remove", json={"because": "not needed"})
        case "evidence.release":
            api.post(f"{path}/hold", json={"because": "a lawsuit"})
            return lambda by: by.post(f"{path}/release", json={"because": "it is over"})
    raise AssertionError(f"nothing tries {action}")


@pytest.mark.parametrize("action", NAMEABLE)
def test_what_the_setting_names_is_done_once_by_its_asker_after_somebody_else_approved(asking: Server, action: str):
    ana, ben = person(asking, "ana", "owner"), person(asking, "ben", "administrator")
    done = deed(asking, action, ana)

    first = done(ana)
    assert (first.status_code, "takes two persons" in first.json()["detail"]) == (409, True)
    assert done(ana).status_code == 409  # saying it again is no second person
    (waiting,) = ben.get("/api/approvals").json()["items"]
    assert (waiting["action"], waiting["by"], waiting["approved_by"]) == (action, "ana", None)
    assert ana.post(f"/api/approvals/{waiting['id']}/approve").status_code == 409
    assert done(ben).status_code == 409  # an approval is not the approver's

    for each in ben.get("/api/approvals").json()["items"]:
        if each["by"] == "ana":
            assert ben.post(f"/api/approvals/{each['id']}/approve").json()["approved_by"] == "ben"
    assert done(ana).status_code in (200, 201)
    assert [each["by"] for each in ben.get("/api/approvals").json()["items"]] == ["ben"]


@pytest.mark.parametrize("action", NAMEABLE)
def test_what_the_setting_does_not_name_one_person_does(server: Server, action: str):
    ana = person(server, "ana", "owner")

    assert deed(server, action, ana)(ana).status_code in (200, 201)
    assert ana.get("/api/approvals").json()["items"] == []


def test_an_approval_is_of_exactly_what_was_asked_for_and_lapses(asking: Server):
    ana, ben = person(asking, "ana", "administrator"), person(asking, "ben", "administrator")

    def erase(seq: int) -> int:
        return ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [seq]}).status_code

    assert erase(3) == 409
    (waiting,) = ben.get("/api/approvals").json()["items"]
    ben.post(f"/api/approvals/{waiting['id']}/approve")
    assert erase(4) == 409
    asking.world.clock.advance(timedelta(minutes=30))
    assert erase(3) == 409
    assert ben.post(f"/api/approvals/{waiting['id']}/approve").status_code == 404


def test_who_may_not_do_it_neither_sees_nor_approves_it_and_a_program_is_no_second_person(asking: Server):
    ana = person(asking, "ana", "administrator")
    asking.world.access = AccessSetting(two_persons=frozenset({"audit.erase"}))
    ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [3]})
    (waiting,) = ana.get("/api/approvals").json()["items"]

    cleo = person(asking, "cleo", "commander")
    assert cleo.get("/api/approvals").json()["items"] == []
    assert cleo.post(f"/api/approvals/{waiting['id']}/approve").status_code == 404
    program = auth.issue("robot", "administrator", asking.world.clock.now(), service=True)
    asking.world.do(lambda store: auth.save(store, "default", "token", program.record))
    answer = asking.client(program.text).post(f"/api/approvals/{waiting['id']}/approve")
    assert (answer.status_code, "robot is a program" in answer.json()["detail"]) == (409, True)
    assert ana.delete(f"/api/approvals/{waiting['id']}").status_code == 204
    assert ana.get("/api/approvals").json()["items"] == []


def test_what_waits_about_a_private_incident_is_seen_by_whoever_sees_the_incident(asking: Server):
    ana, cleo = person(asking, "ana", "administrator"), person(asking, "cleo", "administrator")
    path = kept(ana)
    ana.post(f"{path.removesuffix('/evidence')}/restrict", json={"because": "a leak"})

    assert ana.post(f"{path}/1/remove", json={"because": "not needed"}).status_code == 409

    assert len(ana.get("/api/approvals").json()["items"]) == 1
    assert cleo.get("/api/approvals").json()["items"] == []
    assert "asks to" not in cleo.get("/duties").text


def test_a_program_approves_no_command_of_an_incident_either(ruled: Server):
    ana = person(ruled, "ana")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={})
    program = auth.issue("robot", "commander", ruled.world.clock.now(), service=True)
    ruled.world.do(lambda store: auth.save(store, "default", "token", program.record))

    assert ruled.client(program.text).post(f"{path}/approve", json={"request": 1}).status_code == 409
    assert ana.get(path).json()["status"] == "investigating"


def test_the_page_of_duties_shows_what_waits_and_approves_it(asking: Server):
    ana = person(asking, "ana", "administrator")
    issued = auth.issue("ben", "administrator", asking.world.clock.now())
    asking.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    ben = asking.client(Cookie=f"{auth.COOKIE}={issued.text}", Origin=asking.url)
    ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [3]})
    (waiting,) = ana.get("/api/approvals").json()["items"]

    assert "Ana Ivanova asks to erase entries 3: asked for" in ben.get("/duties").text
    ben.post(f"/approvals/{waiting['id']}/approve")

    assert ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [3]}).status_code == 201


# --- who is told that something waits ---------------------------------------------------------------------------------


def accounts_of(server: Server, **roles: str) -> None:
    """Everybody has a way to be reached and an account with a role."""

    def make(store: Any) -> None:
        for name, role in roles.items():
            methods = (Method(kind="email", address=f"{name}@example.org"),)
            store.put("default", "person", name, msgspec.json.encode(Person(id=name, methods=methods)))
            accounts.with_role(store, "default", name, auth.role_of(role))  # type: ignore[arg-type]
        server.world.engine.guides.changed("default")

    server.world.do(make)


def told(server: Server, stream: str) -> list[tuple[str, str]]:
    """Who was told what, in order, because something waits."""
    facts = server.world.do(lambda store: store.facts("default", stream))
    found = [each for each in facts if isinstance(each, f.Notified) and each.audience == twopersons.TOLD]
    return [(page.person, each.because) for each in found for page in each.pages]


def test_whoever_may_release_a_command_is_told_once_and_never_who_asked(ruled: Server):
    accounts_of(ruled, ana="commander", ben="commander", cleo="viewer", dan="responder", eve="owner")
    gone = ruled.world.do(lambda store: accounts.find(store, "default", "eve"))
    gone = msgspec.structs.replace(gone, disabled_at=ruled.world.clock.now())
    ruled.world.do(lambda store: accounts.keep(store, "default", gone))
    ana, dan = person(ruled, "ana"), person(ruled, "dan", "responder")
    path = declared(dan)
    dan.post(f"{path}/assign-role", json={"role": "Incident Commander", "person": "dan"})

    ana.post(f"{path}/resolve", json={"because": "over"})
    ana.post(f"{path}/resolve", json={"because": "over"})

    said = "ana asks for resolve, and somebody else has to approve it until 03:30 UTC"
    assert told(ruled, path.rpartition("/")[2]) == [("dan", said), ("ben", said)]
    owed = ruled.world.do(lambda store: store.claim_pages(ruled.world.clock.now(), 50, 60))
    assert {each.person for each in owed if each.notice} >= {"ben", "dan"}


def test_nobody_is_told_of_a_private_incident_who_must_not_know_of_it(ruled: Server):
    accounts_of(ruled, ana="commander", ben="commander", eve="owner")
    ana = person(ruled, "ana")
    path = declared(ana)
    ana.post(f"{path}/restrict", json={"because": "a leak", "people": ["ben"]})

    ana.post(f"{path}/resolve", json={"because": "over"})

    assert [name for name, _ in told(ruled, path.rpartition("/")[2])] == ["ben"]


def test_what_is_no_command_is_told_of_by_a_stream_of_its_own(asking: Server):
    accounts_of(asking, ana="administrator", ben="administrator", dan="responder")
    ana = person(asking, "ana", "administrator")
    for seq in (3, 3, 4):
        assert ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [seq]}).status_code == 409

    found = told(asking, second.DESK)

    assert [name for name, _ in found] == ["ben", "ben"]
    assert "ana asks to erase entries 3: asked for" in found[0][1]
    assert "approvals" not in ana.get("/api/duties").text  # nobody is reminded of it as of a duty
    (page, *_) = asking.world.do(lambda store: store.claim_pages(asking.world.clock.now(), 50, 60))
    view = asking.world.do(lambda _: asking.world.engine.describe(page))
    concern = Concern(incident=view, rank=0, url="https://tocsin.example/duties")
    words = wording((concern,), Addressed(person="ben", zone="UTC", level=0, notice=True), T0, None, "")
    assert words.subject.startswith("ana asks to erase entries 3")
    assert "https://tocsin.example/duties" in words.text and "done" not in words.text


def test_what_is_about_an_incident_is_told_of_on_it(asking: Server):
    accounts_of(asking, ana="administrator", ben="administrator", eve="administrator")
    ana = person(asking, "ana", "administrator")
    path = kept(ana)
    incident = path.removesuffix("/evidence")
    ana.post(f"{incident}/restrict", json={"because": "a leak", "people": ["ben"]})

    assert ana.post(f"{path}/1/remove", json={"because": "not needed"}).status_code == 409

    ((name, because),) = told(asking, incident.rpartition("/")[2])
    assert (name, because.startswith("ana asks to ")) == ("ben", True)
    assert told(asking, second.DESK) == []


def test_that_nobody_approved_in_time_is_seen(ruled: Server):
    ana = person(ruled, "ana")
    path = declared(ana)
    ana.post(f"{path}/resolve", json={"because": "over"})
    assert "Waits for approval" in page_of(ruled, "ben", "/")
    ruled.world.clock.advance(timedelta(minutes=30))

    ruled.world.do(lambda _: ruled.world.engine.wake())

    shown = [each["text"] for each in ana.get(f"{path}/timeline").json()["items"]]
    assert "Request 1 lapsed: nobody approved it in time" in shown
    assert ana.get(path).json()["approvals"] == []


def test_what_lapsed_stands_under_duties_for_a_day_and_cannot_be_approved(asking: Server):
    ana = person(asking, "ana", "administrator")
    ana.post("/api/audit/erasures", json={"because": "asked for", "seqs": [3]})
    assert "1 request waits for a second person" in page_of(asking, "ben", "/")
    assert "for a second person" not in page_of(asking, "ana", "/")
    asking.world.clock.advance(timedelta(minutes=30))

    (shown,) = ana.get("/api/approvals").json()["items"]
    assert shown["lapsed"] is True
    assert "nobody approved it" in page_of(asking, "ben", "/duties")
    assert "/approve" not in page_of(asking, "ben", "/duties")
    asking.world.clock.advance(timedelta(days=1))
    assert ana.get("/api/approvals").json()["items"] == []


def page_of(server: Server, name: str, path: str) -> str:
    issued = auth.issue(name, "administrator", server.world.clock.now())
    server.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    return server.client(Cookie=f"{auth.COOKIE}={issued.text}", Origin=server.url).get(path).text
