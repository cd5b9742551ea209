"""The business hours that a guide states: in its front matter, else in its own words where these have one reading.

Front matter: `business_hours: Mon-Fri 09:00-17:30 America/New_York` or a mapping of the policy's own fields,
`time_zone`, and `holidays`: a country such as US or US-NY, dates, or both. What is wrong there is an error; prose that
has two readings is a warning, and nothing is taken from it.
Source: docs/decisions/0215-a-guide-states-its-business-hours.md
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib import import_module
from typing import Any

import msgspec

from tocsin.core.calendar import business_time
from tocsin.core.hourstext import Said, days_in, hours_in, zone_named
from tocsin.core.policy import BusinessHours, Source
from tocsin.guide.blocks import Block, Document
from tocsin.guide.inline import plain
from tocsin.guide.notes import Notes
from tocsin.guide.repair import Repaired

RULE = "GUIDE-HOURS"
HOLIDAY_YEAR = 2026  # a year of no importance: whether a country is known does not depend on it

_KEYS = {
    "business hours": "hours", "working hours": "hours", "office hours": "hours",
    "time zone": "zone", "timezone": "zone",
    "holidays": "holidays", "public holidays": "holidays",
}  # fmt: skip
_COUNTRY = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?")
_SUBJECT = r"(?:standard |normal |regular |core |our )?(?:business|working|office) hours"
_TITLE = re.compile(rf"{_SUBJECT}(?: definition| and (?:time zones?|holidays))?", re.I)
_STATES = re.compile(
    rf"\b{_SUBJECT}\s*(?:(?:are|is|means?|run|defined as|refers? to)\b[:,]?|[:=|(–—]|-\s)\s*(?:defined as |from )?(.+)",
    re.I,
)
_OTHERS = re.compile(r"\b(?:outside|after|non|off|beyond|not|before|vendor|provider|partner|customer)\W*(?:of )?\W*(?:the |our )?$", re.I)  # fmt: skip
_HOLIDAYS = re.compile(r"(?:\b(\S+(?: states| kingdom)?)\s+)?\b(?:(?:federal|public|national|bank|statutory|legal)\s+)?holidays\b", re.I)  # fmt: skip
_NATIONS = {
    "us": "US", "u.s.": "US", "usa": "US", "american": "US", "united states": "US", "uk": "GB", "british": "GB",
    "united kingdom": "GB", "canadian": "CA", "german": "DE", "french": "FR", "spanish": "ES", "italian": "IT",
    "dutch": "NL", "australian": "AU", "japanese": "JP", "swiss": "CH", "austrian": "AT", "polish": "PL",
}  # fmt: skip


class Wrong(ValueError):
    """A key of the front matter does not fit: the field, what was expected, what came."""


def compile_hours(document: Document, repaired: Repaired, notes: Notes) -> BusinessHours | None:
    """The calendar that the guide states, with its line; None where it states none that is clear."""
    spoken = list(_statements(document, notes))
    try:
        stated = _of_front(repaired)
    except Wrong as error:
        notes.add(RULE, "error", _front_line(repaired), str(error), "correct the front matter")
        return None
    if stated is not None and ("opens" in stated or not spoken):
        return _hours(stated, _front_line(repaired), notes)
    return _of_prose(spoken, stated or {}, notes)


def _hours(fields: dict[str, Any], line: int, notes: Notes) -> BusinessHours | None:
    try:
        found = BusinessHours(**fields, source=Source(line=line))
        business_time(found)
        if found.country:
            import_module("tocsin.holidays_data").public_holidays(found.country, found.subdivision, HOLIDAY_YEAR)
    except ValueError as error:
        notes.add(RULE, "error", line, str(error), "correct the front matter")
        return None
    return found


# --- front matter -----------------------------------------------------------------------------------------------------


def _of_front(repaired: Repaired) -> dict[str, Any] | None:
    """The fields of BusinessHours that the front matter gives; None where it says nothing of hours. Raises Wrong."""
    if not any(_key(line) for line in repaired.front_lines):
        return None
    fields: dict[str, Any] = {}
    for name, value in _front(repaired).items():
        match _KEYS.get(_spaced(name)):
            case "hours":
                _put_hours(fields, value)
            case "zone":
                fields["zone"] = _zone(value)
            case "holidays":
                _put_holidays(fields, value)
    return fields


def _key(line: str) -> str | None:
    found = re.match(r"""['"]?([A-Za-z][\w -]{0,40}?)['"]?\s*[:=]|\[([\w-]+)\]\s*$""", line)
    return _KEYS.get(_spaced(found[1] or found[2])) if found else None


