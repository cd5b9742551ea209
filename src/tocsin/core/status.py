"""The public status page as values: pages, components, what was said of them by hand, and planned maintenance.

What an incident tells the public is `core.public`; what a page shows at an instant is `core.statusview`. Nothing here
knows an incident's private side: titles, people, notes and alerts of an incident never reach a page.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

ComponentState = Literal[
    "operational", "under_maintenance", "degraded_performance", "partial_outage", "major_outage", "unknown"
]
Impact = Literal["none", "maintenance", "minor", "major", "critical"]
PublicStatus = Literal["investigating", "identified", "monitoring", "resolved"]
MaintenanceStatus = Literal["scheduled", "in_progress", "verifying", "completed"]
Way = Literal["email", "webhook", "feed"]
Section = Literal["incidents", "maintenance", "components", "history", "subscribe"]

SECTIONS: tuple[Section, ...] = ("incidents", "maintenance", "components", "history", "subscribe")
STATABLE: tuple[str, ...] = tuple(each for each in get_args(ComponentState) if each != "unknown")

# From best to worst. A silent check is not green, but a planned window or a known fault says more than silence.
_ORDER: tuple[ComponentState, ...] = (
    "operational", "unknown", "under_maintenance", "degraded_performance", "partial_outage", "major_outage",
)  # fmt: skip
_RANK = {state: n for n, state in enumerate(_ORDER)}
_OF_IMPACT: dict[str, ComponentState] = {
    "none": "operational",
    "maintenance": "under_maintenance",
    "minor": "degraded_performance",
    "major": "partial_outage",
    "critical": "major_outage",
}
_IMPACT_OF: dict[ComponentState, Impact] = {
    "operational": "none",
    "unknown": "minor",
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
}
_IMPACTS: tuple[Impact, ...] = ("critical", "major", "minor", "none")
_IMPACT_RANK: dict[str, int] = {"none": 0, "maintenance": 1, "minor": 2, "major": 3, "critical": 4}

COMPONENTS_MAX = 500  # on one page; a page with more is a list that nobody reads
TEXT_MAX = 25_000  # characters of a public text, as Atlassian's API allows
NAME_MAX = 255
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
RESERVED = frozenset(
    {"api", "history", "incidents", "maintenance", "subscribe", "unsubscribe", "confirm", "zone", "logo"}
)

COLOURS = ("ground", "ink", "quiet", "line", "accent", "good", "fair", "bad", "worst", "planned")
THEME = (*COLOURS, *(f"dark-{each}" for each in COLOURS))  # the others are for whoever prefers a dark page
_COLOUR = re.compile(
    r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})"
    r"|(?:rgb|hsl|oklch)\([0-9., %/deg-]{1,60}\)|[a-z]{3,24}"
)


def worst(states: list[ComponentState]) -> ComponentState:
    """The worst of them; operational when there are none."""
    return max(states, key=_RANK.__getitem__, default="operational")


def rank(state: ComponentState) -> int:
    """Greater is worse."""
    return _RANK[state]


def state_of_impact(impact: str) -> ComponentState:
    """What an incident of this impact makes of a component it affects."""
    return _OF_IMPACT[impact]


def impact_of_state(state: ComponentState) -> Impact:
    """The impact that a component in this state stands for."""
    return _IMPACT_OF[state]


def impact_of_rank(severity_rank: int) -> Impact:
    """Severities from the worst (0): critical, major, minor, and everything milder none."""
    return _IMPACTS[min(severity_rank, len(_IMPACTS) - 1)]


def worst_impact(impacts: list[Impact]) -> Impact:
    return max(impacts, key=_IMPACT_RANK.__getitem__, default="none")


class Component(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something customers know by name. `services`: whose published incidents affect it.

    `automatic`: open incidents of its services count before anybody has published them; they show as a colour without
    a word. `fresh_seconds`: whoever reports its state does so at least this often, else it is unknown.
    """

    id: str
    name: str
    description: str = ""
    services: tuple[str, ...] = ()
    automatic: bool = False
    fresh_seconds: int | None = None
    only_show_if_degraded: bool = False
    showcase: bool = True  # whether its 90 days are drawn
    starts_on: date | None = None
    created_at: datetime
    updated_at: datetime


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    name: str
    description: str = ""
    components: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime


