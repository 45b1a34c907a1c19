"""`accord test`, and the tests that `accord explain --as-test` writes, as a user works with them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from accord.cli.main import run_app
from accord.config.load import load
from accord.errors import ProjectFileError

from .conftest import World

EXAMPLES = Path(__file__).parents[2] / "examples"
TESTS = """\
tests:
  a new customer:
    new:
      pms/customer/7: {name: Eid, org: '777', city: Oslo}
    expect:
      writes:
        - create: erp/client
          with: {cname: Eid, vat: '777', town: Oslo}
      held: []
      linked: [[pms/customer/7, erp/client]]
  an edit:
    in_step:
      - pms/customer/1: {name: Aas, org: '111', city: Oslo}
        erp/client/71: {cname: Aas, vat: '111', town: Oslo}
    edit: {pms/customer/1: {city: Bergen}}
    expect:
      writes:
        - update: erp/client/71
          with: {town: Bergen}
  both sides:
    in_step:
      - pms/customer/1: {name: Aas, org: '111', city: Oslo}
        erp/client/71: {cname: Aas, vat: '111', town: Oslo}
    edit: {pms/customer/1: {city: Bergen}, erp/client/71: {town: Asker}}
    expect: {writes: [], held: [{kind: conflict, of: pms/customer/1, row: city}]}
  a visit that is deleted:
    in_step:
      - pms/visit/1: {what: Kaffe, kind: visit}
        erp/trip/5: {what: Kaffe}
    delete: pms/visit/1
    expect: {writes: [{delete: erp/trip/5}], held: []}
"""


def with_tests(world: World, tests: str = TESTS) -> World:
    """The project with tests in it."""
    file = world.folder / "accord.yaml"
    file.write_text(file.read_text("utf-8") + tests, "utf-8")
    return world


def differences(world: World, tests: str) -> list[str]:
    """What the one test of a file says."""
    result = with_tests(world, tests).accord("test", "--json")
    assert result.status == (4 if result.json["failed"] else 0)
    (found,) = result.json["tests"]
    return list(found["differences"])


def test_all_pass(world: World) -> None:
    """Names, counts, exit status 0; the systems are not asked, and there is no state."""
    for name in ("pms.db", "erp.db"):
        (world.folder / name).unlink()
    result = with_tests(world).accord("test")
    assert result.status == 0
    assert "4 tests, all passed." in result.out
    assert not (world.folder / "accord.db").exists()
    found = world.accord("test", "--json").json
    assert (found["passed"], found["failed"]) == (4, 0)
    assert found["tests"][1]["writes"] == [
        {
            "op": "update",
            "ref": "erp/client/71",
            "changes": {"town": ["Oslo", "Bergen"]},
            "reason": "edited in PMS",
        }
    ]


def test_some_by_name(world: World) -> None:
    """One that is not there is named, with those that are."""
    assert "1 test, all passed." in with_tests(world).accord("test", "an edit").out
    wrong = world.accord("test", "an edid")
    assert wrong.status == 2
    assert "did you mean 'an edit'?" in wrong.err


def test_a_failure_says_what_came_instead(world: World, tmp_path: Path) -> None:
    """Exit status 4; the file and the line; JUnit XML for continuous integration."""
    text = TESTS.replace("with: {town: Bergen}", "with: {town: Asker}").replace(
        "writes: [{delete: erp/trip/5}]", "writes: []"
    )
    result = with_tests(world, text).accord("test", "--junit", str(tmp_path / "junit.xml"))
    assert result.status == 4
    assert 'erp/client/71: town is "Bergen", and "Asker" is expected' in result.out
    assert "not expected: Accord deletes erp/trip/5, because: deleted in PMS" in result.out
    assert "accord.yaml, line" in result.out
    assert "4 tests, 2 failed." in result.out
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "2")


ONE = """\
tests:
  one:
    in_step:
      - pms/customer/1: {name: Aas, org: '111', city: Oslo}
        erp/client/71: {cname: Aas, vat: '111', town: Oslo}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("    expect: {writes: [{update: erp/client/71}]}\n", "expected: update erp/client/71; it was not written"),
        (
            "    edit: {pms/customer/1: {city: Bergen, name: Dahl}}\n"
            "    expect: {writes: [{update: erp/client/71, with: {town: Bergen}}]}\n",
            'erp/client/71: cname is written as well, "Aas" → "Dahl"',
        ),
        (
            "    expect: {held: [{kind: conflict, of: pms/customer/1}]}\n",
            "expected: held, conflict of pms/customer/1; it is not",
        ),
        (
            "    expect: {linked: [[pms/customer/1, erp/client]]}\n",
            "expected: one link of pms/customer/1, erp/client; linked are pms/customer/1, erp/client/71",
        ),
    ],
)
def test_each_difference(world: World, more: str, said: str) -> None:
    """In words."""
    assert differences(world, ONE + more) == [said]


