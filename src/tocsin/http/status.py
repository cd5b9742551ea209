"""The public pages: `/status/{page}` and its history, incidents, feeds and JSON, from rendered bytes in memory.

What was rendered is served until something is committed that a page could show, or until time alone may have changed
it. Reading needs no script and changes nothing; the time zone is a cookie of the reader's.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

import msgspec

from tocsin.core.status import Page, check_zone
from tocsin.core.statusjson import answer as json_answer
from tocsin.core.statusview import PageView, page_named, view
from tocsin.http import auth
from tocsin.http.asgi import Receive, Scope, Send
from tocsin.http.deps import Deps
from tocsin.http.gate import actor_of_headers
from tocsin.status import feeds, html
from tocsin.status.logo import Logo

TTL = timedelta(seconds=10)  # while a problem lasts, its minutes count up
CACHED_MAX = 512  # documents kept: pages, times zones, times what is asked for
VIEWS_MAX = 64
GZIP_FROM = 800
ZONE_COOKIE = "tocsin_zone"
ZONE_SECONDS = 400 * 24 * 3600  # the longest that browsers keep a cookie

_ROOT_JSON = re.compile(r"/api/v2/[a-z/-]+\.json")
_V2 = re.compile(r"api/v2/([a-z/-]+)\.json")


class Document(msgspec.Struct, frozen=True):
    """A rendered answer. `until`: when it has to be rendered again although nothing was committed."""

    generation: int
    until: datetime
    etag: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    packed: bytes
    status: int


class Asked(msgspec.Struct, frozen=True):
    """What a request wants: the page, what of it, and in which zone."""

    page: Page
    rest: str
    zone: str
    base: str
    url: str
    month: str


def is_status(path: str) -> bool:
    """Whether a path is a public page's. `/api/v2/X.json` is the default page's, `/api/v2/X` is Alertmanager's."""
    return (
        path == "/status"
        or path.startswith("/status/")
        or path in ("/history.atom", "/history.rss")
        or (path.endswith(".json") and _ROOT_JSON.fullmatch(path) is not None)
    )


Forms = Callable[[Page, str, Scope, Receive, Send], Any]


