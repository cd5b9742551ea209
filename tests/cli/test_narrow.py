"""Tables on a terminal of 80 columns, as a window beside the graphs or a phone has them."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tocsin.cli.incident import COLUMNS, GIVING_WAY
from tocsin.cli.output import drawn

ROW = {
    "reference": "INC-2026-001",
    "severity": "SEV-0",
    "status": "investigating",
    "opened_at": "2026-11-29T06:46:35Z",
    "acknowledged_by": None,
    "service": "checkout",
    "firing": 1,
    "title": "Checkout answers with errors for 12% of requests",
}


def test_eighty_columns_say_what_is_broken_and_who_has_it():
    head, line = drawn([ROW], COLUMNS, GIVING_WAY, 80).split("\n")

    assert len(line) <= 80 and len(head) <= 80
    assert line.startswith("INC-2026-001  SEV-0     investigating  -  ")
    assert "Checkout answers with e" in line and "ACKNOWLEDGED BY" in head


def test_where_there_is_room_nothing_is_left_out():
    wide, piped = drawn([ROW], COLUMNS, GIVING_WAY, 160), drawn([ROW], COLUMNS, GIVING_WAY, None)

    assert wide == piped
    assert "2026-11-29 06:46:35" in wide and wide.endswith(ROW["title"])


words = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, words)), max_size=4), st.integers(68, 200))
def test_no_line_is_broken_by_the_terminal(rows: list[dict[str, str]], room: int):
    from_wide = drawn(rows, COLUMNS, GIVING_WAY, room).split("\n")

    assert len(from_wide) == len(rows) + 1
    assert all(len(line) <= room for line in from_wide)
