"""The manage API's calls on incidents and scheduled maintenance.

What is posted here is an incident like any other: it opens under the guide, with the severity that the impact stands
for, pages whom the guide names, and is public from the start. What has `scheduled_for` is planned maintenance instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast, get_args

from tocsin.core import commands as c
from tocsin.core.access import Action
from tocsin.core.public import PublicIncident
from tocsin.core.status import (
    NAME_MAX,
    STATABLE,
    TEXT_MAX,
    ComponentState,
    Impact,
    MaintenanceStatus,
    Planned,
    PublicStatus,
    impact_of_state,
    worst,
)
from tocsin.core.statusjson import Json, incident, maintenance, stamp
from tocsin.core.statusview import IncidentView, PlannedView
from tocsin.http.api_incidents import severity_for
from tocsin.http.statuspage_calls import Call, without_nulls
from tocsin.http.statuspage_fields import Fields
from tocsin.status.desk import Unknown, fresh_id

IMPACTS: tuple[str, ...] = get_args(Impact)
REALTIME: tuple[str, ...] = get_args(PublicStatus)
PLANNED: tuple[str, ...] = get_args(MaintenanceStatus)


def shown_incident(each: IncidentView, call: Call) -> Json:
    known = each.incident
    made = incident(each, call.view(), call.url) | {
        "impact_override": known.stated_impact,
        "metadata": {},
        "postmortem_body": known.review or None,
        "postmortem_body_last_updated_at": stamp(known.review_changed_at),
        "postmortem_ignored": False,
    }
    return without_nulls(made)


def shown_planned(each: PlannedView, call: Call) -> Json:
    planned = each.planned
    made = maintenance(each, call.view(), call.url) | {
        "metadata": {},
        "scheduled_auto_in_progress": planned.starts_by_itself,
        "scheduled_auto_completed": planned.ends_by_itself,
        "auto_transition_to_maintenance_state": True,
        "auto_transition_to_operational_state": True,
    }
    return without_nulls(made)


def _incidents(call: Call) -> dict[str, IncidentView]:
    found = call.view()
    return {each.incident.id: each for each in (*found.open, *found.over)}


def _planned(call: Call) -> dict[str, PlannedView]:
    found = call.view()
    return {each.planned.id: each for each in (*found.planned, *found.done)}


def _found(call: Call) -> IncidentView | PlannedView:
    name = call.names["incident"]
    found = _incidents(call).get(name) or _planned(call).get(name)
    if found is None:
        raise Unknown(f"incident: nothing on page {call.page.id} has the id {name[:80]!r}")
    return found


def _shown(call: Call) -> Json:
    found = _found(call)
    return shown_incident(found, call) if isinstance(found, IncidentView) else shown_planned(found, call)


# --- listings ---------------------------------------------------------------------------------------------------------


def list_incidents(call: Call) -> tuple[int, Any]:
    asked = call.query.get("q", "").casefold()
    found = call.view()
    items = [(each.incident.starts_at, shown_incident(each, call)) for each in (*found.open, *found.over)]
    items += [(each.planned.created_at, shown_planned(each, call)) for each in (*found.planned, *found.done)]
    items.sort(key=lambda each: each[0], reverse=True)
    return 200, call.paged([made for _, made in items if asked in made["name"].casefold()], "limit")


def unresolved(call: Call) -> tuple[int, Any]:
    return 200, call.paged([shown_incident(each, call) for each in call.view().open])


def scheduled(call: Call) -> tuple[int, Any]:
    return 200, call.paged([shown_planned(each, call) for each in call.view().upcoming])


def active_maintenance(call: Call) -> tuple[int, Any]:
    return 200, call.paged([shown_planned(each, call) for each in call.view().active])


def show_incident(call: Call) -> tuple[int, Any]:
    return 200, _shown(call)


# --- creating ---------------------------------------------------------------------------------------------------------


def create_incident(call: Call) -> tuple[int, Any]:
    with _telling(call):
        return _create(call)


def _telling(call: Call) -> AbstractContextManager[None]:
    """Subscribers hear of it, unless the call says that they should not, or it is about the past."""
    given = call.part("incident")
    told = given.flag("deliver_notifications", True) and not given.flag("backfilled")
    return nullcontext() if told else call.deps.subscribers.quiet()


def _create(call: Call) -> tuple[int, Any]:
    given = call.part("incident")
    name = given.text("name").strip()
    if not name or len(name) > NAME_MAX:
        raise ValueError(f"name: expected 1 to {NAME_MAX} characters, got {len(name)}")
    if given.instant("scheduled_for") or given.word("status", (*REALTIME, *PLANNED)) in PLANNED:
        call.names["incident"] = _plan(call, given, name)
    else:
        call.names["incident"] = _declare(call, given, name)
    return 201, _shown(call)


def _declare(call: Call, given: Fields, name: str) -> str:
    """The incident is open, public, and has its first update; a backfilled one has been over for long already."""
    states = _states(call, given)
    body = _body(given)
    impact = cast(Impact | None, given.word("impact_override", IMPACTS) or given.word("impact", IMPACTS))
    backfilled = given.flag("backfilled")
    status = given.word("status", REALTIME) or ("resolved" if backfilled else "investigating")
    engine, tenant, by = call.deps.engine, call.deps.tenant, call.actor.id
    at = given.instant("backfill_date") if backfilled else None
    if backfilled and at is None:
        day = given.day("backfill_date")
        raise ValueError(f"backfill_date: expected an instant with its zone, got {day or 'nothing'}")
    severe = impact or impact_of_state(worst([each for each in states.values() if each is not None]))
    policy = engine.guides.for_service(tenant, None).policy
    severity = severity_for(policy, severe)
    declared = engine.declare(tenant, c.Declare(by=by, title=name, severity=severity, detected_by="status page"))
    publish = c.Publish(by=by, name=name, pages=(call.page.id,), impact=impact, components=stated(states))
    engine.handle(tenant, declared.id, publish)
    if at is not None:
        engine.handle(tenant, declared.id, c.Resolve(by=by, because="backfilled through the status page API"))
        for moment in ("started_at", "resolved_at"):
            correct = c.CorrectTimestamp(by=by, name=moment, to=at, because="backfilled")
            engine.handle(tenant, declared.id, correct)
    if body:
        engine.handle(tenant, declared.id, _said(by, body, status))
    elif status != "investigating" and at is None:
        engine.handle(tenant, declared.id, c.ChangeStatus(by=by, status=cast(PublicStatus, status)))
    return declared.id


def _said(by: str, body: str, status: str | None) -> c.PostUpdate:
    return c.PostUpdate(by=by, text=body, audience="public", status=cast(PublicStatus | None, status))


def _body(given: Fields) -> str:
    body = given.text("body", "")
    if len(body) > TEXT_MAX:
        raise ValueError(f"body: expected at most {TEXT_MAX} characters, got {len(body)}")
    return body if body.strip() else ""


def _states(call: Call, given: Fields) -> dict[str, ComponentState | None]:
    """The components named, each with the state it is said to be in, if one is. Raises Unknown, ValueError."""
    found: dict[str, ComponentState | None] = dict.fromkeys(given.texts("component_ids"))
    raw = given.texts("components") if given.is_list("components") else given.table("components")
    for name in raw:
        state = raw[name] if isinstance(raw, Mapping) else None
        if state is not None and state not in STATABLE:
            raise ValueError(f"components.{name[:64]}: expected one of {', '.join(STATABLE)}, got {state[:40]!r}")
        found[name] = cast(ComponentState | None, state)
    call.desk.checked_stated(found)
    return found


def stated(states: Mapping[str, ComponentState | None]) -> tuple[str, ...]:
    """The components as the command says them."""
    return tuple(f"{name}={state}" if state else name for name, state in states.items())


def _plan(call: Call, given: Fields, name: str) -> str:
    starts_at, ends_at = given.instant("scheduled_for"), given.instant("scheduled_until")
    if starts_at is None or ends_at is None:
        raise ValueError("scheduled_for, scheduled_until: expected both, with a zone")
    planned = Planned(
        id=fresh_id(),
        pages=(call.page.id,),
        name=name,
        starts_at=starts_at,
        ends_at=ends_at,
        components=tuple(_states(call, given)),
        starts_by_itself=given.flag("scheduled_auto_in_progress", True),
        ends_by_itself=given.flag("scheduled_auto_completed", True),
        created_at=call.now,
        updated_at=call.now,
    )
    return call.desk.plan(planned, _body(given)).id


# --- changing ---------------------------------------------------------------------------------------------------------


def change_incident(call: Call) -> tuple[int, Any]:
    found, given = _found(call), call.part("incident")
    with _telling(call):
        if isinstance(found, PlannedView):
            _change_planned(call, found.planned, given)
        else:
            _change_realtime(call, found.incident, given)
    return 200, _shown(call)


def _change_planned(call: Call, planned: Planned, given: Fields) -> None:
    status = given.word("status", PLANNED)
    changes: dict[str, Any] = {}
    if given.text("name", ""):
        changes["name"] = given.text("name")
    for theirs, ours in (("scheduled_for", "starts_at"), ("scheduled_until", "ends_at")):
        if given.instant(theirs):
            changes[ours] = given.instant(theirs)
    for theirs, ours in (
        ("scheduled_auto_in_progress", "starts_by_itself"),
        ("scheduled_auto_completed", "ends_by_itself"),
    ):
        if theirs in given:
            changes[ours] = given.flag(theirs)
    if "component_ids" in given or "components" in given:
        changes["components"] = tuple(_states(call, given))
    if changes:
        call.desk.change_planned(planned.id, changes)
    body = _body(given)
    if body or status:
        words = body or _MOVED.get(status or "", "")
        call.desk.say_planned(planned.id, cast(MaintenanceStatus | None, status), words)


_MOVED = {
    "scheduled": "The maintenance is planned.",
    "in_progress": "The maintenance has begun.",
    "verifying": "The work is done and being verified.",
    "completed": "The maintenance is completed.",
}


def _change_realtime(call: Call, known: PublicIncident, given: Fields) -> None:
    """The name and the components first, then the words, so that subscribers are told once, of all of it."""
    engine, tenant, by = call.deps.engine, call.deps.tenant, call.actor.id
    status, body = given.word("status", REALTIME), _body(given)
    impact = cast(Impact | None, given.word("impact_override", IMPACTS))
    components = stated(_states(call, given))
    name = given.text("name", "")
    if not known.open and status not in (None, "resolved"):
        engine.handle(tenant, known.id, c.Reopen(by=by, because="reopened through the status page API"))
    if name or impact or components:
        publish = c.Publish(by=by, name=name, impact=impact, components=components)
        engine.handle(tenant, known.id, publish)
    if body:
        engine.handle(tenant, known.id, _said(by, body, status))
    elif status:
        engine.handle(tenant, known.id, c.ChangeStatus(by=by, status=cast(PublicStatus, status)))


def remove_incident(call: Call) -> tuple[int, Any]:
    """It is taken off the pages; the incident itself stays, with everything that happened."""
    found, gone = _found(call), _shown(call)
    if isinstance(found, PlannedView):
        call.desk.remove_planned(found.planned.id)
    else:
        unpublish = c.Unpublish(by=call.actor.id, because="deleted through the status page API")
        call.deps.engine.handle(call.deps.tenant, found.incident.id, unpublish)
    return 200, gone


def change_update(call: Call) -> tuple[int, Any]:
    found, given = _found(call), call.part("incident_update")
    name = call.names["update"]
    place = name.rpartition("-")[2]
    body = _body(given)
    if not body:
        raise ValueError("body: expected a text, got nothing")
    if isinstance(found, PlannedView):
        call.desk.correct_planned(found.planned.id, place, body)
    elif place.isascii() and place.isdigit():
        change = c.ChangePublicText(by=call.actor.id, update=int(place[:9]), text=body)
        call.deps.engine.handle(call.deps.tenant, found.incident.id, change)
    else:
        raise Unknown(f"incident_update: nothing has the id {name[:80]!r}")
    updates: Iterable[Json] = _shown(call)["incident_updates"]
    return 200, next(each for each in updates if each["id"].rpartition("-")[2] == place)


# --- the public review ------------------------------------------------------------------------------------------------


def _reviewed(call: Call) -> PublicIncident:
    found = _found(call)
    if isinstance(found, PlannedView):
        raise Unknown("postmortem: planned maintenance has none")
    return found.incident


def _review(known: PublicIncident) -> Json:
    return without_nulls(
        {
            "body": known.review if known.review_at else None,
            "body_draft": known.review,
            "body_draft_updated_at": stamp(known.review_changed_at),
            "body_updated_at": stamp(known.review_changed_at) if known.review_at else None,
            "published_at": stamp(known.review_at),
            "created_at": stamp(known.review_changed_at),
            "updated_at": stamp(known.review_changed_at),
        }
    )


def show_review(call: Call) -> tuple[int, Any]:
    known = _reviewed(call)
    if not known.review:
        raise Unknown("postmortem: nothing has been written")
    return 200, _review(known)


def _set_review(call: Call, text: str, published: bool) -> tuple[int, Any]:
    known = _reviewed(call)
    command = c.SetPublicReview(by=call.actor.id, text=text, published=published)
    call.deps.engine.handle(call.deps.tenant, known.id, command)
    return 200, _review(_reviewed(call))


def put_review(call: Call) -> tuple[int, Any]:
    return _set_review(call, call.part("postmortem").text("body_draft"), _reviewed(call).review_at is not None)


def publish_review(call: Call) -> tuple[int, Any]:
    return _set_review(call, _drafted(call), True)


def revert_review(call: Call) -> tuple[int, Any]:
    return _set_review(call, _drafted(call), False)


def _drafted(call: Call) -> str:
    known = _reviewed(call)
    if not known.review:
        raise Unknown("postmortem: nothing has been written")
    return known.review


def remove_review(call: Call) -> tuple[int, Any]:
    _set_review(call, "", False)
    return 204, None


_INCIDENTS, _ONE = "/{page}/incidents", "/{page}/incidents/{incident}"
TABLE: tuple[tuple[str, str, Action, Any], ...] = (
    ("GET", _INCIDENTS, "status.read", list_incidents),
    ("POST", _INCIDENTS, "status.respond", create_incident),
    ("GET", f"{_INCIDENTS}/unresolved", "status.read", unresolved),
    ("GET", f"{_INCIDENTS}/scheduled", "status.read", scheduled),
    ("GET", f"{_INCIDENTS}/upcoming", "status.read", scheduled),
    ("GET", f"{_INCIDENTS}/active_maintenance", "status.read", active_maintenance),
    ("GET", _ONE, "status.read", show_incident),
    ("PATCH|PUT", _ONE, "status.respond", change_incident),
    ("DELETE", _ONE, "status.respond", remove_incident),
    ("PATCH|PUT", f"{_ONE}/incident_updates/{{update}}", "status.respond", change_update),
    ("GET", f"{_ONE}/postmortem", "status.read", show_review),
    ("PUT", f"{_ONE}/postmortem", "status.respond", put_review),
    ("DELETE", f"{_ONE}/postmortem", "status.respond", remove_review),
    ("PUT", f"{_ONE}/postmortem/publish", "status.respond", publish_review),
    ("PUT", f"{_ONE}/postmortem/revert", "status.respond", revert_review),
)
