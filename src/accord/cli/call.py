"""How a command is called: the options that every command takes, before or after its name, and what they lead to.

`@command` gives a function its `Call` and adds these options to its own; the function returns its exit status.
"""

from __future__ import annotations

import getpass
import inspect
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import typer

from accord.cli.output import Output
from accord.errors import TryAgain, UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.store.opening import State

Folder = Annotated[
    Path | None, typer.Option("-C", metavar="FOLDER", help="The folder of the project.", show_default=False)
]
File = Annotated[
    Path | None, typer.Option("--project", metavar="FILE", help="The project file.", show_default="accord.yaml")
]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output, and nothing else.")]
Now = Annotated[str | None, typer.Option("--now", metavar="TIME", hidden=True)]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who decides.", show_default="the user")]


class Interrupted(TryAgain):
    """Somebody pressed Ctrl-C."""


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """Now, in UTC."""


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(slots=True)
class Call:
    """One call of a command."""

    folder: Path | None
    file: Path | None
    clock: Clock
    out: Output

    def project(self, *, stand_ins: bool = False) -> Project:
        """The project; with `stand_ins` also where its variables are not set. Raises UsageError, ProjectFileError."""
        from accord.config.load import find_project_file, load

        project = load(find_project_file(self.folder, self.file), stand_ins=stand_ins)
        self.out.secrets = project.secrets
        return project

    def state(self, project: Project) -> State:
        """The state of a project that has one. Raises StateError, UsageError where nothing was ever done."""
        if not has_state(project):
            raise UsageError("nothing has been synchronised yet", hint="`accord run` does the first round")
        from accord.store.opening import open_state

        return open_state(project.state)


current: Call | None = None
"""The call at work, for whoever reports an error."""


def has_state(project: Project) -> bool:
    """Whether a project has a state; looking does not make one."""
    if "://" in project.state and not project.state.startswith("sqlite:///"):
        return True
    return Path(project.state.removeprefix("sqlite:///")).is_file()


def command(function: Callable[..., int]) -> Callable[..., None]:
    """A typer command out of a function of a Call and its own options."""
    own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

    def run(context: typer.Context, **given: Any) -> None:
        call = _call(context, {name: given.pop(name) for name in _SHARED})
        try:
            status = function(call, **given)
        except KeyboardInterrupt:
            raise Interrupted("interrupted", hint="nothing is lost; the next round goes on from here") from None
        raise typer.Exit(status)

    _dress(run, [*own, *_SHARED.values()], function)
    return run


def group(help: str) -> typer.Typer:
    """A command with commands of its own, that takes the shared options too."""
    app = typer.Typer(help=help, no_args_is_help=True, rich_markup_mode="markdown")
    app.callback()(shared_options(help))
    return app


def shared_options(help: str) -> Callable[..., None]:
    """A typer callback that takes the shared options; `_call` finds them there."""

    def take(context: typer.Context, **given: Any) -> None:
        return None

    take.__doc__ = help
    _dress(take, list(_SHARED.values()), None)
    return take


def one_of(what: str, given: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Names that were given, all of them known. Raises UsageError with the nearest."""
    from difflib import get_close_matches

    names = list(known)
    for name in given:
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"did you mean {close[0]!r}?" if close else None
            there = ", ".join(names) or "none"
            raise UsageError(f"there is no {what} {name!r}; there are: {there}", hint=hint)
    return frozenset(given)


def person(by: str | None) -> str:
    """Who decides."""
    if by:
        return by
    try:
        return os.environ.get("USER") or getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def parse_time(text: str, what: str) -> datetime:
    """A time in ISO 8601; without zone it is UTC. Raises UsageError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{what} {text!r} is not a time", hint="write for example 2026-11-23T10:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_SHARED = {
    "in_folder": _parameter("in_folder", Folder, None),
    "project_file": _parameter("project_file", File, None),
    "in_json": _parameter("in_json", Json, False),
    "clock_at": _parameter("clock_at", Now, None),
}


def _dress(run: Callable[..., None], parameters: Sequence[inspect.Parameter], like: Callable[..., int] | None) -> None:
    """Give a function the signature that typer reads its options from."""
    context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    every = [context, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters)]
    for parameter in parameters:
        option, *_ = getattr(parameter.annotation, "__metadata__", (None,))
        if parameter.annotation.__origin__ is bool and option is not None:
            option.metavar = ""  # a switch takes no value
    run.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in every}
    if like is not None:
        run.__name__, run.__doc__ = like.__name__, like.__doc__


def _call(context: typer.Context, given: dict[str, Any]) -> Call:
    """The options given after the command's name, else those given before it."""
    global current
    above = context.parent
    while above is not None:
        for name in _SHARED:
            given[name] = given[name] or above.params.get(name)
        above = above.parent
    call = Call(given["in_folder"], given["project_file"], _SystemClock(), Output(json=bool(given["in_json"])))
    current = call
    if given["clock_at"]:
        from accord.engine.setting import ShiftedClock

        call.clock = ShiftedClock(parse_time(given["clock_at"], "--now"))
    return call
