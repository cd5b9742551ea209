"""Acknowledgements for Opsgenie, and for the operations part of Jira Service Management, which speaks the same.

Source: docs.opsgenie.com/docs/alert-api (identifierType=alias; answers 202 and works it off afterwards) and
developer.atlassian.com/cloud/jira/service-desk-ops (integration events: no unacknowledge).
"""

from __future__ import annotations

from urllib.parse import quote

from tocsin.core.twoway import Back, Standing, Subject, Words
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import Rest, may_see

VERBS: dict[Standing, str] = {"acknowledged": "acknowledge", "open": "unacknowledge", "resolved": "close"}
INTEGRATION = "/jsm/ops/integration"
SOURCE_MAX, NOTE_MAX, USER_MAX = 100, 25_000, 100


class Opsgenie:
    """One account, by the key of an API integration."""

    service = "opsgenie"

    def __init__(self, back: Back) -> None:
        self._takes_back = not back.url.endswith(INTEGRATION)
        self._rest = Rest(back.url, {"Authorization": f"GenieKey {back.token}"})

    async def tell(self, subject: Subject, standing: Standing, words: Words) -> Receipt | None:
        """None: this service cannot be told this."""
        kind, alias = subject.key
        if standing == "open" and not self._takes_back:
            return None
        if kind != "alias":
            return Receipt(
                code="misconfigured",
                permanent=True,
                detail="Opsgenie does not know an alert that did not come in its formats",
            )
        path = f"/v2/alerts/{quote(alias, safe='')}/{VERBS[standing]}?identifierType=alias"
        body = {"user": words.by[:USER_MAX], "source": "Tocsin", "note": words.text[:NOTE_MAX]}
        answer = await self._rest.post(path, body)
        return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")

    async def check(self) -> Receipt | None:
        """Whether the key is taken; None for a key of Jira's operations, which may only send."""
        if not self._takes_back:
            return None
        return await may_see(self._rest, "/v2/alerts", limit=1)

    async def close(self) -> None:
        await self._rest.close()
