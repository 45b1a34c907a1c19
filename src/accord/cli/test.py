"""`test`: the tests that the project file holds, played without any system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.call import Call, one_of
from accord.cli.output import Output, counted
from accord.cli.progress import progress
from accord.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accord.simulate.cases import CaseResult


def play_tests(
    call: Call,
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Only these tests.")] = None,
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML as well.")] = None,
) -> int:
    """Play the tests under `tests:` in the project file: records and edits, and what must come of them. No system is
    asked, and nothing is written to any. Exit status 4 where something else comes of it.

    Example: `accord test`, or `accord test 'a new customer is created'`.
    """
    from accord.engine.checking import refuse_wrong
    from accord.simulate.cases import play_case
    from accord.simulate.learn import offline_shapes

    project = call.project(stand_ins=True)  # no system is asked, so that nothing need be known of where it is
    refuse_wrong(project)
    if not project.cases:
        raise UsageError(
            "the project file holds no tests",
            hint="write some under `tests:`, or take one from a record: accord explain REF --as-test",
        )
    one_of("test", names or (), [case.name for case in project.cases])
    chosen = [case for case in project.cases if not names or case.name in names]
    shapes = offline_shapes(project)
    results = []
    with progress(call.out) as tell:
        for number, case in enumerate(chosen, 1):
            results.append(play_case(project, shapes, case))
            tell("playing tests", number, len(chosen))
    if junit is not None:
        _write_junit(junit, results)
    failed = sum(not result.passed for result in results)
    if call.out.json:
        call.out.document(
            {"tests": [result.document() for result in results], "passed": len(results) - failed, "failed": failed}
        )
    else:
        _show(call.out, results)
    return 4 if failed else 0


def _show(out: Output, results: Sequence[CaseResult]) -> None:
    for result in results:
        out.say(f"{'passed' if result.passed else 'FAILED'}  {result.case.name}")
        for difference in result.differences:
            out.say(f"        {difference}")
        if not result.passed:
            out.say(f"        {result.case.file}, line {result.case.line}")
    failed = sum(not result.passed for result in results)
    out.say(f"\n{counted(len(results), 'test')}, " + (f"{failed} failed." if failed else "all passed."))


def _write_junit(file: Path, results: Sequence[CaseResult]) -> None:
    from xml.etree import ElementTree as Tree

    from accord.verify.render import xml_text

    failed = sum(not result.passed for result in results)
    suite = Tree.Element("testsuite", name="accord test", tests=str(len(results)), failures=str(failed))
    for result in results:
        case = Tree.SubElement(suite, "testcase", name=xml_text(result.case.name), classname=result.case.file)
        if not result.passed:
            failure = Tree.SubElement(case, "failure", message=xml_text(result.differences[0]))
            failure.text = xml_text("\n".join(result.differences))
    try:
        file.write_bytes(Tree.tostring(suite, "utf-8", xml_declaration=True))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None
