"""`apply plan.json`: a round that carries out a kept plan and nothing else, and names what of it no longer holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from accord.config.meaning import Project
from accord.engine.report import Report
from accord.engine.round import Caller, run_round
from accord.engine.setting import Options

Kept = Mapping[str, Sequence[Mapping[str, Any]]]
"""Digest of a link plan → its writes, as they were shown."""


def apply_kept(project: Project, kept: Kept, options: Options, caller: Caller) -> Report:
    """Write exactly what was kept. Raises Locked, StateError; what could not be is in the report's `refused`."""
    report = run_round(project, replace(options, only=list(kept)), caller)
    missing = [str(item["plan"]) for item in report.refused]
    report.refused = [dict(write) for word in missing for write in kept.get(word, ())]
    return report
