"""Addresses that are never contacted, whoever configured them: link-local ones, and where clouds keep credentials.

Every answer of the name service is checked, and the connection goes to the address that was checked, so that a name
cannot change between the two. Private and loopback addresses are allowed: it is the administrator who writes them.
Behind a `proxy` the names are looked up there, and only literal addresses can be checked here.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from accord.errors import MendFile, Unreachable

FORBIDDEN = tuple(
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local; metadata of AWS, Azure, Google, …
        "fe80::/10",  # link-local
        "fd00:ec2::254/128",  # metadata of AWS
        "fd20:ce::254/128",  # metadata of Google
        "100.100.100.200/32",  # metadata of Alibaba
        "192.0.0.192/32",  # metadata of Oracle
        "168.63.129.16/32",  # Azure's own channel into its machines
    )
)
NAT64 = ip_network("64:ff9b::/96")


def is_forbidden(text: str) -> bool:
    """Whether an address must not be contacted; False for a name."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(form in network for form in _forms(address) for network in FORBIDDEN)


def _forms(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, and the IPv4 address that is inside an IPv6 one."""
    if isinstance(address, IPv4Address):
        return [address]
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return [IPv6Address(int(address)), *([inner] if inner else [])]


def require_allowed(url: str, where: str) -> None:
    """Raises MendFile when the host is written as an address that is never contacted."""
    host = URL(url).host or ""
    if is_forbidden(host):
        raise MendFile(f"{where}: {host} is a link-local or metadata address, which is never contacted")


class CheckedResolver(AbstractResolver):
    """Another resolver, whose answers are checked. Raises Unreachable if any of them is forbidden."""

    def __init__(self, system: str, inner: AbstractResolver) -> None:
        self._system = system
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses of a name, all of them allowed."""
        found = await self._inner.resolve(host, port, family)
        for result in found:
            if is_forbidden(result["host"]):
                raise Unreachable(
                    self._system,
                    f"{host} has the address {result['host']}, which is link-local or holds credentials",
                    hint="it was not contacted; look at the name service",
                )
        return found

    async def close(self) -> None:
        """Let go of the other resolver."""
        await self._inner.close()
