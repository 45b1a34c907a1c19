"""The command line: `accord COMMAND`. Each command is a function in a module of this package; heavy imports wait."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

import typer

from accord.cli import call as calls
from accord.cli import failures
from accord.cli.authorise import authorise
from accord.cli.call import Interrupted, command, shared_options
from accord.cli.check import check
from accord.cli.demo import demo
from accord.cli.discover import discover
from accord.cli.docs import docs
from accord.cli.explain import explain
from accord.cli.held import held
from accord.cli.history import history
from accord.cli.init import init
from accord.cli.links import links
from accord.cli.output import Output
from accord.cli.pause import pause, resume
from accord.cli.rounds import apply, plan, run
from accord.cli.simulate import simulate
from accord.cli.state import state
from accord.cli.status import status
from accord.cli.suggest import suggest
from accord.cli.test import play_tests
from accord.cli.undo import undo
from accord.cli.verify import verify
from accord.errors import AccordError, MendFile, UsageError

HELP = """Keeps records in step between business applications, wherever they are edited.

Begin with `accord demo`, or with `accord init` and `accord check`; then `accord plan` shows what would be written
and `accord run` does it.
"""

app = typer.Typer(
    name="accord",
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(shared_options(HELP))
FIRST: tuple[Callable[..., int], ...] = (init, authorise, discover, suggest, check, plan, run, apply)
THEN: tuple[Callable[..., int], ...] = (status, pause, resume)
LAST: tuple[Callable[..., int], ...] = (explain, history, undo, verify, docs, simulate, demo)
for each in (*FIRST, *THEN):
    app.command()(command(each))
app.add_typer(links, name="links")
app.add_typer(held, name="held")
app.add_typer(state, name="state")
for each in LAST:
    app.command()(command(each))
app.command("test")(command(play_tests))


def main() -> NoReturn:
    """Run the command line; ends the process with the exit status."""
    sys.exit(run_app(sys.argv[1:]))


def run_app(arguments: list[str]) -> int:
    """Run a command; its exit status."""
    calls.current = None
    in_json = "--json" in arguments
    try:
        status = app(arguments, standalone_mode=False, prog_name="accord")
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except AccordError as error:
        return failures.report(error, _out(), in_json=in_json)
    except (typer.Abort, KeyboardInterrupt):
        return failures.report(Interrupted("interrupted"), _out(), in_json=in_json)
    except BrokenPipeError:
        return _reader_is_gone()
    except Exception as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            return 2  # the help is on the screen
        usage = _usage(error)
        if usage is not None:
            return failures.report(usage, _out(), in_json=in_json)
        return failures.internal(error, _out(), in_json=in_json)


def _out() -> Output:
    return calls.current.out if calls.current else Output()


def _usage(error: Exception) -> MendFile | None:
    """What typer says of a wrong call, in our words; None for another error."""
    format_message = getattr(error, "format_message", None)
    if format_message is None or getattr(error, "exit_code", None) != 2:
        return None
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "accord"
    return UsageError(str(format_message()), hint=f"`{path} --help` explains it")


def _reader_is_gone() -> int:
    """Whoever read our output has gone (`| head`): no complaint, also not from the flush at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
