"""Remedies over HTTP, on the page and in a terminal: what holds, why, and the line that a person types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.http.guided import GUIDED, guide
from tests.http.test_runs_page import browser
from tests.http.world import Server, World
from tocsin.core.binding import Binding
from tocsin.core.guidance import Remediation
from tocsin.core.policy import Source
from tocsin.setting.config import load
from tocsin.setting.file import ConfigError

RULES = (
    Remediation(condition="error_rate > 10%", action="restart_service", source=Source(line=360)),
    Remediation(condition="response_time > 2s", action="enable_cache_mode", source=Source(line=366)),
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    guide(world, msgspec.structs.replace(GUIDED, remediation=RULES))
    running = Server(world)
    yield running
    running.stop()
    world.close()


def fires(server: Server, **annotations: str) -> str:
    server.world.alerts_say = annotations
    return server.world.alert("Errors", key="errors")


def test_what_holds_comes_with_the_reason_and_the_line_that_does_it(server: Server):
    server.world.remedies = (Binding(action="restart_service", runbook="checkout recovery", step=1),)
    name = fires(server, error_rate="12.5%")
    api = server.client(server.world.token("viewer", "vera"))

    first, second = api.get(f"/api/incidents/{name}/remedies").json()["items"]

    assert (first["state"], first["because"]) == ("holds", "Slow says error_rate is 12.5%")
    assert first["run"] == "tocsin runbook run INC-2026-001 'Checkout Recovery' --step 1"
    assert (second["state"], second["run"]) == ("no value", "")
    text = browser(server, "responder", "ana").get(f"/incidents/{name}").text
    assert "Slow says error_rate is 12.5%" in text and "restart_service" in text
    assert "tocsin runbook run INC-2026-001 &#39;Checkout Recovery&#39; --step 1" in text
    assert "enable_cache_mode" not in text


def test_what_cannot_be_compared_is_said_and_offers_nothing_to_run(server: Server):
    name = fires(server, error_rate="12.5")

    text = browser(server, "responder", "ana").get(f"/incidents/{name}").text

    assert "error_rate is 12.5, without a unit, which cannot be compared with &#39;%&#39;" in text


def test_a_guide_without_rules_has_no_remedies(server: Server):
    guide(server.world)
    name = fires(server, error_rate="12.5%")

    assert server.client(server.world.token()).get(f"/api/incidents/{name}/remedies").json()["items"] == []


def test_bindings_stand_in_the_configuration(tmp_path: Path):
    file = tmp_path / "tocsin.toml"
    file.write_text(
        '[[remedies]]\naction = "restart_service"\nrunbook = "Application Restart"\nstep = 2\n'
        'alert = "HighErrors"\nunit = "ratio"\n[[remedies]]\naction = "scale_up"\nrunbook = "3.1"\nfires = true\n'
    )

    first, second = load(file, {}).remedies

    assert first == Binding(
        action="restart_service", runbook="Application Restart", step=2, alert="HighErrors", unit="ratio"
    )
    assert second.fires
    file.write_text('[[remedies]]\naction = "a"\nrunbook = "b"\nunit = "parsec"\n')
    with pytest.raises(ConfigError, match=r"remedies\[0\].unit: expected one of %"):
        load(file, {})
