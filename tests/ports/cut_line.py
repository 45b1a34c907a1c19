"""A line to PostgreSQL that can be cut at the COMMIT: the server is real, the lost answer too."""

import socket
import tempfile
import threading
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

SOCKET = ".s.PGSQL.5432"


class Line:
    """Forwards a unix socket. `cut` says where the next COMMIT is lost."""

    def __init__(self, url: str) -> None:
        self._server = parse_qs(urlsplit(url).query)["host"][0]
        self._folder = tempfile.TemporaryDirectory(prefix="accord-line-")
        self.url = url.replace(self._server, self._folder.name)
        self.cut: Literal["before", "after"] | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(Path(self._folder.name) / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(Path(self._server) / SOCKET))
            threading.Thread(target=self._up, args=(client, server), daemon=True).start()
            threading.Thread(target=self._down, args=(client, server), daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(client):
            if self.cut and b"COMMIT\x00" in data:
                if self.cut == "after":
                    client.shutdown(socket.SHUT_WR)
                    server.sendall(data)
                    server.recv(65536)
                break
            server.sendall(data)
        _hang_up(client, server)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        while data := _received(server):
            try:
                client.sendall(data)
            except OSError:
                break
        _hang_up(client, server)


def _received(side: socket.socket) -> bytes:
    try:
        return side.recv(65536)
    except OSError:
        return b""


def _hang_up(*sides: socket.socket) -> None:
    for side in sides:
        try:
            side.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
