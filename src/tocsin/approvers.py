"""Who may release what waits for a second person, and can be told so."""

from __future__ import annotations

from tocsin import standing
from tocsin.core.access import ANYTHING, Action, Resource, commanders, may
from tocsin.core.escalation import LAST_RESORT_MAX
from tocsin.core.incident import Incident
from tocsin.core.people import Directory, Person, reachable
from tocsin.core.sight import sees
from tocsin.engine import Engine
from tocsin.ports import Store


def approvers(
    store: Store, tenant: str, directory: Directory, action: Action, by: str, incident: Incident | None = None
) -> list[Person]:
    """Everybody but `by` who may do this, can be reached and, where it is about an incident, sees that. Whoever
    commands it comes first; there are no more than are told of anything at once."""
    commanding = commanders(incident.roles) if incident else frozenset()
    resource = Resource(commanders=commanding) if incident else ANYTHING
    found = []
    for person in directory.people.values():
        if person.id == by or not reachable(person) or standing.disabled(store, tenant, person.id):
            continue
        actor = standing.of_person(store, tenant, person, "")
        seen = incident is None or bool(actor.emergency) or sees(incident, directory, person.id)
        if seen and may(actor, action, resource):
            found.append(person)
    return sorted(found, key=lambda each: each.id not in commanding)[:LAST_RESORT_MAX]


class Approvers:
    """Who is told of a command that waits on an incident, as the engine asks for them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, tenant: str, incident: Incident, by: str) -> list[str]:
        engine = self._engine
        found = approvers(engine.store, tenant, engine.directory(tenant), "incident.approve", by, incident)
        return [each.id for each in found]
