"""Silences and maintenance windows as stored documents, and silences in the JSON of Alertmanager's API v2."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from tocsin.core.policy import Matcher
from tocsin.core.silence import (
    MAINTENANCE,
    SILENCE,
    SILENCES_MAX,
    Maintenance,
    Silence,
    UnknownSilence,
    check_maintenance,
    expire,
    place,
    state,
)
from tocsin.ports import Store

KEPT = timedelta(hours=120)  # how long an ended silence can still be looked at; Alertmanager's default retention
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)


# --- stored -----------------------------------------------------------------------------------------------------------


def silences(store: Store, tenant: str) -> list[Silence]:
    """Every stored silence, the ended ones included."""
    return [msgspec.json.decode(body, type=Silence) for _, body in store.items(tenant, SILENCE)]


def silence(store: Store, tenant: str, name: str) -> Silence | None:
    body = store.get(tenant, SILENCE, name)
    return msgspec.json.decode(body, type=Silence) if body is not None else None


def put_silence(store: Store, tenant: str, wanted: Silence, fresh_id: str | None = None) -> str:
    """The wish is stored; the id of the silence that speaks for it. Ended ones are forgotten after `KEPT`.

    Writer thread only. Raises UnknownSilence when `wanted.id` is given and not stored, and ValueError in
    Alertmanager's words.
    """
    now = store.now()
    existing = silence(store, tenant, wanted.id) if wanted.id else None
    if wanted.id and existing is None:
        raise UnknownSilence(wanted.id)
    if _forget_old(store, tenant) >= SILENCES_MAX and existing is None:
        raise ValueError(f"silence invalid: {SILENCES_MAX} silences are stored, which is the most there may be")
    changed = place(existing, wanted, now, fresh_id or str(uuid.uuid4()))
    for each in reversed(changed):  # the new one first: a crash in between leaves no gap in which somebody is paged
        store.put(tenant, SILENCE, each.id, msgspec.json.encode(each))
    return changed[-1].id


def end_silence(store: Store, tenant: str, name: str) -> Silence:
    """The silence has ended now, or had before. Writer thread only. Raises UnknownSilence."""
    existing = silence(store, tenant, name)
    if existing is None:
        raise UnknownSilence(name)
    ended = expire(existing, store.now())
    if ended != existing:
        store.put(tenant, SILENCE, name, msgspec.json.encode(ended))
    return ended


def _forget_old(store: Store, tenant: str) -> int:
    """Silences that ended longer than `KEPT` ago are no longer stored; how many there still are."""
    before = store.now() - KEPT
    stored = silences(store, tenant)
    old = [each for each in stored if each.ends_at < before]
    for each in old:
        store.delete(tenant, SILENCE, each.id)
    return len(stored) - len(old)


def maintenance_windows(store: Store, tenant: str) -> list[Maintenance]:
    """Every stored maintenance window, past ones included."""
    return [msgspec.json.decode(body, type=Maintenance) for _, body in store.items(tenant, MAINTENANCE)]


def put_maintenance(store: Store, tenant: str, window: Maintenance) -> Maintenance:
    """The window is stored, with a new id when it has none. Writer thread only. Raises ValueError naming the field."""
    check_maintenance(window)
    stored = msgspec.structs.replace(window, id=window.id or str(uuid.uuid4()), updated_at=store.now())
    store.put(tenant, MAINTENANCE, stored.id, msgspec.json.encode(stored))
    return stored


def end_maintenance(store: Store, tenant: str, name: str) -> Maintenance | None:
    """The window has ended now, or had before; None when there is none of this id. Writer thread only."""
    body = store.get(tenant, MAINTENANCE, name)
    if body is None:
        return None
    window = msgspec.json.decode(body, type=Maintenance)
    now = store.now()
    if state(window, now) == "expired":
        return window
    ended = msgspec.structs.replace(window, starts_at=min(window.starts_at, now), ends_at=now, updated_at=now)
    store.put(tenant, MAINTENANCE, name, msgspec.json.encode(ended))
    return ended


# --- Alertmanager's JSON ----------------------------------------------------------------------------------------------


def show_time(at: datetime) -> str:
    """`2026-11-21T06:39:52.951Z`: how Alertmanager prints an instant."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def show_silence(of: Silence, now: datetime) -> dict[str, Any]:
    """A silence as `gettableSilence`."""
    return {
        "id": of.id,
        "status": {"state": state(of, now)},
        "updatedAt": show_time(of.updated_at),
        "annotations": of.annotations,
        "comment": of.comment,
        "createdBy": of.created_by,
        "endsAt": show_time(of.ends_at),
        "matchers": [
            {"isEqual": each.is_equal, "isRegex": each.is_regex, "name": each.name, "value": each.value}
            for each in of.matchers
        ],
        "startsAt": show_time(of.starts_at),
    }


