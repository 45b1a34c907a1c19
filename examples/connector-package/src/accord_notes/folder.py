"""A folder of notes. Files are replaced whole, so that nobody ever reads half of one."""

import os
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from accord_notes.note import BadNote, Note

SUFFIX = ".md"
_ID = re.compile(r"[^./\\\x00][^/\\\x00]{0,200}")


class Taken(Exception):
    """There is a note with this id."""


class Moved(Exception):
    """Somebody saved the note meanwhile."""


class Unsure(Exception):
    """The file may or may not have been replaced."""


@dataclass(frozen=True, slots=True)
class File:
    """A note, and what proves that it is unchanged."""

    id: str
    note: Note
    version: str
    modified: datetime


class Folder:
    """Notes by id: `17` is the file `17.md`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def ids(self) -> list[str]:
        """Every id, sorted. Raises OSError."""
        names = (entry.name for entry in os.scandir(self.path) if entry.name.endswith(SUFFIX) and entry.is_file())
        return sorted(name.removesuffix(SUFFIX) for name in names if _ID.fullmatch(name))

    def get(self, id: str) -> File | None:
        """One note, or None when there is none. Raises BadNote, OSError."""
        place = self._place(id)
        if place is None:
            return None
        try:
            with place.open("rb") as file:
                content, seconds = file.read(), os.fstat(file.fileno()).st_mtime
        except FileNotFoundError:
            os.stat(self.path)  # where the folder itself is missing, nothing is said of its notes
            return None
        try:
            note = Note.read(content.decode("utf-8"))
        except UnicodeDecodeError:
            raise BadNote("the file is not UTF-8") from None
        version = blake2b(content, digest_size=16).hexdigest()
        return File(id=id, note=note, version=version, modified=datetime.fromtimestamp(seconds, UTC))

    def add(self, id: str, note: Note) -> File:
        """A new note. Raises Taken, Unsure, OSError."""
        place = self._place(id)
        if place is None:
            raise BadNote(f"{id!r} cannot be the name of a file")
        copy = self._copy(note)
        try:
            os.link(copy, place)  # fails where there is one, and never shows half of it
        except FileExistsError:
            raise Taken(id) from None
        finally:
            copy.unlink(missing_ok=True)
        return self._settled(id)

    def replace(self, seen: File, note: Note) -> File:
        """Put a note in the place of the one that was seen. Raises Moved, Unsure, OSError."""
        copy = self._copy(note)
        try:
            self._require(seen)
            os.replace(copy, self.path / f"{seen.id}{SUFFIX}")
        finally:
            copy.unlink(missing_ok=True)
        return self._settled(seen.id)

    def remove(self, seen: File) -> None:
        """Raises Moved, Unsure, OSError."""
        self._require(seen)
        (self.path / f"{seen.id}{SUFFIX}").unlink()
        self._flush()

    def _place(self, id: str) -> Path | None:
        return self.path / f"{id}{SUFFIX}" if _ID.fullmatch(id) else None

    def _require(self, seen: File) -> None:
        now = self.get(seen.id)
        if now is None or now.version != seen.version:
            raise Moved(seen.id)

    def _copy(self, note: Note) -> Path:
        handle, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=self.path)
        with os.fdopen(handle, "wb") as file:
            file.write(note.write().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        return Path(name)

    def _settled(self, id: str) -> File:
        self._flush()
        try:
            found = self.get(id)
        except (OSError, BadNote) as error:
            raise Unsure(str(error)) from error
        if found is None:
            raise Unsure(f"{id}{SUFFIX} was written, and is gone")
        return found

    def _flush(self) -> None:
        try:
            handle = os.open(self.path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise Unsure(f"{self.path}: {error.strerror}") from error
