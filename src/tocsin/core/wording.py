"""A guide's templates in the guide's own words: every field filled from the incident's facts, or asked for by name.

`fill` never guesses: a field without a fact is missing, and a text with a missing field cannot be sent. Duration, next
update and the like are computed at `Scene.now`. Times are written in the shape of the template.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from tocsin.core.incident import Incident
from tocsin.core.paging_text import one_line, span
from tocsin.core.policy import Policy, severity_of
from tocsin.core.slots import Slot, slots

VALUE_MAX = 2000  # characters of one field
TEXT_MAX = 20_000
ENDED = ("resolved", "closed")
Origin = Literal["given", "incident", "computed", "guide", "missing"]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What a text is filled from. `given` is what somebody typed, by field name or meaning, in any letter case.

    `every` and `next_at`: the audience's cadence and its next update. `people`, `services`: id -> how they are called.
    `resolution`: what ended it, in the words of whoever did. `url`: a page that this audience may open.
    """

    incident: Incident
    policy: Policy
    now: datetime
    zone: str = "UTC"
    outside: bool = False
    given: dict[str, str] = {}
    every: timedelta | None = None
    next_at: datetime | None = None
    people: dict[str, str] = {}
    services: dict[str, str] = {}
    resolution: str = ""
    url: str = ""

    @property
    def ended(self) -> bool:
        return self.incident.status in ENDED


class FieldValue(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a template as a form shows it; `value` is empty exactly when `origin` is "missing"."""

    name: str
    meaning: str
    value: str
    origin: Origin
    choices: tuple[str, ...] = ()


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A text with its fields. What is missing stands as `____` in it, and it must not be sent."""

    subject: str
    text: str
    fields: tuple[FieldValue, ...]
    mention: Literal["", "channel", "here"] = ""

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.name for each in self.fields if each.origin == "missing"))


Known = Callable[[Slot], "tuple[str, Origin] | None"]


def fill(body: str, scene: Scene, extra: str = "", known: Known | None = None) -> Filled:
    """The template with every slot filled or missing. `extra` is a paragraph of its own, before the closing words.

    `known` is asked first for the value of a slot (documents know more than the incident); None: not its business.
    """
    pieces: list[str] = []
    fields: dict[tuple[str, str], FieldValue] = {}
    at = 0
    for slot in slots(body):
        field = field_of(slot, scene, known)
        fields.setdefault((field.name.casefold(), field.value), field)
        pieces += [body[at : slot.start], field.value or "____"]
        at = slot.end
    subject, text = _parted("".join([*pieces, body[at:]]))
    mention = re.match(r"@(channel|here)\b", text)
    if mention:
        text = text[mention.end() :].lstrip("\n")
    return Filled(
        subject=one_line(subject, 200),
        text=_joined(text, extra)[:TEXT_MAX],
        fields=tuple(fields.values()),
        mention=mention[1] if mention else "",  # type: ignore[arg-type]
    )


def field_of(slot: Slot, scene: Scene, known: Known | None = None) -> FieldValue:
    """The slot's value and where it comes from."""
    typed = _typed(slot, scene)
    value, origin = (typed, "given") if typed else (known(slot) if known else None) or _known(slot, scene)
    return FieldValue(
        name=slot.name,
        meaning=slot.meaning,
        value=one_line(value.replace("\ue000", ""), VALUE_MAX),
        origin=origin if value else "missing",  # type: ignore[arg-type]
        choices=slot.choices,
    )


def _typed(slot: Slot, scene: Scene) -> str:
    given = {name.casefold(): value.strip() for name, value in scene.given.items()}
    return given.get(slot.name.casefold(), "") or (given.get(slot.meaning, "") if slot.meaning else "")


