"""Schemathesis with two identities: what it makes of the API's own description, sent by people of one tenant.

The requests name things of another tenant, and incidents that are private to others, in every path, query and body.
Nothing of either is in any answer, nothing that the table of permissions denies succeeds, and nothing makes the
server fail. Whoever may see those things sees them with the same requests: otherwise this would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.http.routes_of import served
from tests.tenants.asking import Said, ask, installation, token_of
from tests.tenants.seeding import FILE, MARK, SOURCE_TOKEN, seed
from tocsin.app import App
from tocsin.core.access import Actor, conceivable
from tocsin.http import auth
from tocsin.tenants.installation import Installation

pytestmark = pytest.mark.slow

SEED = 6
EXAMPLES = 2  # valid ones, and as many that are not, for each operation
CONFIG = """
[[tenants]]
name = "acme"
hosts = ["acme.test"]
config = "acme.toml"
[[tenants]]
name = "globex"
hosts = ["globex.test"]
config = "globex.toml"
"""
ACME = """
[bindings]
"on-call" = ["ana"]
[paging]
last_resort = ["ana"]
""" + "".join(f'[[people]]\nid = "{each}"\nmethods = ["console"]\n' for each in ("ana", "olga", "vera"))
LOUD = ("/events", "/sign-out", "/emergency")
"""A stream never ends; signing out would end what the test itself uses; emergency access shows what is private."""


class Asked(NamedTuple):
    """`operation`: its method and path, as the description names it."""

    operation: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Names:
    """What things of others are called, in turn: an incident's where an incident is meant, else anything's."""

    def __init__(self, incidents: list[str], others: list[str]) -> None:
        self._of = {"incident": cycle(incidents)}
        self._any = cycle([*others, *incidents])
        self._every_other = cycle((True, False))

    def next(self, field: str) -> str:
        return next(self._of.get(field, self._any))

    def within(self, value: Any, field: str = "") -> Any:
        """The body with a name in every other place where there was a text."""
        match value:
            case dict():
                return {name: self.within(each, name) for name, each in value.items()}
            case list():
                return [self.within(each, field) for each in value]
            case str() if next(self._every_other):
                return self.next(field)
        return value


def requests_of(described: Mapping[str, Any], names: Names) -> Iterator[Asked]:
    """What schemathesis makes of every operation, valid and not, with these names in place of what it made up."""
    schema = schemathesis.openapi.from_dict(dict(described))
    for found in schema.get_all_operations():
        operation = found.ok()
        if not operation.path.endswith(LOUD):
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                yield from [_asked(case, names) for case in _cases(operation, mode)]


def _cases(operation: Any, mode: GenerationMode) -> list[Any]:
    made: list[Any] = []

    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=EXAMPLES, database=None, phases=[Phase.generate], deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        made.append(case)

    try:
        collect()
    except Unsatisfiable:  # what takes nothing can be asked in one way only
        assert mode is GenerationMode.NEGATIVE
    return made


def _asked(case: Any, names: Names) -> Asked:
    for name in case.path_parameters:
        case.path_parameters[name] = names.next(name)
    for name, value in case.query.items():
        case.query[name] = names.within(value, name)
    case.body = names.within(case.body)
    sent = case.as_transport_kwargs(base_url="http://acme.test")
    path = unquote(sent["url"].removeprefix("http://acme.test"))
    query = urlencode(sent.get("params") or {}, doseq=True, errors="replace")
    body = json.dumps(sent["json"]).encode() if sent.get("json") is not None else sent.get("data") or b""
    headers = {name.casefold(): value for name, value in sent["headers"].items() if name.casefold() == "content-type"}
    said = body if isinstance(body, bytes) else str(body).encode("utf-8", "replace")
    return Asked(case.operation.label, case.method, f"{path}?{query}" if query else path, headers, said)


class Houses(NamedTuple):
    """Two tenants with something of everything, in one installation."""

    house: Installation
    acme: App
    globex: App
    asked: list[Asked]

    async def token(self, person: str, role: auth.Spoken) -> str:
        issued = auth.issue(person, role, self.acme.clock.now(), name="test")
        await self.acme.run(lambda store: auth.save(store, "acme", "token", issued.record))
        return issued.text

    async def ask(self, host: str, each: Asked, token: str) -> Said:
        return await ask(
            self.house, host, each.method, each.path, token=token, body=each.body or None, headers=each.headers
        )


async def hidden(house: Installation, token: str) -> list[str]:
    """An incident of acme's that only Ana sees; its id and its reference."""

    async def said(path: str, body: Any) -> Any:
        answer = await ask(house, "acme.test", "POST", path, token=token, body=body)
        assert answer.status in (200, 201), (path, answer.body)
        return answer.json()

    made = await said("/api/incidents", {"title": f"{MARK} leak", "severity": "P1", "private": True})
    path = f"/api/incidents/{made['id']}"
    await said(f"{path}/add-note", {"text": f"{MARK} note"})
    await said(f"{path}/set-root-cause", {"cause": f"{MARK} cause"})
    await said(f"{path}/add-action-item", {"title": f"{MARK} item", "owner": "ana"})
    await said(f"{path}/freeze-deployments", {"because": f"{MARK} freeze"})
    return [made["id"], made["reference"]]


