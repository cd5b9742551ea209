"""A message as delivery makes them, to vary."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from tocsin.core.people import Method, Person
from tocsin.ports import Message

T0 = datetime(2026, 3, 4, 3, 2, tzinfo=UTC)

MESSAGE = Message(
    id="inc-1-1-ana",
    attempt=1,
    person=Person(id="ana", name="Ana Díaz"),
    method=Method(kind="console", address="ana"),
    subject="[SEV-1] Checkout is failing (INC-2026-001)",
    text="Checkout is failing\n\nAcknowledge: https://tocsin.example/a/token\n"
    "Incident:    https://tocsin.example/incidents/INC-2026-001\n",
    acknowledge_url="https://tocsin.example/a/token",
    incident_url="https://tocsin.example/incidents/INC-2026-001",
    reference="INC-2026-001",
    incident="inc-1",
    severity="SEV-1",
    rank=0,
    event="page",
    at=T0,
    data={"id": "inc-1", "reference": "INC-2026-001", "alerts": []},
)


def message(kind: str = "console", address: str = "ana", **changes: Any) -> Message:
    method = Method(kind=kind, address=address)  # type: ignore[arg-type]
    return msgspec.structs.replace(MESSAGE, method=method, **changes)
