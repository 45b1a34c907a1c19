"""What happens to a record that has no link yet: each mode, and what makes it conditional."""

from tests.end_to_end.world import FLOWS, World, flow, kinds, written

PHONE = "{custompms: phone, customerp: phone, name: phone}"
NAMES = [("Ada", "101"), ("Bea", "102")]


def fill(world: World) -> None:
    """Ada in both systems, Bea in CustomPMS, Eva in CustomERP."""
    for name, org in NAMES:
        world.pms.add("customers", name=name, org_number=org)
    world.erp.add("customers", customer_name="Ada", vat_no="101", phone="7")
    world.erp.add("customers", customer_name="Eva", vat_no="105")


def names(world: World) -> tuple[list[str], list[str]]:
    """The customers of both systems."""
    pms = sorted(record["name"] for record in world.pms.all("customers"))
    return pms, sorted(record["customer_name"] for record in world.erp.all("customers"))


def test_match_or_create_links_the_one_that_matches_and_creates_the_others(world: World) -> None:
    """Ada is not there twice; Bea and Eva get their counterparts."""
    fill(world)
    world.use(flow([PHONE]))
    world.settle()
    assert names(world) == (["Ada", "Bea", "Eva"], ["Ada", "Bea", "Eva"])
    assert world.pms.all("customers", name="Ada")[0]["phone"] == "7"
    assert world.is_quiet()


def test_create_always_makes_a_counterpart(world: World) -> None:
    """Without match rules nothing is looked for."""
    world.pms.add("customers", name="Ada")
    world.erp.add("customers", customer_name="Ada")
    world.use(flow([PHONE], match=None, link="create").replace("    match: null\n", ""))
    world.settle()
    assert names(world) == (["Ada", "Ada"], ["Ada", "Ada"])
    assert world.is_quiet()


def test_match_only_links_and_otherwise_waits(world: World) -> None:
    """Ada is linked; Bea and Eva wait, until a match comes."""
    fill(world)
    world.use(flow([PHONE], link="match-only"))
    world.settle()
    assert names(world) == (["Ada", "Bea"], ["Ada", "Eva"])
    world.erp.add("customers", customer_name="Bea", vat_no="102", phone="8")
    world.settle()
    assert world.pms.all("customers", name="Bea")[0]["phone"] == "8"
    assert world.is_quiet()


def test_never_waits_for_a_person(world: World) -> None:
    """Nothing of CustomERP is created in CustomPMS; the other way it is."""
    fill(world)
    world.use(flow([PHONE], link={"custompms": "match-or-create", "customerp": "never"}))
    world.settle()
    assert names(world) == (["Ada", "Bea"], ["Ada", "Bea", "Eva"])
    assert world.is_quiet()


def test_connected_waits_until_something_synchronised_refers_to_it(world: World) -> None:
    """A customer gets its counterpart once it has a project that goes over."""
    flows = FLOWS.replace("link: match-or-create", "link: {custompms: {connected: project}, customerp: match-only}")
    world.use(flows)
    ada, bea = (world.pms.add("customers", name=name, org_number=org) for name, org in NAMES)
    world.settle()
    assert names(world) == (["Ada", "Bea"], [])
    world.pms.add("projects", title="House", customer_id=bea)
    world.settle()
    assert names(world) == (["Ada", "Bea"], ["Bea"])
    assert world.erp.all("projects")[0]["customer_no"] == world.erp.all("customers")[0]["customer_no"]
    assert ada != bea
    assert world.is_quiet()


def test_connected_does_not_count_what_is_not_synchronised_itself(world: World) -> None:
    """A project that waits for its own condition pulls no customer over."""
    flows = FLOWS.replace("link: match-or-create", "link: {custompms: {connected: project}, customerp: match-only}")
    world.use(flows.replace("custompms: project\n", "custompms: {datatype: project, when: budget != null}\n", 1))
    ada = world.pms.add("customers", name="Ada", org_number="101")
    house = world.pms.add("projects", title="House", customer_id=ada)
    world.settle()
    assert names(world) == (["Ada"], [])
    world.pms.edit("projects", house, budget=10)
    world.settle()
    assert names(world) == (["Ada"], ["Ada"])
    assert world.erp.all("projects")[0]["customer_no"] == world.erp.all("customers")[0]["customer_no"]


