"""Whatever a fact holds, an erasure leaves a fact that says what happened and nothing that anybody wrote."""

from __future__ import annotations

import pytest

from tests.core.test_facts import LINES
from tocsin.core.erasing import ADDRESSES, TEXTS, erased, names
from tocsin.core.facts import decode, encode


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[9:60].split('"')[0])
def test_an_erased_fact_is_still_a_fact_of_its_kind(line: str) -> None:
    fact = decode(line.encode())

    after = erased(fact)

    assert decode(encode(after)) == after
    assert (type(after), after.at, after.by) == (type(fact), fact.at, fact.by)
    assert erased(after) == after


def test_words_go_and_what_decides_stays() -> None:
    note = decode(b'{"fact":"NoteAdded","at":"2026-11-23T03:00:00Z","by":"ana","text":"she rang me at home"}')
    opened = decode(
        b'{"fact":"Opened","at":"2026-11-23T03:00:00Z","incident":"i1","reference":"INC-2026-001","title":"Ana is ill",'
        b'"guide":"main","policy_digest":"00","severity":"P1","service":"web"}'
    )

    assert b"home" not in encode(erased(note))
    after = erased(opened)
    assert b"Ana" not in encode(after)
    assert b'"severity":"P1"' in encode(after) and b'"service":"web"' in encode(after)


def test_only_addresses_go_where_only_they_are_asked_for() -> None:
    line = next(each for each in LINES if '"fact":"PageSent"' in each and '"address"' in each)
    fact = decode(line.encode())

    after = erased(fact, ADDRESSES)

    assert getattr(after, "address") == "[erased]"  # noqa: B009
    assert names(fact, getattr(fact, "person"))  # noqa: B009
    assert not names(fact, "nobody")
    assert ADDRESSES.isdisjoint(TEXTS)
