"""Whether this process can do its work, and the numbers that say how well."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from tocsin.clock import monotonic
from tocsin.delivery import Delivery
from tocsin.digest.digest import Digest
from tocsin.engine import Engine
from tocsin.http.deps import Health
from tocsin.intake.committer import Committer
from tocsin.intake.door import AlertsDoor
from tocsin.ports import DEFAULT_TENANT
from tocsin.proof.inspection import Inspection
from tocsin.proof.notary import Notary
from tocsin.saying.announcing import Announcing
from tocsin.tenants.quota import Quota
from tocsin.watch.vigil import Vigil
from tocsin.watch.watchdog import Watchdog
from tocsin.wiring.detecting import Detecting
from tocsin.writer import Writer

WRITER_SILENT_SECONDS = 10.0  # the writer looks at the deadlines ten times a second; this long means it hangs
BACKLOG_BYTES = 48 * 1024 * 1024  # half of what makes intake answer 503


class Parts(Protocol):
    engine: Engine
    digest: Digest
    writer: Writer
    committer: Committer
    door: AlertsDoor
    delivery: Delivery
    announcing: Announcing
    watchdog: Watchdog
    vigil: Vigil
    inspection: Inspection
    notary: Notary
    quota: Quota
    detecting: Detecting
    tenant: str


def health_of(parts: Parts) -> Health:
    """`reasons` is empty when everything that is owed is on its way."""
    backlog_bytes, backlog_entries = parts.digest.undigested()
    silent = monotonic() - parts.writer.looked_at
    reasons = [*parts.watchdog.reasons]
    if silent > WRITER_SILENT_SECONDS:
        reasons.append(f"the writer has not looked at the deadlines for {silent:.0f} s")
    if backlog_bytes > BACKLOG_BYTES:
        reasons.append(f"{backlog_entries} accepted payloads ({backlog_bytes >> 20} MB) wait to be digested")
    reasons += [f"incident {stream} cannot be woken: {why}" for (_, stream), why in parts.engine.poisoned.items()][:5]
    if not parts.engine.guides.active(parts.tenant):
        reasons.append("no guide is in force: nobody would be paged")
    if parts.tenant != DEFAULT_TENANT:  # whose readiness is that of the whole installation
        reasons += parts.quota.reasons
    sent: Counter[str] = Counter()
    for (_, code), count in parts.delivery.counts.items():
        sent[code] += count
    return Health(
        reasons=tuple(reasons),
        figures={
            "oldest_due_wakeup_seconds": parts.watchdog.lateness.wake_seconds,
            "oldest_owed_page_seconds": parts.watchdog.lateness.page_seconds,
            "writer_silent_seconds": silent,
            "writer_tasks_waiting": parts.writer.waiting,
            "intake_backlog_bytes": backlog_bytes,
            "intake_backlog_payloads": backlog_entries,
            "alerts_firing": parts.digest.table.firing,
            "alerts_held_back": parts.digest.settler.held_back,
            "pages_in_flight": parts.delivery.in_flight,
            "announcements_in_flight": parts.announcing.in_flight,
            "incidents_poisoned": len(parts.engine.poisoned),
            **parts.vigil.figures(),
            **parts.inspection.figures(),
            **parts.notary.figures(),
            **parts.detecting.figures(),
        },
        counters={
            "alert_reports_total": parts.digest.heard,
            "alert_payloads_rejected_total": parts.door.rejected,
            "alert_payloads_overloaded_total": parts.door.overloaded,
            "journal_refused_total": parts.committer.refused,
            "payloads_quarantined_total": parts.digest.quarantine.count,
            "writer_failures_total": parts.writer.failures + parts.engine.listeners.subscriber_failures,
            "delivery_failures_total": parts.delivery.failures,
            "announcing_failures_total": parts.announcing.failures + parts.engine.listeners.announcer_failures,
            **parts.detecting.counters(),
            **{f"limit_{name}_met_total": count for name, count in sorted(parts.quota.met.items())},
            **{f"attempts_{code}_total": count for code, count in sorted(sent.items())},
        },
    )
