"""A page as files, for a plain web server elsewhere: the page survives an outage of Tocsin itself.

The folder is a link to the newest copy and changes in one step, so that no visitor ever sees half of one.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from tocsin.core.status import Page
from tocsin.core.statusjson import answer
from tocsin.core.statusview import Known, view
from tocsin.status import feeds, html
from tocsin.status.logo import Logo

JSON = (
    "status",
    "components",
    "summary",
    "incidents",
    "incidents/unresolved",
    "scheduled-maintenances",
    "scheduled-maintenances/upcoming",
    "scheduled-maintenances/active",
)
COPIES_KEPT = 2  # the newest, and the one that a slow visitor may still be reading
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,120}){0,3}")


def files(known: Known, page: Page, now: datetime, url: str, logo: Logo | None = None) -> dict[str, bytes]:
    """Every file of the page, by its path. `url`: where the copy will stand; feeds and JSON name it."""
    shown = view(known, page, now)
    here = html.Frame(base=".", zone=page.time_zone, still=True, logo="./logo" if logo else None)
    below = html.Frame(base="..", zone=page.time_zone, still=True, logo="../logo" if logo else None)
    made: dict[str, str | bytes | None] = {"index.html": html.front(shown, here)}
    if shown.shows("history"):
        this = shown.at.astimezone(ZoneInfo(here.zone)).date().replace(day=1)
        months = {this, *(day.on.replace(day=1) for day in html.event_days(shown, here))}
        for month in sorted(months):
            name = "history.html" if month == this else f"history-{month:%Y-%m}.html"
            made[name] = html.history(shown, here, month)
    for each in (*shown.open, *shown.over):
        made[f"incidents/{each.incident.id}.html"] = html.incident(shown, below, each.incident.id)
    for planned in (*shown.planned, *shown.done):
        made[f"maintenance/{planned.planned.id}.html"] = html.maintenance(shown, below, planned.planned.id)
    for name in JSON:
        made[f"api/v2/{name}.json"] = msgspec.json.encode(answer(name, shown, url))
    if "feed" in page.subscribe_by:
        made |= {"history.atom": feeds.atom(shown, url), "history.rss": feeds.rss(shown, url)}
    if logo is not None:
        made["logo"] = logo.body
    return {name: body.encode() if isinstance(body, str) else body for name, body in made.items() if body is not None}


def write(folder: Path, content: Mapping[str, bytes]) -> bool:
    """`folder` is a link to a complete copy of the files; whether that is another copy than before.

    Raises ValueError for a name that leads elsewhere, FileExistsError when the folder is somebody's real directory.
    """
    for name in content:
        if not NAME.fullmatch(name) or ".." in name:
            raise ValueError(f"file: expected a plain relative path, got {name[:120]!r}")
    digest = hashlib.sha256()
    for name in sorted(content):
        digest.update(f"{name}\0{len(content[name])}\0".encode() + content[name])
    copy = folder.parent / f".{folder.name}-{digest.hexdigest()[:16]}"
    if folder.is_symlink() and folder.readlink() == Path(copy.name) and copy.is_dir():
        return False
    if not folder.is_symlink() and folder.exists():
        raise FileExistsError(f"{folder}: expected a link or nothing, got a directory; name a new one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not copy.is_dir():
        _fill(copy, content)
    link = folder.parent / f".{folder.name}-link-{secrets.token_hex(4)}"
    link.symlink_to(copy.name)
    link.replace(folder)
    _tidy(folder, copy)
    return True


def _fill(copy: Path, content: Mapping[str, bytes]) -> None:
    """The copy is whole and on the disk before it has its name."""
    making = copy.with_name(f"{copy.name}.new-{secrets.token_hex(4)}")
    for name, body in content.items():
        path = making / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    making.chmod(0o755)
    making.replace(copy)


def _tidy(folder: Path, current: Path) -> None:
    """Older copies are gone, but for the last."""
    copies = [each for each in folder.parent.glob(f".{folder.name}-*") if each.is_dir() and not each.is_symlink()]
    copies.sort(key=lambda each: (each == current, each.stat().st_mtime), reverse=True)
    for old in copies[COPIES_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
