"""Pages to look at: all green, one partial outage, three incidents, maintenance, and an empty page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tocsin.core import facts as f
from tocsin.core.public import PublicIncident, advance, begin
from tocsin.core.status import Change, Component, Group, MaintenanceUpdate, Page, Planned, Said
from tocsin.core.statusview import Known, PageView, view

NOW = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)
SINCE = NOW - timedelta(days=200)
IMPACTS: Any = {"SEV-0": "critical", "SEV-1": "major", "SEV-2": "minor"}


def component(name: str, title: str, **more: Any) -> Component:
    return Component(id=name, name=title, created_at=SINCE, updated_at=SINCE, **more)


COMPONENTS = {
    each.id: each
    for each in (
        component("website", "Website", description="example.org and the shop"),
        component("api", "API", services=("checkout",), description="api.example.org"),
        component("mobile", "Mobile app"),
        component("payments", "Payment processing"),
        component("eu", "Europe"),
        component("us", "North America"),
        component("ap", "Asia Pacific"),
    )
}
REGIONS = Group(id="cdn", name="Content delivery", components=("eu", "us", "ap"), created_at=SINCE, updated_at=SINCE)
PAGE = Page(
    id="acme",
    name="Acme status",
    default=True,
    url="https://example.org",
    components=("website", "api", "mobile", "payments"),
    groups=(REGIONS,),
    created_at=SINCE,
    updated_at=SINCE,
)


def incident(
    name: str,
    title: str,
    starts_at: datetime,
    *,
    severity: str = "SEV-1",
    components: dict[str, str] | None = None,
    updates: tuple[tuple[float, str, str], ...] = (),
    resolved: float | None = None,
) -> PublicIncident:
    """A public incident; `updates` are (minutes after its start, status, text)."""
    opened = f.Opened(
        at=starts_at,
        incident=name,
        reference=f"INC-{name}",
        title="internal title of db-prod-7",
        guide="main",
        policy_digest="d",
        severity=severity,
    )
    facts: list[Any] = [
        f.Published(at=starts_at + timedelta(minutes=1), pages=("acme",), name=title, components=components or {})
    ]
    for after, status, text in updates:
        at = starts_at + timedelta(minutes=after)
        facts += [
            f.StatusChanged(at=at, status=status),  # type: ignore[arg-type]
            f.UpdatePosted(at=at, audience="public", text=text, status=status),  # type: ignore[arg-type]
        ]
    if resolved is not None:
        facts.append(f.Resolved(at=starts_at + timedelta(minutes=resolved)))
    known = begin(opened, IMPACTS)
    for fact in facts:
        known = advance(known, fact)
    return known


PAST = (
    incident(
        "p1",
        "Card payments declined",
        NOW - timedelta(days=3, hours=2),
        components={"payments": ""},
        resolved=47,
        updates=((5, "identified", "A certificate had expired."),),
    ),
    incident(
        "p2",
        "Slow answers of the API",
        NOW - timedelta(days=20),
        severity="SEV-2",
        components={"api": ""},
        resolved=190,
    ),
    incident(
        "p3",
        "The shop was down",
        NOW - timedelta(days=47),
        severity="SEV-0",
        components={"website": "", "mobile": "partial_outage"},
        resolved=33,
    ),
    incident(
        "p4", "Images late in Europe", NOW - timedelta(days=71), severity="SEV-2", components={"eu": ""}, resolved=600
    ),
)
PARTIAL = incident(
    "o1",
    "Payments fail for some customers",
    NOW - timedelta(minutes=52),
    components={"payments": "partial_outage"},
    updates=(
        (4, "investigating", "About one payment in ten is declined. We are looking for the cause."),
        (21, "identified", "A database of our payment provider answers slowly. They are working on it with us."),
        (40, "monitoring", "Payments go through a second provider now. We watch whether it stays that way."),
    ),
)
OUTAGE = incident(
    "o2",
    "The website does not open",
    NOW - timedelta(minutes=18),
    severity="SEV-0",
    components={"website": "", "mobile": "degraded_performance"},
    updates=((3, "investigating", "Most pages answer with an error.\n\nOrders that were placed are safe."),),
)
MINOR = incident(
    "o3",
    "A very long name of an incident that says at length what goes wrong where, for whom, and since when it does so",
    NOW - timedelta(hours=5),
    severity="SEV-2",
    components={"eu": ""},
    updates=((2, "investigating", "Images load slowly."),),
)
WINDOW = Planned(
    id="m1",
    pages=("acme",),
    name="Database upgrade",
    starts_at=NOW - timedelta(minutes=30),
    ends_at=NOW + timedelta(minutes=90),
    components=("api", "payments"),
    updates=(
        MaintenanceUpdate(
            id="1",
            at=NOW - timedelta(days=2),
            status="scheduled",
            text="We move the database to a new version. Payments may be refused for some seconds.",
        ),
    ),
    created_at=NOW - timedelta(days=2),
    updated_at=NOW - timedelta(days=2),
)
LATER = msgspec.structs.replace(
    WINDOW,
    id="m2",
    name="New network in North America",
    components=("us",),
    starts_at=NOW + timedelta(days=6),
    ends_at=NOW + timedelta(days=6, hours=3),
    updates=(),
)


def known(
    *incidents: PublicIncident,
    page: Page = PAGE,
    planned: tuple[Planned, ...] = (),
    said: dict[str, Said] | None = None,
    components: dict[str, Component] | None = None,
) -> Known:
    ordered = sorted((*incidents, *PAST), key=lambda each: each.starts_at, reverse=True)
    return Known(
        pages=(page,),
        components=COMPONENTS if components is None else components,
        said=said or {},
        incidents=tuple(ordered),
        planned=planned,
        changed_at=NOW - timedelta(minutes=12),
    )


SILENT = Said(changes=(Change(at=NOW - timedelta(hours=1), state="unknown"),))
EMPTY = Page(id="acme", name="Acme status", default=True, created_at=SINCE, updated_at=SINCE)
SCENES: dict[str, Known] = {
    "green": known(),
    "partial": known(PARTIAL),
    "three": known(PARTIAL, OUTAGE, MINOR, said={"ap": SILENT}),
    "maintenance": known(planned=(WINDOW, LATER)),
    "empty": msgspec.structs.replace(known(page=EMPTY, components={}), incidents=()),
}


def scene(name: str) -> PageView:
    found = SCENES[name]
    return view(found, found.pages[0], NOW)
