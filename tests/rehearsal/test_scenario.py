"""Scenario files: what they say, what is wrong with them by line, and expectations that really are checked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.core.lives import policy
from tocsin.core.people import Directory
from tocsin.core.policy import Deadline, Paging, Policy, Route
from tocsin.rehearsal.acting import rehearse_scenario
from tocsin.rehearsal.expectations import check
from tocsin.rehearsal.rehearsed import Checked
from tocsin.rehearsal.scenario import ScenarioError, is_scenario, read_scenario
from tocsin.rehearsal.staging import Rehearsed
from tocsin.rehearsal.walls import instant, moment, offset, zone_of

HEAD = """guide: guide.md
severity: SEV-1
at: "2026-11-23 03:00"
until: 2h
people: {ana: , ben: , cleo: }
"""


def lived(text: str, made: Policy | None = None) -> tuple[Rehearsed, list[Checked]]:
    scenario = read_scenario(HEAD + text, "s.yaml")
    rehearsed = rehearse_scenario(scenario, made or policy(), Directory())
    return rehearsed, check(scenario.expectations, rehearsed.played, scenario.zone, "s.yaml")


def verdicts(*expectations: str, responses: str = "") -> list[bool]:
    lines = "\n".join(f"  - {each}" for each in expectations)
    return [each.passed for each in lived(f"{responses}\nexpect:\n{lines}")[1]]


ANSWERED = "responses:\n  - {at: +7m, by: ana, do: ack}\n  - {at: +20m, by: ana, do: resolve}"

HOLDS = [
    "at +0: paged ana",
    "at +15m: paged ben",
    "at +900s: paged ben",
    "at 2026-11-23 03:15: paged ben",
    "at 2026-11-23T03:15:00Z: paged ben",
    "at +15m: escalated level 2",
    "at +15m: escalated to level 2",
    "at +15m: not paged ana",
    "at +5m: missed respond",
    "at +4m: at risk respond",
    "at +0: owed respond",
    "at +0: severity SEV-1",
    "at +3m: nothing",
    "at +45m: nobody reached",
    "at +1m: acknowledged by nobody",
    "at end: status investigating",
    "promise respond missed",
    "promise respond:SEV-1: missed",
    "promise respond due_at +5m",
    "promise respond due 2026-11-23 03:05:00",
    "promise resolve due_at +1h",
    "paged ana 1 times",
    "never paged cleo",
]
FAILS = [
    "at +1s: paged ana",
    "at +15m: paged ana",
    "at +15m1s: paged ben",
    "at +15m: paged ben, cleo",
    "at +15m: escalated level 3",
    "at +15m: passed level 2",
    "at +15m: not paged ben",
    "at +5m1s: missed respond",
    "at +5m: missed resolve",
    "at +15m: nothing",
    "at +0: severity SEV-2",
    "at end: status resolved",
    "at +15m: told ana",
    "promise respond kept",
    "promise respond open",
    "promise respond due_at +5m1s",
    "promise reply missed",
    "paged ana 2 times",
    "never paged ben",
    "at +1h: reopened",
]


@pytest.mark.parametrize("text", HOLDS)
def test_an_expectation_that_is_met_passes(text: str) -> None:
    assert verdicts(text) == [True]


@pytest.mark.parametrize("text", FAILS)
def test_an_expectation_that_is_not_met_fails(text: str) -> None:
    assert verdicts(text) == [False]


def test_a_failure_says_what_came_instead_and_where_it_would_have_been_right() -> None:
    (found,) = lived("expect:\n  - at +10m: paged ben\n")[1]

    assert (found.name, found.line, found.passed) == ("at +10m: paged ben", 7, False)
    assert "nothing at +10m (2026-11-23 03:10:00)" in found.got
    assert "+15m" in found.got


def test_what_people_do_counts() -> None:
    assert verdicts(
        "promise resolve kept",
        "promise resolve kept at +20m",
        "promise respond missed",
        "at +7m: acknowledged",
        "at +7m: acknowledged by ana",
        "at +20m: resolved",
        "at end: status resolved",
        "never paged ben",
        responses=ANSWERED,
    ) == [True, True, True, True, True, True, True, True]


def test_people_fill_the_guides_words_and_have_methods() -> None:
    text = """people:
  zoe: {words: [ana], methods: {email: 0s, webhook: 5m}}
  yan:
    words: [ben]
    reachable: false
"""
    scenario = read_scenario(HEAD.replace("people: {ana: , ben: , cleo: }\n", "") + text, "s.yaml")

    played = rehearse_scenario(scenario, policy(), Directory()).played

    assert next(each.people for each in played.events if each.kind == "paged") == ("zoe",)
    assert scenario.unreachable == {"yan"}


def test_alerts_open_join_and_end_an_incident() -> None:
    made = policy(routes=(Route(name="all", correlate_by=("alertname",), reopen_within=Deadline(seconds=600)),))
    alerts = """alerts:
  - {at: +1m, labels: {alertname: Disk, severity: critical}}
  - {at: +3m, labels: {alertname: Disk, severity: critical, instance: b}}
  - {at: +9m, labels: {alertname: Disk, severity: critical}, status: resolved}
  - {at: +10m, labels: {alertname: Disk, severity: critical, instance: b}, status: resolved}
  - {at: +15m, labels: {alertname: Disk, severity: critical}}
expect:
  - at +0: paged ana
  - at +9m: resolved
  - at +14m: reopened
