"""Reading an address on the internet: bounded, guarded, redirects not followed."""

from __future__ import annotations

from tocsin.ports import Receipt
from tocsin.senders.http import Poster, target

BODY_MAX = 1024 * 1024
TIMEOUT_SECONDS = 15.0


class Fetcher:
    """`allow_private`: as for webhooks; metadata and link-local addresses are refused whatever it says."""

    def __init__(self, *, allow_private: bool = False, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._poster = Poster(
            allow_private=allow_private, timeout_seconds=timeout_seconds, answer_bytes_max=BODY_MAX + 1
        )

    async def get(self, url: str) -> bytes:
        """The body of a 200. Raises OSError for everything else, ValueError for an address that is none."""
        answer = await self._poster.request("GET", target(url), {"Accept": "application/json, application/xml, */*"})
        if isinstance(answer, Receipt):
            raise OSError(answer.detail or answer.code)
        if answer.status != 200:
            raise OSError(f"{target(url).origin} answered {answer.status}")
        if len(answer.body) > BODY_MAX:
            raise OSError(f"{target(url).origin}: expected at most {BODY_MAX} bytes, got more")
        return answer.body

    async def close(self) -> None:
        await self._poster.close()
