"""Two small working days, and what both systems hold when all is in step."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.end_to_end.proxy import Hook, Proxy
from tests.end_to_end.world import FLOWS, World


def first_day(world: World) -> None:
    """Two systems that never met: some customers are in both, others in one."""
    world.use(FLOWS.replace("conflict: latest", "conflict: ask"))
    pms, erp = world.pms, world.erp
    ada = pms.add("customers", name="Ada AS", org_number="101", contact={"email": "ada@example.org"})
    bea = pms.add("customers", name="Bea AS", org_number="102", phone="+47 22 33 44 55")
    pms.add("customers", name="Cia AS")
    erp.add("customers", customer_name="Ada AS", vat_no="101", phone="+47 22 33 44 66")
    erp.add("customers", customer_name="Bea AS", vat_no="102", email="bea@example.org")
    eva = erp.add("customers", customer_name="Eva AS", vat_no="105", email="eva@example.org")
    house = pms.add("projects", title="House", customer_id=ada, budget=1000)
    tower = pms.add("projects", title="Tower", customer_id=bea)
    pms.add("projects", title="Tower, top", customer_id=bea, parent_id=tower)
    bridge = erp.add("projects", description="Bridge", customer_no=eva, budget_amount="12.00")
    erp.add("projects", description="Bridge, south", customer_no=eva, parent_no=bridge)
    for name, project in (("Plan", house), ("Build", house), ("Dig", tower), ("Pour", tower)):
        pms.add("tasks", name=name, project_id=project, hours_estimate=1.5)


def later_day(world: World) -> None:
    """Two systems that were once in step, and have been worked in since."""
    first_day(world)
    world.settle()
    pms, erp = world.pms, world.erp
    ada, bea = (pms.all("customers", org_number=org)[0]["id"] for org in ("101", "102"))
    house = pms.all("projects", title="House")[0]["id"]
    plan, build = (pms.all("tasks", name=name)[0]["id"] for name in ("Plan", "Build"))
    pms.edit("customers", ada, name="Ada Nova AS", notes="one\ntwo")
    erp.edit("customers", erp.all("customers", vat_no="102")[0]["customer_no"], phone="+47 99 88 77 66")
    erp.edit("customers", erp.all("customers", vat_no="105")[0]["customer_no"], customer_name="Eva Nord AS")
    pms.edit("customers", pms.all("customers", name="Cia AS")[0]["id"], org_number="103")
    erp.edit("projects", erp.all("projects", description="Tower")[0]["project_no"], budget_amount="75.50")
    pms.edit("projects", house, state="done", customer_id=bea)
    pms.edit("tasks", plan, hours_estimate=2.25)
    pms.delete("tasks", build)
    dora = pms.add("customers", name="Dora AS", org_number="104", contact={"email": "dora@example.org"})
    frida = erp.add("customers", customer_name="Frida AS", vat_no="106")
    mill = pms.add("projects", title="Mill", customer_id=dora)
    pms.add("projects", title="Mill, wheel", customer_id=dora, parent_id=mill)
    erp.add("projects", description="Quay", customer_no=frida, budget_amount="9.00")
    pms.add("tasks", name="Saw", project_id=mill, hours_estimate=3)
    pms.add("tasks", name="Mount", project_id=mill, hours_estimate=4)


DAYS = {"first": first_day, "later": later_day}


def shown(world: World) -> tuple[Counter[Any], Counter[Any]]:
    """What each system holds, in the same words: every record with its references by name."""
    return _pms(world), _erp(world)


def _pms(world: World) -> Counter[Any]:
    customers = {record["id"]: record for record in world.pms.all("customers")}
    projects = {record["id"]: record for record in world.pms.all("projects")}
    found: Counter[Any] = Counter(
        ("customer", c["name"], c["org_number"], c["contact"]["email"], c["phone"], c["notes"])
        for c in customers.values()
    )
    found.update(
        (
            "project",
            p["title"],
            customers[p["customer_id"]]["org_number"] if p["customer_id"] else None,
            _money(p["budget"]),
            projects[p["parent_id"]]["title"] if p["parent_id"] else None,
            {"open": "H", "active": "A", "done": "C"}[p["state"]],
        )
        for p in projects.values()
    )
    found.update(
        ("task", t["name"], projects[t["project_id"]]["title"], _minutes(t["hours_estimate"]), t["description"])
        for t in world.pms.all("tasks")
    )
    return found


def _erp(world: World) -> Counter[Any]:
    customers = {record["customer_no"]: record for record in world.erp.all("customers")}
    projects = {record["project_no"]: record for record in world.erp.all("projects")}
    found: Counter[Any] = Counter(
        ("customer", c["customer_name"], c["vat_no"], c["email"], c["phone"], c["remarks"]) for c in customers.values()
    )
    for p in projects.values():
        parent = projects[p["parent_no"]]["description"] if p["parent_no"] else None
        owner = customers[p["customer_no"]]["vat_no"] if p["customer_no"] else None
        if p["kind"] == "task":
            found["task", p["description"], parent, p["planned_minutes"], p["text"]] += 1
        else:
            found["project", p["description"], owner, _money(p["budget_amount"]), parent, p["status"]] += 1
    return found


def _money(value: Any) -> str | None:
    return None if value is None else f"{float(value):.2f}"


def _minutes(hours: Any) -> int | None:
    return None if hours is None else round(float(hours) * 60)


@dataclass
class Scene:
    """A day behind a proxy, kept so that each case begins with it."""

    world: World
    proxy: Proxy
    kept: Path
    requests: int = 0
    """How many requests its run makes when nothing is in the way."""
    wanted: Counter[Any] = field(default_factory=Counter)
    """What both systems hold after that run."""

    def begin(self, hook: Hook) -> None:
        """The day as it was kept, and a hook for the run that follows."""
        self.world.bring_back(self.kept)
        self.world.ahead = 0.0
        self.proxy.arm(hook)


@contextmanager
def scene_of(servers: World, day: str, folder: Path) -> Iterator[Scene]:
    """Prepare a day, keep it, and see what an unharmed run makes of it."""
    servers.wipe()
    work = folder / "work"
    work.mkdir()
    proxy = Proxy({"custompms": servers.pms.server.url, "customerp": servers.erp.server.url})
    scene = Scene(world=replace(servers, folder=work, urls=proxy.urls, ahead=0.0), proxy=proxy, kept=folder / "kept")
    DAYS[day](scene.world)
    scene.world.keep(scene.kept)
    proxy.arm()
    assert not scene.world.run().errors
    scene.requests, (scene.wanted, there) = proxy.count, shown(scene.world)
    assert scene.wanted == there
    yield scene
    proxy.close()