"""
    _, checked = lived(alerts, made)

    assert [each.passed for each in checked] == [True, True, True]


def test_an_alert_that_pages_nobody_says_why() -> None:
    made = policy(routes=(Route(name="quiet", matchers=("team=test",), page=False),))

    with pytest.raises(ValueError, match=r"s.yaml:7: expected an alert that opens an incident: .*pages nobody"):
        lived("alerts:\n  - {labels: {alertname: A, team: test}}\n", made)


def test_the_scenarios_calendar_and_paging_replace_the_guides() -> None:
    text = """zone: Europe/Berlin
calendar: {zone: Europe/Berlin, days: [0], opens: "10:00", closes: "12:00", closures: ["2026-11-30"]}
paging: {acknowledge_timeout: 10m}
responses: [{at: +1m, by: ana, do: acknowledge}]
expect:
  - at +11m: unacknowledged
  - promise respond:SEV-3 due 2026-12-07 12:00
"""
    made = policy()
    slow = made.severities[2].__class__(id="SEV-3", rank=2, respond_within=Deadline(calendar="next_business_day"))
    made = policy(severities=(*made.severities[:2], slow), paging=Paging())
    scenario = read_scenario(HEAD.replace("SEV-1", "SEV-3") + text, "s.yaml")

    rehearsed = rehearse_scenario(scenario, made, Directory())

    checked = check(scenario.expectations, rehearsed.played, scenario.zone, "s.yaml")
    assert [(each.name, each.passed) for each in checked] == [(each.name, True) for each in checked]


WRONG = [
    ("gide: x.md\n", 1, "did you mean guide"),
    ("guide: x.md\nat: tomorrow\n", 2, "2026-12-24 17:30"),
    ("guide: x.md\nat: 2026-02-30 10:00\n", 2, "at:"),
    ("guide: x.md\nat: 2026-12-24 17:30\nzone: Mars/Base\n", 3, "IANA"),
    ("guide: x.md\nat: 2026-12-24 17:30\nuntil: soon\n", 3, "offset"),
    ("guide: x.md\nat: 2026-12-24 17:30\nresponses:\n  - {at: +5m, do: fly}\n", 4, "do: expected one of"),
    ("guide: x.md\nat: 2026-12-24 17:30\nresponses:\n  - {do: ack}\n", 4, "at: expected a value"),
    ("guide: x.md\nat: 2026-12-24 17:30\nresponses:\n\n  - {at: 2026-12-24 17:00, do: ack}\n", 5, "after the opening"),
    ("guide: x.md\nat: 2026-12-24 17:30\nresponses:\n  - {at: +5m, do: snooze}\n", 4, "for (a span)"),
    ("guide: x.md\nat: 2026-12-24 17:30\nresponses:\n  - {at: +5m, do: ack, colour: red}\n", 4, "colour"),
    ("guide: x.md\nat: 2026-12-24 17:30\npeople:\n  ana: {methods: {pigeon: 0s}}\n", 4, "expected one of"),
    ("guide: x.md\nat: 2026-12-24 17:30\npeople:\n  ana: {zone: Moon}\n", 4, "IANA"),
    ("guide: [x\n", 2, "expected"),
]


@pytest.mark.parametrize(("text", "line", "said"), WRONG)
def test_what_is_wrong_is_named_with_its_line(text: str, line: int, said: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        read_scenario(text, "s.yaml")

    assert f"s.yaml:{line}: " in str(raised.value)
    assert said in str(raised.value)


UNCLEAR = ["ana is paged", "at +5m paged ana", "at +5m: sings", "promise respond", "at 5: paged ana"]


@pytest.mark.parametrize("text", UNCLEAR)
def test_a_sentence_that_cannot_be_checked_is_an_error_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"s\.yaml:8: expected "):
        verdicts(text)


def test_a_severity_that_the_guide_does_not_know_is_an_error_with_its_line() -> None:
    scenario = read_scenario(HEAD.replace("SEV-1", "SEV-9"), "s.yaml")

    with pytest.raises(ValueError, match=r"s\.yaml:2: severity: expected one of SEV-1, SEV-2, SEV-3, got 'SEV-9'"):
        rehearse_scenario(scenario, policy(), Directory())


def test_a_policy_is_no_scenario() -> None:
    assert is_scenario("guide: x.md\nat: now\n")
    assert not is_scenario("title: Guide\nseverities: []\n")
    assert not is_scenario("[")


def test_a_wall_time_is_read_as_its_zone_has_it() -> None:
    berlin = zone_of("Europe/Berlin")

    assert instant("2026-12-24 17:30", berlin) == datetime(2026, 12, 24, 16, 30, tzinfo=UTC)
    assert instant("2027-03-28 02:30", berlin) == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # skipped: 03:00 is next
    assert instant("2027-10-31 02:30", berlin) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)  # the first of two
    assert instant("2027-10-31 02:30+01:00", berlin) == datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert instant("2026-10-04 02:10", zone_of("Australia/Lord_Howe")) == datetime(2026, 10, 3, 15, 30, tzinfo=UTC)


def test_an_offset_reads_back() -> None:
    start = datetime(2026, 12, 24, 16, 30, tzinfo=UTC)

    assert offset(moment("+1h30m", start, zone_of("UTC")), start) == "+1h30m"
    assert moment("0", start, zone_of("UTC")) == start
