"""What each command asks of the server, what it prints, and how it ends."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tocsin.cli.verbs import HELP, SHORT
from tocsin.clock import SystemClock
from tocsin.core import commands as c

INCIDENT: dict[str, Any] = {
    "id": "a1",
    "reference": "INC-2026-001",
    "title": "Checkout is down",
    "status": "investigating",
    "severity": "P1",
    "guide": "guide",
    "service": "checkout",
    "opened_at": "2026-11-23T03:00:00.123456Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "resolved_at": None,
    "roles": {"Incident Commander": ["ana"]},
    "alerts": [],
    "promises": [
        {
            "key": "k",
            "rule": "respond:P1",
            "text": "respond (15 minutes)",
            "state": "open",
            "due_at": "2026-11-23T03:15:00Z",
        }
    ],
    "firing": 2,
    "alert_count": 3,
}
PLACE = "/api/incidents/INC-2026-001"


# --- where, and with which token


def test_the_token_of_the_environment_is_sent(run: Run, server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    server.says("GET", PLACE, INCIDENT)
    monkeypatch.setenv("TOCSIN_TOKEN", "toc_a_b")

    run("incident", "show", "INC-2026-001")

    assert server.last.headers["authorization"] == "Bearer toc_a_b"


def test_on_the_servers_machine_its_own_token_is_used(run: Run, server: Answering, tmp_path: Path) -> None:
    server.says("GET", PLACE, INCIDENT)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cli.token").write_text("toc_local_x\n")

    run("incident", "show", "INC-2026-001")

    assert server.last.headers["authorization"] == "Bearer toc_local_x"


def test_the_local_token_is_never_sent_to_another_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tocsin.cli.client import connect

    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cli.token").write_text("toc_local_x\n")
    monkeypatch.setenv("TOCSIN_URL", "http://tocsin.example.org")

    assert connect()._token is None


def test_a_redirect_is_not_followed_with_the_token(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, {"detail": "moved"}, 302)

    ran = run("incident", "show", "INC-2026-001")

    assert ran.code == 1
    assert len(server.asked) == 1


def test_a_server_on_another_port_is_found_by_what_it_left_in_its_data(
    run: Run, server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make run PORT=9000`, and the next command of the README."""
    server.says("GET", PLACE, INCIDENT)
    server.says("GET", f"{PLACE}/changes", {"items": []})
    monkeypatch.delenv("TOCSIN_URL")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cli.url").write_text(f"{server.url}\n")
    (tmp_path / "data" / "cli.token").write_text("toc_local_x\n")

    assert run("incident", "show", "INC-2026-001").code == 0
    assert server.last.headers["authorization"] == "Bearer toc_local_x"
    monkeypatch.setenv("TOCSIN_URL", "http://127.0.0.1:1")
    assert run("incident", "show", "INC-2026-001").code == 4


