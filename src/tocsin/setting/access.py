"""Emergency access and the rule of two persons, as configured."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from tocsin.core.access import Action

KEYS = "identity.keys"


class AccessSetting(msgspec.Struct, frozen=True, kw_only=True):
    """`emergency`: how long it lasts at most. `two_persons`: actions that one person asks for and another approves;
    `approval`: how long a request waits, and an approval counts. `key_file`: what seals one-time-code secrets."""

    emergency: timedelta = timedelta(hours=1)
    two_persons: frozenset[Action] = frozenset()
    approval: timedelta = timedelta(hours=1)
    key_file: Path = Path(KEYS)


def access_setting(of: Callable[[str], Any], data: Path) -> AccessSetting:
    return AccessSetting(
        emergency=timedelta(seconds=of("access.emergency")),
        two_persons=frozenset(of("access.two_persons")),
        approval=timedelta(seconds=of("access.approval")),
        key_file=Path(of("access.key_file") or data / KEYS),
    )
