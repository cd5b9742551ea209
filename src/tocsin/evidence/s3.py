"""Sealed content in a bucket of anything that speaks S3's API, by path-style addresses.

Five requests are needed, so there is no SDK here: PUT, GET, HEAD, DELETE of an object and the listing, each signed by
Signature Version 4 over its headers and the hash of its body. Redirects are not followed; proxies of the environment
are not used.
Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

import httpx2
import msgspec

from tocsin.clock import Clock
from tocsin.evidence.objects import PIECE, Listed, NotThere, StoreFailed

EMPTY = hashlib.sha256(b"").hexdigest()
PUT_BYTES_MAX = 5 * 1024**3  # S3's own limit of a single PUT
LIST_BYTES_MAX = 16 * 1024 * 1024
PAGES_MAX = 10_000
CONNECT_SECONDS, IDLE_SECONDS = 10.0, 60.0
SAID_MAX = 300


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """`endpoint`: scheme and host, no path. `prefix` ends with a slash or is empty."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    prefix: str = ""


class S3Objects:
    """`client`: another one than the system's, for tests with certificates of their own."""

    def __init__(self, account: Account, clock: Clock, client: httpx2.AsyncClient | None = None) -> None:
        self._account, self._clock = account, clock
        timeout = httpx2.Timeout(IDLE_SECONDS, connect=CONNECT_SECONDS)
        self._client = client or httpx2.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False)

    async def put(self, name: str, file: Path, sha256: str) -> None:
        size = file.stat().st_size
        if size > PUT_BYTES_MAX:
            raise StoreFailed(f"S3 takes at most {PUT_BYTES_MAX} bytes in one object, got {size}")
        headers = {"content-length": str(size), "content-type": "application/octet-stream"}
        async with self._asked("PUT", self._key(name), headers=headers, file=file, digest=sha256) as answer:
            await _well(answer, "keep", name)
        file.unlink(missing_ok=True)

    async def get(self, name: str) -> AsyncIterator[bytes]:
        async with self._asked("GET", self._key(name)) as answer:
            await _well(answer, "give", name)
            try:
                async for piece in answer.aiter_raw(PIECE):
                    yield piece
            except httpx2.HTTPError as error:
                raise StoreFailed(f"S3 broke off in the middle of {name}: {error}") from error

    async def has(self, name: str) -> bool:
        async with self._asked("HEAD", self._key(name)) as answer:
            if answer.status_code == 404:
                return False
            await _well(answer, "look for", name)
            return True

    async def delete(self, name: str) -> bool:
        there = await self.has(name)
        async with self._asked("DELETE", self._key(name)) as answer:
            if answer.status_code != 404:
                await _well(answer, "delete", name)
        return there

    async def names(self) -> AsyncIterator[Listed]:
        token = ""
        for _ in range(PAGES_MAX):
            query = {"list-type": "2", "prefix": self._account.prefix}
            if token:
                query["continuation-token"] = token
            async with self._asked("GET", "", query=query) as answer:
                await _well(answer, "list", self._account.bucket)
                page = await _bounded(answer)
            found, token = _listed(page, self._account.prefix)
            for each in found:
                yield each
            if not token:
                return

    async def close(self) -> None:
        await self._client.aclose()

    def _key(self, name: str) -> str:
        return f"{self._account.prefix}{name}"

    @asynccontextmanager
    async def _asked(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        file: Path | None = None,
        digest: str = EMPTY,
    ) -> AsyncIterator[httpx2.Response]:
        account = self._account
        path = f"/{quote(account.bucket, safe='')}" + (f"/{quote(key, safe='/')}" if key else "")
        said = canonical_query(query or {})
        host = urlsplit(account.endpoint).netloc
        given = {"host": host, **(headers or {})}
        given |= signed(account, method, path, said, {"host": host}, digest, self._clock.now())
        url = f"{account.endpoint}{path}" + (f"?{said}" if said else "")
        body = _pieces(file) if file is not None else None
        try:
            async with self._client.stream(method, url, headers=given, content=body) as answer:
                yield answer
        except httpx2.HTTPError as error:
            raise StoreFailed(f"S3 at {account.endpoint} did not answer: {error or type(error).__name__}") from error


def signed(
    account: Account,
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    digest: str,
    now: datetime,
) -> dict[str, str]:
    """The headers that sign a request of these `headers` (lower case, `host` among them) and this body's SHA-256.

    `path` and `query` are encoded already, as they are sent.
    """
    stamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    scope = f"{stamp[:8]}/{account.region}/s3/aws4_request"
    every = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(every))
    lines = "".join(f"{name}:{every[name].strip()}\n" for name in sorted(every))
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{account.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"AWS4-HMAC-SHA256 Credential={account.access_key}/{scope}"
    return {
        "x-amz-content-sha256": digest,
        "x-amz-date": stamp,
        "authorization": f"{credential},SignedHeaders={names},Signature={signature}",
    }


def canonical_query(query: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(query[name], safe='')}" for name in sorted(query))


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with await asyncio.to_thread(file.open, "rb") as opened:
        while piece := await asyncio.to_thread(opened.read, PIECE):
            yield piece


async def _well(answer: httpx2.Response, doing: str, name: str) -> None:
    """Raises NotThere, StoreFailed unless the answer is a 2xx."""
    if 200 <= answer.status_code < 300:
        return
    if answer.status_code == 404 and doing != "list":
        raise NotThere(f"evidence: expected the object {name}, found none")
    said = (await _bounded(answer)).decode("utf-8", "replace")
    code = next((part.partition("</Code>")[0] for part in said.split("<Code>")[1:]), "")[:SAID_MAX]
    raise StoreFailed(f"S3 did not {doing} {name}: {answer.status_code} {code}".rstrip())


async def _bounded(answer: httpx2.Response) -> bytes:
    read = bytearray()
    async for piece in answer.aiter_raw():
        read += piece
        if len(read) > LIST_BYTES_MAX:
            raise StoreFailed(f"S3 answered more than {LIST_BYTES_MAX} bytes")
    return bytes(read)


def _listed(page: bytes, prefix: str) -> tuple[list[Listed], str]:
    """The objects of a page, and the token of the next one or nothing."""
    try:
        root = ElementTree.fromstring(page)
    except ElementTree.ParseError as error:
        raise StoreFailed(f"S3 gave a listing that is no XML: {error}") from error
    found = []
    for each in _children(root, "Contents"):
        values = {child.tag.rpartition("}")[2]: child.text or "" for child in each}
        modified_at = datetime.fromisoformat(values["LastModified"])
        name = values["Key"].removeprefix(prefix)
        found.append(Listed(name=name, modified_at=modified_at, size=int(values["Size"])))
    more = next((each.text or "" for each in _children(root, "NextContinuationToken")), "")
    return found, more


def _children(root: ElementTree.Element, tag: str) -> Iterator[ElementTree.Element]:
    return (each for each in root if each.tag.rpartition("}")[2] == tag)
