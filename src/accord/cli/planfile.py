"""The plan that `plan -o` keeps and `apply` reads: `{accord_plan, project, made_at, plans: [{digest, writes}], …}`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from accord.cli.output import Output
from accord.config.meaning import Project
from accord.engine.report import Report
from accord.errors import UsageError

FORMAT = 1


def write_plan(file: Path, project: Project, report: Report, made_at: datetime, out: Output) -> None:
    """Keep a plan. Raises UsageError where the file cannot be written."""
    digests, writes = report.plans or [], report.writes_planned or []
    content = {
        "accord_plan": FORMAT,
        "project": project.title,
        "made_at": made_at.isoformat(),
        "run": report.run,
        "plans": [{"digest": word, "writes": some} for word, some in zip(digests, _by_link(writes), strict=True)],
        "writes_planned": writes,
    }
    encoded = msgspec.json.Encoder(decimal_format="number").encode(out.clean(content))
    try:
        file.write_bytes(msgspec.json.format(encoded, indent=2) + b"\n")
        file.chmod(0o600)
    except OSError as error:
        raise UsageError(f"the plan cannot be written to {file}: {error.strerror}") from None


def _by_link(writes: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The writes of each link plan, in the order of the plans."""
    return [list(some) for _, some in groupby(writes, key=lambda write: (write["flow"], write["link"]))]


def read_plan(file: Path, project: Project) -> dict[str, list[dict[str, Any]]]:
    """Digest → writes of a kept plan. Raises UsageError for anything else."""
    try:
        found = msgspec.json.decode(file.read_bytes())
        if not isinstance(found, dict) or "accord_plan" not in found:
            raise ValueError("it does not say `accord_plan`")
        if found["accord_plan"] != FORMAT:
            raise ValueError(f"its format {found['accord_plan']!r} is not known; this Accord knows {FORMAT}")
        kept = {str(plan["digest"]): list(plan["writes"]) for plan in found["plans"]}
    except OSError as error:
        raise UsageError(f"the plan {file} cannot be read: {error.strerror}", hint=_HINT) from None
    except (ValueError, KeyError, TypeError, msgspec.DecodeError) as error:
        raise UsageError(f"{file} is not a plan of Accord: {error}", hint=_HINT) from None
    if found.get("project") != project.title:
        raise UsageError(
            f"the plan {file} was made for the project {found.get('project')!r}, and this one is {project.title!r}",
            hint="plan again, or name the other project with -C",
        )
    return kept


_HINT = "`accord plan -o plan.json` writes one"
