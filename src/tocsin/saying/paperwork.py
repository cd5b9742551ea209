"""The guide's documents for a recorded incident, and its reports of a period, from facts that are stored anyway."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from tocsin.core import commands as c, facts as f, reviewing
from tocsin.core.audiences import purpose
from tocsin.core.documents import Action, Entry, Record, Week, document
from tocsin.core.facts import TOCSIN, AnyFact
from tocsin.core.policy import Policy, Report, Review, Template, elapsed
from tocsin.core.reporting import RECURS_WITHIN, Reported, figures, lessons, report, week
from tocsin.core.state import ActionItem
from tocsin.core.view import words
from tocsin.core.wording import Filled
from tocsin.engine import Engine
from tocsin.ports import IndexRow
from tocsin.saying.composing import Desk, Update
from tocsin.sighted import see

REPORTED_MAX = 5_000  # incidents that one report reads
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


def titles(desk: Desk) -> list[dict[str, str]]:
    """Everything that can be written: the guide's documents, and its reports, with a template or without."""
    found = [{"title": each.title, "kind": purpose(each)} for each in written(desk)]
    return found + [{"title": each.title, "kind": "report"} for each in reports(desk.policy)]


def paper(
    engine: Engine, tenant: str, name: str, title: str, given: dict[str, str], action: Action | None, public_url: str
) -> Filled:
    """The document called `title` for this incident. Raises NotFound, or ValueError for a title there is not."""
    desk = Desk(engine, tenant, name, public_url)
    known = written(desk)
    template = next((each for each in known if each.title.casefold() == title.casefold()), None)
    if template is None:
        asked = next((each for each in reports(desk.policy) if each.title.casefold() == title.casefold()), None)
        if asked is not None:
            return _report(engine, tenant, desk, asked, given)
        named = ", ".join(each["title"] for each in titles(desk)) or "the guide has none"
        raise ValueError(f"title: expected one of the guide's documents ({named}), got {title!r}")
    kind = purpose(template)
    given = {**desk.incident.written, **given} if kind == "document" else given
    scene = desk.scene(desk.audiences["response-team"], Update(fields=given))
    if kind == "report":
        return document(template.body, scene, Record(week=_week(engine, tenant, desk, title, given)))
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


# --- reports ----------------------------------------------------------------------------------------------------------


def reports(policy: Policy) -> list[Report]:
    """The reports that the guide asks for, and has no template of."""
    drawn = {each.title.casefold() for each in policy.templates}
    return [each for each in policy.reports if each.title.casefold() not in drawn]


def _report(engine: Engine, tenant: str, desk: Desk, of: Report, given: dict[str, str]) -> Filled:
    until = _until(desk, given)
    since = _before(of, until)
    earlier = _before(of, since)
    every = _reported(engine, tenant, desk, earlier - RECURS_WITHIN)
    now, before = figures(every, since, until), figures(every, earlier, since)
    actions = lessons(_with_lessons(engine, tenant, desk), since, until)
    return report(of, now, before, actions, [each.id for each in desk.policy.severities], given)


def _week(engine: Engine, tenant: str, desk: Desk, title: str, given: dict[str, str]) -> Week:
    """What the guide's own form asks for: its period, or the seven days that end now."""
    known = next((each for each in desk.policy.reports if each.title.casefold() == title.casefold()), None)
    until = _until(desk, given)
    since = _before(known or Report(title=title), until)
    return week(_reported(engine, tenant, desk, since), _with_lessons(engine, tenant, desk), since, until)


def _until(desk: Desk, given: dict[str, str]) -> datetime:
    """When the period ends: now, or with the day before the one that `until` names, in UTC. Raises ValueError."""
    said = given.get("until", "").strip()
    if not said:
        return desk.now + timedelta.resolution  # what happens at this very instant is in it
    try:
        return datetime.combine(date.fromisoformat(said), time(), tzinfo=UTC)
    except ValueError:
        raise ValueError(f"until: expected a day such as 2026-11-01, got {said!r}") from None


def _before(of: Report, until: datetime) -> datetime:
    """Where a period of the report begins that ends at `until`; a week where the guide names no time."""
    if of.every is None or of.every.months is None:
        return until - (elapsed(of.every) or timedelta(days=7))
    year, month = divmod(until.year * 12 + until.month - 1 - of.every.months, 12)
    return until.replace(year=year, month=month + 1, day=min(until.day, monthrange(year, month + 1)[1]))


def _reported(engine: Engine, tenant: str, desk: Desk, since: datetime) -> list[Reported]:
    """The incidents under the same guide that were opened since."""
    found: list[Reported] = []
    cursor: str | None = None
    while len(found) < REPORTED_MAX:
        page, cursor = see(engine.store).listing(tenant, limit=200, cursor=cursor)
        found += [_read(row) for row in page if row.opened_at >= since and row.guide == desk.incident.guide]
        if cursor is None or not page or page[-1].opened_at < since:
            return found
    raise ValueError(f"until: expected a period with less than {REPORTED_MAX} incidents")


def _with_lessons(engine: Engine, tenant: str, desk: Desk) -> list[Reported]:
    """Every incident under the same guide that has action items."""
    found: list[Reported] = []
    cursor: str | None = None
    while len(found) < REPORTED_MAX:
        page, cursor = see(engine.store).listing(tenant, limit=200, cursor=cursor, actions=True)
        found += [_read(row) for row in page if row.guide == desk.incident.guide]
        if cursor is None or not page:
            break
    return found


def _read(row: IndexRow) -> Reported:
    return msgspec.json.decode(row.summary, type=Reported)
