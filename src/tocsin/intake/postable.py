"""What clients post to `/api/v2/alerts` (Prometheus, amtool, Grafana): decoded, checked, and what is wrong named.

Valid alerts of a mixed body are kept and the answer is 400 with every error, as Alertmanager does. An alert that has a
flaw which does not hide what it is (an unreadable time, an annotation that is no text) is kept and still named: a
sender gives up after a 4xx, and its alert may be a real one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from tocsin.intake.posting import (
    ALERTS_MAX,
    BACKSLASH,
    NUL,
    TEXT_MAX,
    Posted,
    Texts,
    Wire,
    is_ordinary,
    texts_of,
    wires_in,
)
from tocsin.intake.times import is_absent, microseconds, read_bound

KIND = "postable"  # the journal's name of this wire format
ERRORS_MAX = 50  # named in one answer
TIMES_MAX = 8_192  # remembered texts of instants; one batch of a monitor has one or two
LABELS_MAX = 10_000

# Half of a surrogate pair, escaped: Go reads it as U+FFFD, our decoder refuses the whole body for it.
_LONE_SURROGATE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)
_NONE = (b"", b"null", b"{}")


class Body(msgspec.Struct, gc=False):
    """What is stored of an alert: its labels, annotations and link; `identity` where those labels are not it."""

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    url: str = ""
    identity: str | msgspec.UnsetType = msgspec.UNSET


class Reading(msgspec.Struct, gc=False):
    """A body, read: what is kept, and what is wrong with it, each error with its place."""

    posted: list[Posted]
    errors: list[str]
    status: int


class Known(Protocol):
    """Keys of labels that were checked before."""

    def __contains__(self, key: int, /) -> bool: ...


_wire = msgspec.json.Decoder(Wire)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_texts = msgspec.json.Decoder(dict[str, str])
_anything = msgspec.json.Decoder(Any)
_NOTHING = msgspec.Raw(b"")
_NO_LABELS = "at least one label pair required"


class PostableReader:
    """Reads bodies; remembers how the instants it meets are written. One per thread."""

    def __init__(self, *, resolve_timeout_seconds: int = 300) -> None:
        self.resolve_timeout_us = resolve_timeout_seconds * 1_000_000
        self._times: dict[str, int] = {"": 0, "0001-01-01T00:00:00Z": 0}

    def read(self, body: bytes, received_us: int, known: Known = ()) -> Reading:
        """What `body` says. Labels whose key is in `known` were checked before and are not decoded again."""
        try:
            wires = wires_in(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._leniently(body, received_us)
        reading = Reading([], [], 200)
        if len(wires) > ALERTS_MAX:
            return _refused(f"expected at most {ALERTS_MAX} alerts in one body, got {len(wires)}")
        add, times, escaped = reading.posted.append, self._times, BACKSLASH in body
        texts: Sequence[Texts] | None = None
        for n, wire in enumerate(wires):
            starts, ends = times.get(wire.startsAt, -1), times.get(wire.endsAt, -1)
            raw = bytes(wire.labels)
            key = hash(raw)
            new = key not in known
            if new:
                if texts is None:
                    texts = texts_of(body)
                if not (texts and is_ordinary(texts[n], wire, raw, escaped=escaped)):
                    starts = -1
            if starts < 0 or ends < 0 or (starts > ends > 0):
                self._checked(n, wire, raw, received_us, reading)
                continue
            timeout = ends == 0
            if timeout:
                ends = received_us + self.resolve_timeout_us
            annotations, url = wire.annotations, wire.generatorURL
            add(Posted(key, raw, annotations, url, starts, ends, ends > received_us, timeout, new))
        if reading.errors:
            reading.status = 400
        return reading

    # --- what is new or odd -------------------------------------------------------------------------------------------

    def _checked(self, n: int, wire: Wire, raw: bytes, received_us: int, reading: Reading) -> None:
        errors = reading.errors
        labels = _texts_in(raw)
        ordinary = labels is not None and not _is_odd(raw)
        if labels is None:
            labels = self._mapping(n, "labels", raw, errors)
            if labels is None:
                return
        kept = labels if ordinary else {name: value for name, value in labels.items() if value}
        if not kept or "" in kept:
            errors.append(f"{n}.labels: expected names that are not empty" if kept else _NO_LABELS)
            return
        if len(kept) > LABELS_MAX:
            errors.append(f"{n}.labels: expected at most {LABELS_MAX} labels, got {len(kept)}")
            return
        key = hash(raw)
        if not ordinary:
            told = bool(errors) and _texts_in(raw) is None
            kept = cleaned(kept)
            raw = msgspec.json.encode(kept)
            key = hash(raw) if told else key  # what was told is told again when it comes again
        starts = self._instant(n, "startsAt", wire.startsAt, errors)
        ends = self._instant(n, "endsAt", wire.endsAt, errors)
        if starts > ends > 0:
            # The sender is told, and what it said is kept: that the alert ended, or fires, is the news.
            errors.append("start time must be before end time")
            starts = 0
        timeout = ends == 0
        if timeout:
            ends = received_us + self.resolve_timeout_us
        annotations = self._annotations(n, wire.annotations, errors)
        fires = ends > received_us
        reading.posted.append(Posted(key, raw, annotations, wire.generatorURL, starts, ends, fires, timeout, True))

    def _annotations(self, n: int, given: msgspec.Raw, errors: list[str]) -> msgspec.Raw:
        raw = bytes(given)
        if raw in _NONE:
            return _NOTHING
        if not _needs_cleaning(raw) and _texts_in(raw) is not None:
            return given
        texts = self._mapping(n, "annotations", raw, errors)
        return msgspec.Raw(msgspec.json.encode(cleaned(texts))) if texts else _NOTHING

    def _leniently(self, body: bytes, received_us: int) -> Reading:
        """One element at a time, so that a flawed one costs only itself."""
        if not body.strip():
            return Reading([], ["alerts in body is required"], 422)
        text = _LONE_SURROGATE.sub(rb"\\ufffd", body.decode("utf-8", "replace").encode())
        try:
            raws = _raws.decode(text) if text.strip() != b"null" else []
        except msgspec.DecodeError as error:
            return _refused(f'parsing alerts body from "" failed, because {error}')
        except RecursionError:
            return _refused('parsing alerts body from "" failed, because it is nested too deeply')
        if len(raws) > ALERTS_MAX:
            return _refused(f"expected at most {ALERTS_MAX} alerts in one body, got {len(raws)}")
        reading = Reading([], [], 200)
        for n, raw in enumerate(raws):
            wire = self._element(n, raw, reading.errors)
            if wire is not None:
                self._checked(n, wire, bytes(wire.labels), received_us, reading)
        if reading.errors:
            reading.status = 400
        return reading

    def _element(self, n: int, raw: msgspec.Raw, errors: list[str]) -> Wire | None:
        try:
            return _wire.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
        try:
            fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            errors.append(f"{n}: {error}")
            return None
        labels = fields.get("labels", _NOTHING)
        if bytes(labels) in (b"", b"null"):
            errors.append(f"{n}.labels in body is required")
            return None
        return Wire(
            labels=labels,
            startsAt=_text(f"{n}.startsAt", fields.get("startsAt", _NOTHING), errors),
            endsAt=_text(f"{n}.endsAt", fields.get("endsAt", _NOTHING), errors),
            annotations=fields.get("annotations", _NOTHING),
            generatorURL=fields.get("generatorURL", _NOTHING),
        )

    def _mapping(self, n: int, field: str, raw: bytes, errors: list[str]) -> dict[str, str] | None:
        """Texts by name. Values of another type become their JSON text, and the sender is told."""
        try:
            return _texts.decode(raw)
        except UnicodeDecodeError:  # Go reads what is no UTF-8 as U+FFFD, and says nothing
            return self._mapping(n, field, raw.decode("utf-8", "replace").encode(), errors)
        except msgspec.DecodeError as error:
            told = f"{n}.{field}: {error}"
        except RecursionError:
            told = f"{n}.{field}: nested too deeply"
        errors.append(told)
        try:
            found = _anything.decode(raw.decode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            return None
        if not isinstance(found, dict):
            return None
        return {name: value if isinstance(value, str) else _json(value) for name, value in found.items()}

    def _instant(self, n: int, field: str, text: str, errors: list[str]) -> int:
        found = self._times.get(text)
        if found is not None:
            return found
        at = read_bound(text)
        if at is None and not is_absent(text):
            errors.append(f"{n}.{field}: expected a time such as 2026-11-23T08:00:00Z, got {text[:60]!r}")
            return 0
        found = microseconds(at) if at else 0
        if len(self._times) >= TIMES_MAX:
            self._times = {"": 0, "0001-01-01T00:00:00Z": 0}
        if len(text) <= 64:
            self._times[text] = found
        return found


def answer(reading: Reading) -> tuple[int, bytes]:
    """The status and the JSON body (empty with 200) that the client gets."""
    if not reading.errors:
        return 200, b""
    if reading.status == 422:
        return 422, msgspec.json.encode({"code": 602, "message": reading.errors[0]})
    named = reading.errors[:ERRORS_MAX]
    more = len(reading.errors) - len(named)
    return 400, msgspec.json.encode("; ".join(named) + (f"; and {more} more" if more else ""))


def labels_of(posted: Posted) -> dict[str, str]:
    """The labels, as they are stored."""
    labels = _texts.decode(posted.raw_labels)
    if posted.checked or not _is_odd(posted.raw_labels):
        return labels
    return cleaned({name: value for name, value in labels.items() if value})


def body_of(posted: Posted) -> bytes:
    """The JSON of `Body`, as the alert table stores it, put together from the bytes that came where those are fine."""
    annotations, labels = bytes(posted.raw_annotations), posted.raw_labels
    if not posted.checked and _is_odd(labels):
        labels = msgspec.json.encode(labels_of(posted))
    if not posted.checked and (_needs_cleaning(annotations) or _texts_in(annotations) is None):
        annotations = _kept_annotations(annotations)
    return body_with(labels, annotations, bytes(posted.raw_url))


def body_with(labels: bytes, annotations: bytes, url: bytes) -> bytes:
    """The same of labels and annotations that were checked."""
    if annotations in _NONE:
        annotations = b"{}"
    if url[:1] != b'"' or len(url) > TEXT_MAX or (BACKSLASH in url and NUL in url):
        url = b'""'
    return b'{"labels":%b,"annotations":%b,"url":%b}' % (labels, annotations, url)


def cleaned(texts: dict[str, str]) -> dict[str, str]:
    """No NUL, no lone surrogate, nothing beyond `TEXT_MAX`: what any store and any screen can hold."""
    return {_clean(name): _clean(value) for name, value in texts.items()}


def _kept_annotations(raw: bytes) -> bytes:
    """Annotations of a refresh that changed into something odd: what is no text is kept as its JSON text."""
    try:
        found = msgspec.json.decode(raw.decode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return b"{}"
    texts = {name: value if isinstance(value, str) else _json(value) for name, value in found.items()}
    return msgspec.json.encode(cleaned(texts))


def _is_odd(raw: bytes) -> bool:
    """Whether labels may be written in another way than ours: escapes, empty values, or more than anybody reads."""
    return BACKSLASH in raw or b'""' in raw or len(raw) > TEXT_MAX


def _needs_cleaning(raw: bytes) -> bool:
    return len(raw) > TEXT_MAX or NUL in raw


def _texts_in(raw: bytes) -> dict[str, str] | None:
    try:
        return _texts.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _clean(text: str) -> str:
    if len(text) > TEXT_MAX:
        text = f"{text[:TEXT_MAX]} [cut: {len(text)} characters]"
    return text.replace("\0", "\ufffd")


def _text(place: str, raw: msgspec.Raw, errors: list[str]) -> str:
    value = bytes(raw)
    if value in (b"", b"null"):
        return ""
    try:
        return msgspec.json.decode(raw, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        errors.append(f"{place}: expected a time as text, got {value[:60].decode('utf-8', 'replace')}")
        text = value[:40].decode("utf-8", "replace")
        return text if len(value) <= 40 and read_bound(text) is not None else ""  # one complaint about one thing


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _refused(error: str, status: Literal[400] = 400) -> Reading:
    return Reading([], [error], status)
