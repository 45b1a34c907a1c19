"""Redmine and Tryton, empty for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.proxy import Proxy
from tests.end_to_end.rounds import Rounds
from tests.real.pair.pair import Pair, hours, impatient
from tests.real.redmine.instance import Redmine
from tests.real.tryton.conftest import tryton  # noqa: F401  the fixture
from tests.real.tryton.instance import Tryton


@pytest.fixture(scope="session")
def proxy(redmine: Redmine, tryton: Tryton) -> Iterator[Proxy]:  # noqa: F811
    """Between Accord and both of them."""
    between = Proxy({"redmine": redmine.url, "tryton": tryton.root})
    yield between
    between.close()


@pytest.fixture
def pair_long(request: pytest.FixtureRequest) -> bool:
    """Whether there is time for both directions."""
    return bool(request.config.getoption("--pair-long"))


@pytest.fixture(scope="session")
def rounds() -> Iterator[Rounds]:
    """Where rounds run that can be killed."""
    parent = Rounds()
    yield parent
    parent.close()


@pytest.fixture
def bare(redmine: Redmine, tryton: Tryton, proxy: Proxy, tmp_path: Path) -> Iterator[Pair]:  # noqa: F811
    """Nothing in either; the example behind the proxy."""
    proxy.arm()
    proxy.log.clear()
    pair = Pair(tmp_path, redmine, tryton, proxy)
    pair.clear()
    pair.change(impatient)
    yield pair
    proxy.arm()
    pair.clear()


@pytest.fixture
def pair(bare: Pair) -> Pair:
    """A project with a task in each, and a customer in Tryton."""
    customer = bare.tryton.made("party.party", {"name": "Fjord AS", "code": f"C-{os.urandom(4).hex()}"})
    bridge = bare.make_work("Bridge", "project", party=customer, comment="a\nb")
    bare.make_work("Paint", parent=bridge, effort_duration=hours(1.5))
    harbour = bare.make_project("Harbour")
    bare.make_issue(harbour, "Dredge", estimated_hours=2.5)
    return bare


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which histories are played."""
    parser.addoption("--pair-seeds", default="1-3", help="seeds of the histories of the real pair, as in 100-200")
    parser.addoption("--pair-long", action="store_true", help="the crash tests in both directions")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each seed."""
    if "pair_seed" in metafunc.fixturenames:
        first, _, last = str(metafunc.config.getoption("--pair-seeds")).partition("-")
        metafunc.parametrize("pair_seed", range(int(first), int(last or first) + 1))
