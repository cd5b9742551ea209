"""Where checkpoints are kept outside: a directory of another host, a git remote, a message to an auditor, a time stamp.

Each place is given the signed checkpoint and, where it can hold them, the leaf hashes since the last one it holds:
with those, verification names the very entry that was changed, not only the span in which it stands.
"""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

from tocsin.core.people import Method, Person
from tocsin.ports import Message, Sender

COMMAND_SECONDS = 60.0  # git push, openssl
TOKEN_BYTES_MAX = 64 * 1024


class AnchorFailed(Exception):
    """The checkpoint did not leave; the text says why and is shown."""


class Emptied(AnchorFailed):
    """What the place was given before is not there any more."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a place is asked to keep: the checkpoint of a log's first `size` entries, and the hashes of its entries
    from `first` on (32 bytes each)."""

    tenant: str
    size: int
    note: str
    first: int
    leaves: bytes
    at: datetime


class Place(Protocol):
    """`name` tells places apart; `keep` says where the checkpoint is to be found, or raises AnchorFailed."""

    name: str

    async def keep(self, what: Kept) -> str: ...


class DirectoryPlace:
    """Files in a directory, meant to be a mount of another host: what is there is never overwritten."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder

    async def keep(self, what: Kept) -> str:
        return await asyncio.to_thread(self._keep, what)

    def _keep(self, what: Kept) -> str:
        if not self._folder.is_dir():
            raise AnchorFailed(f"{self._folder}: expected a directory that exists (is it mounted?)")
        if what.first and not (home(self._folder, what.tenant) / f"{what.first:012d}.note").is_file():
            raise Emptied(f"{self._folder}: the checkpoint of {what.first} entries was kept there, and is gone")
        try:
            return str(put(self._folder, what))
        except OSError as error:
            raise AnchorFailed(f"{self._folder}: {error.strerror or error}") from error


class GitPlace:
    """Commits pushed to a remote: a clone in `folder`, which git makes. The remote should refuse forced pushes."""

    def __init__(self, name: str, remote: str, folder: Path, *, branch: str = "anchors") -> None:
        self.name = name
        self._remote, self._folder, self._branch = remote, folder, branch

    async def keep(self, what: Kept) -> str:
        return await asyncio.to_thread(self._keep, what)

    def _keep(self, what: Kept) -> str:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._folder / ".git").is_dir():
            self._git("init", "-q", "-b", self._branch)
            self._git("remote", "add", "origin", self._remote)
            if self._git("ls-remote", "--heads", "origin", self._branch):
                self._git("pull", "-q", "origin", self._branch)
        put(self._folder, what)
        self._git("add", "-A")
        identity = ("-c", "user.name=Tocsin", "-c", "user.email=tocsin@localhost")
        self._git(*identity, "commit", "-q", "--allow-empty", "-m", f"{what.tenant}: {what.size} entries")
        self._git("push", "-q", "origin", self._branch)
        return f"{self._remote} {self._git('rev-parse', '--short', 'HEAD').strip()}"

    def _git(self, *words: str) -> str:
        return run(("git", "-C", str(self._folder), *words))


class MessagePlace:
    """The checkpoint as a message to an auditor, by any sender: mail, a webhook, a chat."""

    def __init__(self, name: str, sender: Sender, address: str) -> None:
        self.name = name
        self._sender = sender
        self._method = Method(kind=sender.kind, address=address)  # type: ignore[arg-type]

    async def keep(self, what: Kept) -> str:
        said = f"audit-{what.tenant}-{what.size}"
        receipt = await self._sender.send(
            Message(
                id=said,
                attempt=1,
                person=Person(id="auditor", methods=(self._method,)),
                method=self._method,
                subject=f"Audit checkpoint of {what.tenant}: {what.size} entries",
                text=f"Keep this. It proves what the audit trail was when you got it.\n\n{what.note}",
                acknowledge_url=None,
                incident_url="",
                reference=said,
                incident="",
                severity="",
                rank=9,
                event="checkpoint",
                at=what.at,
                data={"tenant": what.tenant, "size": what.size, "note": what.note},
            )
        )
        if receipt.code != "sent":
            raise AnchorFailed(f"{self._sender.kind}: {receipt.code} {receipt.detail}".rstrip())
        return f"{self._sender.kind} {receipt.provider_id}".rstrip()


Post = Callable[[str, bytes, str], Awaitable[bytes]]  # address, body, content type -> the body of a 2xx answer


class TimeStampPlace:
    """A time-stamp token (RFC 3161) over the checkpoint, kept beside it. `openssl ts -verify` checks it."""

    def __init__(self, name: str, address: str, post: Post, folder: Path) -> None:
        self.name = name
        self._address, self._post, self._folder = address, post, folder

    async def keep(self, what: Kept) -> str:
        place = await asyncio.to_thread(self._noted, what)
        query = place.with_suffix(".tsq")
        asking = ("openssl", "ts", "-query", "-data", str(place), "-sha256", "-cert", "-out", str(query))
        await asyncio.to_thread(run, asking)
        try:
            answer = await self._post(self._address, query.read_bytes(), "application/timestamp-query")
        except ValueError as error:
            raise AnchorFailed(f"{self._address}: {error}") from error
        token = place.with_suffix(".tsr")
        token.write_bytes(answer[:TOKEN_BYTES_MAX])
        shown = await asyncio.to_thread(run, ("openssl", "ts", "-reply", "-in", str(token), "-text"))
        if "Status: Granted" not in shown:
            token.unlink()
            raise AnchorFailed(f"{self._address}: no time stamp was granted: {shown[:200]}")
        return str(token)

    def _noted(self, what: Kept) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return put(self._folder, what)


def put(folder: Path, what: Kept) -> Path:
    """The checkpoint, and the leaves that come with it, are files in a directory of the tenant, and on disk."""
    own = home(folder, what.tenant)
    own.mkdir(exist_ok=True)
    if what.leaves:
        _create(own / f"{what.first:012d}-{what.size:012d}.leaves", what.leaves)
    place = own / f"{what.size:012d}.note"
    _create(place, what.note.encode())
    return place


def home(folder: Path, tenant: str) -> Path:
    """Where a place keeps what it has of a tenant."""
    return folder / (_encoded(tenant) if _odd(tenant) else tenant)


def _encoded(tenant: str) -> str:
    return base64.b32encode(tenant.encode()).decode().rstrip("=").lower()


def _odd(tenant: str) -> bool:
    """Whether the tenant's name is none for a directory."""
    return not tenant.replace("-", "").isalnum() or not tenant.isascii()


def _create(path: Path, body: bytes) -> None:
    if path.exists():  # the same checkpoint again, after a crash between keeping and noting that it was kept
        if path.read_bytes() != body:
            raise AnchorFailed(f"{path}: something else is kept there already")
        return
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    part.chmod(0o444)
    part.rename(path)


def run(words: Sequence[str], stdin: bytes | None = None) -> str:
    """The output of a program. Raises AnchorFailed with what it said on standard error."""
    try:
        done = subprocess.run(words, input=stdin, capture_output=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AnchorFailed(f"{words[0]}: {error}") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-400:]
        raise AnchorFailed(f"{' '.join(words[:4])}: exit {done.returncode}: {said}")
    return done.stdout.decode(errors="replace")
