"""What happens to files at a distance: several writers, readers beside them, wrong keys and servers that cannot."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.connectors.file import FileConnector
from accord.errors import AccordError, ProjectFileError, Unauthorized, Unreachable
from accord.model import OutcomeKind, Record
from accord.ports import NewRecord
from accord.testing import ground
from tests.real.files.conftest import ACCESS, PASSWORD, SECRET, USER, Bucket, Folder, Sftp, Store
from tests.real.files.test_suite import described

pytestmark = pytest.mark.xdist_group("files")
HEAD = "id,name,price,notes,sync_key\n"


@pytest.fixture(params=["sftp", "s3"])
def store(request: pytest.FixtureRequest) -> Store:
    """A CSV file without lines, on each kind of server."""
    made: Store = request.getfixturevalue(request.param)("tasks.csv")
    made.write(HEAD.encode())
    return made


async def opened(store: Store, **options: Any) -> FileConnector:
    connector = FileConnector(replace(described(store), options={**store.options, **options}))
    await connector.open({"task": ["name"]})
    return connector


async def listed(connector: FileConnector) -> list[Record]:
    return [record async for page in connector.read("task", None) for record in page.records]


async def failure(store: Store, **options: Any) -> AccordError:
    """What a reading says that must not get through; never a secret."""
    connector = await opened(store, **options)
    try:
        with pytest.raises(AccordError) as failed:
            await listed(connector)
    finally:
        await connector.close()
    said = f"{failed.value} {failed.value.__cause__}"
    assert not [secret for secret in (PASSWORD, SECRET, "wrong-") if secret in said], said
    return failed.value


def test_twenty_creates_of_four_writers_lose_none(store: Store) -> None:
    """Each says stale when another was faster, and tries again; what was said to be done is in the file."""

    async def write(connector: FileConnector, number: int) -> None:
        new = [NewRecord(natives={"name": f"task {number}"}, token=f"key-{number}")]
        while True:
            (outcome,) = await connector.create("task", new)
            if outcome.kind in (OutcomeKind.APPLIED, OutcomeKind.ALREADY):
                return
            assert outcome.kind is OutcomeKind.STALE, outcome

    async def run() -> None:
        connectors = [await opened(store) for _ in range(4)]
        try:
            await asyncio.gather(*(write(connectors[number % 4], number) for number in range(20)))
            names = {str(record.natives()["name"]) for record in await listed(connectors[0])}
        finally:
            for connector in connectors:
                await connector.close()
        assert names == {f"task {number}" for number in range(20)}

    asyncio.run(run())
    assert store.names() == ["tasks.csv"]


def test_twenty_updates_on_the_same_ground(store: Store) -> None:
    """Exactly one is done, by whichever of two connections."""
    store.write(f"{HEAD}1,before,,kept,\n".encode())

    async def run() -> list[str]:
        one, two = await opened(store), await opened(store)
        try:
            (seen,) = await listed(one)
            outcomes = await asyncio.gather(
                *(
                    (one, two)[number % 2].update("task", "1", {"name": f"writer {number}"}, ground(seen))
                    for number in range(20)
                )
            )
        finally:
            await one.close()
            await two.close()
        assert sorted(outcome.kind.value for outcome in outcomes) == ["applied"] + ["stale"] * 19
        return [f"writer {n}" for n, outcome in enumerate(outcomes) if outcome.kind is OutcomeKind.APPLIED]

    (name,) = asyncio.run(run())
    assert store.read().decode() == f"{HEAD}1,{name},,kept,\n"


def test_what_a_person_saved_is_read_the_next_time(store: Store) -> None:
    """Also within the same second and of the same length, which a time and a size would not tell."""

    async def run() -> None:
        connector = await opened(store)
        try:
            for number in range(5):
                store.write(f"{HEAD}1,name {number},,,\n".encode())
                (record,) = await listed(connector)
                assert record.natives()["name"] == f"name {number}"
                found = await connector.fetch("task", ["1"])
                assert found["1"] == record
            store.write(f"{HEAD}1,somebody's,,,\n".encode())
            stale = await connector.update("task", "1", {"name": "ours"}, ground(record))
            assert stale.kind is OutcomeKind.STALE
        finally:
            await connector.close()

    asyncio.run(run())
    assert "somebody's" in store.read().decode()


def test_nobody_sees_half_a_file(sftp: Callable[[str], Folder]) -> None:
    """A reader that looks at the file all the time, while it is replaced: always all of its lines."""
    store = sftp("tasks.csv")
    lines = "".join(f"{number},{'x' * 200},,,\n" for number in range(5000))
    store.write((HEAD + lines).encode())
    ended = threading.Event()
    seen: set[int] = set()

    def look() -> None:
        while not ended.is_set():
            seen.add(store.read().count(b"\n"))

    async def run() -> None:
        connector = await opened(store)
        try:
            for number in range(5):
                seen_now = (await connector.fetch("task", ["7"]))["7"]
                assert isinstance(seen_now, Record)
                done = await connector.update("task", "7", {"name": f"name {number}"}, ground(seen_now))
                assert done.kind is OutcomeKind.APPLIED, done
        finally:
            await connector.close()

    reader = threading.Thread(target=look)
    reader.start()
    try:
        asyncio.run(run())
    finally:
        ended.set()
        reader.join()
    assert seen == {5001}
    assert store.names() == ["tasks.csv"]


def test_a_lock_that_was_left_behind(sftp: Callable[[str], Folder]) -> None:
    """One of another Accord makes the write stale; one of an hour ago is nobody's, and goes."""
    store = sftp("tasks.csv")
    store.write(HEAD.encode())
    lock = store.folder / ".tasks.csv.accord-lock"
    new = [NewRecord(natives={"name": "x"}, token="k")]

    async def run() -> list[OutcomeKind]:
        connector = await opened(store)
        try:
            lock.touch()
            (fresh,) = await connector.create("task", new)
            os.utime(lock, (time.time() - 3600,) * 2)
            (old,) = await connector.create("task", new)
            return [fresh.kind, old.kind]
        finally:
            await connector.close()

    assert asyncio.run(run()) == [OutcomeKind.STALE, OutcomeKind.APPLIED]
    assert store.names() == ["tasks.csv"]


