"""The journal's export format: whole entries, binary fields, and a file that begins in the middle of one."""

from __future__ import annotations

from hypothesis import given, strategies as st

from tocsin.detect.journal import ENTRY_BYTES_MAX, split_entries


def entry(message: bytes, priority: int = 6, *, binary: bool = False) -> bytes:
    said = b"MESSAGE\n" + len(message).to_bytes(8, "little") + message if binary else b"MESSAGE=" + message
    head = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795934705000000\n"
    return head + b"PRIORITY=%d\nSYSLOG_IDENTIFIER=shop\n" % priority + said + b"\n\n"


def test_an_entry_is_a_line_of_who_said_it():
    data = entry(b"no answer", 3) + entry(b"two\nlines", binary=True)

    lines, taken = split_entries(data)

    assert [(line.text, line.level) for line in lines] == [("shop: no answer", "error"), ("shop: two\nlines", "other")]
    assert taken == len(data)


def test_an_entry_that_is_not_whole_waits():
    first, second = entry(b"one"), entry(b"two\n\n__CURSOR=forged", binary=True)

    for cut in range(len(second)):
        lines, taken = split_entries(first + second[:cut])
        assert ([line.text for line in lines], taken) == (["shop: one"], len(first))


def test_a_file_that_begins_in_the_middle_is_read_from_the_next_entry():
    lines, _ = split_entries(b"=half\nPRIORITY=6\n\n" + entry(b"one"))

    assert [line.text for line in lines] == ["shop: one"]


def test_an_entry_that_is_too_large_is_left_out():
    large = entry(b"x" * (ENTRY_BYTES_MAX * 3), binary=True)[:-1000]

    lines, taken = split_entries(large)

    assert (lines, taken > ENTRY_BYTES_MAX) == ([], True)


@given(st.binary(max_size=2_000))
def test_any_bytes_are_read_within_their_length(data: bytes):
    _, taken = split_entries(data)

    assert 0 <= taken <= len(data)
