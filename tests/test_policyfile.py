"""Policies as files: what is read, what is refused, and that every problem names field, expectation and line."""

from __future__ import annotations

import time
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import inspect

from tocsin.core.policy import Deadline, Policy, Route, Severity, Threshold, canonical, digest
from tocsin.core.policycheck import flaws
from tocsin.core.routing import compile_policies
from tocsin.policyfile import PolicyError, _read, check, dump, load
from tocsin.yamltext import DEPTH_MAX, NODES_MAX, TEXT_MAX

EXAMPLE = (resources.files("tocsin") / "policies" / "example.yaml").read_text("utf-8")
SMALL = "title: g\nseverities:\n  - {id: P1, rank: 0}\n  - {id: P2, rank: 1}\n"


def problems(text: str) -> list[str]:
    return [str(each) for each in check(text, "f")]


# --- what is read -----------------------------------------------------------------------------------------------------


def test_the_bundled_example_has_no_problem_and_uses_every_section() -> None:
    assert check(EXAMPLE, "example.yaml") == []

    policy = load(EXAMPLE)
    unused = {name for name in Policy.__struct_fields__ if not getattr(policy, name)}

    assert unused == {"services", "commands", "findings"}  # it governs everything; the others are a compiler's
    assert compile_policies([("example", policy)])


def test_what_the_example_says_is_what_the_policy_holds() -> None:
    policy = load(EXAMPLE)

    assert [each.id for each in policy.severities] == ["P1", "P2", "P3", "P4"]
    assert policy.severities[0].respond_within == Deadline(seconds=300)
    assert policy.severities[2].resolve_within == Deadline(seconds=3 * 86_400)
    assert policy.escalations["security"].until == "resolved"
    assert policy.routes[-1].threshold == Threshold(count=5, seconds=600)
    assert policy.business_hours is not None
    assert policy.business_hours.closures == ("2026-12-24", "2026-12-31")


def test_json_is_read_with_lines_too() -> None:
    assert load('{"title": "g", "severities": [{"id": "P1", "rank": 0}]}') == load(
        "title: g\nseverities: [{id: P1, rank: 0}]"
    )
    assert load(canonical(load(EXAMPLE)).decode()) == load(EXAMPLE)
    assert load('{"title": "\\ud83d\\ude00 \\u00e9 \\/", "severities": [{"id": "P1", "rank": 0}]}').title == "😀 é /"
    assert problems('{"title": "g",\n "severities": [{"id": "P1",\n "rank": "0"}]}') == [
        "f:3: error: severities[0].rank: expected a whole number, got '0'"
    ]


@pytest.mark.parametrize(
    "text", ["no", "yes", "on", "12:30:45", "1e3", "0x10", "2026-01-01", "null", "~", "1_000", ".inf"]
)
def test_text_is_text_however_yaml_would_read_it(text: str) -> None:
    assert (
        load(f"title: {text}\nseverities: [{{id: P1, rank: 0}}]").title == text if text not in ("null", "~") else True
    )
    assert load(f"title: '{text}'\nseverities: [{{id: P1, rank: 0}}]").title == text
    assert load(f"title: g\nseverities: [{{id: '{text}', rank: 0}}]").severities[0].id == text


def test_a_deadline_is_a_span_or_a_mapping() -> None:
    def respond(text: str) -> Deadline | None:
        return load(f"title: g\nseverities: [{{id: P1, rank: 0, respond_within: {text}}}]").severities[0].respond_within

    assert respond("15m") == respond("{seconds: 900}") == respond("{seconds: 15m}") == Deadline(seconds=900)
    assert respond("2 business days") == Deadline(business_days=2)
    assert respond("{seconds: 5, text: at once}") == Deadline(seconds=5, text="at once")
    assert respond("") is respond("null") is None


