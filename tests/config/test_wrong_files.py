"""What is wrong in a file is reported with its line, its path, what is allowed and the nearest correct spelling."""

from __future__ import annotations

from pathlib import Path

import pytest
from project_files import SEED, SMALL, flow_file, loaded, problems

from accord.errors import ProjectFileError

ROWS = "erp: task\nrows:\n  - {pms: title, erp: name}\n"

WRONG_SEED = [
    ("    title: CustomPMS\n", "    titel: CustomPMS\n", 7, "systems.custompms.titel", "'title'"),
    ("connector: rest", "connector: rst", 8, "systems.custompms.connector", "'rest'"),
    ("${CUSTOMPMS_URL}", "${CUSTOMPMS_ULR}", 9, "systems.custompms.base_url", "CUSTOMPMS_ULR is not set"),
    ("${CUSTOMPMS_URL}", "ftp://x", 9, "systems.custompms.base_url", "http://host"),
    ("type: bearer", "type: baerer", 10, "systems.custompms.auth.type", "'bearer'"),
    ("token: ${CUSTOMPMS_TOKEN}", "tokn: x", 10, "systems.custompms.auth.tokn", "'token'"),
    ("path: /tasks", "paht: /tasks", 14, "systems.custompms.datatypes.task.paht", "'path'"),
    ("    url: ${CUSTOMERP_URL}\n", "", 15, "systems.customerp", "'url' is missing"),
    ("table: customer, ", "", 20, "systems.customerp.datatypes.customer", "`table` or `view`"),
    ("    customerp: customer\n", "    custmerp: customer\n", 26, "flows.customer.custmerp", "'customerp'"),
    ("    customerp: customer\n", "    customerp: customr\n", 26, "flows.customer.customerp", "'customer'"),
    ("link: match-or-create", "link: match-or-crate", 27, "flows.customer.link", "'match-or-create'"),
    ("[[org_number], ", "[[org_numbr], ", 28, "flows.customer.match[0][0]", "'org_number'"),
    ("type: email", "type: emial", 32, "flows.customer.rows[2].type", "'email'"),
    ("reference(customer)", "reference(custmer)", 39, "flows.project.rows[1].type", "'customer'"),
    ("reference(customer)", "reference", 39, "flows.project.rows[1].type", "takes one argument"),
    ("open: A, done: C", "open: A, done: A", 40, "flows.project.rows[2].map.done", "cannot be read back"),
    ("prefer: [customerp]", "prefer: [custmerp]", 41, "flows.project.rows[3].conflict.prefer[0]", "'customerp'"),
    ("conflict: {prefer: [customerp]}", "conflict: lates", 41, "flows.project.rows[3].conflict", "'latest'"),
    ("customerp: never", "customerp: nevr", 45, "flows.task.link.customerp", "'never'"),
    ("datatype: project,", "datatyp: project,", 44, "flows.task.customerp.datatyp", "'datatype'"),
    ("scale: 60", "scael: 60", 49, "flows.task.rows[2].lens.customerp.scael", "'scale'"),
    ("lens: {customerp: {scale: 60}}", "lens: {scale: 60}", 49, "flows.task.rows[2].lens.scale", "{custompms: {scale"),
]


@pytest.mark.parametrize(("old", "new", "line", "path", "said"), WRONG_SEED, ids=[each[3] for each in WRONG_SEED])
def test_a_slip_in_the_seed_is_named(tmp_path: Path, old: str, new: str, line: int, path: str, said: str) -> None:
    found = problems(tmp_path, SEED.replace(old, new, 1))
    at = [problem for problem in found if problem.path == path]
    assert at, [str(problem) for problem in found]
    assert (at[0].line, at[0].file) == (line, str(tmp_path / "accord.yaml"))
    assert said in str(at[0])


