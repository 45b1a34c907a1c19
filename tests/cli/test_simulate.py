"""`accord simulate` as a user calls it before going live."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from accord.cli.main import run_app
from tests.simulate.projects import row, written

from .conftest import World


def simulate(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status, and what is on standard output."""
    status = run_app(["simulate", "-C", str(folder), "--workers", "1", *arguments])
    return status, capsys.readouterr().out


def test_a_mapping_that_keeps_its_promises(world: World) -> None:
    """It asks the systems, plays, counts, and writes to nobody."""
    before = [world.sql(system, f"SELECT * FROM {table}") for system, table in (("pms", "customer"), ("erp", "client"))]
    result = world.accord("simulate", "--histories", "6", "--workers", "1", "--sample", "50", "--json")
    found = result.json
    assert result.status == 0
    assert [one["promise"] for one in found["promises"]] == [f"P{n}" for n in range(1, 12)]
    assert all(one["held"] for one in found["promises"])
    assert (found["histories"], found["failures"]) == (6, [])
    assert found["usual_day"]["writes"].keys() == {"pms", "erp"}
    after = [world.sql(system, f"SELECT * FROM {table}") for system, table in (("pms", "customer"), ("erp", "client"))]
    assert after == before
    assert not (world.folder / "accord.db").exists()


@pytest.mark.parametrize(
    ("rows", "more", "kind"),
    [
        ([row("p", lens={"erp": {"case": "upper"}})], {}, "law"),
        ([row("p")], {"pms": {"p": {"max_length": 200}}, "erp": {"p": {"max_length": 20}}}, "narrow"),
    ],
)
def test_a_known_defect_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[object], more: dict[str, object], kind: str
) -> None:
    """A lens that does not return, a target that is too narrow: exit status 4, with the line and the way out."""
    (tmp_path / "accord.yaml").write_text(json.dumps(written(rows, **more)), "utf-8")  # type: ignore[arg-type]
    status, out = simulate(tmp_path, capsys, "--offline", "--histories", "3")
    assert status == 4
    assert "accord.yaml:1" in out
    status, out = simulate(tmp_path, capsys, "--offline", "--histories", "3", "--json")
    assert kind in {one["kind"] for one in json.loads(out)["findings"]}


def test_rows_that_feed_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Within a flow the file does not load; across two flows that claim the same records they are found."""
    body = written([row("p")])
    body["flows"]["again"] = {**body["flows"]["customer"], "rows": [{"pms": "q", "erp": "p", "name": "q"}]}
    (tmp_path / "accord.yaml").write_text(json.dumps(body), "utf-8")
    status, out = simulate(tmp_path, capsys, "--offline", "--histories", "2", "--json")
    assert status == 4
    assert "fed" in {one["kind"] for one in json.loads(out)["findings"]}
    circle = [{"pms": "p", "erp": "p", "direction": "pms -> erp"}, {"pms": "p", "erp": "p", "direction": "erp -> pms"}]
    (tmp_path / "accord.yaml").write_text(json.dumps(written(circle)), "utf-8")  # type: ignore[arg-type]
    assert simulate(tmp_path, capsys, "--offline")[0] == 2


def test_a_seed_gives_the_same_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole document."""
    (tmp_path / "accord.yaml").write_text(json.dumps(written([row("p"), row("q", "decimal(2)")])), "utf-8")
    call = ("--offline", "--histories", "4", "--seed", "70", "--profile", "bad day", "--json")
    assert simulate(tmp_path, capsys, *call) == simulate(tmp_path, capsys, *call)


def test_a_wrong_call(world: World) -> None:
    """A profile that is none is named with those that are; a system out of reach ends with 1."""
    assert "calm, normal, bad-day" in world.accord("simulate", "--profile", "sunny").err
    assert world.accord("simulate", "--histories", "0").status == 2
    (world.folder / "erp.db").unlink()
    (world.folder / "erp.db").mkdir()
    assert world.accord("simulate", "--histories", "1").status == 1


@pytest.mark.parametrize("example", ["demo", "three-systems", "erp-by-sql"])
def test_offline_asks_for_no_address_and_no_password(
    example: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that builds the project need not know where its systems are. With them it must."""
    for name in ("CUSTOMPMS_URL", "CUSTOMPMS_TOKEN", "CUSTOMERP_URL", "CUSTOMERP_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    folder = Path(__file__).parents[2] / "examples" / example
    assert simulate(folder, capsys, "--offline", "--histories", "1", "--profile", "calm")[0] == 0
    assert simulate(folder, capsys, "--histories", "1")[0] == 2
