r"""Label matchers in Alertmanager's syntax: text -> `Matcher` -> a compiled form that is asked about label sets.

Both dialects of Alertmanager are read: `foo="bar"`, `foo=~"a.*"`, `{a!="x",b!~y}`, `"foo bar"="x"`. As Alertmanager
does, the UTF-8 dialect is tried first and the classic one where it fails or where the two disagree (unquoted values
with spaces, escapes that only one knows).

Regexes are anchored at both ends and are RE2's, the engine whose syntax Go copied: no look-around, no back-references,
repetition counts of at most 1,000, and a match takes time linear in the value. What differs from Go: a pattern is at
most `PATTERN_MAX` characters, and one whose program needs more than `PROGRAM_BYTES_MAX` is refused.
Source: Alertmanager's documentation ("Matcher", "UTF-8 matchers"), checked against amtool 0.25.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import re2

from tocsin.core.policy import Matcher

PATTERN_MAX = 4096  # characters; hand-written ones stay far below, generated ones of this size cost milliseconds
PROGRAM_BYTES_MAX = 1 << 20  # memory RE2 may use for one pattern; a policy has many
MATCHERS_MAX = 100  # of one text: silences made by tools have a handful
TEXT_MAX = 64 * 1024

_OPERATORS = ("=~", "!~", "!=", "=")
_BARE = re.compile(r"""[^\s{}!=~,\\"'`]+""")  # the UTF-8 dialect's unquoted word
_CLASSIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_QUOTED = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERALS = re.compile(r"[A-Za-z0-9_/:@ -]+(?:\|[A-Za-z0-9_/:@ -]+)*")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"',
}  # fmt: skip


class MatcherError(ValueError):
    """`position` is the 0-based character of the text where reading stopped."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(f"{message} (at character {position + 1})")
        self.position = position


class CompiledMatcher(msgspec.Struct, frozen=True, kw_only=True):
    """`pattern` is None for `=` and `!=`; `words` are the alternatives of a regex that is only `a|b|c`."""

    name: str
    value: str
    is_equal: bool
    pattern: Any = None
    words: frozenset[str] | None = None


class Matchers(msgspec.Struct, frozen=True, kw_only=True):
    """Several matchers, all of which must hold; `equal` are those of the form name="value", checked first."""

    equal: tuple[tuple[str, str], ...] = ()
    rest: tuple[CompiledMatcher, ...] = ()


EVERYTHING = Matchers()


def compile_matchers(matchers: Iterable[Matcher]) -> Matchers:
    """The form that answers quickly. Raises ValueError naming a regex that is not one."""
    equal: list[tuple[str, str]] = []
    rest: list[CompiledMatcher] = []
    for matcher in matchers:
        if matcher.is_equal and not matcher.is_regex:
            equal.append((matcher.name, matcher.value))
            continue
        pattern = words = None
        if matcher.is_regex:
            pattern = _regex(matcher.value)
            words = frozenset(matcher.value.split("|")) if _LITERALS.fullmatch(matcher.value) else None
        rest.append(
            CompiledMatcher(
                name=matcher.name, value=matcher.value, is_equal=matcher.is_equal, pattern=pattern, words=words
            )
        )
    return Matchers(equal=tuple(equal), rest=tuple(rest))


def compile_texts(texts: Iterable[str]) -> Matchers:
    """`compile_matchers` of everything the texts say. Raises ValueError."""
    return compile_matchers([matcher for text in texts for matcher in parse_matchers(text)])


def matches(matchers: Matchers, labels: Mapping[str, str]) -> bool:
    """Whether every matcher holds; a label that is missing counts as empty."""
    for name, value in matchers.equal:
        if labels.get(name, "") != value:
            return False
    return all(holds(each, labels.get(each.name, "")) for each in matchers.rest)


def holds(matcher: CompiledMatcher, value: str) -> bool:
    """Whether one matcher holds for a label's value."""
    if matcher.words is not None:
        return (value in matcher.words) is matcher.is_equal
    if matcher.pattern is None:
        return (value == matcher.value) is matcher.is_equal
    found = matcher.pattern.fullmatch(value.encode("utf-8", "replace")) is not None
    return found is matcher.is_equal


# --- many sets of matchers at once ------------------------------------------------------------------------------------


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """Numbered sets of matchers, filed under one label they require, so that most of them are never looked at."""

    entries: tuple[Matchers, ...]
    filed: tuple[tuple[str, dict[str, tuple[int, ...]]], ...]
    loose: tuple[int, ...]


