"""Starting, stopping, signing in, backing up, and noticing that something is late: on the process that people run."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from tests.path.harness import PEOPLE, POLICY, Tocsin, World, free_port, until
from tocsin.clock import monotonic

pytestmark = pytest.mark.slow

FIRES = {"labels": {"alertname": "CheckoutFails", "service": "checkout", "severity": "critical"}}


def tocsin_says(folder: Path, *words: str) -> tuple[int, str]:
    ran = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr


def test_the_first_start_prints_one_link_that_signs_in_once(shop: World) -> None:
    tocsin = shop.tocsin()
    (line,) = [line for line in tocsin.out if line.startswith("sign in: ")]
    link = line.removeprefix("sign in: ")

    assert tocsin.ask("GET", "/api/incidents", token=False).status_code == 401
    forged = {"authorization": "Bearer toc_00_00"}
    assert tocsin.ask("GET", "/api/incidents", headers=forged, token=False).status_code == 401
    with httpx2.Client(headers={"accept": "text/html"}, follow_redirects=True) as browser:
        assert browser.get(f"{tocsin.url}/").url.path == "/sign-in"
        seen = browser.get(link)
        assert "<button" in seen.text
        assert browser.head(link).status_code == 200
        entered = browser.post(link)
        assert (entered.status_code, entered.url.path) == (200, "/")
        assert browser.get(f"{tocsin.url}/api/incidents").status_code == 200
    with httpx2.Client(headers={"accept": "text/html"}) as somebody_else:
        assert somebody_else.get(link).status_code == 410
        assert somebody_else.post(link).status_code == 410
        assert somebody_else.get(f"{tocsin.url}/api/incidents").status_code == 401

    assert tocsin.end() == 0
    again = shop.start(tocsin.folder)
    assert again.said("sign in:") is None


def test_a_stop_takes_less_than_six_seconds_whoever_is_connected(shop: World) -> None:
    tocsin = shop.tocsin()
    tocsin.alert(FIRES)
    incident = tocsin.incident()["reference"]
    headers = {"authorization": f"Bearer {tocsin.token}"}
    with httpx2.Client(timeout=20) as one, httpx2.Client(timeout=20) as other, httpx2.Client() as prometheus:
        prometheus.post(f"{tocsin.url}/api/v2/alerts", json=[FIRES])
        with (
            one.stream("GET", f"{tocsin.url}/api/events", headers=headers) as everything,
            other.stream("GET", f"{tocsin.url}/api/incidents/{incident}/events", headers=headers) as facts,
        ):
            assert everything.status_code == facts.status_code == 200
            told = facts.iter_lines()
            assert any("Opened" in line for line in told)

            began = monotonic()
            code = tocsin.end(signal.SIGTERM)
            took = monotonic() - began

            assert any("closing" in line for line in told)
            assert any("closing" in line for line in everything.iter_lines())
    assert (code, took < 6) == (0, True), took


def test_a_second_start_over_the_same_data_says_so_and_changes_nothing(shop: World) -> None:
    tocsin = shop.tocsin()
    second = Tocsin(tocsin.folder, port=free_port())
    shop.programs.append(second)

    code = second.process.wait(30)

    assert code == 1
    assert second.end() == 1
    (line,) = [line for line in second.err if "tocsin.db" in line or "data" in line][-1:]
    assert "in use" in line or "another" in line.lower(), line
    assert "Traceback" not in "\n".join(second.err)
    tocsin.alert(FIRES)
    assert tocsin.incident()["status"] == "investigating"


def test_a_guide_that_changed_on_disk_is_offered_and_not_applied(shop: World) -> None:
    tocsin = shop.tocsin()
    (before,) = tocsin.get("/api/guides")["active"]
    tocsin.end()
    guide = tocsin.folder / "shop.yaml"
    guide.write_text(POLICY.replace("Critical", "Very critical"))

    again = shop.start(tocsin.folder)

    assert again.said("changed and waits: tocsin guide activate shop")
    assert [each["digest"] for each in again.get("/api/guides")["active"]] == [before["digest"]]
    answer = again.ask("POST", "/api/guides/shop/activate")
    assert answer.status_code in (200, 201), answer.text
    (after,) = again.get("/api/guides")["active"]
    assert after["digest"] != before["digest"]
    again.end()
    assert shop.start(tocsin.folder).said("in force, unchanged")


def test_a_backup_of_a_running_server_gives_the_same_house_elsewhere(shop: World) -> None:
    tocsin = shop.tocsin()
    alerts = [{"labels": {"alertname": f"A{n}", "service": f"s{n}", "severity": "critical"}} for n in range(20)]
    tocsin.alert(*alerts)
    until(lambda: len(tocsin.incidents()) == 20, what="twenty incidents")
    tocsin.command(tocsin.incidents()[0]["id"], "acknowledge")
    until(lambda: len(shop.mailbox.received()) == 5, what="the mails")
    file = shop.folder / "backup.tgz"

    code, said = tocsin_says(tocsin.folder, "backup", str(file), "--data", str(tocsin.data))
    assert code == 0, said
    tocsin.alert({"labels": {"alertname": "TooLate"}})
    tocsin.end()
    home = shop.folder / "elsewhere"
    home.mkdir()
    for name in ("tocsin.toml", "shop.yaml"):
        shutil.copy(tocsin.folder / name, home)
    code, said = tocsin_says(home, "restore", str(file), "--data", str(home / "data"))
    assert code == 0, said
    again = shop.start(home)

    incidents = again.incidents()
    assert len(incidents) == 20
    assert len([each for each in incidents if each["acknowledged_at"]]) == 1
    listed = again.ask("GET", "/api/v2/alerts", token=False).json()
    assert sorted(each["labels"]["alertname"] for each in listed) == sorted(f"A{n}" for n in range(20))
    assert again.said("in force, unchanged")
    again.alert(*alerts)
    assert len(again.incidents()) == 20


def test_a_beat_that_does_not_come_opens_an_incident_and_the_next_one_ends_it(shop: World) -> None:
    monitor = '[[monitors]]\nid = "backup"\nname = "nightly backup"\nevery = "10s"\ngrace = "0s"\nservice = "db"\n'
    tocsin = shop.tocsin(more=monitor)
    assert tocsin.ask("GET", "/ping/backup", token=False).text == "OK"
    assert tocsin.incidents() == []

    incident = tocsin.incident(status="investigating", seconds=20)
    until(lambda: shop.mailbox.to("ana@example.org"), what="the mail")
    assert tocsin.ask("POST", "/ping/backup", token=False, content=b"done").status_code == 200

    assert incident["service"] == "db"
    assert tocsin.incident(status="resolved")["id"] == incident["id"]
    assert tocsin.ask("GET", "/ping/nobody", token=False).status_code == 404


def test_a_deadline_that_cannot_be_kept_is_said_by_ready_and_mailed_to_whoever_watches(shop: World) -> None:
    """Another program holds the database's lock, so the writer stands still while a stored wake-up comes and goes."""
    policy = POLICY.replace("who: [on-call], within: 10m", "who: [on-call], within: 3s")
    people = PEOPLE + '[[people]]\nid = "watcher"\nmethods = ["watcher@example.org"]\n'
    watchdog = '[watchdog]\nperson = "watcher"\nlate_seconds = "2s"\n'
    tocsin = shop.tocsin(people=people, policy=policy, more=watchdog)
    tocsin.alert(FIRES)
    until(lambda: shop.mailbox.to("ana@example.org"), what="the first page")
    until(lambda: "PageSent" in tocsin.kinds(tocsin.incident()["id"]), what="its receipt")
    assert tocsin.ask("GET", "/ready", token=False).status_code == 200

    with closing(sqlite3.connect(tocsin.data / "tocsin.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (alarm,) = until(lambda: shop.mailbox.to("watcher@example.org"), 30, what="the watchdog's mail")
        ready = tocsin.ask("GET", "/ready", token=False)
        tocsin.alert({"labels": {"alertname": "Meanwhile", "severity": "critical"}})
        other.execute("ROLLBACK")

    assert "a deadline has been due for" in alarm.text
    assert ready.status_code == 503
    assert any("a deadline has been due for" in reason for reason in ready.json()["reasons"])
    until(lambda: shop.mailbox.to("bo@example.org"), what="the late page")
    until(lambda: len(tocsin.incidents()) == 2, what="what was accepted meanwhile")
    until(lambda: tocsin.ask("GET", "/ready", token=False).status_code == 200, 20, what="ready again")
    assert len(shop.mailbox.to("watcher@example.org")) == 1