def test_rights_of_a_file_stay(sftp: Callable[[str], Folder]) -> None:
    """The copy that takes its place may be read by those who might read it before."""
    store = sftp("tasks.csv")
    store.write(HEAD.encode())
    (store.folder / store.name).chmod(0o640)

    async def run() -> None:
        connector = await opened(store)
        try:
            await connector.create("task", [NewRecord(natives={"name": "x"}, token="k")])
        finally:
            await connector.close()

    asyncio.run(run())
    assert (store.folder / store.name).stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_missing_or_too_large_is_no_empty_listing(store: Store) -> None:
    """It is unreachable, and says why."""
    assert "max_size" in str(asyncio.run(failure(store, max_size=10)))
    store.remove()
    missing = asyncio.run(failure(store))
    assert isinstance(missing, Unreachable)
    assert "tasks.csv: there is no such" in str(missing)


def test_wrong_credentials_are_told_as_such(store: Store) -> None:
    """The account is refused, and nothing of it is shown. moto does not look at secrets, so S3 is a closed port."""
    if isinstance(store, Folder):
        auth = {"type": "ssh", "username": USER, "password": "wrong-secret"}
        assert isinstance(asyncio.run(failure(store, auth=auth)), Unauthorized)
    else:
        auth = {"type": "s3", "access_key": ACCESS, "secret_key": "wrong-secret"}
        closed = asyncio.run(failure(store, auth=auth, endpoint="http://127.0.0.1:9"))
        assert isinstance(closed, Unreachable)


def test_a_host_whose_key_is_not_known_gets_no_password(sftp: Callable[[str], Folder], tmp_path: Path) -> None:
    """Neither one that is not in the file, nor one that is there with another key, nor without a file."""
    store, other = sftp("tasks.csv"), tmp_path / "hosts"
    store.write(HEAD.encode())
    other.write_text("")
    assert "known_hosts" in str(asyncio.run(failure(store, known_hosts=str(other))))
    real = Path(str(store.options["known_hosts"])).read_text()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "k"], check=True)
    other.write_text(f"{real.split()[0]} {(tmp_path / 'k.pub').read_text()}")
    assert isinstance(asyncio.run(failure(store, known_hosts=str(other))), Unreachable)
    assert "known_hosts" in str(asyncio.run(failure(store, known_hosts=str(tmp_path / "nowhere"))))


def test_a_server_that_cannot_replace_in_one_step(tmp_path: Path) -> None:
    """Nothing is written, and no copy stays behind."""
    root = tmp_path / "root"
    root.mkdir()
    server = Sftp(root, replaces=False)
    auth = {"type": "ssh", "username": USER, "password": PASSWORD}
    url = f"sftp://127.0.0.1:{server.port}/tasks.csv"
    store = Folder(root, "tasks.csv", url, {"auth": auth, "known_hosts": str(server.hosts)})
    store.write(HEAD.encode())

    async def run() -> None:
        connector = await opened(store)
        try:
            with pytest.raises(Unreachable, match="posix-rename"):
                await connector.create("task", [NewRecord(natives={"name": "x"}, token="k")])
        finally:
            await connector.close()

    try:
        asyncio.run(run())
    finally:
        server.close()
    assert store.read() == HEAD.encode()
    assert store.names() == ["tasks.csv"]


