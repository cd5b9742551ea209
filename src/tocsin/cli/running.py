"""`tocsin runbook run`: the steps of the guide, run one by one by whoever sits at this terminal.

Each run is a fact of the incident before it begins and after it has ended. What only reads is confirmed once, what
changes something by a word, and what cannot be taken back is first approved, word for word, by somebody else.
"""

from __future__ import annotations

import json
import select
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tocsin.cli.client import Client, part
from tocsin.cli.output import USAGE, fail, note, plain
from tocsin.cli.running_plan import Line, Stage
from tocsin.cli.running_shell import Ran, carried_out, tell
from tocsin.core.risk import MEANS, SECOND
from tocsin.core.running import digest

ASK_SECONDS = 2.0  # between two looks whether a second person has answered


class Room(NamedTuple):
    """Where a run is written down, of which list of the guide, and who runs it.

    `wait`: for a second person; `anyway`: although somebody is at it; `seconds`: how long a command may take.
    """

    client: Client
    incident: Mapping[str, Any]
    phase: str
    me: str
    seconds: float
    wait: bool = True
    anyway: bool = False

    @property
    def name(self) -> str:
        return str(self.incident["reference"])

    @property
    def place(self) -> str:
        return f"/api/incidents/{part(self.name)}"


class Outcome(NamedTuple):
    """How it went: `well`, `failed`, `left` by whoever runs it, or it `waits` for a second person."""

    word: str
    stage: Stage | None = None


def run_stages(room: Room, plan: Sequence[Stage], *, nod: bool) -> Outcome:
    """Every stage in order, until one fails. `nod`: what only reads needs no confirmation any more."""
    steps = Steps(room, nod=nod)
    helped = False
    for n, stage in enumerate(plan):
        if stage.alternative and helped:
            note(plain(f"\n{stage.number}. {stage.name}: not needed, for what it stands instead of went well"))
            continue
        note(plain(f"{stage.number}. {'or: ' if stage.alternative else ''}{stage.name}"))
        word = steps.take(stage)
        instead = any(each.alternative for each in plan[n + 1 : n + 2])
        if word == "failed" and instead and somebody() and yes("Try what the guide has instead?"):
            helped = False
            continue
        if word != "well":
            return Outcome(word, stage)
        helped = True
    return Outcome("well")


