"""`python -m tests.path.kill --kills 300`: kill -9 under load, again and again, and then count what was lost.

Real processes: Tocsin, several clients that post firing and resolving alerts and repeat what was not answered (as
Prometheus and Alertmanager do), a receiver that keeps the id of every page, somebody who acknowledges by link. After
the last restart everything that was answered with a 2xx must be known, every owed page sent, no key open twice, no
page doubled that was not on its way when the process was killed, every acknowledgement kept. SIGTERM ends the trial
early; the kills until then are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import random
import signal
import sqlite3
import statistics
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from tests.listening import NO_CERTIFICATES
from tests.path.harness import Servers, Tocsin, free_port, until
from tests.senders.servers import Web, response
from tocsin.clock import SystemClock, monotonic
from tocsin.core import facts as f
from tocsin.store.sqlite import SqliteStore

TOKEN = "0123456789abcdef0123456789abcdef"
PEOPLE = 200  # each gets at most five messages in five minutes; the more people, the less is bundled
POLICY = """
title: Kill trial
severities:
  - {id: P1, name: Critical, rank: 0, respond_within: 2h}
escalation:
  levels: [{level: 1, who: [owner], within: 2h}]
routes:
  - {name: load, matchers: ['load="yes"'], correlate_by: [group], service: s0}
  - {name: series, matchers: ['series=~".+"'], correlate_by: [series], flapping: {transitions: 1000, seconds: 60}}
"""
LATER = timedelta(hours=6)  # no alert ends by itself during the trial
_pause = threading.Event()  # never set


class Said(msgspec.Struct, frozen=True):
    """One alert that was answered with a 2xx."""

    series: str
    starts: str
    fires: bool
    payload: str


class Series:
    """One alert's labels over time; `starts` is the present episode's."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.service = name, f"s{number % PEOPLE}"
        self.starts, self.fires = "", False

    def alert(self, *, fires: bool, now: datetime) -> dict[str, Any]:
        if fires and not self.fires:
            self.starts = now.isoformat()
        return {
            "labels": {"alertname": "Kill", "series": self.name, "service": self.service, "severity": "critical"},
            "annotations": {"summary": self.name},
            "startsAt": self.starts,
            "endsAt": (now + LATER if fires else now).isoformat(),
        }


class Client(threading.Thread):
    """A monitor: fires, repeats, resolves and fires again, one request after the other, until it is told to stop."""

    def __init__(self, name: str, seed: int, port: int, *, webhook: bool, newer: float) -> None:
        super().__init__(name=name)
        self.random = random.Random(f"{seed}/{name}")
        self.port, self.webhook, self.newer = port, webhook, newer
        self.series: list[Series] = []
        self.said: list[Said] = []
        self.unanswered = 0
        self.stopping = threading.Event()
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)

    def run(self) -> None:
        while not self.stopping.is_set():
            self._once()
            self.stopping.wait(self.random.expovariate(40))
        self._line.close()

    def _once(self) -> None:
        now = SystemClock().now()
        chosen = self.random.sample(self.series, min(len(self.series), self.random.randint(0, 4)))
        if not chosen or self.random.random() < self.newer:
            chosen.append(Series(f"{self.name}-{len(self.series)}", self.random.randrange(PEOPLE)))
            self.series.append(chosen[-1])
        wanted = [(each, not each.fires or self.random.random() < 0.6) for each in chosen]
        alerts = [each.alert(fires=fires, now=now) for each, fires in wanted]
        payload = self._post(alerts)
        for each, fires in wanted:
            each.fires = fires
            self.said.append(Said(each.name, each.starts, fires, payload))

    def _post(self, alerts: list[dict[str, Any]]) -> str:
        """The payload's id, once it was accepted; the same bytes are sent until then."""
        path, body = "/api/v2/alerts", json.dumps(alerts)
        if self.webhook:
            path = f"/in/alertmanager/{TOKEN}"
            states = [{**each, "status": "firing" if _fires(each) else "resolved"} for each in alerts]
            body = json.dumps({"version": "4", "groupKey": "{}", "status": "firing", "alerts": states})
        while True:
            try:
                self._line.request("POST", path, body, {"Content-Type": "application/json"})
                answer = self._line.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                self._line.close()
                self.unanswered += 1
                _pause.wait(0.05)
                continue
            if answer.status == 200:
                return answer.getheader("tocsin-payload") or ""
            if answer.status != 503:
                raise AssertionError(f"{path} answered {answer.status}")
            _pause.wait(0.2)


