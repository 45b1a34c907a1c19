"""Notes against the conformance suite, and what only notes do."""

# ruff: noqa: S101 - tests assert

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from accord_notes.connector import NotesConnector
from accord_notes.note import BadNote, Note

from accord.config.meaning import Datatype, System
from accord.model import Absence, OutcomeKind
from accord.testing import ConnectorSuite, Harness, ground


def system(folder: Path, **more: Any) -> System:
    """A folder with one folder of tasks."""
    task = Datatype(system="desk", name="task", title="Task", options={"body": "text"}, **more)
    return System(name="desk", title="Desk", connector="notes", datatypes={"task": task}, options={"folder": folder})


class NotesSuite(ConnectorSuite):
    """A person with a text editor."""

    text = "title"
    keeps: Mapping[str, Any] = {}

    @pytest.fixture(autouse=True)
    def _in_folder(self, tmp_path: Path) -> None:
        self.root, self.folder = tmp_path, tmp_path / "task"
        self.folder.mkdir()

    @contextmanager
    def make(self) -> Iterator[Harness]:
        yield Harness(
            connector=NotesConnector(system(self.root, key_property="key")),
            datatype="task",
            text=self.text,
            unmapped="note",
            decimal="hours",
            insert=self.insert,
            edit=self.edit,
            delete=lambda id: (self.folder / f"{id}.md").unlink(),
            get=self.get,
            **self.keeps,
        )

    def insert(self, natives: Mapping[str, Any]) -> str:
        id = str(len(list(self.folder.iterdir())) + 1)
        (self.folder / f"{id}.md").write_text(Note().changed(natives, "text").write(), "utf-8")
        return id

    def edit(self, id: str, natives: Mapping[str, Any]) -> None:
        file = self.folder / f"{id}.md"
        file.write_text(Note.read(file.read_text("utf-8")).changed(natives, "text").write(), "utf-8")

    def get(self, id: str) -> Mapping[str, Any] | None:
        file = self.folder / f"{id}.md"
        return Note.read(file.read_text("utf-8")).natives("text") if file.exists() else None


class TestFrontMatter(NotesSuite):
    """With text in the front matter."""


class TestBody(NotesSuite):
    """With the text of the note itself, which can be empty and cannot be null."""

    text = "text"
    keeps = {"keeps_null": False}


def test_an_update_leaves_every_other_line_as_it_is() -> None:
    """Comments, order, and how somebody wrote a value."""
    text = "---\n# by hand\ntitle:   Lift\n\nhours: 1.50\nwho: 'me'\n---\nText\n---\nand more"
    note = Note.read(text)
    assert note.write() == text
    assert note.changed({"title": "Stairs: new"}, "text").write() == text.replace(
        "title:   Lift", 'title: "Stairs: new"'
    )


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "ends in ---",
        "---",
        "two\nlines",
        "a\u2028b",
        "17",
        "true",
        "NaN",
        "e5",
        " spaced ",
        "",
        "a: b",
        "# x",
        "'q'",
    ],
)
def test_every_text_comes_back_as_it_was(value: str) -> None:
    """In the front matter, and below it."""
    note = Note().changed({"a": 1, "title": value, "text": value, "z": None}, "text")
    assert Note.read(note.write()).natives("text") == {"a": 1, "title": value, "z": None, "text": value}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: x\n", "does not end"),
        ("---\r\ntitle: x\r\n---\r\n", "CR LF"),
        ("---\ntitle x\n---\n", "line 2 is not"),
        ("---\ntitle: x\ntitle: y\n---\n", "line 3: 'title' stands there twice"),
    ],
)
def test_a_broken_note_says_which_line(text: str, said: str) -> None:
    """And is no record."""
    with pytest.raises(BadNote, match=said):
        Note.read(text).natives("text")


def test_a_broken_note_fails_alone_and_is_never_gone(tmp_path: Path) -> None:
    """The listing goes on, and names it."""
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "bad.md").write_text("---\nno end")
    (tmp_path / "task" / "good.md").write_text("---\ntitle: Fine\n---\n")

    async def run() -> None:
        connector = NotesConnector(system(tmp_path))
        await connector.open({"task": ("title",)})
        pages = [page async for page in connector.read("task", None)]
        assert [record.id for page in pages for record in page.records] == ["good"]
        assert [failure.id for page in pages for failure in page.failures] == ["bad"]
        assert (await connector.fetch("task", ["bad"]))["bad"] is Absence.FAILED

    asyncio.run(run())


def test_an_id_never_leaves_the_folder(tmp_path: Path) -> None:
    """It is a name of a file, and nothing else."""
    (tmp_path / "task").mkdir()
    (tmp_path / "secret.md").write_text("---\ntitle: Secret\n---\n")

    async def run() -> None:
        connector = NotesConnector(system(tmp_path))
        await connector.open({"task": ("title",)})
        found = await connector.fetch("task", ["../secret", "..", "/etc/passwd", ""])
        assert set(found.values()) == {Absence.GONE}

    asyncio.run(run())


def test_what_is_saved_between_look_and_write_stays(tmp_path: Path) -> None:
    """Twenty updates from the same ground: one is applied."""
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "1.md").write_text("---\ntitle: Before\n---\n")

    async def run() -> None:
        connector = NotesConnector(system(tmp_path))
        await connector.open({"task": ("title",)})
        seen = (await connector.fetch("task", ["1"]))["1"]
        assert not isinstance(seen, Absence)
        writes = [connector.update("task", "1", {"title": f"w{number}"}, ground(seen)) for number in range(20)]
        kinds = [outcome.kind for outcome in await asyncio.gather(*writes)]
        assert kinds.count(OutcomeKind.APPLIED) == 1
        assert kinds.count(OutcomeKind.STALE) == 19

    asyncio.run(run())
