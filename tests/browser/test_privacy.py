"""Making an incident private on the smallest phone, without scripts, and opening it up again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Open
from tests.http.world import Server
from tocsin.core import commands as c

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

WIDE = "[...document.querySelectorAll('body *')].some(each => each.getBoundingClientRect().right > innerWidth + 1)"


def js(page: Chromium, text: str) -> Any:
    """Ours runs, the page's own did not."""
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    found = page.js(text)
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    return found


def click(page: Chromium, selector: str) -> None:
    """As a thumb does it, on what can be seen of it."""
    x, y = js(
        page,
        f"(() => {{ const at = document.querySelector('{selector}'); at.scrollIntoView({{block: 'center'}});"
        " const r = at.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; })()",
    )
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


def test_a_phone_makes_an_incident_private_and_opens_it_up_without_scripts(server: Server, signed_in: Open):
    server.world.do(lambda _: server.world.engine.declare("default", c.Declare(by="ana", title="Credentials leaked")))
    page = signed_in(width=320, height=640, scripts=False)
    page.open(f"{server.url}/incidents/INC-2026-001")

    click(page, "[popovertarget=do-restrict]")
    assert js(page, "document.querySelector('#do-restrict').matches(':popover-open')")
    assert not js(page, WIDE)
    click(page, "#do-restrict [name=people][value=ben]")
    click(page, "#do-restrict textarea")
    page.call("Input.insertText", text="customer data")
    click(page, "#do-restrict button.primary")
    page.wait("Page.loadEventFired")

    api = server.client(server.world.token())
    incident = api.get("/api/incidents/INC-2026-001").json()
    assert (incident["private"], sorted(incident["visible_to"])) == (True, ["ana", "ben"])
    assert not js(page, WIDE)
    click(page, "[popovertarget=do-open]")
    click(page, "#do-open textarea")
    page.call("Input.insertText", text="no leak")
    click(page, "#do-open button.primary")
    page.wait("Page.loadEventFired")
    assert api.get("/api/incidents/INC-2026-001").json()["private"] is False


def test_the_form_to_declare_fits_the_smallest_phone(server: Server, signed_in: Open):
    page = signed_in(width=320, height=640)
    page.open(f"{server.url}/declare")

    assert page.js("document.querySelector('[name=private]').closest('label').getBoundingClientRect().height") >= 44
    assert not page.js(WIDE)
    assert page.complaints() == []
