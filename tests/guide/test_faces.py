"""What people see: text, JSON, SARIF, YAML, sentences, and the commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.cli.guide import annotated
from tocsin.core.policycheck import flaws
from tocsin.guide.compile import compile_guide
from tocsin.guide.difference import difference
from tocsin.guide.explain import explain
from tocsin.guide.formats import as_sarif, as_text
from tocsin.guide.lint import lint
from tocsin.guide.rules import BY_ID, RULES
from tocsin.guide.saying import inside
from tocsin.guide.shell import is_shell, statements
from tocsin.policyfile import load

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "src" / "tocsin" / "example_guides").glob("*.md"))
PAGE = """# Incidents

## Severity

| Severity | Description | Response time | Update frequency |
|---|---|---|---|
| P1 - Critical | Down | 15 minutes | Every 30 minutes |
| P2 - Low | Small | Next business day | None |

## Escalation path

| Level | Who | Escalate after |
|---|---|---|
| 1 | On-call | 15 minutes |
| 2 | Lead | - |
"""


def test_a_finding_quotes_its_line_and_says_how_to_mend_it():
    compiled = compile_guide(PAGE, "g.md")
    found = [each for each in lint(compiled) if each.rule == "GUIDE-CALENDAR"]

    said = as_text(found, {"g.md": compiled.lines})

    assert said.splitlines() == [
        'g.md:8: note: P2: "Next business day" needs a calendar, and the guide sets none; Monday to Friday, 09:00-17:00 UTC counts [GUIDE-CALENDAR]',
        "    | | P2 - Low | Small | Next business day | None |",
        "    = State business_hours in the front matter, or [business_hours] in tocsin.toml; until then Monday to Friday, 09:00-17:00 UTC counts.",
        "0 errors, 0 warnings, 1 note",
    ]


def test_sarif_has_what_a_code_host_needs():
    compiled = compile_guide(PAGE, "docs/our guide.md")
    found = lint(compiled)

    log = as_sarif(found, "1.0", {"docs/our guide.md": compiled.lines})
    run = log["runs"][0]

    assert log["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [
        rule.id for rule in RULES if rule.id in {each.rule for each in found}
    ]
    for result, finding in zip(run["results"], found, strict=True):
        place = result["locations"][0]["physicalLocation"]
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] in ("error", "warning", "note")
        assert place["artifactLocation"]["uri"] == "docs/our%20guide.md"
        assert place["region"]["startLine"] == finding.line
        assert place["region"]["snippet"]["text"] == compiled.lines[finding.line - 1]


def test_the_yaml_reads_back_and_quotes_the_guide():
    compiled = compile_guide(PAGE, "g.md")

    text = annotated(compiled.policy, compiled)

    assert load(text, "policy.yaml") == compiled.policy
    assert "source: {line: 7}  # | P1 - Critical | Down | 15 minutes | Every 30 minutes |" in text


def test_what_is_gone_is_said_in_words():
    timed = "# Incidents\n\n## Severity\n\n| Severity | Response time | Escalation after |\n|---|---|---|\n| SEV1 (Critical) | Immediate | 2 hours |\n| SEV2 (High) | 1 hour | 4 hours |\n\n## Review\n\nA postmortem is due within 48 hours.\n"
    bare = "# Incidents\n\n## Severity\n\n| Severity | Response time |\n|---|---|\n| SEV1 | 1 hour |\n| SEV2 (High) | 1 hour |\n"
    old, new = compile_guide(timed, "g.md").policy, compile_guide(bare, "g.md").policy

    assert [change.text for change in difference(old, new)] == [
        "SEV1 has no name any more; it was Critical.",
        "SEV1: answered within 1 hour instead of at once.",
        "SEV1: no longer escalated every 2 hours while unresolved.",
        "SEV2: no longer escalated every 4 hours while unresolved.",
        "The review is due at no stated time instead of within 2 days.",
    ]


def test_a_change_is_told_to_whom_it_concerns():
    old = compile_guide(PAGE, "g.md").policy
    new = compile_guide(
        PAGE.replace("| 15 minutes | Every 30", "| 5 minutes | Every 20").replace("| 2 | Lead |", "| 2 | Director |"),
        "g.md",
    ).policy

    assert [change.text for change in difference(old, new)] == [
        "P1: answered within 5 minutes instead of within 15 minutes.",
        "Level 2: Director instead of Lead.",
        "stakeholders are told every 20 minutes instead of every 30 minutes (P1).",
    ]
    assert difference(old, old) == []


def test_prose_and_moved_lines_are_no_change():
    old = compile_guide(PAGE, "g.md").policy

    assert (
        difference(old, compile_guide(PAGE.replace("## Severity", "Some words.\n\n## Severity"), "g.md").policy) == []
    )


def test_the_policy_is_said_back_with_its_lines():
    said = explain(compile_guide(PAGE, "g.md").policy)

    assert "P1, Critical: somebody answers within 15 minutes.  (line 7)" in said
    assert "P2, Low: somebody answers by the next business day.  (line 8)" in said
    assert "Level 1: On-call; the next level after 15 minutes.  (line 14)" in said
    assert "stakeholders: every 30 minutes for P1.  (line 7)" in said


def run(*args: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin.cli", "guide", *args]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "guide.md"
    file.write_text(PAGE, "utf-8")
    return file


@pytest.mark.slow
def test_the_command_compiles_to_json_and_to_a_file(page: Path, tmp_path: Path):
    done = run("compile", str(page), "--format", "json")
    policy = json.loads(done.stdout)

    assert done.returncode == 0
    assert policy["severities"][0]["respond_within"] == {"seconds": 900, "text": "15 minutes"}
    assert policy["severities"][1]["respond_within"]["calendar"] == "next_business_day"
    assert {finding["rule"] for finding in policy["findings"]} >= {"GUIDE-CALENDAR"}

    written = run("compile", str(page), "-o", str(tmp_path / "policy.yaml"))
    assert written.returncode == 0
    assert load((tmp_path / "policy.yaml").read_text("utf-8"), "policy.yaml").severities[0].id == "P1"


@pytest.mark.slow
def test_the_command_says_that_a_text_is_no_policy(tmp_path: Path):
    file = tmp_path / "notes.md"
    file.write_text("# Notes\n", "utf-8")

    done = run("compile", str(file), "--format", "json")

    assert done.returncode == 1
    assert json.loads(done.stdout)["severities"] == []
    assert "not an incident-response policy" in done.stderr


@pytest.mark.slow
def test_the_linter_exits_by_level_and_reads_standard_input(page: Path):
    assert run("lint", str(page), "--fail-on", "never").returncode == 0
    assert run("lint", str(page), "--fail-on", "note").returncode == 1
    assert json.loads(run("lint", "-", "--format", "json", "--fail-on", "never", text=PAGE).stdout)["findings"]
    assert json.loads(run("lint", str(page), "--format", "sarif", "--fail-on", "never").stdout)["version"] == "2.1.0"
    assert run("lint", str(page.parent / "gone.md")).returncode == 2


@pytest.mark.slow
def test_diff_and_explain_are_commands(page: Path, tmp_path: Path):
    other = tmp_path / "new.md"
    other.write_text(PAGE.replace("15 minutes | Every", "5 minutes | Every"), "utf-8")

    done = run("diff", str(page), str(other))

    assert done.returncode == 1
    assert done.stdout == "P1: answered within 5 minutes instead of within 15 minutes. (line 7)\n"
    assert run("diff", str(page), str(page)).returncode == 0
    assert "somebody answers within 15 minutes" in run("explain", str(page)).stdout


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_guide_is_one_to_copy(file: Path):
    compiled = compile_guide(file.read_bytes(), file.name)
    policy = compiled.policy

    assert compiled.status == "active"
    assert [each for each in lint(compiled) if each.level != "note"] == []
    assert [each for each in flaws(policy) if each.level == "error"] == []
    assert all(each.respond_within for each in policy.severities)
    assert policy.escalation.levels
    assert policy.services
    assert policy.runbooks
    assert policy.review.within


def test_the_examples_differ_in_form_and_share_no_service():
    policies = [compile_guide(file.read_bytes(), file.name) for file in EXAMPLES]

    assert {each.scheme.defined.form for each in policies if each.scheme and each.scheme.defined} >= {
        "table",
        "headings",
        "bullets",
    }
    claimed = [service for each in policies for service in each.policy.services]
    assert len(claimed) == len(set(claimed))
    assert len(policies) >= 4


def test_a_mapping_between_schemes_is_a_table():
    policy = compile_guide((ROOT / "src/tocsin/example_guides/mobile-api.md").read_bytes(), "m.md").policy

    assert policy.severity_mapping == {"page": "SEV1", "ticket": "SEV2", "log": "SEV3"}


def test_statements_keep_quotes_continuations_and_heredocs_together():
    page = (
        PAGE
        + "\n## R\n\n```bash\n# One\ncurl -X POST \\\n  -d '{\n \"a\": 1}' x\n\nfor a in 1 2; do\n  echo $a\ndone\ncat <<EOF\nb\nEOF\nls\n```\n"
    )
    document = compile_guide(page, "g.md").document

    found = [each for block in document.fences if is_shell(block) for each in statements(block)] if document else []

    assert [each.code.split()[0] for each in found] == ["curl", "for", "cat", "ls"]
    assert found[0].comment == "One"


def test_the_page_of_findings_is_the_table_of_rules():
    text = (ROOT / "docs" / "findings.md").read_text("utf-8")

    for rule in RULES:
        assert f"| {rule.id} | {rule.level} | {rule.title} | {rule.why} | {rule.mend} |" in text
    assert set(re.findall(r"^\| ((?:CON|GUIDE|SRC)-[A-Z0-9-]+) ", text, re.M)) == set(BY_ID)


@pytest.mark.parametrize(
    ("clause", "inside_a_sentence"),
    [
        ("If infrastructure issue", "if infrastructure issue"),
        ("Notify within a day", "notify within a day"),
        ("SEV1 only", "SEV1 only"),
        ("Iffy days", "Iffy days"),
        ("Maria is away", "Maria is away"),
        ("", ""),
    ],
)
def test_a_clause_loses_the_capital_that_it_had_in_its_cell(clause: str, inside_a_sentence: str):
    assert inside(clause) == inside_a_sentence
