"""Every route with every other tenant's ids and credentials: nothing of another is read, and nothing of it changes.

The routes are those of the running application: one that is added is tried without a line here.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.tenants.asking import Said, ask, installation, token_of
from tests.tenants.seeding import FILE, MARK, SOURCE_TOKEN, seed
from tocsin.app import App
from tocsin.http.alertmanager import _ROUTES
from tocsin.http.links import Links
from tocsin.http.statuspage import TABLE
from tocsin.setting.secret import secret_of
from tocsin.wiring.facing import Parts, face_of

pytestmark = pytest.mark.slow

CONFIG = """
[[tenants]]
name = "acme"
hosts = ["acme.test"]
[[tenants]]
name = "globex"
hosts = ["globex.test"]
config = "globex.toml"
"""
TRIED_MAX = 150  # combinations of ids for a route with several
RAW = (  # what is no route of the API's: method, path
    *((method, path) for path, methods in _ROUTES.items() for method in methods),
    *itertools.product(("GET", "DELETE"), ("/api/v2/silence/{id}",)),
    *((method, f"/v1/pages{path}") for several, path, *_ in TABLE for method in several.split("|")),
    *itertools.product(("POST",), ("/in/any/{id}", "/in/generic/{id}", "/in/alertmanager/{id}/api/v2/alerts")),
    *itertools.product(("GET",), ("/in/any/{id}/api/v2/status", "/in/any/{id}/api/v2/alerts")),
    *itertools.product(("GET", "POST"), ("/ping/{id}", "/ping/{id}/fail", "/a/{id}")),
    *itertools.product(("POST",), ("/v2/enqueue", "/v2/change/enqueue", "/slack/events", "/slack/interactive")),
    *itertools.product(("POST",), ("/slack/commands", "/telegram/{id}", "/twilio/sms", "/twilio/voice/{id}")),
    *itertools.product(("GET",), ("/status", "/status/{id}", "/status/{id}/history", "/status/{id}/history.atom")),
    *itertools.product(("GET",), ("/status/{id}/api/v2/summary.json", "/api/v2/summary.json", "/history.atom")),
    *itertools.product(("POST",), ("/status/{id}/subscribe", "/status/{id}/sign-in")),
)
PARAMETER = re.compile(r"\{([^}]+)\}")
SHOWN = (
    *("/api/incidents/{incident}", "/api/people/{name}", "/api/audiences", "/api/hooks"),
    *("/api/alerts/{fingerprint}/explain", "/api/v2/silences", "/api/maintenance", "/incidents/{incident}", "/a/{id}"),
)
LOUD = ("sign-out",)  # would end what the test itself uses


class Tried(NamedTuple):
    method: str
    template: str
    path: str
    body: Any


def templates(app: App) -> list[tuple[str, str]]:
    """Every (method, path) there is."""
    found = [
        (method, re.sub(r"\{([^}:]+)(?::[^}]+)?\}", r"{\1}", route.path_format))
        for route in app.faces.app.routes
        for method in sorted(getattr(route, "methods", ()))
        if method != "OPTIONS"
    ]
    return [each for each in [*found, *RAW] if not each[1].endswith(LOUD)]


def tries(routes: Sequence[tuple[str, str]], ids: Sequence[str], bodies: Mapping[str, Any]) -> Iterator[Tried]:
    """Every route with every id in every place."""
    for method, template in routes:
        names = PARAMETER.findall(template)
        combined = itertools.product(ids, repeat=len(names)) if names else iter([()])
        step = max(1, len(ids) ** len(names) // TRIED_MAX) if len(names) > 1 else 1
        for values in itertools.islice(combined, 0, None, step):
            rest = iter(values)
            path = PARAMETER.sub(lambda _, rest=rest: next(rest), template)
            body = None if method in ("GET", "HEAD", "DELETE") else bodies.get(f"{method} {template}", {})
            yield Tried(method, template, path, body)


def bodies_of(schema: Mapping[str, Any], ids: Sequence[str]) -> dict[str, Any]:
    """For every operation that takes JSON, a body with the other tenant's ids in it."""
    given = itertools.cycle(ids)

    def value(part: Mapping[str, Any], depth: int = 0) -> Any:
        if "$ref" in part:
            part = schema["components"]["schemas"].get(part["$ref"].rpartition("/")[2], {})
        for several in ("oneOf", "anyOf"):
            if several in part:
                part = next((each for each in part[several] if each.get("type") != "null"), {})
                return value(part, depth)
        if "enum" in part:
            return part["enum"][0]
        match part.get("type"):
            case "object" if depth < 4:
                return {name: value(inner, depth + 1) for name, inner in part.get("properties", {}).items()}
            case "array":
                return [value(part.get("items", {}), depth + 1)]
            case "integer" | "number":
                return 1
            case "boolean":
                return False
        return "2030-01-01T00:00:00Z" if part.get("format") == "date-time" else next(given)

    found = {}
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}) if isinstance(operation, dict) else {}
            if "application/json" in content:
                found[f"{method.upper()} {path}"] = value(content["application/json"].get("schema", {}))
    return found


