"""A schedule as it is stored and as the API has it: the form of the files, with an id."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from tocsin.core.schedule import Schedule
from tocsin.oncall.form import schedule
from tocsin.oncall.nodes import Node

LAYERS_MAX = 50
CHANGES_MAX = 2000  # overrides, temporary schedules and swaps of one schedule, each; old ones can be deleted


class StoredSchedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Layers, overrides, temporary schedules and swaps as docs/oncall.md describes them.

    A guide's words mean whoever is on call if a binding says `schedule:ID`. Raises ValueError for what cannot be read.
    """

    id: str
    name: str = ""
    team: str | None = None  # whose lead manages it
    timezone: str = "UTC"
    combine: Literal["highest-priority", "union"] = "highest-priority"
    layers: list[dict[str, Any]]
    overrides: list[dict[str, Any]] = []
    temporary_schedules: list[dict[str, Any]] = []
    swaps: list[dict[str, Any]] = []

    def __post_init__(self) -> None:
        if not 1 <= len(self.layers) <= LAYERS_MAX:
            raise ValueError(f"layers: expected 1 to {LAYERS_MAX}, got {len(self.layers)}")
        for name in ("overrides", "temporary_schedules", "swaps"):
            if len(getattr(self, name)) > CHANGES_MAX:
                raise ValueError(f"{name}: expected at most {CHANGES_MAX}, got {len(getattr(self, name))}")
        value_of(self)


def value_of(stored: StoredSchedule) -> Schedule:
    """Raises ValueError naming the field."""
    said = msgspec.to_builtins(stored)
    del said["team"]
    return msgspec.structs.replace(schedule(Node(said)), name=stored.name)


def read_schedule(body: bytes) -> Schedule:
    """The schedule in a stored document."""
    return value_of(msgspec.json.decode(body, type=StoredSchedule))
