"""Phases with their windows, and runbooks with their steps and commands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from tocsin.core.policy import CodeBlock, Deadline, Phase, Runbook, Source, Step
from tocsin.guide.blocks import LABEL_LEVEL, Block, Document, Item, Section, walk
from tocsin.guide.cadences import scope_of
from tocsin.guide.inline import codes, plain, split_label, title
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import deadline, scan
from tocsin.guide.severities import Scheme
from tocsin.guide.shell import inline_command, is_shell, not_shell, statements

_PHASE = re.compile(r"^(?:phase|step|stage)\s+(\d+|[ivx]+)\b[:.\s–—-]*(.*)$", re.I)
_NUMBERED = re.compile(r"^(\d{1,2})[.)]\s+(\D.*)$")
_PROCESS = re.compile(
    r"phase|process|procedure|steps|response|workflow|lifecycle|protocol|playbook|flow|management", re.I
)
_PROTOCOL = re.compile(
    r"protocol|\bprocess\b|workflow|response flow|lifecycle|response steps|incident (?:response|management) (?:steps|procedure)|^steps$|step-by-step",
    re.I,
)
_CHAIN = re.compile(r"(?:^|\b)(?:incident\s+)?(?:lifecycle|flow|process|phases|workflow)\s*:\s*(.+)$", re.I)


def compile_phases(document: Document, scheme: Scheme, notes: Notes) -> tuple[Phase, ...]:
    """The phases of the response, from the form that says it most plainly; empty where the guide has none."""
    for reader in (_phase_headings, _numbered_headings, _protocol_list, _chain):
        found = reader(document, scheme)
        if found:
            notes.use(*(phase.source.line for phase in found if phase.source))
            return found
    return ()


def _phase_headings(document: Document, scheme: Scheme) -> tuple[Phase, ...]:
    for section in document.sections():
        named = [child for child in section.sections if child.region == "policy" and _PHASE.match(child.title)]
        if len(named) >= 2:
            return tuple(_phase(child, scheme) for child in named)
    return ()


def _numbered_headings(document: Document, scheme: Scheme) -> tuple[Phase, ...]:
    for section in document.sections():
        named = [
            child
            for child in section.sections
            if child.region == "policy" and child.level < LABEL_LEVEL and _NUMBERED.match(child.title)
        ]
        numbers = [int(_NUMBERED.match(child.title)[1]) for child in named]  # type: ignore[index]
        path = section.where
        if (
            len(named) >= 3
            and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            and _PROCESS.search(path)
            and section.level > 1
        ):
            return tuple(_phase(child, scheme) for child in named)
    return ()


def _phase(section: Section, scheme: Scheme) -> Phase:
    objectives: list[str] = []
    steps: list[Step] = []
    for part in walk(section):
        if re.match(r"objectives?|goals?$", part.title, re.I) and part is not section:
            objectives += [plain(item.text) for block in part.blocks for item in block.items]
        else:
            steps += section_steps(part)
    starts, ends = _window(section.title)
    severities = scope_of(section, scheme.known)
    return Phase(title=section.title, starts=starts, ends=ends, objectives=tuple(objectives), steps=tuple(steps), severities=severities, source=Source(line=section.line))  # fmt: skip


def _window(text: str) -> tuple[Deadline | None, Deadline | None]:
    asides = re.findall(r"\(([^()]*)\)", text)
    for quantity in (each for aside in asides for each in scan(aside)):
        if quantity.kind == "range" and isinstance(quantity.value, tuple) and quantity.value[1] is not None:
            return deadline(quantity, lower=True), deadline(quantity)
        if quantity.kind == "elapsed" and quantity.value and re.match(r"first\b", quantity.text):
            zero = msgspec.structs.replace(quantity, value=0, months=())
            return deadline(zero), deadline(quantity)
    return None, None


def _protocol_list(document: Document, scheme: Scheme) -> tuple[Phase, ...]:
    for section in document.sections():
        if section.region != "policy" or not section.level or not _PROTOCOL.search(section.title):
            continue
        for block in section.blocks:
            if block.kind == "list" and block.ordered and 3 <= len(block.items) <= 15:
                return tuple(
                    Phase(
                        title=_short(item.text),
                        steps=tuple(_item_steps(item)),
                        severities=scope_of(section, scheme.known),
                        source=Source(line=item.line),
                    )
                    for item in block.items
                )
    return ()


def _short(text: str) -> str:
    label = split_label(text.split("\n", maxsplit=1)[0])
    if label:
        return label.label
    words = plain(text.split("\n", maxsplit=1)[0])
    return re.split(r"\s\(|\.\s|[.;:]$|\sin\s(?=\S*/)", words)[0].strip(" .:;")


def _chain(document: Document, scheme: Scheme) -> tuple[Phase, ...]:
    for section in document.sections():
        for block in section.blocks if section.region == "policy" else ():
            for n, line in block.lines() if block.kind == "paragraph" else ():
                found = _CHAIN.search(plain(line))
                parts = [part.strip(" .") for part in re.split(r"→|-+>|=>", found[1])] if found else []
                if len(parts) >= 3 and all(part and len(part.split()) <= 5 for part in parts):
                    return tuple(Phase(title=part, source=Source(line=n)) for part in parts)
    return ()


# --- steps and commands -----------------------------------------------------------------------------------------------


def section_steps(section: Section) -> list[Step]:
    """The list items and commands directly under a heading, in order; a fence belongs to the item it follows."""
    found: list[Step] = []
    after_item = False
    for block in section.blocks:
        if block.kind == "list":
            for item in block.items:
                found += _item_steps(item)
            after_item = block.ordered
        elif block.kind == "fence":
            steps = fence_steps(block, title(section.title))
            if steps and after_item and found and not found[-1].commands:
                commands = tuple(command for step in steps for command in step.commands)
                if not any(step.alternative for step in steps):
                    found[-1] = msgspec.structs.replace(found[-1], commands=commands)
                else:
                    found += steps
            else:
                found += steps
    return found


def _item_steps(item: Item) -> Iterator[Step]:
    text = plain(item.text.replace("\n", " "))
    commands = [
        CodeBlock(language="bash", code=code, source=Source(line=item.line))
        for code in codes(item.text)
        if inline_command(code)
    ]
    nested: list[Step] = []
    waiting: list[Block] = list(reversed(item.blocks))
    while waiting:
        block = waiting.pop()
        if block.kind == "fence":
            commands += [command for step in fence_steps(block, text) for command in step.commands]
        for sub in block.items:
            inner = tuple(
                CodeBlock(language="bash", code=code, source=Source(line=sub.line))
                for code in codes(sub.text)
                if inline_command(code)
            )
            nested.append(
                Step(
                    text=plain(sub.text.replace("\n", " ")),
                    commands=inner,
                    checkbox=sub.task is not None,
                    source=Source(line=sub.line),
                )
            )
            waiting.extend(reversed(sub.blocks))
    yield Step(text=text, commands=tuple(commands), checkbox=item.task is not None, source=Source(line=item.line))
    yield from nested


def fence_steps(block: Block, fallback: str) -> list[Step]:
    """A shell fence as steps, one per comment; "Or ..." begins an alternative."""
    if not is_shell(block) or not_shell(block):
        return []
    tag = block.info.split()[0].casefold() if block.info else "bash"
    found: list[Step] = []
    for statement in statements(block):
        code = CodeBlock(language=tag, code=statement.code, source=Source(line=statement.line))
        text = statement.comment or fallback
        if found and found[-1].text == text:
            found[-1] = msgspec.structs.replace(found[-1], commands=(*found[-1].commands, code))
        else:
            alternative = bool(re.match(r"or\b", text, re.I))
            found.append(
                Step(
                    text=text,
                    commands=(code,),
                    alternative=alternative,
                    source=Source(line=statement.comment_line or statement.line),
                )
            )
    return found


def compile_runbooks(document: Document, notes: Notes) -> tuple[Runbook, ...]:
    """Every section that holds commands or numbered steps with commands, and is no phase of its own."""
    found = []
    for section in document.sections():
        if section.region != "policy":
            continue
        steps = section_steps(section)
        if any(step.commands for step in steps) and not _is_phase_part(section):
            name = (
                section.title
                if section.level < LABEL_LEVEL or not _common_label(section.title)
                else f"{section.parent.title if section.parent else ''}: {section.title}"
            )
            parent = section.parent
            category = parent.title if parent and parent.level > 1 else ""
            found.append(Runbook(title=name, steps=tuple(steps), category=category, source=Source(line=section.line)))
    for runbook in found:
        notes.use(*(step.source.line for step in runbook.steps if step.source))
    return tuple(found)


def _common_label(name: str) -> bool:
    return bool(
        re.match(
            r"(?:immediate |initial |recovery |resolution |diagnostic )?(?:actions?|steps|diagnos\w+|investigation|mitigation|resolution|recovery|verification|commands?|check)\b",
            name,
            re.I,
        )
    )


def _is_phase_part(section: Section) -> bool:
    at = section.parent if section.level == LABEL_LEVEL and re.match(r"steps?$", section.title, re.I) else section
    return bool(at and _PHASE.match(at.title))


def compile_commands(document: Document) -> tuple[CodeBlock, ...]:
    """Every command of the guide, by line: statements of shell fences, and code spans that are commands."""
    found: list[CodeBlock] = []
    for block in document.fences:
        if is_shell(block):
            tag = block.info.split()[0].casefold() if block.info else "bash"
            tag = "text" if not_shell(block) else tag
            found += [
                CodeBlock(language=tag, code=each.code, source=Source(line=each.line)) for each in statements(block)
            ]
    for section in document.sections():
        waiting: list[Block] = list(reversed(section.blocks)) if section.region == "policy" else []
        while waiting:
            block = waiting.pop()
            for item in block.items:
                found += [
                    CodeBlock(language="bash", code=code, source=Source(line=item.line))
                    for code in codes(item.text)
                    if inline_command(code)
                ]
                waiting.extend(item.blocks)
    return tuple(sorted(found, key=lambda each: each.source.line if each.source else 0))
