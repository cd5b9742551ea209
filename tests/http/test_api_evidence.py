"""`/api/incidents/{incident}/evidence`: in, out, held, removed, exported; who may, and what is on the timeline."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from tests.audit.test_export import alone
from tests.http.keeping import DAY, Kept, setting
from tests.http.world import Server
from tocsin.core.tenants import Limits
from tocsin.http import auth
from tocsin.setting.evidence import LogSource
from tocsin.tenants.quota import Quota
from tocsin.verify_bundle import check

LOGS = b"2026-11-23 login password=hunter22 ok\n" * 3
SAFE = b"2026-11-23 login password=[redacted:password] ok\n" * 3


class Room:
    """An incident, and clients by role."""

    def __init__(self, server: Server) -> None:
        self.server, self.world = server, server.world
        self.incident = self.world.alert("Checkout is down", key="k")
        self.at = f"/api/incidents/{self.incident}/evidence"
        self._clients: dict[str, httpx2.Client] = {}

    def __getattr__(self, role: str) -> httpx2.Client:
        if role not in self._clients:
            self._clients[role] = self.server.client(self.world.token(role, person=role))  # type: ignore[arg-type]
        return self._clients[role]

    def add(self, content: bytes = LOGS, name: str = "incident-logs.txt", **query: Any) -> dict[str, Any]:
        answer = self.responder.post(self.at, params={"name": name, **query}, content=content)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def timeline(self) -> list[str]:
        items = self.owner.get(f"/api/incidents/{self.incident}/timeline").json()["items"]
        return [each["text"] for each in items if each["kind"].startswith("Evidence")]

    def look(self) -> tuple[int, int]:
        return asyncio.run(self.world.evidence.look())


@pytest.fixture
def room(server: Server) -> Room:
    return Room(server)


def test_content_comes_back_without_its_secrets_and_its_hash_is_on_the_timeline(room: Room) -> None:
    made = room.add(kind="logs", origin="kubectl logs web", host="web-1", exit_code=0)

    digest = hashlib.sha256(SAFE).hexdigest()
    assert (made["item"], made["sha256"], made["size"]) == (1, digest, len(SAFE))
    assert (made["source"], made["redactions"], made["collected_by"]) == ("command", {"password": 3}, "responder")
    assert room.responder.get(f"{room.at}/1/content").content == SAFE
    assert room.timeline() == [
        f"Evidence 1: incident-logs.txt ({len(SAFE)} B, 3 password redacted), SHA-256 {digest}",
        "Evidence 1 was given to responder",
    ]


def test_a_download_is_never_shown_by_a_browser(room: Room) -> None:
    room.add(b"<script>alert(1)</script>", name='page \u2028 "x".html')

    answer = room.responder.get(f"{room.at}/1/content")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''page%20%E2%80%A8%20%22x%22.html"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (answer.headers["x-content-type-options"], answer.headers["cache-control"]) == ("nosniff", "no-store")
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_nothing_on_the_disk_holds_the_secret_or_the_content(room: Room, tmp_path: Path) -> None:
    room.add()

    held = b"".join(path.read_bytes() for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    assert held
    assert b"hunter22" not in held
    assert b"2026-11-23 login" not in held
    assert list((tmp_path / "spool").iterdir()) == []


def test_an_original_is_for_administrators_and_those_who_were_named(room: Room) -> None:
    made = room.add(keep_original="true", original_for="commander")

    path = f"{room.at}/1/content?original=true"
    assert (made["original_sha256"], made["original_size"]) == (hashlib.sha256(LOGS).hexdigest(), len(LOGS))
    assert [getattr(room, role).get(path).status_code for role in ("viewer", "responder")] == [403, 403]
    assert [getattr(room, role).get(path).content for role in ("commander", "administrator", "owner")] == [LOGS] * 3
    assert room.timeline()[1:] == [
        f"Evidence 1 (original) was given to {role}" for role in ("commander", "administrator", "owner")
    ]


def test_viewers_see_what_there_is_and_read_none_of_it(room: Room) -> None:
    room.add()

    assert room.viewer.get(room.at).json()["items"][0]["name"] == "incident-logs.txt"
    assert room.viewer.get(f"{room.at}/1/content").status_code == 403
    assert room.viewer.post(room.at, params={"name": "x"}, content=b"x").status_code == 403
    assert len(room.timeline()) == 1


def test_the_custody_of_an_item_is_everything_that_happened_to_it(room: Room) -> None:
    room.add()
    room.add(b"other", name="other.txt")
    room.responder.get(f"{room.at}/1/content")
    room.commander.post(f"{room.at}/hold", json={"because": "a lawsuit", "items": [1]})

    found = room.viewer.get(f"{room.at}/1").json()

    assert [(each["kind"], each["by"]) for each in found["custody"]] == [
        ("EvidenceCollected", "responder"),
        ("EvidenceRead", "responder"),
        ("EvidenceHeld", "commander"),
    ]
    assert found["item"]["held"]["because"] == "a lawsuit"


def test_what_is_held_stays_until_an_administrator_releases_it(room: Room) -> None:
    room.add()
    assert room.responder.post(f"{room.at}/hold", json={"because": "x"}).status_code == 403
    assert room.commander.post(f"{room.at}/hold", json={"because": "a lawsuit"}).json()["hold"]["by"] == "commander"

    refused = room.administrator.post(f"{room.at}/1/remove", json={"because": "tidy"})
    assert refused.status_code == 409
    assert "under legal hold by commander since 2026-11-23: a lawsuit" in refused.json()["detail"]
    assert room.commander.post(f"{room.at}/release", json={"because": "x"}).status_code == 403
    assert room.administrator.post(f"{room.at}/release", json={"because": "settled"}).status_code == 200
    assert room.administrator.post(f"{room.at}/1/remove", json={"because": "tidy"}).status_code == 200
    assert room.responder.get(f"{room.at}/1/content").status_code == 409


def test_removed_content_is_gone_from_the_disk_unless_another_item_needs_it(room: Room, tmp_path: Path) -> None:
    room.add(b"one"), room.add(b"one"), room.add(b"two")

    def files() -> int:
        return sum(path.is_file() for path in (tmp_path / "evidence").rglob("*"))

    assert files() == 2
    room.administrator.post(f"{room.at}/1/remove", json={"because": "tidy"})
    assert files() == 2
    room.administrator.post(f"{room.at}/2/remove", json={"because": "tidy"})
    assert files() == 1
    shown = room.viewer.get(room.at).json()["items"]
    assert [(each["sha256"] != "", each["removed_because"]) for each in shown][:2] == [(True, "tidy")] * 2


def test_retention_removes_content_and_keeps_the_fact(room: Room) -> None:
    room.add(b"dumped", name="db.sql", kind="dump")
    room.add(b"held", name="held.sql", kind="dump")
    room.add(b"kept", name="logs.txt", kind="logs")
    room.commander.post(f"{room.at}/hold", json={"because": "a lawsuit", "items": [2]})

    room.world.clock.advance(timedelta(seconds=30 * DAY - 1))
    assert room.look()[0] == 0
    room.world.clock.advance(timedelta(seconds=1))
    assert room.look()[0] == 1

    items = room.viewer.get(room.at).json()["items"]
    assert [each["removed_because"] for each in items] == ["its retention ended", "", ""]
    room.administrator.post(f"{room.at}/release", json={"because": "settled", "items": [2]})
    assert room.look()[0] == 1


def test_content_that_no_fact_names_is_dropped_after_a_week(room: Room, tmp_path: Path) -> None:
    room.add(b"referred")
    orphan = tmp_path / "evidence" / "ab" / ("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a crash")
    now = room.world.clock.now().timestamp()
    for path in (tmp_path / "evidence").rglob("*"):
        os.utime(path, (now, now))

    room.world.clock.advance(timedelta(days=7) - timedelta(seconds=1))
    assert room.look() == (0, 0)
    room.world.clock.advance(timedelta(seconds=1))
    assert room.look() == (0, 1)
    assert not orphan.exists()
    assert room.responder.get(f"{room.at}/1/content").content == b"referred"


def test_a_reference_that_a_crash_left_without_a_fact_is_dropped_and_one_with_a_fact_is_completed(room: Room) -> None:
    room.add(b"whole")
    world = room.world
    every = dict(world.do(lambda store: store.items(world.tenant, "evidence-reference")))
    ((name, body),) = every.items()
    said = json.loads(body) | {"item": None, "keep_until": None}
    world.do(lambda store: store.put(world.tenant, "evidence-reference", name, json.dumps(said).encode()))
    lost = said | {"objects": ["cd" * 32]}
    world.do(lambda store: store.put(world.tenant, "evidence-reference", "lost", json.dumps(lost).encode()))

    world.clock.advance(timedelta(hours=1))
    room.look()

    after = dict(world.do(lambda store: store.items(world.tenant, "evidence-reference")))
    assert after.keys() == {name}
    assert json.loads(after[name])["item"] == 1
    assert room.responder.get(f"{room.at}/1/content").content == b"whole"


def test_more_than_is_kept_is_refused_and_said_on_the_timeline(room: Room, tmp_path: Path) -> None:
    room.world.evidence = Kept(room.world, setting(tmp_path, bytes_max=1_000))

    answer = room.responder.post(room.at, params={"name": "x", "step": "dump"}, content=b"x" * 1_001)

    assert answer.status_code == 413
    assert room.timeline() == ["Evidence could not be collected: x: content: expected at most 1000 bytes, got more"]
    assert list((tmp_path / "spool").iterdir()) == []


def test_evidence_counts_in_what_the_organisation_may_store_before_anybody_measures(room: Room, tmp_path: Path) -> None:
    quota = Quota(Limits(stored_mb=1))
    room.world.evidence = Kept(room.world, setting(tmp_path), quota)
    most = 1024 * 1024

    assert room.responder.post(room.at, params={"name": "big"}, content=b"x" * (most - 100)).status_code == 201
    assert room.responder.post(room.at, params={"name": "more"}, content=b"x" * 200).status_code == 413
    assert room.responder.post(room.at, params={"name": "rest"}, content=b"y" * 100).status_code == 201
    full = room.responder.post(room.at, params={"name": "none"}, content=b"z")

    assert (full.status_code, quota.stored_bytes, quota.met["stored_mb"]) == (413, most, 1)
    assert "1 MB are stored, which is this organisation's limit" in full.json()["detail"]
    assert room.timeline()[-1].startswith("Evidence could not be collected: none: 1 MB are stored")
    assert "evidence is not taken" in quota.reasons[0]


@pytest.mark.parametrize(("folder", "counted"), [("evidence", 0), ("../elsewhere", 350)])
def test_evidence_outside_of_the_data_directory_is_measured_by_what_refers_to_it(
    room: Room, tmp_path: Path, folder: str, counted: int
) -> None:
    """In it, the directory is measured. What two items share counts once, as it is kept; what is removed, no more."""
    data = tmp_path / "data"
    place = Path(os.path.normpath(data / folder))
    room.world.evidence = Kept(room.world, msgspec.structs.replace(setting(data), folder=place))
    for name, content in (("one", b"1" * 300), ("same", b"1" * 300), ("two", b"2" * 50), ("gone", b"3" * 1_000)):
        room.add(content, name=name)

    assert room.administrator.post(f"{room.at}/4/remove", json={"because": "asked to"}).status_code == 200

    assert asyncio.run(room.world.evidence.elsewhere()) == counted


def test_evidence_of_a_merged_incident_is_reached_there_and_more_goes_where_it_lives_on(room: Room) -> None:
    room.add(b"before")
    other = room.world.alert("Another", key="k2")
    assert room.responder.post(f"/api/incidents/{room.incident}/merge", json={"into": other}).status_code == 200

    later = room.add(b"after")

    assert later["incident"] != room.viewer.get(room.at).json()["incident"]
    assert room.responder.get(f"{room.at}/1/content").content == b"before"
    assert room.responder.get(f"/api/incidents/{other}/evidence/1/content").content == b"after"


@pytest.mark.parametrize("path", ["/7", "/7/content"])
def test_what_is_not_there_is_a_404(room: Room, path: str) -> None:
    assert room.responder.get(f"{room.at}{path}").status_code == 404
    assert room.responder.get(f"/api/incidents/none/evidence{path}").status_code == 404


def test_damaged_content_is_not_given_out_and_the_reason_is(room: Room, tmp_path: Path) -> None:
    room.add(os.urandom(200_000))
    (file,) = (path for path in (tmp_path / "evidence").rglob("*") if path.is_file())
    sealed = bytearray(file.read_bytes())

    sealed[100] ^= 1
    file.write_bytes(sealed)
    early = room.responder.get(f"{room.at}/1/content")
    sealed[100] ^= 1
    sealed[150_000] ^= 1
    file.write_bytes(sealed)

    assert early.status_code == 502
    assert "frame 0 does not open" in early.json()["detail"]
    late = room.responder.get(f"{room.at}/1/content")
    assert late.status_code == 502


def test_what_a_guide_asks_for_is_missing_until_it_is_collected(room: Room) -> None:
    before = room.viewer.get(f"{room.at}/profile").json()["steps"]
    room.add(step="logs")
    note = {"name": "dump", "detail": "pg_dump: no such host", "step": "dump"}
    assert room.responder.post(f"{room.at}/failures", json=note).status_code == 204
    after = room.viewer.get(f"{room.at}/profile").json()["steps"]

    assert [(each["id"], each["state"], each["proposed"]) for each in before] == [
        ("logs", "missing", True),
        ("state", "missing", True),
        ("dump", "missing", True),
    ]
    assert [(each["state"], each["items"], each["detail"]) for each in after] == [
        ("collected", [1], ""),
        ("missing", [], ""),
        ("failed", [], "pg_dump: no such host"),
    ]


# --- from elsewhere ---------------------------------------------------------------------------------------------------


@contextmanager
def web() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server that answers with what it was asked, or with an error for `/no`."""
    asked: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers.get("Authorization", "")))
            status = 302 if self.path == "/moved" else 404 if self.path == "/no" else 200
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(b"password=hunter22\n")

        def log_message(self, *_: object) -> None:
            """Tests keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_address_is_read_and_its_secrets_are_not_recorded(room: Room) -> None:
    with web() as (url, asked):
        said = url.replace("//", "//user:secret@") + "/report?key=abc"
        made = room.responder.post(f"{room.at}/fetch", json={"url": said, "kind": "logs"}).json()

    assert asked == [("/report?key=abc", "Basic dXNlcjpzZWNyZXQ=")]
    assert (made["name"], made["origin"], made["source"]) == ("report", f"{url}/report?key=...", "url")
    assert room.responder.get(f"{room.at}/1/content").content == b"password=[redacted:password]\n"
    assert "secret" not in room.owner.get(f"/api/incidents/{room.incident}/timeline").text


@pytest.mark.parametrize(
    ("path", "said"),
    [("/no", "answered 404"), ("/moved", "answered 302")],
)
def test_what_an_address_does_not_give_is_on_the_timeline(room: Room, path: str, said: str) -> None:
    with web() as (url, _):
        answer = room.responder.post(f"{room.at}/fetch", json={"url": f"{url}{path}"})

    assert answer.status_code == 502
    assert room.timeline()[0].endswith(said)


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:1/"])
def test_private_and_metadata_addresses_are_refused(room: Room, tmp_path: Path, url: str) -> None:
    room.world.evidence = Kept(room.world, setting(tmp_path, allow_private=False))

    answer = room.responder.post(f"{room.at}/fetch", json={"url": url})

    assert answer.status_code == 502
    assert "never connected to" in answer.json()["detail"] or "a private address" in answer.json()["detail"]


@pytest.mark.parametrize("url", ["ftp://x/y", "no url", "http://"])
def test_what_is_no_address_is_a_bad_request(room: Room, url: str) -> None:
    assert room.responder.post(f"{room.at}/fetch", json={"url": url}).status_code == 400


def test_a_source_of_logs_is_asked_with_its_token_for_the_time(room: Room, tmp_path: Path) -> None:
    with web() as (url, asked):
        source = LogSource(
            name="loki",
            url=f"{url}/loki/api/v1/query_range?query={{query}}&start={{start_ns}}&end={{end_unix}}",
            token="t0ken",
            query='{app="shop"}',
        )
        room.world.evidence = Kept(room.world, setting(tmp_path, log_sources=(source,), allow_private=False))
        made = room.responder.post(f"{room.at}/query", json={"source": "Loki", "seconds": 60}).json()

    end = int(room.world.clock.now().timestamp())
    path = f"/loki/api/v1/query_range?query=%7Bapp%3D%22shop%22%7D&start={end - 60}000000000&end={end}"
    assert asked == [(path, "Bearer t0ken")]
    assert made["origin"] == 'loki: {app="shop"} (2026-11-23T02:59:00Z to 2026-11-23T03:00:00Z)'
    assert room.viewer.get("/api/log-sources").json() == {"items": ["loki"]}
    unknown = room.responder.post(f"{room.at}/query", json={"source": "splunk"})
    assert "expected a log source (loki), got 'splunk'" in unknown.json()["detail"]


# --- the bundle -------------------------------------------------------------------------------------------------------


def exported(room: Room, folder: Path, **form: Any) -> Path:
    answer = room.commander.post(f"{room.at}/export", json=form)
    assert answer.status_code == 200, answer.text
    file = folder / "bundle.zip"
    file.write_bytes(answer.content)
    return file


def test_a_bundle_verifies_itself_with_nothing_of_tocsin(room: Room, tmp_path: Path) -> None:
    room.add()
    room.add(os.urandom(300_000), name="disk.img")
    room.responder.get(f"{room.at}/1/content")

    file = exported(room, tmp_path, purpose="for the police")

    told = alone(file, "--key", room.world.evidence.signer.vkey, "--json", cwd=tmp_path / "empty")
    assert told.returncode == 0, told.stdout + told.stderr
    said = json.loads(told.stdout)
    assert (said["valid"], said["items"], said["sealed"]) == (True, 2, True)
    assert room.timeline()[-1] == "Evidence exported as a sealed bundle, 2 items: for the police"


def test_any_byte_of_a_bundle_that_changes_is_found_and_an_items_by_name(room: Room, tmp_path: Path) -> None:
    room.add(b"first " * 50, name="first.txt")
    room.add(b"second " * 50, name="second.txt")
    file = exported(room, tmp_path)
    body = file.read_bytes()
    assert check(file).valid
    forged = tmp_path / "forged.zip"

    inside = body.index(b"second second")
    for where in (*range(0, len(body), 997), inside, len(body) - 1):
        changed = bytearray(body)
        changed[where] ^= 1
        forged.write_bytes(changed)
        judged = check(forged)
        assert judged.violations, where
        if where == inside:
            assert any("evidence 2 (items/002-second.txt)" in each for each in judged.violations)


def test_a_bundle_that_was_made_anew_does_not_match_the_audit_trail(room: Room, tmp_path: Path) -> None:
    room.add(b"the truth\n", name="log.txt")
    file = exported(room, tmp_path)

    lie = b"the lie.."
    forged = tmp_path / "forged.zip"
    remade(file, forged, lambda body: body.replace(b"the truth", lie), b"the truth\n", b"the lie..\n")

    judged = check(forged)
    assert not any("damaged" in each or "itself" in each for each in judged.violations)
    assert any("evidence 1" in each and "audit trail says something else" in each for each in judged.violations)
    assert any(each.startswith("manifest.json: is not the one") for each in judged.violations)


def remade(source: Path, target: Path, change: Any, old: bytes, new: bytes) -> None:
    """Everything that somebody without the signing key can make fit: content, manifest, the seal at the end."""
    import zipfile

    from tocsin.verify_bundle import SEAL

    with zipfile.ZipFile(source) as before, zipfile.ZipFile(target, "w") as after:
        for name in before.namelist():
            body = before.read(name)
            if name.startswith("items/"):
                body = change(body)
            if name == "manifest.json":
                digests = [hashlib.sha256(each).hexdigest().encode() for each in (old, new)]
                body = body.replace(*digests)
            after.writestr(name, body)
        after.comment = SEAL + b"0" * 64
    whole = target.read_bytes()[: -len(SEAL) - 64]
    target.write_bytes(whole + SEAL + hashlib.sha256(whole).hexdigest().encode())


def test_a_bundle_without_a_signature_says_that_it_could_not_be_verified(room: Room, tmp_path: Path) -> None:
    room.add()
    room.world.evidence.signer.away = True

    told = alone(exported(room, tmp_path), cwd=tmp_path / "empty")

    assert told.returncode == 4
    assert told.stdout.startswith("NOT VERIFIED: 1 items, not sealed")


def test_only_commanders_export_and_only_what_is_there(room: Room) -> None:
    assert room.commander.post(f"{room.at}/export", json={}).status_code == 400
    room.add()
    assert room.responder.post(f"{room.at}/export", json={}).status_code == 403
    role = {"role": "Incident Commander", "person": "responder"}
    room.responder.post(f"/api/incidents/{room.incident}/assign-role", json=role)
    assert room.responder.post(f"{room.at}/export", json={"items": [9]}).status_code == 400
    assert room.responder.post(f"{room.at}/export", json={"items": [1]}).status_code == 200


# --- erasure ----------------------------------------------------------------------------------------------------------


def seq_of(room: Room, action: str) -> int:
    entries = room.owner.get("/api/audit", params={"limit": 500}).json()["items"]
    return next(each["seq"] for each in entries if each["action"] == action)


def test_what_is_held_refuses_erasure_with_the_reason(room: Room) -> None:
    room.add(name="mrs-miller.csv")
    room.commander.post(f"{room.at}/hold", json={"because": "a lawsuit", "items": [1]})
    seq = seq_of(room, "incident.EvidenceCollected")

    refused = room.owner.post("/api/audit/erasures", json={"because": "she asked", "seqs": [seq]})

    assert refused.status_code == 409
    assert "under legal hold by commander since 2026-11-23: a lawsuit" in refused.json()["detail"]
    room.owner.post(f"{room.at}/release", json={"because": "settled", "items": [1]})
    assert room.owner.post("/api/audit/erasures", json={"because": "she asked", "seqs": [seq]}).status_code == 201


def test_a_hold_of_the_incident_keeps_all_its_facts(room: Room) -> None:
    room.add()
    room.commander.post(f"{room.at}/hold", json={"because": "a lawsuit"})

    seq = seq_of(room, "incident.Opened")

    assert room.owner.post("/api/audit/erasures", json={"because": "x", "seqs": [seq]}).status_code == 409


def test_erasing_what_was_collected_takes_its_content_too(room: Room, tmp_path: Path) -> None:
    room.add(name="mrs-miller.csv", origin="psql -c miller")
    seq = seq_of(room, "incident.EvidenceCollected")

    assert room.owner.post("/api/audit/erasures", json={"because": "she asked", "seqs": [seq]}).status_code == 201

    (item,) = room.viewer.get(room.at).json()["items"]
    assert (item["name"], item["origin"], item["removed_because"]) == ("[erased]", "[erased]", "erased: she asked")
    room.look()
    assert "miller" not in room.owner.get(f"/api/incidents/{room.incident}/timeline").text
    assert not any(path.is_file() for path in (tmp_path / "evidence").rglob("*"))
    assert room.owner.get("/api/audit/verify").json()["valid"]


def test_every_touch_is_an_entry_of_the_audit_trail(room: Room) -> None:
    room.add()
    room.responder.get(f"{room.at}/1/content")
    room.commander.post(f"{room.at}/export", json={})

    entries = room.owner.get("/api/audit", params={"limit": 500}).json()["items"]
    touched = [(each["action"], each["actor"]) for each in entries if each["action"].startswith("incident.Evidence")]
    assert touched[::-1] == [
        ("incident.EvidenceCollected", "responder"),
        ("incident.EvidenceRead", "responder"),
        ("incident.EvidenceExported", "commander"),
    ]
    assert room.owner.get("/api/audit/verify").json()["valid"]
    assert msgspec.json.decode(room.viewer.get(room.at).content)["items"][0]["reads"] == 1


def test_evidence_of_a_private_incident_is_not_there_for_others(room: Room) -> None:
    room.add()
    answer = room.commander.post(f"/api/incidents/{room.incident}/restrict", json={"because": "security"})
    assert answer.status_code == 200, answer.text

    assert [room.responder.get(f"{room.at}{path}").status_code for path in ("", "/1", "/1/content", "/profile")] == [
        404
    ] * 4
    assert room.responder.post(room.at, params={"name": "x"}, content=b"x").status_code == 404
    assert room.commander.get(f"{room.at}/1/content").status_code == 200


# --- the page ---------------------------------------------------------------------------------------------------------


def page_of(room: Room, role: str = "responder") -> httpx2.Client:
    issued = auth.issue(role, role, room.world.clock.now())  # type: ignore[arg-type]
    room.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    return room.server.client(Cookie=f"{auth.COOKIE}={issued.text}")


def test_a_file_is_added_by_a_plain_form_and_shown_with_what_is_missing(room: Room) -> None:
    page = page_of(room)

    form = {"keep_original": (None, "true"), "file": ("../../etc/app <b>.log", LOGS, "text/html")}
    answer = page.post(f"/incidents/{room.incident}/evidence", files=form)

    assert answer.status_code == 303, answer.text
    text = page.get(f"/incidents/{room.incident}").text
    assert "1. app &lt;b&gt;.log" in text
    assert "3 password redacted" in text
    assert "0 of 3 that are generally kept" in text
    assert f"tocsin evidence collect {answer.headers['location'].split('/')[2].partition('#')[0]}" in text
    (item,) = room.viewer.get(room.at).json()["items"]
    assert (item["sha256"], item["original_size"]) == (hashlib.sha256(SAFE).hexdigest(), len(LOGS))


def test_a_large_file_of_a_form_is_streamed_whole(room: Room) -> None:
    content = b"\x00" + os.urandom(3_000_000)

    assert (
        page_of(room).post(f"/incidents/{room.incident}/evidence", files={"file": ("d.img", content)}).status_code
        == 303
    )

    assert room.responder.get(f"{room.at}/1/content").content == content


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/plain"}, b"x"),
        ({"Content-Type": "multipart/form-data; boundary=b"}, b"--b\r\nnonsense"),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
        ),
        (
            {"Content-Type": "multipart/form-data; boundary=b"},
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of a file',
        ),
    ],
)
def test_a_form_that_is_none_keeps_nothing(room: Room, headers: dict[str, str], body: bytes) -> None:
    answer = page_of(room).post(f"/incidents/{room.incident}/evidence", headers=headers, content=body)

    assert answer.status_code == 400, answer.text
    assert room.viewer.get(room.at).json()["items"] == []


def test_another_sites_form_adds_nothing_and_a_viewer_sees_no_form(room: Room) -> None:
    page = page_of(room)
    foreign = {"Origin": "https://evil.example"}

    answer = page.post(f"/incidents/{room.incident}/evidence", files={"file": ("f", b"x")}, headers=foreign)

    assert answer.status_code == 403
    assert "Keep it as evidence" not in page_of(room, "viewer").get(f"/incidents/{room.incident}").text
