"""What was changed shortly before an incident: deployments of its services, and of what those depend on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from tocsin.core.annotated import web_address
from tocsin.core.people import Service
from tocsin.core.texts import one_line, shortened

BEFORE = timedelta(hours=2)
CHANGES_MAX = 10  # newest first; /api/changes has all of them
RELATED_MAX = 200  # services: a web of dependencies is followed so far
TEXT_MAX = 200
NAMES = (
    "service",
    "component",
    "app",
    "application",
    "deployment",
    "job",
    "source",
)  # labels that say what was changed


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A change as a source told of it, as far as it is read here."""

    text: str = ""
    source: str = ""
    labels: dict[str, str] = {}
    url: str = ""
    at: datetime


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`what`: the service it names, empty if it names none. `url`: a web address, or empty."""

    at: datetime
    text: str
    what: str = ""
    source: str = ""
    url: str = ""


def related(names: Iterable[str], services: Mapping[str, Service]) -> frozenset[str]:
    """These services and all that they depend on, at whatever distance: ids, names and components in lower case."""
    by_name = {word.casefold(): each for each in services.values() for word in (each.id, each.name) if word}
    waiting = list(names)
    found: dict[str, None] = {}
    while waiting and len(found) < RELATED_MAX:
        name = waiting.pop(0).casefold()
        if name in found:
            continue
        found[name] = None
        service = by_name.get(name)
        if service is not None:
            waiting += service.depends_on
            found |= dict.fromkeys(word.casefold() for word in (service.id, service.name, *service.components) if word)
    return frozenset(found)


def recent(
    told: Iterable[Told], names: Iterable[str], services: Mapping[str, Service], began: datetime, until: datetime
) -> tuple[Change, ...]:
    """The newest `CHANGES_MAX` changes from `BEFORE` it began to `until`, newest first.

    Of the services in `names` and what they depend on, and those that name no service at all; without names, every one.
    """
    wanted = related(names, services)
    known = {word.casefold() for each in services.values() for word in (each.id, each.name, *each.components) if word}
    found = []
    for each in told:
        if (
            began - each.at > BEFORE or each.at > until
        ):  # no instant is made: people may say that it began in the year 1
            continue
        said = [each.labels[name] for name in NAMES if each.labels.get(name)]
        ours = next((word for word in said if word.casefold() in wanted), "")
        elsewhere = "service" in each.labels or any(word.casefold() in known for word in said)
        if ours or not wanted or not elsewhere:
            found.append((each, ours or (said[0] if said and elsewhere else "")))
    newest = sorted(found, key=lambda row: row[0].at, reverse=True)[:CHANGES_MAX]
    return tuple(
        Change(
            at=each.at,
            text=shortened(one_line(each.text), TEXT_MAX) or "changed",
            what=shortened(one_line(what), 80),
            source=shortened(one_line(each.source), 80),
            url=web_address(each.url),
        )
        for each, what in newest
    )
