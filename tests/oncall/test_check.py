"""Files of schedules with what they should say: the shared vectors, altered ones, and broken ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.shared_files import SHARED
from tocsin.oncall.check import check
from tocsin.zonedata import use_pinned_zones

use_pinned_zones()

FIXTURES = SHARED / "fixtures" / "oncall"
FILES = sorted(FIXTURES.glob("*.json"))


def vectors() -> list[Any]:
    return [
        pytest.param(path, vector, id=vector["name"])
        for path in FILES
        for vector in json.loads(path.read_text())["vectors"]
    ]


def checked(vector: dict[str, Any]) -> Any:
    (result,) = check(json.dumps({"vectors": [vector]}, indent=1), "s.json")
    return result


def altered(value: Any) -> Iterator[Any]:
    """The value with one thing changed, in every way that still makes sense."""
    match value:
        case dict():
            yield from ({**value, name: other} for name, each in value.items() for other in altered(each))
        case list():
            yield from ([*value[:n], other, *value[n + 1 :]] for n, each in enumerate(value) for other in altered(each))
            yield from ([*value[:n], *value[n + 1 :]] for n in range(len(value)))
            yield from [["x"]] if not value else []
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case None:
            yield "2024-06-03T09:00+00:00"
        case str():
            try:
                yield (datetime.fromisoformat(value) + timedelta(minutes=1)).isoformat()
            except ValueError:
                yield value + "x"


@pytest.mark.needs("shared")
@pytest.mark.parametrize(("path", "vector"), vectors())
def test_every_shared_vector_passes(path: Path, vector: dict[str, Any]):
    result = checked(vector)

    assert result.passed or vector.get("known_peer_quirk"), result


@pytest.mark.needs("shared")
@pytest.mark.parametrize(("path", "vector"), vectors())
def test_an_altered_expectation_fails(path: Path, vector: dict[str, Any]):
    key = "expect" if "expect" in vector else "recommended"
    others = list(altered(vector[key]))
    if vector["kind"] == "throttle":  # how many next times are wanted is a question, not an expectation
        others = [each for each in others if len(each["next_allowed_at_min"]) == 2]

    survivors = [each for each in others if checked({**vector, key: each}).passed]

    assert others
    assert survivors == []


@pytest.mark.needs("shared")
@pytest.mark.parametrize(("path", "vector"), vectors())
def test_a_vector_passes_under_any_name(path: Path, vector: dict[str, Any]):
    assert checked({**vector, "name": "another"}).passed


@pytest.mark.needs("shared")
@pytest.mark.parametrize(
    ("file", "name", "ours"),
    [
        ("goalert_rotation_handoffs.json", "goalert/rot/monthly-anchor-31st", "2021-02-28T09:00+00:00"),
        ("linkedin_weekly_templates.json", "linkedin/dst-sunday-0230-in-gap", "2020-03-08T03:00-05:00"),
    ],
)
def test_what_another_tool_does_passes_and_says_what_tocsin_does(file: str, name: str, ours: str):
    (result,) = [each for each in check((FIXTURES / file).read_text(), file) if each.name == name]

    assert result.passed
    assert result.diverges
    assert ours in json.dumps(result.tocsin)


MONTHLY = {
    "name": "m",
    "kind": "handoffs",
    "rotation": {"frequency": "monthly", "interval": 1, "anchor": "2021-01-31T09:00", "timezone": "UTC"},
    "query": {"from": "2021-01-31T09:00+00:00", "to": "2021-03-01T00:00+00:00"},
}


def test_tocsins_own_answer_passes_too():
    handoffs = ["2021-01-31T09:00+00:00", "2021-02-28T09:00+00:00", "2021-03-31T09:00+00:00"]

    assert checked({**MONTHLY, "expect": {"handoffs": handoffs}}).passed


def test_another_tools_answer_fails_unless_the_vector_says_whose_it_is():
    handoffs = ["2021-01-31T09:00+00:00", "2021-03-03T09:00+00:00"]
    said = {"convention": {"month_overflow": "normalise-into-next-month"}}

    assert not checked({**MONTHLY, "expect": {"handoffs": handoffs}}).passed
    assert checked({**MONTHLY, **said, "expect": {"handoffs": handoffs}}).passed


def test_coverage_counts_and_not_how_it_is_cut():
    vector = {
        "kind": "shifts",
        "layers": [{"user": "ann"}],
        "query": {"from": "2026-06-01T00:00+00:00", "to": "2026-06-02T00:00+00:00"},
        "expect": {
            "shifts": [
                {"user": "ann", "start": "2026-06-01T02:00+02:00", "end": "2026-06-01T12:00+00:00"},
                {"user": "ann", "start": "2026-06-01T12:00+00:00", "end": "2026-06-02T00:00+00:00"},
            ]
        },
    }

    assert checked(vector).passed


ROTATION = {"frequency": "weekly", "anchor": "2026-06-01T09:00", "timezone": "Europe/Berlin", "users": ["ann"]}


def schedule(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "oncall_at",
        "timezone": "UTC",
        "layers": [{"rotation": ROTATION}],
        "query": {"instants": ["2026-06-02T00:00+00:00"]},
        "expect": {"on_call": [["ann"]]},
        **changes,
    }


def rotation(**changes: Any) -> list[dict[str, Any]]:
    return [{"rotation": {**ROTATION, **changes}}]


@pytest.mark.parametrize(
    ("vector", "words"),
    [
        (schedule(layers=rotation(anchor="2026-02-30T09:00")), "layers[0].rotation.anchor"),
        (schedule(layers=rotation(anchor="2026-06-01T09:00+02:00")), "local time without offset"),
        (
            schedule(layers=rotation(timezone="Europe/Berln")),
            "IANA time zone such as Europe/Berlin, got 'Europe/Berln'",
        ),
        (schedule(layers=rotation(users=[])), "at least one participant"),
        (schedule(layers=rotation(interval=0)), "rotation.interval: expected a whole number of 1 or more, got 0"),
        (schedule(layers=rotation(frequency="yearly")), "one of hourly, daily, weekly, monthly, got 'yearly'"),
        (schedule(layers=rotation(state={"index": 1, "at": "2026-06-01T00:00Z"})), "the number of a participant"),
        (schedule(layers=[{"user": "a", "restrictions": [{"start": "25:00", "end": "08:00"}]}]), "a time of day"),
        (schedule(layers=[{}]), "expected a user, users, a rotation or a start"),
        (schedule(query={"instants": ["2026-06-02T00:00"]}), "an instant with an offset"),
        (schedule(kind="horoscope"), "kind: expected one of handoffs"),
        (schedule(kind="next_handoff", rotation=ROTATION, query={"at": "2026-06-02T00:00Z"}, expect=7), "expect"),
        (
            schedule(layers=[{"users": ["a"], "start": "2026-06-01T00:00Z", "duration_minutes": 1e9}]),
            "a duration above 0, of at most 366 days",
        ),
    ],
)
def test_bad_input_is_an_error_that_names_the_field(vector: dict[str, Any], words: str):
    result = checked(vector)

    assert not result.passed
    assert words in result.got


def test_an_error_names_the_line():
    text = json.dumps(schedule(layers=rotation(timezone="Mars/Olympus")), indent=1)
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "Mars" in each)

    (result,) = check(text, "s.json")

    assert result.got.startswith(f"s.json:{line}: layers[0].rotation.timezone: ")


def test_overlapping_overrides_of_one_person_are_refused():
    span = {"start": "2026-06-02T00:00+00:00", "end": "2026-06-03T00:00+00:00"}
    overrides = [{"add": "bob", **span}, {"remove": "bob", **span}]

    assert "overrides[1]: overlaps overrides[0], which names bob too" in checked(schedule(overrides=overrides)).got


def test_overlapping_overrides_of_different_people_are_fine():
    span = {"start": "2026-06-02T00:00+00:00", "end": "2026-06-03T00:00+00:00"}
    overrides = [{"add": "bob", **span}, {"remove": "ann", **span}]

    assert checked(schedule(overrides=overrides, expect={"on_call": [["bob"]]})).passed


def test_an_override_that_ends_before_it_starts_is_refused():
    override = {"add": "bob", "start": "2026-06-03T00:00+00:00", "end": "2026-06-02T00:00+00:00"}

    assert "an end after the start" in checked(schedule(overrides=[override])).got


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"vectors": []}', '{"vectors": [1]}'])
def test_a_file_without_vectors_is_refused(text: str):
    with pytest.raises(ValueError, match=r"s\.json:1: expected"):
        check(text, "s.json")


def test_of_somebodys_shifts_only_the_one_that_the_query_cuts_is_truncated():
    """Whoever writes a vector may say of each shift whether it goes on: the first one here ends by an override."""
    all_day = {"user": "ann", "restrictions": [{"days": ["MO"], "start": "08:00", "end": "12:00"}]}
    stand_in = {"add": "bob", "remove": "ann", "start": "2026-06-01T08:30+00:00", "end": "2026-06-01T08:45+00:00"}
    rows = [
        {
            "user": "ann",
            "start": "2026-06-01T08:00+00:00",
            "end": "2026-06-01T08:30+00:00",
            "truncated_by_query": False,
        },
        {
            "user": "bob",
            "start": "2026-06-01T08:30+00:00",
            "end": "2026-06-01T08:45+00:00",
            "truncated_by_query": False,
        },
        {"user": "ann", "start": "2026-06-01T08:45+00:00", "end": "2026-06-01T09:00+00:00", "truncated_by_query": True},
    ]
    said = {
        "kind": "shifts",
        "layers": [all_day],
        "overrides": [stand_in],
        "query": {"from": "2026-06-01T08:00+00:00", "to": "2026-06-01T09:00+00:00"},
    }

    assert checked({**said, "expect": {"shifts": rows}}).passed
    for n, row in enumerate(rows):
        wrong = {**row, "truncated_by_query": not row["truncated_by_query"]}
        assert not checked({**said, "expect": {"shifts": [*rows[:n], wrong, *rows[n + 1 :]]}}).passed
