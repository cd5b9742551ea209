"""The guide's documents for a recorded incident, and its weekly report, from facts that are stored anyway."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec

from tocsin.core import commands as c, facts as f, reviewing
from tocsin.core.audiences import purpose
from tocsin.core.documents import Action, Entry, Record, Week, document
from tocsin.core.facts import TOCSIN, AnyFact
from tocsin.core.policy import Review, Template
from tocsin.core.state import ActionItem
from tocsin.core.view import words
from tocsin.core.wording import Filled
from tocsin.engine import Engine
from tocsin.ports import IndexRow
from tocsin.saying.composing import Desk, Update
from tocsin.sighted import see

REPORTED_MAX = 2_000  # incidents that one report counts
TOLD = (
    f.Opened, f.Acknowledged, f.Unacknowledged, f.Escalated, f.NobodyReached, f.SeverityChanged, f.StatusChanged,
    f.RoleAssigned, f.ImpactSet, f.RootCauseSet, f.UpdatePosted, f.NoteAdded, f.DeploymentsFrozen, f.AlertsCleared,
    f.Resolved, f.Reopened, f.MergedInto,
)  # fmt: skip


def written(desk: Desk) -> list[Template]:
    """The templates of the guide that are documents, not messages; and one for the review where it has none of that."""
    found = [each for each in desk.policy.templates if purpose(each) in ("document", "report", "action item")]
    asked = desk.policy.review != Review()
    has = any(purpose(each) == "document" and reviewing.is_review(each.title) for each in found)
    return found if has or not asked else [*found, reviewing.OWN]


def keep(engine: Engine, tenant: str, name: str, title: str, given: dict[str, str], by: str) -> None:
    """What was typed into fields of a document is kept with the incident; of a report and an action item it is not."""
    desk = Desk(engine, tenant, name, "")
    template = next((each for each in written(desk) if each.title.casefold() == title.casefold()), None)
    if template is not None and purpose(template) == "document":
        for field, text in given.items():
            engine.handle(tenant, desk.incident.id, c.WriteReview(by=by, field=field, text=text))


def paper(
    engine: Engine, tenant: str, name: str, title: str, given: dict[str, str], action: Action | None, public_url: str
) -> Filled:
    """The document called `title` for this incident. Raises NotFound, or ValueError for a title there is not."""
    desk = Desk(engine, tenant, name, public_url)
    known = written(desk)
    template = next((each for each in known if each.title.casefold() == title.casefold()), None)
    if template is None:
        titles = ", ".join(each.title for each in known) or "the guide has none"
        raise ValueError(f"title: expected one of the guide's documents ({titles}), got {title!r}")
    kind = purpose(template)
    given = {**desk.incident.written, **given} if kind == "document" else given
    scene = desk.scene(desk.audiences["response-team"], Update(fields=given))
    if kind == "report":
        return document(template.body, scene, Record(week=week(engine, tenant, desk)))
    actions = tuple(improvement(each) for each in desk.incident.actions.values())
    if kind == "action item":
        named = given.get("title", "").casefold()
        found = next((each for each in actions if each.title.casefold() == named), actions[0] if actions else None)
        return document(template.body, scene, Record(action=action or found or Action(title="")))
    history = engine.store.facts(tenant, desk.incident.id)
    lessons = reviewing.lessons(given)
    filled = document(template.body, scene, Record(timeline=entries(history), actions=actions, lessons=lessons))
    if not reviewing.is_review(template.title):
        return filled
    more = reviewing.parts(reviewing.sheet(desk.incident, desk.policy), filled.text)
    return msgspec.structs.replace(filled, text=f"{filled.text.rstrip()}\n\n{more}")


def improvement(of: ActionItem) -> Action:
    """A recorded action item as documents write one."""
    return Action(
        title=of.title,
        owner=of.owner,
        due=f"{of.due_at:%Y-%m-%d}",
        priority=of.priority,
        status=of.status.replace("_", " "),
        description=of.description,
        criteria=of.criteria,
        horizon=of.horizon or "",
    )


def entries(history: list[AnyFact]) -> tuple[Entry, ...]:
    """The facts that a review's timeline shows, in words; private notes stay private."""
    return tuple(
        Entry(
            at=fact.at,
            text=words(fact),
            who="" if fact.by == TOCSIN else fact.by.removeprefix("source:"),
            by_hand=fact.by != TOCSIN and not fact.by.startswith("source:"),
        )
        for fact in history
        if isinstance(fact, TOLD) and not (isinstance(fact, f.NoteAdded) and fact.private)
    )


def week(engine: Engine, tenant: str, desk: Desk) -> Week:
    """The seven days that end now, over every incident of the tenant that was no drill."""
    since = desk.now - timedelta(days=7)
    rows: list[IndexRow] = []
    cursor: str | None = None
    while len(rows) < REPORTED_MAX:
        page, cursor = see(engine.store).listing(tenant, limit=200, cursor=cursor)
        rows += [row for row in page if row.opened_at >= since and not row.drill]
        if cursor is None or not page or page[-1].opened_at < since:
            break
    lasted = [row.resolved_at - row.opened_at for row in rows if row.resolved_at]
    types = Counter(row.service or "no service" for row in rows)
    return Week(
        of=f"{since:%Y-%m-%d}",
        total=len(rows),
        by_severity=dict(Counter(row.severity for row in rows)),
        average_resolution=sum(lasted, timedelta()) / len(lasted) if lasted else None,
        types=tuple(types.most_common(10)),
    )
