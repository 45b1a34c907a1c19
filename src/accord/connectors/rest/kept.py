"""The newest refresh token, kept in a file of its own: many systems give another one each time, and end the old one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path

from accord.errors import MendFile, Unreachable

PATIENCE = 180.0
"""Seconds that one process waits for another that is about to renew the token."""


class KeptToken:
    """The refresh token of the project file, until the system has given another one.

    The file also says which token of the project file it began with: once a person puts a new one there, that counts.
    """

    def __init__(self, path: str, first: str, where: str) -> None:
        self._path = Path(path)
        self._first = first
        self._where = where
        self._began = blake2b(first.encode(), digest_size=16).hexdigest()

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @asynccontextmanager
    async def alone(self, system: str) -> AsyncIterator[None]:
        """Only one process on this machine is in here: from reading the token until the next one is kept.

        Two that used the same refresh token at the same moment would lose it: the system ends it with its first use
        (RFC 9700, section 4.14.2), and many take a second use for theft. The lock goes with the process that holds it.
        Raises Unreachable, MendFile.
        """
        from filelock import AsyncFileLock, Timeout

        self.require_writable()
        lock = AsyncFileLock(self._path.with_name(f".{self._path.name}.lock"), timeout=PATIENCE, thread_local=False)
        try:
            await lock.acquire()
        except Timeout:
            raise Unreachable(
                system, f"{self._where}: another process has been renewing the token for {PATIENCE:.0f} s"
            ) from None
        except OSError as error:
            raise self._fault(error) from None
        try:
            yield
        finally:
            await lock.release()

    def read(self) -> str:
        """The token to use now. Raises MendFile when the file is damaged or cannot be read."""
        try:
            found = json.loads(self._path.read_text("utf-8"))
            token, began = found["token"], found["began"]
        except FileNotFoundError:
            return self._first
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._fault(error) from None
        return str(token) if began == self._began else self._first

    def require_writable(self) -> None:
        """Raises MendFile when the next token could not be kept: better before the old one is ended."""
        if not os.access(self._path.parent, os.W_OK | os.X_OK):
            raise MendFile(
                f"{self._where}: no file can be made in {self._path.parent}",
                hint="the next refresh token is kept there; name a folder that exists and may be written to",
            )

    def write(self, token: str) -> None:
        """Keep a token, for its owner alone; whole or not at all. Raises MendFile."""
        try:
            handle, name = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)  # mode 0600
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    json.dump({"began": self._began, "token": token}, file)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(name, self._path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> MendFile:
        why = error.strerror if isinstance(error, OSError) else "it is damaged"
        return MendFile(
            f"{self._where}: {self._path}: {why}",
            hint="authorise Accord anew, put the new refresh token into the project's environment, and delete the file",
        )