def read_silence(body: bytes, now: datetime) -> Silence:
    """A `postableSilence`. Raises ValueError in the words of Alertmanager's API."""
    try:
        value = msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f'parsing silence body from "" failed, because {error}') from None
    if value is None:
        raise ValueError("silence in body is required")
    if not isinstance(value, dict):
        raise ValueError(f'parsing silence body from "" failed, because it is no object but {_kind(value)}')
    comment, created_by = (_member(value, name, _text) for name in ("comment", "createdBy"))
    ends_at = _member(value, "endsAt", _instant)
    matchers = _member(value, "matchers", _matchers)
    return Silence(
        id=_text("id", value["id"]) if value.get("id") is not None else "",
        matchers=matchers,
        starts_at=_member(value, "startsAt", _instant),
        ends_at=ends_at,
        created_by=created_by,
        comment=comment,
        annotations=_annotations(value.get("annotations")),
        updated_at=now,
    )


def _member(value: dict[str, Any], name: str, read: Callable[[str, Any], Any], path: str = "") -> Any:
    if value.get(name) is None:
        raise ValueError(f"{path}{name} in body is required")
    return read(f"{path}{name}", value[name])


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f'parsing silence body from "" failed, because {name} is no string but {_kind(value)}')
    return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f'parsing silence body from "" failed, because {name} is no boolean but {_kind(value)}')
    return value


def _instant(name: str, value: Any) -> datetime:
    text = _text(name, value)
    if TIME.fullmatch(text):
        try:
            at = datetime.fromisoformat(text)
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # a 31st of February, or a zone that leaves the calendar: not an instant
    raise ValueError(f'parsing silence body from "" failed, because parsing time {text!r}: {name} is no RFC 3339 time')


def _matchers(name: str, value: Any) -> tuple[Matcher, ...]:
    if not isinstance(value, list):
        raise ValueError(f'parsing silence body from "" failed, because {name} is no array but {_kind(value)}')
    if not value:
        raise ValueError("matchers in body should have at least 1 items")
    return tuple(_matcher(f"{name}.{n}.", each) for n, each in enumerate(value))


def _matcher(path: str, value: Any) -> Matcher:
    if not isinstance(value, dict):
        raise ValueError(f'parsing silence body from "" failed, because {path[:-1]} is no object but {_kind(value)}')
    is_regex = _member(value, "isRegex", _flag, path)
    return Matcher(
        name=_member(value, "name", _text, path),
        value=_member(value, "value", _text, path),
        is_regex=is_regex,
        is_equal=_flag(f"{path}isEqual", value["isEqual"]) if value.get("isEqual") is not None else True,
    )


def _annotations(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f'parsing silence body from "" failed, because annotations is no object but {_kind(value)}')
    return {key: _text(f"annotations.{key}", text) for key, text in value.items()}


def _kind(value: Any) -> str:
    kinds: Iterable[tuple[type | tuple[type, ...], str]] = (
        (bool, "a boolean"), ((int, float), "a number"), (str, "a string"), (list, "an array"), (dict, "an object"),
    )  # fmt: skip
    return next((word for kind, word in kinds if isinstance(value, kind)), "null")
