"""Load, decide, append: the one verb behind everything that happens to incidents.

`report` takes what triage made of alerts, `handle` what people want, `wake` what is due, `lease` and `receive` what
becomes of pages. Each loads the incident, asks `core.decide` for facts and commits them together with the index row,
the wake-up, the owed pages and the claims. In embedded mode everything here runs on the one writer thread.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import msgspec

from tocsin.core import commands as c, facts as f
from tocsin.core.alert import Verdict
from tocsin.core.announcement import AnnouncementSettlement
from tocsin.core.checklists import category_named
from tocsin.core.deadlines import RecordReceipt
from tocsin.core.decide import Opening, decide, opened
from tocsin.core.escalation import World
from tocsin.core.evidence import OfItems
from tocsin.core.facts import AlertName, AnyFact
from tocsin.core.incident import Incident, Refused, fold
from tocsin.core.lifecycle import Absorb, MergeNamed, ReopenHolding
from tocsin.core.outlook import Outlook
from tocsin.core.people import Directory, shown_address
from tocsin.core.places import Outside
from tocsin.core.policy import Policy, severity_of
from tocsin.core.reference import counter, reference
from tocsin.core.retry import retry_at
from tocsin.core.saying import RecordAnnouncement
from tocsin.core.texts import title_said
from tocsin.core.twopersons import TellApprovers, asking
from tocsin.core.view import IncidentView, view
from tocsin.core.worklog import LinkNamed
from tocsin.devices import forgotten
from tocsin.guides import Guides
from tocsin.listeners import POISON, Announcer, Listeners, Subscriber
from tocsin.ports import AlertChanges, Claim, Conflict, LeasedPage, Receipt, Settlement, Store
from tocsin.sighted import see
from tocsin.work import Work, addressed, append_of, method_of, rules_of

TRIES_MAX = 5  # a conflicting append is decided again on the newer state; an embedded store never needs a second try
CACHE_MAX = 2_000  # incidents kept folded in memory
POISON_DELAY = timedelta(minutes=1)  # how soon a stream whose wake-up failed is looked at again
LEASE_SECONDS = 60  # longer than any sender may take, so that no page is sent twice while the first attempt runs

log = logging.getLogger(__name__)
Approvers = Callable[[str, Incident, str], Sequence[str]]
Result = TypeVar("Result")


class NotFound(LookupError):
    """There is no such incident, guide or severity; the text names it."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What one digest has to say about one incident: the alerts that joined and those that cleared.

    `verdict` is triage's for those that fired; `incident` is known for those that cleared. `fired` and `cleared` name
    the first few, the counts are exact. `acknowledged_by`: the source says somebody has it.
    """

    key: str = ""
    verdict: Verdict | None = None
    incident: str | None = None
    title: str = ""
    source: str = ""
    fired: tuple[AlertName, ...] = ()
    fired_count: int = 0
    cleared: tuple[AlertName, ...] = ()
    cleared_count: int = 0
    because: str = "resolved"
    acknowledged_by: str | None = None
    acknowledged_alert: str = ""
    acknowledged_said_at: datetime | None = None
    note: str = ""
    flapping_until: datetime | None = None
    transitions: int = 0


class Engine:
    """The engine over one store. `new_id` makes opaque stream ids; `zone`: where a reference takes its day."""

    def __init__(self, store: Store, *, new_id: Callable[[], str], zone: str = "UTC") -> None:
        self.store = store
        self.guides = Guides(store)
        self._new_id = new_id
        self._zone = zone
        self._cache: OrderedDict[tuple[str, str], tuple[Incident, Outlook | None]] = OrderedDict()
        self.listeners = Listeners()
        self._outside: Outside | None = None
        self._approvers: Approvers = lambda tenant, incident, by: ()
        self.poisoned: dict[tuple[str, str], str] = {}  # streams whose last wake-up failed, and why

    def subscribe(self, subscriber: Subscriber) -> None:
        """Call `subscriber(tenant, stream, version)` after each commit that changed a stream, on the writer thread."""
        self.listeners.subscribers.append(subscriber)

    def announcing(self, announcer: Announcer) -> None:
        """Ask `announcer(tenant, before, incident, facts)` in each commit what is owed to audiences because of it."""
        self.listeners.announcers.append(announcer)

    def releasing(self, approvers: Approvers) -> None:
        """Ask `approvers(tenant, incident, by)` who may release a command of `by` that takes two persons."""
        self._approvers = approvers

    def reaching(self, outside: Outside) -> None:
        """These chats and trackers are configured: a channel or ticket anywhere else is refused from now on."""
        self._outside = outside

    # --- what happened to alerts --------------------------------------------------------------------------------------

    def report(
        self,
        tenant: str,
        groups: Sequence[Group],
        *,
        changes: Callable[[dict[str, str]], AlertChanges] | None = None,
        consumed: int | None = None,
    ) -> dict[str, str]:
        """The incident of every key in `groups`, after everything is committed in one transaction.

        A key joins its open incident or opens a new one; `changes` is asked for alert states once the ids are known.
        """
        return self._retried(lambda: self._report(tenant, groups, changes, consumed))

    def _report(
        self,
        tenant: str,
        groups: Sequence[Group],
        changes: Callable[[dict[str, str]], AlertChanges] | None,
        consumed: int | None,
    ) -> dict[str, str]:
        now = self.store.now()
        work: dict[str, Work] = {}
        keys: dict[str, str] = {}
        for group in groups:
            self._report_one(tenant, group, work, keys, now)
        self._commit(list(work.values()), alerts=changes(keys) if changes else None, consumed=consumed)
        return keys

    def _report_one(
        self, tenant: str, group: Group, work: dict[str, Work], keys: dict[str, str], now: datetime
    ) -> None:
        stream = group.incident or keys.get(group.key)
        if stream is None and group.key:
            stream = self.store.holder(tenant, Claim(kind="key", name=group.key))
        entry = self._working(tenant, stream, work) if stream else None
        if entry and group.fired_count and not entry.incident.open and group.key not in entry.incident.keys:
            entry = None  # that incident has ended meanwhile and holds the key no longer
        if entry is None:
            if not group.fired_count:
                return
            entry = self._open_for(tenant, group, work, now)
        else:
            command = c.AttachAlerts(
                by=f"source:{group.source}" if group.source else f.TOCSIN,
                alerts=group.fired,
                count=group.fired_count,
                cleared_alerts=group.cleared,
                cleared=group.cleared_count,
                severity=group.verdict.severity if group.verdict else None,
                because=group.because,
                source=group.source,
                flapping_until=group.flapping_until,
                transitions=group.transitions,
            )
            self._decide(entry, command, now)
        if group.acknowledged_by and entry.incident.open:
            taken = c.SourceAcknowledged(
                by=group.acknowledged_by, alert=group.acknowledged_alert, said_at=group.acknowledged_said_at
            )
            self._decide(entry, taken, now)
        if group.note:
            self._decide(entry, c.AddNote(by=f"source:{group.source}", text=group.note), now)
        if group.key:
            keys[group.key] = entry.stream

    def _open_for(self, tenant: str, group: Group, work: dict[str, Work], now: datetime) -> Work:
        verdict = group.verdict
        assert verdict is not None, "a group that fired has a verdict"
        guide = self.guides.named(tenant, verdict.guide)
        return self._open(
            tenant,
            work,
            guide.policy,
            guide.digest,
            now,
            title=group.title,
            guide=guide.name,
            severity=verdict.severity,
            by=f"source:{group.source}" if group.source else f.TOCSIN,
            service=verdict.service,
            key=group.key,
            detected_by="monitoring",
            escalation=verdict.escalation,
            private=verdict.private,
            reopen_seconds=verdict.reopen_seconds,
            because="; ".join(verdict.because),
            alerts=group.fired,
            count=group.fired_count,
            source=group.source,
        )

    # --- what people want ---------------------------------------------------------------------------------------------

    def declare(self, tenant: str, command: c.Declare, stream: str | None = None) -> Incident:
        """The incident a person opened; `stream` is its id, when the caller must be able to ask twice (idempotency).

        Raises UnknownGuide, or ValueError for an unknown severity.
        """
        return self._retried(lambda: self._declare(tenant, command, stream))

    def _declare(self, tenant: str, command: c.Declare, stream: str | None) -> Incident:
        if stream and self.store.index(tenant, stream):
            return self.load(tenant, stream)
        title = title_said(command.title)
        guide = self.guides.for_service(tenant, command.service, command.guide)
        severity = _declared_severity(guide.policy, command.severity)
        work: dict[str, Work] = {}
        entry = self._open(
            tenant,
            work,
            guide.policy,
            guide.digest,
            self.store.now(),
            title=title,
            guide=guide.name,
            severity=severity,
            by=command.by,
            service=command.service,
            category=category_named(guide.policy, command.category) if command.category else None,
            description=command.description,
            detected_by=command.detected_by,
            drill=command.drill,
            private=command.private,
            visible_to=command.visible_to,
            because="declared",
            stream=stream,
        )
        self._commit(list(work.values()))
        return entry.incident

    def begin(self, tenant: str, stream: str, facts: Sequence[AnyFact]) -> Incident:
        """A stream that is no incident has begun with these facts, unless it had begun before."""

        def attempt() -> Incident:
            if self.store.index(tenant, stream):
                return self.load(tenant, stream)
            entry = Work(tenant, None, stream)
            entry.add(facts)
            self._decide(entry, c.Wake(), self.store.now())
            self._commit([entry])
            return entry.incident

        return self._retried(attempt)

    def handle(self, tenant: str, name: str, command: Any) -> Incident:
        """The incident after `command`. `name` is an id or a reference.

        Raises NotFound, Refused (the state does not allow it) or ValueError (the command names something unknown).
        """
        return self._retried(lambda: self._handle(tenant, name, command))

    def _handle(self, tenant: str, name: str, command: Any) -> Incident:
        now = self.store.now()
        work: dict[str, Work] = {}
        follow = not isinstance(command, OfItems)
        entry = self._working(tenant, self.find(tenant, name), work, follow=follow)
        match command:
            case c.Merge():
                other = self._working(tenant, self.find(tenant, command.into), work)
                if bool(entry.incident.restricted) != bool(other.incident.restricted):
                    raise Refused("cannot merge: one of the two is private and the other is not")
                before = entry.incident
                called = other.incident.reference
                self._decide(entry, MergeNamed(by=command.by, into=other.stream, reference=called), now)
                absorb = Absorb(
                    by=command.by,
                    other=before.id,
                    reference=before.reference,
                    keys=before.keys,
                    firing=before.firing,
                    public=before.public is not None,
                )
                self._decide(other, absorb, now)
            case c.Reopen():
                held = [
                    (key, self.store.holder(tenant, Claim(kind="key", name=key))) for key in entry.incident.last_keys
                ]
                free = tuple(key for key, holder in held if holder in (None, entry.stream))
                self._decide(entry, ReopenHolding(by=command.by, because=command.because, keys=free), now)
            case c.Link():
                other = self._working(tenant, self.find(tenant, command.other), work)
                for one, two in ((entry, other), (other, entry)) if other is not entry else ((entry, entry),):
                    if two.incident.restricted and not one.incident.restricted:
                        continue  # who reads the one must not learn of the other
                    named = LinkNamed(
                        by=command.by,
                        relation=command.relation,
                        other=two.stream,
                        reference=two.incident.reference,
                    )
                    self._decide(one, named, now)
            case _:
                self._decide(entry, addressed(entry, command, self.store), now)
                self._tell_approvers(entry, now)
        self._commit(list(work.values()))
        return entry.incident

    def _tell_approvers(self, entry: Work, now: datetime) -> None:
        """Whoever may release what waits since this very commit hears of it."""
        for asked in [each for each in entry.facts if isinstance(each, f.ApprovalRequested)]:
            people = tuple(self._approvers(entry.tenant, entry.incident, asked.by))
            said = TellApprovers(by=f.TOCSIN, people=people, because=asking(asked), key=f"approval@{asked.request}#0")
            self._decide(entry, said, now)

    # --- what is due --------------------------------------------------------------------------------------------------

    def wake(self, limit: int = 200) -> int:
        """How many streams whose time had come were woken, earliest first; every due act is committed."""
        now = self.store.now()
        woken = self.store.due(now, limit)
        for tenant, stream, _ in woken:
            try:
                self._retried(partial(self._wake, tenant, stream, now))
            except POISON as error:  # one broken stream must not keep everybody else's pages back
                self.poisoned[tenant, stream] = f"{type(error).__name__}: {error}"
                log.exception("waking incident %s of %s failed; looking again in %s", stream, tenant, POISON_DELAY)
                self.store.postpone(tenant, stream, now + POISON_DELAY)
        return len(woken)

    def _wake(self, tenant: str, stream: str, now: datetime) -> None:
        self.poisoned.pop((tenant, stream), None)
        entry = self._work_on(tenant, stream)
        self._decide(entry, c.Wake(), now)
        self._commit([entry], always=True)  # a wake-up that found nothing to do must not come again at once

    # --- what becomes of pages ----------------------------------------------------------------------------------------

    def lease(self, limit: int = 50, held: Collection[LeasedPage] = ()) -> list[LeasedPage]:
        """Attempts to be made now, each leased for `LEASE_SECONDS`. Forgiven pages are never among them.

        `held` are being made by whoever asks: a clock that is set forward must not have them made twice.
        """
        now = self.store.now()
        late = [page.lease for page in held if page.lease_until <= now]
        if late:
            self.store.renew(late, now + timedelta(seconds=LEASE_SECONDS))
        return self.store.claim_pages(now, limit, LEASE_SECONDS)

    def describe(self, page: LeasedPage) -> IncidentView | None:
        """The incident as it is at send time, or None when the page was forgiven meanwhile and must not be sent."""
        incident = self.load(page.tenant, page.incident)
        state = incident.pages.get(page.id)
        if state is None or state.forgiven:
            return None
        seen = self.view(page.tenant, incident)
        return msgspec.structs.replace(seen, paged_because=state.because, paged_for=state.audience)

    def receive(self, page: LeasedPage, receipt: Receipt) -> None:
        """The attempt's outcome is on the timeline of every incident it spoke for, and what follows is decided."""
        self._retried(lambda: self._receive(page, receipt))

    def _receive(self, page: LeasedPage, receipt: Receipt) -> None:
        now = self.store.now()
        receipt = forgotten(self.guides, self.store, page.tenant, page.person, page.kind, page.address, receipt)
        sent = receipt.code == "sent"
        again = None if sent else retry_at(page.attempt, receipt, now, page.id)
        work: dict[str, Work] = {}
        for page_id, incident in ((page.id, page.incident), *((each[0], each[1]) for each in page.also)):
            entry = self._working(page.tenant, incident, work, follow=False)
            state = entry.incident.pages.get(page_id)
            command = RecordReceipt(
                page=page_id,
                person=page.person,
                kind=page.kind,
                address=shown_address(page.kind, page.address),
                method=method_of(state.page if state else None, page),
                attempt=page.attempt,
                sent=sent,
                code="" if sent else receipt.code,
                detail=receipt.detail[:500],
                provider_id=receipt.provider_id[:200],
                bundle=page.id if page.also else "",
                again_at=again,
            )
            self._decide(entry, command, now)
        outcome = Settlement(
            page=page, outcome="sent" if sent else "retry" if again else "given_up", at=now, retry_at=again
        )
        self._commit(list(work.values()), settle=(outcome,))

    def receive_announcements(self, told: Sequence[AnnouncementSettlement]) -> None:
        """These attempts' outcomes are stored, and what ended at a named channel is on its incident's timeline."""
        self._retried(lambda: self._receive_announcements(told))

    def _receive_announcements(self, told: Sequence[AnnouncementSettlement]) -> None:
        work: dict[str, Work] = {}
        for each in told:
            said = self.store.announcement(each.leased.tenant, each.leased.announcement)
            if said and said.incident and each.leased.recipient.timeline and each.outcome in ("sent", "failed"):
                entry = self._working(each.leased.tenant, said.incident, work, follow=False)
                self._decide(entry, RecordAnnouncement(audience=said.audience, settlement=each), each.at)
        self._commit(list(work.values()), told=told)

    # --- reading ------------------------------------------------------------------------------------------------------

    def find(self, tenant: str, name: str) -> str:
        """The id of the incident with this id or reference. Raises NotFound."""
        seen = see(self.store)
        found = name if seen.index(tenant, name) else seen.find(tenant, name)
        if found is None:
            raise NotFound(f"incident: none is called {name!r}; expected an id or a reference such as INC-2026-001")
        return found

    def load(self, tenant: str, stream: str) -> Incident:
        """The incident after all its facts. Raises NotFound."""
        cached = self._cache.get((tenant, stream))
        if cached is not None:
            self._cache.move_to_end((tenant, stream))
            return cached[0]
        incident = fold(self.store.facts(tenant, stream))
        if incident is None:
            raise NotFound(f"incident: {stream!r} has no facts")
        self._remember(tenant, incident, None)
        return incident

    def reread(self, tenant: str, stream: str) -> None:
        """Facts of this stream were erased: what is remembered and listed of it is what is left. Writer thread."""
        self._cache.pop((tenant, stream), None)
        self._commit([Work(tenant, self.load(tenant, stream), stream)], always=True)

    def view(self, tenant: str, incident: Incident) -> IncidentView:
        guide = self.guides.digested(tenant, incident.policy_digest)
        return view(incident, rules_of(guide, incident), guide.calendar)

    def directory(self, tenant: str) -> Directory:
        """Everybody, and who is on call now."""
        return msgspec.structs.replace(self.guides.directory(tenant), at=self.store.now())

    # --- load, decide, append -----------------------------------------------------------------------------------------

    def _working(self, tenant: str, stream: str, work: dict[str, Work], *, follow: bool = True) -> Work:
        """This commit's work on the stream; a merged incident's is done on the one it lives on in."""
        entry = work.get(stream)
        if entry is None:
            entry = work[stream] = self._work_on(tenant, stream)
        into = entry.incident.merged_into
        return self._working(tenant, into, work) if into and follow and not entry.facts else entry

    def _work_on(self, tenant: str, stream: str) -> Work:
        incident = self.load(tenant, stream)
        return Work(tenant, incident, stream, self._cache[tenant, stream][1])

    def _open(
        self,
        tenant: str,
        work: dict[str, Work],
        policy: Policy,
        digest: str,
        now: datetime,
        *,
        stream: str | None = None,
        **opening: Any,
    ) -> Work:
        stream = stream or self._new_id()
        entry = work[stream] = Work(tenant, None, stream)
        name = counter(policy.reference_format, now, self._zone)
        taken = [each.counter[1] for each in work.values() if each.counter and each.counter[0] == name]
        number = max(taken, default=self.store.last_number(tenant, name)) + 1
        entry.counter = (name, number)
        ref = reference(policy.reference_format, number, now, self._zone)
        world = self._world(tenant, digest, opening["guide"])
        entry.add(opened(Opening(incident=stream, reference=ref, policy_digest=digest, **opening), world, now))
        return entry

    def _decide(self, entry: Work, command: Any, now: datetime) -> None:
        incident = entry.incident
        world = self._world(entry.tenant, incident.policy_digest, incident.guide, entry.outlook)
        if incident.duty:
            world = msgspec.structs.replace(world, rules=())
        entry.add(decide(incident, command, world, now))

    def _world(self, tenant: str, digest: str, name: str, outlook: Outlook | None = None) -> World:
        guide = self.guides.digested(tenant, digest)
        return World(
            policy=guide.policy,
            rules=guide.rules,
            directory=self.directory(tenant),
            calendar=guide.calendar,
            law=self.guides.law(tenant, name),
            outlook=outlook,
            outside=self._outside,
        )

    def _commit(
        self,
        work: list[Work],
        *,
        alerts: AlertChanges | None = None,
        settle: Sequence[Settlement] = (),
        told: Sequence[AnnouncementSettlement] = (),
        consumed: int | None = None,
        always: bool = False,
    ) -> None:
        changed = [entry for entry in work if entry.facts or always]
        appends = [
            append_of(entry, self.guides.digested(entry.tenant, entry.incident.policy_digest)) for entry in changed
        ]
        announce = [owed for entry in changed for owed in self.listeners.announced(entry)]
        if appends or alerts is not None or settle or told or consumed is not None:
            self.store.commit(appends, alerts=alerts, settle=settle, consumed=consumed, announce=announce, told=told)
        for entry in changed:
            self._remember(entry.tenant, entry.incident, entry.outlook)
        for entry in changed:
            self.listeners.tell(entry)

    def _remember(self, tenant: str, incident: Incident, outlook: Outlook | None) -> None:
        self._cache[tenant, incident.id] = (incident, outlook)
        self._cache.move_to_end((tenant, incident.id))
        while len(self._cache) > CACHE_MAX:
            self._cache.popitem(last=False)

    def _retried(self, attempt: Callable[[], Result]) -> Result:
        """Decide again on the newer state when the append is refused; an alert racing a resolve is never dropped."""
        for _ in range(TRIES_MAX):
            try:
                return attempt()
            except Conflict as conflict:
                self._cache.clear()
                last = conflict
        raise last


def _declared_severity(policy: Policy, name: str | None) -> str:
    if name is None:
        ranked = sorted(policy.severities, key=lambda each: each.rank)
        return ranked[min(1, len(ranked) - 1)].id
    severity = severity_of(policy, name)
    if severity is None:
        known = ", ".join(each.id for each in policy.severities)
        raise ValueError(f"severity: expected one of {known}, got {name!r}")
    return severity.id
