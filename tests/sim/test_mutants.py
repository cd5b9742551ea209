"""The list of planted bugs does not rot: each can be planted, and whoever must notice it exists."""

from __future__ import annotations

import ast

import pytest

from tests.sim.mutants import MUTANTS, ROOT, planted
from tests.sim.planted import Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_bug_can_be_planted_and_is_still_python(mutant: Mutant):
    ast.parse(planted(mutant))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_whoever_must_notice_a_bug_exists(mutant: Mutant):
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        if path.startswith("sim:"):
            assert int(path.removeprefix("sim:")) > 0
            continue
        assert f"def {name}" in (ROOT / path).read_text()


def test_no_bug_is_planted_twice_under_one_name():
    names = [mutant.name for mutant in MUTANTS]

    assert len(names) == len(set(names)) >= 40
