"""A body that is packed on one side and unpacked on the other says what the reader of the door says."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.core.alert import fingerprint_number
from tocsin.intake.packed import KNOWN, LAST_KNOWN, TIMES_MAX, Packer, unpacked
from tocsin.intake.postable import PostableReader, body_of, labels_of
from tocsin.intake.posting import Posted

NOW = 1_795_420_800_000_000  # 2026-11-23T08:00:00Z
TIMEOUT_US = 300_000_000

WORDS = st.one_of(st.text(max_size=6), st.sampled_from(["a", "a", "b", "x\\y", 'q"q', "ü", "", "\0", "null"]))
TIMES = st.sampled_from(
    [
        None,
        "",
        "0001-01-01T00:00:00Z",
        "2026-11-23T07:00:00.5Z",
        "2026-11-23T09:00:00+01:00",
        "2026-11-23T10:00:00Z",
        "soon",
    ]
)
ALERTS = st.fixed_dictionaries(
    {"labels": st.dictionaries(WORDS, st.one_of(WORDS, WORDS, st.integers()), max_size=4)},
    optional={
        "annotations": st.one_of(st.none(), st.dictionaries(WORDS, WORDS, max_size=3), st.just(7)),
        "startsAt": TIMES,
        "endsAt": TIMES,
        "generatorURL": st.one_of(WORDS, st.none(), st.integers()),
        "more": WORDS,
    },
)


def seen(posted: Posted) -> tuple[Any, ...]:
    return (
        posted.key, labels_of(posted), msgspec.json.decode(body_of(posted)), posted.starts_us, posted.ends_us,
        posted.fires, posted.timeout,
    )  # fmt: skip


@given(st.lists(ALERTS, max_size=5), st.booleans(), st.randoms())
def test_what_is_packed_is_what_is_read(alerts: list[dict[str, Any]], ascii_only: bool, order: Any) -> None:
    shuffled = [dict(order.sample(list(alert.items()), len(alert))) for alert in alerts]
    body = json.dumps(shuffled, ensure_ascii=ascii_only, indent=order.choice([None, 1])).encode()
    rows = Packer().pack(body)
    reading = PostableReader().read(body, NOW)

    if rows is None:
        return
    found = unpacked(body, rows, NOW, TIMEOUT_US)
    assert (reading.errors, len(found)) == ([], len(alerts))
    assert [seen(each) for each in found] == [seen(each) for each in reading.posted]
    assert [each.fingerprint for each in found] == [fingerprint_number(labels_of(each)) for each in found]


@given(
    st.lists(st.dictionaries(st.text("ab", min_size=1), st.text("ab", min_size=1), min_size=1), min_size=1, max_size=9)
)
def test_what_monitors_send_all_day_is_packed(labels: list[dict[str, str]]) -> None:
    body = json.dumps([{"labels": each, "annotations": each, "startsAt": "2026-11-23T07:00:00Z"} for each in labels])
    rows = Packer().pack(body.encode())

    assert rows is not None
    assert [labels_of(each) for each in unpacked(body.encode(), rows, NOW, TIMEOUT_US)] == labels


ONE = '[{"labels":{"a":"b"}%s}]'


def test_an_alert_without_an_end_ends_after_the_timeout() -> None:
    body = (ONE % ',"startsAt":"2026-11-23T07:00:00Z"').encode()
    (posted,) = unpacked(body, Packer().pack(body) or b"", NOW, TIMEOUT_US)

    assert (posted.starts_us, posted.ends_us) == (NOW - 3_600_000_000, NOW + TIMEOUT_US)
    assert (posted.timeout, posted.fires) == (True, True)


@pytest.mark.parametrize(
    "times",
    [
        '"startsAt":"soon"',
        '"endsAt":"soon"',
        '"startsAt":"2026-11-23T07:00:00Z","endsAt":"2026-11-23T06:00:00Z"',
    ],
)
def test_times_that_the_sender_has_to_hear_about_are_for_the_house(times: str) -> None:
    assert Packer().pack((ONE % f",{times}").encode()) is None


def test_two_label_sets_in_one_place_are_two() -> None:
    places: dict[int, bytes] = {}
    for number in range(10 * KNOWN):
        labels = b'{"a":"%d"}' % number
        other = places.setdefault(hash(labels) & LAST_KNOWN, labels)
        if other != labels:
            break
    packer = Packer()
    for each in (other, labels, other):
        body = b'[{"labels":%b}]' % each
        (posted,) = unpacked(body, packer.pack(body) or b"", NOW, TIMEOUT_US)
        assert posted.fingerprint == fingerprint_number(labels_of(posted))


def test_what_is_repeated_is_not_checked_again_and_says_so() -> None:
    packer, plain = Packer(), b'[{"labels":{"a":"b"}}]'
    odd = b'[{"labels":{"a":"b"},"annotations":{"summary":7}}]'
    assert packer.pack(odd) is None, "annotations that are no texts are for the house, where the labels are new"

    (new,), (known,) = (unpacked(plain, packer.pack(plain) or b"", NOW, TIMEOUT_US) for _ in range(2))
    (strange,) = unpacked(odd, packer.pack(odd) or b"", NOW, TIMEOUT_US)

    assert (new.checked, new.fingerprint) == (True, fingerprint_number({"a": "b"}))
    assert (known.checked, known.fingerprint) == (False, 0)
    assert msgspec.json.decode(body_of(strange))["annotations"] == {"summary": "7"}, "as the reader keeps it"


NONE = [b"", b"[]", b"null", b"{}", b"[{}]", b"[" * 100_000, b'[{"labels":{"a":"\xff"}}]', b'[{"labels":{"a":"b"']


@pytest.mark.parametrize("body", NONE)
def test_what_is_none_of_that_is_not_packed(body: bytes) -> None:
    assert Packer().pack(body) is None


def test_however_many_instants_come_few_are_remembered() -> None:
    packer = Packer()
    for second in range(TIMES_MAX * 2):
        at = f"2026-11-23T07:{second // 60 % 60:02}:{second % 60:02}.{second}Z"
        assert packer.pack(json.dumps([{"labels": {"a": "b"}, "startsAt": at}]).encode())

    assert len(packer._times) <= TIMES_MAX
