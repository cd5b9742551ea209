"""One simulated life: monitors, people, providers and a node that crashes, on a clock that only the simulation moves.

Everything random comes from one seed. The store and the journal survive a crash, everything else is lost: the engine's
cache, the alert table, leases in flight. What must hold at every step is checked after every step; what must hold in
the end is checked when the monitors have said their last word and the providers work again.

Meanwhile silences come and end, guides are replaced, people leave and come back, and two tenants live side by side.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.incident import Incident, Refused, fold
from tocsin.core.matchers import parse_matchers
from tocsin.core.monitor import Beats, Monitor, heard, looked
from tocsin.core.people import Method, Person
from tocsin.core.policy import (
    Deadline,
    Escalation,
    Inhibition,
    Level,
    Paging,
    Policy,
    Route,
    Severity,
    Threshold,
    WhileUnresolved,
)
from tocsin.core.promises import next_wakeup
from tocsin.core.silence import SILENCE, Silence
from tocsin.digest.alerttable import AlertTable
from tocsin.digest.digest import Digest
from tocsin.engine import Engine
from tocsin.intake import monitor as beats_wire
from tocsin.intake.committer import Accepted, Stamp
from tocsin.intake.memoryjournal import MemoryJournal
from tocsin.intake.postable import KIND
from tocsin.intake.times import microseconds
from tocsin.ports import LeasedPage, Receipt
from tocsin.store.memory import MemoryStore

T0 = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)  # the night the clocks change in Europe
TENANTS = ("default", "other")
PEOPLE = ("ana", "ben", "cleo", "dora")
KINDS = 5
INHIBITS, COUNTS = 3, 4  # kinds of guide under which an alert may be held back; they are not replaced
PAGES_MAX, PAGES_WINDOW = 5, timedelta(minutes=5)
STEPS = 60
SENDING = timedelta(seconds=60)  # no attempt lasts longer, by the stopwatch


PARSERS = {beats_wire.KIND: beats_wire.parse}


class Crash(BaseException):
    """The process is gone."""


class Broken(AssertionError):
    """An invariant does not hold; the text says which and where."""


def policy(kind: int) -> Policy:
    """A ladder that ends with an answer, one that runs until resolved, one that times out; and two that hold back:
    disks inhibit latency, and latency counts only when two of them fire."""
    levels = (
        Level(level=1, who=("ana",), within=Deadline(seconds=600)),
        Level(level=2, who=("ben", "cleo"), within=Deadline(seconds=900)),
    )
    every = (WhileUnresolved(severity="SEV-1", every=Deadline(seconds=1200)),) if kind == 1 else ()
    return Policy(
        title="Simulated",
        severities=(
            Severity(id="SEV-1", rank=0, respond_within=Deadline(seconds=300), resolve_within=Deadline(seconds=3600)),
            Severity(id="SEV-2", rank=1, respond_within=Deadline(seconds=900)),
        ),
        escalation=Escalation(levels=levels, while_unresolved=every),
        inhibitions=(
            (Inhibition(source_matchers=('alertname="Disk"',), target_matchers=('alertname="Latency"',)),)
            if kind == INHIBITS
            else ()
        ),
        routes=(
            Route(
                name="few",
                matchers=('alertname="Latency"' if kind == COUNTS else 'alertname="Nothing"',),
                threshold=Threshold(count=2, seconds=900),
                correlate_by=("alertname",),
            ),
            Route(
                name="all",
                correlate_by=("alertname",),
                reopen_within=Deadline(seconds=300) if kind == 2 else None,
            ),
        ),
        paging=Paging(last_resort=("dora",), acknowledge_timeout=Deadline(seconds=1800) if kind == 2 else None),
    )


class FaultyStore(MemoryStore):
    """Crashes before or after the commit that `fuse` counts down to."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.fuse: int | None = None
        self.after = False

    def commit(self, *args, **named) -> None:
        burnt = self._burn()
        if burnt and not self.after:
            raise Crash
        super().commit(*args, **named)
        if burnt:
            raise Crash

    def claim_pages(self, now: datetime, limit: int, lease_seconds: int) -> list[LeasedPage]:
        claimed = super().claim_pages(now, limit, lease_seconds)
        if claimed and self._burn():
            raise Crash
        return claimed

    def _burn(self) -> bool:
        if self.fuse is None:
            return False
        self.fuse -= 1
        if self.fuse > 0:
            return False
        self.fuse = None
        return True


