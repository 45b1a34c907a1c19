"""Edits where a row does not flow from: left in place, until the source says something else."""

from __future__ import annotations

from collections.abc import Sequence

from accord.core.candidates import edited, equal, member_behind, shown
from accord.core.detect import Reading
from accord.core.mapping import FlowMap
from accord.core.merged import Merged, Superseded
from accord.model import Link


def leave_one_way_edits(
    flow: FlowMap,
    link: Link,
    readings: Sequence[Reading],
    sources: list[Reading],
    unit: tuple[str, ...],
    merged: Merged,
) -> None:
    """Edits where the row does not flow from: left in place, noted once. Who is behind receives the agreed value."""
    for reading in readings:
        if reading in sources or not edited(reading, unit):
            continue
        is_behind, why = member_behind(reading, unit), f"this row does not flow from {flow.title(reading.system)}"
        for row in unit:
            if edited(reading, (row,)):
                lost = shown(flow, row, reading.value(row))
                kept = shown(flow, row, link.agreed[row].value) if is_behind and row in link.agreed else lost
                reason = why if is_behind else f"left in place: {why}"
                merged.superseded.append(
                    Superseded(system=reading.system, row=row, lost=lost, kept=kept, reason=reason)
                )
        if not is_behind:
            merged.taken(reading.system, [row for row in unit if row in reading.natives])


def supersede_one_way_edits(
    flow: FlowMap, readings: Sequence[Reading], sources: list[Reading], unit: tuple[str, ...], merged: Merged
) -> None:
    """Edits where the row does not flow from, beside one where it does: that one is sent over them."""
    for reading in readings:
        for row in unit if reading not in sources else ():
            if row in merged.agreed and edited(reading, (row,)):
                merged.set_back.add((reading.system, row))
                value, agreed = reading.value(row), merged.agreed[row].value
                if not equal(flow, row, value, agreed):
                    reason = f"this row does not flow from {flow.title(reading.system)}"
                    lost, kept = shown(flow, row, value), shown(flow, row, agreed)
                    merged.superseded.append(
                        Superseded(system=reading.system, row=row, lost=lost, kept=kept, reason=reason)
                    )
