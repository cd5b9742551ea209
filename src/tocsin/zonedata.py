"""Time zones come from the pinned tzdata wheel, not from the machine, so that every node computes the same shifts."""

from __future__ import annotations

import os
import zoneinfo


def use_pinned_zones() -> None:
    """From now on `zoneinfo` reads the wheel; `PYTHONTZPATH`, if set, is obeyed. Call once, at the start of a process.

    Without this an outdated system copy would be preferred: a government's change of rules would reach some nodes only.
    """
    if "PYTHONTZPATH" not in os.environ:
        zoneinfo.reset_tzpath(())
        zoneinfo.ZoneInfo.clear_cache()
