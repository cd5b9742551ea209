"""Whether passwords, tokens and pages would cross a network as everybody on it can read them."""

from __future__ import annotations

from tocsin.http.auth import loopback_host
from tocsin.setting.config import Config


def unprotected(config: Config) -> str:
    """What is wrong, and what to do; empty where only this machine is listened to, or people come by https."""
    host = config.listen.host
    if loopback_host(f"[{host}]" if ":" in host else host) or config.public_url.startswith("https://"):
        return ""
    return (
        f"{config.listen.text} is open to the network without TLS: whoever is on it reads passwords and tokens; "
        "put a proxy with TLS in front, and set server.public_url to its https address"
    )
