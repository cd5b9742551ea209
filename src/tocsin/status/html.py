"""The public pages as HTML: one document each, its style within, no script. What is shown is `core.statusview`."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from tocsin.core.status import ComponentState, Page, rank
from tocsin.core.statusview import UPCOMING, ComponentView, PageView
from tocsin.core.uptime import Day, midnight

FOLDER = Path(str(files("tocsin.status"))) / "templates"
RECENT_DAYS = 14  # of past incidents on the front page
ZONES = (
    "UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "America/Toronto",
    "Asia/Dubai", "Asia/Hong_Kong", "Asia/Jakarta", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore",
    "Asia/Tokyo", "Australia/Sydney", "Europe/Berlin", "Europe/Istanbul", "Europe/Lisbon", "Europe/London",
    "Europe/Madrid", "Europe/Paris", "Europe/Warsaw", "Pacific/Auckland",
)  # fmt: skip

STATES: dict[ComponentState, str] = {
    "operational": "Operational",
    "unknown": "No fresh data",
    "under_maintenance": "Maintenance",
    "degraded_performance": "Degraded",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
}
IMPACTS = {
    "none": "No impact",
    "maintenance": "Maintenance",
    "minor": "Minor impact",
    "major": "Major impact",
    "critical": "Critical impact",
}
WINDOWS = {
    "scheduled": "Planned",
    "in_progress": "Under way",
    "verifying": "Being verified",
    "completed": "Completed",
}
_TICK = "M4 12.5l5 5L20 6.5"
_CROSS = "M6 6l12 12M18 6L6 18"
_WARN = "M12 3.5L22 20.5H2zM12 10v4.5M12 17.6v.1"
_CLOCK = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7.5V12l3 2"
_ASK = "M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.1-1.5 2.3M12 18.5v.1"
_HALF = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M7 12h10"
ICONS = {
    "operational": _TICK,
    "unknown": _ASK,
    "under_maintenance": _CLOCK,
    "degraded_performance": _WARN,
    "partial_outage": _HALF,
    "major_outage": _CROSS,
    "none": _TICK,
    "maintenance": _CLOCK,
    "minor": _WARN,
    "major": _HALF,
    "critical": _CROSS,
}
_FACE: dict[str, ComponentState] = {  # where an incident is open that touches no component
    "none": "operational",
    "maintenance": "under_maintenance",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history."""

    at: datetime
    name: str
    path: str
    about: str


class EventDay(msgspec.Struct, frozen=True, kw_only=True):
    on: date
    name: str
    events: list[Event]


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document will stand. `base`: what addresses begin with; `still`: it is a file, nothing can be sent."""

    base: str
    zone: str
    still: bool = False
    logo: str | None = None

    @property
    def ending(self) -> str:
        return ".html" if self.still else ""

    @property
    def front(self) -> str:
        return "/index.html" if self.still else ""


def iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters["iso"] = iso
    return made


ENVIRONMENT = environment()
STYLE = (FOLDER / "page.css").read_text("utf-8").replace("\n", "")


def style(page: Page) -> str:
    """The style sheet with the page's own colours. They were checked when they were stored (core.status.check_page)."""
    light = "".join(f"--{k}:{v};" for k, v in sorted(page.theme.items()) if not k.startswith("dark-"))
    dark = "".join(f"--{k[5:]}:{v};" for k, v in sorted(page.theme.items()) if k.startswith("dark-"))
    own = f"@media not (prefers-color-scheme:dark){{:root{{{light}}}}}" if light else ""
    return STYLE + own + (f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}" if dark else "")


def policy(page: Page | None) -> str:
    """The Content-Security-Policy of a document: its own style, images from here or within it, nothing else."""
    sheet = style(page) if page else STYLE
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    )


