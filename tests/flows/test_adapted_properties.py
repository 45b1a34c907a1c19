"""One row against two properties: a full name on one side, first and last name on the other."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.config.meaning import Property
from accord.connectors.adapter import Form, join_parts, take_apart
from accord.connectors.memory import Behaviour
from accord.connectors.registry import connect
from accord.errors import ProjectFileError
from accord.model import OutcomeKind, Record
from accord.ports import Expects
from tests.flows.world import World, row

NAME = {"parts": ["first_name", "last_name"]}


def joined(split: str = "last", join: str = " ", parts: tuple[str, ...] = ("a", "b")) -> Property:
    return Property(path="whole", parts=parts, join=join, split=split)


@pytest.mark.parametrize(
    ("split", "value", "parts"),
    [
        ("last", "Kari Nordmann", ("Kari", "Nordmann")),
        ("last", "Anna Maria Berg", ("Anna Maria", "Berg")),
        ("last", "Madonna", (None, "Madonna")),
        ("first", "Anna Maria Berg", ("Anna", "Maria Berg")),
        ("first", "Madonna", ("Madonna", None)),
        ("number", "Lange gate 12 B", ("Lange gate", "12 B")),
        ("number", "Torget", ("Torget", None)),
        ("number", "17. mai gate 3", ("17. mai gate", "3")),
        ("last", None, (None, None)),
        ("last", "", ("", "")),
    ],
)
def test_a_value_is_taken_apart_and_read_again(split: str, value: Any, parts: tuple[Any, Any]) -> None:
    """By the last word, the first, or where a number begins; null and empty stay apart."""
    one = joined(split)
    assert tuple(take_apart(one, value, {}).values()) == parts
    assert join_parts(one, dict(zip("ab", parts, strict=True))) == {"whole": value}


@given(
    st.text(st.sampled_from("aB \t1é.,\u00a0"), max_size=12),
    st.sampled_from(["first", "last", "number"]),
    st.sampled_from([{}, {"a": "", "b": ""}]),
)
def test_what_is_written_is_read_again_or_refused(value: str, split: str, blank: dict[str, Any]) -> None:
    """No value is written in a form that is read as another one."""
    one = joined(split)
    if value == value.strip() and "  " not in value and not set(value) - set("aBé.,1 "):
        assert join_parts(one, take_apart(one, value, blank)) == {"whole": value}
    try:
        parts = take_apart(one, value, blank)
    except ValueError:
        return
    assert join_parts(one, parts) == {"whole": value}


def test_a_part_that_was_not_sent_leaves_the_whole_out() -> None:
    """Absent is no edit."""
    assert join_parts(joined(), {"a": "Kari"}) == {}
    assert join_parts(joined(), {"a": "Kari", "b": None}) == {"whole": "Kari"}
    assert join_parts(joined(), {"a": None, "b": ""}) == {"whole": ""}


@pytest.fixture(params=[None, "version", "where"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """CRM has first and last name, ERP one name."""
    check = Behaviour(version_check=request.param, version="ver" if request.param == "version" else None)
    rows = [{"pms": "full_name", "erp": "name", "name": "name"}, row("city")]
    flows = {"customer": {"pms": "customer", "erp": "customer", "match": [["name"]], "rows": rows}}
    world = World(tmp_path, flows, pms={"customer": check}, erp={"customer": Behaviour()})
    world.file["systems"]["pms"]["datatypes"]["customer"]["properties"] = {"full_name": NAME}
    return world


def person(first: str | None, last: str | None, city: str = "Oslo") -> dict[str, Any]:
    return {"first_name": first, "last_name": last, "city": city}


def test_both_directions(world: World) -> None:
    """Matched, created and edited from either side; the parts are all that the system sees."""
    one = str(world.pms.insert("customer", person("Kari", "Nordmann")))
    world.pms.insert("customer", person("Ola", "Berg"))
    world.erp.insert("customer", {"name": "Kari Nordmann", "city": "Oslo"})
    world.erp.insert("customer", {"name": "Per Anders Lie", "city": "Bergen"})
    world.settle()
    assert world.names("erp") == ["Kari Nordmann", "Ola Berg", "Per Anders Lie"]
    lie = world.records("pms", key="last_name")["Lie"]
    assert (lie["first_name"], lie["city"], "full_name" in lie) == ("Per Anders", "Bergen", False)
    kari = next(id for id, record in world.erp.all("customer").items() if record["name"] == "Kari Nordmann")
    world.erp.edit("customer", kari, {"name": "Kari Berg Moe"})
    world.settle()
    now = world.pms.get("customer", one)
    assert now is not None
    assert (now["first_name"], now["last_name"]) == ("Kari Berg", "Moe")
    world.pms.edit("customer", one, {"first_name": "Karin"})
    world.settle()
    assert "Karin Moe" in world.names("erp")


def test_a_name_parted_otherwise_by_a_person_stays_as_it_is(world: World) -> None:
    """`Anna | van der Berg` is read as the ERP's name, and is never written back as `Anna van der | Berg`."""
    one = str(world.pms.insert("customer", person("Anna", "van der Berg")))
    world.settle()
    world.pms.edit("customer", one, {"city": "Voss"})
    world.settle()
    now = world.pms.get("customer", one)
    assert now is not None
    assert (now["first_name"], now["last_name"]) == ("Anna", "van der Berg")


