"""The log: one line per record, and no secret in it, whoever put it there."""

from __future__ import annotations

import base64
import logging
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from tocsin.redaction import GONE, OneLine, Redactor, secrets_of
from tocsin.setting.config import load

SECRET = "correct horse/battery+staple"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    told = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("tocsin.test", logging.INFO, __file__, 1, message, arguments, told)


@given(st.binary(max_size=8), st.binary(max_size=8), st.binary(min_size=14, max_size=60))
def test_a_known_secret_goes_in_every_form(before: bytes, after: bytes, raw: bytes):
    secret = base64.b85encode(raw).decode()
    redact = Redactor([secret])
    inside = before + secret.encode() + after

    assert secret not in redact(f"{before!r} {secret} {after!r}")
    assert quote(secret, safe="") not in redact(f"x {quote(secret, safe='')} y")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        shown = redact(f"x {encode(inside).decode()} y")
        for start in range(len(secret) - 6):
            middle = encode(b"\0" * ((len(before) + start) % 3) + secret.encode()[start:])[4:12].decode()
            assert len(middle) < 8 or middle not in shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("token toc_0123456789abcdef_abcDEF-123456789 used", f"token toc_0123456789abcdef_{GONE} used"),
        ("Authorization: Bearer abcdefgh12345", f"Authorization: {GONE} {GONE}"),
        ("POST https://hooks.example/services/T0/B0/XYZ failed", "POST https://hooks.example/… failed"),
        ("https://user:pa55word@ntfy.example/topic", "https://ntfy.example/…"),
        ("apprise tgram://123456:ABC/chat", "apprise tgram://…"),
        ("listening on http://127.0.0.1:8080", "listening on http://127.0.0.1:8080"),
        ("GET /in/grafana/0123456789abcdef failed", f"GET /in/grafana/{GONE} failed"),
        ("POST /sign-in/abcdefghijkl", f"POST /sign-in/{GONE}"),
        ('{"password": "hunter22", "user": "ana"}', '{"password": "' + GONE + '", "user": "ana"}'),
        ("key whsec_MDEyMzQ1Njc4OTAxMjM0NTY3", f"key whsec_{GONE}"),
        ("xoxb-1234567890-abcdef", f"xoxb-{GONE}"),
        ("a plain sentence of the day: 3 alerts", "a plain sentence of the day: 3 alerts"),
    ],
)
def test_what_looks_like_a_secret_goes_too(said: str, shown: str):
    assert Redactor()(said) == shown


def test_a_record_is_one_line_and_a_traceback_cannot_forge_one():
    forged = "x\n2026-11-23 03:00:00 INFO tocsin.audit: all is well\r\x1b[2J\u2028"
    try:
        raise ValueError(f"{forged} {SECRET}")
    except ValueError as error:
        text = OneLine(Redactor([SECRET])).format(record("label %s", forged, error=error))

    lines = text.split("\n")
    assert "\\n2026-11-23" in lines[0] and "\\x1b" in lines[0]
    assert lines[1].startswith("  Traceback")
    assert all(line.startswith("  ") for line in lines[1:])
    assert SECRET not in text


def test_every_secret_of_the_configuration_is_known(tmp_path: Path):
    (tmp_path / "smtp.password").write_text("file-password-1\n")
    (tmp_path / "tocsin.toml").write_text(
        """
[smtp]
host = "mail.example.org"
from = "a@example.org"
username = "ana"
password_file = "smtp.password"

[[sources]]
name = "one"
token = "source-token-12345678"

[[people]]
id = "ana"
methods = ["https://ana:url-password-1@hook.example/x", "apprise:mailto://ana:other-password@example.org"]
"""
    )
    told = load(tmp_path / "tocsin.toml", {"TOCSIN_TWILIO_TOKEN": "twilio-token-1", "TOCSIN_TWILIO_ACCOUNT": "AC1"})
    redact = Redactor(secrets_of(told))

    for secret in ("file-password-1", "source-token-12345678", "twilio-token-1", "url-password-1"):
        assert redact(f"<{secret}>") == f"<{GONE}>"
    assert "other-password" not in redact("mailto://ana:other-password@example.org")


def test_a_secret_may_be_in_the_file_that_a_variable_names(tmp_path: Path):
    (tmp_path / "token").write_text("from-a-file-1\n")
    environ = {"TOCSIN_TELEGRAM_TOKEN_FILE": str(tmp_path / "token")}
    (tmp_path / "tocsin.toml").write_text("")
    told = load(tmp_path / "tocsin.toml", environ)

    assert told.telegram is not None and told.telegram.token == "from-a-file-1"
    assert told.secret_files == (tmp_path / "token",)
    assert "from-a-file-1" in told.secrets


def test_the_recursion_of_a_traceback_is_bounded():
    def deep() -> None:
        deep()

    try:
        deep()
    except RecursionError as error:
        text = OneLine(Redactor()).format(record("deep", error=error))
    assert len(text.splitlines()) < sys.getrecursionlimit()
