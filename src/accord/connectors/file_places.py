"""Where a file is: on this machine, or at a distance. Every place is asked for a stamp, read here, and replaced whole.

Nobody ever sees half a file, and a file that somebody saved meanwhile is not replaced. All of this runs in threads.
"""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Protocol

from accord.connectors.rest.answers import one_line

MAX_SIZE = 1 << 30
"""Bytes of the largest file that is fetched."""
CHUNK = 1 << 20


class Moved(Exception):
    """Somebody saved the file while we changed a copy of it."""


class Unsure(Exception):
    """The file was, or may be, replaced, and something failed then."""


class Place(Protocol):
    """One file, wherever it is."""

    name: str
    """For messages: never with credentials."""
    is_snapshot: bool
    """What `local` gives does not change while it is read."""

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Get ready; connects lazily."""

    async def close(self) -> None:
        """Let go of connections and copies."""

    def stamp(self) -> bytes:
        """What tells this content from any other; from now on `local` is no older. Raises OSError, SystemFailure."""

    def renew(self) -> None:
        """Make sure that `local` is the content as it is now. Raises OSError, SystemFailure."""

    def local(self) -> Path:
        """The content, as a file of this machine. Raises OSError, SystemFailure."""

    def replace(self, copy: Path, stamp: bytes) -> None:
        """Put a copy in the place of what has this stamp. Raises Moved, Unsure, OSError, SystemFailure."""


class LocalPlace:
    """A file of this machine."""

    is_snapshot = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """See `Place`."""

    async def close(self) -> None:
        """See `Place`."""

    def stamp(self) -> bytes:
        """Size, time and content of the file as it is now."""
        with self.path.open("rb") as file:
            state, digest = os.fstat(file.fileno()), blake2b(digest_size=16)
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        return f"{state.st_size} {state.st_mtime_ns} ".encode() + digest.digest()

    def renew(self) -> None:
        """See `Place`. It is always as it is now."""

    def local(self) -> Path:
        """See `Place`."""
        return self.path

    def replace(self, copy: Path, stamp: bytes) -> None:
        """See `Place`. The copy lies in the same folder."""
        flush(copy)
        if self.stamp() != stamp:
            raise Moved
        place = self.path.resolve()
        os.replace(copy, place)
        _flush_folder(place.parent)


class FarPlace(ABC):
    """A file at a distance, of which the newest content seen lies in a folder of this process."""

    is_snapshot = True

    def __init__(self, name: str, secrets: Iterable[str], max_size: int) -> None:
        self.name = name
        self.max_size = max_size
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = Lock()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._copies: list[Path] = []
        self._stamp = b""
        self._number = 0

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """See `Place`."""
        self.loop = loop

    async def close(self) -> None:
        """See `Place`."""
        if self._folder is not None:
            self._folder.cleanup()
        self._folder, self._copies, self._stamp = None, [], b""

    def stamp(self) -> bytes:
        """See `Place`."""
        with self._lock:
            copy = self._fresh_copy()
            kept = False
            try:
                stamp = self.fetch(copy, self._stamp if self._copies else b"")
                if not self._copies or stamp != self._stamp:
                    self._stamp, kept = stamp, True
                    self._copies.append(copy)
            finally:
                if not kept:
                    copy.unlink(missing_ok=True)
            for old in self._copies[:-2]:  # the last but one may be about to be read
                old.unlink(missing_ok=True)
            del self._copies[:-2]
            return self._stamp

    def renew(self) -> None:
        """See `Place`."""
        self.stamp()

    def local(self) -> Path:
        """See `Place`."""
        if not self._copies:
            self.stamp()
        return self._copies[-1]

    @abstractmethod
    def fetch(self, copy: Path, known: bytes) -> bytes:
        """Write the content into a file here, unless its stamp is the one known; its stamp."""

    @abstractmethod
    def replace(self, copy: Path, stamp: bytes) -> None:
        """See `Place`."""

    def _fresh_copy(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="accord-")
        self._number += 1
        return Path(self._folder.name) / f"{self._number}{Path(self.name).suffix}"

    def failed(self, error: Exception, number: int = errno.EIO) -> OSError:
        """An error of a library as one of the system, without secrets."""
        return OSError(number, self.redact(f"{type(error).__name__}: {error}"), self.name)

    def too_large(self, size: int) -> OSError:
        """What is said of a file that is not fetched."""
        return OSError(errno.EFBIG, f"has {size} bytes, and `max_size` is {self.max_size}", self.name)

    def redact(self, text: str) -> str:
        """A text without our secrets, on one line."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return one_line(text)


def flush(path: Path) -> None:
    """Make sure that it is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_folder(path: Path) -> None:
    try:
        flush(path)
    except OSError as error:
        raise Unsure(f"{path}: {error.strerror}") from error
