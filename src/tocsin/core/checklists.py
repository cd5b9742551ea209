"""The lists that people work through: the guide's phases and runbooks, and what of them is meant by a few words.

Every item of the guide has a name of its own, also where two say the same: an item without one could not be ticked.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from tocsin.core.policy import Phase, Policy, Runbook, Step

NEAR_MAX = 3  # names that a refusal offers
SHOWN_MAX = 8  # names that a refusal lists where none is near
NAME_SHOWN = 80  # characters of a name in a refusal

_WORD = re.compile(r"\w+")
_MARKS = re.compile(r"[\s`*_]+")


class Checklist(msgspec.Struct, frozen=True, kw_only=True):
    """A phase or a runbook: `name` is unique in its guide, `items` are its steps by names unique in it, in order."""

    name: str
    kind: Literal["phase", "runbook"]
    of: Phase | Runbook
    items: tuple[tuple[str, Step], ...]


def checklists(policy: Policy) -> tuple[Checklist, ...]:
    """Phases first, then runbooks, each in the guide's order."""
    every: tuple[Phase | Runbook, ...] = (*policy.phases, *policy.runbooks)
    return tuple(
        Checklist(
            name=name,
            kind="phase" if isinstance(each, Phase) else "runbook",
            of=each,
            items=tuple(zip(unique(step.text for step in each.steps), each.steps, strict=True)),
        )
        for name, each in zip(unique(each.title for each in every), every, strict=True)
    )


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    """A name for each text, in order: the text itself, with a number where that was taken."""
    names: list[str] = []
    taken: set[str] = set()
    for n, text in enumerate(texts, 1):
        plain = " ".join(text.split()) or f"Step {n}"
        name, again = plain, 2
        while name.casefold() in taken:
            name, again = f"{plain} ({again})", again + 1
        taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def phase_named(policy: Policy, said: str) -> str:
    """The guide's name of the phase that is meant. Raises ValueError; where the guide has no phases, any is one."""
    names = [each.name for each in checklists(policy) if each.kind == "phase"]
    return meant("phase", names, said) if names else said.strip()


def item_named(policy: Policy, said_list: str, said_item: str) -> tuple[str, str]:
    """The guide's names of a phase (or runbook) and of its item. An item may be said by its number in the list.

    Raises ValueError; where the guide has neither phases nor runbooks, any item is one.
    """
    lists = {each.name: each for each in checklists(policy)}
    if not lists:
        return said_list.strip(), said_item.strip()
    found = lists[meant("phase", list(lists), said_list)]
    names = [name for name, _ in found.items]
    if not names:
        raise ValueError(f"item: the guide has no steps in {_short(found.name)!r}; a note or an action item keeps it")
    number = said_item.strip()
    if number not in names and number.isascii() and number.isdecimal() and 1 <= int(number[:9]) <= len(names):
        return found.name, names[int(number) - 1]
    return found.name, meant("item", names, said_item)


def category_named(policy: Policy, said: str) -> str:
    """The guide's category that these words name; any words where it lists none. Raises ValueError as `meant`."""
    names = [each.name for each in policy.categories]
    return meant("category", names, said) if names else said


def meant(field: str, names: Sequence[str], said: str) -> str:
    """The one of `names` that these words name: all of it in any letter case and spacing, else a run of its words that
    stands in no other. Raises ValueError with those that were probably meant."""
    if said in names:
        return said
    folded = _folded(said)
    same = [name for name in names if _folded(name) == folded]
    if len(same) == 1:
        return same[0]
    words = _WORD.findall(folded)
    holding = [name for name in names if words and _has(_WORD.findall(_folded(name)), words)]
    if len(holding) == 1:
        return holding[0]
    got = f"got {_short(said)!r}"
    if len(holding) > 1:
        raise ValueError(f"{field}: expected one of {_listed(holding)}, {got}, which is part of each")
    if near := nearest(names, said):
        raise ValueError(f"{field}: expected one that the guide has (did you mean {_listed(near, ' or ')}?), {got}")
    raise ValueError(f"{field}: expected one of {_listed(names)}, {got}")


def nearest(names: Sequence[str], said: str) -> list[str]:
    """Those that look like what was said, the likest first: as a whole, or in a word of at least four letters."""
    folded = {_folded(name): name for name in names}
    whole = [folded[each] for each in difflib.get_close_matches(_folded(said), folded, n=NEAR_MAX)]
    words = [word for word in _WORD.findall(_folded(said)) if len(word) > 3]
    partly = [
        (len(like), name)
        for key, name in folded.items()
        if (like := [word for word in words if difflib.get_close_matches(word, _WORD.findall(key), n=1, cutoff=0.75)])
    ]
    best = [name for _, name in sorted(partly, key=lambda each: -each[0])]
    return list(dict.fromkeys((*whole, *best)))[:NEAR_MAX]


def _has(words: Sequence[str], run: Sequence[str]) -> bool:
    return any(list(words[n : n + len(run)]) == list(run) for n in range(len(words) - len(run) + 1))


def _folded(text: str) -> str:
    return _MARKS.sub(" ", text).strip().casefold()


def _listed(names: Sequence[str], between: str = ", ") -> str:
    shown = [_short(each) for each in names[:SHOWN_MAX]]
    return between.join((*shown, "...")) if len(names) > SHOWN_MAX else between.join(shown)


def _short(name: str) -> str:
    flat = " ".join(name.split())
    return flat if len(flat) <= NAME_SHOWN else f"{flat[: NAME_SHOWN - 1]}…"
