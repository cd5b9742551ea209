"""The lenient time reader: every dialect that monitors use, and nothing that makes it raise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given, strategies as st

from tocsin.clock import monotonic
from tocsin.intake.times import YEAR_MAX, YEAR_MIN, is_absent, read_time

T = datetime(2026, 11, 21, 6, 39, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-21T06:39:52.781148117Z", T.replace(microsecond=781148)),  # Go, nine digits
        ("2026-11-21T06:39:52Z", T),
        ("2026-11-21t06:39:52z", T),
        ("2026-11-21T06:39:52.5Z", T.replace(microsecond=500000)),
        ("2026-11-21T06:39:52,5Z", T.replace(microsecond=500000)),
        ("2026-11-21T06:39:52.000+0000", T),  # PagerDuty's documentation
        ("2026-11-21T06:39:52+00:00Z", T),  # the client `pagerduty` 7.2.0
        ("2026-11-21T06:39:52.123456+00:00Z", T.replace(microsecond=123456)),
        ("2026-11-21T08:39:52+02:00", T),
        ("2026-11-21T01:09:52-0530", T),
        ("2026-11-21T07:39:52+01", T),
        ("2026-11-21T06:39:52", T),  # naive is UTC
        ("2026-11-21 06:39:52", T),
        ("2026-11-21 06:39:52 UTC", T),
        ("2026-11-21 06:39:52 +0000 UTC", T),  # Go's time.String()
        ("2026-11-21 07:39:52 +0100 CET", T),
        ("2026-11-21 06:39:52.5 +0000 UTC m=+0.012", T.replace(microsecond=500000)),
        ("2026/11/21 06:39:52", T),
        ("2026-11-21T06:39Z", T.replace(second=0)),
        ("20261121T063952Z", T),
        ("20261121063952", T),
        ("2026-11-21", T.replace(hour=0, minute=0, second=0)),
        ("20261121", T.replace(hour=0, minute=0, second=0)),
        ("Sat, 21 Nov 2026 06:39:52 GMT", T),
        ("21 Nov 2026 06:39:52 +0000", T),
        (" 2026-11-21T06:39:52Z\n", T),
        ("2026-11-21T06:39:60Z", T.replace(second=59)),  # a leap second
        (1795243192, T),
        (1795243192.5, T.replace(microsecond=500000)),
        (1795243192000, T),
        (1795243192000000, T),
        (1795243192000000000, T),
        ("1795243192", T),
        ("1795243192.5", T.replace(microsecond=500000)),
        ("1795243192000", T),
    ],
)
def test_an_instant_is_read_in_every_dialect_that_senders_use(written, meant):
    assert read_time(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00Z",
        "0000-00-00 00:00:00",
        "",
        "  ",
        "0",
        "null",
        "<no value>",
        0,
        -1,
        None,
    ],
)
def test_a_zero_time_means_that_there_is_no_instant(written):
    assert read_time(written) is None
    assert is_absent(written)


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "2026-13-01T00:00:00Z",
        "2026-02-30",
        "2026-11-21T25:00:00Z",
        "2026-11-21 06:39:52 CET",  # an abbreviation alone names no instant
        "1200-01-01T00:00:00Z",
        "2500-01-01T00:00:00Z",
        "٢٠٢٦-١١-٢١",
        "1" * 5000,
        "2026-11-21T06:39:52Z" * 100,
        float("nan"),
        float("inf"),
        10**40,
        2026,
        True,
        [],
        {"seconds": 1},
        b"2026-11-21",
    ],
)
def test_what_cannot_be_read_is_none_and_is_not_called_absent(written):
    assert read_time(written) is None
    assert not is_absent(written)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.text()), st.binary()))
def test_no_value_makes_it_raise(value):
    found = read_time(value)

    assert found is None or (found.tzinfo is UTC and YEAR_MIN <= found.year <= YEAR_MAX)


@given(st.text(alphabet="0123456789-+:.TZ GMTUC/,m=", max_size=60))
def test_no_text_that_looks_like_a_time_makes_it_raise(text):
    found = read_time(text)

    assert found is None or found.utcoffset() == timedelta(0)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 1972 to 2199
instants = st.integers(63_072_000_000_000, 7_258_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(instants, offsets)
def test_what_python_writes_in_any_zone_is_read_back(instant, zone):
    local = instant.astimezone(zone)

    assert read_time(local.isoformat()) == instant
    assert read_time(local.isoformat(" ")) == instant
    assert read_time(local.strftime("%Y-%m-%dT%H:%M:%S.%f%z")) == instant
    assert read_time(local.strftime("%Y%m%dT%H%M%S%z")) == instant.replace(microsecond=0)
    assert read_time(instant.isoformat() + "Z") == instant


@given(instants)
def test_unix_numbers_are_told_apart_by_their_size(instant):
    seconds = (instant - EPOCH) // timedelta(seconds=1)
    whole = instant.replace(microsecond=0)

    assert [read_time(seconds * unit) for unit in (1, 1_000, 1_000_000, 1_000_000_000)] == [whole] * 4


def test_reading_costs_microseconds():
    began = monotonic()
    for _ in range(20_000):
        read_time("2026-11-21T06:39:52.781148117Z")

    assert monotonic() - began < 1.0  # 50 µs each, twenty times what it takes on a busy machine


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Sat, 21 Nov 2026 07:39:52 +0100 (CET)", T),  # e-mail
        ("21 Nov 26 06:39 UTC", T.replace(second=0)),  # RFC 822
        ("Sat, 21 Nov 2026 01:39:52 EST", T),
        ("Sun, 21 Jun 2026 02:39:52 EDT", T.replace(month=6)),
        ("Saturday, 21-Nov-26 06:39:52 UTC", T),  # RFC 850
        ("21/Nov/2026:06:39:52 +0000", T),  # a web server's log
        ("Sat Nov  7 06:39:52 2026", T.replace(day=7)),  # C
        ("Sat Nov 21 06:39:52 UTC 2026", T),  # date(1)
        ("Sat Nov 21 2026 07:39:52 GMT+0100 (Central European Standard Time)", T),  # a browser
        ("Nov 21, 2026, 6:39:52 AM", T),
        ("November 21, 2026 at 6:39 PM UTC", T.replace(hour=18, second=0)),
        ("2026-11-21 12:39:52 am", T.replace(hour=0)),
        ("2026-11-21T24:00:00Z", T.replace(day=22, hour=0, minute=0, second=0)),
        ("2026-11-21T07:39:52+01:00[Europe/Paris]", T),  # Java
        ("2026-11-21 03:39:52 -0300 -03", T),  # Go, in a zone that has no letters
        ("2026-11-21 12:09:52.5 +0530 +0530 m=+0.1", T.replace(microsecond=500000)),
        ("1.795243192e+09", T),  # a number that a template printed
        ("1795243192.123456789", T.replace(microsecond=123456)),
        ("@1795243192", T),
        ("/Date(1795243192000)/", T),
    ],
)
def test_an_instant_is_read_as_people_and_their_tools_print_it(written, meant):
    assert read_time(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "1970-01-01 00:00:00 +0000 UTC",
        "1970-01-01T01:00:00+01:00",
        "-62135596800",
        "-1",
        "0.0",
        "0001-01-01 00:00:00 +0000 UTC",
        "-0001-11-30T00:00:00+00:00",
        "9999-12-31T23:59:59Z",
        "never",
        "NaN",
    ],
)
def test_zero_and_the_ends_of_other_calendars_mean_that_there_is_no_instant(written):
    assert read_time(written) is None
    assert is_absent(written)


@pytest.mark.parametrize("written", ["Sat Nov 21 07:39:52 CET 2026", "Nov 31, 2026 06:00", "11/21/2026 06:39", "06:39"])
def test_what_only_looks_like_one_of_these_is_not_guessed(written):
    assert read_time(written) is None


@given(instants, offsets)
def test_what_mail_c_and_go_write_is_read_back(instant, zone):
    local, whole = instant.astimezone(zone), instant.replace(microsecond=0)

    assert read_time(format_datetime(local)) == whole
    assert read_time(whole.ctime()) == whole
    assert read_time(local.strftime("%Y-%m-%d %H:%M:%S.%f %z %z")) == instant
    assert read_time(local.strftime("%d/%b/%Y:%H:%M:%S %z")) == whole
    assert read_time(whole.strftime("%b %d, %Y, %I:%M:%S %p")) == whole


@given(instants, st.integers(0, 12))
def test_any_number_of_fraction_digits_is_read_and_kept_to_the_microsecond(instant, digits):
    fraction = f"{instant.microsecond:06}987654"[:digits]
    kept = int(fraction[:6].ljust(6, "0"))
    text = instant.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "")

    assert read_time(f"{text}Z") == read_time(f"{text}+00:00Z") == instant.replace(microsecond=kept)
