"""What a page shows at an instant: a pure function of pages, components, incidents' public sides and the time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.public import PublicIncident, Span, spans, touches
from tocsin.core.status import (
    Component,
    ComponentState,
    Group,
    Impact,
    MaintenanceStatus,
    Page,
    Planned,
    Said,
    Section,
    impact_of_state,
    maintenance_span,
    maintenance_status,
    silent_since,
    worst,
    worst_impact,
)
from tocsin.core.uptime import DAYS, Day, Uptime, days, first_day, stretches, uptime

EPOCH_PAGE = "main"  # the page there is before anybody has made one
UPCOMING = timedelta(days=31)  # how far ahead planned maintenance is shown on the front page


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that pages are made of. `incidents`: newest first, also unpublished ones that automatic components
    follow; `changed_at`: the newest change to any of it."""

    pages: tuple[Page, ...]
    components: dict[str, Component]
    said: dict[str, Said]
    incidents: tuple[PublicIncident, ...]
    planned: tuple[Planned, ...]
    changed_at: datetime


class ComponentView(msgspec.Struct, frozen=True, kw_only=True):
    component: Component
    group: str | None
    position: int
    state: ComponentState
    days: tuple[Day, ...]
    uptime: Uptime


class GroupView(msgspec.Struct, frozen=True, kw_only=True):
    group: Group
    position: int
    state: ComponentState
    components: tuple[ComponentView, ...]


class IncidentView(msgspec.Struct, frozen=True, kw_only=True):
    incident: PublicIncident
    name: str
    impact: Impact
    components: tuple[Component, ...]


class PlannedView(msgspec.Struct, frozen=True, kw_only=True):
    planned: Planned
    status: MaintenanceStatus
    components: tuple[Component, ...]
    changed_at: datetime


class PageView(msgspec.Struct, frozen=True, kw_only=True):
    """`rows`: top to bottom. `open`, `over`, `done`: newest first. `planned`: by start, the nearest first."""

    page: Page
    at: datetime
    state: ComponentState
    indicator: Impact
    sentence: str
    rows: tuple[ComponentView | GroupView, ...]
    open: tuple[IncidentView, ...]
    over: tuple[IncidentView, ...]
    planned: tuple[PlannedView, ...]
    done: tuple[PlannedView, ...]
    changed_at: datetime

    def shows(self, section: Section) -> bool:
        return section in self.page.sections

    @property
    def components(self) -> list[ComponentView]:
        """All of them, groups opened."""
        return [each for row in self.rows for each in (row.components if isinstance(row, GroupView) else (row,))]

    @property
    def active(self) -> list[PlannedView]:
        return [each for each in self.planned if each.status in ("in_progress", "verifying")]

    @property
    def upcoming(self) -> list[PlannedView]:
        return [each for each in self.planned if each.status == "scheduled"]


def page_named(known: Known, name: str) -> Page | None:
    """The page of this id, "" the default one; None: there is none."""
    if name:
        return next((each for each in known.pages if each.id == name), None)
    return next((each for each in known.pages if each.default), known.pages[0] if known.pages else None)


def is_on(pages: tuple[str, ...], page: Page, known: Known) -> bool:
    """Whether something on `pages` stands on this one; on no page means on the default one."""
    return page.id in pages if pages else page_named(known, "") == page


def incidents_on(known: Known, page: Page) -> list[PublicIncident]:
    """The public incidents of the page, newest first."""
    return [
        each for each in known.incidents if each.public and each.pages is not None and is_on(each.pages, page, known)
    ]


def view(known: Known, page: Page, now: datetime, zone: ZoneInfo | None = None) -> PageView:
    """The page at `now`; days are those of `zone`, else of the page's own. Hidden sections are empty."""
    zone = zone or ZoneInfo(page.time_zone)
    planned = [_planned(known, page, each, now) for each in known.planned if is_on(each.pages, page, known)]
    incidents = [_incident(known, page, each) for each in incidents_on(known, page)]
    rows = tuple(_rows(known, page, now, zone)) if "components" in page.sections else ()
    if "incidents" not in page.sections:
        incidents = []
    if "maintenance" not in page.sections:
        planned = []
    still = [each for each in incidents if each.incident.open]
    over = [each for each in incidents if not each.incident.open] if "history" in page.sections else []
    ahead = sorted((each for each in planned if each.status != "completed"), key=lambda each: each.planned.starts_at)
    done = [each for each in planned if each.status == "completed"] if "history" in page.sections else []
    states = [row.state for row in rows]
    indicator = worst_impact([impact_of_state(worst(states)), *(each.impact for each in still)])
    if indicator == "none" and any(each.status != "scheduled" for each in ahead):
        indicator = "maintenance"
    components = [each for row in rows for each in (row.components if isinstance(row, GroupView) else (row,))]
    return PageView(
        page=page,
        at=now,
        state=worst(states),
        indicator=indicator,
        sentence=sentence(components, still, ahead),
        rows=rows,
        open=tuple(still),
        over=tuple(over),
        planned=tuple(ahead),
        done=tuple(sorted(done, key=lambda each: each.planned.starts_at, reverse=True)),
        changed_at=max([known.changed_at, *(each.changed_at for each in planned)]),
    )


# --- parts ------------------------------------------------------------------------------------------------------------


def _rows(known: Known, page: Page, now: datetime, zone: ZoneInfo) -> Iterable[ComponentView | GroupView]:
    """Components and groups in the page's order; those it does not order come after, in the order they were added."""
    places = {name: n for n, name in enumerate(page.order)}
    entries: list[Component | Group] = [known.components[each] for each in page.components if each in known.components]
    entries += page.groups
    entries.sort(key=lambda each: places.get(each.id, len(places)))
    for n, entry in enumerate(entries, start=1):
        if isinstance(entry, Component):
            yield _component(known, page, entry, None, n, now, zone)
            continue
        inner = tuple(
            _component(known, page, known.components[each], entry.id, m, now, zone)
            for m, each in enumerate(entry.components, start=1)
            if each in known.components
        )
        yield GroupView(group=entry, position=n, state=worst([each.state for each in inner]), components=inner)


