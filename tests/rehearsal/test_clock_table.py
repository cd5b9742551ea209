"""The clocks of the five guides, lived through by rehearsal, exact to the second. The guides are read in place."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shared_files import SHARED
from tocsin.core.people import Directory
from tocsin.core.policy import Policy
from tocsin.rehearsal.acting import rehearse_scenario
from tocsin.rehearsal.expectations import check
from tocsin.rehearsal.rehearsed import Checked
from tocsin.rehearsal.scenario import read_scenario
from tocsin.rehearsal.staging import read_policy

pytestmark = pytest.mark.needs("shared")

BERLIN = "calendar: {zone: Europe/Berlin, opens: '09:00', closes: '17:00', country: DE, subdivision: BE}"


@pytest.fixture(scope="module")
def policies() -> dict[str, Policy]:
    return {path.name[:3]: read_policy(path) for path in sorted((SHARED / "guides").glob("00[0-4]_*.txt"))}


def lived(policy: Policy, text: str) -> list[Checked]:
    scenario = read_scenario(text, "scenario.yaml")
    rehearsed = rehearse_scenario(scenario, policy, Directory())
    return check(scenario.expectations, rehearsed.played, scenario.zone, "scenario.yaml")


def as_expected(policy: Policy, severity: str, expect: str, *, at: str = "2026-11-23 10:00", until: str = "8d") -> None:
    lines = "\n".join(f"  - {line.strip()}" for line in expect.strip().splitlines())
    head = f"guide: g.md\nseverity: {severity}\nat: '{at}'\nzone: Europe/Berlin\nuntil: {until}\n{BERLIN}"
    text = f"{head}\nexpect:\n{lines}"
    failed = [each for each in lived(policy, text) if not each.passed]
    assert not failed, "\n".join(f"{each.name}: expected {each.expected}, got {each.got}" for each in failed)


CLOCKS = [
    ("000", "SEV-0", "respond due +5m; resolve due +1h"),
    ("000", "SEV-1", "respond due +15m; resolve due +4h"),
    ("000", "SEV-2", "respond due +1h; resolve due +24h"),
    ("000", "SEV-3", "respond due 2026-11-24 17:00; resolve due +7d"),
    ("001", "P0", "respond due +15m"),
    ("001", "P1", "respond due +30m"),
    ("001", "P2", "respond due +2h"),
    ("001", "P3", "respond due 2026-11-24 17:00"),
    ("002", "P1", "respond due +15m"),
    ("002", "P2", "respond due +1h"),
    ("002", "P3", "respond due +4h"),
    ("002", "P4", "respond due 2026-11-24 17:00"),
    ("003", "P0", "respond due +15m"),
    ("003", "P1", "respond due +1h"),
    ("003", "P2", "respond due +4h"),
    ("003", "P3", "respond due 2026-11-24 17:00"),
    ("004", "P1", "respond due +15m"),
    ("004", "P2", "respond due +1h"),
    ("004", "P3", "respond due +4h"),
    ("004", "P4", "respond due +24h"),
]


@pytest.mark.parametrize(("guide", "severity", "clocks"), CLOCKS)
def test_every_severity_owes_its_answer_by_the_instant_the_guide_names(
    guide: str, severity: str, clocks: str, policies: dict[str, Policy]
) -> None:
    as_expected(
        policies[guide], severity, "\n".join(f"promise {each.strip()}" for each in clocks.split(";")), until="1h"
    )


@pytest.mark.parametrize(
    ("severity", "levels"),
    [
        ("SEV-0", ("+0", "+30m", "+1h", "+1h30m", "+2h", "+2h30m")),
        ("SEV-1", ("+0", "+1h", "+3h", "+5h", "+7h", "+9h")),
        ("SEV-2", ("+0", "+1h", "+3h", "+7h", "+11h", "+15h")),
    ],
)
def test_the_smaller_of_a_levels_limit_and_the_severitys_interval_counts(
    severity: str, levels: tuple[str, ...], policies: dict[str, Policy]
) -> None:
    expect = "\n".join(f"at {at}: escalated level {min(n, 4)}" for n, at in enumerate(levels, 1))

    as_expected(policies["000"], severity, expect, until="16h")


def test_a_severity_that_the_guide_leaves_untimed_climbs_from_working_day_to_working_day(
    policies: dict[str, Policy],
) -> None:
    as_expected(
        policies["000"],
        "SEV-3",
        """
        at 2026-11-27 20:30: escalated level 1
        at 2026-11-30 17:00: escalated level 2
        at 2026-12-01 17:00: escalated level 3
        never paged Executive Team
        """,
        at="2026-11-27 20:30",
        until="4d",
    )


@pytest.mark.parametrize("guide", ["002", "003"])
def test_a_ladder_without_limits_goes_on_when_the_answer_was_due(guide: str, policies: dict[str, Policy]) -> None:
    worst = "P1" if guide == "002" else "P0"

    as_expected(
        policies[guide],
        worst,
        """
        at +0: escalated level 1
        at +15m: escalated level 2
        at +15m: missed respond
        at +30m: escalated level 3
        at +45m: escalated level 4
        at +1h: nobody reached
        at +1h: escalated level 4
        """,
        until="2h",
    )


def test_customers_hear_of_it_within_the_hour(policies: dict[str, Policy]) -> None:
    as_expected(policies["000"], "SEV-0", "promise tell customers due +1h\nat +1h: missed tell customers", until="2h")
    as_expected(policies["001"], "P1", "promise tell customers due +1h", until="2h")


def test_the_team_is_owed_an_update_every_quarter_of_an_hour(policies: dict[str, Policy]) -> None:
    expect = "\n".join(f"at +{n * 15}m: missed update incident response team" for n in range(1, 5))

    as_expected(policies["000"], "SEV-0", expect, until="2h")


def test_all_roles_of_a_matrix_are_paged_at_once(policies: dict[str, Policy]) -> None:
    roles = ("all roles", "Incident Commander", "Technical Lead", "Communications Lead", "Security Lead")
    as_expected(policies["004"], "P1", f"at +0: paged {', '.join(roles)}, owner of the service", until="10m")
    as_expected(policies["004"], "P2", "at +0: paged Technical Lead, Incident Commander", until="10m")
    as_expected(policies["004"], "P3", "at +0: paged Technical Lead, On-call Engineer", until="10m")
    as_expected(policies["004"], "P4", "at +0: paged On-call Engineer", until="10m")


def test_the_first_look_is_owed_within_five_minutes_whatever_the_severity(policies: dict[str, Policy]) -> None:
    owed = "promise initial assessment due +5m\nat +5m: missed initial assessment"
    for severity in ("P1", "P2", "P3", "P4"):
        as_expected(policies["002"], severity, owed, until="6m")


@pytest.mark.parametrize(
    ("guide", "severity", "minutes"), [("000", "SEV-1", 15), ("000", "SEV-2", 60), ("001", "P1", 30), ("003", "P2", 30)]
)
def test_every_cadence_lapses_again_and_again_and_people_are_reminded_each_time(
    guide: str, severity: str, minutes: int, policies: dict[str, Policy]
) -> None:
    whom = "incident response team" if guide == "000" else "internal"
    lines = []
    for n in range(1, 4):
        risk = (n - 1) * minutes * 60 + minutes * 48
        lines += [f"at +{risk}s: at risk update {whom}", f"at +{n * minutes}m: missed update {whom}"]

    as_expected(policies[guide], severity, "\n".join(lines), until=f"{minutes * 3}m")


def test_what_is_owed_after_the_end(policies: dict[str, Policy]) -> None:
    for guide, severity, owed, due in (
        ("000", "SEV-1", "hold", "+25h"),
        ("001", "P1", "hold", "+169h"),
        ("002", "P1", "schedule", "2026-11-25 17:00"),  # "Schedule PIR meeting within 2 business days"
    ):
        text = f"""
