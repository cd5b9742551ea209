"""Signed links that acknowledge: `GET /a/{token}` shows what it is about and one button, `POST` acts.

A link belongs to one person, one page and the incidents that page spoke of; it needs no sign-in, because it must work
on the phone that was just woken. Mail scanners follow links: GET and HEAD change nothing. A link acts as long as its
incidents wait for somebody; afterwards it only says who has them. A link that stands in a channel, where others read it
(Teams), acts once: it acts no more when its incidents wait again, for which there is a new message.
Source: docs/decisions/0151-a-link-in-a-channel-works-once.md
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from html import escape
from typing import Any, Protocol, TypeVar

import msgspec
from itsdangerous import BadData, URLSafeSerializer

from tocsin.clock import Clock
from tocsin.core.access import action_for, may, responder
from tocsin.core.commands import Acknowledge
from tocsin.core.facts import OPEN_STATUSES
from tocsin.core.incident import Refused
from tocsin.core.paging_text import clock as clock_words, one_line, span
from tocsin.core.people import Directory, Person
from tocsin.ports import Store
from tocsin.sighted import looking

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LINK_LIFE = timedelta(days=3)  # over a long weekend; whoever is paged again gets a new link
TOKEN_MAX = 8000  # characters: a bundle of a hundred incidents has some 3,000
MERGES_MAX = 5  # incidents merged into one another that are followed
PATH = "/a/"
USED = "used-link"  # kind of document: the page whose link in a channel has acted, until the link is too old anyway


class Expired(Exception):
    """The link was good once."""


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a link allows: `person` may acknowledge `incidents`, until `expires` (Unix seconds), perhaps only once."""

    tenant: str
    person: str
    page: str
    incidents: tuple[str, ...]
    expires: int
    once: bool = False


class Links:
    """Makes and reads the tokens. `secrets`: the newest last; older ones are still read."""

    def __init__(self, secrets: Sequence[bytes], public_url: str, tenant: str | None = None) -> None:
        """`tenant`: links of any other are none, even where somebody copied the secret."""
        self._tenant = tenant
        if not secrets or min(len(each) for each in secrets) < 16:
            raise ValueError("link secret: expected at least 16 bytes")
        self._public_url = public_url.rstrip("/")
        self._signer = URLSafeSerializer(
            list(secrets), salt=b"tocsin acknowledge link", signer_kwargs={"digest_method": hashlib.sha256}
        )

    def acknowledge_url(
        self, *, tenant: str, incidents: Sequence[str], person: str, page: str, now: datetime, once: bool = False
    ) -> str:
        """A link for `person` that is good for `LINK_LIFE`; with `once` until it has acknowledged something."""
        ticket: list[Any] = [tenant, person, page, list(incidents), int((now + LINK_LIFE).timestamp())]
        ticket += [True] if once else []
        token = self._signer.dumps(ticket)
        return f"{self._public_url}{PATH}{token if isinstance(token, str) else token.decode()}"

    def read(self, token: str, now: datetime) -> Ticket | None:
        """What the token allows, or None when it is not one of ours. Raises Expired."""
        if len(token) > TOKEN_MAX or not token.isascii():
            return None
        try:
            ticket = msgspec.convert(self._signer.loads(token), Ticket)
        except (BadData, msgspec.ValidationError):
            return None
        if self._tenant not in (None, ticket.tenant):
            return None
        if now.timestamp() >= ticket.expires:
            raise Expired
        return ticket


class Engine(Protocol):
    def handle(self, tenant: str, name: str, command: Any) -> Any: ...
    def directory(self, tenant: str) -> Directory: ...


class Deps(Protocol):
    """The part of http/deps.py that is needed here."""

    @property
    def clock(self) -> Clock: ...
    @property
    def engine(self) -> Engine: ...
    def run(self, fn: Callable[[Store], T]) -> Awaitable[T]: ...


class Shown(msgspec.Struct, frozen=True):
    """The part of an incident's public JSON that the page shows."""

    id: str
    reference: str
    title: str
    status: str
    severity: str
    service: str | None
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_by: str | None
    firing: int
    drill: bool
    merged_into: str | None

    @property
    def waits(self) -> bool:
        return self.status in OPEN_STATUSES and self.acknowledged_at is None


class Found(msgspec.Struct, frozen=True):
    """What a link leads to now; `person` None: nobody who may use it any more. `spent`: it acted, and acts no more."""

    incidents: tuple[Shown, ...]
    person: Person | None
    spent: bool = False


