"""`tocsin oncall`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.main import COMMANDS
from tocsin.cli.run import run

SCHEDULE = {
    "name": "payments",
    "kind": "shifts",
    "timezone": "Europe/Berlin",
    "layers": [
        {
            "rotation": {
                "frequency": "daily",
                "anchor": "2026-03-27T02:30",
                "timezone": "Europe/Berlin",
                "users": ["ann", "bob"],
            },
            "restrictions": [{"days": ["FR", "SA", "SU"], "start": "00:00", "end": "00:00"}],
        }
    ],
    "query": {"from": "2026-03-28T00:00+01:00", "to": "2026-03-30T12:00+02:00"},
    "expect": {
        "shifts": [
            {"user": "ann", "start": "2026-03-28T00:00+01:00", "end": "2026-03-28T02:30+01:00"},
            {"user": "bob", "start": "2026-03-28T02:30+01:00", "end": "2026-03-29T03:00+02:00"},
            {"user": "ann", "start": "2026-03-29T03:00+02:00", "end": "2026-03-30T00:00+02:00"},
        ]
    },
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "payments.json"
    path.write_text(json.dumps({"vectors": [SCHEDULE]}))
    return path


def tocsin(*args: str | Path) -> int:
    return int(run(["oncall", *map(str, args)], COMMANDS) or 0)


def test_check_prints_what_each_vector_came_to(file: Path, capsys: pytest.CaptureFixture[str]):
    assert tocsin("check", file, "--format", "json") == 0

    (result,) = json.loads(capsys.readouterr().out)
    assert result["name"] == "payments"
    assert result["pass"] is True
    assert result["expected"] == SCHEDULE["expect"]
    assert result["got"]["shifts"][1] == SCHEDULE["expect"]["shifts"][1]  # type: ignore[index]


def test_check_exits_1_when_one_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    broken: dict[str, Any] = {**SCHEDULE, "name": "broken", "expect": {"shifts": []}}
    path = tmp_path / "s.json"
    path.write_text(json.dumps([SCHEDULE, broken]))

    assert tocsin("check", path) == 1

    out = capsys.readouterr().out
    assert "pass  payments" in out
    assert "FAIL  broken" in out


def test_check_says_which_file_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert tocsin("check", tmp_path / "none.json") == 2

    assert "none.json" in capsys.readouterr().err


def test_check_says_in_which_line_a_file_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    broken = tmp_path / "broken.json"
    broken.write_text('[{"name": "a",\n')

    assert tocsin("check", broken) == 2

    assert "broken.json:2: expected JSON" in capsys.readouterr().err


def test_shifts_shows_gaps_to_people_and_shifts_to_programs(file: Path, capsys: pytest.CaptureFixture[str]):
    assert tocsin("shifts", "--schedule", file) == 0
    shown = capsys.readouterr().out
    assert tocsin("shifts", "--schedule", file, "--format", "json", "--to", "2026-03-29T00:00Z") == 0
    listed = json.loads(capsys.readouterr().out)

    assert "2026-03-30T00:00+02:00  2026-03-30T12:00+02:00  (nobody)" in shown
    assert [each["user"] for each in listed] == ["ann", "bob"]


def test_handoffs_are_those_of_the_rotations(file: Path, capsys: pytest.CaptureFixture[str]):
    assert tocsin("handoffs", "--schedule", file, "--format", "json", "--to", "2026-03-29T12:00+02:00") == 0

    assert json.loads(capsys.readouterr().out) == [
        "2026-03-27T02:30+01:00",
        "2026-03-28T02:30+01:00",
        "2026-03-29T03:00+02:00",
        "2026-03-30T02:30+02:00",
    ]


def test_who_says_who_is_on_call_and_exits_3_if_nobody_is(file: Path, capsys: pytest.CaptureFixture[str]):
    assert tocsin("who", "--schedule", file, "--at", "2026-03-29T01:00Z") == 0
    assert capsys.readouterr().out == "ann\n"
    assert tocsin("who", "--schedule", file, "--at", "2026-03-30T12:00+02:00") == 3


def test_a_mistake_in_the_schedule_names_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "s.json"
    path.write_text(json.dumps({**SCHEDULE, "timezone": "Nowhere"}, indent=1))

    assert tocsin("who", "--schedule", path) == 1

    assert f"{path}:4: timezone: expected an IANA time zone" in capsys.readouterr().err


def test_a_file_with_several_schedules_has_to_be_told_which(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "s.json"
    path.write_text(json.dumps([SCHEDULE, {**SCHEDULE, "name": "other"}]))

    assert tocsin("who", "--schedule", path) == 1
    assert "--name: payments, other" in capsys.readouterr().err
    assert tocsin("shifts", "--schedule", path, "--name", "other") == 0
