"""Damage of transport undone, line by line, so that every line keeps its number; each repair is reported.

Double-encoded UTF-8 (read as Windows-1252 and saved again), a byte-order mark, CRLF, front matter, remains of MDX, ERB
and Liquid, and a nested fence that would swallow what follows it. What is not damaged is not touched.
"""

from __future__ import annotations

import re

import msgspec

BYTES_MAX = 8 * 1024 * 1024  # the five guides have 57 KB together; beyond this it is not a document that people wrote
FRONT_MATTER_LINES_MAX = 200

_SUSPECT = re.compile(r"[\u0080-￿]{2,}")
_FENCE = re.compile(r"^( {0,3}|\s*(?:[-*+]|\d{1,9}[.)])\s+|\s+)(`{3,}|~{3,})[ \t]*([^`]*)$")
_SCRIPT = re.compile(r"<%.*?%>|\{%.*?%\}|\{\{[<%].*?[>%]\}\}|\{/\*.*?\*/\}")
_MODULE = re.compile(
    r"^(?:import\s+.{1,200}\s+from\s+['\"].{1,200}['\"];?|import\s+['\"].{1,200}['\"];?|export\s+(?:const|default)\s.*)$"
)
_KEY = re.compile(r"^([A-Za-z][\w -]{0,40}):\s*(.*)$")


_DEFINITION = re.compile(r"^ {0,3}:\s{1,3}(\S.*)$")
_BLOCK = re.compile(r"\s*(?:#|[-*+]\s|\d+[.)]\s|\||>|```|~~~|:|<!--|$)")


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One repair: the rule's id, the line, and what was done, in words."""

    rule: str
    line: int
    message: str


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` has exactly the lines of the file. `front` are the flat keys of the front matter, `front_lines` its text
    from line 2 on, `front_mark` what stands around it."""

    lines: tuple[str, ...]
    front: dict[str, str]
    notes: tuple[Note, ...]
    fences_lengthened: bool = False
    front_lines: tuple[str, ...] = ()
    front_mark: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class Unreadable(ValueError):
    """The bytes are no text that could be a guide; the message says why."""


def decode(data: bytes) -> str:
    """The text of a file. Raises Unreadable for binary data and for more than BYTES_MAX bytes."""
    if len(data) > BYTES_MAX:
        raise Unreadable(f"a guide has at most {BYTES_MAX} bytes, this has {len(data)}")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    if b"\x00" in data:
        raise Unreadable("this is a binary file: it holds zero bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if data[:4] in (b"\x89PNG", b"%PDF", b"PK\x03\x04"):
            raise Unreadable("this is a binary file, not Markdown") from error
        return data.decode("cp1252", errors="replace")


def repair(text: str) -> Repaired:
    """The same lines without the damage, and what was repaired."""
    notes: list[Note] = []
    if text.startswith("﻿"):
        text = text[1:]
        notes.append(Note(rule="SRC-BOM", line=1, message="a byte-order mark at the start was ignored"))
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        notes.append(Note(rule="SRC-CRLF", line=1, message="Windows line ends were read as line ends"))
    # only "\n" ends a line of Markdown; the other separators would shift every number after them
    lines = re.sub(r"[\x00\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", " ", text).split("\n")
    lines = _escapes(_encoding(lines, notes), notes)
    head = lines
    front, lines = _front_matter(lines, notes)
    front_lines = _front_text(head) if lines is not head else ()
    lines, lengthened = _nested_fences(lines, notes)
    lines = _definitions(_scripts(lines, notes))
    return Repaired(
        lines=tuple(lines),
        front=front,
        notes=tuple(notes),
        fences_lengthened=lengthened,
        front_lines=front_lines,
        front_mark=head[0].rstrip() if front_lines else "",
    )


def _front_text(lines: list[str]) -> tuple[str, ...]:
    """What stands between the marks; asked only where both are there."""
    ends = ("---", "...") if lines[0].rstrip() == "---" else ("+++",)
    return tuple(lines[1 : next(n for n, line in enumerate(lines[1:], 1) if line.rstrip() in ends)])


def _encoding(lines: list[str], notes: list[Note]) -> list[str]:
    fixed = []
    for n, line in enumerate(lines, 1):
        better = line if line.isascii() else _SUSPECT.sub(_undouble, line)
        if better != line:
            notes.append(
                Note(rule="SRC-02", line=n, message=f"double-encoded UTF-8 was repaired: {better.strip()[:60]}")
            )
        fixed.append(better)
    return fixed


def _escapes(lines: list[str], notes: list[Note]) -> list[str]:
    """A page that an editor escaped as a whole, so that every heading and bullet begins with a backslash."""
    marked = [line for line in lines if re.match(r"\s*\\?(?:#{1,6}|[-*+])\s", line)]
    escaped = [line for line in marked if line.lstrip().startswith("\\")]
    if len(escaped) < 3 or len(escaped) * 10 < len(marked) * 9:
        return lines
    message = "every mark of this page is escaped with a backslash; it was read without them"
    notes.append(Note(rule="SRC-ESCAPED", line=1, message=message))
    return [re.sub(r"\\([#*_`|\[\]().+-])", r"\1", line) for line in lines]