def test_a_key_with_nothing_after_it_says_nothing() -> None:
    assert load(SMALL + "metadata:\nroutes:\nreview:\npaging:\n  last_resort:\n") == load(SMALL)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "f:1: error: expected a document, got nothing"),
        ("- a\n", "f:1: error: expected a mapping with title, metadata"),
        ("title: [1]\nseverities: []", "f:1: error: title: expected text, got a list"),
        ("title:\nseverities: [{id: a, rank: 0}]", "f:1: error: title: expected text, got nothing"),
        ("severities: [{id: a, rank: 0}]", "f:1: error: title: is missing"),
        (SMALL + "severity: 5", "severity: is not known, did you mean severities?"),
        (SMALL + "title: again", "title: expected each field once, got 'title' again"),
        (
            "title: g\nseverities:\n  - {id: P1, rnk: 0}",
            "f:3: error: severities[0].rnk: is not known, did you mean rank?",
        ),
        (SMALL + "routes:\n  - page: no", "f:6: error: routes[0].page: expected true or false, got 'no'"),
        (SMALL + "routes:\n  - page: 'true'", "f:6: error: routes[0].page: expected true or false, got 'true'"),
        (SMALL + "code_blocks: 1.5", "code_blocks: expected a whole number, got '1.5'"),
        (
            SMALL + "roles: Commander",
            "roles: expected a list (- one - two, or [one, two]), got 'Commander'",
        ),
        (SMALL + "metadata: [a]", "metadata: expected a mapping (name: value), got a list"),
        (SMALL + "metadata: {a: 1, a: 2}", "metadata.a: expected each name once, got 'a' again"),
        (
            SMALL + "reference_format: INC",
            "reference_format: expected one of INC-YYYY-MM-DD-NNN, INC-YYYY-NNN",
        ),
        (SMALL + "review: {within: 15}", "review.within: expected a span such as 15m, 1h30m, 24h"),
        (
            SMALL + "review: {within: {seconds: -1}}",
            "review.within.seconds: expected a number of at least 0, got -1",
        ),
        (SMALL + "review: {within: {}}", "review.within: expected exactly one unit of seconds"),
    ],
)
def test_a_text_that_does_not_fit_is_refused_by_field_and_line(text: str, problem: str) -> None:
    expected = problem if problem.startswith("f:") else f"f:5: error: {problem}"
    found = problems(text)

    assert any(each.startswith(expected) for each in found), found
    with pytest.raises(PolicyError) as refused:
        load(text, "f")
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("routes:\n - name: a\n - name: b\n   matchers:\n    - 'a=b'\n    - 'team=='\n",
         "f:10: error: routes[1].matchers[1]: expected a matcher such as team=\"db\", got 'team=='"),
        ("routes: [{matchers: ['a=~\"(\"']}]", "routes[0].matchers[0]: expected a matcher such as"),
        ("routes: [{matchers: ['{}']}]", "routes[0].matchers[0]: expected a matcher such as team=\"db\", got n"),
        ("routes: [{severity: P9}]", "routes[0].severity: expected one of the severities P1, P2, got 'P9'"),
        ("routes: [{escalation: x}]", "routes[0].escalation: expected one of the named ladders (there are n"),
        ("routes: [{name: x, matchers: [a=b]}, {name: X}]", "routes[1].name: expected a name that routes[0] d"),
        ("routes: [{threshold: {count: 1, seconds: 60}}]", "routes[0].threshold.count: expected at least 2"),
        ("routes: [{threshold: {count: 2, seconds: 0}}]", "routes[0].threshold.seconds: expected between 1"),
        ("routes: [{flapping: {transitions: 2}}]", "routes[0].flapping.transitions: expected at least 3, got"),
        ("routes: [{reopen_within: next day}]", "routes[0].reopen_within: expected an elapsed time above zero"),
        ("routes: [{correlate_by: ['']}]", "routes[0].correlate_by[0]: expected the name of a label"),
        ("services: [a]\nroutes: [{service: b}]", "f:6: error: routes[0].service: expected one of the services a, "),
        ("routes: [{}, {name: x}]", "warning: routes[1]: is never reached: routes[0] takes every alert"),
        ("routes: [{page: false, severity: P1}]", "warning: routes[0].severity: does nothing: the route pages nobody"),
        ("inhibitions: [{source_matchers: [], target_matchers: [a=b]}]",
         "inhibitions[0].source_matchers: expected at least one matcher"),
        ("decision_tree: [{question: a, severity: P3}]", "decision_tree[0].severity: expected one of the sev"),
        ("decision_tree: [{question: '', severity: P1}, {question: b, severity: P2}]",
         "decision_tree[0].question: expected a question: only the last line may be empty"),
        ("cadences: [{audience: x, every: 1h, severities: [P1, p2]}]", "cadences[0].severities[1]: expected"),
        ("cadences: [{audience: x, every: 30s}]", "cadences[0].every: expected at least 1 minute: what repeat"),
        ("cadences: [{audience: x, every: 1h, confirmed: false}]", "warning: cadences[0].confirmed: a cadence that n"),
        ("severity_mapping: {page: P9}", "severity_mapping.page: expected one of the severities P1, P2, got '"),
        ("escalation: {levels: [{level: 1, who: [a]}, {level: 3, who: [b]}]}",
         "escalation.levels[1].level: expected level 2: levels count from 1 without gaps, in order, got 3"),
        ("escalation: {levels: [{level: 2, who: [a]}]}", "escalation.levels[0].level: expected level 1"),
        ("escalation: {levels: [{level: 1, who: ['']}]}", "escalation.levels[0].who: expected at least one"),
        ("escalation: {while_unresolved: [{severity: P1, every: 0}]}",
         "escalation.while_unresolved[0].every: expected at least 1 minute"),
        ("escalations: {x: {levels: [{level: 1, who: [a]}]}}", "warning: escalations: no route uses a named ladder"),
        ("rules: [{id: a, start: opened, delay: 1h, act: {kind: escalate}}, {id: a, start: opened, delay: 1h, "
         "act: {kind: breach}}]", "rules[1].id: expected a name that rules[0] does not have, got 'a'"),
        ("communications: [{audience: x, within: 1h}]\nrules: [{id: 'tell:x:0', start: opened, delay: 1h, "
         "act: {kind: escalate}}]", "f:6: error: rules[0].id: expected a name that no clock of a sever"),
        ("rules: [{id: a, start: opened, delay: 1h, act: {kind: page}}]", "rules[0].act.who: expected somebod"),
        ("rules: [{id: a, start: opened, delay: 1h, every: 1h, act: {kind: escalate}}]",
         "rules[0].until: expected the moment that ends a rule with `every`, got nothing"),
        ("rules: [{id: a, start: opened, delay: 1h, until: opened, act: {kind: escalate}}]",
         "rules[0].until: expected a moment after 'opened'"),
        ("paging: {acknowledge_timeout: next business day}", "paging.acknowledge_timeout: expected an elapsed"),
        ("review: {within: {milestone: next sprint}}", "warning: review.within: starts no timer: 'next sprint' is no"),
        ("review: {within: 9000 business days}", "review.within: expected at most 2500 business days or hours"),
        ("review: {within: 200000 months}", "review.within: expected an instant before the year 10000"),
        ("business_hours: {days: []}", "business_hours.days: expected at least one day"),
        ("business_hours: {zone: Mars}", "business_hours.zone: expected an IANA zone such as Europe/Madrid"),
        ("business_hours: {days: [7]}", "business_hours.days[0]: expected each day once"),
        ("business_hours: {opens: 25:00}", "business_hours.opens: expected a time such as 09:00, got '25:00'"),
        ("business_hours: {opens: '18:00'}", "business_hours.closes: expected a time after 18:00, got '17:00'"),
        ("business_hours: {closures: [24 Dec]}", "business_hours.closures[0]: expected a day such as 2026-12"),
        ("roles: [{name: Lead}, {name: lead}]", "roles[1].name: expected a name that roles[0] does not have"),
        ("roles: [{name: Lead, required_for: [P7]}]", "roles[0].required_for[0]: expected one of the severit"),
        ("templates: [{title: t, body: x, typed_fields: [{name: a, placeholder: '[A]'}]}]",
         "templates[0].typed_fields[0].placeholder: expected text that stands in the body, got '[A]'"),
    ],
)  # fmt: skip
def test_values_that_cannot_work_together_are_found_by_field_and_line(more: str, problem: str) -> None:
    level = "" if problem.startswith(("f:", "warning: ")) else "error: "
    expected = problem if problem.startswith("f:") else f"f:5: {level}{problem}"
    found = problems(SMALL + more)

    assert any(each.startswith(expected) for each in found), found


