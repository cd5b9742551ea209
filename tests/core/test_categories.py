"""An incident's category is one of the guide's."""

from __future__ import annotations

import pytest

from tests.core.lives import T0, Life, world
from tocsin.core import commands as c
from tocsin.core.policy import Category

LISTED = tuple(Category(name=name) for name in ("Infrastructure", "Security Incidents", "Data Loss Incidents"))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Infrastructure", "Infrastructure"),
        ("infrastructure", "Infrastructure"),
        ("security", "Security Incidents"),
        ("  data  loss incidents ", "Data Loss Incidents"),
    ],
)
def test_a_category_is_known_by_its_name_in_any_letter_case(said: str, meant: str) -> None:
    life = Life(world(categories=LISTED))

    life.does(c.SetCategory(by="ana", category=said), T0)

    assert life.now.category == meant


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("Infrastucture", "did you mean Infrastructure"),
        ("Nonsense", "expected one of Infrastructure, Security Incidents"),
        ("Incidents", "which is part of each"),
    ],
)
def test_a_word_that_the_guide_does_not_list_is_refused_with_what_was_meant(said: str, hint: str) -> None:
    life = Life(world(categories=LISTED))

    with pytest.raises(ValueError, match=hint):
        life.does(c.SetCategory(by="ana", category=said), T0)


def test_a_guide_without_categories_takes_any_word() -> None:
    life = Life()

    life.does(c.SetCategory(by="ana", category="Moonlight"), T0)

    assert life.now.category == "Moonlight"


def test_saying_it_again_is_no_news() -> None:
    life = Life(world(categories=LISTED))
    life.does(c.SetCategory(by="ana", category="security"), T0)

    assert life.does(c.SetCategory(by="bo", category="Security Incidents"), T0) == []