class Page(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One public page. `order`: ids of components and groups, top to bottom; those left out of it follow by name.

    `sections` are shown in this order; one that is left out is absent from the page, its JSON and its feeds.
    `private`: only for whoever has its token or is signed in. `theme`: colours by the names in THEME.
    """

    id: str
    name: str
    description: str = ""
    url: str = ""
    support_url: str = ""
    time_zone: str = "UTC"
    default: bool = False
    private: bool = False
    token_sha256: str = ""
    components: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    order: tuple[str, ...] = ()
    sections: tuple[Section, ...] = SECTIONS
    theme: dict[str, str] = {}
    subscribe_by: tuple[Way, ...] = ("email", "webhook", "feed")
    hidden_from_search: bool = False
    created_at: datetime
    updated_at: datetime


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A status page elsewhere that is told what stands on ours. `page`: its id there (Statuspage); `components`: our
    ids -> theirs; `on`: which of our pages it follows, "" the default one."""

    id: str
    kind: Literal["statuspage", "cachet", "page"]
    url: str = ""
    page: str = ""
    token: str = ""
    on: str = ""
    components: dict[str, str] = {}


class Provider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A provider whose own status page is watched: one in Atlassian's form, or an Atom or RSS feed."""

    id: str
    url: str
    name: str = ""
    kind: Literal["statuspage", "feed"] = "statuspage"
    services: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """From `at` on the component was said to be in `state`."""

    at: datetime
    state: ComponentState


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said of a component by hand or by a check, oldest first; `heard_at`: the last time anybody said it."""

    changes: tuple[Change, ...] = ()
    heard_at: datetime | None = None


class MaintenanceUpdate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    at: datetime
    status: MaintenanceStatus
    text: str
    changed_at: datetime | None = None


class Planned(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A maintenance window that customers are told of. `starts_by_itself`, `ends_by_itself`: the status follows the
    clock; else somebody moves it on. Components are under maintenance while it is in progress or being verified."""

    id: str
    pages: tuple[str, ...]
    name: str
    starts_at: datetime
    ends_at: datetime
    components: tuple[str, ...] = ()
    starts_by_itself: bool = True
    ends_by_itself: bool = True
    updates: tuple[MaintenanceUpdate, ...] = ()
    window: str = ""  # the silence of the same span (core.silence.Maintenance), if alerts page nobody meanwhile
    created_at: datetime
    updated_at: datetime


def maintenance_status(planned: Planned, now: datetime) -> MaintenanceStatus:
    """Where the window stands: what was said last, moved on by the clock where it may be."""
    said: MaintenanceStatus = planned.updates[-1].status if planned.updates else "scheduled"
    if said in ("in_progress", "verifying") or (said == "scheduled" and planned.starts_by_itself):
        if planned.ends_by_itself and now >= planned.ends_at:
            return "completed"
        if said == "scheduled" and now >= planned.starts_at:
            return "in_progress"
    return said


def maintenance_span(planned: Planned, now: datetime) -> tuple[datetime, datetime | None] | None:
    """From when until when (None: still) the window was in progress, or None when it has not been."""
    begun = next((each.at for each in planned.updates if each.status in ("in_progress", "verifying")), None)
    done = next((each.at for each in planned.updates if each.status == "completed"), None)
    if (
        begun is None
        and planned.starts_by_itself
        and now >= planned.starts_at
        and not (done and done <= planned.starts_at)
    ):
        begun = planned.starts_at
    if begun is None:
        return None
    if done is None and planned.ends_by_itself and now >= planned.ends_at:
        done = max(planned.ends_at, begun)
    return begun, done


def report(said: Said, state: ComponentState, now: datetime, fresh_seconds: int | None) -> Said:
    """`said` after somebody reported `state`. A gap in which nothing was heard becomes a stretch of "unknown"."""
    changes = list(said.changes)
    silent = silent_since(said, now, fresh_seconds)
    if silent is not None and (not changes or changes[-1].state != "unknown"):
        changes.append(Change(at=silent, state="unknown"))
    if not changes or changes[-1].state != state:
        changes.append(Change(at=now, state=state))
    return Said(changes=tuple(changes), heard_at=now)


def silent_since(said: Said, now: datetime, fresh_seconds: int | None) -> datetime | None:
    """Since when nothing fresh was heard, or None when something was (or nothing is expected)."""
    if fresh_seconds is None or said.heard_at is None:
        return None
    ends = datetime.fromtimestamp(said.heard_at.timestamp() + fresh_seconds, tz=said.heard_at.tzinfo)
    return ends if now >= ends else None


# --- checks -----------------------------------------------------------------------------------------------------------


def check_component(component: Component) -> None:
    """Raises ValueError naming the field."""
    _check_id(component.id)
    _check_name("name", component.name)
    if component.fresh_seconds is not None and component.fresh_seconds < 10:
        raise ValueError(f"fresh_seconds: expected at least 10, got {component.fresh_seconds}")


def check_page(page: Page) -> None:
    """Raises ValueError naming the field, what was expected, and what came."""
    _check_id(page.id)
    if page.id in RESERVED:
        raise ValueError(f"id: expected a name other than {', '.join(sorted(RESERVED))}, got {page.id!r}")
    _check_name("name", page.name)
    for field, address in (("url", page.url), ("support_url", page.support_url)):
        if address and not re.fullmatch(r"(?:https?://|mailto:)[^\s\"'<>\\]{1,500}", address):
            raise ValueError(f"{field}: expected an http, https or mailto address, got {address!r}")
    check_zone(page.time_zone)
    held = [*page.components, *(each for group in page.groups for each in group.components)]
    if len(set(held)) != len(held):
        raise ValueError("components: expected each component once on a page")
    if len(held) > COMPONENTS_MAX:
        raise ValueError(f"components: expected at most {COMPONENTS_MAX}, got {len(held)}")
    if len(set(page.sections)) != len(page.sections):
        raise ValueError(f"sections: expected each section once, got {list(page.sections)}")
    for name, colour in page.theme.items():
        if name not in THEME:
            raise ValueError(f"theme: expected names of {', '.join(THEME)}, got {name!r}")
        if not _COLOUR.fullmatch(colour):
            raise ValueError(f"theme.{name}: expected a colour such as #0b57d0, got {colour!r}")


def check_zone(name: str) -> ZoneInfo:
    """The zone. Raises ValueError when it is none."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:  # OSError: a name that is a directory of the database
        raise ValueError(f"time_zone: expected an IANA zone such as Europe/Berlin, got {name!r}") from error


def check_address(field: str, url: str) -> None:
    if not re.fullmatch(r"https?://[^\s\"'<>\\]{1,500}", url):
        raise ValueError(f"{field}: expected an http or https address, got {url[:80]!r}")


def check_target(target: Target) -> None:
    _check_id(target.id)
    if target.url or target.kind != "statuspage":
        check_address("url", target.url)
    if target.kind == "statuspage" and not target.page:
        raise ValueError("page: expected the id of the page on Statuspage, got nothing")
    if target.kind == "cachet":
        for name, theirs in target.components.items():
            if not (theirs.isascii() and theirs.isdigit()):
                raise ValueError(f"components.{name}: expected a number, got {theirs[:40]!r}")


def check_provider(provider: Provider) -> None:
    _check_id(provider.id)
    check_address("url", provider.url)


def check_planned(planned: Planned) -> None:
    _check_name("name", planned.name)
    if planned.ends_at <= planned.starts_at:
        raise ValueError("ends_at: expected an instant after starts_at")


def _check_id(name: str) -> None:
    if not ID.fullmatch(name):
        raise ValueError(f"id: expected a-z, 0-9 and '-' (at most 64), got {name[:80]!r}")


def _check_name(field: str, text: str) -> None:
    if not text.strip() or len(text) > NAME_MAX:
        raise ValueError(f"{field}: expected 1 to {NAME_MAX} characters, got {len(text)}")
