"""The natural path with real programs: amtool, Prometheus and Alertmanager from Debian against `tocsin serve`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.listening import NO_CERTIFICATES
from tests.path.server import TOKEN, Tocsin, end, eventually, free_port, program
from tocsin.clock import SystemClock

pytestmark = pytest.mark.slow

PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
  - path_prefix: {prefix}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
RULES = """
groups:
- name: g
  rules:
  - alert: {name}
    expr: vector({value}) > 0
    labels: {{service: checkout, severity: critical}}
    annotations: {{summary: the checkout burns}}
"""
RECEIVERS = """
global: {{resolve_timeout: 5m}}
route:
  receiver: hook
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  routes:
  - {{receiver: hook, matchers: ['to="hook"']}}
  - {{receiver: pagerduty, matchers: ['to="pagerduty"']}}
  - {{receiver: opsgenie, matchers: ['to="opsgenie"']}}
  - {{receiver: victorops, matchers: ['to="victorops"']}}
receivers:
- name: hook
  webhook_configs: [{{url: "{url}/in/alertmanager/{token}"}}]
- name: pagerduty
  pagerduty_configs: [{{routing_key: {token}, url: "{url}/v2/enqueue"}}]
- name: opsgenie
  opsgenie_configs: [{{api_key: key, api_url: "{url}/in/opsgenie/{token}/"}}]
- name: victorops
  victorops_configs: [{{api_key: KEY, api_url: "{url}/in/victorops/{token}/", routing_key: team}}]
