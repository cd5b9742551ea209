"""A guide's dashboard as Grafana takes it today: its own panels, word for word, and what else /metrics can show.

Guides print dashboards for Grafana's HTTP API, without a data source and without places: such panels would lie on top
of each other and ask nobody. What the guide says (titles, types, expressions, legends) is never changed. A panel of the
type `graph` is drawn by every Grafana: since version 11 as a time series.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, Literal

from tocsin.core.policy import Policy

Form = Literal["api", "file", "guide"]

TITLE = "Incident Response Metrics"
SCHEMA_VERSION = 39  # Grafana 10.4; newer ones carry it over themselves
PANELS_MAX = 100  # of one guide
WIDTH, HEIGHT = 8, 8  # of a panel, of 24 columns
SOURCE = {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}
VARIABLE = {"name": "DS_PROMETHEUS", "type": "datasource", "query": "prometheus", "label": "Data source"}

SEVERITY = "{{severity}}"
GUIDES: Sequence[dict[str, Any]] = (
    {"title": "Incidents by Severity", "type": "piechart",
     "targets": [{"expr": "count by (severity) (incident_total)", "legendFormat": SEVERITY}]},
    {"title": "MTTR by Severity", "type": "bargauge",
     "targets": [{"expr": "avg by (severity) (incident_resolution_time)", "legendFormat": SEVERITY}]},
    {"title": "Incident Trends", "type": "graph",
     "targets": [{"expr": "increase(incident_total[7d])", "legendFormat": "Weekly incidents"}]},
)  # fmt: skip
"""Where no guide prints a dashboard. `count` counts series, `increase` needs a counter: /metrics has one series per
incident, which is 0 at first, so that both are right."""


def _more() -> Sequence[dict[str, Any]]:
    slow = "histogram_quantile(0.9, sum by (le, severity) (increase(incident_time_to_ack_seconds_bucket[30d])))"
    return (
        _panel("Open now", "stat", "sum by (severity) (incidents_open)", SEVERITY),
        _panel("Oldest page that waits", "stat", "max(tocsin_oldest_owed_page_seconds)", "", "s"),
        _panel("Promises missed in 7 days", "stat", "sum(increase(promises_missed_total[7d]))", ""),
        _panel("Incidents in 7 days", "timeseries", "sum by (severity) (increase(incident_total[7d]))", SEVERITY),
        _panel("Nine of ten acknowledged within (30 days)", "timeseries", slow, SEVERITY, "s"),
        _panel("Pages a day", "timeseries", "sum by (channel, result) (increase(pages_sent_total[1d]))",
               "{{channel}} {{result}}"),
        _panel("Incidents by category in 30 days", "bargauge",
               "sum by (category) (increase(incidents_declared_total[30d]))", "{{category}}"),
        _panel("Levels that were paged, a week", "timeseries", "sum(increase(escalations_total[7d]))", "Escalations"),
        _panel("Resolved in (30 days, mean)", "timeseries",
               "sum by (severity) (increase(incident_time_to_resolve_seconds_sum[30d]))"
               " / sum by (severity) (increase(incident_time_to_resolve_seconds_count[30d]))", SEVERITY, "s"),
    )  # fmt: skip


def _panel(title: str, kind: str, expr: str, legend: str, unit: str = "short") -> dict[str, Any]:
    return {
        "title": title,
        "type": kind,
        "targets": [{"expr": expr, "legendFormat": legend}],
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
    }


def printed(policies: Iterable[Policy]) -> tuple[str, dict[str, Any]] | None:
    """The first dashboard for Grafana that a guide prints: its text, and the dashboard without its wrapper."""
    for policy in policies:
        for each in policy.dashboards:
            try:
                value = json.loads(each.definition)
            except (ValueError, RecursionError):
                continue
            found = value.get("dashboard", value) if isinstance(value, dict) else None
            if isinstance(found, dict) and isinstance(found.get("panels"), list):
                return each.definition, found
    return None


def dashboard(policies: Iterable[Policy] = ()) -> dict[str, Any]:
    """The first dashboard that a guide prints, else `GUIDES`, with everything that Grafana needs to draw it; below it
    what else there is to see."""
    found = printed(policies)
    own = found[1] if found else {"title": TITLE, "panels": GUIDES}
    panels = [each for each in own["panels"] if isinstance(each, dict)][:PANELS_MAX]
    used = {each.get("id") for each in panels if isinstance(each.get("id"), int)}
    ids = (n for n in count(1) if n not in used)
    first = [_whole(each, next(ids), n, 0) for n, each in enumerate(panels)]
    below = max((_bottom(each) for each in first), default=0)
    return {
        "uid": "tocsin-incident-response",
        "title": TITLE,
        "tags": ["incident-response"],
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": "now-30d", "to": "now"},
        **{name: value for name, value in own.items() if name not in ("panels", "templating")},
        "templating": {"list": [VARIABLE, *_variables(own)]},
        "panels": first + [_whole(each, next(ids), n, below) for n, each in enumerate(_more())],
    }


def _variables(own: dict[str, Any]) -> list[Any]:
    """The guide's own."""
    templating = own.get("templating")
    found = templating.get("list") if isinstance(templating, dict) else None
    return found if isinstance(found, list) else []


def _whole(panel: dict[str, Any], number: int, n: int, top: int) -> dict[str, Any]:
    """The panel with what it lacks to be drawn; what it has stays."""
    place = {"x": n % 3 * WIDTH, "y": top + n // 3 * HEIGHT, "w": WIDTH, "h": HEIGHT}
    shown: dict[str, Any] = {"id": number, "datasource": SOURCE, "gridPos": place} | panel
    if isinstance(shown.get("targets"), list):
        asked = (each for each in shown["targets"] if isinstance(each, dict))
        shown["targets"] = [{"refId": f"Q{i}", "datasource": SOURCE} | each for i, each in enumerate(asked, 1)]
    return shown


def _bottom(panel: dict[str, Any]) -> int:
    place = panel["gridPos"]
    values = [place.get(name) for name in ("y", "h")] if isinstance(place, dict) else []
    return sum(value for value in values if isinstance(value, int))
