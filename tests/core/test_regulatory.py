"""The law's clocks: exact instants, nothing derived, early reminders, and every change a fact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.core.lives import Life, minutes, world
from tests.shared_files import SHARED
from tocsin.clock import ManualClock
from tocsin.core import commands as c, facts as f
from tocsin.core.escalation import World
from tocsin.core.incident import Refused
from tocsin.core.promises import next_wakeup, promises
from tocsin.core.regulatory import SUBMITTED, Enabled, runs
from tocsin.laws import ENABLED, PACK, Laws, packs_of, read_pack, shipped
from tocsin.ports import DEFAULT_TENANT
from tocsin.store.memory import MemoryStore

A = datetime(2026, 11, 20, 22, 30, tzinfo=UTC)
LATER = datetime(2027, 6, 1, tzinfo=UTC)


def hours(n: float) -> timedelta:
    return timedelta(hours=n)


def law_world(*packs: str, **more: object) -> World:
    """A world in which these packs run, every record of them confirmed."""
    store = MemoryStore(ManualClock(A))
    known = packs_of(store, DEFAULT_TENANT)
    for name in packs:
        ids = tuple(each.id for each in known[name].obligations)
        enabled = Enabled(id=name, **({"confirmed": ids, "who": ("cleo",)} | more))  # type: ignore[arg-type]
        store.put(DEFAULT_TENANT, ENABLED, name, msgspec.json.encode(enabled))
    return msgspec.structs.replace(world(), law=Laws(store, DEFAULT_TENANT).of("test"))


def life_of(*packs: str, **more: object) -> Life:
    return Life(law_world(*packs, **more), at=A - hours(1))


def record(life: Life, name: str, at: datetime, *, told: datetime | None = None, holds: bool = True) -> list:
    return life.does(
        c.RecordInstant(by="ana", name=name, happened_at=at, because="concluded", holds=holds), told or max(at, A)
    )


def submit(life: Life, name: str, at: datetime, *, told: datetime | None = None) -> list:
    command = c.SubmitReport(by="ana", obligation=name, recipient="authority", channel="portal", submitted_at=at)
    return life.does(command, told or at)


def due(life: Life, name: str) -> datetime | None:
    owing = life.now.obligations.get(name)
    return owing.due_at if owing else None


def state(life: Life, name: str) -> str:
    return next(each.state for each in promises(life.now, life.world.rules) if each.rule == f"law:{name}")


def test_hours_run_through_the_weekend() -> None:
    life = life_of("gdpr")

    record(life, "controller_aware", A)

    assert due(life, "gdpr-33-1") == A + hours(72)


def test_an_opening_alone_starts_no_clock() -> None:
    life = life_of("gdpr", "dora", "nis2", "cert-in")

    life.does(c.SetCategory(by="ana", category="Security"), A)

    assert life.now.obligations == {}


def test_awareness_alone_is_no_classification() -> None:
    life = life_of("dora")

    record(life, "aware", A)

    assert life.now.obligations == {}


@pytest.mark.parametrize(("classified", "expected"), [(2, 6), (22, 24), (24, 24), (30, 34)])
def test_four_hours_from_classifying_are_capped_by_a_day_from_awareness(classified: int, expected: int) -> None:
    life = life_of("dora")
    record(life, "aware", A)

    record(life, "classified_major", A + hours(classified))

    assert due(life, "dora-initial") == A + hours(expected)


def test_the_intermediate_report_counts_from_handing_in_the_initial_one() -> None:
    life = life_of("dora")
    record(life, "classified_major", A + hours(2))

    submit(life, "dora-initial", A + hours(5))

    assert due(life, "dora-intermediate") == A + hours(77)


def test_the_final_report_counts_from_the_newest_intermediate_one() -> None:
    life = life_of("dora")
    record(life, "classified_major", A)
    submit(life, "dora-initial", A + hours(1))
    submit(life, "dora-intermediate", datetime(2026, 11, 25, 9, tzinfo=UTC))
    assert due(life, "dora-final") == datetime(2026, 12, 25, 9, tzinfo=UTC)

    submit(life, "dora-intermediate", datetime(2026, 12, 1, 9, tzinfo=UTC))

    assert due(life, "dora-final") == datetime(2027, 1, 1, 9, tzinfo=UTC)


def test_a_month_that_is_too_short_ends_on_its_last_day() -> None:
    life = life_of("nis2")
    record(life, "aware_significant_incident", datetime(2027, 1, 29, tzinfo=UTC))

    submit(life, "nis2-23-4b", datetime(2027, 1, 31, 9, tzinfo=UTC))

    assert due(life, "nis2-23-4d") == datetime(2027, 2, 28, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("material", "day"),
    [
        (datetime(2026, 11, 23, 15, tzinfo=UTC), "2026-11-30"),  # Thanksgiving is the 26th
        (datetime(2026, 11, 20, 15, tzinfo=UTC), "2026-11-27"),
        (datetime(2026, 11, 21, 15, tzinfo=UTC), "2026-11-27"),  # a Saturday counts from Monday, which is the first day
    ],
)
def test_four_business_days_skip_federal_holidays(material: datetime, day: str) -> None:
    life = life_of("sec-8k")

    record(life, "materiality_determined", material)

    found = due(life, "sec-8k-105")
    assert found is not None
    assert str(found.date()) == day
    assert found.hour == 22 and found.minute == 30  # 17:30 in New York


def test_calendar_days_are_whole_days() -> None:
    life = life_of("us-states")
    record(life, "discovery_or_determination", A - hours(240))

    submit(life, "us-ca-individuals", A)

    assert due(life, "us-ca-ag") == A + timedelta(days=15)


def test_noticing_starts_the_six_hours() -> None:
    life = life_of("cert-in")

    record(life, "noticed_or_brought_to_notice", A)

    assert due(life, "in-certin-6h") == A + hours(6)


def test_a_duty_without_a_number_has_the_organisations_own_target_or_none() -> None:
    plain, own = life_of("contracts"), life_of("contracts", targets={"insurance-notice": 48})

    for life in (plain, own):
        record(life, "discovery_or_circumstance", A)

    assert (due(plain, "insurance-notice"), state(plain, "insurance-notice")) == (None, "open")
    assert due(own, "insurance-notice") == A + hours(48)


def test_a_limit_on_a_free_day_moves_only_where_the_entity_says_so() -> None:
    strict, moved = life_of("dora"), life_of("dora", rollover_country="DE")
    saturday = datetime(2026, 11, 28, 8, tzinfo=UTC)

    for life in (strict, moved):
        record(life, "classified_major", saturday)

    assert due(strict, "dora-initial") == saturday + hours(4)
    assert due(moved, "dora-initial") == datetime(2026, 11, 30, 11, tzinfo=UTC)  # Monday, noon in Berlin


def test_a_corrected_instant_moves_the_limit_and_leaves_both_facts() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)

    record(life, "controller_aware", A + hours(5), told=A + hours(6))

    assert due(life, "gdpr-33-1") == A + hours(77)
    recorded = [each.happened_at for each in life.facts if isinstance(each, f.InstantRecorded)]
    begun = [each.due_at for each in life.facts if isinstance(each, f.ObligationBegun)]
    assert recorded == [A, A + hours(5)]
    assert begun == [A + hours(72), A + hours(77)]


def test_an_instant_that_is_taken_back_ends_what_it_began() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)

    record(life, "controller_aware", A, told=A + hours(1), holds=False)

    assert life.now.obligations == {}
    assert not [each for each in promises(life.now, life.world.rules) if each.rule.startswith("law:")]


def test_every_review_of_materiality_is_kept() -> None:
    life = life_of("sec-8k")

    for n in range(3):
        record(life, "materiality_determined", A + hours(n), holds=False)

    assert [each.holds for each in life.facts if isinstance(each, f.InstantRecorded)] == [False] * 3
    assert life.now.obligations == {}


def test_saying_the_same_again_adds_nothing() -> None:
    life = life_of("gdpr", "uk-gdpr")
    life.does(c.Resolve(by="ana"), A)
    record(life, "controller_aware", A)

    assert record(life, "controller_aware", A, told=A + hours(2)) == []


def test_two_regimes_run_side_by_side_from_one_awareness() -> None:
    life = life_of("gdpr", "uk-gdpr")

    record(life, "controller_aware", A)

    assert due(life, "gdpr-33-1") == due(life, "ukgdpr-33") == A + hours(72)


def test_a_late_report_is_missed_and_still_starts_the_next_clock() -> None:
    life = life_of("dora")
    record(life, "classified_major", A)
    life.wakes(A + hours(4))

    submit(life, "dora-initial", A + hours(9))

    assert state(life, "dora-initial") == "missed"
    assert due(life, "dora-intermediate") == A + hours(81)


def test_a_report_given_in_time_is_kept_though_it_was_recorded_late() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)
    life.wakes(A + hours(72))

    submit(life, "gdpr-33-1", A + hours(70), told=A + hours(80))

    assert state(life, "gdpr-33-1") == "kept"


def test_people_are_reminded_at_half_of_the_time_and_paged_before_the_end() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)
    woken = []
    while (at := next_wakeup(life.now, life.world.rules)) is not None and at <= A + hours(72):
        before = len(life.facts)
        life.wakes(at)
        woken += [
            (at - A, [page.person for page in each.pages], each.pages[0].notice)
            for each in life.facts[before:]
            if isinstance(each, f.Notified) and ("GDPR" in each.because)
        ]

    assert woken == [
        (hours(36), ["cleo"], True),
        (hours(48), ["cleo"], False),
        (hours(68), ["cleo"], False),
        (hours(71), ["cleo"], False),
        (hours(72), ["cleo"], False),
    ]


def test_an_incident_is_not_closed_silently_while_a_clock_runs() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)
    life.does(c.Resolve(by="ana"), A + hours(1))

    with pytest.raises(Refused, match="the law still asks for gdpr-33-1"):
        life.does(c.Close(by="ana"), A + hours(2))
    life.does(c.Close(by="ana", because="counsel goes on with it"), A + hours(2))

    assert next_wakeup(life.now, life.world.rules) == A + hours(36)


def test_what_is_waived_is_not_asked_for() -> None:
    life = life_of("gdpr")
    record(life, "controller_aware", A)
    key = next(each.key for each in promises(life.now, life.world.rules) if each.rule == "law:gdpr-33-1")

    life.does(c.WaivePromise(by="ana", key=key, because="no risk to people"), A + hours(1))

    assert state(life, "gdpr-33-1") == "waived"
    life.does(c.Resolve(by="ana"), A + hours(1))
    life.does(c.Close(by="ana"), A + hours(2))


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (c.RecordInstant(name="opened", happened_at=A, because="x"), "name: expected an instant that an enabled pack"),
        (c.RecordInstant(name="controller_aware", happened_at=A + hours(9), because="x"), "is in the future"),
        (c.RecordInstant(name="controller_aware", happened_at=A, because=" "), "because must say who concluded"),
        (c.SubmitReport(obligation="gdpr-33-1", recipient="a", channel="b"), r"expected one that has begun \(none"),
    ],
)
def test_what_cannot_be_is_said(command: object, error: str) -> None:
    with pytest.raises((ValueError, Refused), match=error):
        life_of("gdpr").does(command, A)


def test_a_law_that_was_not_in_force_then_asks_for_nothing() -> None:
    life = Life(law_world("cra"), at=datetime(2026, 8, 1, tzinfo=UTC))

    record(life, "aware_severe_incident", datetime(2026, 8, 1, tzinfo=UTC))

    assert life.now.obligations == {}


@given(
    instants=st.lists(
        st.tuples(st.sampled_from(["aware", "classified_major"]), st.integers(0, 60), st.booleans()), max_size=6
    )
)
def test_the_limit_depends_on_what_is_known_not_on_how_it_became_known(instants: list) -> None:
    """Whatever was recorded and corrected before, the clock is that of the instants that hold in the end."""
    life = life_of("dora")
    known: dict[str, datetime | None] = {"aware": None, "classified_major": None}
    for n, (name, hour, holds) in enumerate(instants):
        record(life, name, A + hours(hour), told=A + hours(100) + minutes(n), holds=holds)
        known[name] = A + hours(hour) if holds else None

    aware, classified = known["aware"], known["classified_major"]
    expected = None
    if classified is not None:
        expected = classified + hours(4)
        if aware is not None and classified <= aware + hours(24):
            expected = min(expected, aware + hours(24))
    assert due(life, "dora-initial") == expected


# --- the packs --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(shipped()))
def test_every_pack_that_ships_is_read_and_names_its_sources(name: str) -> None:
    pack = read_pack(shipped()[name], f"{name}.yaml")

    assert pack.id == name
    for each in pack.obligations:
        assert each.source.citation and each.recipients and each.title
        event = each.deadline.from_event
        if event.startswith(SUBMITTED):
            assert event.removeprefix(SUBMITTED).removesuffix("-latest") in {other.id for other in pack.obligations}


def test_only_what_was_read_and_is_in_force_runs_unconfirmed() -> None:
    for name, text in shipped().items():
        for each in read_pack(text, name).obligations:
            sure = each.verification == "text_seen" and each.status == "in_force"
            assert runs(each, Enabled(id=name)) == sure
            assert runs(each, Enabled(id=name, confirmed=(each.id,)))
            assert not runs(each, Enabled(id=name, confirmed=(each.id,), excluded=(each.id,)))


@pytest.mark.needs("shared")
def test_the_packs_say_what_the_reference_says() -> None:
    wanted = msgspec.json.decode((SHARED / "fixtures" / "regulatory_clocks.json").read_bytes())["clocks"]
    found = {each.id: each for name, text in shipped().items() for each in read_pack(text, name).obligations}

    assert found.keys() == {each["id"] for each in wanted}
    for each in wanted:
        mine, limit = found[each["id"]], each["deadline"]
        assert mine.deadline.unit == limit["unit"]
        assert mine.deadline.from_event == limit["from_event"]
        assert (mine.deadline.amount or 0) == (limit["amount"] or 0)
        assert (mine.verification, mine.status) == (each["verification"], each["status"])
        assert mine.in_force_since == each["in_force_since"]
        assert mine.deadline.calendar == limit.get("calendar")
        assert mine.deadline.rollover == bool(limit.get("rollover"))


BAD = """\
id: mine
title: Mine
jurisdiction: here
as_of: "2026-11-21"
obligations:
  - id: one
    title: One
    applies_to: us
    stage: notify
    deadline: {from_event: %s, unit: hour, amount: %s}
    recipients: [somebody]
    source: {citation: "a contract"}
    verification: text_seen
