"""What the memory store holds, and how a commit that fails is undone."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any

import msgspec

from tocsin.auditport import Anchored, Checkpoint
from tocsin.core.ledger import Entry as AuditEntry, Head
from tocsin.ports import Append, Claim, IndexRow
from tocsin.store.announcebox import AnnounceBox
from tocsin.store.outbox import Outbox

Name = tuple[str, str]  # tenant, stream


class Tables(msgspec.Struct):
    facts: dict[Name, tuple[bytes, ...]] = {}
    index: dict[Name, IndexRow] = {}
    wake: dict[Name, datetime] = {}
    claims: dict[tuple[str, Claim], str] = {}
    counters: dict[tuple[str, str], int] = {}
    documents: dict[tuple[str, str, str], bytes] = {}
    blocks: dict[int, tuple[str, bytes]] = {}
    words: dict[tuple[str, str, int], bytes] = {}
    bodies: dict[int, bytes] = {}
    outbox: Outbox = msgspec.field(default_factory=Outbox)
    announcements: AnnounceBox = msgspec.field(default_factory=AnnounceBox)
    consumed: int = 0
    heads: dict[str, Head] = {}
    audit: dict[tuple[str, int], AuditEntry] = {}
    checkpoints: dict[tuple[str, int], Checkpoint] = {}
    anchored: dict[tuple[str, str], Anchored] = {}

    def copy(self) -> Tables:
        return Tables(**{name: copy(getattr(self, name)) for name in self.__struct_fields__})


class Undo:
    """What the appends of a commit may touch, as it was before: a commit must not cost a copy of the store."""

    def __init__(self, tables: Tables, appends: Sequence[Append]) -> None:
        names = {(each.tenant, each.stream) for each in appends}
        claims = {(each.tenant, claim) for each in appends for claim in (*each.take, *each.release)}
        counters = {(each.tenant, each.reference_counter[0]) for each in appends if each.reference_counter}
        touched: list[tuple[dict[Any, Any], set[Any]]] = [
            (tables.facts, names),
            (tables.index, names),
            (tables.wake, names),
            (tables.claims, claims),
            (tables.counters, counters),
        ]
        self._before = [(table, key, table.get(key)) for table, keys in touched for key in keys]

    def apply(self) -> None:
        for table, key, value in self._before:
            if value is None:
                table.pop(key, None)
            else:
                table[key] = value
