"""The commands that run on the server's machine: doctor, backup, restore, policy check, serve."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from tests.audit.given import Installation
from tests.cli.conftest import Ran, Run
from tests.store.given import T0, TENANT, append, page
from tocsin.cli.doctor import examine
from tocsin.clock import ManualClock
from tocsin.guides import Guides
from tocsin.policyfile import load
from tocsin.store.sqlite import SqliteStore

PEOPLE = """
[[people]]
id = "ana"
methods = ["ana@example.org", "console"]
[paging]
last_resort = ["ana"]
"""


class Mailbox:
    """A mail server that takes everything."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        return "250 OK"


@pytest.fixture
def smtp_port() -> Iterator[int]:
    loop = asyncio.new_event_loop()
    made = loop.create_server(lambda: SMTP(Mailbox(), loop=loop), "127.0.0.1", 0)
    server = loop.run_until_complete(made)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        yield listening.getsockname()[1]


def findings(ran: Ran) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(ran.out):
        found.setdefault(each["check"], []).append((each["state"], each["text"]))
    return found


def told(tmp_path: Path, text: str, listen: str = "127.0.0.1:0") -> None:
    (tmp_path / "tocsin.toml").write_text(f'[server]\nlisten = "{listen}"\n{text}')


def data_of(tmp_path: Path) -> SqliteStore:
    (tmp_path / "data").mkdir(mode=0o700)
    return SqliteStore(tmp_path / "data" / "tocsin.db", ManualClock(T0))


# --- doctor


def test_a_sound_installation_has_nothing_to_say(run: Run, tmp_path: Path, smtp_port: int) -> None:
    told(tmp_path, f'[smtp]\nhost = "127.0.0.1"\nport = {smtp_port}\nfrom = "tocsin@example.org"\n{PEOPLE}')
    data_of(tmp_path).close()

    ran = run("doctor", "--format", "json")

    assert ran.code == 0, ran.out
    assert {state for some in findings(ran).values() for state, _ in some} == {"ok"}
    assert set(findings(ran)) == {"configuration", "data directory", "database", "clock", "port", "smtp", "people"}


def test_a_configuration_that_cannot_be_read_is_the_only_finding(run: Run, tmp_path: Path) -> None:
    told(tmp_path, "[smpt]\nhost = 'x'\n")

    ran = run("doctor", "--format", "json")

    assert ran.code == 1
    assert findings(ran) == {
        "configuration": [("error", "tocsin.toml:3: smpt: expected a known setting, got 'smpt'; did you mean smtp?")]
    }


def test_a_mail_server_that_does_not_answer_is_an_error(run: Run, tmp_path: Path) -> None:
    told(tmp_path, f'[smtp]\nhost = "127.0.0.1"\nport = 1\nfrom = "tocsin@example.org"\n{PEOPLE}')

    ran = run("doctor", "--format", "json")

    assert ran.code == 1
    assert findings(ran)["smtp"][0][0] == "error"
    assert "127.0.0.1:1: " in findings(ran)["smtp"][0][1]


def test_a_mail_server_without_encryption_is_an_error_when_encryption_is_asked_for(
    run: Run, tmp_path: Path, smtp_port: int
) -> None:
    smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {smtp_port}\nfrom = "a@example.org"\ntls = "starttls"\n'
    told(tmp_path, smtp + PEOPLE)

    assert findings(run("doctor", "--format", "json"))["smtp"][0][0] == "error"


def test_people_who_cannot_be_reached_are_errors(run: Run, tmp_path: Path) -> None:
    told(tmp_path, '[[people]]\nid = "ana"\n[[people]]\nid = "bo"\nmethods = ["bo@example.org"]\n')

    found = findings(run("doctor", "--format", "json"))

    assert ("error", "ana: has no way to be reached") in found["people"]
    assert ("error", "bo: is reached by mail only; there is no [smtp]") in found["people"]


def test_nobody_to_page_is_an_error(run: Run, tmp_path: Path) -> None:
    told(tmp_path, "")

    ran = run("doctor", "--format", "json")

    assert ran.code == 1
    assert findings(ran)["people"][0][1].startswith("there is nobody to page")