class StatusApp:
    """The ASGI app. `forms` takes what is posted: subscriptions and confirmations."""

    def __init__(self, deps: Deps, forms: Forms) -> None:
        self._deps, self._board, self._forms = deps, deps.board, forms
        self._documents: OrderedDict[tuple[str, str, str], Document] = OrderedDict()
        self._views: OrderedDict[tuple[str, str], tuple[int, datetime, PageView]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        if method in ("GET", "HEAD"):
            headers = _headers(scope["headers"])
            month = _asked_month(scope["query_string"]) if path.endswith("/history") else ""
            zone = _zone_cookie(headers.get(b"cookie", b""))
            document = self._documents.get((path, zone, month))
            if document is None or not self._fresh(document):
                document = await self._rendered(scope, path, zone, month)
            if document is not None:
                await _serve(document, headers, send, head=method == "HEAD")
                return
        page, rest = self._page(path)
        if page is None:
            await self._nothing(send)
        elif not await self._may_see(page, scope):
            await self._unlock(page, scope, receive, send)
        elif method == "POST" and rest == "zone":
            await self._set_zone(page, scope, receive, send)
        else:
            await self._forms(page, rest, scope, receive, send)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _fresh(self, document: Document) -> bool:
        return document.generation == self._board.generation and self._deps.clock.now() < document.until

    async def _rendered(self, scope: Scope, path: str, zone: str, month: str) -> Document | None:
        """The document anew, and kept unless it is private; None: no document is at this path for this reader."""
        page, rest = self._page(path)
        if page is None or not await self._may_see(page, scope):
            return None
        base = f"/status/{page.id}"
        shown = _known_zone(zone) or page.time_zone
        asked = Asked(page, rest, shown, base, self._deps.public_url + base, month)
        generation = self._board.generation
        made = self._make(asked)
        if made is None:
            return None
        document = _document(made, page, generation, self._until(page, shown))
        if not page.private:
            self._documents[path, zone, month] = document
            while len(self._documents) > CACHED_MAX:
                self._documents.popitem(last=False)
        return document

    def _make(self, asked: Asked) -> tuple[str, bytes] | None:
        """Content type and body."""
        rest, page = asked.rest, asked.page
        json_name = _V2.fullmatch(rest)
        if json_name:
            found = json_answer(json_name[1], self.view(page, page.time_zone), asked.url)
            return ("application/json; charset=utf-8", msgspec.json.encode(found)) if found else None
        if rest in ("history.atom", "history.rss"):
            if "feed" not in page.subscribe_by:
                return None
            make, kind = (feeds.atom, "atom") if rest.endswith("atom") else (feeds.rss, "rss")
            return f"application/{kind}+xml; charset=utf-8", make(self.view(page, page.time_zone), asked.url)
        if rest == "logo":
            logo = self._logo(page)
            return (logo.media_type, logo.body) if logo else None
        text = self._html(asked)
        return ("text/html; charset=utf-8", text.encode("utf-8", "replace")) if text is not None else None

    def _html(self, asked: Asked) -> str | None:
        shown, page = self.view(asked.page, asked.zone), asked.page
        frame = self.frame(page, asked.zone)
        head, _, name = asked.rest.partition("/")
        if asked.rest == "":
            return html.front(shown, frame)
        if asked.rest == "history" and shown.shows("history"):
            month = _month(asked.month, shown.at)
            return html.history(shown, frame, month) if month else None
        if head == "incidents" and name:
            return html.incident(shown, frame, name)
        return html.maintenance(shown, frame, name) if head == "maintenance" and name else None

    def frame(self, page: Page, zone: str) -> html.Frame:
        """Where the page's documents stand here."""
        base = f"/status/{page.id}"
        logo = self._logo(page)
        return html.Frame(base=base, zone=zone, logo=f"{base}/logo?v={logo.digest}" if logo else None)

    def _logo(self, page: Page) -> Logo | None:
        return self._board.logos.get(page.id)

    def view(self, page: Page, zone: str) -> PageView:
        """What the page shows now, computed once for everybody who looks in the same zone."""
        now, generation = self._deps.clock.now(), self._board.generation
        kept = self._views.get((page.id, zone))
        if kept is not None and kept[0] == generation and now < kept[1]:
            return kept[2]
        found = view(self._board.known, page, now, check_zone(zone))
        self._views[page.id, zone] = (generation, self._until(page, zone), found)
        while len(self._views) > VIEWS_MAX:
            self._views.popitem(last=False)
        return found

    def _until(self, page: Page, zone: str) -> datetime:
        """When time alone may have changed what is shown."""
        now, known = self._deps.clock.now(), self._board.known
        ends = [now + TTL, html.next_midnight(now, zone)]
        ends += [at for each in known.planned for at in (each.starts_at, each.ends_at)]
        for name, said in known.said.items():
            component = known.components.get(name)
            if component and component.fresh_seconds and said.heard_at:
                ends.append(said.heard_at + timedelta(seconds=component.fresh_seconds))
        return min(each for each in ends if each > now)

    # --- whose page ---------------------------------------------------------------------------------------------------

    def _page(self, path: str) -> tuple[Page | None, str]:
        """The page of a path, and what of it; the default page answers at the root of everything."""
        known = self._board.known
        if not path.startswith("/status"):
            return page_named(known, ""), path.removeprefix("/")
        name, _, rest = path.removeprefix("/status").removeprefix("/").partition("/")
        page = page_named(known, name) if name else page_named(known, "")
        if page is not None and (name or not rest):
            return page, rest.removesuffix("/")
        return page_named(known, ""), f"{name}/{rest}" if rest else name

    async def _may_see(self, page: Page, scope: Scope) -> bool:
        """A public page, or its token in the query, as a bearer or in the cookie, or somebody who is signed in."""
        if not page.private:
            return True
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=16)
        said = [query.get("token", [""])[0], auth.bearer(headers) or "", _cookie(headers, f"tocsin_page_{page.id}")]
        if any(each and is_token(page, each) for each in said):
            return True
        return await actor_of_headers(self._deps, headers) is not None

    async def _unlock(self, page: Page, scope: Scope, receive: Receive, send: Send) -> None:
        """The token by form, kept in a cookie of the page's; everything else is told that the page is private."""
        base = f"/status/{page.id}"
        if scope["method"] == "POST" and scope["path"] == f"{base}/zone":
            form = await posted(scope, receive)
            token = form.get("token", [""])[0]
            if is_token(page, token):
                secure = "; Secure" if self._deps.public_url.startswith("https:") else ""
                cookie = f"tocsin_page_{page.id}={token}; Path={base}; HttpOnly; SameSite=Lax{secure}"
                await redirect(send, base, ("set-cookie", cookie))
                return
        if scope["path"].endswith(".json"):
            await answer(send, 401, "application/json", b'{"error":"expected the token of this page"}')
            return
        await answer(send, 401, "text/html; charset=utf-8", html.locked(f"{base}/zone").encode())

    # --- what changes only the reader's own cookie --------------------------------------------------------------------

    async def _set_zone(self, page: Page, scope: Scope, receive: Receive, send: Send) -> None:
        form = await posted(scope, receive)
        try:
            zone = check_zone(form.get("zone", [""])[0].strip()).key
        except ValueError as error:
            shown = self.view(page, page.time_zone)
            text = html.say(shown, self.frame(page, page.time_zone), "That is no time zone", str(error))
            await answer(send, 400, "text/html; charset=utf-8", text.encode("utf-8", "replace"), page)
            return
        cookie = f"{ZONE_COOKIE}={zone}; Path=/status; Max-Age={ZONE_SECONDS}; SameSite=Lax"
        await redirect(send, f"/status/{page.id}", ("set-cookie", cookie))

    async def _nothing(self, send: Send) -> None:
        await answer(send, 404, "text/plain; charset=utf-8", b"There is no such status page.\n")