TOP = [
    ("", 1, "(file)", "empty"),
    ("# nothing\n", 1, "(file)", "empty"),
    ("- a\n", 1, "(file)", "must be a mapping"),
    ("systems: {}\nflows: {}\n", 1, "(file)", "'accord' is missing"),
    ("accord: 2\nsystms: {}\n", 1, "accord", "upgrade"),
    ("accord: one\n", 1, "accord", "write `accord: 1`"),
    ("accord: 1\nflows: {}\n", 1, "(file)", "'systems' is missing"),
    ("accord: 1\nsystems: {}\n", 1, "(file)", "'flows' is missing"),
    ("accord: 1\nsystems: [a]\nflows: {}\n", 2, "systems", "must be a mapping"),
    ("accord: 1\nsystems:\n\tpms: {}\n", 3, "(file)", "indent with spaces"),
    ("accord: 1\nsystems: {a: {}\n", 3, "(file)", "not YAML"),
    ("accord: 1\ntitle: a: b\n", 2, "(file)", "quotes"),
    ("accord: 1\n---\nb: 1\n", 2, "(file)", "more than one YAML document"),
    (SMALL + "worker: {1: a, true: b}\n", 11, "worker.true", "the same value"),
    (SMALL + "flows: {}\n", 11, "flows", "written twice, first in line 5"),
    (SMALL + "state: mysql://x/y\n", 11, "state", "not a place for the state"),
    (SMALL + "titel: x\n", 11, "titel", "'title'"),
    (SMALL + "title: !!python/object:os.system x\n", 11, "title", "tag"),
    (SMALL + "title: !x y\n", 11, "title", "tag"),
    (SMALL + "title: &a [*a]\n", 11, "title[0]", "alias"),
    (SMALL + "title: [a]\n", 11, "title", "must be text"),
    (SMALL + "include: nothing.yaml\n", 11, "include", "is not there"),
    (SMALL + "schedule: {evry: 5s}\n", 11, "schedule.evry", "'every'"),
    (SMALL + "schedule: {every: soon}\n", 11, "schedule.every", "'soon': not a duration"),
    (SMALL + "schedule: {cron: often}\n", 11, "schedule.cron", "five fields"),
    (SMALL + "notify: {on: [failur], slack: 'https://x'}\n", 11, "notify.on[0]", "'failure'"),
    (SMALL + "notify: {on: held}\n", 11, "notify", "somebody to tell"),
    (SMALL + "console: {roles: {boss: [anna]}}\n", 11, "console.roles", "admin"),
    (SMALL + "console: {users: {anna: {rol: admin}}}\n", 11, "console.users.anna.rol", "'role'"),
    (SMALL + "defaults: {conflct: ask}\n", 11, "defaults.conflct", "'conflict'"),
    (SMALL + "defaults: {on_delete: propagat}\n", 11, "defaults.on_delete", "'propagate'"),
    (SMALL + "defaults: {limits: {delete: many}}\n", 11, "defaults.limits.delete", "whole number"),
    (SMALL.replace("  pms: {", "  'p/m': {"), 3, "systems.p/m", "no name for a system"),
    (SMALL.replace("pms", "rows"), 3, "systems.rows", "key of flows or rows"),
    (SMALL.replace("{task: {}, customer: {}}", "[task]", 1), 3, "systems.pms.datatypes", "must be a mapping"),
    (SMALL.replace("{task: {}", "{task: x", 1), 3, "systems.pms.datatypes.task", "must be a mapping"),
    (SMALL.replace("    rows:\n      - {pms: title, erp: name}\n", ""), 6, "flows.task", "'rows' is missing"),
    (SMALL.replace("    erp: task\n", ""), 6, "flows.task", "two systems or more"),
]


@pytest.mark.parametrize(("text", "line", "path", "said"), TOP)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, line: int, path: str, said: str) -> None:
    found = problems(tmp_path, text)
    at = [problem for problem in found if problem.path == path]
    assert at, [str(problem) for problem in found]
    assert at[0].line == line
    assert said in str(at[0])


