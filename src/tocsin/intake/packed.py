"""A body in which every alert is ordinary, read once: rows that say what it comes to and where its parts are.

Who packs and who unpacks may be two processes. What waits in between is the body and 48 bytes for each alert.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Sequence

import msgspec

from tocsin.core.alert import fingerprint_number
from tocsin.intake.posting import ALERTS_MAX, BACKSLASH, Posted, Texts, is_ordinary, texts_of, wires_in
from tocsin.intake.times import is_absent, microseconds, read_bound

TIMES_MAX = 1_024  # remembered texts of instants; one batch of a monitor has one or two
KNOWN = 32_768  # label sets that were checked lately, each at the place that its hash names
LAST_KNOWN = KNOWN - 1
TIME_MAX = 64  # characters of an instant that is remembered

# The fingerprint (0: labels that were checked before), start, end (0: none given), where labels, annotations, link are.
_ROW = struct.Struct("<Qqq6I")
_row = _ROW.pack
_ZERO = {"": 0, "0001-01-01T00:00:00Z": 0}


class Packer:
    """Reads bodies; remembers how the instants it meets are written. One per thread."""

    def __init__(self) -> None:
        self._times = dict(_ZERO)
        self._known = array("q", bytes(8 * KNOWN))

    def pack(self, body: bytes) -> bytes | None:
        """The rows for `unpacked`; None unless every alert is one that `PostableReader` keeps as it came.

        Of an alert whose labels were checked lately nothing else is checked, as the reader does it.
        """
        try:
            wires = wires_in(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        if not wires or len(wires) > ALERTS_MAX:
            return None
        texts: Sequence[Texts] | None = None  # decoded when there is something new
        at, rows, escaped, find, times, known = 0, [], BACKSLASH in body, body.find, self._times, self._known
        for n, wire in enumerate(wires):
            labels, annotations, url = bytes(wire.labels), bytes(wire.annotations), bytes(wire.generatorURL)
            starts, ends = times.get(wire.startsAt), times.get(wire.endsAt)
            if starts is None or ends is None:
                starts, ends = self._instant(wire.startsAt), self._instant(wire.endsAt)
                times = self._times
            if starts is None or ends is None or starts > ends > 0:
                return None
            key, fingerprint = hash(labels), 0
            if known[key & LAST_KNOWN] != key:
                if texts is None:
                    texts = texts_of(body)
                if not (texts and is_ordinary(texts[n], wire, labels, escaped=escaped)):
                    return None
                fingerprint = fingerprint_number(texts[n].labels)
                known[key & LAST_KNOWN] = key
            # Each part is found where it is or earlier, where the same bytes stand.
            one, two, three = find(labels, at), find(annotations, at), find(url, at)
            at = max(one, two, three)
            where = (one, one + len(labels), two, two + len(annotations), three, three + len(url))
            rows.append(_row(fingerprint, starts, ends, *where))
        return b"".join(rows)

    def _instant(self, text: str) -> int | None:
        """Microseconds since 1970, 0 where none is given, None for what is no instant."""
        found = self._times.get(text)
        if found is None:
            at = read_bound(text)
            if at is None and not is_absent(text):
                return None
            found = microseconds(at) if at else 0
            if len(self._times) >= TIMES_MAX:
                self._times = dict(_ZERO)
            if len(text) <= TIME_MAX:
                self._times[text] = found
        return found


def unpacked(body: bytes, rows: bytes, received_us: int, resolve_timeout_us: int) -> list[Posted]:
    """The alerts of a body that a `Packer` has read. One without an end ends `resolve_timeout_us` after it came."""
    posted = []
    for fingerprint, starts, given, one, one_end, two, two_end, three, three_end in _ROW.iter_unpack(rows):
        labels, annotations, url = body[one:one_end], body[two:two_end], body[three:three_end]
        ends = given or received_us + resolve_timeout_us
        fires = ends > received_us
        posted.append(
            Posted(
                hash(labels), labels, annotations, url, starts, ends, fires, not given, fingerprint != 0, fingerprint
            )
        )
    return posted
