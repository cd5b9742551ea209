"""What a scenario expects, compared with what happened; exact to the second.

at +15m: paged ben, cleo          at +15m: not paged ana         at +1h: told customers
at +15m: escalated level 2        at +5m: passed level 1         at +1h: nobody reached
at +15m: missed respond           at +12m: at risk respond       at +0: owed update customers
at +1h: severity SEV-1            at end: status resolved        at +7m: acknowledged by ana
at +9m: nothing                   at +1h: reopened               at +2h: (any fact, in words)
promise respond kept              promise respond: missed        promise respond due_at 2026-12-28 17:00
promise respond kept at +7m       paged ana 3 times              never paged dora
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from tocsin.core.incident import Incident, fold
from tocsin.core.promises import Promise
from tocsin.rehearsal.rehearsal import Event, Played
from tocsin.rehearsal.rehearsed import Checked
from tocsin.rehearsal.scenario import Expected
from tocsin.rehearsal.walls import moment, offset

_AT = re.compile(r"at (?P<when>.+?)\s*:\s+(?P<claim>.+)", re.I)
_PROMISE = re.compile(
    r"promise (?P<name>.+?):?\s+(?:(?P<state>kept|missed|waived|open|at risk)(?:\s+at (?P<when>.+))?"
    r"|due(?:_at| at)?:?\s+(?P<due>.+))",
    re.I,
)
_TIMES = re.compile(r"paged (?P<who>.+?):?\s+(?P<count>[0-9]+) times?", re.I)
_NEVER = re.compile(r"never paged:?\s+(?P<who>.+)", re.I)
_LEVEL = re.compile(r"(?P<verb>escalated|passed)(?: to)? level (?P<level>[0-9]+)", re.I)
_FORMS = "at TIME: ..., promise NAME kept|missed|waived|open|at risk|due_at TIME, paged NAME N times, never paged NAME"


class Unclear(ValueError):
    """The sentence is none that can be checked."""


def check(expectations: Iterable[Expected], played: Played, zone: ZoneInfo, name: str) -> list[Checked]:
    """Every expectation against what happened. Raises ValueError naming file and line of a sentence that is none."""
    found, wrong = [], []
    for each in expectations:
        try:
            expected, got = _judged(each.text, played, zone)
        except ValueError as error:
            wrong.append(f"{name}:{each.line}: {error}")
            continue
        passed = got is None
        found.append(Checked(name=each.text, line=each.line, passed=passed, expected=expected, got=got or expected))
    if wrong:
        raise ValueError("\n".join(wrong))
    return found


def _judged(text: str, played: Played, zone: ZoneInfo) -> tuple[str, str | None]:
    """What is expected in full, and what came instead (None: as expected)."""
    said = " ".join(text.split())
    if match := _AT.fullmatch(said):
        when = match["when"]
        at = played.until if when.casefold() == "end" else moment(when, played.opened_at, zone)
        return _at(match["claim"], at, played, zone, ended=when.casefold() == "end")
    if match := _PROMISE.fullmatch(said):
        return _promise(match, played, zone)
    if match := _TIMES.fullmatch(said):
        pages = [each for each in _paging(played.events) if _named(match["who"], each.people)]
        expected = f"{match['who']} paged {match['count']} times"
        times = ", ".join(offset(each.at, played.opened_at) for each in pages)
        return expected, None if len(pages) == int(match["count"]) else f"{len(pages)} times ({times or 'never'})"
    if match := _NEVER.fullmatch(said):
        pages = [each for each in _paging(played.events) if _named(match["who"], each.people)]
        times = ", ".join(_clock(each.at, played, zone) for each in pages)
        return f"{match['who']} is never paged", f"paged at {times}" if pages else None
    raise Unclear(f"expected {_FORMS}, got {text!r}")


# --- at an instant ----------------------------------------------------------------------------------------------------


def _at(claim: str, at: datetime, played: Played, zone: ZoneInfo, *, ended: bool) -> tuple[str, str | None]:
    events = [each for each in played.events if each.at == at]
    where = "at the end" if ended else f"at {_clock(at, played, zone)}"
    expected = f"{claim} {where}"
    holds, similar = _claim(claim, at, played)
    if holds(events):
        return expected, None
    got = "; ".join(each.text for each in events if each.kind != "done" or not similar(each)) or "nothing"
    others = [_clock(each.at, played, zone) for each in played.events if similar(each) and each.at != at]
    if claim.casefold().startswith(("status ", "severity ", "acknowledged by ")):
        state = _state(played, at)
        got = f"status {state.status}, severity {state.severity}, acknowledged by {state.acknowledged_by or 'nobody'}"
    return expected, f"{got} {where}" + (f"; it is so at {', '.join(others[:5])}" if others else "")


Holds = Callable[[list[Event]], bool]


def _claim(claim: str, at: datetime, played: Played) -> tuple[Holds, Callable[[Event], bool]]:
    """Whether the events of the instant are as claimed, and which events elsewhere would be."""
    folded = claim.casefold()
    if folded == "nothing":
        return (lambda events: not events), lambda event: False
    for prefix, kinds in (("paged ", ("paged", "nobody")), ("told ", ("told", "paged"))):
        if folded.startswith(prefix):
            return _people_hold([each.strip() for each in claim[len(prefix) :].split(",")], kinds)
    if folded.startswith("not paged "):
        names = [each.strip() for each in claim[len("not paged ") :].split(",")]
        return (lambda events: not any(_named(each, e.people) for e in _paging(events) for each in names)), _no
    if match := _LEVEL.fullmatch(claim):
        kind, level = "paged" if match["verb"].casefold() == "escalated" else "passed", int(match["level"])
        return _some(lambda event: event.kind == kind and event.level == level)
    if folded in ("nobody reached", "nobody is reached"):
        return _some(lambda event: event.kind == "nobody")
    for kind in ("owed", "at risk", "kept", "missed", "waived"):
        if folded.startswith(f"{kind} "):
            return _some(partial(_concerns, kind, claim[len(kind) + 1 :]))
    if folded.startswith(("status ", "severity ", "acknowledged by ")):
        word, _, value = claim.rpartition(" ")
        return (lambda events: _is(_state(played, at), word.casefold(), value)), _no
    return _done(folded, played)


def _done(folded: str, played: Played) -> tuple[Holds, Callable[[Event], bool]]:
    """A fact in words: `reopened`, `severity changed`, `snoozed`."""
    tags = {_spaced(type(fact).__name__) for fact in played.facts} | _KNOWN
    if folded not in tags:
        raise Unclear(f"expected something that can be seen at an instant, got {folded!r}")
    instants = {fact.at for fact in played.facts if _spaced(type(fact).__name__) == folded}
    return (lambda events: any(each.at in instants for each in events)), lambda event: event.at in instants


_KNOWN = {"acknowledged", "unacknowledged", "snoozed", "resolved", "reopened", "severity changed", "update posted",
          "closed", "status changed", "person unreachable"}  # fmt: skip


def _spaced(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).casefold()


def _some(holds: Callable[[Event], bool]) -> tuple[Holds, Callable[[Event], bool]]:
    return (lambda events: any(holds(each) for each in events)), holds


def _people_hold(names: list[str], kinds: tuple[str, ...]) -> tuple[Holds, Callable[[Event], bool]]:
    def holds(events: list[Event]) -> bool:
        people = [person for each in events if each.kind in kinds for person in each.people]
        return all(_named(name, people) for name in names)

    return holds, lambda event: event.kind in kinds and _named(names[0], event.people)


def _concerns(kind: str, about: str, event: Event) -> bool:
    return event.kind == kind and _about(about, event.promise, event.about)


def _no(event: Event) -> bool:
    return False


def _paging(events: Iterable[Event]) -> list[Event]:
    return [each for each in events if each.kind in ("paged", "nobody")]


def _named(name: str, people: Iterable[str]) -> bool:
    return name.strip().casefold() in [person.casefold() for person in people]


def _is(state: Incident, word: str, value: str) -> bool:
    held = {"status": state.status, "severity": state.severity, "acknowledged by": state.acknowledged_by or "nobody"}
    return held[word].casefold() == value.casefold()


def _state(played: Played, at: datetime) -> Incident:
    state = fold(fact for fact in played.facts if fact.at <= at)
    if state is None:
        raise Unclear(f"expected an instant after the opening, got {at.isoformat()}")
    return state


# --- promises ---------------------------------------------------------------------------------------------------------


def _promise(match: re.Match[str], played: Played, zone: ZoneInfo) -> tuple[str, str | None]:
    name = match["name"]
    found = [each for each in played.ledger if _about(name, each.rule, each.text.partition(" (")[0])]
    got = "; ".join(_stands(each, played, zone) for each in found) or f"no promise {name!r}: {_names(played.ledger)}"
    if match["due"]:
        due_at = moment(match["due"], played.opened_at, zone)
        expected = f"{name} due at {_clock(due_at, played, zone)}"
        return expected, None if any(each.due_at == due_at for each in found) else got
    state = match["state"].casefold()
    expected = f"{name} {state}"
    held = [each for each in found if each.state == state or (state == "open" and each.state == "at risk")]
    if match["when"]:
        at = moment(match["when"], played.opened_at, zone)
        expected += f" at {_clock(at, played, zone)}"
        held = [each for each in held if (each.kept_at if state == "kept" else each.due_at) == at]
    broken = state == "kept" and not match["when"] and any(each.state == "missed" for each in found)
    return expected, None if held and not broken else got


def _about(name: str, rule: str, text: str) -> bool:
    """Whether a promise goes by this name: its rule with or without the severity, or its words."""
    said = name.strip().casefold()
    parts = rule.casefold().split(":")
    return said in (rule.casefold(), parts[0], " ".join(parts[:2]), text.strip().casefold())


def _stands(promise: Promise, played: Played, zone: ZoneInfo) -> str:
    due = f", due at {_clock(promise.due_at, played, zone)}" if promise.due_at else ", without a due time"
    kept = f" at {_clock(promise.kept_at, played, zone)}" if promise.kept_at else ""
    return f"{promise.rule} {promise.state}{kept}{due}"


def _names(ledger: Iterable[Promise]) -> str:
    return "there are " + (", ".join(dict.fromkeys(each.rule for each in ledger)) or "none")


def _clock(at: datetime, played: Played, zone: ZoneInfo) -> str:
    wall = at.astimezone(zone)
    return f"{offset(at, played.opened_at)} ({wall:%Y-%m-%d %H:%M:%S})"
