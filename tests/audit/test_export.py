"""An export proves itself: in a process that knows nothing of Tocsin, in an empty directory."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.audit.given import T0, Installation
from tests.store.given import TENANT, append
from tocsin.audit import opened
from tocsin.exporting import export
from tocsin.verify_export import check


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation(tmp_path / "installation")
    with made.store.acting("ana"):
        made.store.put(TENANT, "team", "web", b'{"id":"web"}')
        made.store.put(TENANT, "token", "t1", b"the hash of a secret")
    made.store.commit([append("one", facts=3)])
    made.store.commit([append("other", facts=2)])
    made.anchors()
    return made


def write(installation: Installation, path: Path, incident: str | None = None) -> int:
    with opened(installation.path) as store, path.open("wb") as out:
        return export(store, TENANT, out, name=path.name, version="0.1.0", at=T0, incident=incident)


def alone(export_: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The export run by a Python whose path holds `cryptography` and, isolated from this checkout, no Tocsin."""
    cwd.mkdir(exist_ok=True)
    site = next(path for path in sys.path if path.endswith("site-packages"))
    hide = f"import sys, runpy; sys.path[:] = [p for p in sys.path if 'src' not in p] + [{site!r}]; "
    hide += "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]; "
    run = f"sys.argv = {[str(export_), *words]!r}; runpy.run_path({str(export_)!r}, run_name='__main__')"
    command = [sys.executable, "-I", "-S", "-c", hide + run]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_file_verifies_itself_with_nothing_of_tocsin(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "audit.zip"
    count = write(installation, file)
    installation.close()

    keys = ("--key", installation.vkey, "--anchor", str(installation.outside))
    told = alone(file, *keys, cwd=tmp_path / "empty")
    read = alone(file, *keys, "--json", cwd=tmp_path / "empty")
    vouched = alone(file, cwd=tmp_path / "empty")

    assert told.stdout == f"VALID: {count} entries, signed up to {count}, anchored outside up to {count}\n", told.stderr
    assert told.returncode == 0
    assert json.loads(read.stdout)["valid"] is True
    assert "vouches for itself" in vouched.stdout
    with zipfile.ZipFile(file) as archive:
        assert b"the hash of a secret" not in archive.read("contents.ndjson")
        assert archive.read("entries.ndjson").count(b"\n") == count


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        ("entries.ndjson", b'"actor":"ana"', b'"actor":"bob"', "hash_mismatch"),
        ("contents.ndjson", b'"content": "ey', b'"content": "eZ', "content_mismatch"),
        ("links.txt", b"\n2 ", b"\n7 ", "gap"),
    ],
)
def test_a_change_of_the_file_is_found(
    installation: Installation, tmp_path: Path, name: str, old: bytes, new: bytes, code: str
) -> None:
    file, forged = tmp_path / "audit.zip", tmp_path / "forged.zip"
    write(installation, file)
    installation.close()
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(forged, "w") as into:
        for each in source.namelist():
            body = source.read(each)
            if each == name:
                assert old in body
                body = body.replace(old, new, 1)
            into.writestr(each, body)

    report, _ = check(forged, [installation.vkey], [])

    assert code in {each.code for each in report.violations}


def test_one_incident_is_proven_to_be_in_the_log(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "one.zip"
    count = write(installation, file, incident="one")
    installation.close()

    report, notes = check(file, [installation.vkey], [])
    told = alone(file, "--key", installation.vkey, cwd=tmp_path / "empty")

    assert (count, report.valid, report.entries) == (3, True, 3)
    assert "a part of the log" in " ".join(notes)
    assert told.returncode == 0, told.stdout + told.stderr


def test_a_file_that_is_no_export_could_not_be_verified(tmp_path: Path) -> None:
    spoilt = tmp_path / "spoilt.zip"
    with zipfile.ZipFile(spoilt, "w") as archive:
        archive.writestr("hello", "x")

    with pytest.raises(KeyError):
        check(spoilt, [], [])
    told = alone(spoilt, cwd=tmp_path / "empty")
    assert told.returncode != 0
