"""What is taken from an identity provider, and the tokens that attackers make up. `Forge` signs what it is told to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from tocsin.identity.oidc import Claims, Failed, Pending, Provider, Settings, safe
from tocsin.identity.seals import Seals

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ISSUER, CLIENT, BACK = "https://login.example", "tocsin", "https://tocsin.example/sign-in/oidc/callback"
GENUINE, THIEF = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("one", "two"))


class Forge:
    """A provider that does as it is told: `claims` over the right ones, `token` instead of a right one."""

    def __init__(self) -> None:
        self.keys: list[Any] = [GENUINE]
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.token: str | None = None
        self.signed_by: Any = GENUINE
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.userinfo: dict[str, Any] | None = None
        self.nonce = self.challenge = ""
        self.asked: list[str] = []
        self.seals = Seals(b"s" * 32)

    async def call(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        self.asked.append(url)
        if url.endswith("/.well-known/openid-configuration"):
            return 200, json.dumps(self._metadata()).encode()
        if url.endswith("/jwks"):
            return 200, json.dumps({"keys": [each.as_dict(private=False) for each in self.keys]}).encode()
        if url.endswith("/userinfo"):
            return 200, json.dumps(self.userinfo).encode()
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if form["code"] != "good" or proof != self.challenge or form["redirect_uri"] != BACK:
            return 400, b"{}"
        if headers.get("Authorization") != "Basic " + base64.b64encode(b"tocsin:hush%20hush").decode():
            return 401, b"{}"
        return 200, json.dumps({"id_token": self.token or self._token(), "access_token": "access"}).encode()

    def _metadata(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/jwks",
            "userinfo_endpoint": f"{ISSUER}/userinfo",
        }
        return {"issuer": ISSUER, **places, **self.metadata}

    def _token(self) -> str:
        at = int(T0.timestamp())
        claims = {"iss": ISSUER, "aud": CLIENT, "sub": "a-1", "nonce": self.nonce, "iat": at, "exp": at + 300}
        claims |= {"groups": ["sre"], "email": "ana@example.org", "email_verified": True, **self.claims}
        return jwt.encode(
            self.header, {name: value for name, value in claims.items() if value is not ...}, self.signed_by
        )


def provider(forge: Forge) -> Provider:
    return Provider(Settings(issuer=ISSUER, client_id=CLIENT, client_secret="hush hush"), forge.call, BACK)


async def went(found: Provider, forge: Forge) -> tuple[str, dict[str, str]]:
    """What the browser keeps, and what the provider was asked."""
    url, kept = await found.begin(forge.seals, "default", "/oncall", T0)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    forge.nonce, forge.challenge = asked["nonce"], asked["code_challenge"]
    return kept, asked


def came_back(
    forge: Forge, found: Provider | None = None, later: timedelta = timedelta(0), **said: str
) -> tuple[Claims, Pending]:
    async def both() -> tuple[Claims, Pending]:
        one = found or provider(forge)
        kept, asked = await went(one, forge)
        return await one.finish(forge.seals, kept, {"code": "good", "state": asked["state"], **said}, T0 + later)

    return asyncio.run(both())


def test_whoever_the_provider_vouches_for_comes_back_with_mail_and_groups():
    claims, pending = came_back(Forge())

    assert claims == Claims(
        issuer=ISSUER, sub="a-1", email="ana@example.org", username="ana@example.org", groups=frozenset({"sre"})
    )
    assert (pending.to, pending.person) == ("/oncall", "")


def test_every_sign_in_has_its_own_state_nonce_and_proof_key():
    forge = Forge()
    asked = [asyncio.run(went(provider(forge), forge))[1] for _ in range(2)]

    assert asked[0]["code_challenge_method"] == "S256" and asked[0]["scope"].split()[0] == "openid"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name]) >= 43 and asked[0][name] != asked[1][name]


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "another"}, "another sign-in"),
        ({"nonce": ...}, "another sign-in"),
        ({"aud": "another-client"}, "another client"),
        ({"aud": ["tocsin", "another"]}, "another client"),
        ({"aud": ["tocsin", "another"], "azp": "another"}, "another client"),
        ({"azp": "another"}, "another client"),
        ({"aud": ...}, "another client"),
        ({"iss": "https://evil.example"}, "another issuer"),
        ({"iss": ISSUER + "/"}, "another issuer"),
        ({"exp": int(T0.timestamp()) - 61}, "too old"),
        ({"exp": ...}, "too old"),
        ({"exp": "9999999999"}, "too old"),
        ({"iat": int(T0.timestamp()) + 61}, "the future"),
        ({"sub": ""}, "nobody"),
        ({"sub": 7}, "nobody"),
        ({"sub": ...}, "nobody"),
        ({"sub": "x" * 256}, "nobody"),
    ],
)
def test_a_token_of_somebody_elses_or_of_another_time_is_refused(claims: dict[str, Any], why: str):
    forge = Forge()
    forge.claims = claims

    with pytest.raises(Failed, match=why):
        came_back(forge)


def unsigned(claims: dict[str, Any]) -> str:
    parts = [json.dumps(each).encode() for each in ({"alg": "none"}, claims)]
    return ".".join(base64.urlsafe_b64encode(each).rstrip(b"=").decode() for each in parts) + "."


def test_a_token_that_the_provider_did_not_sign_is_refused():
    forge = Forge()
    at = int(T0.timestamp())
    public = GENUINE.as_pem(private=False)
    made_up = {"iss": ISSUER, "aud": CLIENT, "sub": "a-1", "exp": at + 300, "iat": at}

    def refused(**changes: Any) -> None:
        for name, value in changes.items():
            setattr(forge, name, value)
        with pytest.raises(Failed, match="not signed"):
            came_back(forge)
        forge.token, forge.signed_by, forge.header = None, GENUINE, {"alg": "RS256", "kid": "one"}
        forge.keys = [GENUINE]

    refused(token=unsigned(made_up))
    refused(token="nonsense")
    refused(token=unsigned(made_up).replace(".", "", 1))
    refused(signed_by=THIEF)
    refused(signed_by=THIEF, header={"alg": "RS256", "kid": "two"})
    refused(signed_by=OctKey.import_key(hashlib.sha256(public).digest()), header={"alg": "HS256", "kid": "one"})
    secret = OctKey.generate_key(256, {"kid": "three"})
    refused(signed_by=secret, header={"alg": "HS256", "kid": "three"}, keys=[GENUINE, secret])


def test_keys_that_the_provider_changed_are_asked_for_again_and_not_for_every_forgery():
    forge = Forge()
    found = provider(forge)
    came_back(forge, found)
    forge.keys, forge.signed_by, forge.header = [THIEF], THIEF, {"alg": "RS256", "kid": "two"}

    with pytest.raises(Failed):
        came_back(forge, found, timedelta(seconds=59))
    assert came_back(forge, found, timedelta(seconds=61))[0].sub == "a-1"
    assert sum(url.endswith("/jwks") for url in forge.asked) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"state": "another"},
        {"state": ""},
        {"code": "stolen"},
        {"code": ""},
        {"error": "access_denied"},
        {"iss": "https://evil.example"},
    ],
)
def test_an_answer_that_is_not_ours_is_refused(said: dict[str, str]):
    with pytest.raises(Failed):
        came_back(Forge(), **said)


def test_an_answer_counts_once_soon_and_in_the_browser_that_asked():
    forge = Forge()
    found = provider(forge)

    async def tried() -> None:
        kept, asked = await went(found, forge)
        said = {"code": "good", "state": asked["state"]}
        other, _ = await found.begin(forge.seals, "default", "/", T0)
        for cookie, at in ((other, T0), ("", T0), ("AAAA", T0), (kept, T0 + timedelta(minutes=10))):
            with pytest.raises(Failed):
                await found.finish(forge.seals, cookie, said, at)
        await found.finish(forge.seals, kept, said, T0)
        with pytest.raises(Failed, match="used already"):
            await found.finish(forge.seals, kept, said, T0)

    asyncio.run(tried())


@pytest.mark.parametrize("verified", [False, None, "false", "yes", 1, "1", ...])
def test_a_mail_address_that_the_provider_has_not_verified_is_no_ones(verified: Any):
    forge = Forge()
    forge.claims = {"email_verified": verified}

    assert came_back(forge)[0].email == ""


def test_groups_that_stand_only_in_userinfo_are_asked_for_there_and_only_of_the_same_person():
    forge = Forge()
    forge.claims, forge.userinfo = {"groups": ...}, {"sub": "a-1", "groups": ["leads"]}
    assert came_back(forge)[0].groups == frozenset({"leads"})

    forge.userinfo = {"sub": "somebody-else", "groups": ["leads"]}
    assert came_back(forge)[0].groups == frozenset()


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://login.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
def test_a_provider_that_describes_itself_as_another_or_without_https_is_refused(metadata: dict[str, Any]):
    forge = Forge()
    forge.metadata = metadata

    with pytest.raises(Failed):
        came_back(forge)


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://login.example/x", True),
        ("http://localhost:9400/x", True),
        ("http://login.example/x", False),
        ("file:///etc/passwd", False),
        ("//login.example", False),
    ],
)
def test_secrets_go_over_https_or_to_this_machine(url: str, fine: bool):
    assert safe(url) is fine
