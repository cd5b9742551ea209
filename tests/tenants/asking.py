"""An installation in this process, asked as the web server asks it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from tocsin.app import App
from tocsin.core.tenants import Tenant
from tocsin.guidefile import GuideFile, read_guide
from tocsin.http import auth
from tocsin.process import EXAMPLE
from tocsin.setting.config import load
from tocsin.tenants.installation import Installation

STREAM_SECONDS = 0.15  # what a stream says at once
ANSWER_SECONDS = 20.0


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes
    set_cookies: tuple[str, ...] = ()

    @property
    def cookie(self) -> dict[str, str]:
        """The header with which a browser comes back."""
        return {"cookie": "; ".join(each.partition(";")[0] for each in self.set_cookies)}

    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: Any,
    host: str,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Said:
    """The answer. Of a stream, what comes at once. A dict or list goes as JSON, bytes as they are."""
    plain, _, query = path.partition("?")
    given = {"host": host, **(headers or {})}
    if token is not None:
        given["authorization"] = f"Bearer {token}"
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        given.setdefault("content-type", "application/json")
    if body:
        given["content-length"] = str(len(body))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": quote(plain).encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8080),
    }
    parts: list[bytes] = []
    start: dict[str, Any] = {}
    asked = [False]
    gone = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if not asked[0]:
            asked[0] = True
            return {"type": "http.request", "body": body or b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                gone.set()  # a server says so once all was sent, and a stream ends with it

    seconds = STREAM_SECONDS if plain.endswith("/events") else ANSWER_SECONDS
    try:
        await asyncio.wait_for(app(scope, receive, send), seconds)
    except TimeoutError:
        if not plain.endswith("/events"):
            raise
    found = [(name.decode().lower(), value.decode("latin-1")) for name, value in start.get("headers", ())]
    cookies = tuple(value for name, value in found if name == "set-cookie")
    return Said(start.get("status", 0), dict(found), b"".join(parts), cookies)


def examples(tenant: Tenant, app: App) -> Sequence[GuideFile]:
    return [read_guide(EXAMPLE)] if app.is_empty() else ()


@asynccontextmanager
async def installation(folder: Path, text: str) -> AsyncIterator[Installation]:
    """It runs, without a socket."""
    (folder / "tocsin.toml").write_text(text)
    config = load(folder / "tocsin.toml", {}, {"server.data": str(folder / "data")})
    config.data.mkdir(exist_ok=True)
    made = Installation(config, examples)
    await made.start([read_guide(EXAMPLE)])
    await made.open(lambda line: None)
    await made.main.run(lambda store: auth.local_token(store, config.data / "cli.token"))
    try:
        yield made
    finally:
        made.close_streams()
        await made.stop()


def token_of(app: App) -> str:
    """The administrator's, which the command line uses."""
    return (app.config.data / "cli.token").read_text().strip()
