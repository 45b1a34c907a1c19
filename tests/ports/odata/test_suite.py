"""The connector `odata` on a small service of our own, against the conformance suite: each kind of key and answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.registry import connect
from accord.testing import ConnectorSuite, Harness
from tests.ports.odata.described import described
from tests.ports.odata.service import Service


class ServiceSuite(ConnectorSuite):
    """A new service for each test."""

    service: dict[str, Any] = {}
    datatype = "version: etag"
    text = "Name"
    unmapped = "Note"

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @contextmanager
    def make(self) -> Iterator[Harness]:
        service = Service(**self.service)
        said = f"order: {{set: Orders, id: Id, find: [Name, Ship.City, Code]{self.datatype and ', '}{self.datatype}}}"
        yield Harness(
            connector=connect(described(service.url, self.folder, said)),
            datatype="order",
            text=self.text,
            unmapped=self.unmapped,
            decimal="Price",
            unique="Code",
            insert=service.insert,
            edit=service.edit,
            delete=service.delete,
            get=service.get,
            around=service,
        )


class TestNumbers(ServiceSuite):
    """Whole numbers as keys, ETags, changes by time."""

    datatype = "version: etag, modified: ChangedAt, order: true"


class TestGuids(ServiceSuite):
    """GUIDs, and text inside a complex type."""

    service = {"key": "Guid"}
    text = "Ship.City"


class TestTexts(ServiceSuite):
    """Keys of text with a quote, a slash and a per cent sign; our own key; nothing but a 204 for what was written."""

    datatype = "version: etag, key_property: Ref"
    service = {"key": "String", "representation": False}


class TestDeltas(ServiceSuite):
    """Changes by delta links."""

    datatype = "version: etag, changes: delta"


class TestWithoutETags(ServiceSuite):
    """Read, compare, write; a PATCH without If-Match would make a record that is gone again."""

    service = {"etags": False}
    datatype = ""
