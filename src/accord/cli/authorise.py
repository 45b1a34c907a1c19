"""`authorise`: a person lets Accord into a system, once, at a page of that system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.call import Call, one_of

if TYPE_CHECKING:
    from accord.connectors.rest.device import Code


def authorise(
    call: Call, system: Annotated[str, typer.Argument(metavar="SYSTEM", help="A system of the file.")]
) -> int:
    """Show an address and a code, and wait until somebody who may use the system has let Accord in there. The refresh
    token is kept in the file that `keep` names. For `auth: {type: oauth2_device}`.

    Example: `accord authorise crm`.
    """
    import asyncio

    from accord.connectors.rest.device import authorise as ask

    project = call.project()
    one_of("system", [system], project.systems)
    kept = asyncio.run(ask(project.systems[system], lambda code: _show(call, code)))
    if call.out.json:
        call.out.document({"system": system, "kept": str(kept.path)})
    else:
        call.out.say(f"{project.systems[system].title} lets Accord in; the token is kept in {kept.path}.")
    return 0


def _show(call: Call, code: Code) -> None:
    """For a person, also where the output is for a script."""
    minutes = max(1, round(code.lasts / 60))
    call.out.note(f"Open {code.page} and enter the code {code.text} (good for {minutes} min).")
    if code.whole is not None:
        call.out.note(f"With the code in it: {code.whole}")
