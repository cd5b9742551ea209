"""Bytes that nobody should send, over a real socket to the running product: an answer or an end, never a failure.

Every story starts from requests that make sense and breaks them: pieces cut out, doubled, moved, foreign bytes put in,
sent in parts. After each, the next honest request on a fresh connection works.
"""

from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings, strategies as st

from tests.path.server import TOKEN, Tocsin

pytestmark = pytest.mark.slow

HOST = b"Host: 127.0.0.1\r\n"
ALERT = b'[{"labels":{"alertname":"Fuzz"}}]'
HONEST = (
    b"POST /api/v2/alerts HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(ALERT) + ALERT,
    b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n",
    b"GET /api/v2/alerts?filter=a%3Db HTTP/1.1\r\n" + HOST + b"\r\n",
    b"POST /in/generic/"
    + TOKEN.encode()
    + b" HTTP/1.1\r\n"
    + HOST
    + b"Content-Length: 15\r\n\r\n"
    + b'{"title":"abc"}',
    b"POST /api/v2/silences HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n4\r\n{}  \r\n0\r\n\r\n",
    b"POST /v2/enqueue HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    b"GET /sign-in HTTP/1.0\r\nCookie: tocsin_session=x; tocsin_session=\r\nAuthorization: Basic \xff\r\n\r\n",
    b"GET /status?token=%ff%00 HTTP/1.1\r\n" + HOST + b"Range: bytes=0-1\r\nIf-None-Match: *\r\n\r\n",
)
PIECES = (
    *(b"\r\n", b"\n", b"\r", b"\0", b"\xff", b" ", b"\t", b":", b"%", b"%0d%0a", b"HTTP/1.1", b"HTTP/0.9", b"HTTP/2.0"),
    *(b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"Content-Length: 0x10\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"transfer-encoding:\x0bchunked\r\n"),
    *(b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"Content-Encoding: br\r\n"),
    *(
        b"Connection: close\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Upgrade: h2c\r\n",
        b"Expect: 200\r\n",
    ),
    *(b"Host: evil.example\r\n", b"X: " + b"a" * 33_000 + b"\r\n", b"X-Forwarded-For: 127.0.0.1\r\n"),
    *(b"0\r\n\r\n", b"ffffffffffffffff\r\n", b"1;a=b\r\nx\r\n", b"-1\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"GET ", b"POST ", b"HEAD ", b"OPTIONS * ", b"TRACE ", b"PUT ", b"DELETE ", b"//", b"/../", b"http://x/"),
)


@st.composite
def broken(draw: st.DrawFn) -> list[bytes]:
    """A few honest requests on one line, broken in up to eight places, in parts."""
    data = bytearray(b"".join(draw(st.lists(st.sampled_from(HONEST), min_size=1, max_size=3))))
    for _ in range(draw(st.integers(0, 8))):
        at = draw(st.integers(0, len(data)))
        upto = min(len(data), at + draw(st.integers(0, 40)))
        match draw(st.sampled_from(("put", "cut", "double", "replace", "move"))):
            case "put":
                data[at:at] = draw(st.sampled_from(PIECES))
            case "cut":
                del data[at:upto]
            case "double":
                data[at:at] = data[at:upto]
            case "replace":
                data[at:upto] = draw(st.binary(max_size=8))
            case _:
                piece = data[at:upto]
                del data[at:upto]
                to = draw(st.integers(0, len(data)))
                data[to:to] = piece
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    edges = [0, *cuts, len(data)]
    return [bytes(data[start:end]) for start, end in itertools.pairwise(edges) if start < end]


@pytest.fixture(scope="module")
def tocsin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tocsin]:
    started = Tocsin(tmp_path_factory.mktemp("fuzz"))
    yield started
    started.stop()


def told(port: int, parts: list[bytes]) -> bytes:
    """What the server says to these bytes, until it has nothing more to say."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        said = b""
        try:
            for part in parts:
                line.sendall(part)
            line.shutdown(socket.SHUT_WR)
            line.settimeout(0.25)  # an answer takes a few ms; what waits for more bytes never ends by itself
            while more := line.recv(65536):
                said += more
        except (TimeoutError, ConnectionError, OSError):
            pass
        return said


@settings(max_examples=400)
@given(broken())
def test_no_bytes_make_it_fail_or_hang(tocsin: Tocsin, parts: list[bytes]):
    said = told(tocsin.port, parts)

    statuses = re.findall(rb"HTTP/1\.1 (\d{3}) ", said)
    assert said == b"" or statuses, said[:200]
    assert not [each for each in statuses if each.startswith(b"5") and each != b"503"], said[:500]
    assert tocsin.client.get("/health").status_code == 200


def test_nothing_of_that_was_an_error_of_the_log(tocsin: Tocsin):
    log = (tocsin.folder / "serve.log").read_text()

    assert "Traceback" not in log and " ERROR " not in log and "CRITICAL" not in log, log[-3000:]
