"""Signatures over the raw body, for sources that have a secret. Everything is compared in constant time.

`verify` answers why a request is refused, or None when it is what its sender sent. Bodies are checked before decoding:
a decoded and re-encoded body has another signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

# A signed time stamp older or newer than this is a replay (Standard Webhooks and Grafana both say five minutes).
AGE_SECONDS_MAX = 300
SIGNATURES_MAX = 16  # a list is for key rotation; a header of thousands is an attack on our CPU

GRAFANA = "x-grafana-alerting-signature"
GRAFANA_TIME = "x-grafana-alerting-timestamp"  # the name is the user's choice; docs/integrations.md asks for this one
HUB = "x-hub-signature-256"
PAGERDUTY = "x-pagerduty-signature"
STANDARD = "webhook-signature"


def verify(kind: str, secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """None when one of the signatures that `kind` may carry fits `body`; else the reason, fit to be shown.

    `headers` are named in lower case. Every kind may be signed the generic ways: `X-Hub-Signature-256: sha256=<hex>`,
    or Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`); Grafana and PagerDuty also in their
    own. A source with a secret refuses what is not signed.
    """
    if kind in ("grafana", "oncall") and GRAFANA in headers:
        return _grafana(secret, headers, body, now)
    if kind == "pagerduty" and PAGERDUTY in headers:
        return _listed(PAGERDUTY, headers[PAGERDUTY].split(","), "v1=", _hex(secret, body))
    if STANDARD in headers:
        return _standard(secret, headers, body, now)
    if HUB in headers:
        return _listed(HUB, [headers[HUB]], "sha256=", _hex(secret, body))
    own = {"grafana": GRAFANA, "oncall": GRAFANA, "pagerduty": PAGERDUTY}.get(kind)
    names = ", ".join(name for name in (own, HUB, STANDARD) if name)
    return f"this source has a secret, so a signature is expected in one of: {names}"


def _grafana(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """hex(HMAC-SHA256(secret, body)), or over "<unix>:" + body where a time stamp header is configured."""
    stamp = headers.get(GRAFANA_TIME)
    if stamp is None:
        return _listed(GRAFANA, [headers[GRAFANA]], "", _hex(secret, body))
    return _age(GRAFANA_TIME, stamp, now) or _listed(
        GRAFANA, [headers[GRAFANA]], "", _hex(secret, _bytes(stamp) + b":" + body)
    )


def _standard(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str | None:
    """v1,<base64 of HMAC-SHA256("{id}.{timestamp}.{body}")>; the secret is `whsec_` and base64."""
    identity, stamp = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not identity or not stamp:
        return f"{STANDARD}: expected webhook-id and webhook-timestamp beside it"
    if late := _age("webhook-timestamp", stamp, now):
        return late
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = _bytes(secret)
    signed = hmac.new(key, _bytes(identity) + b"." + _bytes(stamp) + b"." + body, hashlib.sha256).digest()
    return _listed(STANDARD, headers[STANDARD].split(), "v1,", base64.b64encode(signed))


def _hex(secret: str, signed: bytes) -> bytes:
    return hmac.new(_bytes(secret), signed, hashlib.sha256).hexdigest().encode()


def _listed(name: str, given: list[str], prefix: str, expected: bytes) -> str | None:
    """None when one of the given signatures is the expected one. Bytes are compared: text may hold anything."""
    fits = False
    for signature in given[:SIGNATURES_MAX]:
        text = signature.strip()
        if text.startswith(prefix):
            fits |= hmac.compare_digest(_bytes(text.removeprefix(prefix)), expected)
    return None if fits else f"{name}: does not fit the body and this source's secret"


def _age(name: str, stamp: str, now: datetime) -> str | None:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 15):
        return f"{name}: expected Unix seconds, got {stamp[:40]!r}"
    age = int(now.timestamp()) - int(stamp)
    if abs(age) > AGE_SECONDS_MAX:
        return f"{name}: expected within {AGE_SECONDS_MAX} seconds of now, got {age} seconds ago"
    return None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
