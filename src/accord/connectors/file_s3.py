"""A file in an S3 bucket, by obstore. It is replaced by one PUT under If-Match: what somebody saved meanwhile stays."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from accord.config.meaning import System
from accord.connectors.file_places import MAX_SIZE, FarPlace, Moved, Unsure
from accord.connectors.rest.addresses import is_forbidden, require_allowed
from accord.errors import MendFile, Unauthorized, Unreachable

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Store

CONNECT = timedelta(seconds=10)


class S3Place(FarPlace):
    """`s3://bucket/folder/file.csv`."""

    def __init__(self, system: System, url: str) -> None:
        """Raises MendFile."""
        parts = urlsplit(url)
        self._bucket, self._key = parts.netloc, unquote(parts.path.lstrip("/"))
        auth: Mapping[str, Any] = system.options.get("auth") or {}
        secrets = [str(auth[name]) for name in ("secret_key", "access_key", "session_token") if auth.get(name)]
        super().__init__(Path(self._key).name, secrets, int(system.options.get("max_size") or MAX_SIZE))
        self._system = system
        self._auth = auth
        self._endpoint = str(system.options.get("endpoint") or "")
        require_allowed(self._endpoint, f"systems.{system.name}.endpoint")
        if not self._bucket or not self._key:
            raise MendFile(f"{system.name}: {url} names no object", hint="path: s3://bucket/folder/file.csv")
        if auth.get("type") not in ("s3", "none"):
            raise MendFile(
                f"{system.name}: an s3:// path needs `auth`",
                hint='auth: {type: s3, access_key: "${S3_KEY}", secret_key: "${S3_SECRET}"}, or auth: none',
            )
        self._reader = self._store(system.limits.retries)
        self._writer = self._store(0)

    def _store(self, retries: int) -> S3Store:
        try:
            from obstore.store import S3Store
        except ImportError as error:
            raise MendFile("s3:// paths need the extra `s3`", hint="pip install 'accord[s3]'") from error
        config: dict[str, Any] = {"region": str(self._system.options.get("region") or "us-east-1")}
        if self._auth["type"] == "s3":
            config |= {"access_key_id": self._auth["access_key"], "secret_access_key": self._auth["secret_key"]}
            if self._auth.get("session_token"):
                config["session_token"] = self._auth["session_token"]
        else:
            config["skip_signature"] = True
        if self._endpoint:
            config["endpoint"] = self._endpoint
        seconds = timedelta(seconds=self._system.limits.timeout)
        return S3Store(
            self._bucket,
            config=cast("S3Config", config),
            client_options={
                "timeout": seconds,
                "connect_timeout": min(CONNECT, seconds),
                "allow_http": self._endpoint.startswith("http://"),
            },
            retry_config={"max_retries": retries, "retry_timeout": seconds * (retries + 1)},
        )

    def _require_allowed(self) -> None:
        """The name of the endpoint must not lead to an address that is never contacted."""
        host = urlsplit(self._endpoint).hostname
        for found in socket.getaddrinfo(host, None) if host else ():
            if is_forbidden(str(found[4][0])):
                raise Unreachable(self._system.name, f"{host} is link-local or holds credentials; it was not contacted")

    def fetch(self, copy: Path, known: bytes) -> bytes:
        """See `FarPlace`. One request: it asks for the object unless its ETag is the one known."""
        import obstore
        from obstore.exceptions import BaseError, NotModifiedError

        self._require_allowed()
        try:
            found = obstore.get(self._reader, self._key, options={"if_none_match": known.decode()} if known else {})
            etag = found.meta["e_tag"]
            if not etag:
                raise OSError(errno.EPROTO, "the store gives no ETag", self.name)
            if found.meta["size"] > self.max_size:
                raise self.too_large(found.meta["size"])
            with copy.open("wb") as file:
                for chunk in found.stream():
                    file.write(chunk)
        except NotModifiedError:
            return known
        except (BaseError, OSError) as error:
            raise self._said(error) from None
        return etag.encode()

    def replace(self, copy: Path, stamp: bytes) -> None:
        """See `Place`. It is sent once: a second PUT after a lost answer would be refused because of the first."""
        import obstore
        from obstore.exceptions import BaseError, GenericError, NotFoundError, PreconditionError

        self._require_allowed()
        try:
            with copy.open("rb") as file:
                mode: Any = {"e_tag": stamp.decode()}
                obstore.put(self._writer, self._key, file, mode=mode, use_multipart=False)
        except (PreconditionError, NotFoundError):
            raise Moved from None
        except GenericError as error:
            raise Unsure(f"{self.name}: {self.redact(str(error))}") from None
        except (BaseError, OSError) as error:
            raise self._said(error) from None

    def _said(self, error: Exception) -> Exception:
        from obstore.exceptions import NotFoundError, PermissionDeniedError, UnauthenticatedError

        if isinstance(error, NotFoundError | FileNotFoundError):
            return FileNotFoundError(errno.ENOENT, "there is no such object", self.name)
        if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
            return Unauthorized(self._system.name, f"{self.name}: the store refuses our credentials")
        return error if isinstance(error, OSError) and error.errno else self.failed(error)
