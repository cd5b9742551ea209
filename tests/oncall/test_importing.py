"""Other tools' exports: what is carried over, what is not, and whether the shifts are the export's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run, run, server  # noqa: F401  fixtures
from tests.cli.server import Answering
from tocsin import policyfile
from tocsin.oncall.importing import grafana, opsgenie, pagerduty
from tocsin.oncall.importing.carried import week_window


def texts(*bodies: Any) -> list[tuple[str, str]]:
    return [(f"{n}.json", json.dumps(each, indent=1)) for n, each in enumerate(bodies)]


def user(key: str, name: str) -> dict[str, str]:
    return {"id": key, "type": "user_reference", "summary": name}


def entry(start: str, end: str, who: dict[str, str]) -> dict[str, Any]:
    return {"start": start, "end": end, "user": who}


EARLINE, BO = user("PXPGF42", "Earline Greenholt"), user("P2", "Bo Ek")
PD: dict[str, Any] = {
    "schedule": {
        "id": "PI7DH85",
        "type": "schedule",
        "name": "Daily Engineering Rotation",
        "time_zone": "America/New_York",
        "schedule_layers": [
            {
                "id": "PL2",
                "name": "Night",
                "start": "2026-01-01T00:00:00-05:00",
                "end": None,
                "rotation_virtual_start": "2026-01-05T20:00:00-05:00",
                "rotation_turn_length_seconds": 86400,
                "users": [{"user": BO}],
                "restrictions": [
                    {"type": "daily_restriction", "start_time_of_day": "20:00:00", "duration_seconds": 43200}
                ],
            },
            {
                "id": "PL1",
                "name": "All",
                "start": "2026-01-01T00:00:00-05:00",
                "end": None,
                "rotation_virtual_start": "2026-01-05T09:00:00-05:00",
                "rotation_turn_length_seconds": 604800,
                "users": [{"user": EARLINE}, {"user": BO}],
                "restrictions": [],
            },
        ],
        "overrides_subschedule": {
            "rendered_schedule_entries": [entry("2026-03-09T10:00:00-04:00", "2026-03-09T11:00:00-04:00", BO)]
        },
        "final_schedule": {
            "rendered_schedule_entries": [
                entry("2026-03-09T09:00:00-04:00", "2026-03-09T10:00:00-04:00", BO | {"summary": "x"}),
                entry("2026-03-09T10:00:00-04:00", "2026-03-09T11:00:00-04:00", BO),
                entry("2026-03-09T11:00:00-04:00", "2026-03-10T08:00:00-04:00", BO),
                entry("2026-03-16T09:00:00-04:00", "2026-03-16T20:00:00-04:00", EARLINE),
            ]
        },
    }
}
POLICY = {
    "escalation_policies": [
        {
            "id": "PT20YPA",
            "name": "Another Escalation Policy",
            "num_loops": 2,
            "escalation_rules": [
                {"escalation_delay_in_minutes": 30, "targets": [{"id": "PI7DH85", "type": "schedule_reference"}]},
                {"escalation_delay_in_minutes": 15, "targets": [EARLINE, {"id": "T", "type": "team_reference"}]},
            ],
        }
    ]
}
USERS = {
    "users": [
        {
            "id": "PXPGF42",
            "name": "Earline Greenholt",
            "email": "earline@example.com",
            "time_zone": "America/Lima",
            "contact_methods": [{"id": "C1", "type": "sms_contact_method_reference"}],
            "notification_rules": [{"id": "R1"}],
        }
    ]
}


def test_pagerduty_schedules_users_and_policies_are_carried_over():
    made = pagerduty.carry(texts(POLICY, PD, USERS))

    assert list(made.people) == ["earline", "bo-ek"]
    assert made.people["earline"].methods[0].address == "earline@example.com"
    (schedule,) = made.schedules
    assert [each["priority"] for each in schedule.layers] == [2, 1]
    assert schedule.layers[1]["rotation"] == {
        "frequency": "weekly",
        "interval": 1,
        "anchor": "2026-01-05T09:00:00",
        "timezone": "America/New_York",
        "users": ["earline", "bo-ek"],
    }
    assert made.escalations == {
        "another-escalation-policy": {
            "levels": [
                {"level": 1, "who": ["schedule:daily-engineering-rotation"], "within": "30m"},
                {"level": 2, "who": ["person:earline"], "within": "15m"},
            ]
        }
    }
    assert [each for each in made.left if "sms" in each or "team" in each or "repeats" in each or "rules" in each] == (
        made.left
    )
    assert len(made.left) == 4


def test_where_the_export_says_other_shifts_it_is_reported():
    """Its entries leave out the rest of the week, and say somebody else for one hour."""
    made = pagerduty.carry(texts(PD))

    assert made.compared == 1
    assert [(f"{each.start:%d %H:%M}", each.theirs) for each in made.differences] == [("10 12:00", ())]
    right = json.loads(json.dumps(PD))
    right["schedule"]["final_schedule"]["rendered_schedule_entries"].pop()
    assert pagerduty.carry(texts(right)).differences == []
    right["schedule"]["schedule_layers"].reverse()
    assert pagerduty.carry(texts(right)).differences == []  # both are Bo's


def test_a_turn_that_is_no_hours_is_left():
    odd = json.loads(json.dumps(PD))
    odd["schedule"]["schedule_layers"][0]["rotation_turn_length_seconds"] = 5400

    made = pagerduty.carry(texts(odd))

    assert "a turn of 5400 s is no whole number of hours" in made.left[0]
    assert len(made.schedules[0].layers) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"schedule": {"id": "x", "name": "n", "time_zone": "Mars"}}, "0.json:5: schedule.time_zone: expected an IANA"),
        ({"schedules": [{"id": "x", "name": "n", "time_zone": "UTC"}]}, "schedules[0].schedule_layers"),
        ({"nothing": 1}, "expected one of users, user, schedules"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_field(body: dict[str, Any], words: str):
    with pytest.raises(ValueError, match=r"0\.json:\d+: ") as raised:
        pagerduty.carry(texts(body))

    assert words in str(raised.value)


OPSGENIE_SCHEDULE = {
    "data": [
        {
            "id": "s1",
            "name": "Ops Team",
            "timezone": "Europe/Istanbul",
            "enabled": True,
            "rotations": [
                {
                    "id": "r1",
                    "name": "Rot1",
                    "startDate": "2026-02-02T05:00:00Z",
                    "type": "weekly",
                    "length": 1,
                    "participants": [
                        {"type": "user", "id": "u1", "username": "ana@example.com"},
                        {"type": "none"},
                        {"type": "team", "id": "t1", "name": "dbas"},
                    ],
                    "timeRestriction": {
                        "type": "weekday-and-time-of-day",
                        "restrictions": [
                            {
                                "startDay": "monday",
                                "startHour": 8,
                                "startMin": 0,
                                "endDay": "friday",
                                "endHour": 18,
                                "endMin": 30,
                            }
                        ],
                    },
                },
                {
                    "id": "r2",
                    "name": "Nights",
                    "startDate": "2026-02-02T05:00:00Z",
                    "type": "daily",
                    "length": 2,
                    "participants": [{"type": "user", "id": "u2", "username": "bo@example.com"}],
                    "timeRestriction": {
                        "type": "time-of-day",
                        "restriction": {"startHour": 20, "startMin": 0, "endHour": 8, "endMin": 0},
                    },
                },
            ],
        }
    ]
}
OPSGENIE_ESCALATION = {
    "data": {
        "id": "e1",
        "name": "Ops_escalation",
        "rules": [
            {
                "condition": "if-not-acked",
                "notifyType": "default",
                "delay": {"timeAmount": 0, "timeUnit": "minutes"},
                "recipient": {"type": "schedule", "id": "s1", "name": "Ops Team"},
            },
            {
                "condition": "if-not-closed",
                "notifyType": "random",
                "delay": {"timeAmount": 1, "timeUnit": "hours"},
                "recipient": {"type": "user", "id": "u2", "username": "bo@example.com"},
            },
        ],
        "repeat": {"waitInterval": 10, "count": 3},
    }
}


def test_opsgenie_delays_count_from_the_alert_and_rotations_are_together():
    made = opsgenie.carry(texts(OPSGENIE_ESCALATION, OPSGENIE_SCHEDULE))

    assert made.escalations["ops_escalation"]["levels"] == [
        {"level": 1, "who": ["schedule:ops-team"], "within": "1h"},
        {"level": 2, "who": ["person:bo"], "within": "10m"},
    ]
    (schedule,) = made.schedules
    assert schedule.combine == "union"
    first, second = schedule.layers
    assert first["rotation"]["users"] == ["ana", None, None]
    assert first["rotation"]["anchor"] == "2026-02-02T08:00:00"
    assert first["restrictions"] == [
        {"days": ["MO", "TU", "WE", "TH"], "start": "08:00", "end": "08:00"},
        {"days": ["FR"], "start": "08:00", "end": "18:30"},
    ]
    assert second["restrictions"][0]["start"] == "20:00"
    assert any("team dbas" in each for each in made.left) and any("random" in each for each in made.left)


def test_opsgenie_days_in_capitals_and_zeros_that_were_left_out_are_the_same_window():
    said = json.dumps(OPSGENIE_SCHEDULE)
    loud = said.replace('"monday"', '"MONDAY"').replace('"friday"', '"FRIDAY"').replace('"startMin": 0, ', "")
    (plain,) = opsgenie.carry(texts(OPSGENIE_SCHEDULE)).schedules
    (same,) = opsgenie.carry([("0.json", loud)]).schedules
    (midnight,) = opsgenie.carry([("0.json", said.replace('"startHour": 20, "startMin": 0, ', ""))]).schedules

    assert loud.count("startMin") == 0
    assert same == plain
    assert midnight.layers[1]["restrictions"] == [{**plain.layers[1]["restrictions"][0], "start": "00:00"}]


def test_opsgenie_overrides_and_timelines_are_read():
    override = {
        "alias": "a1",
        "_parent": {"id": "s1", "name": "Ops Team"},
        "user": {"type": "user", "id": "u2", "username": "bo@example.com"},
        "startDate": "2026-02-03T05:00:00Z",
        "endDate": "2026-02-03T15:00:00Z",
    }
    period = {
        "startDate": "2026-02-03T05:00:00Z",
        "endDate": "2026-02-03T15:00:00Z",
        "type": "override",
        "recipient": {"type": "user", "id": "u2"},
    }
    timeline = {
        "data": {
            "_parent": {"id": "s1"},
            "finalTimeline": {"rotations": [{"id": "r1", "name": "Rot1", "periods": [period]}]},
        }
    }

    made = opsgenie.carry(texts(OPSGENIE_SCHEDULE, {"data": [override]}, timeline))

    assert (made.compared, made.differences) == (1, [])
    assert made.schedules[0].temporary_schedules[0]["shifts"][0]["user"] == "bo"


@pytest.mark.parametrize(
    ("start", "local"),
    [
        ("2026-03-23T09:00:00", "2026-03-23T09:00:00"),
        ("2026-03-23T09:00:00Z", "2026-03-23T09:00:00"),
        ("2026-03-23T09:00:00+00:00", "2026-03-23T10:00:00"),
        ("2026-03-23T09:00:00-0400", "2026-03-23T14:00:00"),
    ],
)
def test_a_grafana_shift_starts_at_a_time_of_its_zone_or_at_the_instant_that_an_offset_makes_it(start: str, local: str):
    files = [
        (name, said.replace('"start": "2026-03-23T09:00:00"', f'"start": "{start}"')) for name, said in texts(*GRAFANA)
    ]
    (schedule,) = grafana.carry(files).schedules

    assert schedule.layers[0]["start_local"] == local


GRAFANA = [
    {"results": [{"id": "U1", "email": "ana@example.com", "username": "ana", "timezone": "Europe/Berlin"}]},
    {
        "results": [
            {"id": "S1", "name": "Primary", "type": "calendar", "time_zone": "Europe/Berlin", "shifts": ["O1", "O2"]}
        ]
    },
    {
        "results": [
            {
                "id": "O1",
                "name": "week",
                "type": "rolling_users",
                "time_zone": None,
                "level": 1,
                "start": "2026-03-23T09:00:00",
                "duration": 604800,
                "frequency": "weekly",
                "interval": 1,
                "week_start": "MON",
                "rolling_users": [["U1"], ["U2"]],
                "start_rotation_from_user_index": 1,
            },
            {
                "id": "O2",
                "name": "once",
                "type": "single_event",
                "level": 2,
                "start": "2026-03-24T10:00:00",
                "duration": 3600,
                "users": ["U1"],
            },
        ]
    },
    {"results": [{"id": "F1", "name": "default chain"}]},
    {
        "results": [
            {"id": "E2", "escalation_chain_id": "F1", "position": 1, "type": "wait", "duration": 300.0},
            {
                "id": "E1",
                "escalation_chain_id": "F1",
                "position": 0,
                "type": "notify_on_call_from_schedule",
                "notify_on_call_from_schedule": "S1",
            },
            {
                "id": "E3",
                "escalation_chain_id": "F1",
                "position": 2,
                "type": "notify_persons",
                "persons_to_notify": ["U1"],
            },
            {"id": "E4", "escalation_chain_id": "F1", "position": 3, "type": "trigger_webhook"},
        ]
    },
    {
        "results": [
            {"user_pk": who, "user_email": "", "user_username": "", "shift_start": start, "shift_end": end}
            for who, start, end in (
                ("U2", "2026-03-23T08:00:00Z", "2026-03-24T09:00:00Z"),
                ("U1", "2026-03-24T09:00:00Z", "2026-03-24T10:00:00Z"),
                ("U2", "2026-03-24T10:00:00Z", "2026-03-30T07:00:00Z"),
                ("U1", "2026-03-30T07:00:00Z", "2026-03-31T07:00:00Z"),
            )
        ]
    },
]


def test_grafana_shifts_over_the_spring_change_are_its_final_shifts():
    made = grafana.carry(texts(*GRAFANA))

    assert (made.compared, made.differences) == (1, [])
    assert made.escalations["default-chain"]["levels"] == [
        {"level": 1, "who": ["schedule:primary"], "within": "5m"},
        {"level": 2, "who": ["person:ana"]},
    ]
    assert made.left == ["escalation default-chain: a step of type trigger_webhook"]


@pytest.mark.parametrize(
    ("day", "start", "length", "found"),
    [
        (0, 480, 600, [("MO", "08:00", "18:00")]),
        (6, 1320, 600, [("SU", "22:00", "08:00")]),
        (5, 0, 2880, [("SA SU", "00:00", "00:00")]),
        (4, 1020, 3720, [("FR SA", "17:00", "17:00"), ("SU", "17:00", "07:00")]),
    ],
)
def test_a_window_of_a_week_is_windows_of_days(day: int, start: int, length: int, found: list[tuple[str, str, str]]):
    windows = week_window(day, start, length)

    assert [(" ".join(each["days"]), each["start"], each["end"]) for each in windows] == found


def test_the_escalations_stand_in_a_policy(run: Run, tmp_path: Path):  # noqa: F811
    (tmp_path / "pd.json").write_text(json.dumps(PD | POLICY))

    ran = run("oncall", "import", "--from", "pagerduty", str(tmp_path / "pd.json"), "--write", str(tmp_path / "out"))

    assert ran.code == 1 and "differs   daily-engineering-rotation" in ran.out
    head = "title: t\nseverities: [{id: S1, name: S1, rank: 0}]\nroutes: [{escalation: another-escalation-policy}]\n"
    written = (tmp_path / "out" / "escalations.yaml").read_text()
    problems = [each for each in policyfile.check(head + written) if "escalations" in each.field]
    assert [each for each in problems if each.level == "error"] == []


def test_what_is_applied_leaves_known_people_alone(run: Run, server: Answering, tmp_path: Path):  # noqa: F811
    (tmp_path / "g.json").write_text(json.dumps(GRAFANA[1]))
    (tmp_path / "s.json").write_text(json.dumps(GRAFANA[2]))
    server.says("GET", "/api/people", {"items": [{"id": "u1"}]})
    server.says("PUT", "/api/people/u2", {}, 201)
    server.says("PUT", "/api/schedules/primary", {}, 201)

    files = (str(tmp_path / "g.json"), str(tmp_path / "s.json"))
    ran = run("oncall", "import", "--from", "grafana", *files, "--apply", "--format", "json")

    assert ran.code == 0, ran.err
    assert [each.path for each in server.asked if each.method == "PUT"] == ["/api/people/u2", "/api/schedules/primary"]
    assert json.loads(ran.out)["compared"] == 0


def test_a_calendar_file_is_sent_to_its_schedule(run: Run, server: Answering, tmp_path: Path):  # noqa: F811
    (tmp_path / "x.ics").write_text("BEGIN:VCALENDAR")
    server.says("PUT", "/api/schedules/primary/calendars/holiday", {"shifts": 2, "people": ["ben"]})

    ran = run(
        "oncall", "import", "--from", "ical", str(tmp_path / "x.ics"), "--schedule", "primary", "--name", "holiday"
    )

    assert ran.out == "2 shifts of ben are layer of primary\n"
    assert run("oncall", "import", "--from", "ical", str(tmp_path / "x.ics")).code == 2
