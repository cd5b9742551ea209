"""Action items: promises with an owner, from the review on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.core.lives import T0, Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.guidance import ActionItems, Horizon
from tocsin.core.incident import Refused
from tocsin.core.policy import Deadline
from tocsin.core.promises import next_wakeup, promises

HORIZONS = ActionItems(
    horizons=(
        Horizon(name="Short-term", within=Deadline(seconds=14 * 86_400)),
        Horizon(name="Long-term", within=Deadline(months=3)),
    )
)
DUE = datetime(2026, 12, 15, 23, 59, 59, tzinfo=UTC)


def over() -> Life:
    """An incident that is resolved and closed."""
    life = Life(world(action_items=HORIZONS))
    life.does(c.Resolve(by="ana"), T0 + minutes(10))
    life.does(c.Close(by="ana"), T0 + minutes(11))
    return life


def add(life: Life, **more: object) -> list:
    values = {"by": "ana", "title": "Alert before the disk is full", "owner": "ben"} | more
    return life.does(c.AddActionItem(**values), T0 + minutes(60))  # type: ignore[arg-type]


def owed(life: Life) -> dict[str, str]:
    rules = life.world.rules
    return {each.rule: each.state for each in promises(life.now, rules) if each.rule.startswith("action")}


def test_an_item_is_due_at_the_end_of_its_day() -> None:
    life = over()

    (added,) = add(life, due_on="2026-12-15")

    assert (added.item, added.due_at, added.horizon) == (1, DUE, None)
    assert owed(life) == {"action:1": "open"}


@pytest.mark.parametrize(
    ("horizon", "due_at"),
    [
        (None, T0 + minutes(60) + timedelta(days=14)),
        ("short-term", T0 + minutes(60) + timedelta(days=14)),
        ("Long-term", datetime(2027, 2, 23, 4, 0, tzinfo=UTC)),
    ],
)
def test_the_guides_horizons_are_due_dates(horizon: str | None, due_at: datetime) -> None:
    (added,) = add(over(), horizon=horizon)

    assert added.due_at == due_at


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"due_on": "soon"}, "due_on: expected a day such as 2026-12-15, got 'soon'"),
        ({"due_on": "2026-11-22"}, "due_on: expected a day that is not over yet"),
        ({"horizon": "never"}, r"due_on: expected a day such as 2026-12-15 or a horizon of the guide \(Short-term"),
        ({"due_on": "2026-12-15", "horizon": "Short-term"}, "due_on: expected a day or a horizon, got both"),
        ({"owner": " "}, "owner: expected a person or a role"),
        ({"title": ""}, "title: expected a few words"),
        ({"criteria": ("",)}, r"criteria\[0\]: expected a few words"),
    ],
)
def test_what_cannot_be_is_refused_by_field(more: dict, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        add(over(), **more)


def test_the_owner_is_reminded_before_and_every_week_after() -> None:
    life = over()
    add(life, due_on="2026-12-15")

    assert next_wakeup(life.now, life.world.rules) == DUE - timedelta(days=3)
    (risk, reminded) = life.wakes(DUE - timedelta(days=3))
    assert isinstance(risk, f.PromiseAtRisk)
    assert [page.person for page in reminded.pages] == ["ben"]

    facts = life.wakes(DUE)
    assert [type(each).__name__ for each in facts] == ["PromiseMissed", "Notified"]
    assert owed(life) == {"action:1": "missed"}
    assert next_wakeup(life.now, life.world.rules) == DUE + timedelta(days=7)
    (again,) = life.wakes(DUE + timedelta(days=7))
    assert [page.person for page in again.pages] == ["ben"]


def test_a_finished_item_owes_nothing_more() -> None:
    life = over()
    add(life, due_on="2026-12-15")

    life.does(c.FinishActionItem(by="ben", item=1), T0 + timedelta(days=2))

    assert owed(life) == {"action:1": "kept"}
    assert next_wakeup(life.now, life.world.rules) is None
    assert life.does(c.FinishActionItem(by="ben", item=1), T0 + timedelta(days=3)) == []


def test_an_item_is_not_finished_while_a_criterion_is_open_unless_somebody_says_why() -> None:
    life = over()
    add(life, due_on="2026-12-15", criteria=("it fires at 80 %", "the runbook is right"))
    life.does(c.MeetCriterion(by="ben", item=1, criterion=1), T0 + timedelta(days=1))

    with pytest.raises(Refused, match=r"1 of 2 acceptance criteria are not met \(the runbook is right\)"):
        life.does(c.FinishActionItem(by="ben", item=1), T0 + timedelta(days=1))
    life.does(c.FinishActionItem(by="ben", item=1, because="the runbook is gone"), T0 + timedelta(days=1))

    assert life.now.actions[1].status == "completed"


def test_another_due_date_is_another_promise() -> None:
    life = over()
    add(life, due_on="2026-12-15")
    life.wakes(DUE)

    life.does(c.ChangeActionItem(by="ana", item=1, due_on="2027-01-15", because="moved"), DUE + minutes(1))

    states = [each.state for each in promises(life.now, life.world.rules) if each.rule == "action:1"]
    assert sorted(states) == ["missed", "open"]


def test_a_reopened_item_is_owed_again() -> None:
    life = over()
    add(life, due_on="2026-12-15")
    life.does(c.FinishActionItem(by="ben", item=1), T0 + timedelta(days=2))

    life.does(c.ChangeActionItem(by="ana", item=1, status="open", because="it came back"), T0 + timedelta(days=3))

    assert owed(life) == {"action:1": "open"}


def test_criteria_that_stay_keep_that_they_are_met() -> None:
    life = over()
    add(life, due_on="2026-12-15", criteria=("a", "b"))
    life.does(c.MeetCriterion(by="ben", item=1, criterion=2), T0 + timedelta(days=1))

    life.does(c.ChangeActionItem(by="ben", item=1, criteria=("b", "c")), T0 + timedelta(days=1))

    assert life.now.actions[1].met == (1,)


def test_an_incident_with_items_is_not_merged_away() -> None:
    life = Life(world(action_items=HORIZONS))
    add(life)

    with pytest.raises(Refused, match="has reports to authorities or action items of its own"):
        life.does(c.Merge(by="ana", into="i2"), T0 + minutes(61))
