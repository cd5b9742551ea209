"""`tocsin probe`: the server's probes, and one look from here; and what `tocsin doctor` says of them."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.server import Answering
from tests.listening import Listening

SHOP = """
[[people]]
id = "ana"
methods = ["console"]
[[probes]]
name = "shop"
kind = "http"
url = "{url}/health"
[[probes]]
name = "database"
kind = "tcp"
address = "127.0.0.1:{closed}"
"""


async def answers(scope: object, receive: object, send: object) -> None:
    """Any application: it says that it is well."""
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]


@pytest.fixture
def told(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A tocsin.toml with a probe that is fine and one that is not."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        served = Listening(answers)
        served.start()
        (tmp_path / "tocsin.toml").write_text(SHOP.format(url=served.url, closed=closed.getsockname()[1]))
        yield tmp_path / "tocsin.toml"
        served.stop()


def test_a_look_that_finds_nothing_is_fine(run: Run, told: Path):
    ran = run("probe", "check", "shop")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("shop is fine\n  http://127.0.0.1:")
    assert "http_status 200" in ran.out


def test_what_is_wrong_is_said_and_is_a_finding(run: Run, told: Path):
    ran = run("probe", "check")

    assert ran.code == 1
    assert "shop is fine" in ran.out and "database refuses connections at 127.0.0.1:" in ran.out


def test_a_look_as_json(run: Run, told: Path):
    ran = run("probe", "check", "database", "--format", "json")

    (found,) = json.loads(ran.out)
    assert (ran.code, found["name"], found["up"]) == (1, "database", False)
    assert found["problems"][0].startswith("refuses connections")


def test_a_name_that_nothing_has(run: Run, told: Path):
    ran = run("probe", "check", "nope")

    assert (ran.code, ran.out) == (3, "")
    assert "no probe is called 'nope'; known are shop, database" in ran.err


def test_without_probes_there_is_nothing_to_look_at(run: Run):
    ran = run("probe", "check")

    assert (ran.code, ran.out) == (3, "")
    assert "there are no [[probes]]" in ran.err


def test_a_file_that_is_wrong_is_usage(run: Run, tmp_path: Path):
    (tmp_path / "tocsin.toml").write_text("[[probes]]\nname = 'a'\nkind = 'tcp'\n")

    ran = run("probe", "check")

    assert ran.code == 2
    assert "probes[0].address: expected a value" in ran.err


def test_the_servers_probes_are_listed(run: Run, server: Answering):
    probe = {
        "name": "shop", "standing": "down", "since": "2026-11-23T03:00:00Z", "kind": "http", "target": "http://shop/",
        "looked_at": "2026-11-23T03:01:00Z", "seconds": 0.25, "problems": ["answers 503", "has a certificate"],
        "fault": "", "up": False,
    }  # fmt: skip
    server.says("GET", "/api/probes", {"items": [probe, probe | {"name": "api", "standing": "up", "problems": []}]})

    ran = run("probe", "list")
    bad = run("probe", "list", "--bad", "--format", "json")

    assert ran.code == 0
    assert "250 ms" in ran.out and "answers 503; has a certificate" in ran.out and "api" in ran.out
    assert [each["name"] for each in json.loads(bad.out)] == ["shop"]


def test_doctor_looks_at_every_probe(run: Run, told: Path):
    text = told.read_text()
    told.write_text(
        f'[server]\noutgoing_hosts = ["127.0.0.1"]\n{text}'
        '[[probes]]\nname = "far"\nkind = "http"\nurl = "http://far.example/"\nsecret = "Bearer hunter2"\n'
    )

    found = json.loads(run("doctor", "--format", "json").out)

    probes = [(each["state"], each["text"]) for each in found if each["check"] == "probes"]
    assert probes[0][0] == "ok" and probes[0][1].startswith("shop: ")
    assert probes[1][0] == "warning" and probes[1][1].startswith("database refuses connections")
    assert probes[2] == (
        "error",
        "far is not looked at: far.example is not among the hosts of `[server] outgoing_hosts`",
    )
    assert probes[3][0] == "warning" and "clear text" in probes[3][1]
    assert "hunter2" not in str(found)


GUIDE = """# Incident response

## Severity levels

| Severity | Description | Response time |
|---|---|---|
| P1 | Nobody can pay | 15 minutes |
| P2 | Some cannot pay | 1 hour |

## First steps
"""


def test_a_guides_commands_become_probes(run: Run, tmp_path: Path):
    (tmp_path / "guide.md").write_text(f"{GUIDE}\n```bash\ncurl -f https://api.example.org/health\n```\n")
    (tmp_path / "none.md").write_text(GUIDE)

    found, none = run("guide", "probes", "guide.md"), run("guide", "probes", "none.md")

    assert found.code == 0
    assert (
        '# line 13: curl -f https://api.example.org/health\n[[probes]]\nname = "api.example.org-health"\n' in found.out
    )
    assert (none.code, none.out) == (3, "# From none.md:\n\n")
