"""Errors → what a person reads, what a script reads, and the exit status. No traceback ever reaches a user."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from typing import Any

from accord.cli.output import Output
from accord.errors import AccordError, ProjectFileError, SystemFailure


def report(error: AccordError, out: Output, *, in_json: bool) -> int:
    """Say what went wrong; the exit status."""
    if in_json:
        out.document(as_json(error))
    if isinstance(error, ProjectFileError):
        count = len(error.problems)
        head = "one problem" if count == 1 else f"{count} problems"
        out.note(*(str(problem) for problem in error.problems), f"accord: {head} in the project file")
    else:
        out.note(f"accord: {error.message}", *([f"  {error.hint}"] if error.hint else []))
    return error.exit_status


def as_json(error: AccordError) -> dict[str, Any]:
    """The errors of a call: the problems of a project file, or `{system, kind, message}`."""
    if isinstance(error, ProjectFileError):
        names = ("file", "line", "path", "message", "allowed", "hint")
        return {"errors": [{name: getattr(problem, name) for name in names} for problem in error.problems]}
    return {"errors": [entry(error)]}


def entry(error: AccordError) -> dict[str, Any]:
    """One error of a report."""
    system = error.system if isinstance(error, SystemFailure) else ""
    found: dict[str, Any] = {"system": system, "kind": error.kind, "message": error.message}
    return {**found, "hint": error.hint} if error.hint else found


def internal(error: BaseException, out: Output, *, in_json: bool) -> int:
    """An error of Accord itself: one line, and the details in a file. ACCORD_DEBUG=1 shows them."""
    details = out.clean("".join(traceback.format_exception(error)))
    said = out.text(f"{type(error).__name__}: {error}".splitlines()[0])
    where = _kept(details)
    if in_json:
        out.document({"errors": [{"system": "", "kind": "internal", "message": said}]})
    if os.environ.get("ACCORD_DEBUG") == "1":
        sys.stderr.write(details)
    sys.stderr.write(f"accord: internal error: {said} (details in {where})\n")
    return 1


def _kept(details: str) -> str:
    try:
        with tempfile.NamedTemporaryFile("w", prefix="accord-error-", suffix=".txt", delete=False) as file:
            file.write(details)
        return file.name
    except OSError:
        return "no file: the temporary folder cannot be written to; set ACCORD_DEBUG=1"
