"""The dashboard for Grafana over HTTP: the guide's own panels, and no panel that /metrics leaves empty."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.http.world import POLICY, Server
from tocsin.core.policy import Dashboard

PLACE = "/api/dashboards/grafana"
PRINTED = (
    '{\n "dashboard": {"title": "Ours", "panels": [{"title": "One", "type": "graph", "targets": [{"expr": "up"}]}]}}\n'
)
FUNCTIONS = {"count", "avg", "sum", "max", "by", "increase", "histogram_quantile", "severity", "le"}


def test_the_dashboard_is_wrapped_for_the_api_and_bare_for_a_file(shared: Server):
    viewer = shared.client(shared.world.token("viewer"))

    wrapped = viewer.get(PLACE).json()
    bare = viewer.get(PLACE, params={"form": "file"}).json()

    assert wrapped == {"dashboard": bare}
    assert bare["title"] == "Incident Response Metrics" and bare["schemaVersion"] >= 39
    assert viewer.get(PLACE, params={"form": "guide"}).status_code == 404
    assert viewer.get(PLACE, params={"form": "yaml"}).status_code == 400
    assert viewer.get(PLACE, params={"guide": "nobody's"}).status_code == 400
    assert shared.client().get(PLACE).status_code == 401


def test_what_the_guide_prints_is_given_as_it_is_and_leads_the_rest(server: Server):
    policy = msgspec.structs.replace(POLICY, dashboards=(Dashboard(title="d", definition=PRINTED),))
    server.world.do(lambda _: server.world.engine.guides.activate("default", "second", policy))
    viewer = server.client(server.world.token("viewer"))

    assert viewer.get(PLACE, params={"form": "guide"}).text == PRINTED
    made = viewer.get(PLACE, params={"guide": "second"}).json()["dashboard"]
    assert (made["title"], made["panels"][0]["title"]) == ("Ours", "One")
    assert viewer.get(PLACE, params={"guide": "main"}).json()["dashboard"]["title"] == "Incident Response Metrics"


def expressions(server: Server) -> list[str]:
    made: dict[str, Any] = server.client(server.world.token("viewer")).get(PLACE).json()["dashboard"]
    return [asked["expr"] for each in made["panels"] for asked in each["targets"]]


def test_no_panel_asks_for_what_metrics_do_not_have(server: Server):
    server.world.alert("Checkout is slow", key="k", severity="SEV-1")
    names = set(re.findall(r"^# TYPE (\w+)", server.client().get("/metrics").text, re.MULTILINE))
    assert len(names) > 10

    for expr in expressions(server):
        asked = {word for word in re.findall(r"[a-z_]{5,}", expr) if "_" in word and word not in FUNCTIONS}
        own = {word for word in asked if word.startswith("tocsin_")}  # the process's; this one has no senders
        assert asked
        assert {re.sub(r"_(bucket|sum|count)$", "", word) for word in asked - own} <= names


@pytest.mark.needs("prometheus")
def test_every_expression_is_one_of_prometheus(shared: Server, tmp_path: Path):
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(expressions(shared))]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))

    checked = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, check=False
    )

    assert checked.returncode == 0, (checked.stdout + checked.stderr).decode()
