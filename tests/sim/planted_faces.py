"""Planted bugs in lists, dashboards, timelines and windows of phases. As `planted`, which says what a bug is."""

from __future__ import annotations

from tests.sim.planted import Mutant, _bug

WINDOWS = "tests/core/test_windows.py"
GRAFANA = "tests/core/test_grafana.py"

FACES: tuple[Mutant, ...] = (
    _bug(
        "windows: one step that was done ends the whole phase",
        "core/windows.py",
        '== "finished" or all(',
        '== "finished" or any(',
        WINDOWS,
    ),
    _bug(
        "windows: a phase of another severity reminds all the same",
        "core/windows.py",
        "severities=each.of.severities,",
        "",
        WINDOWS,
    ),
    _bug(
        "windows: the commander is passed over",
        "core/deadlines.py",
        "tuple(held or filter(None, (incident.acknowledged_by,)))",
        "tuple(filter(None, (incident.acknowledged_by,)))",
        WINDOWS,
    ),
    _bug(
        "timeline: rules are called by their ids",
        "core/rule_words.py",
        "return _ABOUT[kind].format(about) if kind in _ABOUT else",
        "return rule if kind in _ABOUT else",
        "tests/core/test_rule_words.py",
    ),
    _bug(
        "changes: the start of an incident is computed with",
        "core/recent.py",
        "began - each.at > BEFORE or",
        "each.at < began - BEFORE or",
        "tests/core/test_recent.py",
    ),
    _bug(
        "listing: a category is found in one letter case only",
        "store/reading.py",
        "category = ? COLLATE NOCASE",
        "category = ?",
        "tests/store/test_contract.py",
    ),
    _bug(
        "dashboard: what the guide prints is written over",
        "core/grafana.py",
        '"gridPos": place} | panel',
        '"gridPos": place, **panel, "gridPos": place}',
        GRAFANA,
    ),
    _bug(
        "dashboard: further panels lie on the guide's",
        "core/grafana.py",
        "_whole(each, next(ids), n, below)",
        "_whole(each, next(ids), n, 0)",
        GRAFANA,
    ),
)
