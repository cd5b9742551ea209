"""The installed Alertmanager delivers one alert through its webhook, PagerDuty, Opsgenie and VictorOps receivers."""

from __future__ import annotations

import json
import queue
import re
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tocsin.clock import SystemClock
from tocsin.core.alert import Report
from tocsin.intake.formats import FORMATS, parse
from tocsin.ports import Entry

WAIT_SECONDS = 30  # for a busy machine; the requests come within one or two
CONFIG = """
route: {{receiver: all, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: all
  webhook_configs: [{{url: "{url}/alertmanager"}}]
  pagerduty_configs: [{{url: "{url}/pagerduty", routing_key: R0UT1NGKEY0123456789012345678901}}]
  opsgenie_configs: [{{api_url: "{url}/opsgenie/", api_key: KEY}}]
  victorops_configs: [{{api_url: "{url}/victorops/", api_key: KEY, routing_key: db}}]
"""
LABELS = {"alertname": "DiskFull", "service": "db", "severity": "critical"}


class Receiver(ThreadingHTTPServer):
    """Answers as Tocsin does and keeps what came, as journal entries."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.entries: queue.Queue[Entry] = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        kind, _, suffix = self.path.lstrip("/").partition("/")
        entry = Entry(
            position=1,
            tenant="default",
            source="am",
            kind=kind,
            received_at=SystemClock().now(),
            body=body,
            meta={"suffix": suffix, "dedup_key": "made-up"},
        )
        answer = FORMATS[kind].answer(entry)
        self.send_response(answer.status)
        self.send_header("content-type", answer.content_type)
        self.send_header("content-length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)
        self.server.entries.put(entry)

    do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        """The test's output is no place for an access log."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def alertmanager(receiver: Receiver, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "am.yml").write_text(CONFIG.format(url=receiver.url))
    program = shutil.which("prometheus-alertmanager")
    assert program
    process = subprocess.Popen(
        [program, f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}",
         "--web.listen-address=127.0.0.1:0", "--cluster.listen-address="],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr
    with process.stderr:
        for line in process.stderr:
            if found := re.search(r"Listening.*address=(127\.0\.0\.1:\d+)", line):
                # Somebody has to read on, or it stops at a full pipe.
                rest = threading.Thread(target=process.stderr.read)
                rest.start()
                yield f"http://{found[1]}"
                break
        process.terminate()
        process.wait(WAIT_SECONDS)
        rest.join()


def post(alertmanager: str, **times: str) -> None:
    body = json.dumps([{"labels": LABELS, "annotations": {"summary": "disk 95%"}, **times}]).encode()
    request = urllib.request.Request(f"{alertmanager}/api/v2/alerts", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS) as response:
        assert response.status == 200


def next_reports(receiver: Receiver) -> dict[str, Report]:
    """The one report of each of the four receivers, as soon as all have called."""
    found: dict[str, Report] = {}
    while len(found) < 4:
        entry = receiver.entries.get(timeout=WAIT_SECONDS)
        (found[entry.kind],) = parse(entry)
    return found


@pytest.mark.slow
@pytest.mark.needs("alertmanager")
def test_every_receiver_of_alertmanager_fires_and_resolves_one_alert_with_true_times(receiver, alertmanager):
    began_at = SystemClock().now().replace(microsecond=0) - timedelta(minutes=5)
    post(alertmanager, startsAt=began_at.isoformat())
    fired = next_reports(receiver)
    ended_at = SystemClock().now()
    post(alertmanager, startsAt=began_at.isoformat(), endsAt=ended_at.isoformat())
    resolved = next_reports(receiver)

    for kind, report in fired.items():
        assert (kind, report.action, report.ends_at) == (kind, "fire", None)
        assert report.labels | LABELS == report.labels, kind
        assert report.fingerprint == resolved[kind].fingerprint
        assert resolved[kind].action == "resolve"
        end = resolved[kind].ends_at
        assert end is not None and ended_at <= end <= SystemClock().now()
    assert fired["alertmanager"].starts_at == began_at
    assert resolved["alertmanager"].ends_at == ended_at
    assert len({report.fingerprint for report in fired.values()}) == 4
    (group,) = {report.group for report in fired.values()}  # so that all four are one incident
    assert group
