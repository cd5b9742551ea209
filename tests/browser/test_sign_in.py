"""Signing in in a real browser: with a password, by keyboard, without scripts; and with a passkey (virtual)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.browser.chromium import Chromium
from tests.http.test_sign_in import GOOD, given_account
from tests.http.world import Server

pytestmark = [pytest.mark.needs("chromium"), pytest.mark.slow]


@pytest.fixture
def named(server: Server) -> Server:
    given_account(server)
    server.world.public_url = server.url.replace("127.0.0.1", "localhost")
    return server


@pytest.fixture
def browser() -> Iterator[Callable[..., Chromium]]:
    made: list[Chromium] = []

    def start(**options: bool) -> Chromium:
        made.append(Chromium(**options))  # type: ignore[arg-type]
        return made[-1]

    yield start
    for each in made:
        each.close()


def typed(page: Chromium, name: str = "ana", password: str = GOOD) -> None:
    page.js(f"document.querySelector('[name=name]').value = '{name}'")
    page.js(f"document.querySelector('[name=password]').value = '{password}'")
    pressed(page, "form[action='/sign-in'] button")


def pressed(page: Chromium, selector: str) -> None:
    """A click that leads to another page, which has loaded."""
    page.events.clear()
    page.click(selector)
    page.wait("Page.loadEventFired")


def test_a_passkey_is_made_on_the_account_page_and_signs_in_without_a_name(
    named: Server, browser: Callable[..., Chromium]
):
    page, here = browser(), named.world.public_url
    page.call("WebAuthn.enable")
    page.call(
        "WebAuthn.addVirtualAuthenticator",
        options={
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        },
    )
    page.open(f"{here}/sign-in?next=/account")
    typed(page)
    page.until("!document.querySelector('#passkey-add')?.hidden")
    page.js("document.querySelector('#passkey-name').value = 'My laptop'")
    pressed(page, "#passkey-add")
    page.until("document.querySelector('[name=passkey_name]')?.value === 'My laptop'")
    page.events.clear()
    page.js("document.querySelector('form[action=\"/sign-out\"]').submit()")
    page.wait("Page.loadEventFired")
    page.open(f"{here}/sign-in?next=/oncall")
    pressed(page, "#passkey-sign-in")

    assert page.js("location.pathname") == "/oncall"
    assert page.js("fetch('/api/me').then(each => each.json()).then(each => each.id)") == "ana"
    assert page.js("fetch('/api/me/sessions').then(each => each.json()).then(each => each.items[0].via)") == "passkey"
    assert page.complaints() == []


def test_a_browser_that_has_no_passkey_of_ours_says_so(named: Server, browser: Callable[..., Chromium]):
    page = browser()
    page.call("WebAuthn.enable")
    page.call(
        "WebAuthn.addVirtualAuthenticator",
        options={"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True},
    )
    page.open(f"{named.world.public_url}/sign-in")

    page.click("#passkey-sign-in")

    page.until("document.querySelector('#passkey-said').textContent.startsWith('Nothing was done')")


def test_name_and_password_sign_in_without_scripts(named: Server, browser: Callable[..., Chromium]):
    page = browser(scripts=False)
    page.open(f"{named.world.public_url}/sign-in?next=/account")
    root = page.call("DOM.getDocument")["root"]["nodeId"]
    for field, text in (("name", "ana"), ("password", GOOD)):
        node = page.call("DOM.querySelector", nodeId=root, selector=f"[name={field}]")["nodeId"]
        page.call("DOM.focus", nodeId=node)
        page.call("Input.insertText", text=text)
    page.events.clear()
    page.key("\r")
    page.wait("Page.loadEventFired")

    frame = page.call("Page.getFrameTree")["frameTree"]["frame"]
    assert frame["url"].endswith("/account")
