"""The parts of a body posted to `/api/v2/alerts`: raw as they came, and decoded to see whether they are fine."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

ALERTS_MAX = 200_000  # in one body; with the body bound this only stops a body of empty braces
TEXT_MAX = 64 * 1024  # characters of one label or annotation value; what is longer is cut, and says so
BACKSLASH = 0x5C
NUL = b"\\u0000"  # the only way a NUL comes through JSON


class Posted(msgspec.Struct, gc=False):
    """One alert of a body that is kept. `key` names the exact bytes of its labels within this process.

    `raw_labels` decode to texts by name. They are decoded once more where they are needed: what waits for the digest
    waits as bytes, a quarter of the memory. `checked`: they were not known, and the annotations' bytes are texts.
    `starts_us` 0: none was given. `fires`: its end had not come when it was received.
    """

    key: int
    raw_labels: bytes
    raw_annotations: msgspec.Raw | bytes
    raw_url: msgspec.Raw | bytes
    starts_us: int
    ends_us: int
    fires: bool
    timeout: bool
    checked: bool
    fingerprint: int = 0  # 0: nobody has reckoned it yet


class Wire(msgspec.Struct, gc=False):
    """One alert of a body, its parts not decoded."""

    labels: msgspec.Raw
    startsAt: str = ""
    endsAt: str = ""
    annotations: msgspec.Raw = msgspec.Raw(b"")
    generatorURL: msgspec.Raw = msgspec.Raw(b"")


class Texts(msgspec.Struct, gc=False):
    """The same alert as a body whose labels and annotations are texts says it."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None


wires_in = msgspec.json.Decoder(list[Wire]).decode
"""The alerts of a body. Raises msgspec.DecodeError, UnicodeDecodeError."""

_all_texts = msgspec.json.Decoder(list[Texts])


def texts_of(body: bytes) -> Sequence[Texts]:
    """Labels and annotations of a whole body, decoded at once; nothing when one of them is no text."""
    try:
        return _all_texts.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def is_ordinary(texts: Texts, wire: Wire, raw: bytes, *, escaped: bool) -> bool:
    """Whether labels and annotations can be kept as they came. `escaped`: there is a backslash in the body."""
    labels = texts.labels
    if not labels or "" in labels or not all(labels.values()) or len(raw) > TEXT_MAX:
        return False
    if escaped and (BACKSLASH in raw or NUL in bytes(wire.annotations)):
        return False
    return len(bytes(wire.annotations)) <= TEXT_MAX
