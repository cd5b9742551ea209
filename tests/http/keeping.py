"""The keeping of evidence over a test's world: a real vault in a folder, a signer in the process, real downloads."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tocsin.anchors import note
from tocsin.auditport import Checkpoint
from tocsin.core import ledger
from tocsin.core.evidence import Retention
from tocsin.ports import Store
from tocsin.proof.custody import Custody, Room
from tocsin.senders.download import Downloader
from tocsin.setting.evidence import EvidenceSetting

NAME = "tocsin-test"
DAY = 86_400


class Signer:
    """Signs the log of a world when it is asked to. `away`: it does not answer."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._key = Ed25519PrivateKey.generate()
        self.vkey = note.public(NAME, self._key)
        self.away = False

    async def seal(self) -> bool:
        if not self.away:
            await self._world.run(self._sign)
        return not self.away

    def _sign(self, store: Store) -> None:
        tenant = self._world.tenant
        keys = msgspec.json.encode([self.vkey])
        if store.get(tenant, "audit-key", "keys") != keys:
            store.put(tenant, "audit-key", "keys", keys)
        head = store.audit_head(tenant)
        text = note.head_text(f"{NAME}/{tenant}", head.size, ledger.root(head.frontier))
        signed = note.sign(text, NAME, self._key)
        store.keep_checkpoint(tenant, Checkpoint(size=head.size, at=store.now(), note=signed))


def setting(folder: Path, **changes: Any) -> EvidenceSetting:
    plain = EvidenceSetting(
        folder=folder / "evidence",
        spool=folder / "spool",
        key_file=folder / "evidence.keys",
        keys=None,
        bytes_max=64 * 1024 * 1024,
        retention=Retention(kinds={"dump": 30 * DAY}),
        allow_private=True,
        bucket=None,
        log_sources=(),
    )
    return msgspec.structs.replace(plain, **changes)


class Kept(Custody):
    """As the process wires it (keeper.py), with ids that count."""

    def __init__(self, world: Any, said: EvidenceSetting, room: Room | None = None) -> None:
        ids = itertools.count(1)
        world.fresh_id = lambda: f"e{next(ids):031d}"
        self.signer = Signer(world)
        super().__init__(world, said, fetch, self.signer.seal, room)


async def fetch(url: str, headers: Mapping[str, str], private: bool) -> AsyncIterator[bytes]:
    reading = Downloader(allow_private=private)
    try:
        async for piece in reading.get(url, headers, seconds=5):
            yield piece
    finally:
        await reading.close()
