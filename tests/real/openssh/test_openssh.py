"""Files on Debian's OpenSSH server, with a key in place of a password: the conformance suite, and writers at once."""

import asyncio
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from accord.model import OutcomeKind
from accord.ports import NewRecord
from tests.real.files.conftest import Folder, openssh
from tests.real.files.test_habits import HEAD, listed, opened
from tests.real.files.test_suite import FarSuite

pytestmark = pytest.mark.xdist_group("openssh")


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    """A folder that sshd shows to the user who runs the tests."""
    folder = tmp_path_factory.mktemp("openssh")
    files = folder / "files"
    files.mkdir()
    with openssh(folder) as (port, hosts, key):
        auth = {"type": "ssh", "username": pwd.getpwuid(os.getuid()).pw_name, "key_file": str(key)}
        options = {"auth": auth, "known_hosts": str(hosts)}
        yield Folder(files, "tasks.csv", f"sftp://127.0.0.1:{port}{files}/tasks.csv", options)


class TestOpenssh(FarSuite):
    """CSV, as `tests/real/files` tries it on asyncssh."""

    @pytest.fixture(autouse=True)
    def _server(self, desk: Folder) -> None:
        self.place = lambda: desk  # type: ignore[method-assign]


def test_creates_of_four_writers_lose_none(desk: Folder) -> None:
    """OpenSSH renames over the file in one step (posix-rename), and no copy stays behind."""
    desk.write(HEAD.encode())

    async def write(number: int) -> None:
        connector = await opened(desk)
        try:
            new = [NewRecord(natives={"name": f"task {number}"}, token=f"key-{number}")]
            while (outcome := (await connector.create("task", new))[0]).kind is not OutcomeKind.APPLIED:
                assert outcome.kind is OutcomeKind.STALE, outcome
        finally:
            await connector.close()

    async def run() -> set[str]:
        await asyncio.gather(*(write(number) for number in range(4)))
        connector = await opened(desk)
        try:
            return {str(record.natives()["name"]) for record in await listed(connector)}
        finally:
            await connector.close()

    assert asyncio.run(run()) == {f"task {number}" for number in range(4)}
    assert desk.names() == ["tasks.csv"]


def test_a_path_from_the_login_folder(desk: Folder) -> None:
    """`/~/` begins where a login begins."""
    steps = os.path.relpath(desk.folder / desk.name, Path.home())
    there = Folder(desk.folder, desk.name, f"{desk.url.partition(str(desk.folder))[0]}/~/{steps}", desk.options)
    desk.write(f"{HEAD}1,x,,,\n".encode())

    async def run() -> list[str]:
        connector = await opened(there)
        try:
            return [record.id for record in await listed(connector)]
        finally:
            await connector.close()

    assert asyncio.run(run()) == ["1"]
