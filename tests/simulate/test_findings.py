"""What is known of a mapping before anything is played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from accord.config.meaning import Project
from accord.engine.setting import compile_flows
from accord.simulate.findings import MappingFinding, findings_of
from accord.simulate.laws import laws_of
from accord.simulate.learn import offline_shapes

from .projects import project, row


def found(project: Project) -> list[tuple[str, str, str]]:
    """(level, kind, row) of each finding."""
    return [(one.level, one.kind, one.row) for one in findings_of(project, offline_shapes(project))[0]]


def one(project: Project) -> MappingFinding:
    """The only finding."""
    (finding,) = findings_of(project, offline_shapes(project))[0]
    return finding


def test_a_sound_mapping_has_no_findings(tmp_path: Path) -> None:
    """Every type, as it is."""
    types = ("string", "text", "integer", "decimal(2)", "boolean", "date", "email", "url", "country", "enum")
    assert found(project(tmp_path, [row(f"p{n}", type) for n, type in enumerate(types)])) == []


@pytest.mark.parametrize(
    ("type", "lens", "example"),
    [
        ("string", {"case": "upper"}, "'a' is written as 'A' and read back as 'A'"),
        ("decimal(2)", {"scale": 60}, "is written as"),
        ("string", {"truncate": 4}, "is written as"),
    ],
)
def test_a_lens_that_does_not_return(tmp_path: Path, type: str, lens: dict[str, Any], example: str) -> None:
    """The counter-example is in the user's terms, and the way out is named."""
    erp = {"p": {"type": "integer"}} if type != "string" else {}
    finding = one(project(tmp_path, [row("p", type, lens={"erp": lens})], erp=erp))
    assert (finding.level, finding.kind, finding.where) == ("error", "law", "flows.customer.rows[0]")
    assert example in finding.message
    assert "lossy" in finding.hint


@pytest.mark.parametrize("more", [{"lens": {"erp": {"case": "upper", "lossy": True}}}, {"direction": "erp -> pms"}])
def test_a_loss_that_is_declared_or_does_not_flow(tmp_path: Path, more: dict[str, Any]) -> None:
    """Said in the file, or of no consequence: no finding."""
    assert found(project(tmp_path, [row("p", **{"lens": {"erp": {"case": "upper"}}, **more})])) == []


def test_a_target_that_is_narrower(tmp_path: Path) -> None:
    """What is longer is held; with `truncate` it is said to be cut."""
    sizes = {"pms": {"p": {"max_length": 200}}, "erp": {"p": {"max_length": 30}}}
    assert ("error", "narrow", "p") in found(project(tmp_path, [row("p")], **sizes))
    assert [kind for _, kind, _ in found(project(tmp_path, [row("p", truncate=True)], **sizes))] == []


def test_an_option_without_counterpart(tmp_path: Path) -> None:
    """It is named, with both systems."""
    options = {"state": {"values": ["open", "done", "paused"]}}
    made = project(tmp_path, [row("state", "enum", map={"open": "A", "done": "C"})], pms=options)
    kinds = {finding.kind: finding.message for finding in findings_of(made, offline_shapes(made))[0]}
    assert "paused of pms has no counterpart in erp" in kinds["option"]


def test_a_property_that_must_be_filled(tmp_path: Path) -> None:
    """Required on one side, and perhaps empty on the other."""
    assert found(project(tmp_path, [row("p")], erp={"p": {"required": True}})) == [("warning", "required", "p")]


def test_a_property_that_is_written_once(tmp_path: Path) -> None:
    """Create-only, and a target of later edits all the same."""
    said = {"p": {"create_only": True}}
    assert found(project(tmp_path, [row("p")], erp=said)) == [("warning", "read_only", "p")]


def test_a_thousand_values_are_tried(tmp_path: Path) -> None:
    """In each system of a row; the same ones for the same seed."""
    flow = compile_flows(project(tmp_path, [row("p", "decimal(2)", lens={"erp": {"scale": 60}})]))["customer"]
    laws = laws_of(flow, "p")
    assert [(law.system, law.tried) for law in laws] == [("pms", 1000), ("erp", 1000)]
    assert laws == laws_of(flow, "p")
