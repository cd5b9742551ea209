"""Questions to a real Prometheus: a value that is too high opens an incident, a Prometheus that is gone another one."""

from __future__ import annotations

import re

import pytest

from tests.path.harness import Program, World, until
from tests.senders.servers import response

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.slow]

ASK = """
[prometheus]
url = "http://127.0.0.1:{port}"

[[queries]]
name = "errors"
query = "max(shop_errors)"
title = "Failed checkouts"
unit = "a minute"
every = "10s"
above = 5
service = "checkout"

[[queries]]
name = "wrong"
query = "max(shop_errors"
above = 5
"""


def exporter(errors: int) -> bytes:
    return response(200, f"# TYPE shop_errors gauge\nshop_errors {errors}\n".encode(), Content_Type="text/plain")


def port_of(prometheus: Program) -> str:
    found = re.search(r"web.listen-address=127.0.0.1:(\d+)", " ".join(prometheus.words))
    assert found is not None
    return found[1]


def test_a_value_above_its_limit_is_an_incident_until_it_is_below(shop: World) -> None:
    metrics, port = shop.servers.web(exporter(7))
    prometheus = shop.prometheus(f"127.0.0.1:{port}", "groups: []", "{}")
    until(lambda: len(metrics.seen) > 1, what="Prometheus to scrape")
    tocsin = shop.tocsin(more=ASK.format(port=port_of(prometheus)))

    incident = tocsin.incident(about="Failed", status="investigating", seconds=30)
    refused = tocsin.incident(about="wrong", seconds=30)

    assert incident["title"] == "Failed checkouts is 7 a minute, above 5 a minute"
    assert (incident["severity"], incident["service"]) == ("P1", "checkout")
    assert refused["title"] == "wrong: Prometheus refuses the question"
    metrics.answer = exporter(1)
    tocsin.incident(about="Failed", status="resolved", seconds=30)
    assert tocsin.metric("tocsin_queries_asked_total") > 1
