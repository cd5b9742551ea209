"""Silences in an Alertmanager: one for each alert that somebody has, on exactly its labels, and always with an end.

What is silenced is not notified of, neither of its repeats nor of its end: whoever holds a silence has to ask whether
the alert still fires. Source: prometheus/alertmanager api/v2/openapi.yaml, silence/silence.go (what keeps
an id), notify/notify.go (MuteStage leaves out resolved alerts too).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tocsin.core.twoway import Back, Held, Listed, Subject, Told, Words, common_labels
from tocsin.ports import Declined, Receipt
from tocsin.senders.tracker import Rest

CREATOR = "Tocsin"
FILTERS_MAX = 12  # matchers of a listing: they stand in the address


class _Program(msgspec.Struct):
    uptime: datetime  # when it was started


class _Alert(msgspec.Struct):
    labels: dict[str, str]


class _State(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct, rename="camel"):
    id: str
    status: _State
    starts_at: str  # told back as it came: another start would be another silence
    ends_at: datetime
    comment: str = ""


class _Made(msgspec.Struct):
    name: str = msgspec.field(name="silenceID")


T = TypeVar("T")


class Silences:
    """Of one Alertmanager."""

    def __init__(self, back: Back) -> None:
        headers = {}
        if back.token:
            pair = base64.b64encode(f"{back.user}:{back.token}".encode()).decode() if back.user else ""
            headers["Authorization"] = f"Basic {pair}" if pair else f"Bearer {back.token}"
        self._hold = timedelta(seconds=back.hold_seconds)
        self._rest = Rest(back.url, headers)

    async def hold(self, subject: Subject, words: Words, now: datetime) -> Held | Declined:
        """The alert is silenced. One that was made before, and whose answer was lost, is found by its words."""
        listed = await self._get(list[_Silence], "/api/v2/silences", filter=_filters(subject.labels))
        if isinstance(listed, Declined):
            return listed
        for each in listed:
            if words.marker in each.comment and each.status.state == "active":
                return Held(name=each.id, until=each.ends_at)
        return await self._put(_silence(subject.labels, words, now.isoformat(), now + self._hold), now + self._hold)

    async def renew(self, name: str, subject: Subject, words: Words, now: datetime) -> Held | Declined | None:
        """The silence ends later; None when somebody has ended it: that is respected."""
        found = await self._found(name)
        if found is None or isinstance(found, Declined):
            return found
        if found.status.state != "active":
            return None
        until = now + self._hold
        body = _silence(subject.labels, words, found.starts_at, until) | {"id": name}
        return await self._put(body, until)

    async def release(self, name: str) -> Receipt:
        """The silence is over, whoever ended it."""
        answer = await self._rest.ask("DELETE", f"/api/v2/silence/{quote(name, safe='')}")
        if not isinstance(answer, Declined):
            return Receipt(code="sent")
        if not answer.error:
            return answer.receipt
        found = await self._found(name)  # 0.25 answers 500 for one that has expired
        over = found is None or (not isinstance(found, Declined) and found.status.state == "expired")
        return Receipt(code="sent") if over else answer.receipt

    async def listed(self, held: Sequence[Told]) -> Listed | Declined:
        """What fires, silenced or not, of what has the labels that all of these share."""
        program = await self._get(_Program, "/api/v2/status")
        if isinstance(program, Declined):
            return program
        found = await self._get(list[_Alert], "/api/v2/alerts", filter=_filters(common_labels(held)))
        if isinstance(found, Declined):
            return found
        firing = frozenset(tuple(sorted(each.labels.items())) for each in found)
        return Listed(firing=firing, running_since=program.uptime)

    async def check(self) -> Receipt:
        """Whether an Alertmanager answers there and takes us."""
        answer = await self._get(_Program, "/api/v2/status")
        return answer.receipt if isinstance(answer, Declined) else Receipt(code="sent")

    async def close(self) -> None:
        await self._rest.close()

    async def _found(self, name: str) -> _Silence | Declined | None:
        found = await self._get(_Silence, f"/api/v2/silence/{quote(name, safe='')}")
        return None if isinstance(found, Declined) and found.error == "404" else found

    async def _put(self, silence: dict[str, Any], until: datetime) -> Held | Declined:
        made = _as(_Made, await self._rest.post("/api/v2/silences", silence))
        return made if isinstance(made, Declined) else Held(name=made.name, until=until)

    async def _get(self, kind: type[T], path: str, **query: Any) -> T | Declined:
        return _as(kind, await self._rest.get(path, **query))


def _as(kind: type[T], answer: Any | Declined) -> T | Declined:
    if isinstance(answer, Declined):
        return answer
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        return Declined(error="", receipt=Receipt(code="unknown", detail=f"no answer of an Alertmanager: {error}"))


def _silence(labels: Mapping[str, str], words: Words, starts_at: str, until: datetime) -> dict[str, Any]:
    matchers = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in sorted(labels.items())
    ]
    return {
        "matchers": matchers,
        "startsAt": starts_at,
        "endsAt": until.isoformat(),
        "createdBy": CREATOR,
        "comment": f"{words.text} [{words.marker}]",
    }


def _filters(labels: Mapping[str, str]) -> list[str]:
    """Matchers as a listing takes them; fewer only list more. What needs an escape is left out of the address."""
    plain = {name: value for name, value in sorted(labels.items()) if not set(value) & set('"\\\n') and len(value) < 80}
    return [f'{name}="{value}"' for name, value in list(plain.items())[:FILTERS_MAX] if name.isidentifier()]
