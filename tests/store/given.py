"""Values the store tests are written with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tocsin.core.facts import NoteAdded, OwedMethod, OwedPage
from tocsin.ports import AlertChanges, Append, Claim, IndexRow, Word

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
TENANT = "default"


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def note(text: str = "looking", at: datetime = T0) -> NoteAdded:
    return NoteAdded(at=at, text=text)


def row(stream: str, **changes: object) -> IndexRow:
    values: dict[str, object] = {
        "incident": stream,
        "reference": f"INC-{stream}",
        "title": f"Trouble in {stream}",
        "status": "investigating",
        "severity": "P1",
        "rank": 0,
        "service": None,
        "guide": "guide",
        "opened_at": T0,
        "acknowledged_at": None,
        "resolved_at": None,
        "firing": 1,
        "drill": False,
        "summary": b'{"id":"x"}',
    }
    return IndexRow(**{**values, **changes})  # type: ignore[arg-type]


def append(stream: str = "s", expected: int = 0, *, facts: int = 1, tenant: str = TENANT, **changes: object) -> Append:
    index = changes.pop("index", None) or row(stream)
    values: dict[str, object] = {
        "tenant": tenant,
        "stream": stream,
        "expected": expected,
        "facts": tuple(note(f"fact {expected + n}") for n in range(facts)),
        "index": index,
        "wake_at": None,
    }
    return Append(**{**values, **changes})  # type: ignore[arg-type]


def page(
    name: str, *methods: tuple[str, str, datetime], person: str = "ana", notice: bool = False, level: int = 1
) -> OwedPage:
    listed = methods or (("email", f"{person}@example.org", T0),)
    return OwedPage(
        id=name,
        person=person,
        methods=tuple(OwedMethod(kind=kind, address=address, not_before=at) for kind, address, at in listed),
        level=level,
        notice=notice,
    )


def key(name: str) -> Claim:
    return Claim(kind="key", name=name)


def alerts(
    blocks: Mapping[int, bytes] | None = None,
    bodies: Mapping[int, bytes] | None = None,
    words: Sequence[Word] = (),
    tenant: str = TENANT,
) -> AlertChanges:
    return AlertChanges(tenant=tenant, blocks=dict(blocks or {}), words=list(words), bodies=dict(bodies or {}))
