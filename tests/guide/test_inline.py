"""A line of Markdown as plain words."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.guide.compile import compile_guide
from tocsin.guide.inline import plain


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"$< 5\text{ mins}$", "< 5 mins"),
        (r"**SEV1**: $\leq 15\,\text{min}$, later $\sim 2\text{h}$", "SEV1: ≤15 min, later ~2h"),
        (r"$\le 1\text{ hour}$ for all", "≤1 hour for all"),
        ("$5 and $10", "$5 and $10"),
        ("between $5-$10, or >$300 and <$200", "between $5-$10, or >$300 and <$200"),
        ("echo $HOME and $PATH", "echo $HOME and $PATH"),
        (r"`$< 5\text{ mins}$` is code", r"$< 5\text{ mins}$ is code"),
        (r"\$< 5$", "$< 5$"),
    ],
)
def test_a_formula_is_read_and_money_and_code_stay(line: str, words: str):
    assert plain(line) == words


@given(st.text(alphabet="$\\{}<>text min15,~ ", max_size=80))
def test_any_line_of_signs_has_words(line: str):
    assert isinstance(plain(line), str)


def test_times_in_formulas_are_limits_of_the_severities():
    table = "# Incidents\n\n| Severity | Meaning | Acknowledge | Resolution |\n|---|---|---|---|\n"
    rows = [
        rf"| SEV-{n} | What is down is number {n} | $< {5 * n}\text{{ mins}}$ | $\leq {n}\text{{ hours}}$ |"
        for n in (1, 2, 3)
    ]
    policy = compile_guide(table + "\n".join(rows) + "\n", "guide.md").policy

    assert [each.respond_within and each.respond_within.seconds for each in policy.severities] == [300, 600, 900]
    assert [each.resolve_within and each.resolve_within.seconds for each in policy.severities] == [3600, 7200, 10800]
