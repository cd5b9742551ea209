"""Probes as the API, /metrics and the page show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from tests.http.test_api_metrics import of, scrape
from tests.http.world import T0, Server
from tocsin.core.monitor import BEATS, MONITOR, Beats, Monitor
from tocsin.core.probe import Probed


def probed(name: str, **fields: Any) -> Probed:
    given: dict[str, Any] = {
        "kind": "http",
        "target": f"https://{name}.example/health",
        "service": None,
        "severity": "critical",
        "every_seconds": 60,
        "standing": "up",
        "since": T0,
        "problems": [],
        "looked_at": T0,
        "seconds": 0.25,
        "up": True,
        "evidence": {},
        "certificate_expires_at": None,
        "fault": "",
    }
    return Probed(name=name, **(given | fields))


NEW = probed("new", standing="new", since=None, looked_at=None, seconds=None, up=None)
DOWN = probed(
    "shop",
    standing="down",
    up=False,
    problems=["answers 503, expected 200-299"],
    evidence={"http_status": "503", "answer": "<b>db down</b>"},
    certificate_expires_at=T0 + timedelta(days=10),
)


def test_probes_are_listed_in_the_order_of_the_file(server: Server):
    server.world.detecting.probes = [NEW, DOWN]
    api = server.client(server.world.token())

    found = api.get("/api/probes").json()["items"]

    assert [(each["name"], each["standing"]) for each in found] == [("new", "new"), ("shop", "down")]
    assert api.get("/api/probes/shop").json() == found[1]
    assert found[1]["problems"] == ["answers 503, expected 200-299"]
    assert api.get("/api/probes/none").status_code == 404


def test_probes_are_measured_once_they_have_looked(server: Server):
    server.world.detecting.probes = [NEW, DOWN, probed("api")]

    found = scrape(server)

    assert of(found, "tocsin_probe_up") == {"shop": 0.0, "api": 1.0}
    assert of(found, "tocsin_probe_duration_seconds") == {"shop": 0.25, "api": 0.25}
    ends = (T0 + timedelta(days=10)).timestamp()
    assert of(found, "tocsin_probe_cert_expires_timestamp_seconds") == {"shop": ends}
    assert of(found, "tocsin_probe_last_look_timestamp_seconds") == {"shop": T0.timestamp(), "api": T0.timestamp()}


def test_without_probes_nothing_is_said_of_them(server: Server):
    assert "tocsin_probe" not in server.client().get("/metrics").text


def test_the_page_shows_what_is_worst_first(server: Server):
    world = server.world
    world.detecting.probes = [NEW, probed("fine"), DOWN]
    backup = Monitor(id="backup", name="Nightly backup", every_seconds=60, created_at=T0)
    world.do(lambda store: store.put(world.tenant, MONITOR, "backup", msgspec.json.encode(backup)))
    heard = Beats(last_at=T0 - timedelta(hours=1))
    world.do(lambda store: store.put(world.tenant, BEATS, "backup", msgspec.json.encode(heard)))

    shown = server.client(world.token("viewer", "ben")).get("/monitoring").text

    assert shown.index("<strong>shop") < shown.index("<strong>new") < shown.index("<strong>fine")
    assert "answers 503, expected 200-299" in shown
    assert "answer: &lt;b&gt;db down&lt;/b&gt;" in shown
    assert "Nightly backup" in shown and "1 h ago</time>" in shown
    assert 'href="/monitoring"' in shown
    assert server.client().get("/monitoring", follow_redirects=False).status_code == 303


def test_the_page_says_that_there_is_nothing(server: Server):
    shown = server.client(server.world.token()).get("/monitoring").text

    assert shown.count("There are none.") == 2
