"""What tocsin.toml and `--guide` say, written into the store at start.

The file wins over what was changed elsewhere, for what it names; what it named once and names no more is removed.
A guide activates at once on an empty store; a later change is offered and waits for somebody to activate it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import msgspec

from tocsin.confirming import as_confirmed
from tocsin.core.hooks import HOOK
from tocsin.core.monitor import MONITOR, Monitor
from tocsin.core.people import Person
from tocsin.core.policy import BusinessHours, Policy, digest
from tocsin.devices import keeping_devices
from tocsin.guidefile import GuideFile, with_hours
from tocsin.guides import LAST_RESORT, PAGING, Guides, Offered, PagingSettings
from tocsin.http.sources import SOURCE, Source, token_digest
from tocsin.ports import DEFAULT_TENANT, Store
from tocsin.saying.composing import AUDIENCE
from tocsin.setting.config import Config
from tocsin.standing import disabled

CONFIGURED = ("setting", "configured")  # which documents came from the file
CHANGES_SAID = 20  # of one changed guide, at start; the rest is asked for


def furnish(store: Store, config: Config, tenant: str = DEFAULT_TENANT) -> None:
    """The store holds what the file says about people, services, bindings, sources, monitors, hooks and audiences."""
    wanted = dict(_documents(config, store, tenant))
    kind, name = CONFIGURED
    stored = store.get(tenant, kind, name)
    before = {tuple(each) for each in msgspec.json.decode(stored)} if stored else set()
    for key in before - wanted.keys():
        store.delete(tenant, *key)
    for key, value in wanted.items():
        if store.get(tenant, *key) != value:
            store.put(tenant, *key, value)
    if set(wanted) != before or stored is None:
        store.put(tenant, kind, name, msgspec.json.encode(sorted(wanted)))


def _as_known(store: Store, tenant: str, person: Person) -> Person:
    """The file's word on a person, but for devices, and for whom the identity provider has deactivated."""
    known = keeping_devices(person, store.get(tenant, "person", person.id))
    return msgspec.structs.replace(known, active=False) if disabled(store, tenant, person.id) else known


def _documents(config: Config, store: Store, tenant: str) -> list[tuple[tuple[str, str], bytes]]:
    directory = config.directory
    found: list[tuple[str, str, Any]] = [
        ("person", name, _as_known(store, tenant, person)) for name, person in directory.people.items()
    ]
    found += [("team", name, team) for name, team in directory.teams.items()]
    found += [("service", name, service) for name, service in directory.services.items()]
    found += [("binding", name, means) for name, means in directory.bindings.items()]
    if directory.last_resort:
        found.append(("binding", LAST_RESORT, directory.last_resort))
    settings = PagingSettings(
        low_urgency=directory.low_urgency,
        unverified=directory.unverified,
        channel_test_seconds=config.channel_test_seconds,
    )
    if settings != PagingSettings():
        found.append((*PAGING, settings))
    for setting in config.sources:
        source = Source(
            name=setting.name,
            kind=setting.kind,
            token_sha256=token_digest(setting.token),
            tenant=tenant,
            service=setting.service,
            mapping=setting.mapping,
            secret=setting.secret,
        )
        found.append((SOURCE, setting.name, source))
    found += [(HOOK, each.name, each) for each in config.hooks]
    found += [(AUDIENCE, each.id, each) for each in config.audiences]
    for each in config.monitors:
        values = {name: getattr(each, name) for name in each.__struct_fields__}
        known = store.get(tenant, MONITOR, each.id)  # a restart is no new beginning for an armed monitor
        since = msgspec.json.decode(known, type=Monitor).created_at if known else store.now()
        found.append((MONITOR, each.id, msgspec.convert(values | {"created_at": since}, Monitor)))
    return [((kind, name), msgspec.json.encode(value)) for kind, name, value in found]


def put_guides(
    guides: Guides, store: Store, files: Sequence[GuideFile], tenant: str, hours: BusinessHours | None = None
) -> list[str]:
    """What happened to each guide, in sentences: activated, unchanged, or offered with what it would change.

    `hours`: the calendar of a guide that states none.
    """
    empty = not guides.active(tenant)
    said = []
    for file in files:
        given = with_hours(file, hours)
        given = msgspec.structs.replace(given, policy=as_confirmed(store, tenant, given.name, given.policy))
        active = {guide.name: guide for guide in guides.active(tenant)}
        in_force = active.get(given.name)
        if in_force and digest(in_force.policy) == digest(given.policy):  # as this release writes both of them
            guides.withdraw(tenant, given.name)
            said.append(f"guide {given.name}: in force, unchanged")
        elif empty and given.status == "active":
            guides.activate(tenant, given.name, given.policy)
            said.append(f"guide {given.name}: activated, {len(given.policy.severities)} severities")
        elif not given.policy.severities:
            said.append(f"guide {given.name}: not offered, it is no policy ({given.status})")
        else:
            changes = _changes(in_force.policy, given.policy) if in_force else []
            said += _offer(guides, store, given, tenant, changes, new=in_force is None)
    return said


def _changes(old: Policy, new: Policy) -> list[str]:
    """What would change, in sentences. The comparison is loaded when there is something to compare."""
    return [change.text for change in import_module("tocsin.guide.difference").difference(old, new)]


def _offer(
    guides: Guides, store: Store, given: GuideFile, tenant: str, changes: Sequence[str], *, new: bool
) -> list[str]:
    offer = Offered(
        name=given.name,
        digest=digest(given.policy),
        at=store.now(),
        file=given.file,
        status=given.status,
        findings=len(given.policy.findings),
        changes=tuple(changes),
    )
    guides.offer(tenant, given.policy, offer)
    verb = "is new" if new else "changed"
    if given.status != "active":
        verb += f" ({given.status})"
    return [
        f"guide {given.name}: {verb} and waits: tocsin guide activate {given.name}",
        *(f"  {change}" for change in changes[:CHANGES_SAID]),
    ]
