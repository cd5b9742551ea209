"""`tocsin incident guide` and `tocsin runbook`: what the guide says, on a terminal."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tests.core.test_briefing import begun, finished, guide, incident
from tests.http.guided import GUIDED
from tocsin.core.briefing import briefing, runbook_views
from tocsin.core.policy import Policy

PLACE = "/api/incidents/INC-2026-001/guide"


def told(policy: Policy = GUIDED, *history: Any, **more: Any) -> Any:
    """A briefing as the server gives it."""
    made = incident("Checkout is down", severity="SEV-1", service="checkout", **more)
    return msgspec.to_builtins(briefing(policy, made, list(history)))


def listed(*guides: str) -> dict[str, Any]:
    views = msgspec.to_builtins(runbook_views(GUIDED))
    return {"items": [{**each, "guide": name, "digest": "d"} for name in guides for each in views]}


def test_the_current_phase_has_its_steps_and_the_others_a_line(run: Run, server: Answering) -> None:
    phase = "Phase 1: Detection"
    server.says("GET", PLACE, told(GUIDED, begun(phase, 1), finished(phase, 2, "Look at the graphs", by="ben")))

    out = run("incident", "guide", "INC-2026-001").out

    lines = out.split("\n")
    assert lines[0].startswith(
        "[~] Phase 1: Detection (guide line 10), now, 1 of 2 done, begun by ana 2026-11-23 03:01"
    )
    assert "      objective: Know what is broken" in lines
    assert "  [x] 1. Look at the graphs (guide line 11), done by ben 2026-11-23 03:02 UTC" in lines
    assert "  [ ] 2. Check the pods (guide line 12)" in lines
    assert "        $ kubectl get pods" in lines
    assert "          run and keep: tocsin run --incident INC-2026-001 -- kubectl get pods" in lines
    assert "[ ] Phase 2: Containment (guide line 20), 0 of 1 done" in lines
    assert "Stop the rollout" not in out


def test_the_runbooks_that_fit_the_duties_and_whom_to_call_follow(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, told(roles={"Incident Commander": ["ana"]}))

    out = run("incident", "guide", "INC-2026-001").out

    wanted = (
        "  Checkout Recovery (guide line 30): it names checkout; the title says checkout",
        "Other runbooks: Network Diagnosis",
        "tocsin runbook show NAME --incident INC-2026-001",
        "How bad is it? Is it down? (yes means SEV-0) (guide line 5)",
        "Incident Commander: ana (guide line 51)\n  - Decides in the end",
        "Nobody is: Scribe",
        "  Hosting Ltd · Premium Support · +1 (555) 010-9999 (guide line 61)",
        "Main: https://graphs.example/d/1 (guide line 71)",
    )
    assert [each for each in wanted if each not in out] == []


def test_all_of_it_holds_every_step_and_every_command(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, told())

    out = run("incident", "guide", "INC-2026-001", "--all").out

    for each in (*GUIDED.phases, *GUIDED.runbooks):
        for step in each.steps:
            assert step.text in out
            assert all(command.code in out for command in step.commands)


def test_json_is_what_the_server_says(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, told())

    assert json.loads(run("incident", "guide", "INC-2026-001", "--format", "json").out)["guide"] == "g"


def test_a_guide_that_says_nothing_is_said_to(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, told(Policy(title="G", severities=())))

    ran = run("incident", "guide", "INC-2026-001")

    assert (ran.code, ran.out) == (0, "")
    assert "says nothing about phases" in ran.err


def test_a_phase_for_others_says_so(run: Run, server: Answering) -> None:
    policy = guide("A", "B")
    only = msgspec.structs.replace(policy.phases[0], severities=("P1",))
    server.says("GET", PLACE, told(msgspec.structs.replace(policy, phases=(only, policy.phases[1]))))

    assert "[ ] A, not for SEV-1, 0 of 2 done" in run("incident", "guide", "INC-2026-001").out


def test_the_list_counts_steps_and_commands(run: Run, server: Answering) -> None:
    server.says("GET", "/api/runbooks", listed("main"))

    out = run("runbook", "list", "--guide", "main").out

    assert server.last.path == "/api/runbooks?guide=main"
    assert out.split("\n")[1].split() == ["main", "Checkout", "Recovery", "Application", "2", "3", "30"]


def test_a_runbook_is_shown_by_words_of_its_name_with_what_to_mind(run: Run, server: Answering) -> None:
    server.says("GET", "/api/runbooks", listed("main"))

    out = run("runbook", "show", "recovery").out

    assert out.split("\n")[0] == "Checkout Recovery (guide line 30)"
    assert "  [ ] 1. Drop the queue (guide line 31)" in out
    assert "DANGER: it cannot be taken back" in out
    assert "run and keep: tocsin run --incident INCIDENT -- redis-cli FLUSHALL" in out


def test_for_an_incident_the_lines_name_it_and_steps_say_how_they_stand(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, told(GUIDED, finished("Checkout Recovery", 3, "Drop the queue")))

    out = run("runbook", "show", "Checkout Recovery", "--incident", "INC-2026-001").out

    assert "  [x] 1. Drop the queue" in out
    assert "tocsin run --incident INC-2026-001 -- redis-cli FLUSHALL" in out


@pytest.mark.parametrize(
    ("name", "guides", "said"),
    [
        ("Recovry", ("main",), "did you mean Checkout Recovery?"),
        ("recovery", ("main", "second"), "expected --guide with one of main, second"),
        ("recovery", (), "no guide in force has a runbook"),
    ],
)
def test_a_name_that_is_none_or_two_is_no_match(
    run: Run, server: Answering, name: str, guides: tuple[str, ...], said: str
) -> None:
    server.says("GET", "/api/runbooks", listed(*guides))

    ran = run("runbook", "show", name)

    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err


def test_a_guide_cannot_move_the_cursor(run: Run, server: Answering) -> None:
    policy = guide("A\x1b[2J")
    server.says("GET", PLACE, told(policy))

    assert "\x1b" not in run("incident", "guide", "INC-2026-001").out
