"""A running Tocsin with a marker in every place that holds a secret, and a crawl over everything that it answers."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2

from tests.listening import http_client
from tests.path.harness import Tocsin, World
from tests.senders.push_browser import Browser

MARK = "Zx9MaRkEr"


def mark(where: str) -> str:
    """A secret that names where it was put."""
    return f"{MARK}-{where}-4f2a9c81d7e6"


def signing(where: str) -> str:
    return "whsec_" + base64.b64encode(mark(where).encode().ljust(32, b"=")).decode()


@contextmanager
def echoing() -> Iterator[str]:
    """A receiver that refuses everything and repeats it, as web frameworks do; its address."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            said = f"Cannot {self.command} {self.path} as {self.headers.get('authorization', 'nobody')}".encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_GET = do_POST = do_PUT = do_PATCH = handle_any

        def log_message(self, *_: object) -> None:
            """Tests keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def people(host: str) -> str:
    """Ana is reached in every way there is, each with a secret of its own."""
    methods = [
        f"http://user:{mark('webhook-password')}@{host}/{mark('webhook-path')}?token={mark('webhook-query')}",
        f"ntfy:http://:{mark('ntfy-token')}@{host}/{mark('ntfy-topic')}",
        f"apprise:json://user:{mark('apprise-password')}@{host}/{mark('apprise-path')}",
        *(f"{kind}:http://{host}/{mark(kind)}" for kind in ("teams", "mattermost", "discord", "rocketchat")),
        "slack:U0123",
        "telegram:4711",
        "sms:+4915112345678",
        "voice:+4915112345678",
        "ana@example.org",
    ]
    return f"""
[[people]]
id = "ana"
name = "Ana Ruiz"
methods = {methods}

[[people]]
id = "bo"
methods = ["bo@example.org"]

[bindings]
"on-call" = ["ana"]
"boss" = ["bo"]
"""


def tables(host: str) -> str:
    return f"""
[webhook]
secret = "{signing("webhook-secret")}"

[slack]
bot_token = "xoxb-{mark("slack-bot")}"
signing_secret = "{mark("slack-signing")}"
channel = "C01"
api_url = "http://{host}/slack"

[twilio]
account = "AC0123"
token = "{mark("twilio-token")}"
from = "+15550001"
api_url = "http://{host}"

[telegram]
token = "123456:{mark("telegram-token")}"
api_url = "http://{host}"

[[trackers]]
id = "tickets"
kind = "github"
project = "shop/shop"
token = "{mark("tracker-token")}"
url = "http://{host}"
severities = ["all"]

[[sources]]
name = "all"
kind = "any"
token = "{mark("source-token")}"

[[sources]]
name = "signed"
kind = "grafana"
token = "{mark("signed-token")}"
secret = "{mark("source-secret")}"

[[hooks]]
name = "told"
url = "http://{host}/{mark("hook-path")}"
secret = "{signing("hook-secret")}"

[[anchors]]
name = "outside"
kind = "webhook"
to = "http://{host}/{mark("anchor-path")}"

