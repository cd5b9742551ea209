"""The documents of a guide for a recorded incident: review, post-mortem, action item, weekly report, as Markdown.

A document has what a message has not: examples in lists and tables that stand for as many entries as there are. Under a
heading that says what they are (timeline, what went well, action items), examples give way to what was recorded, in the
shape of the first example; where nothing was recorded, the list is a field that somebody has to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from tocsin.core.paging_text import one_line
from tocsin.core.slots import Slot
from tocsin.core.wording import FieldValue, Filled, Known, Origin, Scene, fill, in_zone

ENTRIES_MAX = 200  # of a timeline in a document
_KEPT = "\ue000"  # stands around the number of a piece that is not the guide's: no field is looked for in it


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline. `by_hand`: somebody did it; else it happened."""

    at: datetime
    text: str
    who: str = ""
    by_hand: bool = False


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """An improvement. `horizon`: which of the guide's (short-term, ...) it belongs to."""

    title: str
    owner: str = ""
    due: str = ""
    priority: str = ""
    status: str = ""
    description: str = ""
    criteria: tuple[str, ...] = ()
    horizon: str = ""


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """What the form of a report counts. `types`: category and count, the most frequent first."""

    of: str
    total: int
    by_severity: dict[str, int] = {}
    average_resolution: timedelta | None = None
    types: tuple[tuple[str, int], ...] = ()
    actions: dict[str, int] = {}  # completed, in progress, overdue
    unlisted: tuple[str, ...] = ()  # severities that the form leaves out, each with its count


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded beyond the incident's own fields. `lessons`: well, poorly, lucky -> sentences."""

    timeline: tuple[Entry, ...] = ()
    actions: tuple[Action, ...] = ()
    lessons: dict[str, tuple[str, ...]] = {}
    action: Action | None = None
    week: Week | None = None


def document(body: str, scene: Scene, record: Record) -> Filled:
    """The document, its lists and tables of what was recorded; `missing` names what somebody has to write."""
    kept: list[str] = []
    asked: list[FieldValue] = []
    if record.week:
        record = msgspec.structs.replace(record, week=_with_unlisted(record.week, body))

    def keep(text: str) -> str:
        kept.append(text)
        return f"{_KEPT}{len(kept) - 1}{_KEPT}"

    def ask(name: str) -> str:
        typed = scene.given.get(name) or scene.given.get(name.casefold(), "")
        lines = [one_line(each) for each in typed.splitlines() if each.strip()]
        value = "; ".join(lines)
        asked.append(FieldValue(name=name, meaning="", value=value, origin="given" if value else "missing"))
        return "\n".join(lines)

    sections = [_section(heading, lines, scene, record, keep, ask) for heading, lines in _sections(body)]
    filled = fill("\n".join(line for lines in sections for line in lines), scene, known=_known(record))
    text = re.sub(f"{_KEPT}(\\d+){_KEPT}", lambda found: kept[int(found[1])], filled.text)
    return msgspec.structs.replace(filled, text=text + "\n", fields=(*filled.fields, *asked))


