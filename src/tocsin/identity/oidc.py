"""Signing in with another organisation's word: OpenID Connect, authorisation code with PKCE.

What a browser holds in between (state, nonce, verifier) is sealed and in a cookie of that browser, so that nobody can
finish what somebody else began. `Call` is the guarded client of the process; nothing here opens a connection itself.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from tocsin.core.access import Role
from tocsin.identity.seals import Seals

JWT, JWK, JOSE_ERRORS = "joserfc.jwt", "joserfc.jwk", "joserfc.errors"  # bring `cryptography`, which no start needs
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
SEAL = "tocsin_oidc"
PENDING_LASTS = timedelta(minutes=10)
KEPT = timedelta(hours=1)  # of what the provider says about itself
AGAIN = timedelta(minutes=1)  # at most so often its keys are asked for because one is unknown
LEEWAY = 60  # seconds between its clock and ours
SUB_MAX = 255  # OpenID Connect Core, 2
_LOCAL = ("localhost", "127.0.0.1", "::1")

Call = Callable[[str, str, Mapping[str, str], bytes], Awaitable[tuple[int, bytes]]]
"""Method, URL, headers, body -> status and body. Raises OSError when there is no answer."""
Close = Callable[[], Awaitable[None]]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`roles`: group -> role; `teams`: group -> team. `otherwise`: the role of who is in none of those groups."""

    issuer: str
    client_id: str
    client_secret: str | None = None
    name: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups_claim: str = "groups"
    roles: Mapping[str, Role] = {}
    teams: Mapping[str, str] = {}
    otherwise: Role | None = None
    create: bool = True

    @property
    def shown(self) -> str:
        return self.name or urlsplit(self.issuer).hostname or self.issuer


class Failed(Exception):
    """Nobody is signed in; the text says why, to whoever tried."""


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """`person`: who is signed in already and wants this name elsewhere to be theirs; "" for signing in."""

    tenant: str
    state: str
    nonce: str
    verifier: str
    to: str
    person: str = ""


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of somebody. `email` is theirs as far as the provider has verified it, else ""."""

    issuer: str
    sub: str
    email: str = ""
    name: str = ""
    username: str = ""
    groups: frozenset[str] = frozenset()


class _Metadata(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct, frozen=True, kw_only=True):
    id_token: str
    access_token: str = ""


class Provider:
    """One identity provider. Used from the event loop only. `close` ends the connections of `call`."""

    def __init__(self, settings: Settings, call: Call, redirect_uri: str, close: Close | None = None) -> None:
        self.settings = settings
        self.close = close
        self._call = call
        self._redirect_uri = redirect_uri
        self._metadata: tuple[_Metadata, datetime] | None = None
        self._keys: tuple[Any, datetime] | None = None

    async def begin(self, seals: Seals, tenant: str, to: str, now: datetime, person: str = "") -> tuple[str, str]:
        """Where the browser goes, and what it keeps until it is back. Raises Failed."""
        metadata = await self._discovered(now)
        pending = Pending(
            tenant=tenant,
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            to=to,
            person=person,
        )
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": _b64(hashlib.sha256(pending.verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        url = f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"
        return url, seals.seal(SEAL, pending, now, PENDING_LASTS)

    async def finish(self, seals: Seals, kept: str, said: Mapping[str, str], now: datetime) -> tuple[Claims, Pending]:
        """Who came back, and what they wanted. `said`: the query of the callback. Raises Failed."""
        pending = seals.opened(SEAL, kept, Pending, now)
        if pending is None:
            raise Failed("that took too long, or was begun in another browser; try again")
        if not hmac.compare_digest(said.get("state", "").encode(), pending.state.encode()):
            raise Failed("the answer belongs to another sign-in; try again")
        if said.get("iss", self.settings.issuer) != self.settings.issuer:  # RFC 9207
            raise Failed("the answer is another provider's")
        if "error" in said or not said.get("code"):
            raise Failed(f"{self.settings.shown} did not agree: {said.get('error', 'no code')[:60]}")
        metadata = await self._discovered(now)
        tokens = await self._tokens(metadata, said["code"], pending.verifier)
        claims = await self._verified(metadata, tokens.id_token, pending.nonce, now)
        found = await self._completed(metadata, claims, tokens.access_token)
        if not seals.first(f"oidc:{pending.state}", now, PENDING_LASTS):
            raise Failed("this answer was used already; try again")
        return found, pending

    # --- the provider -------------------------------------------------------------------------------------------------

    async def _discovered(self, now: datetime) -> _Metadata:
        if self._metadata is not None and now - self._metadata[1] < KEPT:
            return self._metadata[0]
        issuer = self.settings.issuer
        body = await self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            found = msgspec.json.decode(body, type=_Metadata)
        except msgspec.DecodeError as error:
            raise Failed(f"{self.settings.shown} describes itself in a way that is not understood: {error}") from error
        if found.issuer != issuer:
            raise Failed(f"expected the issuer {issuer}, got {found.issuer[:200]}")
        for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri, found.userinfo_endpoint):
            if url is not None and not safe(url):
                raise Failed(f"{self.settings.shown} names an address without https: {url[:200]}")
        self._metadata = found, now
        return found

    async def _tokens(self, metadata: _Metadata, code: str, verifier: str) -> _Tokens:
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if settings.client_secret is None:
            form["client_id"] = settings.client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": settings.client_id, "client_secret": settings.client_secret}
        status, body = await self._asked("POST", metadata.token_endpoint, headers, urlencode(form).encode())
        if status != 200:
            raise Failed(f"{settings.shown} does not take the code ({status})")
        try:
            return msgspec.json.decode(body, type=_Tokens)
        except msgspec.DecodeError as error:
            raise Failed(f"{settings.shown} gave no ID token") from error

    async def _verified(self, metadata: _Metadata, token: str, nonce: str, now: datetime) -> dict[str, Any]:
        """The claims of an ID token, every one that matters checked (OpenID Connect Core, 3.1.3.7)."""
        keys = await self._keyring(metadata, now)
        claims = await asyncio.to_thread(opened, token, keys)
        if claims is None:  # its keys may have changed since
            keys = await self._keyring(metadata, now, again=True)
            claims = await asyncio.to_thread(opened, token, keys)
        if claims is None:
            raise Failed("the ID token is not signed by the provider")
        why = wrong_claims(claims, self.settings, nonce, now)
        if why:
            raise Failed(f"the ID token does not count: {why}")
        return claims

    async def _keyring(self, metadata: _Metadata, now: datetime, *, again: bool = False) -> Any:
        limit = AGAIN if again else KEPT
        if self._keys is not None and now - self._keys[1] < limit:
            return self._keys[0]
        body = await self._get(metadata.jwks_uri)
        try:
            found = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise Failed(f"{self.settings.shown} gave no keys") from error
        self._keys = found, now
        return found

    async def _completed(self, metadata: _Metadata, claims: dict[str, Any], access: str) -> Claims:
        """The claims with what only the userinfo endpoint says: some providers keep groups out of ID tokens."""
        if metadata.userinfo_endpoint and access and self.settings.groups_claim not in claims:
            status, body = await self._asked(
                "GET", metadata.userinfo_endpoint, {"Authorization": f"Bearer {access}"}, b""
            )
            try:
                more = msgspec.json.decode(body, type=dict[str, Any]) if status == 200 else {}
            except msgspec.DecodeError:
                more = {}
            if more.get("sub") == claims["sub"]:
                claims = {**more, **claims}
        said = claims.get(self.settings.groups_claim)
        groups = said if isinstance(said, list) else []
        verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
        return Claims(
            issuer=self.settings.issuer,
            sub=claims["sub"],
            email=_text(claims.get("email")) if verified else "",
            name=_text(claims.get("name")),
            username=_text(claims.get("preferred_username")) or _text(claims.get("email")),
            groups=frozenset(each for each in groups if isinstance(each, str)),
        )

    async def _get(self, url: str) -> bytes:
        status, body = await self._asked("GET", url, {"Accept": "application/json"}, b"")
        if status != 200:
            raise Failed(f"{self.settings.shown} answered {status}")
        return body

    async def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        try:
            return await self._call(method, url, headers, body)
        except (OSError, ValueError) as error:
            raise Failed(f"{self.settings.shown} cannot be reached: {error}") from error


def safe(url: str) -> bool:
    """Whether secrets may go there: https, or this machine itself."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "") in _LOCAL)


