"""A decision in the making: the facts so far, the incident after them, and what every decision may need."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tocsin.core import facts as f
from tocsin.core.escalation import pages_for
from tocsin.core.facts import AnyFact
from tocsin.core.incident import Incident, Refused, evolve
from tocsin.core.people import Directory, Person, reachable
from tocsin.core.sight import sees


class Story:
    """A decision in the making: the facts so far, and the incident after them."""

    def __init__(self, incident: Incident, facts: list[AnyFact]) -> None:
        self.incident = incident
        self.facts = facts

    def add(self, *more: AnyFact) -> None:
        for fact in more:
            self.incident = evolve(self.incident, fact)
            self.facts.append(fact)


def notify(
    story: Story,
    audience: str,
    because: str,
    people: list[Person],
    directory: Directory,
    now: datetime,
    *,
    key: str,
    notice: bool = True,
    call: bool = False,
    otherwise: f.PromiseMissed | None = None,
) -> None:
    """A page or a notice is owed to people; where it was promised, and none of them can be reached, `otherwise` is so.
    A notice about a private incident goes to those who see it, else to those that it names: whoever must not know of it
    is not told."""
    named = story.incident.restricted
    if notice and named is not None:
        knowing = [each for each in people if sees(story.incident, directory, each.id)]
        people = knowing or [each for name, each in directory.people.items() if people and name in named.people]
    reached = [each for each in people if reachable(each)]
    pages = pages_for(story.incident, reached, now, notice=notice, call=call)
    if otherwise is not None and not pages:
        story.add(otherwise)
    elif pages or key:
        promised_at = otherwise.due_at if otherwise else None
        story.add(f.Notified(at=now, audience=audience, because=because, pages=pages, key=key, promised_at=promised_at))


def forgive(story: Story, because: str, now: datetime, *, promised: bool = False) -> None:
    """What is still owed is not sent any more. Notices that the guide promised are, unless `promised` goes too: that
    somebody has it, or that it is over, is no reason why those who were to hear of it do not."""
    incident = story.incident
    kept = {page for of in incident.telling.values() for page in of.pages if incident.pages[page].page.notice}
    owed = tuple(name for name, state in incident.pages.items() if state.owed and (promised or name not in kept))
    if owed:
        story.add(f.PagesForgiven(at=now, pages=owed, because=because))


def command_name(command: Any) -> str:
    """The command in words, as errors and the timeline say it."""
    tag = str(type(command).__struct_config__.tag)
    return "merge another into it" if tag == "absorb" else tag.replace("-", " ")


def must_be_open(incident: Incident, command: Any) -> None:
    if not incident.open:
        raise Refused(f"cannot {command_name(command)}: {incident.reference} is {incident.status}")


def must_not_be_closed(incident: Incident, command: Any) -> None:
    if incident.status == "closed":
        raise Refused(f"cannot {command_name(command)}: {incident.reference} is closed")
