"""Running a command of the guide: what may be run, by whom, and after whose approval.

Nothing here runs anything: a person does, at their own terminal (decision 0117).
What they run is the guide's command with values in its open places, and nothing else.
Source: docs/decisions/0221-what-cannot-be-taken-back-is-approved-word-for-word.md
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from tocsin.core import commands as c, facts as f, twopersons
from tocsin.core.checklists import checklists, item_named
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.parameters import filled
from tocsin.core.policy import CodeBlock, Policy
from tocsin.core.risk import SECOND, endless, risk
from tocsin.core.state import Incident
from tocsin.core.story import Story, must_not_be_closed

RUNS_MAX = 500  # of one incident: whoever runs more has a script
TEXT_MAX = 8_000  # characters of a command
OUTPUT_MAX = 4_000  # characters of what it said last; all of it is evidence
ALLOWED_FOR = timedelta(minutes=15)  # an approval is for what is the case now
STUCK_AFTER = timedelta(minutes=30)  # a run of which nobody has heard longer is in nobody's way


def begin(story: Story, command: c.BeginRun, world: World, now: datetime) -> None:
    """The run is on the timeline, or waits for a second person. Raises Refused, ValueError."""
    incident, policy = story.incident, world.policy
    must_not_be_closed(incident, command)
    said = _of_the_guide(command, policy)
    why = endless(said.text)
    if why:
        raise Refused(f"cannot run it: {why}")
    if len(incident.runs.every) >= RUNS_MAX:
        raise Refused(f"cannot run it: {RUNS_MAX} commands were run for {incident.reference} already")
    last = incident.runs.newest(said.phase, said.item, said.number)
    if (
        last
        and last.ended_at is None
        and last.text == said.text
        and now - last.begun_at < STUCK_AFTER
        and not said.anyway
    ):
        since = f"{last.by} has run it since {last.begun_at:%H:%M:%S} UTC"
        raise Refused(f"cannot run it: {since} (run {last.run}); `anyway` runs it all the same")
    kind = risk(said.text)
    exactly = digest_of(incident, said)
    allowed = incident.runs.allowed.get(exactly)
    approved = allowed is not None and allowed.asker == said.by and allowed.until > now
    if not approved and (kind in SECOND or twopersons.ruled(incident, "begin-run", policy)):
        twopersons.ask(story, msgspec.structs.replace(said, host="", anyway=False), world, now)
        return
    story.add(
        f.RunBegun(
            at=now,
            by=said.by,
            run=len(incident.runs.every) + 1,
            phase=said.phase,
            item=said.item,
            number=said.number,
            text=said.text,
            digest=exactly,
            risk=kind,
            host=said.host[:200],
            approved_by=allowed.approved_by if allowed and approved else "",
        )
    )
    if f"{said.phase} / {said.item}" not in incident.items:
        story.add(f.ItemBegun(at=now, by=said.by, phase=said.phase, item=said.item))


def allow(story: Story, asked: c.BeginRun, approval: c.Approve, now: datetime) -> None:
    """Whoever asked may run it once. Raises Refused."""
    must_not_be_closed(story.incident, asked)
    story.add(
        f.RunApproved(
            at=now,
            by=approval.by,
            request=approval.request,
            digest=digest_of(story.incident, asked),
            asker=asked.by,
            until=now + ALLOWED_FOR,
        )
    )


def end(story: Story, command: c.EndRun, world: World, now: datetime) -> None:
    """How it ended is on the timeline; the item is done once all that can be run of it went well.

    Raises Refused, ValueError.
    """
    run = story.incident.runs.every.get(command.run)
    if run is None:
        raise ValueError(f"run: expected the number of one that was begun, got {command.run}")
    if run.by != command.by:
        raise Refused(f"cannot end it: run {run.run} is {run.by}'s")
    if run.ended_at is not None:
        return
    if command.evidence is not None and command.evidence not in story.incident.evidence.items:
        raise ValueError(f"evidence: expected the number of an item of the incident, got {command.evidence}")
    story.add(
        f.RunEnded(
            at=now,
            by=command.by,
            run=run.run,
            exit_code=command.exit_code,
            seconds=max(0, command.seconds),
            output=command.output[-OUTPUT_MAX:],
            evidence=command.evidence,
            because=command.because[:500],
        )
    )
    if command.exit_code == 0 and _all_went_well(story.incident, run.phase, run.item, world.policy):
        story.add(f.ItemFinished(at=now, by=command.by, phase=run.phase, item=run.item))


def digest_of(incident: Incident, said: c.BeginRun) -> str:
    return digest(incident.id, incident.policy_digest, said.phase, said.item, said.number, said.text)


def digest(incident: str, policy_digest: str, phase: str, item: str, number: int, text: str) -> str:
    """The SHA-256 (hex) of what exactly is approved: of another text, place, guide or incident it is another."""
    return hashlib.sha256(msgspec.json.encode([incident, policy_digest, phase, item, number, text])).hexdigest()


def runnable(commands: Iterable[CodeBlock]) -> tuple[CodeBlock, ...]:
    """The commands of a step that end by themselves."""
    return tuple(each for each in commands if each.language != "text" and not endless(each.code))


def _all_went_well(incident: Incident, phase: str, item: str, policy: Policy) -> bool:
    if incident.items.get(f"{phase} / {item}") == "finished":
        return False
    commands = _commands(policy, phase, item)
    wanted = runnable(commands)
    runs = [incident.runs.newest(phase, item, n) for n, each in enumerate(commands, 1) if each in wanted]
    return all(each is not None and each.exit_code == 0 for each in runs)


def _of_the_guide(command: c.BeginRun, policy: Policy) -> c.BeginRun:
    """The same with the guide's names. Raises ValueError where the text is not the guide's with these values."""
    phase, item = item_named(policy, command.phase, command.item)
    commands = _commands(policy, phase, item)
    if not 1 <= command.number <= len(commands):
        raise ValueError(f"number: expected 1 to {len(commands)} of {item!r}, got {command.number}")
    block = commands[command.number - 1]
    if block.language == "text":
        raise ValueError(f"number: expected one of a shell, got {block.code[:80]!r}")
    values = dict(_value(each) for each in command.values)
    text = filled(block.code, values)
    if len(text) > TEXT_MAX:
        raise ValueError(f"values: expected a command of at most {TEXT_MAX} characters, got {len(text)}")
    if command.text != text:
        raise ValueError(f"text: expected what the guide says with these values, {text[:400]!r}, got something else")
    return msgspec.structs.replace(command, phase=phase, item=item)


def _commands(policy: Policy, phase: str, item: str) -> tuple[CodeBlock, ...]:
    steps = (step for each in checklists(policy) if each.name == phase for name, step in each.items if name == item)
    found = next(steps, None)
    return found.commands if found else ()


def _value(said: str) -> tuple[str, str]:
    name, equals, value = said.partition("=")
    if not equals:
        raise ValueError(f"values: expected NAME=VALUE, got {said[:80]!r}")
    return name, value
