"""An export proves itself: in a process that knows nothing of Tocsin, in an empty directory."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
import venv
import zipfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.audit.given import T0, Installation
from tests.store.given import TENANT, append
from tocsin.audit import AuditService, opened
from tocsin.cli.main import COMMANDS
from tocsin.cli.run import run
from tocsin.proof.exporting import export
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


@cache
def fresh() -> Path:
    """The Python of a new environment that has `cryptography`, what that needs, and nothing else."""
    folder = Path(tempfile.mkdtemp(prefix="fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for each in ("cryptography", "cffi", "pycparser", "_cffi_backend"):
        found = find_spec(each)
        if found is not None and found.origin is not None:
            origin = Path(found.origin)
            origin = origin.parent if origin.name == "__init__.py" else origin
            (site / origin.name).symlink_to(origin)
    return folder / "bin" / "python"


def alone(export_: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The export run in an empty directory by the Python of a fresh environment, which knows nothing of Tocsin."""
    cwd.mkdir(exist_ok=True)
    command = [str(fresh()), str(export_), *words]
    return subprocess.run(command, cwd=cwd, env={}, capture_output=True, text=True, timeout=60, check=False)


def test_the_fresh_environment_has_nothing_of_tocsin(tmp_path: Path) -> None:
    program = "import cryptography, sys\nfor name in ('tocsin', 'msgspec', 'litestar'):\n  try: __import__(name)\n"
    program += "  except ImportError: continue\n  sys.exit(name)\n"

    told = subprocess.run([fresh(), "-c", program], cwd=tmp_path, env={}, capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (0, "")


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


@pytest.mark.parametrize("spoil", ["another file", "half of it", "a bit"])
def test_a_damaged_export_could_not_be_verified_and_is_no_violation(
    installation: Installation, tmp_path: Path, spoil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "audit.zip"
    write(installation, file)
    installation.close()
    whole = file.read_bytes()
    match spoil:
        case "another file":
            file.write_bytes(b"not a zip file")
        case "half of it":
            file.write_bytes(whole[: len(whole) // 2])
        case "a bit":
            at = whole.index(b"entries.ndjson") + 60
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])

    code = run(["audit", "verify", str(file), "--format", "json"], COMMANDS)
    said = json.loads(capsys.readouterr().out)

    assert (code, said["valid"], said["violations"]) == (4, False, [])
    assert said["problems"][0].startswith(f"{file}: ")
    assert "Error" not in said["problems"][0].partition(": ")[2].split(": ")[0]


def test_an_export_that_is_not_there_could_not_be_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["audit", "verify", str(tmp_path / "audit.zip"), "--format", "json"], COMMANDS)

    assert code == 4
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (
        problem
        == f"{tmp_path / 'audit.zip'}: expected an export of the audit trail, got nothing: there is no such file"
    )


def test_an_export_that_lost_bytes_says_so_by_itself(installation: Installation, tmp_path: Path) -> None:
    file = tmp_path / "audit.zip"
    write(installation, file)
    installation.close()
    whole = file.read_bytes()
    at = whole.index(b"entries.ndjson") + 60
    file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])

    told = alone(file, cwd=tmp_path / "empty")

    assert told.returncode == 4, told.stdout + told.stderr
    assert told.stdout.startswith("NOT VERIFIED")


@pytest.mark.parametrize("body", [b"junkjunkjunkjunkjunk", b""])
def test_a_file_that_is_no_database_could_not_be_verified(
    tmp_path: Path, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tocsin.db").write_bytes(body)

    code = run(["audit", "verify", "--data", str(tmp_path)], COMMANDS)

    assert code == 4
    assert f"{tmp_path}/tocsin.db: expected Tocsin's database" in capsys.readouterr().out


def test_a_data_directory_stands_for_its_database(installation: Installation) -> None:
    installation.close()
    folder = installation.path.parent

    assert installation.path.name == "tocsin.db"
    assert AuditService.verify_chain(str(folder), tenant_id=TENANT) == (True, [])
    assert not AuditService.verify_chain(folder, tenant_id="nobody")[0]
