"""The cursor of a listing: where the page before it ended, as text that survives an URL."""

from __future__ import annotations


def cursor_of(opened_us: int, incident: str) -> str:
    return f"{opened_us}.{incident}"


def position_of(cursor: str) -> tuple[int, str]:
    """The place a cursor names. Raises ValueError for a text that no listing gave out."""
    opened, dot, incident = cursor.partition(".")
    if not dot or not incident or not opened.lstrip("-").isdecimal():
        raise ValueError(f"cursor: expected one that a listing gave out, got {cursor!r}")
    return int(opened), incident
