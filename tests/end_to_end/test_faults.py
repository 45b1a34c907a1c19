"""What servers and networks do to a run: nothing is lost, nothing is there twice, and the report says what happened."""

import time
from typing import Any

import pytest

from tests.end_to_end.scene import Scene, shown
from tests.end_to_end.world import SYSTEMS, Desk, World, error_kinds, flow, kinds, written

PHONE = "{custompms: phone, customerp: phone, name: phone}"
ON_WRITES = (
    "answer_lost_before",
    "answer_lost_after",
    "error_500_before",
    "error_500_after",
    "truncated",
    "html_200",
    "error_in_200",
    "empty_200",
    "unauthorized_401",
    "forbidden_403",
    "rate_429",
    "unavailable_503",
    "slow",
    "redirect",
)
ON_LISTINGS = ("empty_list", "short_list", "stale_list")
WRITES = ("POST", "PATCH", "PUT", "DELETE")


def switch(world: World, *rules: dict[str, Any]) -> None:
    """The same faults in both systems."""
    for desk in (world.pms, world.erp):
        assert desk.server("POST", "/_faults", {"rules": list(rules)}).status == 200


def recovered(scene: Scene) -> None:
    """Without faults at most three runs, each over the grace later, bring everything in step; then all is quiet."""
    scene.world.calm()
    for _ in range(3):
        scene.world.ahead += 2.0
        report = scene.world.run()
        if report.held:  # refused by a status that says so: a person lets it be tried again
            scene.world.decide(report, retry=True)
        elif not written(report):
            break
    assert shown(scene.world) == (scene.wanted, scene.wanted)
    assert (kinds(report), report.errors) == ([], [])
    assert scene.world.is_quiet()


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("fault", ON_WRITES)
def test_a_fault_on_writes_loses_nothing_and_doubles_nothing(later: Scene, fault: str, count: int) -> None:
    """The first write, or the first four, of every kind in both systems."""
    later.begin(lambda _number, _phase: True)
    switch(later.world, *({"name": fault, "method": method, "count": count, "delay_s": 0.1} for method in WRITES))
    later.world.run()
    recovered(later)


@pytest.mark.parametrize("fault", [*ON_WRITES, *ON_LISTINGS])
def test_a_fault_on_readings_loses_nothing_and_doubles_nothing(later: Scene, fault: str) -> None:
    """Some readings at the beginning of a run, in both systems."""
    later.begin(lambda _number, _phase: True)
    switch(later.world, {"name": fault, "method": "GET", "count": 4, "delay_s": 0.1})
    later.world.run()
    recovered(later)


@pytest.mark.parametrize("fault", ["html_200", "error_in_200", "empty_200", "rate_429", "unavailable_503"])
def test_a_wrong_answer_to_a_write_that_was_obeyed_is_not_a_failure(later: Scene, fault: str) -> None:
    """The write took effect, whatever the answer says."""
    later.begin(lambda _number, _phase: True)
    switch(later.world, *({"name": fault, "method": method, "count": 2, "effect": True} for method in WRITES))
    later.world.run()
    recovered(later)


def test_a_write_that_takes_effect_late_makes_no_second_record(later: Scene) -> None:
    """The answer is lost, a reading says no, and half a second later it is there."""
    later.begin(lambda _number, _phase: True)
    switch(later.world, *({"name": "late_effect", "method": method, "count": 2, "delay_s": 0.5} for method in WRITES))
    later.world.run()
    landed = time.monotonic() + 0.7
    later.world.calm()
    while time.monotonic() < landed:
        later.world.run()
    recovered(later)


def test_faults_of_every_kind_at_once_lose_nothing(later: Scene) -> None:
    """Every tenth request is struck by each of them, in five runs."""
    later.begin(lambda _number, _phase: True)
    rules = [{"name": name, "rate": 0.1, "delay_s": 0.05} for name in (*ON_WRITES, *ON_LISTINGS)]
    switch(later.world, *rules)
    for _ in range(5):
        later.world.run()
        later.world.ahead += 2.0
    recovered(later)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("unauthorized_401", "unauthorized"),
        ("forbidden_403", "unauthorized"),
        ("unavailable_503", "unreachable"),
        ("rate_429", "unreachable"),
        ("error_500_before", "unreachable"),
        ("answer_lost_before", "unreachable"),
        ("html_200", "protocol"),
        ("error_in_200", "protocol"),
        ("empty_200", "protocol"),
        ("redirect", "protocol"),
    ],
)
def test_a_system_that_stays_broken_is_an_error_and_nothing_is_written_for_it(
    later: Scene, fault: str, kind: str
) -> None:
    """Exit status 1, its kind in the report; no create and no deletion is inferred."""
    later.begin(lambda _number, _phase: True)
    later.world.erp.server.fault(fault)
    report = later.world.run()
    assert (report.status, error_kinds(report)) == (1, [("customerp", kind)])
    assert written(report) == 0
    recovered(later)


