"""Commands that are run on the responder's own machine, and what they say sent to be kept.

The output is spooled into a file of this machine first: a server that does not answer must not cost what was said. If
it cannot be sent, the file stays, and its name is told.
"""

from __future__ import annotations

import glob
import os
import shlex
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tocsin.cli.client import Client, part
from tocsin.cli.output import FAILURE, USAGE, Stop, fail, note, plain
from tocsin.clock import SystemClock
from tocsin.core.evidence import size_words
from tocsin.core.evidence_profile import Step, filled
from tocsin.runbook.executor import CannotRun, run
from tocsin.unreadable import because

PIECE = 1024 * 1024
SAID_MAX = 300  # characters of what a command said last, when it failed


class Run(NamedTuple):
    """A command to be run: `file` is what it writes, None where what it says is the evidence."""

    id: str
    kind: str
    command: str
    file: str | None


class Plan(NamedTuple):
    """What is to be run, and why the rest is not, a line each."""

    runs: list[Run]
    refused: list[str]


def plan(steps: Sequence[Mapping[str, Any]], only: Sequence[str], values: dict[str, str], *, dangerous: bool) -> Plan:
    """Of the profile, what can be run here: named steps, or all that are not collected."""
    known = {each["id"] for each in steps}
    found = Plan([], [f"{name}: the guide asks for no such step" for name in only if name not in known])
    epoch = int(SystemClock().now().timestamp())
    for each in steps:
        if (only and each["id"] not in only) or (not only and each["state"] == "collected"):
            continue
        if each["command"] is None:
            found.refused.append(
                f"{each['id']}: no command is named; keep it with `tocsin evidence add --step {each['id']}`"
            )
            continue
        why = danger(each["command"])
        if why and not dangerous:
            found.refused.append(f"{each['id']}: {why}; --allow-dangerous runs it all the same")
            continue
        step = Step(
            id=each["id"],
            title="",
            kind=each["kind"],
            command=each["command"],
            file=each["file"],
            needs=tuple(each["needs"]),
        )
        try:
            command, file = filled(step, {name: shlex.quote(value) for name, value in values.items()}, epoch)
        except ValueError as error:
            found.refused.append(f"{error}; give them with --set NAME=VALUE")
            continue
        found.runs.append(Run(each["id"], each["kind"], command, file))
    return found


def danger(command: str) -> str:
    """Why a command is not run without being asked twice, as the linter judges it; or nothing."""
    hazards = import_module("tocsin.core.hazards")
    if hazards.destroys(command):
        return "it destroys something"
    if hazards.cuts_off(command):
        return "it can lock out whoever runs it"
    if hazards.disturbs(command):
        return "it changes what is to be looked at"
    why: str = hazards.hangs(command)
    return why


def gather(client: Client, incident: str, runs: Sequence[Run], folder: Path, *, seconds: float, original: bool) -> int:
    """How many of them failed; each is on the timeline, kept or failed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    failed = 0
    for each in runs:
        why = _gathered(client, incident, each, folder, seconds, original)
        if why:
            failed += 1
            note(plain(f"{each.id}: {why}"))
            body = {"name": each.id, "detail": why, "origin": each.command, "step": each.id}
            client.call("POST", f"/api/incidents/{part(incident)}/evidence/failures", body)
    return failed


def _gathered(client: Client, incident: str, each: Run, folder: Path, seconds: float, original: bool) -> str:
    """Why it failed, or nothing."""
    with tempfile.TemporaryFile(dir=folder) as spool:
        last = bytearray()

        def hear(said: bytes, error: bool) -> None:
            if each.file is None:
                spool.write(said)
            del last[:-SAID_MAX]
            last.extend(said)

        try:
            ended = run(each.command, hear, folder=folder, seconds=seconds)
        except CannotRun as error:
            return str(error)
        if ended.late:
            return f"it did not end within {seconds:g} s"
        label = {"origin": each.command, "host": socket.gethostname(), "exit_code": ended.exit_code, "step": each.id}
        label |= {"kind": each.kind, "keep_original": "true" if original else None}
        path = f"/api/incidents/{part(incident)}/evidence"
        if each.file is None:
            size = spool.tell()
            spool.seek(0)
            kept = client.upload(path, cast(BinaryIO, spool), size, name=f"{each.id}.txt", **label)
        else:
            file = next(iter(glob.glob(str(folder / each.file))), str(folder / each.file))  # noqa: PTH207 (absolute too)
            said = last[-SAID_MAX:].decode("utf-8", "replace").strip()
            if not os.path.isfile(file) or not os.path.getsize(file):  # noqa: PTH113, PTH202
                return f"exit status {ended.exit_code}, and {each.file} is not there or empty: {said}".rstrip(": ")
            with opened(Path(file)) as (content, size):
                kept = client.upload(path, content, size, name=Path(file).name, **label)
        note(plain(f"{each.id}: kept as evidence {kept['item']}, {size_words(kept['size'])}"))
        return ""


def run_and_keep(
    client: Client, incident: str, command: Sequence[str], name: str, *, kind: str, step: str, original: bool
) -> int:
    """The command's exit status, after everything it said is kept. Both its streams are also shown as they come."""
    handle, spooled = tempfile.mkstemp(prefix="tocsin-run-")
    path = Path(spooled)
    with os.fdopen(handle, "w+b") as spool:

        def hear(said: bytes, error: bool) -> None:
            spool.write(said)
            out = sys.stderr.buffer if error else sys.stdout.buffer
            out.write(said)
            out.flush()

        try:
            ended = run(command, hear)
        except CannotRun as error:
            path.unlink()
            fail(str(error), FAILURE)
        size = spool.tell()
        spool.seek(0)
        label = {"origin": shlex.join(command), "host": socket.gethostname(), "exit_code": ended.exit_code}
        label |= {"kind": kind, "step": step, "keep_original": "true" if original else None}
        try:
            kept = client.upload(f"/api/incidents/{part(incident)}/evidence", spool, size, name=name, **label)
        except Stop:
            note(f"what it said is in {path}; `tocsin evidence add {incident} {path}` keeps it")
            raise
    path.unlink()
    note(plain(f"kept as evidence {kept['item']} of {kept['incident']}, {size_words(kept['size'])}"))
    return ended.exit_code


@contextmanager
def opened(file: Path) -> Iterator[tuple[BinaryIO, int]]:
    """A file and its size; standard input for `-`, spooled because its size must be known."""
    if str(file) == "-":
        with tempfile.TemporaryFile() as spool:
            while piece := sys.stdin.buffer.read(PIECE):
                spool.write(piece)
            size = spool.tell()
            spool.seek(0)
            yield cast(BinaryIO, spool), size
        return
    try:
        with file.open("rb") as content:
            yield content, os.fstat(content.fileno()).st_size
    except OSError as error:
        fail(because(file, "a file to keep", error), USAGE)


@contextmanager
def written(file: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner may read, there once all of it is."""
    if not file.name:
        fail(f"expected the name of a new file, got {str(file)!r}", USAGE)
    part_ = file.with_name(f".{file.name}.part")
    try:
        with os.fdopen(os.open(part_, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        part_.replace(file)
    except OSError as error:
        fail(because(file, "a file in a directory that is there", error), USAGE)
    finally:
        part_.unlink(missing_ok=True)
