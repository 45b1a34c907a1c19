"""Every exception that Accord raises, grouped by what the caller does about it.

    AccordError
    ├── MendFile            the call or the project file is wrong             exit status 2
    │   ├── ProjectFileError    one or many `Problem`s in accord.yaml
    │   └── UsageError          a command was called wrongly
    ├── TryAgain            it may work later                                 exit status 1
    │   ├── Unreachable         a system does not answer
    │   ├── Unauthorized        a system refuses our credentials
    │   ├── ProtocolError       an answer has the wrong shape
    │   ├── Locked              another process holds the lease
    │   └── StateError          the state is damaged, lost, rolled back or newer
    ├── SkipRecord          this record or row stops, the others go on        exit status 3
    │   ├── ValueRefused        a value has no counterpart, or does not fit
    │   └── ExpressionError     an expression failed on this record
    └── Broken              an invariant of Accord itself does not hold       exit status 1

Messages say what, where, what is allowed and what to do next; they never hold a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class AccordError(Exception):
    """The root. `kind` is the word that `--json` shows, `hint` the next thing to do."""

    kind = "internal"
    exit_status = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class MendFile(AccordError):
    """The call or the project file must be mended first."""

    kind = "file"
    exit_status = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a project file, and where."""

    file: str
    line: int
    path: str
    message: str
    allowed: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        text = f"{self.file}:{self.line}: {self.path}: {self.message}"
        if self.allowed:
            text += f"\n    allowed: {self.allowed}"
        if self.hint:
            text += f"\n    {self.hint}"
        return text


class ProjectFileError(MendFile):
    """All the problems of a project file at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class UsageError(MendFile):
    """A command was called with something that it does not take."""

    kind = "usage"


class TryAgain(AccordError):
    """Nothing is wrong with the file; it may work later."""


class SystemFailure(TryAgain):
    """A system stops, others go on. `system` names it."""

    def __init__(self, system: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(f"{system}: {message}", hint=hint)
        self.system = system


class Unreachable(SystemFailure):
    """A system did not answer a reading, or a write certainly did not reach it."""

    kind = "unreachable"


class Unauthorized(SystemFailure):
    """A system refuses our credentials, or a whole collection."""

    kind = "unauthorized"


class ProtocolError(SystemFailure):
    """An answer has not the shape that the connector expects. Never an empty list, never a success."""

    kind = "protocol"


class Locked(TryAgain):
    """Another process holds the lease of this project."""

    kind = "locked"


class StateError(TryAgain):
    """The state file is damaged, lost, rolled back, or written by a newer Accord."""

    kind = "state"


class SkipRecord(AccordError):
    """One record or row is held for a person; everything else goes on."""

    kind = "value"
    exit_status = 3


class ValueRefused(SkipRecord):
    """A value has no counterpart on the other side, or does not fit there."""


class ExpressionError(SkipRecord):
    """An expression failed on one record."""


class Broken(AccordError):
    """An invariant of Accord does not hold. The link is stopped, loudly."""
