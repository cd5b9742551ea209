"""Planted bugs in how the guide's commands are filled in, judged, approved and run."""

from __future__ import annotations

from tests.sim.planted import Mutant


def _bug(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(f"runs: {name}", file, ((old, new),), tests)


FILLED = "tests/core/test_parameters.py"
JUDGED = "tests/core/test_risk.py"
RUN = "tests/core/test_running.py"
API = "tests/http/test_api_runs.py"

RUNS: tuple[Mutant, ...] = (
    _bug("a value is not quoted", "core/parameters.py", "quoted = shlex.quote(value)", "quoted = value", FILLED),
    _bug("a comment hides a quote", "core/parameters.py", r"|(?:^|\s)#|", "|", FILLED),
    _bug("a second shell is no danger", "core/parameters.py", "if not again and (", "if (", FILLED),
    _bug("a placeholder names the program", "core/parameters.py", "_commands(code[:start]):", "False:", FILLED),
    _bug("a line break separates nothing", "core/risk.py", '";", "\\n"))', '";"))', JUDGED),
    _bug("what the shell runs inside is not looked at", "core/risk.py", 'or "$(" in plain ', "", JUDGED),
    _bug(
        "any redirection keeps what was read", "core/risk.py", "if not _KEPT.fullmatch(following):", "if False:", JUDGED
    ),
    _bug(
        "cutting off needs nobody",
        "core/risk.py",
        'frozenset({"cuts off", "destroys"})',
        'frozenset({"destroys"})',
        JUDGED,
    ),
    _bug("any text is the guide's", "core/running.py", "if command.text != text:", "if False:", RUN),
    _bug("an approval is for anybody", "core/running.py", "allowed.asker == said.by", "True", RUN),
    _bug("an approval lasts", "core/running.py", "and allowed.until > now", "", RUN),
    _bug("an approval is used again", "core/runs.py", "if digest != fact.digest}", "}", RUN),
    _bug("an approval is for any words", "core/running.py", "said.number, said.text]", "said.number]", RUN),
    _bug("one of two commands is all of a step", "core/running.py", "return all(", "return any(", RUN),
    _bug(
        "who looks on reads what commands said", "http/api_incidents.py", 'each.data.pop("output", None)', "pass", API
    ),
    _bug(
        "what a command said keeps its secrets",
        "http/published.py",
        "deps.evidence.cleaned(command.output)",
        "command.output",
        API,
    ),
)