def _spaced(name: str) -> str:
    return re.sub(r"[_-]", " ", name).strip().lower()


def _front_line(repaired: Repaired) -> int:
    return next((n for n, line in enumerate(repaired.front_lines, 2) if _key(line)), 1)


def _front(repaired: Repaired) -> dict[str, Any]:
    text = "\n".join(repaired.front_lines)
    if repaired.front_mark == "+++":
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Wrong(f"front matter: expected TOML, got {error}") from None
    yamltext = import_module("tocsin.yamltext")  # a guide that states no hours compiles without it
    try:
        found = _plain(yamltext.read(text))
    except yamltext.TextError as error:
        raise Wrong(f"front matter: {error.message} (line {error.line + 1})") from None
    return found if isinstance(found, dict) else {}


def _plain(node: Any) -> Any:
    if hasattr(node, "entries"):
        return {entry.key: _plain(entry.node) for entry in node.entries}
    return [_plain(item) for item in node.items] if hasattr(node, "items") else node.text


def _put_hours(fields: dict[str, Any], value: Any) -> None:
    if isinstance(value, dict):
        _put_mapping(fields, value)
        return
    said = hours_in(str(value)) if isinstance(value, str) else Said()
    if said.doubts:
        raise Wrong(f"business_hours: expected hours with one reading, got {str(value)[:80]!r}: {said.doubts[0]}")
    if said.opens is None:
        raise Wrong(f"business_hours: expected hours such as Mon-Fri 09:00-17:00, got {str(value)[:80]!r}")
    given = {"zone": said.zone, "days": said.days, "opens": said.opens, "closes": said.closes}
    fields.update({name: each for name, each in given.items() if each is not None})


def _put_mapping(fields: dict[str, Any], value: dict[str, Any]) -> None:
    known = [name for name in BusinessHours.__struct_fields__ if name != "source"]
    for name, each in value.items():
        if name not in known:
            raise Wrong(f"business_hours.{name}: expected one of {', '.join(known)}, got {name!r}")
        match name:
            case "days":
                fields[name] = _days(each)
            case "closures":
                fields[name] = tuple(map(str, each)) if isinstance(each, list) else (str(each),)
            case "zone":
                fields[name] = _zone(each)
            case _ if not isinstance(each, str):
                raise Wrong(f"business_hours.{name}: expected a text, got {str(each)[:80]!r}")
            case _:
                fields[name] = each
    fields.setdefault("opens", BusinessHours().opens)


def _days(value: Any) -> tuple[int, ...]:
    words = [str(each) for each in value] if isinstance(value, list) else [str(value)]
    found = [int(each) if each.isdigit() and len(each) == 1 else days_in(each) for each in words]
    if not found or any(each is None for each in found):
        raise Wrong(f"business_hours.days: expected days such as Mon-Fri, got {str(value)[:80]!r}")
    return tuple(sorted({day for each in found for day in ((each,) if isinstance(each, int) else each or ())}))


def _zone(value: Any) -> str:
    found = zone_named(value) if isinstance(value, str) else None
    if found is None:
        raise Wrong(f"time_zone: expected an IANA name such as America/New_York, got {str(value)[:80]!r}")
    return found


def _put_holidays(fields: dict[str, Any], value: Any) -> None:
    closures = list[str]()
    words = value if isinstance(value, list) else str(value).split(",")
    for word in (str(each).strip() for each in words):
        country = _COUNTRY.fullmatch(word)
        if word.lower() in ("none", ""):
            continue
        if country and fields.setdefault("country", country[1]) == country[1]:
            fields["subdivision"] = country[2]
        elif not country and _is_date(word):
            closures.append(word)
        else:
            expected = "one country such as US or US-NY, or dates such as 2026-12-24"
            raise Wrong(f"holidays: expected {expected}, got {word[:80]!r}")
    fields["closures"] = (*fields.get("closures", ()), *closures)


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