def _fires(alert: dict[str, Any]) -> bool:
    return datetime.fromisoformat(alert["endsAt"]) - datetime.fromisoformat(alert["startsAt"]) > LATER / 2


class Answerer(threading.Thread):
    """Presses the button of every third page; `kept` are the incidents whose acknowledgement was confirmed."""

    def __init__(self, sink: Web) -> None:
        super().__init__(name="answerer")
        self.sink, self.kept, self.stopping = sink, set[str](), threading.Event()

    def run(self) -> None:
        done = 0
        with httpx2.Client(timeout=5) as phone:
            while not self.stopping.wait(0.05):
                fresh = self.sink.seen[done:]
                done += len(fresh)
                for message in (each.json["data"] for n, each in enumerate(fresh) if n % 3 == 0):
                    self._press(phone, message)

    def _press(self, phone: httpx2.Client, message: dict[str, Any]) -> None:
        if not message["acknowledge_url"] or "id" not in message["incident"]:
            return
        try:
            answer = phone.post(message["acknowledge_url"])
        except httpx2.HTTPError:
            return  # the process was killed: nothing was confirmed
        if answer.status_code == 200 and "you have it" in answer.text:
            self.kept.add(message["incident"]["id"])


class Trial:
    """One run over one directory."""

    def __init__(self, folder: Path, *, kills: int, alerts: int, clients: int, seed: int, rate: float) -> None:
        self.folder, self.kills, self.alerts = folder, kills, alerts
        self.random = random.Random(seed)
        self.servers = Servers()
        self.sink, port = self.servers.web(response(200))
        self.sink._before = self._linger
        self.port = free_port()
        people = "".join(
            f'[[people]]\nid = "p{n}"\nmethods = ["http://127.0.0.1:{port}/p{n}"]\n'
            f'[[services]]\nid = "s{n}"\nowner = "p{n}"\n'
            for n in range(PEOPLE)
        )
        source = f'[[sources]]\nname = "hook"\nkind = "alertmanager"\ntoken = "{TOKEN}"\n'
        (folder / "tocsin.toml").write_text(people + source)
        (folder / "kill.yaml").write_text(POLICY)
        self.clients = [Client(f"c{n}", seed, self.port, webhook=n % 3 == 2, newer=rate) for n in range(clients)]
        self.answerer = Answerer(self.sink)
        self.ready_seconds: list[float] = []
        self.leased: list[set[str]] = []  # the pages that were on their way at each kill
        self.tocsin: Tocsin | None = None
        self.wrong: list[str] = []
        self.enough = threading.Event()  # stop early, and count what was done until then

    async def _linger(self) -> None:
        """A receiver takes a moment, so that pages are on their way when the process is killed."""
        await asyncio.sleep(random.uniform(0, 0.15))

    # --- the trial ----------------------------------------------------------------------------------------------------

    def run(self) -> None:
        self._start()
        self._load()
        threads: list[threading.Thread] = [*self.clients, self.answerer]
        for each in threads:
            each.start()
        try:
            for n in range(self.kills):
                if self.enough.is_set():
                    break
                self._kill(n)
        finally:
            for client in self.clients:
                client.stopping.set()
            for client in self.clients:
                client.join(60)
            self._settle()
            self.answerer.stopping.set()
            self.answerer.join(30)

    def close(self) -> None:
        if self.tocsin is not None:
            self.tocsin.end(signal.SIGKILL)
        self.servers.close()

    def _start(self) -> float:
        """How long it took until `/ready` said so."""
        began = monotonic()
        self.tocsin = Tocsin(self.folder, port=self.port, guides=(self.folder / "kill.yaml",))
        url = f"{self.tocsin.url}/ready"

        def ready() -> bool:
            assert self.tocsin is not None
            assert self.tocsin.running, self.tocsin.tail()
            try:
                return httpx2.get(url, timeout=5, verify=NO_CERTIFICATES).status_code == 200
            except httpx2.HTTPError:
                return False

        until(ready, 120, what=f"Tocsin to be ready: {self.tocsin.tail()}")
        return monotonic() - began

    def _load(self) -> None:
        """Alerts that fire all the time, in a hundred groups."""
        assert self.tocsin is not None
        now = SystemClock().now()
        for start in range(0, self.alerts, 500):
            alerts = [
                {
                    "labels": {
                        "alertname": "Load",
                        "load": "yes",
                        "group": f"g{n % 100}",
                        "n": str(n),
                        "service": "s0",
                    },
                    "startsAt": now.isoformat(),
                    "endsAt": (now + LATER).isoformat(),
                }
                for n in range(start, min(self.alerts, start + 500))
            ]
            self.tocsin.alert(*alerts)
        until(lambda: self.tocsin and self.tocsin.metric("tocsin_intake_backlog_payloads") == 0, 300)

    def _kill(self, number: int) -> None:
        """Kill at a random instant, one time in eight while it still starts; then look what was on its way."""
        assert self.tocsin is not None
        early = self.random.random() < 0.125
        if early:
            self.tocsin.end(signal.SIGKILL)
            self.leased.append(self._on_their_way())
            self.tocsin = Tocsin(self.folder, port=self.port, guides=(self.folder / "kill.yaml",))
            _pause.wait(self.random.uniform(0, 1.5))
        else:
            _pause.wait(self.random.uniform(0.02, 1.5))
        self.tocsin.end(signal.SIGKILL)
        self.leased.append(self._on_their_way())
        self.ready_seconds.append(self._start())
        if (number + 1) % 20 == 0:
            said = sum(len(each.said) for each in self.clients)
            print(f"{number + 1} kills, {said} alerts accepted, {len(self.sink.seen)} messages", file=sys.stderr)

    def _on_their_way(self) -> set[str]:
        """Read-only, so that the next start finds the files as the kill left them."""
        with closing(self._database()) as db:
            return {page for (page,) in db.execute("SELECT page FROM owed WHERE lease IS NOT NULL")}

    def _database(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.folder / 'data' / 'tocsin.db'}?mode=ro", uri=True)

    def _settle(self) -> None:
        """Everything accepted is digested, nothing is on its way: what is still owed waits for its person's time."""
        assert self.tocsin is not None
        tocsin = self.tocsin
        until(lambda: tocsin.metric("tocsin_intake_backlog_payloads") == 0, 120, what="the digest")
        until(lambda: self._waiting_now() == 0, 150, what="the pages that may be sent now")

    def _waiting_now(self) -> int:
        now_us = int(SystemClock().now().timestamp() * 1_000_000)
        with closing(self._database()) as db:
            (leased,) = db.execute(
                "SELECT count(*) FROM owed WHERE lease IS NOT NULL AND due_us > ?", (now_us,)
            ).fetchone()
            (ready,) = db.execute("SELECT count(*) FROM lines WHERE ready_us <= ?", (now_us,)).fetchone()
        return int(leased) + int(ready)

    # --- what must be true --------------------------------------------------------------------------------------------

    def verify(self) -> dict[str, Any]:
        """The summary; `wrong` has a line for everything that must not be."""
        assert self.tocsin is not None
        self._check_firing(self.tocsin)
        self._check_fates(self.tocsin)
        assert self.tocsin.end() == 0
        with closing(SqliteStore(self.folder / "data" / "tocsin.db", SystemClock())) as store:
            histories = dict(self._histories(store))
        self._check_incidents(histories)
        owed = self._check_pages(histories)
        doubled = self._check_doubled()
        self._check_acknowledged(histories)
        ready = sorted(self.ready_seconds)
        return {
            "kills": len(self.leased),
            "alerts accepted": sum(len(each.said) for each in self.clients),
            "requests without an answer": sum(each.unanswered for each in self.clients),
            "incidents": len(histories),
            "messages": len(self.sink.seen),
            "pages still waiting for their person's time": owed,
            "on their way at a kill": sum(len(each) for each in self.leased),
            "doubled": doubled,
            "acknowledgements kept": len(self.answerer.kept),
            "ready, median s": round(statistics.median(ready), 2),
            "ready, 99 of 100 s": round(ready[min(len(ready) - 1, int(len(ready) * 0.99))], 2),
            "ready, longest s": round(ready[-1], 2),
        }

    def _check_firing(self, tocsin: Tocsin) -> None:
        """What was said last holds: who fires is listed, with its start, and who was resolved is not."""
        listed = tocsin.ask("GET", '/api/v2/alerts?filter=series%3D~".%2B"', token=False).json()
        firing = {each["labels"]["series"]: datetime.fromisoformat(each["startsAt"]) for each in listed}
        for client in self.clients:
            for series in client.series:
                began = datetime.fromisoformat(series.starts)
                if series.fires and series.name not in firing:
                    self.wrong.append(f"{series.name} fires and is not listed")
                elif series.fires and abs(firing[series.name] - began) > timedelta(milliseconds=1):
                    self.wrong.append(f"{series.name} fires since {began}, listed since {firing[series.name]}")
                elif not series.fires and series.name in firing:
                    self.wrong.append(f"{series.name} was resolved and is listed")

    def _check_fates(self, tocsin: Tocsin) -> None:
        """A sample of the payloads that were accepted: each one's fate can be looked up."""
        payloads = sorted({each.payload for client in self.clients for each in client.said})
        for payload in self.random.sample(payloads, min(200, len(payloads))):
            answer = tocsin.ask("GET", f"/api/payloads/{payload}")
            if answer.status_code != 200:
                self.wrong.append(f"payload {payload}: {answer.status_code} {answer.text[:200]}")

    def _histories(self, store: SqliteStore) -> Iterator[tuple[str, list[f.AnyFact]]]:
        with closing(self._database()) as db:
            streams = [stream for (stream,) in db.execute("SELECT stream FROM streams")]
        for stream in streams:
            yield stream, store.facts("default", stream)

    def _check_incidents(self, histories: dict[str, list[f.AnyFact]]) -> None:
        """Every accepted episode is in exactly one incident; one key has one open incident; references have no gap."""
        homes: dict[tuple[str, datetime], set[str]] = defaultdict(set)
        open_keys: Counter[str] = Counter()
        numbers = []
        for stream, history in histories.items():
            opened = history[0]
            assert isinstance(opened, f.Opened)
            numbers.append(int(opened.reference.rpartition("-")[2]))
            for fact in history:
                if isinstance(fact, f.AlertsAttached):
                    for alert in fact.alerts:
                        homes[alert.title, _whole(alert.starts_at)].add(stream)
            resolved = [n for n, fact in enumerate(history) if isinstance(fact, f.Resolved)]
            reopened = [n for n, fact in enumerate(history) if isinstance(fact, f.Reopened)]
            if opened.key and max(resolved, default=-1) <= max(reopened, default=-1):
                open_keys[opened.key] += 1
        for client in self.clients:
            for name, starts in {(each.series, each.starts) for each in client.said if each.fires}:
                found = homes.get((name, _whole(datetime.fromisoformat(starts))), set())
                if len(found) != 1:
                    self.wrong.append(f"{name} since {starts} is in {len(found)} incidents: {sorted(found)}")
        self.wrong += [f"{key} is open {count} times" for key, count in open_keys.items() if count > 1]
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            self.wrong.append(f"references: {len(numbers)} incidents, numbers {min(numbers)} to {max(numbers)}")

    def _check_pages(self, histories: dict[str, list[f.AnyFact]]) -> int:
        """Every page that was owed was received, forgiven, or waits for its person's time; how many wait."""
        with closing(self._database()) as db:
            waiting = {page for (page,) in db.execute("SELECT page FROM owed")}
        received = {each.headers["webhook-id"] for each in self.sink.seen}
        for history in histories.values():
            sent: dict[str, str] = {}
            forgiven: set[str] = set()
            owed: list[str] = []
            for fact in history:
                match fact:
                    case f.Escalated() | f.NobodyReached():
                        owed += [page.id for page in fact.pages]
                    case f.PagesForgiven():
                        forgiven.update(fact.pages)
                    case f.PageSent():
                        sent[fact.page] = fact.bundle or fact.page
            for page in owed:
                if page in sent and sent[page] not in received:
                    self.wrong.append(f"page {page} is said to be sent and never arrived")
                elif page not in sent and page not in forgiven and page not in waiting:
                    self.wrong.append(f"page {page} was owed and is lost")
        return len(waiting)

    def _check_doubled(self) -> int:
        """A page that arrived more often than once was on its way at a kill, at least as often as it was repeated."""
        arrived = Counter(each.headers["webhook-id"] for each in self.sink.seen)
        for page, count in arrived.items():
            kills = sum(page in each for each in self.leased)
            if count - 1 > kills:
                self.wrong.append(f"page {page} arrived {count} times, and was on its way at {kills} kills")
        return sum(arrived.values()) - len(arrived)

    def _check_acknowledged(self, histories: dict[str, list[f.AnyFact]]) -> None:
        for incident in self.answerer.kept:
            if not any(isinstance(fact, f.Acknowledged) for fact in histories.get(incident, [])):
                self.wrong.append(f"incident {incident}: the acknowledgement was confirmed and is lost")


