"""What subscribers read: one message for each public change, with Atlassian's webhook body for machines."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.announcement import Announcement
from tocsin.core.public import PublicIncident, Update
from tocsin.core.status import Component, Page, Planned, maintenance_status
from tocsin.core.statusjson import (
    incident as incident_json,
    maintenance as maintenance_json,
    plain_state,
    stamp,
    status,
)
from tocsin.core.statusview import Known, PageView, view
from tocsin.status.html import STATES, local

SUBJECT_MAX = 200


class News(msgspec.Struct, frozen=True, kw_only=True):
    """`components`: whom it concerns; subscribers of other components only are not told."""

    said: Announcement
    components: frozenset[str]


def incident_news(known: Known, page: Page, incident: PublicIncident, update: Update, base: str) -> News:
    """An update of an incident."""
    shown = _view(known, page, incident, update.at)
    each = next(one for one in (*shown.open, *shown.over) if one.incident.id == incident.id)
    names = [one.name for one in each.components]
    text = [
        f"{update.status.capitalize()}: {update.text}",
        f"Affects {', '.join(names)}." if names else "",
        local(update.at, ZoneInfo(page.time_zone)),
        f"{base}/incidents/{incident.id}",
    ]
    said = Announcement(
        id=f"status-{page.id}-{incident.id}-{update.id}",
        topic=f"status/{page.id}/{incident.id}",
        subject=_subject(page, update.status.capitalize(), each.name),
        text=_joined(text),
        at=update.at,
        event=update.status,
        incident=incident.id,
        url=f"{base}/incidents/{incident.id}",
        outside=True,
        data=_body(shown, base, {"incident": incident_json(each, shown, base)}),
        change=_digest(update.status, update.text, *names),
    )
    return News(said=said, components=frozenset(one.id for one in each.components))


def review_news(known: Known, page: Page, incident: PublicIncident, base: str) -> News:
    """The public review of an incident."""
    at = incident.review_changed_at or incident.changed_at
    shown = _view(known, page, incident, at)
    each = next(one for one in (*shown.open, *shown.over) if one.incident.id == incident.id)
    url = f"{base}/incidents/{incident.id}"
    said = Announcement(
        id=f"status-{page.id}-{incident.id}-review-{_digest(incident.review)[:12]}",
        topic=f"status/{page.id}/{incident.id}/review",
        subject=_subject(page, "What happened", each.name),
        text=_joined([incident.review, url]),
        at=at,
        event="postmortem",
        incident=incident.id,
        url=url,
        outside=True,
        data=_body(shown, base, {"incident": incident_json(each, shown, base)}),
        change=_digest(incident.review),
    )
    return News(said=said, components=frozenset(one.id for one in each.components))


def component_news(known: Known, page: Page, component: Component, since: datetime, base: str) -> list[News]:
    """What was said of the component after `since`, by hand or by a check; the silence of a check is no news."""
    said = known.said.get(component.id)
    changes = said.changes if said else ()
    if not changes or changes[-1].at < since:
        return []
    shown = view(known, page, changes[-1].at)
    found: list[News] = []
    for n, change in enumerate(changes):
        before = changes[n - 1].state if n else "operational"
        if change.at < since or change.state in ("unknown", before) or (n == 0 and change.state == "operational"):
            continue
        update = {
            "component_update": {
                "id": f"{component.id}-{int(change.at.timestamp())}",
                "component_id": component.id,
                "old_status": plain_state(before),
                "new_status": plain_state(change.state),
                "created_at": stamp(change.at),
            },
            "component": {
                "id": component.id,
                "name": component.name,
                "status": plain_state(change.state),
                "created_at": stamp(component.created_at),
            },
        }
        text = [
            f"{component.name}: {STATES[change.state]} (before: {STATES[before]})",
            local(change.at, ZoneInfo(page.time_zone)),
            base,
        ]
        announcement = Announcement(
            id=f"status-{page.id}-{component.id}-{int(change.at.timestamp() * 1000)}",
            topic=f"status/{page.id}/component/{component.id}",
            subject=_subject(page, STATES[change.state], component.name),
            text=_joined(text),
            at=change.at,
            event="component",
            url=base,
            data=_body(shown, base, update),
            change=f"{change.state} {int(change.at.timestamp())}",
        )
        found.append(News(said=announcement, components=frozenset({component.id})))
    return found


_CLOCK = {
    "in_progress": "The maintenance has begun.",
    "completed": "The maintenance is completed.",
}


def maintenance_news(
    known: Known, page: Page, planned: Planned, since: datetime, now: datetime, base: str
) -> list[News]:
    """Updates of the window, and what its clock did, after `since`."""
    said = [(each.at, each.status, each.text, each.id) for each in planned.updates if each.at >= since]
    for status_name, at in (("in_progress", planned.starts_at), ("completed", planned.ends_at)):
        worded = any(each.status == status_name for each in planned.updates)
        if since <= at <= now and not worded and maintenance_status(planned, at) == status_name:
            said.append((at, status_name, _CLOCK[status_name], status_name))
    return [_window_news(known, page, planned, *each, base) for each in sorted(said)]


def _window_news(
    known: Known, page: Page, planned: Planned, at: datetime, status_name: str, text: str, place: str, base: str
) -> News:
    shown = view(known, page, max(at, planned.updated_at))
    each = next((one for one in (*shown.planned, *shown.done) if one.planned.id == planned.id), None)
    zone = ZoneInfo(page.time_zone)
    names = [known.components[name].name for name in planned.components if name in known.components]
    url = f"{base}/maintenance/{planned.id}"
    lines = [
        text,
        f"From {local(planned.starts_at, zone)} to {local(planned.ends_at, zone)}.",
        f"Affects {', '.join(names)}." if names else "",
        url,
    ]
    body = {"incident": maintenance_json(each, shown, base)} if each else {}
    said = Announcement(
        id=f"status-{page.id}-{planned.id}-{place}",
        topic=f"status/{page.id}/{planned.id}",
        subject=_subject(page, f"Maintenance {status_name.replace('_', ' ')}", planned.name),
        text=_joined(lines),
        at=at,
        event=status_name,
        url=url,
        data=_body(shown, base, body),
        change=_digest(status_name, text, stamp(planned.starts_at) or "", stamp(planned.ends_at) or ""),
    )
    return News(said=said, components=frozenset(planned.components))


def _view(known: Known, page: Page, incident: PublicIncident, at: datetime) -> PageView:
    """The page as it is with this incident, which the board may not know yet."""
    others = tuple(each for each in known.incidents if each.id != incident.id)
    sections = tuple(dict.fromkeys((*page.sections, "history")))
    page_then = msgspec.structs.replace(page, sections=sections)
    return view(msgspec.structs.replace(known, incidents=(incident, *others)), page_then, at)


def _body(shown: PageView, base: str, news: dict[str, Any]) -> dict[str, Any]:
    """What a webhook subscriber of statuspage.io gets."""
    state = status(shown)
    return {
        "meta": {"unsubscribe": base},
        "page": {
            "id": shown.page.id,
            "status_indicator": state["indicator"],
            "status_description": state["description"],
        },
    } | news


def _subject(page: Page, what: str, name: str) -> str:
    return f"[{page.name}] {what}: {name}"[:SUBJECT_MAX]


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
