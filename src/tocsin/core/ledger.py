"""The audit trail as values: entries, the hash chain over them, and the Merkle tree that a checkpoint commits to.

An entry's `body` is the exact bytes that are stored, hashed and exported; nothing is ever encoded twice. What an entry
speaks of (a fact, a document) is not in it: the entry holds `commitment`, the SHA-256 of a salt and that content, so
that the content can be erased, salt and all, while entry, chain and tree stay as they are.

The tree is that of RFC 6962 (leaf `H(0x00 || body)`, node `H(0x01 || left || right)`); the chain is
`H(previous || body)`, for whoever has only sha256sum. `Head` carries what appending needs: the size, the last link of
the chain, and the roots of the perfect subtrees from the left (the compact range).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

BODY_BYTES_MAX = 65_535  # a leaf of C2SP tlog-tiles has a length of two bytes
SALT_BYTES = 16
HEARTBEAT_EVERY = timedelta(minutes=1)  # so that a quiet log and a cut one differ
CHECKPOINTS_KEPT = 288  # a day of them, at one in five minutes; each costs a signature to verify
DAY_US = 86_400_000_000
STAMP_CHARS = len("2026-11-28T03:00:00.000000")
GENESIS = bytes(32)  # what stands before the first link of the chain

HEARTBEAT, STARTED, STOPPED, RESTORED = "log.heartbeat", "log.started", "log.stopped", "log.restored"
ERASED, EXPORTED, ROLLED_BACK, CHECKED = "log.erased", "log.exported", "log.rolled-back", "log.checked"
ANCHOR_EMPTIED = "log.anchor-emptied"

# Documents that nobody administers: they change with the traffic, or say when something was last seen.
_TRAFFIC = frozenset(
    {
        *("audit-check", "beats", "change", "chat-mirror", "chat-room", "factor-use", "oncall_head", "ticket-state"),
        *("evidence-gone", "evidence-reference"),  # what they are about is facts of the incident
    }
)
_LAST_USED = frozenset({"token", "session"})  # an overwrite of one only says when it was last used


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an entry says. `at`: RFC 3339, UTC, microseconds; `resource` of a fact is the incident and its version."""

    seq: int
    at: str
    actor: str
    action: str
    resource_type: str
    resource: str
    commitment: str = ""  # hex SHA-256 of salt and content; empty: the entry is all there is
    sealed: bool = False  # what is committed to is a secret, and no export opens it
    detail: str = ""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An entry before it has a place. `content` is what is committed to; `kept`: the log keeps it (a fact is kept
    with its incident)."""

    actor: str
    action: str
    resource_type: str
    resource: str
    content: bytes | None = None
    kept: bool = False
    sealed: bool = False
    detail: str = ""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log. `salt` and `content` are None where there is nothing to open, or where it was erased."""

    seq: int
    recorded_us: int
    body: bytes
    hash: bytes
    salt: bytes | None = None
    content: bytes | None = None


Plain = tuple[int, int, bytes, bytes, bytes | None, bytes | None]  # an Entry, by position
Link = tuple[int, bytes, bytes]  # of an Entry what the chain is made of: seq, body, hash


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a log stands; `recorded_us` is the newest entry's, which the next one never precedes."""

    size: int = 0
    hash: bytes = GENESIS
    frontier: tuple[bytes, ...] = ()
    recorded_us: int = 0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Body)


def decode(body: bytes) -> Body:
    """Raises msgspec.ValidationError for anything but an entry's bytes."""
    return _DECODER.decode(body)


UNREADABLE = "unreadable"


def shown(entry: Entry) -> Body:
    """What the entry says, for whoever lists entries; of a body that somebody spoilt, that it cannot be read."""
    try:
        return decode(entry.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError):
        at = "1970-01-01T00:00:00.000000Z"
        return Body(seq=entry.seq, at=at, actor="?", action=UNREADABLE, resource_type="?", resource="?")


