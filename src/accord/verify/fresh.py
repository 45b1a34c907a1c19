"""Every record of a project, read afresh into a file of its own: memory does not grow with them."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from accord.config.load import mapping_version
from accord.config.meaning import Project
from accord.core.mapping import FlowMap
from accord.engine.observe import record_print
from accord.errors import ProtocolError
from accord.model import Absence, Record, Ref, decode_natives, from_json, json_text
from accord.ports import Connector
from accord.store.opening import State

Progress = Callable[[str, int, int | None], None]
TABLES = """
CREATE TABLE record (system TEXT, datatype TEXT, id TEXT, native TEXT, version TEXT, content BLOB, pending INTEGER,
    PRIMARY KEY (system, datatype, id)) WITHOUT ROWID;
CREATE TABLE key (flow TEXT, rule INTEGER, key TEXT, system TEXT, id TEXT);
CREATE INDEX key_of ON key (flow, rule, key);
"""
ONE = "SELECT native, version, content, pending FROM record WHERE system = ? AND datatype = ? AND id = ?"
ALL = "SELECT id, native, version, content, pending FROM record WHERE system = ? AND datatype = ? ORDER BY id"
BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One record as it is now."""

    ref: Ref
    native_id: str | int
    version: Any
    content: bytes
    pending: bool
    """Whether it was changed since the last round, as far as fingerprints tell."""

    def natives(self) -> dict[str, Any]:
        """Path → native."""
        return decode_natives(self.content)


@dataclass(slots=True)
class Fresh:
    """The records, on disk until it is closed."""

    folder: tempfile.TemporaryDirectory[str] = field(default_factory=lambda: tempfile.TemporaryDirectory("accord"))
    db: sqlite3.Connection = field(init=False)
    counts: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.db = sqlite3.connect(Path(self.folder.name) / "fresh.db")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.executescript(TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.db.close()
        self.folder.cleanup()

    async def read(
        self,
        project: Project,
        connector: Connector,
        datatype: str,
        flows: Sequence[FlowMap],
        state: State,
        tell: Progress,
    ) -> None:
        """All records of a datatype. Raises SystemFailure; ProtocolError for a listing that is not complete."""
        system = connector.system.name
        salt = _salt(project, flows)
        place = state.observed.place(system, datatype)
        complete, count, pending = False, 0, 0
        async for page in connector.read(datatype, None):
            records = [record for record in page.records if not _is_deleted(flows[0], system, record)]
            prints = [(record.id, record_print(record, salt)) for record in records]
            changed = state.observed.diff(place, prints)[0]
            self._put(system, datatype, records, changed)
            count, pending, complete = count + len(records), pending + len(changed), complete or page.complete
            tell(f"reading {system} {datatype}", count, page.total)
        if not complete:
            raise ProtocolError(system, f"the listing of {datatype} is not complete", hint="try again")
        self.counts[f"{system}/{datatype}"], self.pending[f"{system}/{datatype}"] = count, pending

    def _put(self, system: str, datatype: str, records: Sequence[Record], changed: Iterable[int]) -> None:
        late = set(changed)
        self.db.executemany(
            "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (system, datatype, r.id, json_text(r.native_id), json_text(r.version), r.content, at in late)
                for at, r in enumerate(records)
            ],
        )

    def put(self, ref: Ref, answer: Record | Absence) -> None:
        """What was read again by its id takes the place of what the listing showed."""
        if isinstance(answer, Record):
            known = self.get(ref)
            same = known is not None and known.content == answer.content
            self._put(ref.system, ref.datatype, [answer], [] if same and not known.pending else [0])  # type: ignore[union-attr]
        elif answer is Absence.GONE:
            self.db.execute("DELETE FROM record WHERE system = ? AND datatype = ? AND id = ?", _key(ref))

    def get(self, ref: Ref) -> Shown | None:
        """One record, or None."""
        row = self.db.execute(
            "SELECT native, version, content, pending FROM record WHERE system = ? AND datatype = ? AND id = ?",
            _key(ref),
        ).fetchone()
        return None if row is None else _shown(ref, row)

    def all(self, system: str, datatype: str) -> Iterator[Shown]:
        """Every record of a datatype, in the order of ids."""
        with closing(self.db.cursor()) as cursor:
            cursor.execute(ALL, (system, datatype))
            for id, *row in cursor:
                yield _shown(Ref(system, datatype, id), row)

    def batches(self, system: str, datatype: str) -> Iterator[list[Shown]]:
        """The same, some at a time."""
        batch: list[Shown] = []
        for shown in self.all(system, datatype):
            batch.append(shown)
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def add_keys(self, rows: Sequence[tuple[str, int, str, str, str]]) -> None:
        """(flow, rule, key, system, id)."""
        self.db.executemany("INSERT INTO key VALUES (?, ?, ?, ?, ?)", rows)

    def shared_keys(self, flow: str) -> Iterator[list[tuple[str, str]]]:
        """The (system, id) pairs of each match key that more than one record has."""
        found = self.db.execute(
            "SELECT json_group_array(json_array(system, id)) FROM key WHERE flow = ? GROUP BY rule, key "
            "HAVING count(*) > 1 ORDER BY min(rowid)",
            (flow,),
        )
        for (text,) in found.fetchall():
            yield [(system, id) for system, id in from_json(text)]


def _key(ref: Ref) -> tuple[str, str, str]:
    return (ref.system, ref.datatype, ref.id)


def _shown(ref: Ref, row: Sequence[Any]) -> Shown:
    native, version, content, pending = row
    return Shown(
        ref=ref, native_id=from_json(native), version=from_json(version), content=content, pending=bool(pending)
    )


def _salt(project: Project, flows: Sequence[FlowMap]) -> bytes:
    """As `engine.observe.place_salt`: by it the fingerprints of the state were made."""
    mapping = "+".join(mapping_version(project, flow.name) for flow in flows)
    return blake2b(mapping.encode(), digest_size=16).digest()


def _is_deleted(flow: FlowMap, system: str, record: Record) -> bool:
    deleted = flow.sides[system].deleted
    return deleted is not None and deleted.test(record.natives())


def by_system(flows: Mapping[str, FlowMap]) -> dict[str, dict[str, list[FlowMap]]]:
    """System → datatype → the flows that use it, in the order of the file."""
    found: dict[str, dict[str, list[FlowMap]]] = {}
    for flow in flows.values():
        for system, side in flow.sides.items():
            found.setdefault(system, {}).setdefault(side.side.datatype, []).append(flow)
    return found
