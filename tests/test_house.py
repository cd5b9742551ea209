"""The rules of the house that a linter does not know."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[1] / "src" / "tocsin"
TESTS = Path(__file__).resolve().parent
MODULES = sorted(SRC.rglob("*.py"))
FUNCTION_LINES_MAX = 60  # a screen is 50; a docstring may take the rest
MODULE_LINES_MAX = 400
LONG_MODULES = {  # tables, not logic: the number is what they are allowed
    "setting/config.py": 420,
    "core/commands.py": 520,
    "core/facts.py": 1040,
    "core/policy.py": 520,
    "engine.py": 570,
    "verifier.py": 470,  # one file by its nature: an export carries it alone
}
LAST_HANDLERS = {"writer.py"}  # the one place per thread that must outlive every error


def name(path: Path) -> str:
    return str(path.relative_to(SRC))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_fits_a_sitting_and_a_function_a_screen(path: Path):
    text = path.read_text()
    tree = ast.parse(text)

    long = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert long == []
    assert text.count("\n") <= LONG_MODULES.get(name(path), MODULE_LINES_MAX)


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_nothing_is_imported_inside_a_function(path: Path):
    inside = [
        node.lineno
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inside == []


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_errors_are_caught_by_name(path: Path):
    broad = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
        and not any(isinstance(each, ast.Raise) and each.exc is None for each in ast.walk(node))
    ]
    assert broad == [] or name(path) in LAST_HANDLERS


def test_the_core_is_pure():
    impure = re.compile(
        r"^\s*(?:import|from)\s+(asyncio|logging|os|random|secrets|socket|sqlite3|subprocess|threading|time|urllib|uuid)\b"
    )
    found = [
        f"{name(path)}:{n}"
        for path in MODULES
        if name(path).startswith("core/")
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if impure.match(line)
    ]
    assert found == []


def test_subprocesses_start_where_anchors_are_kept_and_commands_are_run_and_nowhere_else():
    found = [name(path) for path in MODULES if re.search(r"^\s*(import|from) subprocess\b", path.read_text(), re.M)]
    assert found == ["anchors/places.py", "runbook/executor.py"]


def test_nothing_is_left_for_later():
    later = re.compile(r"\bTO" r"DO\b|\bFIX" r"ME\b|\bXX" r"X\b(?!.*[-#`'\"])")
    found = [
        f"{name(path)}:{n}"
        for path in MODULES
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if later.search(line)
    ]
    assert found == []


def test_no_test_sleeps_or_patches():
    bad = re.compile(r"time\.sl" r"eep\(|mock\.pat" r"ch|monkeypatch\.setattr")
    found = [
        f"{path.name}:{n}"
        for path in TESTS.rglob("*.py")
        for n, line in enumerate(path.read_text().splitlines(), 1)
        if bad.search(line)
    ]
    assert found == []