def test_what_is_held_and_not_expected(world: World) -> None:
    """With its reason."""
    more = "    edit: {pms/customer/1: {city: Bergen}, erp/client/71: {town: Asker}}\n    expect: {held: []}\n"
    (said,) = differences(world, ONE + more)
    assert said.startswith(
        "not expected: held, conflict of pms/customer/1, erp/client/71, row city: edited differently"
    )


def test_records_that_are_not_in_step(world: World) -> None:
    """The test does not begin: what a round would do with them comes first."""
    text = ONE.replace("town: Oslo", "town: Asker") + "    expect: {writes: []}\n"
    (said,) = differences(world, text)
    assert said.startswith("the records under in_step are not in step")
    assert "held: conflict" in said


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ("pms/customer/1: {name", "pms/custmer/1: {name", "the datatype of pms 'custmer' is not known", "'customer'"),
        ("pms/customer/1: {name", "pmss/customer/1: {name", "the system 'pmss' is not known", "'pms'"),
        ("pms/customer/1: {name", "customer-1: {name", "'customer-1' names no record", None),
        ("city: Oslo", "citty: Oslo", "no row names 'citty'", "'city'"),
        ("expect:", "expct:", "the key 'expct' is not known", "'expect'"),
        ("edit: {pms/customer/1", "edit: {pms/customer/2", "pms/customer/2 is not there before", "in_step"),
        ("update: erp/client/71", "create: erp/client/71", "is no datatype of a system", None),
        ("update: erp/client/71", "with: {}", "says what is written", None),
        ("        erp/client/71: {cname: Aas, vat: '111', town: Oslo}\n", "", "a link joins two records or more", None),
    ],
)
def test_slips_of_the_pen(world: World, old: str, new: str, message: str, hint: str | None) -> None:
    """Found when the file is loaded, with line and way out."""
    text = ONE + "    edit: {pms/customer/1: {city: Bergen}}\n    expect: {writes: [{update: erp/client/71}]}\n"
    assert old in text
    with_tests(world, text.replace(old, new, 1))
    with pytest.raises(ProjectFileError) as wrong:
        load(world.folder / "accord.yaml")
    problem = next(each for each in wrong.value.problems if message in each.message)
    assert problem.line > 36
    assert hint is None or hint in (problem.hint or "")


def test_a_file_without_tests(world: World) -> None:
    """Says how to get some."""
    result = world.accord("test")
    assert result.status == 2
    assert "--as-test" in result.err


def test_the_example(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """References to what is created, groups, filters, minutes and hours, an archive."""
    for name in ("CUSTOMPMS_URL", "CUSTOMPMS_TOKEN", "CUSTOMERP_URL", "CUSTOMERP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert run_app(["test", "-C", str(EXAMPLES / "demo"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] == len(found["tests"]) >= 4


# explain --as-test


def exported(world: World, ref: str) -> str:
    """What `explain REF --as-test` writes; it passes as it is, and fails once it expects something else."""
    result = world.accord("explain", ref, "--as-test")
    assert result.status == 0
    assert "real records" in result.err
    played = with_tests(world, result.out).accord("test", "--json")
    assert (played.status, [one["differences"] for one in played.json["tests"]]) == (0, [[]])
    return result.out


def test_an_edit_as_a_test(world: World) -> None:
    """The records as they were, the edit, and what was written."""
    world.accord("run")
    world.edit("pms", "customer", 1, "city", "Bergen")
    world.accord("run")
    text = exported(world, "pms/customer/1")
    assert 'edit:\n      pms/customer/1: {"city": "Bergen"}' in text
    assert '- update: erp/client/71\n          with: {"town": "Bergen"}' in text


def test_a_new_record_as_a_test(world: World) -> None:
    """The record that was made, and its counterpart."""
    world.accord("run")
    text = exported(world, "pms/customer/2")
    assert "new:\n      pms/customer/2" in text
    assert "- create: erp/client" in text


def test_a_deletion_as_a_test(world: World) -> None:
    """Of the record that was deleted first."""
    world.accord("run")
    world.sql("pms", "DELETE FROM visit WHERE id = 1")
    world.accord("run", "--full", "--approve", "deletes<=5")
    text = exported(world, "pms/visit/1")
    assert 'delete: ["pms/visit/1"]' in text
    assert "- delete: erp/trip/1" in text


def test_what_a_person_decided_is_no_test(world: World) -> None:
    """No record and no edit leads there."""
    world.accord("run")
    world.edit("pms", "customer", 1, "city", "Bergen")
    world.edit("erp", "client", 71, "town", "Asker")
    world.accord("run")
    (item,) = world.accord("held", "list", "--json").lines
    world.accord("held", "resolve", item["id"], "--value", '"Drammen"', "--by", "Kari")
    world.accord("run")
    result = world.accord("explain", "pms/customer/1", "--as-test")
    assert result.status == 2
    assert "decided by Kari" in result.err