SYSTEM = [
    ("limits: {rate: fast}", "limits.rate", "50/s"),
    ("limits: {concurency: 8}", "limits.concurency", "'concurrency'"),
    ("limits: {concurrency: many}", "limits.concurrency", "whole number"),
    ("limits: {timeout: -1}", "limits.timeout", "negative"),
    ("clock: {zone: Europe/Olso}", "clock.zone", "'Europe/Oslo'"),
    ("clock: {tolerance: 2x}", "clock.tolerance", "not a duration"),
    ("read_only: maybe", "read_only", "true or false"),
    ("datatypes: {t: {path: /t, list: {paginator: {type: curser}}}}", "datatypes.t.list.paginator.type", "'cursor'"),
    (
        "datatypes: {t: {path: /t, list: {paginator: {type: cursor}}}}",
        "datatypes.t.list.paginator",
        "'cursor_path' is missing",
    ),
    (
        "datatypes: {t: {path: /t, list: {paginator: {type: next_url}}}}",
        "datatypes.t.list.paginator",
        "either `path` (in the body) or `header`",
    ),
    ("datatypes: {t: {path: /t, update: {content_type: json}}}", "datatypes.t.update.content_type", "merge-patch"),
    ("datatypes: {t: {path: /t, version: {etag: true, header: X}}}", "datatypes.t.version", "goes into If-Match"),
    (
        "datatypes: {t: {path: /t, list: {paginator: {type: offset, sizes: 1}}}}",
        "datatypes.t.list.paginator.sizes",
        "'size'",
    ),
    ("datatypes: {t: {path: /t, create: {batch: {sice: 1}}}}", "datatypes.t.create.batch.sice", "'size'"),
    ("datatypes: {t: {path: /t, update: {send: some}}}", "datatypes.t.update.send", "changed, all"),
    ("datatypes: {t: {path: /t, find: {param: q}}}", "datatypes.t.find", "by: [path]"),
    ("datatypes: {t: {path: /t, errors: {gone: [4]}}}", "datatypes.t.errors.gone[0]", "greater than"),
    ("datatypes: {t: {path: /t, list: {method: PUT}}}", "datatypes.t.list.method", "GET, POST"),
    ("datatypes: {t: {path: /t, get: {body: {id: '{record}'}}}}", "datatypes.t.get", "must hold {id}"),
    ("datatypes: {t: {path: /t, create: {body: {vals: 1}}}}", "datatypes.t.create", "must hold {record}"),
    ("datatypes: {t: {path: /t, create: {body: {v: '{record}'}, wrap: x}}}", "datatypes.t.create", "`wrap`"),
    ("datatypes: {t: {path: /t, update: {body: {v: '{record}'}, wrap: x}}}", "datatypes.t.update", "`wrap`"),
    ("datatypes: {t: {path: /t, delete: {body: {v: '{record}'}}}}", "datatypes.t.delete", "no {record} in this call"),
    ("datatypes: {t: {path: /t, find: {param: q, by: a, filter: [a]}}}", "datatypes.t.find", "must hold {value}"),
    ("datatypes: {t: {path: /t, find: {params: {a: b}, filter: ['{value}']}}}", "datatypes.t.find", "of one `param`"),
    (
        "datatypes: {t: {path: /t, list: {changed_since: {param: q, filter: [a]}}}}",
        "datatypes.t.list.changed_since",
        "must hold {since}",
    ),
    ("datatypes: {t: {path: /t, properties: {a: {link: /a}}}}", "datatypes.t.properties.a", "one {id} in it"),
    ("datatypes: {t: {path: /t, version: {path: v, delete: false}}}", "datatypes.t.version.delete", "'deletes'"),
    ("datatypes: {t: {modified: x}}", "datatypes.t", "needs a `path`"),
    ("datatypes: {t: {path: /t, version: {header: If-Match}}}", "datatypes.t.version", "needs a `path`"),
    ("datatypes: {t: {path: /t, properties: {a: {typ: date}}}}", "datatypes.t.properties.a.typ", "'type'"),
    ("datatypes: {t: {path: /t, properties: {a: dat}}}", "datatypes.t.properties.a.type", "'date'"),
    ("auth: {type: api_key, key: k}", "auth", "`header` or a `query`"),
    ("auth: {type: oauth2_refresh, token_url: u, client_id: c}", "auth", "'refresh_token' is missing"),
    ("auth: {type: oauth2_device, token_url: u, client_id: c, keep: k}", "auth", "'device_url' is missing"),
    ("verify: false", "verify", "always verified"),
    ("auth: {token: x}", "auth", "'type' is missing"),
]


@pytest.mark.parametrize(("line", "path", "said"), SYSTEM)
def test_a_wrong_key_of_a_system_is_refused(tmp_path: Path, line: str, path: str, said: str) -> None:
    datatypes = "" if "datatypes" in line else "    datatypes: {}\n"
    text = (
        f"accord: 1\nflows: {{}}\nsystems:\n  s:\n    connector: rest\n    base_url: http://s\n    {line}\n{datatypes}"
    )
    found = problems(tmp_path, text)
    at = [problem for problem in found if problem.path == f"systems.s.{path}"]
    assert at, [str(problem) for problem in found]
    assert at[0].line == 7
    assert said in str(at[0])


