from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tocsin.core.monitor import Beats, Monitor, Step, check_monitor, heard, looked, missed_at, standing

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
BACKUP = Monitor(id="backup", name="Nightly backup", every_seconds=3600, grace_seconds=600, service="db", created_at=T0)
DUE = T0 + timedelta(seconds=4200)


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def beaten(minutes: float = 0) -> Beats:
    return heard(BACKUP, Beats(), "alive", at(minutes)).beats


def test_nothing_is_expected_before_the_first_beat() -> None:
    assert standing(BACKUP, Beats(), at(10_000)) == "new"
    assert missed_at(BACKUP, Beats()) is None
    assert looked(BACKUP, Beats(), at(10_000)) == Step(beats=Beats())


def test_an_armed_monitor_expects_its_first_beat_too() -> None:
    armed = msgspec.structs.replace(BACKUP, armed=True)

    step = looked(armed, Beats(), at(71))

    assert step.report is not None
    assert step.report.annotations["summary"] == "No beat from Nightly backup ever"


def test_a_monitor_is_up_then_late_then_down() -> None:
    beats = beaten()

    assert [standing(BACKUP, beats, at(minutes)) for minutes in (0, 59, 60, 69, 70)] == [
        "up",
        "up",
        "late",
        "late",
        "down",
    ]


def test_a_missed_beat_fires_once_and_says_since_when() -> None:
    step = looked(BACKUP, beaten(), at(75))

    assert step.report is not None
    assert (step.report.action, step.report.starts_at, step.report.ends_at) == ("fire", DUE, None)
    assert step.report.labels == {
        "alertname": "DeadManMissing", "monitor": "backup", "severity": "critical", "service": "db",
    }  # fmt: skip
    assert step.report.annotations["summary"] == "No beat from Nightly backup since 2026-11-23 03:00:00 UTC"
    assert looked(BACKUP, step.beats, at(90)).report is None


def test_a_beat_in_time_keeps_it_quiet() -> None:
    assert looked(BACKUP, beaten(30), at(80)).report is None


def test_the_next_beat_clears_the_alert_it_fired() -> None:
    down = looked(BACKUP, beaten(), at(75))

    up = heard(BACKUP, down.beats, "alive", at(80))

    assert down.report is not None
    assert up.report is not None
    assert (up.report.action, up.report.fingerprint) == ("resolve", down.report.fingerprint)
    assert (up.report.starts_at, up.report.ends_at) == (DUE, at(80))
    assert standing(BACKUP, up.beats, at(81)) == "up"


def test_a_failure_fires_at_once_with_the_end_of_its_output() -> None:
    step = heard(BACKUP, beaten(), "alive", at(5), code=3, text="x" * 20_000 + "disk full")

    assert step.report is not None
    assert step.report.starts_at == at(5)
    assert step.report.annotations["summary"] == "Nightly backup says that it failed (exit code 3)"
    assert step.report.annotations["output"].endswith("disk full")
    assert len(step.report.annotations["output"]) == 10_000


def test_a_second_failure_belongs_to_the_same_alert() -> None:
    first = heard(BACKUP, beaten(), "fail", at(5))
    second = heard(BACKUP, first.beats, "fail", at(65))

    assert first.report is not None
    assert second.report is not None
    assert second.report.starts_at == first.report.starts_at


def test_exit_code_zero_is_a_good_beat() -> None:
    assert heard(BACKUP, beaten(), "alive", at(5), code=0).report is None


def test_a_run_that_started_must_finish_within_the_grace() -> None:
    started = heard(BACKUP, beaten(), "start", at(5))

    assert started.report is None
    assert missed_at(BACKUP, started.beats) == at(15)
    step = looked(BACKUP, started.beats, at(15))
    assert step.report is not None
    assert (
        step.report.annotations["summary"]
        == "Nightly backup started at 2026-11-23 03:05:00 UTC and did not finish in time"
    )
    assert heard(BACKUP, started.beats, "alive", at(14)).beats.started_at is None


def test_while_nobody_could_be_heard_nothing_is_missed() -> None:
    assert looked(BACKUP, beaten(), at(500), not_before=at(505)).report is None

    step = looked(BACKUP, beaten(), at(505), not_before=at(505))
    assert step.report is not None
    assert step.report.starts_at == DUE


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": ""}, "id: expected"),
        ({"id": "a/b"}, "id: expected"),
        ({"id": "ä"}, "id: expected"),
        ({"id": "x" * 101}, "id: expected at most"),
        ({"every_seconds": 1}, "every: expected"),
        ({"grace_seconds": -1}, "grace: expected"),
    ],
)
def test_a_monitor_that_cannot_be_watched_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_monitor(msgspec.structs.replace(BACKUP, **changes))


EVENTS = st.lists(st.tuples(st.sampled_from(["alive", "start", "fail", "look"]), st.integers(0, 90)), max_size=30)


@given(EVENTS)
def test_alerts_fire_and_clear_in_turn_and_always_end_with_a_good_beat(events: list[tuple[str, int]]) -> None:
    beats, now, firing = Beats(), T0, None
    for name, minutes in events:
        now += timedelta(minutes=minutes)
        step = looked(BACKUP, beats, now) if name == "look" else heard(BACKUP, beats, name, now)  # type: ignore[arg-type]
        beats = step.beats
        if step.report is None:
            continue
        assert step.report.starts_at is not None
        assert step.report.starts_at <= now
        if step.report.action == "fire":
            assert firing in (None, step.report.starts_at)
            firing = step.report.starts_at
        else:
            assert firing == step.report.starts_at
            firing = None
    step = heard(BACKUP, beats, "alive", now)
    assert (step.report is not None) == (firing is not None)
    assert standing(BACKUP, step.beats, now) == "up"


def test_a_monitor_that_is_down_is_told_again_when_a_crash_may_have_told_a_beat():
    down = Beats(last_at=T0, down_at=T0 + timedelta(minutes=11))

    told = looked(BACKUP, down, T0 + timedelta(hours=1), unsure=True)

    assert told.beats == down
    assert told.report is not None
    assert (told.report.action, told.report.starts_at) == ("fire", T0 + timedelta(hours=1))
    assert looked(BACKUP, down, T0 + timedelta(hours=1)).report is None
