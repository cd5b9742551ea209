"""How often whom is told, in tables: a row per audience, or audiences and severities against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.core.policy import Cadence, Source
from tocsin.guide.blocks import Block, Row, Section
from tocsin.guide.ids import ID, mentioned
from tocsin.guide.inline import plain
from tocsin.guide.quantity import Quantity, deadline, read, scan
from tocsin.guide.severities import Scheme

_AUDIENCE = re.compile(r"audience|stakeholder|group|who|recipient|team|channel|role", re.I)
_TOLD = re.compile(r"communicat|update|notif|stakeholder|status|cadence|frequency|report", re.I)
# A heading that says that the times below it are intervals; without it only "every" and "hourly" are.
_OFTEN = re.compile(r"(?:update|communication|status|comms|reporting|notification)s?\s*(?:cadence|frequency|interval)|\bcadence\b|\bfrequency\b|\bhow often\b", re.I)  # fmt: skip
_TOLD_COLUMN = re.compile(
    r"(?:internal|external|customers?|clients?|users?|executives?|leadership|management|stakeholders?|partners?|team|engineering|support|status\s*page|public|board|legal)(?:\s+(?:teams?|updates?|communications?|comms|stakeholders?|leadership|channel|management))*",
    re.I,
)

_EVENT = re.compile(r"(?:event|activity|action|item|what|type|communication|notification|update|message|milestone)s?(?:\s+type)?", re.I)  # fmt: skip
_UPDATES = re.compile(r"^(?:(?:regular|ongoing|status|progress|stakeholder|customer|internal|external|periodic|subsequent)\s+)*updates?\b", re.I)  # fmt: skip


def of_table(section: Section, block: Block, scheme: Scheme, scope: tuple[str, ...], longest: int) -> Iterator[Cadence]:
    """The cadences of a table; a cell that gives no interval, such as "as needed", gives none."""
    heads = [plain(head) for head in block.header]
    if not heads:
        return
    told = bool(_TOLD.search(f"{section.where} {section.title} {' '.join(heads)}"))
    often = bool(_OFTEN.search(section.title) or any(_OFTEN.search(head) for head in heads[:1]))
    rows: Iterator[tuple[str, tuple[str, ...], Quantity, int]]
    severities = {n: found for n, head in enumerate(heads) if n and ID.search(head) and (found := mentioned(head, scheme.known))}  # fmt: skip
    if len(severities) > 1 and told and _AUDIENCE.search(heads[0]):
        rows = _by_audience(block, severities, often)
    elif often and re.search(r"sever|priorit|level", heads[0], re.I):
        rows = _by_severity(block, heads, scheme)
    elif _EVENT.fullmatch(heads[0]):
        rows = _by_event(block, scheme, scope)
    elif _AUDIENCE.search(heads[0]):
        rows = _listed(block, heads, scheme, scope)
    else:
        return
    for audience, named, interval, line in rows:
        every = deadline(interval, lower=True)
        seconds = interval.value[0] if isinstance(interval.value, tuple) else interval.value
        if every is not None and isinstance(seconds, int) and 0 < seconds <= longest:
            yield Cadence(audience=audience, severities=named, every=every, source=Source(line=line))


def _listed(block: Block, heads: list[str], scheme: Scheme, scope: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Quantity, int]]:  # fmt: skip
    """A table of audiences with a frequency column."""
    for n, head in enumerate(heads):
        if n == 0 or not re.search(r"frequency|cadence|interval|updates?\b|when", head, re.I):
            continue
        for row in block.rows:
            found = [each for each in scan(_cell(row, n)) if each.kind == "interval"]
            if found:
                named = mentioned(" ".join(map(plain, row.cells)), scheme.known) or scope
                yield plain(row.cells[0]).casefold(), named, found[0], row.line


def _by_event(block: Block, scheme: Scheme, scope: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], Quantity, int]]:  # fmt: skip
    """`Status updates (open SEV1/SEV2) | Every 2 hours` in a table of what is sent when."""
    for row in block.rows:
        if not _UPDATES.search(_cell(row, 0)):
            continue
        found = [each for cell in row.cells[1:] for each in scan(plain(cell)) if each.kind == "interval"]
        if len(found) == 1:
            yield "stakeholders", mentioned(_cell(row, 0), scheme.known) or scope, found[0], row.line


def _by_audience(block: Block, columns: dict[int, tuple[str, ...]], often: bool) -> Iterator[tuple[str, tuple[str, ...], Quantity, int]]:  # fmt: skip
    """`Stakeholder | SEV1 | SEV2` over intervals."""
    for row in block.rows:
        for n, named in columns.items():
            if interval := _interval(_cell(row, n), often):
                yield plain(row.cells[0]).casefold(), named, interval, row.line


def _by_severity(block: Block, heads: list[str], scheme: Scheme) -> Iterator[tuple[str, tuple[str, ...], Quantity, int]]:  # fmt: skip
    """`Severity | Internal | Customers` over intervals."""
    columns = [n for n, head in enumerate(heads) if n and _TOLD_COLUMN.fullmatch(head)]
    for row in block.rows:
        named = mentioned(_cell(row, 0), scheme.known)
        for n in columns if named else ():
            if interval := _interval(_cell(row, n), True):
                yield heads[n].casefold(), named, interval, row.line


def _cell(row: Row, n: int) -> str:
    return plain(row.cells[n]) if n < len(row.cells) else ""


def _interval(cell: str, often: bool) -> Quantity | None:
    """The one interval of a cell: "Immediate, hourly updates"; under a heading about frequency "30 min" is one too."""
    whole = read(cell) if often else None
    if whole is not None and whole.kind in ("elapsed", "range") and whole.bound in ("=", "range", "~") and whole.value:
        return msgspec.structs.replace(whole, kind="interval")
    found = [each for each in scan(cell) if each.kind == "interval"]
    return found[0] if len(found) == 1 else None
