"""A probe of Kinto: it keeps what it is given, and its promises."""

from pathlib import Path

import pytest

from accord.config.load import load
from accord.engine.discovering import discover
from accord.probing.found import FoundOfDatatype, Probed
from accord.probing.run import Probe
from tests.real.kinto.conftest import Kinto

pytestmark = pytest.mark.xdist_group("kinto")


def quiet(_what: str, _done: int, _total: int | None) -> None:
    return None


def words(found: FoundOfDatatype) -> dict[str, set[str]]:
    """Path → words, "" for the datatype."""
    seen: dict[str, set[str]] = {}
    for path, fact in found.all_facts():
        seen.setdefault(path or "", set()).add(fact.word)
    return seen


def test_what_kinto_does(kinto: Kinto, tmp_path: Path) -> None:
    """Values come back as they went, numbers through a binary float, null by leaving out; what was made is gone."""
    kinto.insert({"name": "Kari", "price": 1.5})
    file = tmp_path / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  kinto:
    connector: kinto
    base_url: {kinto.collection}
    auth: {{type: basic, username: accord, password: secret}}
    sandbox: true
    datatypes:
      record:
        properties: {{name: string, price: decimal(2), at: datetime, done: boolean}}
flows: {{}}
""")
    project = load(file)
    probe = Probe(project, "kinto", discover(project.systems["kinto"], 20))
    probe.plan()
    found: Probed = probe.run(quiet)
    assert (found.status, found.left) == (0, ())
    (record,) = found.datatypes
    assert (record.before, record.after) == (1, 1)
    assert words(record) == {
        "": {"version-kept", "same-version-moves", "same-modified-moves", "repeat-doubles"},
        "name": {"null-absent"},
        "price": {"null-absent", "float", "more-decimals"},
        "at": {"null-absent"},
        "done": {"null-absent"},
    }
    shown = kinto("GET", "/records")[1]["data"]
    assert [one["name"] for one in shown] == ["Kari"]