def is_token(page: Page, text: str) -> bool:
    """Whether this is the private page's token."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return bool(page.token_sha256) and hmac.compare_digest(digest, page.token_sha256)


# --- bytes ------------------------------------------------------------------------------------------------------------


def safe_headers(page: Page | None, kind: str) -> list[tuple[bytes, bytes]]:
    """What every answer carries; other origins may read JSON and feeds."""
    policy = html.policy(page) if kind.startswith("text/html") else "default-src 'none'; sandbox"
    found = [
        (b"content-type", kind.encode()),
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    ]
    if not kind.startswith("text/html"):
        found.append((b"access-control-allow-origin", b"*"))
    return found


def _document(made: tuple[str, bytes], page: Page, generation: int, until: datetime) -> Document:
    kind, body = made
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'.encode()
    held = b"private, no-store" if page.private else b"public, max-age=10, stale-if-error=86400"
    headers = [
        *safe_headers(page, kind),
        (b"etag", etag),
        (b"cache-control", held),
        (b"vary", b"Accept-Encoding, Cookie" if kind.startswith("text/html") else b"Accept-Encoding"),
    ]
    packed = gzip.compress(body, 6, mtime=0) if len(body) >= GZIP_FROM and not kind.startswith("image/") else b""
    return Document(generation, until, etag, headers, body, packed, 200)


async def _serve(document: Document, headers: Mapping[bytes, bytes], send: Send, *, head: bool) -> None:
    """The document, or 304 where the reader has it already."""
    asked = headers.get(b"if-none-match")
    if asked is not None and (asked.strip() == b"*" or document.etag.removeprefix(b"W/") in asked):
        start = {"type": "http.response.start", "status": 304, "headers": document.headers[1:]}
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    body, own = document.body, document.headers
    if document.packed and b"gzip" in headers.get(b"accept-encoding", b""):
        body, own = document.packed, [*own, (b"content-encoding", b"gzip")]
    own = [*own, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": document.status, "headers": own})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def answer(
    send: Send, status: int, kind: str, body: bytes, page: Page | None = None, *more: tuple[str, str]
) -> None:
    """An answer that nobody keeps."""
    headers = [*safe_headers(page, kind), (b"cache-control", b"no-store"), (b"content-length", b"%d" % len(body))]
    headers += [(name.encode(), value.encode("latin-1", "replace")) for name, value in more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def redirect(send: Send, to: str, *more: tuple[str, str]) -> None:
    await answer(send, 303, "text/plain; charset=utf-8", b"", None, ("location", to), *more)


FORM_MAX = 64 * 1024


async def posted(scope: Scope, receive: Receive) -> dict[str, list[str]]:
    """The fields of a posted form; none when it is larger than a form can honestly be, or not finished."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if message["type"] == "http.disconnect" or size > FORM_MAX:
            return {}
        parts.append(part)
        if not message.get("more_body"):
            break
    text = b"".join(parts).decode("utf-8", "replace")
    try:
        return parse_qs(text, max_num_fields=600)
    except ValueError:
        return {}


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    return {name: value for name, value in raw if name in _READ}


_READ = frozenset({b"cookie", b"if-none-match", b"accept-encoding"})
_ZONE = re.compile(rb"(?:^|; ?)tocsin_zone=([A-Za-z0-9_+/-]{1,60})")


def _zone_cookie(cookie: bytes) -> str:
    found = _ZONE.search(cookie) if cookie else None
    return found[1].decode() if found else ""


def _known_zone(name: str) -> str | None:
    try:
        return check_zone(name).key if name else None
    except ValueError:
        return None


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _asked_month(query: bytes) -> str:
    """What the query says of a month; everything else in it is nothing to us, and no reason to render again."""
    found = _MONTH.search(query)
    return found[1].decode("latin-1") if found else ""


_MONTH = re.compile(rb"(?:^|&)month=([^&]{1,20})")


def _month(text: str, now: datetime) -> date | None:
    if not text:
        return now.date().replace(day=1)
    found = re.fullmatch(r"(20[0-9]{2})-(0[1-9]|1[0-2])", text)
    return date(int(found[1]), int(found[2]), 1) if found else None
