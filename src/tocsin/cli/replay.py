"""`tocsin replay`: recorded incidents through another policy, and the difference per incident and in sum."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from tocsin.cli.output import FAILURE, USAGE, fail, note, plain, say, show_json, table
from tocsin.cli.settings import ConfigFile, DataDir, configured
from tocsin.clock import SystemClock
from tocsin.core.escalation import World
from tocsin.core.facts import AnyFact
from tocsin.core.people import Directory
from tocsin.core.policy import Policy
from tocsin.guides import read_directory
from tocsin.rehearsal.casting import cast
from tocsin.rehearsal.replay import NIGHT, Recorded, Replayed, Sums, replay, sums
from tocsin.rehearsal.staging import read_policy, world_of
from tocsin.store.snapshot import Snapshot
from tocsin.store.sqlite import connect
from tocsin.unreadable import because

UNKNOWN = (
    "What people would have done differently is unknown: they answer at the recorded times, also where this policy\n"
    "would have paged them earlier, later or not at all. Channels are taken to work."
)
PAGE = 500  # incidents read at once
SHOWN = 20
TOGETHER = 500  # incidents below which starting processes costs more than it saves
BITE = 250  # incidents handed to a process at once
WORKERS_MAX = 8
NOBODY_YET = Directory()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an export: an incident, or (the first line) everybody as they were."""

    incident: str = ""
    facts: tuple[AnyFact, ...] = ()
    ranks: dict[str, int] = {}
    directory: Directory | None = None


