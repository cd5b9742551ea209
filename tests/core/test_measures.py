"""Measures: how long it took, as corrected, and never a guess or a negative time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tocsin.core import facts as f
from tocsin.core.measures import Measures, measures, summarise

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def minutes(n: float) -> timedelta:
    return timedelta(minutes=n)


def at(n: float) -> datetime:
    return T0 + minutes(n)


def opened(n: float = 0, **more: Any) -> f.Opened:
    given = {"incident": "i", "reference": "INC-2026-001", "title": "t", "guide": "g", "policy_digest": "d"}
    return f.Opened(at=at(n), severity=more.pop("severity", "P2"), **given, **more)


def status(n: float, name: Any) -> f.StatusChanged:
    return f.StatusChanged(at=at(n), status=name)


def corrected(name: Any, to: float, n: float = 100) -> f.TimestampCorrected:
    return f.TimestampCorrected(at=at(n), name=name, before=None, after=at(to), because="the log says so")


def of(*history: f.AnyFact) -> Measures:
    found = measures(history)
    assert found is not None
    return found


LIFE: tuple[f.AnyFact, ...] = (
    opened(),
    f.Acknowledged(at=at(4), by="ana"),
    status(20, "mitigating"),
    status(30, "monitoring"),
    f.Resolved(at=at(60), by="ana"),
)


def test_a_plain_life_is_measured_from_its_opening() -> None:
    found = of(*LIFE)

    assert found.time_to_acknowledge == minutes(4)
    assert found.time_to_mitigate == minutes(20)
    assert found.time_to_resolve == found.open_for == minutes(60)
    assert (found.corrected, found.clamped) == ((), ())


def test_what_nobody_said_is_not_guessed() -> None:
    found = of(opened())

    assert found.time_to_detect is found.impact is None
    assert found.time_to_acknowledge is found.time_to_mitigate is found.time_to_resolve is found.open_for is None


def test_no_facts_have_no_measures_and_a_stream_begins_with_opened() -> None:
    assert measures(()) is None
    with pytest.raises(ValueError, match="begins with Opened, got Resolved"):
        measures([f.Resolved(at=T0)])


def test_time_to_detect_needs_the_start_that_people_fill_in() -> None:
    found = of(*LIFE, corrected("started_at", -15))

    assert found.time_to_detect == minutes(15)
    assert found.impact == minutes(35)  # until it was mitigated
    assert of(*LIFE, corrected("started_at", -15), corrected("detected_at", -5)).time_to_detect == minutes(10)


def test_a_correction_recomputes_every_measure_it_touches() -> None:
    found = of(*LIFE, corrected("opened_at", -10), corrected("acknowledged_at", 1), corrected("resolved_at", 50))

    assert found.time_to_acknowledge == minutes(11)
    assert found.time_to_mitigate == minutes(30)
    assert found.time_to_resolve == minutes(60)
    assert found.corrected == ("acknowledged_at", "opened_at", "resolved_at")


def test_the_last_correction_of_an_instant_counts() -> None:
    assert of(*LIFE, corrected("resolved_at", 10), corrected("resolved_at", 40)).time_to_resolve == minutes(40)


def test_a_negative_span_is_zero_and_says_so() -> None:
    found = of(*LIFE, corrected("acknowledged_at", -3), corrected("started_at", 5))

    assert found.time_to_acknowledge == found.time_to_detect == timedelta(0)
    assert found.clamped == ("time_to_detect", "time_to_acknowledge")


def test_the_first_acknowledgement_counts_even_when_it_lapsed() -> None:
    found = of(
        opened(),
        f.Acknowledged(at=at(3), by="ana"),
        f.Unacknowledged(at=at(10), because="lapsed"),
        f.Acknowledged(at=at(12), by="ben"),
    )

    assert found.time_to_acknowledge == minutes(3)


def test_a_mitigation_that_did_not_hold_does_not_count() -> None:
    found = of(opened(), status(5, "mitigating"), status(10, "investigating"), status(30, "mitigating"))

    assert found.time_to_mitigate == minutes(30)


def test_reopening_goes_on_until_the_last_resolution_and_leaves_the_pause_out() -> None:
    found = of(
        *LIFE,
        corrected("resolved_at", 50, n=61),
        f.Reopened(at=at(80), because="again"),
        status(90, "mitigating"),
        f.Resolved(at=at(100)),
    )

    assert found.time_to_resolve == minutes(100)  # the correction spoke of the first resolution
    assert found.time_to_mitigate == minutes(90)
    assert found.open_for == minutes(100 - 30)
    assert found.reopened == 1


def test_a_reopened_incident_is_not_resolved() -> None:
    found = of(*LIFE, f.Reopened(at=at(80), because="again"))

    assert found.resolved_at is found.time_to_resolve is found.time_to_mitigate is None
    assert found.time_to_acknowledge == minutes(4)


def test_pages_levels_and_missed_promises_are_counted() -> None:
    def page(name: str, *, notice: bool = False) -> f.OwedPage:
        return f.OwedPage(id=name, person="ana", methods=(), notice=notice)

    found = of(
        opened(),
        f.Escalated(at=T0, level=1, lap=0, because="opened", who=("ana",), pages=(page("a"), page("b"))),
        f.Escalated(at=at(15), level=2, lap=0, because="time", who=("ben",), pages=(page("c"),)),
        f.NobodyReached(at=at(30), pages=(page("d"),)),
        f.Notified(at=at(31), audience="x", because="reminder", pages=(page("e", notice=True),)),
        f.PromiseMissed(at=at(32), key="respond@1#0", rule="respond", due_at=at(15)),
    )

    assert (found.escalations, found.pages, found.missed_promises) == (2, 4, 1)


def test_the_worst_severity_is_remembered() -> None:
    history = (
        opened(severity="P3"),
        f.SeverityChanged(at=at(5), severity="P1", before="P3", because="more"),
        f.SeverityChanged(at=at(9), severity="P4", before="P1", because="less"),
    )

    found = measures(history, worse=min)

    assert found is not None
    assert (found.severity, found.worst_severity) == ("P4", "P1")


# --- many -------------------------------------------------------------------------------------------------------------


def resolved_after(n: float, **more: Any) -> Measures:
    return of(opened(**more), f.Resolved(at=at(n)))


def test_means_and_percentiles_stand_side_by_side() -> None:
    spread = summarise([resolved_after(n) for n in (10, 20, 30, 40, 400)]).spans["time_to_resolve"]

    assert (spread.count, spread.mean, spread.median) == (5, minutes(100), minutes(30))
    assert (spread.p90, spread.longest) == (minutes(400), minutes(400))


def test_drills_and_duplicates_are_in_no_number() -> None:
    drill = resolved_after(1_000, drill=True)
    duplicate = of(opened(), f.MergedInto(at=at(5), other="j", reference="INC-2026-002"))

    summary = summarise([resolved_after(10), drill, duplicate])

    assert summary == summarise([resolved_after(10)])
    assert summary.incidents == 1


def test_a_drill_that_became_real_counts() -> None:
    assert of(opened(drill=True), f.MarkedDrill(at=at(1), drill=False)).counted


def test_false_alarms_are_counted_and_their_spans_are_not() -> None:
    false = of(opened(), f.MarkedFalsePositive(at=at(2)), f.Resolved(at=at(2)))

    summary = summarise([resolved_after(10), false])

    assert (summary.incidents, summary.false_positives) == (2, 1)
    assert summary.spans["time_to_resolve"].mean == minutes(10)


def test_without_incidents_there_are_no_spans() -> None:
    assert summarise([]).spans == {}


FACTS = st.lists(
    st.one_of(
        st.builds(lambda n: f.Acknowledged(at=at(n)), st.integers(0, 500)),
        st.builds(
            status,
            st.integers(0, 500),
            st.sampled_from(["investigating", "identified", "mitigating", "monitoring"]),
        ),
        st.builds(lambda n: f.Resolved(at=at(n)), st.integers(0, 500)),
        st.builds(lambda n: f.Reopened(at=at(n), because="x"), st.integers(0, 500)),
        st.builds(
            corrected,
            st.sampled_from(
                ["started_at", "detected_at", "opened_at", "acknowledged_at", "mitigated_at", "resolved_at"]
            ),
            st.integers(-500, 500),
        ),
    ),
    max_size=12,
)


@given(FACTS)
def test_no_history_gives_a_negative_time(history: list[f.AnyFact]) -> None:
    found = of(opened(), *history)
    spans = [found.time_to_detect, found.time_to_acknowledge, found.time_to_mitigate, found.time_to_resolve]

    assert all(span is None or span >= timedelta(0) for span in [*spans, found.impact, found.open_for])


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30), st.randoms())
def test_a_summary_does_not_depend_on_the_order(spans: list[int], random: Any) -> None:
    many = [resolved_after(n) for n in spans]
    summary = summarise(many)
    random.shuffle(many)
    spread = summary.spans["time_to_resolve"]

    assert summarise(many) == summary
    assert spread.median <= spread.p90 <= spread.longest
    assert minutes(min(spans)) <= spread.mean <= spread.longest