def index(entries: Sequence[Matchers]) -> Index:
    """The index of `entries`; their positions are the numbers that `matching` gives."""
    filed: dict[str, dict[str, list[int]]] = {}
    loose: list[int] = []
    for number, entry in enumerate(entries):
        required = [(name, value) for name, value in entry.equal if value]
        if not required:
            loose.append(number)
            continue
        name, value = min(required, key=lambda pair: pair[0] == "alertname")  # others divide alerts less evenly
        filed.setdefault(name, {}).setdefault(value, []).append(number)
    return Index(
        entries=tuple(entries),
        filed=tuple((name, {value: tuple(n) for value, n in values.items()}) for name, values in filed.items()),
        loose=tuple(loose),
    )


def matching(of: Index, labels: Mapping[str, str]) -> list[int]:
    """The numbers of the entries that match, in growing order."""
    entries = of.entries
    return [number for number in _candidates(of, labels) if matches(entries[number], labels)]


def first_matching(of: Index, labels: Mapping[str, str]) -> int | None:
    """The smallest number that matches, or None."""
    entries = of.entries
    for number in _candidates(of, labels):
        if matches(entries[number], labels):
            return number
    return None


def _candidates(of: Index, labels: Mapping[str, str]) -> Sequence[int]:
    found: Sequence[int] = of.loose
    for name, values in of.filed:
        value = labels.get(name)
        more = values.get(value) if value else None
        if more:
            found = more if not found else sorted((*found, *more))
    return found


# --- reading and writing ----------------------------------------------------------------------------------------------


def parse_matchers(text: str, *, strict: bool = False) -> tuple[Matcher, ...]:
    """The matchers of a text, with or without braces; none for an empty text. Raises MatcherError.

    `strict` refuses what Alertmanager takes though nobody means it: `team==db`, whose value would be `=db`.
    """
    if len(text) > TEXT_MAX:
        raise MatcherError(f"expected at most {TEXT_MAX} characters, got {len(text)}", TEXT_MAX)
    try:
        found = _Utf8(text).matchers()
    except MatcherError as refused:
        try:
            found = _classic(text)
        except MatcherError:
            raise refused from None  # the UTF-8 dialect's reason has the better position
        if strict and any(matcher.value.startswith(("=", "~")) for matcher in found):
            raise
    else:
        with contextlib.suppress(MatcherError):
            found = _classic(text)  # where both can read a text, the classic reading is what old tools meant
    for matcher in found:
        if matcher.is_regex:
            _regex(matcher.value, position=max(text.find(matcher.value), 0))
    return found


def parse_matcher(text: str) -> Matcher:
    """The one matcher of a text. Raises MatcherError for none and for several."""
    found = parse_matchers(text)
    if len(found) != 1:
        raise MatcherError(f'expected one matcher such as team="db", got {len(found)}', 0)
    return found[0]


def show(matcher: Matcher) -> str:
    """The matcher as text that reads back as the same matcher."""
    name = matcher.name if _CLASSIC_NAME.fullmatch(matcher.name) else _quote(matcher.name)
    operator = ("=~" if matcher.is_regex else "=") if matcher.is_equal else ("!~" if matcher.is_regex else "!=")
    return f"{name}{operator}{_quote(matcher.value)}"


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _regex(pattern: str, position: int = 0) -> Any:
    if len(pattern) > PATTERN_MAX:
        raise MatcherError(f"expected a regex of at most {PATTERN_MAX} characters, got {len(pattern)}", position)
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PROGRAM_BYTES_MAX
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise MatcherError(f"expected a regex in RE2's syntax, got {pattern!r}: {reason}", position) from None


def _matcher(name: str, operator: str, value: str) -> Matcher:
    return Matcher(name=name, value=value, is_regex=operator.endswith("~"), is_equal=operator.startswith("="))


