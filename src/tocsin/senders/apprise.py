"""Pages through Apprise: some 170 further services, each an URL. Only loaded where it is configured; it is heavy.

Apprise tells success from failure and no more: no status, no message id, no Retry-After. Its connections are its own,
so the guard on private addresses does not hold for them; who may set a contact method may make Apprise connect there.
"""

from __future__ import annotations

import asyncio

import apprise

from tocsin.core.paging_text import one_line
from tocsin.ports import Message, Receipt
from tocsin.threads import Threads

TIMEOUT_SECONDS = 25.0
THREADS_MAX = 16  # a service that hangs holds a thread until Apprise's own timeouts (4 s each) end it
SUBJECT_MAX = 200


class AppriseSender:
    """Notifies one Apprise URL for each page. An URL that Apprise does not understand is misconfigured for good."""

    kind = "apprise"

    def __init__(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._timeout = timeout_seconds
        self._threads = Threads("apprise", THREADS_MAX)

    async def send(self, message: Message) -> Receipt:
        try:
            async with asyncio.timeout(self._timeout):
                result = await self._threads.run(lambda: self._notify(message))
        except TimeoutError:
            return Receipt(code="timeout", detail=f"the service did not answer within {self._timeout:g} s")
        return receipt_of(result, message)

    def _notify(self, message: Message) -> apprise.AppriseResult | None:
        """Apprise's outcome, or None when it does not understand the URL. In a thread: Apprise loads its plugins and
        waits for answers here. One object for each message, because Apprise throttles by object."""
        notifier = apprise.Apprise(asset=apprise.AppriseAsset(app_id="Tocsin", secure_logging=True))
        if not notifier.add(message.method.address):
            return None
        kind = apprise.NotifyType.SUCCESS if message.event == "resolved" else apprise.NotifyType.WARNING
        return notifier.notify(
            title=one_line(message.subject, SUBJECT_MAX),
            body=message.text,
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=apprise.NotifyType.FAILURE if message.event in ("page", "bundle", "alarm") else kind,
            timeout=self._timeout,
        )

    async def close(self) -> None:
        """Nothing stays open between two messages."""


def receipt_of(result: apprise.AppriseResult | None, message: Message) -> Receipt:
    """What Apprise's outcome means. A failure may be for good or not, it does not say: it is tried again."""
    if result is None:
        return Receipt(code="misconfigured", permanent=True, detail="Apprise does not understand this URL")
    status = apprise.AppriseResultStatus
    match result.status:
        case status.SUCCESS:
            return Receipt(code="sent")
        case status.NOMATCH:
            return Receipt(code="misconfigured", permanent=True, detail="Apprise loaded no service for this URL")
        case status.TIMEOUT:
            return Receipt(code="timeout", detail="the service did not answer in time")
        case _:
            service = message.method.address.partition(":")[0]
            return Receipt(code="refused", detail=f"Apprise could not notify {one_line(service, 40)}, and says no more")
