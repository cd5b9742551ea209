"""Verify a sealed bundle of evidence, with nothing of Tocsin: this is the `__main__` of every bundle.

    python3 BUNDLE.zip [--key VKEY]... [--anchor FILE-OR-DIRECTORY]... [--json]

Every item has the hash that the manifest says, the manifest is the one whose hash is a fact in the audit trail, every
item is a fact of that trail with the same hash, and the trail (audit.zip, inside) is signed. Without `--key` the keys
inside are used: then the bundle vouches for itself, and the result says so.
Exit status: 0 valid, 1 violations, 4 could not verify.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tocsin.verifier import Report
from tocsin.verify_export import check as check_export

VALID, VIOLATED, UNDECIDED = 0, 1, 4
MANIFEST, AUDIT = "manifest.json", "audit.zip"
OUTSIDE = (MANIFEST, AUDIT)  # what the manifest cannot name: itself, and what was made after it
SEAL = b"tocsin-bundle-sha256:"  # then 64 hex digits, and the file ends
SEAL_BYTES = len(SEAL) + 64
PIECE = 1024 * 1024


@dataclass
class Judged:
    """`violations` name the member that is not what it was; `problems` say what kept us from judging."""

    items: int = 0
    sealed: bool = False
    violations: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        return not self.violations and not self.problems


def check(source: Path, keys: Sequence[str] = (), anchors: Sequence[Path] = ()) -> Judged:
    """What is to be said of a bundle. Raises OSError."""
    judged = Judged()
    with source.open("rb") as file:
        whole = _whole(file)
    try:
        with zipfile.ZipFile(source) as bundle:
            _members(bundle, keys, anchors, judged)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, NotImplementedError, RuntimeError, EOFError) as error:
        judged.violations.append(f"the bundle itself is damaged: {error}")
    if not whole and not judged.violations:
        judged.violations.append("the bundle itself: a byte outside of the items is not what was written")
    return judged


def _whole(file: BinaryIO) -> bool:
    """Whether every byte before the seal is what was written. Anybody can make such a seal anew; what nobody can is
    checked after it."""
    size = file.seek(0, 2)
    if size < SEAL_BYTES:
        return False
    file.seek(size - SEAL_BYTES)
    seal = file.read()
    file.seek(0)
    digest, left = hashlib.sha256(), size - SEAL_BYTES
    while left:
        piece = file.read(min(PIECE, left))
        if not piece:
            return False
        digest.update(piece)
        left -= len(piece)
    return seal == SEAL + digest.hexdigest().encode()


def _members(bundle: zipfile.ZipFile, keys: Sequence[str], anchors: Sequence[Path], judged: Judged) -> None:
    names = bundle.namelist()
    judged.violations += [f"{name}: is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    body = bundle.read(MANIFEST)
    manifest = json.loads(body)
    known = {each["file"]: each for each in manifest["items"]} | {each["file"]: each for each in manifest["files"]}
    judged.violations += [
        f"{name}: is not in the manifest" for name in names if name not in known and name not in OUTSIDE
    ]
    for name, said in known.items():
        shown = f"evidence {said['item']} ({name})" if "item" in said else name
        judged.items += "item" in said
        if name not in names:
            judged.violations.append(f"{shown}: is missing")
            continue
        try:
            size, digest = _hashed(bundle, name)
        except (zipfile.BadZipFile, OSError, EOFError) as error:
            judged.violations.append(f"{shown}: is damaged: {error}")
            continue
        if (size, digest) != (said["size"], said["sha256"]):
            judged.violations.append(
                f"{shown}: expected {said['size']} bytes with SHA-256 {said['sha256']}, got {digest}"
            )
    _trail(bundle, hashlib.sha256(body).hexdigest(), manifest, keys, anchors, judged)


def _hashed(bundle: zipfile.ZipFile, name: str) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with bundle.open(name) as member:
        while piece := member.read(PIECE):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


def _trail(
    bundle: zipfile.ZipFile,
    manifest_sha256: str,
    manifest: dict[str, Any],
    keys: Sequence[str],
    anchors: Sequence[Path],
    judged: Judged,
) -> None:
    """The audit trail inside is whole, and says of manifest and items what the bundle says."""
    if AUDIT not in bundle.namelist():
        judged.problems.append("audit.zip: expected the audit trail's proofs, found none: the bundle was made unsealed")
        return
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder) / AUDIT
        inner.write_bytes(bundle.read(AUDIT))
        try:
            report, notes = check_export(inner, keys, anchors)
            facts = list(_facts(inner))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            judged.violations.append(f"{AUDIT}: is damaged: {error}")
            return
    judged.notes += notes
    _of_report(report, judged)
    exported = [each for each in facts if each.get("fact") == "EvidenceExported"]
    judged.sealed = any(each.get("manifest_sha256") == manifest_sha256 for each in exported)
    if not judged.sealed:
        judged.violations.append(f"{MANIFEST}: is not the one that the audit trail says was exported")
    collected = {each["item"]: each for each in facts if each.get("fact") == "EvidenceCollected"}
    for said in manifest["items"]:
        fact = collected.get(said["item"], {})
        if (fact.get("sha256"), fact.get("size")) != (said["sha256"], said["size"]):
            judged.violations.append(f"evidence {said['item']} ({said['file']}): the audit trail says something else")


def _of_report(report: Report, judged: Judged) -> None:
    judged.violations += [f"{AUDIT}: {each}" for each in report.violations]
    judged.problems += [f"{AUDIT}: {each}" for each in report.problems]
    if report.erased:
        judged.notes.append(f"{report.erased} contents of the audit trail were erased on request; their entries stand")


def _facts(export: Path) -> Iterator[dict[str, Any]]:
    with zipfile.ZipFile(export) as archive, archive.open("contents.ndjson") as lines:
        for line in lines:
            yield json.loads(base64.b64decode(json.loads(line)["content"]))


def told(judged: Judged) -> str:
    """The result in sentences."""
    verdict = "VALID" if judged.valid else "VIOLATED" if judged.violations else "NOT VERIFIED"
    lines = [f"{verdict}: {judged.items} items, {'sealed' if judged.sealed else 'not sealed'}"]
    lines += [f"violation: {each}" for each in judged.violations]
    lines += [f"problem: {each}" for each in judged.problems]
    return "\n".join([*lines, *(f"note: {each}" for each in judged.notes)])


def as_json(judged: Judged) -> str:
    return json.dumps({"valid": judged.valid, **asdict(judged)})


def status(judged: Judged) -> int:
    return VIOLATED if judged.violations else UNDECIDED if judged.problems else VALID


def main(source: Path) -> int:
    parser = argparse.ArgumentParser(description="Verify a sealed bundle of evidence.")
    parser.add_argument("--key", action="append", default=[], help="a key as you wrote it down: name+hash+base64")
    parser.add_argument("--anchor", action="append", default=[], type=Path, help="a checkpoint that was kept outside")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        judged = check(source, asked.key, asked.anchor)
    except OSError as error:
        judged = Judged(problems=[f"{type(error).__name__}: {error}"])
    sys.stdout.write((as_json(judged) if asked.json else told(judged)) + "\n")
    return status(judged)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0])))
