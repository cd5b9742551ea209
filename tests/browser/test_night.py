"""What a person paged at night looks at, on a phone: declaring without scripts, runbooks, recent changes."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.browser.chromium import Chromium
from tests.browser.conftest import Open
from tests.http.test_declaring import PAYMENTS
from tests.http.world import T0, Server

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]

FITS = "document.documentElement.scrollWidth <= innerWidth"


def press(page: Chromium, what: str) -> None:
    """Without scripts no timer runs in the page, so the button is pressed from outside."""
    page.events.clear()
    page.js(f"document.querySelector({what!r}).click()")
    page.wait("Page.loadEventFired")


def test_an_incident_is_declared_by_the_second_guide_on_a_phone_without_scripts(server: Server, signed_in: Open):
    world = server.world
    world.do(lambda _: world.engine.guides.activate(world.tenant, "payments", PAYMENTS))
    page = signed_in(width=390, height=844, scripts=False)

    page.open(f"{server.url}/declare")
    page.js("document.querySelector('[name=title]').value = 'Cards fail'")
    press(page, "[name=show][value=payments]")
    page.js("document.querySelector('details.add').open = true")
    page.js("document.querySelector('[name=q0][value=yes]').checked = true")
    assert page.js(FITS)
    press(page, "[name=ask]")

    assert page.js("document.querySelector('[name=severity]:checked').value") == "P1"
    assert page.js("document.querySelector('[name=title]').value") == "Cards fail"
    assert (
        page.js("document.querySelector('#severities [role=status]').textContent") == "By your answers it is P1, Stop."
    )
    assert page.js(FITS)
    assert page.js("[...document.querySelectorAll('[name=show]')].every(each => each.offsetHeight >= 32)")
    press(page, "button.primary")
    assert page.js("location.pathname") == "/incidents/INC-2026-001"


def test_runbook_and_recent_changes_fit_a_phone(server: Server, signed_in: Open):
    world = server.world
    for n, text in enumerate(("checkout v4.18 " + "x" * 150, "flag on")):
        at = (T0 - timedelta(minutes=15 + n)).isoformat()
        value = {
            "text": text,
            "source": "ci",
            "at": at,
            "labels": {"service": "checkout"},
            "url": "https://ci.example/7",
        }
        body = json.dumps(value).encode()
        world.do(lambda store, n=n, body=body: store.put(world.tenant, "change", f"c{n}", body))
    world.alert("Checkout is slow", key="k", service="checkout")
    page = signed_in(width=390, height=844)

    page.open(f"{server.url}/incidents/INC-2026-001")

    assert page.js("document.querySelector('.alert-links a').textContent") == "Runbook"
    assert page.js("document.querySelectorAll('.changes li').length") == 2
    assert page.js("document.querySelector('.alert-links a').offsetHeight >= 32")
    assert page.js(FITS)
    assert page.complaints() == []


@pytest.mark.parametrize("path", ["/declare", "/incidents/INC-2026-001/review", "/incidents/INC-2026-001/say"])
def test_a_long_form_begins_at_the_top_and_its_buttons_look_like_buttons(server: Server, signed_in: Open, path: str):
    server.world.alert("Checkout is slow", key="k")
    page = signed_in(width=390, height=844)

    page.open(server.url + path)

    assert page.js("document.querySelector('main .panel').getBoundingClientRect().top") < 80
    bare = "each => each.offsetWidth > 1 && getComputedStyle(each).borderTopColor === 'rgba(0, 0, 0, 0)'"
    assert page.js(f"[...document.querySelectorAll('main button')].filter({bare}).map(each => each.textContent)") == []
    assert page.js(FITS)


@pytest.mark.parametrize("width", [390, 1440])
def test_a_title_of_one_long_word_keeps_the_list_within_the_screen(server: Server, signed_in: Open, width: int):
    page = signed_in(width=width, height=844)
    page.open(f"{server.url}/declare")
    page.js(f"document.querySelector('[name=title]').value = '{'W' * 200}'")
    press(page, "button.primary")
    page.open(f"{server.url}/?text=WWW")

    assert page.js("document.querySelector('.ended a').textContent.length") == 200
    assert page.js("document.documentElement.scrollWidth") <= width
