"""What says who may do what is compared with the log: a role that somebody changed in the database is named."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from tests.store.given import T0, TENANT
from tocsin.audit import audited
from tocsin.clock import ManualClock
from tocsin.http import auth
from tocsin.http.auth import Visit
from tocsin.identity import accounts
from tocsin.store.sqlite import SqliteStore


class Held:
    """A database with an account, a session and a token that have been used."""

    def __init__(self, path: Path) -> None:
        self.path, self.clock = path, ManualClock(T0)
        self.store = SqliteStore(path, self.clock)
        accounts.with_role(self.store, TENANT, "ana", "responder")
        session = auth.begin(self.store, TENANT, "ana", "responder", "password", Visit(agent="Firefox")).record
        token = auth.issue("ana", "viewer", T0, name="laptop", lasts=timedelta(days=90)).record
        auth.save(self.store, TENANT, "token", token)
        self.used("session", session)
        self.used("token", token)

    def used(self, kind: auth.Kind, record: auth.Record) -> None:
        self.clock.advance(timedelta(seconds=10))
        auth.touch(self.store, TENANT, kind, record, self.clock.now())

    def rewritten(self, kind: str, old: bytes, new: bytes) -> None:
        """Behind our back, as whoever has the file does it."""
        with closing(sqlite3.connect(self.path)) as db, db:
            (body,) = db.execute("SELECT value FROM documents WHERE kind = ?", (kind,)).fetchone()
            assert old in bytes(body)
            db.execute("UPDATE documents SET value = ? WHERE kind = ?", (bytes(body).replace(old, new), kind))

    def found(self) -> list[tuple[str, str]]:
        return [(each.code, each.detail) for each in audited(self.store, TENANT).violations]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    made = Held(tmp_path / "tocsin.db")
    yield made
    made.store.close()


def test_use_is_no_change(held: Held) -> None:
    assert held.found() == []


@pytest.mark.parametrize(("kind", "role"), [("token", "viewer"), ("session", "responder"), ("account", "responder")])
def test_a_role_that_was_changed_in_the_database_is_named(held: Held, kind: str, role: str) -> None:
    held.rewritten(kind, f'"role":"{role}"'.encode(), b'"role":"owner"')

    ((code, text),) = held.found()
    assert code == "document_mismatch"
    assert text.startswith(f"{kind} ") and text.endswith(f" says the role owner, and {role} was recorded")


def test_anything_else_that_was_changed_is_found(held: Held) -> None:
    held.rewritten("token", b'"person":"ana"', b'"person":"ben"')

    ((code, text),) = held.found()
    assert (code, text.endswith("is not what was recorded")) == ("document_mismatch", True)


def test_a_token_that_nobody_made_is_found(held: Held) -> None:
    made = auth.issue("eve", "owner", T0).record
    with closing(sqlite3.connect(held.path)) as db, db:
        db.execute(
            "INSERT INTO documents (tenant, kind, name, value) VALUES (?, 'token', ?, ?)",
            (TENANT, made.id, msgspec.json.encode(made)),
        )

    assert held.found() == [("unrecorded_document", f"token {made.id}: no entry says who wrote it")]


def test_a_token_of_an_earlier_release_that_is_used_is_no_change(tmp_path: Path) -> None:
    held = Held(tmp_path / "tocsin.db")
    record = auth.issue("ben", "viewer", T0).record
    earlier = msgspec.json.encode(record).replace(b'"scope":"",', b"")
    assert b"scope" not in earlier
    held.store.put(TENANT, "token", record.id, earlier)
    assert held.found() == []

    held.used("token", record)

    assert held.found() == []
    held.store.close()
