"""What the guides' words for remedies mean here, as configured."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tocsin.core.binding import Binding
from tocsin.setting.kinds import flag, name, one_of, text, whole
from tocsin.setting.row import REQUIRED, Setting, row as _row

UNITS = ("%", "ratio", "ms", "s", "min", "h", "bytes", "")

__all__ = ["REMEDIES", "Binding", "bindings"]

REMEDIES: tuple[Setting, ...] = (
    _row("remedies[].action", name, REQUIRED, "The guide's word for what is to be done, such as `restart_service`."),
    _row("remedies[].runbook", name, REQUIRED, "The runbook or phase of the guide that does it, or words of its name."),
    _row("remedies[].step", whole(0, 1000), 0, "Only this step of it.", shown="all of it"),
    _row("remedies[].guide", text, "", "Only for incidents of this guide.", shown="any guide"),
    _row("remedies[].alert", text, "", "Alerts of this name say the value of the condition's metric, as `value`."),
    _row("remedies[].unit", one_of(*UNITS), "", "What that value is in, where the alert says none.",
         unit="%, ratio, ms, s, min, h or bytes"),
    _row("remedies[].fires", flag, False, "That an alert of this name fires is enough, whatever its value.",
         unit="true or false"),
)  # fmt: skip


def bindings(rows: Iterable[dict[str, Any]]) -> tuple[Binding, ...]:
    return tuple(Binding(**each) for each in rows)
