"""One-time codes of an authenticator app (RFC 6238), and recovery codes for the day on which it is lost."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime
from importlib import import_module

PYOTP = "pyotp"  # loaded when somebody first has one-time codes
STEP_SECONDS = 30
SKEW = 1  # steps before and after: clocks differ, and people read slowly
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # no i, l, o, 0, 1: they are read off paper
_GROUPS, _GROUP = 5, 5  # 25 characters of 31: 123 bits, so that their SHA-256 may be stored


def fresh_secret() -> str:
    """160 bits, base32, as authenticator apps take them."""
    return str(import_module(PYOTP).random_base32())


def uri(secret: str, person: str, host: str) -> str:
    """What an authenticator app reads: `otpauth://totp/...`."""
    return str(import_module(PYOTP).TOTP(secret).provisioning_uri(name=person, issuer_name=f"Tocsin {host}".strip()))


def step_of(secret: str, code: str, now: datetime, newest: int = -1) -> int | None:
    """The time step that the code is of, None where it is of none that still counts.

    A step counts once: neither it nor an earlier one is taken after `newest`.
    """
    digits = "".join(each for each in code if not each.isspace())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    codes = import_module(PYOTP).TOTP(secret, interval=STEP_SECONDS)
    at = int(now.timestamp()) // STEP_SECONDS
    found = None
    for step in range(at - SKEW, at + SKEW + 1):  # all of them, always: the time it takes says nothing
        same = hmac.compare_digest(str(codes.generate_otp(step)), digits)
        found = step if same and step > newest and found is None else found
    return found


def recovery_codes() -> list[str]:
    """New ones, to be shown once."""
    return ["-".join(_word() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def recovery_digest(code: str) -> str:
    """What is stored of a recovery code; spaces, dashes and letter case do not count."""
    plain = "".join(each for each in code.casefold() if each.isalnum())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _word() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP))
