"""The guide's severity scheme: which candidate defines it, and what the others add to it.

Definitions here and limits there are joined by id or by name. The first value of a clock counts; a second, different
one is a conflict and is reported with both lines, never picked silently.
"""

from __future__ import annotations

import re

import msgspec

from tocsin.core.policy import Cadence, Deadline, Notify, Severity, Source, WhileUnresolved
from tocsin.guide.blocks import Document, Section
from tocsin.guide.cadence_cells import audience_of, audience_of_place, leading, told_by
from tocsin.guide.candidates import groups
from tocsin.guide.clocks import cell, clauses, clock_of, context_clock, told_every
from tocsin.guide.drafts import Draft, describe, put, set_clock, severity
from tocsin.guide.entries import Entry, Field, Group
from tocsin.guide.evidence import ELSEWHERE, SCORE_MIN, about_incidents, describes, planned, score
from tocsin.guide.fenced import fenced
from tocsin.guide.ids import family, is_word, key, number, word_rank
from tocsin.guide.inline import plain
from tocsin.guide.ladder_due import unless
from tocsin.guide.leads import lead_clock
from tocsin.guide.mentions import in_a_sentence
from tocsin.guide.notes import Notes
from tocsin.guide.parties import channels, names_somebody, parties, within
from tocsin.guide.quantity import Quantity, deadline, read, scan
from tocsin.guide.unread_columns import SOME_HOURS, report as report_unread

_TIMING = re.compile(r"timing|how often|regular updates?", re.I)
_TOLD = re.compile(r"communicat|update|notif|stakeholder|status", re.I)
CLOCKS = frozenset({"respond", "resolve", "acknowledge", "first_update", "contain", "mitigate"})


QUALITATIVE_CHARS_MAX = 80  # "best effort, in office hours" is a limit; a longer text says what is done


class Scheme(msgspec.Struct, kw_only=True):
    """The severities and everything that stood beside them. `known` maps keys and names to ids."""

    severities: tuple[Severity, ...] = ()
    known: dict[str, str] = {}
    defined: Group | None = None
    others: tuple[Group, ...] = ()
    cadences: list[Cadence] = []
    notify: list[Notify] = []
    timers: list[WhileUnresolved] = []
    paths: list[tuple[tuple[str, ...], str, int]] = []  # chains of people that stood beside a severity
    planned: bool = False  # what was passed over says itself that it is not in force
    passed_over: int = 0  # the line of severities that nothing says to be those of incidents


def compile_severities(document: Document, notes: Notes) -> Scheme:
    """The scheme of the guide; without severities where nothing in it defines any."""
    found = [(score(group), group) for group in groups(document)]
    if not any(
        points >= SCORE_MIN for points, _ in found
    ):  # a scheme that stands in a fence, where nothing else is one
        found += [(score(group), group) for group in fenced(document)]
    wished = [group.line for points, group in found if points >= SCORE_MIN and planned(group, document)]
    found = [(points, group) for points, group in found if points < SCORE_MIN or group.line not in wished]
    every = [group for _, group in found]
    sure = any(points >= SCORE_MIN for points, _ in found)
    if wished and not sure:
        return Scheme(passed_over=wished[0], planned=True)
    said = None if sure else in_a_sentence(document)
    if said is not None:
        return _scheme(said, [*every, said], notes)
    if not sure:
        return Scheme()
    ranked = sorted(found, key=lambda each: (each[0], -each[1].line), reverse=True)
    chosen = _defining([group for points, group in ranked if points >= SCORE_MIN])
    return _scheme(chosen, every, notes) if about_incidents(chosen, document) else Scheme(passed_over=chosen.line)


def _defining(ranked: list[Group]) -> Group:
    """The best candidate; where it only sets limits, the next one with its ids that says what they mean."""
    best = ranked[0]
    listed = best.form in (
        "bullets",
        "bold",
        "fence",
    )  # what stands behind an id under "Response times:" says what is due
    limits = listed and (lead_clock(best.lead) or context_clock(best.section.title))
    if describes(best) and not limits:
        return best
    ids = {key(one) for one in best.ids}
    same = (group for group in ranked[1:] if describes(group) and ids <= {key(one) for one in group.ids})
    return next(same, best)


def _scheme(chosen: Group, found: list[Group], notes: Notes) -> Scheme:
    scheme = Scheme(defined=chosen, known={}, cadences=[], notify=[], timers=[], paths=[])
    drafts = {one: Draft(entry.named, one, entry) for entry in chosen.entries for one in entry.named.ids}
    order = _worst_first(list(drafts.values()))
    _names(scheme.known, order)
    used = [chosen]
    _absorb(chosen, drafts, scheme, notes, defining=True)
    for group in found:
        if group is not chosen and _belongs(group, scheme.known):
            _absorb(group, drafts, scheme, notes, defining=False)
            used.append(group)
        elif group is not chosen:
            _report_other(group, scheme, chosen, notes)
    scheme.others = tuple(used[1:])
    scheme.severities = tuple(severity(draft, rank) for rank, draft in enumerate(order))
    return scheme


