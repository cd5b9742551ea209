"""The server whose numbers are watched, and what it is asked, as values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tocsin.core.metricwatch import MetricQuery
from tocsin.setting.file import ConfigError, Flaw

CONDITIONS = ("above", "below", "falls_to", "rises_to", "unusual")


class PrometheusSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Where the questions go, and which they are."""

    url: str
    token: str | None = None
    user: str | None = None
    password: str | None = None
    queries: tuple[MetricQuery, ...] = ()


def prometheus_setting(of: Callable[[str], Any], rows: list[dict[str, Any]], where: str) -> PrometheusSetting | None:
    """Raises ConfigError for a question that asks for no condition or for several, and for one that nobody is asked."""
    flaws = [flaw for n, row in enumerate(rows) if (flaw := _condition(n, row, where)) is not None]
    url = of("prometheus.url")
    if rows and not url:
        expected = "a value, because there are [[queries]]"
        flaws.append(Flaw(key="prometheus.url", expected=expected, got="nothing", where=where))
    if flaws:
        raise ConfigError(flaws)
    said = {key: of(f"prometheus.{key}") for key in ("token", "user", "password")}
    return PrometheusSetting(url=url, queries=tuple(_query(row) for row in rows), **said) if url else None


def _query(row: dict[str, Any]) -> MetricQuery:
    renamed = ("every", "for", "within", "over", "unusual")
    return MetricQuery(
        every_seconds=row["every"],
        for_seconds=row["for"],
        within_seconds=row["within"],
        over_seconds=row["over"],
        unusual=row["unusual"] or "",
        **{key: value for key, value in row.items() if key not in renamed},
    )


def _condition(n: int, row: dict[str, Any], where: str) -> Flaw | None:
    said = [key for key in CONDITIONS if row[key] is not None]
    if len(said) == 1:
        return None
    got = " and ".join(said) or "none of them"
    return Flaw(key=f"queries[{n}]", expected=f"one of {', '.join(CONDITIONS)}", got=got, where=where)
