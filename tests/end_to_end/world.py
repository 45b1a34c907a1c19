"""Two real systems, a project of its own for each test, and what people do in them."""

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from accord.cli import resolving
from accord.config.load import load
from accord.config.meaning import Project
from accord.core.guard import Approval
from accord.engine.report import Report
from accord.engine.round import Caller, plan_round, run_round
from accord.engine.setting import Options, ShiftedClock
from accord.store.opening import State, open_state
from accord.store.people import Author, deciding
from accord.stored import HistoryLine
from tests.demo.conftest import Server, start

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "examples/demo/accord.yaml").read_text().partition("\n# `accord test`")[0]
LIMITS = "limits: {retries: 2, timeout: 5s, grace: 1s}"
SYSTEMS = re.sub(r"limits: \{.*\}", LIMITS, EXAMPLE.partition("\nflows:")[0]) + "\n"
FLOWS = "flows:" + EXAMPLE.partition("\nflows:")[2]
OSLO = ZoneInfo("Europe/Oslo")
Values = dict[str, Any]


@dataclass
class Desk:
    """A person at one system, who works over its API."""

    server: Server
    database: Path
    keys: Mapping[str, str]

    def all(self, kind: str, /, **equal: Any) -> list[Values]:
        """Every record of a datatype; `equal` are exact values."""
        raise NotImplementedError

    def _sent(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        reply = self.server(method, path, body, **headers)
        assert reply.status < 300, f"{method} {path} {body}: {reply.status} {reply.body}"
        return reply.body

    def add(self, kind: str, /, **values: Any) -> Any:
        """A new record; its id."""
        return self._sent("POST", f"/{kind}", values)[self.keys[kind]]

    def show(self, kind: str, id: Any) -> Values | None:
        """The record, None when it is gone."""
        reply = self.server("GET", f"/{kind}/{id}")
        return reply.body if reply.status == 200 else None

    def sql(self, statement: str, *values: Any) -> None:
        """What only somebody with an SQL prompt can do."""
        with sqlite3.connect(self.database, timeout=10) as db:
            db.execute(statement, values)
        db.close()


class PmsDesk(Desk):
    """CustomPMS."""

    def all(self, kind: str, /, **equal: Any) -> list[Values]:
        query = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in equal.items())
        return self._sent("GET", f"/{kind}?per_page=1000{query}")["data"]

    def edit(self, kind: str, id: Any, /, **values: Any) -> None:
        """Change some properties."""
        self._sent("PATCH", f"/{kind}/{id}", values)

    def delete(self, kind: str, id: Any) -> None:
        """Delete softly."""
        self._sent("DELETE", f"/{kind}/{id}")

    def restore(self, kind: str, id: Any) -> None:
        """Bring back what was deleted."""
        self._sent("POST", f"/{kind}/{id}/restore")

    def later(self, kind: str, id: Any, seconds: int) -> None:
        """Let the last change have happened so much later."""
        when = datetime.now(UTC) + timedelta(seconds=seconds)
        stamp = when.isoformat(timespec="milliseconds")[:-6] + "Z"
        self.sql(f"UPDATE {kind} SET updated_at = ? WHERE id = ?", stamp, id)


