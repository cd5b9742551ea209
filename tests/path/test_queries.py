"""Questions to a real Prometheus: a value that is too high opens an incident, a Prometheus that is gone another one."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime, timedelta

import pytest

from tests.path.harness import Program, World, until
from tests.senders.servers import response
from tocsin.clock import SystemClock

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.slow]

UNUSUAL = """
[prometheus]
url = "http://127.0.0.1:{port}"

[[queries]]
name = "odd"
query = "shop_error_ratio"
title = "Checkout error rate"
unit = "ratio"
unusual = "high"
every = "10s"
service = "checkout"
"""

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


def history(now: datetime) -> str:
    """Four in a thousand around this hour of the last four weeks, forty-two now; as promtool takes it."""
    lines = ["# TYPE shop_error_ratio gauge"]
    for week in range(4, 0, -1):
        for n in range(-6, 7):
            at = now - timedelta(weeks=week) + timedelta(minutes=5 * n)
            lines.append(f"shop_error_ratio {0.004 + 0.001 * (n % 3 - 1):.3f} {at.timestamp():.0f}")
    return "\n".join([*lines, f"shop_error_ratio 0.042 {now.timestamp():.0f}", "# EOF", ""])


def test_a_value_unlike_this_hour_of_earlier_weeks_is_an_incident_that_says_what_is_usual(shop: World) -> None:
    samples, data = shop.folder / "history.txt", shop.folder / "prometheus" / "data"
    samples.write_text(history(SystemClock().now()))
    told = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(samples), str(data)]
    subprocess.run(told, check=True, capture_output=True, timeout=60)
    prometheus = shop.prometheus("127.0.0.1:9", "groups: []", "{}", kept="90d")

    tocsin = shop.tocsin(more=UNUSUAL.format(port=port_of(prometheus)))

    incident = tocsin.incident(status="investigating", seconds=30)
    assert incident["title"] == "Checkout error rate is 4.2 %, usual at this hour is 0.3 % to 0.5 %"
