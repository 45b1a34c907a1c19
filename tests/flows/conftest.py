"""The worlds that most flows are played in."""

from __future__ import annotations

from pathlib import Path

import pytest

from .world import World, two, with_projects


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Customers in PMS and ERP, matched by their number."""
    return two(tmp_path)


@pytest.fixture
def trade(tmp_path: Path) -> World:
    """Customers and their projects."""
    return with_projects(tmp_path)
