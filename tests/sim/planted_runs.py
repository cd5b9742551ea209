"""Planted bugs in how the guide's commands are filled in, judged, approved and run."""

from __future__ import annotations

from tests.sim.planted import Mutant


def _bug(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(f"runs: {name}", file, ((old, new),), tests)


FILLED = "tests/core/test_parameters.py"
JUDGED = "tests/core/test_risk.py"
RUN = "tests/core/test_running.py"
TERMINAL = "tests/cli/test_running.py"
HEALED = "tests/core/test_remedies.py"
MASKED = "tests/runbook/test_masking.py"
API = "tests/http/test_api_runs.py"

RUNS: tuple[Mutant, ...] = (
    _bug("a value is not quoted", "core/parameters.py", "quoted = shlex.quote(value)", "quoted = value", FILLED),
    _bug("a comment hides a quote", "core/parameters.py", r"|(?:^|\s)#|", "|", FILLED),
    _bug("a second shell is no danger", "core/parameters.py", "if not again and (", "if (", FILLED),
    _bug("a placeholder names the program", "core/parameters.py", "_commands(code[:start]):", "False:", FILLED),
    _bug(
        "a line break separates nothing",
        "core/risk.py",
        'punctuation_chars="|;&<>()\\n")',
        'punctuation_chars="|;&<>()")',
        JUDGED,
    ),
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
    _bug("an approval is for any words", "core/running.py", "item, number, text])", "item, number])", RUN),
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
    _bug(
        "what changes something runs on a nod",
        "cli/running.py",
        'if line.risk == "reads":\n            self._nod',
        "if line.risk:\n            self._nod",
        TERMINAL,
    ),
    _bug(
        "an approved command needs no last word",
        "cli/running.py",
        "not self._last_word(line):\n                return None\n            number",
        "False:\n                return None\n            number",
        TERMINAL,
    ),
    _bug("where nobody sits anything is run", "cli/running.py", "if not somebody():", "if False:", TERMINAL),
    _bug(
        "a failed step does not stop",
        "cli/running.py",
        'if word != "well":\n            return Outcome',
        'if word == "left":\n            return Outcome',
        TERMINAL,
    ),
    _bug(
        "an alternative is run although it is not needed",
        "cli/running.py",
        "if stage.alternative and helped:",
        "if False:",
        TERMINAL,
    ),
    _bug(
        "a secret is shown",
        "cli/running_shell.py",
        "show(masks[error].feed(said), error)",
        "show(said, error)",
        TERMINAL,
    ),
    _bug(
        "a secret that is cut in two comes out",
        "runbook/masking.py",
        "held = len(text) if last else self._beginning(text, at)",
        "held = len(text)",
        MASKED,
    ),
    _bug("much output is cut", "cli/running_shell.py", "if size > TAIL or", "if", TERMINAL),
    _bug(
        "a dry run runs",
        "cli/runbook_run.py",
        "    if dry_run:\n        _dry(plan)\n        return\n",
        "    if dry_run:\n        _dry(plan)\n",
        TERMINAL,
    ),
    _bug(
        "a value without its unit is compared",
        "core/remedies.py",
        "own not in _UNITS or _UNITS[own][0] != _UNITS[condition.unit][0]",
        "own not in _UNITS",
        HEALED,
    ),
    _bug("an alert that has ended counts", "core/remedies.py", 'if each.get("state") == "firing"]', "]", HEALED),
    _bug("above is from there on", "core/remedies.py", '">": value > limit', '">": value >= limit', HEALED),
    _bug(
        "what holds stands anywhere",
        "core/remedies.py",
        'key=lambda each: each.state != "holds"',
        "key=lambda each: 0",
        HEALED,
    ),
)
