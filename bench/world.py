"""The two servers and their data: made once, copied for every measurement, edited as people would."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import ERP_TOKEN, PMS_TOKEN
from demo.customerp.store import Store as ErpStore
from demo.custompms.store import Store as PmsStore
from demo.custompms.store import stamp
from demo.data import fill

HOUSE = Path(__file__).parent.parent
STARTS_WITHIN_S = 30
PORTS: list[int] = []


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, running."""

    pms: str
    erp: str

    def environment(self) -> dict[str, str]:
        """What the project file asks for."""
        urls = {"CUSTOMPMS_URL": self.pms, "CUSTOMERP_URL": self.erp}
        return {**os.environ, **urls, "CUSTOMPMS_TOKEN": PMS_TOKEN, "CUSTOMERP_TOKEN": ERP_TOKEN}


def make(folder: Path, customers: int) -> None:
    """Half of the customers in CustomPMS only, half in CustomERP only: afterwards both have all of them."""
    folder.mkdir(parents=True)
    fill(folder, customers // 2, "both", 0.0)


def copy(source: Path, target: Path) -> Path:
    """The same data once more."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def age(folder: Path) -> None:
    """Let an hour pass: what the first synchronisation wrote is no longer among the latest changes."""
    with _stores(folder) as (pms, _):
        pms.db.execute(
            "UPDATE customers SET updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', updated_at, '-1 hour') "
            "WHERE updated_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour')"
        )


def edit(folder: Path, share: float) -> int:
    """Change the phone of some customers in CustomPMS and the name of the contact of others in CustomERP."""
    pms, erp = _rows(folder, share)
    with _stores(folder) as (pms_store, erp_store):
        table = pms_store.tables["customers"]
        for number in pms:
            record = table.get(number)
            assert record is not None
            table.change(record, {"phone": f"+47 {number:08d}"})
        erp_table = erp_store.tables["customers"]
        for customer_no in erp:
            record = erp_table.get(customer_no)
            assert record is not None
            values = {column: record[column] for column in erp_table.columns}
            erp_table.put(record, {**values, "contact_name": f"Kari {customer_no}"})
    return len(pms) + len(erp)


def delete(folder: Path, share: float) -> int:
    """Delete some customers in CustomPMS and others in CustomERP."""
    pms, erp = _rows(folder, share)
    with _stores(folder) as (pms_store, erp_store):
        for number in pms:
            record = pms_store.tables["customers"].get(number)
            assert record is not None
            pms_store.tables["customers"].change(record, {"deleted_at": stamp(datetime.now(UTC))})
        for customer_no in erp:
            record = erp_store.tables["customers"].get(customer_no)
            assert record is not None
            erp_store.tables["customers"].delete(record)
    return len(pms) + len(erp)


def _rows(folder: Path, share: float) -> tuple[list[int], list[str]]:
    """Every n-th customer of CustomPMS, and as many others of CustomERP."""
    with _stores(folder) as (pms, erp):
        keys = pms.db.execute("SELECT id, org_number FROM customers WHERE deleted_at IS NULL ORDER BY org_number")
        ids = keys.fetchall()
        step = round(1 / share)
        chosen = [row[0] for row in ids[::step]]
        numbers = dict(erp.db.execute("SELECT vat_no, customer_no FROM customer").fetchall())
        return chosen, [numbers[row[1]] for row in ids[step // 2 :: step]]


@contextlib.contextmanager
def _stores(folder: Path) -> Iterator[tuple[PmsStore, ErpStore]]:
    pms, erp = PmsStore(folder / "custompms.db"), ErpStore(folder / "customerp.db")
    pms.db.execute("BEGIN IMMEDIATE")
    erp.db.execute("BEGIN IMMEDIATE")
    try:
        yield pms, erp
    finally:
        for store in (pms, erp):
            store.db.execute("COMMIT")
            store.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            store.db.close()


def differences(folder: Path) -> tuple[int, int, int]:
    """Customers in CustomPMS, in CustomERP, and those that are not equal on both sides."""
    with _stores(folder) as (pms, erp):
        columns = "name, org_number, contact_email, contact_name, phone, country, website"
        ours = set(pms.db.execute(f"SELECT {columns} FROM customers WHERE deleted_at IS NULL"))
        columns = "customer_name, vat_no, email, contact_name, phone, country, website"
        theirs = set(erp.db.execute(f"SELECT {columns} FROM customer"))
        return len(ours), len(theirs), len(ours ^ theirs)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Servers]:
    """Both servers on a folder of data, until the block ends."""
    while len(PORTS) < 2:
        PORTS.append(_free_port())
    started = [_start(name, folder, port) for name, port in zip(("custompms", "customerp"), PORTS, strict=True)]
    urls = [f"http://127.0.0.1:{port}" for port in PORTS]
    try:
        for url in urls:
            _wait_for(url)
        yield Servers(*urls)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(name: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    rate = ["--rate", "0"] if name == "custompms" else []
    command = [sys.executable, "-m", f"demo.{name}", "--port", str(port), "--data", str(folder), *rate]
    return subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.DEVNULL)


def _wait_for(url: str) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
