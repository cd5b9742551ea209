"""A night at the command line: a server in a process of its own, a mail server, and the commands people type."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

pytestmark = pytest.mark.slow

START_SECONDS = 30
STOP_SECONDS = 6  # what SIGTERM may take
MAIL_SECONDS = 20

POLICY = """
title: Small guide
severities:
  - {id: P1, name: Critical, rank: 0, description: Customers cannot work, respond_within: 15m}
  - {id: P2, name: High, rank: 1, description: Customers are slowed down}
escalation:
  levels:
    - {level: 1, who: [On-call engineer], within: 15m}
"""

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
[smtp]
host = "127.0.0.1"
port = {smtp}
from = "tocsin@example.org"
[[people]]
id = "ana"
methods = ["ana@example.org"]
[bindings]
"On-call engineer" = "ana"
[paging]
last_resort = ["ana"]
[[sources]]
name = "prometheus"
kind = "alertmanager"
token = "0123456789abcdef"
"""


class Mailbox:
    """A mail server that hands over what comes."""

    def __init__(self) -> None:
        self.mails: Queue[bytes] = Queue()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.put(envelope.content)
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(box, loop=loop), "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield box, server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    server.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Night:
    """The directory that Tocsin is run in, and its server."""

    def __init__(self, place: Path, smtp_port: int) -> None:
        self.place = place
        (place / "tocsin.toml").write_text(CONFIG.format(port=free_port(), smtp=smtp_port))
        (place / "guide.yaml").write_text(POLICY)
        self.server: subprocess.Popen[str] | None = None

    def start(self, *more: str) -> str:
        """Everything the server says until it is reached."""
        self.server = subprocess.Popen(
            [sys.executable, "-m", "tocsin.cli", "serve", "--guide", "guide.yaml", *more],
            cwd=self.place, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        said = ""
        timer = threading.Timer(START_SECONDS, self.server.kill)
        timer.start()
        assert self.server.stdout is not None
        while "listening on" not in said:
            line = self.server.stdout.readline()
            assert line, f"the server ended: {said}"
            said += line
        timer.cancel()
        return said

    def stop(self) -> int:
        assert self.server is not None
        self.server.send_signal(signal.SIGTERM)
        code = self.server.wait(STOP_SECONDS)
        assert self.server.stdout is not None
        self.server.stdout.close()
        return code

    def tocsin(self, *args: str, code: int = 0) -> str:
        ran = subprocess.run(
            [sys.executable, "-m", "tocsin.cli", *args],
            cwd=self.place, env=ENVIRONMENT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ran.returncode == code, (args, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout

    def json(self, *args: str) -> Any:
        return json.loads(self.tocsin(*args, "--format", "json"))


ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}


@pytest.fixture
def night(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> Iterator[Night]:
    made = Night(tmp_path, mailbox[1])
    made.start()
    yield made
    if made.server is not None and made.server.poll() is None:
        made.stop()


def test_an_incident_is_declared_paged_acknowledged_and_resolved(night: Night, mailbox: tuple[Mailbox, int]) -> None:
    night.tocsin("doctor")
    declared = night.json("incident", "declare", "Checkout is down", "--severity", "P1")
    mail = mailbox[0].mails.get(timeout=MAIL_SECONDS)
    night.tocsin("incident", "ack", declared["reference"])
    night.tocsin("incident", "note", declared["reference"], "Looking at the database")
    night.tocsin("incident", "severity", declared["reference"], "P2", "only some customers")
    night.tocsin("incident", "resolve", declared["reference"].lower(), "--because", "failed over")

    assert b"Checkout is down" in mail
    assert declared["reference"] == "INC-2026-001"
    shown = night.json("incident", "show", declared["reference"])
    assert (shown["status"], shown["severity"], shown["acknowledged_by"]) == ("resolved", "P2", "local")
    kinds = [item["kind"] for item in night.json("incident", "timeline", declared["reference"])]
    assert [each for each in kinds if each in FACTS] == FACTS
    assert night.json("incident", "list") == []
    assert [each["reference"] for each in night.json("incident", "list", "--all")] == ["INC-2026-001"]
    night.tocsin("incident", "ack", "INC-2026-999", code=3)


def test_what_cannot_come_and_who_is_not_known_are_said_so(night: Night) -> None:
    name = night.json("incident", "declare", "Checkout is down")["reference"]

    night.tocsin("incident", "channel", name, code=1)
    night.tocsin("incident", "ticket", name, code=1)
    night.tocsin("incident", "ticket", name, "--tracker", "ops", code=1)
    night.tocsin("incident", "role", name, "Scribe", "anna", code=2)
    night.tocsin("incident", "role", name, "Scribe", "ANA")
    night.tocsin("incident", "role", name, "Expert", "Kim of Acme", "--guest")

    assert night.json("incident", "show", name)["roles"] == {"Scribe": ["ana"], "Expert": ["Kim of Acme"]}


def test_a_server_on_any_port_is_found_without_being_named(tmp_path: Path, mailbox: tuple[Mailbox, int]) -> None:
    night = Night(tmp_path, mailbox[1])
    night.start("--listen", "127.0.0.1:0")  # `make run PORT=...` overrides what the configuration says

    try:
        declared = night.json("incident", "declare", "Checkout is down")
        assert [each["reference"] for each in night.json("incident", "list")] == [declared["reference"]]
    finally:
        night.stop()


FACTS = ["Opened", "Escalated", "PageSent", "Acknowledged", "NoteAdded", "SeverityChanged", "Resolved"]


def test_what_was_committed_is_there_after_a_kill_and_in_a_backup(night: Night) -> None:
    for n in range(5):
        night.tocsin("incident", "declare", f"Trouble {n}")
    night.tocsin("backup", "b.tgz")
    night.tocsin("incident", "declare", "After the backup")
    assert night.server is not None and night.server.stdout is not None
    night.server.kill()
    night.server.wait()
    night.server.stdout.close()

    night.start()
    titles = [each["title"] for each in night.json("incident", "list")]
    night.stop()
    night.tocsin("restore", "b.tgz", code=1)
    night.tocsin("restore", "b.tgz", "--force")
    night.start()

    assert titles == ["After the backup", *(f"Trouble {n}" for n in reversed(range(5)))]
    assert [each["title"] for each in night.json("incident", "list")] == titles[1:]


def test_everything_that_is_stored_is_listed_added_and_removed(night: Night) -> None:
    night.tocsin("person", "add", "bo", "-r", "console", "-r", "5m=bo@example.org", "--role", "Technical Lead")
    night.tocsin("team", "add", "web", "-m", "ana", "-m", "bo", "--lead", "bo")
    night.tocsin("service", "add", "checkout", "--owner", "web", "--tier", "0")
    night.tocsin("binding", "add", "CTO", "bo")
    url = night.tocsin("source", "add", "grafana", "--kind", "grafana").strip()
    token = night.tocsin("token", "add", "ci", "--role", "viewer", "--program").strip()
    window = night.tocsin("maintenance", "add", "2h", "--service", "checkout", "--comment", "upgrade").strip()

    assert [each["id"] for each in night.json("person", "list")] == ["ana", "bo"]
    assert night.json("team", "show", "web")["lead"] == "bo"
    assert night.json("service", "list")[0]["owner"] == "web"
    assert {each["id"] for each in night.json("binding", "list")} >= {"CTO", "On-call engineer"}
    assert "/in/grafana/" in url
    assert token.startswith("toc_")
    assert [each["id"] for each in night.json("maintenance", "list")] == [window]
    assert night.tocsin("token", "link", "ana").startswith("http://127.0.0.1:")
    night.tocsin("maintenance", "end", window)
    for noun, name in (
        ("person", "bo"),
        ("team", "web"),
        ("service", "checkout"),
        ("binding", "CTO"),
        ("source", "grafana"),
    ):
        night.tocsin(noun, "remove", name)
        night.tocsin(noun, "remove", name, code=3)
    assert [each["name"] for each in night.json("source", "list")] == ["prometheus"]


def test_a_changed_guide_waits_until_it_is_activated(night: Night) -> None:
    night.stop()
    (night.place / "guide.yaml").write_text(POLICY.replace("within: 15m}", "within: 5m}"))
    said = night.start()
    before = night.json("guide", "list")
    night.tocsin("guide", "activate", "guide")
    after = night.json("guide", "list")
    night.tocsin("guide", "activate", "guide", code=3)
    night.tocsin("guide", "withdraw", "guide", code=3)

    assert "tocsin guide activate guide" in said
    assert [each["name"] for each in before["offered"]] == ["guide"]
    assert after["offered"] == []
    assert after["active"][0]["digest"] == before["offered"][0]["digest"]


def test_a_stop_is_quick_and_clean(night: Night) -> None:
    night.tocsin("incident", "declare", "Trouble")

    assert night.stop() == 0
