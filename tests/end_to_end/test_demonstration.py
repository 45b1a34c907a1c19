"""The demonstration data, whole: after the first run every task, customer and project has its counterpart."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from demo.data import demonstration
from tests.end_to_end.world import EXAMPLE, World, begin, end

pytestmark = pytest.mark.xdist_group("demonstration")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both systems with the demonstration data, after one run of the example."""
    world = begin(tmp_path_factory.mktemp("demo"), "--seed-data", "demo")
    world.use("", EXAMPLE)
    report = world.run()
    assert (report.status, report.errors, report.held) == (0, [], [])
    yield world
    end(world)


def pages(world: World, kind: str) -> list[dict[str, Any]]:
    """Every record of a datatype of CustomPMS."""
    found: list[dict[str, Any]] = []
    while True:
        page = world.pms.server("GET", f"/{kind}?per_page=1000&page={len(found) // 1000 + 1}").body["data"]
        found += page
        if len(page) < 1000:
            return found


def items(world: World, kind: str) -> list[dict[str, Any]]:
    """Every record of a datatype of CustomERP."""
    found, cursor = [], ""
    while cursor is not None:
        page = world.erp.server("GET", f"/{kind}?limit=1000&cursor={cursor}").body
        found += page["items"]
        cursor = page["next"]
    return found


def pairs(world: World, flow: str) -> dict[str, str]:
    """The links of a flow: id in CustomPMS → id in CustomERP."""
    with world.state() as state:
        links = state.links.load(list(state.links.numbers(flow)))
    found = {}
    for link in links.values():
        pms, erp = link.member("custompms"), link.member("customerp")
        assert pms is not None
        assert erp is not None
        found[pms.ref.id] = erp.ref.id
    return found


def test_every_customer_has_its_counterpart_and_none_is_there_twice(demo: World) -> None:
    """400 on each side, 250 of them the same: 550 everywhere."""
    linked = pairs(demo, "customer")
    assert sorted(linked, key=int) == sorted((str(record["id"]) for record in pages(demo, "customers")), key=int)
    assert sorted(linked.values()) == sorted(record["customer_no"] for record in items(demo, "customers"))
    assert len(linked) == len(set(linked.values())) == 550
    same = {str(pms + 1): f"C-{erp + 1001:05d}" for pms, erp in demonstration().same}
    assert {pms: linked[pms] for pms in same} == same


def test_every_project_has_its_counterpart_with_the_linked_customer(demo: World) -> None:
    """450 and 150: 600 everywhere."""
    linked, customers = pairs(demo, "project"), pairs(demo, "customer")
    projects = {record["project_no"]: record for record in items(demo, "projects") if record["kind"] == "project"}
    assert len(linked) == len(set(linked.values())) == len(projects) == 600
    for record in pages(demo, "projects"):
        other = projects[linked[str(record["id"])]]
        assert other["description"] == record["title"]
        assert other["customer_no"] == customers[str(record["customer_id"])]
        assert other["status"] == {"open": "H", "active": "A", "done": "C"}[record["state"]]
        money = [
            Decimal(str(value)) if value is not None else None for value in (record["budget"], other["budget_amount"])
        ]
        assert money[0] == money[1]


def test_every_task_has_its_counterpart_in_the_linked_project(demo: World) -> None:
    """3,000 tasks."""
    linked, projects = pairs(demo, "task"), pairs(demo, "project")
    tasks = {record["project_no"]: record for record in items(demo, "projects") if record["kind"] == "task"}
    assert len(linked) == len(set(linked.values())) == len(tasks) == 3000
    for record in pages(demo, "tasks"):
        other = tasks[linked[str(record["id"])]]
        assert other["parent_no"] == projects[str(record["project_id"])]
        hours = record["hours_estimate"]
        assert other["planned_minutes"] == (None if hours is None else round(hours * 60))


def test_names_that_were_cut_are_whole_in_custompms(demo: World) -> None:
    """Ten names are longer than sixty characters."""
    long = [record["name"] for record in pages(demo, "customers") if len(record["name"]) > 60]
    assert len(long) == 10
    short = Counter(record["customer_name"] for record in items(demo, "customers"))
    assert all(short[name[:60].rstrip()] == 1 for name in long)


def test_a_second_and_a_third_run_write_nothing(demo: World) -> None:
    """Counted in the logs of both servers; the third lists everything."""
    before = demo.write_requests()
    assert demo.run().status == 0
    assert demo.run(full=True).status == 0
    assert demo.write_requests() == before


def test_one_edit_makes_one_write(demo: World) -> None:
    """In either direction."""
    before = demo.write_requests()
    demo.pms.edit("tasks", 17, hours_estimate=7.75)
    number = items(demo, "customers")[0]["customer_no"]
    demo.erp.edit("customers", number, phone="+44 20 7946 0999")
    report = demo.run()
    assert (report.writes["customerp"]["update"], report.writes["custompms"]["update"]) == (1, 1)
    demo.run()
    assert demo.write_requests() == before + 4  # two by people, two by the run
