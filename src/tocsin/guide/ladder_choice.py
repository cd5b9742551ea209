"""Which of the ladders that a guide has count: the first one for each severity, and none beside which something was not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from tocsin.guide.blocks import Document
from tocsin.guide.ladder_beside import Places, Unread, read_lines, unread
from tocsin.guide.ladder_doubts import doubt
from tocsin.guide.notes import Notes
from tocsin.guide.quantity import scan
from tocsin.guide.rungs import RUNGS_MAX, Rung, alike, fuller, has_times

Ladder = tuple[tuple[str, ...], list[Rung]]  # for which severities; none: for those without one of their own


def chosen(
    document: Document, ladders: Iterable[Ladder], known: dict[str, str], ids: Sequence[str], notes: Notes
) -> tuple[list[Ladder], list[Ladder]]:
    """The ladders that count, none of them with a level whose time stands beside it and was not read; and those refused."""
    found: list[Ladder] = []
    refused: list[Ladder] = []
    places = Places(document)
    for severities, rungs in _sure(places, ladders, known, refused, notes):
        taken = {one for each, _ in found for one in each}
        left = tuple(one for one in severities if one not in taken)
        if (severities and not left) or (not severities and any(not each for each, _ in found)):
            twin = next(
                (n for n, (each, other) in enumerate(found) if each == severities and fuller(rungs, other)), None
            )
            if twin is None:
                _second(rungs, notes)
            else:
                found[twin] = (severities, rungs)
            continue
        found.append((left, rungs))
        notes.use(*(rung.line for rung in rungs), *read_lines(places, rungs, severities, known))
    kept = [
        (severities, rungs)
        for severities, rungs in found
        if not (_lacks_times(rungs, refused, notes) or _timed_elsewhere(places, rungs, notes))
    ]
    return list(_apart(kept, refused, ids, notes)), refused


def _sure(
    places: Places, ladders: Iterable[Ladder], known: dict[str, str], refused: list[Ladder], notes: Notes
) -> Iterator[Ladder]:
    """The ladders against which nothing speaks; what is not wholly read is cut or left out, and put into `refused`."""
    for severities, rungs in ladders:
        if len(rungs) > RUNGS_MAX:
            continue
        beside = unread(places, rungs, severities, known)
        if why := doubt(_left(beside, rungs) or rungs):
            message = f"what stands here may be an escalation ladder, but {why}; no level was taken from it"
            notes.add("GUIDE-UNREAD", "note", rungs[0].line, message, "write who is called, and after how long")
            continue
        kept = _left(beside, rungs)
        if beside is not None:
            refused.append((severities, rungs))
            _report(beside, kept, notes)
        if kept:
            yield severities, kept


def _left(beside: Unread | None, rungs: list[Rung]) -> list[Rung]:
    """What is left of a ladder beside which something was not read."""
    if beside is None:
        return rungs
    if beside.whole or beside.at < 2:
        return []
    kept, last = rungs[: beside.at - 1], rungs[beside.at - 1]
    theirs = {time.value for time in scan(beside.text)} if beside.line != last.line else set()
    if last.hold is not None and last.hold.value in theirs:
        last = replace(last, hold=None)  # the time after which those are called who are left out
    return [*kept, last]


def _report(beside: Unread, kept: list[Rung], notes: Notes) -> None:
    what = "the ladder ends before it" if kept else "no level was taken from this ladder"
    message = f'"{beside.text[:100]}" stands beside a level and says when or for whom, and was not understood; {what}'
    notes.add("GUIDE-UNREAD", "note", beside.line, message, "write one time per level, for all incidents of the ladder")


def _lacks_times(rungs: list[Rung], refused: list[Ladder], notes: Notes) -> bool:
    """Whether the same people stand somewhere else with times that were not understood."""
    other = next((each for _, each in refused if each is not rungs and alike(rungs, each)), None)
    if has_times(rungs) or other is None or rungs[0].line == other[0].line:
        return False
    message = f"the same people stand in line {other[0].line} with something that was not understood; no level was taken from this ladder"
    notes.add("GUIDE-UNREAD", "note", rungs[0].line, message, "write one ladder, with its times")
    return True


def _timed_elsewhere(places: Places, rungs: list[Rung], notes: Notes) -> bool:
    """Whether a level of a ladder without times is called after one in another place: "P0 not answered in 5 min: page the lead"."""
    if has_times(rungs):
        return False
    own = {rung.line for rung in rungs}
    names = {who.casefold() for rung in rungs[1:] for who in rung.who}
    for line, text in places.calls:
        if line not in own and any(name in text.casefold() for name in names):
            message = f"line {line} calls somebody of this ladder after a time; no level was taken from it"
            notes.add("GUIDE-UNREAD", "note", rungs[0].line, message, "write one ladder, with its times")
            return True
    return False


def _apart(found: list[Ladder], refused: list[Ladder], ids: Sequence[str], notes: Notes) -> Iterator[Ladder]:
    """The ladder that names no severity is for those without one of their own."""
    own = {one for severities, _ in [*found, *refused] for one in severities}
    rest = tuple(one for one in ids if one not in own)
    for severities, rungs in found:
        if severities or not own:
            yield severities, rungs
        elif rest:
            yield rest, rungs
        else:
            _second(rungs, notes)


def _second(rungs: list[Rung], notes: Notes) -> None:
    message = "this is a second escalation ladder for the same incidents; the first counts"
    notes.add("GUIDE-LADDERS", "note", rungs[0].line, message, "keep one")
