"""Reading something large from an address: guarded, streamed, within a time; redirects are not followed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping

import httpcore2

from tocsin.core.paging_text import one_line
from tocsin.senders.addresses import Forbidden, Guard
from tocsin.senders.http import CONNECT_SECONDS, SAID_MAX, system_trust, target

IDLE_SECONDS = 60.0  # without a byte


class Downloader:
    """`allow_private`: as for webhooks; metadata and link-local addresses are refused whatever it says."""

    def __init__(self, *, allow_private: bool, tls: ssl.SSLContext | None = None) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or system_trust(),
            max_keepalive_connections=0,
            network_backend=Guard(allow_private=allow_private),
        )

    async def get(self, url: str, headers: Mapping[str, str], *, seconds: float) -> AsyncIterator[bytes]:
        """The body of a 200, piece by piece. Raises ValueError for an address that is none, OSError for whatever the
        network, the server or the guard did not do; what the text says of the address has no secret in it."""
        to = target(url)
        given = {"User-Agent": "Tocsin", "Accept-Encoding": "identity", **headers}
        if to.authorization:
            given.setdefault("Authorization", to.authorization)
        timeouts = {"connect": CONNECT_SECONDS, "read": IDLE_SECONDS, "write": IDLE_SECONDS, "pool": IDLE_SECONDS}
        where = httpcore2.URL(scheme=to.scheme, host=to.host, port=to.port, target=to.path)
        try:
            async with (
                asyncio.timeout(seconds),
                self._pool.stream(
                    "GET", where, headers=list(given.items()), extensions={"timeout": timeouts}
                ) as answer,
            ):
                if answer.status != 200:
                    raise OSError(f"{to.origin} answered {answer.status}")
                async for piece in answer.aiter_stream():
                    yield piece
        except Forbidden as error:
            raise OSError(str(error)) from error
        except (TimeoutError, httpcore2.TimeoutException):
            raise OSError(f"{to.origin} did not answer within {seconds:g} s") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise OSError(f"{to.origin}: {one_line(str(error), SAID_MAX) or type(error).__name__}") from error

    async def close(self) -> None:
        await self._pool.aclose()
