"""A probe of Tryton: it finds what docs/how-to/connect-tryton.md says."""

import json
from pathlib import Path

import pytest

from accord.config.load import load
from accord.engine.discovering import discover
from accord.probing.run import Probe
from tests.real.kinto.test_probing import quiet, words
from tests.real.tryton.instance import Tryton
from tests.real.tryton.test_suite import system_of

pytestmark = pytest.mark.xdist_group("tryton")


def test_what_tryton_does(tryton: Tryton, tmp_path: Path) -> None:
    """The name of work is trimmed, the code of a party is taken at creation only; there is no version check."""
    made = {"work": tryton.made("project.work", {"name": "Dig", "type": "project"})}
    made["party"] = tryton.made("party.party", {"name": "One"})
    before = {model: tryton("GET", model).json for model in ("project.work", "party.party")}
    told = {"accord": 1, "systems": {"tryton": {**system_of(tryton), "sandbox": True}}, "flows": {}}
    (tmp_path / "accord.yaml").write_text(json.dumps(told), "utf-8")
    project = load(tmp_path / "accord.yaml")
    probe = Probe(project, "tryton", discover(project.systems["tryton"], 20))
    probe.plan()
    found = probe.run(quiet)
    assert (found.status, found.left) == (0, ())
    whole = {"no-version", "delete-no-trace", "repeat-doubles"}
    party, work = found.datatypes
    assert words(party) == {
        "": whole,
        "name": {"one-line"},
        "code": {"create-only"},
        "active": {"default"},
        "lang": {"untried"},
    }
    assert words(work) == {
        "": whole,
        "name": {"trim", "one-line", "empty-refused", "null-refused"},
        "type": {"not-required", "null-refused"},
        "parent": {"untried"},
        "party.id": {"untried"},
        "status": {"default", "null-refused", "untried"},
        "company": {"default", "null-refused", "untried"},
        "effort_duration.seconds": {"round", "no-negative", "largest"},
    }
    assert {model: tryton("GET", model).json for model in before} == before
    for model, id in (("project.work", made["work"]), ("party.party", made["party"])):
        assert tryton("DELETE", f"{model}/{id}").status == 204
