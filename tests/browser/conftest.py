from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import Chromium
from tests.http.world import Server, World
from tocsin.http import auth

Open = Callable[..., Chromium]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    world = World(tmp_path)
    server = Server(world)
    yield server
    server.stop()
    world.close()


@pytest.fixture
def signed_in(server: Server) -> Iterator[Open]:
    """Browsers in which Ana is signed in; the options are Chromium's."""
    issued = auth.issue("ana", "admin", server.world.clock.now())
    server.world.do(lambda store: auth.save(store, "default", "session", issued.record))
    browsers: list[Chromium] = []

    def start(**options: int) -> Chromium:
        browser = Chromium(**options)  # type: ignore[arg-type]
        browsers.append(browser)
        browser.cookie(server.url, auth.COOKIE, issued.text)
        return browser

    yield start
    for browser in browsers:
        browser.close()