class Sensor:
    """A monitor's view of one thing: whether it is broken, and since when. It repeats itself."""

    def __init__(self, number: int, name: str, tenant: str) -> None:
        self.tenant = tenant
        self.labels = {"alertname": name, "instance": str(number), "severity": "critical"}
        self.since: datetime | None = None
        self.last: datetime | None = None

    def message(self, now: datetime) -> dict | None:
        if self.since is not None:
            return {
                "labels": self.labels,
                "startsAt": self.since.isoformat(),
                "endsAt": (now + timedelta(minutes=4)).isoformat(),
            }
        if self.last is not None:
            return {"labels": self.labels, "startsAt": self.last.isoformat(), "endsAt": now.isoformat()}
        return None

    def turn(self, now: datetime) -> None:
        if self.since is None:
            self.since = now
        else:
            self.last, self.since = self.since, None


class Life:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.clock = ManualClock(T0)
        self.store = FaultyStore(self.clock)
        self.journal = MemoryJournal()
        self.order = 0
        self.starts = 0
        self.crashes = 0
        self.lost_answers = 0
        self.elapsed = timedelta()  # as a stopwatch says: a clock that is set does not move it
        self.in_flight: list[tuple[LeasedPage, timedelta]] = []  # and when it began, by the stopwatch
        self.sent: list[tuple[datetime, str, int, str]] = []  # when, page, method, person
        self.delayed: list[tuple[str, bytes]] = []
        self.ended_by_hand: set[tuple[str, str]] = set()  # tenants and kinds of alert that a person touched
        self.story: list[str] = []
        count = self.random.choice((1, 1, 2, 3, 8))
        self.tenants = TENANTS[: self.random.choice((1, 1, 2))]
        self.sensors = [
            Sensor(n, self.random.choice(("Disk", "Latency")), self.random.choice(self.tenants)) for n in range(count)
        ]
        self.monitor = Monitor(id="backup", every_seconds=600, grace_seconds=60, armed=True, created_at=T0)
        self.beats = Beats()  # as the document says; what follows from them is in the journal first
        self.unsure = True
        self.runs = self.random.random() < 0.7  # whether the job that beats is alive
        self.silences = 0
        self._furnish()
        self._start()

    # --- the node -----------------------------------------------------------------------------------------------------

    def _furnish(self) -> None:
        self.kinds = {tenant: self.random.randrange(KINDS) for tenant in self.tenants}
        engine = Engine(self.store, new_id=str)
        for tenant in self.tenants:
            for name in PEOPLE:
                self._put_person(tenant, name, active=self.random.random() < 0.95)
            engine.guides.activate(tenant, "guide", policy(self.kinds[tenant]))

    def _put_person(self, tenant: str, name: str, *, active: bool) -> None:
        """Dora, the last resort, never leaves."""
        methods = [Method(kind="email", address=f"{name}@example.org")]
        if self.random.random() < 0.4:
            methods.append(Method(kind="ntfy", address=f"https://push.example/{name}", after_seconds=120))
        person = Person(id=name, methods=tuple(methods), active=active or name == "dora")
        self.store.put(tenant, "person", name, msgspec.json.encode(person))

    def _start(self) -> None:
        self.starts += 1
        prefix, numbers = self.starts, iter(range(1, 10_000))
        self.tasks: deque[Callable[[], object]] = deque()
        self.engine = Engine(self.store, new_id=lambda: f"s{prefix}n{next(numbers)}")
        self.table = AlertTable()
        self.digest = Digest(self.engine, self.table, self.journal, PARSERS, submit=self.tasks.append)
        self.digest.load()

    def _crashed(self) -> None:
        self.crashes += 1
        self.in_flight.clear()
        self.store.fuse = None
        self._start()

    def attempt(self, act: Callable[[], object]) -> None:
        """Do something; when the process dies in the middle, start it again."""
        for _ in range(20):
            try:
                act()
                return
            except Crash:
                self.story.append("  crash")
                act = self._nothing
                try:
                    self._crashed()
                except Crash:
                    continue

    def _nothing(self) -> None:
        """What is left of an act after the crash: it is not repeated by anybody."""

    # --- what can happen ----------------------------------------------------------------------------------------------

    def step(self) -> None:
        acts = (
            (self.repeat, 10),
            (self.turn, 5),
            (self.deliver_late, 3),
            (self.digest_some, 12),
            (self.pass_time, 10),
            (self.look, 10),
            (self.lease, 8),
            (self.answer, 10),
            (self.command, 4),
            (self.arm, 2),
            (self.clock_jumps, 1),
            (self.silence, 2),
            (self.end_a_silence, 1),
            (self.person_changes, 1),
            (self.guide_changes, 1),
            (self.job_turns, 1),
        )
        act = self.random.choices([each for each, _ in acts], [weight for _, weight in acts])[0]
        self.story.append(f"{self.clock.now():%H:%M:%S} {act.__name__}")
        self.attempt(act)
        self.check()

    def post(self, tenant: str, body: bytes, kind: str = KIND) -> None:
        """Accepted: it is in the journal before anybody answers."""
        now = microseconds(self.clock.now())
        self.order = max(self.order + 1, now)
        stamp = Stamp(tenant=tenant, source="prometheus", kind=kind, received_us=now, order_us=self.order)
        position = self.journal.append([(msgspec.json.encode(stamp), body)])[0]
        accepted = Accepted(
            tenant=tenant,
            source="prometheus",
            kind=kind,
            received_us=now,
            body=body,
            order_us=self.order,
            position=position,
        )
        self.digest.feed([accepted])

    def repeat(self) -> None:
        tenant = self.random.choice(self.tenants)
        sensors = [sensor for sensor in self.sensors if sensor.tenant == tenant]
        messages = [message for sensor in sensors if (message := sensor.message(self.clock.now()))]
        if not messages:
            return
        body = msgspec.json.encode(messages)
        luck = self.random.random()
        if luck < 0.2:
            self.delayed.append((tenant, body))
            return
        self.post(tenant, body)
        if luck > 0.85:
            self.post(tenant, body)

    def turn(self) -> None:
        self.random.choice(self.sensors).turn(self.clock.now())
        self.repeat()

    def silence(self) -> None:
        """Somebody wants quiet about one kind of alert; for an hour at most, so that the end is loud again."""
        tenant, now = self.random.choice(self.tenants), self.clock.now()
        self.silences += 1
        name = self.random.choice(("Disk", "Latency", "DeadManMissing"))
        silence = Silence(
            id=f"s{self.silences}",
            matchers=parse_matchers(f'alertname="{name}"'),
            starts_at=now,
            ends_at=now + timedelta(seconds=self.random.choice((30, 300, 3600))),
            updated_at=now,
        )
        self.store.put(tenant, SILENCE, silence.id, msgspec.json.encode(silence))
        self.digest.settler.changed(tenant)

    def end_a_silence(self) -> None:
        tenant = self.random.choice(self.tenants)
        for name, _ in self.store.items(tenant, SILENCE)[:1]:
            self.store.delete(tenant, SILENCE, name)
            self.digest.settler.changed(tenant)

    def person_changes(self) -> None:
        tenant = self.random.choice(self.tenants)
        self._put_person(tenant, self.random.choice(PEOPLE), active=self.random.random() < 0.5)
        self.engine.guides.changed(tenant)

    def guide_changes(self) -> None:
        """Another guide for what opens from now on; what is open keeps the one it was opened under."""
        tenant = self.random.choice(self.tenants)
        if self.kinds[tenant] not in (INHIBITS, COUNTS):
            self.engine.guides.activate(tenant, "guide", policy(self.random.choice((0, 1, 2))))
            self.digest.settler.changed(tenant)

    def job_turns(self) -> None:
        self.runs = not self.runs

    def watch(self) -> None:
        """The job beats if it runs; silence is reported, and what was heard is stored after that."""
        now = self.clock.now()
        beat_at = self.beats.last_at or T0
        if self.runs and (now - beat_at >= timedelta(minutes=5) or self.beats.down_at):
            step = heard(self.monitor, self.beats, "alive", now, unsure=self.unsure)
            self.unsure = False
        else:
            step = looked(self.monitor, self.beats, now, unsure=self.unsure)
            self.unsure = self.unsure and step.report is None
        if step.report is not None:
            self.post(self.tenants[0], beats_wire.body([step.report]), beats_wire.KIND)
        if self.random.random() < 0.9:
            self.beats = step.beats
        else:
            self.unsure = True  # the process died in between: what it told stands in the journal only

    def deliver_late(self) -> None:
        if self.delayed:
            self.post(*self.delayed.pop(self.random.randrange(len(self.delayed))))

    def digest_some(self) -> None:
        while self.tasks:
            self.tasks.popleft()()

    def pass_time(self) -> None:
        span = timedelta(seconds=self.random.choice((1, 5, 30, 60, 150, 400, 900)))
        self.clock.advance(span)
        self.elapsed += span

    def clock_jumps(self) -> None:
        self.clock.advance(timedelta(seconds=self.random.choice((-120, -20, 7200))))

    def look(self) -> None:
        self.watch()
        self.digest.tick(self.clock.now())
        while self.engine.wake():
            pass
        now = self.clock.now()
        if self.store.due(now, 1):
            raise Broken("something is still due after a look at the deadlines")

    def arm(self) -> None:
        self.store.fuse = self.random.randint(1, 4)
        self.store.after = self.random.random() < 0.5

    def lease(self) -> None:
        self.in_flight = [each for each in self.in_flight if self.elapsed - each[1] < SENDING]
        for page in self.engine.lease(self.random.choice((1, 10)), [page for page, _ in self.in_flight]):
            for name, incident in ((page.id, page.incident), *((each[0], each[1]) for each in page.also)):
                self._may_be_claimed(page.tenant, name, incident)
            self.in_flight.append((page, self.elapsed))

    def _may_be_claimed(self, tenant: str, name: str, incident: str) -> None:
        state = self._folded(tenant, incident)
        owed = state.pages[name]
        if owed.forgiven:
            raise Broken(f"{name} was claimed after it was forgiven")
        if not owed.page.notice and state.acknowledged_at and state.ladder.until == "acknowledged":
            raise Broken(f"{name} was claimed after {state.reference} was acknowledged")
        if not owed.page.notice and not state.open:
            raise Broken(f"{name} was claimed after {state.reference} was {state.status}")

    def answer(self) -> None:
        """One attempt in flight meets its provider."""
        if not self.in_flight:
            return
        page, began = self.in_flight.pop(self.random.randrange(len(self.in_flight)))
        if self.elapsed - began >= SENDING:
            return  # the sender gave up long ago; nothing reached the provider
        if self.engine.describe(page) is None:
            self.engine.receive(page, Receipt(code="refused", permanent=True, detail="forgiven before it was sent"))
            return
        luck = self.random.random()
        if luck < 0.6:
            self._accept(page)
            self.engine.receive(page, Receipt(code="sent", provider_id="ok"))
        elif luck < 0.75:
            self.engine.receive(page, Receipt(code="unreachable", detail="connection refused"))
        elif luck < 0.85:
            self.lost_answers += 1 + len(page.also)
            self._accept(page)
            self.engine.receive(page, Receipt(code="timeout", detail="no answer"))
        elif luck < 0.95:
            self.engine.receive(page, Receipt(code="rejected", permanent=True, detail="550 no such user"))
        else:
            self.crashes += 1  # the answer got lost with the process
            self.lost_answers += 1 + len(page.also)
            self._accept(page)
            self._crashed()

    def _accept(self, page: LeasedPage) -> None:
        for name in (page.id, *(each[0] for each in page.also)):
            self.sent.append((self.clock.now(), name, page.method if not page.also else -1, page.person))

    def command(self) -> None:
        tenant = self.random.choice(self.tenants)
        rows, _ = self.store.listing(tenant, limit=20)
        if not rows:
            return
        incident = self._folded(tenant, self.random.choice(rows).incident)
        by = self.random.choice(("ana", "ben"))
        now = self.clock.now()
        wanted = self.random.choice(
            (
                c.Acknowledge(by=by),
                c.Acknowledge(by=by),
                c.Unacknowledge(by=by, because="x"),
                c.Snooze(by=by, until=max(now, incident.last_at) + timedelta(minutes=10)),
                c.Escalate(by=by, because="help"),
                c.ChangeSeverity(by=by, severity=self.random.choice(("SEV-1", "SEV-2")), because="x"),
                c.Resolve(by=by),
                c.Reopen(by=by, because="again"),
                c.Close(by=by),
                c.PostUpdate(by=by, text="looking"),
                c.Merge(by=by, into=self.random.choice(rows).incident),
                c.MarkFalsePositive(by=by),
            )
        )
        if isinstance(wanted, c.Resolve | c.Reopen | c.Close | c.Merge | c.MarkFalsePositive):
            self.ended_by_hand |= {(tenant, name) for name in ("Disk", "Latency", "DeadManMissing")}
        try:
            self.engine.handle(tenant, incident.id, wanted)
        except Refused:
            return

    # --- what must hold -----------------------------------------------------------------------------------------------

    def _folded(self, tenant: str, incident: str) -> Incident:
        state = fold(self.store.facts(tenant, incident))
        assert state is not None
        return state

    def incidents(self, tenant: str) -> list[Incident]:
        rows, more = self.store.listing(tenant, limit=500)
        assert more is None
        return [self._folded(tenant, row.incident) for row in rows]

    def check(self) -> None:
        """At every step: one open incident per key, gap-free references, facts in order of time."""
        for tenant in self.tenants:
            found = self.incidents(tenant)
            keys = Counter(key for each in found for key in each.keys)
            twice = [key for key, n in keys.items() if n > 1]
            if twice:
                raise Broken(f"two incidents hold {twice}")
            numbers = sorted(int(each.reference.rpartition("-")[2]) for each in found)
            if numbers != list(range(1, len(numbers) + 1)):
                raise Broken(f"references are not gap-free: {numbers}")
            self._check_counts(tenant, found)

    def _check_counts(self, tenant: str, found: list[Incident]) -> None:
        """Every incident counts the alerts that stand in it and fire, no more and no fewer."""
        into = {each.id: each.merged_into for each in found}
        firing: Counter[str] = Counter()
        for slot in self.table.slots(tenant):
            incident = self.table.incident_of(slot)
            while incident and into.get(incident):
                incident = into[incident]
            if incident:
                firing[incident] += 1
        for each in found:
            if not each.merged_into and each.firing != firing[each.id]:
                raise Broken(f"{each.reference} counts {each.firing} firing alerts, {firing[each.id]} stand in it")

    def finish(self) -> None:
        """The monitors say their last word, every provider works, and time passes until nothing is owed."""
        self.store.fuse = None
        self.in_flight.clear()  # their leases expire
        for _ in range(80):
            self.clock.advance(timedelta(minutes=2))
            for sensor in self.sensors:
                message = sensor.message(self.clock.now())
                if message:
                    self.post(sensor.tenant, msgspec.json.encode([message]))
            self.digest_some()
            self.look()
            while pages := self.engine.lease(50):
                for page in pages:
                    self._accept(page)
                    self.engine.receive(page, Receipt(code="sent"))
            self.check()
        self.check_the_end()

    def check_the_end(self) -> None:
        for tenant in self.tenants:
            found = self.incidents(tenant)
            for each in found:
                self._check_one(tenant, each)
            self._check_alerts(tenant, found)
        self._check_people()

    def _check_one(self, tenant: str, incident: Incident) -> None:
        history = self.store.facts(tenant, incident.id)
        times = [fact.at for fact in history]
        if times != sorted(times):
            raise Broken(f"{incident.reference}: facts out of order")
        row = self.store.index(tenant, incident.id)
        if row is None or row.summary != msgspec.json.encode(self.engine.view(tenant, incident)):
            raise Broken(f"{incident.reference}: the index row is not the fold of the facts")
        pages = [page.id for fact in history for page in getattr(fact, "pages", ()) if isinstance(page, f.OwedPage)]
        if len(pages) != len(set(pages)):
            raise Broken(f"{incident.reference}: a page id was given twice")
        late = [name for name, state in incident.pages.items() if state.owed and self._is_over(state)]
        if late:
            raise Broken(f"{incident.reference}: owed and never attempted: {late}")
        answered = incident.acknowledged_at or incident.snoozed_until
        rules = self.engine.guides.digested(tenant, incident.policy_digest).rules
        if incident.open and not answered and next_wakeup(incident, rules) is None:
            raise Broken(f"{incident.reference}: open, nobody has it, and nothing is due")

    def _is_over(self, state) -> bool:
        return all(method.not_before + timedelta(minutes=30) < self.clock.now() for method in state.page.methods)

    def _check_alerts(self, tenant: str, found: list[Incident]) -> None:
        """Whatever fires belongs to an open incident, and what ceased to fire keeps none open."""
        sensors = [sensor for sensor in self.sensors if sensor.tenant == tenant]
        firing = Counter(sensor.labels["alertname"] for sensor in sensors if sensor.since is not None)
        if tenant == self.tenants[0] and not self.runs:
            firing["DeadManMissing"] = 1
        for name in ("Disk", "Latency", "DeadManMissing"):
            if (tenant, name) in self.ended_by_hand:
                continue
            mine = [each for each in found if f'alertname="{name}"' in self._key(tenant, each)]
            still_open = [each for each in mine if each.open]
            held = name == "Latency" and (
                self.kinds[tenant] == COUNTS or (self.kinds[tenant] == INHIBITS and firing["Disk"] > 0)
            )
            if len(still_open) > 1 or (firing[name] and not still_open and not held):
                raise Broken(f"{tenant}: {firing[name]} {name} alerts fire and {len(still_open)} incidents are open")
            if not firing[name] and still_open:
                raise Broken(f"{tenant}: no {name} alert fires and {still_open[0].reference} is open")
            count = still_open[0].firing if still_open else 0
            if count > firing[name] or (count < firing[name] and not held):
                raise Broken(f"{tenant}: {still_open[0].reference} counts {count}, {firing[name]} {name} fire")

    def _key(self, tenant: str, incident: Incident) -> str:
        opened = self.store.facts(tenant, incident.id)[0]
        assert isinstance(opened, f.Opened)
        return opened.key or ""

    def _check_people(self) -> None:
        attempts = Counter((page, method) for _, page, method, _ in self.sent if method >= 0)
        doubled = sum(n - 1 for n in attempts.values())
        if doubled > self.lost_answers + self.crashes * 10:
            raise Broken(f"{doubled} doubled sends for {self.lost_answers} lost answers and {self.crashes} crashes")


def live(seed: int, steps: int = STEPS) -> Life:
    """One whole life. Raises Broken with the seed and the story when an invariant does not hold."""
    life = Life(seed)
    try:
        for _ in range(steps):
            life.step()
        life.finish()
    except (AssertionError, LookupError, ValueError) as error:
        story = "\n".join(life.story[-40:])
        raise Broken(f"seed {seed}: {type(error).__name__}: {error}\n{story}") from error
    return life