def create_links(deps: Deps, links: Links) -> App:
    """The ASGI app behind `/a/`."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        accepts = dict(scope["headers"]).get(b"accept", b"").decode("latin-1")
        answer = await _answer(deps, links, method, scope["path"], html="text/html" in accepts)
        await _write(answer, send, body=method != "HEAD")

    return app


class Answer(msgspec.Struct, frozen=True):
    status: int
    body: str
    html: bool = True
    location: str = ""
    allow: str = ""


async def _answer(deps: Deps, links: Links, method: str, path: str, *, html: bool) -> Answer:
    now = deps.clock.now()
    if method not in ("GET", "HEAD", "POST"):
        return Answer(405, "GET shows the page, POST acknowledges.\n", html=False, allow="GET, HEAD, POST")
    try:
        ticket = links.read(path.rpartition(PATH)[2], now)
    except Expired:
        return _sorry(410, "This link is too old", "Open the newest message, or sign in and acknowledge there.", html)
    if ticket is None:
        return _sorry(404, "This is not a link of ours", "It may have been cut. Try the whole link again.", html)
    act = method == "POST"
    found = await deps.run(lambda store: _act(deps.engine, store, ticket) if act else _find(deps.engine, store, ticket))
    if found.person is None:
        return _sorry(403, "This link is not yours any more", "Ask whoever keeps the list of people.", html)
    if not found.incidents:
        return _sorry(404, "This incident is not here", "It may have been deleted.", html)
    if not html:
        said = "".join(f"{_plainly(each, found.person, now)}\n" for each in found.incidents)
        return Answer(200, f"{SPENT}\n{said}" if found.spent and act else said, html=False)
    if act:  # so that a reload does not post again
        return Answer(303, "", location=path)
    return Answer(200, _page(found, found.person, now))


def _find(engine: Engine, store: Store, ticket: Ticket) -> Found:
    directory = engine.directory(ticket.tenant)
    person = directory.people.get(ticket.person)
    with looking(store, directory, ticket.person) as seen:
        shown = [_shown(seen, ticket.tenant, incident) for incident in ticket.incidents]
    known = {each.id: each for each in shown if each is not None}
    spent = ticket.once and store.get(ticket.tenant, USED, ticket.page) is not None
    return Found(tuple(known.values()), person if person and person.active else None, spent)


def _act(engine: Engine, store: Store, ticket: Ticket) -> Found:
    """Acknowledge whatever still waits. An incident that ended a moment ago refuses, and is then shown as it is."""
    found = _find(engine, store, ticket)
    waiting = [each for each in found.incidents if each.waits]
    if found.person is None or found.spent or not waiting:
        return found
    directory = engine.directory(ticket.tenant)
    if may(responder(ticket.tenant, found.person.id), action_for("acknowledge")):
        with looking(store, directory, found.person.id):
            for incident in waiting:
                with suppress(Refused):
                    engine.handle(ticket.tenant, incident.id, Acknowledge(by=found.person.id, via="link"))
    after = _find(engine, store, ticket)
    if ticket.once:
        _spend(store, ticket)
    return after


def _spend(store: Store, ticket: Ticket) -> None:
    """The link acts no more; those that are too old to act are forgotten."""
    for name, body in store.items(ticket.tenant, USED):
        if msgspec.json.decode(body, type=int) < store.now().timestamp():
            store.delete(ticket.tenant, USED, name)
    store.put(ticket.tenant, USED, ticket.page, msgspec.json.encode(ticket.expires))


def _shown(store: Store, tenant: str, incident: str) -> Shown | None:
    for _ in range(MERGES_MAX):
        row = store.index(tenant, incident)
        if row is None:
            return None
        shown = msgspec.json.decode(row.summary, type=Shown)
        if shown.merged_into is None:
            return shown
        incident = shown.merged_into
    return None


# --- words ------------------------------------------------------------------------------------------------------------


def _state(shown: Shown, person: Person, now: datetime) -> str:
    if shown.status not in OPEN_STATUSES:
        by = f" by {shown.resolved_by}" if shown.resolved_by else ""
        return f"{shown.status}{by}"
    if shown.acknowledged_at is None:
        return "nobody has it yet"
    if shown.acknowledged_by == person.id:
        return f"you have it since {clock_words(shown.acknowledged_at, person.zone, now)}"
    return f"already acknowledged by {shown.acknowledged_by}, {clock_words(shown.acknowledged_at, person.zone, now)}"


def _plainly(shown: Shown, person: Person, now: datetime) -> str:
    return one_line(f"{shown.reference}: {_state(shown, person, now)}. {shown.title}")


SPENT = "This link was used, and works once. Use the newest message, or open the incident."


def _page(found: Found, person: Person, now: datetime) -> str:
    incidents = found.incidents
    waiting = [each for each in incidents if each.waits and not found.spent]
    one = incidents[0] if len(incidents) == 1 else None
    heading = one_line(one.title) if one else f"{len(incidents)} incidents, {len(waiting)} waiting for somebody"
    articles = (
        _article(one, person, now) if one else f"<ul>{''.join(_row(each, person, now) for each in incidents)}</ul>"
    )
    if waiting:
        label = "Acknowledge" if one else f"Acknowledge all {len(waiting)}"
        who = escape(one_line(person.name or person.id, 80))
        asked = f'<form method="post"><button>{label}</button></form><p class="quiet">As {who}.</p>'
    else:
        still = found.spent and any(each.waits for each in incidents)
        asked = f'<p class="done" role="status">{escape(SPENT if still else _outcome(one, person))}</p>'
    # A long list must not push the button off the screen; what is known of one incident is short and comes first.
    parts = [f"<h1>{escape(heading)}</h1>", *([articles, asked] if one and waiting else [asked, articles])]
    to = f"/incidents/{escape(one.reference)}" if one else "/"
    parts.append(f'<p><a href="{to}">{"Open the incident" if one else "All incidents"}</a></p>')
    return _document(heading, "".join(parts))


def _outcome(one: Shown | None, person: Person) -> str:
    if one is None:
        return "Nothing is left to acknowledge here."
    if one.status not in OPEN_STATUSES:
        return f"It is {one.status}. There is nothing left to do here."
    return "You have it." if one.acknowledged_by == person.id else f"{one.acknowledged_by} has it."


def _article(shown: Shown, person: Person, now: datetime) -> str:
    since = f"{clock_words(shown.opened_at, person.zone, now)}, {span(now - shown.opened_at)} ago"
    rows = [
        ("Incident", shown.reference + (" (a drill)" if shown.drill else "")),
        ("Severity", shown.severity),
        ("Service", shown.service or ""),
        ("Since", since),
        ("Alerts", f"{shown.firing} firing" if shown.firing else ""),
        ("State", _state(shown, person, now)),
    ]
    return (
        "<dl>" + "".join(f"<dt>{name}</dt><dd>{escape(one_line(text))}</dd>" for name, text in rows if text) + "</dl>"
    )


def _row(shown: Shown, person: Person, now: datetime) -> str:
    drill = ", a drill" if shown.drill else ""
    about = f"{shown.severity}, {span(now - shown.opened_at)}, {_state(shown, person, now)}{drill}"
    href = f"/incidents/{escape(shown.reference)}"
    return (
        f'<li><a href="{href}">{escape(shown.reference)}</a> <b>{escape(one_line(shown.title))}</b>'
        f"<br><span>{escape(one_line(about))}</span></li>"
    )


def _sorry(status: int, heading: str, advice: str, html: bool) -> Answer:
    if not html:
        return Answer(status, f"{heading}. {advice}\n", html=False)
    body = f'<h1>{heading}</h1><p>{advice}</p><p><a href="/">All incidents</a></p>'
    return Answer(status, _document(heading, body))


# --- HTML and headers -------------------------------------------------------------------------------------------------

_STYLE = """
:root{color-scheme:light dark;--ink:#1b1b1f;--ground:#fff;--quiet:#55565e;--act:#b3261e;--on-act:#fff;
--line:#d9d9e0;--calm:#d8f0dd;--on-calm:#0e3d1c;--link:#0b57d0}
@media (prefers-color-scheme:dark){:root{--ink:#e9e9ee;--ground:#131318;--quiet:#a9aab4;--act:#f2b8b5;
--on-act:#601410;--line:#34343c;--calm:#12351d;--on-calm:#bfeccb;--link:#a8c7fa}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1.25rem;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.375rem 1rem;margin:0 0 1.75rem}
dt,.quiet,li span{color:var(--quiet)}dd{margin:0;overflow-wrap:anywhere}
ul{list-style:none;margin:0 0 1.75rem;padding:0;border-top:1px solid var(--line)}
li{padding:.75rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}
button{width:100%;min-height:4.5rem;border:0;border-radius:.875rem;background:var(--act);color:var(--on-act);
font-family:inherit;font-size:1.375rem;font-weight:600;cursor:pointer}
button:focus-visible,a:focus-visible{outline:3px solid var(--link);outline-offset:3px}
a{color:var(--link)}.quiet{text-align:center;margin:.75rem 0 1.75rem}
.done{font-weight:600;margin:0 0 1.5rem;padding:.875rem 1rem;border-radius:.875rem;
background:var(--calm);color:var(--on-calm)}
"""

_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        '<link rel="icon" href="data:,">'  # none, so that a browser does not look for one elsewhere
        f"<title>{escape(title)} · Tocsin</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


async def _write(answer: Answer, send: Send, *, body: bool) -> None:
    raw = answer.body.encode("utf-8", "replace")
    kind = "text/html" if answer.html else "text/plain"
    headers = [
        ("content-type", f"{kind}; charset=utf-8"),
        ("content-length", str(len(raw))),
        ("cache-control", "no-store"),  # a stale page would offer a button for what somebody already has
        ("referrer-policy", "no-referrer"),  # the address is the permission
        ("content-security-policy", _POLICY),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
        ("vary", "Accept"),
    ]
    if not answer.html:  # ntfy's web page calls from another origin; the token is the permission, there are no cookies
        headers.append(("access-control-allow-origin", "*"))
    if answer.location:
        headers.append(("location", answer.location))
    if answer.allow:
        headers.append(("allow", answer.allow))
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": raw if body else b""})