def stored(app: App) -> list[Any]:
    """All that a tenant has, but for what passes by itself: heartbeats, and when a token was used last."""
    passing = "('beats', 'oncall_head', 'token', 'session', 'setting', 'audit-key')"
    with closing(sqlite3.connect(f"file:{app.config.database}?mode=ro", uri=True)) as db:
        return [
            db.execute(f"SELECT * FROM documents WHERE kind NOT IN {passing} ORDER BY 1, 2, 3").fetchall(),
            db.execute("SELECT tenant, kind, name FROM documents WHERE kind = 'token' ORDER BY 1, 2, 3").fetchall(),
            db.execute("SELECT tenant, stream, count(*) FROM facts GROUP BY 1, 2 ORDER BY 1, 2").fetchall(),
            db.execute("SELECT tenant, name FROM alert_texts ORDER BY 1, 2").fetchall()
            if "name" in [row[1] for row in db.execute("PRAGMA table_info(alert_texts)")]
            else db.execute("SELECT count(*) FROM alert_texts").fetchall(),
        ]


def acknowledge_path(app: App, incident: str) -> str:
    links = Links([secret_of(app.config.secret_file)], "", app.tenant)
    now = app.clock.now() + timedelta(minutes=1)
    url = links.acknowledge_url(tenant=app.tenant, incidents=[incident], person="gus", page="p", now=now)
    return url.rpartition("/")[2]


class Case(NamedTuple):
    """Two tenants in one house. `ids`: what the other's things are called; `keys`: what opens something of it."""

    house: Any
    mine: str
    theirs: App
    ids: list[str]
    keys: list[str]
    bodies: dict[str, Any]

    async def ask(self, host: str, tried: Tried, token: str | None) -> Said:
        return await ask(self.house, host, tried.method, tried.path, token=token, body=tried.body)


def story(tmp_path: Path, tell) -> None:
    async def told() -> None:
        (tmp_path / "globex.toml").write_text(FILE)
        async with installation(tmp_path, CONFIG) as house:
            theirs = house.running["globex"]
            found = await seed(house, "globex.test", theirs)
            feed = json.loads(found.pop("feed"))["url"].rpartition("/")[2]
            keys = [found.pop("bearer"), found.pop("sign-in"), feed, SOURCE_TOKEN]
            keys.append(acknowledge_path(theirs, found["incident"]))
            keys.append(token_of(theirs))
            rows = await theirs.read(lambda store: [
                name for kind in ("person", "team", "service", "schedule", "monitor", "hook", "source", "audience",
                                  "template", "status-page", "status-component", "policy", "token", "feed")
                for name, _ in store.items("globex", kind)
            ])  # fmt: skip
            ids = list(dict.fromkeys([*found.values(), *rows]))
            bodies = bodies_of(theirs.faces.openapi(), [*ids, *keys])
            bodies["POST /v2/enqueue"] = {
                "routing_key": SOURCE_TOKEN,
                "event_action": "trigger",
                "payload": {"summary": "x", "source": "x", "severity": "critical"},
            }
            mine = token_of(house.running["acme"])
            before = stored(theirs)
            await tell(Case(house, mine, theirs, ids, keys, bodies))
            assert stored(theirs) == before

    asyncio.run(told())


