"""`tocsin detect code`: which files are looked at, the three formats, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

WAITS = "import requests\n\ndef pay():\n    requests.get('https://pay.example')\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop" / "tests").mkdir(parents=True)
    (tmp_path / "shop" / ".venv").mkdir()
    (tmp_path / "shop" / "pay.py").write_text(WAITS)
    for elsewhere in ("tests/helper.py", "test_pay.py", ".venv/copy.py", "notes.txt"):
        (tmp_path / "shop" / elsewhere).write_text(WAITS)
    return tmp_path / "shop"


def test_findings_stand_with_their_line_and_what_to_do(run: Run, shop: Path) -> None:
    ran = run("detect", "code", str(shop))

    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"{shop}/pay.py:4: warning: pay: requests.get waits for the server without a limit [CODE-WAIT]",
        "    | requests.get('https://pay.example')",
        "    = Pass timeout=SECONDS.",
        "0 errors, 1 warning, 0 notes in 1 file",
    ]


def test_tests_are_looked_at_when_asked_for(run: Run, shop: Path) -> None:
    assert "3 warnings, 0 notes in 3 files" in run("detect", "code", str(shop), "--tests").out
    assert "in 1 file" in run("detect", "code", str(shop / "test_pay.py")).out


def test_the_other_formats_are_for_programs(run: Run, shop: Path) -> None:
    found = json.loads(run("detect", "code", str(shop), "--format", "json").out)
    sarif = json.loads(run("detect", "code", str(shop), "--format", "sarif").out)["runs"][0]

    assert [(each["rule"], each["line"]) for each in found["findings"]] == [("CODE-WAIT", 4)]
    assert found["files"] == 1
    assert sarif["tool"]["driver"]["name"] == "tocsin detect code"
    assert [each["id"] for each in sarif["tool"]["driver"]["rules"]] == ["CODE-WAIT"]
    assert sarif["results"][0]["locations"][0]["physicalLocation"]["region"]["startLine"] == 4


def test_it_ends_as_it_is_told(run: Run, shop: Path) -> None:
    assert run("detect", "code", str(shop), "--fail-on", "error").code == 0
    assert run("detect", "code", str(shop), "--fail-on", "never").code == 0


def test_where_there_is_no_python_it_says_so(run: Run, tmp_path: Path) -> None:
    ran = run("detect", "code", str(tmp_path))

    assert (ran.code, ran.err) == (2, f"tocsin: {tmp_path}: expected Python files, got none\n")
    assert "there is no such file" in run("detect", "code", str(tmp_path / "nothing")).err


def test_a_file_that_cannot_be_read_is_a_note(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\xff")
    (tmp_path / "b.py").write_text("def pay(:")

    ran = run("detect", "code", str(tmp_path))

    assert ran.code == 0
    assert ran.out.count("[CODE-UNREAD]") == 2
