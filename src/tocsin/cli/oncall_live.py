"""Questions about the schedules of the server."""

from __future__ import annotations

from typing import Any

from tocsin.cli.client import connect, part
from tocsin.cli.verbs import instant


def shifts(schedule: str, start: str | None, end: str | None) -> Any:
    """Shifts and gaps as `/api/schedules/{id}/shifts` gives them."""
    return connect().get(f"/api/schedules/{part(schedule)}/shifts", **given({"from": start, "to": end}))


def schedules() -> list[str]:
    """The ids of the server's schedules."""
    return sorted(each["id"] for each in connect().get("/api/schedules")["items"])


def who(schedule: str | None, at: str | None) -> list[dict[str, Any]]:
    """Per schedule who is on call, and since and until when."""
    found = connect().get("/api/oncall", **given({"schedule": schedule, "at": at}))
    items: list[dict[str, Any]] = found["items"]
    return items


def until(row: dict[str, Any]) -> str:
    """When the next change is, in words."""
    return f"  until {row['until']}, then {', '.join(row['then']) or '(nobody)'}" if row.get("until") else ""


def given(said: dict[str, str | None]) -> dict[str, str]:
    """What was given, instants in RFC 3339."""
    return {name: instant(value) if name != "schedule" else value for name, value in said.items() if value is not None}
