"""Holidays are looked up per country and subdivision, and end in the calendar that dates every promise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from tests.core.lives import policy
from tests.http.world import World
from tocsin.core import commands as c
from tocsin.core.calendar import BusinessTime, deadline_at
from tocsin.core.policy import BusinessHours, Deadline, Severity, canonical, digest
from tocsin.guides import Guides
from tocsin.holidays_data import calendar_of, public_holidays

NEXT = Deadline(calendar="next_business_day")
FRIDAY = datetime(2026, 7, 31, 17, 30, tzinfo=UTC)


def test_without_business_hours_it_is_monday_to_friday_in_utc_without_holidays():
    assert calendar_of(None, 2026) == BusinessTime()


def test_a_country_closes_on_its_public_holidays():
    spain = calendar_of(BusinessHours(zone="Europe/Madrid", country="ES"), 2026)

    assert date(2026, 10, 12) in spain.closed
    assert deadline_at(NEXT, datetime(2026, 10, 9, 15, 30, tzinfo=UTC), spain) == datetime(
        2026, 10, 13, 15, 0, tzinfo=UTC
    )


def test_a_subdivision_has_holidays_of_its_own():
    bavaria = calendar_of(BusinessHours(country="DE", subdivision="BY"), 2026)
    germany = calendar_of(BusinessHours(country="DE"), 2026)

    assert date(2026, 1, 6) in bavaria.closed - germany.closed
    assert germany.closed < bavaria.closed


def test_observed_days_count_as_holidays():
    assert date(2026, 7, 3) in public_holidays("US", None, 2026)  # the Fourth of July is a Saturday


def test_holidays_reach_from_old_incidents_to_far_promises():
    years = {day.year for day in public_holidays("FR", None, 2026)}

    assert years == set(range(2016, 2032))


def test_own_closures_are_added_to_the_holidays():
    hours = BusinessHours(country="FR", closures=("2026-08-03",))

    assert date(2026, 8, 3) in calendar_of(hours, 2026).closed
    assert date(2026, 7, 14) in calendar_of(hours, 2026).closed


@pytest.mark.parametrize(
    ("hours", "error"),
    [
        (BusinessHours(country="Atlantis"), "business_hours.country: expected an ISO 3166 code"),
        (BusinessHours(country="DE", subdivision="XX"), "business_hours.subdivision: expected one of BB, BE, BW, BY"),
        (BusinessHours(subdivision="BY"), "business_hours.subdivision: expected a country too"),
        (BusinessHours(zone="Mars"), "business_hours.zone: expected an IANA name"),
    ],
)
def test_what_the_data_does_not_know_is_refused_by_its_field(hours: BusinessHours, error: str):
    with pytest.raises(ValueError, match=error):
        calendar_of(hours, 2026)


# --- in the engine ----------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def test_a_guide_with_hours_that_cannot_be_is_not_activated(world: World):
    wrong = policy(business_hours=BusinessHours(country="Atlantis"))

    with pytest.raises(ValueError, match=r"business_hours\.country"):
        world.do(lambda store: Guides(store).activate("default", "main", wrong))


def test_an_incident_is_due_by_the_holidays_of_its_policy(world: World):
    world.clock.set(FRIDAY)
    slow = (Severity(id="SEV-1", rank=0, respond_within=NEXT),)
    swiss = policy(severities=slow, business_hours=BusinessHours(zone="Europe/Zurich", country="CH", subdivision="ZH"))
    engine = world.engine

    def opened(_: object) -> tuple[object, ...]:
        engine.guides.activate("default", "main", swiss)
        incident = engine.declare("default", c.Declare(by="ana", title="Disk full"))
        found = engine.view("default", incident)
        row = next(row for row in engine.store.due(datetime(2026, 8, 31, tzinfo=UTC), 10))
        return found.promises[0].due_at, row[2] <= found.promises[0].due_at

    # Swiss National Day is a Saturday in 2026; Monday is the next business day, and it closes at 15:00 UTC.
    assert world.do(opened) == (datetime(2026, 8, 3, 15, 0, tzinfo=UTC), True)


def test_a_stored_policy_that_newer_data_does_not_know_still_governs(world: World):
    gone = policy(business_hours=BusinessHours(country="Atlantis"))
    world.do(lambda store: store.put("default", "policy", digest(gone), canonical(gone)))

    guide = world.do(lambda store: Guides(store).digested("default", digest(gone)))

    assert guide.calendar == BusinessTime()
    assert msgspec.structs.asdict(guide)["policy"] == gone


def test_a_country_is_loaded_without_the_two_hundred_others():
    looked_up = (
        "import sys; from tocsin.holidays_data import public_holidays; public_holidays('AX', None, 2026); "
        "print(*sorted(name for name in sys.modules if name.startswith('holidays.countries.')))"
    )
    found = subprocess.run([sys.executable, "-c", looked_up], capture_output=True, text=True, check=True)

    assert found.stdout.split() == ["holidays.countries.aland_islands", "holidays.countries.finland"]
