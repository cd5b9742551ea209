"""Journal entries for the parsers' tests, and the captured payloads of real senders (read in place, never copied)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tocsin.core.alert import Report
from tocsin.intake.formats import parse
from tocsin.ports import Entry

from ..shared_files import SHARED

RECEIVED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
WIRE = SHARED / "fixtures" / "wire"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def entry(kind: str, body: Any, *, source: str = "prod", position: int = 7, **meta: str) -> Entry:
    """An entry received on 2026-11-21 at 08:00 UTC; a body that is not bytes is encoded as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Entry(
        position=position, tenant="default", source=source, kind=kind, received_at=RECEIVED, body=raw, meta=meta
    )


def read(kind: str, body: Any, **meta: str) -> list[Report]:
    return parse(entry(kind, body, **meta))


def one(kind: str, body: Any, **meta: str) -> Report:
    (report,) = read(kind, body, **meta)
    return report


def whole(name: str) -> Any:
    """A file of the fixtures, decoded; the test is skipped by name where the file is not there."""
    path = WIRE / name
    if not path.exists():
        pytest.skip(f"needs {path.name} of the shared wire fixtures")
    text = path.read_text()
    return [json.loads(line) for line in text.splitlines()] if name.endswith("jsonl") else json.loads(text)


def capture(name: str) -> list[Any]:
    """The records of a captured file."""
    return list(whole(name))
