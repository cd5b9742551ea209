"""Secrets leave a stream wherever it was cut, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from tocsin.evidence.redaction import AHEAD, WINDOW, Redactor, looks_like_text, luhn

KEY = (
    b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEowIBAAKCAQEA0Z3VS5JJcds3xfn\n" * 30 + b"-----END RSA PRIVATE KEY-----"
)
JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
SECRETS: dict[bytes, str] = {
    KEY: "private-key",
    JWT: "jwt",
    b"AKIAIOSFODNN7EXAMPLE": "aws-key",
    b"ghp_0123456789abcdefghijklmnopqrstuvwxyz": "token",
    b"glpat-0123456789abcdefghij": "token",
    b"xoxb-123456789012-abcdefghij": "token",
    b"4111 1111 1111 1111": "card",
    b"5555-5555-5555-4444": "card",
    b"378282246310005": "card",
}
AROUND = (
    (b"password=", b"hunter22", b" next", "password"),
    (b'{"password": "', b"two words", b'", "n": 1}', "password"),
    (b"DB_PASSWORD: ", b"s3cret!", b"\n", "password"),
    (b"aws_secret_access_key = ", b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", b"\n", "password"),
    (b"postgres://app:", b"pa55word", b"@db:5432/shop", "url-password"),
    (b"GET /x?token=", b"abcdef123456", b"&page=2 HTTP/1.1", "password"),
    (b"Authorization: Bearer ", b"abcdefghijklmnop", b"\n", "authorization"),
    (b"Authorization: Basic ", b"dXNlcjpwYXNzd29yZA==", b"\n", "authorization"),
    (b"Set-Cookie: ", b"session=abc; Path=/", b"\r\n", "cookie"),
    (b"https://hooks.slack.com/services/", b"T00000000/B00000000/XXXXXXXX", b" ok", "webhook"),
)
LINE = b"2026-11-28T14:52:20.123456Z INFO request 0123456789abcdef GET /api/incidents/17 200 12ms ip=10.0.0.1\n"


def redacted(text: bytes, cuts: tuple[int, ...] = ()) -> tuple[bytes, dict[str, int]]:
    redactor, out, last = Redactor(), [], 0
    for cut in (*sorted(cuts), len(text)):
        out.append(redactor.feed(text[last:cut]))
        last = cut
    return b"".join(out) + redactor.finish(), dict(redactor.counts)


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items(), ids=lambda each: str(each)[:20])
def test_a_secret_goes_and_what_stood_around_it_stays(secret: bytes, kind: str) -> None:
    after, counts = redacted(b"before " + secret + b" after\n")

    assert after == b"before [redacted:%b] after\n" % kind.encode()
    assert counts == {kind: 1}


@pytest.mark.parametrize(("before", "secret", "after", "kind"), AROUND, ids=lambda each: str(each)[:20])
def test_a_value_goes_and_its_name_stays(before: bytes, secret: bytes, after: bytes, kind: str) -> None:
    text, counts = redacted(b"x " + before + secret + after)

    assert text == b"x " + before + b"[redacted:%b]" % kind.encode() + after
    assert counts == {kind: 1}


@pytest.mark.parametrize(
    "text",
    [
        LINE * 3,
        b"secretName: web-tls\nsecretKeyRef:\n",
        b"password: null, token=true, password=''",
        b"trace 4111111111111112 and 1764340340123456 and 00000000000000000000",
        b"tokens are counted: 17",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"https://example.org/a:b@c and mail ana@example.org",
        "schlüssel \u2028 中文".encode(),
        b"",
    ],
)
def test_what_is_no_secret_stays(text: bytes) -> None:
    assert redacted(text) == (text, {})


@settings(max_examples=60)
@given(
    fill=st.integers(WINDOW - AHEAD - 400, WINDOW + 400),
    secret=st.sampled_from([*SECRETS, *(before + each + after for before, each, after, _ in AROUND)]),
    cuts=st.lists(st.integers(0, 2 * WINDOW), max_size=6),
)
def test_where_the_stream_is_cut_makes_no_difference(fill: int, secret: bytes, cuts: list[int]) -> None:
    text = (LINE * (fill // len(LINE) + 1))[:fill] + b"\n" + secret + b"\n" + LINE * 3_000
    whole = redacted(text)

    assert redacted(text, tuple(cuts)) == whole
    assert sum(whole[1].values()) == 1


@pytest.mark.parametrize("at", range(1, 40, 3))
def test_a_secret_across_the_edge_of_a_window_is_found(at: int) -> None:
    start = b"a " * ((WINDOW - AHEAD) // 2)
    text = start[: len(start) - at] + b" AKIAIOSFODNN7EXAMPLE " + b"b " * WINDOW

    after, counts = redacted(text, tuple(range(0, len(text), 4_099)))

    assert b"AKIA" not in after
    assert counts == {"aws-key": 1}


@pytest.mark.parametrize("inside", range(1, 20))
def test_a_secret_that_is_not_whole_when_a_window_is_full_waits_for_its_rest(inside: int) -> None:
    secret = b"AKIAIOSFODNN7EXAMPLE"
    text = b" ".rjust(WINDOW - inside, b".") + secret + b" and so on"
    redactor = Redactor()

    said = redactor.feed(text[:WINDOW]) + redactor.feed(text[WINDOW:]) + redactor.finish()

    assert said == text.replace(secret, b"[redacted:aws-key]")


def test_what_stands_before_a_window_still_tells_that_something_is_no_secret() -> None:
    text = b"x".rjust(WINDOW - AHEAD, b" ") + b"AKIAIOSFODNN7EXAMPLE"
    text = text.ljust(WINDOW, b" ")
    redactor = Redactor()

    assert redactor.feed(text) + redactor.finish() == text


def test_a_token_without_an_end_is_swallowed_and_what_follows_is_not() -> None:
    text = b"x=1 token=" + b"A" * (3 * WINDOW) + b" after"

    after, counts = redacted(text, tuple(range(0, len(text), 10_000)))

    assert after == b"x=1 token=[redacted:password] after"
    assert counts == {"password": 1}


def test_a_key_that_was_cut_off_is_redacted_as_far_as_it_goes() -> None:
    after, counts = redacted(b"log\n" + KEY[:400] + b"\n# the end")

    assert after == b"log\n[redacted:private-key]# the end"
    assert counts == {"private-key": 1}


def test_two_secrets_of_a_line_are_counted_each() -> None:
    after, counts = redacted(b"password=abcdef token=ghijkl password=mnopqr")

    assert after == b"password=[redacted:password] token=[redacted:password] password=[redacted:password]"
    assert counts == {"password": 3}


def test_what_was_redacted_stays_so_when_it_is_looked_at_again() -> None:
    once, _ = redacted(b'password=abcdef\n{"token": "a b c"}\n' + JWT)

    assert redacted(once) == (once, {})


def test_a_check_digit_decides() -> None:
    assert luhn(b"4111 1111 1111 1111")
    assert not luhn(b"4111 1111 1111 1112")


@pytest.mark.parametrize(
    ("start", "is_text"),
    [
        (b"", True),
        (LINE, True),
        ("größe".encode(), True),
        (b"\x1b[31mred\x1b[0m", True),
        (b"\x1f\x8b\x08\x00", False),
        (b"PK\x03\x04", False),
        (b"PGDMP\x01", False),
        (b"abc\x00def", False),
    ],
)
def test_only_text_is_looked_at(start: bytes, is_text: bool) -> None:
    assert looks_like_text(start) is is_text
