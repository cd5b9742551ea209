"""What the guide says to whoever responds to one incident: phases and items and how they stand, the runbooks that fit,
the duties of the roles, whom to call, where to look. Pure; every value carries the line of the guide it stands on.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from tocsin.core import facts as f
from tocsin.core.callees import Callee, callees
from tocsin.core.checklists import Checklist, checklists
from tocsin.core.facts import AnyFact
from tocsin.core.fitting import fitting
from tocsin.core.instructions import Instruction, Setting, instruction, instructions, setting
from tocsin.core.offers import Offer, verifications, ways_back
from tocsin.core.policy import Dashboard, Deadline, Phase, Policy, Role, Runbook, Source, Step, elapsed
from tocsin.core.severity import next_question, same_question
from tocsin.core.spans import show_deadline
from tocsin.core.state import Incident

State = Literal["open", "begun", "finished"]


class Worked(msgspec.Struct, frozen=True, kw_only=True):
    """How something stands, by whom and since when."""

    state: State = "open"
    by: str | None = None
    at: datetime | None = None


class ItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One step. `name` is what `finish-item` takes, `number` its place in the list, which it takes as well."""

    number: int
    name: str
    checkbox: bool
    alternative: bool
    commands: tuple[Instruction, ...]
    standing: Worked
    line: int | None


class PhaseView(msgspec.Struct, frozen=True, kw_only=True):
    """`starts_at` and `ends_at`: its window, counted from the opening. `applies`: it is for this severity."""

    number: int
    name: str
    window: str
    starts_at: datetime | None
    ends_at: datetime | None
    objectives: tuple[str, ...]
    items: tuple[ItemView, ...]
    standing: Worked
    current: bool
    applies: bool
    line: int | None

    @property
    def finished(self) -> int:
        """How many of its items are."""
        return sum(each.standing.state == "finished" for each in self.items)


class RunbookView(msgspec.Struct, frozen=True, kw_only=True):
    """`because`: why it fits this incident; empty where it is only one of the others. `number`: its place. `run`: what
    is typed to run its commands; empty where it has none, or it is of no incident."""

    number: int
    name: str
    category: str
    items: tuple[ItemView, ...]
    because: tuple[str, ...] = ()
    line: int | None
    run: str = ""

    @property
    def dangers(self) -> int:
        """How many of its commands carry a warning that they destroy, cut off or disturb."""
        return sum(each.dangerous for item in self.items for each in item.commands)


class RoleView(msgspec.Struct, frozen=True, kw_only=True):
    """`people` have it in this incident; nobody yet where it is empty."""

    name: str
    people: tuple[str, ...]
    when: str
    responsibilities: tuple[str, ...]
    qualifications: tuple[str, ...]
    line: int | None


