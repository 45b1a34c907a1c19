"""`state`: copies of the state, its soundness, its way out and in as JSON lines, and old history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.call import By, Call, command, group, person
from accord.cli.output import counted
from accord.cli.progress import progress
from accord.errors import StateError, UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project

state = group("The state: backup, restore, check, export, import, prune.")
Force = Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")]
AGE = 90


def backup(
    call: Call, file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")], force: Force = False
) -> int:
    """Copy the state, also while a round is at work. The copy is one moment of it, and is checked.

    Example: `accord state backup backups/accord-monday.db`.
    """
    from accord.store.keeping import backup as copy

    with call.state(call.project()) as opened, progress(call.out) as tell:
        made = copy(opened, file, tell, force=force)
    found = {"file": str(made.path), "bytes": made.bytes, "links": made.links, "rounds": made.generation}
    if call.out.json:
        call.out.document(found)
    else:
        call.out.say(f"{file}: {counted(made.links, 'link')}, {made.bytes:,} bytes, whole and checked.")
    return 0


def restore(
    call: Call, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `accord state backup` wrote.")]
) -> int:
    """Put a backup in the place of the state. What is there now is kept beside it. Every write of the next round is
    held until somebody has looked at the plan.

    Example: `accord state restore backups/accord-monday.db`.
    """
    from accord.store.keeping import restore as put_back

    place = _place(call.project())
    kept = put_back(file, place, call.clock.now())
    if call.out.json:
        call.out.document({"file": str(place), "restored": str(file), "kept": str(kept) if kept else None})
        return 0
    before = f" What was there is {kept.name}." if kept else ""
    call.out.say(
        f"{place.name} is {file} now.{before}",
        "Look at `accord plan --full --all`; `accord run --approve` then does what is right.",
    )
    return 0


def _place(project: Project) -> Path:
    if "://" in project.state and not project.state.startswith("sqlite:///"):
        raise StateError("only a state in a file can be restored or imported here")
    return Path(project.state.removeprefix("sqlite:///"))


def check(call: Call) -> int:
    """Read the whole state for damage, and for what cannot be: a record in two links, a write begun for nothing.

    Example: `accord state check`. Exit status 1 where something is wrong.
    """
    from accord.store.integrity import damages

    with call.state(call.project()) as opened:
        found = [asdict(damage) for damage in damages(opened)]
        doubtful = opened.doubtful
    if call.out.json:
        call.out.document({"ok": not found, "damages": found, "doubtful": doubtful})
    elif found:
        call.out.table(["what", "is wrong", "what to do"], [(d["kind"], d["message"], d["hint"]) for d in found])
    else:
        call.out.say("The state is sound." + (f" It is doubtful, though: {doubtful}." if doubtful else ""))
    return 1 if found else 0


def export(
    call: Call,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Where it goes.", show_default="stdout")
    ] = None,
    force: Force = False,
) -> int:
    """Write the state as JSON lines, all of it.

    Example: `accord state export -o accord.jsonl`.
    """
    import sys

    from accord.store.keeping import refuse_existing
    from accord.store.transfer import export_state

    project = call.project()
    if output is not None:
        refuse_existing(output, force)
    with call.state(project) as opened, progress(call.out) as tell:
        lines = export_state(opened, call.clock.now(), tell)
        if output is None:
            for line in lines:
                sys.stdout.write(line.decode() + "\n")
            return 0
        number = _write(output, lines)
    if call.out.json:
        call.out.document({"file": str(output), "lines": number})
    else:
        call.out.say(f"{output}: {counted(number, 'line')}.")
    return 0


def _write(output: Path, lines: Iterator[bytes]) -> int:
    """All lines to a file that only we may read; how many. It holds what the records hold."""
    import os

    number = 0
    part = output.with_name(output.name + ".part")
    try:
        with open(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            for line in lines:
                file.write(line + b"\n")
                number += 1
        part.replace(output)
    except OSError as error:
        raise StateError(f"{output} cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return number


def import_(
    call: Call, file: Annotated[Path, typer.Argument(metavar="FILE", help="What `accord state export` wrote.")]
) -> int:
    """Make the state from an export. There must be none yet.

    Example: `accord state import accord.jsonl`.
    """
    from accord.store.transfer import import_state

    place = _place(call.project())
    if not file.is_file():
        raise UsageError(f"there is no file {file}", hint="name a file that `accord state export` wrote")
    with file.open("rb") as lines, progress(call.out) as tell:
        counts = import_state((line.rstrip(b"\n") for line in lines), place, file.name, call.clock.now(), tell)
    if call.out.json:
        call.out.document({"file": str(place), "rows": counts})
    else:
        call.out.say(
            f"{place.name}: {counted(counts.get('link', 0), 'link')}, {counted(sum(counts.values()), 'row')}.",
            "Look at `accord plan`: every write of the next round is held until somebody has approved it.",
        )
    return 0


def prune(
    call: Call,
    older_than: Annotated[str, typer.Option("--older-than", metavar="AGE", help="As 90d, 26w, 720h.")] = f"{AGE}d",
    by: By = None,
) -> int:
    """Let go of old history. What explains a value that is there now stays, and so does what is open.

    Example: `accord state prune --older-than 180d`.
    """
    from accord.store.people import deciding
    from accord.store.pruning import prune as let_go
    from accord.store.pruning import shrink

    project, now = call.project(), call.clock.now()
    before = now - _age(older_than)
    with call.state(project) as opened, deciding(opened, now):
        size = _size(project)
        found = let_go(opened, before)
        _note(opened, person(by), now, found.history)
        shrink(opened)
    freed = size - _size(project)
    if call.out.json:
        call.out.document({**asdict(found), "before": before.isoformat(), "freed": freed})
    else:
        call.out.say(
            f"{counted(found.history, 'line')} of history, {counted(found.held, 'closed held item')} and "
            f"{counted(found.runs, 'run')} from before {before.date()} are gone; "
            f"{counted(found.kept, 'older line')} explain what is there now, and stay. {max(freed, 0):,} bytes freed."
        )
    return 0


def _age(text: str) -> timedelta:
    from pydantic_core import PydanticCustomError

    from accord.config.kinds import duration

    try:
        return timedelta(seconds=duration(text))
    except PydanticCustomError as error:
        raise UsageError(f"--older-than {text!r} is {error.message()}", hint="write for example 90d or 26w") from error


def _size(project: Project) -> int:
    place = Path(project.state.removeprefix("sqlite:///"))
    files = (place.with_name(place.name + suffix) for suffix in ("", "-wal"))
    return sum(file.stat().st_size for file in files if file.is_file())


def _note(opened: Any, by: str, now: datetime, lines: int) -> None:
    """Who let go of history, and when, is itself kept."""
    run = opened.runs.begin("prune", by, now)
    opened.runs.finish(run, 0, {"history": lines}, now)


COMMANDS: tuple[tuple[str, Callable[..., int]], ...] = (
    ("backup", backup),
    ("restore", restore),
    ("check", check),
    ("export", export),
    ("import", import_),
    ("prune", prune),
)
for name, function in COMMANDS:
    state.command(name)(command(function))
