"""Promises in business time, and what is owed once it is over: reviews, a close watch, confirmed proposals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings, strategies as st

from tests.core.lives import LEVELS, PEOPLE, Life, minutes, policy
from tocsin.core import commands as c, facts as f
from tocsin.core.calendar import BusinessTime, business_time
from tocsin.core.deadlines import RecordReceipt
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.people import Directory
from tocsin.core.policy import (
    BusinessHours,
    Cadence,
    Communication,
    Deadline,
    Escalation,
    FollowUp,
    Level,
    Notify,
    Review,
    Severity,
    Source,
)
from tocsin.core.promises import Promise, next_wakeup, promises, rules
from tocsin.core.view import view, words

FRIDAY = datetime(2026, 12, 18, 17, 30, tzinfo=UTC)
NEXT = Deadline(calendar="next_business_day", text="next business day")
CALENDAR = business_time(BusinessHours(), {date(2026, 12, 21)})
SLOW = (Severity(id="SEV-1", rank=0, respond_within=NEXT),)
REVIEW = Review(
    schedule_within=Deadline(business_days=1),
    within=Deadline(business_days=2, text="within 2 business days"),
    monitoring=Deadline(seconds=172_800, text="24-48 hours"),
    source=Source(line=355),
)


def world(calendar: BusinessTime = CALENDAR, **changes: object) -> World:
    made = policy(**changes)
    directory = Directory(people=PEOPLE, last_resort=("dora",))
    return World(policy=made, rules=rules(made), directory=directory, calendar=calendar)


def owed(life: Life) -> dict[str, Promise]:
    return {each.rule: each for each in promises(life.now, life.world.rules, life.world.calendar)}


def reviewed_life(**opening: object) -> Life:
    """Resolved on Friday, ten minutes after it began."""
    life = Life(world(review=REVIEW), at=FRIDAY, **opening)
    life.does(c.Acknowledge(by="ana"), FRIDAY + minutes(1))
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(10))
    return life


def wake_at(life: Life) -> datetime | None:
    return next_wakeup(life.now, life.world.rules, life.world.calendar)


def run(life: Life, until: datetime) -> list[f.AnyFact]:
    """What the clocks do until then, each thing at its time."""
    facts: list[f.AnyFact] = []
    while (at := wake_at(life)) is not None and at <= until:
        facts += life.wakes(at)
    return facts


# --- business deadlines -----------------------------------------------------------------------------------------------


def test_friday_evening_before_a_holiday_is_due_on_tuesday_and_reminded_when_it_opens():
    life = Life(world(severities=SLOW, escalation=Escalation()), at=FRIDAY)

    facts = run(life, datetime(2026, 12, 22, 17, 0, tzinfo=UTC))

    said = [(fact.at, type(fact).__name__) for fact in facts if isinstance(fact, f.PromiseAtRisk | f.PromiseMissed)]
    assert said == [
        (datetime(2026, 12, 22, 9, 0, tzinfo=UTC), "PromiseAtRisk"),
        (datetime(2026, 12, 22, 17, 0, tzinfo=UTC), "PromiseMissed"),
    ]
    told = next(fact for fact in facts if isinstance(fact, f.Notified))
    assert (told.because, [page.person for page in told.pages]) == ("respond by 17:00 UTC", ["dora"])


def test_a_business_deadline_is_kept_by_an_answer_on_its_last_second():
    life = Life(world(severities=SLOW), at=FRIDAY)

    life.does(c.Acknowledge(by="ana"), datetime(2026, 12, 22, 17, 0, tzinfo=UTC))

    assert owed(life)["respond:SEV-1"].state == "kept"
    assert owed(life)["respond:SEV-1"].text == "respond (next business day)"


def test_a_severity_that_changes_counts_its_business_days_from_the_change():
    slow = (*SLOW, Severity(id="SEV-2", rank=1, resolve_within=Deadline(business_days=1)))
    life = Life(world(severities=slow), at=FRIDAY)

    life.does(c.ChangeSeverity(by="ana", severity="SEV-2", because="x"), datetime(2026, 12, 22, 8, 0, tzinfo=UTC))

    assert owed(life)["resolve:SEV-2"].due_at == datetime(2026, 12, 23, 17, 0, tzinfo=UTC)


def test_a_level_with_a_business_limit_waits_for_the_business_day():
    levels = (Level(level=1, who=("ana",), within=Deadline(business_hours=2)), Level(level=2, who=("ben",)))
    life = Life(world(escalation=Escalation(levels=levels)), at=FRIDAY)

    assert life.now.ladder.again_at == datetime(2026, 12, 22, 11, 0, tzinfo=UTC)


def test_a_ladder_without_times_repeats_when_the_business_day_of_the_response_is_over():
    levels = tuple(msgspec.structs.replace(level, within=None) for level in LEVELS)
    life = Life(world(severities=SLOW, escalation=Escalation(levels=levels)), at=FRIDAY)

    assert life.now.ladder.again_at == datetime(2026, 12, 22, 17, 0, tzinfo=UTC)


def test_news_of_every_business_day_is_missed_once_a_day_and_not_on_the_holiday():
    daily = Cadence(audience="management", every=Deadline(business_days=1))
    life = Life(world(cadences=(daily,), severities=(Severity(id="SEV-1", rank=0),)), at=FRIDAY)
    life.does(c.Acknowledge(by="ana"), FRIDAY + minutes(1))

    facts = run(life, datetime(2026, 12, 24, 0, 0, tzinfo=UTC))

    assert [fact.at.day for fact in facts if isinstance(fact, f.PromiseMissed)] == [22, 23]


def test_after_downtime_news_of_every_business_day_is_missed_once():
    daily = Cadence(audience="management", every=Deadline(business_days=1))
    life = Life(world(cadences=(daily,), severities=(Severity(id="SEV-1", rank=0),)), at=FRIDAY)
    life.does(c.Acknowledge(by="ana"), FRIDAY + minutes(1))

    facts = life.wakes(datetime(2026, 12, 30, 12, 0, tzinfo=UTC))

    keys = [fact.key for fact in facts if isinstance(fact, f.PromiseMissed)]
    assert keys == ["update:management:0@1#5"]  # due on the 22nd, and for the fifth time after it on the 29th
    assert wake_at(life) == datetime(2026, 12, 30, 12, 12, tzinfo=UTC)  # people are reminded of the next one
    life.wakes(datetime(2026, 12, 30, 12, 12, tzinfo=UTC))
    assert wake_at(life) == datetime(2026, 12, 30, 17, 0, tzinfo=UTC)


def test_a_calendar_that_never_opens_dates_nothing_and_breaks_nothing():
    shut = BusinessTime(closed=frozenset(FRIDAY.date() + timedelta(days=n) for n in range(900)))
    life = Life(world(shut, severities=SLOW), at=FRIDAY)

    assert owed(life)["respond:SEV-1"].due_at is None
    assert owed(life)["respond:SEV-1"].state == "open"


# --- audiences --------------------------------------------------------------------------------------------------------


def test_chat_and_customers_have_cadences_of_their_own_at_once():
    both = (
        Cadence(audience="chat", every=Deadline(seconds=900)),
        Cadence(audience="customers", every=Deadline(seconds=1800), source=Source(line=288)),
    )
    life = Life(world(cadences=both), at=FRIDAY)
    life.does(c.PostUpdate(by="ana", audience="chat", text="we look"), FRIDAY + minutes(10))

    found = owed(life)

    assert found["update:chat:0"].due_at == FRIDAY + minutes(25)
    assert found["update:customers:1"].due_at == FRIDAY + minutes(30)
    assert (found["update:customers:1"].audience, found["update:customers:1"].source) == ("customers", Source(line=288))


def test_what_a_person_promised_for_the_next_update_is_owed_to_that_audience():
    life = Life(world(), at=FRIDAY)
    next_at = FRIDAY + minutes(45)
    life.does(c.PostUpdate(by="ana", audience="Customers", text="we look", next_at=next_at), FRIDAY + minutes(5))
    life.does(c.ChangeSeverity(by="ana", severity="SEV-2", because="one zone"), FRIDAY + minutes(9))
    first = owed(life)["promised:customers"]

    facts = run(life, next_at)

    assert (first.due_at, first.audience, first.text) == (next_at, "customers", "update customers as promised")
    said = [type(fact).__name__ for fact in facts if getattr(fact, "rule", "") == "promised:customers"]
    assert said == ["PromiseAtRisk", "PromiseMissed"]
    assert owed(life)["promised:customers"].state == "missed"


def test_the_promised_update_is_owed_no_more_once_it_was_posted_or_it_is_over():
    life = Life(world(), at=FRIDAY)
    for audience in ("customers", "partners"):
        command = c.PostUpdate(by="ana", audience=audience, text="we look", next_at=FRIDAY + minutes(45))
        life.does(command, FRIDAY + minutes(5))
    life.does(c.PostUpdate(by="ana", audience="customers", text="found it"), FRIDAY + minutes(40))
    assert "promised:customers" not in owed(life)

    life.does(c.Resolve(by="ana"), FRIDAY + minutes(44))

    assert owed(life)["promised:partners"].state == "waived"
    assert wake_at(life) is None


def arrives(life: Life, at: datetime) -> None:
    """Whatever is owed by its first method is sent."""
    for name, state in life.now.pages.items():
        of = state.page.methods[0]
        if state.owed:
            life.does(
                RecordReceipt(
                    page=name,
                    person=state.page.person,
                    kind=of.kind,
                    address=of.address,
                    method=0,
                    attempt=1,
                    sent=True,
                ),
                at,
            )


def test_an_update_cannot_promise_the_past():
    with pytest.raises(Refused, match="in the past"):
        Life(world(), at=FRIDAY).does(c.PostUpdate(by="ana", text="x", next_at=FRIDAY), FRIDAY + minutes(1))


def test_a_notice_of_the_matrix_is_a_promise_that_is_kept_when_somebody_got_it():
    row = Notify(severity="SEV-1", who=("cleo",), within=Deadline(seconds=3600), source=Source(line=41))
    life = Life(world(escalation=Escalation(levels=LEVELS, notify=(row,))), at=FRIDAY)
    first = owed(life)["notify:SEV-1:0"]

    life.wakes(FRIDAY + minutes(60))
    assert owed(life)["notify:SEV-1:0"].state == "open"
    arrives(life, FRIDAY + minutes(61))

    assert (first.state, first.due_at, first.text) == ("open", FRIDAY + minutes(60), "tell cleo")
    kept = owed(life)["notify:SEV-1:0"]
    assert (kept.state, kept.kept_at, kept.audience) == ("kept", FRIDAY + minutes(61), "cleo")


def test_a_notice_that_reaches_nobody_is_missed():
    row = Notify(severity="SEV-1", who=("the board",))
    life = Life(world(escalation=Escalation(levels=LEVELS, notify=(row,))), at=FRIDAY)

    assert owed(life)["notify:SEV-1:0"].state == "missed"


@pytest.mark.parametrize(
    "looked",
    [
        c.Assess(by="ana", question="Number of users affected", answer="200"),
        c.ChangeSeverity(by="ana", severity="SEV-2", because="one zone only"),
    ],
)
def test_an_initial_assessment_is_kept_by_whoever_has_looked(looked: c.Command):
    clock = {"initial assessment": Deadline(seconds=300)}
    severities = (Severity(id="SEV-1", rank=0, clocks=clock), Severity(id="SEV-2", rank=1, clocks=clock))
    life = Life(world(severities=severities), at=FRIDAY)
    assert owed(life)["initial assessment:SEV-1"].due_at == FRIDAY + minutes(5)

    life.does(looked, FRIDAY + minutes(4))

    assert owed(life)[f"initial assessment:{life.now.severity}"].state == "kept"


# --- what the guide only proposes -------------------------------------------------------------------------------------

PROPOSED = Cadence(audience="customers", every=Deadline(seconds=1800), confirmed=False)
PARTNERS = Communication(audience="partners", within=Deadline(seconds=1800), condition="if partners are affected")


def test_a_proposed_cadence_begins_when_somebody_confirms_it_and_repeats_after_each_update():
    life = Life(world(cadences=(PROPOSED,)), at=FRIDAY)
    assert owed(life)["update:customers:0"].state == "proposed"

    life.does(c.ConfirmPromise(by="ana", rule="update:customers:0", because="they noticed"), FRIDAY + minutes(10))
    first = owed(life)["update:customers:0"]
    life.does(c.PostUpdate(by="ana", audience="Customers", text="we look"), FRIDAY + minutes(20))

    assert (first.state, first.due_at) == ("open", FRIDAY + minutes(40))
    assert owed(life)["update:customers:0"].due_at == FRIDAY + minutes(50)


def test_a_condition_that_holds_starts_the_clock_of_its_notice_once():
    life = Life(world(communications=(PARTNERS,)), at=FRIDAY)
    assert owed(life)["tell:partners:0"].text == "tell partners, if partners are affected"

    life.does(c.ConfirmPromise(by="ana", rule="tell:partners:0"), FRIDAY + minutes(10))
    again = life.does(c.ConfirmPromise(by="ben", rule="tell:partners:0"), FRIDAY + minutes(11))
    due_at = owed(life)["tell:partners:0"].due_at
    life.does(c.PostUpdate(by="ana", audience="partners", text="your logins fail"), FRIDAY + minutes(30))

    assert again == []
    assert due_at == FRIDAY + minutes(40)
    assert owed(life)["tell:partners:0"].state == "kept"


def test_only_what_the_guide_proposes_can_be_confirmed():
    life = Life(world(cadences=(PROPOSED,)), at=FRIDAY)

    with pytest.raises(ValueError, match=r"rule: expected one that the guide proposes \(update:customers:0\)"):
        life.does(c.ConfirmPromise(by="ana", rule="respond:SEV-1"), FRIDAY)


def test_nothing_is_proposed_once_it_is_over():
    life = Life(world(cadences=(PROPOSED,)), at=FRIDAY)
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(5))

    assert "update:customers:0" not in owed(life)
    with pytest.raises(Refused, match="resolved"):
        life.does(c.ConfirmPromise(by="ana", rule="update:customers:0"), FRIDAY + minutes(6))


# --- afterwards -------------------------------------------------------------------------------------------------------


def test_a_resolution_owes_a_review_and_a_close_watch():
    found = owed(reviewed_life())

    assert found["review:schedule"].due_at == datetime(2026, 12, 22, 17, 0, tzinfo=UTC)
    assert found["review:hold"].due_at == datetime(2026, 12, 23, 17, 0, tzinfo=UTC)
    assert found["review:hold"].text == "hold the review (within 2 business days)"
    assert found["monitoring"].due_at == FRIDAY + minutes(10) + timedelta(days=2)
    assert {found[name].source for name in ("review:schedule", "review:hold", "monitoring")} == {Source(line=355)}


def test_nothing_is_owed_afterwards_before_it_is_over():
    assert not [rule for rule in owed(Life(world(review=REVIEW), at=FRIDAY)) if rule.startswith(("review", "monit"))]


def test_a_closed_incident_still_wakes_for_its_review_and_says_that_it_was_missed():
    life = reviewed_life()
    life.does(c.Close(by="ana"), FRIDAY + minutes(20))
    assert wake_at(life) == FRIDAY + minutes(10) + timedelta(days=2)

    facts = run(life, datetime(2027, 1, 31, 0, 0, tzinfo=UTC))

    missed = [(fact.rule, fact.at.day) for fact in facts if isinstance(fact, f.PromiseMissed)]
    assert missed == [("review:schedule", 22), ("review:hold", 23)]
    assert wake_at(life) is None


def test_whoever_had_it_is_reminded_before_the_review_lapses_and_when_the_close_watch_ends():
    life = reviewed_life()

    facts = run(life, datetime(2026, 12, 23, 12, 0, tzinfo=UTC))

    told = [(fact.at.day, fact.because, fact.pages[0].person) for fact in facts if isinstance(fact, f.Notified)]
    assert told == [
        (20, "end of the enhanced monitoring", "ana"),
        (22, "schedule the review by 17:00 UTC", "ana"),
        (23, "hold the review by 17:00 UTC", "ana"),
    ]
    assert owed(life)["monitoring"].state == "open"  # no receipt came yet


def test_a_review_that_is_scheduled_and_held_keeps_both_promises():
    life = reviewed_life()
    meets_at = datetime(2026, 12, 23, 10, 0, tzinfo=UTC)
    life.does(c.ScheduleReview(by="ben", meets_at=meets_at), FRIDAY + minutes(30))

    facts = run(life, meets_at)
    life.does(c.HoldReview(by="ben", notes="six action items"), meets_at + minutes(60))

    assert ("the review begins", meets_at) in [
        (fact.because, fact.at) for fact in facts if isinstance(fact, f.Notified)
    ]
    assert [owed(life)[rule].state for rule in ("review:schedule", "review:hold")] == ["kept", "kept"]
    assert wake_at(life) is None


def test_a_review_may_be_scheduled_while_it_still_burns_and_is_then_owed_no_more():
    life = Life(world(review=REVIEW), at=FRIDAY)
    life.does(c.ScheduleReview(by="ana", meets_at=FRIDAY + timedelta(days=4)), FRIDAY + minutes(1))
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(10))

    assert owed(life)["review:schedule"].state == "kept"
    assert owed(life)["review:hold"].state == "open"


def meeting_life() -> Life:
    """A guide that limits when the meeting is set, not when it is held."""
    life = Life(world(review=Review(within=Deadline(business_days=2), kept_by="scheduling")), at=FRIDAY)
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(10))
    return life


def test_a_duty_to_schedule_the_review_is_kept_by_scheduling_it():
    life = meeting_life()
    before = owed(life)["review:schedule"]

    life.does(c.ScheduleReview(by="ben", meets_at=FRIDAY + timedelta(days=20)), FRIDAY + minutes(30))

    assert (before.state, before.text) == ("open", "schedule the review")
    assert owed(life)["review:schedule"].state == "kept" and "review:hold" not in owed(life)


def test_a_review_that_was_held_at_once_needs_no_date_and_a_reopening_asks_anew():
    life = meeting_life()
    life.does(c.HoldReview(by="ben"), FRIDAY + minutes(30))
    kept = owed(life)["review:schedule"].state
    life.does(c.Reopen(by="ana", because="it is back"), FRIDAY + minutes(40))
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(90))

    assert (kept, owed(life)["review:schedule"].state) == ("kept", "open")


def test_a_review_that_is_put_off_begins_at_the_new_time_only():
    life = reviewed_life()
    for hours in (20, 30):
        life.does(c.ScheduleReview(by="ben", meets_at=FRIDAY + timedelta(hours=hours)), FRIDAY + minutes(30))

    facts = run(life, FRIDAY + timedelta(days=20))

    begins = [fact.at for fact in facts if isinstance(fact, f.Notified) and fact.because == "the review begins"]
    assert begins == [FRIDAY + timedelta(hours=30)]


def test_reviews_are_refused_where_the_state_does_not_allow_them():
    life = Life(world(review=REVIEW), at=FRIDAY)
    with pytest.raises(Refused, match="is investigating, resolve it first"):
        life.does(c.HoldReview(by="ana"), FRIDAY + minutes(1))
    with pytest.raises(Refused, match="is not in the future"):
        life.does(c.ScheduleReview(by="ana", meets_at=FRIDAY), FRIDAY + minutes(1))
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(2))
    life.does(c.HoldReview(by="ana"), FRIDAY + minutes(3))
    with pytest.raises(Refused, match="was reviewed already"):
        life.does(c.ScheduleReview(by="ana", meets_at=FRIDAY + minutes(9)), FRIDAY + minutes(4))
    assert life.does(c.HoldReview(by="ana"), FRIDAY + minutes(5)) == []


def test_a_reopened_incident_is_reviewed_and_watched_anew():
    life = reviewed_life()
    life.does(c.HoldReview(by="ana"), FRIDAY + minutes(20))

    life.does(c.Reopen(by="ana", because="it is back"), FRIDAY + minutes(30))
    while_open = owed(life)
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(90))

    assert "review:hold" not in while_open and "monitoring" not in while_open
    assert owed(life)["review:hold"].state == "open"
    assert owed(life)["monitoring"].due_at == FRIDAY + minutes(90) + timedelta(days=2)


def test_a_false_alarm_needs_no_review():
    life = Life(world(review=REVIEW), at=FRIDAY)
    life.does(c.MarkFalsePositive(by="ana"), FRIDAY + minutes(5))

    assert not [rule for rule in owed(life) if rule.startswith(("review", "monitoring"))]
    assert wake_at(life) is None


def test_only_the_severities_that_are_reviewed_owe_a_review():
    review = msgspec.structs.replace(REVIEW, severities=("SEV-2",))
    life = Life(world(review=review), at=FRIDAY)
    life.does(c.Resolve(by="ana"), FRIDAY + minutes(5))

    assert wake_at(life) is None


def test_a_waived_review_is_owed_no_more():
    life = reviewed_life()
    key = owed(life)["review:hold"].key

    life.does(c.WaivePromise(by="ana", key=key, because="reviewed with INC-2026-002"), FRIDAY + minutes(20))

    assert owed(life)["review:hold"].state == "waived"


def test_the_promises_of_a_drill_are_kept_like_others_and_marked():
    assert {each.drill for each in owed(reviewed_life(drill=True)).values()} == {True}
    assert {each.drill for each in owed(reviewed_life()).values()} == {False}


def test_the_view_dates_promises_by_the_same_calendar():
    life = reviewed_life()

    shown = view(life.now, life.world.rules, life.world.calendar)

    assert shown.owed_next is not None
    assert shown.owed_next.rule == "monitoring"
    assert shown.promises == tuple(promises(life.now, life.world.rules, life.world.calendar))


@pytest.mark.parametrize(
    ("fact", "text"),
    [
        (
            f.ReviewScheduled(at=FRIDAY, by="ana", meets_at=FRIDAY + timedelta(days=4)),
            "Review scheduled for 2026-12-22 17:30 UTC",
        ),
        (f.ReviewHeld(at=FRIDAY, by="ana", notes="six action items"), "Review held: six action items"),
        (
            f.PromiseConfirmed(at=FRIDAY, by="ana", rule="tell:partners:0", because="their logins fail"),
            "Confirmed by ana: tell partners holds: their logins fail",
        ),
        (
            f.PromiseMissed(at=FRIDAY, key="k#0", rule="respond:SEV-3", due_at=FRIDAY - timedelta(days=1)),
            "Missed: respond to SEV-3 was due at 2026-12-17 17:30 UTC",
        ),
    ],
)
def test_the_timeline_says_what_happened_afterwards(fact: f.AnyFact, text: str):
    assert words(fact) == text


# --- whatever happens -------------------------------------------------------------------------------------------------

STEP = st.sampled_from(
    [
        c.Acknowledge(by="ana"),
        c.Resolve(by="ana"),
        c.Reopen(by="ana", because="x"),
        c.Close(by="ana"),
        c.HoldReview(by="ben"),
        c.ScheduleReview(by="ben", meets_at=FRIDAY + timedelta(days=3)),
        c.ConfirmPromise(by="ana", rule="update:customers:1"),
        c.ConfirmPromise(by="ana", rule="tell:partners:0"),
        c.ConfirmPromise(by="ana", rule="follow-up:customers:1"),
        c.KeepPromise(by="ana", rule="follow-up:customers:0"),
        c.KeepPromise(by="ana", rule="follow-up:customers:1"),
        c.PostUpdate(by="ana", audience="customers", text="x"),
        c.ChangeSeverity(by="ana", severity="SEV-2", because="x"),
        c.ChangeSeverity(by="ana", severity="SEV-1", because="x"),
        c.Assess(by="ana", question="x", answer="y"),
        c.MarkFalsePositive(by="ana"),
        c.Wake(),
    ]
)
FULL = world(
    severities=(
        Severity(id="SEV-1", rank=0, respond_within=NEXT, resolve_within=Deadline(business_hours=12)),
        Severity(id="SEV-2", rank=1, respond_within=Deadline(seconds=600), clocks={"assessment": NEXT}),
    ),
    cadences=(
        Cadence(audience="management", every=Deadline(business_days=1)),
        Cadence(audience="customers", every=Deadline(business_hours=3), confirmed=False),
    ),
    communications=(PARTNERS,),
    review=REVIEW,
    follow_ups=(
        FollowUp(text="a summary", audience="customers", within=Deadline(business_days=2)),
        FollowUp(text="an offer", audience="customers", within=NEXT, condition="if it applies"),
    ),
)


def lived(steps: list[tuple[c.Command, int]], *, woken: bool) -> Life:
    """A life whose clocks are looked at as they fall due, or only when somebody does something."""
    life, at = Life(FULL, at=FRIDAY), FRIDAY
    for command, seconds in steps:
        at += timedelta(seconds=seconds)
        if woken:
            run(life, at)
        try:
            life.does(command, at)
        except Refused:
            continue
    return life


STEPS = st.lists(st.tuples(STEP, st.integers(0, 200_000)), max_size=14)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(STEPS, st.booleans())
def test_nothing_acts_twice_and_a_second_look_finds_nothing(steps: list[tuple[c.Command, int]], woken: bool):
    life = lived(steps, woken=woken)
    life.wakes(life.now.last_at)
    acts = (f.Escalated, f.Notified, f.PromiseMissed, f.PromiseAtRisk)
    keys = [fact.key for fact in life.facts if isinstance(fact, acts) and fact.key]

    assert len(keys) == len(set(keys))
    assert life.wakes(life.now.last_at) == []
    at = wake_at(life)
    assert at is None or at > life.now.last_at


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_what_was_missed_is_missed_whether_or_not_somebody_looked_in_time(steps: list[tuple[c.Command, int]]):
    looked, late = lived(steps, woken=True), lived(steps, woken=False)
    if [type(fact) for fact in looked.facts if fact.by != "tocsin"] != [
        type(fact) for fact in late.facts if fact.by != "tocsin"
    ]:
        return  # a command was refused in one of the two lives
    once = {rule for rule in owed(late) if not rule.startswith("update")}

    assert {rule for rule in once if owed(late)[rule].state == "kept"} <= {
        rule for rule in once if rule in owed(looked) and owed(looked)[rule].state == "kept"
    }