def opened(token: str, keys: Mapping[str, Any]) -> dict[str, Any] | None:
    """The claims of a token that one of these keys has signed, with an algorithm of public keys; else None."""
    jwt, jwk, errors = import_module(JWT), import_module(JWK), import_module(JOSE_ERRORS)
    refusals = (errors.JoseError, ValueError, TypeError, LookupError)
    known = []
    for each in keys.get("keys", []):
        if isinstance(each, dict) and each.get("kty") in ("RSA", "EC", "OKP"):
            with suppress(*refusals):  # a provider may publish keys of kinds to come
                known.append(jwk.import_key(each))
    try:
        claims: dict[str, Any] = dict(jwt.decode(token, jwk.KeySet(known), algorithms=ALGORITHMS).claims)
    except refusals:
        return None
    return claims


def wrong_claims(claims: Mapping[str, Any], settings: Settings, nonce: str, now: datetime) -> str:
    """Why these claims do not sign anybody in here and now; "" when they do."""
    at = now.timestamp()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    sub, expires, issued = claims.get("sub"), claims.get("exp"), claims.get("iat")
    if claims.get("iss") != settings.issuer:
        return "it is another issuer's"
    if settings.client_id not in audiences or (len(audiences) > 1 and claims.get("azp") != settings.client_id):
        return "it is for another client"
    if claims.get("azp", settings.client_id) != settings.client_id:
        return "it is for another client"
    if not isinstance(expires, int | float) or isinstance(expires, bool) or at >= expires + LEEWAY:
        return "it is too old"
    if not isinstance(issued, int | float) or isinstance(issued, bool) or issued > at + LEEWAY:
        return "it is of the future"
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        return "it belongs to another sign-in"
    if not isinstance(sub, str) or not 0 < len(sub) <= SUB_MAX:
        return "it names nobody"
    return ""


def _text(value: Any) -> str:
    return "".join(each for each in value if each.isprintable())[:200] if isinstance(value, str) else ""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