# --- prose ------------------------------------------------------------------------------------------------------------


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence, row or section that states hours."""

    line: int
    text: str
    said: Said
    others: bool = False  # it may be about everybody else's hours, or about those outside


def _statements(document: Document, notes: Notes) -> Iterator[Statement]:
    for section in document.sections():
        if section.region != "policy":
            continue
        lines = [row for block in section.blocks for row in _rows(block)]
        if _TITLE.fullmatch(section.title.strip()) and lines:
            text = "; ".join(said for _, said in lines)
            said = hours_in(text)
            if said.opens or said.doubts:
                notes.use(*(line for line, _ in lines))
                yield Statement(line=lines[0][0], text=text, said=said)
            continue
        for line, text in lines:
            for sentence in re.split(r"(?<=[a-z0-9)]{2}[.;])\s+(?=[A-Z])", text):
                if statement := _statement(line, sentence):
                    notes.use(line)
                    yield statement


def _statement(line: int, sentence: str) -> Statement | None:
    found = _STATES.search(sentence)
    if found is None:
        return None
    said = hours_in(found[1])
    if said.opens is None and not (said.days and said.doubts):
        return None
    return Statement(line=line, text=found[1], said=said, others=bool(_OTHERS.search(sentence[: found.start()])))


def _rows(block: Block) -> Iterator[tuple[int, str]]:
    if block.kind == "paragraph":
        yield from ((line, plain(text)) for line, text in block.lines())
    for row in block.rows:
        yield row.line, " | ".join(plain(cell) for cell in row.cells)
    for item in block.items:
        yield item.line, plain(item.text.replace("\n", " "))
        for inner in item.blocks:
            yield from _rows(inner)


def _of_prose(spoken: list[Statement], stated: dict[str, Any], notes: Notes) -> BusinessHours | None:
    found: list[tuple[Statement, dict[str, Any]]] = []
    for each in spoken:
        why = _doubt(each, stated)
        if why:
            message = f'"{each.text[:80]}" states business hours, and nothing was taken from it: {why}'
            notes.add(RULE, "warning", each.line, message, "state business_hours in the front matter")
            continue
        fields = {
            "zone": each.said.zone,
            "days": each.said.days,
            "opens": each.said.opens,
            "closes": each.said.closes,
            **_named_holidays(each, stated, notes),
            **stated,
        }
        found.append((each, {name: value for name, value in fields.items() if value is not None}))
    if any(fields != found[0][1] for _, fields in found):
        lines = ", ".join(str(each.line) for each, _ in found)
        message = f"business hours are stated differently on the lines {lines}, and none of them was taken"
        notes.add(RULE, "warning", found[1][0].line, message, "state them once, or in the front matter")
        return None
    return _hours(found[0][1], found[0][0].line, notes) if found else None


def _doubt(each: Statement, stated: dict[str, Any]) -> str:
    doubts = [doubt for doubt in each.said.doubts if not ("zone" in stated and doubt.endswith("of several places"))]
    if doubts:
        return doubts[0]
    if each.others:
        return "it may be about other hours"
    if each.said.zone is None and "zone" not in stated:
        return "it names no time zone"
    return "" if each.said.days else "it names no days"


def _named_holidays(each: Statement, stated: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """The country whose holidays the statement names; a finding where it names holidays of nobody."""
    found = _HOLIDAYS.search(each.text)
    if found is None or "closures" in stated:
        return {}
    word = (found[1] or "").lower()
    nation = _NATIONS.get(word) or _NATIONS.get(" ".join(each.text[: found.end(1)].lower().split()[-2:]))
    if nation is None:
        message = f'"{each.text[:80]}" names holidays and no country; none is kept'
        notes.add(RULE, "warning", each.line, message, "say holidays: US (a country, or dates) in the front matter")
        return {}
    return {"country": nation}
