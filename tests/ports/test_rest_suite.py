"""The REST connector on both demonstration servers, and on one that can do almost nothing, against the suite."""

import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.meaning import Datatype, System, SystemClock, SystemLimits, VersionCheck
from accord.connectors.rest.bodies import encode, nested
from accord.connectors.rest.connector import RestConnector
from accord.model import Absence, Natives
from accord.testing import ConnectorSuite, Harness, ground
from tests.demo.conftest import Server, start
from tests.ports.rest.fake import system as fake_system
from tests.ports.rest.plain import Plain

BY_PAGES = {"type": "page_number", "page_param": "page", "size_param": "per_page", "size": 10}
BY_CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "cursor", "size_param": "limit", "size": 10}


@pytest.fixture(scope="module")
def pms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """CustomPMS, as its own process."""
    yield from _running("custompms", tmp_path_factory.mktemp("pms"), "--rate", "0")


@pytest.fixture(scope="module")
def erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """CustomERP, as its own process."""
    yield from _running("customerp", tmp_path_factory.mktemp("erp"))


def _running(name: str, folder: Path, *options: str) -> Iterator[Server]:
    server = start(name, folder, *options)
    yield server
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(10) == 0
    assert server.process.stdout is not None
    server.process.stdout.close()


class Person:
    """Somebody who works in a demonstration server, record by record."""

    def __init__(self, server: Server, path: str, id: str) -> None:
        self.server, self.path, self.id = server, path, id

    def insert(self, natives: Natives) -> str:
        return str(self._sent("POST", f"/{self.path}", nested(natives))[self.id])

    def edit(self, id: str, natives: Natives) -> None:
        if self.id == "id":
            self._sent("PATCH", f"/{self.path}/{id}", nested(natives))
        else:
            self._sent("PUT", f"/{self.path}/{id}", {**self.server("GET", f"/{self.path}/{id}").body, **natives})

    def delete(self, id: str) -> None:
        assert self.server("DELETE", f"/{self.path}/{id}").status == 204

    def get(self, id: str) -> Natives | None:
        found = self.server("GET", f"/{self.path}/{id}")
        return _flat(found.body) if found.status == 200 else None

    def _sent(self, method: str, path: str, body: Any) -> Any:
        answer = self.server(method, path, raw=encode(body))
        assert answer.status < 300, answer
        return answer.body


