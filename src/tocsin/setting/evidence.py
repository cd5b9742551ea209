"""Where evidence is kept and asked for, as configured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from tocsin.core.evidence import Retention
from tocsin.setting.file import ConfigError, Flaw

KEYS, FOLDER = "evidence.keys", "evidence"


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    endpoint: str
    bucket: str
    region: str
    prefix: str
    access_key: str
    secret_key: str


class LogSource(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere that answers a query for logs; `url` has places for it and for the time."""

    name: str
    url: str
    token: str | None
    query: str


class EvidenceSetting(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`: the keys themselves, which count before `key_file`. `bucket` None: evidence lies in `folder`."""

    folder: Path
    spool: Path
    key_file: Path
    keys: str | None
    bytes_max: int
    retention: Retention
    allow_private: bool
    bucket: Bucket | None
    log_sources: tuple[LogSource, ...]


def evidence_setting(
    of: Callable[[str], Any], data: Path, log_sources: list[dict[str, Any]], where: str
) -> EvidenceSetting:
    """Raises configfile.ConfigError for a bucket that is described in part."""
    return EvidenceSetting(
        folder=Path(of("evidence.folder") or data / FOLDER),
        spool=data / ".evidence-spool",
        key_file=Path(of("evidence.key_file") or data / KEYS),
        keys=of("evidence.keys"),
        bytes_max=of("evidence.max_mb") * 1024 * 1024,
        retention=Retention(
            keep_seconds=of("evidence.keep"),
            kinds=of("evidence.keep_kinds"),
            severities=of("evidence.keep_severities"),
        ),
        allow_private=of("evidence.allow_private"),
        bucket=_bucket(of, where),
        log_sources=tuple(LogSource(**row) for row in log_sources),
    )


def _bucket(of: Callable[[str], Any], where: str) -> Bucket | None:
    names = ("endpoint", "bucket", "access_key", "secret_key")
    said = {name: of(f"evidence.s3_{name}") for name in names}
    if not any(said.values()):
        return None
    missing = [f"evidence.s3_{name}" for name in names if not said[name]]
    if missing:
        expected = "a value, because other s3_ settings are there"
        raise ConfigError([Flaw(key=missing[0], expected=expected, got="nothing", where=where)])
    return Bucket(region=of("evidence.s3_region"), prefix=of("evidence.s3_prefix"), **said)
