"""The newest refresh token, kept in a file of its own: many systems give another one each time, and end the old one."""

from __future__ import annotations

import json
import os
import tempfile
from hashlib import blake2b
from pathlib import Path

from accord.errors import MendFile


class KeptToken:
    """The refresh token of the project file, until the system has given another one.

    The file also says which token of the project file it began with: once a person puts a new one there, that counts.
    """

    def __init__(self, path: str, first: str, where: str) -> None:
        self._path = Path(path)
        self._first = first
        self._where = where
        self._began = blake2b(first.encode(), digest_size=16).hexdigest()

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
