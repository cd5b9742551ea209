"""Lists that a paragraph of plain prose interrupts and does not end: what stands on both sides of it is one list.

CommonMark ends a list at an unindented paragraph. A guide's author who puts "We have all been there." between two steps
has not begun a second procedure, so the paragraph goes to the item above it. One that leads into the next list with a
colon, or that names a severity, a role, an audience or a quantity, is left where it is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tocsin.guide.ids import ID
from tocsin.guide.inline import plain, split_label
from tocsin.guide.parties import PARTY
from tocsin.guide.quantity import scan

if TYPE_CHECKING:
    from tocsin.guide.blocks import Block, Item, Section

PROSE_CHARS_MAX = 600
_AUDIENCE = re.compile(r"customer|client|users?\b|partner|stakeholder|public|status page|management|leadership", re.I)


def rejoin(section: Section) -> None:
    """Joins the interrupted lists directly under a heading and inside their items, in place."""
    section.parts = _joined(section.parts)
    waiting = [part for part in section.parts if not hasattr(part, "parts")]
    while waiting:
        block = waiting.pop()
        for item in block.items:
            if len(item.blocks) > 2:
                item.blocks = _joined(item.blocks)  # type: ignore[arg-type,assignment]
            waiting.extend(item.blocks)


def _joined(parts: list[Block | Section]) -> list[Block | Section]:
    found: list[Block | Section] = []
    for part in parts:
        before = found[-2:] if len(found) > 1 else []
        if len(before) == 2 and _continues(before[0], before[1], part):
            held, prose, rest = before[0], found.pop(), part
            held.items[-1].blocks.append(prose)  # type: ignore[union-attr,arg-type]
            held.items.extend(rest.items)  # type: ignore[union-attr]
            held.end = rest.end
        else:
            found.append(part)
    return found


def _continues(above: Block | Section, prose: Block | Section, below: Block | Section) -> bool:
    if getattr(above, "kind", "") != "list" or getattr(below, "kind", "") != "list":
        return False
    if getattr(prose, "kind", "") != "paragraph" or not is_prose(prose):  # type: ignore[arg-type]
        return False
    return _one_list(above, below)  # type: ignore[arg-type]


def _one_list(above: Block, below: Block) -> bool:
    if above.ordered != below.ordered or above.quoted != below.quoted:
        return False
    last, first = above.items[-1], below.items[0]
    if above.ordered:
        ones = len(above.items) > 1 and {item.number for item in above.items} == {first.number}
        return first.number is not None and last.number is not None and (first.number > last.number or ones)
    return _shape(last) == _shape(first)


def _shape(item: Item) -> str:
    """What an item begins with; the items of one list begin alike."""
    words = plain(item.text.split("\n")[0])
    if ID.match(re.sub(r"^\W+", "", words)):
        return "severity"
    label = split_label(item.text.split("\n")[0])
    return "task" if item.task is not None else "label" if label and label.strong else "text"


def is_prose(block: Block) -> bool:
    """Whether a paragraph names nothing that a policy is made of and leads into nothing."""
    words = plain(block.text.replace("\n", " "))
    return (
        0 < len(words) <= PROSE_CHARS_MAX
        and not block.quoted
        and not words.endswith(":")
        and split_label(block.text) is None
        and not (ID.search(words) or PARTY.search(words) or _AUDIENCE.search(words) or scan(words))
    )
