"""The contract of every store of sealed content: the directory's, and S3's over a server that verifies signatures."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.s3_server import ACCESS, BUCKET, REGION, SECRET, Bucket, s3
from tocsin.clock import ManualClock
from tocsin.evidence.files import FileObjects
from tocsin.evidence.objects import PIECE, NotThere, Objects, StoreFailed
from tocsin.evidence.s3 import Account, S3Objects, canonical_query, signed

T0 = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NAME = "ab" * 32


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with s3() as made:
        yield made


def account(bucket: Bucket, **more: str) -> Account:
    values = {"access_key": ACCESS, "secret_key": SECRET, "region": REGION, "prefix": "tocsin/a b/"}
    return Account(endpoint=bucket.url, bucket=BUCKET, **(values | more))


Made = Callable[[], Objects]


@pytest.fixture(params=["files", "s3"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    if request.param == "files":
        return lambda: FileObjects(tmp_path / "objects")
    bucket: Bucket = request.getfixturevalue("bucket")
    return lambda: S3Objects(account(bucket), ManualClock(T0))


def within(made: Made, fn: Callable[[Objects], Any]) -> Any:
    async def living() -> Any:
        objects = made()
        try:
            return await fn(objects)
        finally:
            await objects.close()

    return asyncio.run(living())


async def put(objects: Objects, folder: Path, name: str, content: bytes) -> None:
    file = folder / f"{name[:4]}.part"
    file.write_bytes(content)
    await objects.put(name, file, hashlib.sha256(content).hexdigest())


async def got(objects: Objects, name: str) -> bytes:
    return b"".join([each async for each in objects.get(name)])


@pytest.mark.parametrize("size", [0, 1, PIECE + 17])
def test_an_object_comes_back_as_it_was_put(made: Made, tmp_path: Path, size: int) -> None:
    content = os.urandom(size)

    async def lived(objects: Objects) -> bytes:
        assert not await objects.has(NAME)
        await put(objects, tmp_path, NAME, content)
        assert await objects.has(NAME)
        return await got(objects, NAME)

    assert within(made, lived) == content
    assert list(tmp_path.glob("*.part")) == []


def test_an_object_that_is_deleted_is_gone_and_said_to_have_been_there(made: Made, tmp_path: Path) -> None:
    async def lived(objects: Objects) -> tuple[bool, bool]:
        await put(objects, tmp_path, NAME, b"x")
        first = await objects.delete(NAME)
        with pytest.raises(NotThere):
            await got(objects, NAME)
        return first, await objects.delete(NAME)

    assert within(made, lived) == (True, False)


def test_every_object_is_listed_once_with_its_size(made: Made, tmp_path: Path) -> None:
    names = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(8)]

    async def lived(objects: Objects) -> list[tuple[str, int]]:
        assert [each async for each in objects.names()] == []
        for n, name in enumerate(names):
            await put(objects, tmp_path, name, b"x" * n)
        return [(each.name, each.size) async for each in objects.names()]

    assert within(made, lived) == sorted((name, n) for n, name in enumerate(names))


def test_putting_it_again_replaces_it(made: Made, tmp_path: Path) -> None:
    async def lived(objects: Objects) -> bytes:
        await put(objects, tmp_path, NAME, b"one")
        await put(objects, tmp_path, NAME, b"two")
        return await got(objects, NAME)

    assert within(made, lived) == b"two"


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    within(lambda: FileObjects(tmp_path / "objects"), lambda objects: put(objects, tmp_path, NAME, b"x"))

    (file,) = (tmp_path / "objects").glob("*/*")
    assert (file.name, file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (NAME, 0o600, 0o700)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")

    with pytest.raises(StoreFailed, match="objects"):
        within(lambda: FileObjects(tmp_path / "objects"), lambda objects: put(objects, tmp_path, NAME, b"x"))


# --- S3 alone ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [{"secret_key": "another"}, {"access_key": "AKIAOTHER"}, {"region": "us-east-1"}])
def test_a_server_that_verifies_refuses_another_key(bucket: Bucket, tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(StoreFailed, match="S3 did not look for"):
        within(lambda: S3Objects(account(bucket, **wrong), ManualClock(T0)), lambda objects: objects.has(NAME))
    assert bucket.requests[-1][2] == 403


def test_what_s3_says_when_it_refuses_is_told(bucket: Bucket, tmp_path: Path) -> None:
    bucket.fails = [503]

    with pytest.raises(StoreFailed, match=f"S3 did not keep {NAME}: 503 SlowDown"):
        within(lambda: S3Objects(account(bucket), ManualClock(T0)), lambda objects: put(objects, tmp_path, NAME, b"x"))
    assert bucket.objects == {}
    assert len(list(tmp_path.glob("*.part"))) == 1


def test_a_bucket_that_nobody_answers_for_is_named(tmp_path: Path) -> None:
    gone = Account(endpoint="http://127.0.0.1:1", bucket="b", access_key="a", secret_key="s")

    with pytest.raises(StoreFailed, match=r"S3 at http://127\.0\.0\.1:1 did not answer"):
        within(lambda: S3Objects(gone, ManualClock(T0)), lambda objects: objects.has(NAME))


EXAMPLE = Account(
    endpoint="https://examplebucket.s3.amazonaws.com",
    bucket="examplebucket",
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)
HOST = {"host": "examplebucket.s3.amazonaws.com"}
NOTHING = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "digest", "signature"),
    [
        (
            "GET", "/test.txt", {}, {"range": "bytes=0-9"}, NOTHING,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT", "/test%24file.text", {},
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            hashlib.sha256(b"Welcome to Amazon S3.").hexdigest(),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        (
            "GET", "/", {"lifecycle": ""}, {}, NOTHING,
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            "GET", "/", {"max-keys": "2", "prefix": "J"}, {}, NOTHING,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ],
)  # fmt: skip
def test_signatures_are_those_of_the_published_examples(
    method: str, path: str, query: dict[str, str], headers: dict[str, str], digest: str, signature: str
) -> None:
    at = datetime(2013, 5, 24, tzinfo=UTC)

    found = signed(EXAMPLE, method, path, canonical_query(query), HOST | headers, digest, at)

    assert found["authorization"].endswith(f"Signature={signature}")
