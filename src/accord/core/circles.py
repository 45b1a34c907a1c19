"""Circles of references among links that wait for each other."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise


def circle_in(edges: Mapping[tuple[int, int], str]) -> tuple[int, int] | None:
    """An edge (link, the link it waits for) that lies on a circle, or None."""
    graph: dict[int, set[int]] = {}
    for link, on in edges:
        graph.setdefault(link, set()).add(on)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1]
        return next((a, b) for one, two in pairwise(circle) for a, b in ((one, two), (two, one)) if (a, b) in edges)
    return None
