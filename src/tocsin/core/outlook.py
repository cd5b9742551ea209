"""What is owed and when to look again, as it was found: values, which `promises` makes."""

from __future__ import annotations

from datetime import datetime
from operator import attrgetter
from typing import Literal

import msgspec

from tocsin.core.policy import Source
from tocsin.core.state import Incident

State = Literal["proposed", "open", "at risk", "kept", "missed", "waived"]


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """`due_at` None: the deadline is no quantity, or nobody confirmed it yet; `text` then says what the guide says.

    "proposed" stands in the guide under a condition or in a template only, and begins when somebody confirms `rule`.
    `because`: why it is waived where nobody said so.
    """

    key: str
    rule: str
    text: str
    state: State
    due_at: datetime | None
    kept_at: datetime | None = None
    audience: str | None = None
    source: Source | None = None
    drill: bool = False
    because: str = ""


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What an incident's promises are, and when something is due next; found once, and true of every later state that
    they are dated alike in, as after one more alert."""

    of: tuple[object, ...]
    next_at: datetime | None
    promises: tuple[Promise, ...]

    def holds(self, incident: Incident) -> bool:
        return self.of == dated_by(incident)

    def is_quiet(self, incident: Incident, now: datetime) -> bool:
        """Whether nothing is due by `now`, as far as this tells without looking again."""
        return (self.next_at is None or self.next_at > now) and self.holds(incident)


# All that an incident is made of, but for what only counts its facts and its alerts.
_dating = attrgetter(
    *(
        name
        for name in Incident.__struct_fields__
        if name not in ("version", "last_at", "alerts", "alert_count", "firing")
    )
)


def dated_by(incident: Incident) -> tuple[object, ...]:
    """Equal for two states that promises are dated alike in."""
    return (incident.firing == 0, *_dating(incident))
