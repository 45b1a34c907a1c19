"""Projects to describe: the seed as a user wrote it, and one that uses every key of a flow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accord.config.meaning import (
    Conflict,
    Datatype,
    Flow,
    Items,
    LensSpec,
    Limit,
    MapTable,
    MatchScore,
    Project,
    Property,
    Row,
    Side,
    System,
    TypeSpec,
    VersionCheck,
)

BOTH = frozenset({"custompms", "customerp"})
DECIMAL = TypeSpec(name="decimal", arguments=("2",))
STRING = TypeSpec(name="string")


def row(pms: str, erp: str, kind: TypeSpec = STRING, **more: Any) -> Row:
    """A two-way row between the two systems of the seed."""
    more = {"name": pms, "sources": BOTH, "targets": BOTH, **more}
    return Row(paths={"custompms": pms, "customerp": erp}, type=kind, **more)


def reference(flow: str) -> TypeSpec:
    return TypeSpec(name="reference", arguments=(flow,))


def side(system: str, datatype: str, mode: Any, **more: Any) -> Side:
    return Side(system=system, datatype=datatype, mode=mode, **more)


def pms() -> System:
    titles = {"customer": "CustomPMS Customer", "project": "CustomPMS Project", "task": "Custom Task"}
    datatypes = {
        name: Datatype(system="custompms", name=name, title=title, modified="updated_at")
        for name, title in titles.items()
    }
    options = {"base_url": "https://pms.example", "auth": {"type": "bearer", "token": "geheim-token"}}
    return System(name="custompms", title="CustomPMS", connector="rest", datatypes=datatypes, options=options)


def erp() -> System:
    datatypes = {
        name: Datatype(
            system="customerp",
            name=name,
            title=f"Custom {name.capitalize()}",
            id=f"{name}_no",
            modified="changed_at",
            version=VersionCheck(kind="path", path="row_version"),
        )
        for name in ("customer", "project")
    }
    return System(name="customerp", title="CustomERP", connector="sql", datatypes=datatypes)


def customer_flow() -> Flow:
    return Flow(
        name="customer",
        sides=(side("custompms", "customer", "match-or-create"), side("customerp", "customer", "match-or-create")),
        match=(("org_number",), ("name", "email")),
        rows=(
            row("name", "customer_name"),
            row("org_number", "vat_no"),
            row("contact.email", "email", TypeSpec(name="email"), name="email"),
        ),
        limits={"delete": Limit(percent=25, over=20)},
    )


def project_flow() -> Flow:
    states = {"custompms": {"open": "open", "done": "done"}, "customerp": {"open": "A", "done": "C"}}
    return Flow(
        name="project",
        sides=(side("custompms", "project", "create"), side("customerp", "project", "create")),
        rows=(
            row("title", "description"),
            row("customer_id", "customer_no", reference("customer")),
            row("state", "status", TypeSpec(name="enum"), maps=states),
            row("budget", "budget_amount", DECIMAL, conflict=Conflict(rule="prefer", prefer=("customerp",))),
        ),
        limits={"delete": Limit(percent=25, over=20)},
    )


def task_flow() -> Flow:
    return Flow(
        name="task",
        sides=(side("custompms", "task", "create"), side("customerp", "project", "never", defaults={"kind": "task"})),
        rows=(
            row("name", "description"),
            row("project_id", "parent_no", reference("project")),
            row(
                "hours_estimate",
                "planned_minutes",
                DECIMAL,
                lenses={"customerp": (LensSpec(name="scale", argument=60),)},
            ),
        ),
        limits={"delete": Limit(percent=25, over=20)},
    )


@pytest.fixture
def seed() -> Project:
    flows = (customer_flow(), project_flow(), task_flow())
    return Project(
        title="CustomPMS to CustomERP",
        file=Path("accord.yaml"),
        state="accord.db",
        systems={"custompms": pms(), "customerp": erp()},
        flows={flow.name: flow for flow in flows},
        secrets=frozenset({"geheim-token"}),
    )


@pytest.fixture
def rich(seed: Project) -> Project:
    """One flow in which everything that can be said is said."""
    said = row(
        "state",
        "status",
        TypeSpec(name="enum"),
        conflict=Conflict(rule="prefer", prefer=("customerp",)),
        enforce="customerp",
        required=True,
        maps={"custompms": {"open": "open"}, "customerp": {"open": "A"}},
        table=MapTable(file="states.csv", lines=1),
        lenses={"customerp": (LensSpec(name="truncate", argument=3, lossy=True),)},
        equal="case",
        truncate=True,
        keep_filled=True,
        when={"custompms": "open"},
        items=Items(key=("a",), rows=(row("a", "b", TypeSpec(name="string"), name="a"),)),
        description="Where it stands",
        group="standing",
    )
    flow = Flow(
        name="rich",
        sides=(
            side(
                "custompms",
                "project",
                "connected",
                connected_to="customer",
                where="active",
                when="stage == 'won'",
                defaults={"owner": "nobody"},
                on_delete="archive",
                archive={"state": "gone"},
            ),
            side("customerp", "project", "never", defaults={"kind": "project"}),
        ),
        rows=(said, row("title", "description")),
        match=(("title",),),
        match_score=MatchScore(weights={"title": 1.0}),
        limits={"delete": Limit(percent=25, over=20), "create": Limit(number=100)},
        groups={"naming": ("title",)},
        after=("customer",),
    )
    project = pms().datatypes["project"]
    stated = Property(path="state", type="integer", required=True, max_length=9, values=("open",), default="open")
    systems = {"custompms": with_property(pms(), project, stated), "customerp": erp()}
    return Project(
        title="Rich",
        file=Path("accord.yaml"),
        state="accord.db",
        systems=systems,
        flows={"customer": customer_flow(), "rich": flow},
    )


def with_property(system: System, datatype: Datatype, stated: Property) -> System:
    changed = replace(datatype, properties={stated.path: stated})
    return replace(system, datatypes={**system.datatypes, datatype.name: changed})
