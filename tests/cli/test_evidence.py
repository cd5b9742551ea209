"""`tocsin evidence` and `tocsin run`, against a real server."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Run
from tests.http.world import POLICY, Server, World
from tocsin.cli import gathering
from tocsin.core.policy import CodeBlock, Phase, Source, Step
from tocsin.evidence.keys import add_key

REF = "INC-2026-001"


@pytest.fixture
def live(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with one incident; its guide asks for logs, an archive, a dump, and for something dangerous."""
    folder = tmp_path_factory.mktemp("server")
    world = World(folder)
    commands = (
        "echo 'line password=hunter22' > incident-logs.txt",
        "mkdir -p logs && echo x > logs/a && tar -czf incident-$(date +%s).tar.gz logs",
        "pg_dump -h <host> shop > dump.sql",
        "kubectl delete pod web > evidence-pod.txt",
        "echo state; echo why >&2",
    )
    blocks = tuple(CodeBlock(language="bash", code=each, source=Source(line=n)) for n, each in enumerate(commands, 1))
    phase = Phase(title="Containment", steps=(Step(text="Collect evidence: logs", commands=blocks),))
    guide = msgspec.structs.replace(POLICY, phases=(phase,))
    world.do(lambda _: world.engine.guides.activate(world.tenant, "main", guide))
    server = Server(world)
    world.alert("Checkout is down", key="k")
    monkeypatch.setenv("TOCSIN_URL", server.url)
    monkeypatch.setenv("TOCSIN_TOKEN", world.token("owner", person="ana"))
    yield server
    server.stop()
    world.close()


