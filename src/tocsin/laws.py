"""The packs of regulatory clocks: those that ship, those that were loaded, and which of them are switched on.

A pack is a YAML file of obligations with their sources. One that was loaded replaces the shipped one of the same id.
Nothing runs until somebody switches a pack on.
"""

from __future__ import annotations

import functools
import re
from datetime import date
from importlib import import_module
from importlib.resources import files

import msgspec

from tocsin.core.calendar import BusinessTime
from tocsin.core.policy import BusinessHours
from tocsin.core.regulatory import LATEST, SUBMITTED, Enabled, InForce, Law, Obligation, Pack, runs
from tocsin.holidays_data import calendar_of
from tocsin.ports import Store

PACK = "pack"  # kinds of document: a pack that was loaded, and what is switched on
ENABLED = "regulatory"
UNITS = ("hour", "calendar_day", "business_day", "month")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

# When a day of filing ends: the authority's office hours, because early is safe and late is not.
_CALENDARS: dict[str, BusinessHours] = {
    "US-federal": BusinessHours(zone="America/New_York", closes="17:30", country="US"),
    "AU": BusinessHours(zone="Australia/Sydney", country="AU"),
    "BR": BusinessHours(zone="America/Sao_Paulo", country="BR"),
}


@functools.lru_cache(maxsize=1)
def shipped() -> dict[str, str]:
    """The text of every pack that ships, by id."""
    folder = files("tocsin").joinpath("packs")
    found = {each.name.removesuffix(".yaml"): each for each in folder.iterdir() if each.name.endswith(".yaml")}
    return {name: found[name].read_text("utf-8") for name in sorted(found)}


def read_pack(text: str, name: str) -> Pack:
    """The pack of a YAML text. Raises ValueError with everything that is wrong, each with the file's name and line."""
    yamltext = import_module("tocsin.yamltext")  # a server that reads no pack starts without YAML
    try:
        node = yamltext.read(text)
    except yamltext.TextError as error:
        raise ValueError(f"{name}:{error.line}: {error.message}") from None
    pack, problems, lines = import_module("tocsin.policyfile").read_as(node, Pack, name)
    if not isinstance(pack, Pack):
        raise ValueError("\n".join(str(each) for each in problems) or f"{name}:1: expected a pack")
    wrong = [(lines.get(path, 1), f"{path}: {text}") for path, text in flaws(pack)]
    if wrong:
        raise ValueError("\n".join(f"{name}:{line}: {text}" for line, text in sorted(wrong)))
    return pack


def flaws(pack: Pack) -> list[tuple[str, str]]:
    """What cannot be, with the path of the field."""
    found: list[tuple[str, str]] = []
    if not _NAME.fullmatch(pack.id):
        found.append(("id", f"expected small letters, digits and dashes, got {pack.id!r}"))
    found += [("as_of", text) for text in _day_flaw(pack.as_of)]
    known = [each.id for each in pack.obligations]
    for n, each in enumerate(pack.obligations):
        path = f"obligations[{n}]"
        if known.count(each.id) > 1:
            found.append((f"{path}.id", f"expected an id of its own, {each.id!r} stands there twice"))
        found += [(f"{path}.deadline.{field}", text) for field, text in _limit_flaws(each, known)]
        found += [(f"{path}.in_force_since", text) for text in _day_flaw(each.in_force_since or pack.as_of)]
        if not each.recipients:
            found.append((f"{path}.recipients", "expected at least one recipient, got none"))
    return found


def _limit_flaws(each: Obligation, known: list[str]) -> list[tuple[str, str]]:
    limit = each.deadline
    found = []
    if limit.unit in UNITS and (limit.amount is None or not 0 < limit.amount <= 10_000):
        found.append(("amount", f"expected a number from 1 to 10000 of {limit.unit}, got {limit.amount}"))
    if limit.unit not in UNITS and limit.amount is not None:
        found.append(("amount", f"expected none, {limit.unit} has no number, got {limit.amount}"))
    if limit.cap and not 0 < limit.cap.hours <= 10_000:
        found.append(("cap.hours", f"expected a number from 1 to 10000, got {limit.cap.hours}"))
    event = limit.from_event
    if event.startswith(SUBMITTED) and event.removeprefix(SUBMITTED).removesuffix(LATEST) not in known:
        found.append(("from_event", f"expected the id of an obligation of this pack, got {event!r}"))
    if not event.startswith(SUBMITTED) and not re.fullmatch(r"[a-z0-9_]{1,80}", event):
        found.append(("from_event", f"expected small letters, digits and _, got {event!r}"))
    return found


