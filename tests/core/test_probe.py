from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from tocsin.core.probe import (
    EXPIRY,
    REACH,
    RECENT,
    VALIDITY,
    Look,
    Probe,
    Problem,
    State,
    after,
    alerts,
    annotations_of,
    expiry_problem,
    flaps,
    labels_of,
    looked,
    resumed,
    since,
    standing,
    subject_of,
    target_of,
    time_left,
)

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DOWN = Problem(text="refuses connections")
SHOP = Probe(name="shop", kind="http", url="https://shop.example/health", failures=3, recoveries=2)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def look(minutes: float, problem: Problem | None = None, **more: Problem | None) -> Look:
    return Look(at=at(minutes), seconds=0.2, found={REACH: problem, **more}, evidence={"http_status": "503"})


def seen(pattern: str, probe: Probe = SHOP) -> State:
    """The state after looks a minute apart: `.` is good, `x` bad."""
    state = State()
    for minute, each in enumerate(pattern):
        state = looked(probe, state, DOWN if each == "x" else None, at(minute))
    return state


def shown(pattern: str) -> str:
    return standing({REACH: seen(pattern)})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", "new"),
        (".", "up"),
        ("x", "failing"),
        ("..xx", "failing"),
        ("..xxx", "down"),
        ("xx.xx.", "up"),
        ("xxx.", "down"),
        ("xxx.x.", "down"),
        ("xxx..", "up"),
        (".x.x.x.", "flapping"),
        (".x.x.x." + "." * RECENT, "up"),
    ],
)
def test_how_a_probe_stands_after_what_was_seen(pattern: str, expected: str) -> None:
    assert shown(pattern) == expected


def test_it_is_down_since_the_first_of_the_bad_looks() -> None:
    assert seen("..xxxx").down_at == at(2)
    assert seen("x.xxx").down_at == at(2)


def test_what_flaps_after_it_was_down_stays_down_until_it_is_calm() -> None:
    twitchy = Probe(name="shop", kind="tcp", address="db:1", failures=1, recoveries=1)

    assert seen("x.x.x.x.", twitchy).down_at is not None
    assert seen("x.x.x.x." + "." * RECENT, twitchy).down_at is None


def test_since_when_it_stands_so_is_when_it_changed() -> None:
    assert since({REACH: seen("...")}) == at(0)
    assert since({REACH: seen("..xxx")}) == at(4)
    assert since({REACH: seen("..xxx..")}) == at(6)


LOOKS = st.lists(st.booleans(), max_size=80)
COUNTS = st.integers(1, 5)


@given(LOOKS, COUNTS, COUNTS)
def test_it_never_fires_with_fewer_failures_in_a_row_than_it_takes(
    looks: list[bool], failures: int, recoveries: int
) -> None:
    probe = Probe(name="p", kind="tcp", address="db:1", failures=failures, recoveries=recoveries)
    state = State()
    for number, good in enumerate(looks):
        before = state.down_at
        state = looked(probe, state, None if good else DOWN, at(number))
        if before is None and state.down_at is not None:
            row = looks[number - failures + 1 : number + 1] if number + 1 >= failures else []
            assert len(row) == failures and not any(row)
            assert state.down_at == at(number - failures + 1)


@given(LOOKS, COUNTS, COUNTS)
def test_it_never_clears_with_fewer_recoveries_in_a_row_than_it_takes(
    looks: list[bool], failures: int, recoveries: int
) -> None:
    probe = Probe(name="p", kind="tcp", address="db:1", failures=failures, recoveries=recoveries)
    state = State()
    for number, good in enumerate(looks):
        before = state.down_at
        state = looked(probe, state, None if good else DOWN, at(number))
        if before is not None and state.down_at is None:
            assert all(looks[number - recoveries + 1 : number + 1])


@given(LOOKS, COUNTS, COUNTS)
def test_it_always_clears_once_it_is_well(looks: list[bool], failures: int, recoveries: int) -> None:
    probe = Probe(name="p", kind="tcp", address="db:1", failures=failures, recoveries=recoveries)
    state = State()
    for number, good in enumerate(looks):
        state = looked(probe, state, None if good else DOWN, at(number))
    for number in range(max(RECENT, recoveries)):
        state = looked(probe, state, None, at(100 + number))

    assert (state.down_at, standing({REACH: state})) == (None, "up")
    assert not flaps(state)


@given(LOOKS, COUNTS, COUNTS)
def test_it_always_fires_once_it_fails_for_good(looks: list[bool], failures: int, recoveries: int) -> None:
    probe = Probe(name="p", kind="tcp", address="db:1", failures=failures, recoveries=recoveries)
    state = State()
    for number, good in enumerate([*looks, *[False] * failures]):
        state = looked(probe, state, None if good else DOWN, at(number))

    assert state.down_at is not None


def test_after_a_restart_what_fired_is_down_until_it_has_recovered() -> None:
    state = resumed(T0, DOWN)
    once = looked(SHOP, state, None, at(1))

    assert (once.down_at, looked(SHOP, once, None, at(2)).down_at) == (T0, None)


