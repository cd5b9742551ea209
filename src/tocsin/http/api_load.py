"""`/api/oncall/load`: who carries how much, from the record of shifts and the pages that were sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from litestar import get
from litestar.params import Parameter

from tocsin.core import facts as f
from tocsin.core.load import Load, loads
from tocsin.core.people import person_named
from tocsin.core.schedule import Shift, shifts
from tocsin.guides import read_directory
from tocsin.http.api_directory import WRITES
from tocsin.http.gate import Incoming, deps_of
from tocsin.http.problems import Unacceptable
from tocsin.oncall.record import with_record
from tocsin.oncall.stored import read_schedule
from tocsin.ports import Store

BACK = timedelta(days=30)
LONGEST = timedelta(days=400)
EARLIEST = datetime.min.replace(tzinfo=UTC) + BACK
INCIDENTS_MAX = 20_000  # whose facts are read for one answer
RUNS_FOR = timedelta(days=30)  # an incident opened so long before may still have paged somebody
PAGE = 500


class LoadReport(msgspec.Struct, frozen=True, kw_only=True):
    """Past hours as recorded, future ones as planned. `complete` False: there were too many incidents to read."""

    start: datetime
    end: datetime
    items: list[Load]
    complete: bool


@get("/api/oncall/load", summary="Who carries how much", responses=WRITES, operation_id="oncall-load")
async def show_load(
    request: Incoming,
    start: Annotated[datetime | None, Parameter(query="from")] = None,
    end: Annotated[datetime | None, Parameter(query="to")] = None,
) -> LoadReport:
    """The last 30 days, unless `from` and `to` say otherwise; at most 400 days. Nights are 22:00 to 06:00 in each
    person's zone; holidays those of the first guide's calendar. An instant without a zone is UTC."""
    deps = deps_of(request)
    now = deps.engine.store.now()
    last = _aware(end) or now
    first = _aware(start) or max(last, EARLIEST) - BACK
    if not timedelta() < last - first <= LONGEST:
        raise Unacceptable(f"to: expected an instant up to {LONGEST.days} days after from, got {last.isoformat()}")
    guides = await deps.run(lambda _: deps.engine.guides.active(deps.tenant))
    holidays = frozenset(guides[0].calendar.closed) if guides else frozenset()

    def answered(store: Store) -> LoadReport:
        directory = read_directory(store, deps.tenant)
        held: list[Shift] = []
        for name, body in store.items(deps.tenant, "schedule"):
            plan = with_record(store, deps.tenant, name, read_schedule(body), first, last)
            for each in shifts(plan, first, last):
                person = person_named(directory, each.person)
                held.append(msgspec.structs.replace(each, person=person.id) if person else each)
        told, complete = _pages(store, deps.tenant, first, last)
        zones = {each.id: each.zone for each in directory.people.values()}
        return LoadReport(start=first, end=last, items=loads(held, told, zones, holidays), complete=complete)

    return await deps.read(answered)


def _pages(store: Store, tenant: str, start: datetime, end: datetime) -> tuple[list[tuple[str, datetime]], bool]:
    """One row per page and person: the first attempt that a provider took."""
    found: list[tuple[str, datetime]] = []
    for read, stream in enumerate(_incidents(store, tenant, start, end)):
        if read >= INCIDENTS_MAX:
            return found, False
        notices: set[str] = set()
        counted: set[str] = set()
        for fact in store.facts(tenant, stream):
            if isinstance(fact, f.Escalated | f.Notified | f.NobodyReached):
                notices |= {page.id for page in fact.pages if page.notice}
            elif isinstance(fact, f.PageSent) and fact.page not in notices and fact.page not in counted:
                counted.add(fact.page)
                if start <= fact.at < end:
                    found.append((fact.person, fact.at))
    return found, True


def _incidents(store: Store, tenant: str, start: datetime, end: datetime) -> Iterator[str]:
    cursor: str | None = None
    while True:
        rows, cursor = store.listing(tenant, limit=PAGE, cursor=cursor)
        for row in rows:
            if row.opened_at < start - RUNS_FOR:
                return
            if row.opened_at < end and not row.drill:
                yield row.incident
        if cursor is None:
            return


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
