"""The plan is the only way to write: what `accord plan` prints is what `accord apply` writes."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from tests.end_to_end.scene import Scene, shown
from tests.end_to_end.world import World


@dataclass
class Ended:
    """A command that has ended."""

    status: int
    out: Any
    err: str


def accord(world: World, *arguments: str) -> Ended:
    """A command in the world's folder, with `--json`."""
    command = [sys.executable, "-m", "accord", *arguments, "--json", "-C", str(world.folder)]
    environment = {**os.environ, **world.environment()}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=world.folder, timeout=120)
    assert "Traceback" not in ended.stderr + ended.stdout, ended.stderr
    return Ended(ended.returncode, json.loads(ended.stdout) if ended.stdout.strip() else None, ended.stderr)


def essence(writes: list[dict[str, Any]]) -> list[str]:
    """Planned writes, comparable from round to round."""
    return sorted(json.dumps([w["flow"], w["system"], w["op"], w["ref"], w["changes"]], sort_keys=True) for w in writes)


def test_plan_writes_nothing_and_says_everything(later: Scene) -> None:
    """Each write with what it changes and why; twice the same."""
    later.begin(lambda _number, _phase: True)
    before = later.world.write_requests()
    first, second = accord(later.world, "plan"), accord(later.world, "plan")
    assert later.world.write_requests() == before
    assert essence(first.out["writes_planned"]) == essence(second.out["writes_planned"])
    assert len(first.out["writes_planned"]) >= 12
    assert all(write["reason"] for write in first.out["writes_planned"])
    assert {write["op"] for write in first.out["writes_planned"]} == {"create", "update", "delete"}


def test_apply_writes_exactly_the_plan(later: Scene) -> None:
    """As many writes as were planned, and everything is in step."""
    later.begin(lambda _number, _phase: True)
    planned = accord(later.world, "plan", "-o", "plan.json").out["writes_planned"]
    applied = accord(later.world, "apply", "plan.json")
    done = sum(sum(counts.values()) for counts in applied.out["writes"].values())
    assert (applied.status, done) == (0, len(planned))
    assert shown(later.world) == (later.wanted, later.wanted)
    assert later.world.is_quiet()


def test_a_write_whose_ground_has_moved_is_refused_and_named(later: Scene) -> None:
    """Somebody edits the record after it was planned; the rest is written, and what is new is not."""
    later.begin(lambda _number, _phase: True)
    accord(later.world, "plan", "-o", "plan.json")
    ada = later.world.pms.all("customers", org_number="101")[0]["id"]
    later.world.pms.edit("customers", ada, name="Ada Third AS")
    later.world.pms.add("customers", name="Gro AS", org_number="107")
    applied = accord(later.world, "apply", "plan.json")
    assert applied.status == 3
    assert any("Ada" in json.dumps(refused) for refused in applied.out["refused"]), applied.out["refused"]
    assert later.world.erp.all("customers", vat_no="101")[0]["customer_name"] == "Ada AS"
    assert later.world.erp.all("customers", vat_no="107") == []
    assert later.world.erp.all("customers", vat_no="104") != []
    later.world.settle()
    assert later.world.erp.all("customers", vat_no="101")[0]["customer_name"] == "Ada Third AS"
    assert later.world.erp.all("customers", vat_no="107") != []


def test_a_plan_that_was_applied_is_not_applied_again(later: Scene) -> None:
    """The second time nothing comes out the same."""
    later.begin(lambda _number, _phase: True)
    accord(later.world, "plan", "-o", "plan.json")
    accord(later.world, "apply", "plan.json")
    before = later.world.write_requests()
    again = accord(later.world, "apply", "plan.json")
    assert later.world.write_requests() == before
    assert again.status in (0, 3)
    assert shown(later.world) == (later.wanted, later.wanted)


def test_plan_check_tells_by_its_exit_status_whether_there_are_differences(world: World) -> None:
    """4 before the run, 0 after it."""
    world.pms.add("customers", name="Ada", org_number="101")
    assert accord(world, "plan", "--check").status == 4
    assert accord(world, "run").status == 0
    assert accord(world, "plan", "--check").status == 0


def test_a_second_run_is_refused_while_one_is_at_work(world: World) -> None:
    """It says who holds the lease; the first is not disturbed."""
    world.pms.add("customers", name="Ada", org_number="101")
    with world.state() as state:
        from datetime import UTC, datetime

        state.lease.take(datetime.now(UTC))
        refused = accord(world, "run")
        state.lease.release()
    assert refused.status == 1
    assert [error["kind"] for error in refused.out["errors"]] == ["locked"]
    assert accord(world, "run").status == 0
