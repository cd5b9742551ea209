"""What every wire format needs: bodies decoded leniently, members turned into text, and everything bounded.

Nothing here fails on a strange member; only a body that cannot be decoded at all raises ValueError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tocsin.core.alert import Action, Report, fingerprint_of, identity_of
from tocsin.intake import postable
from tocsin.intake.posting import TEXT_MAX
from tocsin.intake.times import is_absent, read_time
from tocsin.ports import Entry

# An incident's facts are at most 64 KiB, so what people may read at 3 a.m. is bounded here. The whole body stays in
# the journal; what was left out is named in the annotation CUT.
ANNOTATIONS_MAX = 64
ANNOTATION_CHARACTERS_MAX = 4_000
ANNOTATIONS_CHARACTERS_MAX = 24_000
BODY_CHARACTERS = 1 << 62  # no limit but the body's
LABEL_CHARACTERS_MAX = 1_024  # for the labels that we make; a monitor's own labels are its identity and stay whole
SUMMARY_CHARACTERS_MAX = 1_024
DEPTH_MAX = 32  # deeper members are replaced by a remark, so that no later step can run out of stack
FLATTEN_DEPTH_MAX = 5
REPORTS_MAX = 20_000  # alerts in one body; Alertmanager's own limit is the size of the body
CUT = "tocsin_cut"

SEVERITIES = {
    "critical": "critical", "crit": "critical", "fatal": "critical", "emergency": "critical", "emerg": "critical",
    "disaster": "critical", "alert": "critical", "p0": "critical", "p1": "critical", "sev0": "critical",
    "sev-0": "critical", "sev1": "critical", "sev-1": "critical",
    "error": "error", "err": "error", "high": "error", "major": "error", "p2": "error", "sev2": "error",
    "sev-2": "error",
    "warning": "warning", "warn": "warning", "medium": "warning", "moderate": "warning", "average": "warning",
    "minor": "warning", "p3": "warning", "sev3": "warning", "sev-3": "warning",
    "info": "info", "information": "info", "informational": "info", "notice": "info", "low": "info", "debug": "info",
    "p4": "info", "p5": "info", "sev4": "info", "sev-4": "info", "sev5": "info", "sev-5": "info",
}  # fmt: skip
FIRING = frozenset({
    "firing", "fire", "fired", "alerting", "alert", "alarm", "active", "open", "opened", "new", "triggered", "trigger",
    "problem", "critical", "crit", "error", "warning", "warn", "down", "failed", "failure", "fail", "bad", "unhealthy",
    "unresolved", "reopened", "activated", "created", "degraded", "breached", "violated", "raised", "failing",
    "unavailable", "offline", "unreachable", "no data", "nodata", "no_data", "re-triggered", "start", "started", "true",
    "1",
})  # fmt: skip
RESOLVED = frozenset({
    "resolved", "resolve", "ok", "okay", "normal", "closed", "close", "cleared", "clear", "recovered", "recovery",
    "up", "good", "healthy", "success", "fixed", "inactive", "ended", "end", "stop", "stopped", "green", "expired",
    "online", "available", "operational", "passing", "passed", "succeeded", "successful", "restored", "deactivated",
    "false", "0",
})  # fmt: skip
ACKNOWLEDGED = frozenset({"acknowledged", "acknowledge", "acknowledgement", "acked", "ack"})

WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
STATE_WORDS_MAX = 5
TRAILING = frozenset({"notification", "event", "webhook", "message"})
PLAIN = frozenset({"resolved", "recovered", "closed", "cleared", "recovery", "acknowledged"})
# With one of these, the last word is not yet so, or no longer: "failed to resolve" is no end.
DENIED = frozenset({
    "not", "never", "cannot", "unable", "failed", "failing", "longer", "waiting", "awaiting", "pending", "be", "was",
    "partially", "trying",
})  # fmt: skip

UNCLEAN = re.compile("[\x00\ud800-\udfff]")
LABEL_NAME = re.compile(r"[^A-Za-z0-9_]+")
# The text that Alertmanager's default templates print for an alert: a "Labels:" line, then " - name = value" lines.
LABEL_BLOCK = re.compile(r"^Labels:[ \t]*\n((?:[ \t]*- [^\n]*\n?)*)", re.MULTILINE)
LABEL_LINE = re.compile(r"^[ \t]*- ([A-Za-z_][A-Za-z0-9_.:/-]*) = (.*)$", re.MULTILINE)


def decode(body: bytes) -> Any:
    """The JSON value in `body`; of a key that stands twice the last one counts.

    Tried leniently when it is not strict JSON: a byte order mark, UTF-16, invalid UTF-8, lone surrogates, raw control
    characters, NaN and numbers of thousands of digits are kept as well as they can be.
    Raises ValueError when there is no JSON in it, or it is nested beyond the interpreter's stack.
    """
    try:
        return pruned(msgspec.json.decode(body))
    except ValueError:
        return pruned(_decode_leniently(body))
    except RecursionError:
        raise ValueError("body: nested too deeply to be read") from None


def _decode_leniently(body: bytes) -> Any:
    text = body.decode(json.detect_encoding(body), "replace")
    if not text.strip():
        raise ValueError("body: expected JSON, got nothing")
    try:
        return json.loads(text, strict=False, parse_int=_integer)
    except RecursionError:
        raise ValueError("body: nested too deeply to be read") from None
    except ValueError as error:
        raise ValueError(f"body: expected JSON: {error}") from None


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= 40 else digits


def decode_form(body: bytes) -> dict[str, Any]:
    """The fields of a form; a field `payload` that holds JSON is taken for the whole, as Slack-like senders mean it."""
    fields: dict[str, Any] = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=1_000))
    if not fields:
        raise ValueError("body: expected a form of name=value pairs, got none")
    payload = fields.get("payload")
    if isinstance(payload, str) and payload.lstrip().startswith("{"):
        inner = decode(payload.encode("utf-8", "replace"))
        return inner if isinstance(inner, dict) else fields
    return fields


def pruned(value: Any, depth: int = DEPTH_MAX) -> Any:
    """`value`, with what is nested deeper than `depth` replaced by a remark; the same object when nothing is."""
    if isinstance(value, dict):
        if depth == 0:
            return f"(an object of {len(value)} members, nested too deeply, left out)"
        for key, member in value.items():
            if isinstance(member, dict | list):
                value[key] = pruned(member, depth - 1)
    elif isinstance(value, list):
        if depth == 0:
            return f"(a list of {len(value)} members, nested too deeply, left out)"
        for n, member in enumerate(value):
            if isinstance(member, dict | list):
                value[n] = pruned(member, depth - 1)
    return value


def text_of(value: object, limit: int = ANNOTATION_CHARACTERS_MAX) -> str:
    """`value` as text: no NUL, no lone surrogate, at most `limit` characters; containers as JSON, None as nothing."""
    match value:
        case str():
            text = value
        case None:
            return ""
        case True | False:
            text = "true" if value else "false"
        case int() | float():
            text = repr(value)
        case _:
            text = _json_text(value)
    if not text.isascii() or "\x00" in text:
        text = UNCLEAN.sub("\ufffd", text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _json_text(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (ValueError, OverflowError, TypeError):  # lone surrogates, integers beyond 64 bits, JMESPath's own objects
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def string_at(members: Mapping[str, Any], *names: str, limit: int = ANNOTATION_CHARACTERS_MAX) -> str:
    """The first of the named members that says something, as text; empty when none does."""
    for name in names:
        value = members.get(name)
        if value is not None and value != "" and not isinstance(value, dict | list):
            return text_of(value, limit).strip()
    return ""


def labels_of(raw: object) -> dict[str, str]:
    """A monitor's label set, cleaned as API v2 cleans it: it is the identity. Empty values are no labels."""
    if not isinstance(raw, dict):
        return {}
    if _is_plain(raw, TEXT_MAX) and all(raw.values()) and "" not in raw:
        return dict(raw)
    # The last step is the one of API v2: the same labels must come out the same, whichever way they came.
    labels = postable.cleaned({text_of(n, BODY_CHARACTERS): text_of(v, BODY_CHARACTERS) for n, v in raw.items()})
    return {name: value for name, value in labels.items() if value and name}