def _day_flaw(text: str) -> list[str]:
    try:
        date.fromisoformat(text)
    except ValueError:
        return [f"expected a day such as 2026-11-21, got {text!r}"]
    return []


def packs_of(store: Store, tenant: str) -> dict[str, Pack]:
    """Every pack there is, by id."""
    found = {name: _shipped_pack(name) for name in shipped()}
    found |= {name: msgspec.json.decode(body, type=Pack) for name, body in store.items(tenant, PACK)}
    return dict(sorted(found.items()))


def pack_of(store: Store, tenant: str, name: str) -> Pack | None:
    """The pack with this id, or None."""
    body = store.get(tenant, PACK, name)
    if body is not None:
        return msgspec.json.decode(body, type=Pack)
    return _shipped_pack(name) if name in shipped() else None


@functools.lru_cache(maxsize=100)
def _shipped_pack(name: str) -> Pack:
    return read_pack(shipped()[name], f"{name}.yaml")


def enabled_of(store: Store, tenant: str) -> dict[str, Enabled]:
    """What is switched on, by the pack's id."""
    return {name: msgspec.json.decode(body, type=Enabled) for name, body in store.items(tenant, ENABLED)}


class Laws:
    """What is switched on, decoded once; `of` says what of it runs for a guide."""

    def __init__(self, store: Store, tenant: str) -> None:
        self._enabled = list(enabled_of(store, tenant).values())
        self._packs = {each.id: pack_of(store, tenant, each.id) for each in self._enabled}
        self._year = store.now().year
        self._by_guide: dict[str, Law] = {}

    def of(self, guide: str) -> Law:
        found = self._by_guide.get(guide)
        if found is None:
            found = self._by_guide[guide] = self._law(guide)
        return found

    def _law(self, guide: str) -> Law:
        running: list[InForce] = []
        for enabled in self._enabled:
            pack = self._packs[enabled.id]
            if pack is None or (enabled.guides and guide not in enabled.guides):
                continue
            country = enabled.rollover_country
            rollover = (
                calendar_of(BusinessHours(zone=zone_of(country), country=country), self._year) if country else None
            )
            running += [
                InForce(
                    obligation=each,
                    regime=pack.title,
                    who=enabled.who,
                    target_hours=enabled.targets.get(each.id),
                    rollover=rollover,
                )
                for each in pack.obligations
                if runs(each, enabled)
            ]
        if not running:
            return Law()
        wanted = {each.obligation.deadline.calendar for each in running} & _CALENDARS.keys()
        return Law(obligations=tuple(running), calendars={name: calendar(name, self._year) for name in wanted if name})

    def _rollover(self, country: str | None) -> BusinessTime | None:
        return calendar_of(BusinessHours(zone=zone_of(country), country=country), self._year) if country else None


def calendar(name: str, year: int) -> BusinessTime:
    """The working days of an authority, by the name that packs use."""
    return calendar_of(_CALENDARS[name], year)


def zone_of(country: str) -> str:
    """The zone of a Member State's noon. Raises ValueError for another country."""
    zone = _ZONES.get(country)
    if zone is None:
        raise ValueError(f"rollover_country: expected a Member State ({', '.join(sorted(_ZONES))}), got {country!r}")
    return zone


_ZONES = {
    "AT": "Europe/Vienna", "BE": "Europe/Brussels", "BG": "Europe/Sofia", "HR": "Europe/Zagreb",
    "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DK": "Europe/Copenhagen", "EE": "Europe/Tallinn",
    "FI": "Europe/Helsinki", "FR": "Europe/Paris", "DE": "Europe/Berlin", "GR": "Europe/Athens",
    "HU": "Europe/Budapest", "IE": "Europe/Dublin", "IT": "Europe/Rome", "LV": "Europe/Riga",
    "LT": "Europe/Vilnius", "LU": "Europe/Luxembourg", "MT": "Europe/Malta", "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest", "SK": "Europe/Bratislava",
    "SI": "Europe/Ljubljana", "ES": "Europe/Madrid", "SE": "Europe/Stockholm",
}  # fmt: skip
