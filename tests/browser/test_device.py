"""This device in a real browser: the service worker registers, and the page says how things stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Open
from tests.http.world import Server

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]


def test_the_service_worker_registers_for_every_page_under_the_strict_policy(server: Server, signed_in: Open):
    page = signed_in(width=390, height=844)
    page.open(f"{server.url}/device")

    scope = page.js("navigator.serviceWorker.ready.then(each => each.scope)")
    page.until("!document.querySelector('#device-state').textContent.includes('scripts')")

    assert scope == f"{server.url}/"
    assert page.js("navigator.serviceWorker.ready.then(each => each.active.scriptURL)") == f"{server.url}/sw.js"
    assert page.complaints() == []
    assert page.js("document.documentElement.scrollWidth") <= 390


def test_the_page_can_be_installed(server: Server, signed_in: Open, tmp_path: Path):
    page = signed_in()
    page.open(f"{server.url}/device")

    found = page.call("Page.getAppManifest")

    assert found["errors"] == []
    assert found["url"] == f"{server.url}/manifest.webmanifest"
    assert page.call("Page.getInstallabilityErrors")["installabilityErrors"] == []
