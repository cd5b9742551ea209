"""What is accepted is journalled first: entries of any wire format, and alerts as Alertmanager takes them."""

from __future__ import annotations

from tocsin.http.asgi import Answer, BodyTooLarge
from tocsin.intake.committer import Accepted, Committer, Overloaded as Backlogged
from tocsin.intake.door import AlertsDoor, Allowance, store
from tocsin.intake.monitor import KIND as OWN
from tocsin.intake.times import microseconds
from tocsin.ports import Entry
from tocsin.writer import Overloaded


async def accept(committer: Committer, entry: Entry, allowance: Allowance) -> int:
    """Journal the entry; its position, once durable. Raises writer.Overloaded, OSError, http.asgi.BodyTooLarge.

    What we report ourselves, a beat that was missed or a probe that fails, is under no limit.
    """
    if entry.kind != OWN:
        if why := allowance.too_large(len(entry.body)):
            raise BodyTooLarge(why)
        if why := allowance.admit():
            raise Overloaded(why)
        allowance.took(0, len(entry.body))
    accepted = Accepted(
        tenant=entry.tenant,
        source=entry.source,
        kind=entry.kind,
        received_us=microseconds(entry.received_at),
        body=entry.body,
        meta=entry.meta,
    )
    try:
        return (await store(committer, accepted)).position
    except Backlogged as error:
        raise Overloaded(str(error)) from error


async def accept_alerts(door: AlertsDoor, tenant: str, source: str, body: bytes) -> Answer:
    """Decode, journal what is valid, and answer as Alertmanager does."""
    outcome = await door.posted(tenant, source, body)
    headers = []
    if outcome.retry_after:
        headers.append(("retry-after", str(outcome.retry_after)))
    if outcome.payload:
        headers.append(("tocsin-payload", str(outcome.payload)))
    content_type = "application/json" if outcome.body else ""
    return Answer(status=outcome.status, headers=tuple(headers), body=outcome.body, content_type=content_type)
