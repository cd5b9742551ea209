"""`[business_hours]` of tocsin.toml: the calendar of guides that state none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tocsin.core.policy import BusinessHours
from tocsin.holidays_data import calendar_of
from tocsin.setting.file import ConfigError, Flaw

SECTION = "business_hours"
HOLIDAY_YEAR = 2026  # a year of no importance: whether a country is known does not depend on it


def hours_setting(of: Callable[[str], Any], said: bool, where: str) -> BusinessHours | None:
    """What the section says, None where there is none. Raises ConfigError for what cannot be a calendar."""
    if not said:
        return None
    names = ("zone", "days", "opens", "closes", "country", "subdivision", "closures")
    found = BusinessHours(**{name: of(f"{SECTION}.{name}") for name in names})
    try:
        calendar_of(found, HOLIDAY_YEAR)
    except ValueError as error:
        key, _, rest = str(error).partition(": expected ")
        expected, _, got = rest.rpartition(", got ")
        raise ConfigError([Flaw(key=key, expected=expected, got=got, where=where)]) from None
    return found
