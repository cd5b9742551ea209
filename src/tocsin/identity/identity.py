"""Everything that proves who somebody is, in one place for the faces; made once for the process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tocsin.identity import accounts
from tocsin.identity.attempts import Attempts
from tocsin.identity.box import Box
from tocsin.identity.hashing import Hasher
from tocsin.identity.oidc import Provider
from tocsin.identity.seals import Seals
from tocsin.ports import Store


class Identity:
    """`secret`: the installation's; `box`: what seals secrets in the store. `provider` None: nobody signs in with
    another organisation's word."""

    def __init__(self, secret: bytes, box: Box, provider: Provider | None = None) -> None:
        self.seals = Seals(secret)
        self.box = box
        self.attempts = Attempts()
        self.hasher = Hasher()
        self.provider = provider
        self._tasks: set[asyncio.Task[None]] = set()

    def seal_stored(self, store: Store, tenant: str) -> int:
        """How many secrets of earlier releases lay open in the store; they are sealed. Writer thread only."""
        return accounts.seal_open(store, tenant, self.box)

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """It is done beside the request that asked for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self.provider is not None and self.provider.close is not None:
            await self.provider.close()
