"""Known secrets never come out of a command, however the pieces of what it says are cut."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from tocsin.runbook.masking import GONE, Mask

SECRET = "postgres://app:p%40ss/word@db.example/shop"


def masked(text: bytes, *secrets: str, cut: int = 1) -> bytes:
    mask = Mask(secrets)
    return b"".join(mask.feed(text[n : n + cut]) for n in range(0, len(text), cut)) + mask.finish()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_every_form_of_a_secret_goes(form: str) -> None:
    assert masked(f"a {form} b".encode(), SECRET) == b"a " + GONE + b" b"


def test_the_password_of_an_address_goes_by_itself_too() -> None:
    assert masked(b"user app, password hunter2!", "mysql://app:hunter2!@db/x") == b"user app, password " + GONE


def test_a_prompt_is_seen_at_once_and_only_what_may_become_a_secret_is_held_back() -> None:
    mask = Mask(["hunter2"])

    assert mask.feed(b"Password: ") == b"Password: "
    assert mask.feed(b"see hunt") == b"see "
    assert mask.feed(b"ing season") == b"hunting season"
    assert mask.finish() == b""


def test_a_short_secret_takes_no_ordinary_words_with_it() -> None:
    assert masked(b"one two", "two", "") == b"one two"


@given(
    st.text("abAB1 \n", max_size=60), st.lists(st.text("abA1", min_size=4, max_size=8), max_size=3), st.integers(1, 9)
)
def test_no_secret_comes_out_whatever_the_pieces(text: str, secrets: list[str], cut: int) -> None:
    out = masked(text.encode(), *secrets, cut=cut)

    for each in secrets:
        assert each.encode() not in out.replace(GONE, b"|")
    if not any(each in text for each in secrets):
        assert out == text.encode() or GONE in out
