"""What of a line changes from one occurrence to the next is masked, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from tocsin.detect.shapes import GAP, KNOWN_MAX, SHAPE_MAX, WORDS_AT_ONE_PLACE, Shapes, id_of, masked


@pytest.mark.parametrize(
    ("line", "shape"),
    [
        (
            "2026-11-29 06:45:05,123 ERROR shop.checkout: payment 8812 for user 17 failed: timeout after 30.5s",
            "<*> ERROR shop.checkout: payment <*> for user <*> failed: timeout after <*>",
        ),
        (
            "Nov 29 06:45:06 shop sshd[811]: Failed password for root from 10.0.0.7 port 4242 ssh2",
            "<*> shop sshd[<*>]: Failed password for root from <*> port <*>",
        ),
        ("KeyError: 'colour'", "KeyError: <*>"),
        ("don't panic, it's ok", "don't panic, it's ok"),
        ("open /etc/shop/a.conf: no such file", "open <*>: no such file"),
        ("see https://shop.example/a?b=c and answer", "see <*> and answer"),
        ("order 9f8e7d6c-0000-4111-8222-9f8e7d6c5b4a is gone", "order <*> is gone"),
        ("fe80::1:2:3:4 does not answer", "<*> does not answer"),
        ("mail to ana@example.org bounced", "mail to <*> bounced"),
        ("at 0x7ffe12, 3, 4, 5 done", "at <*> done"),
    ],
)
def test_values_are_gaps(line: str, shape: str):
    assert masked(line) == shape


@given(st.integers(0, 10**12), st.integers(0, 255), st.uuids())
def test_the_same_event_has_one_shape_whatever_its_values(number: int, byte: int, uuid: object):
    shapes = Shapes()

    first = shapes.of("payment 1 from 10.0.0.1 failed, request 9f8e7d6c-0000-4111-8222-9f8e7d6c5b4a")
    other = shapes.of(f"payment {number} from 10.0.{byte}.1 failed, request {uuid}")

    assert first == other


@given(st.text(max_size=3_000))
def test_any_text_has_a_short_shape_without_digits(text: str):
    shape = Shapes().of(text)

    assert len(shape) <= SHAPE_MAX
    assert not re.search(r"[0-9]", shape)


def test_words_that_take_turns_at_one_place_are_values():
    shapes = Shapes()
    names = ["ana", "bo", "cem", "dora", "eva", "finn", "gil"]

    found = [shapes.of(f"user {name} was refused") for name in names]

    assert found[WORDS_AT_ONE_PLACE - 1 :] == ["user <*> was refused"] * 3
    assert shapes.of("user ana was refused") == "user <*> was refused"
    assert shapes.of("user ana was welcome") == "user ana was welcome"


def test_what_was_found_by_comparing_is_known_to_the_next_process():
    shapes = Shapes()
    for name in ("ana", "bo", "cem", "dora", "eva"):
        shapes.of(f"user {name} was refused")

    assert Shapes(shapes.wide).of("user zoe was refused") == f"user {GAP} was refused"


def test_what_is_remembered_of_lines_is_bounded():
    shapes = Shapes()

    for number in range(KNOWN_MAX + 10):
        letters = "".join(chr(97 + int(digit)) for digit in str(number))
        shapes.of(f"{letters} {letters} {letters}")

    assert len(shapes._known) <= KNOWN_MAX


def test_the_name_of_a_shape_is_the_same_everywhere():
    assert id_of("KeyError: <*>") == "13f92dc0"
