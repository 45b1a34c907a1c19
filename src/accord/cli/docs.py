"""`docs`: the dataflow document, for one direction or for all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from accord.cli.call import Call, one_of
from accord.errors import UsageError

if TYPE_CHECKING:
    from accord.config.meaning import Project

FORMATS = ("rst", "md", "html")


@dataclass(frozen=True, slots=True)
class Page:
    """One document of one format."""

    source: str
    target: str
    format: str


def docs(
    call: Call,
    source: Annotated[str | None, typer.Option("--from", metavar="SYSTEM", help="Where the records come from.")] = None,
    target: Annotated[str | None, typer.Option("--to", metavar="SYSTEM", help="Where they go.")] = None,
    format: Annotated[str | None, typer.Option("--format", metavar="FORMAT", help="rst, md or html.")] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="PATH", help="A file or folder.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit status 4 when a file in -o is stale.")] = False,
) -> int:
    """Write the dataflow document: what goes where, by which rules, with a checklist for testing.

    Example: `accord docs --from custompms --to customerp`, or `accord docs -o docs/dataflow` for every direction in
    every format, and `accord docs -o docs/dataflow --check` in continuous integration.
    """
    project = call.project()
    one_of("format", [format] if format else [], FORMATS)
    if len(project.systems) == 2 and not (source or target) and (output is None or _is_file_name(output)):
        source, target = project.systems  # one document: in the order of the file
    pairs = _pairs(project, source, target)
    if output is None:
        if check:
            raise UsageError("--check compares with files: name them with -o")
        _print(call, project, [Page(start, end, format or "rst") for start, end in pairs])
        return 0
    pages = list(_pages(project, pairs, format, output, single=bool(source or target)))
    if check:
        return _compare(call, project, pages)
    for file, page in pages:
        _write(file, _text(call, project, page))
        call.out.note(f"wrote {file}")
    if call.out.json:
        call.out.document({"written": [str(file) for file, _ in pages]})
    return 0


def _is_file_name(output: Path) -> bool:
    return not output.is_dir() and output.suffix.lstrip(".") in FORMATS


def _print(call: Call, project: Project, pages: list[Page]) -> None:
    texts = [_text(call, project, page) for page in pages]
    if call.out.json:
        found = [
            {"from": page.source, "to": page.target, "format": page.format, "text": text}
            for page, text in zip(pages, texts, strict=True)
        ]
        call.out.document({"documents": found})
        return
    for text in texts:
        call.out.raw(text)


def _pairs(project: Project, source: str | None, target: str | None) -> list[tuple[str, str]]:
    """The directions that are asked for; of two systems, one names the other."""
    names = list(project.systems)
    one_of("system", [name for name in (source, target) if name], names)
    if len(names) == 2 and bool(source) != bool(target):
        other = next(name for name in names if name not in (source, target))
        source, target = source or other, target or other
    if source and target:
        return [(source, target)]
    if source or target:
        raise UsageError("name both systems: --from and --to", hint=f"systems: {', '.join(names)}")
    flows = project.flows.values()
    return [(a, b) for a, b in permutations(names, 2) if any(flow.side(a) and flow.side(b) for flow in flows)]


def _pages(
    project: Project, pairs: list[tuple[str, str]], format: str | None, output: Path, *, single: bool
) -> Iterator[tuple[Path, Page]]:
    from accord.document.render import Format, file_name

    if single and _is_file_name(output):
        ((start, end),) = pairs
        yield output, Page(start, end, format or output.suffix.lstrip("."))
        return
    if output.is_file():
        raise UsageError(f"{output} is a file, and -o must name a folder here")
    formats = (format,) if format else FORMATS if not single else ("rst",)
    for start, end in pairs:
        for each in formats:
            yield output / file_name(project, start, end, cast("Format", each)), Page(start, end, each)


def _text(call: Call, project: Project, page: Page) -> str:
    from accord.document.dataflow import describe
    from accord.document.render import render

    chosen = cast("Literal['rst', 'md', 'html']", page.format)
    return render(describe(project, page.source, page.target), chosen, generated=call.clock.now())


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from None


def _compare(call: Call, project: Project, pages: list[tuple[Path, Page]]) -> int:
    from accord.document.render import stale

    found: list[dict[str, str]] = []
    for file, page in pages:
        if not file.is_file():
            found.append({"file": str(file), "reason": "missing"})
        elif stale(file.read_text("utf-8"), _text(call, project, page)):
            found.append({"file": str(file), "reason": "stale"})
    if call.out.json:
        call.out.document({"stale": found})
    else:
        call.out.say(*(f"{item['file']} is {item['reason']}" for item in found))
        call.out.say("`accord docs` with the same -o writes them anew." if found else "Every file is up to date.")
    return 4 if found else 0
