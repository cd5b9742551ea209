"""`tocsin rehearse`, `replay` and `readiness` as people type them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tocsin.clock import ManualClock
from tocsin.core import commands as c
from tocsin.core.people import Method, Person
from tocsin.core.policy import Deadline, Escalation, Level, Paging, Policy, Severity
from tocsin.engine import Engine
from tocsin.store.sqlite import SqliteStore

T0 = datetime(2026, 12, 24, 16, 30, tzinfo=UTC)
GUIDE = """title: How we respond
severities:
  - {id: SEV-1, rank: 0, respond_within: 15m}
  - {id: SEV-2, rank: 1, respond_within: 1h}
escalation:
  levels:
    - {level: 1, who: [ana], within: 20m}
    - {level: 2, who: [The boss], within: 30m}
"""
SCENARIO = """guide: guide.yaml
severity: SEV-1
at: "2026-12-24 17:30"
zone: Europe/Berlin
until: 1h
people: {ana: }
expect:
  - at +0: paged ana
  - at +20m: paged The boss
"""


@pytest.fixture
def guide(run: Run, tmp_path: Path) -> Path:
    path = tmp_path / "guide.yaml"
    path.write_text(GUIDE)
    return path


def rehearsed(run: Run, *more: str) -> dict:
    ran = run(
        "rehearse", "guide.yaml", "--at", "2026-12-24 17:30", "--zone", "Europe/Berlin", "--format", "json", *more
    )
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_a_rehearsal_says_who_is_paged_minute_by_minute(run: Run, guide: Path) -> None:
    ran = run("rehearse", str(guide), "--severity", "SEV-1", "--at", "2026-12-24 17:30", "--zone", "Europe/Berlin")

    assert ran.code == 0
    assert "SEV-1 at Thu 2026-12-24 17:30:00 Europe/Berlin (16:30 UTC)" in ran.out
    assert "+20m  Thu 2026-12-24 17:50:00  level 2: paged The boss* (no answer at level 1)" in ran.out
    assert "Nobody is bound to: ana, The boss." in ran.out
    assert "+15m  Thu 2026-12-24 17:45:00  MISSED: respond" in ran.out


def test_a_response_stops_it(run: Run, guide: Path) -> None:
    said = rehearsed(run, "--respond", "ana=7m")

    assert said["pages"] == {"ana": 1}
    assert [each["state"] for each in said["promises"]] == ["kept"]
    assert [each["offset_seconds"] for each in said["timeline"] if each["kind"] == "kept"] == [420]


def test_with_a_configuration_the_gaps_are_real(run: Run, guide: Path, tmp_path: Path) -> None:
    person = '[[people]]\nid = "ana"\nmethods = [{ kind = "console", address = "ana" }]\n'
    (tmp_path / "our.toml").write_text(f'[paging]\nlast_resort = ["ana"]\n\n{person}')

    said = rehearsed(run, "--config", "our.toml", "--until", "25m")

    passed = [each["text"] for each in said["timeline"] if each["kind"] == "passed"]
    assert passed == ["level 2: passed at once, The boss: means no active person"]
    assert said["unbound"] == ["The boss"]


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--severity", "SEV-9", "expected one of SEV-1, SEV-2"),
        ("--at", "yesterday", "2026-12-24 17:30"),
        ("--zone", "Mars/Base", "IANA"),
        ("--until", "soon", "offset"),
        ("--respond", "ana", "ana=7m"),
    ],
)
def test_a_wrong_option_is_a_usage_error(run: Run, guide: Path, option: str, value: str, said: str) -> None:
    ran = run("rehearse", str(guide), option, value)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_scenario_that_holds_exits_with_zero(run: Run, guide: Path, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO)

    ran = run("rehearse", "s.yaml")

    assert ran.code == 0, ran.out
    assert "2 of 2 expectations hold" in ran.out


def test_a_scenario_that_fails_exits_with_one_and_says_what_came(run: Run, guide: Path, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("+20m", "+21m"))

    ran = run("rehearse", "s.yaml")
    as_json = run("rehearse", "s.yaml", "--format", "json")

    assert (ran.code, as_json.code) == (1, 1)
    assert "FAILED line 9: at +21m: paged The boss" in ran.out
    assert "expected paged The boss at +21m (2026-12-24 17:51:00)" in ran.out
    assert [each["passed"] for each in json.loads(as_json.out)["expectations"]] == [True, False]


def test_a_response_that_is_refused_fails_the_scenario_by_line(run: Run, guide: Path, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO + "responses:\n  - {at: +5m, do: reopen}\n")

    ran = run("rehearse", "s.yaml")

    assert ran.code == 1
    assert "s.yaml:11: cannot reopen" in ran.err


def test_errors_of_a_scenario_name_the_line(run: Run, guide: Path, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.replace("guide.yaml", "none.md"))
    missing = run("rehearse", "s.yaml")
    (tmp_path / "s.yaml").write_text(SCENARIO + "  - sing\n")
    unclear = run("rehearse", "s.yaml")

    assert (missing.code, unclear.code) == (2, 2)
    assert "s.yaml:1: guide: " in missing.err
    assert "s.yaml:10: expected at TIME" in unclear.err


# --- replay -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with one incident that ana answered after 25 minutes."""
    clock = ManualClock(T0)
    folder = tmp_path / "data"
    folder.mkdir()
    store = SqliteStore(folder / "tocsin.db", clock)
    engine = Engine(store, new_id=lambda: "i1")
    for name in ("ana", "ben"):
        method = Method(kind="console", address=name)
        store.put("default", "person", name, msgspec.json.encode(Person(id=name, methods=(method,))))
    levels = (Level(level=1, who=("ana",), within=Deadline(seconds=600)), Level(level=2, who=("ben",)))
    made = Policy(
        title="Ours",
        severities=(Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=900)),),
        escalation=Escalation(levels=levels),
        paging=Paging(last_resort=("ben",)),
    )
    engine.guides.activate("default", "ours", made)
    engine.declare("default", c.Declare(title="Disk full", severity="SEV-1"))
    for minute in range(1, 26):
        clock.set(T0 + timedelta(minutes=minute))
        engine.wake()
    engine.handle("default", "i1", c.Acknowledge(by="ana"))
    store.close()
    return folder


