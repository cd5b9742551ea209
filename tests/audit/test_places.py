"""Where checkpoints go, each against the real thing: a directory, a git remote, a sender, a time stamp authority."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.store.given import T0
from tocsin.anchors.places import (
    AnchorFailed,
    DirectoryPlace,
    GitPlace,
    Kept,
    MessagePlace,
    Place,
    TimeStampPlace,
    run,
)
from tocsin.ports import Message, Receipt
from tocsin.verify_export import read_held

WHAT = Kept(tenant="default", size=3, note="o\n3\nAAAA\n\n— k s\n", first=0, leaves=b"a" * 96, at=T0)


def keep(place: Place, what: Kept = WHAT) -> str:
    return asyncio.run(place.keep(what))


def test_a_directory_holds_the_note_and_the_leaves_for_good(tmp_path: Path) -> None:
    place = DirectoryPlace("copy", tmp_path)

    shown = keep(place)
    keep(place)  # the same again, after a crash
    keep(place, msgspec.structs.replace(WHAT, size=5, first=3, leaves=b"b" * 64))

    assert Path(shown).read_text() == WHAT.note
    held = read_held(tmp_path)
    assert {each.note for each in held} == {WHAT.note}
    assert [(each.leaves_from, len(each.leaves)) for each in held if each.leaves] == [(0, 96), (3, 64)]
    with pytest.raises(AnchorFailed, match="something else is kept there already"):
        keep(place, msgspec.structs.replace(WHAT, note="forged"))


def test_a_directory_that_is_not_mounted_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(AnchorFailed, match="is it mounted"):
        keep(DirectoryPlace("copy", tmp_path / "gone"))

    assert not (tmp_path / "gone").exists()


@pytest.mark.parametrize("tenant", ["../up", "a/b", "", "ä"])
def test_a_tenant_with_an_odd_name_stays_inside(tmp_path: Path, tenant: str) -> None:
    keep(DirectoryPlace("copy", tmp_path), msgspec.structs.replace(WHAT, tenant=tenant))

    assert len(list(tmp_path.rglob("*.note"))) == 1
    assert not list(tmp_path.parent.glob("*.note"))


def test_a_git_remote_gets_a_commit_for_each(tmp_path: Path) -> None:
    remote = tmp_path / "remote.git"
    run(("git", "init", "-q", "--bare", str(remote)))
    place = GitPlace("git", str(remote), tmp_path / "work")

    keep(place)
    keep(place, msgspec.structs.replace(WHAT, size=5, first=3, leaves=b"b" * 64))
    fresh = GitPlace("git", str(remote), tmp_path / "another machine")
    shown = keep(fresh, msgspec.structs.replace(WHAT, size=6, first=5, leaves=b"c" * 32))

    said = run(("git", "-C", str(remote), "log", "--format=%s", "anchors")).splitlines()
    assert said == ["default: 6 entries", "default: 5 entries", "default: 3 entries"]
    assert shown.startswith(str(remote))
    run(("git", "clone", "-q", "--branch", "anchors", str(remote), str(tmp_path / "clone")))
    assert len(list((tmp_path / "clone").rglob("*.leaves"))) == 3


def test_a_git_remote_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(AnchorFailed, match="git"):
        keep(GitPlace("git", str(tmp_path / "nothing.git"), tmp_path / "work"))


class Channel:
    """A sender that remembers, and answers what it was told."""

    kind = "email"

    def __init__(self, receipt: Receipt) -> None:
        self.receipt, self.sent = receipt, list[Message]()

    async def send(self, message: Message) -> Receipt:
        self.sent.append(message)
        return self.receipt

    async def close(self) -> None:
        """Nothing is held."""


def test_a_message_carries_the_whole_checkpoint() -> None:
    channel = Channel(Receipt(code="sent", provider_id="<1@x>"))

    shown = keep(MessagePlace("auditor", channel, "auditor@example.org"))

    (message,) = channel.sent
    assert shown == "email <1@x>"
    assert WHAT.note in message.text
    assert message.method.address == "auditor@example.org"
    with pytest.raises(AnchorFailed, match="refused no room"):
        keep(MessagePlace("auditor", Channel(Receipt(code="refused", detail="no room")), "auditor@example.org"))


CONFIG = """
[ tsa ]
default_tsa = one
[ one ]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/cert.pem
certs = {folder}/cert.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
"""


def authority(folder: Path) -> Path:
    """A time stamp authority of openssl's; the configuration that answers with it."""
    folder.mkdir()
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    extension = "extendedKeyUsage=critical,timeStamping"
    run(
        ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test authority",
         "-addext", extension, "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"))
    )  # fmt: skip
    return folder / "tsa.cnf"


def test_a_time_stamp_is_kept_beside_the_note_and_openssl_verifies_it(tmp_path: Path) -> None:
    config = authority(tmp_path / "tsa")

    async def post(url: str, body: bytes, content_type: str) -> bytes:
        assert (url, content_type) == ("https://tsa.example.org", "application/timestamp-query")
        query = tmp_path / "asked.tsq"
        query.write_bytes(body)
        answer = tmp_path / "answer.tsr"
        run(("openssl", "ts", "-reply", "-config", str(config), "-queryfile", str(query), "-out", str(answer)))
        return answer.read_bytes()

    token = keep(TimeStampPlace("stamp", "https://tsa.example.org", post, tmp_path / "kept"))

    note = Path(token).with_suffix(".note")
    certificate = str(tmp_path / "tsa" / "cert.pem")
    verify = ("openssl", "ts", "-verify", "-data", str(note), "-in", token, "-CAfile", certificate)
    assert "Verification: OK" in run(verify) + _stderr(verify)
    note.chmod(0o600)
    note.write_text("forged")
    with pytest.raises(AnchorFailed):
        run(verify)


def _stderr(words: tuple[str, ...]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=False).stderr


def test_an_authority_that_refuses_leaves_no_token(tmp_path: Path) -> None:
    async def refuse(url: str, body: bytes, content_type: str) -> bytes:
        raise ValueError("answered 503")

    with pytest.raises(AnchorFailed, match="answered 503"):
        keep(TimeStampPlace("stamp", "https://tsa.example.org", refuse, tmp_path / "kept"))
    assert not list((tmp_path / "kept").rglob("*.tsr"))
