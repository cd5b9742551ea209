"""What visitors of a public page send: subscriptions, their confirmation, and leaving with one click (RFC 8058).

Following a link changes nothing, because mail scanners follow links; the button on it does. Every answer about an
address is the same whether or not it was known.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from tocsin.core.status import Page
from tocsin.core.statusview import view
from tocsin.http.asgi import Receive, Scope, Send
from tocsin.http.deps import Deps
from tocsin.http.status import answer, posted
from tocsin.status import html
from tocsin.status.subscribers import Subscribers, TooMany

ADDRESS_MAX = 254
URL_MAX = 2048
CHOICES_MAX = 500


class Forms:
    """Takes what a page's visitors post (`StatusApp`'s `forms`)."""

    def __init__(self, deps: Deps, subscribers: Subscribers) -> None:
        self._deps, self._subscribers = deps, subscribers

    async def __call__(self, page: Page, rest: str, scope: Scope, receive: Receive, send: Send) -> None:
        head, _, token = rest.partition("/")
        post = scope["method"] == "POST"
        if rest == "subscribe" and post and page.subscribe_by:
            await self._subscribe(page, await posted(scope, receive), send)
        elif head in ("confirm", "unsubscribe") and token and scope["method"] in ("GET", "HEAD", "POST"):
            await self._ticket(page, head, token, post, send)
        elif rest in ("subscribe", "zone") and not post:
            await self._say(page, 405, "Send the form", "This address takes a form.", send)
        else:
            await self._say(page, 404, "Nothing is here", "The address leads to nothing on this page.", send)

    async def _subscribe(self, page: Page, form: dict[str, list[str]], send: Send) -> None:
        mail = form.get("email", [""])[0].strip()
        endpoint = form.get("endpoint", [""])[0].strip()
        kind: Literal["email", "webhook"] = "webhook" if endpoint else "email"
        wrong = _wrong(page, kind, mail, endpoint)
        if wrong:
            await self._say(page, 400, "That did not work", wrong, send)
            return
        chosen = form.get("component", [])[:CHOICES_MAX]
        address, contact = (endpoint, mail) if endpoint else (mail, "")
        people = self._subscribers
        try:
            await self._deps.run(lambda _: people.subscribe(page, kind, address, chosen, contact=contact))
        except TooMany as error:
            await self._say(page, 503, "Please try again later", str(error), send)
            return
        text = f"If {mail} is not subscribed already, it gets a message now. Open the link in it and press the button."
        await self._say(page, 200, "One more step", text, send)

    async def _ticket(self, page: Page, what: str, token: str, post: bool, send: Send) -> None:
        """The button of a link, or what pressing it did."""
        people = self._subscribers
        name = people.ticket(token)
        if name is None:
            await self._say(page, 404, "This link does not work", "It was cut off, or is not one of ours.", send)
        elif what == "unsubscribe" and post:
            await self._deps.run(lambda _: people.remove(name))
            await self._say(page, 200, "You are unsubscribed", "You will not hear from us again.", send)
        elif what == "unsubscribe":
            await self._say(page, 200, "Unsubscribe", "You will get no more updates.", send, "Unsubscribe")
        elif post:
            done = await self._deps.run(lambda _: people.confirm(name))
            if done is None:
                text = "The subscription has ended meanwhile. You can subscribe again."
                await self._say(page, 410, "This link has expired", text, send)
            else:
                await self._say(page, 200, "You are subscribed", "You will hear from us when something changes.", send)
        else:
            await self._say(page, 200, "Confirm your subscription", "One press and it counts.", send, "Confirm")

    async def _say(self, page: Page, status: int, heading: str, text: str, send: Send, button: str = "") -> None:
        shown = view(self._deps.board.known, page, self._deps.clock.now())
        frame = html.Frame(base=f"/status/{page.id}", zone=page.time_zone)
        body = html.say(shown, frame, heading, text, button).encode("utf-8", "replace")
        await answer(send, status, "text/html; charset=utf-8", body, page)


def _wrong(page: Page, kind: Literal["email", "webhook"], mail: str, endpoint: str) -> str:
    """What is wrong with the addresses, or ""."""
    if kind not in page.subscribe_by:
        return f"This page takes no subscriptions by {kind}."
    return wrong_mail(mail) or (wrong_endpoint(endpoint) if endpoint else "")


def wrong_mail(mail: str) -> str:
    """What is wrong with a mail address, or ""."""
    local, at, domain = mail.rpartition("@")
    plain = mail.isprintable() and not any(each in mail for each in " ,;<>\"'\\()[]")
    if not at or not local or "." not in domain or not plain or len(mail) > ADDRESS_MAX:
        return f"email: expected an address such as ana@example.org, got {mail[:80]!r}"
    return ""


def wrong_endpoint(endpoint: str) -> str:
    """What is wrong with a webhook's address, or "". Where it leads is judged each time it is called."""
    try:
        parts = urlsplit(endpoint)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        fine = False
    if not fine or len(endpoint) > URL_MAX or not endpoint.isprintable() or " " in endpoint:
        return f"endpoint: expected an https address, got {endpoint[:80]!r}"
    return ""
