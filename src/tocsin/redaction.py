"""What is written to the log, without secrets and without line breaks that somebody else chose.

Known secrets (the configuration's) go wherever they stand, as they are, in base64 and as in an URL. What only looks
like one goes too: of an URL scheme and host stay, of a token its kind. A record is one line; the lines of a traceback
are indented, so that no text of an outsider's can look like a record of ours. Where several organisations share the
process, a record names the one whose work it is about.
"""

from __future__ import annotations

import base64
import logging
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote

from tocsin import acting
from tocsin.setting.config import Config

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
GONE = "[redacted]"
SHORTEST = 6  # characters: a shorter one would take ordinary words with it
PATH_SHORTEST = 16  # a path such as `webhook` is no secret
LINE_MAX = 16_384
PLAIN_SCHEMES = ("http", "https", "ws", "wss", "ntfy")  # whose host is no secret; in Apprise's URLs it may be

_URL = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{1,20})://([^\s\"'<>\\]+)")
_LOOKS_LIKE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\btoc_([0-9a-f]{4,32})_[A-Za-z0-9_-]{8,}"), r"toc_\1_" + GONE),
    (re.compile(r"\b(whsec_|xox[a-z]-|xapp-|ghp_|glpat-)[A-Za-z0-9+/=_-]{8,}"), r"\1" + GONE),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE), r"\1 " + GONE),
    (re.compile(r"\b(bot)\d{5,}:[A-Za-z0-9_-]{20,}"), r"\1" + GONE),
    (re.compile(r"(/(?:a|in/[a-z0-9_.-]+|sign-in)/)[^\s\"'/?]{8,}"), r"\1" + GONE),
    (
        re.compile(
            r"([\"']?\b(?:password|passwd|secret|token|api_?key|routing_key|integration_key|auth|p256dh|signature|cookie|"
            r"authorization|tocsin_session)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,;}]{4,}",
            re.IGNORECASE,
        ),
        r"\1" + GONE,
    ),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), GONE),
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


def secrets_of(config: Config) -> Iterator[str]:
    """Every secret that the configuration names, and what its addresses hide."""
    yield from config.secrets
    for person in config.directory.people.values():
        for method in person.methods:
            if method.kind in ("apprise", "webpush"):
                yield method.address
            yield from _hidden(method.address)
    for hook in config.hooks:
        yield from _hidden(hook.url)
    for anchor in config.anchors:
        if anchor.kind in ("webhook", "git"):
            yield from _hidden(anchor.to)


def _hidden(url: str) -> Iterator[str]:
    """User info, path and query of an URL."""
    _, found, rest = url.partition("://")
    if found:
        authority, _, path = rest.partition("/")
        if len(path) >= PATH_SHORTEST:
            yield path
        info, at, _ = authority.rpartition("@")
        if at:
            yield info
            yield info.partition(":")[2]


class Redactor:
    """Takes secrets out of texts. What it knows is fixed when it is made."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for each in secrets for form in _forms(each) if len(form) >= SHORTEST}
        known = "|".join(re.escape(each) for each in sorted(forms, key=len, reverse=True))
        self._known = re.compile(known) if known else None

    def __call__(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(GONE, text)
        for pattern, instead in _LOOKS_LIKE:
            text = pattern.sub(instead, text)
        return _URL.sub(_host_only, text)


def _host_only(found: re.Match[str]) -> str:
    scheme, rest = found[1], found[2]
    authority, _, path = rest.partition("/")
    if scheme.casefold() == "sqlite" or (not path and "@" not in authority and "?" not in authority):
        return found[0]
    if scheme.casefold() not in PLAIN_SCHEMES:
        return f"{scheme}://…"
    return f"{scheme}://{authority.rpartition('@')[2].partition('?')[0]}/…"


def _forms(secret: str) -> Iterator[str]:
    """As it is, encoded for an URL and back, and in base64 (whatever stands before it: the aligned part counts)."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), unquote(secret))
    raw = secret.encode("utf-8", "replace")
    for offset in range(3):
        skip = (0, 2, 3)[offset]
        text = base64.b64encode(b"\0" * offset + raw).decode()
        whole = text[skip : len(text) - (0, 3, 2)[(offset + len(raw)) % 3]] if len(raw) > 3 else ""
        if len(whole) >= 2 * SHORTEST:
            yield whole
            yield whole.replace("+", "-").replace("/", "_")


class OneLine(logging.Formatter):
    """A record as one line of text; of a traceback, every line is indented."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__(FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        whose = f"{record.name} [{acting.tenant()}]" if acting.tenant() else record.name
        plain = {"name": whose, "exc_info": None, "exc_text": None, "stack_info": None}
        said = logging.makeLogRecord(record.__dict__ | plain)
        text = _CONTROL.sub(_escaped, self._redact(super().format(said)))[:LINE_MAX]
        more = self.formatException(record.exc_info) if record.exc_info else ""
        more += f"\n{record.stack_info}" if record.stack_info else ""
        lines = [_CONTROL.sub(_escaped, line) for line in self._redact(more).splitlines() if line]
        return "\n".join([text, *(f"  {line[:LINE_MAX]}" for line in lines)])


def _escaped(found: re.Match[str]) -> str:
    return ascii(found[0])[1:-1]


def log_to_stderr(config: Config, others: Iterable[Config] = ()) -> None:
    """The process logs through the filter above, errors that nobody caught and uvicorn's lines included. `others`:
    the configurations of tenants, whose secrets are no less."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(Redactor(secret for each in (config, *others) for secret in secrets_of(each))))
    logging.basicConfig(level=config.log_level.upper(), handlers=[handler], force=True)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    sys.excepthook = _uncaught
    threading.excepthook = lambda told: _uncaught(told.exc_type, told.exc_value, told.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    found = error if error is not None else kind()
    logging.getLogger("tocsin").critical("stopped by an error", exc_info=(kind, found, trace))
