"""`accord verify` as a person and as a build server call it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from .conftest import World


def test_all_is_well(world: World) -> None:
    """Exit status 0, and a result for every line of the document."""
    world.accord("run")
    result = world.accord("verify", "--json")
    assert (result.status, result.json["ok"]) == (0, True)
    assert result.json["counts"]["failed"] == 0
    assert {"customer.property.name", "visit.link"} <= {line["id"] for line in result.json["lines"]}
    text = world.accord("verify")
    assert "customer.property.name" in text.out


def test_a_difference_ends_with_4(world: World) -> None:
    """It is shown with both values, both records and the command to go on with."""
    world.accord("run")
    world.sql("erp", "UPDATE client SET cname = 'Wrong' WHERE no = 71")
    result = world.accord("verify")
    assert result.status == 4
    assert "pms: Åsheim, erp: Wrong" in result.out
    assert "pms/customer/1, erp/client/71" in result.out


def test_for_a_build_server(world: World) -> None:
    """JUnit XML: a suite for each flow and direction, a failure for each line that differs."""
    world.accord("run")
    world.sql("erp", "UPDATE client SET cname = 'A < B' WHERE no = 71")
    file = world.folder / "verify.xml"
    assert world.accord("verify", "--format", "junit", "-o", str(file)).status == 4
    suites = ET.parse(file).getroot()
    assert {suite.get("name") for suite in suites} == {
        f"{flow}: {way}" for flow in ("customer", "visit") for way in ("pms to erp", "erp to pms")
    }
    failures = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert set(failures) >= {"customer.property.name"}
    assert int(suites.get("failures", 0)) == len(failures)


def test_a_page_to_sign(world: World) -> None:
    """It needs nothing else, escapes what it shows, and has a place for a name."""
    world.accord("run")
    world.sql("erp", "UPDATE client SET cname = '<script>alert(1)</script>' WHERE no = 71")
    file = world.folder / "verify.html"
    world.accord("verify", "--format", "html", "-o", str(file))
    page = file.read_text("utf-8")
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;" in page
    assert "Signature" in page
    assert "http" not in page.replace("http-equiv", "")


def test_live_leaves_both_systems_as_they_were(world: World) -> None:
    """With the result of what was watched in every line."""
    world.accord("run")
    before = [world.sql(*ask) for ask in (("pms", "SELECT * FROM customer"), ("erp", "SELECT * FROM client"))]
    result = world.accord("verify", "--live", "--json")
    assert (result.status, result.json["live"]) == (0, True)
    assert [world.sql(*ask) for ask in (("pms", "SELECT * FROM customer"), ("erp", "SELECT * FROM client"))] == before
    assert world.accord("verify", "--clean-up", "--json").json == {"removed": []}


def test_a_wrong_call(world: World) -> None:
    """Nothing to verify yet, a flow that is none, a format that is none; a system out of reach ends with 1."""
    assert world.accord("verify").status == 2
    world.accord("run")
    assert world.accord("verify", "--flow", "nothing").status == 2
    assert world.accord("verify", "--format", "pdf").status == 2
    assert world.accord("verify", "-o", "x.txt").status == 2
    (world.folder / "erp.db").unlink()
    assert world.accord("verify", "--json").status == 1
