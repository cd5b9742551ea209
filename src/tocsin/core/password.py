"""Which passwords are refused. Length counts, composition does not (pure).

Source: OWASP ASVS 5.0, 6.2: at least 8 characters and better 15, no rules of composition, long ones allowed, common
ones and words of the context refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import pairwise

LENGTH_MIN = 12  # characters
LENGTH_MAX = 256  # nobody types more, and hashing is paid per byte
DISTINCT_MIN = 5
AROUND_MIN = 8  # characters that must stay once somebody's own name is taken out
BLOCK_MAX = 6  # "abc123abc123" is a block of six, twice
_LEET = str.maketrans("013457@$!", "oieastasi")


def normal(password: str) -> str:
    """The same text however a keyboard composes it: `é` as one character or as two."""
    return unicodedata.normalize("NFC", password)


def refusal(password: str, *, common: frozenset[str], context: Iterable[str] = ()) -> str:
    """Why this password is not taken, as what was expected; "" when it is.

    `common`: passwords that many people have, in lower case. `context`: the person's names, the product's, the host's.
    """
    said = normal(password)
    if not LENGTH_MIN <= len(said) <= LENGTH_MAX:
        return f"{LENGTH_MIN} to {LENGTH_MAX} characters, got {len(said)}"
    folded = said.casefold()
    if folded in common or _core(folded) in common:
        return "one that few people have, this one is among the most common or is one with digits around it"
    if len(set(folded)) < DISTINCT_MIN or _repeated(folded) or _run(folded):
        return "one that is not a repetition or a row of neighbours"
    for word in context:
        name = word.strip().casefold()
        if len(name) > 2 and name in folded and len(folded.replace(name, "")) < AROUND_MIN:
            return f"more than the word {word!r} with a little around it"
    return ""


def _core(folded: str) -> str:
    """The word inside digits and signs: `Password2026!` and `P@ssw0rd2026!` are the word `password`."""
    bare = folded.strip("0123456789 !?.,;:-_+*#%&/()=$@")
    word = bare.translate(_LEET)
    return word if len(word) >= 4 and word.isalpha() else folded


def _repeated(folded: str) -> bool:
    return any(folded == (folded[:n] * len(folded))[: len(folded)] for n in range(1, BLOCK_MAX + 1))


def _run(folded: str) -> bool:
    """Whether every character is the neighbour of the one before, such as `abcdefghijkl` or `987654321098`."""
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(folded)}
    straight = {ord(after) - ord(before) for before, after in pairwise(folded)}
    return straight in ({1}, {-1}) or (folded.isdecimal() and steps in ({1}, {9}))
