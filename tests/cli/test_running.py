"""`tocsin runbook run` at a terminal: a real server, a real shell, programs of the test on its PATH."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx2
import msgspec
import pytest

from tests.http.guided import GUIDED, guide
from tests.http.world import Server, World
from tocsin.core.policy import CodeBlock, Policy, Runbook, Source, Step

PLACE = "/api/incidents/INC-2026-001"
PROGRAM = [sys.executable, "-c", "from tocsin.cli.main import main; main()"]
SECONDS = 30.0  # before a test gives up on a program


def step(text: str, line: int, *codes: str, alternative: bool = False) -> Step:
    blocks = tuple(CodeBlock(language="bash", code=code, source=Source(line=line)) for code in codes)
    return Step(text=text, commands=blocks, alternative=alternative, source=Source(line=line))


BOOKS = (
    Runbook(
        title="Database down",
        steps=(
            step("Look", 101, "kubectl logs <pod>"),
            step("Restart it", 102, "kubectl rollout restart deployment/<deployment>"),
            step("Delete it", 103, "kubectl delete pod <pod>"),
            step("Tell people", 104),
        ),
        source=Source(line=100),
    ),
    Runbook(
        title="Quick fix",
        steps=(
            step("Rollback if recent deployment", 201, "kubectl rollout undo deployment/shop"),
            step("Or restart services", 202, "kubectl rollout restart deployment/shop", alternative=True),
            step("Or failover to backup", 203, "patronictl failover", alternative=True),
        ),
        source=Source(line=200),
    ),
    Runbook(
        title="Ask the database", steps=(step("Ask", 301, 'psql $DATABASE_URL -c "SELECT 1"'),), source=Source(line=300)
    ),
    Runbook(
        title="Verification", steps=(step("Verify service health", 401, "kubectl get pods"),), source=Source(line=400)
    ),
    Runbook(title="Nodes", steps=(step("Look at nodes", 701, "kubectl get nodes"),), source=Source(line=700)),
    Runbook(title="Watch it", steps=(step("Watch", 501, "top"),), source=Source(line=500)),
    Runbook(title="Read much", steps=(step("Read", 601, "kubectl describe pods"),), source=Source(line=600)),
)
POLICY: Policy = msgspec.structs.replace(GUIDED, runbooks=BOOKS)

KUBECTL = """#!/bin/sh
echo "kubectl $*" >> "$LOG"
case "$*" in
  "describe pods") i=0; while [ $i -lt 400 ]; do echo "line $i of what it says"; i=$((i + 1)); done;;
  "get nodes") echo "no route to host" >&2; exit 3;;
  *undo*) echo "no earlier revision" >&2; exit 1;;
  *) echo "pretending: $*";;
esac
"""
PSQL = """#!/bin/sh
echo "connected to $1"
"""


class Terminal:
    """A terminal in which `tocsin` is run by one person."""

    def __init__(self, server: Server, folder: Path, person: str) -> None:
        self.server, self.folder = server, folder
        self.programs = folder / "bin"
        self.programs.mkdir(exist_ok=True)
        for name, text in (("kubectl", KUBECTL), ("patronictl", KUBECTL), ("psql", PSQL)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o700)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
        self.environment = kept | {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "LOG": str(folder / "log"),
            "TOCSIN_URL": server.url,
            "TOCSIN_TOKEN": server.world.token("responder", person),
        }

    @property
    def ran(self) -> list[str]:
        log = self.folder / "log"
        return log.read_text().splitlines() if log.exists() else []

    def says(self, *args: str) -> str:
        """What another command says."""
        return subprocess.run(
            [*PROGRAM, *args], env=self.environment, capture_output=True, text=True, check=True
        ).stdout

    def without(self, *args: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Where nobody sits."""
        return subprocess.run(
            [*PROGRAM, "runbook", "run", "INC-2026-001", *args],
            cwd=self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def types(self, answers: Mapping[str, str], *args: str, **more: str) -> tuple[str, int]:
        """What was said until the end, and the exit status; a question that holds a key is answered by its value."""
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*PROGRAM, "runbook", "run", "INC-2026-001", *args],
            cwd=self.folder,
            env=self.environment | more,
            stdin=slave,
            stdout=slave,
            stderr=slave,
        )
        os.close(slave)
        said, asked = "", ""
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            while piece := self._read(master):
                said, asked = said + piece, asked + piece
                answer = next((value for key, value in answers.items() if key in asked.split("\n")[-1]), None)
                if answer is not None and asked.endswith((": ", "] ")):
                    os.write(master, f"{answer}\n".encode())
                    asked = ""
        finally:
            timer.cancel()
            os.close(master)
        return said.replace("\r", ""), process.wait()

    @staticmethod
    def _read(master: int) -> str:
        select.select([master], [], [], SECONDS)
        try:
            return os.read(master, 65536).decode()
        except OSError:  # nobody holds the other end any more
            return ""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    guide(world, POLICY)
    running = Server(world)
    api = running.client(world.token("responder", "ana"))
    api.post("/api/incidents", json={"title": "Checkout is down", "severity": "SEV-1"}).raise_for_status()
    yield running
    running.stop()
    world.close()


