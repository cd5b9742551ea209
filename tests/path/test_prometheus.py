"""Prometheus with Tocsin as its Alertmanager, from the first failed rule to the resolved incident."""

from __future__ import annotations

from datetime import datetime

import httpx2
import pytest

from tests.path.harness import World, throughout, until
from tests.senders.servers import Web, response

pytestmark = [pytest.mark.needs("prometheus"), pytest.mark.slow]

RULES = """
groups:
  - name: shop
    rules:
      - alert: CheckoutFails
        expr: shop_errors > 0
        labels: {severity: critical, service: checkout}
        annotations: {summary: Nobody can buy}
"""


def exporter(errors: int) -> bytes:
    return response(200, f"# TYPE shop_errors gauge\nshop_errors {errors}\n".encode(), Content_Type="text/plain")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_rule_fires_somebody_answers_and_it_clears(shop: World) -> None:
    tocsin = shop.tocsin()
    metrics: Web
    metrics, port = shop.servers.web(exporter(0))
    where = f"{{static_configs: [{{targets: ['127.0.0.1:{tocsin.port}']}}]}}"
    shop.prometheus(f"127.0.0.1:{port}", RULES, where)
    until(lambda: len(metrics.seen) > 2, what="Prometheus to scrape")
    assert tocsin.incidents() == []

    metrics.answer = exporter(7)
    incident = tocsin.incident(status="investigating")

    assert (incident["title"], incident["severity"], incident["service"]) == ("Nobody can buy", "P1", "checkout")
    (alert,) = tocsin.ask("GET", "/api/v2/alerts", token=False).json()
    fired_at = at(alert["startsAt"])  # the evaluation whose result is posted at once
    assert (at(incident["opened_at"]) - fired_at).total_seconds() < 2

    (mail,) = until(lambda: shop.mailbox.to("ana@example.org"), what="the mail")
    assert incident["reference"] in mail.subject
    with httpx2.Client(headers={"accept": "text/html"}) as phone:
        seen = phone.get(mail.link)
        assert seen.status_code == 200
        assert "<button>Acknowledge</button>" in seen.text
        assert phone.head(mail.link).status_code == 200
        assert tocsin.incident()["acknowledged_at"] is None
        assert phone.post(mail.link).status_code == 303
        assert "You have it." in phone.get(mail.link).text
    acknowledged = tocsin.incident()
    assert acknowledged["acknowledged_by"] == "ana"

    throughout(3.0, lambda: len(shop.mailbox.received()) == 1)  # Prometheus goes on and on meanwhile

    metrics.answer = exporter(0)
    resolved = tocsin.incident(status="resolved")
    assert (resolved["id"], resolved["resolved_by"]) == (incident["id"], "tocsin")
    kinds = tocsin.kinds(incident["reference"])
    expected = ["Opened", "AlertsAttached", "Escalated", "PageSent", "Acknowledged", "AlertsCleared", "Resolved"]
    assert [kind for kind in kinds if kind in expected] == expected
    assert len(shop.mailbox.received()) == 1


def test_prometheus_with_a_token_speaks_for_its_source(shop: World) -> None:
    source = '[[sources]]\nname = "prod"\nkind = "prometheus"\ntoken = "0123456789abcdef0123456789abcdef"'
    tocsin = shop.tocsin(more=source)
    _, port = shop.servers.web(exporter(1))
    prefix = "/in/alertmanager/0123456789abcdef0123456789abcdef"
    where = f"{{path_prefix: {prefix}, static_configs: [{{targets: ['127.0.0.1:{tocsin.port}']}}]}}"
    shop.prometheus(f"127.0.0.1:{port}", RULES, where)

    incident = tocsin.incident()
    assert tocsin.timeline(incident["id"])[0]["by"] == "source:prod"


def test_a_stop_does_not_wait_for_prometheus_and_what_fires_is_not_told_twice(shop: World) -> None:
    tocsin = shop.tocsin()
    metrics, port = shop.servers.web(exporter(1))
    shop.prometheus(f"127.0.0.1:{port}", RULES, f"{{static_configs: [{{targets: ['127.0.0.1:{tocsin.port}']}}]}}")
    incident = tocsin.incident()
    until(shop.mailbox.received, what="the mail")

    assert tocsin.end() == 0
    again = shop.start(tocsin.folder, port=tocsin.port)

    until(lambda: len(metrics.seen) > 5, what="Prometheus to go on")
    metrics.answer = exporter(0)
    assert again.incident(status="resolved")["id"] == incident["id"]
    assert len(shop.mailbox.received()) == 1
