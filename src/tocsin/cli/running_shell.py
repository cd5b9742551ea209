"""One command of the guide, run as whoever sits at this terminal; what it said is shown, kept and told to the server.

Secrets of the environment that the command reads are taken out before anything is shown or kept.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tocsin.cli.client import Client
from tocsin.cli.gathering import opened
from tocsin.cli.output import Stop, note, plain
from tocsin.cli.running_plan import Line
from tocsin.clock import monotonic
from tocsin.core.evidence import size_words
from tocsin.core.parameters import secrets_of
from tocsin.runbook.executor import SHELL, CannotRun, run
from tocsin.runbook.masking import Mask

TAIL = 3_000  # bytes of what a command said that stand beside its end; where there is more, all of it is evidence
_NOW = re.compile(r"\$\([^)]*\)|`[^`]*`")


class Ran(NamedTuple):
    """How it ended, after how many seconds. `spool` holds what it said. `because`: why it is not how it should be."""

    exit_code: int
    seconds: int
    spool: BinaryIO
    because: str = ""
    stopped: bool = False


def carried_out(line: Line, seconds: float) -> Ran:
    """What became of it; it belongs to this terminal, which Ctrl-C reaches."""
    secrets = [os.environ[name] for name in secrets_of(line.code) if name in os.environ]
    masks = {False: Mask(secrets), True: Mask(secrets)}
    spool = cast(BinaryIO, tempfile.TemporaryFile(prefix="tocsin-run-"))  # noqa: SIM115 (closed once it was told)

    def hear(said: bytes, error: bool) -> None:
        show(masks[error].feed(said), error)

    def show(clean: bytes, error: bool) -> None:
        spool.write(clean)
        out = sys.stderr.buffer if error else sys.stdout.buffer
        out.write(clean)
        out.flush()

    began = monotonic()
    shell = shutil.which("bash") or SHELL
    try:
        ended = run([shell, "-c", line.text], hear, seconds=seconds)
    except CannotRun as error:
        return Ran(127, 0, spool, str(error))
    for stream, mask in masks.items():
        show(mask.finish(), stream)
    took = round(monotonic() - began)
    if ended.late:
        return Ran(ended.exit_code, took, spool, f"it did not end within {seconds:g} s, and was ended", True)
    return Ran(ended.exit_code, took, spool, "", ended.exit_code == 130)


def tell(client: Client, place: str, number: int, line: Line, ran: Ran) -> None:
    """The end of the run stands on the incident, with the last of what it said; where that was more, it is evidence.

    A server that does not answer costs nothing that was said: it stays in a file of this machine.
    """
    with ran.spool as spool:
        size = spool.seek(0, os.SEEK_END)
        kept = None
        if size > TAIL or (line.step and not line.file and size):
            kept = _kept(client, place, number, line, ran, size)
        if line.step and line.file and ran.exit_code == 0:
            kept = _file_kept(client, place, line) or kept
        spool.seek(max(0, size - TAIL))
        tail = spool.read().decode("utf-8", "replace").replace("\x00", "")
        body: dict[str, Any] = {"run": number, "exit_code": ran.exit_code, "seconds": ran.seconds, "output": tail}
        body |= {"evidence": kept, "because": ran.because}
        try:
            client.call("POST", f"{place}/end-run", body)
        except Stop as error:
            later = f"tocsin incident end-run {place.rpartition('/')[2]} {number} --exit-code {ran.exit_code}"
            note(plain(f"   the server does not know how run {number} ended: {error.text}; say so later: {later}"))
            raise


def _kept(client: Client, place: str, number: int, line: Line, ran: Ran, size: int) -> int | None:
    """The number of the evidence that keeps all of it; None, and a file of this machine, where it could not be kept."""
    ran.spool.seek(0)
    label = _label(line, ran.exit_code)
    try:
        item: Mapping[str, Any] = client.upload(f"{place}/evidence", ran.spool, size, name=f"run-{number}.txt", **label)
    except Stop as error:
        with tempfile.NamedTemporaryFile("wb", prefix=f"tocsin-run-{number}-", suffix=".txt", delete=False) as file:
            ran.spool.seek(0)
            shutil.copyfileobj(ran.spool, file)
        note(plain(f"   all of it could not be kept as evidence ({error.text}); it is in {file.name}"))
        return None
    note(plain(f"   kept as evidence {item['item']}, {size_words(item['size'])}"))
    return int(item["item"])


def _file_kept(client: Client, place: str, line: Line) -> int | None:
    """The evidence that the command wrote into a file, kept for the step of the guide that asks for it."""
    pattern = _NOW.sub("*", line.file or "")
    found = sorted(glob.glob(pattern), key=os.path.getmtime)  # noqa: PTH207 (absolute too)
    if not found or not os.path.getsize(found[-1]):  # noqa: PTH202
        note(plain(f"   {line.file} is not there or empty, so nothing was kept of it"))
        return None
    try:
        with opened(Path(found[-1])) as (content, size):
            item = client.upload(f"{place}/evidence", content, size, name=Path(found[-1]).name, **_label(line, 0))
    except Stop as error:
        note(plain(f"   {found[-1]} could not be kept as evidence: {error.text}"))
        return None
    note(plain(f"   {found[-1]} is kept as evidence {item['item']}, {size_words(item['size'])}"))
    return int(item["item"])


def _label(line: Line, exit_code: int) -> dict[str, Any]:
    return {"origin": line.text[:4000], "host": os.uname().nodename[:200], "exit_code": exit_code, "step": line.step}
