"""Alerts and silences as amtool prints them: `simple`, `extended`, `json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tocsin.cli.output import plain, safe_json
from tocsin.core.matchers import show
from tocsin.core.policy import Matcher

Json = Mapping[str, Any]
SIMPLE_ALERT = ("Alertname", "Starts At", "Summary", "State")
EXTENDED_ALERT = ("Labels", "Annotations", "Starts At", "Ends At", "Generator URL", "State")
SIMPLE_SILENCE = ("ID", "Matchers", "Ends At", "Created By", "Comment")
EXTENDED_SILENCE = ("ID", "Matchers", "Starts At", "Ends At", "Updated At", "Created By", "Comment")
PADDING = 2  # between columns, and after the last one, as Go's tabwriter does


def columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows as lines whose columns stand below each other; every line ends in padding. A row is one line, and says
    nothing that a terminal would obey."""
    rows = [[plain(cell) for cell in row] for row in rows]
    widths = [max(len(row[n]) for row in rows) + PADDING for n in range(len(rows[0]))]
    return "".join("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + "\n" for row in rows)


def shown_date(text: str) -> str:
    """`2026-11-21 06:39:52 UTC`."""
    return read_date(text).strftime("%Y-%m-%d %H:%M:%S UTC").rjust(23, "0")


def read_date(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def alerts(found: Sequence[Json], output: str) -> str:
    """The alerts, the one that began first on top."""
    if output == "json":
        return _json(found)
    rows = sorted(found, key=lambda alert: read_date(alert["startsAt"]))
    if output == "simple":
        return columns([SIMPLE_ALERT, *(_simple_alert(alert) for alert in rows)])
    return columns([EXTENDED_ALERT, *(_extended_alert(alert) for alert in rows)])


def _simple_alert(alert: Json) -> tuple[str, ...]:
    return (
        alert["labels"].get("alertname", ""),
        shown_date(alert["startsAt"]),
        alert["annotations"].get("summary", ""),
        alert["status"]["state"],
    )


def _extended_alert(alert: Json) -> tuple[str, ...]:
    return (
        _pairs(alert["labels"]),
        _pairs(alert["annotations"]),
        shown_date(alert["startsAt"]),
        shown_date(alert["endsAt"]),
        alert.get("generatorURL", ""),
        alert["status"]["state"],
    )


def silences(found: Sequence[Json], output: str) -> str:
    """The silences, the one that ends first on top."""
    if output == "json":
        return _json(found)
    rows = sorted(found, key=lambda silence: read_date(silence["endsAt"]))
    if output == "simple":
        return columns([SIMPLE_SILENCE, *(_simple_silence(silence) for silence in rows)])
    return columns([EXTENDED_SILENCE, *(_extended_silence(silence) for silence in rows)])


def _simple_silence(silence: Json) -> tuple[str, ...]:
    return (
        silence["id"],
        " ".join(_matchers(silence["matchers"])),
        shown_date(silence["endsAt"]),
        silence["createdBy"],
        silence["comment"],
    )


def _extended_silence(silence: Json) -> tuple[str, ...]:
    return (
        silence["id"],
        "{" + ",".join(_matchers(silence["matchers"])) + "}",
        shown_date(silence["startsAt"]),
        shown_date(silence["endsAt"]),
        shown_date(silence["updatedAt"]),
        silence["createdBy"],
        silence["comment"],
    )


def _matchers(matchers: Iterable[Json]) -> list[str]:
    return [
        show(
            Matcher(
                name=each["name"], value=each["value"], is_regex=each["isRegex"], is_equal=each.get("isEqual", True)
            )
        )
        for each in matchers
    ]


def _pairs(labels: Json) -> str:
    return " ".join(sorted(f'{name}="{value}"' for name, value in labels.items()))


def _json(found: Sequence[Json]) -> str:
    return safe_json(found, separators=(",", ":")) + "\n"
