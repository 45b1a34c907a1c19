"""Copies of a state: a backup taken while rounds are at work, a backup put in its place, and old history let go.

A restored state knows that it is one: the first round that follows only shows its plan (decision 013).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from accord.errors import StateError, UsageError
from accord.store.database import Database, explained, sqlite_connection
from accord.store.fresh import HEAD
from accord.store.lease import Lease
from accord.store.opening import State

PAGES = 2000
"""How many pages a backup copies at a time; in between others may write."""
PROBLEMS = 20
SUFFIXES = ("", "-wal", "-shm")
Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A state file that was looked at."""

    path: Path
    bytes: int
    installation: str
    generation: int
    """How many rounds it has seen."""
    schema: str
    links: int


def backup(state: State, target: Path, progress: Progress, *, force: bool = False) -> Copy:
    """Copy the state as it is at one moment, while others may write to it; the copy is checked before it counts.

    SQLite's online backup. Raises UsageError where the target is there, StateError where it cannot be made.
    """
    refuse_existing(target, force)
    part = target.with_name(target.name + ".part")
    with _removed_on_failure(part):
        with _own_file(part) as copy:
            state.db.connection.backup(
                copy, pages=PAGES, progress=lambda _, left, all: progress("copying pages", all - left, all)
            )
            copy.execute("PRAGMA journal_mode = DELETE")
            copy.execute("DELETE FROM lease")
            copy.commit()
        found = look(part)
        _put(part, target)
    return Copy(
        path=target,
        bytes=found.bytes,
        installation=found.installation,
        generation=found.generation,
        schema=found.schema,
        links=found.links,
    )


def refuse_existing(target: Path, force: bool) -> None:
    """Raises UsageError where a file would be overwritten, or its folder is not there."""
    if target.exists() and not force:
        raise UsageError(f"{target} is there already", hint="name another file, or say --force to overwrite it")
    if not target.parent.is_dir():
        raise UsageError(f"there is no folder {target.parent}", hint="make it first")


def look(path: Path) -> Copy:
    """What a state file is, read whole. Raises StateError where it is damaged or newer, UsageError where it is none."""
    if not path.is_file():
        raise UsageError(f"there is no file {path}", hint="name a file that `accord state backup` wrote")
    try:
        copy = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return _looked(path, copy)
        finally:
            copy.close()
    except sqlite3.Error as error:
        raise StateError(f"{path.name} is no sound state: {error}", hint="use another backup") from error


def _looked(path: Path, copy: sqlite3.Connection) -> Copy:
    found = copy.execute(f"PRAGMA integrity_check({PROBLEMS})").fetchall()
    if found != [("ok",)]:
        raise StateError(f"{path.name} is damaged: {found[0][0]}", hint="use another backup")
    (schema,) = copy.execute("SELECT version_num FROM alembic_version").fetchone()
    if schema > HEAD:
        raise StateError(
            f"{path.name} was written by a newer Accord (schema {schema}, this one knows {HEAD})", hint="upgrade Accord"
        )
    words = dict(copy.execute("SELECT key, value FROM meta").fetchall())
    (links,) = copy.execute("SELECT count(*) FROM link WHERE state <> 'closed'").fetchone()
    return Copy(
        path=path,
        bytes=path.stat().st_size,
        installation=words.get("installation", ""),
        generation=int(words.get("generation", 0)),
        schema=schema,
        links=links,
    )


def restore(source: Path, place: Path, now: datetime) -> Path | None:
    """Put a backup in the place of a state. What was there is kept beside it; where, or None where nothing was.

    Raises StateError for a damaged backup, Locked while a round is at work.
    """
    look(source)
    part = place.with_name(place.name + ".part")
    with _removed_on_failure(part):
        with _own_file(part) as copy, sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True) as from_:
            from_.backup(copy)
            copy.execute("DELETE FROM lease")
            doubt(copy, f"a backup was restored ({source.name}, {now.date().isoformat()})")
            copy.commit()
        with _lease_of(place, now):
            kept = _set_aside(place, now)
            _put(part, place)
    return kept


def doubt(copy: sqlite3.Connection, why: str) -> None:
    """Note in a state that nothing may be written before a person has looked."""
    copy.execute(
        "INSERT INTO meta (key, value) VALUES ('doubtful', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (why,),
    )


@contextmanager
def _lease_of(place: Path, now: datetime) -> Iterator[None]:
    """No round may be at work on a state that is moved away. One that cannot be read has no round."""
    if not place.is_file():
        yield
        return
    try:
        db = Database(lambda: sqlite_connection(place), place.name)
        lease = Lease(db)
        lease.holder()
    except StateError:
        yield
        return
    try:
        lease.take(now)
        db.run("PRAGMA wal_checkpoint(TRUNCATE)")
    except StateError:  # too damaged to be written to
        pass
    try:
        yield
    finally:
        db.close()


def _set_aside(place: Path, now: datetime) -> Path | None:
    if not place.exists():
        return None
    kept = place.with_name(f"{place.name}.before-{now.strftime('%Y%m%dT%H%M%S')}")
    for suffix in SUFFIXES:
        file = place.with_name(place.name + suffix)
        if file.exists():
            file.rename(kept.with_name(kept.name + suffix))
    return kept


@contextmanager
def _own_file(path: Path) -> Iterator[sqlite3.Connection]:
    """A new database file that only we may read, from the first byte on."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600))
        copy = sqlite3.connect(path, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise StateError(f"{path} cannot be written: {error}") from error
    try:
        yield copy
    except sqlite3.Error as error:
        raise explained(error, path.name) from error
    finally:
        copy.close()


def _put(part: Path, target: Path) -> None:
    """On disk before it takes its place."""
    try:
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StateError(f"{target} cannot be written: {error.strerror}") from error


@contextmanager
def _removed_on_failure(part: Path) -> Iterator[None]:
    try:
        yield
    finally:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                part.with_name(part.name + suffix).unlink()