def test_when_makes_a_creation_conditional(world: World) -> None:
    """Until then the record waits, unlinked; afterwards it stays linked."""
    world.use(
        flow([PHONE]).replace(
            "custompms: customer\n", "custompms: {datatype: customer, when: 'country == \"NO\"'}\n", 1
        )
    )
    ada = world.pms.add("customers", name="Ada", org_number="101", country="SE")
    world.settle()
    assert names(world) == (["Ada"], [])
    world.pms.edit("customers", ada, country="NO")
    world.settle()
    assert names(world) == (["Ada"], ["Ada"])
    assert world.is_quiet()


def test_since_linked_takes_up_only_what_is_new(world: World) -> None:
    """What was there before the flow was started is left alone."""
    world.pms.add("customers", name="Ada", org_number="101")
    world.use(flow([PHONE]).replace("custompms: customer\n", "custompms: {datatype: customer, since: linked}\n", 1))
    world.settle()
    assert names(world) == (["Ada"], [])
    world.pms.add("customers", name="Bea", org_number="102")
    world.settle()
    assert names(world) == (["Ada", "Bea"], ["Bea"])


def test_several_that_match_are_held_for_review(world: World) -> None:
    """Two records of one system with the same key are never guessed; a person says which."""
    for _ in range(2):
        world.pms.add("customers", name="Ada", org_number="101")
    erp = world.erp.add("customers", customer_name="Ada", vat_no="101")
    world.use(flow([PHONE]))
    report = world.settle()
    assert set(kinds(report)) == {"review"}
    assert len(world.erp.all("customers")) == 1
    assert world.is_quiet()
    mine = next(item for item in report.held if f"customerp/customer/{erp}" in item["refs"][0])
    pms = world.pms.all("customers")[1]["id"]
    report.held = [mine]
    world.decide(report, link=f"custompms/customer/{pms}")
    world.settle()
    world.pms.edit("customers", pms, phone="5")
    world.settle()
    assert world.erp.all("customers")[0]["phone"] == "5"


def test_nothing_is_created_before_both_were_listed_completely(world: World) -> None:
    """An empty listing at the first run makes no duplicates."""
    fill(world)
    world.use(flow([PHONE]))
    world.erp.server.fault("empty_list", path="/customers", method="GET", count=1)
    world.run()
    world.calm()
    world.settle()
    assert names(world) == (["Ada", "Bea", "Eva"], ["Ada", "Bea", "Eva"])


def test_filled_beats_empty_when_records_are_first_linked(world: World) -> None:
    """On either side, and also inside a group."""
    rows = [
        PHONE,
        "{custompms: contact.name, customerp: contact_name, name: contact_name}",
        "{custompms: contact.email, customerp: email, name: email, type: email}",
    ]
    world.use(flow(rows, groups={"contact": ["contact_name", "email"]}))
    world.pms.add("customers", name="Ada", org_number="101", contact={"name": "Kari", "email": "k@example.org"})
    world.erp.add("customers", customer_name="Ada", vat_no="101", phone="7", email="K@EXAMPLE.org")
    report = world.settle()
    assert kinds(report) == []
    assert world.pms.all("customers")[0]["phone"] == "7"
    assert world.erp.all("customers")[0]["contact_name"] == "Kari"
    assert world.is_quiet()


def test_two_flows_into_one_datatype_keep_their_records_apart(world: World) -> None:
    """Tasks and projects of CustomPMS are both projects in CustomERP; an edit there finds its way back."""
    house = world.pms.add("projects", title="House")
    world.pms.add("tasks", name="Dig", project_id=house, hours_estimate=1)
    world.settle()
    dig = world.erp.all("projects", kind="task")[0]
    assert dig["parent_no"] == world.erp.all("projects", kind="project")[0]["project_no"]
    world.erp.edit("projects", dig["project_no"], description="Dig deep", planned_minutes=90)
    world.erp.add("projects", description="A task nobody planned", kind="task")
    world.settle()
    assert [(task["name"], task["hours_estimate"]) for task in world.pms.all("tasks")] == [("Dig deep", 1.5)]
    assert [project["title"] for project in world.pms.all("projects")] == ["House"]
    assert world.is_quiet()


def test_a_duplicate_that_the_system_refuses_is_held_with_the_other_named(world: World) -> None:
    """CustomERP takes a VAT number once; here the flow does not match by it."""
    world.use(flow([PHONE], match=[["name"]]))
    world.pms.add("customers", name="Ada", org_number="101")
    other = world.erp.add("customers", customer_name="Bea", vat_no="101")
    report = world.settle()
    held = [item for item in report.held if item["kind"] == "rejected"]
    assert len(held) == 1
    assert f"customerp/customer/{other}" in held[0]["refs"]
    assert written(world.run()) == 0
