"""What an alert tells whoever is woken by it: description, runbook, dashboards and panels, from its annotations.

Anybody who may send alerts writes these. Links are web addresses and nothing else, text is bounded; escaping is left to
whoever shows them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from tocsin.core.texts import one_line, shortened

DESCRIPTION_MAX = 2_000  # on a page
LINKS_MAX = 6  # of one alert
URL_MAX = 500  # longer ones are mostly queries; they are behind the alert's source
LABEL_MAX = 40

_FIRST = ("Runbook", "Playbook", "Dashboard", "Panel")
_NOT_IN_A_URL = re.compile("[\\s\x00-\x20\x7f-\xa0\\\\\"'<>`{}|^\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

_ADDRESS = re.compile(
    r"https?://(?:\[[0-9a-f:.]{2,45}\]|[^/?#@\[\]:]{1,253})(?::[0-9]{1,5})?(?:[/?#].*)?", re.IGNORECASE
)


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """`links` are (name, address), the runbook first."""

    description: str = ""
    links: tuple[tuple[str, str], ...] = ()


def said(annotations: Mapping[str, str]) -> Said:
    """The description, and every annotation whose whole value is a web address, named after its key."""
    found: dict[str, str] = {}
    for key, value in annotations.items():
        address = web_address(value)
        if address and address not in found.values():
            found.setdefault(_name(key), address)
    ordered = sorted(found.items(), key=lambda each: _FIRST.index(each[0]) if each[0] in _FIRST else len(_FIRST))
    text = next((annotations[key] for key in ("description", "message", "output") if annotations.get(key)), "")
    return Said(description=shortened(text.strip(), DESCRIPTION_MAX), links=tuple(ordered[:LINKS_MAX]))


def together(each_said: Iterable[Said]) -> Said:
    """The first description, and the links of all, each address once."""
    description = ""
    links: dict[str, str] = {}
    for each in each_said:
        description = description or each.description
        for name, address in each.links:
            links.setdefault(address, name)
    return Said(description=description, links=tuple((name, address) for address, name in links.items())[:LINKS_MAX])


def web_address(text: object) -> str:
    """The address if it is one of http or https, with a host and without a password in it; else nothing."""
    if not isinstance(text, str) or len(text) > URL_MAX + 2:
        return ""
    address = text.strip()
    if len(address) > URL_MAX or _NOT_IN_A_URL.search(address):
        return ""
    return address if _ADDRESS.fullmatch(address) else ""


def _name(key: str) -> str:
    """`runbook_url`, `runbookURL` -> Runbook; `grafana_link` -> Grafana."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", one_line(key)[:LABEL_MAX]).replace("_", " ").replace("-", " ").split()
    kept = [word for word in words if word.casefold() not in ("url", "link", "uri", "href")] or words
    name = " ".join(kept).casefold()
    return name[:1].upper() + name[1:] if name else "Link"
