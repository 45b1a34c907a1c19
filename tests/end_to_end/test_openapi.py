"""The demonstration with nothing but the documents of both systems: what they tell is enough for whole rounds."""

from __future__ import annotations

import json
import os
import re

import pytest

from accord.cli.main import run_app
from accord.config.load import load
from accord.engine.checking import check_project
from accord.engine.discovering import discover
from tests.end_to_end.scene import first_day, shown
from tests.end_to_end.world import FLOWS, World

FROM_DOCUMENTS = """\
accord: 1
state: accord.db
systems:
  custompms:
    connector: openapi
    spec: custompms.json
    base_url: ${CUSTOMPMS_URL}
    auth: {type: bearer, token: ${CUSTOMPMS_TOKEN}}
    limits: {retries: 2, timeout: 5s, grace: 1s}
  customerp:
    connector: openapi
    spec: customerp.json
    base_url: ${CUSTOMERP_URL}
    auth: {type: bearer, token: ${CUSTOMERP_TOKEN}}
    clock: {zone: Europe/Oslo}
    limits: {retries: 2, timeout: 5s, grace: 1s}
"""


def documents(world: World) -> None:
    """The documents that the systems serve, beside the project file."""
    for name, server in (("custompms", world.pms.server), ("customerp", world.erp.server)):
        (world.folder / f"{name}.json").write_text(json.dumps(server("GET", "/openapi.json").body), "utf-8")


def test_a_day_from_documents_alone(world: World) -> None:
    """Both systems end with the same; a further round writes nothing."""
    first_day(world)
    documents(world)
    world.use(FLOWS.replace("conflict: latest", "conflict: ask"), FROM_DOCUMENTS)
    world.settle()
    pms, erp = shown(world)
    assert pms == erp
    assert sum(pms.values()) > 10
    assert world.is_quiet()


def test_check_says_what_was_derived(world: World) -> None:
    """And from where; both systems are readable with it."""
    documents(world)
    world.use(FLOWS, FROM_DOCUMENTS)
    found = check_project(world.project())
    assert [finding.message for finding in found.findings if finding.level == "error"] == []
    assert all(one.ok for one in found.tried)
    told = {one.key: one for one in world.project().systems["customerp"].derived["customer"]}
    assert told["list.paginator"].source == "GET /customers: its parameter cursor, and next of its answer"


def test_a_path_that_the_document_does_not_know_is_an_error(world: World) -> None:
    documents(world)
    world.use(re.sub(r"customerp: remarks", "customerp: remaks", FLOWS), FROM_DOCUMENTS)
    errors = [finding for finding in check_project(world.project()).findings if finding.level == "error"]
    assert [(one.kind, one.hint) for one in errors] == [("property", "did you mean 'remarks'?")]


def test_a_call_that_the_document_does_not_have(world: World) -> None:
    """A warning where a flow needs it, with the keys to write."""
    documents(world)
    file = world.folder / "customerp.json"
    spec = json.loads(file.read_text("utf-8"))
    del spec["paths"]["/customers"]["post"]
    file.write_text(json.dumps(spec), "utf-8")
    world.use(FLOWS, FROM_DOCUMENTS)
    project = load(world.folder / "accord.yaml", env=world.environment())
    (found,) = [one for one in check_project(project).findings if one.kind == "refused"]
    assert found.message == "the document of customerp has no call that can create a customer"


def test_discover_reads_the_document_and_the_records(world: World) -> None:
    """Also collections that the file does not name; types and lengths from the document, the rest from records."""
    documents(world)
    first_day(world)
    one = FROM_DOCUMENTS.partition("  custompms:")[0] + "  customerp:" + FROM_DOCUMENTS.partition("  customerp:")[2]
    world.use("flows: {}", one + "    datatypes: {customer: {}}\n")
    found = {each.name: each for each in discover(world.project().systems["customerp"], 50)}
    assert {name: (each.in_file, each.sampled) for name, each in found.items()} == {
        "customer": (True, 3),
        "projects": (False, 2),
    }
    assert found["projects"].keys == {"path": "/projects", "id": "project_no", "modified": "changed_at"}
    told = {each.path: each for each in found["projects"].properties}
    assert (told["description"].max_length, told["description"].required) == (60, True)
    assert (told["kind"].type, told["kind"].values) == ("enum", ("project", "task"))
    assert {path: each.refers for path, each in told.items() if each.refers} == {
        "customer_no": "customer",
        "parent_no": "projects",
    }
    assert told["budget_amount"].filled == 1


def test_a_system_is_asked_for_its_document_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """`discover --fetch`: at a usual place of its own host; a second time nothing changes; a wrong place is said."""
    world.use("flows: {}", FROM_DOCUMENTS)
    os.environ |= (given := world.environment())
    try:
        at = ["-C", str(world.folder)]
        assert run_app(["discover", "custompms", *at]) == 2
        assert "accord discover custompms --fetch" in capsys.readouterr().err
        for name in ("custompms", "customerp"):
            run_app(["discover", name, "--fetch", "--sample", "0", *at])
        assert "custompms.json: written, from /openapi.json of custompms" in capsys.readouterr().err
        assert json.loads((world.folder / "custompms.json").read_text("utf-8"))["info"]["title"] == "CustomPMS"
        assert run_app(["discover", "custompms", "--fetch", "--write", *at]) == 2  # no datatypes to add to
        assert "custompms.json: as it was" in capsys.readouterr().err
        assert run_app(["discover", "custompms", "--at", "/healthz", *at]) == 2
        assert "no OpenAPI document" in capsys.readouterr().err
    finally:
        for name in given:
            del os.environ[name]


def test_only_the_systems_own_host_is_asked(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Not the one that a person names by mistake, with our credentials."""
    world.use("flows: {}", FROM_DOCUMENTS)
    os.environ |= (given := world.environment())
    try:
        elsewhere = world.erp.server.url + "/openapi.json"
        assert run_app(["discover", "custompms", "--at", elsewhere, "-C", str(world.folder)]) == 1
    finally:
        for name in given:
            del os.environ[name]
    assert "was not contacted" in capsys.readouterr().err
    assert not (world.folder / "custompms.json").exists()