[audit]
every = "30s"
"""


TOP = '[server]\nlog_level = "debug"\n'


class Product:
    """`secrets`: what nobody may read again, by where it was put; those made by the product itself included."""

    def __init__(self, shop: World, host: str) -> None:
        self.tocsin: Tocsin = shop.tocsin(top=TOP, people=people(host), more=tables(host))
        self.host = host
        self.secrets = {"cli.token": self.tocsin.token, "link key": (self.tocsin.data / "secret").read_text().strip()}
        self.secrets |= {where: signing(where).removeprefix("whsec_") for where in ("webhook-secret", "hook-secret")}
        self.session = ""

    def fill(self) -> None:
        """More secrets by the API, an incident that pages everybody in vain, and errors of every kind."""
        ask = self.tocsin.ask
        ask("PUT", "/api/hooks/mine", json={"url": f"http://{self.host}/{mark('hook-mine')}"}).raise_for_status()
        ask(
            "PUT", "/api/hooks/own", json={"url": f"http://{self.host}/x", "secret": signing("hook-own")}
        ).raise_for_status()
        self.secrets["hook-own"] = signing("hook-own").removeprefix("whsec_")
        page = ask("PUT", "/api/status/pages/inside", json={"name": "Inside", "private": True})
        page.raise_for_status()
        browser = Browser(f"http://{self.host}/{mark('push-endpoint')}")
        methods = [{"kind": "webpush", "address": browser.address}]
        ask("PUT", "/api/people/cy", json={"id": "cy", "methods": methods}).raise_for_status()
        self.secrets |= {f"push {name}": value for name, value in browser.subscription["keys"].items()}
        target = {"kind": "cachet", "url": f"http://{self.host}", "token": mark("target-token"), "on": "inside"}
        ask("PUT", "/api/status/targets/elsewhere", json=target).raise_for_status()
        self._sign_in()
        self._alerts()
        for path in ("/api/people/ana/contacts/test", "/api/people/cy/contacts/test"):
            for kind in ("webhook", "ntfy", "apprise", "teams", "discord", "telegram", "sms", "slack", "webpush"):
                ask("POST", path, json={"kind": kind})
        for hook in ("told", "mine", "own"):
            ask("POST", f"/api/hooks/{hook}/test")

    def _sign_in(self) -> None:
        link = self.tocsin.wait_for("sign in: ").partition("sign in: ")[2]
        self.secrets["sign-in"] = _secret_part(link)
        answer = self.tocsin.ask("POST", link.removeprefix(self.tocsin.url), token=False)
        self.session = answer.headers["set-cookie"].partition(";")[0]
        self.secrets["session"] = _secret_part(self.session)

    def _alerts(self) -> None:
        ask = self.tocsin.ask
        token = mark("source-token")
        self.tocsin.alert({"labels": {"alertname": "Down", "severity": "critical"}})
        ask("POST", f"/in/generic/{token}", token=False, json={"title": "Slow", "severity": "warning"})
        ask("POST", f"/in/grafana/{token}", token=False, content=b"{not json")
        ask("POST", f"/in/nothing/{token}", token=False, json={})
        ask("POST", f"/in/grafana/{mark('signed-token')}", token=False, json={})
        event = {"routing_key": token, "event_action": "trigger", "payload": {"summary": "x"}}
        ask("POST", "/v2/enqueue", token=False, json=event)
        ask("POST", "/v2/enqueue", token=False, content=b'{"routing_key": "' + token.encode() + b'", ')
        ask("GET", f"/nix?token={token}", token=False)
        ask("PUT", "/api/people/ana", json={"id": "ana", "methods": [{"kind": "carrot", "address": token}]})
        ask("GET", "/api/me", token=False, headers={"Authorization": f"Bearer toc_0123456789abcdef_{token}"})
        self.tocsin.incident(about="Down")

    def viewer(self) -> str:
        answer = self.tocsin.ask("POST", "/api/tokens", json={"name": "looks", "role": "viewer"})
        answer.raise_for_status()
        text: str = answer.json()["token"]
        self.secrets["viewer token"] = _secret_part(text)
        return text

    # --- everything that it answers -----------------------------------------------------------------------------------

    def answers(self, headers: dict[str, str]) -> dict[str, str]:
        """Path -> what was answered, for every GET of the description and every page that a link leads to."""
        with http_client(base_url=self.tocsin.url, headers=headers, timeout=20) as client:
            found = dict(self._described(client))
            waiting = ["/", "/directory", "/oncall", "/duties", "/declare", "/metrics", "/ready", "/status/inside"]
            while waiting and len(found) < 400:
                path = waiting.pop()
                if path in found or path.endswith("/events"):
                    continue
                answer = client.get(path)
                found[path] = f"{answer.headers!r}\n{answer.text}"
                if "html" in answer.headers.get("content-type", ""):
                    waiting += list(re.findall(r'(?:href|hx-get)="(/[^"#]*)', answer.text))
        return found

    def _described(self, client: httpx2.Client) -> Iterator[tuple[str, str]]:
        document = client.get("/api/openapi.json").json()
        incident = self.tocsin.incidents()[0]
        for path, operations in document["paths"].items():
            if "get" not in operations or path.endswith("/events"):
                continue
            for filled in self._filled(client, path, incident):
                answer = client.get(filled)
                assert answer.status_code < 500, (filled, answer.text)
                yield filled, f"{answer.headers!r}\n{answer.text}"

    def _filled(self, client: httpx2.Client, path: str, incident: dict[str, Any]) -> list[str]:
        """The path with real names in it: those that the list beside it has."""
        if "{" not in path:
            return [path]
        if path.startswith("/api/incidents/{incident}"):
            found = path.replace("{incident}", incident["id"])
            return [re.sub(r"\{[^}]+\}", "1", found)]
        before, _, after = path.partition("{")
        items = client.get(before.rstrip("/"))
        rows = items.json().get("items", []) if items.status_code == 200 else []
        names = [str(row.get("id") or row.get("name") or "x") for row in rows if isinstance(row, dict)][:5] or ["1"]
        rest = after.partition("}")[2]
        return [before + name + re.sub(r"\{[^}]+\}", "1", rest) for name in names]


def _secret_part(text: str) -> str:
    """Of `...toc_ID_SECRET`."""
    return text.partition("toc_")[2].partition("_")[2]


def leaks(secrets: dict[str, str], texts: dict[str, str]) -> list[str]:
    """`where: what` for each secret that stands in one of the texts."""
    found = []
    for where, text in texts.items():
        found += [f"{where}: {each}" for each in set(re.findall(rf"{MARK}-[\w-]+", text))]
        found += [f"{where}: {name}" for name, secret in secrets.items() if secret in text]
        if base64.b64encode(MARK.encode()).decode()[:10] in text:
            found.append(f"{where}: base64")
    return found
