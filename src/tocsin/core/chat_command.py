"""What people type after `/incident` in a chat: `create "Dashboard Outage - P1"`, `ack`, `update ...`.

Phones and chats change what was typed: straight quotes become typographic ones, two hyphens a dash, an apostrophe looks
like a quote. So nothing here is a shell: a title may stand in any quotes or in none, and the rest of a line is text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from tocsin.core import commands as c
from tocsin.core.reference import parse_reference

TEXT_MAX = 4000  # characters of one command; a chat sends no more
TITLE_MAX = 300


class Misunderstood(ValueError):
    """The words are no command; the text says what would be."""


class Listing(msgspec.Struct, frozen=True):
    """The open incidents."""


class Help(msgspec.Struct, frozen=True):
    """What can be said here."""


class Show(msgspec.Struct, frozen=True):
    """One incident; empty: the one that this channel is about."""

    incident: str


class Act(msgspec.Struct, frozen=True):
    """A command on an incident; empty: the one that this channel is about."""

    incident: str
    command: c.Command


class Assign(msgspec.Struct, frozen=True):
    """Give `who` (a mention, a name, `me`) a role; empty: whoever leads."""

    incident: str
    who: str
    role: str


class Open(msgspec.Struct, frozen=True):
    """A declaration. `unknown`: what looked like a priority and is no severity of any guide in force."""

    command: c.Declare
    unknown: str = ""


Asked = Listing | Help | Show | Act | Assign | Open

USAGE = """*What you can say*
`{0} create "Dashboard Outage - P1"` opens an incident; `--service checkout` and `--drill` may follow
`{0} list` shows the open incidents
`{0} show INC-2026-001` shows one
`{0} ack INC-2026-001` takes it
`{0} escalate INC-2026-001 nobody can log in` pages the next level, with the reason
`{0} update INC-2026-001 we are rolling back` posts an update; `--to customers` says to whom
`{0} assign INC-2026-001 @ben as Incident Commander` gives somebody a role
`{0} severity INC-2026-001 SEV-0 all regions are down` changes the severity, with the reason
`{0} status INC-2026-001 identified` says how far it is
`{0} begin INC-2026-001 Containment` begins a phase of the guide, `Containment / 2` its second step
`{0} done INC-2026-001 Containment / isolate` finishes a step, and without one the phase
`{0} note INC-2026-001 the disk was full` writes something down
`{0} approve INC-2026-001 1` approves what somebody asked for, by the number that `show` tells; `decline` does not
`{0} resolve INC-2026-001 rolled back` ends it
In an incident's own channel the reference can be left out."""


def parse(text: str, severities: Mapping[str, str], name: str = "/incident") -> Asked:
    """What was asked. `severities`: id -> the guide it belongs to, the first guide first. Raises Misunderstood."""
    verb, rest = _word(text[:TEXT_MAX].strip())
    match verb.casefold():
        case "" | "help" | "?":
            return Help()
        case "list" | "ls":
            return Listing()
        case "create" | "declare" | "new" | "open":
            return _opened(rest, severities, name)
    incident, rest = _reference(rest)
    match verb.casefold():
        case "show":
            return Show(incident)
        case "ack" | "acknowledge":
            return Act(incident, c.Acknowledge())
        case "unack" | "unacknowledge":
            return Act(incident, c.Unacknowledge(because=rest or "given back in the chat"))
        case "resolve" | "resolved":
            return Act(incident, c.Resolve(because=rest))
        case "reopen":
            return Act(incident, c.Reopen(because=_needed(rest, name, "reopen", "why", "it is back")))
        case "close":
            return Act(incident, c.Close(because=rest))
        case "escalate":
            return Act(incident, c.Escalate(because=_needed(rest, name, "escalate", "why", "nobody can log in")))
        case "approve":
            number, because = _request(rest, name, "approve")
            return Act(incident, c.Approve(request=number, because=because))
        case "decline":
            number, because = _request(rest, name, "decline")
            return Act(incident, c.Decline(request=number, because=because))
        case "note":
            return Act(incident, c.AddNote(text=_needed(rest, name, "note", "the note", "the disk was full")))
        case "update":
            return Act(incident, _update(rest, name))
        case "severity" | "sev":
            return Act(incident, _severity(rest, name))
        case "status":
            return Act(incident, _status(rest, name))
        case "begin" | "start":
            return Act(incident, _worked(rest, name, "begin"))
        case "done" | "finish":
            return Act(incident, _worked(rest, name, "done"))
        case "assign":
            return _assign(incident, rest, name)
    raise Misunderstood(f"`{_quoted(verb)}` is nothing I know. `{name} help` shows what is.")


