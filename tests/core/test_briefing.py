"""What the guide says to the responders of one incident: nothing is lost, everything has its place and its line."""

from __future__ import annotations

import shlex
from datetime import timedelta
from functools import cache

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.core.lives import T0
from tests.shared_files import SHARED
from tocsin.core import facts as f
from tocsin.core.briefing import briefing, loose_commands, phase_views, runbook_views, standing
from tocsin.core.callees import callees
from tocsin.core.fitting import fitting, severities_named
from tocsin.core.instructions import instruction, setting
from tocsin.core.policy import (
    CodeBlock,
    Contact,
    Deadline,
    Escalation,
    ExternalParty,
    Finding,
    Level,
    Notify,
    Phase,
    Policy,
    Question,
    Role,
    Runbook,
    Severity,
    Source,
    Step,
)
from tocsin.core.state import Incident
from tocsin.guide.compile import compile_guide
from tocsin.guide.lint import lint

GUIDES = ("000", "001", "002", "003", "004")
SEVERITIES = (Severity(id="P1", rank=0), Severity(id="P2", rank=1))


@cache
def of_guide(number: str) -> Policy:
    (path,) = (SHARED / "guides").glob(f"{number}_*.txt")
    compiled = compile_guide(path.read_text())
    return msgspec.structs.replace(compiled.policy, findings=tuple(lint(compiled)))


def incident(title: str = "Checkout is down", severity: str = "P1", **more: object) -> Incident:
    values: dict[str, object] = {
        "id": "i1",
        "reference": "INC-2026-001",
        "title": title,
        "status": "investigating",
        "severity": severity,
        "guide": "g",
        "policy_digest": "d",
        "opened_at": T0,
        "last_at": T0,
        "version": 1,
    }
    return msgspec.convert(values | more, Incident)


def guide(*titles: str, **more: object) -> Policy:
    phases = tuple(Phase(title=each, steps=(Step(text="Look"), Step(text="Act"))) for each in titles)
    return Policy(title="G", severities=SEVERITIES, phases=phases, **more)  # type: ignore[arg-type]


def begun(phase: str, minute: int = 0, item: str = "", by: str = "ana") -> f.AnyFact:
    at = T0 + timedelta(minutes=minute)
    return f.ItemBegun(at=at, by=by, phase=phase, item=item) if item else f.PhaseBegun(at=at, by=by, phase=phase)


def finished(phase: str, minute: int = 0, item: str = "", by: str = "ana") -> f.AnyFact:
    at = T0 + timedelta(minutes=minute)
    return f.ItemFinished(at=at, by=by, phase=phase, item=item) if item else f.PhaseFinished(at=at, by=by, phase=phase)


# --- nothing is lost


@pytest.mark.needs("shared")
@pytest.mark.parametrize("number", GUIDES)
def test_no_step_and_no_command_of_a_guide_is_lost_and_their_order_is_kept(number: str) -> None:
    policy = of_guide(number)

    told = briefing(policy, incident(severity=policy.severities[0].id), [])

    assert [[item.name for item in each.items] for each in told.phases] == [
        [" ".join(step.text.split()) for step in each.steps] for each in policy.phases
    ]
    books = sorted((*told.runbooks, *told.others), key=lambda each: each.number)
    assert [each.name for each in books] == [each.title for each in policy.runbooks]
    shown = {(each.line, each.code) for part in (*told.phases, *books) for item in part.items for each in item.commands}
    shown |= {(each.line, each.code) for each in loose_commands(policy)}
    assert {(each.source.line if each.source else None, each.code) for each in policy.commands} <= shown


@pytest.mark.needs("shared")
@pytest.mark.parametrize("number", GUIDES)
def test_whatever_is_shown_says_where_the_guide_says_it(number: str) -> None:
    policy = of_guide(number)

    told = briefing(policy, incident(severity=policy.severities[0].id), [])

    parts = (*told.phases, *told.runbooks, *told.others)
    assert [each.name for each in (*parts, *told.roles, *told.call) if not each.line] == []
    assert [item.name for each in parts for item in each.items if not item.line] == []
    assert [each.code for part in parts for item in part.items for each in item.commands if not each.line] == []


