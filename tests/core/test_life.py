"""How an incident lives: acknowledging, ending, beginning again, merging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.core.lives import ALERT, T0, Life, minutes, person, policy, world
from tocsin.core import commands as c, facts as f
from tocsin.core.incident import Refused, evolve
from tocsin.core.lifecycle import Absorb
from tocsin.core.people import Method
from tocsin.core.policy import Deadline, Escalation, Paging, Question, Trigger
from tocsin.core.promises import next_wakeup
from tocsin.core.view import timeline


def test_opening_pages_the_first_level():
    life = Life()

    assert life.kinds() == ["Opened", "AlertsAttached", "Escalated"]
    assert [page.person for page in life.facts[-1].pages] == ["ana"]
    assert life.facts[-1].again_at == T0 + minutes(15)


def test_an_acknowledgement_stops_the_pages():
    life = Life()

    facts = life.does(c.Acknowledge(by="ana"), T0 + minutes(3))

    assert facts[0] == f.Acknowledged(at=T0 + minutes(3), by="ana")
    assert facts[1] == f.PagesForgiven(at=T0 + minutes(3), pages=("i1-1-ana",), because="acknowledged")
    life.wakes(T0 + minutes(600))
    assert life.kinds().count("Escalated") == 1


def test_acknowledging_twice_changes_nothing():
    life = Life()
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    assert life.does(c.Acknowledge(by="ben"), T0 + minutes(2)) == []
    assert life.now.acknowledged_by == "ana"


def test_a_resolved_incident_cannot_be_acknowledged_and_says_why():
    life = Life()
    life.does(c.Resolve(by="ana"), T0 + minutes(1))

    with pytest.raises(Refused, match="cannot acknowledge: INC-2026-001 is resolved"):
        life.does(c.Acknowledge(by="ben"), T0 + minutes(2))


def test_taking_an_acknowledgement_back_pages_the_same_level_again():
    life = Life()
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    facts = life.does(c.Unacknowledge(by="ana", because="my laptop died"), T0 + minutes(2))

    assert [type(fact).__name__ for fact in facts[:2]] == ["Unacknowledged", "Escalated"]
    assert facts[1].level == 1
    assert life.now.acknowledged_at is None


def test_an_acknowledgement_that_times_out_pages_again():
    life = Life(world(paging=Paging(acknowledge_timeout=Deadline(seconds=1800))))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    assert next_wakeup(life.now, life.world.rules) <= T0 + minutes(31)
    life.wakes(T0 + minutes(31))

    assert [fact.because for fact in life.facts if isinstance(fact, f.Unacknowledged)] == [
        "the acknowledgement timed out"
    ]
    assert life.now.acknowledged_at is None


def test_a_snooze_is_quiet_until_it_ends_and_then_pages():
    life = Life()
    life.does(c.Snooze(by="ana", until=T0 + minutes(60)), T0 + minutes(2))

    life.wakes(T0 + minutes(59))
    assert life.kinds().count("Escalated") == 1
    life.wakes(T0 + minutes(60))

    assert life.kinds().count("Escalated") == 2
    assert life.now.snoozed_until is None


def test_a_snooze_into_the_past_is_refused():
    with pytest.raises(Refused, match="until must be after"):
        Life().does(c.Snooze(by="ana", until=T0 - minutes(1)), T0)


def test_a_snooze_without_an_end_in_sight_is_refused():
    with pytest.raises(Refused, match="until must be within 31 days"):
        Life().does(c.Snooze(by="ana", until=T0 + timedelta(days=31, seconds=1)), T0)
    Life().does(c.Snooze(by="ana", until=T0 + timedelta(days=31)), T0)


def test_only_a_raise_of_severity_escalates():
    raised, lowered = Life(severity="SEV-2"), Life(severity="SEV-2")

    raised.does(c.ChangeSeverity(by="ana", severity="sev-1", because="all customers"), T0 + minutes(1))
    lowered.does(c.ChangeSeverity(by="ana", severity="SEV-3", because="one customer"), T0 + minutes(1))

    assert raised.now.ladder.level == 2
    assert lowered.now.ladder.level == 1
    assert lowered.now.severity == "SEV-3"


def test_an_unknown_severity_names_the_known_ones():
    with pytest.raises(ValueError, match=r"severity: expected one of SEV-1, SEV-2, SEV-3, got 'P1'"):
        Life().does(c.ChangeSeverity(by="ana", severity="P1", because="x"), T0)


TREE = (
    Question(question="Is it completely down?", severity="SEV-1"),
    Question(question="Is one feature broken?", severity="SEV-2"),
    Question(question="", severity="SEV-3"),
)


def assessed(life: Life, *answers: tuple[str, str], by: str = "ana") -> list[str]:
    """The severity after each answer, a minute apart."""
    found = []
    for question, answer in answers:
        life.does(c.Assess(by=by, question=question, answer=answer), life.now.last_at + minutes(1))
        found.append(life.now.severity)
    return found


def test_the_first_yes_of_the_decision_tree_sets_the_severity_and_a_raise_escalates():
    life = Life(world(decision_tree=TREE), severity="SEV-3")

    found = assessed(life, ("Is it completely down?", "no"), ("Is one feature broken?", "yes"))

    assert found == ["SEV-3", "SEV-2"]
    assert life.now.ladder.level == 2


def test_a_later_yes_decides_nothing_before_the_earlier_questions_are_answered_with_no():
    life = Life(world(decision_tree=TREE), severity="SEV-3")

    found = assessed(life, ("Is one feature broken?", "yes"), ("Is it completely down?", "No"))

    assert found == ["SEV-3", "SEV-2"]


def test_the_last_line_of_the_tree_decides_when_everything_is_denied():
    life = Life(world(decision_tree=TREE))

    found = assessed(life, ("is it completely  down?", "no"), ("Is one feature broken?", "no"))

    assert found == ["SEV-1", "SEV-3"]
    assert life.now.ladder.level == 1


def test_an_answer_that_is_given_again_counts_as_it_is_given_last():
    life = Life(world(decision_tree=TREE), severity="SEV-3")

    found = assessed(
        life,
        ("Is it completely down?", "yes"),
        ("is it completely down?", "no"),
        ("Is one feature broken?", "no"),
        ("Is it completely down?", "yes"),
    )

    assert found == ["SEV-1", "SEV-1", "SEV-3", "SEV-1"]


def test_an_answer_outside_the_tree_does_not_undo_what_a_person_decided():
    life = Life(world(decision_tree=TREE, assessment=("Is there a workaround?",)), severity="SEV-3")
    assessed(life, ("Is it completely down?", "no"), ("Is one feature broken?", "yes"))
    life.does(c.ChangeSeverity(by="ben", severity="SEV-1", because="it spreads"), T0 + minutes(9))

    assert assessed(life, ("Is there a workaround?", "no")) == ["SEV-1"]


def test_a_trigger_of_the_guide_escalates_at_once():
    triggers = (Trigger(text="Customer data at risk", kind="manual"),)
    life = Life(world(escalation=Escalation(levels=policy().escalation.levels, triggers=triggers)))

    facts = life.does(c.Escalate(by="ana", because="saw the dump", trigger="Customer data at risk"), T0 + minutes(1))

    assert facts[0].level == 2
    assert facts[0].because == "Customer data at risk - saw the dump"
    assert facts[0].by == "ana"


def test_an_escalated_incident_is_no_longer_acknowledged():
    life = Life()
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    life.does(c.Escalate(by="ana", because="I need help"), T0 + minutes(2))

    assert life.now.acknowledged_at is None
    assert life.now.ladder.level == 2


def test_the_incident_ends_when_its_last_alert_clears():
    life = Life()
    life.does(c.AttachAlerts(alerts=(ALERT,), count=1), T0 + minutes(1))
    life.does(c.AttachAlerts(cleared_alerts=(ALERT,), cleared=1), T0 + minutes(2))
    assert life.now.open

    life.does(c.AttachAlerts(cleared_alerts=(ALERT,), cleared=1), T0 + minutes(3))

    assert life.now.status == "resolved"
    assert life.now.keys == ()


def test_more_clears_than_alerts_leave_none_firing():
    life = Life()

    life.does(c.AttachAlerts(cleared_alerts=(ALERT,), cleared=3), T0 + minutes(2))

    assert life.now.firing == 0
    assert life.now.status == "resolved"


def test_a_declared_incident_does_not_end_with_its_alerts():
    life = Life(key=None, count=0, alerts=())
    life.does(c.AttachAlerts(alerts=(ALERT,), count=1), T0 + minutes(1))

    life.does(c.AttachAlerts(cleared_alerts=(ALERT,), cleared=1), T0 + minutes(2))

    assert life.now.open


def test_a_flapping_incident_stays_open_until_it_was_quiet():
    life = Life()
    quiet = T0 + minutes(20)
    life.does(
        c.AttachAlerts(cleared_alerts=(ALERT,), cleared=1, flapping_until=quiet, transitions=5),
        T0 + minutes(5),
    )
    assert life.now.open

    life.wakes(quiet)

    assert life.now.status == "resolved"


def test_what_joins_while_the_key_is_held_reopens_the_incident():
    life = Life(reopen_seconds=600)
    life.does(c.AttachAlerts(cleared_alerts=(ALERT,), cleared=1), T0 + minutes(2))
    assert life.now.status == "resolved"
    assert life.now.keys == ("disk",)

    life.does(c.AttachAlerts(alerts=(ALERT,), count=1), T0 + minutes(5))

    assert life.now.open
    assert life.now.ladder.level == 1


def test_the_key_is_released_when_the_time_to_reopen_has_passed():
    life = Life(reopen_seconds=600)
    life.does(c.Resolve(by="ana"), T0 + minutes(2))

    life.wakes(T0 + minutes(12))

    assert life.now.keys == ()
    assert next_wakeup(life.now, life.world.rules) is None


def test_reopening_needs_a_reason_and_an_end():
    life = Life()
    with pytest.raises(Refused, match="is investigating"):
        life.does(c.Reopen(by="ana", because="again"), T0 + minutes(1))
    life.does(c.Resolve(by="ana"), T0 + minutes(1))
    with pytest.raises(Refused, match="because must say why"):
        life.does(c.Reopen(by="ana", because=" "), T0 + minutes(2))


def test_a_reopened_incident_pages_from_the_first_level():
    life = Life()
    life.wakes(T0 + minutes(15))
    life.does(c.Acknowledge(by="ana"), T0 + minutes(16))
    life.does(c.Resolve(by="ana"), T0 + minutes(20))

    life.does(c.Reopen(by="ben", because="it came back"), T0 + minutes(30))

    assert life.now.ladder.level == 1
    assert life.now.acknowledged_at is None
    assert [page.page.person for page in life.now.pages.values() if page.owed] == ["ana"]
    assert life.now.resolved_at is None


def test_closing_needs_a_resolution_first():
    life = Life()
    with pytest.raises(Refused, match="resolve it first"):
        life.does(c.Close(by="ana"), T0)
    life.does(c.Resolve(by="ana"), T0 + minutes(1))

    life.does(c.Close(by="ana"), T0 + minutes(2))

    assert life.now.status == "closed"


def test_a_false_positive_ends_the_incident_and_stays_marked():
    life = Life()

    life.does(c.MarkFalsePositive(by="ana", because="the probe was wrong"), T0 + minutes(1))

    assert life.now.false_positive
    assert life.now.status == "resolved"


def test_a_merged_incident_owes_nothing_and_the_other_takes_its_keys():
    duplicate, survivor = Life(), Life(incident="i2", reference="INC-2026-002", key="latency")

    duplicate.does(c.Merge(by="ana", into="i2"), T0 + minutes(1))
    survivor.does(Absorb(by="ana", other="i1", reference="INC-2026-001", keys=("disk",), firing=1), T0 + minutes(1))

    assert duplicate.now.status == "closed"
    assert not [page for page in duplicate.now.pages.values() if page.owed]
    assert next_wakeup(duplicate.now, duplicate.world.rules) is None
    assert survivor.now.keys == ("latency", "disk")
    assert survivor.now.firing == 2
    with pytest.raises(Refused, match="was merged into i2"):
        duplicate.does(c.Acknowledge(by="ana"), T0 + minutes(2))


def test_the_end_is_told_to_whoever_was_paged_when_the_policy_asks():
    life = Life(world(paging=Paging(notify_resolved=True)))
    page = life.facts[-1].pages[0]
    life.facts.append(f.PageSent(at=T0, page=page.id, person="ana", kind="email", address="ana@example.org", method=0))

    facts = life.does(c.Resolve(by="ben"), T0 + minutes(4))

    assert [(type(fact).__name__, [page.person for page in fact.pages]) for fact in facts[1:]] == [
        ("Notified", ["ana"])
    ]
    assert facts[1].pages[0].notice


def test_a_corrected_timestamp_keeps_both_values():
    life = Life()

    facts = life.does(
        c.CorrectTimestamp(by="ana", name="opened_at", to=T0 - minutes(10), because="the log says so"),
        T0 + minutes(5),
    )

    assert facts[0].before == T0
    assert facts[0].after == T0 - minutes(10)
    assert life.now.corrected["opened_at"] == T0 - minutes(10)
    with pytest.raises(Refused, match="is in the future"):
        life.does(
            c.CorrectTimestamp(by="ana", name="opened_at", to=datetime(2030, 1, 1, tzinfo=UTC), because="x"),
            T0 + minutes(6),
        )


def test_roles_are_held_by_several_people_and_released_one_by_one():
    life = Life()
    for name in ("ana", "ben", "ana"):
        life.does(c.AssignRole(by="dora", role="Incident Commander", person=name), T0 + minutes(1))
    assert life.now.roles == {"Incident Commander": ("ana", "ben")}

    life.does(c.ReleaseRole(by="dora", role="Incident Commander", person="ana"), T0 + minutes(2))

    assert life.now.roles == {"Incident Commander": ("ben",)}
    with pytest.raises(Refused, match="is held by ben"):
        life.does(c.ReleaseRole(by="dora", role="Incident Commander", person="ana"), T0 + minutes(3))


def test_a_freeze_ends_with_the_incident():
    life = Life()
    life.does(c.FreezeDeployments(by="ana", services=("checkout",)), T0 + minutes(1))
    assert life.now.frozen == ("checkout",)

    life.does(c.Resolve(by="ana"), T0 + minutes(2))

    assert life.now.frozen is None


def test_setting_what_is_so_already_adds_no_fact():
    life = Life()
    life.does(c.SetImpact(by="ana", impact="checkout fails"), T0 + minutes(1))

    assert life.does(c.SetImpact(by="ben", impact="checkout fails"), T0 + minutes(2)) == []


def test_a_stream_begins_with_opened():
    with pytest.raises(ValueError, match="begins with Opened, got NoteAdded"):
        evolve(None, f.NoteAdded(at=T0, text="too early"))


def test_a_clock_that_goes_back_never_stamps_a_fact_before_the_newest():
    life = Life()
    life.does(c.AddNote(by="ana", text="later"), T0 + minutes(5))

    facts = life.does(c.AddNote(by="ana", text="clock went back"), T0 + minutes(1))

    assert facts[0].at == T0 + minutes(5)


def test_the_timeline_never_shows_what_stands_in_the_path_of_a_webhook():
    people = {
        "ana": person("ana", Method(kind="webhook", address="https://u:p@hooks.example/services/s3cret?k=s3cret"))
    }
    life = Life(world(people))

    shown = msgspec.json.encode(timeline(life.facts))

    assert b"s3cret" not in shown
    assert b"https://hooks.example/" in shown


def test_a_worse_alert_raises_the_severity_and_pages():
    life = Life(severity="SEV-3", by="source:prometheus")
    life.does(c.Acknowledge(by="ana"), T0 + minutes(1))

    life.does(c.AttachAlerts(by="source:prometheus", alerts=(ALERT,), count=1, severity="SEV-1"), T0 + minutes(2))

    assert life.now.severity == "SEV-1"
    assert life.now.acknowledged_at is None
    assert life.now.ladder.level == 2


def test_what_a_person_said_about_the_severity_stands():
    life = Life(severity="SEV-1", by="source:prometheus")
    life.does(c.ChangeSeverity(by="ana", severity="SEV-3", because="one customer"), T0 + minutes(1))

    life.does(c.AttachAlerts(by="source:prometheus", alerts=(ALERT,), count=1, severity="SEV-1"), T0 + minutes(2))

    assert life.now.severity == "SEV-3"


def test_a_lesser_alert_lowers_nothing():
    life = Life(severity="SEV-1", by="source:prometheus")

    life.does(c.AttachAlerts(by="source:prometheus", alerts=(ALERT,), count=1, severity="SEV-3"), T0 + minutes(2))

    assert life.now.severity == "SEV-1"
