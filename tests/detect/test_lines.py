"""Whether a line is an error, in the formats that programs write."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from tocsin.detect.lines import CONTINUES, of_journal, read_line

ACCESS = '10.1.1.1 - - [29/Nov/2026:06:45:05 +0000] "GET /pay?id=7 HTTP/1.1" {} 123 "-" "curl/8"'


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29 06:45:05,123 ERROR shop.checkout: no answer",
        "2026-11-29T06:45:05Z CRITICAL out of stock",
        "[error] 811#811: *1 connect() failed (111: Connection refused)",
        'time="2026-11-29T06:45:05Z" level=error msg="cannot pull"',
        '{"level":"ERROR","message":"no answer"}',
        '{"severity":"error","msg":"no answer"}',
        '{"level":50,"msg":"no answer"}',
        "E1129 06:45:05.000000 1 reflector.go:1] watch ended",
        "ValueError: expected a number",
        "java.lang.IllegalStateException: closed",
        "backup failed",
        ACCESS.format(502),
    ],
)
def test_errors_of_many_formats_are_errors(text: str):
    assert read_line(text).level == "error"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29 06:45:05,123 INFO 0 errors in 12 files",
        "2026-11-29 06:45:05 WARNING retrying after error",
        'level=info msg="error budget is fine"',
        '{"level":"info","msg":"no failure"}',
        '{"level":30,"msg":"fatal is only a word here"}',
        "I1129 06:45:05.000000 1 reflector.go:1] no error",
        "all is well",
        ACCESS.format(404),
        ACCESS.format(200),
        "",
    ],
)
def test_lines_that_state_another_level_are_none(text: str):
    assert read_line(text).level == "other"


def test_what_is_compared_of_a_line_is_its_message():
    assert read_line(ACCESS.format(502)).message == "GET /pay answered 5xx"
    assert read_line('{"level":"error","msg":"no answer","request":"77"}').message == "no answer"
    assert read_line('level=error msg="cannot pull \\"x\\"" id=7').message == 'cannot pull \\"x\\"'


def test_the_journal_states_a_priority_or_the_message_a_level():
    assert of_journal({"MESSAGE": "no answer", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "shop"}).level == "error"
    assert of_journal({"MESSAGE": "ERROR no answer", "PRIORITY": "6", "_SYSTEMD_UNIT": "shop.service"}).level == "error"
    assert of_journal({"MESSAGE": "started", "PRIORITY": "6", "_COMM": "shop"}).text == "shop: started"


def test_frames_of_a_stack_trace_go_on_with_the_line_before():
    assert CONTINUES.match("Traceback (most recent call last):")
    assert CONTINUES.match('  File "shop.py", line 3, in pay')
    assert CONTINUES.match("\tat org.example.Shop.pay(Shop.java:3)")
    assert CONTINUES.match("Caused by: java.io.IOException")
    assert not CONTINUES.match("ValueError: expected a number")


@given(st.text(max_size=400))
def test_any_text_is_a_line(text: str):
    assert read_line(text).text == text
    assert read_line("{" + text).text == "{" + text
