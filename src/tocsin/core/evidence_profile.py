"""What a guide asks to be kept: its commands that keep evidence, and whether each was carried out for an incident.

A command keeps evidence when it collects (logs, the state of a cluster, a dump, an archive of named paths) and either
writes a file or stands in a step that is about evidence. Guides that name no command get three general points, marked
as proposed, so that the list is never empty when somebody looks for it at night.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from tocsin.core.evidence import Evidence
from tocsin.core.facts import EvidenceKind
from tocsin.core.policy import CodeBlock, Policy, Source

State = Literal["collected", "failed", "missing"]

_ABOUT = re.compile(r"\bevidence\b|\bforensic|\bpreserv|\b(?:collect|save|export) (?:the )?logs\b|\bcapture\b", re.I)
_DUMPS = r"\b(?:pg_dump(?:all)?|mysqldump|mariadb-dump|mongodump|redis-cli\s+--rdb|sqlite3\s+\S+\s+\.dump)\b"
_ARCHIVES = r"\btar\s+(?:-{1,2}create\b|-?[a-z]*c[a-z]*\b)|\bzip\s+-r|\bdd\s+if=|\brsync\s"
_LOGS = r"\blogs?\b|\bjournalctl\b|\bdmesg\b"
_STATES = r"\b(?:get\s+(?:all|pods?|events|deploy\w*|nodes?)|describe|top|ps|ss|netstat|cluster-info\s+dump|status)\b"
_KINDS: tuple[tuple[EvidenceKind, re.Pattern[str]], ...] = (
    ("dump", re.compile(_DUMPS)),
    ("archive", re.compile(_ARCHIVES)),
    ("logs", re.compile(_LOGS, re.I)),
    ("state", re.compile(_STATES)),
)
_PLACEHOLDER = re.compile(r"<([A-Za-z][\w .-]*)>|\{\{\s*([\w.-]+)\s*\}\}|\[([A-Z][A-Z0-9_ -]{2,})\]")
_REDIRECT = re.compile(r"(?<![<>&0-9])>{1,2}\s*([^\s|&;<>]+)\s*$")
_TARGET = re.compile(r"(?:^|\s)(?:-f|--file(?:=|\s)|-[a-z]*f)\s*([^\s|&;<>]+|\$\([^)]*\))")
_SINCE = re.compile(r"--since[= ](\S+)")
_NOW = re.compile(r"\$\(date \+%s\)|`date \+%s`|\$EPOCHSECONDS\b")
_SLUG = re.compile(r"[^a-z0-9]+")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to be kept. `command` None: the guide names none, somebody must find a way. `file`: what the command
    writes, in the guide's words; None: what it says is the evidence. `needs`: values that somebody has to fill in."""

    id: str
    title: str
    kind: EvidenceKind
    command: str | None = None
    file: str | None = None
    since: str = ""
    needs: tuple[str, ...] = ()
    source: Source | None = None
    proposed: bool = False


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A step and how it stands: the numbers of the items that answer it, or why the last attempt failed."""

    step: Step
    state: State
    items: tuple[int, ...] = ()
    detail: str = ""


PROPOSED = (
    Step(id="logs", title="Logs of the affected services, the last hour", kind="logs", since="1h", proposed=True),
    Step(id="state", title="The state of the affected systems", kind="state", proposed=True),
    Step(id="dump", title="A dump of the data that may be affected", kind="dump", proposed=True),
)


def profile(policy: Policy) -> tuple[Step, ...]:
    """Everything that this guide asks to be kept, in its order."""
    found: dict[str, Step] = {}
    for title, command in _commands(policy):
        step = _step(title, command)
        if step is not None and step.command not in {each.command for each in found.values()}:
            name, n = step.id, 2
            while name in found:
                name, n = f"{step.id}-{n}", n + 1
            found[name] = msgspec.structs.replace(step, id=name)
    return tuple(found.values()) or PROPOSED


def placeholders(code: str) -> tuple[str, ...]:
    """The values that a command leaves to whoever runs it, each once, in order."""
    return tuple(dict.fromkeys(_name(each) for each in _PLACEHOLDER.finditer(code)))


def checked(steps: tuple[Step, ...], evidence: Evidence) -> tuple[Checked, ...]:
    """How each step stands for an incident."""
    done = []
    for step in steps:
        items = tuple(each.item for each in evidence.items.values() if each.step == step.id)
        failed = evidence.failed.get(step.id, "")
        state: State = "collected" if items else "failed" if failed else "missing"
        done.append(Checked(step=step, state=state, items=items, detail="" if items else failed))
    return tuple(done)


def filled(step: Step, values: dict[str, str], epoch: int) -> tuple[str, str | None]:
    """The command and the file it writes, with values in the places that the guide left open, and one instant wherever
    the guide asks the shell for it, so that the file can be found afterwards. Raises ValueError naming what is missing.
    """
    missing = [name for name in step.needs if name not in values]
    if missing or step.command is None:
        raise ValueError(
            f"{step.id}: expected values for {', '.join(missing)}" if missing else f"{step.id}: no command"
        )

    def fill(text: str) -> str:
        text = _PLACEHOLDER.sub(lambda found: values.get(_name(found), found[0]), text)
        return _NOW.sub(str(epoch), text)

    return fill(step.command), fill(step.file) if step.file else None


def _commands(policy: Policy) -> Iterator[tuple[str, CodeBlock]]:
    """Every command with the words of the step in which it stands."""
    named = set()
    for steps in (*(each.steps for each in policy.phases), *(each.steps for each in policy.runbooks)):
        for step in steps:
            for command in step.commands:
                named.add((command.source.line if command.source else 0, command.code))
                yield step.text, command
    for command in policy.commands:
        if (command.source.line if command.source else 0, command.code) not in named:
            yield "", command


def _step(title: str, command: CodeBlock) -> Step | None:
    """The step, or None for a command that keeps nothing."""
    code = " ".join(command.code.replace("\\\n", " ").split())
    bare = _PLACEHOLDER.sub("X", code)
    kind = next((kind for kind, pattern in _KINDS if pattern.search(bare)), None)
    file = _file(code, bare, kind)
    about = bool(_ABOUT.search(title) or (file and _ABOUT.search(file)) or "/evidence/" in bare)
    if kind is None and not (about and file):
        return None
    if not about and file is None:
        return None
    if not about and kind not in ("logs", "dump", "archive"):
        return None
    stem = posixpath.basename(_NOW.sub("", file)) if file else f"{kind}-{command.source.line if command.source else 0}"
    return Step(
        id=_SLUG.sub("-", stem.partition(".")[0].casefold()).strip("-") or "evidence",
        title=title.partition(":")[0].strip() or (kind or "evidence"),
        kind=kind or "file",
        command=command.code,
        file=file,
        since=found[1] if (found := _SINCE.search(bare)) else "",
        needs=placeholders(code),
        source=command.source,
    )


def _file(code: str, bare: str, kind: str | None) -> str | None:
    """The file that the command writes, as the guide says it."""
    if _REDIRECT.search(bare):
        return code[code.rindex(">") + 1 :].strip()
    target = _TARGET.search(_NOW.sub("@NOW@", code)) if kind in ("archive", "dump") else None
    return target[1].replace("@NOW@", "$(date +%s)") if target else None


def _name(found: re.Match[str]) -> str:
    return next(each for each in found.groups() if each)