def test_a_replay_compares_what_was_with_what_would_have_been(run: Run, guide: Path, data: Path) -> None:
    ran = run("replay", "--policy", str(guide), "--data", str(data), "--format", "json")

    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert said["sum"]["pages"] == [4, 3]
    assert said["sum"]["missed"] == [1, 1]
    assert said["incidents"][0]["before"]["pages"] == {"ana": 1, "ben": 3}
    assert said["unbound"] == ["The boss"]
    assert "is unknown" in said["unknown"]


def test_a_replay_reads_what_was_exported(run: Run, guide: Path, data: Path, tmp_path: Path) -> None:
    exported = run("replay", "--data", str(data), "--to-export", "year.jsonl")
    direct = run("replay", "--policy", str(guide), "--data", str(data), "--format", "json")
    again = run("replay", "--policy", str(guide), "--from-export", "year.jsonl", "--format", "json")

    assert exported.code == 0, exported.err
    assert json.loads(again.out) == json.loads(direct.out)


def test_a_replay_in_words_says_what_it_does_not_know(run: Run, guide: Path, data: Path) -> None:
    ran = run("replay", "--policy", str(guide), "--data", str(data))

    assert "1 incidents through" in ran.out
    assert "What people would have done differently is unknown" in ran.out
    assert "nobody is bound to The boss" in ran.err


def test_a_replay_without_anything_to_replay_is_an_error(run: Run, guide: Path, tmp_path: Path) -> None:
    assert run("replay", "--policy", str(guide), "--data", "nowhere").code == 2
    (tmp_path / "bad.jsonl").write_text('{"incident": 5}\n')
    ran = run("replay", "--policy", str(guide), "--from-export", "bad.jsonl")
    assert ran.code == 1
    assert "bad.jsonl:1: " in ran.err


# --- readiness --------------------------------------------------------------------------------------------------------


def test_readiness_exits_with_one_when_somebody_could_not_be_reached(run: Run, server: Answering) -> None:
    gap = {"check": "level", "level": "error", "text": "level 2 pages nobody", "guide": "ours", "line": 12}
    server.says("GET", "/api/readiness", {"ready": False, "findings": [gap]})

    ran = run("readiness")

    assert (ran.code, ran.out) == (1, "error   ours:12: level 2 pages nobody\n")
    assert json.loads(run("readiness", "--format", "json").out)["ready"] is False


def test_readiness_exits_with_zero_when_everybody_can_be(run: Run, server: Answering) -> None:
    server.says("GET", "/api/readiness", {"ready": True, "findings": []})

    ran = run("readiness")

    assert (ran.code, ran.out) == (0, "")
    assert "can be reached" in ran.err


def test_a_guide_that_says_nothing_is_rehearsed_by_the_hours_of_the_configuration(run: Run, tmp_path: Path) -> None:
    guide, config = tmp_path / "guide.yaml", tmp_path / "tocsin.toml"
    guide.write_text("title: g\nseverities: [{id: P1, rank: 0, respond_within: next business day}]\n")
    config.write_text('[business_hours]\nzone = "America/New_York"\ncountry = "US"\n')
    at = ("--at", "2026-11-25 17:30", "--format", "json")

    without, told = run("rehearse", "guide.yaml", *at), run("rehearse", "guide.yaml", "-c", str(config), *at)

    due = [json.loads(ran.out)["promises"][0]["due_at"] for ran in (without, told)]
    assert due == ["2026-11-26T17:00:00Z", "2026-11-27T22:00:00Z"]  # Thanksgiving is no business day over there