def _is_plain(raw: dict[str, Any], limit: int) -> bool:
    """True when nothing in `raw` has to be changed: the common case, told at a tenth of the cost."""
    try:
        joined = "".join((*raw, *raw.values()))
    except TypeError:  # a value that is no text
        return False
    return len(joined) <= limit and not UNCLEAN.search(joined)


def made_labels(pairs: Mapping[str, object]) -> dict[str, str]:
    """Labels for a vendor that has none: valid names, short values, the empty ones left out."""
    labels = {}
    for name, value in pairs.items():
        text = text_of(value, LABEL_CHARACTERS_MAX).strip()
        name = label_name(name)
        if text and name:
            labels[name] = text
    return labels


def label_name(name: str) -> str:
    """`name` with everything that a label name may not hold replaced by an underscore."""
    name = LABEL_NAME.sub("_", name).strip("_")[:100]
    return f"_{name}" if name[:1].isdigit() else name


def labels_in_text(text: str) -> dict[str, str]:
    """The labels common to all alerts that Alertmanager's default templates printed into `text`."""
    blocks = [dict(LABEL_LINE.findall(block)) for block in LABEL_BLOCK.findall(text)]
    return common(blocks)


def common(sets: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The labels that every one of the sets has, with the same value."""
    sets = list(sets)
    if not sets:
        return {}
    first, *others = sets
    return {name: value for name, value in first.items() if value and all(o.get(name) == value for o in others)}


def severity_of(value: object) -> str:
    """critical, error, warning or info for the vendor's word; empty when it is none that we know."""
    return SEVERITIES.get(text_of(value, 40).strip().lower(), "")


def action_of(value: object) -> Action | None:
    """What a vendor's word for a state asks for, or None for a word that we do not know."""
    text = text_of(value, 40).strip()
    return _action_of_word(text.lower()) or _action_in_words(text)


def _action_of_word(word: str) -> Action | None:
    if word in RESOLVED:
        return "resolve"
    if word in ACKNOWLEDGED:
        return "acknowledge"
    return "fire" if word in FIRING else None


def _action_in_words(text: str) -> Action | None:
    """What a state of several words asks for: the last one says it (`ALERT_RECOVERY`, `incidentResolved`), or the only
    one that is no other word (`resolved_item`)."""
    words = [word.lower() for word in WORD.findall(text)]
    while words and words[-1] in TRAILING:
        words.pop()
    if not words or len(words) > STATE_WORDS_MAX or DENIED.intersection(words[:-1]):
        return None
    last = None if words[-2:-1] and words[-2] in ("no", "non", "un") else _action_of_word(words[-1])
    if last is not None:
        return last
    plain = {_action_of_word(word) for word in words[:-1] if word in PLAIN}
    return plain.pop() if len(plain) == 1 else None


def details(raw: object, prefix: str = "") -> dict[str, str]:
    """A vendor's free-form object as flat annotations: `{"a": {"b": 1}}` is `a.b: 1`. Lists stay one value, as JSON."""
    flat: dict[str, str] = {}
    _flatten(raw, prefix, FLATTEN_DEPTH_MAX, flat)
    return flat


def _flatten(value: object, path: str, depth: int, flat: dict[str, str]) -> None:
    if isinstance(value, dict) and depth and value:
        for name, member in value.items():
            # One more than may stay, so that `bounded` sees that there was more, and says so.
            if len(flat) > ANNOTATIONS_MAX * 4:
                return
            name = text_of(name, 200)
            _flatten(member, f"{path}.{name}" if path else name, depth - 1, flat)
    elif value not in (None, "", [], {}):
        # Longer than may stay, for the same reason.
        flat[path or "value"] = text_of(value, ANNOTATION_CHARACTERS_MAX * 4)


def annotations_of(raw: object) -> dict[str, str]:
    """A monitor's annotations as text; what is not an object becomes one annotation."""
    if isinstance(raw, dict):
        if _is_plain(raw, ANNOTATION_CHARACTERS_MAX):
            return dict(raw)
        return {text_of(name, 200): text_of(value, ANNOTATION_CHARACTERS_MAX * 4) for name, value in raw.items()}
    return {"annotations": text_of(raw)} if raw else {}


def bounded(annotations: dict[str, str]) -> dict[str, str]:
    """`annotations` within the limits, the earlier ones first; CUT names what was shortened or left out."""
    kept: dict[str, str] = {}
    shortened: list[str] = []
    left_out = 0
    room = ANNOTATIONS_CHARACTERS_MAX
    for name, value in annotations.items():
        if len(kept) == ANNOTATIONS_MAX or room <= len(name):
            left_out += 1
            continue
        limit = min(ANNOTATION_CHARACTERS_MAX, room - len(name))
        if len(value) > limit:
            shortened.append(f"{name} to {limit} of {len(value)} characters")
            value = value[: limit - 1] + "…"
        kept[name] = value
        room -= len(name) + len(value)
    if left_out:
        shortened.append(f"{left_out} of {len(annotations)} left out")
    if shortened:
        kept[CUT] = text_of("; ".join(shortened), 1_000)
    return kept


def instant(value: object, name: str, annotations: dict[str, str]) -> datetime | None:
    """The instant in `value`; what cannot be read stays visible as the annotation `name` + `_as_sent`."""
    at = read_time(value)
    if at is None and not is_absent(value):
        annotations[f"{name}_as_sent"] = text_of(value, 200)
    return at


# A sender's clock may run ahead by this much; a start further in the future is no start.
START_AHEAD_MAX = timedelta(days=1)


def make_report(
    entry: Entry,
    action: Action,
    *,
    labels: dict[str, str],
    annotations: dict[str, str],
    identity: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    url: str = "",
    group: str | None = None,
    text: str = "",
    said_at: datetime | None = None,
) -> Report:
    """A report whose times make sense, with bounded annotations. Identity is the labels unless `identity` is given.

    A source that is about one service (`entry.meta["service"]`) lends its alerts that label after the identity is made,
    so that the same alert has the same fingerprint whichever way it came.

    A resolve always has an end: not in the future (the sender's clock may run ahead of ours) and not before its start.
    Whatever fires has no end: these formats send no heartbeats, so silence of the sender ends nothing.
    """
    if starts_at is not None and starts_at - entry.received_at > START_AHEAD_MAX:
        annotations["starts_at_as_sent"] = starts_at.isoformat()
        starts_at = None
    if action == "resolve":
        ends_at = min(ends_at or entry.received_at, entry.received_at)
        if starts_at is not None and starts_at > ends_at:
            # Alertmanager sets startsAt = endsAt for who sends an end alone; it may lie ahead of us.
            ends_at = min(starts_at, entry.received_at)
            starts_at = starts_at if starts_at <= entry.received_at else None
    else:
        ends_at = None
    fingerprint = fingerprint_of(labels) if identity is None else identity_of(entry.source, identity)
    if service := entry.meta.get("service"):
        labels = {"service": service, **labels}
    return Report(
        action=action,
        fingerprint=fingerprint,
        labels=labels,
        annotations=bounded(annotations),
        starts_at=starts_at,
        ends_at=ends_at,
        url=text_of(url, 2_000),
        group=group,
        text=text_of(text),
        identity=identity or "",
        said_at=said_at,
    )


def unreadable(entry: Entry, raw: object, where: str, expected: str) -> Report:
    """A report that something came which could not be understood: it fires, so that a person sees what was sent."""
    sent = text_of(raw)
    return make_report(
        entry,
        "fire",
        identity=f"unreadable {sent}",
        labels={"alertname": "UnreadableAlert", "format": entry.kind, "source": entry.source},
        annotations={
            "summary": f"{entry.source} sent an alert that cannot be read: {where}: expected {expected}",
            "as_sent": sent,
        },
    )