def _worst_first(drafts: list[Draft]) -> list[Draft]:
    """The guide's order, turned round where the guide begins with the mildest."""
    ranks = [rank for draft in drafts if (rank := word_rank(draft.name)) is not None]
    if len(ranks) > 1 and len(ranks) == len(drafts):
        return drafts[::-1] if ranks == sorted(ranks, reverse=True) and ranks[0] != ranks[-1] else drafts
    numbers = [each for draft in drafts if (each := number(draft.id)) is not None]
    falling = len(numbers) > 1 and len(numbers) == len(drafts) and numbers == sorted(numbers, reverse=True)
    return drafts[::-1] if falling else drafts


def _names(known: dict[str, str], drafts: list[Draft]) -> None:
    for draft in drafts:
        known[key(draft.id)] = draft.id
    for draft in drafts:
        name = draft.name.casefold()
        if name:
            known.setdefault(name, draft.id)
            first = re.sub(r"\s+(?:severity|priority|incidents?|level|impact)$", "", name)
            if is_word(first):
                known.setdefault(first, draft.id)


def _belongs(group: Group, known: dict[str, str]) -> bool:
    """Whether the candidate speaks of the chosen scheme, about incidents, and not about something else by its name."""
    hits = [one for one in group.ids if key(one) in known]
    if len(hits) * 2 <= len(group.ids):
        return False
    elsewhere = ELSEWHERE.search(group.section.title) and not context_clock(group.section.title)
    return not elsewhere and not any(ELSEWHERE.search(title) for title in group.section.path()[2:-1])


def _report_other(group: Group, scheme: Scheme, chosen: Group, notes: Notes) -> None:
    kinds = {family(one) for one in group.ids}
    if score(group) >= SCORE_MIN and kinds != {family(one) for one in chosen.ids} and "" not in kinds:
        ids = ", ".join(group.ids)
        message = (
            f"{ids} looks like another severity scheme; the guide's is {', '.join(chosen.ids)} (line {chosen.line})"
        )
        notes.add(
            "GUIDE-SCHEMES",
            "note",
            group.line,
            message,
            "keep one scheme per guide, or map one to the other in a table",
        )


# --- what an entry says -----------------------------------------------------------------------------------------------


def _absorb(group: Group, drafts: dict[str, Draft], scheme: Scheme, notes: Notes, *, defining: bool) -> None:
    context = lead_clock(group.lead) or context_clock(group.section.title)
    context = context or context_clock(" ".join(group.header[1:]) if len(group.header) == 2 else "")
    # "P0 (15-minute response)", "P3 (next business day)": what one heading says of its aside holds for the others'
    report_unread(group, notes)
    asides = [aside for entry in group.entries for aside in entry.named.asides]
    bare = sum(any(name == "respond" for name, _ in clauses(aside)) for aside in asides) >= 2
    for entry in group.entries:
        notes.use(entry.line, *(field.line for field in entry.fields))
        for one in entry.named.ids:
            draft = drafts.get(scheme.known.get(key(one), ""))
            if draft is None:
                continue
            if not draft.name and entry.named.name and is_word(entry.named.name) and not entry.named.by_word:
                draft.name = entry.named.name
            _read_fields(draft, entry, context, scheme, notes, place=group.section.where)
            _read_loose(draft, entry, context, notes, defining=defining, bare_asides=bare)
            if defining:
                describe(draft, entry)


def _read_fields(draft: Draft, entry: Entry, context: str, scheme: Scheme, notes: Notes, *, place: str) -> None:
    sla: list[Field] = []
    whom = audience_of(entry) or audience_of_place(place)
    for field in entry.fields:
        kind = clock_of(field.label)
        if kind in CLOCKS:
            _clock_field(draft, kind, field, notes)
            if told_every(field.value) is not None:  # "acknowledge within 1h; status update every 2h"
                _cadence_field(draft, "cadence", field, scheme, notes, audience=whom)
        elif kind == "sla":
            sla.append(field)
        elif kind in ("cadence", "updates"):
            _cadence_field(draft, kind, field, scheme, notes, audience=whom)
        elif _TIMING.fullmatch(field.label) and _TOLD.search(place):
            _timing_field(draft, field, scheme, notes, audience=whom)
        elif kind in ("escalate", "notify"):
            _notify_field(draft, _from_responder(entry, field), scheme)
        elif "/" in field.label:
            _paired_field(draft, field, notes)
        elif re.match(
            r"response\b", field.label, re.I
        ):  # "Response cadence": several things in one cell, each with its verb
            _spoken_field(draft, field, scheme, notes)
        elif SOME_HOURS.search(field.label) and scan(plain(field.value)):
            message = f'{draft.id}: "{plain(field.value)[:80]}" holds {field.label.casefold()} only, so no clock starts'
            notes.add("GUIDE-UNREAD", "note", field.line, message, "write one limit that holds at any time")
        if kind == "updates" or re.fullmatch(r"communications?(?: rule)?", field.label, re.I):
            draft.communication = draft.communication or plain(field.value)
    for field in sla[:1] if len(sla) == 1 else []:
        _clock_field(draft, context or "respond", field, notes)


