"""Acknowledgements for PagerDuty: by Events API v2 where we know its dedup_key, by REST where we know its incident.

Neither can take an acknowledgement back: PagerDuty does that by itself, after its service's acknowledgement timeout.
Source: PagerDuty/api-schema reference/events-v2/openapiv3.json and reference/REST/openapiv3.json (PUT /incidents).
"""

from __future__ import annotations

from tocsin.core.twoway import PAGERDUTY_EVENTS, PAGERDUTY_REST, Back, Standing, Subject, Words
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import Rest, may_see

ACTIONS: dict[Standing, str] = {"acknowledged": "acknowledge", "resolved": "resolve"}


class PagerDuty:
    """One service of PagerDuty. With a user, the token is a key of the REST API, else an integration's routing key."""

    service = "pagerduty"

    def __init__(self, back: Back) -> None:
        self._token = back.token or ""
        self._user = back.user
        headers = {}
        if back.user:
            headers = {
                "Authorization": f"Token token={self._token}",
                "Accept": "application/vnd.pagerduty+json;version=2",
                "From": back.user,
            }
        self._rest = Rest(back.url or (PAGERDUTY_REST if back.user else PAGERDUTY_EVENTS), headers)

    async def tell(self, subject: Subject, standing: Standing, words: Words) -> Receipt | None:
        """None: PagerDuty cannot be told this."""
        if standing == "open":
            return None
        kind, name = subject.key
        match kind, self._user:
            case "dedup_key", None:
                event = {"routing_key": self._token, "event_action": ACTIONS[standing], "dedup_key": name}
                answer = await self._rest.post("/v2/enqueue", event)
            case "incident", str():
                incident = {"id": name, "type": "incident_reference", "status": standing}
                answer = await self._rest.ask("PUT", "/incidents", {"incidents": [incident]})
            case "incident", None:
                return _unknown("an alert that came by PagerDuty's webhook: set acknowledge_user, a REST key's user")
            case "dedup_key", _:
                return _unknown("an alert that came by the Events API: set a routing key, and no acknowledge_user")
            case _:
                return _unknown("an alert that did not come in PagerDuty's formats")
        return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")

    async def check(self) -> Receipt | None:
        """Whether the key is taken; None for an integration's key, which can only be tried with an event."""
        if self._user is None:
            return None
        return await may_see(self._rest, "/incidents", limit=1)

    async def close(self) -> None:
        await self._rest.close()


def _unknown(what: str) -> Receipt:
    return Receipt(code="misconfigured", permanent=True, detail=f"PagerDuty does not know {what}")
