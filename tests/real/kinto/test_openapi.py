"""Kinto by its own OpenAPI document (Swagger 2.0), served at `/__api__`, and three keys that it leaves open."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from accord.cli.main import run_app
from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.engine.fetching import fetch_document, keep_document, system_without_document
from accord.model import OutcomeKind
from accord.ports import Expects, NewRecord

from .conftest import Kinto

FILE = """\
accord: 1
systems:
  store:
    connector: openapi
    spec: kinto.json
    base_url: {url}
    auth: {{type: basic, username: accord, password: secret}}
    datatypes:
      record:
        path: {path}
        list: {{paginator: {{type: next_url, header: Next-Page, size_param: _limit, size: 5}}}}
        update: {{content_type: application/merge-patch+json}}
flows: {{}}
"""


def described(kinto: Kinto, folder: Path) -> System:
    """The system, with its document asked of Kinto itself."""
    file = folder / "accord.yaml"
    file.write_text(FILE.format(url=kinto.url, path=kinto.collection.removeprefix(kinto.url) + "/records"), "utf-8")
    system, kept = system_without_document(file, "store")
    found = fetch_document(system, None)
    assert found.place == "/v1/__api__"
    assert keep_document(found, kept)
    return load(file).systems["store"]


def test_records_by_the_document(kinto: Kinto, tmp_path: Path) -> None:
    """Listed in pages, created, changed under the ETag that the document describes, and refused when it is stale."""
    system = described(kinto, tmp_path)
    told = {one.key for one in system.derived["record"]}
    assert {"list.records", "get", "create", "version"} <= told
    for number in range(7):
        kinto.insert({"name": f"n{number}"})

    async def work() -> None:
        connector = connect(system)
        await connector.open({"record": ["name"]})
        try:
            (made,) = await connector.create("record", [NewRecord(natives={"name": "new"}, token="t-1")])
            assert made.record is not None
            pages = [page async for page in connector.read("record", None)]
            assert pages[-1].complete
            assert len([record for page in pages for record in page.records]) == 8
            expects = Expects(version=made.record.version, natives={"name": "new"})
            kinto.edit(made.record.id, {"name": "theirs"})
            stale = await connector.update("record", made.record.id, {"name": "ours"}, expects)
            assert stale.kind is OutcomeKind.STALE
            seen = (await connector.fetch("record", [made.record.id]))[made.record.id]
            again = Expects(version=getattr(seen, "version", None), natives={"name": "theirs"})
            done = await connector.update("record", made.record.id, {"name": "ours"}, again)
            assert done.kind is OutcomeKind.APPLIED
            assert (kinto.get(made.record.id) or {})["name"] == "ours"
        finally:
            await connector.close()

    asyncio.run(work())


def test_init_from_a_preset_and_a_database(kinto: Kinto, tmp_path: Path) -> None:
    """`kinto:http://user:password@…`: the address holds the credentials, and goes into `.env` and nowhere else."""
    db = sqlite3.connect(tmp_path / "crm.db")
    db.execute("CREATE TABLE customer (id INTEGER PRIMARY KEY, title TEXT, mail TEXT)")
    for number in range(12):
        kinto.insert({"name": f"Firm {number}", "email": f"post@firm{number}.example"})
        db.execute("INSERT INTO customer VALUES (?, ?, ?)", (number, f"Firm {number}", f"post@firm{number}.example"))
    db.commit()
    db.close()
    url = kinto.collection.replace("http://", "http://accord:secret@")
    left, right = f"kinto:{url}", f"sqlite:///{tmp_path}/crm.db"
    assert run_app(["init", "-C", str(tmp_path), "--left", left, "--right", right]) == 0
    text = (tmp_path / "accord.yaml").read_text("utf-8")
    assert "secret" not in text
    (flow,) = load(tmp_path / "accord.yaml").flows.values()
    assert {tuple(row.paths.values()) for row in flow.rows} >= {("name", "title"), ("email", "mail")}