def test_an_edit_of_a_part_under_way_is_not_overwritten(world: World) -> None:
    """A write expects the text that was planned from, and a delete too."""
    one = str(world.pms.insert("customer", person("Kari", "Nordmann")))
    connector = connect(world.project().systems["pms"])

    async def tried() -> list[OutcomeKind]:
        await connector.open({"customer": ["full_name", "city"]})
        seen = (await connector.fetch("customer", [one]))[one]
        assert isinstance(seen, Record)
        ground = Expects(natives=seen.natives(), version=seen.version)
        assert ground.natives == {"full_name": "Kari Nordmann", "city": "Oslo"}
        world.pms.edit("customer", one, {"first_name": "Karoline"})
        stale = await connector.update("customer", one, {"full_name": "Kari Moe"}, ground)
        kept = await connector.delete("customer", one, ground)
        now = Expects(natives={"full_name": "Karoline Nordmann"})
        done = await connector.update("customer", one, {"full_name": "Karoline Moe"}, now)
        world.pms.delete("customer", one)
        gone = await connector.update("customer", one, {"full_name": "Kari Moe"}, now)
        already = await connector.delete("customer", one, now)
        return [stale.kind, kept.kind, done.kind, gone.kind, already.kind]

    assert [kind.value for kind in asyncio.run(tried())] == ["stale", "stale", "applied", "stale", "already"]


def test_what_cannot_be_taken_apart_is_held(world: World) -> None:
    """Nothing is written; the reason names the parts."""
    world.erp.insert("customer", {"name": "Kari ", "city": "Oslo"})
    world.round()
    assert world.names("pms", key="city") == []
    assert "first_name and last_name" in world.one_held("rejected").reason


def test_a_property_is_written_under_another_name_and_left_out_where_it_is_null(world: World) -> None:
    """As systems do that show `owner.id` and take `owner_id`, and leave out what is empty."""
    told = world.file["systems"]["pms"]["datatypes"]["customer"]
    told["properties"] = {
        "owner.id": {"write_as": "owner_id", "null_when_absent": True},
        "effort.seconds": {"write_with": {"effort.kind": "duration"}, "null_when_absent": True},
    }
    world.flow["rows"] = [row("city"), {"pms": "owner.id", "erp": "owner", "name": "owner"}]
    world.flow["match"] = [["city"]]
    one = str(world.pms.insert("customer", {"city": "Oslo"}))
    two = str(world.pms.insert("customer", {"city": "Voss", "owner": {"id": 7}}))
    connector = connect(world.project().systems["pms"])

    written: list[Any] = []

    async def seen() -> list[Any]:
        await connector.open({"customer": ["owner.id", "city"]})
        found = await connector.fetch("customer", [one, two])
        records = [record for record in found.values() if isinstance(record, Record)]
        done = await connector.update("customer", one, {"owner.id": 8}, Expects(natives=records[0].natives()))
        assert done.kind is OutcomeKind.APPLIED
        for effort in (5, None):
            await connector.update("customer", one, {"effort.seconds": effort}, Expects())
            written.append((world.pms.get("customer", one) or {})["effort"])
        return [record.natives() for record in records]

    assert asyncio.run(seen()) == [{"owner.id": None, "city": "Oslo"}, {"owner.id": 7, "city": "Voss"}]
    now = world.pms.get("customer", one)
    assert now is not None
    assert (now["owner_id"], now.get("owner")) == (8, None)
    assert written == [{"seconds": 5, "kind": "duration"}, None]


