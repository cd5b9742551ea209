"""What a guide says of severities that are not escalated."""

from __future__ import annotations

import msgspec
import pytest

from tocsin.core.policy import Level
from tocsin.guide.compile import compile_guide
from tocsin.guide.explain import explain

HEAD = (
    "# Incident response\n\n## Severity levels\n\n| Severity | Meaning | Response time |\n|---|---|---|\n"
    "| SEV1 | all is down | 10 minutes |\n| SEV2 | much is down | 1 hour |\n| SEV3 | a scratch | Next business day |\n\n"
)


def never(body: str) -> tuple[str, ...]:
    return compile_guide(f"{HEAD}## Escalation\n\n{body}\n", "g.md").policy.escalation.never


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("- SEV1: escalate every 20 minutes if not resolved\n- SEV3: No escalation", ("SEV3",)),
        ("- SEV1: escalate every 20 minutes if not resolved\n- SEV3: none", ("SEV3",)),
        ("- SEV2: N/A\n- SEV3: N/A", ("SEV2", "SEV3")),
        ("SEV3 incidents are never escalated.", ("SEV3",)),
        ("There is no automatic escalation for SEV2 and SEV3.", ("SEV2", "SEV3")),
        ("Do not escalate SEV3.", ("SEV3",)),
        ("- SEV3: no escalation during the night", ()),
        ("- SEV3: no escalation unless customers notice", ()),
        ("Do not escalate SEV3 before 30 minutes.", ()),
        ("No escalation is complete without a ticket.", ()),
        ("- SEV1: escalate every 20 minutes if not resolved", ()),
    ],
)
def test_a_plain_statement_counts_and_a_condition_does_not(body: str, wanted: tuple[str, ...]) -> None:
    assert never(body) == wanted


def test_the_policy_in_words_says_who_has_no_timer() -> None:
    policy = compile_guide(f"{HEAD}## Escalation\n\n- SEV1: escalate every 20 minutes if not resolved\n", "g.md").policy
    levels = (Level(level=1, who=("on-call",)), Level(level=2, who=("director",)))
    led = msgspec.structs.replace(policy, escalation=msgspec.structs.replace(policy.escalation, levels=levels))

    assert "SEV2 and SEV3: no timer of its own" in explain(led)
