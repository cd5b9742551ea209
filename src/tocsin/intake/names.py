"""The names under which senders keep what an alert has, the likeliest first, and the objects that they put it into.

Names are compared without case and separators: `AlarmName`, `alarm_name` and `ALARM-NAME` are one name.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from tocsin.core.alert import Action
from tocsin.intake.times import is_absent, read_clock, read_time
from tocsin.intake.wire import SEVERITIES, action_of, decode, severity_of, text_of

DEPTH_MAX = 4
LEVELS_MAX = 16
MEMBERS_MAX = 1_000  # of one object; more is data, not an alert


def _folded(names: str) -> tuple[str, ...]:
    return tuple(names.replace("_", "").split())


KEY = _folded(
    "dedup_key deduplication_key alert_uid fingerprint alias entity_id incident_key aggreg_key alert_cycle_key "
    "alert_id incident_id issue_id problem_id alarm_arn monitor_id check_id rule_id"
)
# These name the problem where they stand in the alert itself; around it, they number the message.
BARE_KEY = _folded("code key uuid id event_id")
NAME = _folded(
    "alertname alert_name alarm_name rule_name alert_rule check_name condition_name policy_name search_name "
    "monitor_name monitor_friendly_name event_name check monitor rule name job trigger alert"
)
TITLE = _folded(
    "description_title title summary subject event_title alert_title problem_title alert_subject headline display_name "
    "monitor_friendly_name msg"
)
TEXT = _folded(
    "description_text description message text body details event_msg alert_message alert_details new_state_reason "
    "problem_details_text long_description state_message service_output output cause reason"
)
STATUS = _folded(
    "status state alert_transition alert_status alert_state event_action action current_state new_state "
    "new_state_value monitor_condition alert_type_friendly_name alert_type message_type notification_type event_type "
    "event_value alert_action check_state_name service_state host_state incident_state problem_state health "
    "health_status conclusion result event event_name type"
)
UP = _folded("up is_up healthy is_healthy success passing")
SEVERITY = _folded(
    "severity priority level urgency alert_priority criticality alert_severity event_severity trigger_severity "
    "problem_severity importance importance_level"
)
BEGAN_AT = _folded(
    "starts_at started_at start_time triggered_at fired_at fired_date_time date_started state_start_time opened_at "
    "first_seen created_at start"
)
# A time stamp is when something was said: on a resolve, that is its end.
SAID_AT = _folded(
    "state_change_time state_changed_timestamp state_changed_at timestamp date_time alert_date_time alert_time "
    "event_time incident_time time date event_date updated_at ts long_date_time"
)
ENDS_AT = _folded("ends_at ended_at end_time resolved_at resolved_date_time date_closed closed_at recovered_at")
URL = _folded(
    "url link source_url html_url web_url permalink generator_url rule_url incident_url issue_url alert_url "
    "problem_url event_url results_link shared_url full_url link_to_upstream_details client_url monitor_url"
)
GROUP = _folded("group group_key")
TAGS = _folded("tags")
PLACES = {
    "host": _folded("host host_name"), "instance": _folded("instance"), "cluster": _folded("cluster"),
    "region": _folded("region"), "environment": _folded("environment env"), "namespace": _folded("namespace"),
    "source": _folded("source"), "job": _folded("job"), "team": _folded("team"), "class": _folded("class"),
    "service": _folded("service service_name service_desc application app component"),
}  # fmt: skip

SAYS_WHAT = tuple(name for name in (*NAME, *TITLE, *TEXT) if name != "eventname")  # a webhook's own name is no alert's

# Objects that are the alert, or a part of it.
PARTS = frozenset(
    _folded(
        "alert alarm incident issue problem event monitor check metadata attributes essentials metric_alert "
        "object_attributes build workflow_run heartbeat annotations item error"
    )
)
NO_KEYS = frozenset({"metadata", "attributes", "annotations"})  # parts whose numbers are their own
# What an alert may be sent in: opened only where nothing beside it says what the alert is.
ENVELOPES = frozenset(_folded("data detail details payload body context message"))
LISTS = frozenset(_folded("alerts alarms incidents issues problems events notifications"))
HEARTBEAT = "heartbeat"

# Numbers are states by their sender's own counting; these are documented ones.
NUMBERED: dict[tuple[str, str], Action] = {("alerttype", "2"): "resolve"}  # UptimeRobot: 1 down, 2 up
NOT_GRAVE = frozenset({"alert", "high", "low", "normal"})  # states that say nothing of how grave it is
OK_LEVELS = frozenset({"ok", "cleared", "clear", "resolved"})

_NOT_TELLING = re.compile("[^a-z0-9]")


def fold(name: object) -> str:
    """`name` without case and separators."""
    return _NOT_TELLING.sub("", text_of(name, 200).lower())


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """What an alert says: its object and those opened in it, the outermost first, each by folded names.

    `own`: of each, whether it is the alert itself, not something around it.
    """

    levels: tuple[Mapping[str, Any], ...]
    own: tuple[bool, ...]

    def value(self, names: tuple[str, ...]) -> Any:
        """What stands under the first of the names that says something; None when none does."""
        return next(self.values(names), None)

    def values(self, names: tuple[str, ...]) -> Iterator[Any]:
        for name in names:
            for level in self.levels:
                value = level.get(name)
                if not isinstance(value, dict | list) and value is not None and value != "":
                    yield value

    def text(self, names: tuple[str, ...], limit: int = 4_000) -> str:
        return text_of(self.value(names), limit).strip()

    def key(self) -> str:
        """The sender's identity of the problem; empty when it gives none."""
        if key := self.text(KEY, 1_000):
            return key
        own = Members(levels=tuple(each for each, own in self._inward() if own), own=())
        for level in own.levels:
            if key := Members(levels=(level,), own=()).text(BARE_KEY, 1_000):
                return key
        return ""

    def _inward(self) -> Iterator[tuple[Mapping[str, Any], bool]]:
        return zip(reversed(self.levels), reversed(self.own), strict=True)

    def name(self) -> str:
        """What the alert is called, by those who set it up."""
        return text_of(next((each for each in self.values(NAME) if not isinstance(each, bool)), ""), 200).strip()

    def place(self, names: tuple[str, ...]) -> str:
        """The place under the first of the names that says one; an object says it by its name."""
        for name in names:
            for level in self.levels:
                value = level.get(name)
                found = value.get("name") if isinstance(value, dict) else value
                if text := text_of(found, 1_000).strip() if not isinstance(found, dict | list) else "":
                    return text
        return ""

    def is_named(self) -> bool:
        return self.value(NAME) is not None or self.value(TITLE) is not None

    def states(self) -> Iterator[tuple[str, str]]:
        """Every member that may say a state, with its text, the likeliest first. An object says it by its value."""
        for name in STATUS:
            for level in self.levels:
                value = level.get(name)
                if isinstance(value, dict) and name.endswith(("state", "status")):
                    value = value.get("value") or value.get("name")
                if value is not None and not isinstance(value, dict | list):
                    yield name, text_of(value, 200).strip()

    def action(self) -> Action | None:
        """What the first state that says something known asks for; None when none does."""
        for name, word in self.states():
            found = NUMBERED.get((name, word)) or action_of(word)
            if found is not None:
                return found
        if (up := self.value(UP)) is not None and (word := text_of(up, 10).lower()) in ("true", "false", "1", "0"):
            return "resolve" if word in ("true", "1") else "fire"
        return "resolve" if self.text(SEVERITY, 40).lower() in OK_LEVELS else None

    def severity(self) -> str:
        """Our word for the sender's where we know it, else the sender's own. A state may be the only one to say it."""
        word = self.text(SEVERITY, 200)
        if word and word.lower() not in OK_LEVELS:
            return severity_of(word) or word
        said = (word.lower() for _, word in self.states())
        return severity_of(next((word for word in said if word in SEVERITIES and word not in NOT_GRAVE), ""))

    def instant(self, *names: tuple[str, ...]) -> Any:
        """The first value that is an instant, a date and a time of day put together; else the first that is none."""
        clock = next((each for each in self.values(SAID_AT) if read_clock(each)), None)
        unreadable: Any = None
        for value in (value for each in names for value in self.values(each)):
            if read_clock(value):
                continue
            at = read_time(value)
            if at is not None:
                is_day = isinstance(value, str) and len(value.strip()) <= len("2026-11-28")
                joined = f"{str(value).strip()} {clock}" if is_day and clock else value
                return joined if read_time(joined) else value
            if unreadable is None and not is_absent(value):
                unreadable = value
        return unreadable if unreadable is not None else None

    def tags(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The tags that are an object, and those that are lists or text of `name:value`, by folded name."""
        given: dict[str, Any] = {}
        said: dict[str, str] = {}
        for level in self.levels:
            match level.get("tags"):
                case dict() as tags:
                    given |= tags
                case list() as tags:
                    said |= _pairs(tags)
                case str() as tags:
                    said |= _pairs(tags.split(","))
        return given, said


def _pairs(tags: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in tags[:200]:
        if isinstance(tag, str):
            name, colon, value = tag.partition(":")
        elif isinstance(tag, list) and len(tag) == 2:
            name, colon, value = text_of(tag[0], 200), ":", text_of(tag[1], 200)
        else:
            continue
        if colon and value.strip():
            found.setdefault(fold(name), value.strip())
    return found


def members_of(alert: Mapping[str, Any]) -> Members:
    """The members of an alert, and of the objects in it that are the alert or hold it: by their names, or because an
    envelope holds nothing else."""
    levels: list[dict[str, Any]] = []
    own: list[bool] = []
    _open(alert, "", DEPTH_MAX, levels, own)
    return Members(levels=tuple(levels), own=tuple(own))


def listed(alert: Mapping[str, Any]) -> list[Any] | None:
    """The alerts that `alert` is only the wrapping of, each with what the wrapping says of all; None if it is one."""
    folded = _level(alert)
    found = [value for name, value in folded.items() if name in LISTS and isinstance(value, list) and value]
    if len(found) != 1 or _says_what(folded) or not all(isinstance(each, dict) for each in found[0]):
        return None
    shared = (*STATUS, *SEVERITY, *SAID_AT, *(name for names in PLACES.values() for name in names))
    around = {n: v for n, v in alert.items() if fold(n) in shared and not isinstance(v, dict | list)}
    return [{**around, **each} for each in found[0]]


def _open(value: Mapping[str, Any], name: str, depth: int, levels: list[dict[str, Any]], own: list[bool]) -> None:
    level = _level(value)
    if name == HEARTBEAT and text_of(level.get("status"), 2) in ("0", "1"):  # it beats, or it does not
        level["up"] = level.pop("status")
    here = len(levels)
    levels.append(level)
    own.append(name not in NO_KEYS)
    around = _says_what(level)
    objects = sum(isinstance(member, dict) for member in level.values())
    for inner_name, inner in list(level.items()):
        said = _object_in(inner_name, inner)
        if said is not None and not isinstance(inner, dict):
            level[inner_name] = said
        is_part = isinstance(inner, dict) and (
            inner_name in PARTS or (objects == 1 and not around and depth < DEPTH_MAX)
        )
        is_sent_in = (
            said is not None and not is_part and (said is not inner or (inner_name in ENVELOPES and not around))
        )
        if said is None or depth == 0 or len(levels) >= LEVELS_MAX or not (is_part or is_sent_in):
            continue
        if is_sent_in:
            own[here] = False
        _open(said, inner_name, depth - 1, levels, own)


def _level(value: Mapping[str, Any]) -> dict[str, Any]:
    level: dict[str, Any] = {}
    for n, (name, member) in enumerate(value.items()):
        if n == MEMBERS_MAX:
            break
        level.setdefault(fold(name), member)
    return level


def _says_what(level: Mapping[str, Any]) -> bool:
    """Whether an object says in words what the alert is: then what else it holds is its data."""
    return any(isinstance(level.get(name), str) and not _is_object(level[name]) for name in SAYS_WHAT)


def _is_object(text: str) -> bool:
    return text.lstrip()[:1] == "{"


def _object_in(name: str, value: Any) -> dict[str, Any] | None:
    """`value` where it is an object; where it is the text of one (SNS), or that in base64 (Pub/Sub), the object."""
    if isinstance(value, dict):
        return value or None
    if not isinstance(value, str) or name not in ENVELOPES:
        return None
    try:
        if _is_object(value):
            found = decode(value.encode("utf-8", "replace"))
        elif name == "data" and value[:2] in ("ey", "ew", "eC"):  # how `{` and what may follow it begin
            found = decode(base64.b64decode(value))
        else:
            return None
    except (ValueError, binascii.Error):
        return None
    return found if isinstance(found, dict) and found else None
