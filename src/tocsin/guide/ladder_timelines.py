"""Escalation ladders on one time line: what happens after 0, 15 and 30 minutes, in lists, fences and tables of actions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from tocsin.guide.blocks import Block
from tocsin.guide.inline import plain, split_dash, split_label
from tocsin.guide.ladder_doubts import of_some
from tocsin.guide.ladder_sentences import beginning
from tocsin.guide.parties import PARTY, names_somebody, parties
from tocsin.guide.quantity import Quantity, read
from tocsin.guide.rungs import RUNGS_MAX, Rung, counts, start

_MINUTE = re.compile(r"(?:t\s?\+\s?)?(minute|min|hour|day)\s+(\d{1,4})(?:\s?\+)?", re.I)
_CASE = re.compile(r"(?:for|in case of|if|on)\s+(?!not\b|no\b|un)[a-z\s]{3,40}$", re.I)
_EVENT = re.compile(
    r"(?:an?\s+|the\s+)?(?:[\w-]{2,20}\s+)?(?:alert|incident|issue|alarm|outage|problem)s?\s+(?:is\s+)?(?:fires?|fired|triggered|triggers|detected|reported|raised|opened|created|declared|begins|starts)\b",
    re.I,
)
_CLOCK = re.compile(r"(?:t\s?\+\s?)?(\d{1,2}):([0-5]\d)(?:\s?h)?", re.I)
CLOCK_HOURS_MAX = 4  # "00:15" counts from the opening; "08:00" is a time of the day
_LEAD = re.compile(r"^(?:(?:if|when|once|unless)\b[^,→:]{1,60}(?:,|→|->|:)|.{1,60}?(?:→|->|=>))\s*(?:then\s+)?", re.I)
_BRANCH = re.compile(r"^[\s│├└─|+`-]+")
_TOOL = re.compile(
    r"^(?:(?:phone\s+)?call\s+to\s+(?:the\s+)?|(?:send\s+)?(?:sms|text)\s+to\s+(?:the\s+)?)|^(?:pagerduty|opsgenie|alertmanager|the system|system)\s+(?:\w+\s+){0,2}?(?:calls?|pages?|notifies|alerts?|escalates\s+to|notifica|avisa|aciona|llama|gọi|đến|to)\s+",
    re.I,
)
_CALLED = re.compile(
    r"^(?P<who>.{2,60}?)\s+(?:is\s+|are\s+|gets?\s+|must\s+be\s+)?(?:notified|paged|alerted|informed|called|engaged|involved|responds?|acknowledges?|joins?|investigates?|triages?|takes\s+over)\b",
    re.I,
)
_AGAIN = re.compile(r"\b(?:phone|call|sms|text|again|retry|re-?page)\b", re.I)
_BACKUP = re.compile(r"(?:the\s+)?back-?up", re.I)
_CALL = re.compile(
    r"^(?:auto(?:matically)?[\s-]+)?(?:add|bring\s+in|loop\s+in|escalate[sd]?|escalation|page[sd]?|notify|notifies|call|alert|inform|contact|engage|wake|involve|escala(?:r|do|da)?\s+(?:para|a)|acionar|thông\s+báo|gọi|benachrichtigen?|anrufen|avisar(?:\s+a)?|notificar(?:\s+a)?|llamar(?:\s+a)?|notifier|appeler|prévenir|уведомить|позвонить|вызвать)\s+(?:it\s+)?(?:to\s+)?(?P<who>.{2,80})$",
    re.I,
)


# `Minute 15    Team lead`, `15 min → Team lead`
_BELOW = re.compile(r"(?:\s*[│|]\s{4,}|\s{10,})\S")  # what is done besides, under a branch
_COLUMNS = re.compile(
    r"\s*((?:t\s?\+\s?)?(?:[a-z]+\s)?\d{1,4}\s?[-–]?\s?\d{0,4}\+?\s?[a-z]{0,7}\+?)(?:\s*(?:→|[-=]+>|\|)\s*|\s{2,}|\t+)(\S(?:\s?\S)*)\s*$",
    re.I,
)
_AT_CLOCK = re.compile(r"\s*((?:t\s?\+\s?)?\d{1,2}:[0-5]\d)\s*(?:→|[-=]+>|[|–—:-]|\s)\s*(\S.*)$", re.I)
Entry = tuple[int, str, str, tuple[str, ...]]  # its line, when, what happens, details


def called(text: str) -> tuple[str, ...]:
    """Who is called by an action: "If not acknowledged, escalate to the backup", "Team lead notified"."""
    words = _TOOL.sub("", _LEAD.sub("", plain(text)).strip().removeprefix("+ "))
    found = _CALL.match(words) or _CALLED.match(words)
    said = found["who"] if found else words
    who = tuple(each for each in parties(said) if PARTY.search(each) or names_somebody(each))
    if not who or not PARTY.search(said) or len(said.split()) > 12:
        return ("backup",) if found and _BACKUP.fullmatch(said) else ()
    return who


def calls_nobody(text: str) -> bool:
    """Whether an action is other work: "No answer → phone call"; "page Zed" calls somebody whom nobody knows."""
    words = _LEAD.sub("", plain(text)).strip()
    return not PARTY.search(words) and not _CALL.match(words) and not _CALLED.match(words)


def moment(text: str) -> Quantity | None:
    """The instant that a label names: "15-30 min", "T+15m", "Minute 15"."""
    counted = _MINUTE.fullmatch(text.strip())
    if (clock := _CLOCK.fullmatch(text.strip())) and int(clock[1]) < CLOCK_HOURS_MAX:
        return read(f"{60 * int(clock[1]) + int(clock[2])} minutes")
    return read(f"{counted[2]} {counted[1]}") if counted else read(text)


def on_a_line(entries: Sequence[Entry]) -> list[Rung]:
    """The rungs of the entries, where each but the last ones calls somebody and the times rise from zero.

    At zero may stand what begins it: "0 min: the alert fires", "5 min: the primary acknowledges".
    """
    begun = bool(entries) and begins(entries[0])
    entries = entries[1:] if begun else entries
    rungs: list[Rung] = []
    while len(entries) > 2 and _aside(entries[-1]):
        entries = entries[:-1]
    for line, when, text, actions in entries[: RUNGS_MAX + 1]:
        time, who = moment(when), called(text)
        if rungs and of_some(plain(text)):
            break  # from here on it holds for some severities only
        if not counts(time) or not who:
            return []
        if rungs and who == rungs[-1].who and _AGAIN.search(text):
            continue  # "5 min: phone call to the primary" calls the same once more
        scope = plain(text) if of_some(plain(text)) else ""
        rung = Rung(
            who=who, line=line, number=len(rungs) + 1, reach=time, since_start=True, actions=actions, scope=scope
        )
        rungs.append(rung)
    starts = [start(rung.reach) for rung in rungs]
    rising = all(a is not None and b is not None and a < b for a, b in pairwise(starts))
    return rungs if 1 < len(rungs) <= RUNGS_MAX and rising and (begun or starts[0] == 0) else []


def _aside(entry: Entry) -> bool:
    """Whether the last entry is other work ("2 hours: a report is written") or another case ("For data loss: call the CTO")."""
    return not called(entry[2]) or of_some(entry[1]) or _CASE.match(entry[1]) is not None


def begins(entry: Entry) -> bool:
    """Whether an entry at zero is what begins it all, and calls nobody: "Alert fires or an issue is reported"."""
    return _EVENT.match(entry[2]) is not None and not called(entry[2]) and start(moment(entry[1])) == 0


def callers(entries: Sequence[Entry]) -> list[Entry]:
    """The entries without those that call nobody behind the first, which may be what begins it all."""
    return [each for n, each in enumerate(entries) if not calls_nobody(each[2]) or (n == 0 and begins(each))]


def of_list(block: Block) -> list[Rung]:
    """`After 15 minutes: team lead`: a list whose labels are all times."""
    entries: list[Entry] = []
    for item in block.items[: RUNGS_MAX + 1]:
        first = item.text.split("\n")[0]
        clock = _AT_CLOCK.match(plain(first))
        if clock:
            entries.append((item.line, clock[1], clock[2], ()))
            continue
        label = split_label(first) or split_dash(first)
        if label is None and not entries and beginning(first):
            entries.append(
                (item.line, "0 min", first, ())
            )  # "Alert the engineer on duty", and then "After 15 min: ..."
            continue
        if label is None:
            return []
        actions = tuple(plain(sub.text) for child in item.blocks for sub in child.items)
        entries.append((item.line, label.label, label.value, actions))
    idle = [each for each in entries[:1] if calls_nobody(each[2]) and not begins(each)]  # which leaves no ladder
    return on_a_line([*idle, *callers(entries)])


def of_fence(block: Block) -> list[Rung]:
    """`0-15 min: Primary on-call responds` in the first lines of a fence, up to an empty one, or in the branches below."""
    entries: list[Entry] = []
    scope = ""
    first = block.line + (block.kind == "fence")
    for n, raw in enumerate(block.text.split("\n"), first):
        line = _BRANCH.sub("", raw)
        if not line.strip():
            if raw.strip():
                continue  # a bar between two branches
            break
        if entries and _BELOW.match(raw):
            entries[-1] = (*entries[-1][:3], (*entries[-1][3], line.strip()))
            continue
        if n == first and ":" not in line and not _COLUMNS.match(line):
            scope = line if of_some(line) else ""
            continue  # what begins the ladder: "P0 alert fires"
        when, colon, what = line.partition(":")
        if clock := _AT_CLOCK.match(line):
            when, colon, what = clock[1], "  ", clock[2]
        if not colon and (columns := _COLUMNS.match(line)):
            when, colon, what = columns[1], "  ", columns[2]
        if not colon or len(entries) > RUNGS_MAX:
            return []
        entries.append((n, when, what.strip(), ()))
    rungs = on_a_line(entries)
    return [msgspec.structs.replace(rungs[0], scope=scope), *rungs[1:]] if rungs and scope else rungs
