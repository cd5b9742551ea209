"""A sender whose library is heavy, loaded when somebody is first reached by it."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from tocsin.ports import Message, Receipt, Sender
from tocsin.threads import Threads

APPRISE = "tocsin.senders.apprise:AppriseSender"
WEBPUSH = "tocsin.senders.webpush:WebPushSender"


class OnDemand:
    """Stands for the sender `target` (`module:Class`, made with `given`) until the first message loads it.

    Loading happens in a thread, once, however many messages wait for it. A library that is not installed is a receipt,
    not an error at start: people may be added at any time, and most installations never need it.
    """

    def __init__(self, kind: str, target: str, **given: Any) -> None:
        self.kind = kind
        self._target = target
        self._given = given
        self._loader = Threads(f"load {kind}", 1)
        self._loading = asyncio.Lock()
        self._sender: Sender | None = None

    async def send(self, message: Message) -> Receipt:
        try:
            async with self._loading:
                if self._sender is None:
                    self._sender = await self._loader.run(self._load)
        except ValueError as error:
            return Receipt(code="misconfigured", permanent=True, detail=str(error))
        return await self._sender.send(message)

    def _load(self) -> Sender:
        module, _, name = self._target.partition(":")
        try:
            sender: Sender = getattr(importlib.import_module(module), name)(**self._given)
        except ImportError as error:
            raise ValueError(f"the library for {self.kind} cannot be loaded: {error}") from error
        return sender

    async def close(self) -> None:
        if self._sender is not None:
            await self._sender.close()
