"""`tocsin logs scan`: hits by file and line, what recurs counted, and how it ends."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

LINES = [
    "2026-11-29 03:00:00 INFO started",
    *(f"2026-11-29 03:00:0{n} ERROR payment {n} failed, password=hunter{n}hunter" for n in range(1, 6)),
    "Traceback (most recent call last):",
    '  File "shop.py", line 3, in pay',
    "KeyError: 'colour'",
    '10.0.0.1 - - [29/Nov/2026:03:00:07 +0000] "GET /attack HTTP/1.1" 404 12',
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "shop.log"
    file.write_text("\n".join(LINES) + "\n")
    return file


def test_hits_are_named_by_file_and_line_and_counted_by_shape(run: Run, log: Path) -> None:
    ran = run("logs", "scan", str(log), "--limit", "2")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"{log}:2: 2026-11-29 03:00:01 ERROR payment 1 failed, password=[redacted]",
        f"{log}:3: 2026-11-29 03:00:02 ERROR payment 2 failed, password=[redacted]",
        "6 of 10 lines match, by shape:",
        "       5  <*> ERROR payment <*> failed, password=<*>",
        "       1  KeyError: <*>",
    ]


def test_the_last_hits_can_be_shown_as_they_are(run: Run, log: Path) -> None:
    ran = run("logs", "scan", str(log), "-p", "critical", "-n", "1", "--last", "--raw")

    assert ran.out.splitlines()[0] == f"{log}:6: {LINES[5]}"


def test_a_pattern_may_be_known_or_ones_own(run: Run, log: Path) -> None:
    assert run("logs", "scan", str(log), "-p", "attack").out.startswith(f"{log}:2:")
    assert "1 of 10 lines match" in run("logs", "scan", str(log), "-p", "GET /att").out
    refused = run("logs", "scan", str(log), "-p", "(")
    assert (refused.code, "a regular expression in RE2's syntax" in refused.err) == (2, True)


def test_no_hit_is_no_match(run: Run, log: Path) -> None:
    ran = run("logs", "scan", str(log), "-p", "auth")

    assert (ran.code, ran.out) == (3, "0 of 10 lines match\n")


def test_json_says_all_of_it_and_compressed_files_are_read(run: Run, log: Path) -> None:
    packed = log.with_suffix(".log.1.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))

    found = json.loads(run("logs", "scan", str(log), str(packed), "--format", "json").out)

    assert (found["lines"], found["matched"], len(found["items"])) == (20, 12, 12)
    assert found["items"][6] == {
        "file": str(packed),
        "line": 2,
        "text": "2026-11-29 03:00:01 ERROR payment 1 failed, password=[redacted]",
    }
    assert found["shapes"][0] == {"count": 10, "shape": "<*> ERROR payment <*> failed, password=<*>"}


def test_a_file_that_is_not_compressed_after_all_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_text("no gzip")

    ran = run("logs", "scan", str(tmp_path / "a.gz"))

    assert (ran.code, "a.gz: expected a log" in ran.err) == (2, True)


def test_a_line_that_is_too_long_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "long.log").write_bytes(b"error " + b"x" * 100_000 + b"\nerror again\n")

    ran = run("logs", "scan", str(tmp_path / "long.log"))

    assert f"{tmp_path / 'long.log'}:2: error again" in ran.out
    assert "2 of 2 lines match" in ran.out
