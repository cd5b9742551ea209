"""An action item that was done is asked about later, where the guide asks whether improvements helped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.lives import T0, Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.guidance import ActionItems
from tocsin.core.incident import Refused
from tocsin.core.policy import Deadline
from tocsin.core.promises import next_wakeup, promises
from tocsin.core.view import words
from tocsin.guide.compile import compile_guide

DAY = timedelta(days=1)


def done(within: int | None = 30) -> Life:
    """Its one action item was completed on the second day."""
    asked = ActionItems(effect_within=Deadline(seconds=within * 86_400) if within else None)
    life = Life(world(action_items=asked))
    life.does(c.Resolve(by="ana"), T0 + minutes(10))
    life.does(c.Close(by="ana"), T0 + minutes(11))
    life.does(c.AddActionItem(by="ana", title="Alert", owner="ben", due_on="2026-12-15"), T0 + minutes(60))
    life.does(c.FinishActionItem(by="ben", item=1), T0 + DAY)
    return life


def owed(life: Life) -> dict[str, str]:
    return {each.rule: each.state for each in promises(life.now, life.world.rules) if each.rule.startswith("effect")}


def test_who_did_it_is_reminded_to_say_whether_it_helped():
    life = done()
    asked_at = next_wakeup(life.now, life.world.rules)

    facts = life.wakes(asked_at)
    life.does(c.ChangeActionItem(by="ben", item=1, effective=True, because="no alert since"), T0 + 29 * DAY)

    assert asked_at == T0 + DAY + 24 * DAY
    told = [(each.because, each.pages[0].person) for each in facts if isinstance(each, f.Notified)]
    assert [(text.startswith("say whether action item 1 helped: Alert by "), who) for text, who in told] == [
        (True, "ben")
    ]
    assert owed(life) == {"effect:1": "kept"} and life.now.actions[1].effective is True
    assert next_wakeup(life.now, life.world.rules) is None


def test_nobody_says_so_and_it_is_missed():
    life = done()
    for _ in range(2):
        life.wakes(next_wakeup(life.now, life.world.rules))

    assert owed(life) == {"effect:1": "missed"}


def test_a_guide_that_does_not_ask_owes_nothing():
    assert owed(done(None)) == {} and next_wakeup(done(None).now, done(None).world.rules) is None


def test_a_reopened_item_is_asked_about_no_more_until_it_is_done_again():
    life = done()
    life.does(c.ChangeActionItem(by="ana", item=1, status="open"), T0 + 2 * DAY)
    before = owed(life)
    life.does(c.FinishActionItem(by="ben", item=1), T0 + 3 * DAY)

    assert before == {} and owed(life) == {"effect:1": "open"}


def test_the_answer_of_before_is_none_to_an_item_that_is_done_again():
    life = done()
    life.does(c.ChangeActionItem(by="ben", item=1, effective=True), T0 + 2 * DAY)
    before = owed(life)
    life.does(c.ChangeActionItem(by="ana", item=1, status="open"), T0 + 3 * DAY)
    life.does(c.FinishActionItem(by="ben", item=1), T0 + 4 * DAY)

    assert before == {"effect:1": "kept"}
    assert (owed(life), life.now.actions[1].effective) == ({"effect:1": "open"}, None)


def test_what_is_not_done_has_had_no_effect():
    life = done()
    life.does(c.ChangeActionItem(by="ana", item=1, status="open"), T0 + 2 * DAY)

    with pytest.raises(Refused, match="cannot say whether action item 1 helped: it is open"):
        life.does(c.ChangeActionItem(by="ana", item=1, effective=True), T0 + 3 * DAY)


def test_the_timeline_says_whether_it_helped():
    said = f.ActionItemChanged(at=T0, by="ben", item=1, effective=False, because="it fired again")

    assert words(said) == "Action item 1 did not help: it fired again"


GUIDE = """# Incident response

## Severity

| Severity | Response time |
|---|---|
| P1 | 15 min |
| P2 | 1 hour |

## Post-mortem

"""


@pytest.mark.parametrize(
    ("line", "days"),
    [
        ("- **Follow-up**: Ensure action items are completed and effective", 30),
        ("- [ ] Schedule follow-up review for action items", 30),
        ("- Verify the effectiveness of action items within 60 days", 60),
        ("- Action items are tracked to completion", None),
        ("- Evaluate the effectiveness of response procedures", None),
    ],
)
def test_a_guide_asks_in_its_own_words(line: str, days: int | None):
    found = compile_guide(GUIDE + line + "\n").policy.action_items.effect_within

    assert (found.seconds if found else None) == (days * 86_400 if days else None)