def test_a_server_that_is_not_there_is_unreachable(world: World) -> None:
    """Nothing listens at the port."""
    world.urls["customerp"] = "http://127.0.0.1:9"
    world.pms.add("customers", name="Ada", org_number="101")
    report = world.run()
    assert (report.status, error_kinds(report)) == (1, [("customerp", "unreachable")])
    world.urls.clear()
    world.settle()
    assert len(world.erp.all("customers")) == 1


def test_retry_after_is_obeyed(world: World) -> None:
    """A 429 that asks for a second."""
    world.erp.server.fault("rate_429", method="POST", count=1, retry_after=1)
    world.pms.add("customers", name="Ada", org_number="101")
    began = time.monotonic()
    assert world.run().errors == []
    assert time.monotonic() - began >= 0.9
    assert len(world.erp.all("customers")) == 1


@pytest.mark.parametrize("side", ["custompms", "customerp"])
def test_an_empty_listing_deletes_nothing_and_creates_nothing(world: World, side: str) -> None:
    """However long it lasts: every record is asked for by its id."""
    world.use(flow([PHONE], on_delete="propagate"))
    for number in range(5):
        world.pms.add("customers", name=f"C{number}", org_number=str(number))
    world.settle()
    desk: Desk = world.pms if side == "custompms" else world.erp
    desk.server.fault("empty_list", path="/customers")
    for _ in range(3):
        assert written(world.run(full=True)) == 0
    world.calm()
    assert (len(world.pms.all("customers")), len(world.erp.all("customers"))) == (5, 5)
    assert world.is_quiet()


def test_a_record_that_may_not_be_seen_is_not_deleted(world: World) -> None:
    """It is missing in the listing and 403 by its id; what is said of the others goes on."""
    world.use(flow([PHONE], on_delete="propagate"))
    ids = [world.pms.add("customers", name=f"C{number}", org_number=str(number)) for number in range(3)]
    world.settle()
    rows = [record["customer_no"] for record in world.erp.all("customers")]
    rules = [{"name": "forbidden_403", "path": f"/customers/{rows[2]}"}, {"name": "short_list", "path": "/customers"}]
    assert world.erp.server("POST", "/_faults", {"rules": rules}).status == 200
    world.pms.edit("customers", ids[0], phone="5")
    report = world.run()
    assert report.writes["custompms"] == {"create": 0, "update": 0, "delete": 0}
    world.calm()
    assert world.erp.all("customers", vat_no="0")[0]["phone"] == "5"
    assert len(world.pms.all("customers")) == 3


BLIND = SYSTEMS.replace("        key_property: external_ref\n", "").replace("        natural_key: [vat_no]\n", "")


def test_a_create_that_nobody_can_ask_about_stays_in_doubt_and_is_never_repeated(world: World) -> None:
    """No key, no search: a person says which record it made."""
    world.use(flow([PHONE]), BLIND)
    ada = world.pms.add("customers", name="Ada", org_number="101")
    world.erp.server.fault("answer_lost_after", method="POST", count=1)
    report = world.run()
    assert kinds(report) == ["in_doubt"]
    world.calm()
    for _ in range(3):
        world.ahead += 5.0
        world.run()
    assert len(world.erp.all("customers")) == 1
    number = world.erp.all("customers")[0]["customer_no"]
    world.decide(world.run(), link=f"customerp/customer/{number}")
    world.settle()
    world.pms.edit("customers", ada, phone="5")
    assert kinds(world.settle()) == []
    assert world.erp.all("customers")[0]["phone"] == "5"


def test_one_record_that_is_refused_stops_itself_only(world: World) -> None:
    """Its country has three letters there; the others go on, and it is not tried again for ever."""
    row = "{custompms: country, customerp: country, name: country}"
    world.use(flow([row]), SYSTEMS.replace("          country: {type: string, max_length: 2}\n", ""))
    for name, country in (("Ada", "NO"), ("Bea", "NOR"), ("Cia", "SE")):
        world.pms.add("customers", name=name, org_number=name, country=country)
    report = world.settle()
    assert kinds(report) == ["rejected"]
    assert sorted(record["customer_name"] for record in world.erp.all("customers")) == ["Ada", "Cia"]
    assert world.is_quiet()
