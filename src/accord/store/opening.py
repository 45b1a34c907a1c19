"""Opening the state: made, migrated, checked, and compared with the mark that is kept apart from it.

A state that is damaged or newer is refused. One that is lost or older than its mark (a restored backup) is opened
with `doubtful` saying so: the round that follows plans, and holds every write until a person has looked.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from accord.errors import StateError
from accord.store.database import Database, sqlite_connection
from accord.store.fresh import HEAD, make_fresh
from accord.store.lease import Lease
from accord.store.links import Links
from accord.store.observed import Observed
from accord.store.plans import Plans
from accord.store.records import HeldItems, History, Runs


@dataclass(slots=True)
class State:
    """The state of one project: everything that Accord remembers."""

    db: Database
    installation: str
    doubtful: str | None
    """Why nothing may be written before a person has looked; None: all is well."""
    mark: Path | None
    observed: Observed = field(init=False)
    links: Links = field(init=False)
    plans: Plans = field(init=False)
    held: HeldItems = field(init=False)
    history: History = field(init=False)
    runs: Runs = field(init=False)
    lease: Lease = field(init=False)

    def __post_init__(self) -> None:
        self.observed = Observed(self.db)
        self.links = Links(self.db, self.observed)
        self.plans = Plans(self.db)
        self.held = HeldItems(self.db)
        self.history = History(self.db)
        self.runs = Runs(self.db)
        self.lease = Lease(self.db)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file, and note beside it how we left it."""
        self.db.close()
        if self.mark is not None:
            _note_left(self.mark)

    def get(self, key: str) -> str | None:
        """A remembered word."""
        row = self.db.one("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def put(self, key: str, value: str) -> None:
        """Remember a word."""
        self.db.run(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    def move_on(self) -> None:
        """Count one more round, in the state and in the mark beside it."""
        generation = int(self.get("generation") or 0) + 1
        self.put("generation", str(generation))
        if self.mark is not None:
            _write_mark(self.mark, self.installation, generation)

    def trust(self) -> None:
        """A person has looked: the state as it is is the truth from now on."""
        self.doubtful = None
        self.put("doubtful", "")


def open_state(where: str) -> State:
    """Open (or make) the state of a project. Raises StateError, Locked."""
    if where.startswith(("postgresql:", "postgres:")):
        raise StateError(
            "the state in PostgreSQL is not available in this version", hint="leave `state` out, or name a file"
        )
    path = Path(where.removeprefix("sqlite:///"))
    mark = path.with_name(path.name + ".mark")
    is_new = not path.exists() or path.stat().st_size == 0
    _prepare_folder(path)
    if not is_new:
        _check_header(path)
    db = Database(lambda: sqlite_connection(path), path.name)
    try:
        if not is_new and not _is_as_left(path, mark):
            _check(db)
        _migrate(db, path.name)
        _close_to_others(path)
        return _state(db, mark, is_new)
    except BaseException:
        db.close()
        raise


def _prepare_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"the folder of the state, {path.parent}, cannot be made: {error.strerror}") from error


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            begins = file.read(16)
    except OSError as error:
        raise StateError(
            f"the state {path.name} cannot be read: {error.strerror}", hint="make it a file that we may read and write"
        ) from error
    if begins != b"SQLite format 3\x00":
        raise StateError(
            f"the state {path.name} is damaged: it does not begin as a state file does",
            hint="nothing was written; restore a backup, or move the file away to begin anew",
        )


def _check(db: Database) -> None:
    """Read the whole file for damage. It takes longer the more there is, so what is as we left it is not read."""
    found = db.rows("PRAGMA quick_check(3)")
    if [tuple(row) for row in found] != [("ok",)]:
        raise StateError(f"the state {db.name} is damaged: {found[0][0]}", hint="nothing was written; restore a backup")


def _migrate(db: Database, name: str) -> None:
    has_version = db.one("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    version = db.one("SELECT version_num FROM alembic_version") if has_version else None
    if version is not None and version[0] == HEAD:
        return
    if version is not None and version[0] > HEAD:
        raise StateError(
            f"the state {name} was written by a newer Accord (schema {version[0]}, this one knows {HEAD})",
            hint="upgrade Accord; nothing was written",
        )
    if version is None:
        make_fresh(db)
    else:
        upgrade(db)


def upgrade(db: Database, schema: str = "head") -> None:
    """Bring a state to the newest schema (or another one), in one transaction of its own."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import StaticPool, create_engine
    from sqlalchemy.exc import SQLAlchemyError

    config = Config()
    config.set_main_option("script_location", "accord.store:migrations")
    engine = create_engine("sqlite://", creator=lambda: db.connection, poolclass=StaticPool, pool_reset_on_return=None)
    try:
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            with db.transaction():
                command.upgrade(config, schema)
    except SQLAlchemyError as error:
        raise StateError(
            f"the state {db.name} cannot be brought to the schema of this Accord: {error}",
            hint="it was left as it is; make room on the disk, or restore a backup",
        ) from error


def _close_to_others(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        file = path.with_name(path.name + suffix)
        if file.exists() and file.stat().st_mode & 0o077:
            os.chmod(file, 0o600)


def _state(db: Database, mark: Path, is_new: bool) -> State:
    state = State(db, "", None, mark)
    installation = state.get("installation")
    if installation is None:
        with db.transaction():  # two processes may begin at once
            installation = state.get("installation") or uuid4().hex
            state.put("installation", installation)
    state.installation = installation
    doubt = _doubt(_read_mark(mark), installation, int(state.get("generation") or 0), is_new)
    if doubt:
        state.put("doubtful", doubt)
    state.doubtful = state.get("doubtful") or None
    return state


def _doubt(mark: dict[str, object] | None, installation: str, generation: int, is_new: bool) -> str | None:
    if mark is None:
        return None
    if is_new:
        return "the state was lost: its mark is there, the state is not"
    if mark.get("installation") != installation:
        return "the state belongs to another installation than its mark"
    known = mark.get("generation")
    if isinstance(known, int) and generation < known:
        return f"the state is older than its mark (round {generation} of {known}): a backup was restored"
    return None


def _read_mark(mark: Path) -> dict[str, object] | None:
    try:
        found = json.loads(mark.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _note_left(mark: Path) -> None:
    """Give the mark the time of the file that it belongs to, which another one has when somebody else writes to it.

    Without a mark (no round has used the state) the file is checked each time.
    """
    with suppress(OSError):
        left = mark.with_name(mark.name.removesuffix(".mark")).stat().st_mtime_ns
        if mark.stat().st_mtime_ns != left:
            os.utime(mark, ns=(left, left))


def _is_as_left(path: Path, mark: Path) -> bool:
    try:
        return path.stat().st_mtime_ns == mark.stat().st_mtime_ns
    except OSError:
        return False


def _write_mark(mark: Path, installation: str, generation: int) -> None:
    """On disk before it takes the place of the old one: an empty mark after a power loss would raise a false doubt."""
    fresh = mark.with_name(mark.name + ".new")
    try:
        with fresh.open("w") as file:
            file.write(json.dumps({"installation": installation, "generation": generation}))
            file.flush()
            os.fsync(file.fileno())
        fresh.chmod(0o600)
        fresh.replace(mark)
    except OSError as error:
        raise StateError(
            f"the mark of the state, {mark.name}, cannot be written: {error.strerror}",
            hint="make room on the disk, or make the folder writable; nothing was written to any system",
        ) from error
