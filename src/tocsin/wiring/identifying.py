"""What proves who somebody is, wired: the installation's secret, and the identity provider over the guarded client."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.evidence.keys import KeyFile
from tocsin.identity.box import Box
from tocsin.identity.identity import Identity
from tocsin.identity.oidc import Provider, Settings
from tocsin.ports import Receipt
from tocsin.senders.http import Poster, target
from tocsin.setting.config import Config
from tocsin.setting.oidc import Oidc
from tocsin.setting.secret import secret_of

ANSWER_MAX = 256 * 1024  # some providers publish dozens of keys
TIMEOUT_SECONDS = 10.0
CALLBACK = "/sign-in/oidc/callback"


def identity_of(config: Config) -> Identity:
    provider = provider_of(config.oidc, config.public_url) if config.oidc else None
    keys = KeyFile(config.access.key_file, {}, "")
    return Identity(secret_of(config.secret_file), Box(keys.keys), provider)


def provider_of(oidc: Oidc, public_url: str) -> Provider:
    settings = Settings(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=oidc.client_secret,
        name=oidc.name,
        scopes=oidc.scopes,
        groups_claim=oidc.groups_claim,
        roles=oidc.roles,
        teams=oidc.teams,
        otherwise=oidc.default_role,
        create=oidc.create,
    )
    poster = Poster(allow_private=oidc.allow_private, timeout_seconds=TIMEOUT_SECONDS, answer_bytes_max=ANSWER_MAX)

    async def call(method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answer = await poster.request(method, target(url), dict(headers), body)
        if isinstance(answer, Receipt):
            raise OSError(answer.detail or answer.code)
        return answer.status, answer.body

    return Provider(settings, call, f"{public_url}{CALLBACK}", poster.close)
