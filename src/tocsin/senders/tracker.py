"""What trackers and the sources of alerts have in common: JSON requests of one account; and tickets, found again."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlencode

import msgspec

from tocsin.ports import Declined, Receipt
from tocsin.senders.http import TIMEOUT_SECONDS, Answer, Headers, Poster, receipt_of, target

ANSWER_BYTES_MAX = 8 * 1024 * 1024  # a hundred issues with their descriptions
LISTED_MAX = 100
LABEL = "tocsin"  # what all our tickets have, so that one of them can be found without a search index
TITLE_MAX = 250


class Rest:
    """Requests under one base URL. The address is the administrator's, so it may be on this network."""

    def __init__(
        self,
        base: str,
        headers: Headers,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = headers
        self._poster = Poster(
            allow_private=True, timeout_seconds=timeout_seconds, tls=tls, answer_bytes_max=ANSWER_BYTES_MAX
        )

    async def get(self, path: str, **query: Any) -> Any | Declined:
        return await self.ask("GET", path + (f"?{urlencode(query, doseq=True)}" if query else ""))

    async def post(self, path: str, body: Any) -> Any | Declined:
        return await self.ask("POST", path, body)

    async def close(self) -> None:
        await self._poster.close()

    async def ask(self, method: str, path: str, body: Any = None, headers: Headers | None = None) -> Any | Declined:
        """What the answer's JSON says; None for an answer without a body."""
        to = target(self._base + path)
        content = b"" if body is None else msgspec.json.encode(body)
        answer = await self._poster.request(method, to, self._headers | (headers or {}), content)
        if isinstance(answer, Receipt):
            return Declined(error="", receipt=answer)
        receipt = _limited(answer) or receipt_of(to, answer)
        if receipt.code != "sent":
            return Declined(error=str(answer.status), receipt=receipt)
        if not answer.body.strip():
            return None
        try:
            return msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            detail = f"{to.origin} answered {answer.status}, but no JSON"
            return Declined(error="", receipt=Receipt(code="unknown", detail=detail))


async def may_see(rest: Rest, path: str, **query: Any) -> Receipt:
    """Whether this account is shown what is there."""
    answer = await rest.get(path, **query)
    return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")


async def comment_once(rest: Rest, place: str, text: str, marker: str, **listing: Any) -> Receipt:
    """The text stands among the comments at `place`, which are Markdown, once: its marker is found again."""
    listed = await rest.get(place, **listing, per_page=LISTED_MAX)
    if isinstance(listed, Declined):
        return listed.receipt
    if found_in(listed, "body", marker):
        return Receipt(code="sent")
    answer = await rest.post(place, {"body": f"{text}\n\n<!-- {marker} -->"})
    return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")


def _limited(answer: Answer) -> Receipt | None:
    """GitHub says 403 when an account has asked too much; that passes."""
    if answer.status == 403 and (answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers):
        wait = answer.headers.get("retry-after", "60")
        return Receipt(
            code="throttled", detail="the tracker's rate limit", retry_after_seconds=int(wait) if wait.isdigit() else 60
        )
    return None


def found_in(items: Any, key: str, marker: str) -> dict[str, Any] | None:
    """The first of a listing whose text carries the marker."""
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and marker in str(item.get(key) or ""):
            return item
    return None
