"""How long clocks take: a year of incidents replayed, one rehearsal from its start, who is on call at an instant.

    python bench/clocks.py                      all of it; CPU time beside wall time, because a machine has other work
    python bench/clocks.py --guide FILE --keep year.jsonl

The year is made by the same core: 50 incidents a day of all severities, acknowledged and resolved at random times,
some by nobody for hours, some snoozed, raised or reopened. Seeded, so that two versions replay the same year.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from tocsin.cli.replay import Line
from tocsin.core import commands as c
from tocsin.core.decide import Opening
from tocsin.core.people import Directory, Method, Person
from tocsin.core.policy import Policy
from tocsin.core.rotation import Participant, Restriction, Rotation
from tocsin.core.schedule import Layer, Override, Schedule, on_call
from tocsin.rehearsal.casting import cast
from tocsin.rehearsal.rehearsal import Action, play
from tocsin.rehearsal.staging import read_policy, world_of

GUIDE = Path(__file__).parents[1] / "src/tocsin/example_guides/payments.md"
TOCSIN = Path(sys.executable).with_name("tocsin")
DAYS, PER_DAY = 365, 50
BEGINS = datetime(2025, 1, 1, tzinfo=UTC)
AFTER = timedelta(days=14)  # each incident is watched so long: reviews and duties lie behind its resolution
STARTS = 10  # of one rehearsal
CALLS = 20_000
WANTED = {"replay s": 30.0, "rehearse ms": 600.0, "on_call us": 50.0}


def incident(number: int, guide: Path) -> Line:
    """Incident `number` of the year, as it would be stored."""
    rng = random.Random(number)
    policy, directory = _staged(guide)
    severities = sorted(policy.severities, key=lambda each: each.rank)
    weights = [2, 10, 30, 58, 20][: len(severities)]
    severity = rng.choices(severities[: len(weights)], weights)[0].id
    start = BEGINS + timedelta(days=number // PER_DAY, seconds=rng.randrange(86_400))
    opening = Opening(
        incident=f"i{number}",
        reference=f"INC-{number}",
        title="Checkout is slow",
        guide=guide.stem,
        policy_digest="",
        severity=severity,
        service="checkout",
    )
    world = world_of(policy, directory, start)
    actions = sorted(_life(rng, start, severity, [each.id for each in severities]), key=lambda each: each.at)
    played = play(opening, world, actions, start, start + AFTER)
    return Line(incident=opening.incident, facts=played.facts, ranks={each.id: each.rank for each in severities})


def _life(rng: random.Random, start: datetime, severity: str, severities: list[str]) -> Iterator[Action]:
    def at(minutes: float) -> datetime:
        return start + timedelta(seconds=int(minutes * 60))

    answered = rng.expovariate(1 / 8) if rng.random() < 0.9 else rng.uniform(60, 240)
    ends = answered + rng.lognormvariate(4.2, 1.0)
    yield Action(at=at(answered), command=c.Acknowledge(by="ana"))
    if rng.random() < 0.1:
        yield Action(at=at(answered + 3), command=c.Snooze(by="ana", until=at(answered + 33)))
    if rng.random() < 0.1 and severity != severities[0]:
        worse = severities[severities.index(severity) - 1]
        yield Action(at=at(answered + 5), command=c.ChangeSeverity(by="ben", severity=worse, because="it spreads"))
    for n in range(rng.randrange(4)):
        said = c.PostUpdate(by="ben", audience=rng.choice(["customers", "team"]), text="We are on it.")
        yield Action(at=at(answered + (ends - answered) * (n + 1) / 5), command=said)
    yield Action(at=at(ends), command=c.Resolve(by="ana"))
    if rng.random() < 0.05:
        yield Action(at=at(ends + 20), command=c.Reopen(by="ben", because="it came back"))
        yield Action(at=at(ends + 80), command=c.Resolve(by="ben"))


@lru_cache(maxsize=1)
def _staged(guide: Path) -> tuple[Policy, Directory]:
    """The policy, and five people who are bound to whatever the guide calls anybody."""
    policy = read_policy(guide)
    names = ("ana", "ben", "cleo", "dora", "eve")
    people = {each: Person(id=each, methods=(Method(kind="email", address=f"{each}@example.org"),)) for each in names}
    known = Directory(people=people, last_resort=("dora",))
    words = cast(policy, known, stand_ins=False).unbound
    bindings = {word: (f"person:{names[n % len(names)]}",) for n, word in enumerate(words)}
    return policy, msgspec.structs.replace(known, bindings=bindings)


def make_year(file: Path, guide: Path) -> None:
    """`file` holds the year in the form of `tocsin replay --to-export`."""
    with ProcessPoolExecutor() as pool, file.open("wb") as out:
        out.write(msgspec.json.encode(Line(directory=_staged(guide)[1])) + b"\n")
        for line in pool.map(partial(incident, guide=guide), range(DAYS * PER_DAY), chunksize=200):
            out.write(msgspec.json.encode(line) + b"\n")


def used(command: list[str], output: Path | None = None) -> tuple[float, float]:
    """CPU and wall seconds of a command, its children with it. Raises CalledProcessError when it fails."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if output:
        output.write_bytes(done.stdout)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def five_layers() -> Schedule:
    """Two rotations in windows, a weekly and a monthly one, fixed people, and an override."""
    team = tuple(Participant(people=(name,)) for name in ("ana", "ben", "cleo", "dora", "eve"))
    anchor = datetime.fromisoformat("2026-01-05T09:00")  # local wall time
    berlin, chicago = "Europe/Berlin", "America/Chicago"
    return Schedule(
        zone=berlin,
        layers=(
            Layer(
                priority=4,
                rotation=Rotation(unit="day", anchor=anchor, zone=berlin, participants=team),
                restrictions=(Restriction(days=("SA",), zone=berlin),),
            ),
            Layer(
                priority=3,
                rotation=Rotation(unit="hour", every=12, anchor=anchor, zone=chicago, participants=team),
                restrictions=(Restriction(days=("SU",), zone=chicago),),
            ),
            Layer(priority=2, rotation=Rotation(unit="month", anchor=anchor, zone=berlin, participants=(team[0],) * 2)),
            Layer(priority=2, rotation=Rotation(unit="week", anchor=anchor, zone=berlin, participants=team)),
            Layer(priority=1, people=("fay",)),
        ),
        overrides=(Override(add="gus", remove="ana", start=BEGINS, end=BEGINS + timedelta(days=900)),),
    )


