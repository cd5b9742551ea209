"""Known secrets are taken out of what a command says, before anybody sees it or anything is kept of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote, urlsplit

GONE = b"[secret]"
SHORTEST = 4  # characters: a shorter one would take ordinary words with it


class Mask:
    """`feed` what comes and take what may be shown; `finish` gives the rest.

    Only the beginning of a possible secret is held back, so that a prompt is seen at once.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for each in secrets for form in _forms(each) if len(form) >= SHORTEST}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._any = re.compile(b"|".join(map(re.escape, self._secrets))) if forms else None
        self._held = b""
        self.count = 0

    def feed(self, more: bytes) -> bytes:
        return self._clean(self._held + more, last=False)

    def finish(self) -> bytes:
        return self._clean(self._held, last=True)

    def _clean(self, text: bytes, *, last: bool) -> bytes:
        out, at = b"", 0
        while True:
            found = self._any.search(text, at) if self._any else None
            held = len(text) if last else self._beginning(text, at)
            if found is None or found.start() >= held:  # at one place the longer secret counts, which may be to come
                self._held = text[held:]
                return out + text[at:held]
            out += text[at : found.start()] + GONE
            at = found.end()
            self.count += 1

    def _beginning(self, text: bytes, at: int) -> int:
        """From where on the text may be the beginning of a secret; its end where nothing is."""
        longest = len(self._secrets[0]) if self._secrets else 0
        for n in range(max(at, len(text) - longest + 1), len(text)):
            rest = text[n:]
            if any(each.startswith(rest) and len(each) > len(rest) for each in self._secrets):
                return n
        return len(text)


def _forms(secret: str) -> set[bytes]:
    """The secret as it may turn up: itself, in base64, as part of an URL, and the password of one that is an URL."""
    plain = {secret, quote(secret, safe=""), quote_plus(secret)}
    try:
        password = urlsplit(secret).password
    except ValueError:
        password = None
    if password:
        plain |= {password, unquote(password)}
    return {each.encode() for each in plain} | {base64.b64encode(secret.encode()).rstrip(b"=")}
