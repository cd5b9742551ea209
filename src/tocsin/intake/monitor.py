"""What Tocsin reports itself: of its dead-man monitors (`core.monitor`) and of what it detects (`detect.handing`)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tocsin.core.alert import Report
from tocsin.ports import Entry

KIND = "monitor"  # the journal's name of this format; nobody outside may send it

_reports = msgspec.json.Decoder(list[Report])


def parse(entry: Entry) -> list[Report]:
    """The reports that `body` wrote. Raises msgspec.ValidationError."""
    return _reports.decode(entry.body)


def body(reports: Sequence[Report]) -> bytes:
    return msgspec.json.encode(reports)
