"""Verify an export of the audit trail, with nothing of Tocsin but `verifier`: this is the `__main__` of every export.

    python3 EXPORT.zip [--key VKEY]... [--anchor FILE-OR-DIRECTORY]... [--json]

Without `--key` the keys inside the export are used: then the export vouches for itself, and the result says so.
Exit status: 0 valid, 1 violations, 4 could not verify.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import json
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from tocsin.verifier import Report, Row, Signed, Violation, links_of, parse_head, signed_by, size_of, verify

VALID, VIOLATED, UNDECIDED = 0, 1, 4
NOTE, LEAVES = ".note", ".leaves"

# What reading a file raises that is no export, or of which bytes were lost: never a verdict about the record.
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, AttributeError, RuntimeError)
UNREADABLE = (OSError, ValueError, *DAMAGED)


def read_held(path: Path, *, name: str = "") -> list[Signed]:
    """The checkpoints in a file or, with their leaf hashes, in a directory of an anchor. Raises OSError, ValueError."""
    if path.is_file():
        return [Signed(note=path.read_text("utf-8"), name=name or path.name, outside=True)]
    notes = sorted(path.rglob(f"*{NOTE}"))
    if not notes:
        raise ValueError(f"{path}: expected checkpoints ({NOTE}), found none")
    held = [Signed(note=each.read_text("utf-8"), name=name or str(path), outside=True) for each in notes]
    for each in sorted(path.rglob(f"*{LEAVES}")):
        first = each.stem.partition("-")[0]
        held.append(dataclasses.replace(held[-1], leaves_from=int(first), leaves=each.read_bytes()))
    return held


def rows(export: zipfile.ZipFile) -> Iterator[Row]:
    """The entries of an export in its order. Raises ValueError naming the line that does not fit."""
    with (
        export.open("entries.ndjson") as bodies,
        export.open("links.txt") as links,
        export.open("contents.ndjson") as contents,
    ):
        following = iter(contents)
        waiting = next(following, b"")
        for number, (body, link) in enumerate(zip(bodies, links, strict=True), 1):
            parts = link.split()
            if len(parts) not in (3, 4):
                raise ValueError(f"links.txt: line {number}: expected seq, microseconds, hash and perhaps a salt")
            seq = int(parts[0])
            content = None
            if waiting:
                said = json.loads(waiting)
                if said["seq"] == seq:
                    content, waiting = base64.b64decode(said["content"]), next(following, b"")
            salt = bytes.fromhex(parts[3].decode()) if len(parts) == 4 else None
            yield Row(seq, int(parts[1]), body.removesuffix(b"\n"), bytes.fromhex(parts[2].decode()), salt, content)


def held_of(export: zipfile.ZipFile) -> list[Signed]:
    """The checkpoints in an export. Those of anchors count as inside: the export vouches for them."""
    names = [name for name in export.namelist() if name.endswith(NOTE)]
    return [Signed(note=export.read(name).decode(), name=name) for name in sorted(names)]


def check(source: Path, keys: Sequence[str], anchors: Sequence[Path]) -> tuple[Report, list[str]]:
    """What is to be said of an export, and what whoever reads it must know. Raises `UNREADABLE`."""
    with zipfile.ZipFile(source) as export:
        notes = []
        if not keys:
            keys = export.read("keys.txt").decode().split()
            notes.append("no --key was given: the keys inside the export were used, so it vouches for itself")
        if not anchors:
            notes.append("no --anchor was given: what somebody with the database and the key rewrote is not found")
        held = [*held_of(export), *(one for each in anchors for one in read_held(each))]
        if "proofs.ndjson" in export.namelist():
            notes.append("a part of the log: each entry is proven to be in it; order and completeness are not")
            return check_part(export, held, keys), notes
        return verify(links_of(rows(export)), rows(export), held, keys), notes


def check_part(export: zipfile.ZipFile, held: Sequence[Signed], keys: Sequence[str]) -> Report:
    """Each entry is in the log that the checkpoint is of, and is what it commits to."""
    report = Report()
    good = [each for each in held if signed_by(each.note, keys)]
    if not good:
        report.problems.append("checkpoint: expected one that a trusted key signed, found none")
        return report
    head = parse_head(max(good, key=lambda each: size_of(each.note)).note)
    report.signed = head.size
    with export.open("proofs.ndjson") as proofs:
        for row, line in zip(rows(export), proofs, strict=True):
            path = [bytes.fromhex(each) for each in json.loads(line)["path"]]
            report.entries += 1
            if not included(sha256(b"\x00" + row.body).digest(), row.seq, head.size, path, head.root):
                report.violations.append(
                    Violation("not_included", "the proof does not lead to the signed root", row.seq)
                )
            commitment = json.loads(row.body).get("commitment", "")
            if commitment and row.salt is not None and row.content is not None:
                if sha256(row.salt + row.content).hexdigest() != commitment:
                    report.violations.append(Violation("content_mismatch", "not what was recorded", row.seq))
            elif commitment:
                report.erased += 1
    return report


def included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    found, last = leaf, size - 1
    for each in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            found = sha256(b"\x01" + each + found).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            found = sha256(b"\x01" + found + each).digest()
        index, last = index >> 1, last >> 1
    return last == 0 and found == root


def told(report: Report, notes: Sequence[str]) -> str:
    """The result in sentences."""
    verdict = "VALID" if report.valid else "NOT VERIFIED" if report.problems else "VIOLATED"
    lines = [
        f"{verdict}: {report.entries} entries, signed up to {report.signed}, anchored outside up to {report.anchored}"
    ]
    if report.erased:
        lines.append(f"{report.erased} contents were erased on request; their entries stand")
    lines += [f"problem: {each}" for each in report.problems]
    lines += [f"violation: {each}" for each in report.violations]
    return "\n".join([*lines, *(f"note: {each}" for each in notes)])


def as_json(report: Report, notes: Sequence[str]) -> str:
    return json.dumps({"valid": report.valid, **dataclasses.asdict(report), "notes": list(notes)})


def unread(error: BaseException, source: str) -> Report:
    """The report on something that could not be read, in words for whoever must act."""
    match error:
        case OSError(filename=name, strerror=str(why)):
            text = f"{name or source}: {why}"
        case error if isinstance(error, DAMAGED):
            text = f"{source}: expected an export of the audit trail, whole: {str(error).strip(chr(34) + chr(39))}"
        case _:
            text = str(error)
    return Report(problems=[text])


def status(report: Report) -> int:
    return UNDECIDED if report.problems else VIOLATED if report.violations else VALID


def main(source: Path) -> int:
    parser = argparse.ArgumentParser(description="Verify an export of Tocsin's audit trail.")
    parser.add_argument("--key", action="append", default=[], help="a key as you wrote it down: name+hash+base64")
    parser.add_argument(
        "--anchor", action="append", default=[], type=Path, help="a checkpoint, or an anchor's directory"
    )
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    try:
        report, notes = check(source, asked.key, asked.anchor)
    except UNREADABLE as error:
        report, notes = unread(error, str(source)), []
    sys.stdout.write((as_json(report, notes) if asked.json else told(report, notes)) + "\n")
    return status(report)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[0])))
