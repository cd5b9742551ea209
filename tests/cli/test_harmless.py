"""What an alert says cannot move the cursor, recolour the terminal or forge a line of a listing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tocsin.cli.output import harmless, safe_json

EVIL = "\x1b]0;owned\x07\x1b[31mred\x9b2J\u202eflip\x7f\x00"
OBEYED = [chr(n) for n in (*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x202E)]
AT = "2026-11-28T08:00:00.000Z"
ALERT = {
    "labels": {"alertname": EVIL, EVIL: EVIL},
    "annotations": {"summary": f"{EVIL}\nFORGED  2026-11-28 08:00:00 UTC"},
    "startsAt": AT, "endsAt": AT, "updatedAt": AT, "fingerprint": "ab12", "generatorURL": EVIL,
    "receivers": [{"name": EVIL}], "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
}  # fmt: skip
SILENCE = {
    "id": "d3b07384-d9a0-4c9b-8f3e-000000000001", "status": {"state": "active"}, "updatedAt": AT, "startsAt": AT,
    "endsAt": AT, "comment": EVIL, "createdBy": EVIL,
    "matchers": [{"name": "a", "value": EVIL, "isRegex": False, "isEqual": True}],
}  # fmt: skip
INCIDENT: dict[str, Any] = {
    "id": "a1", "reference": "INC-2026-001", "title": f"{EVIL}\nFORGED", "status": "investigating", "severity": "P1",
    "guide": EVIL, "service": EVIL, "opened_at": AT, "acknowledged_at": None, "acknowledged_by": None,
    "resolved_at": None, "roles": {}, "alerts": [], "promises": [], "firing": 1,
}  # fmt: skip
ENTRY = {"at": AT, "by": EVIL, "text": f"{EVIL}\nFORGED", "kind": "Noted", "said_at": None}


@pytest.fixture
def hostile(server: Answering) -> Answering:
    server.says("GET", "/api/v2/status", {"versionInfo": {"version": "0.25.0"}})
    server.says("GET", "/api/v2/alerts", [ALERT])
    server.says("GET", "/api/v2/silences", [SILENCE])
    server.says("GET", "/api/alerts/ab12/explain", {
        "fingerprint": "ab12", "state": EVIL, "incident": EVIL, "because": [EVIL], "details": {"x": EVIL, "y": [EVIL]}
    })  # fmt: skip
    server.says("GET", "/api/incidents", {"items": [INCIDENT], "next": None})
    server.says("GET", "/api/incidents/INC-2026-001", INCIDENT)
    server.says("GET", "/api/incidents/INC-2026-001/timeline", {"items": [ENTRY], "next": None})
    return server


@pytest.mark.parametrize(
    "command",
    [
        "alert query", "alert query -o extended", "alert query -o json", "silence query", "silence query -o extended",
        "silence query -o json", "alert explain ab12", "alert explain ab12 -o extended", "alert explain ab12 -o json",
        "incident list", "incident list --format json", "incident show INC-2026-001",
        "incident show INC-2026-001 --format json", "incident timeline INC-2026-001",
        "incident timeline INC-2026-001 --format json", "incident show " + EVIL.replace("\x00", ""),
    ],
)  # fmt: skip
def test_nothing_that_a_terminal_obeys_is_printed(run: Run, hostile: Answering, command: str) -> None:
    ran = run(*command.split(" "))

    assert ran.out + ran.err
    assert [each for each in OBEYED if each in ran.out + ran.err] == []
    if "json" not in command and ran.code == 0:
        assert not any(line.strip().startswith("FORGED") for line in ran.out.splitlines())


def test_json_says_the_same_all_the_same(run: Run, hostile: Answering) -> None:
    assert json.loads(run("alert", "query", "-o", "json").out) == [ALERT]
    assert json.loads(run("incident", "list", "--format", "json").out) == [INCIDENT]


def test_ordinary_text_is_printed_as_it_is() -> None:
    for text in ("plain", "Zürich – データ 🚨", "a\n\tb\n", '50 % \\ "x"'):
        assert harmless(text) == text
        assert json.loads(safe_json(text)) == text
    assert safe_json("Zürich") == '"Zürich"'


def test_one_cell_that_says_too_much_makes_no_table_wide(run: Run, server: Answering):
    server.says("GET", "/api/teams", {"items": [{"id": "web"}, {"id": "x" * 70_000}]})

    lines = run("team", "list").out.splitlines()

    assert max(map(len, lines)) < 1_000
    assert lines[2].startswith("x" * 400) and "…" in lines[2]
    assert "x" * 70_000 in run("team", "list", "--format", "json").out
