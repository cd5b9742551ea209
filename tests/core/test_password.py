"""Which passwords are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.password import LENGTH_MAX, LENGTH_MIN, normal, refusal
from tocsin.identity.hashing import common_passwords

COMMON = common_passwords()


def refused(password: str, *context: str) -> bool:
    return refusal(password, common=COMMON, context=context) != ""


@pytest.mark.parametrize(
    "password",
    [
        "",
        "short",
        "eleven char",
        "x" * (LENGTH_MAX + 1),
        "qwertyqwerty",
        "QwertyQwerty",
        "password1234",
        "P@ssw0rd2026!",
        "!!!football!!!2026",
        "aaaaaaaaaaaaaaaa",
        "abababababababab",
        "abc123abc123abc123",
        "abcdefghijklmnop",
        "ponmlkjihgfedcba",
        "890123456789012",
        "210987654321098",
        "tocsin-tocsin!",
        "Ana Ivanova 1!",
    ],
)
def test_what_many_people_have_or_anybody_guesses_is_refused(password: str):
    assert refused(password, "ana", "Ana", "Ivanova", "tocsin")


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "four pagers at night",
        "wQ7#kk2-pp0L!",
        "пароль для дежурных",
        "tocsin keeps the night watch short",
        "x" * 5 + "lantern-in-the-fog",
    ],
)
def test_what_is_long_and_ones_own_is_taken_whatever_its_signs(password: str):
    assert not refused(password, "ana", "tocsin")


def test_the_list_has_thousands_of_the_most_common_ones():
    assert len(COMMON) > 3_000
    assert {"1234567890123", "qwertyqwerty", "111111111111"} <= COMMON


@given(st.text(min_size=LENGTH_MIN, max_size=40))
def test_a_refusal_does_not_depend_on_letter_case_or_on_how_accents_are_composed(password: str):
    assert normal(normal(password)) == normal(password)
    if password.isascii():
        assert refused(password.upper()) == refused(password.lower())
