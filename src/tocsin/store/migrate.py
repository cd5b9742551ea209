"""The schema: numbered SQL files, applied once each, in order, before anything is served."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files


class SchemaError(ValueError):
    """The database cannot be used by this release; the text says what to do."""


def migrations() -> list[tuple[int, str]]:
    """(number, SQL) of every migration this release knows, in order."""
    folder = files("tocsin.store").joinpath("migrations")
    found = [(int(each.name[:4]), each.read_text("utf-8")) for each in folder.iterdir() if each.name.endswith(".sql")]
    return sorted(found)


def schema_version(db: sqlite3.Connection) -> int:
    """The number of the newest migration in the database; 0 for an empty one."""
    exists = db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").fetchone()
    return db.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0] if exists else 0


def migrate(db: sqlite3.Connection, known: Sequence[tuple[int, str]] | None = None) -> int:
    """The schema is this release's, all of it or unchanged; its version. `db` is in autocommit;
    `known` None: the migrations of this release.

    The write lock is held from the look at the version to the commit, so that two starting processes cannot both
    migrate. Raises SchemaError for a database that a newer release wrote.
    """
    known = known or migrations()
    db.execute("BEGIN IMMEDIATE")
    try:
        version = schema_version(db)
        newest = known[-1][0]
        if version > newest:
            raise SchemaError(
                f"database: expected schema {newest} or older, got {version}; a newer Tocsin wrote it, start that one"
            )
        db.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY) WITHOUT ROWID")
        for number, script in known:
            if number > version:
                for statement in statements(script):
                    db.execute(statement)
                db.execute("INSERT INTO schema_version VALUES (?)", (number,))
        db.execute("COMMIT")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    return newest


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: `executescript` would commit the transaction they have to share."""
    waiting = ""
    for line in script.splitlines(keepends=True):
        waiting += line
        if sqlite3.complete_statement(waiting):
            yield waiting
            waiting = ""
