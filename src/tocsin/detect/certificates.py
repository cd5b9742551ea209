"""What stands in a certificate that was not believed. Loaded when the first one is seen: it brings `cryptography`."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID


def described(der: bytes) -> tuple[datetime, dict[str, str]]:
    """When it ends, and what people are told of it. Raises ValueError for what is no certificate."""
    certificate = x509.load_der_x509_certificate(der)
    until = certificate.not_valid_after_utc
    return until, {
        "certificate_subject": _short(certificate.subject),
        "certificate_issuer": _short(certificate.issuer),
        "certificate_begins": f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
        "certificate_expires": f"{until:%Y-%m-%d %H:%M} UTC",
    }


def _short(name: x509.Name) -> str:
    """The common name where there is one, else all of it."""
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value)[:200] if common else name.rfc4514_string()[:200]
