"""Real programs for the stories of this directory: a Tocsin process, a mail server, Prometheus, Alertmanager.

Everything listens on a port of the kernel's choice and is ended by `closing`, whatever happens in between. Waiting is
`until`: it asks again and again and says what it waited for.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.listening import http_client
from tests.senders.servers import Mailbox, Web, listening, mail_server, response
from tocsin.clock import SystemClock, monotonic

T = TypeVar("T")
LOOK_SECONDS = 0.02
START_SECONDS = 30.0  # the machine may be busy with other tests
LINK = re.compile(r"http://[\d.]+:\d+/a/\S+")

_pause = threading.Event()  # never set


def until(ask: Callable[[], T], seconds: float = 15.0, *, what: str = "") -> T:
    """The first answer that counts as true. Raises AssertionError when there is none in time."""
    end = monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what or 'it'}, last answer: {found!r}")
        _pause.wait(LOOK_SECONDS)


def throughout(seconds: float, ask: Callable[[], object]) -> None:
    """`ask` holds for so long. For what must not happen: there is no event to wait for."""
    end = monotonic() + seconds
    while monotonic() < end:
        assert ask()
        _pause.wait(LOOK_SECONDS)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- servers of ours, in a loop of their own --------------------------------------------------------------------------


class Mail(msgspec.Struct, frozen=True):
    at: datetime
    to: str
    subject: str
    text: str
    page: str
    incident: str

    @property
    def link(self) -> str:
        found = LINK.findall(self.text)
        assert len(found) == 1, self.text
        return str(found[0])


class TimedMailbox(Mailbox):
    """Keeps when each mail was accepted; whoever is in `refused` is not known here."""

    def __init__(self) -> None:
        super().__init__()
        self.at: list[datetime] = []
        self.refused: set[str] = set()

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        return await super().handle_RCPT(server, session, envelope, address, options)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.at.append(SystemClock().now())
        return await super().handle_DATA(server, session, envelope)

    def received(self) -> list[Mail]:
        """No property: aiosmtpd looks at every attribute of its handler for every connection."""
        found = []
        for mail, at in zip(list(self.mails), list(self.at), strict=False):
            body = mail.get_body(("plain",))
            found.append(
                Mail(
                    at=at,
                    to=str(mail["To"].addresses[0].addr_spec),
                    subject=str(mail["Subject"]),
                    text=body.get_content() if body is not None else "",
                    page=str(mail["X-Tocsin-Page"]),
                    incident=str(mail["X-Tocsin-Incident"] or ""),
                )
            )
        return found

    def to(self, address: str) -> list[Mail]:
        return [mail for mail in self.received() if mail.to == address]


class Servers:
    """Mail and web servers of ours, running until `close`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers")
        self._thread.start()
        self._stack = AsyncExitStack()

    def mail(self) -> tuple[TimedMailbox, int]:
        box = TimedMailbox()
        return box, self._run(self._stack.enter_async_context(mail_server(box)))

    def web(self, answer: bytes | None = None) -> tuple[Web, int]:
        """`answer` None: 200."""
        web = Web(answer if answer is not None else response(200))
        return web, self._run(self._stack.enter_async_context(listening(web)))

    def serve(self, handler: Any, **options: Any) -> int:
        """A server of the story's own; its port."""
        return int(self._run(self._stack.enter_async_context(listening(handler, **options))))

    def close(self) -> None:
        self._run(self._stack.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Any) -> Any:
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return future.result(10)


# --- programs ---------------------------------------------------------------------------------------------------------


