"""The forms of `/account` for one-time codes, recovery codes and passkeys."""

from __future__ import annotations

from typing import Any

from litestar import Response, Router, post
from litestar.response import Redirect

from tocsin.http import own_factors
from tocsin.http.gate import Incoming, needs
from tocsin.http.problems import Unacceptable
from tocsin.web.account_pages import acted, shown
from tocsin.web.forms import HANDLERS, fields_of


@post("/account/totp", status_code=200)
async def begin_totp(request: Incoming) -> Response[Any]:
    return await shown(request, enrolling=await own_factors.begin_totp(request))


@post("/account/totp/confirm", status_code=200)
async def confirm_totp(request: Incoming) -> Response[Any]:
    fields = await fields_of(request)
    sealed = fields.get("sealed", "")
    try:
        codes = await own_factors.confirm_totp(request, sealed, fields.get("code", ""))
    except Unacceptable as error:
        again = own_factors.pending_totp(request, sealed)
        return await shown(request, wrong=str(error), status=400, enrolling=again)
    return await shown(request, said="One-time codes are asked for from now on.", recovery=codes)


@post("/account/totp/remove", status_code=200)
async def remove_totp(request: Incoming) -> Response[Any]:
    await own_factors.remove_totp(request)
    return Redirect("/account", status_code=303)


@post("/account/recovery-codes", status_code=200)
async def new_codes(request: Incoming) -> Response[Any]:
    return await shown(request, recovery=await own_factors.new_recovery_codes(request))


@post("/account/passkeys/rename", status_code=200)
async def rename_passkey(request: Incoming) -> Response[Any]:
    fields = await fields_of(request)
    try:
        await own_factors.rename_passkey(request, fields.get("passkey", ""), fields.get("passkey_name", ""))
    except Unacceptable as error:
        return await acted(request, error)
    return Redirect("/account", status_code=303)


@post("/account/passkeys/remove", status_code=200)
async def remove_passkey(request: Incoming) -> Response[Any]:
    await own_factors.remove_passkey(request, (await fields_of(request)).get("passkey", ""))
    return Redirect("/account", status_code=303)


def routes() -> Router:
    handlers = [begin_totp, confirm_totp, remove_totp, new_codes, rename_passkey, remove_passkey]
    return Router(
        "/",
        route_handlers=handlers,
        guards=[needs("self.manage")],
        exception_handlers=HANDLERS,
        include_in_schema=False,
    )