def test_the_configuration_says_where_the_server_is(
    run: Run, server: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.says("GET", PLACE, INCIDENT)
    server.says("GET", f"{PLACE}/changes", {"items": []})
    monkeypatch.delenv("TOCSIN_URL")
    (tmp_path / "tocsin.toml").write_text(f'[server]\nlisten = "{server.url.removeprefix("http://")}"\n')

    assert run("incident", "show", "INC-2026-001").code == 0


def test_a_server_that_does_not_answer_is_undecided(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_URL", "http://127.0.0.1:1")

    ran = run("incident", "list")

    assert ran.code == 4
    assert "no answer from http://127.0.0.1:1: Connection refused;" in ran.err
    assert ran.out == ""


@pytest.mark.parametrize(("status", "code"), [(400, 2), (401, 1), (403, 1), (404, 3), (409, 1), (500, 4), (503, 4)])
def test_a_refusal_is_said_on_stderr_and_in_the_exit_code(run: Run, server: Answering, status: int, code: int) -> None:
    server.says("GET", PLACE, {"detail": "because of this"}, status)

    ran = run("incident", "show", "INC-2026-001")

    assert ran.code == code
    assert ran.out == ""
    assert ran.err.startswith("tocsin: ")
    assert status == 401 or "because of this" in ran.err


def test_without_a_token_a_401_says_what_to_do(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, {"detail": "no"}, 401)

    assert "set TOCSIN_TOKEN" in run("incident", "show", "INC-2026-001").err


def test_what_is_no_tocsin_is_said_so(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, b"<html>")

    assert "is that a Tocsin?" in run("incident", "show", "INC-2026-001").err


def test_a_wrong_url_is_a_usage_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_URL", "tocsin.example.org")

    ran = run("incident", "list")

    assert (ran.code, "TOCSIN_URL: expected an address" in ran.err) == (2, True)


# --- incidents


def test_declaring_sends_what_was_said_and_prints_the_reference(run: Run, server: Answering) -> None:
    server.says("POST", "/api/incidents", INCIDENT, 201)

    ran = run("incident", "declare", "Checkout is down", "--severity", "P1", "--drill", "--idempotency-key", "k1")

    assert server.last.json == {"title": "Checkout is down", "severity": "P1", "drill": True}
    assert server.last.headers["idempotency-key"] == "k1"
    assert ran.out == "INC-2026-001  P1  investigating  Checkout is down\n"


def test_a_listing_follows_the_cursor_up_to_its_limit(run: Run, server: Answering) -> None:
    server.says("GET", "/api/incidents", {"items": [INCIDENT, INCIDENT], "next": "cursor"})

    ran = run("incident", "list", "--limit", "3", "--format", "json")

    assert len(json.loads(ran.out)) == 3
    assert [asked.path for asked in server.asked] == [
        "/api/incidents?status=open&limit=3",
        "/api/incidents?cursor=cursor&status=open&limit=3",
    ]


def test_a_listing_is_a_table_with_instants_to_the_second(run: Run, server: Answering) -> None:
    server.says("GET", "/api/incidents", {"items": [INCIDENT], "next": None})

    lines = run("incident", "list", "--all").out.splitlines()

    assert lines[0].split()[:3] == ["REFERENCE", "SEVERITY", "STATUS"]
    assert "2026-11-23 03:00:00" in lines[1]
    assert server.last.path == "/api/incidents?limit=50"


def test_an_incident_is_shown_with_what_is_owed(run: Run, server: Answering) -> None:
    server.says("GET", PLACE, INCIDENT)
    deployed = {"at": "2026-11-23T02:48:00Z", "text": "v4.18\x1b[2J", "what": "checkout", "source": "ci", "url": ""}
    server.says("GET", f"{PLACE}/changes", {"items": [deployed]})

    out = run("incident", "show", "INC-2026-001").out

    assert "  changed 2026-11-23 02:48:00 UTC: checkout v4.18" in out
    assert "\x1b" not in out

    assert "INC-2026-001  P1  investigating" in out
    assert "Incident Commander: ana" in out
    assert "promise open: respond (15 minutes) by 2026-11-23 03:15:00 UTC" in out


def test_a_timeline_is_followed_to_its_end(run: Run, server: Answering) -> None:
    item = {"version": 1, "at": "2026-11-23T03:00:00Z", "by": "ana", "kind": "NoteAdded", "text": "Looking", "data": {}}
    server.says("GET", f"{PLACE}/timeline", {"items": [item], "next": None})

    assert run("incident", "timeline", "INC-2026-001").out == "2026-11-23 03:00:00  ana  Looking\n"


def test_a_title_cannot_move_the_cursor_of_a_terminal(run: Run, server: Answering) -> None:
    server.says("GET", "/api/incidents", {"items": [{**INCIDENT, "title": "\x1b[2Jgone\nnew line"}], "next": None})

    out = run("incident", "list").out

    assert "\x1b" not in out
    assert len(out.splitlines()) == 2


def test_names_are_quoted_in_paths(run: Run, server: Answering) -> None:
    run("incident", "show", "../people/x?y")

    assert server.last.path == "/api/incidents/..%2Fpeople%2Fx%3Fy"


@pytest.mark.parametrize(
    ("args", "tag", "body"),
    [
        (["ack", "INC-2026-001"], "acknowledge", {"via": "cli"}),
        (["unack", "INC-2026-001", "wrong team"], "unacknowledge", {"because": "wrong team"}),
        (
            ["escalate", "INC-2026-001", "need help", "--trigger", "t"],
            "escalate",
            {"because": "need help", "trigger": "t"},
        ),
        (["severity", "INC-2026-001", "P2", "less"], "change-severity", {"severity": "P2", "because": "less"}),
        (["status", "INC-2026-001", "monitoring"], "change-status", {"status": "monitoring"}),
        (
            ["set-affected", "INC-2026-001", "--service", "a", "--service", "b"],
            "set-affected",
            {"services": ["a", "b"]},
        ),
        (["set-customer-impact", "INC-2026-001", "--users", "40"], "set-customer-impact", {"users": 40}),
        (["note", "INC-2026-001", "hm", "--private"], "add-note", {"text": "hm", "private": True}),
        (["drill", "INC-2026-001", "--no-drill"], "mark-drill", {"drill": False}),
        (["resolve", "INC-2026-001"], "resolve", {}),
        (["merge", "INC-2026-001", "INC-2026-002"], "merge", {"into": "INC-2026-002"}),
    ],
)
def test_a_command_becomes_its_request(
    run: Run, server: Answering, args: list[str], tag: str, body: dict[str, Any]
) -> None:
    server.says("POST", f"{PLACE}/{tag}", INCIDENT)

    ran = run("incident", *args)

    assert ran.code == 0, ran.err
    sent = {name: value for name, value in server.last.json.items() if value not in (False,) or name in body}
    assert sent == body


def test_whoever_is_told_nothing_is_named_with_what_to_do(run: Run, server: Answering) -> None:
    nowhere = {"audience": "customers", "name": "customers", "goes": "nowhere", "why": "it has no channel"}
    server.says("POST", f"{PLACE}/preview", {"items": [nowhere]})
    server.says("POST", f"{PLACE}/say", INCIDENT)
    server.says("GET", f"{PLACE}/told", {"drafts": [], "items": []})

    ran = run("incident", "say", "INC-2026-001", "--to", "customers")

    assert ran.code == 0, ran.err
    assert "customers: nothing goes out, it has no channel (`tocsin audience set customers --channel" in ran.err


def test_snoozing_takes_a_time_from_now(run: Run, server: Answering) -> None:
    server.says("POST", f"{PLACE}/snooze", INCIDENT)
    before = SystemClock().now()

    run("incident", "snooze", "INC-2026-001", "30m")

    until = datetime.fromisoformat(server.last.json["until"])
    assert timedelta(minutes=30) <= until - before < timedelta(minutes=31)


def test_an_instant_with_a_zone_is_sent_as_that_instant(run: Run, server: Answering) -> None:
    server.says("POST", f"{PLACE}/snooze", INCIDENT)

    run("incident", "snooze", "INC-2026-001", "2026-11-23T14:00:00+02:00")

    assert datetime.fromisoformat(server.last.json["until"]) == datetime.fromisoformat("2026-11-23T12:00:00+00:00")


def test_an_instant_that_is_none_is_a_usage_error(run: Run, server: Answering) -> None:
    assert run("incident", "snooze", "INC-2026-001", "soon").code == 2


@pytest.mark.slow
def test_every_command_of_the_core_is_a_sub_command_with_help(run: Run) -> None:
    tags = {str(each.__struct_config__.tag) for each in get_args(c.AnyCommand)} - {"declare"}
    listed = run("incident", "--help").out

    assert tags == set(HELP)
    assert set(SHORT) <= tags
    for tag in tags:
        assert f"  {SHORT.get(tag, tag)}  " in listed
        assert run("incident", tag, "--help").code == 0


@pytest.mark.parametrize("frozen", [True, False])
def test_a_pipeline_can_ask_whether_it_may_deploy(run: Run, server: Answering, frozen: bool) -> None:
    incidents = [{**INCIDENT, "services": ["db"]}] if frozen else []
    server.says("GET", "/api/freeze", {"frozen": frozen, "service": "db", "incidents": incidents})

    assert run("incident", "frozen", "--service", "db").code == int(frozen)


# --- directory and access


def test_adding_a_person_sends_their_methods_in_order(run: Run, server: Answering) -> None:
    server.says("PUT", "/api/people/ana", {"id": "ana", "methods": [1, 2]}, 201)

    ran = run("person", "add", "ana", "-r", "ntfy://ntfy.sh/ana", "-r", "5m=ana@example.org", "--role", "IC")

    assert ran.code == 0, ran.err
    assert server.last.json["methods"] == [
        {"kind": "ntfy", "address": "https://ntfy.sh/ana", "after_seconds": 0, "enabled": True},
        {"kind": "email", "address": "ana@example.org", "after_seconds": 300, "enabled": True},
    ]
    assert server.last.json["roles"] == ["IC"]


def test_a_way_to_reach_somebody_that_is_none_is_a_usage_error(run: Run, server: Answering) -> None:
    ran = run("person", "add", "ana", "-r", "pigeon")

    assert ran.code == 2
    assert server.asked == []


def test_a_method_is_verified_confirmed_and_tested(run: Run, server: Answering) -> None:
    where = "/api/people/ana/contacts"
    server.says("POST", f"{where}/verify", {"receipt": "sent", "detail": ""}, 202)
    server.says("POST", f"{where}/test", {"receipt": "sent", "detail": ""})
    server.says("POST", f"{where}/confirm", {"items": []})

    asked = run("person", "verify", "ana", "sms:+4912345")
    assert (asked.code, asked.out) == (0, "a code was sent by sms:+4912345\n")
    assert server.last.json == {"kind": "sms", "address": "+4912345"}
    confirmed = run("person", "confirm", "ana", "sms:+4912345", "123456")
    assert (confirmed.code, confirmed.out) == (0, "sms:+4912345 of ana is verified\n")
    assert server.last.json == {"kind": "sms", "address": "+4912345", "code": "123456"}
    tested = run("person", "test", "ana", "email")
    assert (tested.code, tested.out, server.last.json) == (0, "a test was sent by email\n", {"kind": "email"})


def test_a_test_that_nobody_took_ends_with_1_and_says_why(run: Run, server: Answering) -> None:
    server.says("POST", "/api/people/ana/contacts/test", {"receipt": "bad_address", "detail": "no such mailbox"})

    ran = run("person", "test", "ana", "email")

    assert (ran.code, ran.out) == (1, "")
    assert "bad_address: no such mailbox" in ran.err


def test_the_ways_to_reach_somebody_are_listed_with_what_is_known_of_them(run: Run, server: Answering) -> None:
    known = {"enabled": True, "used": True, "verified_at": "2026-11-28T03:00:00Z", "tested_at": None}
    mail = known | {"kind": "email", "address": "ana@example.org", "tested_ok": None, "tested_detail": ""}
    text = known | {"kind": "sms", "address": "+49...45", "tested_ok": False, "tested_detail": "refused"}
    server.says("GET", "/api/people/ana/contacts", {"items": [mail, text]})

    ran = run("person", "contacts", "ana")

    assert ran.code == 0
    assert "email:ana@example.org" in ran.out and "sms:+49...45" in ran.out and "refused" in ran.out


def test_people_are_listed_as_they_would_be_added(run: Run, server: Answering) -> None:
    methods = [
        {"kind": "email", "address": "ana@example.org", "after_seconds": 300, "enabled": True},
        {"kind": "console", "address": "", "after_seconds": 0, "enabled": False},
    ]
    server.says("GET", "/api/people", {"items": [{"id": "ana", "methods": methods, "roles": [], "active": True}]})

    assert "5m=ana@example.org, (console)" in run("person", "list").out
    assert json.loads(run("person", "list", "--format", "json").out)[0]["methods"] == methods


@pytest.mark.parametrize(
    ("args", "path", "body"),
    [
        (
            ["team", "add", "web", "-m", "ana", "-m", "bo", "--lead", "ana"],
            "/api/teams/web",
            {"id": "web", "name": "", "members": ["ana", "bo"], "lead": "ana"},
        ),
        (
            ["service", "add", "db", "--owner", "web", "--tier", "0"],
            "/api/services/db",
            {"id": "db", "name": "", "owner": "web", "tier": 0, "depends_on": [], "components": []},
        ),
        (["binding", "add", "CTO", "ana"], "/api/bindings/CTO", {"id": "CTO", "means": ["ana"]}),
    ],
)
def test_a_document_is_put_under_its_id(
    run: Run, server: Answering, args: list[str], path: str, body: dict[str, Any]
) -> None:
    server.says("PUT", path, body)

    assert run(*args).code == 0
    assert [each.json for each in server.asked if each.method == "PUT"] == [body]


@pytest.mark.parametrize(("noun", "path"), [("person", "people"), ("team", "teams"), ("token", "tokens")])
def test_removing_what_is_not_there_is_no_match(run: Run, server: Answering, noun: str, path: str) -> None:
    server.says("DELETE", f"/api/{path}/here", None, 204)

    assert run(noun, "remove", "here").code == 0
    assert run(noun, "remove", "gone").code == 3


def test_a_new_source_prints_where_to_send(run: Run, server: Answering, tmp_path: Path) -> None:
    server.says("POST", "/api/sources", {"name": "g", "url": "http://x/in/generic/t"}, 201)
    (tmp_path / "mapping.json").write_text('{"title": "summary"}')
    (tmp_path / "secret").write_text("s3cret\n")

    ran = run("source", "add", "g", "--kind", "generic", "--mapping", "mapping.json", "--secret-file", "secret")

    assert ran.out == "http://x/in/generic/t\n"
    assert server.last.json == {"name": "g", "kind": "generic", "mapping": {"title": "summary"}, "secret": "s3cret"}


PEOPLE = ("/api/people", [{"id": "ana"}]), ("/api/accounts", [{"person": "Ben"}])


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("anna", "'anna', did you mean ana? (the token"),
        ("ben", "'ben', did you mean Ben? (the"),
        ("ana", ""),
        ("Ben", ""),
    ],
)
def test_a_token_for_nobody_who_is_known_is_made_and_doubted(
    run: Run, server: Answering, person: str, said: str
) -> None:
    server.says("POST", "/api/tokens", {"token": "toc_a_b", "id": "a"}, 201)
    for path, items in PEOPLE:
        server.says("GET", path, {"items": items})

    ran = run("token", "add", "phone", "--person", person)

    assert (ran.code, ran.out) == (0, "toc_a_b\n")
    assert ("person: nothing here is called " + said in ran.err) if said else ran.err == ""
    assert ("`tocsin token remove a`" in ran.err) == bool(said)