@pytest.mark.needs("shared")
def test_the_words_of_five_guides_bring_the_runbooks_that_a_responder_would_open() -> None:
    def first(number: str, title: str, **more: object) -> list[str]:
        policy = of_guide(number)
        made = incident(title, severity=policy.severities[0].id, **more)
        return [policy.runbooks[each.place].title for each in fitting(policy, made)]

    assert first("000", "Database is unavailable")[0] == "Database Unavailable"
    assert first("000", "Orders fail", category="Security") == ["Unauthorized Access", "Data Breach"]
    assert first("000", "Backend crashes since noon")[0] == "Application Crashes"
    assert first("001", "The certificate of the API expires")[0] == "Certificate Health Check"
    assert first("004", "Dashboard is slow", category="Performance Degradation")[0].startswith("Performance")
    assert "P1 Critical Response Playbook: Immediate Actions (0-15 minutes)" in first("004", "Something")
    assert not [each for each in first("004", "Something") if each.startswith("P2")]
    assert first("003", "Anything at all") == []


@pytest.mark.needs("shared")
def test_vendors_have_their_support_level_and_roles_their_backups() -> None:
    called = {each.name: each for each in callees(of_guide("002"), "P1")}

    assert (called["AWS"].support_level, called["AWS"].service) == ("Premium Support", "Cloud Infrastructure")
    assert called["DataDog"].support_level == "Enterprise"
    assert called["PagerDuty"].support_level == "Business"
    assert (called["Jane Smith"].kind, called["Jane Smith"].role) == ("backup", "On-call Engineer")
    assert called["John Doe"].because == ("level 1",)
    assert called["AWS"].phone == "+1-xxx-xxx-xxxx"
    commander = next(each for each in callees(of_guide("004"), "P1") if each.role == "Incident Commander")
    assert (commander.name, commander.phone) == ("John Doe", "+1-XXX-XXX-XXXX")
    assert commander.because == ("to be told of P1, immediate",)


TREES = st.lists(st.lists(st.lists(st.text(max_size=8), max_size=3), max_size=4), max_size=4)


@given(TREES, TREES, st.sampled_from(["", "P1", "P2"]))
def test_no_item_is_lost_whatever_the_guide(phases: list[object], runbooks: list[object], word: str) -> None:
    def made(tree: list[object]) -> tuple[Step, ...]:
        return tuple(
            Step(text="-".join(each), commands=tuple(CodeBlock(language="bash", code=code) for code in each))
            for each in tree  # type: ignore[union-attr, arg-type]
        )

    policy = Policy(
        title="G",
        severities=SEVERITIES,
        phases=tuple(Phase(title=f"{word} a", steps=made(each)) for each in phases),  # type: ignore[arg-type]
        runbooks=tuple(Runbook(title=f"{word} b", steps=made(each)) for each in runbooks),  # type: ignore[arg-type]
    )

    told = briefing(policy, incident(), [])

    books = sorted((*told.runbooks, *told.others), key=lambda each: each.number)
    for parts, given_ in ((told.phases, policy.phases), (books, policy.runbooks)):
        assert [[[code.code for code in item.commands] for item in each.items] for each in parts] == [
            [[code.code for code in step.commands] for step in each.steps] for each in given_
        ]
    assert len({each.name for each in (*told.phases, *books)}) == len(phases) + len(runbooks)
    assert sum(each.current for each in told.phases) == bool(phases)


# --- how far people are


