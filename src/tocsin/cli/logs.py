"""`tocsin logs`: search logs by hand, as guides ask for, with what recurs counted."""

from __future__ import annotations

import gzip
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from tocsin.cli.output import NO_MATCH, USAGE, Format, Stop, fail, say, show_json
from tocsin.cli.verbs import FORMAT
from tocsin.core.logwatch import KNOWN, compiled
from tocsin.detect.follow import FILES_MAX
from tocsin.detect.lines import CONTINUES, LINE_MAX, read_line
from tocsin.detect.shapes import Shapes
from tocsin.redaction import Redactor
from tocsin.unreadable import because

app = typer.Typer(no_args_is_help=True)

SHAPES_SHOWN = 20
SHAPES_MAX = 10_000  # that are counted; lines of further ones are counted together
OTHERS = "(others)"


@app.callback()
def logs() -> None:
    """Search logs by hand."""


@app.command("scan")
def scan(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="files, .gz too; - reads standard input")],
    pattern: Annotated[
        str, typer.Option("--pattern", "-p", help=f"{', '.join(KNOWN)}, or a regular expression (RE2)")
    ] = "error",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=100_000, help="how many lines are shown")] = 20,
    last: Annotated[bool, typer.Option("--last", help="show the last ones instead of the first")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="leave what looks like a secret where it stands")] = False,
    form: FORMAT = "table",
) -> None:
    """Show the lines that match, by file and line, and count what recurs. Exits 3 when none does."""
    if len(files) > FILES_MAX:
        fail(f"expected at most {FILES_MAX} files, got {len(files)}", USAGE)
    try:
        search = compiled(KNOWN[pattern].pattern if pattern in KNOWN else pattern)
    except ValueError as error:
        fail(f"--pattern: expected {', '.join(KNOWN)} or a regular expression in RE2's syntax, got {error}", USAGE)
    found = _scanned(files, search, limit, last)
    redact = (lambda text: text) if raw else Redactor()
    _report(found, form, redact)
    if not found.matched:
        raise Stop(code=NO_MATCH)


class _Found:
    """What a scan has come across; the lines shown are a bounded number."""

    def __init__(self, limit: int, last: bool) -> None:
        self.lines = 0
        self.matched = 0
        self.shown: deque[tuple[str, int, str]] = deque(maxlen=limit if last else None)
        self.shapes: Counter[str] = Counter()
        self._limit, self._last = limit, last

    def take(self, file: str, number: int, text: str, shape: str) -> None:
        self.matched += 1
        if self._last or len(self.shown) < self._limit:
            self.shown.append((file, number, text))
        self.shapes[shape if shape in self.shapes or len(self.shapes) < SHAPES_MAX else OTHERS] += 1


def _scanned(files: Sequence[Path], search: Callable[[str], Any], limit: int, last: bool) -> _Found:
    found, shapes = _Found(limit, last), Shapes()
    for file in files:
        try:
            with closing(_opened(file)) as lines:
                for number, text in enumerate(_lines(lines), 1):
                    found.lines += 1
                    if search(text):
                        message = text if CONTINUES.match(text) else read_line(text).message
                        found.take(str(file), number, text, shapes.of(message))
        except (OSError, EOFError) as error:
            fail(because(file, "a log", error) if isinstance(error, OSError) else f"{file}: {error}", USAGE)
    return found


def _opened(file: Path) -> IO[bytes]:
    if str(file) == "-":
        return sys.stdin.buffer
    return gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]


def _lines(file: IO[bytes]) -> Iterator[str]:
    """The lines without their ends; of one that is too long, its beginning."""
    while line := file.readline(LINE_MAX):
        whole = line.endswith(b"\n")
        yield line.decode("utf-8", "replace").rstrip("\r\n")
        while not whole and (rest := file.readline(LINE_MAX)):
            whole = rest.endswith(b"\n")


def _report(found: _Found, form: Format, redact: Callable[[str], str]) -> None:
    top = found.shapes.most_common(SHAPES_SHOWN)
    if form == "json":
        show_json(
            {
                "lines": found.lines,
                "matched": found.matched,
                "items": [{"file": file, "line": n, "text": redact(text)} for file, n, text in found.shown],
                "shapes": [{"count": count, "shape": redact(shape)} for shape, count in top],
            }
        )
        return
    for file, number, text in found.shown:
        say(f"{file}:{number}: {redact(text)}")
    say(f"{found.matched} of {found.lines} lines match" + (", by shape:" if top else ""))
    for shape, count in top:
        say(f"{count:>8}  {redact(shape)}")
    if len(found.shapes) > len(top):
        say(f"          and {len(found.shapes) - len(top)} more shapes")