FLOW = [
    ("erp: task\nrows:\n  - {pms: title}\n", 12, "rows[0]", "two systems"),
    ("erp: task\nrows:\n  - {pms: title, crm: name}\n", 12, "rows[0].crm", "no side in this flow"),
    ("erp: task\nrows:\n  - {pms: title, erp: a..b}\n", 12, "rows[0].erp", "not a path"),
    ("erp: task\nrows:\n  - {pms: title, erp: 5}\n", 12, "rows[0].erp", "must be text"),
    ("erp: task\nrows:\n  - {pms: a, erp: b}\n  - {pms: a, erp: c}\n", 13, "rows[1]", "there already (line 12"),
    ("erp: task\nrows:\n  - {pms: a, erp: c}\n  - {pms: b, erp: c}\n", 13, "rows[1]", "is written by the row 'a' too"),
    ("erp: task\nrows:\n  - {pms: a, erp: c}\n  - {pms: b, erp: c.d}\n", 13, "rows[1]", "parts of one value"),
    (
        "erp: task\nrows:\n  - {pms: x, erp: y, direction: pms -> erp}\n"
        "  - {pms: x, erp: y, direction: erp -> pms, name: back}\n",
        13,
        "rows[1]",
        "feed each other in a circle: x → back → x",
    ),
    (ROWS.replace("name}", "name, direction: pms <- erp}"), 12, "rows[0].direction", "is not understood"),
    (ROWS.replace("name}", "name, direction: pms -> crm}"), 12, "rows[0].direction", "'crm' is not known"),
    (ROWS.replace("name}", "name, enforce: [pms, erp]}"), 12, "rows[0].enforce", "one enforcer only"),
    (ROWS.replace("name}", "name, enforce: crm}"), 12, "rows[0].enforce", "'crm' is not known"),
    (ROWS.replace("name}", "name, direction: pms -> erp, enforce: erp}"), 12, "rows[0].enforce", "cannot enforce"),
    (ROWS.replace("name}", "name, when: open}"), 12, "rows[0].when", "does not say whose record"),
    (ROWS.replace("name}", "name, when: {erq: open}}"), 12, "rows[0].when.erq", "'erp'"),
    (ROWS.replace("name}", "name, when: {pms: ''}}"), 12, "rows[0].when.pms", "at least 1 character"),
    (
        "erp: task\nrows:\n  - {pms: a, erp: b, when: {pms: open}}\n  - {pms: c, erp: d}\ngroups: {both: [a, c]}\n",
        14,
        "groups.both",
        "different conditions",
    ),
    *[
        (ROWS.replace("name}", f"name, type: {type}, {more}items: {{key: {key}, rows: [{part}]}}}}"), 12, path, said)
        for type, more, key, part, path, said in [
            ("list(object)", "", "skv", "{pms: sku, erp: no}", "rows[0].items.key[0]", "'sku'"),
            ("list(string)", "", "sku", "{pms: sku, erp: no}", "rows[0].items", "list(object)"),
            ("list(object)", "equal: case, ", "sku", "{pms: sku, erp: no}", "rows[0].equal", "belongs to the rows"),
            (
                "list(object)",
                "",
                "sku",
                "{pms: sku, erp: no, when: {pms: x}}",
                "rows[0].items.rows[0].when",
                "as a whole",
            ),
            ("list(object)", "", "sku", "{pms: sku, erq: no}", "rows[0].items.rows[0].erq", "'erq' is not known"),
            ("list(object)", "", "sku", "{pms: sku, erp: 'a[].b'}", "rows[0].items.rows[0].erp", "no parts of its own"),
            (
                "list(object)",
                "",
                "sku",
                "{pms: sku, erp: b, type: reference(task)}",
                "rows[0].items.rows[0].type",
                "not carried",
            ),
            (
                "list(object)",
                "",
                "sku",
                "{pms: sku, erp: a}, {pms: sku, erp: b}",
                "rows[0].items.rows[1]",
                "there already",
            ),
        ]
    ],
    (ROWS.replace("name}", "name, equal: cas}"), 12, "rows[0].equal", "'case'"),
    (ROWS.replace("name}", "name, required: perhaps}"), 12, "rows[0].required", "true or false"),
    (ROWS.replace("name}", "name, type: decimal(x)}"), 12, "rows[0].type", "scale of a decimal"),
    (ROWS.replace("name}", "name, type: list(strng)}"), 12, "rows[0].type", "'string'"),
    (ROWS.replace("name}", "name, map: {a: [b, c]}}"), 12, "rows[0].map.a", "not to a list"),
    (ROWS.replace("name}", "name, map: {a: {pms: a, crm: b}}}"), 12, "rows[0].map.a.crm", "'crm' is not known"),
    (ROWS.replace("name}", "name, map: {a: {pms: a}, b: c}}"), 12, "rows[0].map", "some are not"),
    (ROWS.replace("name}", "name, lens: {crm: trim}}"), 12, "rows[0].lens.crm", "no system of this row"),
    (ROWS + "after: [taks]\n", 13, "after[0]", "'task'"),
    (ROWS + "after: task\n", 13, "after", "wait for each other: task after task"),
    (ROWS + "groups: {g: [titel]}\n", 13, "groups.g[0]", "'title'"),
    (ROWS + "groups: {g: [title], h: [title]}\n", 13, "groups.h[0]", "in the group 'g' already"),
    (ROWS + "on_delete: archive\n", 13, "on_delete", "{archive: {property: value}}"),
    (ROWS + "on_delete: {crm: keep}\n", 13, "on_delete.crm", "'crm' is not known"),
    (ROWS + "link: {connected: tsk}\n", 13, "link.connected", "'task'"),
    (ROWS + "limits: {delete: {percent: 200}}\n", 13, "limits.delete.percent", "less than"),
    (ROWS + "limits: {delete: {number: 3, over: 2}}\n", 13, "limits.delete", "`over` goes with `percent`"),
    (ROWS + "match_score: {rows: {titl: 1}}\n", 13, "match_score.rows.titl", "'title'"),
    (ROWS + "match_score: {rows: {title: 1}, link: 0.5, review: 0.9}\n", 13, "match_score.review", "above"),
    ("erp: {where: x}\nrows: []\n", 10, "erp", "'datatype' is missing"),
    ("erp: {datatype: task, since: linkd}\nrows: []\n", 10, "erp.since", "'linked'"),
]