def _timing_field(draft: Draft, field: Field, scheme: Scheme, notes: Notes, *, audience: str) -> None:
    """The column "Timing" of a table under "External communication", where it holds an interval."""
    quantity = read(plain(field.value))
    if quantity is not None and quantity.kind == "interval":
        _cadence_field(draft, "cadence", field, scheme, notes, audience=audience)


def _spoken_field(draft: Draft, field: Field, scheme: Scheme, notes: Notes) -> None:
    for name, limit in clauses(field.value):
        put(draft, name, limit, field.line, notes)
    if told_every(field.value) is not None:
        _cadence_field(draft, "cadence", field, scheme, notes, audience="")


def _clock_field(draft: Draft, kind: str, field: Field, notes: Notes) -> None:
    value = field.value or " ".join(field.items[:1] if len(field.items) == 1 else ())
    quantity = cell(value, field.label)
    prose = quantity is not None and quantity.kind == "qualitative" and len(value) > QUALITATIVE_CHARS_MAX
    if quantity is not None and not prose:
        set_clock(draft, kind, quantity, field.line, notes)
        return
    found = list(clauses(value)) + [clause for item in field.items for clause in clauses(item)]
    first = _first_of(value, field.label)
    if first is not None and kind not in {name for name, _ in found}:
        set_clock(draft, kind, first, field.line, notes)
    for name, limit in found:
        put(draft, name, limit, field.line, notes)
    if not found and first is None and re.search(r"\d", plain(value)):
        message = f'{draft.id}: "{plain(value)[:80]}" under {field.label!r} is not one quantity, so no clock starts'
        notes.add("GUIDE-UNREAD", "note", field.line, message, 'write one limit per field, such as "15 minutes"')


def _first_of(value: str, label: str) -> Quantity | None:
    """`within 15 minutes. Updates every 30 minutes.`: the first sentence, where every other time has its own subject."""
    parts = re.split(r"\.\s+", plain(value).strip(" ."))
    rest = [part for part in parts[1:] if scan(part)]
    if not rest or any(told_every(part) is None and not any(True for _ in clauses(part)) for part in rest):
        return None
    return cell(parts[0], label)


def _paired_field(draft: Draft, field: Field, notes: Notes) -> None:
    """`Response / Resolution` over `15 min / 4 hours`."""
    heads, values = field.label.split("/"), plain(field.value).split("/")
    kinds = {clock_of(head) for head in heads}
    if len(values) == 1 and kinds == {"respond", "acknowledge"}:
        _clock_field(draft, "respond", field, notes)
    if len(heads) != len(values):
        return
    for head, value in zip(heads, values, strict=True):
        kind = clock_of(head) or clock_of(f"{head} time")
        if kind in CLOCKS:
            _clock_field(draft, kind, Field(label=head, value=value, line=field.line), notes)


_WHOM = re.compile(r"updates?|comm", re.I)  # in other languages the words beside no interval are not known to be people


def _cadence_field(draft: Draft, kind: str, field: Field, scheme: Scheme, notes: Notes, *, audience: str) -> None:
    quantity = (
        read(plain(field.value)) or told_every(field.value) or (leading(field.value) if kind == "cadence" else None)
    )
    interval = quantity is not None and (
        quantity.kind == "interval" or (kind == "cadence" and quantity.kind in ("elapsed", "range"))
    )
    if quantity is not None and interval and quantity.bound != ">":
        every = deadline(quantity, lower=True)
        if every is not None and every.seconds != 0:
            row = Cadence(
                audience=audience or told_by(field.label),
                severities=(draft.id,),
                every=every,
                source=Source(line=field.line),
            )
            if not any(each.severities == row.severities and each.audience == row.audience for each in scheme.cadences):
                scheme.cadences.append(row)
        return
    if kind == "updates" and quantity is not None and quantity.kind in ("elapsed", "range") and quantity.value:
        message = (
            f'{draft.id}: "{plain(field.value)[:80]}" may be the first update or an interval, so no cadence starts'
        )
        notes.add("GUIDE-UNREAD", "note", field.line, message, 'write "every ..." or "first update within ..."')
    elif kind == "updates" and _WHOM.search(field.label):
        _notify_field(draft, field, scheme)
    elif re.search(r"\d", plain(field.value)) and (quantity is None or quantity.kind not in ("none", "placeholder")):
        message = f'{draft.id}: "{plain(field.value)[:80]}" is not one interval, so no cadence starts'
        notes.add("GUIDE-UNREAD", "note", field.line, message, 'write one interval, such as "every 30 minutes"')


