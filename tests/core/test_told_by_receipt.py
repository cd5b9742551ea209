"""Who was to be told has been told when a receipt says so; whoever cannot be is missed, and named."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import LEVELS, PEOPLE, T0, Life, minutes, person, world
from tocsin.core import commands as c, facts as f
from tocsin.core.deadlines import RecordReceipt, ReportDelivery
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.measures import measures
from tocsin.core.outlook import Promise
from tocsin.core.people import Method
from tocsin.core.policy import Act, Deadline, Escalation, Notify, Rule, Severity
from tocsin.core.promises import promises
from tocsin.core.view import words

BOTH = (Method(kind="email", address="cleo@example.org"), Method(kind="sms", address="+4912345678"))


def told(*who: str, **changes: object) -> World:
    row = Notify(severity="SEV-1", who=who, within=Deadline(seconds=900))
    people = PEOPLE | {"cleo": person("cleo", *BOTH)}
    severities = (Severity(id="SEV-1", rank=0), Severity(id="SEV-2", rank=1))
    return world(people, severities=severities, escalation=Escalation(levels=LEVELS, notify=(row,)), **changes)


WORLD = told("cleo", "ben")


def due(within: World = WORLD) -> Life:
    life = Life(within)
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    life.wakes(T0 + minutes(15))
    return life


def owed(life: Life, rule: str = "notify:SEV-1:0") -> Promise:
    (found,) = [each for each in promises(life.now, life.world.rules) if each.rule == rule]
    return found


def notices(life: Life) -> list[f.OwedPage]:
    return [page for fact in life.facts if isinstance(fact, f.Notified) and fact.promised_at for page in fact.pages]


def receipt(page: f.OwedPage, *, sent: bool, method: int = 0) -> RecordReceipt:
    of = page.methods[method]
    return RecordReceipt(
        page=page.id, person=page.person, kind=of.kind, address=of.address, method=method, attempt=1, sent=sent,
        code="" if sent else "gone",
    )  # fmt: skip


def test_what_is_owed_has_told_nobody_yet():
    life = due()

    assert (owed(life).state, owed(life).due_at) == ("open", T0 + minutes(15))


def test_the_first_receipt_keeps_it_and_says_when():
    life = due()
    cleo, ben = notices(life)
    life.does(receipt(ben, sent=False), T0 + minutes(15.1))
    life.does(receipt(cleo, sent=True), T0 + minutes(15.2))
    life.does(receipt(cleo, sent=True, method=1), T0 + minutes(17))

    assert (owed(life).state, owed(life).kept_at) == ("kept", T0 + minutes(15.2))


def test_a_receipt_that_comes_hours_late_keeps_nothing_and_says_so_once():
    life = due()
    cleo, ben = notices(life)
    first = life.does(receipt(cleo, sent=True), T0 + minutes(200))
    life.does(receipt(ben, sent=True), T0 + minutes(201))

    assert [type(fact).__name__ for fact in first] == ["PromiseMissed", "PageSent"]
    assert (owed(life).state, life.kinds().count("PromiseMissed")) == ("missed", 1)


def test_who_waits_for_room_among_other_messages_is_still_told_in_time():
    life = due()
    cleo, ben = notices(life)
    life.does(receipt(cleo, sent=True), T0 + minutes(21))
    life.does(receipt(ben, sent=True), T0 + minutes(200))

    assert (owed(life).state, "PromiseMissed" in life.kinds()) == ("kept", False)


def test_when_no_provider_takes_any_it_is_missed_in_writing_and_counted():
    life = due()
    cleo, ben = notices(life)
    life.does(receipt(ben, sent=False), T0 + minutes(16))
    life.does(receipt(cleo, sent=False), T0 + minutes(17))
    before = owed(life).state
    facts = life.does(receipt(cleo, sent=False, method=1), T0 + minutes(20))

    assert (before, owed(life).state) == ("open", "missed")
    assert [(each.key, each.due_at) for each in facts if isinstance(each, f.PromiseMissed)] == [
        ("notify:SEV-1:0@1#0", T0 + minutes(15))
    ]
    measured = measures(life.facts)
    assert measured is not None and measured.missed_promises == 1


def test_what_a_provider_takes_and_then_never_delivers_told_nobody():
    life = due(told("cleo"))
    (page,) = notices(life)
    life.does(receipt(page, sent=False), T0 + minutes(16))
    life.does(receipt(page, sent=True, method=1), T0 + minutes(17))
    taken = owed(life).state
    of = page.methods[1]
    life.does(ReportDelivery(page=page.id, kind=of.kind, address=of.address, delivered=False), T0 + minutes(18))

    assert (taken, owed(life).state) == ("kept", "missed")


@pytest.mark.parametrize(
    "command",
    [
        c.Acknowledge(by="ana"),
        c.Snooze(by="ana", until=T0 + minutes(60)),
        c.Resolve(by="ana"),
    ],
)
def test_that_somebody_has_it_keeps_the_news_from_nobody_who_was_promised_it(command: c.Command):
    life = Life(WORLD)
    life.wakes(T0 + minutes(15))
    facts = life.does(command, T0 + minutes(15.1))

    forgiven = {page for fact in facts if isinstance(fact, f.PagesForgiven) for page in fact.pages}
    levels = {page.id for fact in life.facts if isinstance(fact, f.Escalated) for page in fact.pages}
    assert forgiven and forgiven <= levels
    assert owed(life).state == "open"


@pytest.mark.parametrize("command", [c.MarkFalsePositive(by="ana"), c.MarkDrill(by="ana")])
def test_of_a_false_alarm_or_a_drill_that_is_over_nobody_is_told_any_more(command: c.Command):
    life = due()
    life.does(command, T0 + minutes(15.1))
    with suppress(Refused):
        life.does(c.Resolve(by="ana"), T0 + minutes(15.2))

    assert (owed(life).state, owed(life).because) == ("waived", "it was over before anybody could be told")


def test_a_page_that_a_rule_promises_ends_with_the_acknowledgement_as_every_page_does():
    rule = Rule(
        id="wake", start="opened", delay=Deadline(seconds=60), act=Act(kind="page", who=("ben",), text="wake ben")
    )
    life = Life(told("cleo", rules=(rule,)))
    life.wakes(T0 + minutes(1))
    facts = life.does(c.Acknowledge(by="ana"), T0 + minutes(2))

    forgiven = {page for fact in facts if isinstance(fact, f.PagesForgiven) for page in fact.pages}
    assert {page.person for page in notices(life) if page.id in forgiven} == {"ben"}
    assert owed(life, "wake").state == "waived"


def test_words_that_mean_nobody_stand_on_the_timeline_beside_those_who_are_told():
    life = due(told("Key stakeholders", "ben"))

    said = [words(fact) for fact in life.facts if isinstance(fact, f.CoverageGap)]
    assert said == ["Not told: Key stakeholders: means no active person, tell them yourself or bind it to somebody"]
    assert [page.person for page in notices(life)] == ["ben"] and owed(life).state == "open"


def test_where_the_matrix_is_the_ladder_whoever_it_names_in_vain_is_named_too():
    row = Notify(severity="SEV-1", who=("Key stakeholders", "ben"))
    life = Life(world(escalation=Escalation(notify=(row,))))
    life.wakes(T0 + minutes(300))

    assert [fact.who for fact in life.facts if isinstance(fact, f.CoverageGap)] == [("Key stakeholders",)]


def test_where_all_words_mean_nobody_the_promise_is_missed_and_says_whose_it_was():
    life = due(told("Key stakeholders"))

    assert owed(life).state == "missed"
    assert [fact.who for fact in life.facts if isinstance(fact, f.CoverageGap)] == [("Key stakeholders",)]


@pytest.mark.parametrize(("pages", "state"), [(True, "kept"), (False, "missed")])
def test_a_log_of_before_receipts_were_waited_for_is_read_as_it_was(*, pages: bool, state: str):
    life = due()
    life.facts = [
        f.Notified(at=each.at, audience="", because=each.because, pages=each.pages if pages else (), key=each.key)
        if isinstance(each, f.Notified)
        else each
        for each in life.facts
    ]

    assert (owed(life).state, owed(life).kept_at) == (state, T0 + minutes(15) if pages else None)


STEPS = st.one_of(
    st.sampled_from(
        [
            c.Acknowledge(by="ana"),
            c.Unacknowledge(by="ana", because="x"),
            c.Resolve(by="ana"),
            c.Reopen(by="ana", because="x"),
            c.ChangeSeverity(by="ana", severity="SEV-1", because="x"),
            c.ChangeSeverity(by="ana", severity="SEV-2", because="x"),
            c.MarkFalsePositive(by="ana"),
            c.Wake(),
        ]
    ),
    st.tuples(st.integers(0, 5), st.integers(0, 1), st.booleans()),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(STEPS, st.integers(0, 1200)), max_size=25))
def test_a_notice_is_kept_exactly_when_somebody_got_it(steps):
    life, at = Life(WORLD), T0
    for step, seconds in steps:
        at += timedelta(seconds=seconds)
        with suppress(Refused):
            if not isinstance(step, tuple):
                life.does(step, at)
            elif pages := notices(life):
                page = pages[step[0] % len(pages)]
                state, method = life.now.pages[page.id], step[1] % len(page.methods)
                if not state.forgiven and method not in state.sent | state.failed:  # as delivery does
                    life.does(receipt(page, sent=step[2], method=method), at)

    now = life.now
    for fact in life.facts:
        if isinstance(fact, f.Notified) and fact.promised_at:
            key = fact.key.rpartition("#")[0]
            ids = {page.id for page in fact.pages}
            heard = [each.at for each in life.facts if isinstance(each, f.PageSent) and each.page in ids]
            got = bool(heard) and heard[0] - fact.promised_at <= timedelta(minutes=6)
            failed = all(now.pages[page.id].unreachable for page in fact.pages) or (bool(heard) and not got)
            each = next((one for one in promises(now, life.world.rules) if one.key == key), None)
            assert (key in now.missed) == failed
            assert each is None or (each.state == "kept") == got
            assert each is None or (each.state == "missed") == failed
