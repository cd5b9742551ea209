"""Every receipt code is explained where people look it up, with the setting that fixes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tocsin.core.retry import ATTEMPTS_MAX, DELAYS
from tocsin.ports import ReceiptCode

TEXT = (Path(__file__).parents[2] / "docs" / "receipts.md").read_text()
SECTIONS = dict(re.findall(r"^## (\w+)\n\n(.+?)(?=\n## |\Z)", TEXT, re.MULTILINE | re.DOTALL))
CODES = get_args(ReceiptCode)


@pytest.mark.parametrize("code", CODES)
def test_a_code_has_an_anchor(code):
    assert code in SECTIONS


@pytest.mark.parametrize("code", [code for code in CODES if code != "sent"])
def test_a_failure_says_whether_it_is_tried_again_and_what_to_do(code):
    assert SECTIONS[code].startswith("Again: ")
    assert re.search(r"`\[\w+\]|[Cc]heck|[Rr]emove|[Cc]orrect|limit", SECTIONS[code])


def test_nothing_is_explained_that_does_not_exist():
    assert set(SECTIONS) == set(CODES)


def test_the_numbers_are_those_of_the_code():
    minutes = sum(wait.total_seconds() for wait in DELAYS) / 60

    assert f"{ATTEMPTS_MAX} attempts in all within about {minutes:.0f} minutes" in TEXT.replace("\n", " ")