def on_call_seconds() -> float:
    """Of one question, over two years of instants."""
    schedule = five_layers()
    instants = [BEGINS + timedelta(minutes=53 * n) for n in range(CALLS)]
    began = time.process_time()
    for at in instants:
        on_call(schedule, at)
    return (time.process_time() - began) / CALLS


def rehearsals(guide: Path) -> tuple[float, float]:
    """Medians of CPU and wall seconds of a rehearsal, its start included."""
    command = [str(TOCSIN), "rehearse", str(guide), "--at", "2026-12-24 17:30"]
    runs = [used(command) for _ in range(STARTS)]
    return statistics.median(cpu for cpu, _ in runs), statistics.median(wall for _, wall in runs)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--guide", type=Path, default=GUIDE)
    asked.add_argument("--keep", type=Path, help="where the year is kept, and read from if it is there")
    asked.add_argument("--result", type=Path, help="where the replay's JSON goes, to compare two versions")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        year = options.keep or Path(directory) / "year.jsonl"
        if not year.exists():
            make_year(year, options.guide)
        command: list[Any] = [TOCSIN, "replay", "--policy", options.guide, "--from-export", year, "--format", "json"]
        cpu, wall = used([str(each) for each in command], options.result)
    said("replay s", cpu, wall, f"{DAYS * PER_DAY} incidents, {os.cpu_count()} processors")
    cpu, wall = rehearsals(options.guide)
    said("rehearse ms", cpu * 1000, wall * 1000, f"median of {STARTS}, the start included")
    each = on_call_seconds() * 1_000_000
    said("on_call us", each, each, f"5 layers, {CALLS} instants")


def said(name: str, cpu: float, wall: float, of: str) -> None:
    reached = "reached" if wall < WANTED[name] else "missed"
    print(f"{name:<12} CPU {cpu:8.1f}  wall {wall:8.1f}  wanted < {WANTED[name]:g}: {reached}  ({of})")


if __name__ == "__main__":
    main()
