"""What a probe makes, noted on disk before it is made, so that it can be removed after a kill at any instruction.

The notes name the address of the system: what was made in one sandbox is never looked for in another system.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from accord.config.meaning import Project, System
from accord.errors import UsageError
from accord.model import json_text

ADDRESS = ("base_url", "url", "path", "folder", "instance", "spec")


@dataclass(slots=True, kw_only=True)
class Note:
    """One record that was made, or was about to be."""

    system: str
    address: str
    """A digest of where the system is."""
    datatype: str
    path: str
    """The property that holds the mark."""
    mark: str
    at: float
    """When it was noted, in seconds since 1970."""
    id: str | None = None
    """None: it is not known whether it was made."""
    marked: bool = True
    """False while the property that holds the mark is tried with other values."""


class Notes:
    """The file of notes, written as a whole and flushed to the disk at each change."""

    def __init__(self, project: Project) -> None:
        self.file = notes_file(project)
        self._notes = _read(self.file)

    def of(self, system: System) -> list[Note]:
        """The notes of a system. Raises UsageError where they were made at another address."""
        found = [note for note in self._notes if note.system == system.name]
        if any(note.address != address_of(system) for note in found):
            raise UsageError(
                f"{self.file} names records that were made in {system.name} while it had another address",
                hint="give it that address again and call `accord discover SYSTEM --probe --clean-up`, "
                "or remove the file if that sandbox is no more",
            )
        return found

    def add(self, note: Note) -> Note:
        """Before a record is made."""
        self._notes.append(note)
        self.save()
        return note

    def strike(self, note: Note) -> None:
        """It is gone, or was certainly never made."""
        self._notes.remove(note)
        self.save()

    def save(self) -> None:
        """After a note was changed."""
        if not self._notes:
            self.file.unlink(missing_ok=True)
            return
        fresh = self.file.with_name(self.file.name + ".new")
        with fresh.open("w", encoding="utf-8") as out:
            out.write(json_text([asdict(note) for note in self._notes]))
            out.flush()
            os.fsync(out.fileno())
        fresh.chmod(0o600)
        fresh.replace(self.file)


def notes_file(project: Project) -> Path:
    """Beside the project file."""
    return project.file.with_name(project.file.name + ".probe")


def address_of(system: System) -> str:
    """A digest of where a system is; it may hold a password."""
    where = {key: system.options.get(key) for key in ADDRESS}
    return hashlib.blake2b(json_text(where).encode(), digest_size=8).hexdigest()


def _read(file: Path) -> list[Note]:
    try:
        text = file.read_text("utf-8")
    except FileNotFoundError:
        return []
    try:
        return list(_noted(json.loads(text)))
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{file} cannot be read: {error}", hint="it names what a probe made; mend or remove it"
        ) from None


def _noted(listed: object) -> Iterator[Note]:
    if not isinstance(listed, list):
        raise ValueError("a list of notes is needed")
    yield from (Note(**one) for one in listed)