def _definitions(lines: list[str]) -> list[str]:
    """A definition list, which CommonMark does not know: its term and `: definition` are read as a label and its value."""
    fixed, fence = list(lines), ""
    for n, line in enumerate(lines):
        opened = _FENCE.match(line)
        if opened:
            fence = "" if fence and opened[2].startswith(fence) and not opened[3].strip() else fence or opened[2]
        said = _DEFINITION.match(line) if not fence and n else None
        term = fixed[n - 1].strip() if said else ""
        if said and term and len(term) <= 80 and not term.endswith((":", ".")) and not _BLOCK.match(fixed[n - 1]):
            bare = term.strip("*_ ")
            fixed[n - 1], fixed[n] = f"**{bare}:** {said[1]}", ""
    return fixed


def _undouble(match: re.Match[str]) -> str:
    try:
        return b"".join(_byte(letter) for letter in match[0]).decode("utf-8")
    except ValueError:  # not encodable, or not UTF-8 underneath: the text was right
        return match[0]


def _byte(letter: str) -> bytes:
    # the five bytes that Windows-1252 leaves undefined come through as the control character of the same number
    return letter.encode("latin-1") if letter in "\x81\x8d\x8f\x90\x9d" else letter.encode("cp1252")


def _front_matter(lines: list[str], notes: list[Note]) -> tuple[dict[str, str], list[str]]:
    mark = lines[0].rstrip() if lines else ""
    if mark not in ("---", "+++"):
        return {}, lines
    ends = (mark, "...") if mark == "---" else (mark,)
    for n in range(1, min(len(lines), FRONT_MATTER_LINES_MAX)):
        if lines[n].rstrip() in ends:
            front = {}
            for line in lines[1:n]:
                key = _KEY.match(line.replace(" = ", ": ", 1) if mark == "+++" else line)
                if key and key[2] and not key[2].startswith(("&", "*", "|", ">", "{", "[", "!")):
                    front[key[1].strip().lower()] = key[2].strip().strip("\"'")[:1000]
            if not front and n > 1 and not any(_KEY.match(line) for line in lines[1:n]):
                return {}, lines
            notes.append(
                Note(rule="SRC-FRONT", line=1, message=f"front matter on lines 1-{n + 1} was read as metadata")
            )
            return front, [""] * (n + 1) + lines[n + 1 :]
    return {}, lines


def _scripts(lines: list[str], notes: list[Note]) -> list[str]:
    fixed, fence = [], ""
    for n, line in enumerate(lines, 1):
        opened = _FENCE.match(line)
        if opened:
            if not fence:
                fence = opened[2]
            elif opened[2].startswith(fence[0] * len(fence)) and not opened[3].strip():
                fence = ""
        better = line
        if not fence and not opened:
            better = "" if _MODULE.match(line) else _SCRIPT.sub("", line) if "%" in line or "{" in line else line
        if better != line:
            notes.append(Note(rule="SRC-MDX", line=n, message=f"program text was left out: {line.strip()[:60]}"))
        fixed.append(better)
    return fixed


def _nested_fences(lines: list[str], notes: list[Note]) -> tuple[list[str], bool]:
    """A fence that holds a fence opener with a tag: when reading it as nested lets the document end outside a fence
    and CommonMark's reading does not, the outer one is made longer."""
    marks = [(n, found) for n, line in enumerate(lines) if (found := _FENCE.match(line))]
    nested = _pairs(marks, nesting=True)
    flat = _pairs(marks, nesting=False)
    if nested is None or (flat is not None and not _swallows(lines, flat, marks)):
        return lines, False
    fixed, changed = list(lines), False
    for opener, closer, depth in nested:
        inside = [n for n, found in marks if opener < n < closer]
        if depth == 0 and inside:
            for n in (opener, closer):
                fixed[n] = re.sub(r"`{3,}|~{3,}", lambda match: match[0][0] * (len(match[0]) + 3), fixed[n], count=1)
            message = f"a fence inside this fence would have closed it early; it was read to line {closer + 1}"
            notes.append(Note(rule="SRC-FENCE", line=opener + 1, message=message))
            changed = True
    return fixed, changed


def _pairs(marks: list[tuple[int, re.Match[str]]], *, nesting: bool) -> list[tuple[int, int, int]] | None:
    """(opener, closer, depth) of each fence, or None where one stays open."""
    pairs: list[tuple[int, int, int]] = []
    stack: list[tuple[int, str]] = []
    for n, found in marks:
        info = found[3].strip()
        if stack and not info and found[2][0] == stack[-1][1][0] and len(found[2]) >= len(stack[-1][1]):
            pairs.append((stack.pop()[0], n, len(stack)))
        elif not stack or (nesting and info and found[2][0] == "`"):
            stack.append((n, found[2]))
    return None if stack else pairs


def _swallows(lines: list[str], pairs: list[tuple[int, int, int]], marks: list[tuple[int, re.Match[str]]]) -> bool:
    """Whether an untagged fence holds a heading although an earlier fence held an opener with a tag."""
    tagged = {n for n, found in marks if found[3].strip()}
    suspicious = any(any(opener < n < closer for n in tagged) for opener, closer, _ in pairs[:500])
    if not suspicious:
        return False
    bare = [(opener, closer) for opener, closer, _ in pairs if opener not in tagged]
    return any(re.match(r"#{1,6} \S", line) for opener, closer in bare for line in lines[opener + 1 : closer])
