"""`tocsin runbook` and `tocsin incident guide`: what the guide in force says, on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import NO_MATCH, fail, note, say, show, show_json
from tocsin.cli.runbook_run import run_
from tocsin.cli.verbs import FORMAT
from tocsin.core.checklists import meant

GUIDE = Annotated[str | None, typer.Option("--guide", help="of this guide only, as `tocsin guide list` shows it")]
INCIDENT = Annotated[str, typer.Argument(help="id or reference, such as INC-2026-001")]
STATES: Mapping[str, str] = {"open": "[ ]", "begun": "[~]", "finished": "[x]"}

app = typer.Typer(no_args_is_help=True)


@app.callback()
def runbook() -> None:
    """The runbooks of the guides in force."""


@app.command("list")
def list_(guide: GUIDE = None, form: FORMAT = "table") -> None:
    """List the runbooks of the guides in force."""
    found = connect().get("/api/runbooks", guide=guide)["items"]
    if form == "json":
        show_json(found)
        return
    rows = [
        {**each, "steps": len(each["items"]), "commands": sum(len(item["commands"]) for item in each["items"])}
        for each in found
    ]
    show(rows, ("guide", "name", "category", "steps", "commands", "line"), "table", ("line", "category", "guide"))


@app.command("show")
def show_(
    name: Annotated[str, typer.Argument(help="the runbook, or words of its name that no other has")],
    guide: GUIDE = None,
    incident: Annotated[str | None, typer.Option("--incident", help="whose guide, and whose evidence it is")] = None,
    form: FORMAT = "table",
) -> None:
    """Show a runbook: its steps, their commands, what to mind, and the line that runs each and keeps its output."""
    if incident:
        told = connect().get(f"/api/incidents/{part(incident)}/guide")
        books = [{**each, "guide": told["guide"]} for each in (*told["runbooks"], *told["others"])]
    else:
        books = connect().get("/api/runbooks", guide=guide)["items"]
    found = _one(books, name)
    if form == "json":
        show_json(found)
    else:
        say("\n".join(book_lines(found)))


app.command("run")(run_)


@app.command()
def remedies(incident: INCIDENT, form: FORMAT = "table") -> None:
    """Show the guide's rules of remediation, whether they hold now, and the line that does what they say."""
    found = connect().get(f"/api/incidents/{part(incident)}/remedies")["items"]
    if form == "json":
        show_json(found)
        return
    if not found:
        note("its guide has no rules of remediation")
    for each in found:
        state = "HOLDS" if each["state"] == "holds" else each["state"]
        say(f"{state}: {each['condition']}: {each['action']}{_at(each)}")
        say(f"  {each['because']}")
        say(f"  run: {each['run']}" if each["run"] else f"  {each['problem']}")
        for step in each["suggested"]:
            say(f"  may be meant: {step['phase']}, step {step['number']}: {step['item']}")


def _one(books: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    """The runbook that is meant; its names may be those of several guides."""
    if not books:
        fail("no guide in force has a runbook", NO_MATCH)
    try:
        called = meant("runbook", list(dict.fromkeys(each["name"] for each in books)), name)
    except ValueError as error:
        fail(str(error), NO_MATCH)
    same = [each for each in books if each["name"] == called]
    if len(same) > 1:
        guides = ", ".join(each["guide"] for each in same)
        fail(f"{called!r} stands in several guides: expected --guide with one of {guides}", NO_MATCH)
    return same[0]


def show_guide(
    incident: INCIDENT,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="every phase and every runbook, with all steps")
    ] = False,
    form: FORMAT = "table",
) -> None:
    """What the guide says: the current phase, the runbooks that fit, duties, whom to call."""
    told = connect().get(f"/api/incidents/{part(incident)}/guide")
    if form == "json":
        show_json(told)
        return
    lines = [*guide_lines(told, everything=everything)]
    if not lines:
        note(f"the guide {told['guide']} says nothing about phases, runbooks, roles or contacts")
        return
    say("\n".join(lines))


