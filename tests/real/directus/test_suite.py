"""The preset against the conformance suite, on a real Directus, and against its own OpenAPI document."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.connectors.rest.options import read_datatype
from accord.model import Absence, Record
from accord.testing import ConnectorSuite, Harness
from tests.presets.rounds import described
from tests.presets.test_facts import params_of
from tests.real.directus.instance import Directus


def system(directus: Directus, folder: Path, **datatypes: Any) -> System:
    """A Directus as a project file names it."""
    said = {"connector": "directus", "base_url": directus.url, "auth": {"token": directus.token}}
    return described(folder, {**said, "datatypes": datatypes})


class DirectusSuite(ConnectorSuite):
    """One collection."""

    collection: str
    more: dict[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _running(self, directus: Directus, tmp_path: Path) -> None:
        self.directus, self.folder = directus, tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        directus, name = self.directus, self.collection
        yield Harness(
            connector=connect(system(directus, self.folder, **{name: self.more})),
            datatype=name,
            text="notes",
            unmapped="name",
            unique="number",
            decimal="price",
            insert=lambda natives: directus.insert(name, natives),
            edit=lambda id, natives: directus.edit(name, id, natives),
            delete=lambda id: directus.delete(name, id),
            get=lambda id: directus.get(name, id),
        )


class TestCustomers(DirectusSuite):
    """As a collection is that only its name is said of: its ids are UUIDs."""

    collection = "customers"


class TestCustomersWithTimesAndKey(DirectusSuite):
    """With a time of the last change that is filled at creation, too, and a field for the key of a create."""

    collection = "customers"
    more = {"modified": "date_updated", "key_property": "accord_key"}


class TestCounted(DirectusSuite):
    """With whole numbers as ids."""

    collection = "counted"

    def test_fetch_answers_every_id(self) -> None:
        """An id that is no number is a 400: nothing is known of it, and so nothing follows from it."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            found = await h.connector.fetch(h.datatype, [id, "999999", "no such/id ?&"])
            assert isinstance(found[id], Record)
            assert (found["999999"], found["no such/id ?&"]) == (Absence.GONE, Absence.FAILED)

        self.run(test)


def test_what_the_preset_names_is_in_the_document_of_directus_itself(directus: Directus, tmp_path: Path) -> None:
    """Every path, method, parameter, and where the records are."""
    document = directus("GET", "/server/specs/oas").json
    datatype = system(directus, tmp_path, customers={"key_property": "accord_key"}).datatypes["customers"]
    options = read_datatype(datatype)
    paths = document["paths"]
    listing = paths[options.listing.path]["get"]
    known = {name_of(document, one) for one in listing["parameters"]}
    search = options.find.param if options.find else None
    assert set(params_of(options.listing, search)) <= known
    assert {part.partition("[")[0].partition("=")[0] for part in options.get.path.partition("?")[2].split("&")} <= known
    answer = listing["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    assert {"data", "meta"} <= set(answer)
    one = "/items/customers/{id}"
    assert "post" in paths[options.create.path]
    assert (options.update.method, options.update.path, options.delete.path) == ("PATCH", one, one)
    assert {"patch", "delete"} <= set(paths[one])
    item = document["components"]["schemas"]["ItemsCustomers"]["properties"]
    assert {"id", "date_created", "date_updated"} <= set(item)


def name_of(document: dict[str, Any], parameter: dict[str, Any]) -> str:
    """The name of a parameter, which may stand elsewhere in the document."""
    if "$ref" in parameter:
        return str(document["components"]["parameters"][parameter["$ref"].rpartition("/")[2]]["name"])
    return str(parameter["name"])
