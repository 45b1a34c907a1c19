"""`init` from two addresses: both are looked at, and what seems to go together becomes a project file to be read."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.cli.addresses import Connected, connected
from accord.cli.starting import Files
from accord.cli.suggest import row_body
from accord.errors import ProjectFileError

if TYPE_CHECKING:
    from accord.config.meaning import Project
    from accord.engine.discovering import FoundDatatype
    from accord.engine.proposing import Proposal, ProposedFlow

RULES = 2
"""Match rules of a flow that are proposed."""
ATTEMPTS = 6
_ROW = re.compile(r"flows\.(.+)\.rows\[(\d+)\]")
HEAD = """\
# Proposed by `accord init` from two addresses: read it before it is used. docs/reference/project-file.md has the keys.
# The number before a row says how sure it is. `accord check` tries the file, `accord plan` shows what would be written.
accord: 1
title: {title}
state: accord.db

systems:
"""


@dataclass(slots=True)
class Draft:
    """One flow of the file in the making."""

    proposed: ProposedFlow
    rows: list[dict[str, Any]]
    reasons: list[str]
    match: list[list[str]]
    dropped: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Proposed:
    """The files, what was found, and what a person should know."""

    files: Files
    documents: Mapping[str, Mapping[str, Any]]
    notes: tuple[str, ...]
    flows: int
    rows: int


def between_addresses(addresses: Sequence[str], names: Sequence[str], folder: Path, sample: int) -> Proposed:
    """A project between two systems that are only known by address. Raises UsageError, SystemFailure."""
    from accord.config.interpolate import read_dotenv

    known = {**read_dotenv(folder / ".env"), **os.environ}
    given = [*names, *[None] * (2 - len(names))]
    one, other = (connected(address, name, folder, known) for address, name in zip(addresses, given, strict=True))
    if one.name == other.name:
        other = _renamed(addresses[1], other, folder, known)
    both = (one, other)
    folder.mkdir(parents=True, exist_ok=True)
    documents = {str(system.body["spec"]): system.document for system in both if system.document is not None}
    with ExitStack() as undo:  # what was put there goes again, unless all is well
        for name, body in documents.items():
            if _kept(file := folder / name, body):
                undo.callback(file.unlink, missing_ok=True)
        text, notes, drafts = _written(both, folder, sample)
        undo.pop_all()
    env = {key: value for system in both for key, value in system.env.items()}
    return Proposed(
        Files(project=text, env=env), documents, tuple(notes), len(drafts), sum(len(draft.rows) for draft in drafts)
    )


def _renamed(address: str, system: Connected, folder: Path, known: Mapping[str, str]) -> Connected:
    return connected(address, f"{system.name}_2", folder, known)


def _kept(file: Path, document: Mapping[str, Any]) -> bool:
    """Put a document beside the project file; whether it is new there."""
    from accord.engine.fetching import Fetched, keep_document

    there = file.exists()
    keep_document(Fetched(document, ""), file)
    return not there


def _written(both: Sequence[Connected], folder: Path, sample: int) -> tuple[str, list[str], list[Draft]]:
    """The text of the project file, with what could not be looked at."""
    from accord.engine.proposing import look_at_system, propose

    env = {**os.environ, **{key: value for system in both for key, value in system.env.items()}}
    project = _loaded(_text(both, {}, [], {}), folder, env)
    asked: dict[str, dict[str, FoundDatatype]] = {}
    notes = []
    for system in both:
        asked[system.name], why = look_at_system(project.systems[system.name], sample)
        if why is not None:
            lacking = f" ({', '.join(system.lacking)} is to be filled in)" if system.lacking else ""
            notes.append(f"{system.title}: its records could not be read: {why}{lacking}; only names were compared")
    datatypes = {system.name: _datatypes(system, asked[system.name]) for system in both}
    for name, found in asked.items():
        asked[name] = {key: one for key, one in found.items() if key in datatypes[name] or not datatypes[name]}
    project = _loaded(_text(both, datatypes, [], {}), folder, env)
    left, right = (system.name for system in both)
    asked = {
        name: {key: found[key] for key in found if key in project.systems[name].datatypes}
        for name, found in asked.items()
    }
    proposal = propose(project, left, right, asked)
    drafts = [_draft(one, asked) for one in proposal.flows]
    kept = _used(both, datatypes, proposal)
    _try(both, kept, drafts, proposal, folder, env, online=not notes)
    return _text(both, kept, drafts, proposal.alone), notes, drafts


def _datatypes(system: Connected, found: Mapping[str, FoundDatatype]) -> dict[str, Any]:
    """What the file says of the datatypes of a database or a document; the others say it themselves."""
    from accord.config.resolve_systems import is_name

    if system.body["connector"] == "sql":
        return {
            name: {key: value for key, value in one.keys.items() if value is not None}
            for name, one in found.items()
            if is_name(name)
        }
    if system.body["connector"] == "openapi":
        return {name: {"path": one.keys["path"]} for name, one in found.items() if one.keys.get("path")}
    return dict(system.body.get("datatypes", {}))


def _used(both: Sequence[Connected], datatypes: Mapping[str, dict[str, Any]], proposal: Proposal) -> dict[str, Any]:
    """Only the datatypes that a flow has."""
    names = {
        both[0].name: {one.left for one in proposal.flows},
        both[1].name: {one.right for one in proposal.flows},
    }
    return {
        system: {name: body for name, body in found.items() if name in names[system] or not proposal.flows}
        for system, found in datatypes.items()
    }


def _draft(one: ProposedFlow, asked: Mapping[str, Mapping[str, FoundDatatype]]) -> Draft:
    found = one.found
    left = {each.path: each for each in asked[found.left][one.left].properties}
    right = {each.path: each for each in asked[found.right][one.right].properties}
    rows, reasons, dropped = [], [], []
    for row in found.rows:
        options = set(left[row.left].values), set(right[row.right].values)
        if row.type == "enum" and not row.map and all(options) and not options[0] & options[1]:
            theirs = ", ".join(map(str, right[row.right].values))
            dropped.append(f"{row.left} and {row.right}: the options have other names ({theirs}); write `map`")
            continue
        fixed = left[row.left].read_only, right[row.right].read_only
        if all(fixed):
            continue
        body = row_body(found, row)
        if any(fixed):
            body["direction"] = f"{found.left} -> {found.right}" if fixed[0] else f"{found.right} -> {found.left}"
        rows.append(body)
        reasons.append(f"{row.score:.2f}: {'; '.join(row.reasons) or 'the types fit'}")
    there = {row[found.left] for row in rows}
    rules = [list(match.rule) for match in found.match if set(match.rule) <= there]
    return Draft(one, rows, reasons, rules[:RULES], dropped)


def _try(
    both: Sequence[Connected],
    datatypes: Mapping[str, Any],
    drafts: list[Draft],
    proposal: Proposal,
    folder: Path,
    env: Mapping[str, str],
    *,
    online: bool,
) -> None:
    """Mend or leave out each row that `accord check` does not accept."""
    for _ in range(ATTEMPTS):
        wrong = _wrong(_text(both, datatypes, drafts, proposal.alone), folder, env, online=online)
        if not _mended(drafts, wrong):
            return


def _wrong(text: str, folder: Path, env: Mapping[str, str], *, online: bool) -> list[tuple[str, str]]:
    """Where the file is wrong, and why."""
    from accord.engine.checking import check_offline, check_project
    from accord.simulate.findings import with_laws

    try:
        project = _loaded(text, folder, env)
    except ProjectFileError as error:
        return [(one.path, one.message) for one in error.problems]
    found = with_laws(project, check_project(project) if online else check_offline(project))
    return [(one.where, one.message) for one in found.findings if one.level == "error"]


def _mended(drafts: list[Draft], wrong: Sequence[tuple[str, str]]) -> bool:
    """Whether anything was changed: a scale that rounds says so, any other row is left out."""
    changed = False
    by_name = {draft.proposed.name: draft for draft in drafts}
    rows = {(match[1], int(match[2])): why for where, why in wrong if (match := _ROW.match(where))}
    for (name, at), why in sorted(rows.items(), reverse=True):
        draft = by_name.get(name)
        if draft is None or at >= len(draft.rows):
            continue
        changed = True
        lens = draft.rows[at].get("lens")
        if lens and not any("lossy" in each for each in lens.values()):
            draft.rows[at]["lens"] = {system: {**each, "lossy": True} for system, each in lens.items()}
            continue
        body = draft.rows.pop(at)
        draft.reasons.pop(at)
        draft.dropped.append(f"{_flow_text(body)}: {why}")
        first = body[draft.proposed.found.left]
        draft.match = [rule for rule in draft.match if first not in rule]
    return changed


def _loaded(text: str, folder: Path, env: Mapping[str, str]) -> Project:
    """The project that a text means, as if it stood in the folder."""
    from accord.config.load import load

    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, prefix=".accord-init-", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        project = load(Path(file.name), env=env)
        return replace(project, state=str(folder / "accord.db"))


# the text


def _flow_text(value: Any) -> str:
    from accord.config.writing import flow_text

    return flow_text(value)


def _text(
    both: Sequence[Connected],
    datatypes: Mapping[str, Any],
    drafts: Sequence[Draft],
    alone: Mapping[str, Sequence[str]],
) -> str:
    import json

    title = json.dumps(f"{both[0].title} and {both[1].title}", ensure_ascii=False)
    lines = [HEAD.format(title=title)]
    for system in both:
        lines += _system(system, datatypes.get(system.name, system.body.get("datatypes", {})))
        others = alone.get(system.name, ())
        lines += [_comment(4, f"without a partner: {', '.join(others)}")] if others else []
    lines.append("\nflows:" + ("" if drafts else " {}") + "\n")
    for draft in drafts:
        lines += _flow(draft, both[0].name, both[1].name)
    return "".join(lines)


def _system(system: Connected, datatypes: Mapping[str, Any]) -> Iterator[str]:
    import json

    yield f"  {system.name}:\n"
    for note in system.notes:
        yield _comment(4, note)
    yield f"    title: {json.dumps(system.title, ensure_ascii=False)}\n"
    for key, value in system.body.items():
        if key != "datatypes":
            yield f"    {key}: {_flow_text(value)}\n"
    if datatypes:
        yield "    datatypes:\n"
        for name, body in datatypes.items():
            yield f"      {_flow_text(name)}: {_flow_text(body)}\n"
    elif system.body["connector"] in ("sql", "file"):
        yield "    datatypes: {}\n"


def _flow(draft: Draft, left: str, right: str) -> Iterator[str]:
    one = draft.proposed
    yield f"  {_flow_text(one.name)}:\n"
    yield _comment(4, f"{one.score:.2f}: {_why(one)}")
    yield f"    {left}: {_flow_text(one.left)}\n    {right}: {_flow_text(one.right)}\n"
    if draft.match and one.is_sure:
        yield "    link: match-or-create          # a record without a partner gets one; `match-only` creates none\n"
    elif draft.match:
        yield "    link: match-only               # nothing is created; `match-or-create` once the match is right\n"
    else:
        yield _comment(4, "no property tells which records are the same: write `match`, then another `link`")
        yield "    link: never\n"
    if draft.match:
        yield f"    match: {_flow_text(draft.match)}\n"
    yield "    rows:" + ("\n" if draft.rows else " []\n")
    for body, reason in zip(draft.rows, draft.reasons, strict=True):
        yield _comment(6, reason)
        yield f"      - {_flow_text(body)}\n"
    for dropped in draft.dropped:
        yield _comment(6, f"left out: {dropped}")


def _why(one: ProposedFlow) -> str:
    found = one.found
    if found.paired_by is None:
        return "by names; too few records are on both sides"
    return (
        f"{found.pairs} of {found.records[0]} and {found.records[1]} records that were looked at are on both sides, "
        f"by {found.paired_by[0]} = {found.paired_by[1]}"
    )


def _comment(indent: int, text: str) -> str:
    plain = " ".join(text.split())
    return f"{' ' * indent}# {plain}\n"
