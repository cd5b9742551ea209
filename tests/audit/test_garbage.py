"""Whoever has the database can write anything into any cell: the answer is then a violation, never an exception."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.audit.given import Installation
from tests.store.given import TENANT
from tocsin.audit import audited
from tocsin.verifier import GENESIS, Plain, Report, links_of, numbers, verify

KEYS = {
    "audit": ("tenant", "seq"),
    "audit_heads": ("tenant",),
    "facts": ("tenant", "stream", "version"),
    "documents": ("tenant", "kind", "name"),
}
CELLS = [("audit", name) for name in ("seq", "recorded_us", "body", "hash", "salt", "content")]
CELLS += [("audit_heads", name) for name in ("size", "hash", "frontier", "recorded_us")]
CELLS += [("facts", "body"), ("documents", "value")]
VALUES = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
    | st.sampled_from([b"[]", b"{}", b"7", b'{"seq": 3, "at": 4}', b"[" * 5_000, '{"seq": "x"}'])
)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    installation = Installation(tmp_path_factory.mktemp("honest"))
    installation.lives(8)
    installation.signs()
    installation.store.put(TENANT, "team", "web", b'{"id":"web"}')
    installation.close()
    return installation.path


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(CELLS), st.integers(0, 99), VALUES)
def test_any_value_in_any_cell_raises_nothing_and_is_found(
    honest: Path, tmp_path: Path, cell: tuple[str, str], at: int, value: Any
) -> None:
    (table, column), spoilt = cell, tmp_path / "spoilt.db"
    shutil.copy(honest, spoilt)
    with closing(sqlite3.connect(spoilt, isolation_level=None)) as db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        keys = db.execute(f"SELECT {', '.join(KEYS[table])} FROM {table}").fetchall()
        key = keys[at % len(keys)]
        where = " AND ".join(f"{name} = ?" for name in KEYS[table])
        (before,) = db.execute(f"SELECT {column} FROM {table} WHERE {where}", key).fetchone()
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value, *key))
        except sqlite3.IntegrityError:
            return  # the schema refuses it

    report = audited(spoilt, TENANT)

    same = value == before or column in ("salt", "content")  # an entry that commits to nothing may have either
    same = same or table == "audit_heads"  # a note of where the log stands, not the log
    assert same or not report.valid


def entry(n: int, words: Any, before: bytes) -> Plain:
    body = msgspec.json.encode(words)
    return (n, 0, body, sha256(before + body).digest(), None, None)


@pytest.mark.parametrize(
    "words",
    [
        [],
        7,
        {"seq": 0, "at": "1970-01-01T00:00:00.000000Z"},
        {"seq": 0, "at": "1970-01-01T00:00:00.000000Z", "actor": "a", "action": 7, "resource": "r"},
        {"seq": 0, "at": "1970-01-01T00:00:00.000000Z", "actor": "a", "action": "log.erased", "resource": ["1"]},
    ],
)
def test_an_entry_that_is_none_is_said_to_be_unreadable_though_its_chain_fits(words: Any) -> None:
    rows = [entry(0, words, GENESIS)]

    report: Report = verify(links_of(rows), rows, [], [])

    assert [each.code for each in report.violations] == ["unreadable"]


def test_an_erasure_of_more_entries_than_there_are_costs_nothing() -> None:
    assert numbers("3,7-9", 100) == {3, 7, 8, 9}
    assert numbers("0-99999999999999999", 4) == {0, 1, 2, 3}
    assert numbers("9" * 5_000 + ",-,x,2-1,²", 4) == set()