@pytest.mark.parametrize(
    ("stated", "shown", "meant"),
    [
        ({"link": "/v3/projects/{id}", "type": "integer"}, "/base/v3/projects/7", 7),
        ({"link": "/v3/projects/{id}"}, "/base/v3/projects/a%2Fb", "a/b"),
        ({"link": "/v3/projects/{id}/it"}, "/base/v3/projects/7/it", "7"),
        ({"link": "/v3/projects/{id}", "type": "integer"}, "/base/v3/projects/007", "/base/v3/projects/007"),
        ({"link": "/v3/projects/{id}", "type": "integer"}, "/base/v3/users/7", "/base/v3/users/7"),
        ({"link": "/v3/projects/{id}", "type": "integer"}, "/v3/projects/7", "/v3/projects/7"),
        ({"link": "/v3/projects/{id}"}, "urn:hidden", "urn:hidden"),
        ({"link": "/v3/projects/{id}"}, None, None),
        ({"link": "http://x/{id}"}, "http://x/7", "7"),
        ({"null_as": False}, False, None),
        ({"null_as": False}, "x", "x"),
        ({"null_as": 0, "type": "integer"}, 0, None),
        ({"null_as": ""}, "", None),
    ],
)
def test_a_value_in_another_form_is_read_and_written_the_same(stated: dict[str, Any], shown: Any, meant: Any) -> None:
    """Addresses for ids, false for null; what is no such address stays whole."""
    form = Form(Property(path="p", **stated), "/base")
    read = form.read(shown)
    assert (read, type(read)) == (meant, type(meant))
    assert form.write(read) == shown


def test_zero_is_not_false() -> None:
    """Only the very value stands for null."""
    assert Form(Property(path="p", null_as=False), "").read(0) == 0
    assert Form(Property(path="p", null_as=0), "").read(False) is False


def test_a_write_expects_the_form_that_the_system_shows(world: World) -> None:
    """An address, and false for null: an edit in between is stale, a write changes only its own."""
    told = world.file["systems"]["pms"]["datatypes"]["customer"]
    told["properties"] = {"owner": {"link": "/users/{id}", "type": "integer"}, "note": {"null_as": False}}
    one = str(world.pms.insert("customer", {"city": "Oslo", "owner": "/users/7", "note": False}))
    connector = connect(world.project().systems["pms"])

    async def tried() -> list[Any]:
        await connector.open({"customer": ["owner", "note"]})
        seen = (await connector.fetch("customer", [one]))[one]
        assert isinstance(seen, Record)
        ground = Expects(natives=seen.natives())
        done = [await connector.update("customer", one, {"owner": 8}, ground)]
        done.append(await connector.update("customer", one, {"owner": None}, ground))
        done.append(
            await connector.update("customer", one, {"note": None}, Expects(natives={"owner": 8, "note": None}))
        )
        found = await connector.find("customer", {"owner": 8})
        return [seen.natives(), [outcome.kind.value for outcome in done], [record.id for record in found]]

    assert asyncio.run(tried()) == [{"owner": 7, "note": None}, ["applied", "stale", "applied"], [one]]
    now = world.pms.get("customer", one)
    assert now is not None
    assert (now["owner"], now["note"]) == ("/users/8", False)


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"full_name": {"parts": ["first_name"]}}, "at least 2"),
        ({"full_name": {"parts": ["a", "a"]}}, "the same part twice"),
        ({"full_name": {"split": "last"}}, "add `parts"),
        ({"full_name": {**NAME, "write_as": "x"}}, "remove `write_as`"),
        ({"full_name": {"parts": ["a", "b", "c"], "split": "number"}}, "two parts"),
        ({"full_name": {**NAME, "type": "integer"}}, "is text"),
        ({"full_name": {**NAME, "null_as": ""}}, "of its parts"),
        ({"x": {"link": "/users"}}, "one {id} in it"),
        ({"full_name": NAME, "x": {"parts": ["full_name", "b"]}}, "of the system itself"),
        ({"full_name": {"parts": ["city", "b"]}}, "written by the row"),
    ],
)
def test_what_makes_no_sense_is_refused(world: World, properties: dict[str, Any], said: str) -> None:
    """With what is allowed."""
    world.file["systems"]["pms"]["datatypes"]["customer"]["properties"] = properties
    with pytest.raises(ProjectFileError, match=said):
        world.project()
