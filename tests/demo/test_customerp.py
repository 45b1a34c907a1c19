"""CustomERP behaves as its vendor says, also to those who write SQL to its database."""

import re
import sqlite3
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$")


def sql(erp, statement, *values):
    with sqlite3.connect(erp.folder / "customerp.db", isolation_level=None) as db:
        rows = db.execute(statement, values).fetchall()
    db.close()
    return rows


def test_a_created_customer_has_a_number_and_local_times(erp):
    """Numbers begin at C-01001 and P-20001; times are those of Oslo, without offset."""
    made = erp("POST", "/customers", {"customer_name": "Ærfugl"})
    assert (made.status, made.body["customer_no"], made.body["version"]) == (201, "C-01001", 1)
    assert STAMP.match(made.body["created_at"])
    local = datetime.now(ZoneInfo("Europe/Oslo")).replace(tzinfo=None)
    assert abs((local - datetime.fromisoformat(made.body["created_at"])).total_seconds()) < 10
    assert erp("GET", "/customers/C-01001").body == made.body
    assert erp("POST", "/projects", {"description": "p"}).body["project_no"] == "P-20001"


def test_values_are_tidied_by_the_server(erp):
    """Trimmed, cut, in capitals, null when empty, line ends of one kind, amounts rounded half-even."""
    customer = erp("POST", "/customers", {"customer_name": "  " + "x" * 80, "country": "no", "phone": " "}).body
    assert (customer["customer_name"], customer["country"], customer["phone"]) == ("x" * 60, "NO", None)
    amounts = {"1250.5": "1250.50", "0.125": "0.12", "0.135": "0.14", "7": "7.00"}
    for sent, kept in amounts.items():
        body = {"description": "p", "budget_amount": sent, "text": "a\r\nb\r\n", "currency": "eur"}
        project = erp("POST", "/projects", body).body
        assert (project["budget_amount"], project["text"], project["currency"]) == (kept, "a\nb", "EUR")
    assert erp("POST", "/projects", {"description": "p", "planned_minutes": 1.5}).status == 422


def test_the_cursor_leads_through_all_records(erp):
    """Pages by cursor, each with the total; the last has no next."""
    erp("POST", "/customers/batch", [{"customer_name": f"c{n}"} for n in range(5)])
    names, cursor = [], ""
    while cursor is not None:
        page = erp("GET", f"/customers?limit=2&cursor={cursor}").body
        assert page["total"] == 5
        names += [c["customer_name"] for c in page["items"]]
        cursor = page["next"]
    assert names == ["c0", "c1", "c2", "c3", "c4"]
    assert erp("GET", "/customers?cursor=nonsense").status == 422


def test_changed_after_is_inclusive_and_pages_too(erp):
    """All projects of that very second are listed, across pages."""
    for n in range(3):
        erp("POST", "/projects", {"description": f"p{n}"})
    when = erp("GET", "/projects/P-20001").body["changed_at"]
    first = erp("GET", f"/projects?changed_after={when}&limit=2").body
    rest = erp("GET", f"/projects?changed_after={when}&limit=2&cursor={first['next']}").body
    assert [p["description"] for p in first["items"] + rest["items"]] == ["p0", "p1", "p2"]
    assert rest["next"] is None
    assert erp("GET", "/projects?changed_after=2999-01-01T00:00:00").body["items"] == []
    assert erp("GET", f"/projects?changed_after={when}Z").status == 422


def test_put_replaces_the_whole_record_of_that_version(erp):
    """What is left out becomes empty; an old version is refused, and so is none."""
    made = erp("POST", "/customers", {"customer_name": "a", "phone": "1", "email": "a@example.org"}).body
    changed = erp("PUT", "/customers/C-01001", {**made, "customer_name": "b"})
    assert (changed.status, changed.body["version"], changed.body["phone"]) == (200, 2, "1")
    assert erp("PUT", "/customers/C-01001", made).body == {"error": "version_conflict", "version": 2}
    assert erp("PUT", "/customers/C-01001", {"customer_name": "c"}).body["properties"] == ["version"]
    assert erp("PUT", "/customers/C-01001", {"version": 2}).body["properties"] == ["customer_name"]
    assert erp("PUT", "/customers/C-01001", {"customer_name": "c", "version": 2}).body["phone"] is None
    assert erp("PATCH", "/customers/C-01001", {}).status == 405


def test_unknown_properties_are_refused_by_name(erp):
    """422; nothing is stored."""
    answer = erp("POST", "/customers", {"customer_name": "a", "colour": "red"})
    assert (answer.status, answer.body["properties"]) == (422, ["colour"])
    assert erp("POST", "/customers", {"customer_name": "a", "customer_no": "C-1"}).body["error"] == "read_only"
    assert erp("GET", "/customers").body["total"] == 0


def test_a_vat_number_belongs_to_one_customer(erp):
    """409 with the other's number; empty ones do not count; it can be searched."""
    erp("POST", "/customers", {"customer_name": "a", "vat_no": "1", "external_ref": "x"})
    answer = erp("POST", "/customers", {"customer_name": "b", "vat_no": "1"})
    assert answer.status == 409
    assert answer.body == {"error": "duplicate", "property": "vat_no", "id": "C-01001"}
    assert {erp("POST", "/customers", {"customer_name": "c", "vat_no": ""}).status for _ in range(2)} == {201}
    assert [c["customer_no"] for c in erp("GET", "/customers?vat_no=1").body["items"]] == ["C-01001"]
    assert erp("GET", "/customers?external_ref=x").body["total"] == 1


