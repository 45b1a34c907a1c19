"""Each command, key, type, lens, rule, error and kind is in the reference. Habit 14 of the style."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from pydantic import BaseModel

from accord import errors
from accord.config.json_schema import build
from accord.config.kinds import duration
from accord.config.schema import ClockModel, LimitsModel
from accord.config.words import CONFLICT_RULES, DELETE_RULES, LENSES, LINK_MODES, TYPES
from accord.engine.report import COMMANDS, Report
from accord.engine.setting import _counts
from accord.model import HeldKind, LinkState
from tests.docs.pages import REFERENCE, rows, says, section

FILE, CONNECTORS = REFERENCE / "project-file.md", REFERENCE / "connectors.md"
LINE, VALUES, ERRORS = REFERENCE / "command-line.md", REFERENCE / "types-and-lenses.md", REFERENCE / "errors.md"
SHARED = ("-C", "--project", "--json", "--help", "-h")


def keys() -> dict[str, list[str]]:
    """Model → keys of everything that a project file may say, from the JSON schema."""
    schema = build()
    models = {"file": schema, **schema["$defs"]}
    return {name: list(model["properties"]) for name, model in models.items() if "properties" in model}


def commands() -> list[tuple[str, Any]]:
    """Every command with its full name, and what it takes."""
    import typer

    from accord.cli.main import app

    def below(command: Any, name: str) -> list[tuple[str, Any]]:
        inner = getattr(command, "commands", None)
        if not inner:
            return [(name, command)]
        return [found for word, each in inner.items() for found in below(each, f"{name} {word}".strip())]

    return below(typer.main.get_command(app), "")


@pytest.mark.parametrize(("model", "names"), keys().items())
def test_every_key_of_the_project_file_is_described(model: str, names: list[str]) -> None:
    """A key that the schema takes stands as code in the page of the file or of the connectors."""
    assert [name for name in names if not (says(FILE, name) or says(CONNECTORS, name))] == []


@pytest.mark.parametrize("model", [LimitsModel, ClockModel], ids=lambda model: model.__name__)
def test_the_defaults_of_limits_and_clock_are_those_of_the_schema(model: type[BaseModel]) -> None:
    """The last cell of a key's line is its default."""
    told = {cells[0].strip("`"): cells[-1] for cells in rows(FILE)}
    for name, field in model.model_fields.items():
        said = told[name]
        assert field.default is None or (duration(said) if isinstance(field.default, float) else said) in (
            field.default,
            str(field.default),
        ), name


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_has_a_section_with_an_example(name: str) -> None:
    """`## links` holds an example of `accord links show`."""
    assert f"accord {name}" in section(LINE, name.split()[0])


@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name, command in commands()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("-") and not getattr(parameter, "hidden", False) and option not in SHARED
    ],
)
def test_every_option_is_described_with_its_command(name: str, option: str) -> None:
    """An option stands in the section of its command."""
    assert re.search(rf"(?<![\w-]){option}(?![\w-])", section(LINE, name.split()[0]))


@pytest.mark.parametrize("option", SHARED)
def test_the_shared_options_are_described(option: str) -> None:
    """Those that every command takes."""
    assert says(LINE, option)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_line_in_the_table_of_types(name: str) -> None:
    """The first cell names it."""
    assert any(f"`{name}" in cells[0] for cells in rows(VALUES))


@pytest.mark.parametrize("name", LENSES)
def test_every_lens_has_a_line_in_the_table_of_lenses(name: str) -> None:
    """The first cell names it."""
    assert any(cells[0].startswith((f"`{name}`", f"`{name}:")) for cells in rows(VALUES))


@pytest.mark.parametrize("word", sorted({*LINK_MODES, *DELETE_RULES, *CONFLICT_RULES, "prefer", "archive"}))
def test_every_rule_is_described(word: str) -> None:
    """Link modes, conflict rules, deletion rules."""
    assert says(FILE, word)


@pytest.mark.parametrize(
    "error", [e for e in vars(errors).values() if inspect.isclass(e) and e.__module__ == errors.__name__]
)
def test_every_error_is_described_with_its_kind_and_exit_status(error: type) -> None:
    """What a script sees of it is in its line."""
    if not issubclass(error, errors.AccordError):
        assert says(ERRORS, error.__name__)
        return
    cells = next(cells for cells in rows(ERRORS) if cells[0] == f"`{error.__name__}`")
    if "kind" in vars(error) and error is not errors.AccordError:
        assert cells[1] == f"`{error.kind}`"
    assert cells[2] in ("", str(error.exit_status))


@pytest.mark.parametrize("kind", HeldKind)
def test_every_held_kind_is_described_with_what_resolves_it(kind: HeldKind) -> None:
    """The table of `held` says for each kind what `held resolve` takes."""
    cells = next(cells for cells in rows(LINE) if cells[0] == f"`{kind.value}`" and len(cells) == 3)
    for argument in COMMANDS[kind.value]:
        assert f"`{argument}`" in cells[2]
    assert cells[2].count("`--") == len(COMMANDS[kind.value])


@pytest.mark.parametrize("state", LinkState)
def test_every_state_of_a_link_is_described(state: LinkState) -> None:
    """As `links list --state` takes it."""
    assert says(LINE, state.value)


@pytest.mark.parametrize("name", [*Report.__struct_fields__, *_counts()])
def test_every_field_of_a_report_is_described(name: str) -> None:
    """What scripts rely on; the digests of plans are not for them."""
    assert name == "plans" or says(LINE, name)