class QuestionView(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the decision tree or of the assessment, and what was answered. `decides`: the severity that a yes
    means; `next`: the one of the tree that is to be answered now."""

    question: str
    answer: str | None
    decides: str = ""
    next: bool = False
    line: int | None = None


class CategoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of incident that the guide knows; `chosen`: the incident is of it."""

    name: str
    description: str
    chosen: bool
    line: int | None


class LinkView(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    links: tuple[str, ...]
    line: int | None


class Briefing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the guide in force for this incident says to its responders. `digest` names its edition."""

    incident: str
    guide: str
    digest: str
    severity: str
    current: str | None
    phases: tuple[PhaseView, ...]
    questions: tuple[QuestionView, ...]
    categories: tuple[CategoryView, ...]
    runbooks: tuple[RunbookView, ...]
    others: tuple[RunbookView, ...]
    roles: tuple[RoleView, ...]
    call: tuple[Callee, ...]
    dashboards: tuple[LinkView, ...]
    ways_back: tuple[Offer, ...] = ()
    verifications: tuple[Offer, ...] = ()


def briefing(policy: Policy, incident: Incident, history: Sequence[AnyFact]) -> Briefing:
    """What the guide says about an incident that these facts made."""
    stood = standing(history)
    lists = checklists(policy)
    of = setting(policy, incident.reference)
    phases = _phases([each for each in lists if each.kind == "phase"], incident, stood, of)
    runbooks = _runbooks(lists, stood, of)
    fits = fitting(policy, incident)
    first = [msgspec.structs.replace(runbooks[each.place], because=each.because) for each in fits]
    places = {each.place for each in fits}
    return Briefing(
        incident=incident.reference,
        guide=incident.guide,
        digest=incident.policy_digest,
        severity=incident.severity,
        current=next((each.name for each in phases if each.current), None),
        phases=phases,
        questions=_questions(policy, incident),
        categories=_categories(policy, incident),
        runbooks=tuple(first),
        others=tuple(each for n, each in enumerate(runbooks) if n not in places),
        roles=_roles(policy, incident),
        call=callees(policy, incident.severity),
        dashboards=tuple(_link(each) for each in policy.dashboards),
        ways_back=ways_back(policy),
        verifications=verifications(policy),
    )


def runbook_views(policy: Policy) -> tuple[RunbookView, ...]:
    """Every runbook in the guide's order, of no incident."""
    return _runbooks(checklists(policy), {}, setting(policy))


def phase_views(policy: Policy) -> tuple[PhaseView, ...]:
    """Every phase in the guide's order, of no incident."""
    phases, of = [each for each in checklists(policy) if each.kind == "phase"], setting(policy)
    return tuple(_phase(of, n, each, None, {}, current=False) for n, each in enumerate(phases, 1))


def loose_commands(policy: Policy) -> tuple[Instruction, ...]:
    """The commands of the guide that stand in no phase and no runbook, in its order."""
    named = {
        (_line(command.source), command.code)
        for each in checklists(policy)
        for _, step in each.items
        for command in step.commands
    }
    of = setting(policy)
    loose = [each for each in policy.commands if (_line(each.source), each.code) not in named]
    return tuple(instruction(of, each) for each in loose)


def _runbooks(lists: Sequence[Checklist], stood: dict[tuple[str, ...], Worked], of: Setting) -> tuple[RunbookView, ...]:
    runbooks = [each for each in lists if each.kind == "runbook"]
    return tuple(
        RunbookView(
            number=number,
            name=each.name,
            category=each.of.category if isinstance(each.of, Runbook) else "",
            items=_items(of, each, stood),
            line=_line(each.of.source),
            run=_run_line(of, each),
        )
        for number, each in enumerate(runbooks, 1)
    )


def _run_line(of: Setting, runbook: Checklist) -> str:
    commands = any(command.language != "text" for _, step in runbook.items for command in step.commands)
    return shlex.join(["tocsin", "runbook", "run", of.reference, runbook.name]) if of.reference and commands else ""


def standing(history: Sequence[AnyFact]) -> dict[tuple[str, ...], Worked]:
    """How every phase `(phase,)` and item `(phase, item)` stands that anybody began or finished."""
    found: dict[tuple[str, ...], Worked] = {}
    for fact in history:
        match fact:
            case f.PhaseBegun() | f.PhaseFinished():
                key: tuple[str, ...] = (fact.phase,)
            case f.ItemBegun() | f.ItemFinished():
                key = (fact.phase, fact.item)
            case _:
                continue
        state: State = "begun" if isinstance(fact, f.PhaseBegun | f.ItemBegun) else "finished"
        found[key] = Worked(state=state, by=fact.by, at=fact.at)
    return found


def current_phase(
    phases: Sequence[Checklist], stood: dict[tuple[str, ...], Worked], severity: str = ""
) -> Checklist | None:
    """The phase that was begun last and is not finished; else the first after the last finished one that is open.

    Phases for other severities are none of them, unless somebody began one.
    """
    begun = [(at, n) for n, each in enumerate(phases) if (at := _begun_at(stood, each.name))]
    if begun:
        return phases[max(begun)[1]]
    after = max((n for n, each in enumerate(phases) if stood.get((each.name,))), default=-1)
    rest = [*phases[after + 1 :], *phases[: after + 1]]
    open_ones = [each for each in rest if (each.name,) not in stood]
    return next((each for each in open_ones if _applies(each, severity)), None)


def _begun_at(stood: dict[tuple[str, ...], Worked], name: str) -> datetime | None:
    state = stood.get((name,))
    return state.at if state and state.state == "begun" else None


def _applies(phase: Checklist, severity: str) -> bool:
    only = phase.of.severities if isinstance(phase.of, Phase) else ()
    return not only or not severity or severity in only


def _phases(
    phases: Sequence[Checklist], incident: Incident, stood: dict[tuple[str, ...], Worked], of: Setting
) -> tuple[PhaseView, ...]:
    current = current_phase(phases, stood, incident.severity)
    return tuple(_phase(of, n, each, incident, stood, current=each is current) for n, each in enumerate(phases, 1))


def _phase(
    of: Setting,
    number: int,
    each: Checklist,
    incident: Incident | None,
    stood: dict[tuple[str, ...], Worked],
    *,
    current: bool,
) -> PhaseView:
    assert isinstance(each.of, Phase), "only phases come here"
    return PhaseView(
        number=number,
        name=each.name,
        window=_window(each.of),
        starts_at=_instant(each.of.starts, incident),
        ends_at=_instant(each.of.ends, incident),
        objectives=each.of.objectives,
        items=_items(of, each, stood),
        standing=stood.get((each.name,), Worked()),
        current=current,
        applies=_applies(each, incident.severity if incident else ""),
        line=_line(each.of.source),
    )


def _items(of: Setting, checklist: Checklist, stood: dict[tuple[str, ...], Worked]) -> tuple[ItemView, ...]:
    return tuple(
        ItemView(
            number=number,
            name=name,
            checkbox=step.checkbox,
            alternative=step.alternative,
            commands=instructions(of, step),
            standing=stood.get((checklist.name, name), Worked()),
            line=step_line(step),
        )
        for number, (name, step) in enumerate(checklist.items, 1)
    )


def step_line(step: Step) -> int | None:
    """Where the step stands, or its first command where it has no line of its own."""
    return _line(step.source) or next((_line(each.source) for each in step.commands if each.source), None)


def _window(phase: Phase) -> str:
    """In the guide's words, else in ours; empty where it gives none."""
    said = [each.text or show_deadline(each) or "" for each in (phase.starts, phase.ends) if each is not None]
    return " to ".join(dict.fromkeys(filter(None, said)))


def _instant(offset: Deadline | None, incident: Incident | None) -> datetime | None:
    span = elapsed(offset)
    return incident.opened_at + span if incident is not None and span is not None else None


def _questions(policy: Policy, incident: Incident) -> tuple[QuestionView, ...]:
    """The tree in its order, then what the guide asks to be looked at."""
    following = next_question(policy, incident.answers)
    tree = [
        QuestionView(
            question=row.question.strip(),
            answer=_answer(incident, row.question),
            decides=row.severity,
            next=row is following,
            line=_line(row.source),
        )
        for row in policy.decision_tree
    ]
    return (*tree, *(QuestionView(question=each, answer=_answer(incident, each)) for each in policy.assessment))


def _answer(incident: Incident, question: str) -> str | None:
    return next((said for asked, said in incident.answers.items() if same_question(asked, question)), None)


def _categories(policy: Policy, incident: Incident) -> tuple[CategoryView, ...]:
    chosen = (incident.category or "").casefold()
    return tuple(
        CategoryView(
            name=each.name,
            description=each.description,
            chosen=each.name.casefold() == chosen,
            line=_line(each.source),
        )
        for each in policy.categories
    )


def _roles(policy: Policy, incident: Incident) -> tuple[RoleView, ...]:
    """Roles that somebody has come first; then those of the guide that nobody has, in its order."""
    held = {name.casefold(): people for name, people in incident.roles.items()}
    views = [_role(each, held.get(each.name.casefold(), ())) for each in policy.roles]
    return tuple(sorted(views, key=lambda each: not each.people))


def _role(role: Role, people: tuple[str, ...]) -> RoleView:
    return RoleView(
        name=role.name,
        people=people,
        when=role.when,
        responsibilities=role.responsibilities,
        qualifications=role.qualifications,
        line=_line(role.source),
    )


def _link(dashboard: Dashboard) -> LinkView:
    return LinkView(title=dashboard.title, links=dashboard.links, line=_line(dashboard.source))


def _line(source: Source | None) -> int | None:
    return source.line if source else None
