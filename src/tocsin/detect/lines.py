"""What one line of a log says: its message, and whether it is an error, whatever format the program writes.

Known are levels as words (`ERROR`, `[error]`, `level=error`), JSON lines (with pino's numbers), the priority of the
journal, and the status of an access line. Only a line that states no level is judged by its words.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

Level = Literal["error", "other"]

LINE_MAX = 16_384  # characters of a line that are looked at; stack traces in one line are longer
HEAD = 200  # characters in which a line states its level
PRIORITY_ERROR = 3  # of syslog and the journal: emerg, alert, crit, err
PINO_ERROR = 50  # of pino and bunyan: error, fatal
STATUS_ERROR = 500  # of HTTP: what the server failed at
MESSAGES = ("message", "msg", "error", "err", "exception", "event", "log")  # keys of JSON lines that hold the message
LEVELS = ("level", "severity", "lvl", "log.level", "levelname")

_json = msgspec.json.Decoder(dict[str, Any])
_WORD = re.compile(
    r"\b(?:(EMERG|EMERGENCY|ALERT|CRITICAL|CRIT|FATAL|PANIC|SEVERE|ERROR|ERR)"
    r"|(?:WARNING|WARN|NOTICE|INFO|INFORMATION|DEBUG|TRACE|FINE|VERBOSE))\b"
)
_MARKED = re.compile(
    r"(?:[\[<(]|\b(?:level|severity|lvl)[\"']?\s*[=:]\s*[\"']?)"
    r"(?:(emerg|alert|crit|critical|fatal|panic|severe|error|err)"
    r"|(?:warning|warn|notice|info|debug|trace|verbose))\b",
    re.IGNORECASE,
)
_GLOG = re.compile(r"(?:([EF])|[WI])\d{4} \d\d:\d\d:\d\d")
_SAYS = re.compile(r"\b(?:\w*(?:error|exception)|failed|failure|fatal|panic|segfault|out of memory)\b", re.IGNORECASE)
_ACCESS = re.compile(r'"(?P<method>[A-Z]{3,10}) (?P<path>\S*)[^"]*" (?P<status>[1-5]\d\d)\b')
_LOGFMT = re.compile(r'\bmsg="((?:[^"\\]|\\.)*)"')

# A line that belongs to the one before it: stack frames and what follows them.
CONTINUES = re.compile(r"\s+\S|Traceback \(most recent call last\)|Caused by: |During handling of the above exception")


class Line(msgspec.Struct, frozen=True, gc=False):
    """`text` is the line; `message` what of it is compared with other lines."""

    text: str
    message: str
    level: Level


def read_line(text: str) -> Line:
    """The line, with what it says of itself."""
    text = text[:LINE_MAX]
    if text.startswith("{"):
        found = _of_json(text)
        if found is not None:
            return found
    if '" ' in text and (access := _ACCESS.search(text)) is not None:
        status = int(access["status"])
        message = f"{access['method']} {access['path'].partition('?')[0]} answered {status // 100}xx"
        return Line(text, message, "error" if status >= STATUS_ERROR else "other")
    logfmt = _LOGFMT.search(text) if "msg=" in text else None
    return Line(text, logfmt[1] if logfmt is not None else text, level_of(text))


def level_of(text: str) -> Level:
    """Whether the line states a level and which, else what its words say."""
    head = text[:HEAD]
    stated = _GLOG.match(head) or _MARKED.search(head) or _WORD.search(head)
    if stated is not None:
        return "error" if stated[1] else "other"
    return "error" if _SAYS.search(text) else "other"


def of_journal(fields: dict[str, str]) -> Line:
    """The line that a journal entry stands for: who says what, and its priority."""
    who = fields.get("SYSLOG_IDENTIFIER") or fields.get("_SYSTEMD_UNIT") or fields.get("_COMM") or "?"
    message = fields.get("MESSAGE", "")[:LINE_MAX]
    text = f"{who}: {message}"
    priority = fields.get("PRIORITY", "")
    if priority.isdigit() and int(priority) <= PRIORITY_ERROR:
        return Line(text, text, "error")
    return Line(text, text, level_of(message))  # many programs give everything the priority of their stream


def _of_json(text: str) -> Line | None:
    try:
        fields = _json.decode(text)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeEncodeError):
        return None
    said = (fields.get(key) for key in MESSAGES)
    message = next((each for each in said if isinstance(each, str) and each), text)
    level = next((fields[key] for key in LEVELS if key in fields), None)
    match level:
        case bool():
            return Line(text, message, level_of(message))
        case int():
            return Line(text, message, "error" if level >= PINO_ERROR else "other")
        case str():
            return Line(text, message, level_of(f"[{level}]"))
        case _:
            return Line(text, message, level_of(message))
