"""The signer signs what continues what it signed before, and nothing else."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tocsin.anchors.request import Request
from tocsin.anchors.signer import Refused, Signer
from tocsin.core import ledger
from tocsin.verifier import parse_head, parse_key, signed_by

ORIGIN = "tocsin-test/default"


def leaves(count: int, flavour: str = "") -> list[bytes]:
    return [ledger.leaf_hash(f"{flavour}{n}".encode()) for n in range(count)]


def request(all_leaves: list[bytes], first: int) -> Request:
    root = ledger.root_of(all_leaves)
    return Request(origin=ORIGIN, first=first, size=len(all_leaves), leaves=b"".join(all_leaves[first:]), root=root)


def test_each_checkpoint_continues_the_one_before(tmp_path: Path) -> None:
    signer = Signer(tmp_path / "home")
    vkey = signer.public("tocsin-test")

    for before, size in ((0, 1), (1, 7), (7, 7), (7, 64)):
        note = signer.sign(request(leaves(size), before))

        head = parse_head(note)
        assert (head.origin, head.size, head.root) == (ORIGIN, size, ledger.root_of(leaves(size)))
        assert signed_by(note, [vkey])
        assert not signed_by(note.replace(f"\n{size}\n", f"\n{size + 1}\n", 1), [vkey])
    assert signer.size(ORIGIN) == 64


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (request(leaves(5), 5), "10 entries are signed, and the log has 5 now"),
        (request(leaves(12), 9), "expected those from 10 to 12, got 3 from 9"),
        (request([*leaves(10, "other"), *leaves(12)[10:]], 10), "are not those that were signed"),
        (msgspec.structs.replace(request(leaves(12), 10), root=bytes(32)), "are not those that were signed"),
    ],
    ids=["shorter", "overlapping", "another history", "another root"],
)
def test_what_contradicts_it_is_refused_and_nothing_is_remembered(tmp_path: Path, asked: Request, why: str) -> None:
    signer = Signer(tmp_path)
    signer.public("tocsin-test")
    signer.sign(request(leaves(10), 0))

    with pytest.raises(Refused, match=why):
        signer.sign(asked)

    assert signer.size(ORIGIN) == 10
    assert parse_head(signer.sign(request(leaves(12), 10))).size == 12


def test_logs_are_told_apart_and_the_key_stays(tmp_path: Path) -> None:
    signer = Signer(tmp_path)
    vkey = signer.public("tocsin-test")
    signer.sign(request(leaves(10), 0))

    assert signer.size("tocsin-test/other") == 0
    assert signer.public("another name") == vkey
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o400
    assert parse_key(vkey)[0] == "tocsin-test"


def test_it_is_a_process_of_its_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tocsin.anchors.signer", "--home", str(tmp_path / "home")]

    def ask(*words: str, body: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run([*command, *words], input=body, capture_output=True, timeout=60, check=False)

    vkey = ask("public", "tocsin-test").stdout.decode().strip()
    signed = ask("sign", body=msgspec.json.encode(request(leaves(3), 0)))
    again = ask("sign", body=msgspec.json.encode(request(leaves(2), 0)))
    spoilt = ask("sign", body=b'{"origin": 1}')

    assert signed_by(signed.stdout.decode(), [vkey])
    assert ask("size", ORIGIN).stdout == b"3\n"
    assert (again.returncode, again.stdout) == (1, b"")
    assert b"3 entries are signed, and the log has 2 now" in again.stderr
    assert spoilt.returncode == 1 and b"signer: " in spoilt.stderr


@pytest.mark.parametrize("spoilt", ["", "a", "a+b", "a+00000000+AQ==", "tocsin+00000000+" + "A" * 44])
def test_a_key_that_is_none_is_said_to_be_none(spoilt: str) -> None:
    with pytest.raises(ValueError, match="key "):
        parse_key(spoilt)


@pytest.mark.parametrize("spoilt", ["", "origin\n1\n\n", "origin\n1\nAAAA\n\n— x y\n", "o\nx\nAAAA\n\n", "a\n\nb"])
def test_a_note_that_is_none_is_said_to_be_none(spoilt: str) -> None:
    with pytest.raises(ValueError, match="checkpoint: expected"):
        parse_head(spoilt)