def guide_lines(told: Mapping[str, Any], *, everything: bool) -> Iterator[str]:
    """The whole on a terminal, what is to be done now first."""
    yield from _phases(told, everything=everything)
    fitting, others = told["runbooks"], told["others"]
    if fitting:
        yield "Runbooks that fit"
    for each in fitting:
        yield from book_lines(each) if everything else [f"  {each['name']}{_at(each)}: {'; '.join(each['because'])}"]
    if others and everything:
        for each in others:
            yield from book_lines(each)
    elif others:
        yield f"{'Other runbooks' if fitting else 'Runbooks'}: {', '.join(each['name'] for each in others)}"
    if fitting or others:
        yield f"  tocsin runbook show NAME --incident {told['incident']}"
    if told["categories"]:
        names = [f"{each['name']} (this one)" if each["chosen"] else each["name"] for each in told["categories"]]
        yield f"Kinds of incident: {', '.join(names)}"
    yield from _questions(told["questions"])
    yield from _roles(told["roles"])
    yield from _calls(told)
    for each in told["dashboards"]:
        if each["links"]:
            yield f"{each['title']}: {' '.join(each['links'])}{_at(each)}"


def _phases(told: Mapping[str, Any], *, everything: bool) -> Iterator[str]:
    for phase in told["phases"]:
        done = sum(item["standing"]["state"] == "finished" for item in phase["items"])
        count = f", {done} of {len(phase['items'])} done" if phase["items"] else ""
        ends = f" until {phase['ends_at'][11:16]} UTC" if phase["ends_at"] else ""
        now = f", now{ends}" if phase["current"] else "" if phase["applies"] else f", not for {told['severity']}"
        yield f"{STATES[phase['standing']['state']]} {phase['name']}{_at(phase)}{now}{count}{_stood(phase)}"
        if not (phase["current"] or everything):
            continue
        yield from (f"      objective: {each}" for each in phase["objectives"])
        for item in phase["items"]:
            yield from item_lines(item)


def item_lines(item: Mapping[str, Any]) -> Iterator[str]:
    """A step with its number, which `finish-item` takes, and its commands."""
    other = "or: " if item["alternative"] else ""
    yield f"  {STATES[item['standing']['state']]} {item['number']}. {other}{item['name']}{_at(item)}{_stood(item)}"
    for each in item["commands"]:
        yield from command_lines(each)


def command_lines(each: Mapping[str, Any]) -> Iterator[str]:
    """A command as the guide has it, what to mind before it, and the line that runs it."""
    code = each["code"].split("\n")
    yield from (f"        $ {line}" if n == 0 else f"          {line}" for n, line in enumerate(code))
    if each["warnings"]:
        yield f"          {'DANGER' if each['dangerous'] else 'mind'}: {'; '.join(each['warnings'])}"
    if each["needs"]:
        yield f"          fill in: {', '.join(each['needs'])}"
    if each["run"]:
        yield f"          run and keep: {each['run']}"


def book_lines(book: Mapping[str, Any]) -> Iterator[str]:
    because = f" ({'; '.join(book['because'])})" if book["because"] else ""
    yield f"{book['name']}{_at(book)}{because}"
    for item in book["items"]:
        yield from item_lines(item)
    if book["run"]:
        yield f"  run it step by step: {book['run']}"


def _questions(questions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    following = next((each for each in questions if each["next"]), None)
    if following:
        yield f"How bad is it? {following['question']} (yes means {following['decides']}){_at(following)}"
    for each in questions:
        if each["answer"]:
            yield f"  {each['question']} {each['answer']}"


def _roles(roles: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    free = [each["name"] for each in roles if not each["people"]]
    for each in roles:
        if each["people"]:
            yield f"{each['name']}: {', '.join(each['people'])}{_at(each)}"
            yield from (f"  - {duty}" for duty in each["responsibilities"])
    if free:
        yield f"Nobody is: {', '.join(free)}"


def _calls(told: Mapping[str, Any]) -> Iterator[str]:
    if told["call"]:
        yield f"Whom to call at {told['severity']}"
    for each in told["call"]:
        role = each["role"] if each["role"] != each["name"] else ""
        parts = (each["name"], role, each["service"], each["support_level"], each["phone"], each["email"], each["text"])
        because = f": {'; '.join(each['because'])}" if each["because"] else ""
        yield f"  {' · '.join(filter(None, parts))}{because}{_at(each)}"


def _at(of: Mapping[str, Any]) -> str:
    return f" (guide line {of['line']})" if of["line"] else ""


def _stood(of: Mapping[str, Any]) -> str:
    standing = of["standing"]
    if standing["state"] == "open":
        return ""
    verb = "done" if standing["state"] == "finished" else "begun"
    return f", {verb} by {standing['by']} {standing['at'][:16].replace('T', ' ')} UTC"
