"""Lines of a log reduced to their shape: what changes from one occurrence to the next is `<*>`.

Values that a program prints are masked by what they look like (numbers, ids, addresses, paths, times, quoted text).
Words that differ without looking like values (`user root`, `user guest`) are found by counting: a position at which
lines differ in nothing else takes many words, so it is a value too.
Source: docs/decisions/0228-a-line-has-a-shape.md
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

GAP = "<*>"
READ_MAX = 1_000  # characters of a line that count for its shape
SHAPE_MAX = 300  # characters of a shape
WORDS_AT_ONE_PLACE = 5  # different words at one place, all else equal: it is a value
KNOWN_MAX = 20_000  # lines (without their digits) whose shape is remembered; then it is computed again
WIDE_MAX = 2_000  # shapes that were found so
PLACES_MAX = 40_000  # places that are counted; then counting begins anew

# In this order: what is longer goes first.
_VALUES = re.compile(
    r"""
      \d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|\ ?[+-]\d\d:?\d\d)?   # 2026-11-29T06:45:05.123Z
    | \d\d?/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d(?:\ [+-]\d{4})?                       # 29/Nov/2026:06:45:05 +0000
    | \b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ {1,2}\d\d?\ \d\d:\d\d:\d\d
    | \b[a-z][a-z0-9+.-]{1,20}://[^\s"'<>]+                                          # an address with a scheme
    | "(?:[^"\\]|\\.){0,500}" | (?<!\w)'(?:[^'\\]|\\.){0,500}'(?!\w)                  # quoted values
    | \b[\w.+-]+@[\w-]+(?:\.[\w-]+)+                                                 # mail addresses
    | \b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b
    | (?<![\w/])(?:[A-Za-z]:\\|~?/)[^\s"'<>:;,()\[\]]+                                # paths
    | (?<![\w])(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}\b                          # IPv6 and hardware addresses
    | [\w.+~-]*\d[\w.%+~-]*                                                          # whatever has a digit in it
    """,
    re.VERBOSE,
)
_GAPS = re.compile(r"<\*>(?:[\s,;:/|=x#-]*<\*>)+")
_DIGITS = str.maketrans("123456789", "000000000")
_SPACES = re.compile(r"\s+")


def masked(message: str) -> str:
    """The message with everything that looks like a value as a gap, at most `SHAPE_MAX` characters."""
    text = _VALUES.sub(GAP, message[:READ_MAX])
    return _SPACES.sub(" ", _GAPS.sub(GAP, text)).strip()[:SHAPE_MAX]


def id_of(shape: str) -> str:
    """8 hex digits that name a shape: the same in every process."""
    return hashlib.blake2b(shape.encode("utf-8", "replace"), digest_size=4).hexdigest()


class Shapes:
    """Which shape each line has, learning which words are values. Bounded whatever is logged.

    `wide`: shapes that an earlier process found by comparing others.
    """

    def __init__(self, wide: Iterable[str] = ()) -> None:
        self.wide = set(wide)  # shapes that were found by comparing others
        self._known: dict[str, str] = {}
        self._words: dict[str, set[str]] = {}  # a shape with one word left out -> the words that stood there

    def of(self, message: str) -> str:
        """The shape of a message."""
        key = message[:READ_MAX].translate(_DIGITS)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= KNOWN_MAX:
                self._known.clear()
            found = self._known[key] = self.learned(masked(message))
        return found

    def learned(self, shape: str) -> str:
        """The shape that stands for this one: itself, or one with a further gap where words were found to be values."""
        words = shape.split(" ")
        places = [
            (n, " ".join([*words[:n], GAP, *words[n + 1 :]]))
            for n, word in enumerate(words)
            if n and GAP not in word and len(words) > 2
        ]
        for _, place in places:
            if place in self.wide:
                return place
        if len(self._words) > PLACES_MAX:
            self._words.clear()
        for n, place in places:
            seen = self._words.setdefault(place, set())
            seen.add(words[n])
            if len(seen) >= WORDS_AT_ONE_PLACE and len(self.wide) < WIDE_MAX:
                self.wide.add(place)
                del self._words[place]
                self._known.clear()  # lines seen before may have it too
                return place
        return shape