def test_who_did_what_and_when_stands_beside_it_and_the_last_word_counts() -> None:
    history = [
        begun("Contain", 1, by="ana"),
        begun("Contain", 2, "Look", by="ben"),
        finished("Contain", 3, "Look", by="cleo"),
        finished("Contain", 4, "Act"),
        begun("Contain", 5, "Act", by="ben"),  # not done after all
    ]

    (phase,) = briefing(guide("Contain"), incident(), history).phases

    assert (phase.standing.state, phase.standing.by, phase.finished) == ("begun", "ana", 1)
    assert [(each.standing.state, each.standing.by) for each in phase.items] == [("finished", "cleo"), ("begun", "ben")]
    assert phase.items[0].standing.at == T0 + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("history", "current"),
    [
        ([], "A"),
        ([begun("B")], "B"),
        ([begun("A", 1), begun("C", 2)], "C"),
        ([begun("C", 1), begun("A", 2)], "A"),
        ([begun("A", 1), finished("A", 2)], "B"),
        ([finished("B", 1)], "C"),
        ([finished("C", 1)], "A"),
        ([begun("A", 1), begun("B", 2), finished("B", 3)], "A"),
        ([finished("A"), finished("B"), finished("C")], None),
        ([finished("A", 1), begun("A", 2)], "A"),
        ([finished("B", 1, "Look")], "A"),  # a step alone begins no phase
    ],
)
def test_the_current_phase_is_the_one_people_are_in(history: list[f.AnyFact], current: str | None) -> None:
    told = briefing(guide("A", "B", "C"), incident(), history)

    assert told.current == current
    assert [each.name for each in told.phases if each.current] == ([current] if current else [])


def test_a_phase_for_other_severities_is_there_and_is_not_the_current_one_unless_somebody_began_it() -> None:
    policy = guide("A", "B")
    only = msgspec.structs.replace(policy.phases[0], severities=("P2",))
    policy = msgspec.structs.replace(policy, phases=(only, policy.phases[1]))

    told = briefing(policy, incident(severity="P1"), [])

    assert (told.current, [each.applies for each in told.phases]) == ("B", [False, True])
    assert briefing(policy, incident(severity="P1"), [begun("A")]).current == "A"


def test_a_window_counts_from_the_opening() -> None:
    window = Phase(
        title="A", starts=Deadline(seconds=900, text="15-60 min"), ends=Deadline(seconds=3600, text="15-60 min")
    )

    (phase,) = briefing(Policy(title="G", severities=(), phases=(window,)), incident(), []).phases

    assert (phase.starts_at, phase.ends_at) == (T0 + timedelta(minutes=15), T0 + timedelta(minutes=60))
    assert phase.window == "15-60 min"
    (of_no_incident,) = phase_views(Policy(title="G", severities=(), phases=(window,)))
    assert of_no_incident.starts_at is None


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("AB"), st.sampled_from(["", "Look", "Act"])), max_size=20))
def test_the_state_is_that_of_the_newest_fact_about_it(deeds: list[tuple[bool, str, str]]) -> None:
    history = [(finished if done else begun)(phase, n, item) for n, (done, phase, item) in enumerate(deeds)]

    stood = standing(history)

    newest = {(phase, item) if item else (phase,): done for done, phase, item in deeds}
    assert {key: each.state == "finished" for key, each in stood.items()} == newest


def test_roles_that_somebody_has_come_first_by_any_letter_case_and_questions_are_answered() -> None:
    policy = guide(
        "A",
        roles=(Role(name="Scribe"), Role(name="Incident Commander", responsibilities=("decides",))),
        decision_tree=(Question(question="Is it down?", severity="P1"), Question(question="", severity="P2")),
        assessment=("Users affected",),
    )
    made = incident(roles={"incident commander": ("ana",)}, answers={"is it down?": "no", "Users affected": "40"})

    told = briefing(policy, made, [])

    assert [(each.name, each.people) for each in told.roles] == [("Incident Commander", ("ana",)), ("Scribe", ())]
    assert [(each.question, each.answer) for each in told.questions] == [
        ("Is it down?", "no"), ("", None), ("Users affected", "40"),
    ]  # fmt: skip
    unanswered = briefing(policy, incident(), []).questions
    assert [each.next for each in unanswered] == [True, False, False]


# --- which runbooks fit


