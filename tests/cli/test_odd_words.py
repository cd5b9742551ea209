"""Odd words on the command line end in a sentence and an exit code, never in a traceback."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering

FAR = "99999999999h"
LONG = "x" * 5_000


@pytest.mark.parametrize(
    "words",
    [
        "incident show",
        "duty show",
        "regulatory show",
        "regulatory enable",
        "person show",
        "tenant show",
        "person remove",
    ],
)
@pytest.mark.parametrize("name", ["", "  "])
def test_no_name_asks_nothing_of_the_server(run: Run, server: Answering, words: str, name: str):
    ended = run(*words.split(), name)

    assert (ended.code, server.asked) == (2, [])
    assert "expected a name" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["incident", "snooze", "INC-2026-001", FAR],
        ["incident", "schedule-review", "INC-2026-001", "0001-01-01"],
        ["incident", "update", "INC-2026-001", "news", "--next-at", FAR],
        ["maintenance", "add", FAR, "--service", "checkout"],
        ["oncall", "who", "--at", FAR],
        ["oncall", "load", "--from", FAR],
    ],
)
def test_a_time_that_no_calendar_has_is_named(run: Run, server: Answering, words: list[str]):
    ended = run(*words)

    assert ended.code in (2, 3), ended.err
    assert "Traceback" not in ended.err
    assert ended.code == 3 or "expected an instant" in ended.err


@pytest.mark.parametrize("key", ["ünïcødé", "a\nb: c"])
def test_what_no_header_can_say_is_named(run: Run, server: Answering, key: str):
    ended = run("incident", "declare", "Checkout is down", "--idempotency-key", key)

    assert (ended.code, server.asked) == (2, [])
    assert "Idempotency-Key: expected printable ASCII" in ended.err


def test_a_token_that_no_header_can_say_is_not_shown(run: Run, server: Answering, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOCSIN_TOKEN", "toc_sécret\n")

    ended = run("incident", "list")

    assert (ended.code, server.asked) == (2, [])
    assert "Authorization" in ended.err
    assert "cret" not in ended.err


@pytest.mark.parametrize(
    "words",
    [["audit", "key", "--data", LONG], ["oncall", "who", "--schedule", LONG], ["audit", "verify", "--data", LONG]],
)
def test_a_file_name_that_no_file_can_have_is_named(run: Run, server: Answering, words: list[str]):
    ended = run(*words)

    assert ended.code in (2, 4)
    assert "xxx" in ended.err + ended.out


@pytest.mark.parametrize("out", ["", ".", LONG])
def test_a_bundle_needs_a_file_to_go_to(run: Run, server: Answering, out: str):
    server.says("POST", "/api/incidents/INC-2026-001/evidence/export", b"x")

    ended = run("evidence", "export", "INC-2026-001", out)

    assert ended.code == 2, (ended.code, ended.err)


def test_a_silence_ends_before_the_calendar_does(run: Run, server: Answering):
    ended = run("silence", "add", "alertname=X", "-c", "why", "-d", "99999999h", f"--url={server.url}")

    assert (ended.code, server.asked) == (2, [])
    assert "duration: expected an end before the year 10000" in ended.err


def test_a_status_that_there_is_none_of_is_answered_with_those_there_are(run: Run, server: Answering):
    ended = run("incident", "list", "--status", "opne")

    assert (ended.code, server.asked) == (2, [])
    assert "expected one of open, investigating" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["team", "add", "web", "-m", "ANA", "-m", "bne"],
        ["service", "add", "web", "--owner", "bne"],
        ["binding", "add", "On-call engineer", "person:ana", "bne", "dba"],
    ],
)
def test_a_name_that_nobody_has_is_stored_and_noticed(run: Run, server: Answering, words: list[str]):
    kept = {"id": "web", "members": [], "owner": "bne", "means": ["bne"]}
    for path in ("teams/web", "services/web", "bindings/On-call%20engineer"):
        server.says("PUT", f"/api/{path}", kept)
    for path, items in (
        ("people", [{"id": "ana", "name": "Ana Ruiz", "roles": ["dba"]}]),
        ("teams", []),
        ("bindings", [{"id": "On-call engineer", "means": []}]),
        ("schedules", []),
    ):
        server.says("GET", f"/api/{path}", {"items": items})

    ended = run(*words)

    assert ended.code == 0, ended.err
    assert ended.err.count("nobody is called") == 1
    assert "'bne'" in ended.err
