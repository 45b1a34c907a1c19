"""A reference on one side points to the linked record on the other: also late, in the same run, and in a circle."""

from tests.end_to_end.world import FLOWS, World, kinds


def erp_names(world: World) -> dict[str, tuple[str | None, str | None]]:
    """Project of CustomERP → (its customer, its parent), by name."""
    customers = {record["customer_no"]: record["customer_name"] for record in world.erp.all("customers")}
    projects = {record["project_no"]: record for record in world.erp.all("projects")}
    return {
        record["description"]: (
            customers.get(record["customer_no"]),
            projects[record["parent_no"]]["description"] if record["parent_no"] else None,
        )
        for record in projects.values()
    }


def test_a_chain_that_is_created_in_one_run_holds_together(world: World) -> None:
    """Customer, project, its part, and a task of the part, all new: one run makes them all."""
    ada = world.pms.add("customers", name="Ada", org_number="101")
    house = world.pms.add("projects", title="House", customer_id=ada)
    roof = world.pms.add("projects", title="Roof", customer_id=ada, parent_id=house)
    world.pms.add("tasks", name="Tile", project_id=roof)
    world.run()
    assert erp_names(world) == {"House": ("Ada", None), "Roof": ("Ada", "House"), "Tile": (None, "Roof")}
    assert world.is_quiet()


def test_a_chain_that_goes_the_other_way_holds_together(world: World) -> None:
    """New in CustomERP: the ids of CustomPMS are put in place of its numbers."""
    ada = world.erp.add("customers", customer_name="Ada", vat_no="101")
    house = world.erp.add("projects", description="House", customer_no=ada)
    world.erp.add("projects", description="Roof", customer_no=ada, parent_no=house)
    world.run()
    titles = {record["title"]: record for record in world.pms.all("projects")}
    assert titles["House"]["customer_id"] == world.pms.all("customers")[0]["id"]
    assert titles["Roof"]["parent_id"] == titles["House"]["id"]
    assert world.is_quiet()


def test_a_circle_is_written_in_two_steps(world: World) -> None:
    """Two projects that are part of each other."""
    one = world.pms.add("projects", title="One")
    two = world.pms.add("projects", title="Two", parent_id=one)
    world.pms.edit("projects", one, parent_id=two)
    world.settle()
    assert erp_names(world) == {"One": (None, "Two"), "Two": (None, "One")}
    assert world.is_quiet()


def test_a_project_that_is_part_of_itself_is_written_in_two_steps(world: World) -> None:
    """The smallest circle."""
    one = world.pms.add("projects", title="One")
    world.pms.edit("projects", one, parent_id=one)
    world.settle()
    assert erp_names(world) == {"One": (None, "One")}
    assert world.is_quiet()


def test_a_reference_whose_target_comes_late_is_filled_in_then(world: World) -> None:
    """The project's customer is linked by a person's edit in a later run; the project waits for it."""
    world.use(FLOWS.replace("link: match-or-create", "link: match-only"))
    ada = world.pms.add("customers", name="Ada", org_number="101")
    world.pms.add("projects", title="House", customer_id=ada)
    world.settle()
    assert world.erp.all("projects") == []
    world.erp.add("customers", customer_name="Ada", vat_no="101")
    world.settle()
    assert erp_names(world) == {"House": ("Ada", None)}
    assert world.is_quiet()


def test_a_reference_that_cannot_be_followed_does_not_stop_the_other_rows(world: World) -> None:
    """The edit of the customer waits for that customer; the title goes over."""
    world.use(FLOWS.replace("link: match-or-create", "link: match-only"))
    house = world.pms.add("projects", title="House")
    world.settle()
    bea = world.pms.add("customers", name="Bea", org_number="102")
    world.pms.edit("projects", house, title="Mansion", customer_id=bea)
    world.settle()
    assert erp_names(world) == {"Mansion": (None, None)}
    world.erp.add("customers", customer_name="Bea", vat_no="102")
    world.settle()
    assert erp_names(world) == {"Mansion": ("Bea", None)}
    assert world.is_quiet()


def test_a_reference_that_is_changed_or_emptied_follows(world: World) -> None:
    """In both directions."""
    ada, bea = (world.pms.add("customers", name=name, org_number=org) for name, org in (("Ada", "1"), ("Bea", "2")))
    house = world.pms.add("projects", title="House", customer_id=ada)
    world.settle()
    world.pms.edit("projects", house, customer_id=bea)
    world.settle()
    assert erp_names(world) == {"House": ("Bea", None)}
    world.erp.edit("projects", world.erp.all("projects")[0]["project_no"], customer_no=None)
    world.settle()
    assert world.pms.show("projects", house)["customer_id"] is None  # type: ignore[index]
    assert world.is_quiet()


def test_conflicting_references_are_decided_like_values(world: World) -> None:
    """Each side moved the project to another customer."""
    ids = [world.pms.add("customers", name=name, org_number=name) for name in ("Ada", "Bea", "Cia")]
    house = world.pms.add("projects", title="House", customer_id=ids[0])
    world.settle()
    cia = world.erp.all("customers", vat_no="Cia")[0]["customer_no"]
    world.pms.edit("projects", house, customer_id=ids[1])
    world.erp.edit("projects", world.erp.all("projects")[0]["project_no"], customer_no=cia)
    report = world.settle()
    assert kinds(report) == ["conflict"]
    world.decide(report, take="customerp")
    world.settle()
    assert world.pms.show("projects", house)["customer_id"] == ids[2]  # type: ignore[index]
    assert world.is_quiet()
