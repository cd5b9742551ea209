"""The chain and the tree: RFC 6962's own vectors, and what must hold for any log."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from tocsin.core import ledger
from tocsin.core.ledger import Draft, Head
from tocsin.verifier import Tree
from tocsin.verify_export import included

T0 = datetime(2026, 11, 28, 3, 0, 0, 123456, tzinfo=UTC)
T0_US = 1_795_834_800_123_456
# The inputs and roots of the tests that came with RFC 6962's reference implementation.
INPUTS = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def draft(n: int = 0, **changes: object) -> Draft:
    values = {"actor": "ana", "action": "x.changed", "resource_type": "x", "resource": f"r{n}", **changes}
    return Draft(**values)  # type: ignore[arg-type]


def test_the_roots_are_those_of_the_standard() -> None:
    leaves = [ledger.leaf_hash(each) for each in INPUTS]

    assert [ledger.root_of(leaves[:size]).hex() for size in range(1, 9)] == ROOTS
    assert ledger.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.integers(1, 70), st.data())
def test_an_inclusion_proof_leads_to_the_root_and_for_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = [ledger.leaf_hash(bytes([n])) for n in range(size)]
    index = data.draw(st.integers(0, size - 1))
    path, root = ledger.inclusion(leaves, index), ledger.root_of(leaves)

    assert included(leaves[index], index, size, path, root)
    assert not included(ledger.leaf_hash(b"another"), index, size, path, root)
    assert not included(leaves[index], (index + 1) % size, size, path, root) or size == 1
    if path:
        assert not included(leaves[index], index, size, path[:-1], root)


@given(st.lists(st.integers(0, 40), max_size=12))
def test_the_verifier_and_the_log_agree_on_every_root(sizes: list[int]) -> None:
    """The log pushes one leaf at a time, the verifier whole levels, in any pieces."""
    tree, frontier, size = Tree(), [], 0
    for count in sizes:
        leaves = [ledger.leaf_hash(f"{size + n}".encode()) for n in range(count)]
        tree.push_all(leaves)
        for leaf in leaves:
            ledger.push(frontier, size, leaf)
            size += 1

        assert (tree.size, tree.root()) == (size, ledger.root(frontier))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_batches_do_not_matter(batches: list[int]) -> None:
    one, all_at_once = Head(), [draft(n) for n in range(sum(batches))]
    done = 0
    for count in batches:
        one, _ = ledger.appended(one, all_at_once[done : done + count], T0_US, T0, [bytes(16)] * count)
        done += count
    other, _ = ledger.appended(Head(), all_at_once, T0_US, T0, [bytes(16)] * done)

    assert one == other


def test_an_entry_says_when_in_microseconds_and_commits_to_its_content() -> None:
    _, (entry,) = ledger.appended(Head(), [draft(content=b"it", kept=True)], T0_US, T0, [b"s" * 16])

    said = ledger.decode(entry.body)
    assert said.at == "2026-11-28T03:00:00.123456Z"
    assert ledger.opens(said.commitment, b"s" * 16, b"it")
    assert not ledger.opens(said.commitment, b"t" * 16, b"it")
    assert (entry.salt, entry.content) == (b"s" * 16, b"it")


def test_an_entry_that_is_too_long_for_a_leaf_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an entry of at most 65535 bytes"):
        ledger.appended(Head(), [draft(detail="x" * 70_000)], T0_US, T0, [bytes(16)])


def test_old_checkpoints_are_thinned_to_one_a_day() -> None:
    kept = [(size, size * 300_000_000) for size in range(1, 1_000)]  # one in five minutes

    gone = ledger.superfluous(kept)
    stay = [size for size, _ in kept if size not in set(gone)]

    assert stay[-288:] == list(range(712, 1_000))
    assert [size * 300_000_000 // 86_400_000_000 for size in stay[:-288]] == [0, 1, 2]
    assert ledger.superfluous([(size, at) for size, at in kept if size in stay]) == []
