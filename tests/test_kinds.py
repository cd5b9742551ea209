"""Kinds of alerts: the labels that decide make them, and nothing else does."""

from __future__ import annotations

import json

from hypothesis import given, strategies as st

from tocsin.digest.kinds import REMEMBERED_MAX, Kind, Kinds

DECIDING = ("alertname", "service", "k8s.io/name", "class")
NAMES = st.sampled_from([*DECIDING, "instance", "f0", "labels"])
LABELS = st.dictionaries(NAMES, st.sampled_from(["a", "b", ""]), max_size=5)


def body(labels: dict[str, str]) -> bytes:
    return json.dumps({"labels": labels, "annotations": {"alertname": "c"}, "url": ""}).encode()


@given(LABELS, LABELS)
def test_alerts_are_of_one_kind_if_what_decides_is_equal(one: dict[str, str], two: dict[str, str]) -> None:
    kinds = Kinds(DECIDING, lambda labels: Kind(source=False, target=False))
    first, second = kinds.of(one), kinds.of_body(body(two), lambda: two)

    alike = [one.get(name) for name in DECIDING] == [two.get(name) for name in DECIDING]
    assert (first is None) == (not one.get("alertname"))
    assert (first is not None and first is second) == (alike and bool(one.get("alertname")))
    assert kinds.of(two) is second, "whichever way it is asked"


def test_a_kind_is_made_of_the_labels_of_the_first_and_few_are_remembered() -> None:
    asked: list[object] = []

    def make(labels: object) -> Kind:
        asked.append(labels)
        return Kind(source=False, target=False)

    kinds = Kinds(("alertname",), make)
    for number in range(REMEMBERED_MAX + 1):
        kinds.of({"alertname": str(number), "more": "x"})
    kinds.of({"alertname": str(REMEMBERED_MAX)})

    assert len(asked) == REMEMBERED_MAX + 1
    assert asked[0] == {"alertname": "0", "more": "x"}
    assert len(kinds._kinds) == 1
