"""`/api/me/passkeys`, `/api/me/totp`: what else than a password proves who the caller is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, Router, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec

from tocsin.http import own_factors
from tocsin.http.api_access import READS, WRITES
from tocsin.http.api_incidents import DENIED, json_of
from tocsin.http.gate import Incoming, needs
from tocsin.identity.accounts import Passkey

FOUND = {**WRITES, **READS}


class PasskeyView(msgspec.Struct, frozen=True, kw_only=True):
    """`synced`: its keeper copies it to the person's other devices."""

    id: str
    name: str
    synced: bool
    created_at: datetime


class PasskeyList(msgspec.Struct, frozen=True, kw_only=True):
    items: list[PasskeyView]


class PasskeyForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`credential`: what `navigator.credentials.create` gave, as its `toJSON()` says it."""

    name: str
    credential: dict[str, Any]


class NameForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str


class CodeForm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`sealed` as `POST /api/me/totp` gave it; `code`: what the authenticator app shows."""

    sealed: str
    code: str


class EnrolmentView(msgspec.Struct, frozen=True, kw_only=True):
    """The secret, base32, and the same as `otpauth://` for an authenticator app."""

    secret: str
    uri: str
    sealed: str


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Each stands in for one one-time code, once. They are not shown again."""

    recovery_codes: list[str]


@get("/passkeys", summary="The caller's passkeys", responses=DENIED)
async def list_passkeys(request: Incoming) -> PasskeyList:
    return PasskeyList(items=[passkey_view(each) for each in await own_factors.own_passkeys(request)])


@post(
    "/passkeys/options",
    summary="What a browser needs to make a passkey",
    responses={**WRITES, 200: ResponseSpec(data_container=dict[str, Any], description="Creation options")},
    status_code=200,
)
async def passkey_options(request: Incoming) -> Response[Any]:
    """PublicKeyCredentialCreationOptions, with a challenge for the next five minutes."""
    return json_of(msgspec.json.encode(await own_factors.passkey_options(request)))


@post(
    "/passkeys",
    summary="Add a passkey",
    responses={**WRITES, 201: ResponseSpec(data_container=PasskeyView, description="The passkey")},
)
async def add_passkey(request: Incoming, data: PasskeyForm) -> Response[PasskeyView]:
    return json_of(passkey_view(await own_factors.add_passkey(request, data.name, data.credential)), 201)


@patch("/passkeys/{key:str}", summary="Name a passkey", responses=FOUND)
async def rename_passkey(request: Incoming, key: str, data: NameForm) -> PasskeyView:
    return passkey_view(await own_factors.rename_passkey(request, key, data.name))


@delete("/passkeys/{key:str}", summary="Remove a passkey", responses=READS)
async def remove_passkey(request: Incoming, key: str) -> None:
    await own_factors.remove_passkey(request, key)


@post("/totp", summary="Begin to use one-time codes", responses=DENIED, status_code=200)
async def begin_totp(request: Incoming) -> EnrolmentView:
    """They are asked for once `POST /api/me/totp/confirm` was given the first one."""
    found = await own_factors.begin_totp(request)
    return EnrolmentView(secret=found.secret, uri=found.uri, sealed=found.sealed)


@post("/totp/confirm", summary="Ask for one-time codes from now on", responses=WRITES, status_code=200)
async def confirm_totp(request: Incoming, data: CodeForm) -> RecoveryCodes:
    return RecoveryCodes(recovery_codes=await own_factors.confirm_totp(request, data.sealed, data.code))


@delete("/totp", summary="Ask for one-time codes no more", responses=READS)
async def remove_totp(request: Incoming) -> None:
    await own_factors.remove_totp(request)


@post("/recovery-codes", summary="New recovery codes; the old ones are void", responses=READS, status_code=200)
async def new_recovery_codes(request: Incoming) -> RecoveryCodes:
    return RecoveryCodes(recovery_codes=await own_factors.new_recovery_codes(request))


def passkey_view(key: Passkey) -> PasskeyView:
    return PasskeyView(id=key.id, name=key.name, synced=key.synced, created_at=key.created_at)


def routes() -> list[Any]:
    handlers = [
        list_passkeys,
        passkey_options,
        add_passkey,
        rename_passkey,
        remove_passkey,
        begin_totp,
        confirm_totp,
        remove_totp,
        new_recovery_codes,
    ]
    return [Router("/api/me", route_handlers=handlers, guards=[needs("self.manage")], tags=["access"])]
