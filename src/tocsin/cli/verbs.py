"""Every command of `core.commands` as a sub-command of `tocsin incident`: its fields become the arguments.

The shape is the same for all of them: the incident first, then what the command cannot do without, in the order of its
fields; the rest are options. A new command of the core is a new sub-command, without a line here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import typer

from tocsin.cli.client import connect, part
from tocsin.cli.output import USAGE, Format, fail, plain, say, show_json
from tocsin.clock import SystemClock
from tocsin.core import commands as c
from tocsin.core.spans import parse_seconds

SHORT: Mapping[str, str] = {
    "acknowledge": "ack",
    "unacknowledge": "unack",
    "change-severity": "severity",
    "change-status": "status",
    "add-note": "note",
    "post-update": "update",
    "assign-role": "role",
    "release-role": "unrole",
    "rename": "title",
    "freeze-deployments": "freeze",
    "unfreeze-deployments": "unfreeze",
    "mark-false-positive": "false-positive",
    "mark-drill": "drill",
    "open-channel": "channel",
    "open-ticket": "ticket",
}
"""What people type; the full name works too."""

HELP: Mapping[str, str] = {
    "acknowledge": "Take it: the pages stop.",
    "unacknowledge": "Give it back: somebody else is paged.",
    "snooze": "Page again later: at an instant, or after a time such as 30m.",
    "escalate": "Page the next level now.",
    "change-severity": "Change the severity, with the reason.",
    "change-status": "investigating, identified, mitigating, monitoring or resolved.",
    "rename": "Give it another title.",
    "set-impact": "Say what is affected, in words.",
    "set-category": "Say what kind of incident it is.",
    "set-affected": "Name the affected services and components.",
    "set-customer-impact": "Say what customers notice: users, revenue.",
    "set-detection": "Say how it was discovered.",
    "set-root-cause": "Say what the cause was.",
    "assess": "Answer a question of the guide's assessment.",
    "correct-timestamp": "Correct an instant; the measures are computed again.",
    "begin-phase": "Begin a phase of the guide.",
    "finish-phase": "Finish a phase of the guide.",
    "begin-item": "Begin an item of a checklist.",
    "finish-item": "Finish an item of a checklist.",
    "begin-run": "Say that a command of the guide is begun; `tocsin runbook run` does it and runs it.",
    "end-run": "Say how a command that was begun has ended.",
    "freeze-deployments": "Freeze deployments, of some services or all.",
    "unfreeze-deployments": "Let deployments go on.",
    "restrict": "Make it private, or change whom it names.",
    "lift-restriction": "It is private no longer.",
    "approve": "Carry out what somebody else asked for.",
    "decline": "Do not carry out what was asked for.",
    "assign-role": "Give somebody a role.",
    "release-role": "Take a role from somebody.",
    "post-update": "Tell an audience how it stands.",
    "publish": "Put it on public status pages, or change what stands there.",
    "unpublish": "Take it off every public page.",
    "change-public-text": "Correct what a public update says.",
    "set-public-review": "Write the public edition of the review.",
    "release": "Say a draft to its audience.",
    "discard": "Drop a draft; nobody was told.",
    "add-note": "Write something down.",
    "link": "Say that another incident belongs to this one.",
    "merge": "This is a duplicate of another incident and lives on there.",
    "resolve": "It is over.",
    "reopen": "It is not over.",
    "close": "Nothing more is to be done.",
    "mark-false-positive": "There was nothing.",
    "mark-drill": "It is a drill, and not counted.",
    "waive-promise": "Do without something that was promised.",
    "confirm-promise": "Say that a promise the guide only proposes holds here.",
    "keep-promise": "Say that a follow-up was done.",
    "schedule-review": "Say when the review will be held.",
    "hold-review": "The review was held.",
    "write-review": "Write something down for the review.",
    "tick-review": "An item of the review's checklist is done.",
    "open-channel": "Give it a chat channel of its own.",
    "open-ticket": "Open a ticket for it in a tracker.",
    "add-action-item": "Note an improvement, with owner and due date.",
    "change-action-item": "Change an action item.",
    "meet-criterion": "An acceptance criterion of an action item is met.",
    "finish-action-item": "An action item is done.",
    "record-instant": "Say when something happened that a law counts from.",
    "submit-report": "A report that the law asks for was given.",
}

_UNSAID: tuple[Any, ...] = (None, (), [])

FORMAT = Annotated[Format, typer.Option("--format", help="table or json")]


def add_verbs(app: typer.Typer) -> None:
    """Every command a person may send is a sub-command of `app`, by its short name and by its full one."""
    for command in get_args(c.AnyCommand):
        tag = str(command.__struct_config__.tag)
        if command is c.Declare:
            continue
        verb = _verb(command, tag)
        app.command(SHORT.get(tag, tag), help=HELP[tag])(verb)
        if tag in SHORT:
            app.command(tag, help=HELP[tag], hidden=True)(verb)


def _verb(command: type[c.Command], tag: str) -> Callable[..., None]:
    fields = [field for field in msgspec.structs.fields(command) if field.name not in ("by", "via")]
    instants = {field.name for field in fields if _is_instant(field.type)}

    def act(incident: str, **said: Any) -> None:
        form = said.pop("form")
        body = {
            name: instant(value) if name in instants else value for name, value in said.items() if value not in _UNSAID
        }
        if "via" in command.__struct_fields__:
            body["via"] = "cli"
        _send(incident, tag, body, form)

    parameters = [_parameter("incident", str, typer.Argument(help="id or reference, such as INC-2026-001"))]
    parameters += [_of_field(field) for field in fields if field.required]
    parameters += [_of_field(field) for field in fields if not field.required]
    parameters.append(_parameter("form", Format, typer.Option("--format", help="table or json"), "table"))
    act.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    act.__annotations__ = {each.name: each.annotation for each in parameters}
    act.__name__ = tag.replace("-", "_")
    return act


def _parameter(name: str, kind: Any, info: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, info], default=default)


def _of_field(field: msgspec.structs.FieldInfo) -> inspect.Parameter:
    """A field as an argument (required) or an option; instants and lists are read as text."""
    kind, many = _plain_kind(field.type)
    option = "--" + field.name.replace("_", "-")
    about = "an instant, or a time from now such as 30m" if _is_instant(field.type) else None
    if field.required:
        return _parameter(field.name, kind, typer.Argument(help=about))
    if many:
        return _parameter(field.name, list[str], typer.Option(option.removesuffix("s"), help="may be repeated"), [])
    if kind is bool:
        return _parameter(field.name, bool, typer.Option(f"{option}/--no{option[1:]}"), field.default)
    return _parameter(field.name, kind | None, typer.Option(option, help=about), None)


def _plain_kind(kind: Any) -> tuple[Any, bool]:
    """What Typer is to read, and whether there may be several."""
    if get_origin(kind) in (UnionType,) or isinstance(kind, UnionType):
        (kind,) = [each for each in get_args(kind) if each is not NoneType]
    if get_origin(kind) is tuple:
        return str, True
    if get_origin(kind) is Literal:
        return kind, False
    return (kind if kind in (bool, int) else str), False


def _is_instant(kind: Any) -> bool:
    return kind is datetime or datetime in get_args(kind)


def instant(said: str) -> str:
    """An instant in RFC 3339 from one, or from a time from now such as 30m. Without a zone it is local time."""
    seconds = parse_seconds(said)
    try:
        if seconds is not None:
            return (SystemClock().now() + timedelta(seconds=seconds)).isoformat()
        return datetime.fromisoformat(said).astimezone().isoformat()
    except (ValueError, OverflowError):  # the latter: beyond the years 1 to 9999
        fail(f"expected an instant such as 2026-11-23T14:00 or a time such as 30m, got {said!r}", USAGE)


def _send(incident: str, tag: str, body: dict[str, Any], form: Format) -> None:
    after = connect().call("POST", f"/api/incidents/{part(incident)}/{tag}", body)
    if form == "json":
        show_json(after)
    else:
        say(sentence(after))


def sentence(incident: Mapping[str, Any]) -> str:
    """The incident on one line."""
    by = f", acknowledged by {incident['acknowledged_by']}" if incident.get("acknowledged_by") else ""
    return plain(f"{incident['reference']}  {incident['severity']}  {incident['status']}{by}  {incident['title']}")
