"""What only the SQLite store promises: durability, one writer, snapshots for other threads, its schema."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.store.given import T0, TENANT, append, minutes, page, row
from tocsin.clock import ManualClock
from tocsin.store.migrate import SchemaError, migrate, migrations, statements
from tocsin.store.sqlite import DataInUse, SqliteStore, connect

CRASHES = 5


def elsewhere(act: Callable[[], Any]) -> Any:
    """What `act` returns or raises in another thread."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(act())
        except (RuntimeError, TypeError) as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result[0]


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_every_commit_is_on_disk_before_it_returns(tmp_path: Path) -> None:
    db = connect(tmp_path / "tocsin.db")

    assert pragma(db, "journal_mode") == "wal"
    assert pragma(db, "synchronous") == 2
    assert pragma(db, "wal_autocheckpoint") == 0
    assert pragma(db, "mmap_size") == 0
    assert pragma(db, "foreign_keys") == 1
    assert pragma(db, "busy_timeout") > 0  # type: ignore[operator]
    db.close()


def test_another_thread_may_not_write(sqlite: SqliteStore) -> None:
    sqlite.put(TENANT, "kind", "a", b"1")

    error = elsewhere(lambda: sqlite.put(TENANT, "kind", "a", b"2"))

    assert isinstance(error, RuntimeError)
    assert sqlite.get(TENANT, "kind", "a") == b"1"


def test_a_thread_that_took_over_may_write(sqlite: SqliteStore) -> None:
    sqlite.put(TENANT, "kind", "a", b"1")

    def take_over() -> None:
        sqlite.own()
        sqlite.put(TENANT, "kind", "a", b"2")

    assert elsewhere(take_over) is None
    assert sqlite.get(TENANT, "kind", "a") == b"2"


def test_any_thread_may_read(sqlite: SqliteStore) -> None:
    sqlite.commit([append(facts=3)])

    assert len(elsewhere(lambda: sqlite.facts(TENANT, "s"))) == 3


def test_a_snapshot_in_another_thread_is_one_moment(sqlite: SqliteStore) -> None:
    sqlite.commit([append("a")])
    opened, written = threading.Event(), threading.Event()
    seen: list[list[str]] = []

    def read() -> None:
        with sqlite.reading() as reader:
            for step in range(2):
                seen.append([each.incident for each in reader.listing(TENANT)[0]])
                if step == 0:
                    opened.set()
                    assert written.wait(10)

    thread = threading.Thread(target=read)
    thread.start()
    assert opened.wait(10)
    sqlite.commit([append("b")])
    written.set()
    thread.join()

    assert seen == [["a"], ["a"]]


def test_a_snapshot_refuses_to_write(sqlite: SqliteStore) -> None:
    with sqlite.reading() as reader, pytest.raises(TypeError, match="for reading"):
        reader.put(TENANT, "kind", "a", b"1")


def test_a_snapshot_is_over_when_its_block_is(sqlite: SqliteStore) -> None:
    with sqlite.reading() as reader:
        pass

    with pytest.raises(AssertionError, match="ended"):
        reader.consumed()


def test_a_second_process_is_refused_while_the_database_is_in_use(sqlite: SqliteStore, clock: ManualClock) -> None:
    with pytest.raises(DataInUse, match="another Tocsin has it open"):
        SqliteStore(sqlite.path, clock)


