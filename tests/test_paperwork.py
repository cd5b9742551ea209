"""Reports of a period, as the store tells it: what they count, and of which incidents."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tocsin.clock import ManualClock
from tocsin.core import commands as c
from tocsin.core.people import Method, Person
from tocsin.core.policy import Communication, Deadline, Policy, Report, Severity, Template
from tocsin.engine import Engine
from tocsin.saying.composing import Desk
from tocsin.saying.paperwork import paper, titles
from tocsin.store.sqlite import SqliteStore

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FORM = (
    "# Week of [Date]\n- Total incidents: [count]\n- By severity: SEV-1: [count], SEV-2: [count]\n"
    "- Average resolution time: [hours]\n\n## Top Types\n1. [Type] - [count] incidents\n2. [Type] - [count] incidents\n"
    "\n## Action Items Status\n- Completed: [count]\n- In Progress: [count]\n- Overdue: [count]\n"
)
MONTHLY = Report(
    title="Monthly Report",
    every=Deadline(months=1),
    sections=(
        "Incident trends analysis",
        "SLA compliance",
        "Customer impact",
        "Process improvement status",
        "Training and awareness",
    ),
)
POLICY = Policy(
    title="Own guide",
    severities=(
        Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=900), resolve_within=Deadline(seconds=7200)),
        Severity(id="SEV-2", rank=1, respond_within=Deadline(seconds=3600)),
        Severity(id="SEV-3", rank=2),
    ),
    communications=(Communication(audience="customers", within=Deadline(seconds=3600), severities=("SEV-1",)),),
    templates=(Template(title="Weekly Report", body=FORM),),
    reports=(Report(title="Weekly Report", every=Deadline(seconds=604_800)), MONTHLY),
)


class Office:
    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(T0)
        self.store = SqliteStore(folder / "t.db", self.clock)
        ids = itertools.count(1)
        self.engine = Engine(self.store, new_id=lambda: f"i{next(ids)}")
        ana = Person(id="ana", methods=(Method(kind="console", address="ana"),))
        self.store.put("default", "person", "ana", msgspec.json.encode(ana))
        self.engine.guides.activate("default", "main", POLICY)
        self.engine.guides.activate("default", "other", msgspec.structs.replace(POLICY, services=("far",)))

    def had(
        self, severity: str, category: str | None = None, *after: Any, lasted: timedelta = HOUR, **more: Any
    ) -> str:
        """An incident that lasted so long, and what was done about it; the clock is then at its end."""
        more = {"title": "x", "severity": severity, "category": category, "guide": "main"} | more
        name = self.engine.declare("default", c.Declare(by="ana", **more)).id
        self.do(name, c.Acknowledge(by="ana"))
        self.clock.advance(lasted)
        self.do(name, c.Resolve(by="ana"), *after)
        return name

    def do(self, name: str, *commands: Any) -> None:
        for each in commands:
            self.engine.handle("default", name, each)

    def wakes(self) -> None:
        while self.engine.wake():
            pass

    def paper(self, of: str, title: str, **given: str) -> str:
        self.wakes()
        return paper(self.engine, "default", of, title, given, None, "https://tocsin.example").text


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.store.close()


def test_the_weekly_report_counts_one_guide_by_category_and_hides_no_severity(office: Office):
    office.had("SEV-1", "Database")
    office.had("SEV-1", "Network", guide="other", service="far")
    office.had("SEV-2", "Database", lasted=3 * HOUR)
    office.had("SEV-3", "Security", lasted=2 * HOUR)
    office.had("SEV-1", "Database", drill=True)
    last = office.had("SEV-2", None, c.MarkFalsePositive(by="ana"), lasted=90 * HOUR)

    assert office.paper(last, "Weekly Report") == (
        "# Week of 2026-11-20\n- Total incidents: 4 (SEV-3: 1 not listed here)\n- By severity: SEV-1: 1, SEV-2: 2\n"
        "- Average resolution time: 2.0 hours\n\n## Top Types\n1. Database - 2 incidents\n"
        "2. Security - 1 incidents\n\n## Action Items Status\n- Completed: 0\n- In Progress: 0\n- Overdue: 0\n"
    )


def test_a_duplicate_is_no_incident_of_its_own(office: Office):
    first = office.engine.declare("default", c.Declare(by="ana", title="a", severity="SEV-1")).id
    second = office.engine.declare("default", c.Declare(by="ana", title="b", severity="SEV-1")).id

    office.do(second, c.Merge(by="ana", into=first))

    assert "- Total incidents: 1\n" in office.paper(first, "Weekly Report")


def test_the_weekly_report_says_what_became_of_action_items_of_any_age(office: Office):
    def item(title: str, due_on: str) -> c.AddActionItem:
        return c.AddActionItem(by="ana", title=title, owner="ana", due_on=due_on)

    old = office.had("SEV-2", "Network", item("late", "2026-12-01"), item("done", "2026-12-20"))
    office.had("SEV-2", "Network", item("long done", "2026-12-20"), c.FinishActionItem(by="ana", item=1))
    office.clock.advance(timedelta(days=20))
    office.do(old, c.FinishActionItem(by="ana", item=2))
    new = office.had("SEV-1", "Network", item("begun", "2027-01-20"), item("waits", "2027-01-20"))
    office.do(new, c.ChangeActionItem(by="ana", item=1, status="in progress"))

    assert office.paper(new, "Weekly Report").endswith("- Completed: 1\n- In Progress: 2\n- Overdue: 1\n")


def test_the_monthly_report_tells_each_section_that_a_figure_tells_and_asks_for_the_rest(office: Office):
    office.had("SEV-2", "Network")
    office.clock.advance(timedelta(days=20))
    office.had("SEV-1", "Database", c.SetCustomerImpact(by="ana", users=40), lasted=3 * HOUR)
    office.clock.advance(timedelta(days=13))
    last = office.had("SEV-1", "Database", c.PostUpdate(by="ana", audience="customers", text="x"), lasted=HOUR / 2)

    found = office.paper(last, "Monthly Report")

    assert found == (
        "# Monthly Report - 2026-11-26 to 2026-12-26\n\n"
        "## Incident trends analysis\n\n"
        "- Incidents: 2 (the period before: 1), of them false alarms: 0\n"
        "- SEV-1: 2 (0)\n- SEV-2: 0 (1)\n- SEV-3: 0 (0)\n"
        "- Average resolution time: 1 hour 45 minutes (1 hour)\n"
        "- Recurred within 30 days (same service and category): 1 (50.0 %)\n"
        "- By category: Database 2\n\n"
        "## SLA compliance\n\n"
        "| Severity | Promises kept | Missed | Share kept |\n|---|---|---|---|\n"
        "| SEV-1 | 4 | 2 | 66.7 % |\n| SEV-2 | 0 | 0 | none was due |\n| SEV-3 | 0 | 0 | none was due |\n\n"
        "## Customer impact\n\n"
        "- Incidents with an impact on customers: 1 of 2\n- Users affected, where somebody counted them: 40\n\n"
        "## Process improvement status\n\n- Completed: 0\n- In progress: 0\n- Overdue: 0\n\n"
        "## Training and awareness\n\n- ____\n"
    )
    assert office.paper(last, "Monthly Report", **{"Training and awareness": "two people"}).endswith("- two people\n")


def test_a_report_of_an_earlier_period_counts_that_period(office: Office):
    first = office.had("SEV-2", "Network")
    office.clock.advance(timedelta(days=40))
    office.had("SEV-1", "Database")

    found = office.paper(first, "Monthly Report", until="2026-12-01")

    assert found.startswith("# Monthly Report - 2026-11-01 to 2026-12-01\n")
    assert "- Incidents: 1 (the period before: 0), of them false alarms: 0\n- SEV-1: 0 (0)\n- SEV-2: 1 (0)\n" in found
    with pytest.raises(ValueError, match="until: expected a day such as 2026-11-01, got 'soon'"):
        office.paper(first, "Monthly Report", until="soon")


def test_two_reports_of_one_period_are_alike_and_are_listed_once(office: Office):
    name = office.had("SEV-1", "Database")

    assert office.paper(name, "Monthly Report") == office.paper(name, "Monthly Report")
    listed = titles(Desk(office.engine, "default", name, ""))
    assert listed == [{"title": each, "kind": "report"} for each in ("Weekly Report", "Monthly Report")]