def appended(
    head: Head, drafts: Sequence[Draft], now_us: int, at: datetime, salts: Sequence[bytes]
) -> tuple[Head, list[Entry]]:
    """The log with these entries at its end. One salt per draft. `at` is the instant `now_us` names.

    A clock that went backwards does not take the log with it: an entry is never earlier than the one before.
    Raises ValueError for an entry above `BODY_BYTES_MAX`.
    """
    recorded_us = max(now_us, head.recorded_us)
    if recorded_us != now_us:
        at += timedelta(microseconds=recorded_us - now_us)
    stamp = f"{at.isoformat(timespec='microseconds')[:STAMP_CHARS]}Z"  # a fifth of what strftime takes
    chain, seq = head.hash, head.size
    frontier = list(head.frontier)
    entries = []
    for draft, salt in zip(drafts, salts, strict=True):
        opened = draft.content is not None
        body = _ENCODER.encode(
            Body(
                seq=seq,
                at=stamp,
                actor=draft.actor,
                action=draft.action,
                resource_type=draft.resource_type,
                resource=draft.resource,
                commitment=sha256(salt + draft.content).hexdigest() if draft.content is not None else "",
                sealed=draft.sealed,
                detail=draft.detail,
            )
        )
        if len(body) > BODY_BYTES_MAX:
            raise ValueError(f"{draft.action}: expected an entry of at most {BODY_BYTES_MAX} bytes, got {len(body)}")
        chain = sha256(chain + body).digest()
        push(frontier, seq, leaf_hash(body))
        entries.append(
            Entry(
                seq=seq,
                recorded_us=recorded_us,
                body=body,
                hash=chain,
                salt=salt if opened else None,
                content=draft.content if draft.kept else None,
            )
        )
        seq += 1
    return Head(size=seq, hash=chain, frontier=tuple(frontier), recorded_us=recorded_us), entries


def opens(commitment: str, salt: bytes, content: bytes) -> bool:
    """Whether this is what was committed to."""
    return sha256(salt + content).hexdigest() == commitment


def superfluous(kept: Sequence[tuple[int, int]]) -> list[int]:
    """Which checkpoints, (size, microseconds) by size, need not be kept: of what is old, the last of each day stays."""
    old = kept[: max(0, len(kept) - CHECKPOINTS_KEPT)]
    days = {at_us // DAY_US: size for size, at_us in old}
    return [size for size, at_us in old if days[at_us // DAY_US] != size]


# --- which documents are administration -------------------------------------------------------------------------------


def of_document(kind: str, name: str, actor: str, value: bytes | None, *, existed: bool) -> Draft | None:
    """The entry for a document that was written (or deleted: `value` None), or None when nobody administers its kind.

    A credential's record is committed to and not kept: it holds the hash of a secret. Nor is a subscriber's: it holds
    somebody's address, who may ask us to forget it.
    """
    secret = kind in _LAST_USED or kind in (
        "account",
        "sign-in",
        "source",
        "secret",
        "contact",
        "feed",
        "status-subscriber",
        "status-target",
    )
    if kind in _TRAFFIC or kind.startswith("quarantine") or (kind in _LAST_USED and existed and value is not None):
        return None
    verb = "deleted" if value is None else "changed" if existed else "created"
    return Draft(
        actor=actor,
        action=f"{kind}.{verb}",
        resource_type=kind,
        resource=name,
        content=value,
        kept=not secret,
        sealed=secret and value is not None,
    )


def as_recorded(kind: str, value: bytes) -> list[bytes]:
    """How a document that stands in the store may have been recorded: a credential without when it was last used, and
    without what a later release writes into it at its next use."""
    try:
        found = msgspec.json.decode(value) if kind in _LAST_USED else None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return [value]
    unused = found | ({"used_at": None} if "used_at" in found else {})
    earlier = {name: each for name, each in unused.items() if (name, each) != ("scope", "")}
    return [msgspec.json.encode(each) for each in (unused, earlier)]


# --- the tree ---------------------------------------------------------------------------------------------------------


def leaf_hash(body: bytes) -> bytes:
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def push(frontier: list[bytes], size: int, leaf: bytes) -> None:
    """One more leaf for a tree of `size`: every perfect subtree that it completes is folded into one."""
    while size & 1:
        leaf = node_hash(frontier.pop(), leaf)
        size >>= 1
    frontier.append(leaf)


def root(frontier: Sequence[bytes]) -> bytes:
    """The root of the tree; of no leaves, the hash of nothing (RFC 6962, 2.1)."""
    if not frontier:
        return sha256(b"").digest()
    found = frontier[-1]
    for each in reversed(frontier[:-1]):
        found = node_hash(each, found)
    return found


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier: list[bytes] = []
    for size, leaf in enumerate(leaves):
        push(frontier, size, leaf)
    return root(frontier)


def inclusion(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of leaf `index` (RFC 6962, 2.1.1): with it, that leaf alone gives the root."""
    if not 0 <= index < len(leaves):
        raise ValueError(f"index: expected one of {len(leaves)} leaves, got {index}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion(leaves[split:], index - split), root_of(leaves[:split])]


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