def test_whole_rounds_with_a_bucket(s3: Callable[[str], Bucket], tmp_path: Path) -> None:
    """By the command that people use: creates, an edit and a deletion go to the object and back."""
    store = s3("tasks.csv")
    store.write(f"{HEAD}1,Tent,,kept,\n".encode())
    (tmp_path / "accord.yaml").write_text(f"""\
accord: 1
systems:
  sheet:
    connector: file
    path: s3://{store.bucket}/folder
    auth: {{type: s3, access_key: "${{S3_KEY}}", secret_key: "${{S3_SECRET}}"}}
    endpoint: {store.server}
    datatypes: {{task: {{path: tasks.csv, key_property: sync_key}}}}
  office:
    connector: sql
    url: sqlite:///office.db
    datatypes: {{todo: {{table: todo, key_property: accord_key}}}}
flows:
  tasks:
    sheet: task
    office: todo
    on_delete: propagate
    rows: [{{sheet: name, office: title}}]
""")
    with sqlite3.connect(tmp_path / "office.db") as database:
        database.execute("CREATE TABLE todo (id INTEGER PRIMARY KEY, title TEXT, accord_key TEXT UNIQUE)")
        database.execute("INSERT INTO todo (title) VALUES ('Boxes')")
        database.commit()

        def accord(*words: str) -> Any:
            env = {**os.environ, "S3_KEY": ACCESS, "S3_SECRET": SECRET}
            command = [sys.executable, "-m", "accord", "-C", str(tmp_path), "--json", *words]
            done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            assert SECRET not in done.stdout + done.stderr
            return json.loads(done.stdout)

        accord("run")
        titles = "SELECT title FROM todo ORDER BY title"
        assert database.execute(titles).fetchall() == [("Boxes",), ("Tent",)]
        text = store.read().decode()
        assert text.startswith(f"{HEAD}1,Tent,,kept,")
        assert "2,Boxes,," in text
        store.write(text.replace("Tent", "Big tent").encode())
        database.execute("DELETE FROM todo WHERE title = 'Boxes'")
        database.commit()
        accord("run")
        assert database.execute(titles).fetchall() == [("Big tent",)]
        assert "Boxes" not in store.read().decode()


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("path: ftp://host/x.csv, datatypes: {t: }", "sftp and s3"),
        ("path: sftp://user:secret@host/x.csv, datatypes: {t: }", "said in `auth`"),
        ("path: s3:///x.csv, datatypes: {t: }", "not the address of a file"),
        ("path: s3://b/x.csv?versionId=1, datatypes: {t: }", "not the address of a file"),
        ("auth: {type: ssh, username: u}, datatypes: {t: {path: sftp://h/x.csv}}", "either a `password`"),
        ("auth: {type: s3, access_key: a}, datatypes: {t: {path: s3://b/x.csv}}", "secret_key"),
        ("endpoint: example.org, datatypes: {t: {path: s3://b/x.csv}}", "URL"),
    ],
)
def test_wrong_addresses_are_refused_with_their_line(system: str, said: str, tmp_path: Path) -> None:
    """And never with what may be a password."""
    (tmp_path / "accord.yaml").write_text(f"accord: 1\nsystems:\n  s: {{connector: file, {system}}}\nflows: {{}}\n")
    with pytest.raises(ProjectFileError, match=said) as refused:
        load(tmp_path / "accord.yaml")
    assert "accord.yaml:3" in str(refused.value)
    assert "secret@" not in str(refused.value)


def test_paths_are_joined_here_and_there(tmp_path: Path) -> None:
    """A datatype's path below that of the system; keys of this machine start at the project file."""
    (tmp_path / "accord.yaml").write_text("""\
accord: 1
systems:
  s:
    connector: file
    path: sftp://host/data/
    auth: {type: ssh, username: u, key_file: keys/id}
    known_hosts: keys/hosts
    datatypes: {a: {path: a.csv}, b: {path: /b.csv}, c: {path: sftp://other/c.csv}}
flows: {}
""")
    system = load(tmp_path / "accord.yaml").systems["s"]
    paths = {name: told.options["path"] for name, told in system.datatypes.items()}
    assert paths == {"a": "sftp://host/data/a.csv", "b": "sftp://host/data/b.csv", "c": "sftp://other/c.csv"}
    assert system.options["auth"]["key_file"] == f"{tmp_path}/keys/id"
    assert system.options["known_hosts"] == f"{tmp_path}/keys/hosts"
