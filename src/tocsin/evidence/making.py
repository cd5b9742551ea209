"""The vault as it is configured, and every error that it has; loaded when evidence is first touched."""

from __future__ import annotations

from typing import NamedTuple

from tocsin.clock import Clock
from tocsin.evidence.files import FileObjects
from tocsin.evidence.keys import BadKeys, KeyFile, UnknownKey
from tocsin.evidence.objects import NotThere, Objects, StoreFailed
from tocsin.evidence.redaction import Redactor
from tocsin.evidence.s3 import Account, S3Objects
from tocsin.evidence.sealing import Broken
from tocsin.evidence.vault import TooLarge, Vault
from tocsin.setting.evidence import EvidenceSetting

__all__ = ["ERRORS", "Redactor", "vault_of"]

KEYS_VARIABLE = "evidence.keys"


class Errors(NamedTuple):
    """`store`: it may work later; `content`: what is there is not what was kept."""

    too_large: type[Exception] = TooLarge
    store: tuple[type[Exception], ...] = (StoreFailed, BadKeys)
    content: tuple[type[Exception], ...] = (Broken, UnknownKey, NotThere)


ERRORS = Errors()


def vault_of(setting: EvidenceSetting, tenant: str, clock: Clock) -> Vault:
    """Nothing is read or written yet."""
    given = {KEYS_VARIABLE: setting.keys} if setting.keys else {}
    keys = KeyFile(setting.key_file, given, KEYS_VARIABLE)
    return Vault(_objects(setting, clock), keys, tenant, setting.spool)


def _objects(setting: EvidenceSetting, clock: Clock) -> Objects:
    bucket = setting.bucket
    if bucket is None:
        return FileObjects(setting.folder)
    account = Account(
        endpoint=bucket.endpoint,
        bucket=bucket.bucket,
        region=bucket.region,
        prefix=bucket.prefix,
        access_key=bucket.access_key,
        secret_key=bucket.secret_key,
    )
    return S3Objects(account, clock)
