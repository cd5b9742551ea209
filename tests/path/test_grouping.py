"""Alerts that page nobody stay visible, with the reason; and page when the reason ends."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from typing import Any

import pytest

from tests.path.harness import POLICY, Tocsin, World, throughout, until
from tocsin.clock import SystemClock

pytestmark = pytest.mark.slow

ROUTES = """
routes:
  - {name: noise, matchers: ['alertname="Watchdog"'], page: false}
  - {name: errors, matchers: ['alertname="ErrorLogged"'], threshold: {count: 3, seconds: 10m}, correlate_by: []}
  - {name: flappers, matchers: ['alertname="Flap"'], flapping: {transitions: 4, seconds: 6}}
inhibitions:
  - name: a node that is down explains what runs on it
    source_matchers: ['alertname="NodeDown"']
    target_matchers: ['severity="warning"']
    equal: [instance]
"""


def labels(name: str, **more: str) -> dict[str, str]:
    return {"alertname": name, "severity": "critical", **more}


def why(tocsin: Tocsin, **wanted: str) -> tuple[str, str]:
    explained = tocsin.explain(**wanted)
    return explained["state"], "; ".join(explained["because"])


def test_nobody_is_paged_for_what_is_silenced_inhibited_routed_away_or_too_rare(shop: World) -> None:
    tocsin = shop.tocsin(policy=POLICY + ROUTES)
    now = SystemClock().now()
    silence = {
        "matchers": [{"name": "service", "value": "shop", "isRegex": False, "isEqual": True}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "ana",
        "comment": "we deploy",
    }
    made = tocsin.ask("POST", "/api/v2/silences", token=False, json=silence).json()["silenceID"]
    tocsin.alert({"labels": labels("NodeDown", instance="a")})
    tocsin.incident(about="NodeDown")
    until(lambda: len(shop.mailbox.received()) == 1, what="the node's mail")

    quiet: list[tuple[dict[str, str], str, str]] = [
        (labels("Silenced", service="shop"), "silenced", made),
        (
            labels("DiskSlow", severity="warning", instance="a") | {"severity": "warning"},
            "inhibited",
            "a node that is down",
        ),
        (labels("Watchdog"), "not_paged", "noise"),
        (labels("ErrorLogged", host="1"), "threshold", "3"),
        (labels("ErrorLogged", host="2"), "threshold", "3"),
    ]
    for each, _, _ in quiet:
        tocsin.alert({"labels": each})

    listed = tocsin.ask("GET", "/api/v2/alerts", token=False).json()
    assert len(listed) == 6
    for each, state, words in quiet:
        told = why(tocsin, **each)
        assert told[0] == state, told
        assert words in told[1], told
    throughout(2.0, lambda: len(tocsin.incidents()) == 1 and len(shop.mailbox.received()) == 1)

    tocsin.alert({"labels": labels("ErrorLogged", host="3")})
    (errors,) = until(lambda: [each for each in tocsin.incidents() if "ErrorLogged" in each["title"]], what="errors")
    until(lambda: tocsin.incident(id=errors["id"])["alert_count"] == 3, what="those that were held back")
    assert tocsin.ask("DELETE", f"/api/v2/silence/{made}", token=False).status_code == 200
    tocsin.incident(about="Silenced")
    tocsin.alert({"labels": labels("NodeDown", instance="a"), "endsAt": SystemClock().now().isoformat()})
    tocsin.incident(about="DiskSlow")
    assert len(tocsin.incidents()) == 4


def test_what_flaps_is_one_incident_and_one_page_and_ends_once_it_was_quiet(shop: World) -> None:
    tocsin = shop.tocsin(policy=POLICY + ROUTES)

    def turn(fires: bool) -> None:
        now = SystemClock().now()
        end: dict[str, Any] = {} if fires else {"endsAt": now.isoformat()}
        tocsin.alert({"labels": labels("Flap"), **end})
        tocsin.incidents()  # a read waits for the digest, so that every change is seen

    turn(True)
    tocsin.incident()
    until(shop.mailbox.received, what="the mail")
    for fires in (False, True, False, True, False, True, False):
        turn(fires)

    found = tocsin.incidents()
    flapping = [each for each in found if "FlappingNoticed" in tocsin.kinds(each["id"])]
    assert len(flapping) == 1
    assert flapping[0]["status"] == "investigating"
    before = len(shop.mailbox.received())
    resolved = tocsin.incident(id=flapping[0]["id"], status="resolved", seconds=20)
    assert resolved["firing"] == 0
    assert len(shop.mailbox.received()) == before


@pytest.mark.needs("amtool")
def test_amtool_works_on_the_process_unchanged(shop: World) -> None:
    tocsin = shop.tocsin()

    def amtool(*words: str) -> str:
        command = ["amtool", f"--alertmanager.url={tocsin.url}", *words]
        environment = {"HOME": str(shop.folder), "PATH": "/usr/bin:/bin", "USER": "ana"}
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    name = amtool("silence", "add", "-c", "deploy", "service=shop").strip()
    amtool("alert", "add", "Quiet", "service=shop", "severity=critical")
    amtool("alert", "add", "Loud", "service=db", "severity=critical")

    incident = tocsin.incident()
    assert incident["title"].startswith("Loud")
    assert "Quiet" not in amtool("alert", "query")
    assert "suppressed" in amtool("alert", "query", "--silenced")
    assert name in amtool("silence", "query")
    amtool("silence", "expire", name)
    assert name not in amtool("silence", "query")
    tocsin.incident(about="Quiet")
    amtool("alert", "add", "Loud", "service=db", "severity=critical", f"--end={SystemClock().now().isoformat()}")
    assert tocsin.incident(about="Loud", status="resolved")["id"] == incident["id"]
