"""What people's directory and schedules lack before it matters: gaps, people who left, methods that fail (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tocsin.core.contact import TESTED_STALE, Contacts
from tocsin.core.people import Directory, person_named, reachable
from tocsin.core.readiness import Gap, Level
from tocsin.core.schedule import coverage_gaps, named_in, on_call, shifts

AHEAD = timedelta(days=30)


def upkeep(directory: Directory, contacts: Mapping[str, Contacts], now: datetime, *, tested: bool) -> list[Gap]:
    """Everything found, errors first. `tested`: whether contact methods are tested regularly here."""
    found = [*_schedules(directory, now), *_left(directory), *_contacts(directory, contacts, now, tested=tested)]
    return sorted(found, key=lambda each: ("error", "warning", "note").index(each.level))


def _schedules(directory: Directory, now: datetime) -> Iterator[Gap]:
    for name, schedule in directory.schedules.items():
        gaps = coverage_gaps(schedule, now, now + AHEAD)
        if gaps:
            first = gaps[0]
            more = f", and {len(gaps) - 1} more within 30 days" if len(gaps) > 1 else ""
            level: Level = "warning" if on_call(schedule, now) else "error"
            when = f"from {first.start:%Y-%m-%d %H:%M} to {first.end:%Y-%m-%d %H:%M} UTC"
            yield Gap(check="schedule", level=level, text=f"schedule {name}: nobody is on call {when}{more}")
        silent: dict[str, datetime] = {}
        for shift in shifts(schedule, now, now + AHEAD):
            person = person_named(directory, shift.person)
            if person is None or not person.active or not reachable(person):
                silent.setdefault(shift.person, shift.start)
        for who, start in silent.items():
            person = person_named(directory, who)
            why = "is not in the directory" if person is None else "cannot be reached"
            why = "has left" if person is not None and not person.active else why
            text = f"schedule {name}: {who} {why} and is on call from {start:%Y-%m-%d %H:%M} UTC"
            yield Gap(check="schedule", level="warning", text=text)


def _left(directory: Directory) -> Iterator[Gap]:
    """People who are not active any more, where something still names them."""
    for person in directory.people.values():
        if person.active:
            continue
        places = [f"team {each.id}" for each in directory.teams.values() if person.id in (*each.members, each.lead)]
        places += [f"service {each.id}" for each in directory.services.values() if each.owner == person.id]
        places += [
            f"the binding {word}"
            for word, means in directory.bindings.items()
            if person.id in [each.removeprefix("person:") for each in means]
        ]
        places += [
            f"schedule {name}"
            for name, each in directory.schedules.items()
            if {person.id.casefold(), person.name.casefold()} & {who.casefold() for who in named_in(each)}
        ]
        if places:
            yield Gap(check="person", level="warning", text=f"{person.id} has left and stands in {', '.join(places)}")


def _contacts(directory: Directory, contacts: Mapping[str, Contacts], now: datetime, *, tested: bool) -> Iterator[Gap]:
    for person in directory.people.values():
        if not person.active:
            continue
        known = contacts.get(person.id, Contacts())
        for method in person.methods:
            if not method.enabled:
                continue
            found = known.of(method)
            if method.held:
                text = f"{person.id}: {method.kind} is not used, it was never verified"
                yield Gap(check="contact", level="warning", text=text)
            elif method.verified_at is None:
                yield Gap(check="contact", level="note", text=f"{person.id}: {method.kind} was never verified")
            if found is not None and found.tested_ok is False:
                when = f"{found.tested_at:%Y-%m-%d}" if found.tested_at else ""
                text = f"{person.id}: the test by {method.kind} failed on {when}: {found.tested_detail}"
                yield Gap(check="channel", level="warning", text=text)
            elif tested and found is not None and now > (found.tested_at or found.seen_at) + TESTED_STALE:
                text = f"{person.id}: {method.kind} was not tested for {TESTED_STALE.days} days"
                yield Gap(check="channel", level="warning", text=text)
