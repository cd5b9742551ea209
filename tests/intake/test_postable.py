"""What is posted to /api/v2/alerts: all that can be kept is kept, and every flaw is named."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.intake.postable import Body, PostableReader, Reading, answer, body_of, labels_of
from tocsin.intake.posting import Posted

NOW = 1_795_420_800_000_000  # 2026-11-23T08:00:00Z
MINUTE = 60_000_000


def read(said: Any, now: int = NOW) -> Reading:
    return PostableReader().read(said if isinstance(said, bytes) else json.dumps(said).encode(), now)


def only(said: Any) -> Posted:
    (posted,) = read([said]).posted
    return posted


def stored(posted: Posted) -> Body:
    return msgspec.json.decode(body_of(posted), type=Body)


def test_a_plain_alert_is_read() -> None:
    posted = only(
        {
            "labels": {"alertname": "A"},
            "annotations": {"summary": "s"},
            "startsAt": "2026-11-23T07:00:00.123456789Z",
            "endsAt": "2026-11-23T08:04:00Z",
            "generatorURL": "http://prometheus/graph",
        }
    )

    assert (posted.starts_us, posted.ends_us) == (NOW - 60 * MINUTE + 123_456, NOW + 4 * MINUTE)
    assert (posted.fires, posted.timeout) == (True, False)
    assert stored(posted) == Body({"alertname": "A"}, {"summary": "s"}, "http://prometheus/graph")


def test_an_alert_without_an_end_gets_a_deadline() -> None:
    posted = only({"labels": {"a": "b"}})

    assert (posted.starts_us, posted.ends_us, posted.timeout) == (0, NOW + 5 * MINUTE, True)


def test_an_end_that_has_come_is_an_end() -> None:
    assert not only({"labels": {"a": "b"}, "endsAt": "2026-11-23T08:00:00Z"}).fires
    assert only({"labels": {"a": "b"}, "endsAt": "2026-11-23T08:00:00.000001Z"}).fires


@pytest.mark.parametrize("absent", ["0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00Z", "", None])
def test_zero_times_are_absent(absent: Any) -> None:
    posted = only({"labels": {"a": "b"}, "startsAt": absent, "endsAt": absent})

    assert (posted.starts_us, posted.timeout) == (0, True)


@pytest.mark.parametrize("far", ["9999-12-31T23:59:59Z", "9999-12-31 00:00:00Z", "2400-01-01T00:00:00.000+01:00"])
def test_an_end_that_is_further_than_anybody_plans_is_no_timeout(far: str) -> None:
    reading = read([{"labels": {"a": "b"}, "startsAt": "2026-11-23T07:00:00Z", "endsAt": far}])

    (posted,) = reading.posted
    assert reading.errors == []
    assert (posted.fires, posted.timeout) == (True, False)
    assert posted.ends_us > NOW + 100 * 365 * 24 * 60 * MINUTE


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T08:30:00Z",
        "2026-11-23T09:30:00+01:00",
        "2026-11-23T09:30:00.000+0100",
        "2026-11-23T08:30:00.000000000Z",
        "1795422600",
        "1795422600000",
    ],
)
def test_every_dialect_of_time_means_the_same(text: str) -> None:
    reading = read([{"labels": {"a": "b"}, "endsAt": text}])

    assert reading.errors == []
    assert reading.posted[0].ends_us == NOW + 30 * MINUTE


def test_an_end_before_the_start_is_named_and_kept() -> None:
    reading = read([{"labels": {"a": "b"}, "startsAt": "2026-11-23T07:00:00Z", "endsAt": "2026-11-23T06:00:00Z"}])

    assert answer(reading) == (400, b'"start time must be before end time"')
    assert not reading.posted[0].fires


def test_empty_values_are_no_labels() -> None:
    assert stored(only({"labels": {"a": "b", "c": ""}})).labels == {"a": "b"}


def test_what_was_checked_before_is_not_decoded_again() -> None:
    body = json.dumps([{"labels": {"a": "b"}}]).encode()
    reader = PostableReader()
    (first,) = reader.read(body, NOW).posted
    (again,) = reader.read(body, NOW + 1, {first.key}).posted

    assert first.checked
    assert not again.checked
    assert again.key == first.key


def test_a_known_alert_with_odd_spelling_is_stored_the_same_way() -> None:
    body = b'[{"labels":{"a":"\\u0062\\u0000","empty":""},"annotations":{"x":"\\u0000"}}]'
    reader = PostableReader()
    (first,) = reader.read(body, NOW).posted
    (again,) = reader.read(body, NOW + 1, {first.key}).posted

    assert not again.checked
    assert body_of(again) == body_of(first)
    assert stored(first) == Body({"a": "b\ufffd"}, {"x": "\ufffd"})
    assert labels_of(again) == labels_of(first) == {"a": "b\ufffd"}


def test_a_flaw_is_named_every_time_it_comes() -> None:
    body = b'[{"labels":{"a":1}}]'
    reader = PostableReader()
    first = reader.read(body, NOW)
    again = reader.read(body, NOW + 1, {each.key for each in first.posted})

    assert first.status == again.status == 400
    assert labels_of(again.posted[0]) == {"a": "1"}


def test_annotations_that_are_no_texts_are_kept_as_their_json() -> None:
    reading = read([{"labels": {"a": "b"}, "annotations": {"value": 5, "list": [1], "text": "t"}}])

    assert reading.status == 400
    assert stored(reading.posted[0]).annotations == {"value": "5", "list": "[1]", "text": "t"}


def test_a_value_beyond_the_bound_is_cut_and_says_so() -> None:
    value = stored(only({"labels": {"a": "x" * 100_000}})).labels["a"]

    assert len(value) < 70_000
    assert value.endswith("[cut: 100000 characters]")


def test_many_errors_are_not_all_named() -> None:
    status, text = answer(read([{"labels": {}}] * 500))

    assert status == 400
    assert json.loads(text).endswith("and 450 more")


def test_one_bad_alert_among_sixty_four_costs_one() -> None:
    said: list[Any] = [{"labels": {"n": str(n)}} for n in range(64)]
    said[13] = {"labels": "none"}

    reading = read(said)

    assert len(reading.posted) == 63
    assert reading.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.dictionaries(
    st.sampled_from(["labels", "annotations", "startsAt", "endsAt", "generatorURL", "other"]), json_values, max_size=6
)


@given(st.lists(fields | json_values, max_size=5) | json_values)
def test_any_json_is_read_without_an_exception(said: Any) -> None:
    reading = read(json.dumps(said).encode())

    assert (reading.status == 200) == (not reading.errors)
    for posted in reading.posted:
        body = stored(posted)
        assert labels_of(posted) == body.labels
        assert body.labels
        assert all(body.labels.values())
        assert "\0" not in "".join([*body.labels, *body.labels.values(), *body.annotations.values()])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(said: bytes) -> None:
    assert answer(read(said))[0] in (200, 400, 422)


@given(st.text(max_size=30))
def test_any_text_in_json_escapes_is_kept_or_replaced(text: str) -> None:
    posted = only({"labels": {"a": f"x{text}"}})

    assert labels_of(posted)["a"] == f"x{text}".replace("\0", "\ufffd")


@given(
    st.one_of(
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.lists(st.integers(), max_size=3),
        st.text(max_size=9),
    )
)
def test_one_flaw_of_a_time_is_one_complaint(value: Any) -> None:
    reading = read(json.dumps([{"labels": {"a": "x"}, "startsAt": value}]).encode())

    assert len(reading.errors) <= 1
    assert len(reading.posted) == 1


def test_a_number_that_is_a_time_is_complained_about_and_kept() -> None:
    reading = read(b'[{"labels": {"a": "x"}, "startsAt": 1764000000}, {"labels": {"a": "y"}, "startsAt": 1}]')

    assert [each.partition(":")[0] for each in reading.errors] == ["0.startsAt", "1.startsAt"]
    assert [each.starts_us > 0 for each in reading.posted] == [True, False]
