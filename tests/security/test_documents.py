"""docs/security.md and docs/asvs.md name modules and tests: those exist, and every line has a verdict."""

from __future__ import annotations

import ast
import asyncio
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tocsin.cli.doctor import examine
from tocsin.clock import SystemClock
from tocsin.http.gate import with_safe_headers

ROOT = Path(__file__).resolve().parents[2]
SECURITY, ASVS = ROOT / "docs" / "security.md", ROOT / "docs" / "asvs.md"
THREATS = 23
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
NAMED_MODULE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")
SHAPE = """1.1.2 1.2.9 1.3.11 1.4.3 1.5.2 2.1.3 2.2.3 2.3.4 2.4.1 3.2.2 3.3.4 3.4.6 3.5.5 3.7.2 4.1.3 4.2.1 4.3.2 4.4.4
5.1.1 5.2.3 5.3.2 5.4.3 6.1.3 6.2.12 6.3.4 6.4.4 6.5.5 6.6.3 6.8.4 7.1.3 7.2.4 7.3.2 7.4.5 7.5.2 7.6.2 8.1.2
8.2.3 8.3.1 8.4.1 9.1.3 9.2.4 10.1.2 10.2.2 10.3.4 10.4.11 10.5.5 10.6.2 10.7.3 11.1.2 11.2.3 11.3.3 11.4.4
11.5.1 11.6.1 12.1.3 12.2.2 12.3.4 13.1.1 13.2.5 13.3.2 13.4.5 14.1.2 14.2.4 14.3.3 15.1.3 15.2.3 15.3.7
16.1.1 16.2.5 16.3.4 16.4.3 16.5.3 17.1.1 17.2.4 17.3.2"""
"""The last item of level 1 or 2 in each section of ASVS 5.0.0: those of level 3 stand behind them."""
ITEM = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| (met|not applicable|open) \| ([^|]+) \|$")


@cache
def functions_of(path: Path) -> frozenset[str]:
    found = ast.walk(ast.parse(path.read_text()))
    return frozenset(each.name for each in found if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def missing(text: str) -> list[str]:
    """The tests and modules that a document names and that do not exist."""
    found = []
    for file, name in NAMED_TEST.findall(text):
        path = ROOT / file
        if not path.is_file() or (name and name not in functions_of(path)):
            found.append(f"{file}::{name}")
    modules = [each for each in NAMED_MODULE.findall(text) if not each.startswith("tests/")]
    return found + [each for each in modules if not (ROOT / "src" / "tocsin" / each).is_file()]


@pytest.mark.parametrize("document", [SECURITY, ASVS], ids=lambda path: path.name)
def test_every_module_and_test_that_is_named_exists(document: Path):
    text = document.read_text()

    assert len(NAMED_TEST.findall(text)) > 30
    assert missing(text) == []


def test_a_name_that_does_not_exist_is_found():
    text = "`tests/security/test_documents.py::test_nothing` `tests/nix.py` `http/nix.py` `http/auth.py`"

    assert missing(text) == ["tests/security/test_documents.py::test_nothing", "tests/nix.py::", "http/nix.py"]


def test_every_threat_has_a_control_and_a_test():
    rows = [line.split(" | ") for line in SECURITY.read_text().splitlines() if re.match(r"\| \d+ \|", line)]

    assert [int(row[0].strip("| ")) for row in rows] == list(range(1, THREATS + 1))
    for _, threat, control, tests in rows:
        assert NAMED_TEST.search(tests), threat
        assert NAMED_MODULE.search(control) or "make " in control, threat


def test_every_item_of_the_standard_has_a_verdict_and_what_it_rests_on():
    lines = [line for line in ASVS.read_text().splitlines() if re.match(r"\| \d", line)]
    numbers = [line.split(" | ")[0].strip("| ") for line in lines]

    assert numbers == [
        f"{section}.{n}"
        for section, _, last in (each.rpartition(".") for each in SHAPE.split())
        for n in range(1, int(last) + 1)
    ]
    verdicts = Counter(found[3] for line in lines if (found := ITEM.match(line)))
    counted = ", ".join(f"{verdicts[each]} {each}" for each in ("met", "not applicable", "open"))
    assert counted in ASVS.read_text()
    for line in lines:
        item = ITEM.match(line)
        assert item, line
        if item[3] == "met":
            assert NAMED_TEST.search(item[4]) or NAMED_MODULE.search(item[4]) or "`docs/" in item[4], line
        else:
            assert len(item[4]) > 6, line


def test_hsts_is_sent_where_people_come_by_https():
    def headers(*, tls: bool) -> dict[bytes, bytes]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        start = {"type": "http.response.start", "status": 200, "headers": [(b"Content-Security-Policy", b"own")]}
        asyncio.run(with_safe_headers(send, tls=tls)(start))
        names = [name.lower() for name, _ in sent[0]["headers"]]
        assert len(names) == len(set(names))
        return dict(sent[0]["headers"])

    assert headers(tls=True)[b"strict-transport-security"] == b"max-age=31536000"
    assert b"strict-transport-security" not in headers(tls=False)
    assert headers(tls=False)[b"Content-Security-Policy"] == b"own"


def test_the_doctor_names_a_file_with_secrets_that_others_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "tocsin.toml"
    file.write_text('[telegram]\ntoken_file = "telegram.token"\n')
    (tmp_path / "telegram.token").write_text("123456:secret-of-the-bot\n")
    (tmp_path / "telegram.token").chmod(0o644)
    file.chmod(0o644)

    def warned() -> list[str]:
        found = examine(file, str(tmp_path / "data"), "127.0.0.1:0", SystemClock())
        return [each.text for each in found if each.check == "secrets"]

    assert len(warned()) == 1 and "telegram.token" in warned()[0] and "secret-of-the-bot" not in warned()[0]
    (tmp_path / "telegram.token").chmod(0o600)
    assert warned() == []
    file.write_text('[telegram]\ntoken = "123456:secret-of-the-bot"\n')
    assert len(warned()) == 1 and "tocsin.toml" in warned()[0]
    file.chmod(0o600)
    assert warned() == []