def _whole(at: datetime) -> datetime:
    """To the millisecond: some wire formats carry no more."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def main(argv: list[str] | None = None) -> int:
    """0 when nothing was lost or done twice, 1 otherwise."""
    asked = argparse.ArgumentParser(prog="python -m tests.path.kill", description=__doc__)
    asked.add_argument("--kills", type=int, default=300)
    asked.add_argument("--alerts", type=int, default=100_000, help="alerts that are stored all the time")
    asked.add_argument("--clients", type=int, default=6)
    asked.add_argument("--new", type=float, default=0.15, help="how often a request brings a series never seen before")
    asked.add_argument("--ready-max", type=float, default=3.0, help="seconds until a restart must be ready")
    asked.add_argument("--seed", type=int, default=None)
    told = asked.parse_args(argv)
    seed = random.randrange(1_000_000) if told.seed is None else told.seed
    print(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="tocsin-kill-") as folder:
        trial = Trial(
            Path(folder), kills=told.kills, alerts=told.alerts, clients=told.clients, seed=seed, rate=told.new
        )
        before = signal.signal(signal.SIGTERM, lambda *_: trial.enough.set())
        try:
            trial.run()
            summary = trial.verify()
        finally:
            signal.signal(signal.SIGTERM, before)
            trial.close()
    for name, value in summary.items():
        print(f"{name:>45}: {value}")
    if summary["ready, longest s"] > told.ready_max:
        trial.wrong.append(f"a restart took {summary['ready, longest s']} s, more than {told.ready_max:g} s")
    for line in trial.wrong[:50]:
        print(f"WRONG: {line}")
    print(f"{len(trial.wrong)} things are wrong" if trial.wrong else "nothing was lost, nothing was done twice")
    return 1 if trial.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
