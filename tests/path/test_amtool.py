"""Debian's amtool against Tocsin's API, unchanged; and `tocsin alert|silence` beside it, line for line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.http.am_world import AmWorld, am_server
from tocsin.cli.alertmanager import alert_app, silence_app
from tocsin.clock import SystemClock

pytestmark = [pytest.mark.needs("amtool"), pytest.mark.slow]


class Tools:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.world = AmWorld(folder, SystemClock())
        self.server = am_server(self.world)

    def amtool(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            ["amtool", f"--alertmanager.url={self.server.url}", *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "USER": "ana"},
        )
        return done.returncode, done.stdout

    def tocsin(self, noun: str, *words: str, stdin: str = "") -> tuple[int, str]:
        app = {"alert": alert_app, "silence": silence_app}[noun]
        done = CliRunner(env={"TOCSIN_URL": self.server.url}).invoke(app, list(words), input=stdin)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Tools]:
    made = Tools(tmp_path)
    yield made
    made.server.stop()
    made.world.close()


def test_amtool_adds_queries_silences_and_expires(tools: Tools) -> None:
    assert tools.amtool("alert", "add", "HighErrorRate", "service=checkout", "--annotation=summary=x") == (0, "")
    assert tools.amtool("alert", "add", "Slow", "team=db")[0] == 0
    assert tools.amtool("alert", "query")[1].count("active") == 2
    code, name = tools.amtool("silence", "add", "-c", "deploy", "service=checkout")
    assert code == 0
    assert name.strip() in tools.amtool("silence", "query")[1]
    assert "HighErrorRate" not in tools.amtool("alert", "query")[1]
    assert "suppressed" in tools.amtool("alert", "query", "--silenced")[1]
    assert tools.amtool("silence", "update", name.strip(), "-d", "3h", "-c", "longer")[0] == 0
    assert tools.amtool("silence", "expire", name.strip()) == (0, "")
    assert name.strip() in tools.amtool("silence", "query", "--expired", "-q")[1]
    assert "HighErrorRate" in tools.amtool("alert", "query")[1]


def test_amtool_reads_our_configuration_and_finds_the_receiver(tools: Tools) -> None:
    assert tools.amtool("config", "routes", "test", "team=db") == (0, "database\n")
    assert "receiver: nobody" in tools.amtool("config", "routes", "show")[1]
    assert "disabled" in tools.amtool("cluster", "show")[1]


def test_an_alert_that_amtool_ends_is_gone(tools: Tools) -> None:
    tools.amtool("alert", "add", "Slow", "team=db")
    assert tools.amtool("alert", "add", "Slow", "team=db", "--end=2026-11-23T00:00:00Z")[0] == 0

    assert "Slow" not in tools.amtool("alert", "query")[1]


@pytest.mark.parametrize("output", ["simple", "extended", "json"])
def test_our_listings_are_amtools_to_the_letter(tools: Tools, output: str) -> None:
    tools.tocsin(
        "alert", "add", "HighErrorRate", "service=checkout", "--annotation", "summary=x y", "--annotation", "a=1"
    )
    tools.tocsin("alert", "add", "Größer", "instance=b", "--generator-url", "http://prom/graph")
    tools.tocsin("silence", "add", "-a", "bob", "-c", 'm "x"', "-d", "2h", "service=~pay.*", "b!=x", 'z="a\\"b"')
    tools.tocsin("silence", "add", "-a", "alice", "-c", "deploy", "service=shop", "instance=b")

    for noun in ("alert", "silence"):
        code, ours = tools.tocsin(noun, "query", "-o", output)
        assert code == 0
        theirs = tools.amtool(noun, "query", "-o", output)[1]
        if output == "json":
            assert [_known(each) for each in json.loads(ours)] == [_known(each) for each in json.loads(theirs)]
        else:
            assert ours == theirs


def _known(value: dict[str, object]) -> dict[str, object]:
    """Without what amtool 0.25 does not know yet."""
    status = value["status"]
    assert isinstance(status, dict)
    return {key: each for key, each in value.items() if each != {}} | {
        "annotations": value.get("annotations") or {},
        "status": {key: each for key, each in status.items() if key != "mutedBy"},
    }


@pytest.mark.parametrize(
    "words",
    [
        ("query", "service=checkout"),
        ("query", "High.*"),
        ("query", "alertname=~High.*", "-o", "extended"),
        ("query", "--silenced"),
        ("query", "--inhibited", "--active", "--receiver", "check.*"),
        ("query", "--unprocessed"),
    ],
)
def test_queries_choose_what_amtools_choose(tools: Tools, words: tuple[str, ...]) -> None:
    tools.amtool("alert", "add", "HighErrorRate", "service=checkout")
    tools.amtool("alert", "add", "Slow", "team=db")
    tools.amtool("silence", "add", "-c", "c", "team=db")

    code, ours = tools.tocsin("alert", *words)

    assert ours == tools.amtool("alert", *words)[1]
    assert code == (0 if ours.count("\n") > 1 else 3)


@pytest.mark.parametrize(
    "words",
    [
        ("--expired",),
        ("--within", "90m"),
        ("--created-by", "bob"),
        ("-q",),
        ("service=~pay.*",),
        ("Slow",),
        ("--expired", "--within", "1h", "-q"),
    ],
)
def test_silences_are_chosen_as_amtool_chooses(tools: Tools, words: tuple[str, ...]) -> None:
    tools.amtool("silence", "add", "-a", "bob", "-c", "c", "service=~pay.*")
    tools.amtool("silence", "add", "-a", "ana", "-c", "c", "-d", "5h", "Slow")
    over = tools.amtool("silence", "add", "-a", "ana", "-c", "c", "over=1")[1].strip()
    assert tools.tocsin("silence", "expire", over) == (0, "")

    assert tools.tocsin("silence", "query", *words)[1] == tools.amtool("silence", "query", *words)[1]


def test_exported_silences_are_imported_again(tools: Tools) -> None:
    name = tools.tocsin("silence", "add", "-c", "c", "service=shop")[1].strip()
    exported = tools.amtool("silence", "query", "-o", "json")[1]

    assert tools.tocsin("silence", "import", stdin=exported) == (0, f"{name}\n")
    code, forced = tools.tocsin("silence", "import", "--force", stdin=exported)
    assert (code, forced != f"{name}\n") == (0, True)
    gone = json.dumps([{**json.loads(exported)[0], "id": "00000000-0000-0000-0000-000000000000"}])
    assert tools.tocsin("silence", "import", stdin=gone)[0] == 0
    assert tools.tocsin("silence", "import", stdin='[{"id": "x"}]')[0] == 1
    assert tools.tocsin("silence", "import", stdin="nope")[0] == 2


def test_a_silence_is_updated(tools: Tools) -> None:
    name = tools.tocsin("silence", "add", "-c", "c", "service=shop")[1].strip()

    code, shown = tools.tocsin("silence", "update", name, "--end", "2036-12-01T00:00:00Z", "-c", "much longer")

    assert code == 0
    assert shown.splitlines()[1].split("  ")[0] == name
    assert tools.amtool("silence", "query")[1] == shown


@pytest.mark.parametrize(
    ("noun", "words", "code"),
    [
        ("silence", ("add", "service=x"), 2),
        ("silence", ("add", "-c", "x"), 2),
        ("silence", ("add", "-c", "x", "service=x", "-d", "soon"), 2),
        ("silence", ("add", "-c", "x", "service=x", "-d", "0s"), 2),
        ("silence", ("add", "-c", "x", "service=x", "--start", "tomorrow"), 2),
        ("silence", ("add", "-c", "x", "service=~.*"), 1),
        ("silence", ("expire",), 2),
        ("silence", ("expire", "zz"), 1),
        ("silence", ("expire", "00000000-0000-0000-0000-000000000000"), 1),
        ("silence", ("update",), 2),
        ("silence", ("query",), 3),
        ("alert", (), 3),
        ("alert", ("query", "-o", "yaml"), 2),
        ("alert", ("query", "x", "a=~["), 2),
        ("alert", ("add", "x", "a=~b"), 2),
        ("alert", ("add",), 1),
        ("alert", ("query", "--url", "http://127.0.0.1:1"), 1),
    ],
)
def test_exit_codes_tell_usage_from_refusal_from_nothing_found(
    tools: Tools, noun: str, words: tuple[str, ...], code: int
) -> None:
    assert tools.tocsin(noun, *words)[0] == code
