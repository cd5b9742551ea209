"""A backup made while the server runs is the whole data directory, and only a sound one is restored."""

from __future__ import annotations

import io
import stat
import tarfile
from pathlib import Path

import pytest

from tests.store.given import T0, TENANT, append
from tocsin.clock import ManualClock
from tocsin.store.backup import BackupError, backup, check, restore
from tocsin.store.migrate import migrations
from tocsin.store.sqlite import DataInUse, SqliteStore


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "journal").mkdir(parents=True)
    (folder / "journal" / "0001.seg").write_bytes(b"entries")
    (folder / "secret").write_bytes(b"key")
    (folder / "cli.token").write_text("only for this start")
    return folder


@pytest.fixture
def running(data: Path, clock: ManualClock) -> SqliteStore:
    store = SqliteStore(data / "tocsin.db", clock)
    store.commit([append(facts=3)], consumed=5)
    return store


def test_a_backup_of_a_running_server_restores_to_the_same(running: SqliteStore, data: Path, tmp_path: Path) -> None:
    manifest = backup(data, tmp_path / "backup.tgz", T0)
    running.commit([append("later")])
    running.close()

    again = tmp_path / "again"
    assert restore(tmp_path / "backup.tgz", again, T0) == manifest

    store = SqliteStore(again / "tocsin.db", ManualClock(T0))
    assert manifest.consumed == store.consumed() == 5
    assert len(store.facts(TENANT, "s")) == 3
    assert store.index(TENANT, "later") is None
    store.close()
    assert (again / "journal" / "0001.seg").read_bytes() == b"entries"
    assert (again / "secret").read_bytes() == b"key"
    assert not (again / "cli.token").exists()
    assert not list(again.glob(".restoring*"))


def test_a_backup_works_when_no_server_runs(running: SqliteStore, data: Path, tmp_path: Path) -> None:
    running.close()

    assert backup(data, tmp_path / "backup.tgz", T0).consumed == 5


def test_a_backup_is_private_and_leaves_nothing_else_behind(running: SqliteStore, data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()

    backup(data, folder / "backup.tgz", T0)
    running.close()

    assert [each.name for each in folder.iterdir()] == ["backup.tgz"]
    assert stat.S_IMODE((folder / "backup.tgz").stat().st_mode) == 0o600


def test_a_backup_does_not_overwrite(running: SqliteStore, data: Path, tmp_path: Path) -> None:
    (tmp_path / "backup.tgz").write_bytes(b"precious")

    with pytest.raises(BackupError, match="exists already"):
        backup(data, tmp_path / "backup.tgz", T0)
    running.close()

    assert (tmp_path / "backup.tgz").read_bytes() == b"precious"


def test_there_is_nothing_to_back_up_in_an_empty_directory(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"expected a data directory with tocsin\.db"):
        backup(tmp_path, tmp_path / "backup.tgz", T0)


def test_a_directory_with_something_in_it_is_kept_unless_forced(
    running: SqliteStore, data: Path, tmp_path: Path
) -> None:
    backup(data, tmp_path / "backup.tgz", T0)
    running.commit([append("later")])
    running.close()

    with pytest.raises(BackupError, match="use --force"):
        restore(tmp_path / "backup.tgz", data, T0)
    restore(tmp_path / "backup.tgz", data, T0, force=True)

    store = SqliteStore(data / "tocsin.db", ManualClock(T0))
    assert store.index(TENANT, "later") is None
    store.close()
    aside = data / ".before-restore-20261123T030000"
    assert check(aside / "tocsin.db") == migrations()[-1][0]
    assert (aside / "secret").read_bytes() == b"key"


def test_a_directory_that_is_served_is_not_restored_into(running: SqliteStore, data: Path, tmp_path: Path) -> None:
    backup(data, tmp_path / "backup.tgz", T0)

    with pytest.raises(DataInUse):
        restore(tmp_path / "backup.tgz", data, T0, force=True)
    running.close()


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "overwritten"])
def test_a_damaged_backup_changes_nothing(running: SqliteStore, data: Path, tmp_path: Path, damage: str) -> None:
    source = tmp_path / "backup.tgz"
    backup(data, source, T0)
    running.close()
    body = source.read_bytes()
    middle = len(body) // 2
    source.write_bytes(
        {
            "empty": b"",
            "text": b"not a backup",
            "cut": body[:middle],
            "overwritten": body[:middle] + bytes(64) + body[middle + 64 :],  # one bit of a run may mean the same bytes
        }[damage]
    )

    with pytest.raises(BackupError):
        restore(source, data, T0, force=True)

    assert check(data / "tocsin.db") == migrations()[-1][0]
    assert not list(data.glob(".*"))


def test_an_archive_cannot_write_outside_of_the_data_directory(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tgz", "w:gz") as archive:
        info = tarfile.TarInfo("../outside")
        info.size = 4
        archive.addfile(info, io.BytesIO(b"evil"))

    with pytest.raises(BackupError, match="no plain file of a data directory"):
        restore(tmp_path / "evil.tgz", tmp_path / "data", T0)

    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "tocsin.db").write_bytes(b"something else" * 1000)

    with pytest.raises(BackupError, match=r"tocsin\.db: expected a SQLite database"):
        check(tmp_path / "tocsin.db")
