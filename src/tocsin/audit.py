"""The audit trail, asked from outside: is it whole, and what is in it.

    from tocsin.audit import AuditService
    valid, violations = AuditService.verify_chain(db, tenant_id="demo")

`db` is a store, a SQLite connection, or the path of a database or of a data directory with one; it is read in one
snapshot and never written.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tocsin.clock import SystemClock
from tocsin.core import ledger
from tocsin.core.access import ROLES
from tocsin.core.erasing import blanks_of
from tocsin.core.tenants import NAME
from tocsin.ports import Store
from tocsin.store.snapshot import Snapshot
from tocsin.store.sqlite import connect
from tocsin.verifier import Report, Row, Signed, Violation, numbers, parse_head, sound, verify
from tocsin.verify_export import read_held

__all__ = ["AuditService", "Report", "Violation", "audited", "held_by", "known_keys", "opened", "with_contents"]

WRITES = ("created", "changed", "deleted")  # what an entry about a document says of it
WITH_ROLE = ("account", "session", "sign-in", "token")  # documents that say what somebody may

Database = Store | Snapshot | sqlite3.Connection | str | Path


class AuditService:
    """The name that guides call. Everything here reads; nothing is accepted for lack of evidence."""

    @staticmethod
    def verify_chain(
        db: Database,
        tenant_id: str,
        *,
        anchors: Sequence[str | Path] = (),
        trusted_keys: Sequence[str] | None = None,
    ) -> tuple[bool, list[Violation]]:
        """Whether the tenant's log is whole, and every violation found (at most `verifier.VIOLATIONS_MAX`).

        An unknown tenant is not valid, nor is an empty log of which a checkpoint exists. `trusted_keys` None: the keys
        the installation names. `anchors`: files or directories with checkpoints that were kept elsewhere.
        """
        report = audited(db, tenant_id, anchors=anchors, trusted_keys=trusted_keys)
        problems = [Violation("not_verified", each) for each in report.problems]
        return report.valid, [*report.violations, *problems]


def audited(
    db: Database,
    tenant_id: str,
    *,
    anchors: Sequence[str | Path] = (),
    trusted_keys: Sequence[str] | None = None,
) -> Report:
    """The whole report. Raises OSError, ValueError for an anchor that cannot be read."""
    outside = [each for path in anchors for each in read_held(Path(path))]
    with opened(_house(db, tenant_id)) as store:
        held = [*held_by(store, tenant_id), *outside]
        if not store.audit_head(tenant_id).size and not held:
            report = Report()
            report.add("unknown_tenant", f"there is no log of {tenant_id!r}")
            return report
        keys = known_keys(store, tenant_id) if trusted_keys is None else trusted_keys
        links, plain = store.audit_links(tenant_id), store.audit_plain(tenant_id)
        report = verify(links, plain, held, keys, opened=lambda row: with_content(store, tenant_id, row))
        if report.entries != store.audit_head(tenant_id).size:
            report.add(
                "truncated", f"{store.audit_head(tenant_id).size} entries were written, {report.entries} are here"
            )
        _check_origins(held, tenant_id, report)
        _check_rest(store, tenant_id, report)
    return report


def _check_origins(held: Sequence[Signed], tenant: str, report: Report) -> None:
    """Checkpoints are of this tenant's log: another's, moved here with its entries, fits them perfectly."""
    for each in held:
        try:
            origin = parse_head(each.note).origin
        except ValueError:
            continue  # said already
        if origin.rpartition("/")[2] != tenant:
            report.add("foreign_checkpoint", f"expected one of the log of {tenant}, got one of {origin}", 0, each.name)
            return


def database_of(path: Path, tenant: str) -> Path:
    """The database with the tenant's log: its own, where the installation at `path` has given it one."""
    own = path.parent / "tenants" / tenant / path.name
    return own if NAME.fullmatch(tenant) and own.is_file() else path


def _house(db: Database, tenant: str) -> Database:
    if isinstance(db, sqlite3.Connection):
        file = next((row[2] for row in db.execute("PRAGMA database_list") if row[1] == "main"), "")
        own = database_of(Path(file), tenant) if file else None
        return own if own is not None and own != Path(file) else db
    if not isinstance(db, str | Path):
        return db
    path = Path(db)
    return database_of(path / "tocsin.db" if path.is_dir() else path, tenant)


@contextmanager
def opened(db: Database) -> Iterator[Store]:
    """One moment of the database, to read from."""
    if isinstance(db, str | Path):
        with closing(connect(Path(db), read_only=True)) as own, opened(own) as store:
            yield store
    elif isinstance(db, sqlite3.Connection):
        fresh = not db.in_transaction
        if fresh:
            db.execute("BEGIN")
        try:
            yield Snapshot(SystemClock(), db)
        finally:
            if fresh:
                db.execute("ROLLBACK")
    else:
        moment: AbstractContextManager[Any] = db.reading() if hasattr(db, "reading") else nullcontext(db)
        with moment as store:
            yield store


def held_by(store: Store, tenant: str) -> list[Signed]:
    """The checkpoints that stand beside the log itself."""
    return [Signed(note=each.note, name=f"checkpoint {each.size}") for each in store.checkpoints(tenant)]


def known_keys(store: Store, tenant: str) -> list[str]:
    """The verifier keys that the installation has used, newest last; none where no list of keys stands there."""
    body = store.get(tenant, "audit-key", "keys")
    try:
        return msgspec.json.decode(body, type=list[str]) if isinstance(body, bytes) else []
    except msgspec.MsgspecError:
        return []


