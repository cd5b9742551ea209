"""The signer: a process of its own, with a key file and a memory that the server cannot write.

    python -m tocsin.anchors.signer --home DIR public NAME     prints the key, made on first use
    python -m tocsin.anchors.signer --home DIR sign            reads a request (JSON) and prints the signed checkpoint

It remembers, for each log, the tree it signed last, and takes the hashes of the entries that came since. So it cannot
be asked to sign a head that does not continue what it signed before: a log that was cut, edited or forked is refused.
Run it as another user (`[audit] signer = "sudo -n -u tocsin-signer ..."`), and an administrator of the server alone
cannot rewrite history under its signature.

Exit status: 0 signed, 1 refused (the reason is on standard error), 2 usage.
"""

from __future__ import annotations

import argparse
import base64
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tocsin.anchors import note
from tocsin.anchors.request import Request
from tocsin.core import ledger

REQUEST_BYTES_MAX = 256 * 1024 * 1024  # eight million entries since the last signature
HASH_BYTES = 32


class Refused(Exception):
    """The signature was not given; the text says why."""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What was signed last for a log: its size and the roots of its perfect subtrees."""

    origin: str
    size: int = 0
    frontier: tuple[bytes, ...] = ()


class Signer:
    """The key and the memory in one directory, which nobody else needs to read."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def public(self, name: str) -> str:
        """The verifier key; it is made, under this name, when there is none yet."""
        with self._alone():
            if not (self._home / "key").exists():
                if not name or any(each.isspace() or each == "+" for each in name):
                    raise Refused(f"name: expected a word without spaces and '+', got {name!r}")
                raw = Ed25519PrivateKey.generate().private_bytes_raw()
                _write(self._home / "key", f"{name} {base64.b64encode(raw).decode()}\n".encode(), mode=0o400)
            return note.public(*self._key())

    def size(self, origin: str) -> int:
        """How many entries of this log are signed."""
        return self._recalled(origin).size

    def sign(self, request: Request) -> str:
        """The signed checkpoint, once the memory of it is on disk. Raises Refused."""
        with self._alone():
            before = self._recalled(request.origin)
            if request.size < before.size:
                raise Refused(f"{request.origin}: {before.size} entries are signed, and the log has {request.size} now")
            hashes = [request.leaves[n : n + HASH_BYTES] for n in range(0, len(request.leaves), HASH_BYTES)]
            if request.first != before.size or before.size + len(hashes) != request.size:
                raise Refused(
                    f"leaves: expected those from {before.size} to {request.size}, "
                    f"got {len(hashes)} from {request.first}"
                )
            frontier = list(before.frontier)
            for size, leaf in enumerate(hashes, before.size):
                ledger.push(frontier, size, leaf)
            if ledger.root(frontier) != request.root:
                raise Refused(f"{request.origin}: entries before {before.size} are not those that were signed")
            memory = Memory(origin=request.origin, size=request.size, frontier=tuple(frontier))
            _write(self._place(request.origin), msgspec.json.encode(memory), mode=0o600)
            return note.sign(note.head_text(request.origin, request.size, request.root), *self._key())

    def _recalled(self, origin: str) -> Memory:
        place = self._place(origin)
        if not place.exists():
            return Memory(origin=origin)
        return msgspec.json.decode(place.read_bytes(), type=Memory)

    def _place(self, origin: str) -> Path:
        return self._home / f"log-{sha256(origin.encode()).hexdigest()[:16]}.json"

    def _key(self) -> tuple[str, Ed25519PrivateKey]:
        name, _, encoded = (self._home / "key").read_text().strip().partition(" ")
        return name, Ed25519PrivateKey.from_private_bytes(base64.b64decode(encoded))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._home / "lock").touch(mode=0o600)
        with (self._home / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(path: Path, body: bytes, *, mode: int) -> None:
    """The file holds `body`, all of it and on disk, or what it held before."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(body)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Sign heads of Tocsin's audit trail.")
    parser.add_argument("--home", required=True, type=Path)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("public").add_argument("name")
    verbs.add_parser("size").add_argument("origin")
    verbs.add_parser("sign")
    asked = parser.parse_args(words)
    signer = Signer(asked.home)
    try:
        if asked.verb == "public":
            said = signer.public(asked.name)
        elif asked.verb == "size":
            said = str(signer.size(asked.origin))
        else:
            body = sys.stdin.buffer.read(REQUEST_BYTES_MAX + 1)
            said = signer.sign(msgspec.json.decode(body, type=Request))
    except (Refused, msgspec.MsgspecError, OSError, ValueError) as error:
        sys.stderr.write(f"signer: {error}\n")
        return 1
    sys.stdout.write(said if said.endswith("\n") else f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