class Program:
    """A child process; what it says on stdout and stderr is kept, line by line."""

    def __init__(self, command: list[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        self.words = command
        self.out: list[str] = []
        self.err: list[str] = []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
            errors="replace", cwd=cwd, env=env,
        )  # fmt: skip
        self._readers = [
            threading.Thread(target=self._read, args=(stream, kept))
            for stream, kept in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for each in self._readers:
            each.start()

    def _read(self, stream: Any, kept: list[str]) -> None:
        for line in stream:
            kept.append(line.rstrip("\n"))
        stream.close()

    def said(self, words: str) -> str | None:
        return next((line for line in [*self.out, *self.err] if words in line), None)

    def wait_for(self, words: str, seconds: float = START_SECONDS) -> str:
        """The line with `words`. Raises AssertionError when the program ends or takes too long."""

        def ask() -> str | None:
            ended = self.process.poll() is not None
            if ended:
                self._join()
            line = self.said(words)
            assert line or not ended, f"ended with {self.process.returncode}: {self.tail()}"
            return line

        return until(ask, seconds, what=f"{words!r} from {self.words[0]}: {self.tail()}") or ""

    def tail(self) -> str:
        return "\n".join([*self.out[-10:], *self.err[-30:]])

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def end(self, sign: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Its exit code, after `sign`; killed when it does not end in time."""
        if self.running:
            self.process.send_signal(sign)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._join()
        return self.process.returncode

    def _join(self) -> None:
        for each in self._readers:
            each.join(5)


class Tocsin(Program):
    """`tocsin serve` over a directory, ready to be asked."""

    def __init__(self, folder: Path, *, port: int, guides: tuple[Path, ...] = ()) -> None:
        self.folder, self.port = folder, port
        self.data = folder / "data"
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "tocsin.cli", "serve", "--config", str(folder / "tocsin.toml")]
        command += ["--data", str(self.data), "--listen", f"127.0.0.1:{port}"]
        command += [word for guide in guides for word in ("--guide", str(guide))]
        super().__init__(command, cwd=folder)

    def ready(self) -> Tocsin:
        self.wait_for("listening on")
        return self

    @property
    def token(self) -> str:
        return (self.data / "cli.token").read_text().strip()

    # --- what people and programs ask ---------------------------------------------------------------------------------

    def ask(self, method: str, path: str, *, token: bool = True, **more: Any) -> httpx2.Response:
        headers = dict(more.pop("headers", {}))
        if token:
            headers["authorization"] = f"Bearer {self.token}"
        with http_client(timeout=20) as client:
            return client.request(method, f"{self.url}{path}", headers=headers, **more)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def alert(self, *alerts: dict[str, Any]) -> httpx2.Response:
        """What Prometheus does."""
        answer = self.ask("POST", "/api/v2/alerts", token=False, json=list(alerts))
        assert answer.status_code == 200, answer.text
        return answer

    def incidents(self, **filters: str) -> list[dict[str, Any]]:
        """Every incident, newest first."""
        query = "".join(f"&{name}={value}" for name, value in filters.items())
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/api/incidents?limit=200{query}{cursor}")
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    def incident(self, *, about: str = "", seconds: float = 15.0, **wanted: Any) -> dict[str, Any]:
        """The only incident with these fields, whose title begins so, once there is one."""

        def ask() -> list[dict[str, Any]]:
            found = [each for each in self.incidents() if each["title"].startswith(about)]
            return [each for each in found if all(each[name] == value for name, value in wanted.items())]

        (found,) = until(ask, seconds, what=f"an incident {about} with {wanted}")
        return found

    def timeline(self, incident: str) -> list[dict[str, Any]]:
        return list(self.get(f"/api/incidents/{incident}/timeline")["items"])

    def kinds(self, incident: str) -> list[str]:
        return [item["kind"] for item in self.timeline(incident)]

    def command(self, incident: str, name: str, **body: Any) -> dict[str, Any]:
        answer = self.ask("POST", f"/api/incidents/{incident}/{name}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def explain(self, **labels: str) -> dict[str, Any]:
        """What became of the alert with exactly these labels."""

        def ask() -> list[Any]:
            listed = self.ask("GET", "/api/v2/alerts", token=False).json()
            return [each["fingerprint"] for each in listed if each["labels"] == labels]

        (fingerprint,) = until(ask, what=f"the alert {labels}")
        found: dict[str, Any] = self.get(f"/api/alerts/{fingerprint}/explain")
        return found

    def metric(self, name: str) -> float:
        text = self.ask("GET", "/metrics", token=False).text
        return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")))


POLICY = """
title: A small shop
severities:
  - {id: P1, name: Critical, rank: 0, respond_within: 10m, resolve_within: 4h}
  - {id: P2, name: High, rank: 1, respond_within: 15m}
  - {id: P3, name: Low, rank: 2}
escalation:
  until: acknowledged
  levels:
    - {level: 1, who: [on-call], within: 10m}
    - {level: 2, who: [boss], within: 10m}
"""

PEOPLE = """
[[people]]
id = "ana"
name = "Ana Ruiz"
methods = ["ana@example.org"]

[[people]]
id = "bo"
methods = ["bo@example.org"]

[bindings]
"on-call" = ["ana"]
"boss" = ["bo"]
"""


class World:
    """A directory, a mail server, and the programs of one story."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = Servers()
        self.mailbox, self.mail_port = self.servers.mail()
        self.programs: list[Program] = []

    def tocsin(
        self, *, people: str = PEOPLE, policy: str = POLICY, more: str = "", folder: str = "tocsin", top: str = ""
    ) -> Tocsin:
        """A running Tocsin. `more`: further tables of tocsin.toml; `top` comes before the first."""
        home = self.folder / folder
        home.mkdir(exist_ok=True)
        smtp = f'[smtp]\nhost = "127.0.0.1"\nport = {self.mail_port}\nfrom = "tocsin@example.org"\n'
        (home / "tocsin.toml").write_text(f"{top}\n{smtp}\n{people}\n{more}")
        (home / "shop.yaml").write_text(policy)
        return self.start(home)

    def start(self, home: Path, *, port: int | None = None) -> Tocsin:
        """Tocsin over a directory that is set up already."""
        started = Tocsin(home, port=port or free_port(), guides=(home / "shop.yaml",))
        self.programs.append(started)
        return started.ready()

    def run(self, command: list[str], ready: str, **more: Any) -> Program:
        started = Program(command, **more)
        self.programs.append(started)
        started.wait_for(ready)
        return started

    def prometheus(self, target: str, rules: str, alerting: str, *, kept: str = "15d") -> Program:
        """Debian's Prometheus, looking every second; ready. What its data directory has already is `kept` so long."""
        home = self.folder / "prometheus"
        home.mkdir(exist_ok=True)
        (home / "rules.yml").write_text(rules)
        (home / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
            f"rule_files: [{home / 'rules.yml'}]\n"
            f"scrape_configs: [{{job_name: shop, static_configs: [{{targets: ['{target}']}}]}}]\n"
            f"alerting: {{alertmanagers: [{alerting}]}}\n"
        )
        return self.run(
            [
                shutil.which("prometheus") or "prometheus",
                f"--config.file={home / 'prometheus.yml'}",
                f"--storage.tsdb.path={home / 'data'}",
                f"--storage.tsdb.retention.time={kept}",
                f"--web.listen-address=127.0.0.1:{free_port()}",
            ],
            "Server is ready",
        )

    def alertmanager(self, config: dict[str, Any], port: int | None = None) -> str:
        """Debian's Alertmanager; its address."""
        home = self.folder / "alertmanager"
        home.mkdir(exist_ok=True)
        (home / "am.yml").write_text(json.dumps(config))  # YAML takes JSON
        url = f"http://127.0.0.1:{port or free_port()}"
        self.run(
            [
                shutil.which("prometheus-alertmanager") or "prometheus-alertmanager",
                f"--config.file={home / 'am.yml'}",
                f"--storage.path={home / 'data'}",
                f"--web.listen-address={url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            "istening",
        )
        return url

    def close(self) -> None:
        for program in reversed(self.programs):
            program.end(signal.SIGTERM if isinstance(program, Tocsin) else signal.SIGKILL)
        self.servers.close()


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A world that is gone afterwards; when the story fails, what Tocsin said is printed."""
    made = World(folder)
    try:
        yield made
    except BaseException:
        for program in made.programs:
            sys.stderr.write(f"--- {' '.join(program.words[:4])}\n{program.tail()}\n")
        raise
    finally:
        made.close()
