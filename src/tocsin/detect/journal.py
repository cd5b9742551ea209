"""The journal's export format, as `journalctl -o export` writes it: fields by line, some of them binary.

Source: https://systemd.io/JOURNAL_EXPORT_FORMATS/
"""

from __future__ import annotations

from tocsin.detect.lines import LINE_MAX, Line, of_journal

BEGINS = b"__CURSOR="
NEXT = b"\n\n" + BEGINS
ENTRY_BYTES_MAX = 512 * 1024  # a larger one holds a core dump or the like, and is left out
WANTED = {b"MESSAGE", b"PRIORITY", b"SYSLOG_IDENTIFIER", b"_SYSTEMD_UNIT", b"_COMM"}


def split_entries(data: bytes) -> tuple[list[Line], int]:
    """The messages of whole entries. A file that does not begin with an entry is read from the first that does."""
    lines: list[Line] = []
    at = 0
    while at < len(data):
        if not data.startswith(BEGINS, at):
            begin = data.find(NEXT, at)
            if begin < 0:
                return lines, max(at, len(data) - len(NEXT))
            at = begin + 2
        entry = _entry(data, at)
        if entry is None:
            if len(data) - at > ENTRY_BYTES_MAX:
                at += len(BEGINS)  # on to the next one
                continue
            return lines, at
        fields, at = entry
        if "MESSAGE" in fields:
            lines.append(of_journal(fields))
    return lines, at


def _entry(data: bytes, at: int) -> tuple[dict[str, str], int] | None:
    """The fields of the entry at `at` and where the next one begins; None when it is not there to its end."""
    fields: dict[str, str] = {}
    while True:
        end = data.find(b"\n", at)
        if end < 0:
            return None
        if end == at:
            return fields, end + 1
        name, equals, value = data[at:end].partition(b"=")
        if not equals:
            length = int.from_bytes(data[end + 1 : end + 9], "little")
            value = data[end + 9 : end + 9 + length]
            end += 9 + length
            if end >= len(data):
                return None
        if name in WANTED:
            fields[name.decode()] = value[:LINE_MAX].decode("utf-8", "replace")
        at = end + 1