class Steps:
    """One after the other; `nod` is remembered."""

    def __init__(self, room: Room, *, nod: bool) -> None:
        self._room = room
        self._nod = nod

    def take(self, stage: Stage) -> str:
        """How the stage went."""
        for line in stage.lines:
            if line.hand:
                note(plain(f"   by hand ({line.hand}): {line.text}"))
                continue
            word = self._line(stage, line)
            if word != "well":
                return word
        if any(not line.hand for line in stage.lines):
            return "well"
        return self._by_hand(stage)

    def _by_hand(self, stage: Stage) -> str:
        answer = answered("   Done? [y]es, [s]kip it, anything else stops: ")
        if answer in ("y", "yes"):
            body = {"phase": self._room.phase, "item": stage.name}
            self._room.client.call("POST", f"{self._room.place}/finish-item", body)
        return "well" if answer in ("y", "yes", "s", "skip") else "left"

    def _line(self, stage: Stage, line: Line) -> str:
        show(line)
        if line.problem:
            note(plain(f"   cannot run it: {line.problem}"))
            return "left"
        agreed = self._agreed(line)
        if agreed != "run":
            return "well" if agreed == "skip" else "left"
        number = self._begun(stage, line)
        if number is None:
            return "waits" if line.risk in SECOND else "left"
        ran = carried_out(line, self._room.seconds)
        tell(self._room.client, self._room.place, number, line, ran)
        if ran.exit_code == 0 and not ran.because:
            return "well"
        note(plain(f"   {failed(line, ran)}"))
        if (
            line.risk == "reads"
            and not ran.stopped
            and somebody()
            and yes("   It changed nothing; its step stays open. Go on?")
        ):
            return "well"
        return "failed"

    def _agreed(self, line: Line) -> str:
        """`run`, `skip`, or anything else, which stops."""
        if line.risk in SECOND:
            return "run"  # it is asked for first, and confirmed once it is approved
        if line.risk == "reads":
            self._nod = self._nod or yes("   It only reads. Run it, and whatever else here only reads?")
            return "run" if self._nod else "stop"
        means = MEANS[line.risk].capitalize()
        return answered(f"   {means}. Type run to run it, skip to leave it out: ")

    # --- what the server is told ----------------------------------------------------------------------------------

    def _begun(self, stage: Stage, line: Line) -> int | None:
        """The number of the run, None where it is not to be."""
        if line.risk not in SECOND or self._allowed(stage, line):
            if line.risk in SECOND and not self._last_word(line):
                return None
            number = self._begin(stage, line)
            if number is not None:
                return number
        else:
            self._begin(stage, line)  # which asks for it
        if not self._approved(stage, line) or not self._last_word(line):
            return None
        return self._begin(stage, line)

    def _begin(self, stage: Stage, line: Line) -> int | None:
        """The number of the run; None where it waits for a second person now."""
        room = self._room
        before = {each["run"] for each in self._runs()["items"]}
        body = {"phase": room.phase, "item": stage.name, "number": line.number, "text": line.text}
        body |= {"values": list(line.values), "host": socket.gethostname(), "anyway": room.anyway}
        room.client.call("POST", f"{room.place}/begin-run", body)
        mine = (
            int(each["run"])
            for each in self._runs()["items"]
            if each["run"] not in before and each["by"] == room.me and each["text"] == line.text
        )
        return next(mine, None)

    def _runs(self) -> Any:
        return self._room.client.get(f"{self._room.place}/runs")

    def _allowed(self, stage: Stage, line: Line) -> bool:
        room = self._room
        exactly = digest(
            room.incident["id"], room.incident["policy_digest"], room.phase, stage.name, line.number, line.text
        )
        return any(each["digest"] == exactly and each["asker"] == room.me for each in self._runs()["allowed"])

    def _requests(self, line: Line) -> Iterator[int]:
        """The numbers under which this very command of mine waits."""
        for each in self._room.client.get(self._room.place)["approvals"]:
            mine = each["command"] == "begin-run" and each["by"] == self._room.me
            if mine and json.loads(each["body"]).get("text") == line.text:
                yield each["request"]

    def _approved(self, stage: Stage, line: Line) -> bool:
        """Whether somebody else approved it; waits for that, if it may."""
        asked = next(self._requests(line), None)
        if asked is not None and not self._waited(line, asked):
            return False
        if self._allowed(stage, line):
            note("   approved, for this one run and for 15 minutes")
            return True
        note("   nobody approved it: it was declined, or it lapsed")
        return False

    def _waited(self, line: Line, asked: int) -> bool:
        """Whether somebody answered, where it may be waited for."""
        name = self._room.name
        note(
            "   It waits for a second person: whoever may approve it is told, and has a button on the incident's page,"
        )
        note(f"   or says `tocsin incident approve {name} {asked}`.")
        if not self._room.wait:
            return False
        note("   Ctrl-C leaves it waiting; the same command goes on later.")
        try:
            while asked in self._requests(line):
                if select.select([sys.stdin], [], [], ASK_SECONDS)[0]:
                    sys.stdin.readline()  # whoever presses Enter wants to know now
        except KeyboardInterrupt:
            note("")
            return False
        return True

    def _last_word(self, line: Line) -> bool:
        means = MEANS[line.risk].capitalize()
        return answered(f"   {means}. Type {self._room.name} to run it now: ") == self._room.name.casefold()


def show(line: Line) -> None:
    for n, text in enumerate(line.text.split("\n")):
        note(f"   $ {text}" if n == 0 else f"     {text}")


def failed(line: Line, ran: Ran) -> str:
    if ran.because:
        return ran.because
    if ran.exit_code == 1 and line.text.split("|")[-1].split()[:1] == ["grep"]:
        return "exit status 1: grep found nothing"
    return f"exit status {ran.exit_code}"


def yes(question: str) -> bool:
    return answered(f"{question} [y/N] ") in ("y", "yes")


def somebody() -> bool:
    """Whether a person sits at this terminal."""
    return sys.stdin.isatty()


def answered(question: str) -> str:
    """What somebody typed, in small letters. Only a person at a terminal is asked."""
    if not somebody():
        fail("nobody is at this terminal to answer: --dry-run shows what would be run", USAGE)
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold()
