"""Evidence as one sealed file that proves itself: `python3 BUNDLE.zip` checks it with nothing of Tocsin installed.

The order makes the seal. The manifest names every item by its hash; the manifest's own hash becomes a fact; the audit
trail that holds the fact is signed; the trail's proofs go into the bundle. Items are streamed: none of them is ever
whole in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import IO, TYPE_CHECKING, Any

import msgspec

from tocsin.core import evidence as e
from tocsin.core.evidence import Item
from tocsin.core.evidence_views import custody_of
from tocsin.core.incident import Incident
from tocsin.core.view import TimelineItem, timeline
from tocsin.ports import Store
from tocsin.proof.exporting import export as exported_trail
from tocsin.verify_bundle import AUDIT, MANIFEST, SEAL

if TYPE_CHECKING:
    from tocsin.proof.custody import Custody, Office

SPOOL_BYTES = 16 * 1024 * 1024
MOMENT = (1980, 1, 1, 0, 0, 0)  # of every member: what was collected when is in the manifest
ITEMS_FOLDER = "items"
VERIFIER = ("verifier.py", "verify_export.py", "verify_bundle.py")

README = """Evidence of {reference}: {title}

{count} items, exported by {by} at {at} with Tocsin {version}.{purpose}

Verify it (Python 3.11 or newer, and the package `cryptography`), in any directory, offline:

    python3 {name} --key KEY --anchor CHECKPOINT

KEY is the verifier key as it was written down when the log began, CHECKPOINT a file or directory of checkpoints that
somebody else kept. Without them the file can only vouch for itself. Exit status: 0 valid, 1 violations, 4 undecided.

items/           the content, as it was kept (secrets that were taken out are marked [redacted:...])
manifest.json    hash, size and custody of every item
timeline.ndjson  everything that happened in the incident, up to the export
audit.zip        the audit trail of the incident with proofs and signatures; `python3 audit.zip` verifies it alone
"""


async def bundle(
    office: Office,
    custody: Custody,
    seal: Callable[[], Awaitable[bool]],
    incident: Incident,
    items: tuple[int, ...],
    *,
    by: str,
    purpose: str,
) -> tuple[str, AsyncIterator[bytes]]:
    """The name and the bytes of a bundle of these items, or of all that are there. Raises ValueError, Refused."""
    tenant, engine = office.tenant, office.engine
    wanted = items or tuple(each.item for each in incident.evidence.items.values() if each.removed_at is None)
    if not wanted:
        raise ValueError(f"items: expected evidence, {incident.reference} has none")
    missing = [number for number in wanted if number not in incident.evidence.items]
    if missing:
        raise ValueError(f"items: expected evidence of {incident.reference}, got {missing[0]}")
    chosen = [incident.evidence.items[number] for number in dict.fromkeys(wanted)]
    history = timeline(await office.read(lambda store: store.facts(tenant, incident.id)))
    name = f"{incident.reference}-evidence.zip"
    small = _small(incident, chosen, history, name=name, by=by, purpose=purpose, at=office.clock.now().isoformat())
    manifest = _manifest(incident, chosen, history, small)
    command = e.ExportEvidence(
        by=by,
        items=tuple(each.item for each in chosen),
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        purpose=purpose,
    )
    await office.run(lambda _: engine.handle(tenant, incident.id, command))
    trail = await _proofs(office, seal, incident)
    return name, _bytes(custody, chosen, {MANIFEST: manifest, **small}, trail)


def _small(
    incident: Incident, chosen: Sequence[Item], history: Sequence[TimelineItem], **about: str
) -> dict[str, bytes]:
    """Every member that is neither content nor proof."""
    purpose = f"\nPurpose: {about['purpose']}" if about["purpose"] else ""
    words = about | {"purpose": purpose, "version": version("tocsin")}
    readme = README.format(reference=incident.reference, title=incident.title, count=len(chosen), **words)
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in history)
    found = {"README.txt": readme.encode(), "timeline.ndjson": lines, "tocsin/__init__.py": b""}
    found |= {f"tocsin/{name}": _source(name) for name in VERIFIER}
    return found | {"__main__.py": _source("verify_bundle.py")}


def _manifest(
    incident: Incident, chosen: Sequence[Item], history: Sequence[TimelineItem], small: dict[str, bytes]
) -> bytes:
    custody = {item.item: [msgspec.to_builtins(each) for each in custody_of(item.item, history)] for item in chosen}
    said = {
        "incident": incident.id,
        "reference": incident.reference,
        "items": [
            {"file": file_of(item), **msgspec.to_builtins(item), "custody": custody[item.item]} for item in chosen
        ],
        "files": [
            {"file": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in small.items()
        ],
    }
    return json.dumps(said, indent=2, ensure_ascii=False).encode()


def file_of(item: Item) -> str:
    """The member's name: its number, and what of its own name no file system minds."""
    plain = "".join(each if each.isalnum() or each in "._-" else "_" for each in item.name)
    return f"{ITEMS_FOLDER}/{item.item:03d}-{plain.lstrip('.')[-120:] or 'content'}"


async def _proofs(office: Office, seal: Callable[[], Awaitable[bool]], incident: Incident) -> IO[bytes] | None:
    """The audit trail of the incident, signed just now; None where nobody signs."""
    if not await seal():
        return None
    out = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 (whoever streams the bundle closes it)
    about: dict[str, Any] = {"name": AUDIT, "version": version("tocsin"), "at": office.clock.now()}

    def written(store: Store) -> None:
        exported_trail(store, office.tenant, out, incident=incident.id, **about)  # type: ignore[arg-type]

    await office.read(written)
    return out


async def _bytes(
    custody: Custody, chosen: Sequence[Item], small: dict[str, bytes], trail: IO[bytes] | None
) -> AsyncIterator[bytes]:
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for name, body in small.items():
            with archive.open(_member(name), "w", force_zip64=True) as member:
                member.write(body)
        for item in chosen:
            with archive.open(_member(file_of(item)), "w", force_zip64=True) as member:
                async for piece in custody.content(item):
                    member.write(piece)
                    yield outlet.taken()
        if trail is not None:
            with trail, archive.open(_member(AUDIT), "w", force_zip64=True) as member:
                trail.seek(0)
                while piece := await asyncio.to_thread(trail.read, 1024 * 1024):
                    member.write(piece)
                    yield outlet.taken()
        archive.comment = SEAL + b"0" * 64
    yield outlet.sealed()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, MOMENT)
    member.external_attr = 0o600 << 16
    return member


class _Outlet:
    """What zipfile writes to; what it wrote is taken as it comes, but for the last bytes, which the seal replaces."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._digest = hashlib.sha256()

    def write(self, body: bytes) -> int:
        self._waiting += body
        return len(body)

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """There is nothing behind this."""

    def taken(self) -> bytes:
        keep = len(SEAL) + 64
        found = bytes(self._waiting[:-keep]) if len(self._waiting) > keep else b""
        del self._waiting[: len(found)]
        self._digest.update(found)
        return found

    def sealed(self) -> bytes:
        found = self.taken()
        return found + SEAL + self._digest.hexdigest().encode()


def _source(name: str) -> bytes:
    return files("tocsin").joinpath(name).read_bytes()