def _flat(body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"contact": {"email": x}}` also has `contact.email`."""
    inner = {
        f"{name}.{key}": part for name, value in body.items() if isinstance(value, dict) for key, part in value.items()
    }
    return {**body, **inner}


class ServerSuite(ConnectorSuite):
    """One datatype of a running server, emptied before each test."""

    tables: tuple[str, ...]
    zone = "UTC"
    path: str
    id = "id"
    meant: dict[str, Any]
    options: dict[str, Any]
    shape: dict[str, Any]
    server: Server

    @contextmanager
    def make(self) -> Iterator[Harness]:
        self.empty()
        person = Person(self.server, self.path, self.id)
        yield Harness(
            connector=RestConnector(self.described()),
            datatype="it",
            insert=person.insert,
            edit=person.edit,
            delete=person.delete,
            get=person.get,
            **{**self.shape, "filled": self.filled()},
        )

    def described(self) -> System:
        """The system as a project file describes it."""
        datatype = Datatype(
            system="demo",
            name="it",
            title="It",
            id=self.id,
            options={"path": f"/{self.path}", **self.options},
            **self.meant,
        )
        return System(
            name="demo",
            title="Demo",
            connector="rest",
            datatypes={"it": datatype},
            limits=SystemLimits(timeout=5),
            clock=SystemClock(zone=self.zone),
            options={"base_url": self.server.url, "auth": {"type": "bearer", "token": "t"}},
        )

    def empty(self) -> None:
        """Take out every record, and every key that was used."""
        file = next(self.server.folder.glob("*.db"))
        with sqlite3.connect(file, timeout=10) as db:
            for table in self.tables:
                db.execute(f"DELETE FROM {table}")
        db.close()

    def filled(self) -> dict[str, Any]:
        """What every record needs."""
        return dict(self.shape.get("filled", {}))


class PmsSuite(ServerSuite):
    """Page numbers, PATCH under an ETag, creates with a key, soft deletion."""

    tables = ("tasks", "projects", "customers", "idempotency")
    meant = {"modified": "updated_at", "version": VersionCheck(kind="etag")}

    @pytest.fixture(autouse=True)
    def _server(self, pms: Server) -> None:
        self.server = pms


class TestPmsCustomers(PmsSuite):
    """With a property inside an object, and a search."""

    path = "customers"
    options = {
        "list": {
            "records": "data",
            "total": "meta.total",
            "paginator": BY_PAGES,
            "changed_since": {"param": "updated_since"},
        },
        "create": {"idempotency_header": "Idempotency-Key"},
        "find": {"params": {"contact.email": "contact.email"}},
    }
    shape = {"text": "contact.email", "unmapped": "notes", "filled": {"name": "A customer"}}


class TestPmsTasks(PmsSuite):
    """With decimals and a reference."""

    path = "tasks"
    options = {
        "list": {"paginator": BY_PAGES, "changed_since": {"param": "updated_since"}},
        "create": {"idempotency_header": "Idempotency-Key"},
    }
    shape = {"text": "description", "unmapped": "assignee_email", "decimal": "hours_estimate"}

    def filled(self) -> dict[str, Any]:
        project = self.server("POST", "/projects", {"title": "The project"}).body
        return {"name": "A task", "project_id": project["id"]}


class TestPmsTasksWithDeleted(TestPmsTasks):
    """What was deleted stays in the listing, and is among the changes; asked for by its id it is gone."""

    meant = {**PmsSuite.meant, "deleted": "deleted_at != null"}
    options = {**TestPmsTasks.options, "list": {**TestPmsTasks.options["list"], "params": {"include": "deleted"}}}

    def test_a_delete_happens_once(self) -> None:
        """The deleted record is listed, so that the deletion is seen."""

        async def test(h: Harness) -> None:
            assert h.can.deleted_feed
            id, kept = await h.inserted(1), await h.inserted(2)
            _, pages = await h.listed()
            kinds = [(await h.connector.delete("it", id, ground(seen))).kind.value for seen in [await h.shown(id)] * 2]
            assert kinds == ["applied", "already"]
            assert {record.id for record in (await h.listed())[0]} == {id, kept}
            assert id in {record.id for record in (await h.listed(pages[-1].cursor))[0]}

        self.run(test)

    def test_an_update_of_a_record_that_is_gone_is_stale(self) -> None:
        """And does not bring it back."""

        async def test(h: Harness) -> None:
            id = await h.inserted()
            seen = await h.shown(id)
            await h.person(h.delete(id))
            assert (await h.updated(id, {h.text: "x"}, ground(seen))).kind.value == "stale"
            assert (await h.connector.fetch("it", [id]))[id] is Absence.GONE

        self.run(test)


class ErpSuite(ServerSuite):
    """Cursors, whole records put back with their version, our own key; empty text is null."""

    tables = ("project", "customer")
    zone = "Europe/Oslo"
    meant = {
        "modified": "changed_at",
        "version": VersionCheck(kind="path", path="version"),
        "key_property": "external_ref",
    }

    @pytest.fixture(autouse=True)
    def _server(self, erp: Server) -> None:
        self.server = erp


class TestErpCustomers(ErpSuite):
    """With a unique number, and creates in batches."""

    path, id = "customers", "customer_no"
    options = {
        "list": {"records": "items", "total": "total", "paginator": BY_CURSOR},
        "create": {"batch": {"path": "/customers/batch", "size": 100}},
        "update": {"method": "PUT", "send": "all"},
        "find": {"params": {"vat_no": "vat_no", "email": "email", "external_ref": "external_ref"}},
    }
    shape = {
        "text": "email",
        "unique": "vat_no",
        "unmapped": "remarks",
        "filled": {"customer_name": "A customer"},
        "keeps_empty": False,
    }


class TestErpProjects(ErpSuite):
    """With amounts, and changes since a local time of whole seconds."""

    path, id = "projects", "project_no"
    options = {
        "list": {"paginator": BY_CURSOR, "changed_since": {"param": "changed_after", "format": "%Y-%m-%dT%H:%M:%S"}},
        "update": {"method": "PUT", "send": "all"},
        "find": {"params": {"external_ref": "external_ref"}},
    }
    shape = {
        "text": "responsible_email",
        "decimal": "budget_amount",
        "unmapped": "text",
        "keeps_empty": False,
        "filled": {"description": "A project"},
    }


class TestPlain(ConnectorSuite):
    """No version, no changes, no key, no search: read, compare, write, and the whole listing each time."""

    @contextmanager
    def make(self) -> Iterator[Harness]:
        plain = Plain()
        yield Harness(
            connector=RestConnector(fake_system(plain.url)),
            datatype="thing",
            text="name",
            unmapped="note",
            decimal="price",
            unique="number",
            insert=plain.insert,
            edit=plain.edit,
            delete=plain.delete,
            get=plain.get,
            around=plain,
        )
