"""Signing in and out, and the static files: the pages that are there for everybody."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Response, Router, get, post
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import Parameter
from litestar.response import Redirect

from tocsin.http import auth
from tocsin.http.api_incidents import json_of
from tocsin.http.contact_link import ask_for_link, link_key
from tocsin.http.gate import Incoming, anybody, deps_of
from tocsin.http.problems import Unacceptable
from tocsin.http.signing import (
    SECOND,
    SECOND_LASTS,
    Wrong,
    by_code,
    by_passkey,
    by_password,
    cookie_of,
    cookies,
    enter,
    local,
    revoke,
    second_cookie,
    second_of,
    visit_of,
)
from tocsin.identity import accounts
from tocsin.identity.accounts import Account
from tocsin.identity.attempts import Later
from tocsin.identity.hashing import Busy
from tocsin.identity.passkeys import place_of, request as challenge_for
from tocsin.ports import Store
from tocsin.web.forms import HANDLERS, encodings, fields_of, frame, wants_json
from tocsin.web.render import FOR_EVER, STATIC, capfirst, page

RECOVERY_LOW = 3  # recovery codes; with fewer left, one is shown where new ones are made


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a program gets for a sign-in link: a token to send as `Authorization: Bearer`."""

    token: str
    person: str
    role: str


@get("/sign-in")
async def offer_ways(
    request: Incoming, to: Annotated[str, Parameter(query="next", description="where to go then")] = "/"
) -> Response[Any]:
    return ways(request, local(to))


def ways(request: Incoming, to: str, *, status: int = 200, said: str = "", name: str = "") -> Response[Any]:
    """The page with every way to sign in. `said`: why the last try did not do."""
    deps = deps_of(request)
    return page(
        "sign_in.html",
        encodings(request),
        status=status,
        to=to,
        place=place_of(deps.public_url),
        provider=deps.identity.provider.settings.shown if deps.identity.provider else "",
        said=said,
        typed=name,
        token="",
        person="",
        **frame(request, None),
    )


@post("/sign-in", status_code=200)
async def sign_in_by_password(request: Incoming) -> Response[Any]:
    fields = await fields_of(request)
    to, name = local(fields.get("next", "/")), fields.get("name", "")
    try:
        account = await by_password(request, name, fields.get("password", ""))
    except Wrong:
        return ways(request, to, status=401, said="Name and password do not fit together.", name=name)
    except (Later, Busy) as error:
        return ways(request, to, status=429, said=f"{capfirst(str(error))}.", name=name)
    if account.totp:
        kept = second_cookie(request, account, to, "password")
        return Redirect("/sign-in/second", status_code=303, cookies=[kept])
    return Redirect(to, status_code=303, cookies=await enter(request, account, "password"))


@post("/sign-in/contact", status_code=200)
async def ask_by_contact(request: Incoming) -> Response[Any]:
    """The same answer for everybody, at once."""
    name = (await fields_of(request)).get("name", "")
    ask_for_link(request, name)
    said = (
        f"If {name.strip() or 'somebody'} is on call or signed in elsewhere, a link is on its way to the first of "
        "their verified contact methods. It works once, for 15 minutes."
    )
    return ways(request, "/", said=said, name=name)


@get("/sign-in/second")
async def offer_second(request: Incoming) -> Response[Any]:
    return asked_for_code(request) if second_of(request) else Redirect("/sign-in", status_code=303)


def asked_for_code(request: Incoming, *, status: int = 200, said: str = "") -> Response[Any]:
    return page("second.html", encodings(request), status=status, said=said, **frame(request, None))


