"""The manage API's calls on pages, components and groups."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.access import Action, Actor, may
from tocsin.core.status import SECTIONS, STATABLE, Component, ComponentState, Group, Page, Way
from tocsin.core.statusjson import Json, component_of, stamp
from tocsin.core.statusview import ComponentView, GroupView, PageView, component_spans, view
from tocsin.core.uptime import stretches, uptime
from tocsin.http.deps import Deps
from tocsin.http.statuspage_fields import Fields
from tocsin.ports import Store
from tocsin.status.desk import Desk, Unknown, fresh_id, new_component

PER_PAGE_MAX = 100


class Call:
    """One request: who, what about, and with which body. Fields are read by name and checked."""

    def __init__(
        self, deps: Deps, actor: Actor, names: dict[str, str], query: dict[str, str], body: dict[str, Any]
    ) -> None:
        self.deps, self.actor, self.names, self.query, self._body = deps, actor, names, query, body
        self.store: Store

    def with_store(self, store: Store) -> Call:
        self.store = store
        return self

    @property
    def desk(self) -> Desk:
        deps = self.deps
        return Desk(self.store, deps.tenant, lambda: deps.board.known, deps.board.changed)

    @property
    def page(self) -> Page:
        return self.desk.page(self.names["page"])

    @property
    def url(self) -> str:
        return f"{self.deps.public_url}/status/{self.page.id}"

    @property
    def now(self) -> datetime:
        return self.store.now()

    def view(self) -> PageView:
        """The page with everything on it, whatever its visitors see."""
        page = msgspec.structs.replace(self.page, sections=SECTIONS)
        return view(self.deps.board.known, page, self.now)

    def part(self, name: str) -> Fields:
        """The table `name` of the body, or the body itself where it was sent without one."""
        found = self._body.get(name, self._body)
        if not isinstance(found, dict):
            raise ValueError(f"{name}: expected an object")
        return Fields(found)

    def paged(self, items: list[Any], size_name: str = "per_page") -> list[Any]:
        """The part of a listing that was asked for; pages count from 1."""
        size = self.number(size_name, PER_PAGE_MAX, PER_PAGE_MAX)
        start = (self.number("page", 1, 1_000_000) - 1) * size
        return items[start : start + size]

    def number(self, name: str, default: int, most: int) -> int:
        text = self.query.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
            raise ValueError(f"{name}: expected a number from 1 to {most}, got {text[:20]!r}")
        return int(text)


def without_nulls(made: Json) -> Json:
    """The object without fields that hold nothing, inner objects too: Atlassian's schema knows no null."""
    return {name: _without(value) for name, value in made.items() if value is not None}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return without_nulls(value)
    return [_without(each) for each in value] if isinstance(value, list) else value


# --- pages ------------------------------------------------------------------------------------------------------------


def page_json(page: Page, call: Call) -> Json:
    return {
        "id": page.id,
        "created_at": stamp(page.created_at),
        "updated_at": stamp(page.updated_at),
        "name": page.name,
        "page_description": page.description,
        "url": page.url or f"{call.deps.public_url}/status/{page.id}",
        "support_url": page.support_url,
        "subdomain": page.id,
        "domain": "",
        "time_zone": page.time_zone,
        "hidden_from_search": page.hidden_from_search,
        "viewers_must_be_team_members": page.private,
        "allow_page_subscribers": bool(page.subscribe_by),
        "allow_incident_subscribers": False,
        "allow_email_subscribers": "email" in page.subscribe_by,
        "allow_sms_subscribers": False,
        "allow_rss_atom_feeds": "feed" in page.subscribe_by,
        "allow_webhook_subscribers": "webhook" in page.subscribe_by,
    } | {f"css_{theirs}": page.theme[ours] for theirs, ours in _COLOURS.items() if ours in page.theme}


_COLOURS = {
    "body_background_color": "ground",
    "font_color": "ink",
    "light_font_color": "quiet",
    "greens": "good",
    "yellows": "fair",
    "oranges": "bad",
    "reds": "worst",
    "blues": "planned",
    "border_color": "line",
    "link_color": "accent",
}
_PAGE_TEXTS = {
    "name": "name",
    "page_description": "description",
    "url": "url",
    "support_url": "support_url",
    "time_zone": "time_zone",
}
_WAYS: dict[str, Way] = {
    "allow_email_subscribers": "email",
    "allow_webhook_subscribers": "webhook",
    "allow_rss_atom_feeds": "feed",
}


