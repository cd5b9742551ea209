"""The vault: content in and out, kept once, an original apart, and nothing left of what did not come whole."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tocsin.evidence.files import FileObjects
from tocsin.evidence.keys import KeyFile
from tocsin.evidence.objects import NotThere
from tocsin.evidence.sealing import FRAME, Broken
from tocsin.evidence.vault import Kept, TooLarge, Vault

T = TypeVar("T")
SECRET = b"login password=hunter22 ok\n"


def vault(folder: Path, tenant: str = "default") -> Vault:
    keys = KeyFile(folder / "evidence.keys", {}, "NONE")
    return Vault(FileObjects(folder / "objects"), keys, tenant, folder / "spool")


async def coming(*chunks: bytes, fails: Exception | None = None) -> AsyncIterator[bytes]:
    for each in chunks:
        yield each
    if fails:
        raise fails


async def keep(of: Vault, *chunks: bytes, original: bool = False, bytes_max: int = 1 << 30) -> Kept:
    async with of.keeping(coming(*chunks), bytes_max=bytes_max, original=original) as kept:
        return kept


async def read(of: Vault, sha256: str, *, original: bool = False) -> bytes:
    return b"".join([each async for each in of.content(sha256, original=original)])


def run(lived: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(lived())


@pytest.mark.parametrize("size", [0, 1, FRAME, 3 * 1024 * 1024 + 5])
def test_content_comes_back_and_its_hash_is_that_of_the_plain_bytes(tmp_path: Path, size: int) -> None:
    content = b"\x00" + os.urandom(size) if size else b""

    async def lived() -> tuple[Kept, bytes]:
        kept = await keep(vault(tmp_path), content[: size // 2], content[size // 2 :])
        return kept, await read(vault(tmp_path), kept.sha256)

    kept, after = run(lived)
    assert after == content
    assert (kept.sha256, kept.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert kept.looked is (size == 0)


def test_secrets_are_on_no_disk_unless_the_original_is_asked_for(tmp_path: Path) -> None:
    async def lived() -> tuple[Kept, bytes]:
        kept = await keep(vault(tmp_path), SECRET * 3)
        return kept, await read(vault(tmp_path), kept.sha256)

    kept, after = run(lived)
    assert after == b"login password=[redacted:password] ok\n" * 3
    assert (kept.redactions, kept.original_sha256) == ({"password": 3}, "")
    assert all(b"hunter22" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_an_original_is_kept_apart_and_only_where_it_differs(tmp_path: Path) -> None:
    async def lived() -> tuple[Kept, Kept, bytes]:
        of = vault(tmp_path)
        kept, same = await keep(of, SECRET, original=True), await keep(of, b"nothing here", original=True)
        with pytest.raises(NotThere):
            await read(of, kept.original_sha256)
        return kept, same, await read(of, kept.original_sha256, original=True)

    kept, same, original = run(lived)
    assert original == SECRET
    assert (kept.original_sha256, kept.original_size) == (hashlib.sha256(SECRET).hexdigest(), len(SECRET))
    assert (same.original_sha256, same.original_size) == ("", 0)


def test_an_original_does_not_open_as_content(tmp_path: Path) -> None:
    async def lived() -> None:
        of = vault(tmp_path)
        kept = await keep(of, SECRET, original=True)
        (stored,) = (tmp_path / "objects").glob(f"*/{kept.original_sha256}o")
        stored.rename(stored.with_name(kept.original_sha256))
        with pytest.raises(Broken):
            await read(of, kept.original_sha256)

    run(lived)


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    async def lived() -> None:
        of = vault(tmp_path)
        await keep(of, b"the same")
        await keep(of, b"the ", b"same")

    run(lived)
    assert len([path for path in (tmp_path / "objects").rglob("*") if path.is_file()]) == 1


@pytest.mark.parametrize("fails", [TooLarge, ConnectionError])
def test_what_does_not_come_whole_leaves_nothing(tmp_path: Path, fails: type[Exception]) -> None:
    async def lived() -> None:
        chunks = coming(b"x" * 3_000_000, fails=None if fails is TooLarge else fails("gone"))
        async with vault(tmp_path).keeping(
            chunks, bytes_max=2_000_000 if fails is TooLarge else 1 << 30, original=True
        ):
            raise AssertionError("nothing was kept")

    with pytest.raises(fails):
        run(lived)
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "evidence.keys"] == []


def test_content_that_was_exchanged_is_never_given_out_whole(tmp_path: Path) -> None:
    async def lived() -> bytes:
        of = vault(tmp_path)
        one, two = await keep(of, b"\x00one"), await keep(of, b"\x00two")
        paths = {each.sha256: next((tmp_path / "objects").glob(f"*/{each.sha256}")) for each in (one, two)}
        paths[one.sha256].write_bytes(paths[two.sha256].read_bytes())
        given = b""
        with pytest.raises(Broken, match="not the one with SHA-256"):
            async for each in of.content(one.sha256):
                given += each
        return given

    assert run(lived) == b""


def test_another_tenant_cannot_open_it(tmp_path: Path) -> None:
    async def lived() -> None:
        kept = await keep(vault(tmp_path), b"x")
        with pytest.raises(Broken):
            await read(vault(tmp_path, "beta"), kept.sha256)

    run(lived)


def test_what_is_about_to_be_referred_to_is_not_tidied_away(tmp_path: Path) -> None:
    async def lived() -> tuple[list[bool], list[str], list[str]]:
        of = vault(tmp_path)
        first = await keep(of, b"x")
        dropped = []
        async with of.keeping(coming(b"x"), bytes_max=10, original=False) as kept:
            meanwhile = [each.name async for each in of.orphans(set())]
            dropped.append(await of.drop(kept.sha256))
        after = [each.name async for each in of.orphans(set())]
        dropped.append(await of.drop(first.sha256))
        return dropped, meanwhile, after

    dropped, meanwhile, after = run(lived)
    assert dropped == [False, True]
    assert (meanwhile, len(after)) == ([], 1)
