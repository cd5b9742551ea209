"""What triage needs to know beside the alert, kept up to date for one tenant: guides, silences, what fires, what flaps.

Everything here is on the writer thread. Documents that changed are read again before the next verdict; silences and
maintenance windows also begin and end by themselves, and `next_edge` says when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core import triage
from tocsin.core.alert import Verdict
from tocsin.core.correlation import PLACES
from tocsin.core.matchers import matching, parse_matchers
from tocsin.core.policy import Policy
from tocsin.core.routing import Compiled, compile_policies
from tocsin.core.severity import LABELS
from tocsin.core.silence import (
    MAINTENANCE,
    SILENCE,
    Maintenance,
    Silence,
    maintenance_mutes,
    mutes,
    next_change,
)
from tocsin.core.triage import CHANGES_MAX, Context, Flap
from tocsin.digest.kinds import Kind, Kinds
from tocsin.guides import Guides
from tocsin.intake.times import EPOCH
from tocsin.ports import Claim, Store

HELD_BACK = frozenset({"silenced", "inhibited", "maintenance", "threshold"})  # outcomes that may turn into a page
NO_GUIDE = Verdict(outcome="not_paged", because=("no guide is in force: activate one, and its alerts page",))


class OpenKeys:
    """The correlation keys that an open incident holds, asked of the store one at a time."""

    def __init__(self, store: Store, tenant: str) -> None:
        self._store, self._tenant = store, tenant

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._store.holder(self._tenant, Claim(kind="key", name=key)) is not None

    def __iter__(self) -> Iterator[str]:
        raise TypeError("open keys are asked for one at a time")

    def __len__(self) -> int:
        raise TypeError("open keys are asked for one at a time")


class Judge:
    """Verdicts for the alerts of one tenant."""

    def __init__(self, store: Store, guides: Guides, tenant: str) -> None:
        self._store, self._guides, self._tenant = store, guides, tenant
        self._stale = True
        self._context: Context | None = None
        self._edges: list[Silence | Maintenance] = []
        self._kinds = Kinds(("alertname",), self._kind)
        self._ranks: dict[tuple[str, str], int] = {}
        self._firing: dict[str, int] = {}  # correlation key -> how many of its alerts fire
        self.next_edge: datetime | None = None
        self.sources_unknown = False  # inhibitions are new: which of the firing alerts inhibit, nobody has said yet

    # --- the circumstances --------------------------------------------------------------------------------------------

    def changed(self) -> None:
        """Guides, silences or maintenance windows were written."""
        self._stale = True

    def refresh(self, now: datetime) -> bool:
        """Whether something changed since the last call that may turn other verdicts."""
        passed = self.next_edge is not None and now >= self.next_edge
        if not self._stale and not passed:
            return False
        if self._stale:
            self._read()
        self._stale = False
        self._kinds.forget()
        context = self._context
        if context is not None:
            context.silences = mutes([each for each in self._edges if isinstance(each, Silence)], now)
            context.maintenance = maintenance_mutes(
                [each for each in self._edges if isinstance(each, Maintenance)], now
            )
        self.next_edge = next_change(self._edges, now)
        return True

    @property
    def inhibits(self) -> bool:
        """Whether any guide has inhibitions, so that firing alerts have to be told to `fired`."""
        return self._context is not None and bool(self._context.compiled.inhibitions)

    def _read(self) -> None:
        self._guides.changed(self._tenant)
        policies = [(guide.name, guide.policy) for guide in self._guides.active(self._tenant)]
        compiled = compile_policies(policies) if policies else None
        self._context = self._with(compiled)
        self._ranks = {(guide, each.id): each.rank for guide, policy in policies for each in policy.severities}
        silences = [msgspec.json.decode(body, type=Silence) for _, body in self._store.items(self._tenant, SILENCE)]
        windows = [
            msgspec.json.decode(body, type=Maintenance) for _, body in self._store.items(self._tenant, MAINTENANCE)
        ]
        self._edges = [*silences, *windows]
        deciding = {"alertname"}.union(*(_labels_of(policy) for _, policy in policies))
        self._kinds = Kinds(deciding, self._kind)

    def _with(self, compiled: Compiled | None) -> Context | None:
        if compiled is None:
            return None
        if self._context is None:
            self.sources_unknown = bool(compiled.inhibitions)
            return Context(compiled=compiled, open_keys=OpenKeys(self._store, self._tenant))
        if self._context.compiled.inhibitions != compiled.inhibitions:
            self._context.firing_sources = {}
            self.sources_unknown = bool(compiled.inhibitions)
        self._context.compiled = compiled
        return self._context

    # --- verdicts -----------------------------------------------------------------------------------------------------

    def judge(
        self, labels: Mapping[str, str], fingerprint: str, starts_at: datetime, now: datetime, group: str | None
    ) -> Verdict:
        """What becomes of this firing alert now."""
        if self._context is None:
            return NO_GUIDE
        return triage.verdict(self._context, labels, fingerprint, starts_at, now, group=group)

    def kind_of(self, labels: Mapping[str, str], group: str | None) -> Kind | None:
        """What is remembered of alerts that differ from this one in no label that routes or inhibitions look at.

        None for the sender's own groups and for alerts without a name, which are each a problem of their own.
        """
        if group is not None or self._context is None:
            return None
        return self._kinds.of(labels)

    def kind_of_body(self, body: bytes, labels: Callable[[], Mapping[str, str]]) -> Kind | None:
        """The same of an alert that has no group of its sender's, from what the alert table stores of it."""
        return None if self._context is None else self._kinds.of_body(body, labels)

    def _kind(self, labels: Mapping[str, str]) -> Kind:
        assert self._context is not None, "somebody asked for a verdict"
        compiled = self._context.compiled
        return Kind(bool(matching(compiled.sources, labels)), bool(matching(compiled.targets, labels)))

    def settled(self, kind: Kind) -> Verdict | None:
        """The verdict on everything of this kind, or None where each alert has to be asked about."""
        context = self._context
        if context is None or context.silences.mutes or context.maintenance.mutes:
            return None
        return None if kind.target and context.firing_sources else kind.verdict

    def verdict(
        self,
        labels: Mapping[str, str],
        kind: Kind | None,
        group: str | None,
        fingerprint: Callable[[], str],
        starts_us: int,
        now: datetime,
    ) -> Verdict:
        """`judge`, taken from `kind` where nothing but the labels it stands for can decide."""
        if kind is not None and kind.verdict is not None and not self._may_be_held_back(labels, kind):
            return kind.verdict
        began = EPOCH + timedelta(microseconds=starts_us)
        found = self.judge(labels, fingerprint(), began, now, group)
        if kind is not None and not self.is_counted(found) and not self._may_be_held_back(labels, kind):
            kind.verdict = found
        return found

    def _may_be_held_back(self, labels: Mapping[str, str], kind: Kind) -> bool:
        context = self._context
        if context is None:
            return False
        return (
            (kind.target and bool(context.firing_sources))
            or (bool(context.silences.mutes) and bool(matching(context.silences.index, labels)))
            or (bool(context.maintenance.mutes) and bool(matching(context.maintenance.index, labels)))
        )

    def is_counted(self, verdict: Verdict) -> bool:
        """Whether the verdict's route has a threshold."""
        route = self._context.compiled.routes.get((verdict.guide, verdict.route)) if self._context else None
        return route is not None and route.route.threshold is not None

    def rank(self, verdict: Verdict) -> int:
        """How bad the verdict's severity is; 0 is the worst."""
        return self._ranks.get((verdict.guide, verdict.severity), 0)

    def counted(self, verdict: Verdict, fingerprint: str, starts_at: datetime, now: datetime) -> bool:
        """The firing counts towards its route's threshold; whether it was the one that reached it."""
        return self._context is not None and triage.counted(self._context, verdict, fingerprint, starts_at, now)

    def fired(self, labels: Mapping[str, str], fingerprint: str) -> None:
        """While this alert fires, it inhibits what the guides say it inhibits."""
        if self._context is not None:
            triage.source_fired(self._context, labels, fingerprint)

    def cleared(self, labels: Mapping[str, str], fingerprint: str) -> bool:
        """Whether the alert inhibited something until now."""
        return self._context is not None and triage.source_cleared(self._context, labels, fingerprint)

    def moved(self, verdict: Verdict, by: int, now: datetime) -> Flap | None:
        """`by` more (or, negative, fewer) alerts of the verdict's key fire: whether the key flaps."""
        before = self._firing.get(verdict.key, 0)
        after = max(0, before + by)
        if after:
            self._firing[verdict.key] = after
        else:
            self._firing.pop(verdict.key, None)
        return triage.changed(self._context, verdict, before, after, now) if self._context is not None else None

    def loaded(self, verdict: Verdict, count: int) -> None:
        """So many alerts of the verdict's key fire, as the store remembers it."""
        self._firing[verdict.key] = self._firing.get(verdict.key, 0) + count

    def turned(self, key: str, at: Sequence[datetime]) -> None:
        """When the key began and ceased to fire lately, as the store remembers its episodes."""
        if self._context is not None and at:
            self._context.changes[key] = tuple(at[-CHANGES_MAX:])

    def forget(self, now: datetime) -> None:
        """What can matter no more is dropped."""
        if self._context is not None:
            triage.forget(self._context, now)


def _labels_of(policy: Policy) -> set[str]:
    """Every label that routes, severities and the matchers of inhibitions look at."""
    names = {"alertname", "service", "job", *PLACES, *LABELS}
    for route in policy.routes:
        names |= {matcher.name for text in route.matchers for matcher in parse_matchers(text)}
        names |= set(route.correlate_by or ())
    for rule in policy.inhibitions:
        texts = (*rule.source_matchers, *rule.target_matchers)
        names |= {matcher.name for text in texts for matcher in parse_matchers(text)}
    return names