@pytest.fixture
def api(server: Server) -> httpx2.Client:
    return server.client(server.world.token("commander", "ben"))


@pytest.fixture
def terminal(server: Server, tmp_path: Path) -> Terminal:
    folder = tmp_path / "terminal"
    folder.mkdir()
    return Terminal(server, folder, "ana")


def test_a_dry_run_shows_exactly_what_would_be_run_and_runs_nothing(terminal: Terminal, api: httpx2.Client) -> None:
    ran = terminal.without("database down", "--dry-run", "--param", "POD=pg-0", "--param", "deployment=pg")

    assert ran.returncode == 0, ran.stderr
    assert "$ kubectl logs pg-0\n          reads: it changes nothing" in ran.stdout
    assert "$ kubectl rollout restart deployment/pg\n          disturbs:" in ran.stdout
    assert "$ kubectl delete pod pg-0\n          DESTROYS: it cannot be taken back; a second person" in ran.stdout
    assert "for people: nothing to run" in ran.stdout
    assert terminal.ran == []
    assert api.get(f"{PLACE}/runs").json()["items"] == []


def test_a_dry_run_says_what_is_missing_and_fails(terminal: Terminal) -> None:
    ran = terminal.without("database down", "--dry-run", "--param", "pod=pg-0")

    assert ran.returncode == 1
    assert "cannot run it: deployment: expected a value, got none" in ran.stderr


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("database down", "--param", "pod=a b"), "pod: expected a name"),
        (
            ("database down", "--param", "nonsense=a"),
            "expected a value that these commands leave open (pod, deployment)",
        ),
        (("database down", "--param", "pod"), "expected NAME=VALUE"),
        (("database down", "--step", "9"), "expected 1 to 4"),
        (("ask the database", "--param", "DATABASE_URL=x"), "it is a secret"),
        (("nonsense",), "runbook: expected one"),
        (("verification",), "nobody is at this terminal"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(terminal: Terminal, args: tuple[str, ...], says: str) -> None:
    ran = terminal.without(*args)

    assert ran.returncode in (2, 3)
    assert says in ran.stderr
    assert terminal.ran == []


def test_where_nobody_sits_only_what_reads_is_run(terminal: Terminal, api: httpx2.Client) -> None:
    assert terminal.without("verification", "--yes").returncode == 0
    assert terminal.ran == ["kubectl get pods"]

    assert terminal.without("quick fix", "--yes").returncode == 2
    assert terminal.ran == ["kubectl get pods"]


def test_where_nobody_sits_a_reading_command_that_fails_is_a_failure(terminal: Terminal, api: httpx2.Client) -> None:
    ran = terminal.without("nodes", "--yes")

    assert ran.returncode == 1
    assert "exit status 3" in ran.stderr and "Step 1 failed" in ran.stderr
    (run,) = api.get(f"{PLACE}/runs").json()["items"]
    assert (run["exit_code"], run["output"]) == (3, "no route to host\n")


def test_steps_are_run_one_by_one_and_ticked_off_and_the_incident_knows_who_did_what(
    terminal: Terminal, api: httpx2.Client
) -> None:
    answers = {"pod (name)": "pg-0", "deployment (name)": "pg", "only reads": "y", "Type run": "run", "INC-2026": "no"}

    said, code = terminal.types(answers, "database down", "--no-wait")

    assert code == 4, said
    assert terminal.ran == ["kubectl logs pg-0", "kubectl rollout restart deployment/pg"]
    assert "It waits for a second person" in said and "Stopped at step 3" in said
    shown = api.get(PLACE).json()
    assert shown["items"] == {"Database down / Look": "finished", "Database down / Restart it": "finished"}
    assert [each["says"] for each in shown["approvals"]] == [
        "to run kubectl delete pod pg-0 (Delete it; it cannot be taken back)"
    ]
    (waits,) = [each for each in terminal.says("incident", "show", "INC-2026-001").split("\n") if "waits until" in each]
    assert waits.endswith("it cannot be taken back); tocsin incident approve INC-2026-001 1")
    last, first = api.get(f"{PLACE}/runs").json()["items"]
    assert (first["by"], first["exit_code"], first["output"]) == ("ana", 0, "pretending: logs pg-0\n")
    assert last["text"] == "kubectl rollout restart deployment/pg"


def test_what_cannot_be_taken_back_is_run_once_somebody_else_approved_it(
    terminal: Terminal, api: httpx2.Client
) -> None:
    args = ("database down", "--step", "3", "--param", "pod=pg-0")
    terminal.types({}, *args, "--no-wait")
    api.post(f"{PLACE}/approve", json={"request": 1}).raise_for_status()

    said, code = terminal.types({"Type INC-2026-001": "no"}, *args, "--no-wait")
    assert (code, terminal.ran) == (4, []), said
    said, code = terminal.types({"Type INC-2026-001": "INC-2026-001"}, *args, "--no-wait")
    assert (code, terminal.ran) == (0, ["kubectl delete pod pg-0"]), said

    (run,) = api.get(f"{PLACE}/runs").json()["items"]
    assert (run["risk"], run["approved_by"], run["exit_code"]) == ("destroys", "ben", 0)
    said, code = terminal.types({}, *args, "--no-wait")
    assert code == 4 and len(terminal.ran) == 1, said  # an approval is for one run


def test_whoever_waits_goes_on_as_soon_as_somebody_approves(terminal: Terminal, api: httpx2.Client) -> None:
    def approves() -> None:
        for _ in range(300):
            if api.post(f"{PLACE}/approve", json={"request": 1}).is_success:
                return
            threading.Event().wait(0.1)

    second = threading.Thread(target=approves)
    second.start()
    answers = {"Type INC-2026-001": "INC-2026-001"}
    said, code = terminal.types(answers, "database down", "--step", "3", "--param", "pod=pg-0")
    second.join()

    assert code == 0, said
    assert "approved, for this one run" in said
    assert terminal.ran == ["kubectl delete pod pg-0"]


def test_a_failed_step_stops_and_says_what_the_guide_has_instead(terminal: Terminal, api: httpx2.Client) -> None:
    said, code = terminal.types({"Type run": "run", "instead?": "n"}, "quick fix")

    assert code == 1, said
    assert terminal.ran == ["kubectl rollout undo deployment/shop"]
    assert "no earlier revision" in said and "Step 1 failed; nothing after it was run" in said
    assert "or: Or restart services: tocsin runbook run INC-2026-001 'Quick fix' --step 2" in said
    assert "restart: Restart it: tocsin runbook run INC-2026-001 'Database down' --step 2" in said
    assert api.get(PLACE).json()["items"] == {"Quick fix / Rollback if recent deployment": "begun"}


def test_an_alternative_is_tried_and_the_next_is_not_needed(terminal: Terminal) -> None:
    said, code = terminal.types({"Type run": "run", "instead?": "y"}, "quick fix")

    assert code == 0, said
    assert terminal.ran == ["kubectl rollout undo deployment/shop", "kubectl rollout restart deployment/shop"]
    assert "Or failover to backup: not needed" in said
    assert "To verify it:\n  Verify service health: tocsin runbook run INC-2026-001 'Verification' --step 1" in said


def test_a_secret_comes_from_the_environment_and_goes_nowhere_else(terminal: Terminal, api: httpx2.Client) -> None:
    url = "postgres://app:hunter-2-hunter@db/shop"

    missing = terminal.without("ask the database", "--dry-run")
    said, code = terminal.types({"only reads": "y"}, "ask the database", DATABASE_URL=url)

    assert missing.returncode == 1 and "export DATABASE_URL" in missing.stderr
    assert code == 0, said
    assert "connected to [secret]" in said
    record = api.get(f"{PLACE}/runs").text + api.get(f"{PLACE}/timeline").text
    assert "psql $DATABASE_URL" in record and "connected to [secret]" in record
    assert "hunter-2" not in said + record


def test_what_waits_for_a_person_is_done_by_hand_and_ticked_off(terminal: Terminal, api: httpx2.Client) -> None:
    said, code = terminal.types({"Done?": "y"}, "watch it")

    assert code == 0, said
    assert "by hand (top waits for a person): top" in said
    assert api.get(PLACE).json()["items"] == {"Watch it / Watch": "finished"}


def test_much_output_is_kept_whole_as_evidence(terminal: Terminal, api: httpx2.Client) -> None:
    said, code = terminal.types({"only reads": "y"}, "read much")

    assert code == 0, said
    (item,) = api.get(f"{PLACE}/evidence").json()["items"]
    assert (item["name"], item["origin"]) == ("run-1.txt", "kubectl describe pods")
    (run,) = api.get(f"{PLACE}/runs").json()["items"]
    assert run["evidence"] == item["item"]
    assert run["output"].endswith("line 399 of what it says\n") and len(run["output"]) <= 3000
