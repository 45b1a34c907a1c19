"""`init`: the first project file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.call import Call, one_of
from accord.cli.output import counted
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.cli.starting import Files, Start

SAMPLE = 1000
ORDINALS = ("first", "second")


def init(
    call: Call,
    preset: Annotated[str | None, typer.Option("--from", metavar="PRESET", help="A ready project: demo.")] = None,
    connector: Annotated[
        list[str] | None, typer.Option("--connector", metavar="NAME", help="rest, sql or file; once for each system.")
    ] = None,
    url: Annotated[list[str] | None, typer.Option("--url", metavar="URL", help="Once for each system.")] = None,
    name: Annotated[list[str] | None, typer.Option("--name", metavar="NAME", help="Once for each system.")] = None,
    left: Annotated[
        str | None, typer.Option("--left", metavar="ADDRESS", help="Look at this system, and propose a mapping.")
    ] = None,
    right: Annotated[str | None, typer.Option("--right", metavar="ADDRESS", help="The other system.")] = None,
    sample: Annotated[
        int, typer.Option("--sample", metavar="N", help="Of --left and --right: records of each datatype.")
    ] = SAMPLE,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a project file that is there.")] = False,
) -> int:
    """Write `accord.yaml` and `.env.example`: from a preset, from a few answers, or from two addresses, the systems at
    which are looked at and compared. Nothing is written in a system.

    Example: `accord init --from demo`, or `accord init --left https://pms.example --right sqlite:///erp.db`, or
    `accord init --name crm --connector rest --url https://crm.example --name erp --connector sql --url sqlite:///erp.db`.
    """
    from accord.cli import starting

    folder = (call.file.parent if call.file else call.folder) or Path()
    file = call.file or folder / "accord.yaml"
    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force overwrites it; -C names another folder")
    if left is not None or right is not None:
        if left is None or right is None or preset or connector or url:
            raise UsageError("--left and --right go together, and with --name, --sample and --force only")
        return _proposed(call, folder, file, (left, right), name or [], sample)
    if preset is not None:
        one_of("preset", [preset], starting.presets())
        files = starting.from_preset(preset)
    else:
        files = starting.between(_asked(connector or [], url or [], name or []))
    written = _write(folder, file, files)
    if call.out.json:
        call.out.document({"written": [str(path) for path in written]})
        return 0
    call.out.say(*(f"wrote {path}" for path in written))
    call.out.say("Adapt them, put the credentials into .env, then: `accord check`, `accord plan`, `accord run`.")
    return 0


def _proposed(call: Call, folder: Path, file: Path, addresses: tuple[str, str], names: list[str], sample: int) -> int:
    """From two addresses: what was found out becomes the file."""
    from accord.cli.proposal import between_addresses

    if len(names) > 2 or sample < 0:
        raise UsageError("--name is given once for each system, and --sample must be 0 or more")
    found = between_addresses(addresses, names, folder, sample)
    written = [*_write(folder, file, found.files), *(folder / name for name in found.documents)]
    if call.out.json:
        paths = [str(path) for path in written]
        call.out.document({"written": paths, "flows": found.flows, "rows": found.rows, "notes": list(found.notes)})
        return 0
    call.out.say(*(f"wrote {path}" for path in written))
    call.out.say(*(f"note: {note}" for note in found.notes))
    call.out.say(
        f"{counted(found.flows, 'flow')} and {counted(found.rows, 'row')} proposed; nothing was written elsewhere."
    )
    call.out.say("Read the file, put the credentials into .env, then: `accord check`, `accord plan`, `accord run`.")
    return 0


def _asked(connectors: list[str], urls: list[str], names: list[str]) -> list[Start]:
    """Both systems: from the flags, and for what they do not say, from answers."""
    from accord.cli.starting import CONNECTORS, Start, name_of

    for option, given in (("--connector", connectors), ("--url", urls), ("--name", names)):
        if len(given) > 2:
            raise UsageError(f"{option} is given {len(given)} times, and there are two systems")
    one_of("connector", connectors, CONNECTORS)
    systems = []
    for number, ordinal in enumerate(ORDINALS):
        title = _answer(names, number, f"Name of the {ordinal} system", f"system{number + 1}", bool(urls))
        chosen = _answer(connectors, number, f"Connector of {title} ({', '.join(CONNECTORS)})", "rest", bool(urls))
        one_of("connector", [chosen], CONNECTORS)
        url = _answer(urls, number, f"Address of {title}", None, False)
        systems.append(Start(name=name_of(title), title=title, connector=chosen, url=url))
    return systems


def _answer(given: list[str], number: int, question: str, default: str | None, silent: bool) -> str:
    """What was given, else the default where the flags say the rest, else what a person answers."""
    if number < len(given):
        return given[number]
    if silent and default is not None:
        return default
    try:
        answer: str = typer.prompt(question, default=default, err=True)
    except typer.Abort:
        raise UsageError(f"{question}: no answer", hint="--from demo, or --name, --connector and --url twice") from None
    return answer


def _write(folder: Path, file: Path, files: Files) -> list[Path]:
    """The project file, `.env.example`, and `.env` with what it lacks; a value that is there stays."""
    example, private = folder / ".env.example", folder / ".env"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(files.project, "utf-8")
        example.write_text(_env(files.env), "utf-8")
        added = _complete(private, files.env)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}") from None
    return [file, example, *([private] if added else [])]


def _env(values: Mapping[str, str]) -> str:
    lines = "".join(f"{name}={value}\n" for name, value in values.items())
    return f"# Copy to .env beside the project file; .env does not belong into version control.\n{lines}"


def _complete(private: Path, values: Mapping[str, str]) -> bool:
    from accord.config.interpolate import read_dotenv

    known = read_dotenv(private)
    missing = {name: value for name, value in values.items() if name not in known}
    if not missing:
        return False
    before = private.read_text("utf-8") if private.exists() else ""
    if before and not before.endswith("\n"):
        before += "\n"
    private.touch(mode=0o600, exist_ok=True)
    private.write_text(before + "".join(f"{name}={value}\n" for name, value in missing.items()), "utf-8")
    return True
