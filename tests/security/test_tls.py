"""What Tocsin says to others goes by current TLS, and a start that is open without it says so."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tocsin.cleartext import unprotected
from tocsin.senders.http import system_trust
from tocsin.setting.config import load


def test_what_goes_out_wants_current_tls_and_a_certificate_of_that_name():
    trust = system_trust()

    assert trust.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert trust.maximum_version == ssl.TLSVersion.MAXIMUM_SUPPORTED
    assert (trust.verify_mode, trust.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_what_goes_out_uses_ciphers_with_forward_secrecy_only():
    ciphers = system_trust().get_ciphers()

    assert ciphers
    for each in ciphers:
        assert each["kea"] in ("kx-any", "kx-ecdhe", "kx-dhe"), each["name"]
        assert each["strength_bits"] >= 128 and "NULL" not in each["name"], each["name"]


@pytest.mark.parametrize(
    ("listen", "url", "open_to_all"),
    [
        ("127.0.0.1:8080", None, False),
        ("[::1]:8080", None, False),
        ("0.0.0.0:8080", None, True),
        ("0.0.0.0:8080", "http://tocsin.example.org", True),
        ("0.0.0.0:8080", "https://tocsin.example.org", False),
        ("[::]:8080", None, True),
    ],
)
def test_listening_to_a_network_without_tls_is_said(tmp_path: Path, listen: str, url: str | None, open_to_all: bool):
    told = load(None, {}, {"server.data": str(tmp_path), "server.listen": listen, "server.public_url": url})

    assert bool(unprotected(told)) is open_to_all
    assert not open_to_all or "https" in unprotected(told)