def _component(
    known: Known, page: Page, component: Component, group: str | None, position: int, now: datetime, zone: ZoneInfo
) -> ComponentView:
    begins = first_day(now, zone)
    parts = stretches(component_spans(known, page, component, now), max(begins, _since(component)), now)
    return ComponentView(
        component=component,
        group=group,
        position=position,
        state=state_of(known, page, component, now),
        days=tuple(days(parts, now, zone, DAYS)),
        uptime=uptime(parts),
    )


def _since(component: Component) -> datetime:
    """From when on there are data."""
    if component.starts_on is None:
        return component.created_at
    at = component.created_at
    return datetime(component.starts_on.year, component.starts_on.month, component.starts_on.day, tzinfo=at.tzinfo)


def state_of(known: Known, page: Page, component: Component, now: datetime) -> ComponentState:
    """The component's state on this page: the worst of what is said of it and of what its open incidents make of it."""
    return worst(
        [
            each.state
            for each in component_spans(known, page, component, now)
            if each.start <= now and (each.end is None or each.end > now)
        ]
    )


def component_spans(known: Known, page: Page, component: Component, now: datetime) -> list[Span]:
    """Everything that bears on the component, as far as this page may know."""
    found = said_spans(known.said.get(component.id, Said()), component, now)
    for incident in known.incidents:
        on_page = incident.pages is not None and is_on(incident.pages, page, known)
        if on_page or component.automatic:
            found += spans(incident if on_page else _hidden(incident), component)
    for planned in known.planned:
        if component.id in planned.components and is_on(planned.pages, page, known):
            lasted = maintenance_span(planned, now)
            if lasted is not None:
                found.append(Span(start=lasted[0], end=lasted[1], state="under_maintenance"))
    return found


def _hidden(incident: PublicIncident) -> PublicIncident:
    """The incident as a page that it does not stand on sees it: a colour, by its services."""
    moments = tuple(msgspec.structs.replace(each, public=False) for each in incident.moments)
    return msgspec.structs.replace(incident, pages=None, moments=moments)


def said_spans(said: Said, component: Component, now: datetime) -> list[Span]:
    """What was reported of the component, and the silence after the last report."""
    ends: list[datetime | None] = [*(each.at for each in said.changes[1:]), None]
    found = [Span(start=each.at, end=end, state=each.state) for each, end in zip(said.changes, ends, strict=False)]
    silent = silent_since(said, now, component.fresh_seconds)
    if silent is not None:
        found = [
            msgspec.structs.replace(each, end=silent) if each.end is None and each.start < silent else each
            for each in found
        ]
        found.append(Span(start=silent, end=None, state="unknown"))
    elif component.fresh_seconds is not None and said.heard_at is None:
        found.append(Span(start=component.created_at, end=None, state="unknown"))
    return found


def _incident(known: Known, page: Page, incident: PublicIncident) -> IncidentView:
    affected = tuple(each for each in page_components(known, page) if touches(incident, each))
    return IncidentView(
        incident=incident,
        name=incident.name or neutral_name(affected),
        impact=incident.impact,
        components=affected,
    )


def _planned(known: Known, page: Page, planned: Planned, now: datetime) -> PlannedView:
    status = maintenance_status(planned, now)
    moved = [at for at in (planned.starts_at, planned.ends_at) if at <= now]
    affected = tuple(each for each in page_components(known, page) if each.id in planned.components)
    return PlannedView(
        planned=planned, status=status, components=affected, changed_at=max([planned.updated_at, *moved])
    )


def page_components(known: Known, page: Page) -> list[Component]:
    """Every component of the page, grouped ones too; none where the page hides them."""
    if "components" not in page.sections:
        return []
    names = [*page.components, *(each for group in page.groups for each in group.components)]
    return [known.components[each] for each in names if each in known.components]


# --- words ------------------------------------------------------------------------------------------------------------

_HAS: dict[ComponentState, tuple[str, str]] = {
    "major_outage": ("is down", "are down"),
    "partial_outage": ("is partly down", "are partly down"),
    "degraded_performance": ("is slower than usual", "are slower than usual"),
    "under_maintenance": ("is under maintenance", "are under maintenance"),
    "unknown": ("has not reported lately", "have not reported lately"),
}


def neutral_name(components: tuple[Component, ...]) -> str:
    """What an incident is called that nobody has given a public name."""
    return f"Problem with {_list([each.name for each in components])}" if components else "Service disruption"


def sentence(components: list[ComponentView], still: list[IncidentView], ahead: list[PlannedView]) -> str:
    """How things are, in one plain sentence."""
    state = worst([each.state for each in components])
    if state != "operational":
        names = [each.component.name for each in components if each.state == state]
        others = sum(1 for each in components if each.state != "operational") - len(names)
        more = f", and {others} more {'is' if others == 1 else 'are'} affected" if others else ""
        return f"{_list(names)} {_HAS[state][len(names) > 1]}{more}."
    if len(still) == 1:
        return f"We are working on a problem: {still[0].name}."
    if still:
        return f"We are working on {len(still)} problems."
    if any(each.status != "scheduled" for each in ahead):
        return "Planned maintenance is under way."
    return "All systems operational." if components else "No problems known."


def _list(names: list[str]) -> str:
    """Such as `API, Website and 3 more`."""
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