def test_people_in_the_store_count_too(run: Run, tmp_path: Path) -> None:
    told(tmp_path, "")
    store = data_of(tmp_path)
    person = b'{"id":"cy","methods":[{"kind":"console","address":""}]}'
    store.put(TENANT, "person", "cy", person)
    store.close()

    assert findings(run("doctor", "--format", "json"))["people"] == [("ok", "cy: console")]


def test_a_last_resort_that_means_nobody_is_an_error(run: Run, tmp_path: Path) -> None:
    told(tmp_path, PEOPLE.replace('["ana"]\n', '["nobody"]\n'))

    found = findings(run("doctor", "--format", "json"))

    assert ("error", "last_resort: nobody means nobody") in found["people"]


def test_a_level_whose_words_mean_nobody_is_a_warning(run: Run, tmp_path: Path) -> None:
    told(tmp_path, PEOPLE + '[bindings]\n"on-call" = "ana"\n')
    store = data_of(tmp_path)
    text = (
        "title: Small\nseverities: [{id: P1, name: Critical, rank: 0, description: bad}]\n"
        "escalation: {levels: [{level: 1, who: [On-Call], within: 15m}, {level: 2, who: [CTO, owner], within: 15m}]}\n"
        "communications: [{audience: customers, within: 1h}]\n"
    )
    Guides(store).activate(TENANT, "small", load(text))
    store.close()

    ran = run("doctor", "--format", "json")

    assert findings(ran)["guides"] == [
        ("warning", "guide small, level 2: 'CTO' means nobody; add it to [bindings]"),
        (
            "warning",
            "guide small: customers are owed news and have no channel: `tocsin audience set customers --channel ...`",
        ),
    ]


def test_a_source_of_an_unknown_kind_is_an_error(run: Run, tmp_path: Path) -> None:
    told(tmp_path, f'[[sources]]\nname = "p"\nkind = "promethues"\ntoken = "0123456789abcdef"\n{PEOPLE}')

    assert "got 'promethues'" in findings(run("doctor", "--format", "json"))["sources"][0][1]