"""


def test_a_pack_of_ones_own_replaces_the_shipped_one() -> None:
    store = MemoryStore(ManualClock(A))
    pack = read_pack((BAD % ("aware", "10")).replace("id: mine", "id: gdpr"), "mine.yaml")
    store.put(DEFAULT_TENANT, PACK, "gdpr", msgspec.json.encode(pack))
    store.put(DEFAULT_TENANT, ENABLED, "gdpr", msgspec.json.encode(Enabled(id="gdpr", guides=("test",))))

    laws = Laws(store, DEFAULT_TENANT)

    assert [each.obligation.id for each in laws.of("test").obligations] == ["one"]
    assert laws.of("other").obligations == ()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (BAD % ("aware", "none"), r"mine.yaml:10: .*deadline.amount: expected a whole number"),
        (BAD % ("aware", "0"), r"mine.yaml:10: .*expected a number from 1 to 10000 of hour, got 0"),
        (BAD % ("'submitted:two'", "5"), r"mine.yaml:10: .*expected the id of an obligation of this pack"),
        ((BAD % ("aware", "5")).replace("unit: hour", "unit: fortnight"), r"mine.yaml:10: .*unit"),
        ((BAD % ("aware", "5")).replace("2026-11-21", "yesterday"), r"mine.yaml:4: as_of: expected a day"),
        ((BAD % ("aware", "5")).replace("stage: notify", "stages: notify"), r"mine.yaml:9: .*stages"),
        ("id: [", "mine.yaml:2"),
    ],
)
def test_a_flaw_of_a_pack_is_named_by_line(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        read_pack(text, "mine.yaml")
