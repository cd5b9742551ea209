"""What is looked for in a log: patterns and how often is too often, the share of errors, errors never seen before."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
import re2

from tocsin.core.spans import parse_seconds

LogFormat = Literal["lines", "journal"]
WITHIN_MAX = 86_400
COUNT_MAX = 1_000_000
PATTERN_MAX = 1_000
PATTERN_BYTES_MAX = 8 * 1024 * 1024  # of a pattern, compiled


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern that has a name of ours; `count` and `within_seconds` count where nobody says more."""

    pattern: str
    count: int
    within_seconds: int = 300


# The first three are what guides search their logs for (docs/detection-logs.md says which words they use).
KNOWN = {
    "error": Known(pattern=r"(?i)error|exception|fail", count=20),
    "critical": Known(pattern=r"ERROR|CRITICAL", count=5),
    "attack": Known(pattern=r"error|fail|attack", count=20),
    "auth": Known(
        pattern=r"(?i)authentication (?:failure|failed|error)|failed (?:password|publickey|login)|invalid (?:user|"
        r"password|credentials|token)|(?:login|logon|sign-?in) (?:failed|failure|denied)|(?:incorrect|wrong|bad) "
        r'password|password mismatch|access denied for user|too many authentication failures|" 401 ',
        count=10,
    ),
}

_RULE = re.compile(r"(?P<name>[a-z]+)(?:\s*:\s*(?P<count>\d{1,7}) in (?P<within>\w+))?")
_SHARE = re.compile(r"(?P<percent>\d{1,3}(?:\.\d{1,2})?)\s*% in (?P<within>\w+)")


class LogRule(msgspec.Struct, frozen=True, kw_only=True):
    """`count` lines that match `pattern` within the time are too many. `severity` "": the log's."""

    name: str
    pattern: str
    count: int
    within_seconds: int
    severity: str = ""


class ErrorShare(msgspec.Struct, frozen=True, kw_only=True):
    """So many of 10,000 lines may be errors, counted over the time."""

    of_10000: int
    within_seconds: int

    @property
    def text(self) -> str:
        return f"{self.of_10000 / 100:g} %"


class LogWatch(msgspec.Struct, frozen=True, kw_only=True):
    """One log: where it is, what it is about, and what in it is worth an alert.

    `new_errors`: so many lines of an error that was never seen are told, 0 for never. `growth`: an error so many times
    as frequent as it ever is, 0 for never. `learn_seconds`: for so long after the first start nothing is new.
    """

    name: str
    files: tuple[str, ...]
    format: LogFormat = "lines"
    service: str | None = None
    severity: str = "error"
    labels: dict[str, str] = {}
    rules: tuple[LogRule, ...] = ()
    error_share: ErrorShare | None = None
    new_errors: int = 3
    new_severity: str = "warning"
    growth: int = 5
    learn_seconds: int = 3600


def rule_said(text: str) -> LogRule:
    """`error`, or `error: 20 in 5m`. Raises ValueError saying what was expected."""
    found = _RULE.fullmatch(text.strip())
    known = KNOWN.get(found["name"]) if found else None
    if found is None or known is None:
        raise ValueError(f'one of {", ".join(KNOWN)}, alone or as in "error: 20 in 5m", or a table {{name, pattern}}')
    if found["count"] is None:
        return LogRule(
            name=found["name"], pattern=known.pattern, count=known.count, within_seconds=known.within_seconds
        )
    return LogRule(
        name=found["name"],
        pattern=known.pattern,
        count=_count(int(found["count"])),
        within_seconds=_within(found["within"]),
    )


def share_said(text: str) -> ErrorShare:
    """`5% in 5m`. Raises ValueError saying what was expected."""
    found = _SHARE.fullmatch(text.strip())
    if found is None or not 0 < float(found["percent"]) <= 100:
        raise ValueError('a share of all lines and a time, such as "5% in 5m"')
    return ErrorShare(of_10000=round(float(found["percent"]) * 100), within_seconds=_within(found["within"]))


def _within(text: str) -> int:
    seconds = parse_seconds(text)
    if seconds is None or not 1 <= seconds <= WITHIN_MAX:
        raise ValueError("a time such as 90s, 5m or 1h, at most a day")
    return seconds


def _count(count: int) -> int:
    if not 1 <= count <= COUNT_MAX:
        raise ValueError(f"a number of lines from 1 to {COUNT_MAX}")
    return count


def compiled(pattern: str) -> Callable[[str], Any]:
    """A search for the pattern that takes time in proportion to the line. Raises ValueError with the reason."""
    if len(pattern) > PATTERN_MAX:
        raise ValueError(f"longer than {PATTERN_MAX} characters")
    try:
        search: Callable[[str], Any] = re2.compile(pattern, _options()).search
    except re2.error as error:
        said = error.args[0]
        raise ValueError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
    return search


def matching(patterns: Sequence[str]) -> Callable[[str], Sequence[int]]:
    """Which of the patterns match, by their number, asked of a line once for all of them. They are known to compile."""
    every = re2.Set.SearchSet(_options())
    for pattern in patterns:
        every.Add(pattern)
    every.Compile()
    return lambda text: every.Match(text) or ()


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = PATTERN_BYTES_MAX
    return options