def list_pages(call: Call) -> tuple[int, Any]:
    return 200, [page_json(each, call) for each in call.deps.board.known.pages]


def show_page(call: Call) -> tuple[int, Any]:
    return 200, page_json(call.page, call)


def change_page(call: Call) -> tuple[int, Any]:
    given, page = call.part("page"), call.page
    changes: dict[str, Any] = {ours: given.text(theirs) for theirs, ours in _PAGE_TEXTS.items() if theirs in given}
    colours = {ours: given.text(f"css_{theirs}") for theirs, ours in _COLOURS.items() if f"css_{theirs}" in given}
    ways: set[str] = set(page.subscribe_by)
    for name, way in _WAYS.items():
        if name in given:
            ways = ways | {way} if given.flag(name) else ways - {way}
    if "hidden_from_search" in given:
        changes["hidden_from_search"] = given.flag("hidden_from_search")
    changed = msgspec.structs.replace(
        page,
        theme=page.theme | colours,
        subscribe_by=tuple(way for way in _WAYS.values() if way in ways),
        **changes,
    )
    return 200, page_json(call.desk.put_page(changed), call)


# --- components -------------------------------------------------------------------------------------------------------


def _component_views(call: Call) -> dict[str, ComponentView]:
    return {each.component.id: each for each in call.view().components}


def _component(call: Call) -> ComponentView:
    found = _component_views(call).get(call.names["component"])
    if found is None:
        call.desk.component(call.names["component"])  # says what there is
        raise Unknown(f"component: {call.names['component']!r} is not on page {call.page.id}")
    return found


def shown_component(each: ComponentView, page: Page) -> Json:
    made = component_of(each.component, page, each.state, each.position, each.group)
    return without_nulls(made | {"automation_email": ""})


def list_components(call: Call) -> tuple[int, Any]:
    return 200, call.paged([shown_component(each, call.page) for each in _component_views(call).values()])


def show_component(call: Call) -> tuple[int, Any]:
    return 200, shown_component(_component(call), call.page)


def create_component(call: Call) -> tuple[int, Any]:
    given, page = call.part("component"), call.page
    made = new_component(
        given.text("name"),
        call.now,
        description=given.text("description", ""),
        only_show_if_degraded=given.flag("only_show_if_degraded"),
        showcase=given.flag("showcase", True),
        starts_on=given.day("start_date"),
    )
    state = given.word("status", STATABLE)
    call.desk.put_component(made, page, given.text("group_id", "") or None)
    if state:
        call.desk.report(made.id, cast(ComponentState, state))
    call.names["component"] = made.id
    return 201, shown_component(_component(call), call.page)


def change_component(call: Call) -> tuple[int, Any]:
    """Who may respond may say how a component is; everything else about it is for those who manage."""
    given, before = call.part("component"), _component(call).component
    state = given.word("status", STATABLE)
    changes: dict[str, Any] = {name: given.text(name) for name in ("name", "description") if name in given}
    changes |= {name: given.flag(name) for name in ("only_show_if_degraded", "showcase") if name in given}
    if "start_date" in given:
        changes["starts_on"] = given.day("start_date")
    if (changes or "group_id" in given) and not may(call.actor, "status.manage"):
        raise PermissionError(f"{call.actor.id} may say how a component is, and nothing else about it")
    if changes or "group_id" in given:
        group = given.text("group_id", "") or None if "group_id" in given else _component(call).group
        call.desk.put_component(msgspec.structs.replace(before, **changes), call.page, group)
    if state:
        call.desk.report(before.id, cast(ComponentState, state))
    return 200, shown_component(_component(call), call.page)


def remove_component(call: Call) -> tuple[int, Any]:
    call.desk.remove_component(_component(call).component.id)
    return 204, None


def component_uptime(call: Call) -> tuple[int, Any]:
    component = _component(call).component
    return 200, _uptime(call, [component]) | {"id": component.id, "name": component.name}


