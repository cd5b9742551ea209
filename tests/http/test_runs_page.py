"""The incident page shows what was run, by whom and how it ended, and a run that waits for a second person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.http.guided import guide
from tests.http.test_api_runs import FLUSH, LOOK, PLACE
from tests.http.world import Server, World
from tocsin.http import auth

PAGE = "/incidents/INC-2026-001"


@pytest.fixture
def guided(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    guide(world)
    server = Server(world)
    api = server.client(world.token("responder", "ana"))
    api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-1"}).raise_for_status()
    yield server
    server.stop()
    world.close()


def browser(server: Server, role: Any, person: str) -> httpx2.Client:
    issued = auth.issue(person, role, server.world.clock.now())
    server.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    return server.client(Cookie=f"{auth.COOKIE}={issued.text}", Origin=server.url)


def test_the_page_shows_runs_and_what_they_said_to_whoever_may_read_it(guided: Server):
    ana = guided.client(guided.world.token("responder", "ana"))
    assert "Commands run" not in browser(guided, "viewer", "vera").get(PAGE).text
    ana.post(f"{PLACE}/begin-run", json=LOOK).raise_for_status()
    running = browser(guided, "responder", "ben").get(PAGE).text
    ana.post(f"{PLACE}/end-run", json={"run": 1, "exit_code": 3, "output": "<b>web-1</b>"}).raise_for_status()
    text = browser(guided, "responder", "ben").get(PAGE).text
    looking = browser(guided, "viewer", "vera").get(PAGE).text

    assert "runs, or nobody said how it ended" in running
    assert "<code>kubectl get pods</code>" in text and "on bastion" in text
    assert "failed with exit status 3 after 0 s" in text
    assert "&lt;b&gt;web-1&lt;/b&gt;" in text
    assert "failed with exit status 3" in looking and "web-1" not in looking


def test_the_very_command_is_approved_with_a_button_and_the_page_says_who_may_run_it(guided: Server):
    ana = guided.client(guided.world.token("responder", "ana"))
    ana.post(f"{PLACE}/begin-run", json=FLUSH).raise_for_status()
    ben = browser(guided, "commander", "ben")

    assert (
        "asks <strong>to run redis-cli FLUSHALL (Drop the queue; it cannot be taken back)</strong>"
        in ben.get(PAGE).text
    )
    ben.post(f"{PAGE}/approve", data={"request": "1"})
    text = ben.get(PAGE).text
    assert "may run it once, until" in text and "to run redis-cli FLUSHALL" in text


def test_a_runbook_has_the_line_that_runs_it(guided: Server):
    text = browser(guided, "responder", "ana").get(f"{PAGE}/guide").text

    assert "tocsin runbook run INC-2026-001 &#39;Checkout Recovery&#39;" in text
