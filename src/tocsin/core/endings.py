"""What ends a promise: that it was kept, or that the incident was over. What was not done is not kept.

Source: docs/decisions/0201-what-was-not-done-is-not-kept.md
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal, NamedTuple

from tocsin.core.carried import SAID, Carried
from tocsin.core.facts import TOCSIN
from tocsin.core.policy import Rule
from tocsin.core.state import Incident, Mark, Telling
from tocsin.core.windows import Windowed, worked_through

OVER = "the incident was over before it was due"
UNSENT = "it was over before anybody could be told"
ENDS_WITH_THE_RESOLUTION = frozenset(
    {"opened", "severity", "assessed", "acknowledged", "mitigated", "updated", "confirmed"}
)
COMES_AFTER = frozenset({"closed", "review_scheduled", "review_held", "done"})  # what these end is done after the end
EXTERNAL = "external:"  # begins the id of a rule that brings somebody in, which is pointless once it is over


class End(NamedTuple):
    """When a promise ended, and whether by what was promised."""

    at: Mark
    kept: bool


def end_of(incident: Incident, rule: Rule, start: Mark | None, due_at: datetime | None = None) -> End | None:
    """What ended the promise that `rule` makes since `start`, or None while it runs. `due_at`: of one that is kept by
    how things stand when its time is over."""
    kept = _kept(incident, rule, start, due_at)
    over = None if kept else _over(incident, rule, start)
    return End(kept, True) if kept else End(over, False) if over else None


def _kept(incident: Incident, rule: Rule, start: Mark | None, due_at: datetime | None) -> Mark | None:
    """The moment at which what was promised was done."""
    moments = incident.moments
    if type(rule) is Carried and rule.done:
        return moments.get(rule.done)
    if type(rule) is Windowed and worked_through(incident, rule):
        return start  # when it was does not matter: no promise was made
    match rule.until:
        case None:
            return None
        case "updated":
            told = moments.get(f"updated:{rule.act.audience.casefold()}" if rule.act.audience else "updated")
            return told if told and start and told.version > start.version else None
        case "done":
            done = moments.get(f"done:{rule.id}")
            return done if done and start and done.version > start.version else None
        case "staffed":
            return _staffed(incident, rule.id.partition(":")[2].casefold(), start, due_at)
        case "acknowledged":
            return moments.get("responded") or (moments.get("resolved") if _by_a_person(incident) else None)
        case "mitigated":
            return moments.get("mitigated") or moments.get("resolved")
        case "resolved" if rule.act.audience:
            return _told_the_end(incident, rule)
        case _:
            return moments.get(rule.until)


def _staffed(incident: Incident, role: str, start: Mark | None, due_at: datetime | None) -> Mark | None:
    """Since when the role has been held, or was when its time was over: handing it over later breaks no promise."""
    if due_at is not None and start is not None:
        for since, until in incident.held.get(role, ()):
            if until.version > start.version and since.at <= due_at < until.at:
                return since
    return incident.moments.get(f"staffed:{role}")


def tried(incident: Incident, telling: Telling) -> Literal["kept", "open", "missed", "waived"]:
    """What has become of telling somebody, as receipts say: a page that is owed has told nobody yet."""
    pages = [incident.pages[page] for page in telling.pages]
    if any(page.arrived for page in pages):
        return "kept"
    if any(page.owed for page in pages):
        return "open"
    return "waived" if any(page.forgiven for page in pages) else "missed"


def _by_a_person(incident: Incident) -> bool:
    """Whether a person ended it: alerts that clear by themselves are nobody's response."""
    by = incident.resolved_by
    return by is not None and by != TOCSIN and not by.startswith("source:")


def _told_the_end(incident: Incident, rule: Rule) -> Mark | None:
    """News until the resolution end with the news of it. What somebody promised to say after it is still to come."""
    told, resolved = incident.moments.get(f"updated:{rule.act.audience.casefold()}"), incident.moments.get("resolved")
    after = told and resolved and told.version > resolved.version
    return told if after and not rule.id.startswith(SAID) else None


def _over(incident: Incident, rule: Rule, start: Mark | None) -> Mark | None:
    """The end of the incident, where it ends the promise too."""
    if incident.status not in ("resolved", "closed") or (type(rule) is Carried and rule.done):
        return None
    ended = incident.moments.get("resolved") or incident.moments.get("closed")
    if rule.start not in ENDS_WITH_THE_RESOLUTION or rule.until in COMES_AFTER or ended is None:
        return None
    if rule.id.startswith(SAID) and start and start.version > ended.version:
        return None
    return None if _stands(rule) and not (incident.false_positive or incident.drill) else ended


def _stands(rule: Rule) -> bool:
    """Whether it is owed though the incident is over: an audience is to hear that it happened."""
    return rule.until == "updated" and bool(rule.act.audience) and not rule.id.startswith(EXTERNAL)
