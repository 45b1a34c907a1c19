"""Servers that keep files: SFTP by asyncssh in this process and by OpenSSH, S3 by moto; and people who save there."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import asyncssh
import pytest

from tests.real.server import STORES, Answer, free_port, send_raw, serving

USER, PASSWORD = "accord", "secret-of-sftp"
ACCESS, SECRET = "AKIA-OF-A-TEST", "secret/of+s3/of-a-test-with-forty-letters"
STARTS_WITHIN = 60.0


class Store(Protocol):
    """Where a file is, and what a person does with it."""

    url: str
    options: dict[str, Any]

    def read(self) -> bytes: ...
    def write(self, content: bytes) -> None: ...
    def remove(self) -> None: ...
    def names(self) -> list[str]: ...


@dataclass
class Folder:
    """A folder that an SFTP server shows; a person works in it directly."""

    folder: Path
    name: str
    url: str
    options: dict[str, Any]

    def read(self) -> bytes:
        return (self.folder / self.name).read_bytes()

    def write(self, content: bytes) -> None:
        """As programs save: beside, and then in its place."""
        beside = self.folder / f".person-{self.name}"
        beside.write_bytes(content)
        beside.replace(self.folder / self.name)

    def remove(self) -> None:
        (self.folder / self.name).unlink()

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@dataclass
class Bucket:
    """A bucket of moto; a person sends requests of their own, which moto does not want signed."""

    server: str
    bucket: str
    name: str
    url: str
    options: dict[str, Any]

    def __call__(self, method: str, path: str, content: bytes | None = None) -> Answer:
        return send_raw(method, f"{self.server}/{self.bucket}{path}", content, {"Authorization": f"AWS {ACCESS}:x"})

    def read(self) -> bytes:
        answer = self("GET", f"/folder/{self.name}")
        assert answer.status == 200, answer
        return answer.body

    def write(self, content: bytes) -> None:
        assert self("PUT", f"/folder/{self.name}", content).status == 200

    def remove(self) -> None:
        assert self("DELETE", f"/folder/{self.name}").status == 204

    def names(self) -> list[str]:
        listed = self("GET", "/?list-type=2").body.decode().split("<Key>")[1:]
        return sorted(part.partition("</Key>")[0].rpartition("/")[2] for part in listed)


class Sftp:
    """asyncssh as a server, in a thread of its own, with `root` as everything that there is."""

    def __init__(self, root: Path, *, replaces: bool = True) -> None:
        self.root = root
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.hosts = root.parent / f"{root.name}-known_hosts"
        self._replaces = replaces
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        threading.Thread(target=self._work, daemon=True).start()
        assert self._ready.wait(20)
        self.hosts.write_text(f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode()}")

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _work(self) -> None:
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        root = str(self.root).encode()
        replaces = self._replaces

        class Files(asyncssh.SFTPServer):
            def __init__(self, chan: Any) -> None:
                super().__init__(chan, chroot=root)

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
                if not replaces:
                    raise asyncssh.SFTPOpUnsupported("not here")
                super().posix_rename(oldpath, newpath)

        class Login(asyncssh.SSHServer):
            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == (USER, PASSWORD)

        acceptor = await asyncssh.create_server(
            Login, "127.0.0.1", 0, server_host_keys=[self.key], sftp_factory=Files, allow_scp=False
        )
        self.port = acceptor.get_port()


@pytest.fixture(scope="session")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Folder]]:
    """Makes an empty folder on an SFTP server, for a file of this name."""
    root = tmp_path_factory.mktemp("sftp") / "root"
    root.mkdir()
    server, numbers = Sftp(root), count(1)

    def folder(name: str) -> Folder:
        number = next(numbers)
        (root / str(number)).mkdir()
        auth = {"type": "ssh", "username": USER, "password": PASSWORD}
        options = {"auth": auth, "known_hosts": str(server.hosts)}
        return Folder(root / str(number), name, f"sftp://127.0.0.1:{server.port}/{number}/{name}", options)

    yield folder
    server.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Bucket]]:
    """Makes an empty bucket of moto, for an object of this name."""
    assert (STORES / "moto_server").is_file(), f"there is no moto in {STORES}: run `make systems`"
    folder, port, numbers = tmp_path_factory.mktemp("s3"), free_port(), count(1)
    server = f"http://127.0.0.1:{port}"
    command = [STORES / "python", Path(__file__).with_name("moto_alone.py"), str(port)]
    with serving(command, folder, lambda: send_raw("GET", f"{server}/moto-api/"), STARTS_WITHIN):

        def bucket(name: str) -> Bucket:
            auth = {"type": "s3", "access_key": ACCESS, "secret_key": SECRET}
            called = f"bucket-{next(numbers)}"
            url = f"s3://{called}/folder/{name}"
            made = Bucket(server, called, name, url, {"auth": auth, "endpoint": server})
            assert made("PUT", "").status == 200
            return made

        yield bucket


@contextmanager
def openssh(folder: Path) -> Iterator[tuple[int, Path, Path]]:
    """Debian's sshd: its port, the file of its key, and the private key of a user that may log in."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    shutil.copy(folder / "user.pub", folder / "authorized")
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    hosts = folder / "known_hosts"
    hosts.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    os.makedirs("/run/sshd", exist_ok=True)  # where sshd parts with its rights
    with serving(["/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"], folder, lambda: _greeted(port), 20):
        yield port, hosts, folder / "user"


def _greeted(port: int) -> Answer:
    import socket

    with socket.create_connection(("127.0.0.1", port), 5) as line:
        return Answer(200 if line.recv(4) == b"SSH-" else 500, b"", {})
