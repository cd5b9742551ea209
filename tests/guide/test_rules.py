"""Every rule fires where it should and keeps silent where it should not."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tocsin.core.policy import Finding
from tocsin.guide.compare import compare
from tocsin.guide.compile import compile_guide
from tocsin.guide.lint import lint, read_date
from tocsin.guide.rules import BY_ID, RULES

TODAY = date(2026, 11, 23)
FINDINGS_PAGE = (Path(__file__).parents[2] / "docs" / "findings.md").read_text("utf-8")
HEAD = """# Incident response

## Severity

| Severity | Description | Response time | Resolution target | Examples |
|---|---|---|---|---|
| P1 | Down | 15 minutes | 4 hours | Payments failed |
| P2 | Degraded | 1 hour | 8 hours | Search broken |
| P3 | Small | 4 hours | 3 days | Wrong colour |

"""
BASH = "## Runbook\n\n### Mend\n\n```bash\n{}\n```\n"


def findings(text: str) -> list[Finding]:
    return lint(compile_guide(text, "g.md"), today=TODAY, exists=lambda target: target == "there.md")


def rules(text: str) -> set[str]:
    return {finding.rule for finding in findings(text)}


def table(*rows: str) -> str:
    return (
        "# Incident response\n\n## Severity\n\n| Severity | Response time | Resolution target |\n|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
    )


CASES: dict[str, tuple[str, str]] = {
    "CON-02": (HEAD + "**Decision tree:**\n\n```\nIs search broken? → P1\nOther → P3\n```\n", HEAD + "**Decision tree:**\n\n```\nIs search broken? → P2\nOther → P3\n```\n"),
    "CON-04": (
        HEAD + "## Escalation path\n\n| Level | Who | Escalate after |\n|---|---|---|\n| 1 | On-call | 1 hour |\n| 2 | Lead | 2 hours |\n\n**Time-based escalation:**\n- P1: Escalate every 30 minutes if not resolved\n",
        HEAD + "## Escalation path\n\n| Level | Who | Escalate after |\n|---|---|---|\n| 1 | On-call | 30 minutes |\n| 2 | Lead | 30 minutes |\n\n**Time-based escalation:**\n- P1: Escalate every 30 minutes if not resolved\n",
    ),
    "CON-05": (HEAD + "## Process\n\n### Phase 1: Look (0-15 minutes)\n- a\n### Phase 2: Recovery (1-6 hours)\n- b\n", HEAD + "## Process\n\n### Phase 1: Look (0-15 minutes)\n- a\n### Phase 2: Recovery (1-4 hours)\n- b\n"),
    "CON-06": (HEAD + "## Metrics\n- Mean time to respond (MTTR)\n- Mean time to resolve (MTTR)\n", HEAD + "## Metrics\n- Mean time to acknowledge (MTTA)\n- Mean time to resolve (MTTR)\n"),
    "CON-09": (
        HEAD + "## Communication templates\n\n### Internal update\n\n```\nSubject: [title]\nUpdates: every 15 minutes\n```\n\n### Customer update\n\n```\nSubject: [title]\nWe send updates every 30 minutes.\n```\n",
        HEAD + "## Communication templates\n\n### Internal update\n\n```\nSubject: [title]\nUpdates: every 30 minutes\n```\n\n### Customer update\n\n```\nSubject: [title]\nWe send updates every 30 minutes.\n```\n",
    ),
    "CON-10": (HEAD + "## Reporting\n\n**Weekly incident report:**\n\n```markdown\n# Week of [date]\n- P1: [count], P2: [count]\n```\n", HEAD + "## Reporting\n\n**Weekly incident report:**\n\n```markdown\n# Week of [date]\n- P1: [count], P2: [count], P3: [count]\n```\n"),
    "CON-11": (BASH.format("# Restart\nkubectl rollout restart deployment/a\n\n# Preserve evidence\nkubectl logs deployment/a > a.log"), BASH.format("# Preserve evidence\nkubectl logs deployment/a > a.log\n\n# Restart\nkubectl rollout restart deployment/a")),
    "CON-12": (
        HEAD + '## Dashboard\n\n```json\n{"dashboard": {"title": "I", "panels": ["count by (severity) (incident_total)", "increase(incident_total[7d])"]}}\n```\n',
        HEAD + '## Dashboard\n\n```json\n{"dashboard": {"title": "I", "panels": ["sum by (severity) (incident_total)", "increase(incident_total[7d])"]}}\n```\n',
    ),
    "CON-15": (BASH.format("sudo ufw deny from any to any"), BASH.format("sudo ufw deny from 203.0.113.7 to any")),
    "GUIDE-ALTERNATIVES": (BASH.format("# Roll back\nkubectl rollout undo deployment/a\n\n# Or restart\nkubectl rollout restart deployment/a"), BASH.format("# Roll back\nkubectl rollout undo deployment/a")),
    "GUIDE-CADENCE": (
        HEAD + "## Communication\n\n- Stakeholder updates every 30 minutes\n\n### Update template\n\n```\nSubject: [title]\nUpdates follow every 15 minutes.\n```\n",
        HEAD + "## Communication\n\n- Stakeholder updates every 15 minutes\n\n### Update template\n\n```\nSubject: [title]\nUpdates follow every 15 minutes.\n```\n",
    ),
    "GUIDE-CALENDAR": (table("| P1 | 15 min | 1 hour |", "| P2 | Next business day | 1 week |"), table("| P1 | 15 min | 1 hour |", "| P2 | 24 hours | 1 week |")),
    "GUIDE-PERIOD": (HEAD + "## Readiness\n\n- Regular incident response drills\n", HEAD + "## Readiness\n\n- Quarterly incident response drills\n- Regular updates to customers\n"),
    "GUIDE-HOURS": (HEAD + "Business hours are Mon-Fri 9am-5pm IST.\n", HEAD + "Business hours are Mon-Fri 9am-5pm ET.\n"),
    "GUIDE-CLOCK": (table("| P1 | 15 min | 1 hour |", "| P2 | | 1 week |"), table("| P1 | 15 min | 1 hour |", "| P2 | 1 hour | 1 week |")),
    "GUIDE-COMMENTED": (BASH.format("ls -l\n# iptables -A INPUT -s 203.0.113.7 -j DROP"), BASH.format("# Look at the files\nls -l")),
    "GUIDE-CONFLICT": (HEAD + "## Response targets\n\n| Severity | Response time |\n|---|---|\n| P1 | 30 minutes |\n| P2 | 1 hour |\n", HEAD + "## Response targets\n\n| Severity | Response time |\n|---|---|\n| P1 | 15 minutes |\n| P2 | 1 hour |\n"),
    "GUIDE-CONTACT": (HEAD + "## Emergency contacts\n\n| Role | Primary | Phone |\n|---|---|---|\n| On-call engineer | Ana | +1-xxx-xxx-xxxx |\n", HEAD + "## Emergency contacts\n\n| Role | Primary | Phone |\n|---|---|---|\n| On-call engineer | Ana | +49 30 901820 |\n"),
    "GUIDE-DEPTH": (HEAD + "- " * 200 + "x\n", HEAD + "- - x\n"),
    "GUIDE-DESTROY": (BASH.format("redis-cli FLUSHALL"), BASH.format("redis-cli PING")),
    "GUIDE-DRAFT": ("**Status:** Draft\n\n" + HEAD, "**Status:** In force\n\n" + HEAD),
    "GUIDE-FENCE": (BASH.format("/incident create now"), BASH.format("ls /incident")),
    "GUIDE-FIELD": (HEAD + "## Templates\n\n### Outage template\n\n```\nSubject: [XXX]\nImpact: [impact]\n```\n", HEAD + "## Templates\n\n### Outage template\n\n```\nSubject: [title]\nImpact: [impact]\n```\n"),
    "GUIDE-FOLLOW-UP": (
        HEAD + "## Follow-up communications\n\n**External follow-up:**\n- Customer impact summary\n",
        HEAD + "## Follow-up communications\n\n**External follow-up:**\n- Customer impact summary within 3 business days\n",
    ),
    "GUIDE-HANGS": (BASH.format("top"), BASH.format("top -b -n 1")),
    "GUIDE-LADDERS": (HEAD + "## Escalation path\n\n1. On-call\n2. Team lead\n\n## Escalation chain\n\n1. Duty officer\n2. Director\n", HEAD + "## Escalation path\n\n1. On-call\n2. Team lead\n"),
    "GUIDE-LINK": (HEAD + "[Setup](gone.md) and [up](#nowhere)\n", HEAD + "[Setup](there.md) and [up](#severity)\n"),
    "GUIDE-LONG": (HEAD + "| a |\n|---|\n" + "| b |\n" * 5_001, HEAD + "| a |\n|---|\n| b |\n"),
    "GUIDE-LOOKALIKE": (HEAD + "## Alerts\n\n| Alert | Severity |\n|---|---|\n| Disk | P1 |\n| Load | P1 |\n", HEAD + "## Alerts\n\n| Alert | Team |\n|---|---|\n| Disk | ops |\n| Load | ops |\n"),
    "GUIDE-NO-CADENCE": (HEAD, HEAD + "## Communication\n\n- Stakeholder updates every 30 minutes\n"),
    "GUIDE-NO-POLICY": ("# Notes\n\nNothing here.\n", HEAD),
    "GUIDE-NOBODY": (HEAD + "## Escalation path\n\n1. On-call engineer\n2. Team lead\n", HEAD + "## Escalation path\n\n1. On-call engineer\n2. Team lead\n\n## Emergency contacts\n\n| Role | Primary | Phone |\n|---|---|---|\n| On-call engineer | Ana | +49 30 901820 |\n| Team lead | Ben | +49 30 901821 |\n"),
    "GUIDE-NOOP": (BASH.format("redis-cli DEL flags:*"), BASH.format("redis-cli DEL flags:one")),
    "GUIDE-NOT-UNDERSTOOD": (HEAD + "## Notes\n\nThe vendor must respond within 2 hours of our call.\n", HEAD + "## Notes\n\nThe vendor answers quickly.\n"),
    "GUIDE-OFF": (HEAD + "<!-- tocsin: off GUIDE-CLOCK -->\n", HEAD + "<!-- tocsin: off GUIDE-CLOCK the vendor has none -->\n"),
    "GUIDE-ORDER": (table("| P1 | 1 hour | 4 hours |", "| P2 | 15 min | 8 hours |"), table("| P1 | 15 min | 4 hours |", "| P2 | 1 hour | 8 hours |")),
    "GUIDE-PLACEHOLDER": (table("| P1 | TBD | 1 hour |", "| P2 | 1 hour | 1 week |"), table("| P1 | 5 min | 1 hour |", "| P2 | 1 hour | 1 week |")),
    "GUIDE-REVIEW": (HEAD + "**Next Review**: October 2026\n", HEAD + "**Next Review**: December 2026\n"),
    "GUIDE-ROLE": (HEAD + "## Escalation path\n\n1. On-call engineer\n2. Team lead\n", HEAD + "## Roles\n\n- **On-call engineer**: looks first\n- **Team lead**: decides\n\n## Escalation path\n\n1. On-call engineer\n2. Team lead\n"),
    "GUIDE-SCHEMES": (HEAD + "## Severity of defects\n\n| Severity | Description | Response time |\n|---|---|---|\n| S1 | Down | 1 hour |\n| S2 | Small | 2 hours |\n| S3 | None | 1 day |\n", HEAD),
    "GUIDE-SPLIT": (HEAD + "## Escalation\n\nSee [the escalation page](there.md).\n", HEAD + "## Escalation\n\nThe on-call engineer calls the team lead, then the director.\n"),
    "GUIDE-STUB": ("# Incidents\nSTATUS: NOT STARTED\n", HEAD),
    "GUIDE-TIMER": (table("| P1 | Immediate | 1 hour |", "| P2 | 1 hour | Next sprint |"), table("| P1 | 5 min | 1 hour |", "| P2 | 1 hour | 1 week |")),
    "GUIDE-TREE": (HEAD + "**Decision tree:**\n\n```\nDown?\n  YES --> P1\n  NO --> P2\n```\n", HEAD + "**Decision tree:**\n\n```\nDown? → P1\nElse → P2\n```\n"),
    "GUIDE-UNCONFIRMED": (HEAD + "### Update template\n\n```\nSubject: [title]\nUpdates follow every 15 minutes.\n```\n", HEAD + "### Update template\n\n```\nSubject: [title]\nUpdates follow.\n```\n"),
    "GUIDE-UNMARKED": (BASH.format("git checkout hotfix-XXX"), BASH.format("git checkout main")),
    "GUIDE-UNREAD": (table("| P1 | 15 min or 30 min | 1 hour |", "| P2 | 1 hour | 1 week |"), table("| P1 | 15 min | 1 hour |", "| P2 | 1 hour | 1 week |")),
    "GUIDE-UNREADABLE": ("\x00\x01", HEAD),
    "SRC-02": (HEAD + "â†’ P1\n", HEAD + "→ P1\n"),
    "SRC-BOM": ("\ufeff" + HEAD, HEAD),
    "SRC-CRLF": (HEAD.replace("\n", "\r\n"), HEAD),
    "SRC-ESCAPED": ("\\## Severity\n\n\\- a\n\\- b\n\\- c\n", HEAD),
    "SRC-FENCE": (HEAD + "```markdown\n```bash\nls\n```\n## End\n```\n\n## More\n\n```bash\nls\n```\n", HEAD + "````markdown\n```bash\nls\n```\n````\n"),
    "SRC-FRONT": ("---\nowner: ops\n---\n" + HEAD, HEAD),
    "SRC-MDX": (HEAD + "{% include x %}\n", HEAD + "100 % of users\n"),
}  # fmt: skip


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_fires_where_it_should(rule: str):
    fires = CASES[rule][0]
    text = (
        fires
        if "## Severity" in fires or rule in ("GUIDE-NO-POLICY", "GUIDE-STUB", "GUIDE-UNREADABLE")
        else HEAD + fires
    )

    assert rule in rules(text)


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_keeps_silent_where_it_should(rule: str):
    silent = CASES[rule][1]
    text = silent if "## Severity" in silent else HEAD + silent

    assert rule not in rules(text)


OTHER = HEAD.replace("| P1 | Down | 15 minutes", "| P1 | Down | 5 minutes")
PAIRS: dict[str, tuple[str, str, str]] = {
    "CON-01": (HEAD, OTHER, HEAD),
    "CON-03": (HEAD, HEAD.replace("Search broken", "Payments failing"), HEAD),
    "CON-07": (HEAD + "The post-incident review is held within 24 hours.\n", HEAD + "The post-incident review is held within 1 week.\n", HEAD + "The post-incident review is held within 1 day.\n"),
    "CON-08": (HEAD, HEAD.replace("| Small | 4 hours", "| Small | Next business day"), HEAD),
    "CON-13": (HEAD + "Reference: INC-2024-001\n", HEAD + "Reference: INC-YYYY-MM-DD-XXX\n", HEAD + "Reference: INC-2025-007\n"),
    "CON-14": (HEAD.replace("15 minutes", "Immediate (< 5 minutes)"), HEAD.replace("15 minutes", "Immediate (< 15 minutes)"), HEAD.replace("15 minutes", "Immediate (< 5 minutes)")),
}  # fmt: skip


@pytest.mark.parametrize("rule", PAIRS)
def test_guides_that_contradict_each_other_are_found_and_others_are_not(rule: str):
    first, against, beside = PAIRS[rule]

    assert rule in {each.rule for each in compare([compile_guide(first, "a.md"), compile_guide(against, "b.md")])}
    assert rule not in {each.rule for each in compare([compile_guide(first, "a.md"), compile_guide(beside, "b.md")])}


def test_every_rule_has_both_cases():
    assert set(CASES) | set(PAIRS) == set(BY_ID)
    assert len(RULES) == len(BY_ID)


def test_a_rule_is_switched_off_with_a_reason_only():
    hanging = HEAD + BASH.format("top")

    assert "GUIDE-HANGS" in rules(hanging)
    assert "GUIDE-HANGS" not in rules(hanging + "\n<!-- tocsin: off GUIDE-HANGS our responders have a terminal -->\n")
    assert {"GUIDE-HANGS", "GUIDE-OFF"} <= rules(hanging + "\n<!-- tocsin: off GUIDE-HANGS -->\n")
    assert "GUIDE-OFF" in rules(hanging + "\n<!-- tocsin: off GUIDE-NONE because -->\n")


def firing(rule: str) -> str:
    """A page on which the rule fires."""
    text = CASES[rule][0]
    whole = "## Severity" in text or rule in ("GUIDE-NO-POLICY", "GUIDE-STUB", "GUIDE-UNREADABLE")
    return text if whole else HEAD + text


def levels(text: str, rule: str) -> set[str]:
    return {finding.level for finding in findings(text) if finding.rule == rule}


@pytest.mark.parametrize("rule", CASES)
def test_every_rule_is_documented_and_off_only_with_a_reason_unless_it_is_an_error(rule: str):
    text = firing(rule)
    fired = levels(text, rule)
    reason = f"\n\n<!-- tocsin: off {rule} we have seen it and know why -->\n"
    none = f"\n\n<!-- tocsin: off {rule} -->\n"

    assert BY_ID[rule].title and BY_ID[rule].why and BY_ID[rule].mend
    assert f"| {rule} |" in FINDINGS_PAGE
    if rule not in ("GUIDE-OFF", "GUIDE-UNREADABLE"):  # of its own kind, and a file that is not read at all
        assert levels(text + reason, rule) == fired & {"error"}
        assert levels(text + none, rule) == fired


def test_an_error_cannot_be_switched_off():
    text = HEAD + BASH.format("sudo ufw deny from any to any") + "\n<!-- tocsin: off CON-15 we know -->\n"

    assert "CON-15" in rules(text)


def test_each_finding_points_at_a_line_that_exists():
    for text, _ in CASES.values():
        page = text if "## Severity" in text else HEAD + text
        assert all(1 <= finding.line <= page.count("\n") + 1 for finding in findings(page))


def test_a_guide_that_is_reviewed_quarterly_is_overdue_after_a_quarter():
    upkeep = "\n## Document updates\n\n- Review this guide quarterly\n"

    assert "GUIDE-REVIEW" in rules("**Last Updated:** 2026-01-10\n\n" + HEAD + upkeep)
    assert "GUIDE-REVIEW" not in rules("**Last Updated:** 2026-10-10\n\n" + HEAD + upkeep)


def test_a_month_is_over_after_its_last_day():
    assert read_date("October 2025") == date(2025, 10, 31)
    assert read_date("2026-02-03") == date(2026, 2, 3)
    assert read_date("3 March 2026") == date(2026, 3, 3)
    assert read_date("soon") is None
    assert read_date("2026-02-31") is None
