"""What a guide wants again and again needs a period; what the response is for and what an incident is are read."""

from __future__ import annotations

import pytest

from tocsin.guide.compile import Compiled, compile_guide
from tocsin.guide.explain import explain

GUIDE = """# Incident response

## Severity

| Severity | Response time |
|---|---|
| P1 | 15 min |
| P2 | 1 hour |

"""


def compiled(text: str) -> Compiled:
    return compile_guide(GUIDE + text + "\n", "g.md")


def findings(text: str) -> list[int]:
    return [each.line for each in compiled(text).findings if each.rule == "GUIDE-PERIOD"]


@pytest.mark.parametrize(
    "text",
    [
        "## Readiness\n\n- **Practice exercises**: Regular incident response drills",
        "## Readiness\n\n- Periodically review the on-call rota",
        "## Readiness\n\nWe regularly test our backups.",
        "## Readiness\n\n| Topic | How |\n|---|---|\n| Security | Regular penetration tests |",
        "## Drills\n\n- Tabletop exercise with the board",
    ],
)
def test_upkeep_without_a_period_is_reported(text: str):
    assert len(findings(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "## Readiness\n\n- Test the backups monthly",
        "## Drills\n\n- Quarterly tabletop exercise",
        "## Readiness\n\n| Topic | How |\n|---|---|\n| Security | Regular penetration tests, every 90 days |",
        "## Readiness\n\nWe regularly test our backups, at least every 6 months.",
        "## Communication\n\n- Regular updates to customers",
        "## Communication\n\n- Status updates: regular, reviewed by the lead",
        "## Template\n\n- Regular incident response drills",
        "## Readiness\n\n- A regular working day is enough",
    ],
)
def test_what_has_a_period_or_is_no_upkeep_is_not(text: str):
    assert findings(text) == []


def test_the_objectives_of_the_response_are_read_in_their_order():
    text = "### Response Objectives\n1. **Minimize Impact**: Reduce it\n2. **Learn**: Review it\n"

    policy = compiled(text).policy

    assert policy.objectives == ("Minimize Impact: Reduce it", "Learn: Review it")
    assert "What the response is for\n------------------------\n- Minimize Impact: Reduce it" in explain(policy)


@pytest.mark.parametrize("title", ["Service level objectives", "Recovery time objectives", "Business objectives of Q3"])
def test_other_objectives_are_none(title: str):
    assert compiled(f"## {title}\n\n- Four nines\n").policy.objectives == ()


def test_what_counts_as_an_incident_is_explained():
    said = explain(compiled("## Incident Definition\n\n- A service is down\n- Data is lost\n").policy)

    assert "What counts as an incident\n--------------------------\n- A service is down\n- Data is lost\n" in said
