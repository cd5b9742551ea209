"""What the commands of a guide do to whoever runs them at night: CON-11, CON-15 and the command rules."""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.core.hazards import (
    commented_command,
    cuts_off,
    destroys,
    disturbs,
    does_nothing,
    hangs,
    keeps_evidence,
    suspected_placeholder,
)
from tocsin.core.policy import CodeBlock, Policy, Source, Step
from tocsin.guide.blocks import Document
from tocsin.guide.rules import Said
from tocsin.guide.shell import is_shell


def command_findings(policy: Policy) -> Iterator[Said]:
    """Findings about every command, and about the order of each procedure."""
    for command in policy.commands:
        yield from _command(command)
    procedures = [(runbook.title, runbook.steps) for runbook in policy.runbooks] + [
        (phase.title, phase.steps) for phase in policy.phases
    ]
    seen: set[tuple[str, int]] = set()
    for title, steps in procedures:
        for row in (*_evidence(title, steps), *_cut_off(title, steps), *_alternatives(title, steps)):
            if row[:2] not in seen:
                seen.add(row[:2])
                yield row


def _line(source: Source | None) -> int:
    return source.line if source else 1


def _command(command: CodeBlock) -> Iterator[Said]:
    line, short = _line(command.source), command.code.split("\n")[0][:70]
    if command.language == "text":
        yield Said("GUIDE-FENCE", line, f'"{short}" stands in a shell fence and is no shell command')
        return
    if why := hangs(command.code):
        yield Said("GUIDE-HANGS", line, f'"{short}": {why}')
    if why := does_nothing(command.code):
        yield Said("GUIDE-NOOP", line, f'"{short}": {why}')
    if destroys(command.code):
        yield Said("GUIDE-DESTROY", line, f'"{short}" cannot be taken back')
    if word := suspected_placeholder(command.code):
        yield Said("GUIDE-UNMARKED", line, f'"{short}": {word} looks like a value to be replaced')


def _evidence(title: str, steps: tuple[Step, ...]) -> Iterator[Said]:
    """A disturbing command before the first step that keeps evidence."""
    flat = [(step, command) for step in steps for command in step.commands]
    kept = next((n for n, (step, command) in enumerate(flat) if keeps_evidence(command.code, step.text)), None)
    if kept is None:
        return
    before = [command for _, command in flat[:kept] if disturbs(command.code)]
    if before:
        message = f'"{before[0].code.splitlines()[0][:60]}" runs before evidence is kept on line {_line(flat[kept][1].source)} ({title})'
        yield Said("CON-11", _line(before[0].source), message)


def _cut_off(title: str, steps: tuple[Step, ...]) -> Iterator[Said]:
    flat = [command for step in steps for command in step.commands]
    for n, command in enumerate(flat):
        if cuts_off(command.code):
            left = len(flat) - n - 1
            yield Said(
                "CON-15",
                _line(command.source),
                f'"{command.code[:60]}" locks out whoever runs it; {left} commands of "{title}" stand behind it',
            )


def _alternatives(title: str, steps: tuple[Step, ...]) -> Iterator[Said]:
    first = next((step for step in steps if step.alternative), None)
    if first is not None:
        yield Said(
            "GUIDE-ALTERNATIVES", _line(first.source), f'"{first.text}" is an alternative in the middle of "{title}"'
        )


def commented(document: Document) -> Iterator[int]:
    """The lines of shell fences on which a command is commented out."""
    for block in document.fences:
        if is_shell(block):
            for n, line in enumerate(block.text.split("\n"), block.line + 1):
                if commented_command(line):
                    yield n
