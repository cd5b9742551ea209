"""Feeds leave out what XML cannot carry; the record may hold it from before it was refused."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given, strategies as st

from tocsin.status.feeds import _attribute, _legal, _text


@given(st.text())
def test_any_text_makes_well_formed_xml(text: str) -> None:
    made = ElementTree.fromstring(f"<a b={_attribute(text)}>{_text(text)}</a>".encode("utf-8", "replace"))

    assert made.text is None or "\x0b" not in made.text


def test_only_what_cannot_be_said_is_left_out() -> None:
    assert _legal("word 1\x0b & <more>\x00\ufffe\n\t🚨") == "word 1 & <more>\n\t🚨"
