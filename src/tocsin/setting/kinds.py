"""What a setting's value may be: each kind turns what TOML says into a value, or says what was expected.

An environment variable is always text, so every kind reads text too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tocsin.core.access import ROLES, Role
from tocsin.core.hooks import check_url
from tocsin.core.hourstext import days_in
from tocsin.core.people import QUIET
from tocsin.core.spans import parse_seconds

LOG_PLACES = frozenset({"query", "start", "end", "start_ns", "end_ns", "start_unix", "end_unix"})


class Wrong(ValueError):
    """A value does not fit; the text is what was expected. `got`: the part that does not, where it is not all of it."""

    def __init__(self, expected: str, got: str = "") -> None:
        super().__init__(expected)
        self.got = got


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen. Port 0: the kernel chooses."""

    host: str
    port: int

    @property
    def text(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Wrong("text")
    return value.strip()


def name(value: Any) -> str:
    said = text(value)
    if len(said) > 200 or not said.isprintable():
        raise Wrong("1 to 200 printable characters")
    return said


def secret(value: Any) -> str:
    return text(value)


def flag(value: Any) -> bool:
    said = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in said:
        return said[value.casefold()]
    raise Wrong("true or false")


def whole(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        found = int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value) else value
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise Wrong(f"a whole number from {least} to {most}")
        return found

    return read


def span(least: int, most: int) -> Callable[[Any], int]:
    """Seconds, from a text such as 90s or 1h30m; a bare number is seconds."""

    def read(value: Any) -> int:
        found = parse_seconds(value) if isinstance(value, str) else value
        if found is None and isinstance(value, str) and value.isascii() and value.isdigit():
            found = int(value[:12])
        if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
            raise Wrong(f"a time such as 90s, 15m or 1h30m, from {least} s to {most} s")
        return found

    return read


def one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise Wrong("one of " + ", ".join(words))
        return str(value)

    return read


def words(value: Any) -> tuple[str, ...]:
    """A list of names; a text is one name, or several with commas between, as in the environment."""
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or not all(isinstance(each, str) and each.strip() for each in found):
        raise Wrong('a list of names, such as ["ana", "bo"]')
    return tuple(each.strip() for each in found)


def weekdays(value: Any) -> tuple[int, ...]:
    """Days by name: "Mon-Fri", or a list of such words."""
    found: set[int] = set()
    for word in words(value):
        days = days_in(word)
        if days is None:
            raise Wrong('days such as "Mon-Fri" or ["Mon", "Tue"]', got=word[:80])
        found.update(days)
    if not found:
        raise Wrong('days such as "Mon-Fri" or ["Mon", "Tue"]')
    return tuple(sorted(found))


def dates(value: Any) -> tuple[str, ...]:
    """Days of the year as ISO dates; TOML's own dates too."""
    said = [str(each) for each in value] if isinstance(value, list) else words(value)
    for each in said:
        try:
            date.fromisoformat(each)
        except ValueError:
            raise Wrong('dates such as ["2026-12-24"]', got=each[:80]) from None
    return tuple(said)


def some_of(*known: str) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        found = words(value)
        if not set(found) <= set(known):
            raise Wrong("names of " + ", ".join(known))
        return found

    return read


def labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise Wrong("a table of texts")
    return dict(value)


def roles(value: Any) -> dict[str, Role]:
    """A role for each name, such as a group's."""
    said = labels(value)
    wrong = next((f"{role!r} for {name!r}" for name, role in said.items() if role not in ROLES), "")
    if wrong:
        raise Wrong(f"one of {', '.join(ROLES)} for each group", got=wrong[:80])
    return {name: role for name, spoken in said.items() for role in ROLES if role == spoken}


def issuer(value: Any) -> str:
    """An OpenID issuer: compared letter by letter, so it is kept as it was written."""
    said = text(value)
    parts = urlsplit(said)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not (parts.scheme == "https" or local) or not parts.netloc or parts.query or parts.fragment:
        raise Wrong("an address with https such as https://login.example.org")
    return said


def spans(*names: str) -> Callable[[Any], dict[str, int]]:
    """A table of times, by these names or, without any, by every name."""

    def read(value: Any) -> dict[str, int]:
        if not isinstance(value, dict) or not value.keys() <= set(names or value):
            raise Wrong("a table of times" + (f" by {', '.join(names)}" if names else ""))
        return {name: span(0, 100 * 366 * 86_400)(each) for name, each in value.items()}

    return read


def template_url(value: Any) -> str:
    """An address with places for what is asked, behind the host."""
    said = text(value)
    head = "/".join(said.split("/", 3)[:3])
    if urlsplit(said).scheme not in ("http", "https") or not urlsplit(said).netloc or "{" in head:
        raise Wrong("an address such as https://loki.example/query?q={query}&start={start_ns}")
    if unknown := set(re.findall(r"\{(\w*)\}", said)) - LOG_PLACES:
        raise Wrong(f"places named {', '.join(sorted(LOG_PLACES))}", f"{{{min(unknown)}}}")
    return said


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Wrong("a table: the mapping of the generic format")
    return value


def zone(value: Any) -> str:
    said = text(value)
    try:
        ZoneInfo(said)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Wrong("an IANA time zone such as Europe/Berlin") from None
    return said


def quiet(value: Any) -> str:
    said = text(value)
    if not re.fullmatch(QUIET, said):
        raise Wrong("hours such as 22:00-07:00")
    return said


def address(value: Any) -> Address:
    said = text(value)
    host, colon, port = said.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535 or "/" in host or "@" in host:
        raise Wrong("HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return Address(host=host or "0.0.0.0", port=int(port))


def public_url(value: Any) -> str:
    said = text(value).rstrip("/")
    parts = urlsplit(said)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise Wrong("an address such as https://tocsin.example.org")
    return said


def hook_url(value: Any) -> str:
    said = text(value)
    try:
        check_url(said)
    except ValueError as error:
        raise Wrong(str(error).removeprefix("url: expected ")) from None
    return said


def database_url(value: Any) -> str:
    said = text(value)
    scheme = said.partition(":")[0]
    if scheme in ("postgres", "postgresql"):
        raise Wrong("sqlite:///PATH; PostgreSQL is not in this release")
    if not said.startswith("sqlite:///") or len(said) == len("sqlite:///"):
        raise Wrong("sqlite:///PATH")
    return said


def not_yet(what: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        raise Wrong(f"nothing; {what} is not in this release")

    return read
