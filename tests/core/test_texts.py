"""What text may hold, and what becomes of the rest."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.core.alert import title_of
from tocsin.core.texts import TITLE_MAX, one_line, shortened, title_said, unspeakable

CONTROLS = [chr(n) for n in (*range(0x20), *range(0x7F, 0xA0))]


@given(st.text())
def test_one_line_is_one_and_holds_no_control_character(text: str) -> None:
    made = one_line(text)

    assert len(made.splitlines()) <= 1
    assert not any(each in made for each in CONTROLS)
    assert one_line(made) == made


def test_ordinary_text_is_left_as_it_is() -> None:
    for text in ("Überlauf in Zürich – 50 %", "データベース", "🚨 down 👩‍🚒", "a\u00a0b"):
        assert one_line(text) == text
        assert unspeakable({"title": text, "text": f"{text}\n\t{text}\r\n"}) is None


def test_an_alert_that_says_nothing_but_escapes_has_its_name_as_title() -> None:
    labels = {"alertname": "Disk\x1b[31mFull", "service": "db\nmain"}
    assert title_of(labels, {"summary": "\x1b]0;gone\x07 and\nso on"}) == "]0;gone  and so on"
    assert title_of(labels, {"summary": "\x00\n\x07"}) == "Disk [31mFull (db main)"


@given(st.text(max_size=2_000), st.text(max_size=2_000), st.text(max_size=2_000))
def test_a_title_has_a_bound_and_says_something(name: str, place: str, summary: str) -> None:
    title = title_of({"alertname": name, "service": place}, {"summary": summary})

    assert len(title) <= TITLE_MAX
    assert one_line(title) == title
    assert shortened("x" * 600, TITLE_MAX) == "x" * 499 + "…"


def test_a_title_of_somebody_says_something_and_not_too_much() -> None:
    assert title_said("é" * TITLE_MAX) == "é" * TITLE_MAX
    with pytest.raises(ValueError, match="title: expected at most 500 characters, got 501"):
        title_said("é" * (TITLE_MAX + 1))
    with pytest.raises(ValueError, match="title: expected a few words, got nothing"):
        title_said(" \n")


def test_a_control_character_is_named_with_its_field() -> None:
    expected = "expected text without control characters"
    assert unspeakable({"note": "a\x00b"}) == f"note: {expected}, got U+0000 at 1"
    assert unspeakable({"a": [{"b": ["fine", "\x1b"]}]}) == f"a[0].b[1]: {expected}, got U+001B at 0"
    assert unspeakable({"roles": {"ana\x9b": "x"}}) == f"roles (a name in it): {expected}, got U+009B at 3"
    assert unspeakable("\x7f") == f"body: {expected}, got U+007F at 0"
    assert unspeakable({"name": "two\nlines"}) == (
        "name: expected one line without control characters, got U+000A at 3"
    )


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_whatever_is_refused_holds_one_and_the_rest_none(value: object) -> None:
    def texts(each: object) -> list[str]:
        if isinstance(each, dict):
            return [*each, *(text for member in each.values() for text in texts(member))]
        if isinstance(each, list):
            return [text for member in each for text in texts(member)]
        return [each] if isinstance(each, str) else []

    holds = any(each in text for text in texts(value) for each in CONTROLS if each not in "\t\n\r")
    if holds:
        assert unspeakable(value) is not None
    elif not any(set(text) & {"\n", "\t", "\r", "\u2028", "\u2029"} for text in texts(value)):
        assert unspeakable(value) is None
