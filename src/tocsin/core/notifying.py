"""How a person is told: their own rules for high and low urgency, verified methods first, quiet hours for low urgency.

Rules run per page and person, whatever level the escalation is at by then; somebody whose rules still run is not told
from the start again.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tocsin.core.facts import OwedMethod
from tocsin.core.people import AFTER_SECONDS_MAX, Directory, Method, Person, usable
from tocsin.core.rotation import Restriction, active as open_at, window_at_or_after
from tocsin.core.state import Incident


def low_urgency(directory: Directory, severity: str) -> bool:
    """Whether pages of this severity can wait for the end of quiet hours."""
    return severity.casefold() in {each.casefold() for each in directory.low_urgency}


PHONE_KINDS = frozenset({"voice", "call", "phone", "sms"})  # methods that ring


def owed_methods(person: Person, now: datetime, *, low: bool = False, call: bool = False) -> tuple[OwedMethod, ...]:
    """The methods of a page to this person, in order, and when each may be tried.

    By the person's rules where they name a method that can be used, else every usable method after its own time: rules
    that lead nowhere must not silence somebody. `call`: the guide has people called, so what rings is tried at once.
    """
    methods = usable(person)
    rules = (person.rules.low or person.rules.high) if low else person.rules.high
    chosen = [(rule.after_seconds, each) for rule in rules for each in methods if _means(rule.method, each)]
    if not chosen:
        chosen = [(each.after_seconds, each) for each in methods]
    if call:
        chosen = [(after, each) for after, each in chosen if each.kind not in PHONE_KINDS]
        chosen += [(0, each) for each in methods if each.kind in PHONE_KINDS]
    found: dict[tuple[str, str, int], OwedMethod] = {}
    for after, method in sorted(chosen, key=lambda each: each[0]):
        at = now + timedelta(
            seconds=max(0, min(after, AFTER_SECONDS_MAX))
        )  # a slip must not keep an incident from opening
        not_before = _after_quiet(person, at) if low else at
        owed = OwedMethod(kind=method.kind, address=method.address, not_before=not_before)
        found.setdefault((method.kind, method.address, after), owed)
    return tuple(found.values())


def still_told(incident: Incident, person: str, now: datetime, *, low: bool = False) -> bool:
    """Whether rules of an earlier page to this person still run; those of low urgency do not count for a high one."""
    for state in incident.pages.values():
        page = state.page
        if page.person != person or page.notice or state.forgiven or (page.low and not low):
            continue
        settled = state.sent | state.failed
        if any(n not in settled and method.not_before > now for n, method in enumerate(page.methods)):
            return True
    return False


def _means(said: str, method: Method) -> bool:
    """A rule's method: a kind, or `kind:address` for one of several."""
    return said.casefold() in (method.kind, f"{method.kind}:{method.address}".casefold())


def _zone_of(person: Person) -> str:
    """Theirs, or UTC where it is none: a misspelt zone must not keep a page back."""
    try:
        return str(ZoneInfo(person.zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"


def _after_quiet(person: Person, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours that it falls into."""
    quiet = person.quiet_hours.partition("-")
    if not quiet[1]:
        return at
    start, end = (time.fromisoformat(each) for each in (quiet[0], quiet[2]))
    window = Restriction(start=start, end=end, zone=_zone_of(person))
    if not open_at(window, at):
        return at
    found = window_at_or_after(window, at)
    return found[1] if found else at
