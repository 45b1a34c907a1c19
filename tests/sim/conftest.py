"""`make torture ARGS=600` runs ten minutes, `ARGS=10000x` ten thousand histories, `ARGS='1x --seed 17'` one again."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `make torture` takes."""
    parser.addoption("--torture", default=None, help="run histories for so many seconds (60) or so many of them (500x)")
    parser.addoption("--seed", type=int, default=1_000_000, help="the first seed of --torture")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The endless test runs when it is asked for, and then alone."""
    wanted = config.getoption("--torture", default=None) is not None
    here = [item for item in items if "sim" in item.path.parts]
    left = [item for item in here if (item.name == "test_torture") != wanted]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]
