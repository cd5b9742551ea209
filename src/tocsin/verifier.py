#!/usr/bin/env python3
"""Verify an audit trail of Tocsin: exact bytes, hash chain, Merkle tree, signed checkpoints, anchors, contents.

This file needs Python 3.11 and the package `cryptography`, nothing of Tocsin: an export carries a copy of it, so that
nobody has to trust the installation that made the export.

    python3 EXPORT.zip [--key VKEY]... [--anchor FILE-OR-DIRECTORY]... [--json]

Exit status: 0 valid, 1 violations, 4 could not verify. A signature proves who signed, not that nobody else has the
key: what an administrator with the database and the key rewrote is found only where a checkpoint had left the machine.
Give those with `--anchor`, and the key as you wrote it down with `--key`.

Formats: RFC 6962 tree, C2SP signed notes (https://c2sp.org/signed-note) and checkpoints (https://c2sp.org/tlog-checkpoint).
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

GENESIS = bytes(32)
HEARTBEAT_GAP_US = 3 * 60 * 1_000_000  # Tocsin writes at least once a minute while it runs
VIOLATIONS_MAX = 100
HASH_BYTES = 32
DIGITS_MAX = 40  # of two numbers of entries
ED25519 = b"\x01"  # the algorithm byte of a note's key


Plain = tuple[int, int, bytes, bytes, bytes | None, bytes | None]  # a Row, or its like
Link = tuple[int, bytes, bytes]  # of a Row what the chain and the tree are made of: seq, body, link


class Row(NamedTuple):
    """One entry as it is stored. `content`: what it commits to; None with a salt means it is kept elsewhere."""

    seq: int
    recorded_us: int
    body: bytes
    link: bytes
    salt: bytes | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Violation:
    """One thing that is not as it must be; `seq` is the first entry concerned, where that is known."""

    code: str
    detail: str
    seq: int | None = None
    anchor: str = ""

    def __str__(self) -> str:
        where = "" if self.seq is None else f" at entry {self.seq}"
        return f"{self.code}{where}{f' (anchor {self.anchor})' if self.anchor else ''}: {self.detail}"


@dataclass(frozen=True)
class Signed:
    """A checkpoint somebody holds. `leaves`: hashes that were anchored with it, `leaves_from` the first one's place;
    `outside` says that it was kept where the log's administrators cannot write."""

    note: str
    name: str = ""
    outside: bool = False
    leaves_from: int = 0
    leaves: bytes = b""


@dataclass
class Report:
    """What was found. `anchored`: how many entries the newest anchor outside covers; `signed`: by the newest
    checkpoint. `checked` False: something needed was missing, `problems` says what."""

    entries: int = 0
    signed: int = 0
    anchored: int = 0
    erased: int = 0
    violations: list[Violation] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        return not self.violations and not self.problems

    def add(self, code: str, detail: str, seq: int | None = None, anchor: str = "") -> None:
        if len(self.violations) < VIOLATIONS_MAX:
            self.violations.append(Violation(code, detail, seq, anchor))


# --- signed notes -----------------------------------------------------------------------------------------------------


class Head(NamedTuple):
    """What a checkpoint says: of which log, how many entries, and the root over them."""

    origin: str
    size: int
    root: bytes


def parse_key(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    """(name, key hash, key) of `name+hash+base64`. Raises ValueError."""
    name, _, rest = vkey.strip().partition("+")
    hashed, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
        named = bytes.fromhex(hashed)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"key {vkey!r}: expected name+hash+base64, got: {error}") from None
    if not key.startswith(ED25519) or len(key) != 1 + HASH_BYTES or named != key_hash(name, key):
        raise ValueError(f"key {vkey!r}: expected an Ed25519 key whose hash is in its text")
    return name, named, Ed25519PublicKey.from_public_bytes(key[1:])


def key_hash(name: str, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + key).digest()[:4]


