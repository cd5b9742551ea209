"""Wires the keeping of evidence to this process: where it lies, how addresses are read, who signs the audit trail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from tocsin.ports import DEFAULT_TENANT
from tocsin.proof.custody import FETCH_SECONDS, Custody, Office
from tocsin.proof.notary import Notary
from tocsin.senders.download import Downloader
from tocsin.setting.config import Config
from tocsin.tenants.quota import Quota


class Process(Office, Protocol):
    notary: Notary
    quota: Quota


def custody_of(process: Process, config: Config) -> Custody:
    """Nothing is opened before evidence is first touched."""
    downloaders: dict[bool, Downloader] = {}

    def fetch(url: str, headers: Mapping[str, str], private: bool) -> AsyncIterator[bytes]:
        # The network behind this machine is its owner's: another tenant's log sources get there only if they may.
        private = private and (config.tenant == DEFAULT_TENANT or config.evidence.allow_private)
        reading = downloaders.setdefault(private, Downloader(allow_private=private))
        return reading.get(url, headers, seconds=FETCH_SECONDS)

    async def seal() -> bool:
        return await process.notary.sign(process.tenant)

    return Custody(process, config.evidence, fetch, seal, process.quota)
