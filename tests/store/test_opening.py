"""A state is opened, or refused with a way out; a lost or restored one is noticed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from accord.errors import StateError
from accord.store.fresh import HEAD
from accord.store.opening import open_state
from tests.store.places import NOON, begun, opened


def used(folder: Path, rounds: int = 1) -> Path:
    """A state that some rounds have used."""
    with opened(folder) as state:
        for _ in range(rounds):
            state.move_on()
        with state.db.transaction():
            begun(state, *(f"record {number}" for number in range(300)))
    return folder / "accord.db"


def refused(path: Path) -> StateError:
    """The refusal to open a state that must be left exactly as it is."""
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        open_state(str(path))
    assert path.read_bytes() == before
    assert caught.value.hint
    return caught.value


def test_a_new_state_is_made_with_its_folder(tmp_path: Path) -> None:
    """Empty, trusted, and with a name of its own."""
    with open_state(str(tmp_path / "new" / "accord.db")) as one, opened(tmp_path) as two:
        assert one.doubtful is None
        assert one.installation != two.installation


def test_what_was_remembered_is_there_again(tmp_path: Path) -> None:
    """Nothing is in doubt."""
    with opened(tmp_path) as state:
        state.put("word", "1")
        state.move_on()
        name = state.installation
    with open_state(f"sqlite:///{tmp_path / 'accord.db'}") as state:
        assert (state.get("word"), state.installation, state.doubtful) == ("1", name, None)


def test_only_the_owner_may_read_the_state(tmp_path: Path) -> None:
    """Also what lies beside it; a file that was opened to others is closed."""
    old = os.umask(0)
    try:
        path = used(tmp_path)
        path.chmod(0o644)
        with opened(tmp_path) as state:
            state.move_on()
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert set(modes) >= {"accord.db", "accord.db-wal", "accord.db-shm", "accord.db.mark"}
    assert set(modes.values()) == {0o600}


# refused


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    """It may be anything of the user's."""
    path = tmp_path / "accord.db"
    path.write_text("my shopping list, and more than sixteen characters")
    assert "does not begin as a state file" in refused(path).message


def test_a_zeroed_header_is_refused(tmp_path: Path) -> None:
    """As after some crashes of a file system."""
    path = used(tmp_path)
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    assert "damaged" in refused(path).message


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(tmp_path: Path, share: float) -> None:
    """A copy that broke off."""
    path = used(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(path)


@pytest.mark.parametrize("first", [1, -4])
def test_overwritten_pages_are_refused(tmp_path: Path, first: int) -> None:
    """The header is whole, the middle or the end is not, where opening alone would not look."""
    path = used(tmp_path)
    content = bytearray(path.read_bytes())
    start = 4096 * first % len(content)
    content[start : start + 4096 * 3] = os.urandom(4096 * 3)
    path.write_bytes(bytes(content))
    assert "damaged" in refused(path).message or "malformed" in refused(path).message


def test_a_state_of_a_newer_accord_is_refused(tmp_path: Path) -> None:
    """It says which schema it has."""
    path = used(tmp_path)
    newer = str(int(HEAD) + 1).zfill(4)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (newer,))
    connection.close()
    error = refused(path)
    assert f"schema {newer}" in error.message
    assert "upgrade Accord" in str(error)


def test_a_folder_in_place_of_the_state_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "accord.db").mkdir()
    with pytest.raises(StateError, match="cannot be read"):
        opened(tmp_path)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A file is in the way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be made"):
        open_state(str(tmp_path / "file" / "accord.db"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_state_is_refused_at_the_lease(tmp_path: Path) -> None:
    """Before anything is read from any system."""
    path = used(tmp_path)
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StateError), opened(tmp_path) as state:
            state.lease.take(NOON)
    finally:
        tmp_path.chmod(0o700)


def test_a_mark_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The round does not begin."""
    with opened(tmp_path) as state:
        (tmp_path / "accord.db.mark.new").mkdir()
        with pytest.raises(StateError, match="mark of the state"):
            state.move_on()


def test_a_state_in_postgresql_is_refused() -> None:
    """As long as there is none."""
    with pytest.raises(StateError, match="PostgreSQL"):
        open_state("postgresql://localhost/state")


# in doubt


def test_a_lost_state_is_noticed(tmp_path: Path) -> None:
    """Its mark is there; the doubt stays until a person has looked."""
    used(tmp_path).unlink()
    for _ in range(2):
        with opened(tmp_path) as state:
            assert state.doubtful is not None
            assert "lost" in state.doubtful
            state.move_on()
    with opened(tmp_path) as state:
        state.trust()
    with opened(tmp_path) as state:
        assert state.doubtful is None


def test_an_emptied_state_is_noticed(tmp_path: Path) -> None:
    """A file of no length is as good as none."""
    used(tmp_path).write_bytes(b"")
    with opened(tmp_path) as state:
        assert state.doubtful is not None
        assert "lost" in state.doubtful


def test_a_restored_backup_is_noticed(tmp_path: Path) -> None:
    """It is some rounds older than its mark."""
    path = used(tmp_path, rounds=2)
    backup = tmp_path / "backup"
    shutil.copy(path, backup)
    with opened(tmp_path) as state:
        state.move_on()
    shutil.copy(backup, path)
    with opened(tmp_path) as state:
        assert state.doubtful == "the state is older than its mark (round 2 of 3): a backup was restored"


def test_the_state_of_another_installation_is_noticed(tmp_path: Path) -> None:
    """Its links are about other records, perhaps."""
    (tmp_path / "other").mkdir()
    other = used(tmp_path / "other", rounds=5)
    shutil.copy(other, used(tmp_path))
    with opened(tmp_path) as state:
        assert state.doubtful is not None
        assert "another installation" in state.doubtful


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00\x01"])
def test_a_damaged_mark_is_noticed(tmp_path: Path, content: str) -> None:
    """What it said is not known."""
    used(tmp_path)
    (tmp_path / "accord.db.mark").write_text(content)
    with opened(tmp_path) as state:
        assert state.doubtful is not None


def test_a_crash_between_state_and_mark_raises_no_doubt(tmp_path: Path) -> None:
    """The state counts first: it is never older than its mark by itself."""
    used(tmp_path, rounds=2)
    mark = (tmp_path / "accord.db.mark").read_text()
    with opened(tmp_path) as state:
        state.move_on()
    (tmp_path / "accord.db.mark").write_text(mark)
    with opened(tmp_path) as state:
        assert state.doubtful is None
