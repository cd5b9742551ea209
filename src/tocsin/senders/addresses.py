"""Where messages may go: a host name is resolved once, every address is judged, and the judged one is connected to.

An address is judged, never a string: `getaddrinfo` turns 2130706433, 0x7f000001 and 127.1 into 127.0.0.1. An IPv6
address that carries an IPv4 one (mapped, compatible, 6to4, NAT64) is judged by both.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

import anyio
import httpcore2

from tocsin.threads import Threads

Reach = Literal["public", "private", "never"]
Address = IPv4Address | IPv6Address

RESOLVERS_MAX = 16  # threads that wait for name servers; a dead one must not hold up the other names
ADDRESSES_MAX = 4  # of one name that are tried, one after the other, within the connect timeout

_NEVER = tuple(
    ip_network(net)
    for net in (
        "0.0.0.0/8",  # "this host"
        "169.254.0.0/16",  # link-local, and the metadata service of most clouds
        "100.100.100.200/32",  # Alibaba's metadata service
        "192.0.0.192/32",  # Oracle's metadata service
        "168.63.129.16/32",  # Azure's wire server
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::254/128",  # Amazon's metadata service
        "64:ff9b:1::/48",  # local-use NAT64: what it leads to cannot be known
        "2001::/32",  # Teredo
        "100::/64",  # discard only
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


class Forbidden(Exception):
    """The address may not be connected to; the text says which, why, and what would allow it."""


def reach(address: Address) -> Reach:
    """Whether an address is on the public internet, on a private network, or one that no message ever goes to."""
    if any(address in net for net in _NEVER if net.version == address.version):
        return "never"
    inner = _carried(address)
    if inner is not None:
        return reach(inner)
    return "public" if address.is_global else "private"


def _carried(address: Address) -> IPv4Address | None:
    if not isinstance(address, IPv6Address) or address == IPv6Address("::1"):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


_ONLY: list[str] = []  # of the process, for every organisation in it


def only(hosts: Iterable[str]) -> None:
    """From now on HTTP goes to these hosts and to no others, `*.example.org` being all below that name; where none is
    named, to any whose address is fit. Said once, at the start."""
    _ONLY[:] = [each.strip().casefold().rstrip(".") for each in hosts]


def may_be_called(host: str) -> bool:
    """Whether `only` leaves this host. For what the operator named: its address is not judged."""
    return not _ONLY or listed(host, _ONLY)


def listed(host: str, hosts: Iterable[str]) -> bool:
    """Whether a host is one of these."""
    said = host.casefold().rstrip(".")
    return any(said.endswith(each[1:]) if each.startswith("*.") else said == each for each in hosts)


def judged(host: str, addresses: Iterable[str], *, allow_private: bool) -> list[str]:
    """The addresses of `host`, when all of them may be connected to.

    One bad address forbids the name: a name that leads to both a public and an internal address is how such checks are
    got around. Raises Forbidden.
    """
    found = list(dict.fromkeys(addresses))
    for text in found:
        kind = reach(ip_address(text.partition("%")[0]))
        if kind == "never":
            raise Forbidden(f"{host} leads to {text}, a link-local, metadata or reserved address; never connected to")
        if kind == "private" and not allow_private:
            raise Forbidden(f"{host} leads to {text}, a private address; `[webhook] allow_private = true` allows those")
    return found


class Guard(httpcore2.AnyIOBackend):
    """Opens connections for HTTP senders. The name in the URL stays the Host and the TLS server name."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._resolvers = Threads("resolve", RESOLVERS_MAX)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection to one of the judged addresses of `host`. Raises Forbidden, or what httpcore2 raises."""
        options = list(socket_options or [])
        if not may_be_called(host):  # before its name is asked of anybody
            raise Forbidden(f"{host} is not among the hosts of `[server] outgoing_hosts`")
        try:
            with anyio.fail_after(timeout):
                addresses = judged(host, await self._resolve(host, port), allow_private=self._allow_private)
                return await self._first(addresses[:ADDRESSES_MAX], port, timeout, local_address, options)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(f"no connection to {host} within {timeout} s") from error

    async def _first(
        self,
        addresses: list[str],
        port: int,
        timeout: float | None,
        local_address: str | None,
        options: list[httpcore2.SOCKET_OPTION],
    ) -> httpcore2.AsyncNetworkStream:
        """The first address that answers; each has its share of the time, so that a dead one does not use it all."""
        share = timeout / len(addresses) if timeout is not None else None
        for address in addresses[:-1]:
            try:
                return await super().connect_tcp(address, port, share, local_address, options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await super().connect_tcp(addresses[-1], port, timeout, local_address, options)

    async def _resolve(self, host: str, port: int) -> list[str]:
        try:
            found = await self._resolvers.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"the name {host} cannot be resolved: {error}") from error
        return [str(each[4][0]) for each in found]
