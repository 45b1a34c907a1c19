"""Every example runs as it is."""

import shutil
from collections.abc import Iterator

import pytest
import sqlalchemy as sql
from sqlalchemy.engine import Engine

from accord.config.load import load
from tests.end_to_end.world import ROOT, World, kinds, written

EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def environment(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the examples take from the environment."""
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUSTOMERP_DATABASE", f"sqlite:///{world.erp.database}")
    return iter(())


def take(world: World, name: str) -> None:
    """Copy an example into the world's folder."""
    shutil.copy(EXAMPLES / name / "accord.yaml", world.folder / "accord.yaml")


def fill(world: World) -> None:
    """Some records in both systems."""
    ada = world.pms.add("customers", name="Ada AS", org_number="101", contact={"email": "ada@example.org"})
    world.erp.add("customers", customer_name="Ada AS", vat_no="101", phone="+47 22 33 44 55")
    eva = world.erp.add("customers", customer_name="Eva AS", vat_no="105", email="eva@example.org")
    house = world.pms.add("projects", title="House", customer_id=ada, budget=1250.5, starts_on="2026-11-23")
    world.pms.add("projects", title="Roof", customer_id=ada, parent_id=house)
    world.erp.add("projects", description="Bridge", customer_no=eva, budget_amount="12.00", status="C")
    world.pms.add("tasks", name="Tile", project_id=house, hours_estimate=1.25)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in EXAMPLES.glob("*/accord.yaml")))
