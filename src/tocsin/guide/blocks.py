"""A guide as a tree of sections and blocks, each with the lines it came from.

markdown-it-py finds the blocks; inline marks are left alone (`inline.plain` reads a line when somebody needs it), so a
page of pathological emphasis costs no more than any other. A bold line alone in a paragraph opens a section, as people
use it. Nothing here knows what a severity is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tocsin.guide.depth import PARSER_MAX, cut_deep
from tocsin.guide.htmltable import HtmlTable, html_tables
from tocsin.guide.inline import is_bold_line, plain, title
from tocsin.guide.interrupted import rejoin
from tocsin.guide.logs import of_a_log
from tocsin.guide.repair import Repaired

ROWS_MAX = 5_000  # of one table; each costs the parser a few kilobytes
LABEL_LEVEL = 7  # a bold line ranks below every heading

Region = Literal["policy", "template", "example", "decoy"]
_TASK = re.compile(r"^\[([ xX✓])\]\s+")
_TEMPLATE = re.compile(r"\btemplates?\b|\bплантил|шаблон|plantilla|vorlage|템플릿", re.I)
_EXAMPLE = re.compile(
    r"^(?:an? )?(?:worked )?(?:examples?|sample)\b|\bexample (?:incident|timeline|scenario|post-?mortem|walkthrough)s?\b"
    r"|\b(?:past|previous|recent|historical) incidents?\b|\bincident (?:history|log)\b|\bcase stud|\blessons from\b|\bwalk-?through\b",
    re.I,
)


class Item(msgspec.Struct, kw_only=True):
    line: int
    end: int
    text: str = ""  # raw, without the task box
    number: int | None = None
    task: bool | None = None  # None: no box; False: open
    blocks: list[Block] = []


class Row(msgspec.Struct, kw_only=True):
    line: int
    cells: list[str]
    items: dict[int, list[str]] = {}  # list items inside a cell (HTML only)
    span: bool = False  # a separator across the table


class Block(msgspec.Struct, kw_only=True):
    kind: Literal["paragraph", "list", "table", "fence", "code", "html", "rule"]
    line: int
    end: int
    text: str = ""
    info: str = ""
    ordered: bool = False
    items: list[Item] = []
    header: list[str] = []
    rows: list[Row] = []
    quoted: bool = False

    def lines(self) -> Iterator[tuple[int, str]]:
        """(line number, raw line) of a paragraph."""
        for n, line in enumerate(self.text.split("\n")):
            yield self.line + n, line


class Section(msgspec.Struct, kw_only=True, eq=False):
    raw: str
    title: str
    level: int
    line: int
    end: int = 0
    region: Region = "policy"
    parent: Section | None = None
    trail: str | None = None
    scope: tuple[str, ...] | None = None  # the severities it is about, once somebody asked
    parts: list[Block | Section] = []
    own: list[Block] | None = None  # the blocks among the parts, once somebody asked

    @property
    def blocks(self) -> list[Block]:
        """The blocks directly under this heading, those under bold lines not included."""
        if self.own is None:
            self.own = [part for part in self.parts if isinstance(part, Block)]
        return self.own

    @property
    def sections(self) -> list[Section]:
        return [part for part in self.parts if isinstance(part, Section)]

    @property
    def where(self) -> str:
        """The titles from below the top to here, joined: what most rules ask about the place of a line."""
        if self.trail is None:
            self.trail = " / ".join(self.path()[1:])
        return self.trail

    def path(self) -> list[str]:
        """The titles from the top to here."""
        found: list[str] = []
        at: Section | None = self
        while at is not None:
            found.append(at.title)
            at = at.parent
        return found[::-1]


class Document(msgspec.Struct, kw_only=True, eq=False):
    root: Section
    lines: tuple[str, ...]
    fences: list[Block]
    comments: list[tuple[int, str]]
    too_deep: int = 0  # the first line that was nested too deeply
    cut_rows: int = 0  # the first row of a table that was left out because the table is too long
    every: list[Section] | None = None
    spoken: list[Any] | None = None  # the sentences of the policy region, once somebody asked (`cadences.sentences`)

    def sections(self) -> list[Section]:
        """Every section in the order of the page, the unnamed top first."""
        if self.every is None:
            self.every = list(walk(self.root))
        return self.every


def walk(section: Section) -> Iterator[Section]:
    """The section and everything below it, in the order of the page."""
    waiting = [section]
    while waiting:
        here = waiting.pop()
        yield here
        waiting.extend(reversed(here.sections))


def every_block(
    section: Section, *, regions: frozenset[str] = frozenset({"policy"})
) -> Iterator[tuple[Section, Block]]:
    """Every top-level block below a section with the section it stands in; only of the named regions."""
    for here in walk(section):
        if here.region in regions:
            for block in here.blocks:
                yield here, block


def parse(repaired: Repaired) -> Document:
    """The tree of a repaired text."""
    lines = list(repaired.lines)
    tables = html_tables(lines, _fenced(lines)) if any("<table" in line or "<TABLE" in line for line in lines) else []
    for n, table in enumerate(tables):
        lines[table.first - 1 : table.last] = [f"<!--table {n}-->"] + [""] * (table.last - table.first)
    cut, deep = _cut_rows(lines), cut_deep(lines, _fenced(lines))
    tokens = _parser().parse("\n".join(lines))
    reader = _Reader(tokens, tables)
    blocks = reader.read()
    root = _sections(blocks, reader.headings, len(repaired.lines))
    for section in walk(root):
        rejoin(section)
    _tag(root)
    return Document(
        root=root,
        lines=repaired.lines,
        fences=reader.fences,
        comments=reader.comments,
        too_deep=deep or reader.deep,
        cut_rows=cut,
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": PARSER_MAX}).enable("table")
    parser.core.ruler.disable(["inline", "text_join"])
    return parser


def _cut_rows(lines: list[str]) -> int:
    """Blanks what follows the first ROWS_MAX rows of a table, in place; the line of the first row left out, or 0."""
    run, first = 0, 0
    for n, line in enumerate(lines):
        run = run + 1 if line.lstrip().startswith("|") else 0
        if run > ROWS_MAX:
            lines[n] = ""
            first = first or n + 1
            run = ROWS_MAX + 1
    return first


def count_fences(text: str) -> int:
    """Fenced blocks as CommonMark counts them."""
    return sum(token.type == "fence" for token in _parser().parse(text))


def _fenced(lines: list[str]) -> set[int]:
    inside: set[int] = set()
    fence = ""
    for n, line in enumerate(lines):
        mark = re.match(r"\s*(`{3,}|~{3,})(.*)$", line)
        if fence:
            inside.add(n)
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark:
            fence = mark[1]
            inside.add(n)
    return inside


class _Reader:
    """Turns the flat tokens into nested blocks without recursion."""

    def __init__(self, tokens: list[Token], tables: list[HtmlTable]) -> None:
        self.tokens, self.tables = tokens, tables
        self.headings: list[tuple[int, int, str]] = []  # (index in the block list, level, raw)
        self.heading_lines: list[int] = []
        self.fences: list[Block] = []
        self.comments: list[tuple[int, str]] = []
        self.deep = 0
        self.holders: list[list[Block]] = [[]]  # where the next block goes; the first is the page
        self.items: list[Item] = []
        self.lists: list[Block] = []
        self.table: Block | None = None
        self.quotes, self.level = 0, 0

    def read(self) -> list[Block]:
        """The blocks of the page; `headings`, `fences` and `comments` are filled on the way."""
        top = self.holders[0]
        for token in self.tokens:
            line, end = ((token.map[0] + 1), token.map[1]) if token.map else (0, 0)
            if token.level >= PARSER_MAX - 1 and not self.deep:
                self.deep = line
            if not (self._list(token, line, end) or self._table(token, line, end)):
                self._leaf(token, line, end)
        return top

    def _list(self, token: Token, line: int, end: int) -> bool:
        """Whether the token opened or closed a list, an item or a quote."""
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                ordered = token.type == "ordered_list_open"
                block = Block(kind="list", line=line, end=end, ordered=ordered, items=[], quoted=self.quotes > 0)
                self.holders[-1].append(block)
                self.lists.append(block)
            case "bullet_list_close" | "ordered_list_close":
                self.lists.pop()
            case "list_item_open":
                number = int(token.info[:9]) if token.info.isascii() and token.info.isdigit() else None
                item = Item(line=line, end=end, number=number, blocks=[])
                self.lists[-1].items.append(item)
                self.items.append(item)
                self.holders.append(item.blocks)
            case "list_item_close":
                self.holders.pop()
                _finish(self.items.pop())
            case "blockquote_open":
                self.quotes += 1
            case "blockquote_close":
                self.quotes -= 1
            case _:
                return False
        return True

    def _table(self, token: Token, line: int, end: int) -> bool:
        """Whether the token is part of a table."""
        if token.type == "table_open":
            self.table = Block(kind="table", line=line, end=end, header=[], rows=[], quoted=self.quotes > 0)
            self.holders[-1].append(self.table)
        elif self.table is None:
            return False
        elif token.type == "table_close":
            if self.table.rows:
                self.table.header = self.table.rows.pop(0).cells
            self.table = None
        elif token.type == "tr_open":
            self.table.rows.append(Row(line=line, cells=[]))
        elif token.type == "inline":
            self.table.rows[-1].cells.append(token.content.strip())
        return True

    def _leaf(self, token: Token, line: int, end: int) -> None:
        match token.type:
            case "heading_open":
                self.level = int(token.tag[1])
            case "inline" if self.level:
                self._heading(self.level, line, token.content)
                self.level = 0
            case "inline":
                paragraph = Block(kind="paragraph", line=line, end=end, text=token.content, quoted=self.quotes > 0)
                self.holders[-1].append(paragraph)
            case "fence" | "code_block":
                self._fence(token, self.holders[-1], line, end)
            case "html_block":
                self._html(token, self.holders[-1], line, end)
            case "hr":
                self.holders[-1].append(Block(kind="rule", line=line, end=end))

    def _heading(self, level: int, line: int, content: str) -> None:
        holders, top = self.holders, self.holders[0]
        if len(holders) > 1:  # a heading inside a list item is a bold line, not a section
            holders[-1].append(Block(kind="paragraph", line=line, end=line, text=f"**{content}**"))
            return
        self.headings.append((len(top), level, content))
        self.heading_lines.append(line)
        top.append(Block(kind="rule", line=line, end=line, text=content, info=f"h{level}"))

    def _fence(self, token: Token, into: list[Block], line: int, end: int) -> None:
        kind: Literal["fence", "code"] = "fence" if token.type == "fence" else "code"
        block = Block(kind=kind, line=line, end=end, text=token.content, info=token.info.strip())
        into.append(block)
        if kind == "fence":
            self.fences.append(block)

    def _html(self, token: Token, into: list[Block], line: int, end: int) -> None:
        mark = re.match(r"\s*<!--table (\d{1,6})-->", token.content)
        if mark and int(mark[1]) < len(self.tables):
            into.append(_html_block(self.tables[int(mark[1])]))
            return
        for n, comment in enumerate(re.findall(r"<!--(.*?)-->", token.content[:20_000], re.S)):
            offset = token.content.find(comment) if n < 50 else 0
            self.comments.append((line + token.content.count("\n", 0, max(offset, 0)), comment.strip()))
        into.append(Block(kind="html", line=line, end=end, text=token.content))


def _finish(item: Item) -> None:
    if item.blocks and item.blocks[0].kind == "paragraph":
        first = item.blocks.pop(0)
        box = _TASK.match(first.text)
        item.task = box[1] != " " if box else None
        item.text = first.text[box.end() :] if box else first.text


def _html_block(table: HtmlTable) -> Block:
    rows = []
    header: list[str] = []
    for cells in table.rows:
        if all(cell.heading for cell in cells) and not header:
            header = [cell.text for cell in cells]
            continue
        row = Row(
            line=cells[0].line, cells=[cell.text for cell in cells], items={}, span=any(cell.span > 1 for cell in cells)
        )
        row.items = {n: cell.items for n, cell in enumerate(cells) if cell.items}
        rows.append(row)
    if not header and rows:
        header = rows.pop(0).cells
    return Block(kind="table", line=table.first, end=table.last, header=header, rows=rows)


def _sections(blocks: list[Block], headings: list[tuple[int, int, str]], last: int) -> Section:
    root = Section(raw="", title="", level=0, line=1, end=last, parts=[])
    at = {index: (level, raw) for index, level, raw in headings}
    stack = [root]
    for index, block in enumerate(blocks):
        if index in at:
            level, raw = at[index]
            _open(stack, level, raw, block.line)
        elif block.kind == "paragraph" and is_bold_line(block.text) and not block.quoted:
            _open(stack, LABEL_LEVEL, block.text, block.line)
        elif block.kind == "rule":
            while stack[-1].level == LABEL_LEVEL:
                stack.pop().end = block.line
        else:
            stack[-1].parts.append(block)
    for section in stack:
        section.end = last
    return root


def _open(stack: list[Section], level: int, raw: str, line: int) -> None:
    while stack[-1].level >= level:
        stack.pop().end = line - 1
    section = Section(raw=raw, title=title(raw), level=level, line=line, parent=stack[-1], parts=[])
    stack[-1].parts.append(section)
    stack.append(section)


def _tag(root: Section) -> None:
    """Regions: a section that is named a template or an example is none of the policy, nor is what is below it."""
    for section in walk(root):
        above = section.parent.region if section.parent else "policy"
        if above != "policy":
            section.region = "policy" if section.parent and of_a_log(section.parent.path(), section.title) else above
        elif section.level > 1 and _TEMPLATE.search(section.title):
            section.region = "template"
        elif section.level and _EXAMPLE.search(section.title):
            section.region = "example"


def words(section: Section) -> str:
    """All plain words of the paragraphs and items directly under the section."""
    found = []
    for block in section.blocks:
        if block.kind == "paragraph":
            found.append(plain(block.text))
        found.extend(plain(item.text) for item in block.items)
    return " ".join(found)
