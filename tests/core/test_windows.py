"""A phase's window that ends with steps open: whoever leads hears of it once, quietly, and nothing is promised."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.core.lives import Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.policy import Deadline, Phase, Source, Step
from tocsin.core.promises import next_wakeup, promises
from tocsin.core.rulebook import rules

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DETECT = Phase(
    title="Detect", ends=Deadline(seconds=900), steps=(Step(text="Look"), Step(text="Tell")), source=Source(line=7)
)
CONTAIN = Phase(title="Contain", starts=DETECT.ends, ends=Deadline(seconds=3600), steps=(Step(text="Stop it"),))


def life(*phases: Phase) -> Life:
    made = Life(world(phases=phases or (DETECT, CONTAIN)), at=T0)
    made.does(c.Acknowledge(by="ana"), T0 + minutes(1))
    return made


def reminded(of: Life, until: datetime) -> list[tuple[float, str, list[str]]]:
    """When, of what, and whom, in minutes."""
    found = []
    while (at := next_wakeup(of.now, of.world.rules, of.world.calendar)) is not None and at <= until:
        found += [each for each in of.wakes(at) if isinstance(each, f.Notified) and "steps" in each.because]
    assert all(page.notice for each in found for page in each.pages), "a window rings nobody out of bed"
    said = [(each.because.rpartition(": ")[2], [page.person for page in each.pages], each.at) for each in found]
    return [((at - T0).total_seconds() / 60, phase, people) for phase, people, at in said]


def test_each_window_is_said_once_to_whoever_has_it():
    of = life()

    assert reminded(of, T0 + minutes(600)) == [(15, "Detect", ["ana"]), (60, "Contain", ["ana"])]
    assert [each.rule for each in promises(of.now, of.world.rules) if "phase" in each.rule] == []
    assert "PromiseMissed" not in {type(each).__name__ for each in of.facts if "phase:" in str(each)}


def test_the_commander_hears_it_before_anybody_else():
    of = life()
    of.does(c.AssignRole(by="ana", role="Incident Commander", person="cleo"), T0 + minutes(2))

    assert reminded(of, T0 + minutes(20)) == [(15, "Detect", ["cleo"])]


@pytest.mark.parametrize(
    "done",
    [
        (c.FinishPhase(by="ana", phase="Detect"),),
        (c.FinishItem(by="ana", phase="Detect", item="Look"), c.FinishItem(by="ana", phase="Detect", item="Tell")),
        (c.Resolve(by="ana"),),
    ],
)
def test_what_was_worked_through_in_time_is_not_mentioned(done: tuple[c.Command, ...]):
    of = life(DETECT)
    for command in done:
        of.does(command, T0 + minutes(10))

    assert reminded(of, T0 + minutes(600)) == []


def test_a_step_that_is_taken_back_is_open_again():
    of = life(DETECT)
    for item in ("Look", "Tell"):
        of.does(c.FinishItem(by="ana", phase="Detect", item=item), T0 + minutes(3))
    of.does(c.BeginItem(by="ana", phase="Detect", item="Look"), T0 + minutes(4))

    assert reminded(of, T0 + minutes(20)) == [(15, "Detect", ["ana"])]


def test_before_somebody_has_it_the_timeline_says_so_and_nobody_is_told():
    of = Life(world(phases=(DETECT,)), at=T0)

    assert reminded(of, T0 + minutes(20)) == [(15, "Detect", [])]


def test_a_phase_without_steps_or_without_a_window_reminds_of_nothing():
    bare = (
        Phase(title="a", ends=Deadline(seconds=900)),
        Phase(title="b", steps=DETECT.steps),
        Phase(title="c", ends=Deadline(business_days=1), steps=DETECT.steps),
        Phase(title="d", ends=Deadline(seconds=0), steps=DETECT.steps),
    )

    assert [each.id for each in rules(world(phases=bare).policy) if each.id.startswith("phase:")] == []


def test_a_phase_of_other_severities_reminds_nobody():
    of = life(Phase(title="Detect", ends=DETECT.ends, steps=DETECT.steps, severities=("SEV-3",)))

    assert reminded(of, T0 + minutes(600)) == []
