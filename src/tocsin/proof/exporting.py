"""The audit trail as one file that proves itself: `python3 EXPORT.zip` checks it with nothing of Tocsin installed."""

from __future__ import annotations

import base64
import io
import json
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from importlib.resources import files
from typing import BinaryIO

from tocsin.audit import known_keys, with_contents
from tocsin.core import ledger
from tocsin.ports import Store
from tocsin.verifier import Row, Signed

SPOOL_BYTES = 16 * 1024 * 1024

README = """The audit trail of {tenant}, {count} entries, written {at} by Tocsin {version}.

Verify it (Python 3.11 or newer, and the package `cryptography`):

    python3 {name} --key KEY --anchor CHECKPOINT

KEY is the verifier key as you wrote it down when the log began, CHECKPOINT a file or directory of checkpoints that
somebody else kept. Without them the file can only vouch for itself. Exit status: 0 valid, 1 violations, 4 undecided.

entries.ndjson   the exact bytes of every entry, a line each
links.txt        number, microseconds since 1970 (UTC), chain hash, salt
contents.ndjson  what the entries commit to (base64), as far as it was not erased
checkpoints/     signed heads of the log (C2SP signed notes), anchors/ those that were kept outside
keys.txt         the verifier keys that the installation used
"""


def export(
    store: Store,
    tenant: str,
    out: BinaryIO,
    *,
    name: str,
    version: str,
    at: datetime,
    anchored: Sequence[Signed] = (),
    incident: str | None = None,
) -> int:
    """How many entries the file holds. With `incident` (a stream's id), only those of it, each with the proof that it
    is in the log. Raises ValueError when such a proof needs a checkpoint and there is none."""
    size = store.audit_head(tenant).size
    kept = store.checkpoints(tenant)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        if incident is None:
            count = _entries(archive, with_contents(store, tenant))
        else:
            if not kept:
                raise ValueError("incident: a part of the log is proven by a checkpoint, and there is none yet")
            found = [row for row in with_contents(store, tenant) if _of(row, incident) and row.seq < kept[-1].size]
            count = _entries(archive, iter(found))
            leaves = [ledger.leaf_hash(each.body) for each in store.audit_entries(tenant, 0, kept[-1].size)]
            proofs = ((row.seq, ledger.inclusion(leaves, row.seq)) for row in found)
            lines = [json.dumps({"seq": seq, "path": [each.hex() for each in path]}) for seq, path in proofs]
            archive.writestr("proofs.ndjson", "".join(f"{line}\n" for line in lines))
        for each in kept:
            archive.writestr(f"checkpoints/{each.size:012d}.note", each.note)
        for n, note in enumerate(dict.fromkeys(held.note for held in anchored)):
            archive.writestr(f"anchors/{n:06d}.note", note)
        archive.writestr("keys.txt", "".join(f"{key}\n" for key in known_keys(store, tenant)))
        about = {"tenant": tenant, "entries": size, "exported_at": at.isoformat(), "version": version}
        archive.writestr("about.json", json.dumps(about, indent=2))
        archive.writestr("README.txt", README.format(tenant=tenant, count=count, at=at, version=version, name=name))
        archive.writestr("tocsin/__init__.py", "")
        archive.writestr("tocsin/verifier.py", _source("verifier.py"))
        archive.writestr("__main__.py", _source("verify_export.py"))
    return count


def _of(row: Row, incident: str) -> bool:
    said = ledger.decode(row.body)
    return said.resource_type == "incident" and said.resource.rpartition("/")[0] == incident


def _source(name: str) -> str:
    return files("tocsin").joinpath(name).read_text("utf-8")


def _entries(archive: zipfile.ZipFile, rows: Iterator[Row]) -> int:
    """The three files of entries. A zip is written file by file, so the other two wait on disk or, small, in memory."""
    count = 0
    with ExitStack() as stack:
        links = stack.enter_context(tempfile.SpooledTemporaryFile(SPOOL_BYTES))
        contents = stack.enter_context(tempfile.SpooledTemporaryFile(SPOOL_BYTES))
        with archive.open("entries.ndjson", "w", force_zip64=True) as bodies:
            for row in rows:
                bodies.write(row.body + b"\n")
                salt = f" {row.salt.hex()}" if row.salt is not None else ""
                links.write(f"{row.seq} {row.recorded_us} {row.link.hex()}{salt}\n".encode())
                if row.content is not None:
                    said = {"seq": row.seq, "content": base64.b64encode(row.content).decode()}
                    contents.write(json.dumps(said).encode() + b"\n")
                count += 1
        for name, waiting in (("links.txt", links), ("contents.ndjson", contents)):
            waiting.seek(0)
            with archive.open(name, "w", force_zip64=True) as into:
                while chunk := waiting.read(io.DEFAULT_BUFFER_SIZE * 16):
                    into.write(chunk)
    return count
