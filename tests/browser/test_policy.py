"""Every page in a real browser, with hostile words wherever people and monitors write: the policy is never broken."""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import Open
from tests.http.world import Server
from tocsin.core import commands as c

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "[x](javascript:document.title='owned') {{7*7}} </title></style><svg onload=document.title='owned'>"
)
PAGES_MIN = 8


def test_no_page_breaks_the_policy_whatever_is_written_on_it(server: Server, signed_in: Open):
    incident = server.world.alert(HOSTILE, key="k", service=HOSTILE)
    for command in (c.AddNote(by=HOSTILE, text=HOSTILE), c.SetImpact(by="ana", impact=HOSTILE)):
        server.world.do(lambda _, each=command: server.world.engine.handle("default", incident, each))
    api = server.client(server.world.token())
    api.put("/api/people/eve", json={"id": "eve", "name": HOSTILE}).raise_for_status()
    api.put("/api/teams/t", json={"id": "t", "name": HOSTILE, "members": ["eve"]}).raise_for_status()
    page = signed_in()
    waiting, seen = ["/", "/directory", "/declare", "/oncall", "/duties", "/status", "/sign-in", "/nothing"], set()

    while waiting and len(seen) < 40:
        path = waiting.pop(0)
        if path in seen:
            continue
        seen.add(path)
        page.open(server.url + path)
        complaints = [each for each in page.complaints() if "404" not in each]
        assert complaints == [], path
        assert page.js("document.title") != "owned", path
        assert page.js("[...document.scripts].every(each => each.src)"), path
        assert page.js(
            "[...document.querySelectorAll('*')].every(e => [...e.attributes].every(a => !/^on/.test(a.name)))"
        )
        links = page.js("[...document.links].map(each => each.getAttribute('href'))")
        assert not [each for each in links if re.match(r"(?i)\s*(javascript|data|vbscript):", each)], path
        waiting += [each for each in links if re.fullmatch(r"/[A-Za-z0-9/_-]*", each) and not each.startswith("/api")]
    assert len(seen) >= PAGES_MIN


def test_no_public_page_asks_for_what_is_not_there(server: Server, signed_in: Open):
    admin = server.client(server.world.token("administrator"))
    admin.put("/api/status/pages/acme", json={"name": "Acme"}).raise_for_status()
    admin.put("/api/status/pages/inner", json={"name": "Inner", "private": True}).raise_for_status()
    page = signed_in()
    page.call("Network.clearBrowserCookies")

    for path, title in (("acme", "Acme"), ("acme/history", "Acme"), ("inner", "Private page")):
        page.open(f"{server.url}/status/{path}")
        assert title in page.js("document.title")
        icon = page.js("document.querySelector('link[rel=icon]').getAttribute('href')")
        assert icon == "data:,", path
        assert [each for each in page.complaints() if "401" not in each] == [], path
