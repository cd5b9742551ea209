"""Running the guide's commands: what may be begun, what waits for a second person, what an end means."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.lives import T0, Life, minutes, world
from tocsin.core import commands as c, facts as f
from tocsin.core.incident import Refused
from tocsin.core.policy import CodeBlock, Runbook, Step, TwoPersons
from tocsin.core.view import timeline

BOOK = "Database Unavailable"


def step(text: str, *codes: str, language: str = "bash") -> Step:
    return Step(text=text, commands=tuple(CodeBlock(language=language, code=code) for code in codes))


STEPS = (
    step("Look", "kubectl get pods", "kubectl logs <pod>"),
    step("Watch", "top", "df -h"),
    step("Restart", "kubectl delete pod <pod>"),
    step("Scale", "kubectl scale deployment api --replicas=<replicas>"),
    step("Talk"),
    step("Tell", "/incident create", language="text"),
)


def life(**more: Any) -> Life:
    return Life(world(runbooks=(Runbook(title=BOOK, steps=STEPS),), **more))


def run(item: str, text: str, *values: str, by: str = "ana", **more: Any) -> c.BeginRun:
    return c.BeginRun(by=by, phase=BOOK, item=item, text=text, values=values, **more)


LOOK = run("look", "kubectl get pods")
DELETE = run("restart", "kubectl delete pod pg-0", "pod=pg-0")


def test_a_reading_command_is_begun_and_its_item_too() -> None:
    lived = life()

    facts = lived.does(LOOK, T0 + minutes(1))

    begun, item = facts
    assert isinstance(begun, f.RunBegun)
    assert (begun.run, begun.item, begun.number, begun.text, begun.risk) == (1, "Look", 1, "kubectl get pods", "reads")
    assert item == f.ItemBegun(at=T0 + minutes(1), by="ana", phase=BOOK, item="Look")


def test_an_item_is_done_once_everything_that_can_be_run_of_it_went_well() -> None:
    lived = life()
    lived.does(LOOK, T0 + minutes(1))
    lived.does(c.EndRun(by="ana", run=1, exit_code=0), T0 + minutes(2))
    lived.does(run("look", "kubectl logs pg-0", "pod=pg-0", number=2), T0 + minutes(3))

    assert lived.now.items[f"{BOOK} / Look"] == "begun"
    lived.does(c.EndRun(by="ana", run=2, exit_code=1), T0 + minutes(4))
    assert lived.now.items[f"{BOOK} / Look"] == "begun"
    lived.does(run("look", "kubectl logs pg-0", "pod=pg-0", number=2), T0 + minutes(5))
    facts = lived.does(c.EndRun(by="ana", run=3, exit_code=0), T0 + minutes(6))
    assert facts[-1] == f.ItemFinished(at=T0 + minutes(6), by="ana", phase=BOOK, item="Look")


def test_what_does_not_end_by_itself_is_not_run_and_is_not_waited_for() -> None:
    lived = life()

    with pytest.raises(Refused, match="top waits for a person"):
        lived.does(run("watch", "top"), T0 + minutes(1))
    lived.does(run("watch", "df -h", number=2), T0 + minutes(1))
    lived.does(c.EndRun(by="ana", run=1, exit_code=0), T0 + minutes(2))
    assert lived.now.items[f"{BOOK} / Watch"] == "finished"


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (run("look", "kubectl get pods; ./x"), "text: expected what the guide says"),
        (run("look", "kubectl get secrets"), "text: expected what the guide says"),
        (run("restart", "kubectl delete pod pg-1", "pod=pg-0"), "text: expected what the guide says"),
        (run("restart", "kubectl delete pod x", "pod=a b"), "pod: expected a name"),
        (run("restart", "kubectl delete pod <pod>"), "pod: expected a value"),
        (run("look", "kubectl get pods", number=3), "number: expected 1 to 2"),
        (run("look", "kubectl get pods", number=0), "number: expected 1 to 2"),
        (run("tell", "/incident create"), "number: expected one of a shell"),
        (run("talk", "x"), "number: expected 1 to 0"),
        (run("nonsense", "x"), "item: expected one"),
        (run("restart", "x", "pod"), "values: expected NAME=VALUE"),
    ],
)
def test_only_the_guides_command_with_its_values_is_run(command: c.BeginRun, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        life().does(command, T0 + minutes(1))


def test_what_cannot_be_taken_back_waits_for_somebody_else_and_is_run_once() -> None:
    lived = life()

    (asked,) = lived.does(DELETE, T0 + minutes(1))
    assert isinstance(asked, f.ApprovalRequested)
    waiting = lived.now.approvals[1]
    assert waiting.says == "to run kubectl delete pod pg-0 (Restart; it cannot be taken back)"
    with pytest.raises(Refused, match="somebody else approves"):
        lived.does(c.Approve(by="ana", request=1), T0 + minutes(2))
    facts = lived.does(c.Approve(by="ben", request=1), T0 + minutes(3))
    assert [type(each).__name__ for each in facts] == ["ApprovalEnded", "RunApproved"]
    assert not lived.now.runs.every  # nobody has run anything yet

    begun = lived.does(DELETE, T0 + minutes(4))[0]
    assert isinstance(begun, f.RunBegun)
    assert (begun.by, begun.risk, begun.approved_by) == ("ana", "destroys", "ben")
    lived.does(c.EndRun(by="ana", run=1, exit_code=0), T0 + minutes(5))
    again = lived.does(DELETE, T0 + minutes(6))
    assert any(isinstance(each, f.ApprovalRequested) for each in again)


@pytest.mark.parametrize(
    ("other", "at"),
    [
        (run("restart", "kubectl delete pod pg-1", "pod=pg-1"), 4),
        (run("restart", "kubectl delete pod pg-0", "pod=pg-0", by="cleo"), 4),
        (DELETE, 19),
    ],
)
def test_an_approval_is_for_these_words_of_this_person_and_for_now(other: c.BeginRun, at: int) -> None:
    lived = life()
    lived.does(DELETE, T0 + minutes(1))
    lived.does(c.Approve(by="ben", request=1), T0 + minutes(3))

    facts = lived.does(other, T0 + minutes(at))

    assert any(isinstance(each, f.ApprovalRequested) for each in facts)
    assert not lived.now.runs.every


def test_a_value_may_be_what_makes_a_command_destroy() -> None:
    lived = life()
    five = run("scale", "kubectl scale deployment api --replicas=5", "replicas=5")
    none = run("scale", "kubectl scale deployment api --replicas=0", "replicas=0")

    assert isinstance(lived.does(five, T0 + minutes(1))[0], f.RunBegun)
    assert isinstance(lived.does(none, T0 + minutes(2))[0], f.ApprovalRequested)


def test_a_policy_may_want_two_persons_for_every_run() -> None:
    lived = life(two_persons=TwoPersons(commands=("begin-run",)))

    assert isinstance(lived.does(LOOK, T0 + minutes(1))[0], f.ApprovalRequested)
    lived.does(c.Approve(by="ben", request=1), T0 + minutes(2))
    assert isinstance(lived.does(LOOK, T0 + minutes(3))[0], f.RunBegun)


def test_two_people_do_not_run_the_same_at_once_unless_they_mean_to() -> None:
    lived = life()
    lived.does(LOOK, T0 + minutes(1))
    same = run("look", "kubectl get pods", by="ben")

    with pytest.raises(Refused, match=r"ana has run it since 03:01:00 UTC \(run 1\)"):
        lived.does(same, T0 + minutes(2))
    anyway = run("look", "kubectl get pods", by="ben", anyway=True)
    assert isinstance(lived.does(anyway, T0 + minutes(2))[0], f.RunBegun)
    facts = lived.does(LOOK, T0 + minutes(40))  # a terminal that was closed is in nobody's way
    assert any(isinstance(each, f.RunBegun) for each in facts)


def test_only_whoever_began_a_run_says_how_it_ended_and_once() -> None:
    lived = life()
    lived.does(LOOK, T0 + minutes(1))

    with pytest.raises(Refused, match="run 1 is ana's"):
        lived.does(c.EndRun(by="ben", run=1, exit_code=0), T0 + minutes(2))
    with pytest.raises(ValueError, match="run: expected"):
        lived.does(c.EndRun(by="ana", run=2, exit_code=0), T0 + minutes(2))
    with pytest.raises(ValueError, match="evidence: expected"):
        lived.does(c.EndRun(by="ana", run=1, exit_code=0, evidence=7), T0 + minutes(2))
    (ended,) = lived.does(c.EndRun(by="ana", run=1, exit_code=3, seconds=2, output="x" * 9000), T0 + minutes(2))
    assert isinstance(ended, f.RunEnded)
    assert len(ended.output) == 4000
    assert lived.does(c.EndRun(by="ana", run=1, exit_code=0), T0 + minutes(3)) == []


def test_nothing_is_begun_for_a_closed_incident() -> None:
    lived = life()
    lived.does(c.Resolve(by="ana"), T0 + minutes(1))
    lived.does(c.Close(by="ana"), T0 + minutes(2))

    with pytest.raises(Refused, match="closed"):
        lived.does(LOOK, T0 + minutes(3))


def test_the_timeline_says_who_ran_what_after_whose_approval_and_how_it_ended() -> None:
    lived = life()
    lived.does(DELETE, T0 + minutes(1))
    lived.does(c.Approve(by="ben", request=1), T0 + minutes(2))
    lived.does(DELETE, T0 + minutes(3))
    lived.does(c.EndRun(by="ana", run=1, exit_code=1, seconds=4, because="not found"), T0 + minutes(4))

    said = [each.text for each in timeline(lived.facts)]

    assert "ana asks to run kubectl delete pod pg-0 (Restart; it cannot be taken back) (request 1)" in " ".join(said)
    assert "ana may run it once, until 03:17 UTC (request 1)" in said
    assert f"Run 1 begun (destroys, approved by ben), {BOOK}: kubectl delete pod pg-0" in said
    assert "Run 1 failed with exit status 1 after 4 s: not found" in said
