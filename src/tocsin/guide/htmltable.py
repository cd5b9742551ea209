"""Raw HTML tables as rows of cells with their lines; unclosed cells and rows end where the next one begins."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec

CELLS_MAX = 200_000  # bounds memory on a file that is one table

_TABLE = re.compile(r"<(/?)table\b", re.I)


class Cell(msgspec.Struct, kw_only=True):
    line: int
    text: str = ""
    items: list[str] = []
    heading: bool = False
    span: int = 1


class HtmlTable(msgspec.Struct, kw_only=True):
    first: int  # lines of the file, from 1
    last: int
    rows: list[list[Cell]]


class _Reader(HTMLParser):
    def __init__(self, line: int) -> None:
        super().__init__(convert_charrefs=True)
        self.first_line = line - 1
        self.rows: list[list[Cell]] = []
        self.cell: Cell | None = None
        self.item: list[str] | None = None
        self.parts: list[str] = []
        self.count = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self._end_cell()
            self.rows.append([])
        elif tag in ("td", "th") and self.count < CELLS_MAX:
            self._end_cell()
            self.count += 1
            span = dict(attrs).get("colspan") or "1"
            width = int(span) if span.isascii() and span.isdigit() and len(span) < 4 else 1
            self.cell = Cell(line=self.getpos()[0] + self.first_line, heading=tag == "th", span=width, items=[])
            if not self.rows:
                self.rows.append([])
            self.rows[-1].append(self.cell)
        elif tag == "li" and self.cell is not None:
            self._end_item()
            self.item = []
        elif tag in ("br", "p"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag in ("li", "ul", "ol"):
            self._end_item()

    def handle_data(self, data: str) -> None:
        if self.item is not None:
            self.item.append(data)
        elif self.cell is not None:
            self.parts.append(data)

    def _end_item(self) -> None:
        if self.item is not None and self.cell is not None:
            self.cell.items.append(" ".join("".join(self.item).split()))
        self.item = None

    def _end_cell(self) -> None:
        self._end_item()
        if self.cell is not None:
            self.cell.text = " ".join("".join(self.parts).split())
        self.cell, self.parts = None, []


def html_tables(lines: list[str] | tuple[str, ...], skip: set[int]) -> list[HtmlTable]:
    """Every `<table>` of the file that does not begin on a line of `skip` (0-based lines inside fences)."""
    found: list[HtmlTable] = []
    start: int | None = None
    for n, line in enumerate(lines):
        if "<" not in line or (n in skip and start is None):
            continue
        for mark in _TABLE.finditer(line):
            if not mark[1] and start is None:
                start = n
            elif mark[1] and start is not None:
                found.append(_read(lines, start, n))
                start = None
    return found


def _read(lines: list[str] | tuple[str, ...], start: int, end: int) -> HtmlTable:
    reader = _Reader(start + 1)
    reader.feed("\n".join(lines[start : end + 1]))
    reader.close()
    reader._end_cell()
    return HtmlTable(first=start + 1, last=end + 1, rows=[row for row in reader.rows if row])
