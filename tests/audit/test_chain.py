"""The chain over many entries: each place is checked, also where the verifier goes from one group to the next."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tocsin.core import ledger
from tocsin.verifier import CHUNK, GENESIS, Link, Report, Tree, check_bytes

ENTRIES = 2 * CHUNK + 5
PLACES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, ENTRIES - 2, ENTRIES - 1]


def chain(entries: int) -> list[Link]:
    found: list[Link] = []
    link = GENESIS
    for n in range(entries):
        body = b"entry %d" % n
        link = sha256(link + body).digest()
        found.append((n, body, link))
    return found


HONEST = chain(ENTRIES)


def checked(links: list[Link], wanted: list[int] | None = None) -> tuple[Report, dict[int, bytes]]:
    report = Report()
    return report, check_bytes(links, wanted or [], {}, report)


def test_an_honest_chain_is_whole_and_has_the_roots_of_a_tree_that_grows_one_by_one() -> None:
    report, roots = checked(HONEST, [0, *PLACES, ENTRIES])

    tree, grown = Tree(), {0: Tree().root()}
    for n, (_, body, _) in enumerate(HONEST, 1):
        tree.push(ledger.leaf_hash(body))
        grown[n] = tree.root()
    assert not report.violations
    assert report.entries == ENTRIES
    assert roots == {size: grown[size] for size in {0, *PLACES, ENTRIES}}


@pytest.mark.parametrize("place", PLACES)
def test_a_body_that_was_edited_is_named(place: int) -> None:
    seq, body, link = HONEST[place]
    report, _ = checked([*HONEST[:place], (seq, body + b"!", link), *HONEST[place + 1 :]])

    assert [(each.code, each.seq) for each in report.violations] == [("hash_mismatch", place)]


@pytest.mark.parametrize("place", PLACES)
def test_a_link_that_was_edited_is_named_with_the_entry_after_it(place: int) -> None:
    seq, body, _ = HONEST[place]
    report, _ = checked([*HONEST[:place], (seq, body, bytes(32)), *HONEST[place + 1 :]])

    named = [place, place + 1] if place + 1 < ENTRIES else [place]
    assert [(each.code, each.seq) for each in report.violations] == [("hash_mismatch", each) for each in named]


@pytest.mark.parametrize("place", PLACES[:-1])
def test_an_entry_that_is_gone_leaves_a_gap_where_it_was(place: int) -> None:
    report, _ = checked([*HONEST[:place], *HONEST[place + 1 :]])

    assert [(each.code, each.seq) for each in report.violations] == [("gap", place), ("hash_mismatch", place + 1)]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("column", [0, 1, 2])
@pytest.mark.parametrize("value", [None, "text", 1.5])
def test_what_no_entry_holds_is_a_violation_and_no_exception(place: int, column: int, value: object) -> None:
    spoilt: list[object] = list(HONEST[place])
    spoilt[column] = value
    report, _ = checked([*HONEST[:place], tuple(spoilt), *HONEST[place + 1 :]])  # type: ignore[list-item]

    assert report.violations
    assert report.entries == ENTRIES
