"""What happens when its time has come, and what becomes of pages.

`wake` does everything that is due, one thing at a time, on the state the one before it left.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tocsin.core import commands as c, facts as f, twopersons
from tocsin.core.carried import Carried
from tocsin.core.endings import tried
from tocsin.core.escalation import World, called, escalate, gap_of, last_resort
from tocsin.core.facts import TOCSIN
from tocsin.core.incident import Incident
from tocsin.core.lifecycle import end, page_again
from tocsin.core.people import Person, shown_address, who
from tocsin.core.policy import Rule, elapsed
from tocsin.core.promises import Due, due
from tocsin.core.spans import show_instant
from tocsin.core.state import Telling
from tocsin.core.story import Story, notify
from tocsin.core.windows import Windowed

SENDING_MAX = timedelta(minutes=6)  # from when it is due: a person who was sent five messages waits five for the next
WAKE_STEPS_MAX = 200  # acts of one wake-up; what is left is due at the next one


class RecordReceipt(c.Command, frozen=True, kw_only=True, tag="record-receipt"):
    """What became of one attempt at a page. `again_at`: when the same method is tried again (None: it is not)."""

    page: str
    person: str
    kind: str
    address: str
    method: int
    attempt: int
    sent: bool
    code: str = ""
    detail: str = ""
    provider_id: str = ""
    bundle: str = ""
    again_at: datetime | None = None


class ReportDelivery(c.Command, frozen=True, kw_only=True, tag="report-delivery"):
    """A provider says what became of what it had accepted: it arrived, or it never will."""

    page: str
    kind: str
    address: str
    delivered: bool
    detail: str = ""


def wake(story: Story, command: c.Wake, world: World, now: datetime) -> None:
    for _ in range(WAKE_STEPS_MAX):
        pending = _due(story.incident, world, now)
        if not pending:
            return
        before = len(story.facts)
        act(story, pending[0], world, now)
        if len(story.facts) == before:
            raise AssertionError(f"{pending[0].key} was due and changed nothing")


def lapse(story: Story, world: World, now: datetime) -> None:
    """Every promise whose time is over is missed, in writing, though nobody has looked since."""
    for what in _due(story.incident, world, now):
        if what.cause == "rule" and what.rule and what.rule.act.kind == "breach" and what.at < now:
            story.add(f.PromiseMissed(at=now, key=what.key, rule=what.rule.id, due_at=what.at))


def _due(incident: Incident, world: World, now: datetime) -> list[Due]:
    if world.outlook is not None and world.outlook.is_quiet(incident, now):
        return []
    return due(incident, world.rules, now, world.calendar)


def act(story: Story, what: Due, world: World, now: datetime) -> None:
    """One thing that is due is done."""
    match what.cause:
        case "ladder":
            story.add(*escalate(story.incident, world, _why_ladder(story.incident), now, key=what.key))
        case "acknowledgement":
            page_again(story, world, "the acknowledgement timed out", now)
        case "snooze":
            page_again(story, world, "the snooze ended", now)
        case "quiet":
            end(story, "all alerts cleared and quiet", world, now, by=TOCSIN)
        case "reopen":
            story.add(f.KeyReleased(at=now))
        case "review":
            notify(
                story,
                "review",
                "the review begins",
                _responders(story.incident, world),
                world.directory,
                now,
                key=what.key,
            )
        case "approval":
            twopersons.lapse(story, what.key, now)
        case "risk" | "rule":
            _act_on_rule(story, what, world, now)


def _why_ladder(incident: Incident) -> str:
    if incident.ladder.until == "resolved" and incident.acknowledged_at:
        return f"not resolved at level {incident.ladder.level}"
    return f"no answer at level {incident.ladder.level}" if incident.ladder.level else "nobody could be reached"


def _act_on_rule(story: Story, what: Due, world: World, now: datetime) -> None:
    rule = what.rule
    assert rule is not None
    base = what.key.rpartition("#")[0]
    if what.cause == "risk":
        lapses_at = what.lapses_at
        assert lapses_at is not None
        story.add(f.PromiseAtRisk(at=now, key=what.key, rule=rule.id, due_at=lapses_at))
        if rule.act.audience or rule.act.who or rule.start == "resolved" or not elapsed(rule.delay):
            people = _named(story, rule, world)  # remind a person, never post a filler update
            notify(
                story,
                rule.act.audience,
                f"{rule.act.text} by {show_instant(lapses_at, now)}",
                people,
                world.directory,
                now,
                key="",
            )
        return
    match rule.act.kind:
        case "escalate":
            story.add(*escalate(story.incident, world, rule.act.text or rule.id, now, key=what.key))
            if story.incident.fired.get(base, -1) < int(
                what.key.rpartition("#")[2]
            ):  # nobody could be paged; the key is spent all the same
                story.add(f.Notified(at=now, audience="", because=rule.id, pages=(), key=what.key))
        case "breach":
            story.add(f.PromiseMissed(at=now, key=what.key, rule=rule.id, due_at=what.at))
        case "page" | "notify" | "remind":
            people = _leading(story.incident, world) if type(rule) is Windowed else _named(story, rule, world)
            because = rule.act.text or rule.id
            owed = rule.act.kind != "remind" and not isinstance(rule, Carried)
            missed = f.PromiseMissed(at=now, key=what.key, rule=rule.id, due_at=what.at) if owed else None
            if missed and (gap := gap_of(story.incident, world, rule.act.who, now)):
                story.add(gap)
            notify(
                story,
                rule.act.audience,
                because,
                people,
                world.directory,
                now,
                key=what.key,
                notice=rule.act.kind != "page",
                call=called(world, story.incident) and rule.act.kind != "remind",
                otherwise=missed,
            )


def _named(story: Story, rule: Rule, world: World) -> list[Person]:
    """Who the rule names, else the responders; what an incident carries itself must not be heard by nobody."""
    people = list(who(world.directory, rule.act.who, service=story.incident.service))
    if people or (rule.act.who and not isinstance(rule, Carried)):
        return people
    people = _responders(story.incident, world)
    if people or not isinstance(rule, Carried):
        return people
    if rule.id.startswith("law:"):  # a legal clock that nobody hears of is worse than one that too many hear of
        return list(last_resort(world))
    return list(who(world.directory, world.policy.paging.last_resort or world.directory.last_resort))


def _leading(incident: Incident, world: World) -> list[Person]:
    """Who is reminded of steps: the commander, else who acknowledged; before that everybody hears enough."""
    held = [person for role, people in incident.roles.items() if "commander" in role.casefold() for person in people]
    return list(who(world.directory, tuple(held or filter(None, (incident.acknowledged_by,)))))


def _responders(incident: Incident, world: World) -> list[Person]:
    """Who is reminded: the communications lead, else the commander, else who acknowledged, else who was paged last."""
    for word in ("communication", "commander"):
        held = [person for role, people in incident.roles.items() if word in role.casefold() for person in people]
        if held:
            return list(who(world.directory, tuple(held)))
    if incident.acknowledged_by:
        return list(who(world.directory, (incident.acknowledged_by,)))
    newest = [state.page.person for state in incident.pages.values() if state.page.level == incident.ladder.level]
    return list(who(world.directory, tuple(dict.fromkeys(newest))))


def record_receipt(story: Story, command: RecordReceipt, world: World, now: datetime) -> None:
    state = story.incident.pages.get(command.page)
    common = {"page": command.page, "person": command.person, "kind": command.kind, "address": command.address}
    if command.sent:
        _late(story, command.page, now)
        story.add(
            f.PageSent(
                at=now,
                method=command.method,
                provider_id=command.provider_id,
                attempt=command.attempt,
                bundle=command.bundle,
                detail=command.detail,
                **common,
            )
        )
        return
    forgiven = state is not None and state.forgiven
    story.add(
        f.PageFailed(
            at=now,
            method=command.method,
            code=command.code,
            detail=command.detail,
            attempt=command.attempt,
            again_at=None if forgiven else command.again_at,
            **common,
        )
    )
    _gone(story, command.page, command.person, world, now)


def report_delivery(story: Story, command: ReportDelivery, world: World, now: datetime) -> None:
    """Reports come late, twice and in any order: what arrived has arrived, and a failure counts once."""
    state = story.incident.pages.get(command.page)
    if state is None:
        return
    page = state.page
    for n, method in enumerate(page.methods):
        if (method.kind, method.address) != (command.kind, command.address) or n in state.delivered:
            continue
        arrived = f.PageDelivered(
            at=now,
            page=page.id,
            person=page.person,
            kind=method.kind,
            address=shown_address(method.kind, method.address),
            method=n,
        )
        if command.delivered:
            story.add(arrived)
        elif n not in state.failed:
            story.add(
                f.PageFailed(
                    at=now,
                    page=page.id,
                    person=page.person,
                    kind=method.kind,
                    address=arrived.address,
                    method=n,
                    code="unreachable",
                    detail=command.detail,
                )
            )
            _gone(story, page.id, page.person, world, now)
        return


def _gone(story: Story, page: str, person: str, world: World, now: datetime) -> None:
    """Whether that was the last of this person's methods, and what follows."""
    after = story.incident.pages.get(page)
    if after is None or after.forgiven or after.unreachable or len(after.failed) < len(after.page.methods):
        return
    story.add(f.PersonUnreachable(at=now, page=page, person=person))
    _untold(story, page, now)
    if after.page.level and not after.page.notice:  # a page of the last resort that fails must not call for itself
        _escalate_early(story, world, now)