def replay_(
    policy: Annotated[
        Path | None, typer.Option("--policy", "-p", help="the other guide or policy: .md, .yaml or .json")
    ] = None,
    config: ConfigFile = None,
    data: DataDir = None,
    from_export: Annotated[Path | None, typer.Option(help="incidents of a file that --to-export wrote")] = None,
    to_export: Annotated[Path | None, typer.Option(help="write the recorded incidents there, one per line")] = None,
    since: Annotated[str, typer.Option(help="only incidents opened on this day (2026-01-31) or later")] = "",
    limit: Annotated[int, typer.Option(min=0, help="differing incidents shown; the worst differences first")] = SHOWN,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Say what another policy would have done with the incidents that were: pages, nights, missed promises."""
    if policy is None and to_export is None:
        fail("expected --policy FILE (or --to-export FILE)", USAGE)
    try:
        directory, recorded = _exported(from_export) if from_export else _stored(config, data)
        kept = [each for each in recorded if f"{each.facts[0].at:%Y-%m-%d}" >= since]
        if to_export:
            _export(to_export, directory, kept)
        if policy is not None:
            _replay(policy, read_policy(policy), directory, kept, limit, form)
    except OSError as error:
        fail(because(error.filename or "replay", "a file that can be used", error), USAGE)
    except ValueError as error:
        fail(str(error), FAILURE)


def _replay(file: Path, policy: Policy, directory: Directory, recorded: list[Recorded], limit: int, form: str) -> None:
    if not recorded:
        fail("no incident is recorded there", FAILURE)
    as_of = max(fact.at for each in recorded for fact in each.facts)
    world = world_of(policy, directory, as_of)
    done = _done(recorded, world, as_of)
    total, unbound = sums(done), cast(policy, directory, stand_ins=False).unbound
    if form == "json":
        show_json(
            {
                "policy": str(file),
                "as_of": f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
                "sum": msgspec.to_builtins(total),
                "incidents": [msgspec.to_builtins(each) | {"differs": each.differs} for each in done],
                "unbound": unbound,
                "unknown": UNKNOWN.replace("\n", " "),
            }
        )
        return
    say("\n".join(plain(line) for line in _text(file, done, total, limit)))
    say(UNKNOWN)
    if unbound:
        note(f"tocsin: nobody is bound to {', '.join(unbound)}: these words page nobody in this replay")


def _done(recorded: list[Recorded], world: World, as_of: datetime) -> list[Replayed]:
    """Every incident replayed; a year of them on all processors, because they do not know each other."""
    if len(recorded) < TOGETHER:
        return [replay(each, world, as_of) for each in recorded]
    bites = (msgspec.msgpack.encode(recorded[n : n + BITE]) for n in range(0, len(recorded), BITE))
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, WORKERS_MAX)) as pool:
        done = pool.map(partial(_bite, world=world, as_of=as_of), bites)
        return [each for body in done for each in msgspec.msgpack.decode(body, type=list[Replayed])]


def _bite(body: bytes, world: World, as_of: datetime) -> bytes:
    """Some incidents replayed in a process of their own; as bytes, because pickling facts took as long as replaying."""
    recorded = msgspec.msgpack.decode(body, type=list[Recorded])
    return msgspec.msgpack.encode([replay(each, world, as_of) for each in recorded])


def _text(file: Path, done: list[Replayed], total: Sums, limit: int) -> Iterator[str]:
    yield f"{total.incidents} incidents through {file}: {total.differing} differ"
    yield ""
    hours = f"night pages ({NIGHT[0]}-{NIGHT[1]} h local)"
    rows = [("pages", total.pages), (hours, total.nights), ("missed promises", total.missed)]
    rows += [(f"pages: {name}", pair) for name, pair in total.per_person.items()]
    rows += [(f"nights: {name}", pair) for name, pair in total.nights_per_person.items()]
    yield from table([_row(name, pair) for name, pair in rows], ("what", "recorded", "replayed", "change")).split("\n")
    differing = sorted((each for each in done if each.differs), key=_difference, reverse=True)
    if differing and limit:
        yield ""
        yield from table([_incident(each) for each in differing[:limit]], _COLUMNS).split("\n")
        if len(differing) > limit:
            yield f"and {len(differing) - limit} more: --limit {len(differing)} or --format json"
    yield ""
    for name, other in total.severities.items():
        yield f"{name} is no severity of this policy; replayed as {other}"
    if total.answered_unpaged:
        yield f"In {total.answered_unpaged} incidents somebody acknowledged whom this policy had not paged by then."
    if total.refused:
        yield f"{total.refused} recorded commands could not be carried out under this policy."
    if total.cut:
        yield f"{total.cut} incidents went on for too long to be replayed to their end."


_COLUMNS = ("incident", "severity", "pages", "nights", "missed", "first_paged")


def _row(name: str, pair: tuple[int, int]) -> dict[str, Any]:
    return {"what": name, "recorded": pair[0], "replayed": pair[1], "change": f"{pair[1] - pair[0]:+d}"}


def _incident(each: Replayed) -> dict[str, Any]:
    before, after = each.before, each.after
    same = each.severity == each.replayed_as
    first, then = ", ".join(before.first) or "nobody", ", ".join(after.first) or "nobody"
    return {
        "incident": each.reference,
        "severity": each.severity if same else f"{each.severity} as {each.replayed_as}",
        "pages": _pair(sum(before.pages.values()), sum(after.pages.values())),
        "nights": _pair(sum(before.nights.values()), sum(after.nights.values())),
        "missed": _pair(before.missed, after.missed),
        "first_paged": first if first == then else f"{first} -> {then}",
    }


def _pair(before: int, after: int) -> str:
    return str(before) if before == after else f"{before} -> {after}"


def _difference(each: Replayed) -> int:
    before, after = each.before, each.after
    pages = abs(sum(before.pages.values()) - sum(after.pages.values()))
    nights = abs(sum(before.nights.values()) - sum(after.nights.values()))
    return pages + nights + abs(before.missed - after.missed)


# --- where the facts come from ----------------------------------------------------------------------------------------


def _stored(config: Path | None, data: str | None) -> tuple[Directory, Iterable[Recorded]]:
    """Everything in the data directory, oldest first; the server may run meanwhile, nothing is written."""
    told = configured(config, data)
    path = told.database
    if not path.is_file():
        fail(f"{path}: expected a database, there is none", USAGE)
    try:
        with closing(connect(path, read_only=True)) as db:
            db.execute("BEGIN")
            store = Snapshot(SystemClock(), db)
            ranks = dict(_ranks(store, told.tenant))
            return read_directory(store, told.tenant), list(_incidents(store, told.tenant, ranks))
    except sqlite3.Error as error:
        fail(f"{path}: {error}", FAILURE)


def _ranks(store: Snapshot, tenant: str) -> Iterator[tuple[str, dict[str, int]]]:
    for digest, body in store.items(tenant, "policy"):
        found = msgspec.json.decode(body, type=Policy)
        yield digest, {severity.id: severity.rank for severity in found.severities}


def _incidents(store: Snapshot, tenant: str, ranks: Mapping[str, dict[str, int]]) -> Iterator[Recorded]:
    streams: list[tuple[datetime, str]] = []
    cursor: str | None = None
    while True:
        rows, cursor = store.listing(tenant, limit=PAGE, cursor=cursor)
        streams += [(row.opened_at, row.incident) for row in rows]
        if cursor is None:
            break
    for _, stream in sorted(streams):
        facts = tuple(store.facts(tenant, stream))
        digest = getattr(facts[0], "policy_digest", "")
        yield Recorded(incident=stream, facts=facts, ranks=ranks.get(digest, {}))


def _exported(file: Path) -> tuple[Directory, Iterable[Recorded]]:
    decoder = msgspec.json.Decoder(Line)
    directory, found = NOBODY_YET, []
    for number, text in enumerate(file.read_bytes().splitlines(), 1):
        try:
            line = decoder.decode(text)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{file}:{number}: {error}") from None
        if line.directory is not None:
            directory = line.directory
        elif line.facts:
            found.append(Recorded(incident=line.incident, facts=line.facts, ranks=line.ranks))
    return directory, found


def _export(file: Path, directory: Directory, recorded: Iterable[Recorded]) -> None:
    lines = [msgspec.json.encode(Line(directory=directory))]
    lines += [
        msgspec.json.encode(Line(incident=each.incident, facts=each.facts, ranks=each.ranks)) for each in recorded
    ]
    file.write_bytes(b"\n".join(lines) + b"\n")
    note(f"{file}: {len(lines) - 1} incidents; it holds names and addresses, keep it as you keep the database")
