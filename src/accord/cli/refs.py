"""What people type to name a record, a link or a row, checked against the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.call import one_of
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.model import Ref

FlowName = Annotated[str | None, typer.Option("--flow", metavar="FLOW", help="Only this flow.")]
SystemName = Annotated[str | None, typer.Option("--system", metavar="SYSTEM", help="Only this system.")]
RefText = Annotated[str | None, typer.Option("--ref", metavar="REF", help="Only this record: SYSTEM/DATATYPE/ID.")]


def ref_of(text: str, project: Project) -> Ref:
    """A record by name. Raises UsageError for what is none, and for systems and datatypes that are not there."""
    from accord.model import Ref

    try:
        ref = Ref.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint="for example custompms/customer/17") from None
    one_of("system", [ref.system], project.systems)
    one_of(f"datatype in {ref.system}", [ref.datatype], project.systems[ref.system].datatypes)
    return ref


def some_ref(text: str | None, project: Project) -> Ref | None:
    """The same of an option that may be left out."""
    return None if text is None else ref_of(text, project)


def check_names(project: Project, flow: str | None, system: str | None) -> None:
    """Raises UsageError for a flow or system that is not there."""
    one_of("flow", [flow] if flow else [], project.flows)
    one_of("system", [system] if system else [], project.systems)
