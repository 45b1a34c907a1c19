"""Records: the demonstration data of both products, and many customers for benchmarks.

`python -m demo.data --customers 100000 --side both --out FOLDER --overlap 0.5` fills the two databases.
"""

import argparse
import itertools
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .customerp.api import tidy
from .customerp.schema import CUSTOMERS as ERP_CUSTOMERS
from .customerp.store import ZONE
from .customerp.store import Store as ErpStore
from .custompms.store import Store as PmsStore
from .custompms.store import stamp
from .words import DOMAINS, LONG_TAIL, MAILBOXES, NOTES, TASKS, TONGUES, TOPICS, Tongue

Row = dict[str, Any]
SAME_NUMBER, SAME_NAME, ONE_SIDE = 200, 50, 150
PMS_PROJECTS, ERP_PROJECTS, PMS_TASKS = 450, 150, 3000
BEGAN = datetime(2025, 2, 3, 8, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Demonstration:
    """The rows of each side by column; references are positions (0 is the first row) in the rows referred to.

    `same` pairs the positions of customers that are the same in the real world: (CustomPMS, CustomERP).
    """

    pms_customers: list[Row] = field(default_factory=list)
    erp_customers: list[Row] = field(default_factory=list)
    same: list[tuple[int, int]] = field(default_factory=list)
    pms_projects: list[Row] = field(default_factory=list)
    erp_projects: list[Row] = field(default_factory=list)
    pms_tasks: list[Row] = field(default_factory=list)


def demonstration(seed: int = 2026) -> Demonstration:
    """400 customers a side, 250 of them the same; 600 projects; 3,000 tasks. The same rows for the same seed."""
    rng = random.Random(seed)
    made = Demonstration()
    pms_order, erp_order = list[tuple[int, Row]](), list[tuple[int, Row]]()
    for number, base in enumerate(_companies(rng, SAME_NUMBER + SAME_NAME + 2 * ONE_SIDE)):
        pms, erp = _two_views(rng, number, base)
        if number < SAME_NUMBER + SAME_NAME + ONE_SIDE:
            pms_order.append((number, pms))
        if number < SAME_NUMBER + SAME_NAME or number >= SAME_NUMBER + SAME_NAME + ONE_SIDE:
            erp_order.append((number, erp))
    rng.shuffle(pms_order)
    rng.shuffle(erp_order)
    made.pms_customers.extend(row for _, row in pms_order)
    made.erp_customers.extend(row for _, row in erp_order)
    places = {number: place for place, (number, _) in enumerate(erp_order)}
    made.same.extend((place, places[number]) for place, (number, _) in enumerate(pms_order) if number in places)
    _add_projects(rng, made)
    _add_tasks(rng, made)
    return made


def _companies(rng: random.Random, count: int) -> Iterator[Row]:
    """Companies with unique name, org number and e-mail."""
    names = [_names(rng, tongue) for tongue in TONGUES]
    numbers = rng.sample(range(1_000_000, 999_999_999), count)
    for n in range(count):
        tongue = TONGUES[n % len(TONGUES)]
        name = next(names[n % len(TONGUES)])
        yield {
            "name": name,
            "org_number": f"{numbers[n]:09d}",
            "email": f"{MAILBOXES[n % len(MAILBOXES)]}.{n + 1:03d}@{DOMAINS[n % len(DOMAINS)]}",
            "contact": f"{rng.choice(tongue.given.split())} {rng.choice(tongue.family.split())}",
            "country": tongue.country,
            "phone": f"+44 20 7946 {n:04d}",  # 020 7946 0000 to 0999 are kept free for drama by Ofcom
            "website": f"https://www.{DOMAINS[n % len(DOMAINS)]}/{n + 1}",
            "notes": rng.choice(NOTES) if n % 3 == 0 else None,
        }


def _names(rng: random.Random, tongue: Tongue) -> Iterator[str]:
    pairs = list(itertools.product(tongue.firsts.split(), tongue.seconds.split()))
    rng.shuffle(pairs)
    return (f"{first} {second} {tongue.form}" for first, second in pairs)


def _two_views(rng: random.Random, number: int, base: Row) -> tuple[Row, Row]:
    """One company as both products hold it; what differs is format, or empty on one side."""
    name, email = base["name"], base["email"]
    if number < SAME_NUMBER and number % 20 == 7:
        name += LONG_TAIL
    pms = {
        "name": name,
        "org_number": base["org_number"],
        "phone": base["phone"],
        "country": base["country"],
        "website": base["website"],
        "notes": base["notes"],
        "contact_name": base["contact"],
        "contact_email": email.title() if number % 5 == 0 else email,
    }
    erp = {
        "customer_name": tidy(ERP_CUSTOMERS.property("customer_name"), name),
        "vat_no": base["org_number"],
        "email": email.upper() if number % 7 == 0 else email,
        "contact_name": base["contact"],
        "phone": base["phone"].replace(" ", "") if number % 2 else base["phone"].replace(" ", "-"),
        "country": base["country"],
        "website": base["website"],
        "remarks": base["notes"],
        "external_ref": None,
    }
    if SAME_NUMBER <= number < SAME_NUMBER + SAME_NAME:  # known by name and e-mail only
        if number % 3 != 0:
            pms["org_number"] = None if number % 2 else ""
        if number % 3 != 1:
            erp["vat_no"] = None
    elif number >= SAME_NUMBER and number % 10 == 3:
        pms["org_number"] = erp["vat_no"] = None
    for ours, theirs in (
        ("phone", "phone"),
        ("website", "website"),
        ("contact_name", "contact_name"),
        ("notes", "remarks"),
    ):
        match rng.randrange(6):
            case 0:
                pms[ours] = None
            case 1:
                erp[theirs] = None
    return pms, erp


def _money(rng: random.Random) -> str:
    return f"{rng.randrange(5_000, 900_000)}.{rng.choice((0, 25, 50, 99, 10)):02d}"


def _day(rng: random.Random, low: int, high: int) -> str:
    return (BEGAN + timedelta(days=rng.randrange(low, high))).date().isoformat()


def _add_projects(rng: random.Random, made: Demonstration) -> None:
    for n in range(PMS_PROJECTS):
        made.pms_projects.append(
            {
                "title": f"{TOPICS[n % len(TOPICS)]} {n + 1:03d}",
                "customer_id": rng.randrange(len(made.pms_customers)),
                "state": "done" if n % 4 == 3 else "open",
                "budget": _money(rng) if n % 9 else None,
                "starts_on": _day(rng, 0, 200),
                "due_on": _day(rng, 300, 700) if n % 5 else None,
                "description": rng.choice(NOTES) if n % 2 else None,
                "parent_id": None,
            }
        )
    for n in range(ERP_PROJECTS):
        made.erp_projects.append(
            {
                "kind": "project",
                "description": f"{TOPICS[(n + 5) % len(TOPICS)]} E{n + 1:03d}",
                "customer_no": rng.randrange(len(made.erp_customers)),
                "parent_no": None,
                "status": "C" if n % 4 == 3 else "A",
                "budget_amount": _money(rng) if n % 9 else None,
                "currency": "NOK",
                "start_date": _day(rng, 0, 200),
                "due_date": _day(rng, 300, 700) if n % 5 else None,
                "planned_minutes": rng.randrange(10, 400) * 15 if n % 3 else None,
                "spent_minutes": rng.randrange(0, 100) * 15,
                "text": rng.choice(NOTES) if n % 2 else None,
                "responsible_email": f"{rng.choice(MAILBOXES)}@example.com",
                "external_ref": None,
            }
        )


def _add_tasks(rng: random.Random, made: Demonstration) -> None:
    earlier: dict[int, list[int]] = {}
    for n in range(PMS_TASKS):
        project = n % PMS_PROJECTS if n < PMS_PROJECTS else rng.randrange(PMS_PROJECTS)
        siblings = earlier.setdefault(project, [])
        made.pms_tasks.append(
            {
                "name": f"{TASKS[n % len(TASKS)]} #{n + 1}",
                "project_id": project,
                "parent_task_id": rng.choice(siblings) if siblings and n % 4 == 0 else None,
                "state": ("open", "active", "done")[n % 3],
                "hours_estimate": f"{rng.randrange(1, 160) * 0.25:.2f}" if n % 6 else None,
                "hours_spent": f"{rng.randrange(0, 40) * 0.5:.1f}",
                "due_on": _day(rng, 300, 700) if n % 3 else None,
                "assignee_email": f"{rng.choice(MAILBOXES)}.{rng.randrange(1, 30):02d}@example.org" if n % 7 else None,
                "description": rng.choice(NOTES) if n % 8 == 0 else None,
            }
        )
        siblings.append(n)


def _when(n: int) -> tuple[datetime, datetime]:
    """Creation and last change of the n-th record."""
    created = BEGAN + timedelta(minutes=37 * (n % 5000), milliseconds=n % 1000)
    return created, created + timedelta(minutes=(n * 7919) % 20_000)


def _utc_rows(rows: Iterable[Row], columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(rows):
        yield (*(row[c] for c in columns), *(stamp(when) for when in _when(n)))


def _local_rows(rows: Iterable[Row], columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    for n, row in enumerate(rows):
        times = (when.astimezone(ZONE).strftime("%Y-%m-%dT%H:%M:%S") for when in _when(n))
        yield (*(row[c] for c in columns), *times)


def load_custompms(store: PmsStore, made: Demonstration) -> None:
    """Fill an empty database with the demonstration data; the first row of a table has id 1."""
    tables = store.tables
    projects = [{**row, "customer_id": row["customer_id"] + 1} for row in made.pms_projects]
    tasks = [
        {
            **row,
            "project_id": row["project_id"] + 1,
            "parent_task_id": None if row["parent_task_id"] is None else row["parent_task_id"] + 1,
        }
        for row in made.pms_tasks
    ]
    store.db.execute("BEGIN IMMEDIATE")
    for path, rows in (("customers", made.pms_customers), ("projects", projects), ("tasks", tasks)):
        tables[path].insert_many(_utc_rows(rows, tables[path].columns))
    store.db.execute("COMMIT")


def load_customerp(store: ErpStore, made: Demonstration) -> None:
    """Fill an unused database with the demonstration data; the first customer is C-01001."""
    tables = store.tables
    projects = [{**row, "customer_no": f"C-{row['customer_no'] + 1001:05d}"} for row in made.erp_projects]
    store.db.execute("BEGIN IMMEDIATE")
    for path, rows in (("customers", made.erp_customers), ("projects", projects)):
        tables[path].insert_many(_local_rows(rows, tables[path].columns))
    store.db.execute("COMMIT")


def _plain(number: int) -> Row:
    """A customer for benchmarks, the same on both sides for the same number."""
    return {
        "name": f"Nordlys Handel {number:07d} AS",
        "org_number": f"{100_000_000 + number}",
        "phone": f"+4420794{number % 100000:05d}",
        "country": "NO",
        "website": f"https://www.example.org/{number}",
        "notes": None,
        "contact_name": f"Åse Tåkedal {number}",
        "contact_email": f"post.{number}@example.org",
    }


def _plain_erp(number: int) -> Row:
    p = _plain(number)
    same = {"contact_name": p["contact_name"], "phone": p["phone"], "country": p["country"], "website": p["website"]}
    named = {"customer_name": p["name"], "vat_no": p["org_number"], "email": p["contact_email"]}
    return {**same, **named, "remarks": None, "external_ref": None}


def fill(folder: Path, customers: int, side: str, overlap: float) -> None:
    """Load customers for benchmarks; `overlap` of them are on both sides, by equal org number."""
    shared = round(customers * overlap)
    if side in ("pms", "both"):
        pms = PmsStore(folder / "custompms.db")
        pms.db.execute("BEGIN IMMEDIATE")
        table = pms.tables["customers"]
        table.insert_many(_utc_rows((_plain(n) for n in range(customers)), table.columns))
        pms.db.execute("COMMIT")
        pms.db.close()
    if side in ("erp", "both"):
        erp = ErpStore(folder / "customerp.db")
        erp.db.execute("BEGIN IMMEDIATE")
        numbers = itertools.chain(range(shared), range(customers, 2 * customers - shared))
        erp_table = erp.tables["customers"]
        erp_table.insert_many(_local_rows((_plain_erp(n) for n in numbers), erp_table.columns))
        erp.db.execute("COMMIT")
        erp.db.close()


def main() -> None:
    """The command line of the bulk load."""
    parser = argparse.ArgumentParser(prog="python -m demo.data")
    parser.add_argument("--customers", type=int, required=True, metavar="N")
    parser.add_argument("--side", choices=("pms", "erp", "both"), default="both")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--overlap", type=float, default=0.5)
    options = parser.parse_args()
    began = time.perf_counter()
    fill(options.out, options.customers, options.side, options.overlap)
    print(f"{options.customers:,} customers ({options.side}) in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
