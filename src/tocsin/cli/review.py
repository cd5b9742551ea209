"""`tocsin incident review`: what the review goes through, what was written for it, what the law asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import plain, say, show_json
from tocsin.cli.verbs import FORMAT


def review(
    incident: Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")], form: FORMAT = "table"
) -> None:
    """Show the review: agenda, questions, checklist, lessons, obligations. `write-review` and `tick-review` fill it."""
    found = connect().get(f"/api/incidents/{part(incident)}/review")
    if form == "json":
        show_json(found)
    else:
        say("\n".join(plain(line) for line in _lines(found)))


def _lines(of: dict[str, Any]) -> Iterator[str]:
    for name in ("held_at", "meets_at"):
        if of[name]:
            yield f"{name.removesuffix('_at')} at {of[name][:16].replace('T', ' ')} UTC"
            break
    else:
        yield "not scheduled yet: tocsin incident schedule-review"
    yield from _part("Agenda", (f"{n}. {each}" for n, each in enumerate(of["agenda"], 1)))
    boxes = (f"{n}. [{'x' if each['done'] else ' '}] {each['text']}" for n, each in enumerate(of["checklist"], 1))
    yield from _part("Checklist", boxes)
    yield from _part("Root cause", (f"{each['name']}: {each['answer'] or '____'}" for each in of["framework"]))
    asked = {each["name"] for each in of["framework"]}
    yield from _part("Written", (f"{name}: {text}" for name, text in of["written"].items() if name not in asked))
    known = (f"{'' if each['holds'] else 'not '}{name}: {each['happened_at']}" for name, each in of["instants"].items())
    yield from _part("For the law", known)
    yield from _part("Obligations", map(_obligation, of["obligations"]))


def _part(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = [f"  {line}" for line in lines]
    if found:
        yield from ("", title, *found)


def _obligation(each: dict[str, Any]) -> str:
    due = f"due {each['due_at']}" if each["due_at"] else "without undue delay"
    given = f"given {each['first_submitted_at']}" if each["first_submitted_at"] else "not given"
    return f"{each['regime']} ({each['citation']}): {each['text']} to {'; '.join(each['recipients'])}, {due}, {given}"
