"""What is left of a fact whose free text or addresses must go: the same fact, that it happened, when and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

ERASED = "[erased]"
# Names of fields that hold what people wrote; ids, severities, rules and keys decide and are no free text.
TEXTS = frozenset(
    {
        "title", "description", "because", "text", "notes", "cause", "contributing", "prevention", "impact", "detail",
        "answer", "revenue", "customer_impact", "body", "fields", "acceptance", "origin", "purpose",
        "output",
    }
)  # fmt: skip
ADDRESSES = frozenset({"address"})
# Elsewhere a name decides; a file's name is what somebody wrote.
FILES = {"EvidenceCollected": frozenset({"name", "host"}), "EvidenceFailed": frozenset({"name"})} | {
    "RunBegun": frozenset({"host"})
}

S = TypeVar("S", bound=msgspec.Struct)


def erased(fact: S, fields: frozenset[str] = TEXTS | ADDRESSES) -> S:
    """The fact with `[erased]` wherever one of these fields held text, in it or in what it is made of."""
    changes = {}
    if fields >= TEXTS:
        fields |= FILES.get(type(fact).__name__, frozenset())
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        after = _blank(value) if name in fields else _inside(value, fields)
        if after is not value:
            changes[name] = after
    return msgspec.structs.replace(fact, **changes) if changes else fact


def _blank(value: Any) -> Any:
    if isinstance(value, str):
        return ERASED if value else value
    if isinstance(value, tuple):
        return tuple(_blank(each) for each in value)
    if isinstance(value, dict):
        return {name: _blank(each) for name, each in value.items()}
    return value


def _inside(value: Any, fields: frozenset[str]) -> Any:
    if isinstance(value, msgspec.Struct):
        return erased(value, fields)
    if isinstance(value, tuple):
        after = tuple(_inside(each, fields) for each in value)
        return after if any(new is not old for new, old in zip(after, value, strict=True)) else value
    return value


_BLANKS: msgspec.json.Decoder[dict[str, str]] = msgspec.json.Decoder(dict[str, str])


def blanks(left: Mapping[str, bytes]) -> bytes:
    """What an erasure commits to: the SHA-256 of what it left of each fact, by incident and version. Without it,
    whoever has the database could put what they like where something was erased."""
    return msgspec.json.encode({name: sha256(body).hexdigest() for name, body in left.items()})


def blanks_of(content: bytes | None) -> dict[str, str]:
    """What `blanks` said; nothing for an erasure of an earlier release."""
    try:
        return _BLANKS.decode(content) if content else {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def names(fact: msgspec.Struct, person: str) -> bool:
    """Whether the fact says how this person was to be reached."""
    if getattr(fact, "person", None) == person:
        return True
    return any(getattr(page, "person", None) == person for page in getattr(fact, "pages", ()))
