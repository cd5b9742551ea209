"""The two systems under test as processes of their own: started on ports that the kernel chose, measured from /proc."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
START_SECONDS = 30
AM_CONFIG = "route: {receiver: nobody, group_by: [alertname]}\nreceivers: [{name: nobody}]\n"


class Failed(Exception):
    """A measurement that cannot be trusted: nothing is printed for it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class System:
    """A running server. `name` and `version` go into the report."""

    name = ""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.log = directory / "server.log"
        directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, cwd=directory)
        self._wait()

    def command(self) -> list[str]:
        raise NotImplementedError

    def _wait(self) -> None:
        """Nothing is sent until the process that was started owns the port."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended at once: {self.log.read_text()[-2_000:]}")
            if self._owns_port():
                return
            time.sleep(0.05)
        raise Failed(f"{self.name} did not listen within {START_SECONDS} s: {self.log.read_text()[-2_000:]}")

    def _owns_port(self) -> bool:
        wanted = f"0100007F:{self.port:04X}"
        inodes = {
            line.split()[9]
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
            if line.split()[1] == wanted and line.split()[3] == "0A"
        }
        held = set()
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            try:
                held.add(str(each.readlink()))
            except OSError:
                continue
        return any(f"socket:[{inode}]" in held for inode in inodes)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def cpu_seconds(self) -> float:
        return sum(_cpu(pid) for pid in _tree(self.process.pid))

    def rss_mb(self) -> float:
        return sum(_rss(pid) for pid in _tree(self.process.pid)) / 1e6

    def get(self, path: str, timeout: float = 60) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path, headers={"Accept": "*/*"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, alerts: list[dict[str, Any]]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps(alerts, separators=(",", ":"))
            connection.request("POST", "/api/v2/alerts", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                raise Failed(f"{self.name} answered {answer.status}: {text[:200]!r}")
        finally:
            connection.close()

    def backlog(self) -> int:
        """Accepted payloads that cannot be queried yet."""
        raise NotImplementedError

    def wait_digested(self, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while self.backlog():
            if time.monotonic() > end:
                raise Failed(f"{self.name} had not digested everything after {seconds} s")
            time.sleep(0.01)

    def must_hold(self, instance: str) -> None:
        """Raises Failed unless an alert with this label can be queried."""
        status, body = self.get(f"/api/v2/alerts?filter=instance%3D%22{instance}%22")
        if status != 200:
            raise Failed(f"{self.name}: GET alerts answered {status}")
        if len(json.loads(body)) != 1:
            raise Failed(f"{self.name}: {instance} was answered with 200 and cannot be queried: {body[:300]!r}")


class Tocsin(System):
    name = "tocsin"

    def __init__(self, directory: Path, config: str = "", guide: Path | None = None) -> None:
        self._config, self._guide = config, guide
        super().__init__(directory)

    def command(self) -> list[str]:
        (self.directory / "tocsin.toml").write_text(self._config)
        command = [sys.executable, "-m", "tocsin", "serve", "--config", str(self.directory / "tocsin.toml")]
        command = [str(Path(sys.executable).parent / "tocsin"), *command[3:]]
        command += ["--data", str(self.directory / "data"), "--listen", f"127.0.0.1:{self.port}"]
        return [*command, "--guide", str(self._guide)] if self._guide else command

    def backlog(self) -> int:
        _, body = self.get("/metrics")
        found = re.search(rb"^tocsin_intake_backlog_payloads ([0-9.e+]+)$", body, re.MULTILINE)
        if found is None:
            raise Failed("tocsin: /metrics says nothing about the backlog")
        return int(float(found[1]))

    @staticmethod
    def version() -> str:
        command = str(Path(sys.executable).parent / "tocsin")
        return subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()


class Alertmanager(System):
    name = "alertmanager"

    def command(self) -> list[str]:
        (self.directory / "am.yml").write_text(AM_CONFIG)
        return [
            "prometheus-alertmanager",
            f"--config.file={self.directory / 'am.yml'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]

    def backlog(self) -> int:
        return 0  # it answers after its map has the alert

    @staticmethod
    def version() -> str:
        done = subprocess.run(["prometheus-alertmanager", "--version"], capture_output=True, text=True, check=True)
        return (done.stdout or done.stderr).splitlines()[0].partition(" (")[0]


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [pid]
    try:
        for child in children.read_text().split():
            found += _tree(int(child))
    except OSError:
        pass
    return found


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _rss(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except OSError:
        return 0