def _word(text: str) -> tuple[str, str]:
    """The first word, and what follows the white space after it."""
    word, *rest = text.split(maxsplit=1) or [""]
    return word, rest[0] if rest else ""


def _reference(rest: str) -> tuple[str, str]:
    """The reference that the rest begins with, if it does."""
    word, more = _word(rest)
    known = parse_reference(word.rstrip(":,"))
    return (word.rstrip(":,").upper(), more.strip()) if known else ("", rest)


def _request(rest: str, name: str, verb: str) -> tuple[int, str]:
    """The number of what waits, and the reason."""
    number, because = _word(rest)
    if not (number.isascii() and number.isdecimal() and len(number) < 9):
        raise Misunderstood(f"Which request? Say its number: `{name} {verb} INC-2026-001 1`; `show` lists them.")
    return int(number), because


def _needed(rest: str, name: str, verb: str, what: str, example: str) -> str:
    text = unquoted(rest)
    if not text:
        raise Misunderstood(f"`{verb}` needs {what}: `{name} {verb} INC-2026-001 {example}`")
    return text


# --- create -----------------------------------------------------------------------------------------------------------

QUOTES = "\"'“”„‟«»‘’‚‹›`"
_QUOTED = re.compile(rf"\s*[{QUOTES}](?P<title>.*)[{QUOTES}](?P<options>(?:\s+[-–—]{{1,2}}\w.*)?)\s*", re.DOTALL)
_OPTIONS = re.compile(r"\s[-–—]{1,2}(?=(?:service|drill)\b)")
_PRIORITY = re.compile(r"^(?P<title>.*?)\s*(?:[-–—:,|]\s*|\s[\[(])(?P<word>[\w-]{1,20})[\])]?$", re.DOTALL)
_LIKE_PRIORITY = re.compile(r"(?:p|s|sev)-?[0-9]", re.IGNORECASE)


def unquoted(text: str) -> str:
    """Without one pair of quotes around it, straight or typographic."""
    found = _QUOTED.fullmatch(text)
    return found["title"].strip() if found and not found["options"].strip() else text.strip()


def _opened(rest: str, severities: Mapping[str, str], name: str) -> Open:
    quoted = _QUOTED.fullmatch(rest)
    title, options = (quoted["title"], quoted["options"]) if quoted else (rest, "")
    if not quoted:
        title, *more = _OPTIONS.split(f" {title}", maxsplit=1)
        options = f" --{more[0]}" if more else ""
    title = " ".join(title.strip().strip(QUOTES).split())
    service, drill = _options(options, name)
    title, severity, unknown = titled(title, severities)
    if not title:
        raise Misunderstood(f'`create` needs a title: `{name} create "Dashboard Outage - P1"`')
    if len(title) > TITLE_MAX:
        raise Misunderstood(f"the title has {len(title)} characters, expected at most {TITLE_MAX}")
    guide = severities[severity] if severity else None
    return Open(c.Declare(title=title, severity=severity, guide=guide, service=service, drill=drill), unknown)


def _options(text: str, name: str) -> tuple[str | None, bool]:
    service, drill = None, False
    words = text.split()
    while words:
        word = words.pop(0).lstrip("-–—").casefold()
        if word == "drill":
            drill = True
        elif word == "service" and words:
            service = words.pop(0).strip(QUOTES)
        else:
            raise Misunderstood(
                f"`{_quoted(word)}` is no option of `{name} create`: expected --service NAME or --drill"
            )
    return service, drill