def books(*titles: str, **more: object) -> Policy:
    runbooks = tuple(Runbook(title=each, **more) for each in titles)  # type: ignore[arg-type]
    return Policy(title="G", severities=SEVERITIES, runbooks=runbooks)


@pytest.mark.parametrize(
    ("title", "runbook", "fits"),
    [
        ("Databases unavailable", "Database Unavailable", True),
        ("The backend crashed", "Application Crashes", True),
        ("Data was lost", "Database Unavailable", False),  # data is no form of database
        ("The service is down", "Service Down: Immediate Actions", False),  # words of every title say nothing
        ("Access denied everywhere", "Unauthorized Access", True),
        ("", "Anything", False),
    ],
)
def test_words_of_the_title_bring_a_runbook(title: str, runbook: str, fits: bool) -> None:
    assert bool(fitting(books(runbook), incident(title))) == fits


def test_a_runbook_for_another_severity_never_fits_and_one_for_this_says_so() -> None:
    policy = books("P1 playbook", "P2 playbook: database", "P12 playbook")

    found = fitting(policy, incident("Database", severity="P1"))

    assert [(each.place, each.because) for each in found] == [(0, ("it is for P1",))]
    assert severities_named(policy, "SP1, P1-b, p1.") == ("P1",)
    assert severities_named(policy, "P10 and SP1") == ()


def test_the_service_is_known_by_its_commands_but_git_checkout_names_none() -> None:
    restart = CodeBlock(language="bash", code="kubectl rollout restart deployment/checkout")
    branch = CodeBlock(language="bash", code="git checkout -b hotfix")
    policy = Policy(
        title="G",
        severities=SEVERITIES,
        runbooks=(
            Runbook(title="Fix", steps=(Step(text="Branch", commands=(branch,)),)),
            Runbook(title="Restart", steps=(Step(text="Restart", commands=(restart,)),)),
        ),
    )

    found = fitting(policy, incident("Slow", service="checkout"))

    assert [(each.place, each.because) for each in found] == [(1, ("it names checkout",))]


def test_what_fits_better_comes_first() -> None:
    policy = books("Payments", "Database payments", "Database")

    found = fitting(policy, incident("Payments fail", category="Database"))

    assert [each.place for each in found] == [1, 2, 0]


# --- commands


def shell(code: str, line: int = 1, language: str = "bash") -> CodeBlock:
    return CodeBlock(language=language, code=code, source=Source(line=line))


@pytest.mark.parametrize(
    ("code", "warning", "dangerous"),
    [
        ("kubectl get pods", None, False),
        ("redis-cli FLUSHALL", "it cannot be taken back", True),
        ("ufw default deny incoming", "it can lock out whoever runs it", True),
        ("systemctl restart checkout", "it changes what an investigator would want to see first", True),
        ("top", "top waits for a person", False),
        ("redis-cli DEL session:*", "redis DEL takes no pattern: * deletes a key of that very name", True),
        ("kubectl rollout undo deployment/previous_value", "previous_value looks like a value to be replaced", True),
    ],
)
def test_a_command_carries_what_the_linter_holds_against_it(code: str, warning: str | None, dangerous: bool) -> None:
    told = instruction(setting(Policy(title="G", severities=())), shell(code))

    assert warning in told.warnings if warning else told.warnings == ()
    assert told.dangerous == dangerous


def test_what_the_linter_found_about_its_place_stands_beside_it_and_not_beside_its_neighbour() -> None:
    finding = Finding(
        rule="CON-11", level="warning", line=7, message='"kubectl cordon a" runs before evidence is kept on line 9 (X)'
    )
    policy = Policy(title="G", severities=(), findings=(finding,))

    told = instruction(setting(policy), shell("kubectl cordon a", 7))
    neighbours = [
        instruction(setting(policy), shell(*each)) for each in (("kubectl cordon b", 7), ("kubectl cordon a", 8))
    ]

    assert "runs before evidence is kept on line 9 (X)" in told.warnings
    assert all("evidence is kept" not in " ".join(each.warnings) for each in neighbours)


