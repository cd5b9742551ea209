"""One severity while it is being put together: its clocks with their lines, what it means, and what it becomes."""

from __future__ import annotations

import re

import msgspec

from tocsin.core.policy import Cited, Deadline, Severity, Source
from tocsin.guide.clocks import clock_of
from tocsin.guide.entries import Entry
from tocsin.guide.ids import Named
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import Quantity, deadline


class Draft:
    """One severity while it is being put together."""

    def __init__(self, named: Named, one: str, entry: Entry) -> None:
        self.id, self.name, self.line = one, named.name, entry.line
        self.clocks: dict[str, tuple[Deadline, int]] = {}
        self.description, self.communication = "", ""
        self.examples: tuple[str, ...] = ()


def set_clock(draft: Draft, kind: str, quantity: Quantity, line: int, notes: Notes) -> None:
    """The clock is set, or why it is not is a finding."""
    limit = deadline(quantity) if quantity.kind != "interval" else None  # "weekly" says when to look, not by when
    if limit is None:
        if quantity.kind == "placeholder":
            notes.add(
                "GUIDE-PLACEHOLDER",
                "warning",
                line,
                f"{draft.id}: {kind} is not filled in: {quantity.text!r}",
                "fill it in",
            )
        elif quantity.kind != "none":
            notes.add(
                "GUIDE-UNREAD",
                "note",
                line,
                f"{draft.id}: {quantity.text!r} sets no upper limit for {kind}",
                'write "within ..."',
            )
        return
    if kind == "resolve" and limit.seconds == 0:  # "immediate containment": nothing is resolved at once
        message = f"{draft.id}: {quantity.text!r} is no time by which an incident is resolved"
        notes.add("GUIDE-UNREAD", "note", line, message, 'write "within ..."')
        return
    put(draft, kind, limit, line, notes)


def put(draft: Draft, kind: str, limit: Deadline, line: int, notes: Notes) -> None:
    """The first value of a clock counts; a second, different one is reported with both lines."""
    if kind not in draft.clocks:
        draft.clocks[kind] = (limit, line)
        return
    before, first = draft.clocks[kind]
    if msgspec.structs.replace(before, text=None) != msgspec.structs.replace(limit, text=None) and line != first:
        message = f'{draft.id}: {kind} is "{limit.text}" here and "{before.text}" on line {first}; the first counts'
        notes.add("GUIDE-CONFLICT", "warning", line, message, "say it once, or say which one counts")


def describe(draft: Draft, entry: Entry) -> None:
    """What the entry says the severity means, and its examples."""
    for field in entry.fields:
        kind = clock_of(field.label)
        text = plain(field.value)
        if kind == "description" and not draft.description:
            draft.description = text or "; ".join(plain(item) for item in field.items)
            if field.items and field.value and not draft.examples:
                draft.examples = tuple(plain(item) for item in field.items)
        elif kind == "examples" and not draft.examples:
            draft.examples = tuple(plain(item) for item in field.items) or split_list(text)
    if not draft.description and entry.text and not (entry.bullets and entry.title):  # bullets are the definition then
        draft.description = plain(entry.text.replace("\n", " "))
    if not draft.examples and entry.bullets:
        draft.examples = tuple(plain(bullet) for bullet in entry.bullets)


def split_list(text: str) -> tuple[str, ...]:
    """Things listed in one cell: by semicolons if there are any, else by commas."""
    separator = ";" if ";" in text else ","
    return tuple(part.strip(" .") for part in re.split(rf"{separator}(?![^()]*\))", text) if part.strip(" ."))


def severity(draft: Draft, rank: int) -> Severity:
    """The draft as a value of the policy."""
    limits = {name: limit for name, (limit, _) in draft.clocks.items()}
    fields = {"respond": "respond_within", "resolve": "resolve_within"}
    cited = {
        fields.get(name, name): Cited(source=Source(line=line))
        for name, (_, line) in draft.clocks.items()
        if line != draft.line
    }
    respond = limits.pop("respond", None)
    if respond is None:  # an acknowledgement is what stops the response clock, so a guide with only this one means it
        respond = limits.get("acknowledge")
    resolve = limits.pop("resolve", None)
    return Severity(
        id=draft.id,
        name=draft.name,
        rank=rank,
        respond_within=respond,
        resolve_within=resolve,
        clocks=limits,
        description=draft.description,
        examples=draft.examples,
        communication=draft.communication,
        source=Source(line=draft.line),
        cited=cited,
    )
