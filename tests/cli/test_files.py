"""Every command that takes a file: one that cannot be read is named, with what was expected, and the exit code is 2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tocsin.unreadable import because

READERS: Sequence[Sequence[str]] = (
    ("guide", "compile", "FILE"),
    ("guide", "lint", "FILE"),
    ("guide", "diff", "FILE", "FILE"),
    ("guide", "diff", "FILE.yaml", "FILE.yaml"),
    ("guide", "explain", "FILE"),
    ("rehearse", "FILE"),
    ("rehearse", "FILE.yaml"),
    ("rehearse", "guide.md", "--config", "FILE"),
    ("replay", "--policy", "FILE", "--from-export", "export.ndjson"),
    ("replay", "--from-export", "FILE", "--policy", "guide.md"),
    ("policy", "check", "FILE"),
    ("oncall", "check", "FILE"),
    ("oncall", "who", "--schedule", "./FILE"),
    ("oncall", "shifts", "--schedule", "./FILE"),
    ("oncall", "import", "FILE", "--from", "pagerduty"),
    ("regulatory", "load", "FILE"),
    ("template", "set", "t", "FILE", "--for", "team"),
    ("silence", "import", "FILE"),
    ("source", "add", "s", "--kind", "generic", "--mapping", "FILE"),
    ("source", "add", "s", "--kind", "github", "--secret-file", "FILE"),
    ("hook", "add", "h", "https://h.example", "--secret-file", "FILE"),
    ("evidence", "add", "INC-2026-001", "FILE"),
    ("logs", "scan", "FILE"),
    ("restore", "FILE"),
    ("serve", "--config", "FILE"),
    ("serve", "--guide", "FILE"),
)
VERIFIERS = (("evidence", "verify"), ("audit", "verify"))
GUIDE = "# Incident response\n\n## Severity levels\n\n| Level | Response time |\n|---|---|\n| SEV-1 | 15 minutes |\n"


@pytest.fixture
def place(run: Run, server: Answering, tmp_path: Path) -> Path:
    """A directory with a guide, a directory and an empty export; a server that is there answers nothing of use."""
    (tmp_path / "guide.md").write_text(GUIDE)
    (tmp_path / "export.ndjson").write_text("")
    for name in ("folder", "folder.yaml"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.mark.parametrize("name", ["nothing", "folder"])
@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_what_cannot_be_read_is_named_with_what_was_expected(
    run: Run, place: Path, command: Sequence[str], name: str
) -> None:
    ran = run(*(word.replace("FILE", name) for word in command))

    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert name in ran.err and "expected" in ran.err
    assert ("there is no such file" if name == "nothing" else "a directory") in ran.err
    assert "Errno" not in ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["nothing", "folder"])
@pytest.mark.parametrize("command", VERIFIERS, ids=" ".join)
def test_what_cannot_be_read_could_not_be_verified(run: Run, place: Path, command: Sequence[str], name: str) -> None:
    """A script that asks every night must not take it for valid, for violated, or for a slip of its own."""
    ran = run(*command, name)

    assert ran.code == 4
    assert name in ran.out and "expected" in ran.out
    assert ("there is no such file" if name == "nothing" else "a directory") in ran.out
    assert "Errno" not in ran.out and "Traceback" not in ran.err


def test_what_cannot_be_written_is_named(run: Run, place: Path) -> None:
    ran = run("guide", "compile", "guide.md", "-o", "nothing/at/all.yaml")

    assert ran.code == 2
    assert "nothing/at/all.yaml: expected a file in a directory that is there" in ran.err
    assert "Errno" not in ran.err


@pytest.mark.parametrize("command", [("policy", "check"), ("oncall", "check"), ("regulatory", "load")], ids=" ".join)
def test_what_is_no_text_says_where(run: Run, place: Path, command: Sequence[str]) -> None:
    (place / "odd").write_bytes(b"a\xff")

    ran = run(*command, "odd")

    assert ran.code == 2
    assert "odd: expected" in ran.err and "0xff at 1" in ran.err


def test_each_reason_has_its_words() -> None:
    assert (
        because("x", "a guide", PermissionError(13, "no"))
        == "x: expected a guide, got a file that this user may not read"
    )
    assert (
        because("x", "a guide", OSError(5, "Input/output error"))
        == "x: expected a guide, got an error: Input/output error"
    )
