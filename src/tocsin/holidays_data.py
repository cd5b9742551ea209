"""The calendar of a policy with its holidays, looked up: the core only ever sees dates."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from datetime import date

from tocsin.core.calendar import BusinessTime, business_time
from tocsin.core.policy import BusinessHours

YEARS_BEFORE = 10  # so that the promises of old incidents are shown by the holidays of their time
YEARS_AFTER = 5  # longer than any promise of a guide, and than a server runs without a restart


def calendar_of(hours: BusinessHours | None, year: int) -> BusinessTime:
    """The calendar of these business hours, with the holidays of the years around `year`.

    Raises ValueError naming the field that is wrong, a country or subdivision that the data does not know included.
    """
    if hours is None or hours.country is None:
        if hours is not None and hours.subdivision is not None:
            raise ValueError(f"business_hours.subdivision: expected a country too, got only {hours.subdivision!r}")
        return business_time(hours)
    return business_time(hours, public_holidays(hours.country, hours.subdivision, year))


@functools.lru_cache(maxsize=64)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """The public holidays of a country (ISO 3166 code) or one of its subdivisions, in the years around `year`.

    Only days that the law calls public, observed days included: banks' and schools' holidays are closures of one's own.
    Raises ValueError for a country or subdivision that the data does not know.
    """
    # Loaded here because it takes some hundredths of a second, and most policies name no country.
    data = importlib.import_module("holidays")
    _load_countries_one_by_one()
    registry = importlib.import_module("holidays.registry")
    if country not in registry.EntityLoader.get_country_codes(include_aliases=True):
        raise ValueError(f"business_hours.country: expected an ISO 3166 code such as DE or US, got {country!r}")
    # Not `list_supported_countries`: it loads every country there is.
    known = getattr(data, country).subdivisions
    if subdivision is not None and subdivision not in known:
        codes = ", ".join(known) or "none for this country"
        raise ValueError(f"business_hours.subdivision: expected one of {codes}, got {subdivision!r}")
    years = range(year - YEARS_BEFORE, year + YEARS_AFTER + 1)
    return frozenset(data.country_holidays(country, subdiv=subdivision, years=years))


_COUNTRIES = "holidays.countries"


def _load_countries_one_by_one() -> None:
    """A country's module brings those that it builds on, and no other.

    The package's own `__init__` loads all two hundred: 7 MB that stay, and a sixth of a second of every start. The
    registry names the module of a country, so nobody needs what that `__init__` exports.
    """
    if _COUNTRIES not in sys.modules:
        spec = importlib.util.find_spec(_COUNTRIES)
        assert spec is not None, "holidays has its countries in one package"
        sys.modules.setdefault(_COUNTRIES, importlib.util.module_from_spec(spec))
