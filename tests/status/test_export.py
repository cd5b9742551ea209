"""The page as files: complete, replaced in one step, and readable without Tocsin."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import msgspec
import pytest

from tests.status.given import NOW, PAGE, SCENES, scene
from tocsin.clock import ManualClock
from tocsin.status import html
from tocsin.status.copies import Copies
from tocsin.status.export import files, write

URL = "https://status.example.org"


@pytest.mark.parametrize("name", SCENES)
def test_every_link_of_a_copy_leads_to_a_file_of_it(name: str):
    found = files(SCENES[name], SCENES[name].pages[0], NOW, URL)

    for path, body in found.items():
        if not path.endswith(".html"):
            continue
        for link in re.findall(r'(?:href|src)="([^"#]+)', body.decode()):
            if link.startswith(("http", "mailto", "data:")):
                continue
            leads_to = os.path.normpath(Path(path).parent / link)
            assert leads_to in found, f"{path}: {link}"
        assert b"<form" not in body and b"<script" not in body


def test_json_and_feeds_are_in_it():
    found = files(SCENES["three"], PAGE, NOW, URL)

    summary = json.loads(found["api/v2/summary.json"])
    assert summary["page"]["url"] == URL and len(summary["incidents"]) == 3
    assert ElementTree.fromstring(found["history.atom"]).tag.endswith("feed")
    assert b"db-prod-7" not in b"".join(found.values())


@pytest.mark.parametrize("name", SCENES)
def test_the_first_load_is_small(name: str):
    text = html.front(scene(name), html.Frame(base="/status/acme", zone="Europe/Berlin"))

    assert len(text.encode()) < 30_000


def test_a_copy_is_replaced_in_one_step_and_the_one_before_stays_readable(tmp_path: Path):
    folder = tmp_path / "www" / "status"
    assert write(folder, {"index.html": b"one"})
    old = (folder / "index.html").open("rb")
    inside = folder.resolve()

    assert write(folder, {"index.html": b"two", "incidents/a.html": b"x"})

    assert (folder / "index.html").read_bytes() == b"two"
    assert old.read() == b"one" and inside.exists()
    old.close()
    assert not write(folder, {"index.html": b"two", "incidents/a.html": b"x"})
    for n in range(4):
        write(folder, {"index.html": b"%d" % n})
    assert len([each for each in folder.parent.iterdir() if not each.is_symlink()]) == 2


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "", ".hidden", "a//b"])
def test_a_file_that_would_lead_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="relative path"):
        write(tmp_path / "out", {name: b"x"})
    assert list(tmp_path.iterdir()) == []


def test_somebodys_directory_is_left_alone(tmp_path: Path):
    (tmp_path / "mine").mkdir()

    with pytest.raises(FileExistsError):
        write(tmp_path / "mine", {"index.html": b"x"})


def test_private_pages_are_never_copied(tmp_path: Path):
    secret = msgspec.structs.replace(PAGE, id="secret", private=True, default=False)
    known = msgspec.structs.replace(SCENES["green"], pages=(PAGE, secret))
    board = SimpleNamespace(generation=1, logos={}, known=known)
    copies = Copies(board, ManualClock(NOW), "http://tocsin.test", tmp_path, None)  # type: ignore[arg-type]
    copies.copy(tmp_path)

    assert copies.error == ""
    assert (tmp_path / "acme" / "index.html").exists() and not (tmp_path / "secret").exists()
