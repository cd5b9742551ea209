"""A few hundred lives with every change; `make sim` lives ten thousand."""

from __future__ import annotations

import pytest

from tests.sim.lives import live

CAUGHT = (
    1225,  # an answer that came after its lease had ended
    6308,  # an alert that began, ended by silence and began again within one digest
    6455,
    20262541,  # a severity lowered to one whose ladder ends with an answer, while the old timer ran
    327977484,  # a beat that was told and not stored before the job stopped for good
)


@pytest.mark.parametrize("seed", CAUGHT)
def test_a_life_that_once_ended_badly_ends_well(seed: int):
    live(seed)


@pytest.mark.slow
def test_two_hundred_lives_end_well():
    for seed in range(200):
        live(seed)
