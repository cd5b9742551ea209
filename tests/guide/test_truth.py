"""The guides that lie beside the checkout, against what a careful reader extracted from each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.guide import scoring
from tests.shared_files import SHARED
from tocsin.core.policycheck import flaws
from tocsin.guide.compare import compare
from tocsin.guide.lint import lint
from tocsin.guide.shell import is_shell, not_shell
from tocsin.policyfile import dump, load

pytestmark = pytest.mark.needs("shared")
OWN = pytest.mark.parametrize("pair", scoring.own(), ids=lambda pair: pair[0].name[:3])
EVERY = pytest.mark.parametrize("pair", scoring.own() + scoring.public(), ids=lambda pair: pair[0].name[:3])
Pair = tuple[Path, Path]


@EVERY
def test_severities_are_exact_with_their_lines_and_clocks(pair: Pair):
    compiled, truth = scoring.read(pair)

    assert scoring.severities(compiled.policy) == scoring.true_severities(truth)


@EVERY
def test_cadences_are_exact(pair: Pair):
    compiled, truth = scoring.read(pair)

    assert scoring.cadences(compiled.policy) == truth["update_cadence"]


@EVERY
def test_escalation_is_exact(pair: Pair):
    compiled, truth = scoring.read(pair)
    got, true = scoring.ladder(compiled.policy), scoring.true_ladder(truth)

    assert scoring.timers(compiled.policy) == truth.get("escalation_timers", {})
    assert [(level, after) for level, _, after in got] == [(level, after) for level, _, after in true]
    assert all(scoring.same_party(mine, theirs) for (_, mine, _), (_, theirs, _) in zip(got, true, strict=True))


@EVERY
def test_the_review_is_due_when_the_guide_says(pair: Pair):
    compiled, truth = scoring.read(pair)

    assert scoring.value(compiled.policy.review.within) == truth.get("postmortem_due_s")
    assert list(compiled.policy.review.severities) == truth.get("postmortem_severities", [])


@EVERY
def test_fences_are_counted_as_commonmark_counts_them(pair: Pair):
    compiled, truth = scoring.read(pair)

    assert compiled.policy.code_blocks == truth["code_blocks"]


@EVERY
def test_templates_are_found_by_their_titles(pair: Pair):
    compiled, truth = scoring.read(pair)
    titles = [template.title for template in compiled.policy.templates]
    true = [title.split(" (")[0] for title in [*truth["templates"], *truth.get("section_templates", [])]]

    assert [title.split(" (")[0] for title in titles] == true


@OWN
def test_roles_phases_and_windows_of_the_five(pair: Pair):
    compiled, truth = scoring.read(pair)
    policy = compiled.policy
    windows = [
        [phase.starts.seconds, phase.ends.seconds] if phase.starts and phase.ends else None for phase in policy.phases
    ]

    assert [role.name for role in policy.roles] == truth["roles"]
    assert [phase.title for phase in policy.phases] == truth["phases"]
    assert windows == truth.get("phase_windows_s", [None] * len(windows))


@OWN
def test_the_smaller_parts_of_the_five(pair: Pair):
    compiled, truth = scoring.read(pair)
    policy = compiled.policy

    assert [metric.name for metric in policy.metrics] == truth.get("metrics", [])
    assert len({metric.key for metric in policy.metrics}) == len(policy.metrics)
    assert list(policy.action_items.fields) == truth.get("action_item_fields", [])
    assert len(policy.contacts) == truth.get("contacts", 0)
    assert len(policy.drills) == truth.get("drills", 0)
    assert len(policy.decision_tree) == truth.get("classification_rules", 0)
    assert [{"condition": row.condition, "action": row.action} for row in policy.remediation] == truth.get(
        "auto_remediation", []
    )
    assert len(policy.review.checklist) == truth.get("checklists", {}).get(
        "PIR Meeting Checklist", len(policy.review.checklist)
    )


@OWN
def test_every_notification_of_the_five_is_a_severitys_or_a_row(pair: Pair):
    compiled, truth = scoring.read(pair)
    said = {severity.id: severity.communication for severity in compiled.policy.severities}
    told = {row.severity for row in compiled.policy.escalation.notify}

    for name, text in truth.get("notification", {}).items():
        assert said[name] == text or name in told


@OWN
def test_a_cadence_that_stands_only_in_a_template_is_unconfirmed(pair: Pair):
    compiled, truth = scoring.read(pair)
    proposed = sorted(each.every.seconds or 0 for each in compiled.policy.cadences if not each.confirmed)

    assert proposed == sorted(truth.get("update_cadence_in_templates", {}).values())


def test_all_161_commands_are_found_with_their_lines():
    wanted = json.loads((SHARED / "fixtures" / "seeds_commands.json").read_text("utf-8"))["commands"]
    guides = scoring.own()

    for number, (file, _) in enumerate(guides):
        policy = scoring.compiled(file).policy
        got = [(each.source.line if each.source else 0) for each in policy.commands]
        assert got == sorted(each["line"] for each in wanted if each["seed"] == number)


def test_all_61_fences_are_accounted_for_and_one_is_not_what_its_tag_says():
    fences = [
        block for file, _ in scoring.own() if (document := scoring.compiled(file).document) for block in document.fences
    ]

    assert len(fences) == 61
    assert sum(is_shell(block) for block in fences) == 41
    assert [not_shell(block) for block in fences if is_shell(block) and not_shell(block)] == ["a chat command"]


def test_all_fifteen_contradictions_are_found():
    guides = [scoring.compiled(file) for file, _ in scoring.own()]

    found = {finding.rule for guide in guides for finding in lint(guide)} | {each.rule for each in compare(guides)}

    assert {f"CON-{n:02}" for n in range(1, 16)} <= found


def test_contradictions_of_one_guide_stand_in_that_guide():
    rules = {}
    for file, _ in scoring.own():
        guide = scoring.compiled(file)
        rules[file.name[:3]] = {each.rule for each in lint(guide) if each.rule.startswith("CON-")}

    assert rules == {
        "000": {"CON-04", "CON-05", "CON-06", "CON-10", "CON-11", "CON-12"},
        "001": set(),
        "002": {"CON-09"},
        "003": set(),
        "004": {"CON-02", "CON-11", "CON-15"},
    }


@EVERY
def test_the_only_error_is_the_command_that_locks_everybody_out(pair: Pair):
    compiled, _ = scoring.read(pair)

    assert {each.rule for each in lint(compiled) if each.level == "error"} <= {"CON-15"}


@EVERY
def test_the_policy_can_work_and_survives_its_yaml(pair: Pair):
    compiled, _ = scoring.read(pair)

    assert [flaw for flaw in flaws(compiled.policy) if flaw.level == "error"] == []
    assert load(dump(compiled.policy), "again.yaml") == compiled.policy


def test_the_bars_of_the_public_set():
    respond, resolve, cadence = [], [], []
    for pair in scoring.public():
        compiled, truth = scoring.read(pair)
        mine = {each.id: each for each in compiled.policy.severities}
        respond.append(
            (
                {name: scoring.value(each.respond_within) for name, each in mine.items()},
                {each["id"]: each["response_time_s"] for each in truth["severities"]},
            )
        )
        resolve.append(
            (
                {name: scoring.value(each.resolve_within) for name, each in mine.items()},
                {each["id"]: each["resolution_target_s"] for each in truth["severities"]},
            )
        )
        cadence.append((scoring.cadences(compiled.policy), truth["update_cadence"]))

    for pairs in (respond, resolve):
        precision, recall = scoring.rates(pairs)
        assert precision >= 0.95
        assert recall >= 0.85
    assert scoring.rates(cadence)[0] >= 0.90