def test_only_its_owner_may_read_the_database(sqlite: SqliteStore) -> None:
    sqlite.commit([append()])

    files = sorted(sqlite.path.parent.iterdir())
    assert [each.name for each in files] == ["tocsin.db", "tocsin.db-shm", "tocsin.db-wal", "tocsin.db.lock"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_everything_is_there_after_reopening(sqlite: SqliteStore, clock: ManualClock) -> None:
    sqlite.commit([append(facts=2, wake_at=T0, pages=(page("p1"),))], consumed=9)
    sqlite.close()

    again = SqliteStore(sqlite.path, clock)

    assert len(again.facts(TENANT, "s")) == 2
    assert again.next_wake() == T0
    assert again.next_page(T0) == T0
    assert again.consumed() == 9
    again.close()


def test_a_page_that_was_on_its_way_when_the_process_died_may_be_sent_at_once(
    sqlite: SqliteStore, clock: ManualClock
) -> None:
    sqlite.commit([append(pages=(page("p1"),))])
    (lost,) = sqlite.claim_pages(T0, 10, 60)
    sqlite.close()

    again = SqliteStore(sqlite.path, clock)
    (leased,) = again.claim_pages(T0, 10, 60)

    assert (leased.id, leased.attempt) == (lost.id, 2)
    assert leased.lease != lost.lease
    again.close()


def test_a_checkpoint_moves_everything_into_the_file_while_the_writer_is_open(sqlite: SqliteStore) -> None:
    sqlite.commit([append(facts=50)])

    assert sqlite.checkpoint() == 0
    file = sqlite3.connect(f"{sqlite.path.absolute().as_uri()}?immutable=1", uri=True)
    assert file.execute("SELECT count(*) FROM facts").fetchone() == (50,)
    file.close()


def test_facts_are_stored_as_the_bytes_of_the_codec(sqlite: SqliteStore) -> None:
    sqlite.commit([append()])

    with sqlite.reading() as reader:
        assert reader.facts(TENANT, "s")
    db = connect(sqlite.path, read_only=True)
    assert db.execute("SELECT body FROM facts").fetchone() == (
        b'{"fact":"NoteAdded","at":"2026-11-23T03:00:00Z","text":"fact 0"}',
    )
    db.close()


def test_a_full_disk_refuses_the_commit_and_keeps_what_there_was(sqlite: SqliteStore) -> None:
    sqlite.commit([append("a")], consumed=1)
    pages = sqlite._db.execute("PRAGMA page_count").fetchone()[0]
    sqlite._db.execute(f"PRAGMA max_page_count = {pages}")
    big = row("b", summary=b"x" * 100_000)

    with pytest.raises(sqlite3.OperationalError, match="full"):
        sqlite.commit([append("b", index=big)], consumed=2)
    kept = (sqlite.consumed(), sqlite.index(TENANT, "b"), len(sqlite.facts(TENANT, "a")))
    sqlite._db.execute("PRAGMA max_page_count = 1000000")
    sqlite.commit([append("b", index=big)], consumed=2)

    assert kept == (1, None, 1)
    assert sqlite.index(TENANT, "b") == big


def test_a_long_log_is_cut_once_it_is_moved(sqlite: SqliteStore) -> None:
    for n in range(17):
        sqlite.commit([append(f"s{n}", index=row(f"s{n}", summary=b"x" * 4_000_000))])
    log = sqlite.path.with_name("tocsin.db-wal")
    before = log.stat().st_size

    assert sqlite.checkpoint() == 0
    assert before > 64 * 1024 * 1024
    assert log.stat().st_size == 0


def test_a_process_that_is_killed_again_and_again_leaves_no_log_that_grows(sqlite: SqliteStore, tmp_path: Path) -> None:
    found = sqlite
    longest = 0
    for life in range(6):  # none lives until its first checkpoint
        found.commit([append(f"s{life}", index=row(f"s{life}", summary=b"x" * 3_000_000))])
        left = tmp_path / f"life{life}" / "tocsin.db"
        left.parent.mkdir()
        for file in found.path.parent.glob("tocsin.db*"):
            if file.suffix != ".lock":
                shutil.copy(file, left.parent / file.name)
        found.close()
        longest = max(longest, left.with_name("tocsin.db-wal").stat().st_size)
        found = SqliteStore(left, ManualClock(T0))

    assert longest < 12 * 1024 * 1024
    assert [found.index(TENANT, f"s{n}") is not None for n in range(6)] == [True] * 6
    found.close()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "tocsin.db").write_bytes(b"something else" * 1000)

    with pytest.raises(SchemaError, match=r"tocsin\.db: expected a SQLite database, got: file is not a database"):
        SqliteStore(tmp_path / "tocsin.db", clock)


# --- the schema


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    db = connect(tmp_path / "a.db")

    assert migrate(db) == migrate(db) == migrations()[-1][0]
    db.close()


def test_a_schema_of_a_newer_release_is_refused(sqlite: SqliteStore, clock: ManualClock) -> None:
    sqlite.close()
    db = connect(sqlite.path)
    db.execute("INSERT INTO schema_version VALUES (9999)")
    db.close()

    with pytest.raises(SchemaError, match="got 9999; a newer Tocsin wrote it"):
        SqliteStore(sqlite.path, clock)


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _ in migrations()] == list(range(1, len(migrations()) + 1))


def test_a_migration_applies_completely_or_not_at_all(tmp_path: Path) -> None:
    broken = [(1, "CREATE TABLE a (x);\nCREATE TABLE a (x);\n")]
    db = connect(tmp_path / "a.db")

    with pytest.raises(sqlite3.OperationalError):
        migrate(db, broken)

    assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()


def test_a_script_is_split_at_statements_not_at_semicolons() -> None:
    script = "-- one; two\nCREATE TABLE a (x DEFAULT 'a;b');\nINSERT INTO a\nVALUES (';');\n"

    assert len(list(statements(script))) == 2


