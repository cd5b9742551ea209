"""/metrics as Prometheus reads it, liveness and readiness."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.http.world import Server
from tocsin.core import commands as c
from tocsin.ports import Receipt


def scrape(server: Server) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = server.client().get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: dict[tuple[str, tuple[tuple[str, str], ...]], float], name: str) -> dict[str, float]:
    """The samples of one name, by the values of their labels."""
    return {"/".join(value for _, value in labels): number for (each, labels), number in found.items() if each == name}


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"])
def test_the_content_type_names_each_parameter_once(server: Server, accept: str):
    kind = server.client().get("/metrics", headers={"accept": accept}).headers["content-type"]

    names = [each.partition("=")[0].strip() for each in kind.split(";")[1:]]
    assert "version" in names
    assert "charset" in names
    assert len(names) == len(set(names)), kind


def test_an_incident_counts_from_nought_to_one_in_a_series_of_its_own(server: Server):
    world = server.world
    incident = world.alert("Checkout is slow", key="k", severity="SEV-1")
    first = of(scrape(server), "incident_total")
    world.clock.advance(timedelta(seconds=30))
    second = of(scrape(server), "incident_total")
    world.clock.advance(timedelta(minutes=9, seconds=30))
    world.do(lambda _: world.engine.handle("default", incident, c.Resolve(by="ana")))
    third = scrape(server)

    assert list(first.values()) == [0.0]
    assert list(second.values()) == [1.0]
    assert of(third, "incident_resolution_time") == {"INC-2026-001/SEV-1": 600.0}
    assert of(third, "incidents_open") == {"/": 0.0}
    assert of(third, "incident_time_to_resolve_seconds_sum") == {"SEV-1": 600.0}


def test_a_drill_is_never_counted(server: Server):
    world = server.world
    world.do(lambda _: world.engine.declare("default", c.Declare(title="Rehearsal", drill=True)))
    incident = world.alert("Checkout is slow", key="k")
    world.do(lambda _: world.engine.handle("default", incident, c.MarkDrill()))

    found = scrape(server)

    assert of(found, "incident_total") == {}
    assert of(found, "incidents_declared_total") == {}
    assert sum(of(found, "escalations_total").values()) == 0


def test_pages_are_counted_by_channel_and_outcome(server: Server):
    world = server.world
    world.alert("Checkout is slow", key="k")
    scrape(server)

    def deliver(code: str) -> None:
        for page in world.engine.lease():
            world.engine.receive(page, Receipt(code=code))  # type: ignore[arg-type]

    world.do(lambda _: deliver("timeout"))
    world.clock.advance(timedelta(minutes=2))
    world.do(lambda _: deliver("sent"))

    assert of(scrape(server), "pages_sent_total") == {"email/sent": 1.0, "email/timeout": 1.0}


def test_no_created_series_and_no_titles(server: Server):
    server.world.alert("Customer Acme is down", key="k")

    text = server.client().get("/metrics").text

    assert "_created" not in text
    assert "Acme" not in text


def test_a_corrected_timestamp_changes_the_measure(server: Server):
    world = server.world
    incident = world.alert("Checkout is slow", key="k")
    world.clock.advance(timedelta(minutes=20))
    world.do(lambda _: world.engine.handle("default", incident, c.Resolve(by="ana")))
    assert of(scrape(server), "incident_resolution_time") == {"INC-2026-001/SEV-1": 1200.0}
    to = world.clock.now() - timedelta(minutes=10)

    correction = c.CorrectTimestamp(by="ana", name="resolved_at", to=to, because="the graph says so")
    world.do(lambda _: world.engine.handle("default", incident, correction))

    assert of(scrape(server), "incident_resolution_time") == {"INC-2026-001/SEV-1": 600.0}


def test_the_process_speaks_of_itself(server: Server):
    found = scrape(server)

    assert of(found, "tocsin_wake_lateness_seconds") == {"": 0.25}
    assert of(found, "tocsin_intake_entries_total") == {"": 7.0}
    assert of(found, "tocsin_ready") == {"": 1.0}


def test_readiness_says_why_not(server: Server):
    server.world.reasons = ("a wake-up is 12 s late",)

    answer = server.client().get("/ready")

    assert answer.status_code == 503
    assert answer.json() == {"status": "not ready", "reasons": ["a wake-up is 12 s late"], "tenants": {}}
    assert answer.headers["retry-after"]
    assert server.client().get("/health").json() == {"status": "ok"}
    assert server.client().head("/health").status_code == 200