guide: g.md
severity: {severity}
at: "2026-11-23 10:00"
zone: Europe/Berlin
until: 9d
{BERLIN}
people: {{ana: On-call}}
responses:
  - {{at: +10m, by: ana, do: acknowledge}}
  - {{at: +1h, by: ana, do: resolve}}
expect:
  - promise {owed} the review due {due}
"""
        text += "  - at +49h: told ana\n" if guide == "001" else ""  # the enhanced monitoring of 24-48 h ends
        failed = [each for each in lived(policies[guide], text) if not each.passed]
        assert not failed, failed


def test_executives_are_paged_at_once_and_management_within_the_hour(policies: dict[str, Policy]) -> None:
    as_expected(policies["001"], "P0", "at +0: told executive", until="2h")
    as_expected(policies["001"], "P1", "at +1h: told management", until="2h")


def test_a_cadence_that_stands_in_a_template_only_starts_no_timer(policies: dict[str, Policy]) -> None:
    failed = lived(
        policies["002"],
        "guide: g\nseverity: P1\nat: '2026-11-23 10:00'\nuntil: 2h\nexpect:\n  - promise update customers missed",
    )

    assert [each.passed for each in failed] == [False]


def test_a_friday_evening_before_a_holiday_is_answered_on_the_next_working_day(policies: dict[str, Policy]) -> None:
    # Friday 30 April 2027, 17:30; Saturday 1 May is a holiday anyway, so Monday. Maundy Thursday is the harder one:
    # Good Friday and Easter Monday are holidays, so Tuesday 30 March.
    as_expected(policies["000"], "SEV-3", "promise respond due 2027-05-03 17:00", at="2027-04-30 17:30", until="1h")
    as_expected(policies["001"], "P3", "promise respond due 2027-03-30 17:00", at="2027-03-25 17:30", until="1h")
    as_expected(policies["002"], "P4", "promise respond due 2027-01-04 17:00", at="2026-12-31 17:30", until="1h")
    # Friday 23 December 2033, 17:30: the 26th, a Monday, is a holiday too.
    as_expected(policies["003"], "P3", "promise respond due 2033-12-27 17:00", at="2033-12-23 17:30", until="1h")


def test_elapsed_clocks_do_not_care_that_the_clocks_change(policies: dict[str, Policy]) -> None:
    as_expected(
        policies["000"],
        "SEV-1",
        """
        promise respond due 2027-03-28 03:14
        promise resolve due 2027-03-28 06:59
        at 2027-03-28 03:59: escalated level 2
        """,
        at="2027-03-28 01:59",
        until="3h",
    )
    as_expected(
        policies["000"],
        "SEV-1",
        """
        promise respond due 2027-10-31T02:05+01:00
        promise resolve due 2027-10-31 05:50
        """,
        at="2027-10-31 02:50",
        until="3h",
    )


def test_business_clocks_end_at_local_closing_time_on_either_side_of_the_change(policies: dict[str, Policy]) -> None:
    # Saturday before and after the change: Monday, 17:00 local, which is 15:00 and 16:00 UTC. Easter Monday of 2027
    # falls on 29 March, so that Monday is none.
    as_expected(policies["000"], "SEV-3", "promise respond due 2027-03-30T15:00Z", at="2027-03-27 12:00", until="1h")
    as_expected(policies["000"], "SEV-3", "promise respond due 2027-11-01T16:00Z", at="2027-10-30 12:00", until="1h")
    as_expected(policies["004"], "P4", "promise respond due 2027-03-28T10:00Z", at="2027-03-27 11:00", until="1h")


def test_one_incident_lives_through_everything(policies: dict[str, Policy]) -> None:
    text = f"""