def parse_head(note: str) -> Head:
    """What a note's text says, whoever signed it. Raises ValueError."""
    text, gap, _ = note.partition("\n\n")
    lines = text.split("\n")
    if not gap or len(lines) < 3 or not lines[1].isdigit():
        raise ValueError("checkpoint: expected origin, size and root, a blank line and signatures")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except (ValueError, binascii.Error):
        root = b""
    if len(root) != HASH_BYTES:
        raise ValueError(f"checkpoint: expected a root of {HASH_BYTES} bytes in base64, got {lines[2]!r}")
    return Head(lines[0], int(lines[1]), root)


def signed_by(note: str, keys: Sequence[str]) -> bool:
    """Whether one of these keys signed the note's text. Raises ValueError for a key that is none."""
    text, _, signatures = note.partition("\n\n")
    signed = f"{text}\n".encode()
    for vkey in keys:
        name, hashed, key = parse_key(vkey)
        for line in signatures.splitlines():
            dash, _, rest = line.partition(" ")
            signer, _, encoded = rest.partition(" ")
            try:
                raw = base64.b64decode(encoded, validate=True)
            except (ValueError, binascii.Error):
                continue
            if dash == "—" and signer == name and raw[:4] == hashed:
                try:
                    key.verify(raw[4:], signed)
                except InvalidSignature:
                    continue
                return True
    return False


# --- the log itself ---------------------------------------------------------------------------------------------------


class Tree:
    """Roots of a growing RFC 6962 tree; `leaf_at` remembers the hashes that an anchor will be compared with."""

    def __init__(self) -> None:
        self.size = 0
        self._frontier: list[bytes] = []

    def push(self, leaf: bytes) -> None:
        size = self.size
        while size & 1:
            leaf = sha256(b"\x01" + self._frontier.pop() + leaf).digest()
            size >>= 1
        self._frontier.append(leaf)
        self.size += 1

    def push_all(self, leaves: list[bytes]) -> None:
        """Many leaves at once: whole levels are hashed together where the tree is aligned to them."""
        done = 0
        while done < len(leaves):
            step = (self.size & -self.size) or 1 << 20
            while step > len(leaves) - done:
                step >>= 1
            level = leaves[done : done + step]
            done += step
            while len(level) > 1:
                pairs = iter(level)
                level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            height, size, node = step.bit_length() - 1, self.size, level[0]
            size >>= height
            while size & 1:
                node = sha256(b"\x01" + self._frontier.pop() + node).digest()
                size >>= 1
            self._frontier.append(node)
            self.size += step

    def root(self) -> bytes:
        if not self._frontier:
            return sha256(b"").digest()
        found = self._frontier[-1]
        for each in reversed(self._frontier[:-1]):
            found = sha256(b"\x01" + each + found).digest()
        return found


CHUNK = 4096


def chunks(rows: Iterable[Link]) -> Iterator[list[Link]]:
    going = iter(rows)
    while some := list(islice(going, CHUNK)):
        yield some


def sound(rows: Iterable[Plain], report: Report | None = None) -> Iterator[Plain]:
    """The rows as `Plain` says they are: whoever has the database can put text or numbers where bytes belong."""
    for row in rows:
        seq, recorded, body, link, salt, content = row
        if (
            type(body) is bytes is type(link)
            and type(seq) is int is type(recorded)
            and (salt is None or type(salt) is bytes)
            and (content is None or type(content) is bytes)
        ):
            yield row
            continue
        place = seq if isinstance(seq, int) else -1
        if report is not None:
            report.add("unreadable", "the row holds what no entry holds: text or numbers where bytes belong", place)
        yield Row(
            place,
            recorded if isinstance(recorded, int) else 0,
            body if isinstance(body, bytes) else b"",
            link if isinstance(link, bytes) else b"",
            salt if isinstance(salt, bytes) else None,
            content if isinstance(content, bytes | None) else b"",
        )


