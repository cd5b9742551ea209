"""The clock of the first look."""

from __future__ import annotations

import pytest

from tocsin.core.policy import Deadline, Policy
from tocsin.guide.compile import compile_guide

GUIDE = """# Incident response

| Priority | Description | Response time |
|---|---|---|
| P1 | Everything is down | 15 minutes |
| P2 | Something is slow | 1 hour |

## Responding

### {title}

- Look at the dashboards.
"""


def compiled(title: str) -> Policy:
    return compile_guide(GUIDE.replace("{title}", title), "guide.md").policy


@pytest.mark.parametrize("title", ["1.2 Initial Assessment (Within 5 minutes)", "Initial triage: < 5 min"])
def test_a_heading_that_limits_the_first_look_is_a_clock_of_every_severity(title: str):
    found = compiled(title).severities

    assert [each.clocks["initial assessment"].seconds for each in found] == [300, 300]
    assert {each.cited["initial assessment"].source.line for each in found} == {10}
    assert [each.respond_within and each.respond_within.seconds for each in found] == [900, 3600]


@pytest.mark.parametrize(
    "title", ["Initial Assessment", "Initial Assessment (0-15 minutes)", "Initial Assessment (5 people)", "Assessment"]
)
def test_a_heading_without_an_upper_limit_starts_no_clock(title: str):
    assert [each.clocks for each in compiled(title).severities] == [{}, {}]


def test_the_clock_is_a_deadline_in_seconds():
    clock = compiled("Initial Assessment (within 10 minutes)").severities[0].clocks["initial assessment"]

    assert clock == Deadline(seconds=600, text=clock.text)
