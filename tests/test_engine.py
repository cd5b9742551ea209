"""Load, decide, append, on the memory store: what the engine adds to the core."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.alert import Verdict
from tocsin.core.facts import AlertName
from tocsin.core.incident import Refused, fold
from tocsin.core.people import Method, Person
from tocsin.core.policy import Deadline, Escalation, Level, Notify, Paging, Policy, Severity
from tocsin.core.promises import next_wakeup
from tocsin.core.view import words
from tocsin.engine import Engine, Group, NotFound
from tocsin.guides import UnknownGuide
from tocsin.ports import AlertChanges, Claim, Receipt
from tocsin.store.memory import MemoryStore

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TENANT = "default"
POLICY = Policy(
    title="Test guide",
    severities=(
        Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=300)),
        Severity(id="SEV-2", rank=1),
    ),
    escalation=Escalation(
        levels=(
            Level(level=1, who=("ana",), within=Deadline(seconds=900)),
            Level(level=2, who=("ben",), within=Deadline(seconds=900)),
        )
    ),
    paging=Paging(last_resort=("ben",)),
)


class Desk:
    """An engine over a memory store, with two people and one guide."""

    def __init__(self) -> None:
        self.clock = ManualClock(T0)
        self.store = MemoryStore(self.clock)
        self.engine = self.restarted()
        for name in ("ana", "ben"):
            person = Person(id=name, methods=(Method(kind="email", address=f"{name}@example.org"),))
            self.store.put(TENANT, "person", name, msgspec.json.encode(person))
        self.engine.guides.activate(TENANT, "test", POLICY)

    def restarted(self) -> Engine:
        numbers = iter(range(1, 10_000))
        seen = getattr(self, "restarts", 0)
        self.restarts = seen + 1
        return Engine(self.store, new_id=lambda: f"i{seen}x{next(numbers)}")

    def fires(self, key: str = "disk", count: int = 1, consumed: int | None = None) -> str:
        alert = AlertName(fingerprint="aa", starts_at=self.clock.now(), title="Disk full")
        verdict = Verdict(outcome="page", guide="test", severity="SEV-1", key=key)
        group = Group(key=key, verdict=verdict, title="Disk full", source="prom", fired=(alert,), fired_count=count)
        return self.engine.report(TENANT, [group], consumed=consumed)[key]

    def clears(self, incident: str, count: int = 1) -> None:
        self.engine.report(TENANT, [Group(incident=incident, cleared_count=count)])

    def passes(self, minutes: float) -> None:
        self.clock.advance(timedelta(minutes=minutes))
        while self.engine.wake():
            pass

    def facts(self, incident: str) -> list[f.AnyFact]:
        return self.store.facts(TENANT, incident)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_an_alert_opens_an_incident_and_the_page_is_owed_in_the_same_commit(desk: Desk):
    incident = desk.fires(consumed=77)

    assert desk.store.consumed() == 77
    assert [(page.person, page.incident) for page in desk.engine.lease()] == [("ana", incident)]
    row = desk.store.index(TENANT, incident)
    assert row is not None
    assert (row.reference, row.status, row.firing) == ("INC-2026-001", "investigating", 1)


def test_alerts_of_one_key_join_one_incident_and_other_keys_open_others(desk: Desk):
    first, again, other = desk.fires("disk"), desk.fires("disk"), desk.fires("cpu")

    assert first == again != other
    assert desk.engine.load(TENANT, first).firing == 2
    assert desk.engine.load(TENANT, other).reference == "INC-2026-002"


def test_a_promise_is_missed_in_writing_though_alerts_keep_joining(desk: Desk):
    incident = desk.fires()
    desk.clock.advance(timedelta(minutes=4))
    desk.fires()
    desk.clock.advance(timedelta(minutes=2))

    desk.fires()

    assert [fact.rule for fact in desk.facts(incident) if isinstance(fact, f.PromiseMissed)] == ["respond:SEV-1"]


@pytest.mark.parametrize("seed", range(20))
def test_a_stream_is_woken_when_its_facts_say_so_whatever_happened_to_it(desk: Desk, seed: int):
    chance = random.Random(seed)
    incident = desk.fires()
    for _ in range(30):
        desk.clock.advance(timedelta(seconds=chance.choice((1, 60, 600))))
        match chance.randrange(6):
            case 0 | 1:
                desk.fires()
            case 2:
                desk.clears(incident)
            case 3:
                desk.passes(1)
            case _:
                with suppress(Refused):
                    desk.engine.handle(TENANT, incident, chance.choice(DEEDS))
        state = desk.engine.load(TENANT, incident)
        due = {stream: at for _, stream, at in desk.store.due(datetime.max.replace(tzinfo=UTC), 10)}

        assert due.get(incident) == next_wakeup(state, desk.engine.guides.digested(TENANT, state.policy_digest).rules)


DEEDS = (
    c.Acknowledge(by="ana"),
    c.Unacknowledge(by="ana", because="no time"),
    c.ChangeSeverity(by="ana", severity="SEV-2", because="less"),
    c.ChangeSeverity(by="ana", severity="SEV-1", because="more"),
    c.Snooze(by="ana", until=T0 + timedelta(hours=1), because="known"),
    c.Resolve(by="ana", because="fixed"),
    c.Reopen(by="ana", because="not fixed"),
)


def test_two_new_keys_of_one_digest_get_two_numbers(desk: Desk):
    groups = [
        Group(
            key=key, verdict=Verdict(outcome="page", guide="test", severity="SEV-2", key=key), title=key, fired_count=1
        )
        for key in ("a", "b", "c")
    ]

    ids = desk.engine.report(TENANT, groups)

    references = [desk.engine.load(TENANT, each).reference for each in ids.values()]
    assert references == ["INC-2026-001", "INC-2026-002", "INC-2026-003"]


def test_an_incident_that_ends_in_the_same_digest_takes_no_new_alert(desk: Desk):
    first = desk.fires("disk")
    verdict = Verdict(outcome="page", guide="test", severity="SEV-1", key="disk")
    again = Group(key="disk", verdict=verdict, title="Disk full", source="prom", fired_count=1)

    ids = desk.engine.report(TENANT, [Group(incident=first, cleared_count=1), again])

    assert ids["disk"] != first
    assert desk.engine.load(TENANT, first).status == "resolved"
    assert desk.engine.load(TENANT, ids["disk"]).firing == 1


def test_the_alert_states_are_asked_for_once_the_ids_are_known(desk: Desk):
    asked = []
    verdict = Verdict(outcome="page", guide="test", severity="SEV-1", key="k")

    def changes(ids):
        asked.append(dict(ids))
        return AlertChanges(tenant=TENANT, blocks={}, words=[], bodies={})

    ids = desk.engine.report(TENANT, [Group(key="k", verdict=verdict, title="x", fired_count=1)], changes=changes)

    assert asked == [ids]


def test_a_key_whose_incident_was_resolved_opens_a_new_one(desk: Desk):
    first = desk.fires()
    desk.clears(first)
    assert desk.engine.load(TENANT, first).status == "resolved"

    second = desk.fires()

    assert second != first
    assert desk.store.holder(TENANT, Claim(kind="key", name="disk")) == second


def test_an_acknowledgement_from_the_source_is_taken_as_one(desk: Desk):
    incident = desk.fires()

    desk.engine.report(TENANT, [Group(key="disk", incident=incident, acknowledged_by="source:pagerduty")])

    assert desk.engine.load(TENANT, incident).acknowledged_by == "source:pagerduty"


def test_after_an_acknowledgement_nothing_can_be_leased(desk: Desk):
    incident = desk.fires()
    desk.engine.handle(TENANT, incident, c.Acknowledge(by="ana"))

    assert desk.engine.lease() == []


def test_a_page_that_was_leased_before_the_acknowledgement_is_not_described_any_more(desk: Desk):
    incident = desk.fires()
    page = desk.engine.lease()[0]
    desk.engine.handle(TENANT, incident, c.Acknowledge(by="ben"))

    assert desk.engine.describe(page) is None


def test_a_sent_page_is_on_the_timeline_and_is_not_sent_again(desk: Desk):
    incident = desk.fires()
    page = desk.engine.lease()[0]

    desk.engine.receive(page, Receipt(code="sent", provider_id="queued as 1"))
    desk.passes(10)

    sent = [fact for fact in desk.facts(incident) if isinstance(fact, f.PageSent)]
    assert [(fact.person, fact.provider_id) for fact in sent] == [("ana", "queued as 1")]
    assert desk.engine.lease() == []


def test_a_temporary_failure_is_tried_again_with_the_same_id(desk: Desk):
    desk.fires()
    page = desk.engine.lease()[0]
    desk.engine.receive(page, Receipt(code="timeout"))
    assert desk.engine.lease() == []

    desk.clock.advance(timedelta(minutes=1))
    again = desk.engine.lease()

    assert [(each.id, each.attempt) for each in again] == [(page.id, 2)]


def test_a_permanent_failure_of_the_only_method_pages_the_next_level_at_once(desk: Desk):
    incident = desk.fires()
    page = desk.engine.lease()[0]

    desk.engine.receive(page, Receipt(code="rejected", permanent=True, detail="550 no such user"))

    assert desk.engine.load(TENANT, incident).ladder.level == 2
    assert [each.person for each in desk.engine.lease()] == ["ben"]


def test_deadlines_survive_a_restart(desk: Desk):
    incident = desk.fires()
    desk.engine = desk.restarted()

    desk.passes(15)

    assert desk.engine.load(TENANT, incident).ladder.level == 2


def test_waking_twice_pages_once(desk: Desk):
    incident = desk.fires()
    desk.clock.advance(timedelta(minutes=15))
    desk.engine.wake()
    desk.engine.wake()

    assert [type(fact).__name__ for fact in desk.facts(incident)].count("Escalated") == 2


def test_a_broken_stream_keeps_nobody_elses_page_back(desk: Desk):
    broken, fine = desk.fires("broken"), desk.fires("fine")
    desk.store._tables.facts[TENANT, broken] = (b'{"fact":"Nonsense"}',)
    desk.engine = desk.restarted()

    desk.passes(15)

    assert desk.engine.load(TENANT, fine).ladder.level == 2
    assert (TENANT, broken) in desk.engine.poisoned


def test_an_incident_keeps_the_policy_it_was_opened_under(desk: Desk):
    incident = desk.fires()
    changed = msgspec.structs.replace(POLICY, escalation=Escalation(levels=(Level(level=1, who=("ana",)),)))
    desk.engine.guides.activate(TENANT, "test", changed)

    desk.passes(15)

    assert desk.engine.load(TENANT, incident).ladder.level == 2


def test_people_are_live(desk: Desk):
    incident = desk.fires()
    left = Person(id="ben", active=False)
    desk.store.put(TENANT, "person", "ben", msgspec.json.encode(left))
    desk.engine.guides.changed(TENANT)

    desk.passes(15)

    assert "CoverageGap" in [type(fact).__name__ for fact in desk.facts(incident)]


def test_a_merge_moves_the_key_and_the_alerts_that_follow(desk: Desk):
    duplicate, survivor = desk.fires("disk"), desk.fires("cpu")

    desk.engine.handle(TENANT, "INC-2026-001", c.Merge(by="ana", into="INC-2026-002"))

    assert desk.fires("disk") == survivor
    desk.clears(duplicate)
    assert desk.engine.load(TENANT, survivor).firing == 2
    assert desk.engine.load(TENANT, duplicate).status == "closed"


def test_a_link_is_seen_from_both_ends(desk: Desk):
    one, two = desk.fires("disk"), desk.fires("cpu")

    desk.engine.handle(TENANT, one, c.Link(by="ana", other="INC-2026-002", relation="related"))

    assert desk.engine.load(TENANT, one).links == ((two, "related"),)
    assert desk.engine.load(TENANT, two).links == ((one, "related"),)
    assert words(desk.facts(one)[-1]) == "Linked to INC-2026-002 (related)"
    assert words(desk.facts(two)[-1]) == "Linked to INC-2026-001 (related)"


def test_a_merge_is_told_by_the_names_people_use(desk: Desk):
    one, two = desk.fires("disk"), desk.fires("cpu")

    desk.engine.handle(TENANT, one, c.Merge(by="ana", into=two))

    assert "Merged into INC-2026-002" in [words(fact) for fact in desk.facts(one)]


def test_a_refused_command_leaves_nothing_behind(desk: Desk):
    incident = desk.fires()
    before = desk.facts(incident)

    with pytest.raises(Refused):
        desk.engine.handle(TENANT, incident, c.Close(by="ana"))

    assert desk.facts(incident) == before


def test_unknown_names_are_errors_that_name_them(desk: Desk):
    with pytest.raises(NotFound, match="INC-1999-001"):
        desk.engine.handle(TENANT, "INC-1999-001", c.Acknowledge())
    with pytest.raises(UnknownGuide, match="expected one of test, got 'other'"):
        desk.engine.declare(TENANT, c.Declare(title="x", guide="other"))
    with pytest.raises(ValueError, match="severity: expected one of SEV-1, SEV-2, got 'P1'"):
        desk.engine.declare(TENANT, c.Declare(title="x", severity="P1"))


def test_a_declared_incident_without_a_severity_takes_the_second_worst(desk: Desk):
    assert desk.engine.declare(TENANT, c.Declare(title="It is slow", by="ana")).severity == "SEV-2"


def test_a_declaration_that_is_asked_for_twice_opens_one_incident(desk: Desk):
    first = desk.engine.declare(TENANT, c.Declare(title="It is slow"), "chosen")
    second = desk.engine.declare(TENANT, c.Declare(title="It is slow"), "chosen")

    assert first == second
    assert desk.store.listing(TENANT)[1] is None
    assert len(desk.store.listing(TENANT)[0]) == 1


def test_an_append_that_somebody_was_faster_than_is_decided_again_on_the_newer_state(desk: Desk):
    incident = desk.fires()
    other = desk.restarted()
    other.handle(TENANT, incident, c.Acknowledge(by="ana"))

    assert desk.fires() == incident  # desk.engine still remembers the incident as nobody's

    joined = desk.engine.load(TENANT, incident)
    assert (joined.firing, joined.acknowledged_by) == (2, "ana")


def test_commands_of_two_nodes_about_one_incident_are_both_carried_out(desk: Desk):
    other = desk.restarted()
    desk.fires("disk")
    first = other.declare(TENANT, c.Declare(title="It is slow"))
    desk.engine.load(TENANT, first.id)
    other.handle(TENANT, first.id, c.AddNote(by="ana", text="hello"))

    after = desk.engine.handle(TENANT, first.id, c.Acknowledge(by="ben"))

    assert first.reference == "INC-2026-002"
    assert after.acknowledged_by == "ben"
    assert [type(fact).__name__ for fact in desk.facts(first.id)].count("NoteAdded") == 1


def test_every_clock_of_an_incident_wakes_it_and_not_the_ladder_alone(desk: Desk):
    incident = desk.fires()
    desk.engine.handle(TENANT, incident, c.Snooze(by="ana", until=T0 + timedelta(minutes=60)))

    desk.passes(59)
    assert [type(fact).__name__ for fact in desk.facts(incident)].count("Escalated") == 1
    desk.passes(1)

    assert [type(fact).__name__ for fact in desk.facts(incident)].count("Escalated") == 2


def test_the_index_row_is_the_fold_of_the_facts(desk: Desk):
    incident = desk.fires()
    desk.engine.handle(TENANT, incident, c.Acknowledge(by="ana"))
    desk.passes(5)

    folded = fold(desk.facts(incident))
    row = desk.store.index(TENANT, incident)
    assert folded is not None and row is not None
    assert row.summary == msgspec.json.encode(desk.engine.view(TENANT, folded))


def test_a_listener_that_fails_takes_nothing_back_and_keeps_nothing_from_the_others(desk: Desk):
    heard: list[str] = []

    def fails(*_: object) -> None:
        raise Refused("cannot keep the duty: it is over")

    desk.engine.subscribe(fails)
    desk.engine.subscribe(lambda tenant, stream, version: heard.append(stream))
    incident = desk.engine.declare(TENANT, c.Declare(title="a", severity="SEV-1", by="ana"))
    resolved = desk.engine.handle(TENANT, incident.id, c.Resolve(by="ana"))

    assert (resolved.status, heard) == ("resolved", [incident.id] * 2)
    assert desk.engine.listeners.subscriber_failures == 2


def test_subscribers_hear_of_every_commit_with_the_version_it_reached(desk: Desk):
    heard: list[tuple[str, str, int]] = []
    desk.engine.subscribe(lambda *each: heard.append(each))

    incident = desk.fires()
    desk.engine.handle(TENANT, incident, c.AddNote(by="ana", text="hello"))

    assert [(stream, version) for _, stream, version in heard] == [(incident, 3), (incident, 4)]


def test_a_bundle_is_told_on_the_timeline_of_every_incident_it_spoke_for(desk: Desk):
    incidents = [desk.fires(f"key {n}") for n in range(8)]
    alone = desk.engine.lease()

    bundle = next(page for page in alone if page.also)
    for page in alone:
        desk.engine.receive(page, Receipt(code="sent"))

    assert len(alone) == 5
    assert len(bundle.also) == 3
    for incident in incidents:
        assert [type(fact).__name__ for fact in desk.facts(incident)].count("PageSent") == 1
    desk.clock.advance(timedelta(hours=1))
    assert desk.engine.lease() == []


def test_a_reopened_incident_holds_its_key_again(desk: Desk):
    first = desk.fires()
    desk.engine.handle(TENANT, first, c.Resolve(by="ana"))

    desk.engine.handle(TENANT, first, c.Reopen(by="ana", because="it came back"))

    assert desk.fires() == first


def test_a_reopening_leaves_a_key_to_the_incident_that_has_it_meanwhile(desk: Desk):
    first = desk.fires()
    desk.engine.handle(TENANT, first, c.Resolve(by="ana"))
    second = desk.fires()

    desk.engine.handle(TENANT, first, c.Reopen(by="ana", because="it came back"))

    assert desk.engine.load(TENANT, first).keys == ()
    assert desk.fires() == second


TOLD = msgspec.structs.replace(
    POLICY,
    escalation=Escalation(
        levels=POLICY.escalation.levels, notify=(Notify(severity="SEV-1", who=("ben",), within=Deadline(seconds=60)),)
    ),
)


@pytest.mark.parametrize(("minutes", "sent", "state"), [(2, True, "kept"), (2, False, "missed"), (90, True, "missed")])
def test_what_becomes_of_telling_somebody_is_committed_whatever_the_receipt_says(
    desk: Desk, *, minutes: int, sent: bool, state: str
):
    desk.engine.guides.activate(TENANT, "test", TOLD)
    incident = desk.engine.declare(TENANT, c.Declare(title="a", severity="SEV-1", by="ana"))
    desk.engine.handle(TENANT, incident.id, c.Acknowledge(by="ana"))
    desk.clock.advance(timedelta(seconds=61))
    while desk.engine.wake():
        pass
    desk.clock.advance(timedelta(minutes=minutes - 1))
    (page,) = [each for each in desk.engine.lease(10) if each.notice]
    desk.engine.receive(page, Receipt(code="sent") if sent else Receipt(code="gone", permanent=True))

    row = desk.store.index(TENANT, incident.id)
    promised = {each["rule"]: each["state"] for each in msgspec.json.decode(row.summary)["promises"]}
    assert promised["notify:SEV-1:0"] == state
    assert desk.engine.lease(10) == []
