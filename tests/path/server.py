"""`tocsin serve` as a process, on a free port, in a directory of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

TOKEN = "0123456789abcdef0123456789abcdef"
CONFIG = f"""
[[people]]
id = "ana"
name = "Ana"
methods = ["console"]

[[sources]]
kind = "any"
name = "all"
token = "{TOKEN}"

[[monitors]]
id = "backup"
every = "1h"
grace = "1m"
service = "db"
"""
PATIENCE_SECONDS = 15.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def eventually(question: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true answer, asked for ever again; fails when none came in time."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.1)):
        answer = question()
        if answer:
            return answer
        waiting.wait(0.1)
    raise AssertionError(f"not within {seconds} s: the last answer was {answer!r}")


class Tocsin:
    """Started when it is made; `stop` ends it as an operator does, `kill` as a power cut does."""

    def __init__(self, folder: Path, config: str = CONFIG) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        (folder / "tocsin.toml").write_text(config)
        self.client = httpx2.Client(base_url=self.url, timeout=10)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", "from tocsin.cli.main import main; main()", "serve"]
        command += ["--config", "tocsin.toml", "--data", "data", "--listen", f"127.0.0.1:{self.port}"]
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        eventually(self._ready)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _ready(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError((self.folder / "serve.log").read_text())
        try:
            return self.client.get("/-/ready").status_code == 200
        except httpx2.TransportError:
            return False

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(10)

    def api(self, path: str) -> Any:
        token = (self.folder / "data" / "cli.token").read_text().strip()
        answer = self.client.get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def incidents(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.api("/api/incidents")["items"]
        return items

    def open(self) -> dict[str, str]:
        """The title of each incident that is not over -> its status."""
        over = ("resolved", "closed")
        return {each["title"]: each["status"] for each in self.incidents() if each["status"] not in over}


def program(name: str, *words: str, folder: Path) -> subprocess.Popen[bytes]:
    """A program of Debian's, its output in a file beside its data."""
    path = shutil.which(name)
    assert path is not None, f"{name} is not installed"
    with (folder / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [path, *words], stdout=log, stderr=log, cwd=folder, env=os.environ | {"HOME": str(folder)}
        )


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)
