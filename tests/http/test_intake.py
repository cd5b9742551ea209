from __future__ import annotations

import gzip
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.http.am_world import SOURCE_TOKEN, T0, AmWorld, Serving
from tests.shared_files import SHARED
from tocsin.core.monitor import BEATS, MONITOR, Beats, Monitor
from tocsin.http.alertmanager import AlertmanagerApp
from tocsin.http.intake import IntakeApp
from tocsin.http.sources import Source, token_digest
from tocsin.intake import formats
from tocsin.intake.memoryjournal import MemoryJournal
from tocsin.monitors import Monitors
from tocsin.ports import Entry
from tocsin.writer import Overloaded

ANY_TOKEN = "f" * 32
SIGNED_TOKEN = "e" * 32
WIRE = SHARED / "fixtures" / "wire"


class IntakeWorld(AmWorld):
    """`deps` of the intake routes: what is accepted is in a journal and in `entries`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, loopback=False)
        self.sources.replace(
            [
                Source(name="prom", kind="alertmanager", token_sha256=token_digest(SOURCE_TOKEN)),
                Source(
                    name="all",
                    kind="any",
                    token_sha256=token_digest(ANY_TOKEN),
                    service="checkout",
                    mapping={"title": "t"},
                ),
                Source(name="signed", kind="grafana", token_sha256=token_digest(SIGNED_TOKEN), secret="s3cret"),
            ]
        )
        self.journal = MemoryJournal()
        self.entries: list[Entry] = []
        self.trouble: Exception | None = None
        self._ids = itertools.count(1)
        self.monitors = Monitors(self)

    async def accept(self, entry: Entry) -> int:
        if self.trouble is not None:
            raise self.trouble
        (position,) = self.journal.append([(msgspec.json.encode(entry.meta), entry.body)])
        self.entries.append(msgspec.structs.replace(entry, position=position))
        return position

    def fresh_id(self) -> str:
        return f"{next(self._ids):032x}"


class Intake:
    def __init__(self, folder: Path) -> None:
        self.world = IntakeWorld(folder)
        self.server = Serving(IntakeApp(self.world, AlertmanagerApp(self.world)))
        self.client = self.server.client()

    def post(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, content=content, headers={"content-type": "application/json"} | headers)


@pytest.fixture
def intake(tmp_path: Path) -> Iterator[Intake]:
    made = Intake(tmp_path)
    yield made
    made.server.stop()
    made.world.close()


def test_what_is_handed_in_is_journalled_as_it_came_and_its_payload_is_named(intake: Intake) -> None:
    answer = intake.post(f"/in/alertmanager/{SOURCE_TOKEN}", b'{"alerts": [ ]}')

    assert answer.status_code == 200
    (entry,) = intake.world.entries
    assert answer.json() == {"status": "accepted", "payload": str(entry.position)}
    assert answer.headers["tocsin-payload"] == str(entry.position)
    assert (entry.kind, entry.source, entry.body) == ("alertmanager", "prom", b'{"alerts": [ ]}')
    assert entry.meta == {"content_type": "application/json"}
    assert entry.received_at == T0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\x00", b"[" * 10_000, b"plain words"])
def test_what_cannot_be_read_is_accepted_all_the_same(intake: Intake, body: bytes) -> None:
    for kind in ("alertmanager", "grafana", "pagerduty", "opsgenie", "victorops", "incidentio", "oncall", "generic"):
        assert intake.post(f"/in/{kind}/{ANY_TOKEN}", body).status_code in (200, 202)
    assert {entry.body for entry in intake.world.entries} == {body}


def test_every_kind_of_the_table_has_a_route(intake: Intake) -> None:
    for kind in formats.FORMATS:
        expected = 404 if kind in ("monitor", "pagerduty_change") else (200, 202)
        status = intake.post(f"/in/{kind}/{ANY_TOKEN}", {}).status_code
        assert status == expected if isinstance(expected, int) else status in expected


def test_an_unknown_kind_or_token_is_told_clearly(intake: Intake) -> None:
    kind = intake.post(f"/in/nagios/{ANY_TOKEN}", {})
    token = intake.post("/in/generic/wrong", {})
    other = intake.post(f"/in/generic/{SOURCE_TOKEN}", {})

    assert (kind.status_code, token.status_code, other.status_code) == (404, 401, 401)
    assert kind.json()["message"].startswith("kind: expected one of alertmanager, ")
    assert token.json()["message"] == "token: no source of kind generic has this token"
    assert intake.world.entries == []


def test_grafana_may_put(intake: Intake) -> None:
    assert intake.client.put(f"/in/grafana/{ANY_TOKEN}", json={}).status_code == 200
    refused = intake.client.get(f"/in/grafana/{ANY_TOKEN}")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST, PUT")


def test_what_the_parser_needs_of_the_request_is_journalled_with_the_body(intake: Intake) -> None:
    intake.post(f"/in/opsgenie/{ANY_TOKEN}/v2/alerts/disk%20full/close?identifierType=alias", {}, **{"ce-id": "7"})

    (entry,) = intake.world.entries
    assert entry.meta == {
        "content_type": "application/json",
        "suffix": "v2/alerts/disk full/close",
        "ce-id": "7",
        "mapping": '{"title":"t"}',
        "service": "checkout",
        "dedup_key": f"{1:032x}",
    }


def test_a_source_with_a_secret_takes_only_what_is_signed(intake: Intake) -> None:
    body = b'{"alerts":[]}'
    signature = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()

    right = intake.post(f"/in/grafana/{SIGNED_TOKEN}", body, **{"X-Grafana-Alerting-Signature": signature})
    wrong = intake.post(f"/in/grafana/{SIGNED_TOKEN}", body, **{"X-Grafana-Alerting-Signature": "0" * 64})
    none = intake.post(f"/in/grafana/{SIGNED_TOKEN}", body)

    assert (right.status_code, wrong.status_code, none.status_code) == (200, 401, 401)
    assert len(intake.world.entries) == 1


def test_a_packed_body_is_journalled_unpacked(intake: Intake) -> None:
    packed = gzip.compress(b'{"title":"x"}')

    assert intake.post(f"/in/generic/{ANY_TOKEN}", packed, **{"content-encoding": "gzip"}).status_code == 200
    assert intake.world.entries[0].body == b'{"title":"x"}'


def test_bodies_are_bounded_packed_and_unpacked(intake: Intake) -> None:
    big = intake.post(f"/in/generic/{ANY_TOKEN}", b" " * (17 * 1024 * 1024))
    bomb = intake.post(
        f"/in/generic/{ANY_TOKEN}", gzip.compress(b" " * (65 * 1024 * 1024)), **{"content-encoding": "gzip"}
    )
    ten = intake.post(f"/in/generic/{ANY_TOKEN}", b" " * (10 * 1024 * 1024))

    assert (big.status_code, bomb.status_code, ten.status_code) == (413, 413, 200)


@pytest.mark.parametrize("trouble", [Overloaded("too much waits"), OSError(28, "No space left on device")])
def test_overload_and_a_full_disk_ask_the_sender_to_come_back(intake: Intake, trouble: Exception) -> None:
    intake.world.trouble = trouble

    for path in (f"/in/generic/{ANY_TOKEN}", f"/in/alertmanager/{SOURCE_TOKEN}"):
        answer = intake.post(path, {})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    event = {"routing_key": ANY_TOKEN, "event_action": "resolve", "dedup_key": "k"}
    assert intake.post("/v2/enqueue", event).status_code == 503


def test_alertmanagers_api_is_mounted_under_a_sources_token(intake: Intake) -> None:
    prefix = f"/in/alertmanager/{SOURCE_TOKEN}"

    posted = intake.post(f"{prefix}/api/v2/alerts", [{"labels": {"alertname": "A"}}])

    assert (posted.status_code, posted.content) == (200, b"")
    (episode,) = intake.world.alerts.episodes.values()
    assert episode.source == "prom"
    assert intake.client.get(f"{prefix}/api/v2/status").status_code == 200
    assert intake.client.get(f"{prefix}/api/v2/alerts").status_code == 403
    assert intake.post("/in/alertmanager/wrong/api/v2/alerts", []).status_code == 401


@pytest.mark.needs("shared")
def test_what_a_real_alertmanager_posted_is_accepted_byte_for_byte(intake: Intake) -> None:
    for method, path, headers, body in json.loads((WIRE / "am033_receivers.json").read_text()):
        kind = next((kind for kind in ("opsgenie", "victorops", "incidentio") if kind in path), None)
        if kind is None:
            continue
        suffix = path.split("/v2/", 1)[1] if "/v2/" in path else ""
        answer = intake.client.request(
            method,
            f"/in/{kind}/{ANY_TOKEN}/v2/{suffix}" if suffix else f"/in/{kind}/{ANY_TOKEN}",
            content=body.encode(),
            headers={"content-type": headers.get("Content-Type", "application/json")},
        )
        assert answer.status_code in (200, 202)
        assert intake.world.entries[-1].body == body.encode()
    assert len(intake.world.entries) >= 6


# --- PagerDuty --------------------------------------------------------------------------------------------------------

TRIGGER = {
    "routing_key": ANY_TOKEN,
    "event_action": "trigger",
    "payload": {"summary": "disk full", "source": "db-1", "severity": "critical"},
}


def test_an_event_is_answered_as_pagerduty_does_and_its_made_up_key_is_journalled(intake: Intake) -> None:
    answer = intake.post("/v2/enqueue", TRIGGER)

    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Event processed", "dedup_key": f"{1:032x}"}
    assert intake.world.entries[0].meta["dedup_key"] == f"{1:032x}"
    assert intake.world.entries[0].kind == "pagerduty"
    given = intake.post("/v2/enqueue", TRIGGER | {"dedup_key": "disk"})
    assert given.json()["dedup_key"] == "disk"


def test_a_change_event_is_a_recent_deployment(intake: Intake) -> None:
    event = {"routing_key": ANY_TOKEN, "payload": {"summary": "deploy 1.2", "source": "ci"}}

    assert intake.post("/v2/change/enqueue", event).status_code == 202
    assert intake.post(f"/in/pagerduty/{ANY_TOKEN}/v2/change/enqueue", event).status_code == 202
    assert [entry.kind for entry in intake.world.entries] == ["pagerduty_change", "pagerduty_change"]


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (TRIGGER | {"routing_key": "short"}, "Length of 'routing_key' is incorrect (should be 32 characters)"),
        (TRIGGER | {"routing_key": "0" * 32}, "Invalid routing key"),
        (TRIGGER | {"event_action": "resolve"}, "'dedup_key' is missing or blank"),
        ([], "Event object format is unrecognized"),
    ],
)
def test_a_wrong_event_is_refused_before_it_is_journalled(intake: Intake, event: Any, told: str) -> None:
    answer = intake.post("/v2/enqueue", event)

    assert answer.status_code == 400
    assert answer.json() == {"status": "invalid event", "message": "Event object is invalid", "errors": [told]}
    assert intake.world.entries == []


def test_an_event_beyond_pagerdutys_bound_is_too_large(intake: Intake) -> None:
    assert intake.post("/v2/enqueue", TRIGGER | {"client": "x" * 600_000}).status_code == 413
    assert intake.client.get("/v2/enqueue").status_code == 405


# --- pings ------------------------------------------------------------------------------------------------------------


def watched(intake: Intake) -> Beats:
    body = intake.world.do(lambda store: store.get(intake.world.tenant, BEATS, "backup"))
    return msgspec.json.decode(body, type=Beats) if body else Beats()


@pytest.fixture
def backup(intake: Intake) -> Intake:
    monitor = Monitor(id="backup", every_seconds=3600, grace_seconds=600, created_at=T0)
    intake.world.do(lambda store: store.put(intake.world.tenant, MONITOR, "backup", msgspec.json.encode(monitor)))
    return intake


def test_a_ping_is_recorded_by_get_and_by_post(backup: Intake) -> None:
    answer = backup.client.get("/ping/backup")

    assert (answer.status_code, answer.text) == (200, "OK")
    assert watched(backup).last_at == T0
    backup.world.clock.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    backup.client.post("/ping/backup", content=b"copied 12 GB\0")
    assert watched(backup).last_at == T0 + timedelta(minutes=1)
    assert watched(backup).text == "copied 12 GB\ufffd"


def test_start_fail_and_exit_codes_are_signals(backup: Intake) -> None:
    assert backup.client.get("/ping/backup/start").status_code == 200
    assert watched(backup).started_at == T0
    assert backup.post("/ping/backup/fail", b"no space").status_code == 200
    assert (watched(backup).failed, watched(backup).down_at) == (True, T0)
    assert backup.client.get("/ping/backup/0").status_code == 200
    assert watched(backup).down_at is None
    assert backup.client.get("/ping/backup/3").status_code == 200
    assert (watched(backup).failed, watched(backup).code) == (True, 3)


def test_what_follows_from_a_ping_goes_the_way_of_every_alert(backup: Intake) -> None:
    backup.post("/ping/backup/fail", b"no space")
    backup.client.get("/ping/backup")

    fired, cleared = (formats.parse(entry)[0] for entry in backup.world.entries)
    assert (fired.action, cleared.action) == ("fire", "resolve")
    assert fired.fingerprint == cleared.fingerprint
    assert fired.annotations["output"] == "no space"


@pytest.mark.parametrize(
    "path", ["/ping/nosuch", "/ping/backup/999", "/ping/backup/stop", "/ping/backup/1/2", "/ping/"]
)
def test_a_ping_that_names_nothing_is_not_found(backup: Intake, path: str) -> None:
    assert backup.client.get(path).status_code == 404
    assert watched(backup).count == 0


def test_a_head_request_records_nothing_and_says_so(backup: Intake) -> None:
    assert backup.client.head("/ping/backup").status_code == 405
    assert watched(backup).count == 0


def test_a_ping_that_could_not_be_recorded_is_not_acknowledged(backup: Intake) -> None:
    backup.world.trouble = OSError(28, "No space left on device")

    assert backup.client.get("/ping/backup/fail").status_code == 503
    assert watched(backup).count == 0
    backup.world.trouble = None
    assert backup.client.get("/ping/backup/fail").status_code == 200
