"""docs/policy.md says what is so: its examples load, and it names every section and every field of a route."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tocsin.core.policy import Flapping, Policy, Route
from tocsin.core.spans import parse_deadline
from tocsin.policyfile import check

TEXT = (Path(__file__).parents[1] / "docs" / "policy.md").read_text("utf-8")
BASE = "title: g\nseverities: [{id: P1, rank: 0}, {id: P2, rank: 1}]\n"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_the_examples_have_no_problem(block: str) -> None:
    assert check(BASE + block, "docs/policy.md") == []


def test_every_section_and_every_field_of_a_route_is_described() -> None:
    described = set(re.findall(r"`([a-z_]+)`", TEXT))

    assert set(Policy.__struct_fields__) <= described
    assert set(Route.__struct_fields__) <= described


def test_the_short_spans_of_the_table_are_read() -> None:
    table = TEXT[TEXT.index("| short |") : TEXT.index("The long form")]
    shown = [span for row in table.splitlines()[2:] if row for span in re.findall(r"`([^`{]+)`", row.split("|")[1])]

    assert len(shown) > 10
    assert all(parse_deadline(span) for span in shown)


def test_the_default_of_flapping_is_the_one_that_is_described() -> None:
    assert (Flapping().transitions, Flapping().seconds) == (6, 15 * 60)
    assert "6 within 15 minutes" in TEXT