def test_what_is_no_command_of_a_shell_is_shown_and_not_run() -> None:
    told = instruction(setting(Policy(title="G", severities=())), shell('/incident create "Outage"', language="text"))

    assert (told.run, told.dangerous, told.warnings) == (None, False, ("it is no command of a shell",))


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1).filter(str.strip))
def test_the_line_that_runs_a_command_says_that_command_and_nothing_else(code: str) -> None:
    line = instruction(setting(Policy(title="G", severities=()), "INC-2026-001"), shell(code)).run

    assert line is not None
    words = shlex.split(line)
    assert words[:5] == ["tocsin", "run", "--incident", "INC-2026-001", "--"]
    ran = words[5:]
    assert (ran[:2] == ["bash", "-c"] and ran[2:] == [code.strip()]) or " ".join(ran) == code.strip()


@pytest.mark.parametrize(
    "code", ["A=1 make", "cat a | grep b", "echo $HOME", "a && b", "echo 'x'", "a > b", "x\ny", "ls *"]
)
def test_what_needs_a_shell_goes_to_one(code: str) -> None:
    line = instruction(setting(Policy(title="G", severities=())), shell(code)).run

    assert line is not None and shlex.split(line)[5:] == ["bash", "-c", code]


def test_a_command_that_answers_the_evidence_profile_names_its_step() -> None:
    keep = shell("kubectl logs --since=1h deploy/checkout > incident-logs.txt")
    policy = Policy(
        title="G", severities=(), runbooks=(Runbook(title="A", steps=(Step(text="Keep", commands=(keep,)),)),)
    )

    ((item,),) = (each.items for each in runbook_views(policy))

    assert item.commands[0].run is not None and "--step incident-logs" in item.commands[0].run


def test_what_is_to_be_filled_in_is_named() -> None:
    told = instruction(setting(Policy(title="G", severities=())), shell("kubectl delete pod <pod-name> -n <namespace>"))

    assert told.needs == ("pod-name", "namespace")


# --- whom to call


CALLED = Policy(
    title="G",
    severities=SEVERITIES,
    contacts=(
        Contact(name="Dana", role="DBA", kind="primary", phone="+1 555", source=Source(line=4)),
        Contact(name="AWS", organisation="AWS", kind="vendor", support_level="Premium"),
        Contact(name="Eve", role="CEO", phone="n/a"),
    ),
    roles=(
        Role(
            name="DBA",
            contacts=(Contact(name="Dana", kind="primary", phone="+1 555"), Contact(name="Fay", kind="backup")),
        ),
    ),
    escalation=Escalation(
        levels=(Level(level=1, who=("dba",)), Level(level=2, who=("CEO",), severities=("P2",))),
        notify=(Notify(severity="P1", who=("CEO", "Legal"), within=Deadline(seconds=3600)),),
        external=(ExternalParty(who="Police", condition="a crime"),),
    ),
)  # fmt: skip


def test_whom_the_severity_makes_due_comes_first_then_vendors_and_nobody_stands_there_twice() -> None:
    called = callees(CALLED, "P1")

    assert [(each.name, each.because) for each in called] == [
        ("Dana", ("level 1",)),
        ("Eve", ("to be told of P1, 1h",)),
        ("Fay", ("level 1",)),
        ("Legal", ("to be told of P1, 1h",)),
        ("Police", ("a crime",)),
        ("AWS", ()),
    ]
    assert {each.name: each.role for each in called}["Fay"] == "DBA"
    assert next(each for each in called if each.name == "Eve").phone == ""


def test_at_another_severity_others_are_due() -> None:
    assert {each.name: each.because for each in callees(CALLED, "P2")}["Eve"] == ("level 2",)


def test_all_roles_are_everybody_who_has_one() -> None:
    policy = msgspec.structs.replace(CALLED, escalation=Escalation(notify=(Notify(severity="P1", who=("All roles",)),)))

    assert [each.name for each in callees(policy, "P1") if each.because] == ["Dana", "Eve", "Fay"]