@pytest.mark.parametrize(("body", "line", "path", "said"), FLOW)
def test_a_wrong_flow_is_refused(tmp_path: Path, body: str, line: int, path: str, said: str) -> None:
    found = problems(tmp_path, flow_file(body))
    at = [problem for problem in found if problem.path == f"flows.task.{path}"]
    assert at, [str(problem) for problem in found]
    assert at[0].line == line
    assert said in str(at[0])


def test_all_problems_are_reported_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = SEED
    for old, new, *_ in WRONG_SEED[:1] + WRONG_SEED[10:14] + WRONG_SEED[17:18]:
        text = text.replace(old, new, 1)
    found = problems(tmp_path, text)
    assert [problem.line for problem in found] == [7, 26, 27, 28, 32, 41]


def test_an_error_shows_every_problem_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectFileError) as caught:
        loaded(tmp_path, SEED.replace("type: email", "type: emial"))
    assert str(caught.value).startswith(f"{tmp_path}/accord.yaml:32: flows.customer.rows[2].type: the type 'emial'")
    assert "did you mean 'email'?" in str(caught.value)
    assert "allowed: string, text, integer" in str(caught.value)


def test_a_flow_may_not_wait_for_one_that_waits_for_it(tmp_path: Path) -> None:
    second = "  customer: {pms: customer, erp: customer, rows: [], after: [task]}\n"
    found = problems(tmp_path, flow_file(ROWS + "after: [customer]\n") + second)
    assert [problem.message for problem in found] == ["flows wait for each other: task after customer after task"]


def test_a_reference_needs_a_target_in_the_same_systems(tmp_path: Path) -> None:
    other = "  customer: {pms: customer, crm: customer, rows: []}\n"
    body = "erp: task\nrows:\n  - {pms: a, erp: b, type: reference(customer)}\n"
    found = problems(tmp_path, flow_file(body) + other)
    assert [(problem.line, problem.path) for problem in found] == [(12, "flows.task.rows[0].type")]
    assert "no side in erp" in found[0].message


def test_aliases_cannot_make_a_small_file_large(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    found = problems(tmp_path, "\n".join(lines))
    assert "values" in found[0].message


def test_a_file_that_nests_too_deeply_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in problems(tmp_path, "a: " + "[" * 3000 + "]" * 3000)[0].message


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    from accord.config.load import load

    (tmp_path / "accord.yaml").write_bytes(b"accord: 1\ntitle: \xe6\n")
    with pytest.raises(ProjectFileError, match=r"accord.yaml:2: .*not UTF-8"):
        load(tmp_path / "accord.yaml", env={})


def test_no_message_shows_a_secret(tmp_path: Path) -> None:
    text = SEED.replace("${CUSTOMERP_URL}", "${CUSTOMERP_URL}\n    limits: {rate: ${CUSTOMPMS_TOKEN}}")
    text = text.replace("base_url: ${CUSTOMPMS_URL}", "base_url: ${CUSTOMERP_URL}")
    told = "\n".join(str(problem) for problem in problems(tmp_path, text))
    assert "${CUSTOMPMS_TOKEN}" in told
    assert "pms-token" not in told
    assert "erp-pass" not in told