def _untold(story: Story, page: str, now: datetime) -> None:
    """Those whom the guide wanted told cannot be, any of them: its promise is missed, in writing."""
    incident = story.incident
    for base, of in incident.telling.items():
        if page in of.pages and base not in incident.missed and tried(incident, of) == "missed":
            story.add(_missed(base, of, now))


def _late(story: Story, page: str, now: datetime) -> None:
    """Those whom the guide wanted told hear of it now for the first time, and too late."""
    incident = story.incident
    for base, of in incident.telling.items():
        late = now - of.due_at > SENDING_MAX and tried(incident, of) != "kept"
        if late and page in of.pages and base not in incident.missed:
            story.add(_missed(base, of, now))


def _missed(base: str, of: Telling, now: datetime) -> f.PromiseMissed:
    return f.PromiseMissed(at=now, key=of.key, rule=base.rpartition("@")[0], due_at=of.due_at)


def _escalate_early(story: Story, world: World, now: datetime) -> None:
    """When nobody of the present level can be reached, the ladder does not wait for its time.

    Its last level is repeated early once, which pages the last resort; then its times hold again. A channel that
    refuses everything for a minute would else use up every lap of the ladder, and nobody would be paged later.
    """
    incident = story.incident
    if not incident.open or incident.acknowledged_at or incident.ladder.lap:
        return
    asked = [state for state in incident.pages.values() if state.page.level and not state.page.notice]
    newest = max((state.page.round for state in asked), default=0)
    if asked and all(state.unreachable for state in asked if state.page.round == newest):
        story.add(*escalate(incident, world, f"nobody at level {incident.ladder.level} could be reached", now))
