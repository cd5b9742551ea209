"""What a guide's word for a remedy means here, as somebody configured it."""

from __future__ import annotations

import msgspec


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """What a guide's word for an action means here: a runbook (or phase), all of it or one step.

    `alert`: alerts of this name are about it; their value is in `unit` where they say none; with `fires`, that one
    fires is enough. `guide`: of this guide only.
    """

    action: str
    runbook: str
    step: int = 0
    guide: str = ""
    alert: str = ""
    unit: str = ""
    fires: bool = False