def _uptime(call: Call, components: list[Component]) -> Json:
    """The span asked for (`start`, `end`; else the last 90 days), down time in seconds."""
    given = Fields(dict(call.query))
    end = min(given.instant("end") or call.now, call.now)
    start = given.instant("start") or datetime.fromtimestamp(end.timestamp() - 90 * 86_400, tz=ZoneInfo("UTC"))
    if start >= end:
        raise ValueError("start: expected an instant before end")
    known, page = call.deps.board.known, call.page
    counted = [uptime(stretches(component_spans(known, page, each, call.now), start, end)) for each in components]
    shares = [each.hundredths for each in counted if each.hundredths is not None]
    return {
        "range_start": stamp(start),
        "range_end": stamp(end),
        "uptime_percentage": (sum(shares) // len(shares)) / 100 if shares else 100.0,
        "major_outage": sum(each.major for each in counted) // 1_000_000,
        "partial_outage": sum(each.partial for each in counted) // 1_000_000,
    }


# --- groups -----------------------------------------------------------------------------------------------------------


def _groups(call: Call) -> dict[str, GroupView]:
    return {row.group.id: row for row in call.view().rows if isinstance(row, GroupView)}


def _group(call: Call) -> GroupView:
    found = _groups(call).get(call.names["group"])
    if found is None:
        raise Unknown(f"group: nothing has the id {call.names['group']!r}")
    return found


def shown_group(each: GroupView, page: Page) -> Json:
    return {
        "id": each.group.id,
        "page_id": page.id,
        "name": each.group.name,
        "description": each.group.description,
        "components": [inner.component.id for inner in each.components],
        "position": str(each.position),
        "created_at": stamp(each.group.created_at),
        "updated_at": stamp(each.group.updated_at),
    }


def list_groups(call: Call) -> tuple[int, Any]:
    return 200, call.paged([shown_group(each, call.page) for each in _groups(call).values()])


def show_group(call: Call) -> tuple[int, Any]:
    return 200, shown_group(_group(call), call.page)


def create_group(call: Call) -> tuple[int, Any]:
    given = call.part("component_group")
    made = Group(
        id=fresh_id(),
        name=given.text("name"),
        description=given.text("description", ""),
        components=tuple(given.texts("components")),
        created_at=call.now,
        updated_at=call.now,
    )
    call.desk.put_group(call.page, made)
    call.names["group"] = made.id
    return 201, shown_group(_group(call), call.page)


def change_group(call: Call) -> tuple[int, Any]:
    given, before = call.part("component_group"), _group(call).group
    changes: dict[str, Any] = {name: given.text(name) for name in ("name", "description") if name in given}
    if "components" in given:
        changes["components"] = tuple(given.texts("components"))
    call.desk.put_group(call.page, msgspec.structs.replace(before, **changes))
    return 200, shown_group(_group(call), call.page)


def remove_group(call: Call) -> tuple[int, Any]:
    gone = shown_group(_group(call), call.page)
    call.desk.remove_group(call.page, call.names["group"])
    return 200, gone


def group_uptime(call: Call) -> tuple[int, Any]:
    found = _group(call)
    return 200, _uptime(call, [each.component for each in found.components]) | {
        "id": found.group.id,
        "name": found.group.name,
    }


_COMPONENT, _GROUP = "/{page}/components/{component}", "/{page}/component-groups/{group}"
TABLE: tuple[tuple[str, str, Action, Any], ...] = (
    ("GET", "", "status.read", list_pages),
    ("GET", "/{page}", "status.read", show_page),
    ("PATCH|PUT", "/{page}", "status.manage", change_page),
    ("GET", "/{page}/components", "status.read", list_components),
    ("POST", "/{page}/components", "status.manage", create_component),
    ("GET", _COMPONENT, "status.read", show_component),
    ("PATCH|PUT", _COMPONENT, "status.respond", change_component),
    ("DELETE", _COMPONENT, "status.manage", remove_component),
    ("GET", f"{_COMPONENT}/uptime", "status.read", component_uptime),
    ("GET", "/{page}/component-groups", "status.read", list_groups),
    ("POST", "/{page}/component-groups", "status.manage", create_group),
    ("GET", _GROUP, "status.read", show_group),
    ("PATCH|PUT", _GROUP, "status.manage", change_group),
    ("DELETE", _GROUP, "status.manage", remove_group),
    ("GET", f"{_GROUP}/uptime", "status.read", group_uptime),
)