def rows(store: Store, tenant: str) -> Iterator[Row]:
    return map(Row._make, sound(store.audit_plain(tenant)))


def with_contents(store: Store, tenant: str) -> Iterator[Row]:
    """The entries with what they commit to."""
    return (with_content(store, tenant, row) for row in rows(store, tenant))


def with_content(store: Store, tenant: str, row: Row) -> Row:
    """The entry with what it commits to: a fact is kept with its incident, a deleted document's end is nothing."""
    if row.content is not None or row.salt is None:
        return row
    said = _said(row)
    if said is None or said.resource_type != "incident":
        return row  # the record of a credential is not shown; the document itself is compared below
    stream, _, version = said.resource.rpartition("/")
    if not version.isdecimal():
        return row
    fact = store.fact_body(tenant, stream, int(version))
    return row._replace(content=fact if isinstance(fact, bytes | None) else b"")


def _said(row: Row) -> ledger.Body | None:
    """What the entry says; None for a body that was spoilt, which the chain has reported already."""
    try:
        return ledger.decode(row.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _check_rest(store: Store, tenant: str, report: Report) -> None:
    """What is in the database is in the log: documents as they were last written, and every fact with its entry."""
    newest: dict[tuple[str, str], Newest] = {}
    counts: dict[str, int] = {}
    blanked: dict[str, tuple[int, str]] = {}
    erased: set[int] = set()
    for row in rows(store, tenant):
        said = _said(row)
        if said is None:
            continue
        if said.resource_type == "incident":
            stream, _, version = said.resource.rpartition("/")
            counts[stream] = max(counts.get(stream, 0), int(version) if version.isdecimal() else 0)
        elif said.action.removeprefix(f"{said.resource_type}.") in WRITES:  # a failed sign-in only speaks of it
            newest[said.resource_type, said.resource] = Newest(row.seq, said.action, said.commitment, row.salt)
        if said.action == ledger.ERASED:
            erased |= numbers(said.resource, report.entries)
            blanked |= {name: (row.seq, digest) for name, digest in blanks_of(row.content).items()}
    _check_documents(store, tenant, newest, erased, report)
    _check_facts(store, tenant, counts, report)
    _check_blanks(store, tenant, blanked, report)


def _check_facts(store: Store, tenant: str, counts: dict[str, int], report: Report) -> None:
    """Each fact that is read when a stream is loaded has its entry, whether or not the stream is listed anywhere."""
    for stream, found, first, last in store.fact_counts(tenant):
        recorded = counts.get(stream, 0)
        if (found, first, last) == (recorded, 1, recorded):
            continue
        if last > recorded or first < 1:
            report.add("unrecorded_fact", f"incident {stream}: fact {last if first else first} has no entry")


def _check_blanks(store: Store, tenant: str, blanked: dict[str, tuple[int, str]], report: Report) -> None:
    """What an erasure left of a fact is what it left."""
    for resource, (seq, digest) in blanked.items():
        stream, _, version = resource.rpartition("/")
        body = store.fact_body(tenant, stream, int(version)) if version.isdecimal() else None
        if not isinstance(body, bytes) or sha256(body).hexdigest() != digest:
            report.add("content_mismatch", f"{resource} is not what an erasure left of it", seq)


class Newest(NamedTuple):
    """The last entry about a document."""

    seq: int
    action: str
    commitment: str
    salt: bytes | None


def _check_documents(
    store: Store, tenant: str, newest: dict[tuple[str, str], Newest], erased: set[int], report: Report
) -> None:
    kinds = {kind for kind, _ in newest if not kind.startswith("log")} | set(store.kinds(tenant))
    there = set()
    for kind in sorted(kinds):
        for name, value in store.items(tenant, kind):
            there.add((kind, name))
            if ledger.of_document(kind, name, "", value, existed=False) is None:
                continue  # nobody administers it
            last = newest.get((kind, name))
            if last is None:
                report.add("unrecorded_document", f"{kind} {name}: no entry says who wrote it")
            elif last.commitment and last.salt is not None:
                wrong = _difference(kind, value, last.commitment, last.salt)
                if wrong:
                    report.add("document_mismatch", f"{kind} {name} {wrong}", last.seq)
            elif not last.commitment:
                report.add("document_mismatch", f"{kind} {name} was deleted, and is there", last.seq)
            elif last.seq not in erased:
                report.add("content_missing", f"{kind} {name}: the salt to compare it with is gone", last.seq)
    for (kind, name), last in newest.items():
        if (kind, name) not in there and not last.action.endswith(".deleted"):
            report.add("document_missing", f"{kind} {name} is gone, and no entry says who deleted it", last.seq)


def _difference(kind: str, value: Any, commitment: str, salt: bytes) -> str:
    """In what a document is not what was recorded; empty: in nothing. The log holds no credential's record, only what
    it committed to, so a role that was changed behind it is found by trying the others."""
    said = "is not what was recorded"
    if type(value) is not bytes or type(salt) is not bytes:
        return said
    shapes = ledger.as_recorded(kind, value)
    if any(ledger.opens(commitment, salt, each) for each in shapes):
        return ""
    if kind not in WITH_ROLE:
        return said
    for shape in shapes:
        try:
            found = msgspec.json.decode(shape)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return said
        for role in (*ROLES, "admin") if isinstance(found, dict) and "role" in found else ():
            if ledger.opens(commitment, salt, msgspec.json.encode(found | {"role": role})):
                return f"says the role {str(found['role'])[:40]}, and {role} was recorded"
    return said
