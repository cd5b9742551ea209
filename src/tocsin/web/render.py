"""Templates and static files: read once, served from memory, static ones by content hash and compressed."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from litestar import Response

from tocsin.core.guidance import Deadline
from tocsin.core.people import told_address
from tocsin.core.spans import show_deadline

FOLDER = Path(str(files("tocsin.web")))
GZIP_FROM = 1_024  # bytes; smaller bodies fit one packet anyway
FOR_EVER = "public, max-age=31536000, immutable"


class StaticFile(msgspec.Struct, frozen=True, kw_only=True):
    body: bytes
    packed: bytes
    media_type: str
    digest: str


def read_static() -> dict[str, StaticFile]:
    """Every file under static/, by its path there."""
    found = {}
    for path in sorted((FOLDER / "static").rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            found[path.relative_to(FOLDER / "static").as_posix()] = StaticFile(
                body=body,
                packed=gzip.compress(body, mtime=0),
                media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                digest=hashlib.sha256(body).hexdigest()[:12],
            )
    return found


STATIC = read_static()


def asset(name: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep it for ever."""
    return f"/static/{name}?v={STATIC[name].digest}"


def moment(value: datetime | str) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def iso(value: datetime | str) -> str:
    return moment(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def short(value: datetime | str, now: datetime) -> str:
    """`03:04 UTC`, with the day when it is another one. app.js turns it into local time."""
    at = moment(value).astimezone(UTC)
    if at.date() == now.astimezone(UTC).date():
        return f"{at:%H:%M} UTC"
    return f"{at.day} {at:%b %H:%M} UTC" if at.year == now.year else f"{at.day} {at:%b %Y %H:%M} UTC"


def spell(span: timedelta) -> str:
    """A span as people say it: `4:12`, `35 min`, `2 h 5 min`, `3 days`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 600:
        return f"{seconds // 60}:{seconds % 60:02d}"
    if seconds < 3_600:
        return f"{seconds // 60} min"
    if seconds < 172_800:
        minutes = seconds % 3_600 // 60
        return f"{seconds // 3_600} h {minutes} min" if minutes else f"{seconds // 3_600} h"
    return f"{seconds // 86_400} days"


def until(value: datetime | str, now: datetime) -> str:
    left = moment(value) - now
    return f"{spell(left)} left" if left >= timedelta(0) else f"{spell(-left)} late"


def ago(value: datetime | str, now: datetime) -> str:
    minutes = int((now - moment(value)).total_seconds()) // 60
    if minutes < 1:
        return "just now"
    return f"{minutes} min ago" if minutes < 10 else f"{spell(timedelta(minutes=minutes))} ago"


def span(start: datetime | str, end: datetime | str) -> str:
    """How long something took: `40 s`, `9 min`, then as `spell`."""
    passed = moment(end) - moment(start)
    seconds = max(0, int(passed.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3_600 else spell(passed)


FAMILIES: Mapping[str, str] = {
    "Opened": "life",
    "Acknowledged": "life people good",
    "Resolved": "life people good",
    "UpdatePosted": "said",
    "NoteAdded": "said",
    "Escalated": "pages",
    "Notified": "pages",
    "PageSent": "pages",
    "PagesForgiven": "pages",
    "PageFailed": "pages bad",
    "PersonUnreachable": "pages bad",
    "CoverageGap": "pages bad",
    "NobodyReached": "pages bad",
    "PromiseMissed": "bad",
    "PromiseAtRisk": "warn",
    "AlertsAttached": "alerts",
    "AlertsCleared": "alerts",
    "FlappingNoticed": "alerts warn",
}


def family(kind: str) -> str:
    """The classes of a timeline entry; what is not listed was done by people."""
    return FAMILIES.get(kind, "people")


def capfirst(text: str) -> str:
    return text[:1].upper() + text[1:]


def span_of(limit: Deadline | None, before: str = "") -> str:
    """A deadline in the guide's words, else in ours; nothing where there is none."""
    words = (limit.text or show_deadline(limit) or "") if limit else ""
    return f"{before}{words}" if words else ""


def dialled(phone: str) -> str:
    """What a phone dials, or nothing where the guide prints a placeholder or words."""
    plain = re.sub(r"[\s().-]", "", phone)
    return plain if re.fullmatch(r"\+?[0-9]{3,15}", plain) else ""


def initials(name: str) -> str:
    words = [word for word in name.replace("-", " ").replace(".", " ").split() if word]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() or "?"


@pass_context
def who(context: Context, person: str | None) -> str:
    """A person's name, or what stands for somebody the directory does not know."""
    names: Mapping[str, str] = context.get("names") or {}
    if not person:
        return "somebody"
    return names.get(person) or person.removeprefix("source:")


def environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "iso": iso,
        "short": short,
        "until": until,
        "ago": ago,
        "span": span,
        "family": family,
        "capfirst": capfirst,
        "who": who,
        "span_of": span_of,
        "dialled": dialled,
    }
    made.globals |= {"asset": asset, "who": who, "initials": initials, "told_address": told_address}
    return made


ENVIRONMENT = environment()


def page(
    name: str, accept_encoding: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response[bytes]:
    """A template as a response, compressed where the browser takes it. Pages are never kept by caches."""
    body = ENVIRONMENT.get_template(name).render(**values).encode("utf-8", "replace")
    extra = {"Cache-Control": "no-store", "Vary": "Accept-Encoding, Cookie", **(headers or {})}
    if len(body) >= GZIP_FROM and "gzip" in accept_encoding:
        body = gzip.compress(body, 5, mtime=0)
        extra["Content-Encoding"] = "gzip"
    return Response(body, status_code=status, media_type="text/html", headers=extra)