def test_what_is_referred_to_cannot_be_deleted(erp):
    """Children first; afterwards the record is gone."""
    erp("POST", "/customers", {"customer_name": "a"})
    erp("POST", "/projects", {"description": "p", "customer_no": "C-01001"})
    erp("POST", "/projects", {"description": "t", "kind": "task", "parent_no": "P-20001"})
    assert erp("DELETE", "/customers/C-01001").body["error"] == "in_use"
    assert erp("DELETE", "/projects/P-20001").status == 409
    assert erp("DELETE", "/projects/P-20002?version=9").body["error"] == "version_conflict"
    paths = ("/projects/P-20002?version=1", "/projects/P-20001", "/customers/C-01001")
    assert [erp("DELETE", path).status for path in paths] == [204] * 3
    assert erp("GET", "/customers/C-01001").status == 404
    assert erp("POST", "/projects", {"description": "p", "customer_no": "C-01001"}).body["error"] == "reference"


def test_a_batch_answers_for_each_record_in_order(erp):
    """One refusal stops nothing else; more than 200 are refused together."""
    items = [{"customer_name": "a", "vat_no": "1"}, {"customer_name": "b", "vat_no": "1"}, {}, {"customer_name": "c"}]
    answer = erp("POST", "/customers/batch", {"items": items})
    results = answer.body["results"]
    assert answer.status == 207
    assert [r["status"] for r in results] == [201, 409, 422, 201]
    assert (results[1]["error"], results[3]["item"]["customer_no"]) == ("duplicate", "C-01002")
    assert erp("POST", "/customers/batch", [{"customer_name": "x"}] * 201).status == 422


def test_sql_inserts_get_a_number_and_sql_updates_move_the_version(erp):
    """As the columns' defaults and the triggers promise; an own version is taken as it is."""
    [row] = sql(erp, "INSERT INTO customer (customer_name) VALUES ('s') RETURNING customer_no, row_version, changed_at")
    local = datetime.now(ZoneInfo("Europe/Oslo")).replace(tzinfo=None)
    assert row[:2] == ("C-01001", 1)
    assert abs((local - datetime.fromisoformat(row[2])).total_seconds()) < 10
    time.sleep(1.1)
    sql(erp, "UPDATE customer SET phone = '1' WHERE customer_no = 'C-01001'")
    seen = erp("GET", "/customers/C-01001").body
    assert (seen["version"], seen["phone"], seen["changed_at"] > row[2]) == (2, "1", True)
    sql(erp, "UPDATE customer SET phone = '2', row_version = 3 WHERE row_version = 2")
    assert erp("GET", "/customers/C-01001").body["version"] == 3
    assert erp("PUT", "/customers/C-01001", {**seen, "version": 3}).body["version"] == 4
    assert erp("GET", "/customers").body["total"] == 1


def test_sql_cannot_break_references_or_uniqueness(erp):
    """Triggers and indexes hold whatever the client's pragmas are."""
    sql(erp, "INSERT INTO customer (customer_name, vat_no) VALUES ('a', '1')")
    sql(erp, "INSERT INTO project (description, customer_no) VALUES ('p', 'C-01001')")
    for statement in (
        "DELETE FROM customer",
        "INSERT INTO project (description, parent_no) VALUES ('p', 'P-1')",
        "UPDATE project SET customer_no = 'C-2'",
        "INSERT INTO customer (customer_name, vat_no) VALUES ('b', '1')",
        "INSERT INTO project (description, status) VALUES ('p', 'Z')",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            sql(erp, statement)


def test_the_database_knows_the_summer_time_of_oslo():
    """The rule in SQL agrees with the zone's own data at every change from 2020 to 2037."""
    from demo.customerp.schema import OSLO_NOW

    db = sqlite3.connect(":memory:")
    statement = f"SELECT {OSLO_NOW}".replace("'now'", "?1")
    for year in range(2020, 2038):
        for month, day in ((1, 5), (3, 24), (3, 25), (3, 31), (7, 1), (10, 24), (10, 25), (10, 31), (12, 31)):
            for clock in ("00:59:59", "01:00:00"):
                utc = datetime.fromisoformat(f"{year}-{month:02d}-{day:02d}T{clock}+00:00")
                expected = utc.astimezone(ZoneInfo("Europe/Oslo")).strftime("%Y-%m-%dT%H:%M:%S")
                assert db.execute(statement, (utc.strftime("%Y-%m-%d %H:%M:%S"),)).fetchone() == (expected,)
    db.close()


def test_listings_can_be_short_or_stale_here_too(erp):
    """The same switches as in the other product."""
    erp("POST", "/customers/batch", [{"customer_name": "a"}, {"customer_name": "b"}])
    erp.fault("short_list")
    assert [c["customer_name"] for c in erp("GET", "/customers").body["items"]] == ["a"]
    time.sleep(0.4)
    erp("DELETE", "/customers/C-01001")
    erp("PUT", "/customers/C-01002", {"customer_name": "c", "version": 1})
    erp.fault("stale_list", delay_s=0.3)
    assert sorted(c["customer_name"] for c in erp("GET", "/customers").body["items"]) == ["a", "b"]


def test_latency_from_the_command_line_is_felt(launch):
    """Every call of the API waits; the health check does not."""
    erp = launch("customerp", "--latency", "80")
    began = time.perf_counter()
    erp("GET", "/customers")
    assert time.perf_counter() - began >= 0.08
    assert erp("GET", "/_faults").body["latency_ms"] == 80