def check_bytes(
    rows: Iterable[Link], wanted: Iterable[int], leaves: Mapping[int, bytes], report: Report
) -> dict[int, bytes]:
    """The root at every wanted size that the log reaches; chain, order and anchored leaves are checked on the way."""
    tree, link = Tree(), GENESIS
    sizes = sorted(set(wanted), reverse=True)
    roots: dict[int, bytes] = {}
    while sizes and sizes[-1] == 0:
        roots[sizes.pop()] = tree.root()
    expected = 0
    for some in chunks(rows):
        if fits(some, expected, link):
            expected += len(some)
        else:
            some, expected = misfits(some, expected, link, report)
        link = some[-1][2]
        hashes = [sha256(b"\x00" + body).digest() for _, body, _ in some]
        if leaves:
            for (seq, *_), leaf in zip(some, hashes, strict=True):
                if leaves.get(seq, leaf) != leaf:
                    report.add("leaf_mismatch", "this entry is not the one whose hash was anchored", seq)
        done = 0
        while sizes and sizes[-1] <= tree.size + len(hashes) - done:
            upto = done + sizes[-1] - tree.size
            tree.push_all(hashes[done:upto])
            done = upto
            roots[sizes.pop()] = tree.root()
        tree.push_all(hashes[done:])
    report.entries = tree.size
    return roots


def fits(some: Sequence[Link], expected: int, link: bytes) -> bool:
    """Whether these entries are the next ones and each one's link follows from the one before."""
    seqs, bodies, links = zip(*some, strict=True)
    if list(seqs) != list(range(expected, expected + len(some))):
        return False
    before = (link, *links[:-1])
    try:
        follow = [sha256(one + body).digest() for one, body in zip(before, bodies, strict=True)]
    except TypeError:  # text or numbers where bytes belong
        return False
    return follow == list(links)


def misfits(some: Sequence[Link], expected: int, link: bytes, report: Report) -> tuple[list[Link], int]:
    """The entries with bytes in every place, and the seq after them; each that is not the next one is reported."""
    found: list[Link] = []
    for seq, body, stored in some:
        seq = seq if isinstance(seq, int) else -1
        body = body if isinstance(body, bytes) else b""
        stored = stored if isinstance(stored, bytes) else b""
        found.append((seq, body, stored))
        if seq != expected:
            report.add("gap" if seq > expected else "reorder", f"expected entry {expected}, found {seq}", expected)
            expected = seq
        if sha256(link + body).digest() != stored:
            report.add("hash_mismatch", "body and chain do not fit: edited, inserted, removed or moved", seq)
        link = stored
        expected += 1
    return found, expected


def check_words(rows: Iterable[Row], report: Report) -> None:
    """What entries say against where they stand, time, and what they commit to."""
    before_us, missing, erased = 0, {}, set()
    for row in rows:
        try:
            said: dict[str, Any] = json.loads(row.body)
            seq, at = said["seq"], said["at"]
            words = [said[name] for name in ("at", "actor", "action", "resource")]
        except (ValueError, KeyError, TypeError, RecursionError):
            words = [None]
        if not all(isinstance(each, str) for each in words):
            report.add("unreadable", "the body is no entry", row.seq)
            continue
        if seq != row.seq:
            report.add("seq_body_mismatch", f"the body says it is entry {seq}", row.seq)
        if at != instant(row.recorded_us):
            report.add("time_mismatch", f"the body says {at}, the row {instant(row.recorded_us)}", row.seq)
        if row.recorded_us < before_us:
            report.add("clock_backwards", f"earlier than the entry before it: {at}", row.seq)
        if before_us and row.recorded_us - before_us > HEARTBEAT_GAP_US and said["action"] != "log.started":
            report.add(
                "heartbeat_gap", f"nothing for {(row.recorded_us - before_us) // 1_000_000} s before {at}", row.seq
            )
        before_us = max(before_us, row.recorded_us)
        if said["action"] == "log.erased":
            erased |= numbers(said["resource"], report.entries)
        if said["action"] in ("log.restored", "log.rolled-back"):
            report.add("rollback", f"{said['action']} by {said['actor']} at {at}: {said.get('detail', '')}", row.seq)
        commitment = said.get("commitment", "")
        if commitment and said.get("sealed") and row.content is None:
            continue  # a secret's hash: committed to, and shown to nobody
        if commitment and (row.salt is None or row.content is None):
            missing[row.seq] = row.salt is None
        elif commitment and sha256((row.salt or b"") + (row.content or b"")).hexdigest() != commitment:
            report.add("content_mismatch", f"{said['action']} of {said['resource']} is not what was recorded", row.seq)
    report.erased = sum(seq in erased for seq in missing)
    for seq, without_salt in missing.items():
        if seq not in erased:
            what = "its salt" if without_salt else "its content"
            report.add("content_missing", f"{what} is gone, and no entry says that it was erased", seq)


