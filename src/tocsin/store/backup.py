"""A copy of the whole data directory while the server runs, and the way back.

The order decides what is lost. The database is copied first, the other files, the journal among them, afterwards. The
copied database says up to which journal position its contents reach; everything after that was accepted later, so it
is still in the journal that is copied later, and is digested when the copy starts. The other order would lose alerts:
a database that has consumed more than the copied journal holds would skip as many new entries as old ones are missing.
What was digested between the two copies is digested again, and pages that were sent in between are sent again.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import sqlite3
import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import msgspec

from tocsin.store.migrate import SchemaError, migrations, schema_version
from tocsin.store.reading import consumed
from tocsin.store.restored import RESTORED, Restored
from tocsin.store.sqlite import connect, owned

DATABASE = "tocsin.db"
MANIFEST = "manifest.json"
CHUNK = 1 << 20
_LOCK = f"{DATABASE}.lock"
SIGNER = "signer"
TENANTS = "tenants"  # directories of other organisations, each like this one
# Made anew by every start; and what the signer knows, which a backup must not be able to turn back.
_LEFT_OUT = (f"{DATABASE}-wal", f"{DATABASE}-shm", _LOCK, "cli.token", "cli.url", SIGNER)
_HIDDEN = "."  # names that begin so are ours while we work, or put aside by an earlier restore


class BackupError(Exception):
    """The backup or the restore was not done; the text says why and what to do."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing in a backup: what it holds. `consumed` is the journal position the database reaches to."""

    made_at: datetime
    schema: int
    consumed: int
    database_sha256: str
    database_bytes: int


def backup(data: Path, target: Path, at: datetime) -> Manifest:
    """`target` is a complete, compressed copy of the data directory, readable by its owner only, and on disk. The
    tenants in it are copied one after the other, each as a data directory of its own.

    The server may run meanwhile. Raises BackupError when there is no database, or `target` exists.
    """
    if not (data / DATABASE).is_file():
        raise BackupError(f"{data}: expected a data directory with {DATABASE}, found none")
    if target.exists():
        raise BackupError(f"{target}: exists already; choose another name")
    part = target.with_name(f".{target.name}.part")
    copy = target.with_name(f".{target.name}.db")
    try:
        with _private(part) as out:
            with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as archive:
                manifest, *_ = [_add_house(archive, data, house, copy, at) for house in houses(data)]
            out.flush()
            os.fsync(out.fileno())
        part.rename(target)
    finally:
        for leftover in (copy, part):
            leftover.unlink(missing_ok=True)
    return manifest


def houses(data: Path) -> list[Path]:
    """The data directory, and those of the tenants in it."""
    return [data, *sorted(path.parent for path in (data / TENANTS).glob(f"*/{DATABASE}"))]


def _add_house(archive: tarfile.TarFile, data: Path, house: Path, copy: Path, at: datetime) -> Manifest:
    manifest = _copy_database(house / DATABASE, copy, at)
    inside = house.relative_to(data)
    _add_bytes(archive, (inside / MANIFEST).as_posix(), msgspec.json.encode(manifest), at)
    archive.add(copy, (inside / DATABASE).as_posix(), recursive=False)
    for path in _other_files(house):
        archive.add(path, path.relative_to(data).as_posix(), recursive=False)
    return manifest


