"""What a guide promises for afterwards: owed from the resolution, by a day, to somebody, until it was done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.core.lives import Life, world
from tests.shared_files import SHARED
from tocsin.core import commands as c
from tocsin.core.calendar import BusinessTime
from tocsin.core.incident import Refused
from tocsin.core.policy import Deadline, Policy
from tocsin.core.promises import Promise, next_wakeup, promises
from tocsin.core.view import words
from tocsin.guide.compile import compile_guide
from tocsin.guidefile import read_guide

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
OVER = MONDAY + timedelta(minutes=90)
NEXT_MONDAY = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)  # five business days close
GUIDE = """# Incident response

## Severity

| Severity | Response time | Communication |
|---|---|---|
| P1 | 15 minutes | Everybody |
| P2 | 1 hour | Internal teams only |

## Afterwards

### Follow-up communications

**Internal follow-up:**
- Announce what changes

**External follow-up:**
- Customer impact summary within 2 business days
- Refund offers (if applicable)

### Data breach

- **Credit monitoring**: Provide credit monitoring if personal data affected
"""


def life_of(policy: Policy, severity: str = "P1", **opening: object) -> Life:
    within = world(severities=policy.severities, follow_ups=policy.follow_ups, follow_up_within=policy.follow_up_within)
    return Life(within, at=MONDAY, severity=severity, **opening)


def resolved(policy: Policy | None = None, severity: str = "P1", **opening: object) -> Life:
    life = life_of(policy or compile_guide(GUIDE).policy, severity, **opening)
    life.does(c.Acknowledge(by="ana"), MONDAY)
    life.does(c.Resolve(by="ana"), OVER)
    return life


def owed(life: Life) -> dict[str, Promise]:
    found = promises(life.now, life.world.rules, life.world.calendar)
    return {each.text.removeprefix("follow-up: ").partition(" (")[0]: each for each in found if each.rule[:3] == "fol"}


def rule(life: Life, text: str) -> str:
    return next(each.rule for name, each in owed(life).items() if name.startswith(text))


def test_a_guide_says_what_is_owed_afterwards_to_whom_and_where_it_says_so():
    policy = compile_guide(GUIDE).policy

    assert [(each.text, each.audience, each.condition, each.severities) for each in policy.follow_ups] == [
        ("Announce what changes", "internal", "", ()),
        ("Customer impact summary", "customers", "", ("P1",)),
        ("Refund offers", "customers", "if applicable", ("P1",)),
        ("Provide credit monitoring", "customers", "if personal data affected", ("P1",)),
    ]
    assert [each.source.line for each in policy.follow_ups if each.source] == [15, 18, 19, 23]
    assert policy.follow_ups[1].within == Deadline(business_days=2, text="within 2 business days")
    assert policy.follow_ups[0].within is None
    assert policy.follow_up_within and policy.follow_up_within.business_days == 5


def test_nothing_is_owed_before_it_is_over_but_what_may_be_is_known():
    life = life_of(compile_guide(GUIDE).policy)

    assert {name: each.state for name, each in owed(life).items()} == {
        "Refund offers, if applicable": "proposed",
        "Provide credit monitoring, if personal data affected": "proposed",
    }
    with pytest.raises(Refused, match="so it has not begun"):
        life.does(c.KeepPromise(by="ana", rule="follow-up:customers:1"), OVER)


def test_the_resolution_starts_them_with_a_day_an_audience_and_a_line():
    life = resolved()

    summary = owed(life)["Customer impact summary"]
    assert (summary.state, summary.audience) == ("open", "customers")
    assert summary.due_at == datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
    assert summary.source and summary.source.line == 18
    announcement = owed(life)["Announce what changes"]
    assert (announcement.state, announcement.due_at) == ("open", NEXT_MONDAY)


def test_what_stays_inside_owes_nobody_outside_a_summary():
    assert set(owed(resolved(severity="P2"))) == {"Announce what changes"}


def test_people_are_reminded_before_it_lapses_and_it_is_missed_once():
    life = resolved()
    life.does(c.Close(by="ana"), OVER)
    at_risk = next_wakeup(life.now, life.world.rules, BusinessTime())
    assert at_risk and at_risk < datetime(2026, 11, 25, 17, 0, tzinfo=UTC)

    told = life.wakes(at_risk)
    assert [type(each).__name__ for each in told] == ["PromiseAtRisk", "Notified"]
    assert told[1].because.startswith("follow-up: Customer impact summary")  # type: ignore[union-attr]
    assert [page.person for page in told[1].pages] == ["ana"]  # type: ignore[union-attr]
    life.wakes(datetime(2026, 11, 25, 17, 0, tzinfo=UTC))
    life.wakes(datetime(2026, 11, 25, 18, 0, tzinfo=UTC))
    life.does(c.KeepPromise(by="ana", rule="follow-up:customers:1"), datetime(2026, 11, 26, 9, 0, tzinfo=UTC))

    assert life.kinds().count("PromiseMissed") == 1
    assert owed(life)["Customer impact summary"].state == "missed"


def test_doing_it_in_time_keeps_it_and_says_so_once():
    life = resolved()
    facts = life.does(c.KeepPromise(by="ben", rule="follow-up:customers:1", notes="mailed"), OVER)
    again = life.does(c.KeepPromise(by="ben", rule="follow-up:customers:1"), OVER + timedelta(hours=1))

    assert owed(life)["Customer impact summary"].state == "kept"
    assert [words(each) for each in facts] == ["Done: follow up for customers: mailed"]
    assert again == []


def test_an_update_to_the_same_audience_is_not_the_summary():
    life = resolved()
    life.does(c.PostUpdate(by="ana", audience="customers", text="all is well"), OVER + timedelta(hours=1))

    assert owed(life)["Customer impact summary"].state == "open"


def test_one_on_a_condition_begins_when_somebody_says_that_it_holds_even_after_the_end():
    life = resolved()
    life.does(c.Close(by="ana"), OVER)
    name = rule(life, "Provide credit monitoring")
    assert owed(life)["Provide credit monitoring, if personal data affected"].due_at is None

    life.does(c.ConfirmPromise(by="ana", rule=name, because="names were read"), OVER + timedelta(days=1))

    found = owed(life)["Provide credit monitoring, if personal data affected"]
    assert (found.state, found.due_at) == ("open", datetime(2026, 12, 1, 17, 0, tzinfo=UTC))


def test_a_condition_known_before_the_end_counts_from_the_end():
    life = life_of(compile_guide(GUIDE).policy)
    name = rule(life, "Provide credit monitoring")
    life.does(c.ConfirmPromise(by="ana", rule=name), MONDAY)
    assert not any(each.startswith("Provide") for each in owed(life))  # it holds, and has not begun

    life.does(c.Resolve(by="ana"), OVER)

    assert owed(life)["Provide credit monitoring, if personal data affected"].due_at == NEXT_MONDAY


def test_who_has_done_one_on_a_condition_has_said_that_it_holds():
    life = resolved()

    life.does(c.KeepPromise(by="ana", rule=rule(life, "Refund offers")), OVER)

    assert owed(life)["Refund offers, if applicable"].state == "kept"


def test_it_can_be_waived_with_a_reason():
    life = resolved()
    key = owed(life)["Announce what changes"].key

    life.does(c.WaivePromise(by="ana", key=key, because="nothing changes"), OVER)

    assert owed(life)["Announce what changes"].state == "waived"


def test_a_reopened_incident_owes_them_anew():
    life = resolved()
    life.does(c.KeepPromise(by="ana", rule="follow-up:customers:1"), OVER)
    life.does(c.Reopen(by="ana", because="the errors are back"), OVER + timedelta(hours=1))
    life.does(c.Resolve(by="ana"), OVER + timedelta(hours=2))

    assert owed(life)["Customer impact summary"].state == "open"


@pytest.mark.parametrize("why", ["drill", "false alarm"])
def test_nobody_hears_afterwards_of_a_drill_or_of_a_false_alarm(why: str):
    life = resolved(drill=why == "drill")
    if why == "false alarm":
        life.does(c.MarkFalsePositive(by="ana", because="the probe was wrong"), OVER)

    assert not any(each.state == "open" for each in owed(life).values())


def test_only_a_follow_up_of_the_guide_can_be_done():
    with pytest.raises(ValueError, match="rule: expected a follow-up of the guide"):
        resolved().does(c.KeepPromise(by="ana", rule="respond:P1"), OVER)


def test_a_policy_that_names_no_time_starts_no_clock():
    policy = compile_guide(GUIDE).policy
    life = life_of(Policy(title="x", severities=policy.severities, follow_ups=policy.follow_ups[:1]))
    life.does(c.Resolve(by="ana"), OVER)

    (found,) = owed(life).values()
    assert (found.state, found.due_at) == ("open", None)


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("number", "severity", "expected"),
    [
        (
            "000",
            "SEV-1",
            [
                ("Detailed technical post-mortem", "internal", 507, "open"),
                ("Process improvement announcements", "internal", 508, "open"),
                ("Training session scheduling", "internal", 509, "open"),
                ("Customer impact summary", "customers", 512, "open"),
                ("Transparency reports", "status page", 514, "open"),
                ("Improvement roadmap communication", "customers", 515, "open"),
                ("Service credit offers, if applicable", "customers", 513, "proposed"),
            ],
        ),
        (
            "003",
            "P0",
            [("Provide credit monitoring, if personal data affected", "customers", 99, "proposed")],
        ),
        ("001", "P1", []),
        ("002", "P1", []),
        ("004", "P1", []),
    ],
)
def test_the_follow_ups_of_the_five_guides(number: str, severity: str, expected: list[tuple[str, str, int, str]]):
    policy = read_guide(next((SHARED / "guides").glob(f"{number}_*.txt"))).policy
    life = resolved(policy, severity)

    found = [(name, each.audience, each.source and each.source.line, each.state) for name, each in owed(life).items()]
    assert sorted(found) == sorted(expected)
    assert all(each.due_at == NEXT_MONDAY for each in owed(life).values() if each.state == "open")