def numbers(text: str, below: int) -> set[int]:
    """The entries that `3,7-9` names, as far as there are any."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if len(part) <= DIGITS_MAX and first.isdecimal() and (last or first).isdecimal():
            found |= set(range(int(first), min(int(last or first) + 1, below)))
    return found


def instant(us: int) -> str:
    """RFC 3339 in UTC with microseconds, without a float or a time zone in between."""
    days, rest = divmod(us, 86_400_000_000)
    days += 719_468  # from 1970-01-01 to 0000-03-01; the algorithm is Howard Hinnant's civil_from_days
    era, of_era = divmod(days, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    day, seconds = of_year - (153 * shifted + 2) // 5 + 1, rest // 1_000_000
    date = f"{year + era * 400 + (month <= 2):04d}-{month:02d}-{day:02d}"
    return f"{date}T{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest % 1_000_000:06d}Z"


# --- checkpoints and anchors ------------------------------------------------------------------------------------------


def anchored_leaves(held: Sequence[Signed]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for each in held:
        for n in range(len(each.leaves) // HASH_BYTES):
            found[each.leaves_from + n] = each.leaves[n * HASH_BYTES : (n + 1) * HASH_BYTES]
    return found


def check_heads(held: Sequence[Signed], roots: Mapping[int, bytes], keys: Sequence[str], report: Report) -> None:
    """Every checkpoint is signed, and the log still has the root that it had then."""
    origins: set[str] = set()
    good = 0
    seen: set[tuple[str, bool]] = set()
    for each in sorted(held, key=lambda one: (size_of(one.note), one.name)):
        if (each.note, each.outside) in seen:
            continue
        seen.add((each.note, each.outside))
        try:
            head = parse_head(each.note)
        except ValueError as error:
            report.add("bad_checkpoint", str(error), anchor=each.name)
            continue
        if not signed_by(each.note, keys):
            report.add(
                "bad_checkpoint_signature",
                f"checkpoint of {head.size}: no key that is trusted signed it",
                anchor=each.name,
            )
            continue
        origins.add(head.origin)
        place = "anchor" if each.outside else "checkpoint"
        if head.size > report.entries:
            report.add(
                f"truncated_below_{place}",
                f"{head.size} entries were signed, {report.entries} are left",
                report.entries,
                each.name,
            )
        elif roots[head.size] != head.root:
            report.add(
                "anchor_root_mismatch" if each.outside else "root_mismatch",
                f"the first {head.size} entries are not those that were signed; the first {good} are",
                good,
                each.name,
            )
        else:
            good = max(good, head.size)
            report.signed = max(report.signed, head.size)
            report.anchored = max(report.anchored, head.size if each.outside else 0)
    if len(origins) > 1:
        report.add("foreign_checkpoint", f"expected checkpoints of one log, got {', '.join(sorted(origins))}")


def size_of(note: str) -> int:
    try:
        return parse_head(note).size
    except ValueError:
        return 0


def verify(
    links: Iterable[Link],
    rows: Iterable[Plain],
    held: Sequence[Signed],
    keys: Sequence[str],
    *,
    opened: Callable[[Row], Row] = lambda row: row,
) -> Report:
    """The whole check, in two passes over the same entries, which may be too many to hold. `opened`: the row with the
    content that is kept elsewhere."""
    report = Report()
    if held and not keys:
        report.problems.append("key: expected at least one to check signatures with, got none")
        return report
    roots = check_bytes(links, [size_of(each.note) for each in held], anchored_leaves(held), report)
    check_heads(held, roots, keys, report)
    check_words(map(opened, map(Row._make, sound(rows, report))), report)
    return report


def links_of(rows: Iterable[Plain]) -> Iterator[Link]:
    return ((seq, body, link) for seq, _, body, link, _, _ in rows)
