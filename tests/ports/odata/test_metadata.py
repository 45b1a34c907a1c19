"""`$metadata`: what is read from it, what is refused, and what `accord check` and `discover` say of it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.connectors.odata.literals import Keys, literal
from accord.connectors.odata.metadata import EdmProperty, NoMetadata, read_metadata
from accord.errors import MendFile, ProtocolError
from tests.ports.odata.described import listed, opened
from tests.ports.odata.service import METADATA, Service
from tests.ports.rest.fake import Reply

TEXT = METADATA.replace("{key}", "Int32")
DECLARED = TEXT.partition("?>")[2].replace('Name="Note"', 'Name="&a;"')
LAUGHS = '<!DOCTYPE x [<!ENTITY h "ha"><!ENTITY a "&h;&h;">]>' + DECLARED
OUTSIDE = '<!DOCTYPE x [<!ENTITY o SYSTEM "file:///etc/passwd"><!ENTITY a "ha">]>' + DECLARED


async def test_types_are_those_of_rows(tmp_path: Path) -> None:
    """With lengths, scales, options, what is required, what the service fills in, and what a foreign key names."""
    service = Service()
    async with opened(service, tmp_path) as connector:
        told = (await connector.schema())["order"].properties
    assert {path: one.type for path, one in told.items()} == {
        "Id": "integer",
        "ChangedAt": "datetime",
        "Name": "string",
        "Note": "string",
        "Ref": "string",
        "Code": "string",
        "Price": "decimal(2)",
        "Stock": "integer",
        "State": "enum",
        "Due": "date",
        "Effort": "duration",
        "Ship.City": "string",
        "Tags[]": "list(string)",
        "CustomerId": "integer",
    }
    assert (told["Code"].required, told["Code"].max_length, told["Name"].required) == (True, 20, False)
    assert (told["Id"].read_only, told["Id"].required) == (True, False)
    assert told["State"].values == ("Open", "Done")
    assert told["CustomerId"].note == "refers to Customers.Id"


async def test_every_set_is_discovered(tmp_path: Path) -> None:
    """That of the file with a sample; others with the keys that a file would say; one with two keys without records."""
    service = Service()
    async with opened(service, tmp_path) as connector:
        service.insert({"Name": "a"})
        found = {one.name: one for one in await connector.discover(5)}  # type: ignore[attr-defined]
    assert list(found) == ["order", "Customers", "Lines"]
    assert found["order"].keys == {"set": "Orders", "id": "Id", "modified": "ChangedAt", "version": "etag"}
    assert [record["Name"] for record in found["order"].samples] == ["a"]
    assert found["Lines"].samples == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("set: Order, id: Id", "no entity set 'Order'.*did you mean 'Orders'"),
        ("set: Orders, id: ID", "the key of Orders is 'Id'.*say `id: Id`"),
        ("set: Lines, id: Number", "of one property is needed, and that of Lines is: OrderId, Number"),
    ],
)
async def test_what_does_not_fit_is_said_with_the_key_to_mend(said: str, why: str, tmp_path: Path) -> None:
    """By `accord check` and by a round."""
    async with opened(Service(), tmp_path, said) as connector:
        ((name, fits, message),) = await connector.check()  # type: ignore[attr-defined]
        assert (name, fits) == ("order", False)
        with pytest.raises(MendFile) as caught:
            await listed(connector)
    assert message == f"{caught.value.message}" + (f"; {caught.value.hint}" if caught.value.hint else "")
    assert re.search(why, message)


async def test_check_names_unknown_properties_and_an_unused_etag(tmp_path: Path) -> None:
    """And how many records there are."""
    async with opened(
        Service(), tmp_path, "set: Orders, id: Id", ("Id", "Nmae", "Ship.Town", "Ship.City")
    ) as connector:
        assert await connector.check() == [("order", False, "Orders has no property Nmae, Ship.Town")]  # type: ignore[attr-defined]
    service = Service()
    service.insert({})
    async with opened(service, tmp_path, "set: Orders, id: Id") as connector:
        ((_, fits, message),) = await connector.check()  # type: ignore[attr-defined]
        assert fits
        assert message.startswith("readable, 1 records; the service checks ETags: say `version: etag`")
    service = Service(etags=False)
    service.insert({})
    async with opened(service, tmp_path) as connector:
        ((_, _, message),) = await connector.check()  # type: ignore[attr-defined]
        assert (
            message == "readable, 1 records; no record shows an ETag: leave out `version: etag`, it would check nothing"
        )


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"<html><body>Sign in</body></html>", LAUGHS.encode(), OUTSIDE.encode(), b"<a>" * 100_000]
)
def test_what_is_no_metadata_is_refused(body: bytes) -> None:
    """An HTML page, JSON, entities, half a document."""
    with pytest.raises(NoMetadata, match="no \\$metadata"):
        read_metadata(body)


def test_older_versions_are_refused_by_name() -> None:
    """OData 2 has the same document with another number."""
    with pytest.raises(NoMetadata, match=r"OData 1\.0; version 4"):
        read_metadata(TEXT.replace('Version="4.0"', 'Version="1.0"', 1).encode())


async def test_a_service_that_answers_otherwise_is_a_fault_of_the_service(tmp_path: Path) -> None:
    """A page to sign in at the address of `$metadata`."""
    service = Service()
    service._chosen = lambda call: Reply(b"<html>Sign in</html>")  # type: ignore[method-assign]
    async with opened(service, tmp_path) as connector:
        with pytest.raises(ProtocolError, match="no \\$metadata"):
            await listed(connector)


def test_a_type_that_is_its_own_base_ends() -> None:
    """And a complex type inside itself."""
    looped = TEXT.replace('Name="Thing" Abstract="true"', 'Name="Thing" BaseType="Self.Order"').replace(
        '<Property Name="City"', '<Property Name="Inner" Type="Self.Place"/><Property Name="City"'
    )
    assert "Ship.City" in read_metadata(looped.encode())["Orders"].properties


@given(st.text())
def test_text_in_a_filter_is_only_text(text: str) -> None:
    """Whatever it is: a quote begins it, a quote ends it, and all within are doubled."""
    written = literal(text, EdmProperty(path="a", type="Edm.String")) or ""
    assert (written[0], written[-1]) == ("'", "'")
    assert "'" not in written[1:-1].replace("''", "")
    assert written[1:-1].replace("''", "'") == text


@given(
    st.text(),
    st.sampled_from(["Edm.Int32", "Edm.Guid", "Edm.Date", "Edm.DateTimeOffset", "Edm.Decimal", "Edm.Duration"]),
)
def test_what_is_not_of_the_type_is_not_written(text: str, kind: str) -> None:
    """Only digits, letters and the signs of the type come through."""
    written = literal(text, EdmProperty(path="a", type=kind))
    assert written is None or not set(written) & set(' ()&=/"')


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_key_of_text_comes_back(text: str) -> None:
    """Written into an address it stays in its place, and is found again in one."""
    keys = Keys("Edm.String")
    written = keys.written(text)
    assert written.isascii()
    assert not set(written) & set("/?#()' &")
    assert keys.located(f"http://host/svc/Orders({written})") == text
