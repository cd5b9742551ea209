"""Where a guide's template wants something filled in: its slots, what each means, and the shape it is written in.

Guides write templates in three ways, often in one text: placeholders (`[Time]`, `<severity>`, `HH:MM`), labels with an
example (`Started: 2024-01-15 14:30 UTC`), labels with a description (`**Detection**: How it was discovered`). A label
says what is meant, so whatever stands behind a known one is replaced; the text between slots is the guide's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

MARKS_MAX = 200  # in one template; more is no template
LINES_MAX = 400

MARK = re.compile(
    r"\[(?![ xX]\]|\^|\d+\])([^\[\]\n]{1,80})\](?!\()"
    r"|<(?!/|https?:|!--|br\b)([A-Za-z][^<>\n]{0,80})>"
    r"|\{\{\s*([^{}\n]{1,60})\s*\}\}"
    r"|\b(INC-[XNY][A-Z-]+|YYYY-?MM-?DD(?:\s+HH:MM)?|HH:MM|[XN]{2,6})\b"
)
_TAG = re.compile(r"[A-Z]{4,}(?: [A-Z]{4,})?$")  # [URGENT]: said as it stands
_LABEL = re.compile(
    r"^(?P<lead>\s*(?:>\s*|#+\s+|[-*+]\s+|\d+[.)]\s+)*)"
    r"(?:\*\*(?P<strong>[^*:\n]{1,60}):?\*\*(?:\s*\([^)\n]*\))?\s*:?|(?P<plain>[A-Za-z][A-Za-z0-9 /()'-]{0,40}?)\s*:)"
    r"\s*(?P<value>\S.*)$"
)
_HEADLINE = re.compile(r"\b(?:INCIDENT|ALERT|RESOLVED|OUTAGE)\b.*?\b(?P<severity>P[0-5]|SEV-?[0-5]|S[1-5])\b")

_MEANINGS: tuple[tuple[str, str], ...] = (
    (r"next update", "next update"),
    (r"^updates?$|frequency|update interval|cadence", "every"),
    (r"incident[- ]commander|^ic$|commander", "commander"),
    (r"related incident|incident id|^incident$|^inc-|incident (?:number|reference)|post-?mortem$", "id"),
    (r"severity|^p\d(?:/p\d)+$|^sev-?\d|^priority$", "severity"),
    (r"\beta\b|expected resolution|estimated", "eta"),
    (r"end time|ended|resolved (?:at|as of|on)|restored at", "ended"),
    (r"start time|started|^start$|^when$|date/time|began|^date$", "started"),
    (r"duration|how long", "duration"),
    (r"service description", "service description"),
    (r"affected services?|services? affected|^services?$|impacted services?|systems? affected", "services"),
    (r"users? affected", "users"),
    (r"contributing", "contributing"),
    (r"primary cause|root cause|^cause$|brief explanation|technical summary|detailed explanation", "cause"),
    (r"customer impact", "customer impact"),
    (r"specific functionality", "functionality"),
    (r"impact|affected functionality|what was affected", "impact"),
    (r"preventive|preventative", "measures"),
    (r"^prevention$", "prevention"),
    (r"^detection$|how .*(?:detected|discovered)", "detection"),
    (r"verification", "verification"),
    (r"^monitoring$", "monitoring"),
    (r"workaround", "workaround"),
    (r"resolution steps|steps taken|^resolution$|how it was resolved|^what we did$", "resolution"),
    (r"review", "review"),
    (r"initial response", "response"),
    (r"status|^investigating", "status"),
    (r"what happened", "happened"),
    (r"^issue$|brief description|^summary$", "issue"),
    (r"thread|\blink\b|\burl\b", "link"),
)
_AROUND: tuple[tuple[str, str, str], ...] = (  # (before, after, meaning) of a mark that says no more than [time] or XX
    (r"started at\s*$|since\s*$", "", "started"),
    (r"as of\s*$|resolved at\s*$", "", "ended"),
    (r"", r"^\s*minutes?\b", "minutes"),
    (r"", r"^\s*users?\b", "users"),
    (r"every\s*$", "", "every"),
    (r"^\s*[-*]\s*$", r"^\s*[-–]\s", "entry time"),
)


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """`start` and `end` in the text. `name` is what a form asks for; `example` what stands there now; `meaning` "" is
    whatever the name says. `before` is the text of the line in front, which a shape may need (`P<severity>`)."""

    start: int
    end: int
    name: str
    meaning: str
    example: str
    marked: bool
    before: str = ""
    choices: tuple[str, ...] = ()


def slots(body: str) -> tuple[Slot, ...]:
    """Every slot of a template, in order, none overlapping: all placeholders. Tags such as [URGENT] are text."""
    found: list[Slot] = []
    start = 0
    for line in body.split("\n")[:LINES_MAX]:
        found += _line(line, start)
        start += len(line) + 1
    if len(found) > MARKS_MAX:
        raise ValueError(f"template: expected at most {MARKS_MAX} fields, got {len(found)}")
    return tuple(found)


def meaning_of(words: str) -> str:
    """What a label or the inside of a placeholder asks for, or "" where this release does not know."""
    folded = " ".join(words.casefold().replace("-", " ").split())
    for text in (words.casefold().strip(), folded):
        for pattern, meaning in _MEANINGS:
            if re.search(pattern, text):
                return meaning
    return ""


def open_marks(text: str) -> list[str]:
    """The placeholders that stand in a text."""
    return [found[0] for found in MARK.finditer(text) if not _is_tag(found)]


def _is_tag(found: re.Match[str]) -> bool:
    return found[1] is not None and bool(_TAG.match(found[1]))


def _line(line: str, start: int) -> Iterator[Slot]:
    if line.casefold().startswith("subject:"):
        yield from _marks(line, start, "", 0)
        return
    labelled = _LABEL.match(line) if ":" in line else None
    label = (labelled["strong"] or labelled["plain"] or "").strip() if labelled else ""
    first = MARK.search(line)
    if labelled and first and first.start() < labelled.start("value"):  # HH:MM is no label
        labelled = None
    if labelled and label:
        at, value = labelled.start("value"), labelled["value"].rstrip()
        marks = [found for found in MARK.finditer(value) if not _is_tag(found)]
        meaning = meaning_of(label)
        whole = len(marks) == 1 and marks[0][0] == value.lstrip("@")
        if whole or (meaning and not marks) or _choices(value):
            inner = next((group for group in marks[0].groups() if group), "") if whole else value
            lead = len(value) - len(value.lstrip("@")) if whole else 0
            yield Slot(
                start=start + at + lead,
                end=start + at + len(value),
                name=label,
                meaning=meaning or (meaning_of(inner) if whole else ""),
                example=value[lead:],
                marked=whole,
                before=line[: at + lead],
                choices=_choices(inner),
            )
            return
        yield from _marks(line, start, label, at)
        return
    headline = _HEADLINE.search(line)
    if headline and not MARK.search(line):
        yield Slot(
            start=start + headline.start("severity"), end=start + headline.end("severity"), name="Severity",
            meaning="severity", example=headline["severity"], marked=False,
        )  # fmt: skip
        return
    yield from _marks(line, start, "", 0)


def _marks(line: str, start: int, label: str, at: int) -> Iterator[Slot]:
    for found in MARK.finditer(line, at):
        if _is_tag(found):
            continue
        inner = next(group for group in found.groups() if group)
        before, after = line[: found.start()], line[found.end() :]
        around = next((m for b, a, m in _AROUND if re.search(b, before, re.I) and re.search(a, after)), "")
        vague = bool(found[4]) or inner.casefold() in ("time", "date", "timestamp", "name", "list", "frequency")
        meaning = (around if vague else "") or meaning_of(inner) or around or (meaning_of(label) if label else "")
        yield Slot(
            start=start + found.start(),
            end=start + found.end(),
            name=label if vague and label and not around else _named(inner, meaning),
            meaning=meaning,
            example=found[0],
            marked=True,
            before=before,
            choices=_choices(inner),
        )


def _named(inner: str, meaning: str) -> str:
    """What a form calls it: the guide's own word, or ours where the guide only has XX."""
    plain = inner.strip()
    if meaning == "severity" and "/" in plain:  # [P1/P2/P3/P4] says what it may be, not what it is called
        return "Severity"
    return (meaning or "number").capitalize() if re.fullmatch(r"[XNYMDH:-]+", plain) else plain[:1].upper() + plain[1:]


def _choices(inner: str) -> tuple[str, ...]:
    """`A/B/C`: one of these. Two words may be an alternative way to say one thing (customer/business impact)."""
    parts = tuple(part.strip() for part in inner.split("/"))
    if len(parts) < 2 or any(not part or len(part) > 20 or part.count(" ") > 1 for part in parts):
        return ()
    return parts if len(parts) > 2 or all(re.fullmatch(r"(?:P|S|SEV-?)\d", part) for part in parts) else ()
