"""Connections for probes: a name is resolved where a dead name server holds up nobody, and within one time for all.

Whoever writes tocsin.toml says where probes go, as with any monitoring: private addresses are what they are for. What
is kept from them is what the operator did not say: another host that an answer leads to, and hosts outside
`[server] outgoing_hosts`.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache

import anyio
import httpcore2
import msgspec

from tocsin.core.probe import UNABLE, Problem
from tocsin.threads import Threads

RESOLVERS_MAX = 16  # threads that wait for name servers; a dead one must not hold up the other names
ADDRESSES_MAX = 4  # of one name that are tried, one after the other
ADDRESS_SECONDS = 4.0  # for each but the last

CERTIFICATE_HAS_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED, of the leaf or of one above it


class Unreachable(Exception):
    """No connection: the text says why, as the end of a sentence that begins with a probe's name."""


class Distrusted(Exception):
    """The certificate proves nothing: the text says why. `code` is OpenSSL's, `url` what was asked, if anything."""

    url = ""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look found, before anybody says how long it took."""

    found: dict[str, Problem | None]
    evidence: dict[str, str] = {}
    expires_at: datetime | None = None


class Reach:
    """How probes get somewhere. `allowed`: whether a host may be called at all; `judged`: its addresses, where all of
    them may be connected to, else OSError says why. Made once per event loop."""

    def __init__(
        self,
        allowed: Callable[[str], bool] = lambda host: True,
        judged: Callable[[str, list[str]], list[str]] = lambda host, addresses: addresses,
    ) -> None:
        self._allowed, self._judged = allowed, judged
        self._resolvers = Threads("probe-resolve", RESOLVERS_MAX)

    async def addresses(self, host: str, port: int) -> list[str]:
        """What the machine's own resolver says. Raises Unreachable."""
        if not self._allowed(host):
            raise Unreachable(f"{UNABLE}{host} is not among the hosts of `[server] outgoing_hosts`")
        try:
            found = await self._resolvers.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"cannot be found: {host}: {_reason(error)}") from error
        try:
            return self._judged(host, list(dict.fromkeys(str(each[4][0]) for each in found)))[:ADDRESSES_MAX]
        except OSError as error:
            raise Unreachable(f"{UNABLE}{error}") from error

    @asynccontextmanager
    async def connection(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[Opened]:
        """An open connection, closed afterwards. Raises Unreachable, Distrusted."""
        opened = await self._opened(host, port, tls)
        try:
            yield opened
        finally:
            opened.writer.transport.abort()  # a server that never says goodbye is not waited for

    async def _opened(self, host: str, port: int, tls: ssl.SSLContext | None) -> Opened:
        addresses = await self.addresses(host, port)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(ADDRESS_SECONDS):
                    return await self._open(host, address, port, tls)
            except (Unreachable, TimeoutError):
                continue
        return await self._open(host, addresses[-1], port, tls)

    async def _open(self, host: str, address: str, port: int, tls: ssl.SSLContext | None) -> Opened:
        try:
            streams = await asyncio.open_connection(address, port, ssl=tls, server_hostname=host if tls else None)
        except (OSError, ssl.SSLError) as error:
            raise failure_of(error, f"{host}:{port}") from error
        return Opened(address=address, reader=streams[0], writer=streams[1])


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    address: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def tls(self) -> ssl.SSLObject | None:
        found = self.writer.get_extra_info("ssl_object")
        return found if isinstance(found, ssl.SSLObject) else None


class Backend(httpcore2.AnyIOBackend):
    """Opens connections for HTTP probes; `address` is where the last one went."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self.address = ""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to the first address of the host that answers. Raises Unreachable, or what httpcore2 raises."""
        addresses = await self._reach.addresses(host, port)
        for address in addresses[:-1]:
            try:
                with anyio.fail_after(ADDRESS_SECONDS):
                    self.address = address
                    return await super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout, TimeoutError):
                continue
        self.address = addresses[-1]
        return await super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


# --- trust -----------------------------------------------------------------------------------------------------------


@cache
def _system_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def trust(ca_file: str | None) -> ssl.SSLContext:
    """Who is believed: the machine's authorities, or those of the file alone, which is read again with every look.

    Raises Unreachable when the file cannot be used.
    """
    if ca_file is None:
        return _system_trust()
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise Unreachable(f"{UNABLE}ca_file {ca_file}: {_reason(error)}") from error


def blind() -> ssl.SSLContext:
    """Believes everybody: to see the certificate that was not believed, and for nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def expiry_of(tls: ssl.SSLObject) -> datetime | None:
    """When the certificate of a believed connection ends."""
    certificate = tls.getpeercert() or {}
    until = certificate.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) if isinstance(until, str) else None


def failure_of(error: BaseException, where: str) -> Unreachable | Distrusted:
    """What an error of a connection says, in words; the error that caused it counts."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Distrusted(cause.verify_message or str(cause), cause.verify_code)
        if isinstance(cause, ssl.SSLError):
            return Unreachable(f"speaks no TLS that we understand: {where}: {_reason(cause)}")
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(f"refuses connections at {where}")
        cause = cause.__cause__ or cause.__context__
    return Unreachable(f"cannot be reached at {where}: {_reason(error)}")


def _reason(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return " ".join(text.split())[:200]