def test_the_table_covers_every_application(tmp_path: Path):
    async def told() -> None:
        async with installation(tmp_path, "") as house:
            app = house.main
            slack, telegram = app.chatting.slack, app.chatting.telegram
            reached = {id(face_of(app, PARAMETER.sub("x", path))) for _, path in RAW}
            parts = [getattr(app, name) for name in Parts.__annotations__ if name not in ("chatting", "faces")]
            assert all(id(part) in reached for part in [*parts, slack, telegram])
            assert len(templates(app)) > 250

    asyncio.run(told())


def test_at_home_the_ids_of_another_find_nothing(tmp_path: Path):
    """My token at my host, the other's ids and keys in every path and body."""

    async def tell(case: Case) -> None:
        routes = templates(case.house.running["acme"])
        for tried in tries(routes, [*case.ids, *case.keys], case.bodies):
            said = await case.ask("acme.test", tried, case.mine)
            assert MARK.casefold() not in said.body.decode("utf-8", "replace").casefold(), tried
            assert said.status < 500 or said.status == 503, (tried, said)

    story(tmp_path, tell)


def test_at_the_others_host_my_token_is_nobodys(tmp_path: Path):
    """My token, and none, at the other's host: as a stranger. What is open to strangers shows nothing private."""

    async def tell(case: Case) -> None:
        routes = [each for each in templates(case.theirs) if not each[1].startswith("/ping/")]  # the id is the key
        for token in (case.mine, None):
            for tried in tries(routes, case.ids, case.bodies):
                if tried.path == "/v2/enqueue":  # the key stands in the body
                    continue
                said = await case.ask("globex.test", tried, token)
                assert MARK.casefold() not in said.body.decode("utf-8", "replace").casefold(), tried
                assert said.status < 500 or said.status == 503, (tried, said)

    story(tmp_path, tell)


def test_the_others_keys_open_nothing_anywhere_else(tmp_path: Path):
    """The other's administrator at my host, at the installation's own, and at one that nobody has."""

    async def tell(case: Case) -> None:
        token = token_of(case.theirs)
        routes = [each for each in templates(case.theirs) if "{" not in each[1]]
        for host in ("acme.test", "127.0.0.1", "nobody.test"):
            me = await ask(case.house, host, "GET", "/api/me", token=token)
            assert me.status == 401
            for tried in tries(routes, [], case.bodies):
                said = await case.ask(host, tried, token)
                assert MARK.casefold() not in said.body.decode("utf-8", "replace").casefold(), (host, tried)

    story(tmp_path, tell)


def test_the_mark_is_seen_by_those_who_may(tmp_path: Path):
    """Teeth: the same requests by the tenant's own administrator show the mark on many routes."""

    async def tell(case: Case) -> None:
        seen = set()
        routes = [each for each in templates(case.theirs) if each[0] == "GET" and not each[1].startswith("/ping/")]
        for tried in tries(routes, [*case.ids, *case.keys], {}):
            if tried.template not in seen:
                said = await case.ask("globex.test", tried, token_of(case.theirs))
                if MARK.casefold() in said.body.decode("utf-8", "replace").casefold():
                    seen.add(tried.template)
        assert len(seen) >= 25, sorted(seen)
        for known in SHOWN:
            assert known in seen

    story(tmp_path, tell)
