"""Probes of names: a name server is asked as RFC 1035 says, and all that it answers is expected.

Only what a probe needs: one question over UDP, over TCP where the answer did not fit, from the servers of this machine
one after the other or from the one that is named. Search domains and /etc/hosts do not count: the name is asked for as
it stands.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from tocsin.core.probe import REACH, UNABLE, Probe, Problem
from tocsin.core.probe_fields import host_port
from tocsin.detect.reaching import Reach, Seen, Unreachable

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "MX": 15, "TXT": 16, "AAAA": 28}
CODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED"}
RESOLV = Path("/etc/resolv.conf")
SERVERS_MAX = 3  # as the machine's own resolver does
TRY_SECONDS = 2.0  # for one server, before the next; a packet may be lost
ROUNDS = 2
RECORDS_MAX = 200
HOPS_MAX = 64  # pointers within one name
MESSAGE_MAX = 65_535


class Unreadable(ValueError):
    """The answer is not one of RFC 1035."""


async def dns(probe: Probe, reach: Reach, now: datetime) -> Seen:
    """Whether the name leads where it should."""
    assert probe.domain is not None, "checked when the configuration was read"
    asked = await servers(probe.server, reach) if probe.server else _own_servers()
    if isinstance(asked, Seen):
        return asked
    if not asked:
        return Seen(found={REACH: Problem(text=f"{UNABLE}{RESOLV} names no name server")})
    why = ""
    for server, port in asked[:SERVERS_MAX] * ROUNDS:
        try:
            async with asyncio.timeout(TRY_SECONDS):
                code, values = await ask(server, port, probe.domain, probe.record)
        except (TimeoutError, OSError, Unreadable) as error:
            why = f"{server} did not answer" if isinstance(error, TimeoutError) else f"{server}: {error}"
            continue
        evidence = {"name_server": server, "answers": ", ".join(values)[:300] or "none"}
        text = wrong_with(probe, code, values)
        return Seen(found={REACH: Problem(text=text) if text else None}, evidence=evidence)
    return Seen(found={REACH: Problem(text=f"cannot be asked for: {why}")})


async def servers(server: str, reach: Reach) -> list[tuple[str, int]] | Seen:
    """The addresses of the server that is named, or what kept them from being known."""
    host, port = host_port(server, "server", 53)
    try:
        return [(each, port) for each in await reach.addresses(host, port)]
    except Unreachable as error:
        return Seen(found={REACH: Problem(text=str(error))})


def _own_servers() -> list[tuple[str, int]]:
    try:
        lines = RESOLV.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [(each[1], 53) for each in words if len(each) > 1 and each[0] == "nameserver"]


def wrong_with(probe: Probe, code: int, values: list[str]) -> str:
    """What is wrong with an answer, or nothing."""
    name = f"{probe.domain} {probe.record}"
    if code:
        return f"gets {CODES.get(code, f'code {code}')} for {name}"
    if not values:
        return f"gets no answer for {name}"
    expected = {_alike(probe.record, each) for each in probe.expected}
    strange = [each for each in values if _alike(probe.record, each) not in expected] if expected else []
    if strange:
        return f"gets {', '.join(strange[:3])[:120]} for {name}, expected {', '.join(probe.expected)[:120]}"
    return ""


def _alike(record: str, value: str) -> str:
    """A value as it is compared: names in any case and with or without the dot at their end, addresses as numbers."""
    if record in ("A", "AAAA"):
        try:
            return str(ip_address(value))
        except ValueError:
            return value
    return value if record == "TXT" else value.casefold().rstrip(".")


# --- the wire --------------------------------------------------------------------------------------------------------


async def ask(server: str, port: int, name: str, record: str) -> tuple[int, list[str]]:
    """The response code and the values of this type. Raises OSError, Unreadable."""
    number = secrets.randbelow(65_536)
    query = question(number, name, record)
    answer = await _by_udp(server, port, query)
    if answer[2] & 0x02:  # truncated
        answer = await _by_tcp(server, port, query)
    return read(answer, number, record)


def question(number: int, name: str, record: str) -> bytes:
    """One question, recursion desired."""
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".")]
    if any(not 0 < len(label) < 64 for label in labels):
        raise Unreadable(f"{name} has a label that is empty or longer than 63 characters")
    spelt = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    return struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0) + spelt + struct.pack(">HH", TYPES[record], 1)


def read(message: bytes, number: int, record: str) -> tuple[int, list[str]]:
    """The response code and the values of this type in an answer to question `number`. Raises Unreadable."""
    try:
        given, flags, questions, answers, _, _ = struct.unpack_from(">HHHHHH", message)
        if given != number or not flags & 0x8000:
            raise Unreadable("the answer is to another question")
        at, values = 12, []
        for _ in range(questions):
            at = _name(message, at)[1] + 4
        for _ in range(min(answers, RECORDS_MAX)):
            at = _name(message, at)[1]
            kind, _, _, length = struct.unpack_from(">HHIH", message, at)
            at += 10
            if kind == TYPES[record]:
                values.append(_value(message, at, length, record))
            at += length
    except (struct.error, IndexError) as error:
        raise Unreadable("the answer ends too soon") from error
    return flags & 0x0F, values


def _value(message: bytes, at: int, length: int, record: str) -> str:
    data = message[at : at + length]
    match record:
        case "A" | "AAAA":
            if length not in (4, 16):
                raise Unreadable("an address of a strange length")
            return str(ip_address(data))
        case "MX":
            return f"{struct.unpack_from('>H', data)[0]} {_name(message, at + 2)[0]}"
        case "TXT":
            parts, place = [], 0
            while place < len(data):
                parts.append(data[place + 1 : place + 1 + data[place]])
                place += 1 + data[place]
            return b"".join(parts).decode("utf-8", "replace")
        case _:
            return _name(message, at)[0]


def _name(message: bytes, at: int) -> tuple[str, int]:
    """A name and where it ends; pointers are followed, though not for ever."""
    labels: list[str] = []
    end = 0
    for _ in range(HOPS_MAX * 2):
        length = message[at]
        if length & 0xC0 == 0xC0:
            end = end or at + 2
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length == 0:
            return ".".join(labels), end or at + 1
        else:
            labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
    raise Unreadable("a name that does not end")


class _Waiting(asyncio.DatagramProtocol):
    """The first datagram from the server that was asked; the socket is connected, so that nobody else's comes."""

    def __init__(self, number: bytes) -> None:
        self._number = number
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(data) >= 12 and data[:2] == self._number and not self.answer.done():
            self.answer.set_result(data)

    def error_received(self, exc: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(exc)


async def _by_udp(server: str, port: int, query: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    transport, waiting = await loop.create_datagram_endpoint(lambda: _Waiting(query[:2]), remote_addr=(server, port))
    try:
        transport.sendto(query)
        return await waiting.answer
    finally:
        transport.close()


async def _by_tcp(server: str, port: int, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(server, port)
    try:
        writer.write(struct.pack(">H", len(query)) + query)
        (length,) = struct.unpack(">H", await reader.readexactly(2))
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError as error:
        raise Unreadable("the answer ends too soon") from error
    finally:
        writer.transport.abort()
