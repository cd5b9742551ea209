"""What became of a payload is said for each alert, also of those that nobody here knows."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest

from tests.digesting import TENANT, World
from tocsin.core.annotated import Said
from tocsin.digest.fates import Fates
from tocsin.intake.formats import FORMATS

PENDING = {"ruleId": 7, "ruleName": "CPU", "state": "pending", "title": "[Pending] CPU"}
TRIGGER = {"summary": "Disk full", "source": "db1", "severity": "error"}


def at_once(task: Any) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(task())
    return done


def fate(world: World, kind: str, body: Any, **meta: str) -> dict[str, Any]:
    accepted = world.accept(json.dumps(body).encode(), kind, "ops", **meta)
    world.run()
    parsers = {name: each.parse for name, each in FORMATS.items()}
    found = Fates(world.digest, world.store, world.journal, parsers, at_once).fate(TENANT, str(accepted.position))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "body", "suffix", "said"),
    [
        ("grafana", PENDING, "", "it added words to an alert that is not, or no longer, known: pending: the condition"),
        ("pagerduty", {"event_action": "acknowledge", "dedup_key": "k"}, "", "it acknowledged an alert that is not,"),
        ("opsgenie", {"note": "{we} look"}, "v2/alerts/k/notes", "no longer, known: {we} look"),
    ],
)
def test_what_is_said_of_an_alert_that_nobody_knows_opens_nothing_and_says_what_it_was(
    kind: str, body: Any, suffix: str, said: str
) -> None:
    world = World()

    (alert,) = fate(world, kind, body, suffix=suffix)["alerts"]

    assert (world.incidents(), alert["incident"]) == ([], None)
    assert said in alert["because"][0]


def test_what_is_said_of_a_known_alert_went_to_its_incident() -> None:
    world = World()
    fired = fate(world, "pagerduty", {"event_action": "trigger", "dedup_key": "k", "payload": TRIGGER})

    taken = fate(world, "pagerduty", {"event_action": "acknowledge", "dedup_key": "k"})

    assert fired["fate"] == taken["fate"] == f"went to {world.incident.reference}"
    assert world.incident.acknowledged_at is not None


def test_a_row_that_cannot_be_read_says_nothing_and_holds_up_no_page() -> None:
    world = World()
    fate(world, "pagerduty", {"event_action": "trigger", "dedup_key": "k", "payload": TRIGGER})
    (alert,) = world.incident.alerts
    found = Fates(world.digest, world.store, world.journal, {}, at_once)
    known = found.said(TENANT, [alert.fingerprint, "0123456789abcdef"])
    table = world.digest.table
    slot = table.slot_of(TENANT, alert.fingerprint)
    assert slot is not None
    table.bodies[slot] = b"{torn"

    assert (known.description, found.said(TENANT, [alert.fingerprint])) == ("", Said())
