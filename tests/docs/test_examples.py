"""Whatever a page shows as a project file loads, and every command line that it shows can be called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import json_schema, load
from accord.config.tree import read_tree
from tests.docs.pages import ROOT, blocks, environment, inline, pages

NOT_YET = frozenset({"serve"})
"""Commands that pages name as not being there yet."""


def yaml_blocks(kind: str) -> list[Any]:
    return [
        pytest.param(body, id=f"{page.relative_to(ROOT)}-{number}")
        for page in pages()
        for number, (found, body) in enumerate(blocks(page))
        if found == kind
    ]


def calls() -> list[Any]:
    """Every `accord …` of a shell block, and between backticks, with its page."""
    found = []
    for page in pages():
        lines = [line for kind, body in blocks(page) if kind == "shell" for line in body.splitlines()]
        words = [text for text in inline(page) if text.startswith("accord ") and "COMMAND" not in text]
        found += [
            pytest.param(line, id=f"{page.relative_to(ROOT)}: {line}") for line in dict.fromkeys([*lines, *words])
        ]
    return found


def is_accord(line: str) -> bool:
    return line.strip().startswith("accord ")


@pytest.mark.parametrize("text", yaml_blocks("yaml accord"))
def test_a_whole_project_file_in_a_page_loads(text: str, tmp_path: Path) -> None:
    """Without a problem, and without a caution."""
    file = tmp_path / "accord.yaml"
    file.write_text(text, "utf-8")
    assert load(file, env=environment(text)).warnings == ()


@pytest.mark.parametrize("text", yaml_blocks("yaml"))
def test_a_part_of_a_project_file_in_a_page_is_yaml(text: str, tmp_path: Path) -> None:
    """As Accord reads YAML."""
    file = tmp_path / "part.yaml"
    file.write_text(text, "utf-8")
    assert read_tree(file, "part").problems == []


@pytest.mark.parametrize("file", sorted((ROOT / "examples").rglob("accord.yaml")), ids=lambda file: file.parent.name)
def test_an_example_loads(file: Path) -> None:
    """Every project file in `examples/`."""
    assert load(file, env=environment(file.read_text("utf-8"))).flows


@pytest.mark.parametrize("text", yaml_blocks("yaml whole"))
def test_a_project_file_with_rare_keys_loads(text: str, tmp_path: Path) -> None:
    """Cautions are said: some of its keys do nothing yet."""
    file = tmp_path / "accord.yaml"
    file.write_text(text, "utf-8")
    assert load(file, env=environment(text)).flows


def keys_in(value: Any) -> Iterator[str]:
    """Every key of mappings within mappings and lists."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from keys_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner)


def test_every_key_has_its_example(tmp_path: Path) -> None:
    """In a page, or in a project file of `examples/`."""
    texts = [body for page in pages() for kind, body in blocks(page) if kind.startswith("yaml")]
    texts += [file.read_text("utf-8") for file in (ROOT / "examples").rglob("accord.yaml")]
    file, shown = tmp_path / "part.yaml", set[str]()
    for text in texts:
        file.write_text(text, "utf-8")
        shown.update(keys_in(read_tree(file, "part").data))
    schema = json_schema()
    places = [schema, *schema["$defs"].values()]
    known = {key for place in places for key in place.get("properties", {})}
    assert known - shown - {"none"} == set(), "`none` is a word of limits, and no key that is written"


def test_there_are_whole_project_files_in_the_pages() -> None:
    """The test above is not empty."""
    assert yaml_blocks("yaml accord")


@pytest.mark.parametrize("line", calls())
def test_a_command_line_in_a_page_can_be_called(line: str) -> None:
    """Its command exists, and takes these options. `make` and the like are left alone."""
    import typer

    from accord.cli.main import app

    if not is_accord(line):
        assert re.match(r"(make|cd|cp|git|curl|printf|psql|export|python)\b", line.strip()), line
        return
    command: Any = typer.main.get_command(app)
    words = shlex.split(line, comments=True)[1:]
    options = _options(command)
    while words and (inner := getattr(command, "commands", None)):
        word = words.pop(0)
        if word.startswith("-"):
            assert word in options, f"{word} of {line!r}"
            continue
        if word in NOT_YET:
            assert word not in inner, f"`accord {word}` is there now: mend the pages that say it is not"
            return
        assert word in inner, f"`accord {word}` does not exist: {line!r}"
        command = inner[word]
        options = options | _options(command)
    for word in words:
        if word.startswith("-") and not re.fullmatch(r"-\d+", word):
            assert word.split("=")[0] in options, f"{word} of {line!r}"


def _options(command: Any) -> set[str]:
    return {"-h", "--help", *(option for parameter in command.params for option in parameter.opts)}