def marked(said: Said) -> bool:
    return MARK.casefold() in said.body.decode("utf-8", "replace").casefold()


def test_nothing_of_others_is_told_done_or_breaks(tmp_path: Path):
    async def told() -> None:
        (tmp_path / "acme.toml").write_text(ACME)
        (tmp_path / "globex.toml").write_text(FILE)
        async with installation(tmp_path, CONFIG) as house:
            houses = await furnished(house)
            await _tried(houses)
            await _shown(houses)

    asyncio.run(told())


async def furnished(house: Installation) -> Houses:
    acme, globex = house.running["acme"], house.running["globex"]
    houses = Houses(house, acme, globex, [])
    theirs = await seed(house, "globex.test", globex)
    feed = json.loads(theirs.pop("feed"))["url"].rpartition("/")[2]
    incidents = [theirs["incident"], theirs["reference"]]
    incidents += await hidden(house, await houses.token("ana", "owner"))
    others = [*theirs.values(), feed, SOURCE_TOKEN, token_of(globex), "gus", "g-team", "g-shop", "g-all"]
    houses.asked.extend(requests_of(acme.faces.openapi(), Names(incidents, others)))
    return houses


async def _tried(houses: Houses) -> None:
    actions = {f"{each.method} {each.path}": each.actions for each in served(houses.acme.faces.app)}
    viewer = Actor(tenant="acme", id="vera", kind="person", role="viewer")
    denied = {name for name, asks in actions.items() if not all(conceivable(viewer, each) for each in asks)}
    tokens = {"vera": await houses.token("vera", "viewer"), "olga": await houses.token("olga", "administrator")}
    wrong: list[Any] = []
    for each in houses.asked:
        for person, token in tokens.items():
            said = await houses.ask("acme.test", each, token)
            too_much = person == "vera" and each.operation in denied and said.status < 300
            wrong += [(person, each, said)] if said.status >= 500 or marked(said) or too_much else []

    assert len({each.operation for each in houses.asked}) > 200
    assert len(denied & {each.operation for each in houses.asked}) > 100
    assert wrong == []


async def _shown(houses: Houses) -> None:
    """Teeth: the same requests show the mark to those who may see it."""
    seen: dict[str, set[str]] = {"acme.test": set(), "globex.test": set()}
    tokens = {"acme.test": await houses.token("ana", "owner"), "globex.test": token_of(houses.globex)}
    for host, token in tokens.items():
        for each in houses.asked:
            if each.method == "GET" and each.operation not in seen[host]:
                said = await houses.ask(host, each, token)
                seen[host] |= {each.operation} if marked(said) else set()

    assert {f"GET /api/incidents/{{incident}}{part}" for part in ("", "/timeline")} <= seen["acme.test"]
    assert len(seen["globex.test"]) >= 15, sorted(seen["globex.test"])