def front(view: PageView, frame: Frame) -> str:
    """The page itself."""
    zone = ZoneInfo(frame.zone)
    soon = [each for each in view.planned if each.status != "scheduled" or each.planned.starts_at <= view.at + UPCOMING]
    state = view.state if rank(view.state) >= rank(_FACE[view.indicator]) else _FACE[view.indicator]
    today = view.at.astimezone(zone).date()
    days = {day.on: day for day in event_days(view, frame)}
    recent = [
        days.get(on) or EventDay(on=on, name=day_name(on), events=[])
        for on in (today - timedelta(days=back) for back in range(RECENT_DAYS))
    ]
    return _render("front.html", view, frame, soon=soon, face=state, recent=recent, windows=WINDOWS)


def history(view: PageView, frame: Frame, month: date) -> str:
    """The incidents and the maintenance of one month."""
    first = month.replace(day=1)
    days = [day for day in event_days(view, frame) if day.on.replace(day=1) == first]
    this = view.at.astimezone(ZoneInfo(frame.zone)).date().replace(day=1)
    oldest = min((day.on for day in event_days(view, frame)), default=this).replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    shown = {
        "name": f"{first:%B %Y}",
        "days": days,
        "before": _month(before, this, frame) if before >= oldest else None,
        "after": _month(after, this, frame) if after <= this else None,
    }
    return _render("history.html", view, frame, month=shown)


def _month(first: date, this: date, frame: Frame) -> str:
    if first == this:
        return frame.ending
    return f"-{first:%Y-%m}.html" if frame.still else f"?month={first:%Y-%m}"


def incident(view: PageView, frame: Frame, name: str) -> str | None:
    """One incident, or None when the page shows none of this id."""
    each = next((each for each in (*view.open, *view.over) if each.incident.id == name), None)
    return _render("incident.html", view, frame, each=each) if each else None


def maintenance(view: PageView, frame: Frame, name: str) -> str | None:
    """One maintenance window, or None when the page shows none of this id."""
    each = next((each for each in (*view.planned, *view.done) if each.planned.id == name), None)
    return _render("maintenance.html", view, frame, each=each, windows=WINDOWS) if each else None


def say(view: PageView, frame: Frame, heading: str, text: str, button: str = "") -> str:
    """A few words on a page of the page's own looks, and perhaps one button."""
    return _render("say.html", view, frame, heading=heading, text=text, button=button)


def locked(action: str) -> str:
    """What somebody sees who has no token for a private page: nothing of it, not even its name."""
    return ENVIRONMENT.get_template("locked.html").render(style=STYLE, action=action)