def test_logs_that_are_watched_can_be_read_or_it_is_said(run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("started\n")
    logs = '[[logs]]\nname = "app"\nfiles = ["*.log"]\n[[logs]]\nname = "old"\nfiles = ["gone.log"]\n'
    told(tmp_path, f"{logs}{PEOPLE}")

    found = findings(run("doctor", "--format", "json"))["logs"]

    assert found == [("ok", "app: 1 file, 0 rules"), ("warning", f"old: no file is called {tmp_path}/gone.log")]


def test_a_prometheus_that_nobody_finds_is_an_error(run: Run, tmp_path: Path, taken: int) -> None:
    asked = '[[queries]]\nname = "up"\nquery = "up"\nbelow = 1\n'
    told(tmp_path, f'[prometheus]\nurl = "http://127.0.0.1:{taken}"\n{asked}{PEOPLE}')

    ((state, text),) = findings(run("doctor", "--format", "json"))["queries"]

    assert (state, text.startswith(f"127.0.0.1:{taken} does not answer")) == ("error", True)


def test_a_port_that_somebody_else_has_is_an_error(run: Run, tmp_path: Path, taken: int) -> None:
    told(tmp_path, PEOPLE, f"127.0.0.1:{taken}")

    (state, text) = findings(run("doctor", "--format", "json"))["port"][0]

    assert state == "error"
    assert "Address already in use" in text


def test_a_damaged_database_is_an_error(run: Run, tmp_path: Path) -> None:
    told(tmp_path, PEOPLE)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tocsin.db").write_bytes(b"not a database" * 500)

    assert findings(run("doctor", "--format", "json"))["database"][0][0] == "error"


def test_a_clock_that_went_back_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told(tmp_path, PEOPLE)
    store = data_of(tmp_path)
    store.commit([append(pages=(page("p1"),))])
    store.claim_pages(T0, 1, 60)
    store.close()

    earlier = ManualClock(T0.replace(day=22))
    clocks = [each for each in examine(None, None, None, earlier) if each.check == "clock"]

    assert [each.state for each in clocks] == ["error", "ok"]
    assert "2026-11-23 03:00:00 UTC, which is yet to come" in clocks[0].text


# --- the audit trail


def test_an_anchor_that_was_emptied_is_no_reason_to_believe_the_log(run: Run, tmp_path: Path) -> None:
    """Whoever can empty the directory would otherwise have a rewritten log called valid for want of a checkpoint."""
    house = Installation(tmp_path / "data")
    for tenant in (TENANT, "other"):  # which shares the directory
        (tmp_path / "mnt" / tenant).mkdir(parents=True)
    house.lives(3)
    house.anchors()
    house.close()
    (note,) = house.outside.glob("*.note")
    (tmp_path / "mnt" / "other" / note.name).write_text("another log's\n")
    told(tmp_path, f'[[anchors]]\nname = "mount"\nkind = "directory"\nto = "{tmp_path / "mnt"}"\n')

    emptied = run("audit", "verify", "--key", house.vkey)
    shutil.copy(note, tmp_path / "mnt" / TENANT)
    whole = run("audit", "verify", "--key", house.vkey)

    assert (emptied.code, whole.code) == (4, 0), emptied.out + whole.out
    assert "anchor mount: expected checkpoints of default" in emptied.out


# --- backup and restore


def test_a_backup_is_restored_into_another_directory(run: Run, tmp_path: Path) -> None:
    store = data_of(tmp_path)
    store.commit([append(facts=3)])

    made = run("backup", "b.tgz")
    store.close()
    again = run("restore", "b.tgz", "--data", "again")

    assert (made.code, again.code) == (0, 0), made.err + again.err
    restored = SqliteStore(tmp_path / "again" / "tocsin.db", ManualClock(T0))
    assert len(restored.facts(TENANT, "s")) == 3
    restored.close()


def test_restoring_over_something_needs_force(run: Run, tmp_path: Path) -> None:
    store = data_of(tmp_path)
    run("backup", "b.tgz")

    in_use = run("restore", "b.tgz", "--force")
    store.close()
    refused = run("restore", "b.tgz")
    forced = run("restore", "b.tgz", "--force")

    assert (in_use.code, refused.code, forced.code) == (1, 1, 0)
    assert "another Tocsin has it open" in in_use.err
    assert "use --force" in refused.err


HOURS = '[business_hours]\nzone = "Europe/Berlin"\nopens = "08:00"\ncloses = "16:00"\n'
WITHOUT = """# Incidents

## Incident severity

| Severity | Response time |
|---|---|
| P1 | 1 hour |
| P2 | Next business day |
"""


def test_a_guide_without_hours_is_linted_under_those_of_the_installation(run: Run, tmp_path: Path) -> None:
    (tmp_path / "g.md").write_text(WITHOUT)
    (tmp_path / "house.toml").write_text(HOURS)

    alone = run("guide", "lint", "g.md", "--fail-on", "note")
    housed = run("guide", "lint", "g.md", "--fail-on", "note", "--config", "house.toml")

    assert ("GUIDE-CALENDAR" in alone.out, "GUIDE-CALENDAR" in housed.out) == (True, False), housed.err


def test_a_backup_into_a_directory_that_is_not_there_says_so(run: Run) -> None:
    ran = run("backup", "gone/b.tgz")

    assert (ran.code, ran.err) == (
        2,
        "tocsin: gone/b.tgz: expected a file in a directory that is there, got gone, which is none\n",
    )


def test_there_is_no_backup_of_nothing(run: Run) -> None:
    ran = run("backup", "b.tgz")

    assert ran.code == 1
    assert "expected a data directory" in ran.err


# --- policy check


def test_a_sound_policy_is_fine(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "title: Small\nseverities:\n  - id: P1\n    name: Critical\n    rank: 0\n    description: bad\n"
    )

    assert run("policy", "check", "policy.yaml").code == 0


def test_a_policy_with_an_unknown_key_is_a_failure_with_its_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("title: Small\nseverites: []\n")

    ran = run("policy", "check", "policy.yaml")

    assert ran.code == 1
    assert "policy.yaml:2: error: severites" in ran.out
    assert "did you mean severities?" in ran.out


def test_a_policy_that_is_not_there_is_a_usage_error(run: Run) -> None:
    assert run("policy", "check", "missing.yaml").code == 2


# --- serve


def test_a_server_with_a_wrong_configuration_does_not_start(run: Run, tmp_path: Path) -> None:
    told(tmp_path, "[smpt]\nhost = 'x'\n")

    ran = run("serve")

    assert ran.code == 2
    assert "did you mean smtp?" in ran.err
