"""Where a system may be: anywhere but at link-local and metadata addresses, whatever its name says."""

import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from accord.connectors.rest.addresses import is_forbidden
from accord.connectors.rest.client import Client
from accord.connectors.rest.connector import RestConnector
from accord.connectors.rest.options import read_system
from accord.errors import MendFile, Unreachable

from .fake import Fake, raw, system


class Names(AbstractResolver):
    """A name service whose answers a test writes down."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


async def asked(fake: Fake, names: Names) -> int:
    """The status of one request to a name."""
    described = system(fake.url.replace("127.0.0.1", "pms.example.org"))
    client = Client(described, read_system(described), names)
    client.open()
    try:
        return (await client.attempt("GET", client.url("/things"))).status
    finally:
        await client.close()


@pytest.mark.parametrize(
    "address",
    [
        *("169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200"),
        *("::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"),
    ],
)
def test_link_local_and_metadata_addresses_are_forbidden_in_every_form(address: str) -> None:
    """Also inside an IPv6 address."""
    assert is_forbidden(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "fd00::1", "8.8.8.8", "a.example"])
def test_private_and_loopback_addresses_are_allowed(address: str) -> None:
    """The one who configures a system may have it in the next room."""
    assert not is_forbidden(address)


@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]"])
def test_a_base_url_or_proxy_at_such_an_address_must_be_mended(host: str) -> None:
    """Even though somebody wrote it into the file."""
    with pytest.raises(MendFile, match=r"base_url.*never contacted"):
        RestConnector(system(f"http://{host}/latest"))
    with pytest.raises(MendFile, match=r"proxy.*never contacted"):
        RestConnector(system("http://pms.example.org", proxy=f"http://{host}:3128"))


async def test_a_name_that_leads_to_such_an_address_is_not_contacted(fake: Fake) -> None:
    """One among several is enough: the next connection might go there."""
    fake.on("GET /things", raw("[]"))
    with pytest.raises(Unreachable, match=r"has the address 169\.254\.169\.254"):
        await asked(fake, Names("127.0.0.1", "169.254.169.254"))
    with pytest.raises(Unreachable, match="has the address fe80::1"):
        await asked(fake, Names("fe80::1"))
    assert fake.calls == []


async def test_the_connection_goes_to_the_address_that_was_checked(fake: Fake) -> None:
    """The name is looked up once, and not a second time to connect."""
    fake.on("GET /things", raw("[]"))
    names = Names("127.0.0.1")
    assert await asked(fake, names) == 200
    assert names.asked == 1
    assert fake.calls[0].headers["Host"].startswith("pms.example.org")