# --- what is asked all the time reads only what it needs


@pytest.mark.parametrize(
    "query",
    [
        "SELECT tenant, stream, wake_us FROM streams WHERE wake_us <= 5 ORDER BY wake_us, tenant, stream LIMIT 5",
        "SELECT min(wake_us) FROM streams WHERE wake_us IS NOT NULL",
        "SELECT * FROM streams WHERE tenant = 'a' ORDER BY opened_us DESC, stream DESC LIMIT 5",
        "SELECT * FROM streams WHERE tenant = 'a' AND (opened_us, stream) < (5, 's') "
        "ORDER BY opened_us DESC, stream DESC LIMIT 5",
        "SELECT * FROM streams WHERE tenant = 'a' AND status = 'x' ORDER BY opened_us DESC, stream DESC LIMIT 5",
        "SELECT * FROM streams WHERE tenant = 'a' AND category = 'x' COLLATE NOCASE "
        "ORDER BY opened_us DESC, stream DESC LIMIT 5",
        "SELECT tenant, person FROM lines WHERE notice = 0 AND ready_us <= 5 ORDER BY ready_us, tenant, person LIMIT 5",
        "SELECT min(ready_us) FROM lines WHERE notice = 1",
        "SELECT page FROM owed WHERE tenant = 'a' AND person = 'b' AND turn = 0 AND due_us <= 5 "
        "ORDER BY due_us, page, method LIMIT 1",
        "SELECT min(due_us) FROM owed WHERE tenant = 'a' AND person = 'b' AND turn = 0",
        "SELECT page FROM owed WHERE lease = 5",
        "DELETE FROM owed WHERE tenant = 'a' AND page = 'p'",
        "SELECT at_us FROM sends WHERE tenant = 'a' AND person = 'b' ORDER BY at_us DESC LIMIT 5",
        "DELETE FROM sends WHERE at_us <= 5",
    ],
)
def test_a_frequent_question_is_answered_from_an_index(sqlite: SqliteStore, query: str) -> None:
    sqlite.commit([append()])
    db = connect(sqlite.path, read_only=True)
    plan = [detail for *_, detail in db.execute(f"EXPLAIN QUERY PLAN {query}")]
    db.close()

    assert all(step.startswith("SEARCH") and "USING" in step for step in plan), plan


@pytest.mark.slow
def test_claiming_stays_quick_when_a_hundred_thousand_pages_wait(sqlite: SqliteStore) -> None:
    """Counted in SQLite's own steps rather than seconds: some waiting for one throttled person, some for later."""
    for n in range(100):
        pages = [page(f"p{n:03}{m:03}") for m in range(500)]
        later = [page(f"q{n:03}{m:03}", ("email", "b", T0 + minutes(600)), person=f"b{m}") for m in range(500)]
        sqlite.commit([append(f"s{n}", index=row(f"s{n}"), pages=(*pages, *later))])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    sqlite._db.set_progress_handler(count, 100)
    first = sqlite.claim_pages(T0, 50, 60)
    second = sqlite.claim_pages(T0, 50, 60)
    sqlite._db.set_progress_handler(None, 0)

    assert (len(first), len(second)) == (5, 0)
    assert steps < 2_000


# --- crashes

WRITER = """
import sys
from pathlib import Path
from tests.store.given import T0, append, page
from tocsin.clock import ManualClock
from tocsin.store.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]), ManualClock(T0))
for n in range(100_000):
    stream = f"s{n}"
    store.commit([append(stream, facts=3, wake_at=T0, pages=(page(f"p{n}"),))], consumed=n + 1)
    print(n + 1, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("crash", range(CRASHES))
def test_a_killed_writer_keeps_exactly_what_it_committed(tmp_path: Path, clock: ManualClock, crash: int) -> None:
    path = tmp_path / "tocsin.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert writer.stdout is not None
    told = 0
    for line in writer.stdout:
        told = int(line)
        if told == 20 + 17 * crash:
            writer.send_signal(signal.SIGKILL)
            break
    told = max([told, *(int(line) for line in writer.stdout.read().split(b"\n")[:-1] if line)])
    writer.stdout.close()
    writer.wait()

    store = SqliteStore(path, clock)
    kept = store.consumed()
    rows = len(store.listing(TENANT, limit=100_000)[0])

    assert told <= kept <= told + 1
    assert rows == kept
    assert all(len(store.facts(TENANT, f"s{n}")) == 3 for n in range(kept))
    assert len(store.due(T0, 100_000)) == kept
    assert connect(path, read_only=True).execute("SELECT count(*) FROM owed").fetchone() == (kept,)
    store.close()