def test_after_a_restart_what_did_not_fire_has_to_fail_as_often_as_ever() -> None:
    states: Mapping[str, State] = {}
    for minute in range(2):
        states = after(SHOP, states, look(minute, DOWN))

    assert alerts(SHOP, states, None) == []


# --- subjects --------------------------------------------------------------------------------------------------------


def test_a_subject_that_is_not_seen_keeps_its_state_while_nothing_answers() -> None:
    states = {VALIDITY: resumed(T0, Problem(text="proves nothing"))}

    assert after(SHOP, states, look(1, DOWN))[VALIDITY].down_at == T0


def test_a_subject_that_is_spoken_of_no_more_is_forgotten() -> None:
    states = {"component:Git": resumed(T0, DOWN)}

    assert after(SHOP, states, look(1)).keys() == {REACH}


def test_a_certificate_that_will_end_does_not_make_a_probe_down() -> None:
    soon = Problem(text="expires", severity="warning", broken=False)
    states: Mapping[str, State] = {}
    for minute in range(3):
        seen_now = look(minute, None, expiry=soon)
        states = after(SHOP, states, seen_now)

    (alert,) = alerts(SHOP, states, seen_now)
    assert (standing(states), seen_now.up) == ("expiring", True)
    assert (alert.labels["alertname"], alert.labels["severity"]) == ("CertificateExpiring", "warning")


def test_the_end_of_a_certificate_is_a_warning_then_a_page_then_broken() -> None:
    probe = Probe(
        name="tls", kind="tls", address="a:443", warn_before_seconds=21 * 86_400, page_before_seconds=86_400,
        severity="P1",
    )  # fmt: skip

    def problem(**left: float) -> Problem | None:
        return expiry_problem(probe, T0 + timedelta(**left), T0)

    assert problem(days=21) is None
    warning, page, over = problem(days=20), problem(hours=23), problem(seconds=0)
    assert warning and page and over
    assert [each.severity for each in (warning, page, over)] == ["warning", None, None]
    assert [each.broken for each in (warning, page, over)] == [False, False, True]
    assert page.text == "has a certificate that expires at 2026-11-24 02:00 UTC"
    assert labels_of(probe, EXPIRY, page)["severity"] == "P1"


def test_without_limits_only_a_certificate_that_ended_is_a_finding() -> None:
    assert expiry_problem(SHOP, T0 + timedelta(hours=1), T0) is None
    assert expiry_problem(SHOP, T0 - timedelta(hours=1), T0) is not None


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(days=20, hours=5), "20 days"),
        (timedelta(hours=47), "47 hours"),
        (timedelta(hours=1, minutes=59), "an hour"),
        (timedelta(minutes=59), "less than an hour"),
        (timedelta(seconds=-1), "none"),
    ],
)
def test_time_left_as_people_say_it(span: timedelta, text: str) -> None:
    assert time_left(span) == text


# --- what is said ----------------------------------------------------------------------------------------------------


def test_an_alert_says_what_is_wrong_where_and_what_was_seen() -> None:
    said = annotations_of(SHOP, REACH, DOWN, look(2, DOWN))

    assert said == {
        "summary": "shop refuses connections",
        "probe": "shop",
        "target": "https://shop.example/health",
        "description": (
            "https://shop.example/health\nhttp status: 503\nlatency: 200 ms\nchecked at: 2026-11-23 03:02:00 UTC"
        ),
        "http_status": "503",
        "latency": "200 ms",
        "checked_at": "2026-11-23 03:02:00 UTC",
    }


def test_the_alert_of_a_certificate_says_how_long_it_holds_yet() -> None:
    ends = Look(at=T0, seconds=0.2, found={EXPIRY: DOWN}, expires_at=T0 + timedelta(hours=23))

    assert annotations_of(SHOP, EXPIRY, DOWN, ends)["time_left"] == "23 hours"


def test_what_a_good_look_saw_does_not_stand_beside_what_was_wrong() -> None:
    assert "http_status" not in annotations_of(SHOP, REACH, DOWN, look(2))


@pytest.mark.parametrize("subject", [REACH, VALIDITY, EXPIRY, "component:Git Operations"])
def test_the_subject_of_an_alert_is_known_from_its_labels(subject: str) -> None:
    assert subject_of(labels_of(SHOP, subject, DOWN)) == subject


def test_a_label_of_ones_own_makes_no_component() -> None:
    probe = Probe(name="shop", kind="tcp", address="a:1", labels={"component": "checkout"})

    assert subject_of(labels_of(probe, REACH, DOWN)) == REACH


def test_own_labels_win_and_a_probe_without_service_is_one() -> None:
    probe = Probe(name="shop", kind="tcp", address="a:1", labels={"team": "web", "probe": "other"})

    assert labels_of(probe, REACH, DOWN) == {
        "alertname": "ProbeFailed", "probe": "shop", "severity": "critical", "service": "shop", "team": "web",
    }  # fmt: skip


def test_a_target_is_shown_without_what_may_be_a_secret() -> None:
    probe = Probe(name="a", kind="http", url="https://u:p@shop.example/health?token=abc")

    assert target_of(probe) == "https://shop.example/health"