@pytest.mark.parametrize(
    ("severities", "problem"),
    [
        ("[]", "f:2: error: severities: expected at least one severity, got none"),
        ("[{id: P1, rank: 1}]", "f:2: error: severities[0].rank: expected 0 for the worst severity, got 1"),
        ("[{id: P1, rank: 0}, {id: P2, rank: 0}]", "f:2: error: severities[1].rank: expected a rank above 0"),
        (
            "[{id: P1, rank: 0}, {id: p1, rank: 1}]",
            "f:2: error: severities[1].id: expected a name that severities[0] d",
        ),
        ("[{id: '', rank: 0}]", "f:2: error: severities[0].id: expected a name such as P1, got nothing"),
    ],
)
def test_severities_are_ranked_worst_first(severities: str, problem: str) -> None:
    found = problems(f"title: g\nseverities: {severities}")

    assert any(each.startswith(problem) for each in found), found


def test_levels_may_differ_by_severity_and_still_have_no_gaps() -> None:
    ladder = (
        "escalation: {levels: [{level: 1, who: [a], severities: [P1]}, {level: 1, who: [b], severities: [P2]}, %s]}"
    )

    assert problems(SMALL + ladder % "{level: 2, who: [c]}") == []
    assert problems(SMALL + ladder % "{level: 3, who: [c], severities: [P2]}") == [
        "f:5: error: escalation.levels[2].level: expected level 2: levels count from 1 without gaps, in order, for P2, "
        "got 3"
    ]