def titled(title: str, severities: Mapping[str, str]) -> tuple[str, str | None, str]:
    """A title without the priority it ends in, that severity, and what only looked like one.

    `Dashboard Outage - P1`, `Dashboard Outage (sev1)`, `P1: Dashboard Outage`. Source: REQUIREMENTS REC-10.
    """
    ids = {_folded(each): each for each in severities}
    found = _PRIORITY.fullmatch(title)
    if found and found["title"] and (severity := ids.get(_folded(found["word"]))):
        return found["title"].strip(), severity, ""
    head, colon, rest = title.partition(":")
    if colon and rest.strip() and (severity := ids.get(_folded(head))):
        return rest.strip(), severity, ""
    word = found["word"] if found else head if colon else ""
    return title, None, word if _LIKE_PRIORITY.fullmatch(word) else ""


def _folded(word: str) -> str:
    return word.strip().casefold().replace("-", "").replace(" ", "")


# --- the others -------------------------------------------------------------------------------------------------------

_TO = re.compile(r"\s*[-–—]{1,2}to\s+(?P<audience>.+)$", re.IGNORECASE)
_STATUSES = ("investigating", "identified", "mitigating", "monitoring", "resolved")
_AS = re.compile(r"^(?:as\b\s*)", re.IGNORECASE)
_MENTION = re.compile(r"<@(?P<id>[A-Z0-9]+)(?:\|[^>]*)?>")


def _update(rest: str, name: str) -> c.PostUpdate:
    to = _TO.search(rest)
    text = _needed(rest[: to.start()] if to else rest, name, "update", "the text", "we are rolling back")
    if to:
        return c.PostUpdate(text=text, audience=unquoted(to["audience"]))
    return c.PostUpdate(text=text)


def _severity(rest: str, name: str) -> c.ChangeSeverity:
    severity, because = _word(rest)
    if not severity or not because.strip():
        example = f"`{name} severity INC-2026-001 SEV-0 all regions are down`"
        raise Misunderstood(f"`severity` needs the severity and why: {example}")
    return c.ChangeSeverity(severity=severity.strip(QUOTES), because=unquoted(because))


def _status(rest: str, name: str) -> c.ChangeStatus:
    status, because = _word(rest)
    if status.casefold() not in _STATUSES:
        got = f", got `{_quoted(status)}`" if status else ""
        raise Misunderstood(f"`status` needs one of {', '.join(_STATUSES)}{got}")
    return msgspec.convert(
        {"command": "change-status", "status": status.casefold(), "because": unquoted(because)}, c.ChangeStatus
    )


def _worked(rest: str, name: str, verb: str) -> c.Command:
    """A phase, or after a slash that stands alone a step of it, by words or by its number."""
    said = _needed(rest, name, verb, "the phase", "Containment / 2")
    phase, slash, item = f" {said} ".partition(" / ")
    if not phase.strip() or (slash and not item.strip()):
        raise Misunderstood(
            f"`{verb}` needs a phase, or a phase and a step: `{name} {verb} INC-2026-001 Containment / 2`"
        )
    begins = verb == "begin"
    if item:
        step = c.BeginItem if begins else c.FinishItem
        return step(phase=phase.strip(), item=unquoted(item))
    return c.BeginPhase(phase=phase.strip()) if begins else c.FinishPhase(phase=phase.strip())


def _assign(incident: str, rest: str, name: str) -> Assign:
    who, role = _word(rest)
    if not who:
        raise Misunderstood(f"`assign` needs a person: `{name} assign INC-2026-001 @ben as Incident Commander`")
    return Assign(incident, who, unquoted(_AS.sub("", role.strip())))


def mentioned(who: str) -> str | None:
    """The id in a mention as Slack sends it (`<@U123|ben>`), or None."""
    found = _MENTION.fullmatch(who)
    return found["id"] if found else None


def _quoted(word: str) -> str:
    """A stranger's word inside code marks, which must not end there."""
    return word.replace("`", "'")[:40]
