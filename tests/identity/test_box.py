"""Secrets in the store are sealed, each for whom it belongs to, and open with the keys of a file."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.store.given import T0, TENANT
from tocsin.clock import ManualClock
from tocsin.evidence.keys import KeyFile, add_key
from tocsin.identity import accounts
from tocsin.identity.accounts import Account
from tocsin.identity.box import Box
from tocsin.store.memory import MemoryStore

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
ANA = ("totp", TENANT, "ana")


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "elsewhere" / "identity.keys"


@pytest.fixture
def box(keys: Path) -> Box:
    return Box(KeyFile(keys, {}, "").keys)


def test_what_is_sealed_opens_for_its_owner_alone(box: Box, keys: Path) -> None:
    sealed = box.seal(SECRET, *ANA)

    assert SECRET not in sealed and base64.b32decode(SECRET) not in base64.urlsafe_b64decode(sealed.rpartition(":")[2])
    assert box.opened(sealed, *ANA) == SECRET
    assert box.opened(sealed, "totp", TENANT, "ben") is None
    assert box.opened(sealed, "totp", "other", "ana") is None
    assert box.seal(SECRET, *ANA) != sealed
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


@given(at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_changed_byte_opens(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int) -> None:
    box = Box(KeyFile(tmp_path_factory.getbasetemp() / "box.keys", {}, "").keys)
    prefix, _, body = box.seal(SECRET, *ANA).rpartition(":")
    raw = bytearray(base64.urlsafe_b64decode(body))
    raw[at % len(raw)] ^= 1 << bit

    assert box.opened(f"{prefix}:{base64.urlsafe_b64encode(raw).decode()}", *ANA) is None


@pytest.mark.parametrize(
    "text", ["sealed:", "sealed:00:", "sealed:zz:AA", "sealed:0011223344556677:AAAA", "sealed:é:é"]
)
def test_garbage_does_not_open_and_raises_nothing(box: Box, text: str) -> None:
    assert box.opened(text, *ANA) is None


def test_a_new_key_seals_and_the_old_one_opens(box: Box, keys: Path) -> None:
    old = box.seal(SECRET, *ANA)
    name = add_key(keys)

    assert box.seal(SECRET, *ANA).startswith(f"sealed:{name}:")
    assert box.opened(old, *ANA) == SECRET


def test_without_its_key_nothing_opens_and_nothing_falls(box: Box, keys: Path) -> None:
    sealed = box.seal(SECRET, *ANA)
    keys.unlink()

    assert box.opened(sealed, *ANA) is None


def test_secrets_of_earlier_releases_are_sealed_once(box: Box) -> None:
    store = MemoryStore(ManualClock(T0))
    for person, totp in (("ana", SECRET), ("ben", "")):
        accounts.keep(store, TENANT, Account(person=person, role="viewer", created_at=T0, totp=totp))

    assert (accounts.seal_open(store, TENANT, box), accounts.seal_open(store, TENANT, box)) == (1, 0)

    ana, ben = accounts.every(store, TENANT)
    assert SECRET not in msgspec.json.encode(ana).decode()
    assert (accounts.totp_of(ana, TENANT, box), accounts.totp_of(ben, TENANT, box)) == (SECRET, None)
