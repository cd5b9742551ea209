"""One setting: a row of the table, or of one of its parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

REQUIRED = "(required)"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One row: `default` is the value when nothing is said, `shown` how the documentation writes it."""

    name: str
    read: Callable[[Any], Any]
    default: Any
    help: str
    unit: str = ""
    shown: str = ""
    env: str = ""
    flag: str = ""
    is_secret: bool = False

    @property
    def section(self) -> str:
        return self.name.partition(".")[0]

    @property
    def key(self) -> str:
        return self.name.partition(".")[2]


def row(name: str, read: Callable[[Any], Any], default: Any, help: str, **more: Any) -> Setting:
    return Setting(name=name, read=read, default=default, help=help, **more)
