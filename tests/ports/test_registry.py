"""Connectors are found by name."""

import subprocess
import sys

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


@pytest.mark.parametrize(("library", "connector"), [("defusedxml", "odata"), ("graphql", "graphql")])
def test_a_connector_without_its_library_names_the_extra(library: str, connector: str) -> None:
    """In a process in which the library is not there."""
    code = f"""
import sys
sys.modules[{library!r}] = None
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.errors import MendFile
try:
    connect(System(name="shop", title="Shop", connector={connector!r}, datatypes={{}}, options={{}}))
except MendFile as error:
    print(error.message, error.hint, sep="; ")
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout == (
        f"the connector '{connector}' needs the extra `{connector}`; pip install 'accord[{connector}]'\n"
    )
