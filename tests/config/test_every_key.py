"""Every key of design/project-file.md loads, and means what the page says."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from project_files import flow_file, loaded

from accord.config.load import json_schema
from accord.config.meaning import Conflict, LensSpec, Limit, MatchScore, Project, Schedule, TypeSpec, VersionCheck

WHOLE = """\
accord: 1
state: postgresql://accord:${STATE_PASSWORD}@db/accord
include: more.yaml
defaults:
  conflict: {prefer: [erp, pms]}
  on_delete: {pms: propagate, erp: {archive: {active: false}}}
  limits: {create: 1000, delete: {percent: 10, over: 5}}
  link: {pms: create, erp: match-only}
schedule: {every: 30s, full_every: 24h, cron: "*/5 * * * *", pms: {every: 10s, customer: {every: 5s}}}
notify:
  - {webhook: https://hook/x, on: failure}
  - {slack: {url: https://slack/y}, email: ops@example.org, on: [held, brake, stale]}
console:
  listen: 127.0.0.1:9000
  users: {anna: {password: ${ANNA_PASSWORD}, role: admin}, bert: viewer}
  roles: {approver: [bert], operator: bert}
  oidc: {issuer: https://id.example.org, client_id: accord, client_secret: ${OIDC_SECRET}}
worker: {engine: procrastinate, concurrency: 4}

systems:
  pms:
    title: The PMS
    connector: rest
    base_url: https://pms.example.org/api/
    headers: {X-Tenant: 7, X-Key: ${PMS_HEADER}}
    auth:
      type: session
      login: {method: post, path: /token, body: {user: accord, password: ${PMS_PASSWORD}}}
      token: data.token
      header: Authorization
      prefix: "Bearer "
    verify: certificates/pms.pem
    proxy: http://proxy:3128
    limits: {rate: 600/m, concurrency: 4, timeout: 500ms, retries: 2, grace: 5m}
    clock: {zone: Europe/Oslo, tolerance: 5s, resolution: 1}
    schedule: {full_every: 7d}
    datatypes:
      customer:
        title: PMS Customer
        id: uuid
        modified: meta.updated_at
        version: etag
        deleted: record.deleted_at != null
        properties:
          name: {type: string, required: true, max_length: 80}
          state: {type: enum, values: [open, done, 3], default: open}
          number: {type: integer, read_only: true}
          kind: {type: string, create_only: true, rewrites: [trim, upper]}
          since: date
        key_property: custom.accord_key
        natural_key: [org_number, name]
        order: reads
        path: /customers
        list:
          path: /customers
          params: {active: all}
          records: data
          paginator: {type: page_number, page_param: page, size_param: per_page, size: 200, first: 1}
          changed_since: {param: updated_since, format: iso8601}
          deleted_feed: {path: /deleted, id: id, param: since}
        get: {path: "/customers/{id}"}
        create:
          method: POST
          path: /customers
          wrap: customer
          id: data.id
          idempotency_header: Idempotency-Key
          batch: {path: /customers/batch, size: 100}
        update: {method: PUT, path: "/customers/{id}", send: all}
        delete: {method: DELETE, path: "/customers/{id}"}
        find: {param: "q", by: [org_number]}
        errors: {gone: [404, 410], stale: [409, 412], rejected: [400, 422], retry: [408, 425, 429, 500, 502, 503, 504]}
        webhook: {id: data.id, event: type, secret: ${HOOK}, signature: {header: X-Signature, scheme: hmac-sha256}}
      offset: {path: /a, list: {paginator: {type: offset, offset_param: o, limit_param: l, size: 50}}}
      cursor: {path: /b, list: {paginator: {type: cursor, cursor_path: c, cursor_param: d, size_param: s, size: 9}}}
      header: {path: /c, list: {paginator: {type: link_header}, changed_since: {filter: "modified ge '{since}'"}}}
      next: {path: /d, list: {paginator: {type: next_url, path: next}}, find: {params: {org_number: nr}}}
      told: {path: /f, list: {paginator: {type: next_url, header: Next-Page}}, version: {etag: true, path: v}}
      posted:
        version: {path: lock, deletes: false}
        properties: {project: {link: "/projects/{id}"}, due: {null_as: false}}
        list:
          method: POST
          path: /p
          params: {fields: "{properties}"}
          changed_since: {param: d, filter: [[at, "{since}"]]}
        get: {method: POST, path: /p/read, body: {ids: ["{id}"]}, gone_when_empty: true}
        create: {path: /p/create, body: {vals: ["{record}"]}, id: "[]"}
        find: {param: d, by: [a], filter: [["{path}", "{value}"]]}
      single: {list: {path: /e, paginator: {type: single}, changed_since: {param: s, format: "%Y%m%d"}}}
  erp:
    connector: sql
    url: sqlite:///data/erp.db
    read_only: false
    sandbox: true
    datatypes:
      customer:
        table: customer
        id: customer_no
        modified: changed_at
        version: {path: row_version, header: If-Match}
        where: kind = 'customer'
        deleted: record.gone == 1
        generated: [customer_no]
        change_table: {table: customer_changes, id: nr, sequence: n, operation: op, deleted: D, overlap: 50}
      seen: {view: customer_view, change_table: seen_changes, version: {path: ver, query: ver}}
  sheet:
    connector: file
    path: sheets
    datatypes: {customer: {path: customers.csv, format: csv}}
"""

MORE = """\
systems:
  crm: {connector: openapi, spec: crm.json, auth: none, datatypes: {customer: {}}}
  memo: {connector: memory, datatypes: {customer: }}
  dav:
    connector: caldav
    base_url: https://dav.example.org/ada
    verify: certificates/dav.pem
    datatypes: {task: {path: work/, sync: false}, all: {home: ., key_property: uid, version: etag}}
flows:
  customer:
    pms: {datatype: customer, where: record.kind == 'a', when: record.won, defaults: {kind: a, rate: 1.50}}
    erp: {datatype: customer, create: true, update: no, delete: false, since: linked}
    crm: customer
    link: {pms: match-or-create, crm: {connected: other}}
    match: [[number], name]
    match_score: {rows: {name: 2, number: 0.5}, link: 0.9, review: 0.7}
    conflict: latest
    on_delete: {crm: delete_wins}
    limits: {create: none, update: {number: 10}, delete: {percent: 25, over: 20}}
    groups: {address: [street, zip], contact: {rows: [phone], conflict: union}}
    after: [other]
    rows:
      - {pms: number, erp: no, direction: "pms -> erp", required: true, description: The number, when: "number != null"}
      - {pms: name, erp: full_name, crm: title, direction: "erp, pms -> crm", equal: spaces, truncate: true}
      - {erp: street, pms: address.street, name: street, conflict: keep-filled, when: {erp: "kind == 'a'"}}
      - {pms: address.zip, erp: zip, name: zip, keep_filled: true, when: {erp: "kind == 'a'"}}
      - {pms: "tags[]", erp: tags, type: list of string, enforce: pms, name: tags}
      - pms: lines
        erp: items
        name: lines
        type: set(object)
        items:
          key: [sku]
          on_delete: edit_wins
          rows:
            - {pms: sku, erp: item.no, name: sku}
            - {pms: count, erp: qty, type: integer, conflict: additive}
      - {pms: phone, erp: phone, crm: phone, type: phone(NO), equal: digits}
      - {pms: "lines[].sku", erp: skus, type: set(string), name: skus}
      - pms: state
        erp: status
        crm: status
        type: enum
        map: {open: {pms: open, erp: 1, crm: N}, no: {pms: no, erp: 2, crm: Y}}
        lens: {pms: [trim, {case: upper}], erp: {round: 2, lossy: true}, crm: strip-html}
  other: {pms: customer, erp: customer, crm: customer, rows: }
"""

ENV = {
    name: f"value-of-{name}"
    for name in ("STATE_PASSWORD", "ANNA_PASSWORD", "OIDC_SECRET", "PMS_HEADER", "PMS_PASSWORD", "HOOK")
}


CRM = {
    "openapi": "3.1.0",
    "servers": [{"url": "https://crm.example/v1"}],
    "paths": {
        "/customers": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {
            "type": "array", "items": {"properties": {"id": {"type": "string"}}}}}}}}}},
        "/customers/{id}": {"get": {"responses": {}}},
    },
}  # fmt: skip


@pytest.fixture
def whole(tmp_path: Path) -> Project:
    (tmp_path / "more.yaml").write_text(MORE, "utf-8")
    (tmp_path / "crm.json").write_text(json.dumps(CRM), "utf-8")
    return loaded(tmp_path, WHOLE, **ENV)


def test_sections_are_checked_and_short_forms_written_out(whole: Project, tmp_path: Path) -> None:
    assert whole.title == tmp_path.name
    assert whole.state == "postgresql://accord:value-of-STATE_PASSWORD@db/accord"
    assert whole.schedule == Schedule(every=30.0, full_every=86400.0, cron="*/5 * * * *")
    assert whole.sections["schedule"] == {
        "pms": {"every": 10.0, "full_every": 604800.0},
        "pms.customer": {"every": 5.0},
    }
    first, second = whole.sections["notify"]
    assert (first["webhook"]["url"], first["on"]) == ("https://hook/x", ["failure"])
    assert (second["slack"]["url"], second["email"]["to"]) == ("https://slack/y", ["ops@example.org"])
    assert whole.sections["console"]["users"]["anna"] == {"password": "value-of-ANNA_PASSWORD", "role": "admin"}
    assert whole.sections["console"]["listen"] == "127.0.0.1:9000"
    assert whole.sections["worker"] == {"engine": "procrastinate", "concurrency": 4}


def test_a_rest_system_with_every_key(whole: Project, tmp_path: Path) -> None:
    pms = whole.systems["pms"]
    assert (pms.limits.rate, pms.limits.concurrency, pms.limits.timeout) == (10.0, 4, 0.5)
    assert (pms.limits.retries, pms.limits.grace) == (2, 300.0)
    assert (pms.clock.zone, pms.clock.tolerance, pms.clock.resolution) == ("Europe/Oslo", 5.0, 1.0)
    assert pms.options["base_url"] == "https://pms.example.org/api"
    assert pms.options["headers"] == {"X-Tenant": "7", "X-Key": "value-of-PMS_HEADER"}
    assert pms.options["auth"]["login"]["method"] == "POST"
    assert pms.options["auth"]["login"]["body"]["password"] == "value-of-PMS_PASSWORD"
    assert (pms.options["auth"]["token"], pms.options["auth"]["prefix"]) == ("data.token", "Bearer ")
    assert (pms.options["verify"], pms.options["proxy"]) == (f"{tmp_path}/certificates/pms.pem", "http://proxy:3128")


def test_a_rest_datatype_with_every_key(whole: Project) -> None:
    customer = whole.datatype("pms", "customer")
    assert (customer.id, customer.modified, customer.ordered) == ("uuid", "meta.updated_at", True)
    assert (customer.version, customer.deleted) == (VersionCheck(kind="etag"), "record.deleted_at != null")
    assert (customer.key_property, customer.natural_key) == ("custom.accord_key", ("org_number", "name"))
    properties = customer.properties
    assert (properties["name"].required, properties["name"].max_length) == (True, 80)
    assert (properties["state"].values, properties["state"].default) == (("open", "done", 3), "open")
    assert properties["number"].read_only
    assert properties["kind"].create_only
    assert properties["kind"].rewrites == ("trim", "upper")
    assert properties["since"].type == "date"
    options = customer.options
    assert options["list"]["paginator"]["size"] == 200
    assert options["list"]["changed_since"] == {"param": "updated_since", "format": "iso8601"}
    assert options["list"]["deleted_feed"]["path"] == "/deleted"
    assert options["create"]["batch"] == {"path": "/customers/batch", "size": 100}
    assert options["create"]["idempotency_header"] == "Idempotency-Key"
    assert options["update"] == {"method": "PUT", "path": "/customers/{id}", "send": "all", "omit": []}
    assert (options["find"]["param"], options["find"]["by"]) == ("q", ["org_number"])
    assert options["webhook"]["signature"] == {"header": "X-Signature", "scheme": "hmac-sha256"}


def test_each_paginator_and_ways_to_find_changes(whole: Project) -> None:
    datatypes = whole.systems["pms"].datatypes
    lists: dict[str, dict[str, Any]] = {name: each.options["list"] for name, each in datatypes.items()}
    assert lists["offset"]["paginator"]["limit_param"] == "l"
    assert lists["cursor"]["paginator"] == {
        "type": "cursor",
        "cursor_path": "c",
        "cursor_param": "d",
        "size_param": "s",
        "size": 9,
    }
    assert lists["header"]["changed_since"] == {"filter": "modified ge '{since}'"}
    assert lists["next"]["paginator"]["path"] == "next"
    assert datatypes["next"].options["find"]["params"] == {"org_number": "nr"}
    assert datatypes["single"].options["get"]["path"] == "/e/{id}"


def test_calls_by_post_and_values_in_another_form(whole: Project) -> None:
    posted = whole.datatype("pms", "posted")
    options, properties = posted.options, posted.properties
    assert posted.version == VersionCheck(kind="path", path="lock", deletes=False)
    assert (properties["project"].link, properties["due"].null_as) == ("/projects/{id}", False)
    assert (options["list"]["method"], options["list"]["params"]) == ("POST", {"fields": "{properties}"})
    assert options["list"]["changed_since"]["filter"] == [["at", "{since}"]]
    assert (options["get"]["body"], options["get"]["gone_when_empty"]) == ({"ids": ["{id}"]}, True)
    assert (options["create"]["body"], options["create"]["id"]) == ({"vals": ["{record}"]}, "[]")
    assert options["find"]["filter"] == [["{path}", "{value}"]]


def test_sql_file_memory_and_openapi_systems(whole: Project, tmp_path: Path) -> None:
    assert whole.systems["erp"].options == {"url": f"sqlite:///{tmp_path}/data/erp.db"}
    customer = whole.datatype("erp", "customer")
    assert customer.version == VersionCheck(kind="path", path="row_version", header="If-Match")
    assert customer.options["generated"] == ["customer_no"]
    assert customer.options["change_table"] == {
        "table": "customer_changes",
        "id": "nr",
        "sequence": "n",
        "operation": "op",
        "deleted": ["D"],
        "overlap": 50,
    }
    assert whole.datatype("erp", "seen").options["change_table"] == {
        "table": "seen_changes",
        "sequence": "seq",
        "overlap": 1000,
    }
    assert customer.options["where"] == "kind = 'customer'"
    assert whole.datatype("erp", "seen").version == VersionCheck(kind="path", path="ver", query="ver")
    assert whole.datatype("sheet", "customer").options == {"path": f"{tmp_path}/sheets/customers.csv", "format": "csv"}
    assert whole.systems["crm"].options["spec"] == f"{tmp_path}/crm.json"
    assert whole.systems["crm"].options["base_url"] == "https://crm.example/v1"
    assert whole.datatype("crm", "customer").options["list"]["path"] == "/customers"
    assert list(whole.systems["memo"].datatypes) == ["customer"]
    assert whole.systems["dav"].options["verify"] == f"{tmp_path}/certificates/dav.pem"
    task = whole.datatype("dav", "task")
    assert (task.options, task.key_property, task.version) == (
        {"path": "work/", "sync": False}, "uid", VersionCheck(kind="etag"),
    )  # fmt: skip
    assert whole.datatype("dav", "all").options == {"home": ".", "sync": True}


def test_sides_and_flow_keys(whole: Project) -> None:
    flow = whole.flows["customer"]
    pms, erp, crm = flow.sides
    assert (pms.mode, erp.mode, crm.mode, crm.connected_to) == ("match-or-create", "match-only", "connected", "other")
    assert (pms.where, pms.when) == ("record.kind == 'a'", "record.won")
    assert pms.defaults == {"kind": "a", "rate": Decimal("1.50")}
    assert (erp.create, erp.update, erp.delete, erp.since_linked) == (True, False, False, True)
    assert (pms.on_delete, erp.on_delete, erp.archive, crm.on_delete) == (
        "propagate",
        "archive",
        {"active": False},
        "delete_wins",
    )
    assert flow.match == (("number",), ("name",))
    assert flow.match_score == MatchScore(weights={"name": 2.0, "number": 0.5}, link=0.9, review=0.7)
    assert flow.limits == {"update": Limit(number=10), "delete": Limit(percent=25.0, over=20)}
    assert flow.groups == {"address": ("street", "zip"), "contact": ("phone",)}
    assert flow.after == ("other",)
    assert whole.flows["other"].limits == {"create": Limit(number=1000), "delete": Limit(percent=10.0, over=5)}
    assert whole.flows["other"].rows == ()


def test_rows_with_every_key(whole: Project) -> None:
    row = whole.flows["customer"].row
    assert (row("number").sources, row("number").targets) == ({"pms"}, {"erp"})
    assert (row("number").required, row("number").description) == (True, "The number")
    assert (row("name").sources, row("name").targets) == ({"pms", "erp"}, {"crm"})
    assert (row("name").equal, row("name").truncate, row("phone").equal) == ("spaces", True, "digits")
    lines = row("lines").items
    assert lines is not None
    assert (lines.key, lines.on_delete, lines.judged) == (("sku",), "edit_wins", {"count"})
    assert [(part.name, part.paths["erp"], part.conflict.rule) for part in lines.rows] == [
        ("sku", "item.no", "ask"),
        ("count", "qty", "additive"),
    ]
    assert row("zip").keep_filled
    assert row("zip").when == {"erp": "kind == 'a'"}
    assert row("number").when == {"pms": "number != null"}
    assert row("tags").enforce == "pms"
    assert row("tags").type == TypeSpec(name="list", of=TypeSpec(name="string"))
    assert row("phone").type == TypeSpec(name="phone", arguments=("NO",))
    assert row("skus").type == TypeSpec(name="set", of=TypeSpec(name="string"))
    state = row("state")
    assert state.maps == {
        "pms": {"open": "open", "no": "no"},
        "erp": {"open": 1, "no": 2},
        "crm": {"open": "N", "no": "Y"},
    }
    assert state.lenses == {
        "pms": (LensSpec(name="trim"), LensSpec(name="case", argument="upper")),
        "erp": (LensSpec(name="round", argument=2, lossy=True),),
        "crm": (LensSpec(name="strip-html"),),
    }


def test_the_nearest_conflict_rule_counts(whole: Project) -> None:
    row = whole.flows["customer"].row
    assert row("street").conflict == Conflict(rule="keep-filled")
    assert row("phone").conflict == Conflict(rule="union")
    assert row("zip").conflict == Conflict(rule="latest")
    assert (row("zip").group, row("phone").group, row("name").group) == ("address", "contact", None)


def test_the_default_conflict_rule_names_only_systems_of_the_flow(tmp_path: Path) -> None:
    text = flow_file("crm: task\nrows:\n  - {pms: a, crm: b}\n") + "defaults: {conflict: {prefer: [erp, crm]}}\n"
    assert loaded(tmp_path, text).flows["task"].rows[0].conflict == Conflict(rule="prefer", prefer=("crm",))


def test_map_keys_stay_the_natives_that_they_are(tmp_path: Path) -> None:
    text = flow_file("erp: task\nrows:\n  - {pms: a, erp: b, map: {7: no, on: 2, true: 07, off: 1.50}}\n")
    maps = loaded(tmp_path, text).flows["task"].rows[0].maps
    assert maps["pms"] == {"7": 7, "on": "on", "true": True, "off": "off"}
    assert maps["erp"] == {"7": "no", "on": 2, "true": "07", "off": Decimal("1.50")}


def test_a_map_of_a_one_way_row_may_join_values(tmp_path: Path) -> None:
    row = "{pms: a, erp: b, direction: pms -> erp, map: {open: A, reopened: A}}"
    maps = loaded(tmp_path, flow_file(f"erp: task\nrows:\n  - {row}\n")).flows["task"].rows[0].maps
    assert maps["erp"] == {"open": "A", "reopened": "A"}


def test_a_row_only_follows_where_it_cannot_write(tmp_path: Path) -> None:
    text = flow_file("erp: task\nrows:\n  - {pms: a, erp: b}\n")
    project = loaded(tmp_path, text.replace("erp: {connector", "erp: {read_only: true, connector"))
    row, side = project.flows["task"].rows[0], project.flows["task"].side("erp")
    assert (row.sources, row.targets) == ({"erp"}, {"pms"})
    assert side is not None
    assert (side.create, side.update, side.delete) == (False, False, False)


def test_each_kind_of_authentication(tmp_path: Path) -> None:
    kinds = {
        "none": {"type": "none"},
        "{type: basic, username: u, password: p}": {"type": "basic", "username": "u", "password": "p"},
        "{type: api_key, query: key, key: k}": {"type": "api_key", "query": "key", "key": "k"},
        "{type: api_key, in: header, name: X-Key, value: k}": {"type": "api_key", "header": "X-Key", "key": "k"},
        "{type: oauth2_client_credentials, token_url: /t, client_id: c, client_secret: s, scope: a b}": {
            "type": "oauth2_client_credentials",
            "token_url": "/t",
            "client_id": "c",
            "client_secret": "s",
            "scope": "a b",
            "send": "header",
            "params": {},
        },
        "{type: oauth2_device, device_url: /d, token_url: /t, client_id: c, scope: [a, b], keep: t.json}": {
            "type": "oauth2_device",
            "device_url": "/d",
            "token_url": "/t",
            "client_id": "c",
            "scope": ["a", "b"],
            "keep": str(tmp_path / "t.json"),
            "send": "header",
            "params": {},
        },
        "{type: oauth2_refresh, token_url: /t, client_id: c, refresh_token: r, keep: t.json}": {
            "type": "oauth2_refresh",
            "token_url": "/t",
            "client_id": "c",
            "refresh_token": "r",
            "keep": str(tmp_path / "t.json"),
            "send": "header",
            "params": {},
        },
    }
    for written, meant in kinds.items():
        system = f"systems: {{s: {{connector: rest, base_url: http://localhost, auth: {written}, datatypes: {{}}}}}}"
        project = loaded(tmp_path, f"accord: 1\nflows: {{}}\n{system}\n")
        assert project.systems["s"].options["auth"] == meant


def test_the_json_schema_in_the_documentation_is_current() -> None:
    file = Path(__file__).parents[2] / "docs" / "accord.schema.json"
    assert json.loads(file.read_text("utf-8")) == json_schema(), (
        "run: python -m accord.config.json_schema > docs/accord.schema.json"
    )


def test_the_json_schema_points_only_to_what_it_defines() -> None:
    schema = json_schema()
    text = json.dumps(schema)
    named = {part.split('"')[0] for part in text.split("#/$defs/")[1:]}
    assert named <= set(schema["$defs"])
    assert schema["required"] == ["accord", "systems", "flows"]