def restore(source: Path, data: Path, at: datetime, *, force: bool = False, keep_tokens: bool = False) -> Manifest:
    """The data directory is what the backup holds. With `force`, what was there is put aside in a directory of it
    whose name begins with `.before-restore`; nothing is deleted. `keep_tokens`: its tokens count at once.

    Raises BackupError when the backup is damaged or the directory is not empty, DataInUse when a server runs on it.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    ours = (_HIDDEN, _LOCK, SIGNER)
    present = [each for each in sorted(data.iterdir()) if not each.name.startswith(ours)]
    if present and not force:
        raise BackupError(f"{data}: expected an empty directory, got one with {present[0].name}; use --force")
    fresh = data / ".restoring"
    with owned(data / DATABASE):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            _extract(source, fresh)
            manifest, *_ = made = [_checked(house) for house in houses(fresh)]
            inside = [house.relative_to(fresh) for house in houses(fresh)]
            aside = data / f".before-restore-{at:%Y%m%dT%H%M%S}"
            if present:
                aside.mkdir(mode=0o700)
                for path in present:
                    path.rename(aside / path.name)
            for path in sorted(fresh.iterdir()):
                path.rename(data / path.name)
            _keep_signers(aside, data)
            for house, each in zip(inside, made, strict=True):
                said = Restored(made_at=each.made_at, restored_at=at, keep_tokens=keep_tokens)
                (data / house / RESTORED).write_bytes(msgspec.json.encode(said))
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return manifest


def _keep_signers(aside: Path, data: Path) -> None:
    """What the signers of tenants know stays where it is, as that of the installation does."""
    for signer in aside.glob(f"{TENANTS}/*/{SIGNER}"):
        place = data / TENANTS / signer.parent.name
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        signer.rename(place / SIGNER)


def check(path: Path) -> int:
    """The schema version of a sound database. Raises BackupError for a damaged file, SchemaError for a newer one."""
    try:
        with closing(connect(path, read_only=True)) as db:
            (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
            version = schema_version(db)
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{path.name}: expected a SQLite database, got: {error}") from None
    if verdict != "ok":
        raise BackupError(f"{path.name}: damaged: {verdict}")
    newest = migrations()[-1][0]
    if not 0 < version <= newest:
        raise SchemaError(f"{path.name}: expected a schema from 1 to {newest}, got {version}")
    return version


def _copy_database(source: Path, copy: Path, at: datetime) -> Manifest:
    _private(copy).close()
    with closing(connect(source, read_only=True)) as db, closing(sqlite3.connect(copy)) as into:
        db.backup(into)
        into.execute("PRAGMA journal_mode = DELETE")  # one file: nothing of the copy may stay behind in a WAL
        version, position = schema_version(into), consumed(into)
    return Manifest(
        made_at=at,
        schema=version,
        consumed=position,
        database_sha256=_sha256(copy),
        database_bytes=copy.stat().st_size,
    )


def _other_files(data: Path) -> Iterator[Path]:
    """Everything else in the data directory; a backup that is being written in there has a hidden name."""
    for path in sorted(data.rglob("*")):
        parts = path.relative_to(data).parts
        ours = parts[0] in (DATABASE, TENANTS, *_LEFT_OUT) or any(part.startswith(_HIDDEN) for part in parts)
        if path.is_file() and not path.is_symlink() and not ours:
            yield path


def _add_bytes(archive: tarfile.TarFile, name: str, body: bytes, at: datetime) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(body), 0o600, int(at.timestamp())
    archive.addfile(info, io.BytesIO(body))


def _extract(source: Path, into: Path) -> None:
    """The files of the archive, and nothing outside of `into`, whatever the archive says."""
    try:
        with gzip.open(source) as plain, tarfile.open(fileobj=plain, mode="r:") as archive:
            for member in _files(archive):
                body = archive.extractfile(member)
                assert body is not None, "a regular file has a body"
                path = into / member.name
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with body, _private(path) as out:
                    shutil.copyfileobj(body, out, CHUNK)
                    out.flush()
                    os.fsync(out.fileno())
            while plain.read(CHUNK):  # the checksum stands at the very end, behind the archive's last block
                pass
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise BackupError(f"{source}: expected a backup made by `tocsin backup`, got: {error}") from None


def _files(members: Iterable[tarfile.TarInfo]) -> Iterator[tarfile.TarInfo]:
    for member in members:
        parts = PurePosixPath(member.name).parts
        if not member.isreg() or not parts or member.name.startswith("/") or ".." in parts:
            raise tarfile.TarError(f"{member.name!r} is no plain file of a data directory")
        yield member


def _checked(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.MsgspecError) as error:
        raise BackupError(f"{MANIFEST}: expected one written by `tocsin backup`, got: {error}") from None
    database = folder / DATABASE
    if not database.is_file() or _sha256(database) != manifest.database_sha256:
        raise BackupError(f"{DATABASE}: it is not the file that was backed up; the backup is damaged")
    check(database)
    (folder / MANIFEST).unlink()
    return manifest


def _private(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
