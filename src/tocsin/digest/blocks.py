"""Between the alert table and the store: what changed, as blocks of cells, and the table as it was stored.

A block holds neighbours of the alerts that a commit is about. Whatever the table knows of them is either said in that
commit or a refresh, so they may be stored with it, their changed bodies too: a row never has heard a report whose
annotations are lost. Where a commit is about some of the changed alerts only, `stored` has the blocks as they are, and
the neighbours stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.core.cells import BLANK, BLOCK, overlaid, packed, unpacked
from tocsin.digest.alerttable import DIRTY, AlertTable
from tocsin.ports import AlertChanges, Store, Word

_CLEAN = bytes(flags & ~DIRTY for flags in range(256))
_SHIFT = BLOCK.bit_length() - 1


def changes(
    table: AlertTable, tenant: str, slots: Sequence[int], stored: Mapping[int, bytes] | None = None
) -> AlertChanges:
    """What the store has to keep of these slots of one tenant."""
    numbers = {slot >> _SHIFT for slot in slots}
    blocks = {number: _cells(table, number) for number in sorted(numbers)}
    if stored is None:
        bodies = {slot: body for slot, body in table.bodies.items() if slot >> _SHIFT in numbers}
    else:
        bodies = {slot: table.bodies[slot] for slot in slots if slot in table.bodies}
        for number in numbers:
            places = [slot % BLOCK for slot in slots if slot >> _SHIFT == number]
            blocks[number] = overlaid(stored.get(number, BLANK), blocks[number], places)
    return AlertChanges(tenant=tenant, blocks=blocks, words=_words(table, tenant), bodies=bodies)


def stored(table: AlertTable, what: AlertChanges) -> None:
    """These changes are in the store."""
    for slot in what.bodies:
        del table.bodies[slot]
    for kind, number, _ in what.words:
        table.words[kind].new.pop(number, None)


def load(table: AlertTable, store: Store) -> None:
    """The empty table is as it was stored."""
    used: dict[str, set[tuple[str, int]]] = {"incident": set(), "verdict": set(), "source": set()}
    for number, tenant, cells in store.alert_blocks():
        slots = table.adopt(tenant, number * BLOCK, unpacked(cells))
        for kind, column in (("incident", table.incident), ("verdict", table.verdict), ("source", table.source)):
            used[kind].update((tenant, column[slot]) for slot in slots)
    found: dict[str, list[tuple[int, str, bytes]]] = {kind: [] for kind in used}
    for tenant, (kind, number, value) in store.alert_words():
        if (tenant, number) in used[kind]:  # what it once meant to another tenant is still stored
            found[kind].append((number, tenant, value))
    table.read_words(found)


def _cells(table: AlertTable, number: int) -> bytes:
    cells = packed(table.stored_columns, number * BLOCK)
    return cells[:-BLOCK] + cells[-BLOCK:].translate(_CLEAN)


def _words(table: AlertTable, tenant: str) -> list[Word]:
    return [
        (kind, number, value)
        for kind, names in table.words.items()
        if names.new
        for number, owner in names.new.items()
        if owner == tenant and (value := names[number]) is not None
    ]
