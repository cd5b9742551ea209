"""Pushing to status pages elsewhere: Atlassian Statuspage, Cachet 3, and a plain `POST {name, status, impact, body}`.

A push is at least once, so each finds its incident there before it makes one: Statuspage keeps our id in `metadata`;
in Cachet, which has no such place, it is the newest unresolved incident of that name. News that comes late, after
newer news of the same incident has been pushed, is not pushed any more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from tocsin.core.status import Target
from tocsin.ports import Message, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Poster, receipt_of, target

STATUSPAGE = "https://api.statuspage.io"
ANSWER_BYTES_MAX = 2 * 1024 * 1024  # a listing of unresolved incidents, with their updates
KNOWN_MAX = 1_000  # incidents whose place elsewhere is remembered; the others are looked up again

CACHET_STATUS = {"investigating": 1, "identified": 2, "monitoring": 3, "resolved": 4}
CACHET_COMPONENT = {
    "operational": 1,
    "degraded_performance": 2,
    "partial_outage": 3,
    "major_outage": 4,
    "under_maintenance": 2,
}

Json = dict[str, Any]


class Refused(Exception):
    """The other side, or the way there, said no; the receipt says how."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.detail)
        self.receipt = receipt


class PushSender:
    """`lookup` gives a target by its id, the address of these messages. `allow_private`: as for webhooks."""

    kind = "status-push"

    def __init__(
        self,
        lookup: Callable[[str], Target | None],
        *,
        allow_private: bool = False,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._lookup = lookup
        self._poster = Poster(
            allow_private=allow_private,
            timeout_seconds=timeout_seconds,
            tls=tls,
            answer_bytes_max=ANSWER_BYTES_MAX,
        )
        self._locks: dict[str, asyncio.Lock] = {}
        self._places: OrderedDict[tuple[str, str], str] = OrderedDict()  # (target, incident) -> its id there
        self._newest: OrderedDict[tuple[str, str], int] = OrderedDict()  # -> the update that was pushed last

    async def send(self, message: Message) -> Receipt:
        where = self._lookup(message.method.address)
        if where is None:
            detail = f"there is no push target {message.method.address!r} any more"
            return Receipt(code="misconfigured", permanent=True, detail=detail)
        async with self._locks.setdefault(where.id, asyncio.Lock()):  # in order, and never two lookups at once
            try:
                return await self._push(where, message)
            except Refused as refused:
                return refused.receipt
            except (ValueError, msgspec.DecodeError) as error:
                return Receipt(code="misconfigured", permanent=True, detail=f"{where.id}: {error}")

    async def close(self) -> None:
        await self._poster.close()

    async def _push(self, where: Target, message: Message) -> Receipt:
        incident = message.data.get("incident")
        if not isinstance(incident, dict):
            return await self._component(where, message.data.get("component") or {})
        updates = incident.get("incident_updates") or []
        place = str(updates[0]["id"]).rpartition("-")[2] if updates else "0"
        number = int(place) if place.isascii() and place.isdigit() else 0
        key = (where.id, str(incident["id"]))
        if self._newest.get(key, -1) > number:
            return Receipt(code="sent", detail="newer news of this incident was pushed already")
        push = {"statuspage": self._statuspage, "cachet": self._cachet, "page": self._page}[where.kind]
        found = await push(where, incident, updates[0] if updates else {})
        self._places[key], self._newest[key] = found, number
        if len(self._places) > KNOWN_MAX:
            self._places.popitem(last=False)
            self._newest.popitem(last=False)
        return Receipt(code="sent", provider_id=found)

    # --- each of them -------------------------------------------------------------------------------------------------

    async def _statuspage(self, where: Target, incident: Json, update: Json) -> str:
        base = f"{where.url or STATUSPAGE}/v1/pages/{quote(where.page, safe='')}/incidents"
        form: Json = {
            "name": incident["name"],
            "status": incident["status"],
            "impact_override": incident["impact"],
            "body": update.get("body", ""),
            "components": _mapped(where, incident),
            "metadata": {"tocsin": {"incident": incident["id"]}},
        }
        for name in ("scheduled_for", "scheduled_until"):
            if incident.get(name):
                form[name] = incident[name]
        known = self._places.get((where.id, incident["id"])) or await self._on_statuspage(where, base, incident["id"])
        if known:
            await self._call(where, "PATCH", f"{base}/{quote(known, safe='')}", {"incident": form}, scheme="OAuth")
            return known
        made = await self._call(where, "POST", base, {"incident": form}, scheme="OAuth")
        return str(made["id"])

    async def _on_statuspage(self, where: Target, base: str, name: str) -> str | None:
        for path in (f"{base}/unresolved", f"{base}?limit=50"):
            for each in await self._call(where, "GET", path, scheme="OAuth"):
                mark = (each.get("metadata") or {}).get("tocsin") or {}
                if mark.get("incident") == name:
                    return str(each["id"])
        return None

    async def _cachet(self, where: Target, incident: Json, update: Json) -> str:
        base = f"{where.url}/api/incidents"
        status = CACHET_STATUS.get(incident["status"])
        if status is None:
            raise ValueError("Cachet takes incidents only; announce maintenance there yourself")
        words = update.get("body") or incident["name"]
        known = self._places.get((where.id, incident["id"])) or await self._on_cachet(where, base, incident["name"])
        components = [
            {"component_id": int(name), "component_status": CACHET_COMPONENT[state]}
            for name, state in _mapped(where, incident).items()
        ]
        if known is None:
            form = {"name": incident["name"], "message": words, "status": status, "visible": True}
            made = await self._call(where, "POST", base, form | {"components": components})
            return str(made["data"]["id"])
        await self._call(where, "POST", f"{base}/{known}/updates", {"status": status, "message": words})
        for each in components:
            path = f"{where.url}/api/components/{each['component_id']}"
            await self._call(where, "PUT", path, {"status": each["component_status"]})
        return known

    async def _on_cachet(self, where: Target, base: str, name: str) -> str | None:
        found = await self._call(where, "GET", f"{base}?per_page=50&filter%5Bname%5D={quote(name, safe='')}")
        for each in found.get("data", []):
            told = each.get("attributes") or {}
            if told.get("name") == name and (told.get("status") or {}).get("value") != CACHET_STATUS["resolved"]:
                return str(each["id"])
        return None

    async def _page(self, where: Target, incident: Json, update: Json) -> str:
        """The form of status pages that take one post for each piece of news."""
        form = {
            "id": incident["id"],
            "name": incident["name"],
            "status": incident["status"],
            "impact": incident["impact"],
            "body": update.get("body", ""),
            "components": _mapped(where, incident),
        }
        made = await self._call(where, "POST", where.url, form)
        return str(made.get("id", "")) if isinstance(made, dict) else ""

    async def _component(self, where: Target, component: Json) -> Receipt:
        """What was said of a component without an incident; a plain page has no word for it."""
        theirs = where.components.get(str(component.get("id")))
        if theirs is None or where.kind == "page":
            return Receipt(code="sent", detail="nothing there stands for it")
        state = str(component["status"])
        if where.kind == "statuspage":
            base = f"{where.url or STATUSPAGE}/v1/pages/{quote(where.page, safe='')}/components"
            form = {"component": {"status": state}}
            await self._call(where, "PATCH", f"{base}/{quote(theirs, safe='')}", form, scheme="OAuth")
        else:
            path = f"{where.url}/api/components/{int(theirs)}"
            await self._call(where, "PUT", path, {"status": CACHET_COMPONENT[state]})
        return Receipt(code="sent", provider_id=theirs)

    async def _call(
        self, where: Target, method: str, url: str, body: Json | None = None, *, scheme: str = "Bearer"
    ) -> Any:
        """The decoded answer. Raises Refused."""
        to = target(url)
        headers = {"Authorization": f"{scheme} {where.token}"} if where.token else {}
        raw = b"" if body is None else msgspec.json.encode(body)
        answer = await self._poster.request(method, to, headers | {"Accept": "application/json"}, raw)
        if isinstance(answer, Receipt):
            raise Refused(answer)
        receipt = receipt_of(to, answer)
        if receipt.code != "sent":
            raise Refused(receipt)
        return _decoded(answer)


def _decoded(answer: Answer) -> Any:
    return msgspec.json.decode(answer.body) if answer.body.strip() else {}


def _mapped(where: Target, incident: Json) -> dict[str, str]:
    """Their component ids with the state each is in."""
    return {
        where.components[each["id"]]: each["status"]
        for each in incident.get("components", [])
        if each["id"] in where.components
    }
