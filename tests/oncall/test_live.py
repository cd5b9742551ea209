"""`tocsin oncall` against a server: what is asked of it, and what is printed."""

from __future__ import annotations

import json

from tests.cli.conftest import Run, run, server  # noqa: F401  fixtures
from tests.cli.server import Answering

OVERRIDE = {"id": "ab12", "kind": "override", "start": "2026-11-28T20:00:00Z", "end": "2026-11-29T08:00:00Z"}


def test_who_is_on_call_by_every_schedule(run: Run, server: Answering):  # noqa: F811
    row = {"schedule": "primary", "name": "", "people": ["ana"], "until": "2026-11-30T08:00:00Z", "then": ["ben"]}
    server.says("GET", "/api/oncall", {"at": "2026-11-28T12:00:00Z", "items": [row]})

    ran = run("oncall", "who")

    assert (ran.code, ran.out) == (0, "primary: ana  until 2026-11-30T08:00:00Z, then ben\n")
    assert json.loads(run("oncall", "who", "--format", "json").out) == [row]
    row["people"] = []
    assert run("oncall", "who", "--schedule", "primary").code == 3
    assert server.last.path == "/api/oncall?schedule=primary"


def test_shifts_of_a_server_name_the_gaps(run: Run, server: Answering):  # noqa: F811
    shift = {"person": "ana", "start": "2026-11-28T20:00:00Z", "end": "2026-11-29T08:00:00Z"}
    gap = {"start": "2026-11-29T08:00:00Z", "end": "2026-11-29T09:00:00Z"}
    server.says("GET", "/api/schedules/primary/shifts", {"items": [shift], "gaps": [gap]})

    ran = run("oncall", "shifts", "--schedule", "primary", "--from", "2026-11-28T00:00Z", "--to", "2026-11-30T00:00Z")

    assert ran.out.splitlines() == [
        "2026-11-28T20:00:00Z  2026-11-29T08:00:00Z  ana",
        "2026-11-29T08:00:00Z  2026-11-29T09:00:00Z  (nobody)",
    ]


def test_shifts_of_every_schedule_of_a_server(run: Run, server: Answering):  # noqa: F811
    shift = {"person": "ana", "start": "2026-11-28T20:00:00Z", "end": "2026-11-29T08:00:00Z"}
    server.says("GET", "/api/schedules", {"items": [{"id": "primary"}]})
    server.says("GET", "/api/schedules/primary/shifts", {"items": [shift], "gaps": []})
    server.says("GET", "/api/schedules/deputy/shifts", {"items": [], "gaps": []})

    assert run("oncall", "shifts").out == "2026-11-28T20:00:00Z  2026-11-29T08:00:00Z  ana\n"
    server.says("GET", "/api/schedules", {"items": [{"id": "primary"}, {"id": "deputy"}]})
    assert run("oncall", "shifts").out == "primary  2026-11-28T20:00:00Z  2026-11-29T08:00:00Z  ana\n"
    found = json.loads(run("oncall", "shifts", "--format", "json").out)
    assert [(each["schedule"], each["items"]) for each in found] == [("deputy", []), ("primary", [shift])]
    server.says("GET", "/api/schedules", {"items": []})
    ran = run("oncall", "shifts")
    assert (ran.code, ran.out) == (3, "")
    assert "no schedule" in ran.err


def test_an_override_is_added_and_a_gap_is_said(run: Run, server: Answering):  # noqa: F811
    made = {"change": OVERRIDE | {"remove": "ana"}, "gaps": [{"start": "x", "end": "y"}]}
    server.says("POST", "/api/schedules/primary/overrides", made, 201)

    ran = run("oncall", "override", "add", "primary", "--remove", "ana", "--to", "8h")

    assert ran.code == 0
    assert ran.out == "ab12  2026-11-28T20:00:00Z  2026-11-29T08:00:00Z  without ana\n"
    assert ran.err == "nobody is on call from x to y\n"
    assert set(server.last.json) == {"remove", "start", "end"}
    assert run("oncall", "override", "add", "primary", "--to", "8h").code == 2


def test_changes_are_listed_and_removed(run: Run, server: Answering):  # noqa: F811
    server.says("GET", "/api/schedules/primary/changes", {"items": [OVERRIDE | {"add": "ben", "remove": "ana"}]})
    server.says("DELETE", "/api/schedules/primary/overrides/ab12", None, 204)

    assert "ben  ana" in run("oncall", "override", "list", "primary").out
    assert run("oncall", "swap", "list", "primary", "--format", "json").out == "[]\n"
    assert run("oncall", "override", "remove", "primary", "ab12").out == "removed ab12\n"


def test_a_swap_is_asked_for_and_taken(run: Run, server: Answering):  # noqa: F811
    change = OVERRIDE | {"kind": "swap", "beneficiary": "ana"}
    server.says("POST", "/api/schedules/primary/swaps", {"change": change, "gaps": []}, 201)
    taken = {"change": change | {"benefactor": "ben"}, "gaps": []}
    server.says("POST", "/api/schedules/primary/swaps/ab12/take", taken)

    assert "somebody for ana" in run("oncall", "swap", "ask", "primary", "--for", "ana", "--to", "8h").out
    assert "ben for ana" in run("oncall", "swap", "take", "primary", "ab12", "--by", "ben").out
    assert server.last.json == {"benefactor": "ben"}


def test_a_temporary_schedule_has_shifts(run: Run, server: Answering):  # noqa: F811
    change = OVERRIDE | {"kind": "temporary", "shifts": [{}, {}]}
    server.says("POST", "/api/schedules/primary/temporary", {"change": change, "gaps": []}, 201)
    times = ("--from", "2026-12-24T00:00Z", "--to", "2026-12-26T00:00Z")
    half = "ben=2026-12-25T00:00Z/2026-12-26T00:00Z"

    run("oncall", "temporary", "add", "primary", *times, "--shift", "ana", "--shift", half)

    first, second = server.last.json["shifts"]
    assert (first["user"], first["start"]) == ("ana", "2026-12-24T00:00:00+00:00")
    assert (second["user"], second["end"]) == ("ben", "2026-12-26T00:00:00+00:00")
    assert run("oncall", "temporary", "add", "primary", *times, "--shift", "ana=x").code == 2