def test_every_problem_is_told_at_once_in_the_order_of_the_lines() -> None:
    found = check("title: g\nnonsense: 1\nseverities: [{id: P1, rank: x}]\nroles: [{}]\n", "f")

    assert [(each.line, each.field) for each in found] == [
        (2, "nonsense"),
        (3, "severities[0].rank"),
        (4, "roles[0].name"),
    ]


def test_warnings_do_not_keep_a_policy_from_loading() -> None:
    text = SMALL + "review: {within: {qualitative: soon}}"

    assert [each.level for each in check(text)] == ["warning"]
    assert load(text).review.within == Deadline(qualitative="soon")


# --- hostile texts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x [1]\nb: *x\n", "expected no anchors and aliases"),
        ("title: *x\n", "expected no anchors and aliases"),
        ("title: !!python/object/apply:os.system ['true']\n", "expected no tags, got 'tag:yaml.org,2002:python/object"),
        ("title: !x y\n", "expected no tags, got '!x'"),
        ("<<: {title: g}\n", "<<: is not known"),
        ("[" * (DEPTH_MAX + 5), f"expected at most {DEPTH_MAX} levels"),
        ("[" + "1," * (NODES_MAX + 1) + "]", f"expected at most {NODES_MAX} values"),
        ("x" * (TEXT_MAX + 1), f"expected at most {TEXT_MAX} characters"),
        ("title: g\n---\ntitle: h\n", "expected one document"),
        ("title: \x00\n", "expected text, got the character"),
        ("title: \ud800\n", "expected YAML or JSON"),
        ("{[a]: b}", "expected a key that is text"),
        ('{"title": "g"', "expected YAML or JSON, got did not find expected"),
        ("%YAML 9.9\n---\na: b", "expected YAML or JSON, got found incompatible YAML document"),
    ],
    ids=lambda text: text[:20].replace("\x00", "NUL").encode("ascii", "replace").decode(),
)  # fmt: skip
def test_hostile_texts_are_refused_quickly(text: str, problem: str) -> None:
    start = time.process_time()

    found = problems(text)

    assert any(problem in each for each in found), found
    assert time.process_time() - start < 3


