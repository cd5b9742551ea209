"""The manage API's calls on subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from tocsin.core.access import Action
from tocsin.core.statusjson import Json, stamp
from tocsin.http.status_forms import wrong_endpoint, wrong_mail
from tocsin.http.statuspage_calls import Call, without_nulls
from tocsin.status.desk import Unknown
from tocsin.status.subscribers import Subscriber, Subscribers, TooMany

STATES = ("active", "unconfirmed", "quarantined")


def people_of(call: Call) -> Subscribers:
    return call.deps.subscribers


def shown(each: Subscriber) -> Json:
    return without_nulls(
        {
            "id": each.id,
            "mode": each.kind,
            "email": each.address if each.kind == "email" else each.contact or None,
            "endpoint": each.address if each.kind == "webhook" else None,
            "components": list(each.components),
            "skip_confirmation_notification": each.asked_at is None,
            "created_at": stamp(each.created_at),
            "quarantined_at": stamp(each.quarantined_at),
        }
    )


def _state(each: Subscriber) -> str:
    if each.quarantined_at is not None:
        return "quarantined"
    return "active" if each.active else "unconfirmed"


def _chosen(call: Call) -> list[Subscriber]:
    """The subscribers that the query asks for."""
    found = people_of(call).all(call.page.id)
    words, kind, state = call.query.get("q", "").casefold(), call.query.get("type"), call.query.get("state", "active")
    if state not in (*STATES, "all"):
        raise ValueError(f"state: expected one of {', '.join((*STATES, 'all'))}, got {state[:40]!r}")
    return [
        each
        for each in found
        if words in each.address.casefold() and kind in (None, "", each.kind) and state in ("all", _state(each))
    ]


def list_people(call: Call) -> tuple[int, Any]:
    return 200, [shown(each) for each in call.paged(_chosen(call), "limit")]


def count_people(call: Call) -> tuple[int, Any]:
    found = _chosen(call)
    return 200, {kind: sum(1 for each in found if each.kind == kind) for kind in ("email", "webhook")}


def histogram(call: Call) -> tuple[int, Any]:
    found = people_of(call).all(call.page.id)
    return 200, {kind: _by_state([each for each in found if each.kind == kind]) for kind in ("email", "webhook")}


def _by_state(people: Sequence[Subscriber]) -> dict[str, int]:
    counts = {state: sum(1 for each in people if _state(each) == state) for state in STATES}
    return counts | {"total": len(people)}


def create(call: Call) -> tuple[int, Any]:
    """An address that an administrator adds counts at once where `skip_confirmation_notification` says so; a webhook
    without a mail address counts at once too, because nobody else could confirm it."""
    given = call.part("subscriber")
    mail, endpoint = given.text("email", "").strip(), given.text("endpoint", "").strip()
    if given.text("phone_number", ""):
        raise ValueError("phone_number: expected email or endpoint; text messages go through a webhook")
    wrong = (wrong_endpoint(endpoint) if endpoint else "") or (wrong_mail(mail) if mail or not endpoint else "")
    if wrong:
        raise ValueError(wrong)
    kind: Literal["email", "webhook"] = "webhook" if endpoint else "email"
    components = given.texts("component_ids")
    call.desk.checked_stated(components)
    confirmed = given.flag("skip_confirmation_notification") or (bool(endpoint) and not mail)
    try:
        made = people_of(call).subscribe(
            call.page, kind, endpoint or mail, components, contact=mail if endpoint else "", confirmed=confirmed
        )
    except TooMany as error:
        raise ValueError(str(error)) from error
    return 201, shown(made)


def _one(call: Call) -> Subscriber:
    found = people_of(call).get(call.names["subscriber"])
    if found is None or found.page != call.page.id:
        raise Unknown(f"subscriber: nothing has the id {call.names['subscriber'][:80]!r}")
    return found


def show(call: Call) -> tuple[int, Any]:
    return 200, shown(_one(call))


def change(call: Call) -> tuple[int, Any]:
    components = call.part("subscriber").texts("component_ids")
    call.desk.checked_stated(components)
    changed = people_of(call).choose(_one(call).id, components)
    return 200, shown(changed or _one(call))


def remove(call: Call) -> tuple[int, Any]:
    gone = _one(call)
    people_of(call).remove(gone.id)
    return 200, shown(gone)


def resend(call: Call) -> tuple[int, Any]:
    people_of(call).ask_again(call.page, _one(call).id)
    return 201, None


def _named(call: Call) -> list[Subscriber]:
    """Those whose ids the body names, or everybody for "all"."""
    given = call.part("subscribers")
    wanted: set[str] | None = None
    found = people_of(call).all(call.page.id)
    if given.is_list("subscribers"):
        wanted = set(given.texts("subscribers"))
    elif given.text("subscribers", "") != "all":
        raise ValueError('subscribers: expected a list of ids, or "all"')
    return [each for each in found if wanted is None or each.id in wanted]


def unsubscribe_many(call: Call) -> tuple[int, Any]:
    for each in _named(call):
        people_of(call).remove(each.id)
    return 200, None


def resend_many(call: Call) -> tuple[int, Any]:
    for each in _named(call):
        people_of(call).ask_again(call.page, each.id)
    return 200, None


_PEOPLE, _ONE = "/{page}/subscribers", "/{page}/subscribers/{subscriber}"
TABLE: tuple[tuple[str, str, Action, Any], ...] = (
    ("GET", _PEOPLE, "status.manage", list_people),
    ("POST", _PEOPLE, "status.manage", create),
    ("GET", f"{_PEOPLE}/count", "status.read", count_people),
    ("GET", f"{_PEOPLE}/histogram_by_state", "status.read", histogram),
    ("POST", f"{_PEOPLE}/unsubscribe", "status.manage", unsubscribe_many),
    ("POST", f"{_PEOPLE}/resend_confirmation", "status.manage", resend_many),
    ("GET", _ONE, "status.manage", show),
    ("PATCH", _ONE, "status.manage", change),
    ("DELETE", _ONE, "status.manage", remove),
    ("POST", f"{_ONE}/resend_confirmation", "status.manage", resend),
)
