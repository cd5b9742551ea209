"""An S3 of our own: objects in memory, every request's Signature Version 4 verified from what arrived on the wire."""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

ACCESS, SECRET, REGION, BUCKET = "AKIATESTTESTTESTTEST", "a/secret+key", "eu-test-1", "evidence"
PAGE = 3  # objects in one page of a listing
SAID = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)"
)


class Bucket:
    """`fails`: what the next requests are answered with. `requests`: method, path, status."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, datetime]] = {}
        self.requests: list[tuple[str, str, int]] = []
        self.fails: list[int] = []
        self.now = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
        self.url = ""


@contextmanager
def s3() -> Iterator[Bucket]:
    bucket = Bucket()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            wrong = refusal(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            if wrong:
                return self.say(403, f"<Error><Code>{wrong}</Code></Error>".encode())
            if bucket.fails:
                return self.say(bucket.fails.pop(0), b"<Error><Code>SlowDown</Code></Error>")
            parts = urlsplit(self.path)
            where, _, key = unquote(parts.path).removeprefix("/").partition("/")
            if where != BUCKET:
                return self.say(404, b"<Error><Code>NoSuchBucket</Code></Error>")
            if not key:
                return self.say(200, listing(bucket, dict(parse_qsl(parts.query))))
            match self.command:
                case "PUT":
                    bucket.objects[key] = (body, bucket.now)
                    return self.say(200, b"")
                case "DELETE":
                    bucket.objects.pop(key, None)
                    return self.say(204, b"")
            if key not in bucket.objects:
                return self.say(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return self.say(200, bucket.objects[key][0])

        do_GET = do_PUT = do_DELETE = do_HEAD = answer_any

        def say(self, status: int, body: bytes) -> None:
            bucket.requests.append((self.command, self.path, status))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    bucket.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield bucket
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def refusal(method: str, target: str, headers: dict[str, str], body: bytes) -> str:
    """Why S3 would refuse this request, or nothing."""
    said = SAID.fullmatch(headers.get("authorization", ""))
    if said is None:
        return "AccessDenied"
    access, day, region, names, signature = said.groups()
    if (access, region) != (ACCESS, REGION):
        return "InvalidAccessKeyId"
    if "host" not in names.split(";") or "x-amz-date" not in names.split(";"):
        return "AccessDenied"
    digest = headers["x-amz-content-sha256"]
    if digest != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    parts = urlsplit(target)
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(parts.query, True)
    )
    canonical = "\n".join(
        [
            method,
            quote(unquote(parts.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names.split(";")),
            "",
            names,
            digest,
        ]
    )
    stamp = headers["x-amz-date"]
    text = (
        f"AWS4-HMAC-SHA256\n{stamp}\n{day}/{region}/s3/aws4_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    key = ("AWS4" + SECRET).encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return "" if hmac.compare_digest(expected, signature) and stamp.startswith(day) else "SignatureDoesNotMatch"


def listing(bucket: Bucket, query: dict[str, str]) -> bytes:
    after = query.get("continuation-token", "")
    names = sorted(name for name in bucket.objects if name.startswith(query.get("prefix", "")) and name > after)
    page, more = names[:PAGE], len(names) > PAGE
    items = "".join(
        f"<Contents><Key>{escape(name)}</Key><LastModified>{bucket.objects[name][1]:%Y-%m-%dT%H:%M:%S.000Z}</LastModified>"
        f"<Size>{len(bucket.objects[name][0])}</Size></Contents>"
        for name in page
    )
    token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
    space = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<?xml version="1.0"?><ListBucketResult xmlns="{space}">{items}{token}</ListBucketResult>'.encode()