def _from_responder(entry: Entry, field: Field) -> Field:
    """`→ Lead → CTO` goes on from the one whom another column names as the first to respond."""
    if not re.match(r"\s*(?:→|-+>|=>)", field.value):
        return field
    first = [
        each.value
        for each in entry.fields
        if re.fullmatch(r"(?:initial|first) (?:responder|contact)", each.label, re.I)
    ]
    return msgspec.structs.replace(field, value=f"{first[0]} {field.value}") if first else field


def _notify_field(draft: Draft, field: Field, scheme: Scheme) -> None:
    text = plain(field.value)
    escalates = clock_of(field.label) == "escalate"
    quantity = (unless(text) if escalates else None) or read(text)
    source = Source(line=field.line)
    if quantity is not None and quantity.kind == "elapsed" and escalates and quantity.value:
        if _TO_SOMEBODY.search(text):
            return  # a step of a ladder that names its end, and no timer that goes on
        every = deadline(quantity)
        if every is not None:
            scheme.timers.append(WhileUnresolved(severity=draft.id, every=every, source=source))
        return
    if escalates and re.match(r"when\b", field.label, re.I):
        return  # "Immediately", "Next business day": no person and no timer
    if re.search(r"→|-+>|=>", text):
        scheme.paths.append(((draft.id,), field.value, field.line))
        draft.communication = draft.communication or text
        return
    if len(text) > 160 or (quantity is not None and quantity.kind in ("none", "interval")):
        return
    draft.communication = draft.communication or text
    who = tuple(name for name in parties(text) if names_somebody(name))
    if who:
        scheme.notify.append(
            Notify(severity=draft.id, who=who, within=within(text), channels=channels(text), source=source)
        )


_AT_ONCE = re.compile(r"\brespon(?:se|d)(?:\s+time)?\s*:\s*immediate(?:ly)?\s*(?:[,;)]|$)", re.I)
_TO_SOMEBODY = re.compile(r"\bescalat\w*\s+to\s+(?!(?:the\s+)?(?:next|higher))", re.I)


def _bare(aside: str) -> Deadline | None:
    quantity = read(aside)
    return deadline(quantity) if quantity and quantity.kind not in ("interval", "offset", "qualitative") else None


def _read_loose(draft: Draft, entry: Entry, context: str, notes: Notes, *, defining: bool, bare_asides: bool) -> None:
    """Times in a heading's aside or tagline, in the text behind a label, in bullets: only where nothing else set them."""
    aside_clocks = [("respond", limit) for aside in entry.named.asides if bare_asides and (limit := _bare(aside))]
    aside_clocks += [found for aside in (*entry.named.asides, entry.named.rest) for found in clauses(aside)]
    for name, limit in aside_clocks:
        at_once = name in draft.clocks and draft.clocks[name][0].seconds == 0
        said = (*entry.named.asides, entry.named.rest)
        labelled = name == "respond" and any(_AT_ONCE.search(aside) for aside in said)
        if (limit.seconds != 0 or labelled) and (name not in draft.clocks or at_once):
            draft.clocks[name] = (
                limit,
                entry.line,
            )  # "(15-minute response)" beside "Immediate page": the number counts
    if context:
        for phrase in (entry.text, *entry.named.asides):
            quantity = read(plain(phrase)) if phrase else None
            if quantity is not None:
                set_clock(draft, context, quantity, entry.text_line or entry.line, notes)
                break
    if defining or context:
        fresh: dict[str, Deadline] = {}
        for name, limit in (found for phrase in (entry.text, *entry.bullets) for found in clauses(phrase)):
            fresh.setdefault(name, limit)
        for name, limit in fresh.items():
            if name not in draft.clocks:
                put(draft, name, limit, entry.text_line or entry.line, notes)
        timed = [
            each for each in scan(plain(entry.text)) if each.kind not in ("interval", "offset") and each.value != 0
        ]
        if timed and not draft.clocks:
            message = f'{draft.id}: "{timed[0].text}" does not say which clock it is'
            notes.add("GUIDE-UNREAD", "note", entry.text_line or entry.line, message, 'write "response time: ..."')


def section_of(scheme: Scheme) -> Section | None:
    return scheme.defined.section if scheme.defined else None
