"""`[prometheus]` and `[[queries]]`: the numbers that Tocsin watches, as configured."""

from __future__ import annotations

import math
from typing import Any

from tocsin.setting.kinds import Wrong, flag, labels, name, one_of, public_url, secret, span, text, whole
from tocsin.setting.row import REQUIRED, Setting, row as _row

DAY = 86_400


def number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Wrong("a number")
    return float(value)


def _at_least(value: Any) -> float:
    found = number(value)
    if found < 0:
        raise Wrong("a number from 0 on")
    return found


PROMETHEUS: tuple[Setting, ...] = (
    _row("prometheus.url", public_url, None, "The Prometheus, or whatever speaks its API, that `[[queries]]` ask.",
         unit="URL", env="TOCSIN_PROMETHEUS_URL"),
    _row("prometheus.token", secret, None, "Goes along as `Authorization: Bearer`.", env="TOCSIN_PROMETHEUS_TOKEN",
         is_secret=True),
    _row("prometheus.user", text, None, "For a server that asks for a name and a password.",
         env="TOCSIN_PROMETHEUS_USER"),
    _row("prometheus.password", secret, None, "The password.", env="TOCSIN_PROMETHEUS_PASSWORD", is_secret=True),
)  # fmt: skip

QUERIES: tuple[Setting, ...] = (
    _row("queries[].name", name, REQUIRED, "A short name: the label `query` of its alerts, which come from the source "
         "`query:NAME`."),
    _row("queries[].query", text, REQUIRED, "What is asked, in PromQL; each series of the answer is judged by itself."),
    _row("queries[].title", name, "", "What people call the value.", shown="the name"),
    _row("queries[].unit", text, "", "How the value is shown: `ratio` (0.042 is 4.2 %), `percent`, `bytes`, `seconds`, "
         "or a word that stands behind it."),
    _row("queries[].every", span(10, DAY), 60, "How often it is asked.", unit="time", shown='"1m"'),
    _row("queries[].for", span(0, DAY), 0, "How long it has to be wrong before there is an alert.", unit="time"),
    _row("queries[].above", number, None, "Wrong is a value above this.", shown="one of the five"),
    _row("queries[].below", number, None, "Wrong is a value below this.", shown="one of the five"),
    _row("queries[].falls_to", number, None, "Wrong is a value that will have fallen to this within `within`, if it "
         "goes on as it did during `over`.", shown="one of the five"),
    _row("queries[].rises_to", number, None, "The same for a value that rises.", shown="one of the five"),
    _row("queries[].unusual", one_of("high", "low", "both"), None, "Wrong is a value far from what it is at the "
         "same hour of earlier weeks; where there are none, in the last day.", unit="high, low or both",
         shown="one of the five"),
    _row("queries[].within", span(60, 366 * DAY), 4 * 3600, "How soon a limit must not be reached.", unit="time",
         shown='"4h"'),
    _row("queries[].over", span(300, 31 * DAY), 3600, "The time whose trend counts.", unit="time", shown='"1h"'),
    _row("queries[].weeks", whole(1, 12), 4, "How many earlier weeks count for what is usual."),
    _row("queries[].deviations", whole(2, 100), 5, "How many times the usual spread is far."),
    _row("queries[].at_least", _at_least, 0.0, "A difference from what is usual that is smaller does not matter."),
    _row("queries[].no_data", flag, False, "Whether an answer without any series is wrong too.", unit="true or false"),
    _row("queries[].service", name, None, "What it is about."),
    _row("queries[].severity", name, "critical", "The severity label of its alerts."),
    _row("queries[].labels", labels, {}, "More labels of its alerts."),
)  # fmt: skip
