"""Atlassian Statuspage's manage API v1 (`/v1/pages/...`): what speaks to statuspage.io can speak to Tocsin.

`Authorization: OAuth KEY` (or Bearer, or `?api_key=`) with a Tocsin token. Bodies are JSON or forms
(`incident[name]=...`), paths work with and without `.json`, errors are `{"error": ...}`.
Source: developer.statuspage.io, and Atlassian's OpenAPI description of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import msgspec

from tocsin.core.access import Action, may
from tocsin.core.incident import Refused
from tocsin.core.texts import unspeakable
from tocsin.engine import NotFound
from tocsin.guides import UnknownGuide
from tocsin.http import statuspage_calls, statuspage_incidents, statuspage_people
from tocsin.http.asgi import Answer, BodyGone, BodyTooLarge, Receive, Scope, Send, answer, read_body
from tocsin.http.deps import Deps
from tocsin.http.gate import actor_of_credential, why_nobody
from tocsin.http.problems import Unacceptable
from tocsin.http.statuspage_calls import Call
from tocsin.status.desk import Unknown

BODY_MAX = 256 * 1024  # a body text of 25,000 characters, and room
FIELDS_MAX = 1_000
PREFIX = "/v1/pages"

Handler = Callable[[Call], tuple[int, Any]]
Row = tuple[str, str, Action, Handler]
TABLE: tuple[Row, ...] = (*statuspage_calls.TABLE, *statuspage_incidents.TABLE, *statuspage_people.TABLE)


def _compiled(rows: tuple[Row, ...]) -> list[tuple[frozenset[str], re.Pattern[str], Action, Handler]]:
    """`{name}` is one segment of a path."""
    return [
        (frozenset(methods.split("|")), re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), action, handler)
        for methods, path, action, handler in rows
    ]


_ROUTES = _compiled(TABLE)


class ManageApp:
    """The ASGI app behind `/v1/pages`."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            status, body = await self._answered(scope, receive, headers)
        except BodyGone:
            return
        raw = b"" if body is None else msgspec.json.encode(body)
        more = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))
        kind = "application/json" if raw else ""
        await answer(send, Answer(status=status, body=raw, content_type=kind, headers=more))

    async def _answered(self, scope: Scope, receive: Receive, headers: Mapping[str, str]) -> tuple[int, Any]:
        path = scope["path"].removeprefix(PREFIX).removesuffix(".json").rstrip("/")
        try:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), max_num_fields=FIELDS_MAX))
            key = _key(headers, query.pop("api_key", ""))
            actor = await actor_of_credential(self._deps, "token", key) if key else None
            if actor is None:
                return 401, {"error": await why_nobody(self._deps, key) or "Could not authenticate"}
            found = _match(scope["method"], path)
            if isinstance(found, int):
                return found, {"error": "Not found" if found == 404 else "Method not allowed"}
            action, handler, names = found
            decision = may(actor, action)
            if not decision:
                return 403, {"error": decision.because}
            raw = await read_body(receive, headers, BODY_MAX)
            body = decoded(raw, headers.get("content-type", ""))
            if wrong := unspeakable(body):
                return 422, {"error": wrong}
            call = Call(self._deps, actor, names, query, body)
            return await self._deps.run(lambda store: handler(call.with_store(store)))
        except PermissionError as error:
            return 403, {"error": str(error)}
        except BodyTooLarge as error:
            return 413, {"error": str(error)}
        except (Unknown, NotFound) as error:
            return 404, {"error": str(error)}
        except (Refused, Unacceptable, UnknownGuide) as error:
            return 422, {"error": str(error)}
        except ValueError as error:  # msgspec's errors are such
            return (400 if isinstance(error, msgspec.DecodeError) else 422), {"error": str(error)}


def _key(headers: Mapping[str, str], api_key: str) -> str:
    """The key that a request speaks with. A browser's session is not asked: no form of another site can act here."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    return text.strip() if scheme.casefold() in ("oauth", "bearer") else api_key


def _match(method: str, path: str) -> tuple[Action, Handler, dict[str, str]] | int:
    method = "GET" if method == "HEAD" else method
    known = False
    for methods, pattern, action, handler in _ROUTES:
        found = pattern.fullmatch(path)
        if found:
            known = True
            if method in methods:
                return action, handler, found.groupdict()
    return 405 if known else 404


def decoded(raw: bytes, content_type: str) -> dict[str, Any]:
    """The body as a tree, from JSON or from a form. Raises ValueError."""
    if not raw.strip():
        return {}
    if "json" in content_type or raw.lstrip()[:1] == b"{":
        try:
            found = msgspec.json.decode(raw)
        except RecursionError:
            raise ValueError("body: expected JSON nested less deeply") from None
        if not isinstance(found, dict):
            raise ValueError("body: expected an object")
        return found
    fields = parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    tree: dict[str, Any] = {}
    for name, values in fields.items():
        _plant(tree, name, values)
    return tree


def _plant(tree: dict[str, Any], name: str, values: list[str]) -> None:
    """`incident[components][a1]=x` as nested tables; `incident[component_ids][]=x` as a list."""
    head, _, rest = name.partition("[")
    keys = [head, *(each.rstrip("]") for each in rest.split("["))] if rest else [head]
    many = len(keys) > 1 and keys[-1] == ""
    keys = keys[:-1] if many else keys
    if len(keys) > 4:
        raise ValueError(f"{name[:80]}: expected at most 4 levels")
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise ValueError(f"{name[:80]}: expected a table or a value, got both")
    tree[keys[-1]] = values if many else values[-1]
