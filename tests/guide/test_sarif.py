"""The SARIF log against what the published schema of version 2.1.0 asks of the objects that the linter writes."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given, strategies as st

from tests.guide.test_faces import EXAMPLES
from tests.guide.test_rules import CASES
from tocsin.core.policy import Finding
from tocsin.guide.compile import compile_guide
from tocsin.guide.formats import as_sarif
from tocsin.guide.lint import lint
from tocsin.guide.rules import RULES

# object: (required, every property that we may write with its type); the schema allows no other property anywhere.
LEVELS = ("none", "note", "warning", "error")
OBJECTS: dict[str, tuple[set[str], dict[str, Any]]] = {
    "log": ({"version", "runs"}, {"$schema": str, "version": ("2.1.0",), "runs": ["run"]}),
    "run": ({"tool"}, {"tool": "tool", "results": ["result"], "columnKind": ("utf16CodeUnits", "unicodeCodePoints")}),
    "tool": ({"driver"}, {"driver": "component"}),
    "component": ({"name"}, {"name": str, "version": str, "rules": ["descriptor"]}),
    "descriptor": (
        {"id"},
        {
            "id": str,
            "shortDescription": "multiformat",
            "fullDescription": "multiformat",
            "help": "multiformat",
            "defaultConfiguration": "configuration",
        },
    ),
    "multiformat": ({"text"}, {"text": str}),
    "configuration": (set(), {"level": LEVELS}),
    "result": (
        {"message"},
        {"ruleId": str, "ruleIndex": int, "level": LEVELS, "message": "message", "locations": ["location"]},
    ),
    "message": ({"text"}, {"text": str}),
    "location": (set(), {"physicalLocation": "place"}),
    "place": ({"artifactLocation"}, {"artifactLocation": "artifact", "region": "region"}),
    "artifact": (set(), {"uri": str}),
    "region": (set(), {"startLine": int, "snippet": "content"}),
    "content": (set(), {"text": str}),
}


def broken(value: Any, kind: Any, path: str = "log") -> list[str]:
    """What a value has that its kind does not allow, or lacks."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{path} is no array"]
        return [flaw for n, each in enumerate(value) for flaw in broken(each, kind[0], f"{path}[{n}]")]
    if isinstance(kind, tuple):
        return [] if value in kind else [f"{path} is none of {kind}: {value!r}"]
    if isinstance(kind, type):
        return [] if type(value) is kind else [f"{path} is no {kind.__name__}: {value!r}"]
    required, properties = OBJECTS[kind]
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    flaws = [f"{path} lacks {name}" for name in required - value.keys()]
    flaws += [f"{path} has {name}" for name in value.keys() - properties.keys()]
    return flaws + [
        flaw
        for name, each in value.items()
        if name in properties
        for flaw in broken(each, properties[name], f"{path}.{name}")
    ]


def promises(log: dict[str, Any]) -> list[str]:
    """The rules of the standard that a schema of types does not hold."""
    flaws = []
    for run in log["runs"]:
        rules = run["tool"]["driver"]["rules"]
        if len({rule["id"] for rule in rules}) != len(rules):
            flaws.append("two rules share an id")
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]
            uri = place["artifactLocation"]["uri"]
            if not re.fullmatch(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})+", uri) or urlsplit(uri).scheme:
                flaws.append(f"{uri!r} is no relative reference")
            if place["region"]["startLine"] < 1:
                flaws.append("lines begin with 1")
            if rules[result["ruleIndex"]]["id"] != result["ruleId"]:
                flaws.append("the index is another rule's")
            if not result["message"]["text"].strip():
                flaws.append("a message is empty")
    return flaws


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_log_of_a_bundled_guide_is_whole(file: Any):
    compiled = compile_guide(file.read_bytes(), file.name)

    log = as_sarif(lint(compiled), "1.0", {file.name: compiled.lines})

    assert broken(log, "log") == []
    assert promises(log) == []


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from(sorted(CASES)), st.text(min_size=1, max_size=20)), max_size=4))
def test_any_findings_under_any_file_name_are_whole(drawn: list[tuple[str, str]]):
    found: list[Finding] = []
    lines: dict[str, tuple[str, ...]] = {}
    for rule, name in drawn:
        compiled = compile_guide(CASES[rule][0], name)
        found += lint(compiled)
        lines[name] = compiled.lines

    log = as_sarif(found, "1.0", lines)

    assert broken(log, "log") == []
    assert promises(log) == []


def test_a_log_without_findings_has_a_run():
    log = as_sarif([], "1.0", {})

    assert broken(log, "log") == []
    assert log["runs"][0]["results"] == []


@pytest.mark.parametrize("name", ["docs/our guide.md", "Störung.md", "a:b.md", "50%.md", "日誌/事故.md"])
def test_a_file_name_survives_its_reference(name: str):
    finding = Finding(rule=RULES[0].id, level="note", line=1, message="x", file=name)

    log = as_sarif([finding], "1.0", {})
    uri = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert unquote(uri) == name
    assert promises(log) == []


def test_the_checker_sees_what_is_wrong():
    assert broken({"version": "2.0", "runs": [{"results": "x", "extra": 1}]}, "log") != []
    assert broken({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 1}}}]}, "log") == [
        "log.runs[0].tool.driver.name is no str: 1"
    ]
