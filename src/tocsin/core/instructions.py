"""One command of a guide as a responder meets it: what it can do to them, what it still needs, and the line that runs
it on their own machine and keeps what it says as evidence. Nothing here runs anything.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from tocsin.core.evidence_profile import Step as Evidential, profile
from tocsin.core.hazards import cuts_off, destroys, disturbs, does_nothing, hangs, suspected_placeholder
from tocsin.core.parameters import Parameter, bare, parameters
from tocsin.core.policy import CodeBlock, Policy, Step
from tocsin.core.risk import Risk, endless, risk

_SHELL_WORD = re.compile(r"[\w@%+=:,./-]+")
_BY_OTHERS = ("CON-11", "CON-15")  # what the linter found about the place of a command among the others


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """`warnings`: what to know before it is run. `dangerous`: one of them is that it destroys, cuts off or disturbs.

    `parameters`: what it leaves open; `needs`: those that must be filled in. `risk`: what it does at worst, one of
    `core.risk`; `endless`: why it does not end by itself, so that Tocsin does not run it. `run`: the line that runs it
    and keeps its output; None where it is no command of a shell. `step`: what it answers of the evidence that the guide
    asks for, by writing `file` or (None) by what it says.
    """

    code: str
    language: str
    warnings: tuple[str, ...]
    dangerous: bool
    needs: tuple[str, ...]
    run: str | None
    line: int | None
    step: str = ""
    file: str | None = None
    risk: Risk = "changes"
    endless: str = ""
    parameters: tuple[Parameter, ...] = ()


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """For whom instructions are written. `reference` names the incident whose evidence the output is; empty: none.

    `answers`: command -> the step of the evidence profile that it answers.
    """

    policy: Policy
    reference: str = ""
    answers: dict[str, Evidential]


def setting(policy: Policy, reference: str = "") -> Setting:
    answers = {each.command: each for each in reversed(profile(policy)) if each.command and not each.proposed}
    return Setting(policy=policy, reference=reference, answers=answers)


def instructions(of: Setting, step: Step) -> tuple[Instruction, ...]:
    """The commands of a step, in its order."""
    return tuple(instruction(of, each) for each in step.commands)


def instruction(of: Setting, command: CodeBlock) -> Instruction:
    shell = command.language != "text"
    dangers = _dangers(command.code) if shell else ()
    answer = of.answers.get(command.code)
    open_values = parameters(command.code) if shell else ()
    warnings = (*dangers, *_cautions(of.policy, command)) if shell else ("it is no command of a shell",)
    return Instruction(
        code=command.code,
        language=command.language,
        warnings=warnings,
        dangerous=bool(dangers),
        needs=tuple(each.name for each in open_values if each.default is None),
        run=run_line(of, command) if shell else None,
        line=command.source.line if command.source else None,
        step=answer.id if answer else "",
        file=answer.file if answer else None,
        risk=risk(bare(command.code)),
        endless=endless(command.code) if shell else "",
        parameters=open_values,
    )


def _dangers(code: str) -> tuple[str, ...]:
    """In words, the worst first: what the command takes away from people, for good or for whoever comes to look."""
    said = []
    if destroys(code):
        said.append("it cannot be taken back")
    if cuts_off(code):
        said.append("it can lock out whoever runs it")
    elif not said and disturbs(code):
        said.append("it changes what an investigator would want to see first")
    return tuple(said)


def _cautions(policy: Policy, command: CodeBlock) -> list[str]:
    """Whatever else the linter holds against the command, by itself and by its place in the guide."""
    said = [each for each in (hangs(command.code), does_nothing(command.code)) if each]
    if word := suspected_placeholder(command.code):
        said.append(f"{word} looks like a value to be replaced")
    return said + _found(policy, command)


def _found(policy: Policy, command: CodeBlock) -> list[str]:
    """The linter's findings about this command among the others of its procedure, without the code they quote."""
    line = command.source.line if command.source else 0
    quoted = command.code.split("\n")[0][:40]
    return [
        finding.message.partition('" ')[2]
        for finding in policy.findings
        if finding.rule in _BY_OTHERS and finding.line == line and finding.message.startswith(f'"{quoted}')
    ]


def run_line(of: Setting, command: CodeBlock) -> str:
    """What is typed to run it. A command that is more than plain words goes to a shell as one word."""
    code = command.code.strip()
    words = ["tocsin", "run", "--incident", of.reference or "INCIDENT"]
    if step := of.answers.get(command.code):
        words += ["--step", step.id]
    plain = code.split(" ")
    if all(_SHELL_WORD.fullmatch(word) for word in plain) and "=" not in plain[0]:
        return shlex.join([*words, "--", *plain])
    return shlex.join([*words, "--", "bash", "-c", code])
