"""Who hears that Tocsin itself is in trouble, or that a limit is met: directly, past the engine, which may be what is
late."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from tocsin.core.people import Person, who
from tocsin.delivery import Delivery
from tocsin.guides import read_directory
from tocsin.ports import Store
from tocsin.setting.config import Config

log = logging.getLogger(__name__)


def watchers(store: Store, config: Config, tenant: str) -> list[Person]:
    """The person the configuration names, else its last resort, else the stored one."""
    directory = config.directory
    names = [config.watchdog_person] if config.watchdog_person else list(directory.last_resort)
    if names:
        return [directory.people[name] for name in names if name in directory.people]
    stored = read_directory(store, tenant)
    return list(who(stored, stored.last_resort)) if stored.last_resort else []


async def tell(delivery: Delivery, people: Iterable[Person], text: str) -> None:
    """Everybody was told by every method."""
    for person in people:
        for method in person.methods:
            if method.enabled:
                receipt = await delivery.trial(person, method, text)
                log.error("watchdog: told %s by %s: %s", person.id, method.kind, receipt.code)
