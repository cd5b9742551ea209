"""The history as Atom (RFC 4287) and RSS 2.0: incidents and maintenance, the newest change first."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from xml.sax.saxutils import escape as xml_escape, quoteattr

import msgspec

from tocsin.core.statusjson import stamp
from tocsin.core.statusview import PageView

ENTRIES_MAX = 50


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is HTML."""

    id: str
    url: str
    title: str
    at: datetime
    changed_at: datetime
    text: str


def entries(view: PageView, url: str) -> list[Entry]:
    """What has a public word, newest change first. `url`: the page's own absolute address."""
    found = [
        Entry(
            id=each.incident.id,
            url=f"{url}/incidents/{each.incident.id}",
            title=f"{'Resolved' if not each.incident.open else each.incident.status.capitalize()}: {each.name}",
            at=each.incident.starts_at,
            changed_at=each.incident.changed_at,
            text="".join(_said(update.at, update.status, update.text) for update in reversed(each.incident.updates)),
        )
        for each in (*view.open, *view.over)
    ]
    found += [
        Entry(
            id=each.planned.id,
            url=f"{url}/maintenance/{each.planned.id}",
            title=f"Maintenance ({each.status.replace('_', ' ')}): {each.planned.name}",
            at=each.planned.created_at,
            changed_at=each.changed_at,
            text=f"<p>{stamp(each.planned.starts_at)} to {stamp(each.planned.ends_at)}</p>"
            + "".join(_said(update.at, update.status, update.text) for update in reversed(each.planned.updates)),
        )
        for each in (*view.planned, *view.done)
    ]
    return sorted(found, key=lambda each: each.changed_at, reverse=True)[:ENTRIES_MAX]


def _said(at: datetime, status: str, text: str) -> str:
    words = escape(text).replace("\n", "<br>")
    how = status.replace("_", " ").capitalize()
    return f"<p><small>{stamp(at)}</small><br><strong>{how}</strong> - {words}</p>"


def atom(view: PageView, url: str) -> bytes:
    """The Atom feed."""
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">\n',
        f"<id>{_text(url)}/history</id>\n<title>{_text(view.page.name)}</title>\n",
        f"<updated>{stamp(view.changed_at)}</updated>\n<author><name>{_text(view.page.name)}</name></author>\n",
        f'<link rel="alternate" type="text/html" href={_attribute(url)}/>\n',
        f'<link rel="self" type="application/atom+xml" href={_attribute(url + "/history.atom")}/>\n',
    ]
    for each in entries(view, url):
        parts.append(
            f"<entry>\n<id>{_text(each.url)}</id>\n<title>{_text(each.title)}</title>\n"
            f"<published>{stamp(each.at)}</published>\n<updated>{stamp(each.changed_at)}</updated>\n"
            f'<link rel="alternate" type="text/html" href={_attribute(each.url)}/>\n'
            f'<content type="html">{_text(each.text)}</content>\n</entry>\n'
        )
    return _encoded([*parts, "</feed>\n"])


def rss(view: PageView, url: str) -> bytes:
    """The RSS feed."""
    about = view.page.description or f"Incidents and maintenance of {view.page.name}"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom">\n<channel>\n',
        f"<title>{_text(view.page.name)}</title>\n<link>{_text(url)}</link>\n",
        f"<description>{_text(about)}</description>\n",
        f"<lastBuildDate>{format_datetime(view.changed_at.astimezone(UTC), usegmt=True)}</lastBuildDate>\n",
        f'<atom:link rel="self" type="application/rss+xml" href={_attribute(url + "/history.rss")}/>\n',
    ]
    for each in entries(view, url):
        parts.append(
            f"<item>\n<title>{_text(each.title)}</title>\n<link>{_text(each.url)}</link>\n"
            f'<guid isPermaLink="true">{_text(each.url)}</guid>\n'
            f"<pubDate>{format_datetime(each.changed_at.astimezone(UTC), usegmt=True)}</pubDate>\n"
            f"<description>{_text(each.text)}</description>\n</item>\n"
        )
    return _encoded([*parts, "</channel>\n</rss>\n"])


def _text(text: str) -> str:
    return xml_escape(_legal(text))


def _attribute(text: str) -> str:
    return quoteattr(_legal(text))


def _legal(text: str) -> str:
    """Without the characters that XML 1.0 cannot carry at all."""
    return "".join(
        each
        for each in text
        if each in "\t\n\r" or " " <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" or each >= "\U00010000"
    )


def _encoded(parts: list[str]) -> bytes:
    return "".join(parts).encode("utf-8", "replace")
