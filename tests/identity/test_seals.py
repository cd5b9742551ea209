"""What a browser keeps for us: nobody else makes it, it ends, and what counts once counts once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.identity.seals import Seals

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    person: str


@pytest.fixture
def seals() -> Seals:
    return Seals(b"s" * 32)


def test_what_was_sealed_opens_for_its_purpose_until_it_ends(seals: Seals):
    text = seals.seal("second", Kept(person="ana"), T0, MINUTE)

    assert seals.opened("second", text, Kept, T0) == Kept(person="ana")
    assert seals.opened("device", text, Kept, T0) is None
    assert seals.opened("second", text, Kept, T0 + MINUTE) is None
    assert Seals(b"t" * 32).opened("second", text, Kept, T0) is None


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(1, 255))
def test_nothing_else_opens(noise: bytes, place: int, flip: int):
    seals = Seals(b"s" * 32)
    text = seals.seal("second", Kept(person="ana"), T0, MINUTE)
    place %= len(text)
    changed = text[:place] + chr(ord(text[place]) ^ (flip % 127 or 1)) + text[place + 1 :]

    assert seals.opened("second", noise.decode("latin-1"), Kept, T0) is None
    assert seals.opened("second", changed, Kept, T0) is None


def test_a_challenge_is_ours_for_its_purpose_and_for_a_while(seals: Seals):
    one, two = (seals.challenge("passkey", T0, MINUTE) for _ in range(2))

    assert one != two
    assert seals.ours("passkey", one, T0)
    assert not seals.ours("enrol", one, T0)
    assert not seals.ours("passkey", one, T0 + MINUTE)
    assert not seals.ours("passkey", two[:-1] + bytes([two[-1] ^ 1]), T0)
    assert not seals.ours("passkey", b"", T0)


def test_what_counted_is_remembered_and_a_full_memory_refuses_instead_of_forgetting(seals: Seals, full: int = 10_000):
    for n in range(full):
        assert seals.first(f"{n}", T0, MINUTE)

    assert not seals.first("0", T0, MINUTE)
    assert not seals.first("one too many", T0, MINUTE)
    assert seals.first("one too many", T0 + MINUTE, MINUTE)
