"""The demonstration data are what they claim to be."""

from collections import Counter

from demo.data import demonstration
from demo.data import fill as bulk_load


def test_customers_match_by_number_or_by_name_and_email_and_never_by_accident():
    """250 of 400 are the same; no key leads to two, and none leads to the wrong one."""
    made = demonstration()
    pms, erp = made.pms_customers, made.erp_customers
    by_number = {row["vat_no"]: place for place, row in enumerate(erp) if row["vat_no"]}
    by_name = {(row["customer_name"], row["email"].lower()): place for place, row in enumerate(erp)}
    found, rules = set(), Counter()
    for place, row in enumerate(pms):
        numbered = by_number.get(row["org_number"])
        named = by_name.get((row["name"], row["contact_email"].lower()))
        assert None in (numbered, named) or numbered == named
        if numbered is not None or named is not None:
            found.add((place, named if numbered is None else numbered))
            rules["number" if numbered is not None else "name"] += 1
    assert (len(pms), len(erp), len(by_name)) == (400, 400, 400)
    assert found == set(made.same)
    assert rules == {"number": 200, "name": 50}


def test_the_same_customer_differs_only_in_format_or_is_empty_on_one_side():
    """Nothing to quarrel about at the first link."""
    made = demonstration()
    pairs = {"phone": "phone", "country": "country", "website": "website", "contact_name": "contact_name"}
    pairs |= {"notes": "remarks", "name": "customer_name", "contact_email": "email", "org_number": "vat_no"}
    for ours, theirs in made.same:
        for left, right in pairs.items():
            a, b = made.pms_customers[ours][left], made.erp_customers[theirs][right]
            if a and b and left == "phone":
                a, b = a.replace(" ", ""), b.replace("-", "")
            assert not (a and b) or a[:60].lower() == b.lower()


def test_projects_and_tasks_are_complete_and_without_circles():
    """450 and 150 projects, 3,000 tasks; a task's parent is an earlier one of the same project."""
    made = demonstration()
    assert (len(made.pms_projects), len(made.erp_projects), len(made.pms_tasks)) == (450, 150, 3000)
    assert not {p["title"] for p in made.pms_projects} & {p["description"] for p in made.erp_projects}
    for place, task in enumerate(made.pms_tasks):
        parent = task["parent_task_id"]
        assert parent is None or parent < place
        assert parent is None or made.pms_tasks[parent]["project_id"] == task["project_id"]
    assert demonstration() == made


def test_both_products_start_with_the_demonstration_data(launch):
    """And a second start adds nothing."""
    for _ in range(2):
        pms, erp = launch("custompms", "--seed-data", "demo"), launch("customerp", "--seed-data", "demo")
        totals = [pms("GET", f"/{path}").body["meta"]["total"] for path in ("customers", "projects", "tasks")]
        assert totals == [400, 450, 3000]
        assert [erp("GET", f"/{path}").body["total"] for path in ("customers", "projects")] == [400, 150]
        assert "html" in pms("GET", "/?type=tasks").body


def test_the_bulk_load_shares_what_it_was_told_to(launch, tmp_path):
    """Of 100 customers a side, 30 are on both."""
    bulk_load(tmp_path, 100, "both", 0.3)
    pms, erp = launch("custompms"), launch("customerp")
    ours = {c["org_number"] for c in pms("GET", "/customers?per_page=1000").body["data"]}
    theirs = {c["vat_no"] for c in erp("GET", "/customers?limit=1000").body["items"]}
    assert (len(ours), len(theirs), len(ours & theirs)) == (100, 100, 30)