class _Utf8:
    """A reader of the UTF-8 dialect: words are bare or quoted as in Go, names and values alike."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def matchers(self) -> tuple[Matcher, ...]:
        found: list[Matcher] = []
        braced = self._take("{")
        while not self._ends(braced):
            found.append(self._matcher())
            if len(found) > MATCHERS_MAX:
                raise MatcherError(f"expected at most {MATCHERS_MAX} matchers", self.at)
            if not self._take(",") and not self._ends(braced):
                raise self._error("expected a comma" + (" or }" if braced else " or the end"))
        if braced and not self._take("}"):
            raise self._error("expected }")
        self._space()
        if self.at < len(self.text):
            raise self._error("expected the end")
        return tuple(found)

    def _ends(self, braced: bool) -> bool:
        self._space()
        return self.at >= len(self.text) or (braced and self.text[self.at] == "}")

    def _matcher(self) -> Matcher:
        name = self._word("a label name")
        if not name:
            raise self._error("expected a label name that is not empty")
        self._space()
        operator = next((each for each in _OPERATORS if self.text.startswith(each, self.at)), None)
        if operator is None:
            raise self._error(f"expected an operator (=, !=, =~ or !~) after {name!r}")
        self.at += len(operator)
        return _matcher(name, operator, self._word("a value"))

    def _word(self, what: str) -> str:
        self._space()
        bare = _BARE.match(self.text, self.at)
        if bare:
            self.at = bare.end()
            return bare.group()
        if not self.text.startswith('"', self.at):
            raise self._error(f"expected {what}")
        quoted = _QUOTED.match(self.text, self.at)
        if not quoted:
            raise self._error("expected a closing double quote")
        start, self.at = self.at, quoted.end()
        return _unquote(quoted.group()[1:-1], start + 1)

    def _take(self, character: str) -> bool:
        self._space()
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def _space(self) -> None:
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1

    def _error(self, expected: str) -> MatcherError:
        got = repr(self.text[self.at : self.at + 20]) if self.at < len(self.text) else "the end of the text"
        return MatcherError(f"{expected}, got {got}", self.at)


def _unquote(body: str, start: int) -> str:
    """What a double-quoted Go string means; numbers of one byte (`\\xff`) name that code point."""

    def meaning(found: re.Match[str]) -> str:
        number = found[1] or found[2] or found[3]
        code = int(number, 16) if number else int(found[4], 8) if found[4] else -1
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF or (found[4] and code > 0xFF):
            raise MatcherError(f"expected an escape that names a character, got {found[0]}", start + found.start())
        if code >= 0:
            return chr(code)
        if found[5] not in _SIMPLE_ESCAPES:
            raise MatcherError(f"expected a known escape, got {found[0]}", start + found.start())
        return _SIMPLE_ESCAPES[found[5]]

    return _ESCAPE.sub(meaning, body)


def _classic(text: str) -> tuple[Matcher, ...]:
    """The older dialect: commas outside quotes divide, unquoted values run to the comma, few escapes."""
    start = len(text) - len(text.lstrip())
    body = text.strip()
    if body.startswith("{"):
        start, body = start + 1, body[1:]
    body = body.removesuffix("}")
    pieces = _pieces(body)
    if pieces and not pieces[-1][1].strip():
        pieces.pop()  # nothing, or a comma at the end
    if len(pieces) > MATCHERS_MAX:
        raise MatcherError(f"expected at most {MATCHERS_MAX} matchers, got {len(pieces)}", start)
    return tuple(_classic_matcher(piece, start + at) for at, piece in pieces)


def _pieces(body: str) -> list[tuple[int, str]]:
    pieces: list[tuple[int, str]] = []
    quoted = escaped = False
    begun = 0
    for at, character in enumerate(body):
        if character == "," and not quoted:
            pieces.append((begun, body[begun:at]))
            begun = at + 1
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
    return [*pieces, (begun, body[begun:])]


def _classic_matcher(piece: str, start: int) -> Matcher:
    at = len(piece) - len(piece.lstrip())
    name = _CLASSIC_NAME.match(piece, at)
    if not name:
        raise MatcherError(f"expected a label name, got {piece.strip()!r}", start + at)
    rest = piece[name.end() :].lstrip()
    operator = next((each for each in _OPERATORS if rest.startswith(each)), None)
    if operator is None:
        raise MatcherError(f"expected an operator after {name.group()!r}, got {rest[:20]!r}", start + name.end())
    return _matcher(name.group(), operator, _classic_value(rest[len(operator) :].strip(), start))


def _classic_value(raw: str, start: int) -> str:
    quoted = raw.startswith('"')
    if quoted and (len(raw) < 2 or not raw.endswith('"')):
        raise MatcherError("expected a closing double quote", start + len(raw))
    out: list[str] = []
    body = raw[1:-1] if quoted else raw
    at = 0
    while at < len(body):
        character, after = body[at], body[at + 1 : at + 2]
        if character == '"':
            raise MatcherError(f"expected double quotes inside a value to be escaped, got {raw!r}", start)
        if character == "\\" and after in ("n", '"', "\\") and after:
            out.append("\n" if after == "n" else after)
            at += 2
            continue
        if character == "\\" and not after and quoted:
            raise MatcherError("expected a closing double quote", start + len(raw))  # the last one is escaped
        out.append(character)
        at += 1
    return "".join(out)