@pytest.fixture
def said(run: Run, live: Server, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run` forgets the environment; the server's address and token are there all the same."""
    monkeypatch.setenv("TOCSIN_TOKEN", live.world.token("owner", person="ana"))
    return run


def test_a_file_is_kept_listed_shown_and_comes_back(said: Run, tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("password=hunter22\n")

    added = said("evidence", "add", REF, "app.log", "--kind", "logs")
    got = said("evidence", "get", REF, "1", "-o", "back.log")
    shown = said("evidence", "show", REF, "1")

    assert (added.code, added.out) == (0, f"{REF} evidence 1: app.log, 29 B, 1 password redacted\n")
    assert (got.code, (tmp_path / "back.log").read_text()) == (0, "password=[redacted:password]\n")
    assert (tmp_path / "back.log").stat().st_mode & 0o777 == 0o600
    assert "sha256: " in shown.out
    assert "Evidence 1 was given to ana" in shown.out
    listed = json.loads(said("evidence", "list", REF, "--format", "json").out)
    assert [(each["name"], each["reads"]) for each in listed] == [("app.log", 1)]


def test_a_hold_keeps_it_and_the_refusal_says_so(said: Run, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    said("evidence", "add", REF, "a")

    assert said("evidence", "hold", REF, "--because", "a lawsuit", "--item", "1").out == "held: evidence 1\n"
    refused = said("evidence", "remove", REF, "1", "--because", "tidy")
    assert refused.code == 1
    assert "under legal hold by ana" in refused.err
    assert "held" in said("evidence", "list", REF).out
    assert said("evidence", "release", REF, "--because", "settled", "--item", "1").code == 0
    assert said("evidence", "remove", REF, "1", "--because", "tidy").code == 0
    assert said("evidence", "get", REF, "1", "-o", "x").code == 1
    assert not (tmp_path / "x").exists()


def test_a_bundle_is_verified_0_1_and_what_is_not_there_is_4(said: Run, live: Server, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("the content of a\n")
    said("evidence", "add", REF, "a.txt")

    exported = said("evidence", "export", REF, "b.zip", "--purpose", "for counsel")
    vkey = live.world.evidence.signer.vkey
    good = said("evidence", "verify", "b.zip", "--key", vkey)
    body = bytearray((tmp_path / "b.zip").read_bytes())
    body[body.index(b"the content of a")] ^= 1
    (tmp_path / "bad.zip").write_bytes(body)
    bad = said("evidence", "verify", "bad.zip")
    none = said("evidence", "verify", "none.zip")

    assert (exported.code, good.code, bad.code, none.code) == (0, 0, 1, 4), good.out + exported.err
    assert "VALID: 1 items, sealed" in good.out
    assert "evidence 1 (items/001-a.txt)" in bad.out


def test_what_a_command_says_is_kept_and_it_ends_as_it_ended(said: Run) -> None:
    ran = said("run", "--incident", REF, "--kind", "state", "--", "sh", "-c", "echo seen; echo why >&2; exit 3")

    assert (ran.code, ran.out) == (3, "seen\n")
    assert "why\n" in ran.err
    item = json.loads(said("evidence", "list", REF, "--format", "json").out)[0]
    assert (item["name"], item["exit_code"], item["kind"], item["source"]) == ("sh.txt", 3, "state", "command")
    assert item["origin"] == "sh -c 'echo seen; echo why >&2; exit 3'"
    assert said("evidence", "get", REF, "1", "-o", "-").out in ("seen\nwhy\n", "why\nseen\n")


def test_what_could_not_be_sent_stays_in_a_file_that_is_named(said: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_URL", "http://127.0.0.1:1")

    ran = said("run", "--incident", REF, "--", "echo", "seen")

    assert ran.code == 4
    path = Path(ran.err.partition("what it said is in ")[2].partition(";")[0])
    assert path.read_text() == "seen\n"
    path.unlink()


def test_the_profile_is_collected_after_it_was_shown(said: Run, tmp_path: Path) -> None:
    before = json.loads(said("evidence", "profile", REF, "--format", "json").out)
    assert {each["state"] for each in before} == {"missing"}

    ran = said("evidence", "collect", REF, "--yes", "--folder", "here")

    assert ran.code == 1  # what needs a value, and what is dangerous, was left out
    assert "dump: expected values for host; give them with --set NAME=VALUE" in ran.err
    assert "evidence-pod: it destroys something; --allow-dangerous runs it all the same" in ran.err
    after = {each["id"]: each["state"] for each in json.loads(said("evidence", "profile", REF, "--format", "json").out)}
    assert after == {
        "incident-logs": "collected",
        "incident": "collected",
        "dump": "missing",
        "evidence-pod": "missing",
    }
    names = [each["name"] for each in json.loads(said("evidence", "list", REF, "--format", "json").out)]
    assert names[0] == "incident-logs.txt"
    assert names[1].startswith("incident-") and names[1].endswith(".tar.gz")
    assert (tmp_path / "here" / names[1]).is_file()


def test_a_command_that_gives_nothing_is_failed_on_the_timeline(said: Run) -> None:
    ran = said("evidence", "collect", REF, "--yes", "--step", "dump", "--set", "host=db; touch pwned")

    assert ran.code == 1
    (dump,) = (
        each for each in json.loads(said("evidence", "profile", REF, "--format", "json").out) if each["id"] == "dump"
    )
    assert dump["state"] == "failed"
    assert "dump.sql is not there or empty" in dump["detail"]
    assert not list(Path().rglob("pwned"))


def test_nothing_is_run_without_a_yes(said: Run, tmp_path: Path) -> None:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(b"n\n"))
    try:
        ran = said("evidence", "collect", REF, "--step", "incident-logs", "--folder", "here")
    finally:
        sys.stdin = before

    assert ran.code != 0
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("kubectl logs web > x", ""),
        ("sudo tar -czf /evidence/x.tar.gz /var/log", ""),
        ("kubectl delete pod x", "it destroys something"),
        ("sudo ufw deny from any to any", "it can lock out whoever runs it"),
        ("kubectl rollout restart deployment/web", "it changes what is to be looked at"),
        ("kubectl logs -f web", "it follows its input and never ends"),
    ],
)
def test_danger_is_what_the_linter_says(command: str, why: str) -> None:
    assert gathering.danger(command) == why


def test_a_key_is_rotated_where_the_data_is(said: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    add_key(tmp_path / "data" / "evidence.keys")

    ran = said("evidence", "rotate-key", "--data", "data")

    assert ran.code == 0
    assert len((tmp_path / "data" / "evidence.keys").read_text().splitlines()) == 2
    assert (tmp_path / "data" / "evidence.keys").read_text().split()[-2] in ran.out


def test_what_is_given_twice_or_not_at_all_is_a_mistake(said: Run) -> None:
    assert said("evidence", "add", REF).code == 2
    assert said("evidence", "add", REF, "x", "--url", "http://x").code == 2
    assert said("evidence", "collect", REF, "--set", "nonsense").code == 2