class ErpDesk(Desk):
    """CustomERP."""

    def all(self, kind: str, /, **equal: Any) -> list[Values]:
        query = "".join(f"&{name}={quote(str(value), safe='')}" for name, value in equal.items())
        return self._sent("GET", f"/{kind}?limit=1000{query}")["items"]

    def edit(self, kind: str, id: Any, /, **values: Any) -> None:
        """Change some properties: read, change, put back."""
        self._sent("PUT", f"/{kind}/{id}", {**self._sent("GET", f"/{kind}/{id}"), **values})

    def delete(self, kind: str, id: Any) -> None:
        """Delete for good."""
        self._sent("DELETE", f"/{kind}/{id}")

    def later(self, kind: str, id: Any, seconds: int) -> None:
        """Let the last change have happened so much later."""
        stamp = (datetime.now(OSLO) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
        table, key = kind.removesuffix("s"), self.keys[kind]
        self.sql(f"UPDATE {table} SET changed_at = ?, row_version = row_version + 1 WHERE {key} = ?", stamp, id)


@dataclass
class World:
    """Both systems and the project between them."""

    pms: PmsDesk
    erp: ErpDesk
    folder: Path
    ahead: float = 0.0
    """Seconds by which the clock of the next rounds is ahead."""
    urls: dict[str, str] = field(default_factory=dict)
    """Where the project finds the systems, if not at their servers."""

    def use(self, flows: str = FLOWS, systems: str = SYSTEMS) -> None:
        """Write the project file."""
        (self.folder / "accord.yaml").write_text(f"{systems}\n{flows}")

    def environment(self) -> dict[str, str]:
        """What the project file takes from the environment."""
        return {
            "CUSTOMPMS_URL": self.urls.get("custompms", self.pms.server.url),
            "CUSTOMERP_URL": self.urls.get("customerp", self.erp.server.url),
            "CUSTOMPMS_TOKEN": self.pms.server.token,
            "CUSTOMERP_TOKEN": self.erp.server.token,
        }

    def project(self) -> Project:
        """The project file, loaded."""
        return load(self.folder / "accord.yaml", env={**os.environ, **self.environment()})

    def round(self, act: Callable[..., Report], **options: Any) -> Report:
        """One round in this process."""
        approvals = tuple(Approval.parse(text) for text in options.pop("approve", ()))
        caller = Caller(clock=ShiftedClock(datetime.now(UTC) + timedelta(seconds=self.ahead)))
        return act(self.project(), Options(approvals=approvals, **options), caller)

    def run(self, **options: Any) -> Report:
        """Plan and carry out."""
        return self.round(run_round, **options)

    def plan(self, **options: Any) -> Report:
        """Only plan."""
        return self.round(plan_round, **options)

    def settle(self, rounds: int = 3) -> Report:
        """Rounds until one writes nothing; the first report. More than `rounds` that write are a failure."""
        first = report = self.run()
        for _ in range(rounds):
            if not written(report) and not report.errors:
                return first
            report = self.run()
        assert not written(report), f"still writing after {rounds} rounds: {report.writes}"
        assert not report.errors, report.errors
        return first

    def is_quiet(self) -> bool:
        """Whether two more rounds write nothing to either server, and plan nothing."""
        before = self.write_requests()
        reports = [self.run(), self.run(full=True)]
        return self.write_requests() == before and not any(written(report) for report in reports)

    def write_requests(self) -> int:
        """How many writes both servers have seen."""
        return len(self.pms.server.writes()) + len(self.erp.server.writes())

    @contextmanager
    def state(self) -> Iterator[State]:
        """The state, opened by hand."""
        with open_state(str(self.folder / "accord.db")) as state:
            yield state

    def history(self) -> list[HistoryLine]:
        """Everything that happened."""
        with self.state() as state:
            return list(state.history.list())

    def decide(self, report: Report, **option: Any) -> None:
        """A person resolves every held item of a report alike: `take="customerp"`, `keep=True`, …"""
        project = self.project()
        author = Author(by="anna", at=datetime.now(UTC))
        with self.state() as state, deciding(state, author.at):
            for said in report.held:
                item = state.held.get(int(said["id"]))
                assert item is not None
                resolving.store(state, item, resolving.decision(project, item, resolving.choice(option)), author)

    def wipe(self) -> None:
        """Both systems without records and without faults."""
        for table in ("tasks", "projects", "customers", "idempotency"):
            self.pms.sql(f"DELETE FROM {table}")
        self.erp.sql("UPDATE project SET customer_no = NULL, parent_no = NULL")
        self.erp.sql("DELETE FROM project")
        self.erp.sql("DELETE FROM customer")
        self.calm()

    def calm(self) -> None:
        """No more faults."""
        for desk in (self.pms, self.erp):
            desk.server("DELETE", "/_faults")

    def keep(self, folder: Path) -> None:
        """Copy both systems and the state into a folder."""
        folder.mkdir(exist_ok=True)
        for desk in (self.pms, self.erp):
            _copy(desk.database, folder / desk.database.name)
        for file in self.folder.glob("accord.*"):
            shutil.copy(file, folder / file.name)

    def bring_back(self, folder: Path) -> None:
        """Both systems and the state as they were kept."""
        for desk in (self.pms, self.erp):
            _copy(folder / desk.database.name, desk.database)
        for file in self.folder.glob("accord.*"):
            file.unlink()
        for file in folder.glob("accord.*"):
            shutil.copy(file, self.folder / file.name)


def _copy(source: Path, target: Path) -> None:
    old, new = sqlite3.connect(source), sqlite3.connect(target, timeout=10)
    old.backup(new)
    old.close()
    new.close()


def begin(folder: Path, *options: str) -> World:
    """Start both servers on an empty folder."""
    pms, erp = start("custompms", folder, *options), start("customerp", folder, *options)
    keys = {"customers": "id", "projects": "id", "tasks": "id"}
    return World(
        pms=PmsDesk(pms, folder / "custompms.db", keys),
        erp=ErpDesk(erp, folder / "customerp.db", {"customers": "customer_no", "projects": "project_no"}),
        folder=folder,
    )


def end(world: World) -> None:
    """Stop both servers."""
    for desk in (world.pms, world.erp):
        desk.server.process.terminate()
    for desk in (world.pms, world.erp):
        desk.server.process.wait(10)
        if desk.server.process.stdout is not None:
            desk.server.process.stdout.close()


def written(report: Report) -> int:
    """How many writes a round made."""
    return sum(sum(counts.values()) for counts in report.writes.values())


def kinds(report: Report) -> list[str]:
    """The kinds of what is held, sorted."""
    return sorted(item["kind"] for item in report.held)


def error_kinds(report: Report) -> list[tuple[str, str]]:
    """(system, kind) of the errors."""
    return [(error["system"], error["kind"]) for error in report.errors]


def flow(rows: Sequence[str], **keys: Any) -> str:
    """The customer flow with these rows and keys, matched by organisation number."""
    said = {"match": [["org_number"]], **keys}
    lines = ["flows:", "  customer:", "    custompms: customer", "    customerp: customer"]
    lines += [f"    {key}: {json.dumps(value)}" for key, value in said.items()]
    org = "{custompms: org_number, customerp: vat_no, name: org_number}"
    name = "{custompms: name, customerp: customer_name, name: name, truncate: true}"
    return "\n".join([*lines, "    rows:", *(f"      - {row}" for row in (name, org, *rows))]) + "\n"