guide: g.md
severity: SEV-2
at: "2027-03-28 01:30"
zone: Europe/Berlin
until: 8h
{BERLIN}
paging: {{acknowledge_timeout: 40m}}
people:
  ana: On-call Engineer
  ben: [Senior Engineer]
responses:
  - {{at: +10m, by: ana, do: acknowledge}}
  - {{at: +50m, by: nobody, do: note, text: "the acknowledgement has just timed out"}}
  - {{at: +55m, by: ana, do: acknowledge}}
  - {{at: +60m, by: ana, do: snooze, for: 30m}}
  - {{at: +95m, by: ana, do: change-severity, severity: SEV-0, because: everybody is affected}}
  - {{at: +98m, by: ben, do: acknowledge}}
  - {{at: +2h, by: ben, do: resolve}}
  - {{at: +3h, by: ben, do: reopen, because: it came back}}
expect:
  - at +0: paged ana
  - promise respond:SEV-2 kept at +10m
  - at +50m: unacknowledged
  - at +50m: paged ana
  - at +1h: snoozed
  - at +1h30m: unacknowledged
  - at +1h30m: paged ana
  - at +1h35m: severity SEV-0
  - at +1h35m: paged ben
  - promise respond:SEV-0 due +100m
  - promise respond:SEV-0 due 2027-03-28 04:10
  - promise respond:SEV-0 kept at +98m
  - at +2h: kept resolve
  - at +2h: status resolved
  - at +3h: reopened
  - at +3h: escalated level 1
  - at +3h: owed respond
  - at +3h5m: missed respond
  - at +3h30m: paged ben, DevOps Lead
  - at +4h: escalated level 3
  - at end: status investigating
"""
    failed = [each for each in lived(policies["000"], text) if not each.passed]

    assert not failed, "\n".join(f"line {each.line} {each.name}: {each.expected}, got {each.got}" for each in failed)


def test_the_scenario_knows_its_guide_by_path(tmp_path: Path) -> None:
    guide = next((SHARED / "guides").glob("004_*.txt"))

    assert [each.id for each in read_policy(guide).severities] == ["P1", "P2", "P3", "P4"]