@post("/sign-in/second", status_code=200)
async def give_second(request: Incoming) -> Response[Any]:
    """The one-time code after the password."""
    second = second_of(request)
    if second is None:
        return ways(request, "/", status=401, said="That took too long; begin again.")
    try:
        account = await by_code(request, second, (await fields_of(request)).get("code", ""))
    except Wrong as error:
        return asked_for_code(request, status=401, said=f"{capfirst(str(error))}.")
    except Later as error:
        return asked_for_code(request, status=429, said=f"{capfirst(str(error))}.")
    over = cookie_of(request, SECOND, "", SECOND_LASTS)
    to = second.to if len(account.recovery) >= RECOVERY_LOW else "/account"
    return Redirect(to, status_code=303, cookies=[*await enter(request, account, second.via), over])


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `navigator.credentials.get` gave, as JSON."""

    credential: dict[str, Any]
    next: str = "/"


class Next(msgspec.Struct, frozen=True, kw_only=True):
    next: str


@post("/sign-in/passkey/options", status_code=200)
async def passkey_options(request: Incoming) -> Response[Any]:
    """What `navigator.credentials.get` is given: the same for everybody."""
    deps = deps_of(request)
    place = place_of(deps.public_url)
    if place is None:
        raise Unacceptable("public_url: expected https and a name: browsers have passkeys nowhere else")
    return json_of(msgspec.json.encode(challenge_for(place, deps.identity.seals, deps.clock.now())))


@post("/sign-in/passkey", status_code=200)
async def sign_in_by_passkey(request: Incoming, data: Answer) -> Response[Next]:
    """A passkey proves a device and its owner: no one-time code is asked for after it."""
    try:
        account = await by_passkey(request, data.credential)
    except Wrong as error:
        raise NotAuthorizedException(str(error)) from error
    cookies = await enter(request, account, "passkey")
    return Response(Next(next=local(data.next)), cookies=cookies, media_type="application/json")


@get("/sign-in/{token:str}")
async def offer_sign_in(request: Incoming, token: str) -> Response[Any]:
    """One button. Looking changes nothing: mail scanners and link previews look at everything."""
    deps = deps_of(request)
    now = deps.clock.now()
    record = await deps.read(lambda store: auth.check(store, deps.tenant, "sign-in", token, now))
    return page(
        "sign_in.html",
        encodings(request),
        status=200 if record else 410,
        token=token,
        person=record.person if record else "",
        **frame(request, None),
    )


@post("/sign-in/{token:str}", status_code=200)
async def sign_in(request: Incoming, token: str) -> Response[Any]:
    """The link is used up: a session for a browser, a token for whoever accepts JSON."""
    deps, visit = deps_of(request), visit_of(request)
    program = wants_json(request)
    half = await deps.run(lambda store: half_way(store, deps.tenant, token)) if not program else None
    if half is not None:
        kept = second_cookie(request, half, "/", "contact")
        return Redirect("/sign-in/second", status_code=303, cookies=[kept])
    issued = await deps.run(lambda store: auth.redeem(store, deps.tenant, token, browser=not program, visit=visit))
    if issued is None:
        if program:
            raise Unacceptable("token: expected a sign-in link that was not used yet, got one that is used or too old")
        return await offer_sign_in.fn(request, token)  # type: ignore[no-any-return]
    if program:
        return json_of(SignedIn(token=issued.text, person=issued.record.person, role=issued.record.role))
    person = issued.record.person
    deps.identity.attempts.passed([link_key(deps.tenant, person)])
    proved = await deps.read(lambda store: provable(store, deps.tenant, person))
    return Redirect("/" if proved else "/?welcome=1", status_code=303, cookies=cookies(request, issued))


def half_way(store: Store, tenant: str, token: str) -> Account | None:
    """Whose link this is, if it went to a contact method and a one-time code is asked for too; it is used up."""
    record = auth.check(store, tenant, "sign-in", token, store.now())
    account = accounts.find(store, tenant, record.person) if record and record.via == "contact" else None
    if record is None or account is None or not account.totp:
        return None
    return account if store.delete(tenant, "sign-in", record.id) else None


def provable(store: Store, tenant: str, person: str) -> bool:
    """Whether this person can sign in again without another link."""
    account = accounts.find(store, tenant, person)
    own = bool(account and account.password) or bool(accounts.passkeys(store, tenant, person))
    return own or bool(accounts.outside_names(store, tenant, person))


@post("/sign-out", status_code=200)
async def sign_out(request: Incoming) -> Response[Any]:
    """The session is gone, in the browser and here."""
    deps = deps_of(request)
    text = visit_of(request).session
    now = deps.clock.now()
    record = await deps.read(lambda store: auth.check(store, deps.tenant, "session", text, now)) if text else None
    if record is not None:
        await revoke(request, lambda store: store.delete(deps.tenant, "session", record.id))
    gone = cookie_of(request, auth.COOKIE, "", auth.SESSION_LASTS)
    # Only the cache: pages keep reaching this device, and "storage" would take its service worker and push with it.
    return Redirect("/sign-in", status_code=303, cookies=[gone], headers={"Clear-Site-Data": '"cache"'})


@get("/static/{path:path}")
async def static(request: Incoming, path: str) -> Response[bytes]:
    found = STATIC.get(str(path).lstrip("/"))
    if found is None:
        raise NotFoundException("no such file")
    headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding", "ETag": f'"{found.digest}"'}
    if "gzip" in encodings(request) and len(found.packed) < len(found.body):
        return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.body, media_type=found.media_type, headers=headers)


def routes() -> Router:
    handlers = [
        offer_ways,
        sign_in_by_password,
        ask_by_contact,
        offer_second,
        give_second,
        passkey_options,
        sign_in_by_passkey,
        offer_sign_in,
        sign_in,
        sign_out,
        static,
    ]
    return Router(
        "/",
        route_handlers=handlers,
        guards=[anybody("whoever signs in, or looks at the style of the page, is nobody yet")],
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )
