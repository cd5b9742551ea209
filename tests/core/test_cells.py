"""Cells and bodies come back as they were packed."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given, strategies as st

from tocsin.core.cells import BLANK, BLOCK, FREE, SHAPE, TEXTS, joined, overlaid, packed, split, unpacked, with_texts


def columns(seed: int) -> list[array[int]]:
    """Two blocks of cells that are all different."""
    return [
        array(code, [(seed * 7 + n * 31 + at * 1009) % 2 ** (8 * array(code).itemsize - 1) for at in range(2 * BLOCK)])
        for n, code in enumerate(SHAPE)
    ]


@given(st.integers(0, 10_000), st.sampled_from([0, BLOCK]))
def test_a_block_comes_back(seed: int, first: int) -> None:
    of = columns(seed)

    assert unpacked(packed(of, first)) == [column[first : first + BLOCK] for column in of]


def test_a_block_fits_a_page_and_is_little_endian_everywhere() -> None:
    of = columns(1)
    of[0][0] = 0x0102030405060708

    assert packed(of, 0)[:8] == bytes([8, 7, 6, 5, 4, 3, 2, 1])
    assert len(packed(of, 0)) == len(BLANK) < 4_000


def test_a_blank_block_is_all_free() -> None:
    assert list(unpacked(BLANK)[-1]) == [FREE] * BLOCK


def test_other_bytes_are_no_block() -> None:
    with pytest.raises(ValueError, match="cells: expected 3008 bytes, got 3"):
        unpacked(b"abc")


@given(st.sets(st.integers(0, BLOCK - 1)))
def test_only_the_named_places_are_taken_over(places: set[int]) -> None:
    old, new = columns(1), columns(2)

    found = unpacked(overlaid(packed(old, 0), packed(new, 0), sorted(places)))

    for column, before, after in zip(found, old, new, strict=True):
        assert list(column) == [(after if at in places else before)[at] for at in range(BLOCK)]


@given(
    st.lists(st.binary(max_size=20), min_size=TEXTS, max_size=TEXTS), st.dictionaries(st.integers(0, 15), st.binary())
)
def test_bodies_come_back_and_change_one_by_one(texts: list[bytes], changed: dict[int, bytes]) -> None:
    blob = with_texts(joined(texts), changed)

    assert split(joined(texts)) == texts
    assert split(blob) == [changed.get(place, text) for place, text in enumerate(texts)]
    assert split(with_texts(None, changed)) == [changed.get(place, b"") for place in range(TEXTS)]
