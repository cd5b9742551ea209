"""Planted bugs in what responders are shown of their guide, and in what they may tick off."""

from __future__ import annotations

from tests.sim.planted import Mutant


def _bug(name: str, file: str, old: str, new: str, *tests: str) -> Mutant:
    return Mutant(f"guide: {name}", file, ((old, new),), tests)


LISTS = "tests/core/test_checklists.py"
TOLD = "tests/core/test_briefing.py"
API = "tests/http/test_api_briefing.py"
TERMINAL = "tests/cli/test_runbook.py"

GUIDE_SHOWN: tuple[Mutant, ...] = (
    _bug(
        "two steps that say the same are one",
        "core/checklists.py",
        "while name.casefold() in taken:",
        "while False:",
        LISTS,
    ),
    _bug(
        "part of a word names a phase",
        "core/checklists.py",
        "_has(_WORD.findall(_folded(name)), words)",
        "folded in _folded(name)",
        LISTS,
    ),
    _bug(
        "of several that are meant the first is taken",
        "core/checklists.py",
        "if len(holding) == 1:",
        "if holding:",
        LISTS,
    ),
    _bug(
        "any item may be begun",
        "core/worklog.py",
        "listed, name = item_named(world.policy, command.phase, command.item)",
        "listed, name = phase_named(world.policy, command.phase), command.item",
        API,
    ),
    _bug(
        "a finished phase is the current one",
        "core/briefing.py",
        'return state.at if state and state.state == "begun" else None',
        "return state.at if state else None",
        TOLD,
    ),
    _bug(
        "the phase that was begun first is the current one",
        "core/briefing.py",
        "return phases[max(begun)[1]]",
        "return phases[min(begun)[1]]",
        TOLD,
    ),
    _bug(
        "a phase for other severities is begun by everybody",
        "core/briefing.py",
        "return not only or not severity or severity in only",
        "return True",
        TOLD,
    ),
    _bug("runbooks that do not fit are lost", "core/briefing.py", "if n not in places)", "if n < 0)", TOLD),
    _bug(
        "a command that stands in no step is lost",
        "core/briefing.py",
        "if (_line(each.source), each.code) not in named]",
        "if False]",
        TOLD,
    ),
    _bug(
        "a playbook for another severity fits",
        "core/fitting.py",
        "if named and incident.severity not in named:",
        "if False:",
        TOLD,
    ),
    _bug("data is a form of database", "core/fitting.py", "PREFIX_MIN = 5", "PREFIX_MIN = 4", TOLD),
    _bug("what destroys is not marked", "core/instructions.py", "dangerous=bool(dangers),", "dangerous=False,", TOLD),
    _bug(
        "a pipe runs outside of tocsin run",
        "core/instructions.py",
        'return shlex.join([*words, "--", "bash", "-c", code])',
        'return f"{shlex.join(words)} -- {code}"',
        TOLD,
    ),
    _bug(
        "whom the severity makes due stands among the others",
        "core/callees.py",
        "(not each.because, each.kind",
        "(each.kind",
        TOLD,
    ),
    _bug("a terminal hears of no danger", "cli/runbook.py", 'if each["warnings"]:', "if False:", TERMINAL),
)
