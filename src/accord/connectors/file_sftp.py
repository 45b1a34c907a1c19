"""A file on an SFTP server, by asyncssh. A copy is put beside it, and takes its place in one step (posix-rename).

The host's key is always checked. The connection lives in the event loop; the threads of the connector wait for it.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from secrets import token_hex
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from accord.config.meaning import System
from accord.connectors.file_places import CHUNK, MAX_SIZE, FarPlace, Moved, Unsure
from accord.connectors.rest.addresses import is_forbidden
from accord.errors import MendFile, SystemFailure, Unauthorized, Unreachable

if TYPE_CHECKING:
    from asyncssh import SFTPClient, SSHClientConnection

T = TypeVar("T")
TRIES = 3
ABANDONED = 600
"""Seconds after which a lock counts as left behind."""


class SftpPlace(FarPlace):
    """`sftp://host/folder/file.csv`; `/~/` is the folder that a login begins in."""

    def __init__(self, system: System, url: str) -> None:
        """Raises MendFile."""
        parts = urlsplit(url)
        path = unquote(parts.path)
        self._path = path.removeprefix("/~/")
        self._host, self._port = parts.hostname or "", parts.port or 22
        auth: Mapping[str, Any] = system.options.get("auth") or {}
        secrets = [str(auth[name]) for name in ("password", "passphrase") if auth.get(name)]
        super().__init__(PurePosixPath(path).name, secrets, int(system.options.get("max_size") or MAX_SIZE))
        self._system = system
        self._auth = auth
        self._connection: SSHClientConnection | None = None
        self._sftp: SFTPClient | None = None
        self._connecting = asyncio.Lock()
        if not self._host or not self.name:
            raise MendFile(f"{system.name}: {url} names no file", hint="path: sftp://host/folder/file.csv")
        if auth.get("type") != "ssh":
            raise MendFile(
                f"{system.name}: an sftp:// path needs `auth`",
                hint='auth: {type: ssh, username: accord, password: "${SFTP_PASSWORD}"}',
            )
        try:
            import asyncssh  # noqa: F401
        except ImportError as error:
            raise MendFile("sftp:// paths need the extra `sftp`", hint="pip install 'accord[sftp]'") from error

    async def close(self) -> None:
        """See `Place`."""
        await self._hang_up()
        await super().close()

    def fetch(self, copy: Path, known: bytes) -> bytes:
        """See `FarPlace`. Always read: a time has whole seconds, and says too little."""
        return self._wait(lambda sftp: self._fetch(sftp, copy))

    def replace(self, copy: Path, stamp: bytes) -> None:
        """See `Place`."""
        self._wait(lambda sftp: self._replace(sftp, copy, stamp), again=False)

    def _wait(self, work: Callable[[SFTPClient], Awaitable[T]], *, again: bool = True) -> T:
        """What `work` gives, from a thread. A connection that was lost while nothing was under way is made anew."""
        if self.loop is None:
            raise RuntimeError("open() comes first")
        return asyncio.run_coroutine_threadsafe(self._worked(work, again), self.loop).result()

    async def _worked(self, work: Callable[[SFTPClient], Awaitable[T]], again: bool) -> T:
        import asyncssh

        lost = (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, ConnectionError)
        for last in (not again, True):
            try:
                return await work(await self._connected())
            except lost as error:
                await self._hang_up()
                if last:
                    raise self.failed(error) from None
            except (asyncssh.Error, OSError) as error:
                raise self._said(error) from None
        raise AssertionError("not reached")

    async def _connected(self) -> SFTPClient:
        async with self._connecting:
            if self._sftp is None or self._connection is None or self._connection.is_closed():
                self._connection = await self._connect()
                self._sftp = await self._connection.start_sftp_client()
            return self._sftp

    async def _connect(self) -> SSHClientConnection:
        import asyncssh

        seconds = self._system.limits.timeout
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        if any(is_forbidden(str(each[4][0])) for each in found):
            raise Unreachable(self._system.name, f"{self._host} is link-local; it was not contacted")
        auth = self._auth
        key = auth.get("key_file")
        return await asyncssh.connect(
            self._host,
            self._port,
            username=str(auth["username"]),
            password=auth.get("password"),
            client_keys=[str(key)] if key else None,
            passphrase=auth.get("passphrase"),
            known_hosts=self._known_hosts(),
            agent_path=None,
            config=None,
            connect_timeout=seconds,
            login_timeout=seconds,
            keepalive_interval=seconds,
        )

    def _known_hosts(self) -> str:
        """The file of host keys; without one nothing is contacted."""
        kept = self._system.options.get("known_hosts") or str(Path.home() / ".ssh" / "known_hosts")
        if not Path(kept).is_file():
            raise FileNotFoundError(errno.ENOENT, "there is no file of host keys (`known_hosts`)", kept)
        return str(kept)

    async def _hang_up(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.abort()
            with suppress(Exception):  # whatever it was, it is over
                await connection.wait_closed()

    async def _fetch(self, sftp: SFTPClient, copy: Path) -> bytes:
        for _ in range(TRIES):
            before = await self._state(sftp)
            if before[0] > self.max_size:
                raise self.too_large(before[0])
            digest, size = blake2b(digest_size=16), 0
            async with sftp.open(self._path, "rb") as source:
                with copy.open("wb") as target:
                    while size <= self.max_size and (chunk := _bytes(await source.read(CHUNK, size))):
                        size += len(chunk)
                        digest.update(chunk)
                        target.write(chunk)
            if size == before[0] and await self._state(sftp) == before:
                return f"{before[0]} {before[1]} ".encode() + digest.digest()
        raise OSError(errno.EAGAIN, "was saved each time that it was read", self.name)

    async def _state(self, sftp: SFTPClient) -> tuple[int, int]:
        found = await sftp.stat(self._path)
        return found.size or 0, found.mtime or 0

    async def _replace(self, sftp: SFTPClient, copy: Path, stamp: bytes) -> None:
        import asyncssh

        place = PurePosixPath(await sftp.realpath(self._path))
        beside = str(place.parent / f".{place.stem}.{token_hex(8)}{place.suffix}")
        lock = str(place.parent / f".{place.name}.accord-lock")
        try:
            await self._upload(sftp, copy, beside)
            await self._take(sftp, lock, beside)
            try:
                await self._put_in_place(sftp, copy, stamp, beside, str(place))
                beside = ""
            finally:
                with suppress(asyncssh.Error, OSError):
                    await sftp.remove(lock)
        finally:
            if beside:
                with suppress(asyncssh.Error, OSError):
                    await sftp.remove(beside)

    async def _take(self, sftp: SFTPClient, lock: str, beside: str) -> None:
        """Make the lock that other Accords look for, by a create that fails where it is. Raises Moved.

        One that is older than `ABANDONED`, by the clock of the server, was left by somebody who was killed.
        """
        import asyncssh

        for _ in range(2):
            try:
                async with sftp.open(lock, "xb"):
                    return
            except (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists):
                with suppress(asyncssh.SFTPNoSuchFile):
                    age = ((await sftp.stat(beside)).mtime or 0) - ((await sftp.stat(lock)).mtime or 0)
                    if age < ABANDONED:
                        raise Moved from None
                    await sftp.rename(lock, f"{beside}.old")
                    await sftp.remove(f"{beside}.old")
        raise Moved

    async def _put_in_place(self, sftp: SFTPClient, copy: Path, stamp: bytes, beside: str, place: str) -> None:
        """What was put beside becomes the file, if that is still as it was. Between the two lies one request."""
        import asyncssh

        again = copy.with_name(f"{copy.name}.now")
        try:
            moved = await self._fetch(sftp, again) != stamp
        finally:
            again.unlink(missing_ok=True)
        if moved:
            raise Moved
        try:
            await sftp.posix_rename(beside, place)
        except asyncssh.SFTPOpUnsupported:
            said = "the server cannot replace a file in one step (posix-rename@openssh.com)"
            raise OSError(errno.EOPNOTSUPP, said, self.name) from None
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost) as error:
            raise Unsure(f"{self.name}: {self.redact(str(error))}") from None

    async def _upload(self, sftp: SFTPClient, copy: Path, beside: str) -> None:
        """The copy, whole and on the server's disk where it can tell, with the rights of the file that it is for."""
        import asyncssh

        rights = (await sftp.stat(self._path)).permissions
        async with sftp.open(beside, "xb") as target:
            with copy.open("rb") as source:
                while chunk := source.read(CHUNK):
                    await target.write(chunk)
            with suppress(asyncssh.SFTPOpUnsupported):
                await target.fsync()
        if rights is not None:
            await sftp.chmod(beside, rights & 0o7777)

    def _said(self, error: Exception) -> Exception:
        import asyncssh

        if isinstance(error, SystemFailure | Moved | Unsure):
            return error
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            hint = "compare its fingerprint with the administrator's, and put the key into the file of `known_hosts`"
            return Unreachable(self._system.name, f"the key of the host {self._host} is not known", hint=hint)
        if isinstance(error, asyncssh.PermissionDenied | asyncssh.KeyImportError | asyncssh.KeyEncryptionError):
            return Unauthorized(self._system.name, f"{self._host} refuses our credentials")
        if isinstance(error, asyncssh.SFTPNoSuchFile):
            return FileNotFoundError(errno.ENOENT, "there is no such file", self.name)
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return PermissionError(errno.EACCES, "permission denied", self.name)
        return error if isinstance(error, OSError) and error.errno else self.failed(error)


def _bytes(read: str | bytes) -> bytes:
    return read if isinstance(read, bytes) else read.encode()