def _with_unlisted(week: Week, body: str) -> Week:
    """A form that counts some severities must not hide the others."""
    left = [name for name in week.by_severity if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", body, re.I)]
    return msgspec.structs.replace(week, unlisted=tuple(f"{name}: {week.by_severity[name]}" for name in left))


def _sections(body: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in body.replace(_KEPT, "").split("\n"):
        heading = re.match(r"#{1,6}\s+(.*)$|\*\*([^*]+):?\*\*:?\s*$", line)
        if heading:
            found.append(((heading[1] or heading[2]).casefold(), [line]))
        else:
            found[-1][1].append(line)
    return found


_LESSONS = (("well", r"went well"), ("poorly", r"improved?\b|went (?:poorly|wrong|badly)"), ("lucky", r"lucky"))
_ITEM = re.compile(r"^\s*(?:[-*+]\s+(?:\[[ xX]\]\s+)?|\d+[.)]\s+)\S")
Keep = Callable[[str], str]


def _section(heading: str, lines: list[str], scene: Scene, record: Record, keep: Keep, ask: Keep) -> list[str]:
    if "timeline" in heading:
        return _timeline(lines, scene, record, keep)
    if "criteria" in heading and record.action:
        return _replaced(
            lines, [keep(f"- [ ] {one_line(each)}") for each in record.action.criteria] or None, keep, ask, ""
        )
    if re.search(r"action items?$", heading):
        return _actions(lines, record, keep, ask)
    lesson = next((name for name, pattern in _LESSONS if re.search(pattern, heading)), None)
    if lesson:
        said = record.lessons.get(lesson, ())
        return _replaced(
            lines, [keep(f"- {one_line(each)}") for each in said] or None, keep, ask, lines[0].strip("#* :")
        )
    if "lesson" in heading:
        return _lessons(lines, record, keep, ask)
    return lines


def _replaced(lines: list[str], entries: list[str] | None, keep: Keep, ask: Keep, name: str) -> list[str]:
    """The list's examples give way to the entries; without any, to a field of that name."""
    items = [n for n, line in enumerate(lines) if _ITEM.match(line)]
    if not items or (entries is None and not name):
        return lines
    if entries is None:
        typed = ask(name)
        entries = [keep(f"- {line}") for line in typed.splitlines()] or ["- ____"]
    return [*lines[: items[0]], *entries, *lines[items[-1] + 1 :]]


def _lessons(lines: list[str], record: Record, keep: Keep, ask: Keep) -> list[str]:
    """`1. What went well`: the question stays, the answers stand below it."""
    done: list[str] = []
    for line in lines:
        done.append(line)
        lesson = next(
            (name for name, pattern in _LESSONS if _ITEM.match(line) and re.search(pattern, line, re.I)), None
        )
        if lesson:
            said = record.lessons.get(lesson) or tuple(ask(re.sub(r"^\s*(?:[-*+]|\d+[.)])\s+", "", line)).splitlines())
            done += [keep(f"   - {one_line(each)}") for each in said] or ["   - ____"]
    return done


def _actions(lines: list[str], record: Record, keep: Keep, ask: Keep) -> list[str]:
    """Action items in the shape of the first example; where the guide has horizons, under theirs."""
    items = [line for line in lines if _ITEM.match(line)]
    horizons = [re.match(r"^\s*[-*+]\s+\*\*([^*]+)\*\*(.*?):\s", line) for line in items]
    if items and all(horizons):
        return [_horizon(line, record, keep, ask) if _ITEM.match(line) else line for line in lines]
    if not items or not record.actions:
        return _replaced(lines, None, keep, ask, "Action Items") if items else lines
    checkbox, numbered = "[ ]" in items[0], bool(re.match(r"\s*\d", items[0]))
    entries = []
    for n, action in enumerate(record.actions, 1):
        lead = f"{n}. " if numbered else "- [ ] " if checkbox else "- "
        title = f"**{one_line(action.title)}**" if "**" in items[0] else one_line(action.title)
        who = ", ".join(part for part in (action.owner, f"due {action.due}" if action.due else "") if part)
        more = f" - {one_line(action.description)}" if action.description and "**" in items[0] else ""
        entries.append(keep(f"{lead}{title}{more}" + (f" ({one_line(who)})" if who else "")))
    return _replaced(lines, entries, keep, ask, "")


def _horizon(line: str, record: Record, keep: Keep, ask: Keep) -> str:
    head = re.match(r"^(\s*[-*+]\s+\*\*([^*]+)\*\*.*?:)\s", line)
    assert head is not None, "the caller has matched it"
    mine = [one_line(each.title) for each in record.actions if each.horizon.casefold() == head[2].casefold()]
    said = "; ".join(mine) or "; ".join(ask(f"{head[2]} action items").splitlines())
    return f"{head[1]} {keep(said)}" if said else f"{head[1]} ____"


# --- the timeline -----------------------------------------------------------------------------------------------------


def _timeline(lines: list[str], scene: Scene, record: Record, keep: Keep) -> list[str]:
    table = [n for n, line in enumerate(lines) if line.lstrip().startswith("|")]
    entries = record.timeline[:ENTRIES_MAX]
    if len(table) >= 2:
        columns = [each.strip().casefold() for each in lines[table[0]].strip().strip("|").split("|")]
        rows = [keep(_row(columns, each, entries, scene)) for each in entries]
        return [*lines[: table[0] + 2], *rows, *lines[table[-1] + 1 :]]
    return _replaced(
        lines,
        [keep(f"- {_clock(each.at, entries, scene)} - {one_line(each.text)}") for each in entries],
        keep,
        keep,
        "",
    )


def _row(columns: Sequence[str], entry: Entry, entries: Sequence[Entry], scene: Scene) -> str:
    both = any("event" in each for each in columns) and any("action" in each for each in columns)
    cells = []
    for column in columns:
        text = ""
        if "time" in column:
            text = _clock(entry.at, entries, scene)
        elif re.search(r"event|action|what|description", column):
            mine = not both or entry.by_hand == ("action" in column)
            text = entry.text if mine else ""
        elif re.search(r"owner|person|who|by|responsible", column):
            text = entry.who
        cells.append(one_line(text).replace("|", "\\|"))
    return f"| {' | '.join(cells)} |"


def _clock(at: datetime, entries: Sequence[Entry], scene: Scene) -> str:
    """HH:MM as the guides write it; with the date where the incident lasted over midnight."""
    local, first = in_zone(at, scene.zone), in_zone(entries[0].at, scene.zone)
    return f"{local:%H:%M}" if local.date() == first.date() else f"{local:%Y-%m-%d %H:%M}"


# --- fields that a document knows -------------------------------------------------------------------------------------


def _known(record: Record) -> Known:
    counted = {"type": -1, "count": -1}

    def known(slot: Slot) -> tuple[str, Origin] | None:
        if record.action:
            return _of_action(slot, record.action)
        if record.week:
            return _of_week(slot, record.week, counted)
        return None

    return known


def _of_action(slot: Slot, action: Action) -> tuple[str, Origin] | None:
    if slot.meaning == "id":
        return None
    name = slot.name.casefold()
    known = {"action item": action.title, "title": action.title, "owner": action.owner, "due date": action.due,
             "priority": action.priority, "status": action.status}  # fmt: skip
    value = known.get(name, action.description if "description" in name else "")
    chosen = next((each for each in slot.choices if each.casefold() == value.casefold()), "") if slot.choices else value
    return chosen, "incident"


def _of_week(slot: Slot, week: Week, counted: dict[str, int]) -> tuple[str, Origin] | None:
    """Counts by the words in front of them; `[Type] - [count]` lines take the types in their order."""
    name = slot.name.casefold()
    severity = re.search(r"(\S+):\s*$", slot.before)
    value = ""
    if name == "date":
        value = week.of
    elif "total" in name:
        value = str(week.total) + (f" ({', '.join(week.unlisted)} not listed here)" if week.unlisted else "")
    elif "resolution time" in name:
        lasted = week.average_resolution
        value = "no incident was resolved" if lasted is None else f"{lasted.total_seconds() / 3600:.1f} hours"
    elif name == "type":
        counted["type"] += 1
        value = week.types[counted["type"]][0] if counted["type"] < len(week.types) else "none"
    elif name == "count" and severity:
        value = str(week.by_severity.get(severity[1], 0))
    elif name == "count":
        counted["count"] += 1
        value = str(week.types[counted["count"]][1]) if counted["count"] < len(week.types) else "0"
    elif name in ("completed", "in progress", "overdue"):
        value = str(week.actions.get(name, 0))
    return value, "computed"
