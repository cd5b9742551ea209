"""Reading the fields of an API call's body, whether it came as JSON or as a form."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any


class Fields:
    """The fields of an object, read with their types; what a form sends is text, so numbers and flags may be text."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __contains__(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, default: str | None = None) -> str:
        found = self._given.get(name)
        if found is None:
            if default is None:
                raise ValueError(f"{name}: expected a text, got nothing")
            return default
        if not isinstance(found, str):
            raise ValueError(f"{name}: expected a text, got {type(found).__name__}")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        found = self._given.get(name, default)
        if found in (True, "true", "1", "t"):
            return True
        if found in (False, None, "", "false", "0", "f"):
            return False
        raise ValueError(f"{name}: expected true or false, got {str(found)[:40]!r}")

    def texts(self, name: str) -> list[str]:
        found = self._given.get(name) or []
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise ValueError(f"{name}: expected a list of texts")
        return list(found)

    def is_list(self, name: str) -> bool:
        return isinstance(self._given.get(name), list)

    def table(self, name: str) -> dict[str, str]:
        """An object of texts; none where it is missing."""
        found = self._given.get(name) or {}
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise ValueError(f"{name}: expected an object of texts")
        return dict(found)

    def word(self, name: str, words: tuple[str, ...]) -> str | None:
        """One of the words, or None where it is missing or empty."""
        found = self._given.get(name)
        if found is None or found == "":
            return None
        if found not in words:
            raise ValueError(f"{name}: expected one of {', '.join(words)}, got {str(found)[:40]!r}")
        return str(found)

    def instant(self, name: str) -> datetime | None:
        found = self._given.get(name)
        if not found:
            return None
        try:
            at = datetime.fromisoformat(str(found))
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise ValueError(f"{name}: expected an instant with its zone, got {str(found)[:40]!r}")
        return at

    def day(self, name: str) -> date | None:
        found = self._given.get(name)
        try:
            return date.fromisoformat(str(found)) if found else None
        except ValueError:
            raise ValueError(f"{name}: expected a date such as 2026-11-23, got {str(found)[:40]!r}") from None
