"""The page in Atlassian Statuspage's JSON: the public API v2, and the objects that the manage API v1 answers with.

Source: developer.statuspage.io (v1), and the public v2 answers that readers of many vendors' pages rely on. A component
that nobody has reported on lately is `degraded_performance` there, because the format has no word for it and readers
show a word they do not know as green; `tocsin_state` says what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tocsin.core.public import PublicIncident, Update, spans
from tocsin.core.status import Component, ComponentState, MaintenanceUpdate, Page, worst
from tocsin.core.statusview import ComponentView, GroupView, IncidentView, PageView, PlannedView

Json = dict[str, Any]

DESCRIPTIONS = {
    "none": "All Systems Operational",
    "maintenance": "Service Under Maintenance",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
}
INCIDENTS_MAX = 50  # of a listing, as Atlassian's public API


def stamp(at: datetime | None) -> str | None:
    """Such as 2026-11-23T03:00:00.000Z."""
    return None if at is None else f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


def plain_state(state: ComponentState) -> str:
    return "degraded_performance" if state == "unknown" else state


def page(view: PageView, url: str) -> Json:
    shown = view.page
    return {
        "id": shown.id,
        "name": shown.name,
        "url": url,
        "time_zone": shown.time_zone,
        "updated_at": stamp(view.changed_at),
    }


def status(view: PageView) -> Json:
    return {"indicator": view.indicator, "description": DESCRIPTIONS[view.indicator]}


def component(shown: ComponentView, on: Page) -> Json:
    return component_of(shown.component, on, shown.state, shown.position, shown.group)


def component_of(each: Component, on: Page, state: ComponentState, position: int, group: str | None) -> Json:
    made: Json = {
        "id": each.id,
        "name": each.name,
        "status": plain_state(state),
        "created_at": stamp(each.created_at),
        "updated_at": stamp(each.updated_at),
        "position": position,
        "description": each.description,
        "showcase": each.showcase,
        "start_date": (each.starts_on or each.created_at.date()).isoformat(),
        "group_id": group,
        "page_id": on.id,
        "group": False,
        "only_show_if_degraded": each.only_show_if_degraded,
    }
    return made | ({"tocsin_state": state} if state == "unknown" else {})


def group(shown: GroupView, on: Page) -> Json:
    """A group as a component, which is how the public API lists it."""
    return {
        "id": shown.group.id,
        "name": shown.group.name,
        "status": plain_state(shown.state),
        "created_at": stamp(shown.group.created_at),
        "updated_at": stamp(shown.group.updated_at),
        "position": shown.position,
        "description": shown.group.description,
        "showcase": False,
        "start_date": shown.group.created_at.date().isoformat(),
        "group_id": None,
        "page_id": on.id,
        "group": True,
        "only_show_if_degraded": False,
        "components": [each.component.id for each in shown.components],
    }


def components(view: PageView) -> list[Json]:
    """Every component that is to be seen, groups before their members."""
    found: list[Json] = []
    for row in view.rows:
        if isinstance(row, GroupView):
            found += [group(row, view.page), *(component(each, view.page) for each in row.components if _seen(each))]
        elif _seen(row):
            found.append(component(row, view.page))
    return found


def _seen(each: ComponentView) -> bool:
    return each.state != "operational" or not each.component.only_show_if_degraded


def incident(shown: IncidentView, view: PageView, url: str) -> Json:
    known = shown.incident
    now = {each.component.id: each for each in view.components}
    return {
        "id": known.id,
        "name": shown.name,
        "status": known.status,
        "created_at": stamp(known.starts_at),
        "updated_at": stamp(known.changed_at),
        "monitoring_at": stamp(known.monitoring_at),
        "resolved_at": stamp(known.resolved_at),
        "impact": shown.impact,
        "shortlink": f"{url}/incidents/{known.id}",
        "started_at": stamp(known.starts_at),
        "page_id": view.page.id,
        "incident_updates": [
            _update(each, known, shown.components) for each in sorted(known.updates, key=_newest, reverse=True)
        ],
        "components": [component(now[each.id], view.page) for each in shown.components if each.id in now],
        "reminder_intervals": None,
    }


def _newest(update: Update) -> tuple[datetime, int]:
    return update.at, update.id


def _update(update: Update, known: PublicIncident, affected: Sequence[Component]) -> Json:
    return {
        "id": update_id(known, update),
        "status": update.status,
        "body": update.text,
        "incident_id": known.id,
        "created_at": stamp(update.at),
        "updated_at": stamp(update.changed_at or update.at),
        "display_at": stamp(update.at),
        "affected_components": [_affected(each, known, update.at) for each in affected],
        "deliver_notifications": True,
    }


def update_id(known: PublicIncident, update: Update) -> str:
    return f"{known.id}-{update.id}"


def _affected(each: Component, known: PublicIncident, at: datetime) -> Json:
    """What the incident made of the component before and after the instant."""
    held = spans(known, each)
    before = [span.state for span in held if span.start < at and (span.end is None or span.end >= at)]
    after = [span.state for span in held if span.start <= at and (span.end is None or span.end > at)]
    return {
        "code": each.id,
        "name": each.name,
        "old_status": plain_state(worst(before)),
        "new_status": plain_state(worst(after)),
    }


def maintenance(shown: PlannedView, view: PageView, url: str) -> Json:
    planned = shown.planned
    now = {each.component.id: each for each in view.components}
    done = next((each.at for each in planned.updates if each.status == "completed"), None)
    if done is None and shown.status == "completed":
        done = planned.ends_at
    return {
        "id": planned.id,
        "name": planned.name,
        "status": shown.status,
        "created_at": stamp(planned.created_at),
        "updated_at": stamp(shown.changed_at),
        "monitoring_at": None,
        "resolved_at": stamp(done),
        "impact": "maintenance",
        "shortlink": f"{url}/maintenance/{planned.id}",
        "started_at": stamp(planned.created_at),
        "page_id": view.page.id,
        "incident_updates": [_planned_update(each, planned.id) for each in reversed(planned.updates)],
        "components": [component(now[each.id], view.page) for each in shown.components if each.id in now],
        "scheduled_for": stamp(planned.starts_at),
        "scheduled_until": stamp(planned.ends_at),
        "reminder_intervals": None,
    }


def _planned_update(update: MaintenanceUpdate, planned: str) -> Json:
    return {
        "id": f"{planned}-{update.id}",
        "status": update.status,
        "body": update.text,
        "incident_id": planned,
        "created_at": stamp(update.at),
        "updated_at": stamp(update.changed_at or update.at),
        "display_at": stamp(update.at),
        "affected_components": [],
        "deliver_notifications": True,
    }


# --- the answers of the public API ------------------------------------------------------------------------------------


def answer(name: str, view: PageView, url: str) -> Json | None:
    """The body of `/api/v2/{name}.json`, or None when there is no such thing. `url`: the page's own address."""
    head = {"page": page(view, url)}
    match name:
        case "status":
            return head | {"status": status(view)}
        case "components":
            return head | {"components": components(view)}
        case "summary":
            return head | {
                "status": status(view),
                "components": components(view),
                "incidents": [incident(each, view, url) for each in view.open],
                "scheduled_maintenances": [maintenance(each, view, url) for each in view.planned],
            }
        case "incidents" | "incidents/unresolved":
            shown = view.open if name.endswith("unresolved") else (*view.open, *view.over)
            newest = sorted(shown, key=lambda each: each.incident.starts_at, reverse=True)[:INCIDENTS_MAX]
            return head | {"incidents": [incident(each, view, url) for each in newest]}
        case "scheduled-maintenances" | "scheduled-maintenances/upcoming" | "scheduled-maintenances/active":
            windows = {
                "scheduled-maintenances": [*view.planned, *view.done],
                "scheduled-maintenances/upcoming": view.upcoming,
                "scheduled-maintenances/active": view.active,
            }[name]
            return head | {"scheduled_maintenances": [maintenance(each, view, url) for each in windows[:INCIDENTS_MAX]]}
    return None
