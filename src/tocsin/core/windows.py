"""The windows of a guide's phases ("Phase 1: 0-15 minutes"): whoever leads hears when one ends with steps open.

A window moves nobody on and is no promise: it says that what was meant to be done by now is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from tocsin.core.checklists import checklists
from tocsin.core.policy import Act, Phase, Policy, Rule, elapsed
from tocsin.core.state import Incident


class Windowed(Rule, frozen=True, kw_only=True):
    """Ends when the phase is finished, or every one of its items, `PHASE / ITEM`."""

    phase: str
    items: tuple[str, ...]


def window_rules(policy: Policy) -> Iterator[Windowed]:
    """One reminder for every phase with steps and an end on the elapsed clock."""
    for each in checklists(policy):
        if not isinstance(each.of, Phase) or not each.items or not elapsed(each.of.ends):
            continue
        assert each.of.ends is not None, "what has a span is there"
        yield Windowed(
            id=f"phase:{each.name}",
            start="opened",
            delay=each.of.ends,
            act=Act(kind="remind", text=f"time is over and steps are open: {each.name}"),
            until="resolved",
            severities=each.of.severities,
            source=each.of.source,
            phase=each.name,
            items=tuple(f"{each.name} / {name}" for name, _ in each.items),
        )


def worked_through(incident: Incident, rule: Windowed) -> bool:
    return incident.phases.get(rule.phase) == "finished" or all(
        incident.items.get(name) == "finished" for name in rule.items
    )
