"""Secrets leave a stream before it is written: passwords, tokens, keys, card numbers; what they were is counted.

The stream is looked at in windows. Whether a secret begins at a byte is decided only once `AHEAD` bytes behind it are
known, so that where the stream was cut makes no difference: the result is that of the whole in one piece. A token
without an end in sight is swallowed to its end. What stands before a secret (`password=`, a user's name) stays, so that
whoever reads the log sees what was there.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import re2

AHEAD = 16 * 1024  # longer than any secret that has an end; a private key of 16,384 bits has 13 kB
WINDOW = 256 * 1024
BEHIND = 64  # of what was given out already: whether a word begins here depends on what stands before
SNIFFED = 8 * 1024

_TOKEN = re.compile(rb"[A-Za-z0-9._~+/=%-]*")
_LINE = re.compile(rb"[^\r\n]*")
_QUOTED = {b'"': re.compile(rb'[^"\r\n]*'), b"'": re.compile(rb"[^'\r\n]*")}
_KEY_END = re.compile(rb"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_BODY = re.compile(rb"(?:[A-Za-z0-9+/=:, \r\n\t-]|\\n|\\r)*")


class Pattern(NamedTuple):
    """The one group of `pattern` is what goes; `tail`: how it goes on, where the end of it is not known yet."""

    kind: str
    pattern: bytes
    tail: re.Pattern[bytes] | None = None


_VALUE = rb"""(?:"[^"\r\n]+|'[^'\r\n]+|[^\s"'`,;&<>(){}\[\]]{3,})"""  # a quoted one may hold spaces
_NAMES = (
    rb"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|apikey|access[_-]?key|secret[_-]?key|auth[_-]?key"
    rb"|client[_-]?secret|private[_-]?key|credentials?|session[_-]?(?:id|key))"
)
_PATTERNS = (
    Pattern("private-key", rb"(-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)"),
    Pattern("aws-key", rb"\b((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})\b"),
    Pattern("jwt", rb"\b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*)", _TOKEN),
    Pattern(
        "token",
        rb"\b(gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
        rb"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
        rb"|AIza[A-Za-z0-9_-]{35}|npm_[A-Za-z0-9]{30,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
        rb"|toc_[A-Za-z0-9]{6,}_[A-Za-z0-9_-]{16,}|whsec_[A-Za-z0-9+/=]{16,}|sk-[A-Za-z0-9_-]{20,})",
        _TOKEN,
    ),
    Pattern("webhook", rb"hooks\.slack\.com/(?:services|workflows)/([A-Za-z0-9/_-]{10,})", _TOKEN),
    Pattern("url-password", rb"""[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@"'<>]*:([^\s/@"'<>]+)@"""),
    Pattern(
        "authorization",
        rb"(?i:authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:bearer|basic|digest|token|apikey)\s{1,3}|\bbearer\s{1,3})"
        rb"([A-Za-z0-9._~+/=-]{8,})",
        _TOKEN,
    ),
    Pattern("cookie", rb"(?i:\b(?:set-)?cookie:\s{0,3})([^\s][^\r\n]{2,})", _LINE),
    Pattern("password", rb"(?i:" + _NAMES + rb")[\"']?\s{0,3}(?:[:=]|=>)\s{0,3}(" + _VALUE + rb")", _TOKEN),
    Pattern(
        "card",
        rb"\b((?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|5[0-9]{2}))[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}"
        rb"|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5})\b",
    ),
)
_OPTIONS = re2.Options()
_OPTIONS.max_mem = 64 * 1024 * 1024  # of states that are remembered; with less, it starts again and again
_EVERY = re2.compile(b"|".join(each.pattern for each in _PATTERNS), _OPTIONS)
_DONE = re.compile(rb"""["']?\[redacted:""")
_NOTHING = frozenset((b"null", b"none", b"true", b"false", b"undefined", b"nil", b"''", b'""'))


class Redactor:
    """`feed` what comes and take what may be written; `finish` gives the rest. `counts`: what was taken out."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._buffer = b""
        self._at = 0  # of the buffer, up to where everything was given out
        self._swallowing: re.Pattern[bytes] | None = None

    def feed(self, more: bytes) -> bytes:
        self._buffer += more
        if len(self._buffer) - self._at < WINDOW:
            return b""
        return self._scan(len(self._buffer) - AHEAD)

    def finish(self) -> bytes:
        return self._scan(len(self._buffer))

    def _scan(self, horizon: int) -> bytes:
        """Everything that begins before the horizon is decided and given out."""
        out: list[bytes] = []
        buffer, at = self._buffer, self._at
        if self._swallowing is not None:
            at = self._swallow(at)
        looked = at
        while at < horizon:
            found = _EVERY.search(buffer, looked)
            if found is None or found.start() >= horizon:
                out.append(buffer[at:horizon])
                at = max(at, horizon)
                break
            start, end, kind = self._secret(found)
            if kind is None:
                looked = found.start() + 1
                continue
            out += (buffer[at:start], b"[redacted:%b]" % kind.encode())
            self.counts[kind] += 1
            at = looked = end
        keep = max(0, at - BEHIND)
        self._buffer, self._at = buffer[keep:], at - keep
        return b"".join(out)

    def _secret(self, found: Any) -> tuple[int, int, str | None]:
        """Where the secret begins and ends, and its kind; None: it only looks like one."""
        pattern = _PATTERNS[found.lastindex - 1]
        name = pattern.kind
        start, end = found.span(found.lastindex)
        text = self._buffer[start:end]
        if name == "card" and not luhn(text):
            return start, end, None
        if name in ("password", "cookie") and (text.lower() in _NOTHING or _DONE.match(text)):
            return start, end, None
        if name == "private-key":
            end = self._key_end(end)
        tail = _QUOTED.get(text[:1], pattern.tail) if name == "password" else pattern.tail
        if tail is not None and end == len(self._buffer):
            self._swallowing = tail
        return start + (text[:1] in _QUOTED and name == "password"), end, pattern.kind

    def _key_end(self, at: int) -> int:
        """A key goes to its end; one without an end, as far as it looks like one."""
        closing = _KEY_END.search(self._buffer, at, at + AHEAD - 256)
        if closing:
            return closing.end()
        body = _KEY_BODY.match(self._buffer, at, at + AHEAD - 256)
        return body.end() if body else at

    def _swallow(self, at: int) -> int:
        """What still belongs to a token that began earlier is left out."""
        assert self._swallowing is not None
        found = self._swallowing.match(self._buffer, at)
        end = found.end() if found else at
        if end < len(self._buffer):
            self._swallowing = None
        return end


def luhn(number: bytes) -> bool:
    """Whether the last digit is the check digit that card numbers end with."""
    digits = [each - 48 for each in number if 48 <= each <= 57]
    doubled = [each * 2 - 9 * (each > 4) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def looks_like_text(start: bytes) -> bool:
    """Whether secrets can be looked for: archives, dumps in binary form and images are no text."""
    sample = start[:SNIFFED]
    if sample.startswith((b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ", b"PGDMP")):
        return False
    odd = sum(1 for each in sample if each < 9 or 13 < each < 27 or 27 < each < 32)
    return b"\x00" not in sample and odd * 100 <= len(sample)