def _known(slot: Slot, scene: Scene) -> tuple[str, Origin]:
    """What the facts say, what can be computed, or what the guide itself says where nothing is known yet."""
    incident = scene.incident
    match slot.meaning:
        case "id":
            return incident.reference, "incident"
        case "status":
            return status_word(slot, incident.status), "incident"
        case "severity":
            return _severity(slot, scene), "incident"
        case "started" | "ended":
            at = _instant(slot.meaning, scene)
            return (_time(at, slot, scene), "incident") if at else ("", "missing")
        case "duration":
            return span(_lasted(scene)), "computed"
        case "minutes":
            return str(int(_lasted(scene).total_seconds() // 60)), "computed"
        case "eta":
            return _eta(slot, scene)
        case "next update":
            return _next_update(slot, scene)
        case "every":
            return _every(slot, scene)
        case "commander":
            return _commander(slot, scene), "incident"
        case "services" | "service description":
            named = ", ".join(scene.services.get(each, each) for each in (*incident.services, *incident.components))
            return (named, "incident") if named else _own(slot)
        case "review":
            return (_time(incident.review_at, slot, scene), "incident") if incident.review_at else ("", "missing")
        case "response":
            return _response(scene), "computed"
        case "resolution":
            ended = scene.resolution if scene.ended else ""
            return (ended, "incident") if ended else _own(slot, when=not scene.ended and " are " in slot.example)
        case "link":
            return scene.url, "computed"
        case _:
            return _told(slot, scene), "incident"


def _told(slot: Slot, scene: Scene) -> str:
    """Facts that are text. Outside, what was written for customers comes first; the title is not for them."""
    incident = scene.incident
    users = "" if incident.users_affected is None else str(incident.users_affected)
    revenue = f"revenue {incident.revenue}" if incident.revenue else ""
    counted = ", ".join(part for part in (f"{users} users affected" if users else "", revenue) if part)
    impact = (incident.customer_impact or incident.impact) if scene.outside else incident.impact
    known = {
        "impact": impact or incident.customer_impact,
        "customer impact": "; ".join(part for part in (counted, incident.customer_impact) if part),
        "users": users,
        "cause": incident.root_cause,
        "contributing": ", ".join(incident.contributing),
        "prevention": incident.prevention,
        "detection": incident.detection,
        "issue": "" if scene.outside else incident.title,
    }
    return known.get(slot.meaning) or ""


def _own(slot: Slot, when: bool = True) -> tuple[str, Origin]:
    """What the guide says itself, where that is a statement and no placeholder."""
    return ("", "missing") if slot.marked or not when else (slot.example, "guide")


_NEAREST: dict[str, tuple[str, ...]] = {
    "investigating": ("investigating", "open", "ongoing", "identified"),
    "identified": ("identified", "investigating", "in progress", "open"),
    "mitigating": ("mitigating", "fixing", "in progress", "monitoring", "identified"),
    "monitoring": ("monitoring", "mitigating", "fixing", "in progress", "identified"),
    "resolved": ("resolved", "restored", "completed", "closed"),
}


def status_word(slot: Slot, status: str) -> str:
    """The status in the template's words: one of its choices, and as loud as its example."""
    now = "resolved" if status in ENDED else status
    choices = {each.casefold(): each for each in slot.choices}
    for word in _NEAREST[now]:
        if word in choices:
            return choices[word]
    if slot.choices:
        return ""
    return now.upper() if slot.example.isupper() and len(slot.example) > 2 else now.capitalize()


def _severity(slot: Slot, scene: Scene) -> str:
    """`Critical` where the example is a severity's name, else its id; `P<severity>` says the P itself."""
    severity = severity_of(scene.policy, scene.incident.severity)
    name = scene.incident.severity
    if severity and any(each.name.casefold() == slot.example.casefold() for each in scene.policy.severities):
        return severity.name
    lead = re.search(r"[A-Za-z]+-?$", slot.before)
    return name[len(lead[0]) :] if lead and slot.marked and name.casefold().startswith(lead[0].casefold()) else name


def _instant(meaning: str, scene: Scene) -> datetime | None:
    incident = scene.incident
    if meaning == "started":
        return incident.corrected.get("started_at") or incident.opened_at
    return incident.corrected.get("resolved_at") or incident.resolved_at


def _lasted(scene: Scene) -> timedelta:
    started = _instant("started", scene) or scene.now
    return max(timedelta(), (_instant("ended", scene) or scene.now) - started)


def _eta(slot: Slot, scene: Scene) -> tuple[str, Origin]:
    ended = _instant("ended", scene)
    if ended:
        return f"Resolved at {_time(ended, slot, scene)}", "computed"
    if not slot.marked:  # the guide's own word for a time that nobody knows yet
        return ("Not known yet", "computed") if re.search(r"\d", slot.example) else (slot.example, "guide")
    return ("Not known yet", "computed") if "available" in slot.example.casefold() else ("", "missing")


def _next_update(slot: Slot, scene: Scene) -> tuple[str, Origin]:
    if scene.ended:
        return "None planned, it is resolved", "computed"
    at = scene.next_at or (scene.now + scene.every if scene.every else None)
    return (_time(at, slot, scene), "computed") if at else ("", "missing")


def _every(slot: Slot, scene: Scene) -> tuple[str, Origin]:
    if not scene.every:
        return _own(slot)
    words = span(scene.every)
    words = {"1 hour": "hour", "1 day": "day", "1 minute": "minute"}.get(words, words)
    said = re.search(r"\bevery\s*$", slot.before, re.I)
    return words if said else f"Every {words}", "computed"


def _commander(slot: Slot, scene: Scene) -> str:
    """Whoever holds the role; a handle where the template writes one."""
    for role, people in scene.incident.roles.items():
        if people and re.search(r"commander|^ic$|incident (?:lead|manager)", role, re.I):
            if slot.before.endswith("@"):
                return people[0]
            return f"@{people[0]}" if slot.example.startswith("@") else scene.people.get(people[0]) or people[0]
    return ""


def _response(scene: Scene) -> str:
    incident = scene.incident
    word = incident.status.capitalize()
    who = incident.acknowledged_by or ""
    return f"{word}, {scene.people.get(who) or who} has it" if who else word


# --- times, in the guide's shape --------------------------------------------------------------------------------------

_SHAPES: tuple[tuple[str, str], ...] = (
    (r"(?i)^\W?timestamp\W?$", "%Y-%m-%d %H:%M %Z"),  # a timestamp has a date, as a [Time] has none
    (r"\d{1,2}:\d{2}(?: UTC)? on [A-Z][a-z]+ \d{1,2}, \d{4}", "%H:%M %Z on %B {day}, %Y"),
    (r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(?: UTC)?|YYYY-MM-DD HH:MM(?: UTC)?", "%Y-%m-%d %H:%M %Z"),
    (r"YYYY-MM-DD|\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"HH:MM(?: UTC)?|\b\d{2}:\d{2}(?: UTC)?", "%H:%M %Z"),
)


def _time(at: datetime, slot: Slot, scene: Scene) -> str:
    """The instant as the example writes one; where it only says [Time], the clock, with the date if it is not today."""
    local = in_zone(at, "UTC" if "UTC" in slot.example else scene.zone)
    for pattern, shape in _SHAPES:
        found = re.search(pattern, slot.example)
        if found:
            written = _written(local, shape)
            return written if slot.marked else slot.example[: found.start()] + written + slot.example[found.end() :]
    today = in_zone(scene.now, scene.zone).date() == local.date()
    short = slot.marked and today and slot.meaning != "review"
    return _written(local, "%H:%M %Z" if short else "%Y-%m-%d %H:%M %Z")


def _written(local: datetime, shape: str) -> str:
    return local.strftime(shape).replace("{day}", str(local.day))


def in_zone(at: datetime, zone: str) -> datetime:
    """The instant on the clocks of a zone; in UTC where the zone is no name that is known."""
    try:
        return at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return at


# --- the text as a whole ----------------------------------------------------------------------------------------------

_CLOSING = re.compile(
    r"^(?:best|kind|warm)? ?regards|^sincerely|^we apologi[sz]e|^thank you|^we appreciate|^for urgent", re.I | re.M
)


def _parted(text: str) -> tuple[str, str]:
    """Subject and body: a first line `Subject:`, and without the quotes of `Template: "..."`."""
    text = text.strip()
    quoted = re.fullmatch(r'Template:\s*["“](.*)["”]', text, re.S)
    if quoted:
        text = re.sub(r" +\n", "\n", quoted[1]).strip()
    head, _, rest = text.partition("\n")
    return (head[8:].strip(), rest.strip()) if head.casefold().startswith("subject:") else ("", text)


def _joined(text: str, extra: str) -> str:
    """With a paragraph of one's own, before the words that close the message."""
    own = "\n".join(one_line(line, VALUE_MAX) for line in extra.strip().splitlines()[:100])
    if not own:
        return text
    closing = _CLOSING.search(text)
    if not closing:
        return f"{text}\n\n{own}"
    return f"{text[: closing.start()].rstrip()}\n\n{own}\n\n{text[closing.start() :]}"
