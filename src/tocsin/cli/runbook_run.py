"""`tocsin runbook run INCIDENT RUNBOOK`: shows what would be run, then runs it, and says what the guide has next."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import FAILURE, NO_MATCH, UNDECIDED, USAGE, fail, note, plain, say
from tocsin.cli.running import Outcome, Room, run_stages
from tocsin.cli.running_plan import Stage, chosen, given, open_values, problems, stages, told
from tocsin.core.checklists import meant
from tocsin.core.parameters import Parameter, fits

SECONDS = 900.0  # for one command: guides wait five minutes, and test for two

Lists = Sequence[Mapping[str, Any]]


def run_(
    incident: Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")],
    runbook: Annotated[str, typer.Argument(help="a runbook or a phase, or words of its name that no other has")],
    step: Annotated[
        list[int] | None, typer.Option("--step", help="only this step, by its number; may be repeated")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="NAME=VALUE, for a place that the commands leave open")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show exactly what would be run")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="what only reads is run without being confirmed")] = False,
    again: Annotated[bool, typer.Option("--again", help="steps that are done, too")] = False,
    anyway: Annotated[bool, typer.Option("--anyway", help="although somebody is running the same command")] = False,
    wait: Annotated[bool, typer.Option(help="wait until a second person has approved")] = True,
    seconds: Annotated[float, typer.Option("--timeout", help="seconds that one command may take", min=1)] = SECONDS,
) -> None:
    """Run a runbook's commands here, step by step, with what each does shown first; the incident keeps what happened.

    What only reads is confirmed once, what changes something by a word. What cannot be taken back waits until a second
    person has approved exactly that command. Secrets come from the environment and are neither shown nor kept.
    """
    client = connect()
    known = client.get(f"/api/incidents/{part(incident)}")
    place = f"/api/incidents/{part(known['id'])}"
    guide = client.get(f"{place}/guide")
    book = _list(guide, runbook)
    items = _items(book, step or (), again=again)
    wanted = open_values(items)
    values = chosen(wanted, given(param or ()))
    if not dry_run:
        values |= _asked(wanted, values)
    plan = stages(items, values)
    say("\n".join(_shown(known, guide, book, plan)))
    if dry_run:
        _dry(plan)
        return
    if not sys.stdin.isatty() and not yes:
        fail("nobody is at this terminal to confirm: --yes runs what only reads, --dry-run shows it all", USAGE)
    me = str(client.get("/api/me")["id"])
    room = Room(client, known, str(book["name"]), me, seconds, wait=wait, anyway=anyway)
    _ended(room, guide, book, run_stages(room, plan, nod=yes))


def _list(guide: Mapping[str, Any], said: str) -> Mapping[str, Any]:
    """The runbook or phase that is meant; where the words fit one of each, the runbook."""
    books: Lists = [*guide["runbooks"], *guide["others"]]
    every: Lists = [*books, *guide["phases"]]
    if not every:
        fail(f"the guide {guide['guide']} has neither runbooks nor phases", NO_MATCH)
    wrong = ""
    for lists in (every, books):
        try:
            name = meant("runbook", [each["name"] for each in lists], said)
        except ValueError as error:
            wrong = str(error)
            continue
        return next(each for each in lists if each["name"] == name)
    fail(wrong, NO_MATCH)


def _items(book: Mapping[str, Any], numbers: Sequence[int], *, again: bool) -> Lists:
    items: Lists = book["items"]
    for number in numbers:
        if not 1 <= number <= len(items):
            fail(f"--step: expected 1 to {len(items)}, got {number}", USAGE)
    if numbers:
        return [each for each in items if each["number"] in numbers]
    left = [each for each in items if again or each["standing"]["state"] != "finished"]
    if items and not left:
        fail("every step of it is done; --again runs them again", NO_MATCH)
    return left


def _asked(wanted: Sequence[Parameter], known: Mapping[str, str]) -> dict[str, str]:
    """What nobody has said yet, from whoever sits here; an empty answer leaves it open, or as the guide has it."""
    found: dict[str, str] = {}
    if not sys.stdin.isatty():
        return found
    for each in wanted:
        if each.name in known or each.kind == "secret":
            continue
        while True:
            default = f" [{each.default}]" if each.default else ""
            value = _line(f"{each.name} ({each.kind}){default}: ")
            if not value:
                break
            try:
                fits(each, value)
            except ValueError as error:
                note(plain(str(error)))
                continue
            found[each.name] = value
            break
    return found


def _line(question: str) -> str:
    sys.stderr.write(plain(question))
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _shown(
    known: Mapping[str, Any], guide: Mapping[str, Any], book: Mapping[str, Any], plan: Sequence[Stage]
) -> Iterator[str]:
    at = f", line {book['line']}" if book["line"] else ""
    yield plain(f"{known['reference']}  {known['severity']}  {known['status']}  {known['title']}")
    yield plain(f"{book['name']} (guide {guide['guide']}{at})")
    yield from told(plan)
    secrets = [each.name for item in book["items"] for each in open_values([item]) if each.kind == "secret"]
    if secrets:
        have = ", ".join(f"{name} ({'set' if os.environ.get(name) else 'NOT SET'})" for name in dict.fromkeys(secrets))
        yield f"  secrets, from this environment: {have}"


def _dry(plan: Sequence[Stage]) -> None:
    """Exit 1 where some of it could not be run as it is."""
    for each in problems(plan):
        note(plain(f"cannot run it: {each}"))
    if problems(plan):
        raise typer.Exit(FAILURE)


def _ended(room: Room, guide: Mapping[str, Any], book: Mapping[str, Any], outcome: Outcome) -> None:
    """What happened, and what the guide has next; exit 1 where a step failed, 4 where one waits."""
    number = outcome.stage.number if outcome.stage else 0
    line = f"tocsin runbook run {room.name}"
    if outcome.word == "well":
        note("All of it went well.")
        _next("To verify it", guide["verifications"], book, line)
        return
    if outcome.word == "failed":
        note(f"Step {number} failed; nothing after it was run.")
        _alternatives(book, number, line)
        _next("What the guide has to go back or around", guide["ways_back"], book, line, without=number)
        raise typer.Exit(FAILURE)
    note(f"Stopped at step {number}; nothing more was run. The same command again goes on from there.")
    raise typer.Exit(UNDECIDED if outcome.word == "waits" else FAILURE)


def _alternatives(book: Mapping[str, Any], number: int, line: str) -> None:
    for item in book["items"][number:]:
        if not item["alternative"]:
            return
        note(plain(f"  or: {item['name']}: {line} {_word(book['name'])} --step {item['number']}"))


def _next(title: str, offers: Lists, book: Mapping[str, Any], line: str, *, without: int = 0) -> None:
    left = [each for each in offers if (each["phase"], each["number"]) != (book["name"], without)]
    if left:
        note(f"{title}:")
    for each in left:
        how = "" if each["strategy"] == "verify" else f"{each['strategy']}: "
        note(plain(f"  {how}{each['item']}: {line} {_word(each['phase'])} --step {each['number']}"))


def _word(name: str) -> str:
    return "'" + name.replace("'", "'\\''") + "'"