def test_maintenance_of_a_service_that_is_not_known_is_planned_and_doubted(run: Run, server: Answering) -> None:
    server.says("POST", "/api/maintenance", {"id": "m1"}, 201)
    server.says("GET", "/api/services", {"items": [{"id": "checkout"}]})

    slip, right = (run("maintenance", "add", "2h", "--service", name) for name in ("chekout", "checkout"))

    assert (slip.code, slip.out, right.err) == (0, "m1\n", "")
    assert slip.err.startswith("service: nothing here is called 'chekout', did you mean checkout? (the window holds")


def test_who_may_not_see_the_directory_plans_all_the_same(run: Run, server: Answering) -> None:
    server.says("POST", "/api/maintenance", {"id": "m1"}, 201)
    server.says("GET", "/api/services", {"detail": "no"}, 403)

    ran = run("maintenance", "add", "2h", "--service", "chekout")

    assert (ran.code, ran.out, ran.err) == (0, "m1\n", "")


def test_a_new_token_is_printed_alone_so_that_a_script_can_take_it(run: Run, server: Answering) -> None:
    server.says("POST", "/api/tokens", {"token": "toc_a_b"}, 201)

    assert run("token", "add", "ci", "--program", "--role", "viewer", "--days", "30").out == "toc_a_b\n"
    assert server.last.json == {"name": "ci", "role": "viewer", "service": True, "days": 30}
