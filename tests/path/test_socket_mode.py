"""Slack's Socket Mode, with Slack's own client on our side and a socket of ours on Slack's."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

import pytest

from tests.path.harness import PEOPLE, POLICY, World, until
from tests.senders.fake_slack import APP, BOT, FakeSlack
from tests.senders.servers import Reader, Writer

pytestmark = pytest.mark.slow
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455


class SocketSlack(FakeSlack):
    """Opens the socket that it names, and sends what `outgoing` holds; `incoming` is what came back."""

    def __init__(self, outgoing: list[dict[str, Any]]) -> None:
        super().__init__()
        self.outgoing = outgoing
        self.incoming: list[dict[str, Any]] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        peeked = await reader.readuntil(b"\r\n\r\n")
        if not peeked.startswith(b"GET /socket"):
            fed = Reader()
            fed.feed_data(peeked)
            length = next(
                (int(line[15:]) for line in peeked.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
            )
            fed.feed_data(await reader.readexactly(length))
            await super().__call__(fed, writer)
            return
        key = next(
            line[18:].strip() for line in peeked.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:")
        )
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        for each in [{"type": "hello", "num_connections": 1}, *self.outgoing]:
            writer.write(framed(json.dumps(each).encode()))
        await writer.drain()
        while True:
            opcode, payload = await unframed(reader)
            if opcode == 1:
                self.incoming.append(json.loads(payload))
            elif opcode == 9:
                writer.write(framed(payload, opcode=10))
            elif opcode == 8:
                return


def header(head: bytes, name: bytes) -> bytes:
    lines = (line.partition(b":") for line in head.split(b"\r\n"))
    return next((value.strip() for key, _, value in lines if key.lower() == name), b"")


def framed(payload: bytes, *, opcode: int = 1) -> bytes:
    size = bytes([len(payload)]) if len(payload) < 126 else b"\x7e" + struct.pack(">H", len(payload))
    return bytes([0x80 | opcode]) + size + payload


async def unframed(reader: Reader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        (size,) = struct.unpack(">H", await reader.readexactly(2))
    mask = await reader.readexactly(4)
    payload = await reader.readexactly(size)
    return first & 0x0F, bytes(each ^ mask[n % 4] for n, each in enumerate(payload))


def test_a_command_over_the_socket_is_answered_once(shop: World) -> None:
    command = {"command": "/incident", "text": 'create "Disk full - P2"', "user_id": "UANA", "trigger_id": "7.7"}
    envelope = {"envelope_id": "e1", "type": "slash_commands", "payload": command, "accepts_response_payload": True}
    slack = SocketSlack([envelope, envelope])
    slack.port = shop.servers.serve(slack)
    people = PEOPLE.replace('methods = ["ana@example.org"]', 'methods = ["slack:UANA"]')
    settings = f'\n[slack]\nbot_token = "{BOT}"\napp_token = "{APP}"\napi_url = "{slack.url.rstrip("/")}"\n'

    tocsin = shop.tocsin(people=people + settings, policy=POLICY)

    answers = until(lambda: slack.incoming[:2] if len(slack.incoming) > 1 else None, 30, what="two answers")
    assert {each["envelope_id"] for each in answers} == {"e1"}
    assert sum("is open as P2" in json.dumps(each) for each in answers) == 1
    incident = tocsin.incident()
    assert (incident["title"], incident["severity"]) == ("Disk full", "P2")