def _render(name: str, view: PageView, frame: Frame, **more: Any) -> str:
    return ENVIRONMENT.get_template(name).render(
        view=view,
        local=partial(local, zone=ZoneInfo(frame.zone)),
        base=frame.base,
        zone=frame.zone,
        zones=ZONES,
        still=frame.still,
        ending=frame.ending,
        front=frame.front,
        logo=frame.logo,
        style=style(view.page),
        icons=ICONS,
        states=STATES,
        impacts=IMPACTS,
        bars=bars,
        percent=percent,
        seen=seen,
        choice=partial(choice, view),
        **more,
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def seen(each: ComponentView) -> bool:
    return each.state != "operational" or not each.component.only_show_if_degraded


def local(at: datetime, zone: ZoneInfo) -> str:
    """Such as `23 Nov 2026, 04:00 CET`; zones without letters of their own show the offset."""
    there = at.astimezone(zone)
    name = there.tzname() or ""
    if not name.isalpha():
        name = f"UTC{there:%z}"
        name = f"{name[:-2]}:{name[-2:]}"
    return f"{there.day} {there:%b %Y, %H:%M} {name}"


def day_name(on: date) -> str:
    return f"{on:%A}, {on.day} {on:%B %Y}"


def percent(each: ComponentView) -> str:
    found = each.uptime.percent
    return f"{found} % uptime" if found else "no data yet"


_WIDTH = 10  # of a day in the drawing
# One dashed line, a dash (page.css) at each of the 89 edges of a day: a path for each of them costs 0.8 kB.
_GRID = "M8.8 15h889"


def bars(each: ComponentView) -> Markup:
    """Ninety days as a drawing: one rectangle for each run of days in the same state, and the gaps drawn over them."""
    wrong = [day for day in each.days if day.state not in (None, "operational")]
    about = f"{len(each.days)} days: " + (
        f"{len(wrong)} with problems" if wrong else "no problems" if any(day.state for day in each.days) else "no data"
    )
    runs = "".join(_run(x, days) for x, days in _runs(each.days))
    return Markup(
        f'<svg class="bars" role="img" aria-label="{escape(each.component.name)}, {about}" '
        f'viewBox="0 0 {len(each.days) * _WIDTH} 30" preserveAspectRatio="none">{runs}<path d="{_GRID}"/></svg>'
    )


def _runs(days: tuple[Day, ...]) -> Iterator[tuple[int, list[Day]]]:
    """Days that look the same, and where they begin; every day with a problem stands alone, for its words."""
    x = 0
    for _, some in groupby(enumerate(days), key=lambda each: _look(*each)):
        run = [day for _, day in some]
        yield x, run
        x += len(run) * _WIDTH


def _look(n: int, day: Day) -> tuple[ComponentState | None, int]:
    return (day.state, n if day.state not in (None, "operational") else -1)


def _run(x: int, run: list[Day]) -> str:
    state = run[0].state
    kind = "n" if state is None else str(rank(state))
    shape = f'<rect x="{x}" width="{len(run) * _WIDTH}" height="30" class="s{kind}"'
    if state in (None, "operational"):
        return f"{shape}/>"
    up = f", {run[0].uptime.percent} %" if run[0].uptime.percent else ""
    return f"{shape}><title>{run[0].on.day} {run[0].on:%b}: {STATES[state]}{up}</title></rect>"


def choice(view: PageView) -> Markup:
    """Which components to hear of; nothing where there is nothing to choose."""
    shown = view.components
    if len(shown) < 2:
        return Markup("")
    boxes = "".join(
        f'<label class="check"><input type="checkbox" name="component" value="{escape(each.component.id)}">'
        f"{escape(each.component.name)}</label>"
        for each in shown
    )
    return Markup(
        "<details><summary>Only some components</summary>"
        f'<fieldset class="checks"><legend>None chosen means all</legend>{boxes}</fieldset></details>'
    )


def events(view: PageView) -> list[Event]:
    """Past and present incidents and finished maintenance, newest first."""
    found = [
        Event(
            at=each.incident.starts_at,
            name=each.name,
            path=f"incidents/{each.incident.id}",
            about=_lasted(each.incident.starts_at, each.incident.resolved_at, IMPACTS[each.impact]),
        )
        for each in (*view.open, *view.over)
    ]
    found += [
        Event(
            at=each.planned.starts_at,
            name=each.planned.name,
            path=f"maintenance/{each.planned.id}",
            about="maintenance, completed",
        )
        for each in view.done
    ]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _lasted(start: datetime, end: datetime | None, impact: str) -> str:
    if end is None:
        return f"{impact.lower()}, not resolved yet"
    minutes = max(1, round((end - start).total_seconds() / 60))
    hours, rest = divmod(minutes, 60)
    words = f"{minutes} min" if minutes < 60 else f"{hours} h {rest} min" if hours < 48 else f"{hours // 24} days"
    return f"{impact.lower()}, resolved after {words}"


def event_days(view: PageView, frame: Frame) -> list[EventDay]:
    """The events by local day, newest first."""
    zone = ZoneInfo(frame.zone)
    return [
        EventDay(on=on, name=day_name(on), events=list(some))
        for on, some in groupby(events(view), key=lambda each: each.at.astimezone(zone).date())
    ]


def next_midnight(now: datetime, zone: str) -> datetime:
    """When the days of a page move on."""
    there = ZoneInfo(zone)
    return midnight(now.astimezone(there).date() + timedelta(days=1), there)