def test_every_example_loads_and_says_how_it_is_run(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No problem and no caution; beside it a README that names the test."""
    monkeypatch.setenv("CONTACTS_DATABASE", "postgresql://localhost/contacts")
    for system in ("REDMINE", "TRYTON"):
        monkeypatch.setenv(f"{system}_URL", "http://127.0.0.1:1/accord")
        monkeypatch.setenv(f"{system}_KEY", f"key-of-{system}")
    monkeypatch.setenv("TRYTON_CONTEXT", "context")
    assert load(EXAMPLES / name / "accord.yaml").warnings == ()
    assert "accord run -C" in (EXAMPLES / name / "README.md").read_text()


@pytest.mark.parametrize("name", ["demo", "erp-by-sql"])
def test_the_three_flows_bring_both_systems_in_step(world: World, name: str) -> None:
    """Over the API of CustomERP, or through its database."""
    take(world, name)
    fill(world)
    report = world.settle()
    assert kinds(report) == []
    customers = {record["vat_no"]: record for record in world.erp.all("customers")}
    projects = {record["description"]: record for record in world.erp.all("projects")}
    assert sorted(record["org_number"] for record in world.pms.all("customers")) == sorted(customers) == ["101", "105"]
    assert world.pms.all("customers", org_number="101")[0]["phone"] == "+47 22 33 44 55"
    assert sorted(projects) == ["Bridge", "House", "Roof", "Tile"]
    assert projects["House"]["budget_amount"] == "1250.50"
    assert projects["House"]["customer_no"] == customers["101"]["customer_no"]
    assert projects["Roof"]["parent_no"] == projects["Tile"]["parent_no"] == projects["House"]["project_no"]
    assert (projects["Tile"]["kind"], projects["Tile"]["planned_minutes"]) == ("task", 75)
    bridge = next(record for record in world.pms.all("projects") if record["title"] == "Bridge")
    assert (bridge["budget"], bridge["state"]) == (12, "done")
    assert world.is_quiet()


def test_edits_and_deletions_flow_through_the_database(world: World) -> None:
    """The row version is moved by triggers, and an edit in the API is seen in the database."""
    take(world, "erp-by-sql")
    fill(world)
    world.settle()
    house = world.pms.all("projects", title="House")[0]["id"]
    world.pms.edit("projects", house, title="Mansion")
    bridge = world.erp.all("projects", description="Bridge")[0]["project_no"]
    world.erp.edit("projects", bridge, budget_amount="99.90")
    report = world.settle()
    assert written(report) == 2
    assert world.erp.all("projects", description="Mansion")
    assert [record["budget"] for record in world.pms.all("projects", title="Bridge")] == [99.9]
    assert world.is_quiet()
    world.pms.delete("tasks", world.pms.all("tasks")[0]["id"])
    assert kinds(world.settle()) == ["delete"]


@pytest.fixture
def contacts(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The customer list in PostgreSQL, empty."""
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    engine = sql.create_engine(url)
    script = (EXAMPLES / "three-systems" / "schema.sql").read_text()
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS company; DROP FUNCTION IF EXISTS company_moved")
        connection.exec_driver_sql(script)
    monkeypatch.setenv("CONTACTS_DATABASE", url)
    yield engine
    engine.dispose()


def companies(engine: Engine) -> dict[str, tuple[str, str | None]]:
    """Organisation number → (name, phone)."""
    with engine.connect() as connection:
        rows = connection.execute(sql.text("SELECT org_no, company_name, phone FROM company"))
        return {row[0]: (row[1], row[2]) for row in rows}


def do(engine: Engine, statement: str) -> None:
    """A person at an SQL prompt."""
    with engine.begin() as connection:
        connection.execute(sql.text(statement))


def test_one_customer_in_three_systems(world: World, contacts: Engine) -> None:
    """New ones reach the two others, an edit in each reaches the two others, and then it is quiet."""
    take(world, "three-systems")
    world.pms.add("customers", name="Ada AS", org_number="101", phone="+47 22 33 44 55")
    world.erp.add("customers", customer_name="Ada AS", vat_no="101")
    world.erp.add("customers", customer_name="Bea AS", vat_no="102")
    do(contacts, "INSERT INTO company (company_name, org_no) VALUES ('Ada AS', '101'), ('Cia AS', '103')")
    assert kinds(world.settle()) == []
    assert companies(contacts) == {
        "101": ("Ada AS", "+47 22 33 44 55"),
        "102": ("Bea AS", None),
        "103": ("Cia AS", None),
    }
    world.pms.edit("customers", world.pms.all("customers", org_number="102")[0]["id"], name="Bea Nova AS")
    world.erp.edit("customers", world.erp.all("customers", vat_no="101")[0]["customer_no"], phone="+47 99 88 77 66")
    do(contacts, "UPDATE company SET company_name = 'Cia Nord AS' WHERE org_no = '103'")
    assert written(world.settle()) == 6
    names = {"101": "Ada AS", "102": "Bea Nova AS", "103": "Cia Nord AS"}
    assert {org: name for org, (name, _) in companies(contacts).items()} == names
    assert {record["org_number"]: record["name"] for record in world.pms.all("customers")} == names
    assert {record["vat_no"]: record["customer_name"] for record in world.erp.all("customers")} == names
    assert companies(contacts)["101"][1] == "+47 99 88 77 66"
    assert world.is_quiet()


def test_a_conflict_among_three_goes_to_the_preferred_system(world: World, contacts: Engine) -> None:
    """CustomERP before CustomPMS before the list; all three edits are accounted for."""
    take(world, "three-systems")
    ada = world.pms.add("customers", name="Ada AS", org_number="101", phone="+47 1")
    world.settle()
    world.pms.edit("customers", ada, name="Ada P")
    world.erp.edit("customers", world.erp.all("customers")[0]["customer_no"], customer_name="Ada E")
    do(contacts, "UPDATE company SET company_name = 'Ada C'")
    world.settle()
    assert companies(contacts)["101"][0] == world.pms.all("customers")[0]["name"] == "Ada E"
    lost = {str(line.changes["name"][0]) for line in world.history() if line.op == "superseded"}
    assert lost == {"Ada P", "Ada C"}
    assert world.is_quiet()


def test_a_deletion_in_one_of_three_is_as_that_system_says(world: World, contacts: Engine) -> None:
    """The list is restored; a deletion in CustomPMS is asked."""
    take(world, "three-systems")
    ada = world.pms.add("customers", name="Ada AS", org_number="101")
    world.settle()
    do(contacts, "DELETE FROM company")
    world.run(full=True)  # a table that is read by `modified` does not tell what was deleted
    assert companies(contacts) == {"101": ("Ada AS", None)}
    world.pms.delete("customers", ada)
    assert kinds(world.settle()) == ["delete"]
    assert (len(companies(contacts)), len(world.erp.all("customers"))) == (1, 1)


def test_the_examples_leave_nothing_in_their_folders() -> None:
    """The state is made where the copy of the file is."""
    folders = [file.parent for file in EXAMPLES.glob("*/accord.yaml")]
    assert folders
    assert not [path for each in folders for path in each.iterdir() if path.suffix not in (".yaml", ".md", ".sql")]
