"""Results on stdout, everything else on stderr; exit codes as DESIGN section 4 has them."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NoReturn

from tocsin.core.texts import shortened

FINE, FAILURE, USAGE, NO_MATCH, UNDECIDED = range(5)

Format = Literal["table", "json"]

CELL_MAX = 500  # characters of a table's cell, as long as any title; JSON says all
_CELL_MIN, _WORDS_MIN = 12, 24  # characters: a cell that says something, and a title that does
_WIDTH_DEFAULT = 120  # of a table that goes into a pipe or a file
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z$")  # tables show UTC, to the second
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LEFT_BY_JSON = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


class Stop(Exception):
    """The command ends with `code`; `text` (if any) goes to stderr."""

    def __init__(self, text: str = "", code: int = FAILURE) -> None:
        super().__init__(text)
        self.text = text
        self.code = code


def fail(text: str, code: int = FAILURE) -> NoReturn:
    raise Stop(text, code)


def say(text: str) -> None:
    """A result. Whatever an alert's title says, it cannot move the cursor or recolour the terminal."""
    sys.stdout.write(harmless(text) + "\n")


def note(text: str) -> None:
    """A diagnostic."""
    sys.stderr.write(harmless(text) + "\n")


def harmless(text: str) -> str:
    """Lines of text without what a terminal obeys: escapes, other control characters, changes of direction."""
    return text if text.isascii() and text.isprintable() else _OBEYED.sub(" ", text)


def show_json(value: Any) -> None:
    say(safe_json(value, indent=2))


def safe_json(value: Any, **how: Any) -> str:
    """JSON as people read it; what a terminal would obey is escaped, also C1 and bidi, which JSON leaves alone."""
    text = json.dumps(value, ensure_ascii=False, **how)
    return _LEFT_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def show(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, giving_way: Sequence[str] = ()
) -> None:
    """A listing: as JSON all there is, as a table the columns named. An empty table is its head only."""
    if form == "json":
        show_json(list(rows))
    else:
        shown = [{name: row.get(name) for name in columns} for row in rows]
        head, *lines = table(shown, columns, giving_way).split("\n")
        if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
            head = f"{_BOLD}{head}{_PLAIN}"
        sys.stdout.write("\n".join([head, *lines]) + "\n")


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], giving_way: Sequence[str] = ()) -> str:
    """Columns as wide as they need to be, or as a terminal has room for."""
    return drawn(rows, columns, giving_way, _terminal() if sys.stdout.isatty() else None)


def drawn(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], giving_way: Sequence[str], room: int | None
) -> str:
    """Where the room is too small the columns of `giving_way` are left out, first one first, until the widest of the
    others keeps `_WORDS_MIN`; then the widest are cut. JSON has everything."""
    kept = list(columns)
    while True:
        cells = [[shortened(cell(row[name]), CELL_MAX) for name in kept] for row in rows]
        head = [name.replace("_", " ").upper() for name in kept]
        widths = [max(map(_width, column)) for column in zip(head, *cells, strict=True)]
        goes = next((name for name in giving_way if name in kept), None)
        others = sum(widths) + 2 * (len(widths) - 1) - max(widths)
        if room is None or goes is None or others + min(max(widths), _WORDS_MIN) <= room:
            break
        kept.remove(goes)
    widths = _cut(widths, room)
    return "\n".join([_line(head, widths), *(_line(row, widths) for row in cells)])


def _cut(widths: list[int], room: int | None) -> list[int]:
    """The widest give what is missing, each down to `_CELL_MIN`: a line that a terminal breaks cannot be read."""
    kept = list(widths)
    while room is not None and sum(kept) + 2 * (len(kept) - 1) > room and max(kept) > _CELL_MIN:
        kept[kept.index(max(kept))] -= 1
    return kept


def plain(value: str) -> str:
    """Text that cannot move the cursor or recolour a terminal, whatever an alert's title says."""
    return "".join(each if each.isprintable() else " " for each in value)


def cell(value: Any) -> str:
    """A value of JSON for people: instants to the second, nothing as a dash."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(cell(each) for each in value) or "-"
        case dict():
            return ", ".join(f"{name}={cell(each)}" for name, each in value.items()) or "-"
        case str() if _INSTANT.match(value):
            return value[:19].replace("T", " ")
        case _:
            return plain(str(value)) or "-"


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "  ".join(_fitted(text, width) for text, width in zip(cells, widths, strict=True)).rstrip()


def _fitted(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[:-2] + "…"
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns of a terminal: East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _terminal() -> int:
    return shutil.get_terminal_size((_WIDTH_DEFAULT, 24)).columns