"""


@pytest.fixture
def tocsin(tmp_path: Path) -> Iterator[Tocsin]:
    started = Tocsin(tmp_path)
    yield started
    started.stop()


def amtool(url: str, *words: str) -> str:
    done = subprocess.run(
        ["amtool", f"--alertmanager.url={url}", *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.needs("amtool")
def test_amtool_silences_what_fires_and_a_restart_keeps_it(tocsin: Tocsin) -> None:
    amtool(tocsin.url, "alert", "add", "HighErrorRate", "service=checkout", "query=a<b", "--annotation=summary=x")
    assert "HighErrorRate" in amtool(tocsin.url, "alert", "query", "query=a<b")
    assert tocsin.open() == {"x": "investigating"}
    name = amtool(tocsin.url, "silence", "add", "-a", "ana", "-c", "deploy", "service=checkout").strip()
    tocsin.kill()
    tocsin.start()

    assert name in amtool(tocsin.url, "silence", "query")
    assert "HighErrorRate" not in amtool(tocsin.url, "alert", "query")
    assert "suppressed" in amtool(tocsin.url, "alert", "query", "--silenced")
    amtool(tocsin.url, "silence", "expire", name)
    assert "HighErrorRate" in amtool(tocsin.url, "alert", "query")


@pytest.mark.needs("amtool")
def test_an_alert_that_fires_into_a_silence_pages_when_the_silence_ends(tocsin: Tocsin) -> None:
    name = amtool(tocsin.url, "silence", "add", "-a", "ana", "-c", "deploy", "service=checkout").strip()
    amtool(tocsin.url, "alert", "add", "HighErrorRate", "service=checkout", "--annotation=summary=x")
    (shown,) = tocsin.client.get("/api/v2/alerts").json()
    assert tocsin.open() == {}
    explained = tocsin.api(f"/api/alerts/{shown['fingerprint']}/explain")
    assert any(name in sentence for sentence in explained["because"])

    amtool(tocsin.url, "silence", "expire", name)

    eventually(lambda: tocsin.open() == {"x": "investigating"})


@pytest.mark.needs("amtool")
def test_a_silence_that_runs_out_while_its_alert_fires_pages_then(tocsin: Tocsin) -> None:
    amtool(tocsin.url, "silence", "add", "-a", "ana", "-c", "deploy", "-d", "3s", "service=checkout")
    amtool(tocsin.url, "alert", "add", "HighErrorRate", "service=checkout", "--annotation=summary=x")
    (silence,) = tocsin.client.get("/api/v2/silences").json()
    assert tocsin.open() == {}

    eventually(lambda: tocsin.open() == {"x": "investigating"})

    (incident,) = tocsin.incidents()
    assert 0 <= (_at(incident["opened_at"]) - _at(silence["endsAt"])).total_seconds() < 1


@pytest.mark.needs("amtool")
def test_planned_work_pages_nobody_and_ends_by_itself(tocsin: Tocsin, tmp_path: Path) -> None:
    now = SystemClock().now()
    token = (tmp_path / "data" / "cli.token").read_text().strip()
    window = {
        "service": "checkout",
        "starts_at": now.isoformat(),
        "ends_at": (now + timedelta(seconds=3)).isoformat(),
        "comment": "new disks",
    }
    bearer = {"Authorization": f"Bearer {token}"}
    made = tocsin.client.post("/api/maintenance", json=window, headers=bearer)
    assert made.status_code == 201, made.text
    amtool(tocsin.url, "alert", "add", "HighErrorRate", "service=checkout", "--annotation=summary=x")

    (shown,) = tocsin.client.get("/api/v2/alerts").json()
    assert shown["status"]["mutedBy"] == [made.json()["id"]]
    assert tocsin.open() == {}
    eventually(lambda: tocsin.open() == {"x": "investigating"})


@pytest.mark.needs("prometheus")
def test_prometheus_fires_and_clears_through_a_sources_own_address(tocsin: Tocsin, tmp_path: Path) -> None:
    listen = free_port()
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.format(prefix=f"/in/alertmanager/{TOKEN}", port=tocsin.port))
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES.format(name="Burning", value=1))
    words = [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    words += ["--rules.alert.resend-delay=1s"]  # what it says before it has found its Alertmanager is said again
    prometheus = program(
        "prometheus", *words, f"--web.listen-address=127.0.0.1:{listen}", "--web.enable-lifecycle", folder=tmp_path
    )
    try:
        eventually(lambda: tocsin.open() == {"the checkout burns": "investigating"})
        (shown,) = tocsin.client.get("/api/v2/alerts").json()
        assert shown["labels"] == {"alertname": "Burning", "service": "checkout", "severity": "critical"}
        rules.write_text(RULES.format(name="Burning", value=0))
        httpx2.post(f"http://127.0.0.1:{listen}/-/reload")

        eventually(lambda: tocsin.open() == {}, 40)
    finally:
        end(prometheus)
    assert len(tocsin.incidents()) == 1


@pytest.mark.needs("alertmanager", "amtool")
def test_alertmanager_through_four_receivers_gives_one_incident_each(tocsin: Tocsin, tmp_path: Path) -> None:
    listen = free_port()
    (tmp_path / "am.yml").write_text(RECEIVERS.format(url=tocsin.url, token=TOKEN))
    words = [f"--config.file={tmp_path / 'am.yml'}", f"--storage.path={tmp_path / 'am'}", "--cluster.listen-address="]
    sender = program("prometheus-alertmanager", *words, f"--web.listen-address=127.0.0.1:{listen}", folder=tmp_path)
    url = f"http://127.0.0.1:{listen}"
    receivers = ("hook", "pagerduty", "opsgenie", "victorops")

    def say(**times: str) -> None:
        alerts = [
            {"labels": {"alertname": f"Disk-{to}", "to": to, "service": to, "severity": "critical"}, **times}
            for to in receivers
        ]
        assert httpx2.post(f"{url}/api/v2/alerts", json=alerts).status_code == 200

    def ready() -> bool:
        try:
            return httpx2.get(f"{url}/-/ready", verify=NO_CERTIFICATES).status_code == 200
        except httpx2.TransportError:
            return False

    clock = SystemClock()
    began = clock.now()
    try:
        eventually(ready)
        say()
        eventually(lambda: len(tocsin.open()) == 4)
        say(endsAt=clock.now().isoformat())

        eventually(lambda: tocsin.open() == {})
    finally:
        end(sender)
    incidents = tocsin.incidents()
    assert sorted(each["service"] for each in incidents) == sorted(receivers)
    for each in incidents:
        assert _at(each["opened_at"]) >= began
        assert _at(each["resolved_at"]) >= _at(each["opened_at"])


def test_a_job_that_fails_opens_an_incident_and_its_next_success_ends_it(tocsin: Tocsin) -> None:
    tocsin.client.get("/ping/backup")
    tocsin.client.post("/ping/backup/1", content=b"no space left")
    assert eventually(tocsin.open) == {"backup says that it failed (exit code 1)": "investigating"}
    tocsin.kill()
    tocsin.start()
    assert len(tocsin.open()) == 1

    tocsin.client.get("/ping/backup")

    eventually(lambda: tocsin.open() == {})
    assert len(tocsin.incidents()) == 1


def test_what_nobody_can_read_is_kept_and_its_fate_can_be_looked_up(tocsin: Tocsin) -> None:
    answer = tocsin.client.post(f"/in/alertmanager/{TOKEN}", content=b"{ not json")

    assert answer.status_code == 200
    payload = answer.headers["tocsin-payload"]
    fate: dict[str, Any] = eventually(lambda: _digested(tocsin.api(f"/api/payloads/{payload}")))
    assert "quarantine" in fate


def _digested(fate: dict[str, Any]) -> dict[str, Any] | None:
    return None if "waits" in fate["fate"] else fate


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.needs("amtool")
def test_the_command_line_explains_an_alert(tocsin: Tocsin, tmp_path: Path) -> None:
    amtool(tocsin.url, "alert", "add", "HighErrorRate", "service=checkout", "--annotation=summary=x")
    (shown,) = tocsin.client.get("/api/v2/alerts").json()

    def explain(fingerprint: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from tocsin.cli.main import main; main()", "alert", "explain", fingerprint]
        environment = {"TOCSIN_URL": tocsin.url, "TOCSIN_DATA": str(tmp_path / "data")}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)

    known, unknown = explain(shown["fingerprint"]), explain("0" * 16)

    assert (known.returncode, known.stderr) == (0, "")
    assert known.stdout.startswith(f"{shown['fingerprint']} is firing\n")
    assert "belongs to INC-" in known.stdout
    assert (unknown.returncode, unknown.stdout) == (3, "")


def test_a_token_that_is_wrong_is_refused_even_on_loopback(tocsin: Tocsin, tmp_path: Path) -> None:
    alerts = [{"labels": {"alertname": "A"}}]
    local = (tmp_path / "data" / "cli.token").read_text().strip()

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return tocsin.client.post("/api/v2/alerts", json=alerts, headers=headers).status_code

    assert [status(token) for token in ("wrong", f"{local}x", local, TOKEN)] == [401, 401, 200, 200]
    assert (
        tocsin.client.post("/api/v2/alerts", json=alerts, headers={"Origin": "http://evil.example"}).status_code == 401
    )
    assert tocsin.client.get("/api/v2/alerts", headers={"Host": "evil.example"}).status_code == 401