@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-'\"|>&*!% \n#abt", max_size=80))
@settings(max_examples=200)
def test_any_text_is_a_policy_or_has_problems(text: str) -> None:
    assert check(text)  # a policy needs a title and severities, which chance does not write


# --- writing ----------------------------------------------------------------------------------------------------------


def test_the_example_reads_back_from_what_is_written() -> None:
    policy = load(EXAMPLE)

    assert load(dump(policy)) == policy
    assert digest(load(dump(policy))) == digest(policy)


def test_what_is_written_is_for_people() -> None:
    policy = Policy(
        title="no",
        severities=(Severity(id="P1", rank=0, respond_within=Deadline(seconds=900)),),
        routes=(Route(matchers=('team="db"',), correlate_by=()),),
    )

    assert dump(policy) == (
        "title: 'no'\n"
        "severities:\n"
        "  - {id: P1, rank: 0, respond_within: 15m}\n"
        "routes:\n"
        "  - matchers:\n"
        '      - team="db"\n'
        "    correlate_by: []\n"
    )


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SPANS = st.one_of(
    st.builds(Deadline, seconds=st.integers(0, 10**9), text=st.none() | TEXT),
    st.builds(Deadline, business_days=st.integers(0, 99)),
    st.builds(Deadline, milestone=TEXT),
    st.builds(Deadline, calendar=st.just("next_day"), not_after=st.builds(Deadline, months=st.integers(0, 9))),
)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of a type of the schema, whatever the schema says today."""
    match kind:
        case inspect.StructType():
            if kind.cls is Deadline:
                return SPANS
            fields = {field.name: values(field.type) for field in kind.fields}
            return st.fixed_dictionaries({}, optional=fields).flatmap(
                lambda chosen: st.builds(
                    kind.cls,
                    **{field.name: fields[field.name] for field in kind.fields if field.required},
                    **{name: st.just(value) for name, value in chosen.items() if name not in required(kind)},
                )
            )
        case inspect.UnionType():
            return st.one_of([values(each) for each in kind.types])
        case inspect.VarTupleType():
            return st.lists(values(kind.item_type), max_size=2).map(tuple)
        case inspect.DictType():
            return st.dictionaries(TEXT, values(kind.value_type), max_size=2)
        case inspect.LiteralType():
            return st.sampled_from(kind.values)
        case inspect.IntType():
            return st.integers(-(10**9), 10**9)
        case inspect.BoolType():
            return st.booleans()
        case inspect.NoneType():
            return st.none()
    return TEXT


def required(kind: inspect.StructType) -> set[str]:
    return {field.name for field in kind.fields if field.required}


def sections() -> list[str]:
    return [name for name in Policy.__struct_fields__ if name not in ("title", "severities")]


@pytest.mark.parametrize("section", sections())
def test_every_section_reads_back_from_what_is_written(section: str) -> None:
    (kind,) = [field.type for field in inspect.type_info(Policy).fields if field.name == section]  # type: ignore[attr-defined]
    base = load(SMALL)

    @given(values(kind))
    @settings(max_examples=15, deadline=None)
    def reads_back(value: Any) -> None:
        policy = msgspec.structs.replace(base, **{section: value})

        assert reading(dump(policy)) == policy

    reads_back()


def reading(text: str) -> Policy | None:
    """The policy of a text whose values need not make sense together."""

    policy, found = _read(text, "f")
    assert policy is None or [each.message for each in found] == [
        each.message for each in sorted_by_line(policy, found)
    ]
    return policy


def sorted_by_line(policy: Policy, found: list[Any]) -> list[Any]:
    assert len(found) == min(len(flaws(policy)), 200)
    return sorted(found, key=lambda each: each.line)


def test_no_policy_of_the_repository_has_problems() -> None:
    bundled = Path(str(resources.files("tocsin") / "policies"))

    for path in sorted(bundled.glob("*.yaml")):
        assert check(path.read_text("utf-8"), path.name) == []
