"""Connectors are found by name."""

import pytest

from accord.config.meaning import System
from accord.connectors.registry import SHIPPED, connect, names
from accord.errors import MendFile


def test_every_connector_that_ships_is_named() -> None:
    """Others come by entry point."""
    assert set(SHIPPED) <= set(names())


def test_an_unknown_connector_is_answered_with_the_nearest() -> None:
    """The file must be mended."""
    with pytest.raises(MendFile, match="did you mean 'rest'"):
        connect(System(name="pm", title="PM", connector="rset", datatypes={}))


def test_a_connector_is_imported_when_it_is_used() -> None:
    """And gets its system."""
    system = System(name="erp", title="ERP", connector="sql", datatypes={}, options={"url": "sqlite://"})
    assert connect(system).system is system
