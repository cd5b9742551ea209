"""`tocsin dashboard export` prints what Grafana takes, `tocsin guide contacts` what a shell does."""

from __future__ import annotations

import json

from tests.cli.conftest import Run
from tests.cli.server import Answering


def test_the_dashboard_is_printed_as_json_alone(run: Run, server: Answering) -> None:
    made = {"dashboard": {"title": "Ours \u202e", "panels": []}}
    server.says("GET", "/api/dashboards/grafana", made)

    ran = run("dashboard", "export", "--form", "file", "--guide", "main")

    assert json.loads(ran.out) == made and "\u202e" not in ran.out
    assert (ran.code, ran.err) == (0, "")
    assert server.asked[-1].path.endswith("?form=file&guide=main")


def test_another_form_is_a_usage_error(run: Run, server: Answering) -> None:
    assert run("dashboard", "export", "--form", "yaml").code == 2
    assert server.asked == []


def test_contacts_are_listed_and_whom_nobody_knows_has_a_command(run: Run, server: Answering) -> None:
    words = ["tocsin", "person", "add", "john", "--name", "John $(id)", "--reach", "j@example.org"]
    john = {
        "name": "John $(id)",
        "role": "DBA",
        "person": None,
        "email": "j@example.org",
        "phone": "",
        "line": 7,
        "run": words,
    }
    ana = {"name": "Ana", "role": "", "person": "ana", "email": "", "phone": "", "line": 8, "run": []}
    server.says("GET", "/api/guides/main/contacts", {"items": [john, ana]})

    lines = run("guide", "contacts", "main").out.splitlines()

    assert len(lines) == 4 and lines[1].startswith("John $(id)  DBA")
    assert lines[3] == "tocsin person add john --name 'John $(id)' --reach j@example.org"
