"""The public status page under load: how many requests one core answers, and how many bytes a first visit takes.

    python bench/statuspage.py        needs wrk; also a part of `make bench` (`--only status`)

The page has twelve components in three groups and twenty incidents in ninety days. CPU time stands beside the rate,
because a busy machine gives a server less than a core.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.systems import Failed, Tocsin

CONNECTIONS = 32
PER_CORE = 2_000  # requests a second that one core has to answer from memory
BYTES_MAX = 30_000  # of a first visit, whatever it needs
COMPONENTS = [f"{part} {n}" for part in ("API", "Website", "Payments") for n in range(1, 5)]
INCIDENTS = 20
WORDS = "We are looking into errors that some of you see. The next update is in half an hour. "
PATHS = ("/status", "/api/v2/summary.json")


def status_page(directory: Path, seconds: float = 4) -> dict[str, float]:
    """Rates, CPU per request and sizes. Raises Failed when an answer was not 200 or the page asks for a script."""
    system = Tocsin(directory)
    try:
        _furnish(system, _token(system))
        figures = _sizes(system)
        for path in PATHS:
            cpu = system.cpu_seconds()
            found = _wrk(system, path, seconds)
            used = system.cpu_seconds() - cpu
            name = path.rpartition("/")[2]
            figures[f"{name} requests/s"] = found["requests"] / (found["duration_us"] / 1e6)
            figures[f"{name} us of CPU"] = used / found["requests"] * 1e6
            figures[f"{name} p99 ms"] = found["p99_us"] / 1e3
        return figures
    finally:
        system.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _token(system: Tocsin) -> str:
    command = [str(Path(sys.executable).parent / "tocsin"), "token", "add", "bench", "--role", "admin", "--program"]
    here = {"TOCSIN_URL": f"http://127.0.0.1:{system.port}", "TOCSIN_DATA": str(system.directory / "data")}
    made = subprocess.run(command, env=os.environ | here, capture_output=True, text=True, check=False)
    if made.returncode:
        raise Failed(f"tocsin token add: {made.stdout} {made.stderr}")
    return made.stdout.strip()


def _furnish(system: Tocsin, token: str) -> None:
    def call(method: str, path: str, body: dict[str, Any]) -> Any:
        connection = HTTPConnection("127.0.0.1", system.port, timeout=60)
        try:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise Failed(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text)

    groups = []
    call("PUT", "/api/status/pages/acme", {"name": "Acme status", "default": True})
    for n, name in enumerate(COMPONENTS):
        call("PUT", f"/api/status/components/c{n}?page=acme", {"name": name})
    for n, name in enumerate(("Platform", "For customers", "Money")):
        groups.append({"id": f"g{n}", "name": name, "components": [f"c{n * 4 + k}" for k in range(4)]})
    call("PUT", "/api/status/pages/acme", {"name": "Acme status", "default": True, "groups": groups})
    for n in range(INCIDENTS):
        at = datetime.now(UTC) - timedelta(days=4 * n + 1)
        past = {"name": f"Errors {n}", "backfilled": True, "backfill_date": at.isoformat(), "body": WORDS * 2}
        call("POST", "/v1/pages/acme/incidents", {"incident": past})
    now = {"name": "Payments fail", "status": "investigating", "body": WORDS, "components": {"c8": "partial_outage"}}
    call("POST", "/v1/pages/acme/incidents", {"incident": now})


def _sizes(system: Tocsin) -> dict[str, float]:
    """Bytes on the wire of a first visit: the page with its headers, and whatever it loads (it should load nothing)."""
    sizes = {}
    for name, coding in (("plain", "identity"), ("gzip", "gzip")):
        raw = _fetched(system, "/status", coding)
        head, _, body = raw.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise Failed(f"/status: {head[:100]!r}")
        if coding == "identity":
            if b"<script" in body:
                raise Failed("/status asks for a script")
            loaded = re.findall(rb'<(?:link[^>]+rel="(?:stylesheet|icon)"[^>]+href|img[^>]+src)="(/[^"]+)"', body)
            others = sum(len(_fetched(system, each.decode(), "gzip")) for each in loaded)
        sizes[f"first visit, {name}, bytes"] = float(len(raw) + others)
    return sizes


def _fetched(system: Tocsin, path: str, coding: str) -> bytes:
    with socket.create_connection(("127.0.0.1", system.port), 30) as there:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: {coding}\r\nConnection: close\r\n\r\n"
        there.sendall(request.encode())
        pieces = []
        while piece := there.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


DONE = """
wrk.headers["Accept-Encoding"] = "gzip"
function done(summary, latency)
  io.write(string.format('RESULT {"requests":%d,"duration_us":%d,"bad":%d,"p99_us":%d}\\n', summary.requests,
    summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write +
    summary.errors.timeout, latency:percentile(99)))
end
"""


def _wrk(system: Tocsin, path: str, seconds: float) -> dict[str, Any]:
    script = system.directory / "get.lua"
    script.write_text(DONE)
    address = f"http://127.0.0.1:{system.port}{path}"
    command = ["wrk", "-t1", "--timeout=10s", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), address]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.partition("RESULT ")[2].splitlines()[0])
    if found["bad"] or not found["requests"]:
        raise Failed(f"{path}: {found['bad']} of {found['requests']} were not answered with 200")
    return found


def shown(figures: dict[str, float]) -> str:
    return "\n".join(f"  {name:28} {value:12,.0f}" for name, value in figures.items())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as scratch:
        began = time.monotonic()
        print(shown(status_page(Path(scratch) / "status")))
        print(f"  in {time.monotonic() - began:.0f} s")
