"""`tocsin dashboard export` prints what Grafana takes."""

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
