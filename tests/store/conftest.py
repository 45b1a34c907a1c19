from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from accord.store.opening import State
from tests.store.places import opened


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """A new state."""
    with opened(tmp_path) as state:
        yield state
