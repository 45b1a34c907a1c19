"""Project files with calls: what is missing in a template, or stands there and means nothing, is said with its line."""

from pathlib import Path
from typing import Any

import pytest
from project_files import loaded

from accord.errors import ProjectFileError

WHOLE = """\
accord: 1
flows: {{}}
systems:
  board:
    connector: jsonrpc
    base_url: https://board.example.org
    endpoint: /rpc
    protocol: {protocol}
    auth: {{type: login, username: u, password: p, method: login, params: ["{{username}}", "{{password}}"]}}
    variables: {{site: 7}}
    errors: [{errors}]
    datatypes:
      task:
        version: {version}
        modified: {modified}
        list: {list}
        get: {get}
        update: {update}
        delete: {delete}
        create: {create}
        find: {find}
"""
GOOD = {
    "protocol": "json-rpc",
    "errors": "{at: code, equals: [4, 5], means: stale}",
    "version": "v",
    "modified": "changed",
    "list": '{method: list, params: ["{site}", "{after}"], paginator: after, '
    'changed_since: {params: ["{since}", "{after}"]}}',
    "get": '{method: get, params: ["{id}", "{fields}", "{session}"]}',
    "update": '{method: set, params: {id: "{id}", v: "{version}"}, spread: true}',
    "delete": '{method: remove, params: ["{id}", "{version}"]}',
    "create": '{method: add, params: ["{record}", "{token}"]}',
    "find": '{method: find, params: ["{property}", "{value}"], by: [code]}',
}


def test_a_whole_description_loads_and_its_lists_keep_their_nothings(tmp_path: Path) -> None:
    """Null in a list of results is a result."""
    system = loaded(tmp_path, WHOLE.format(**GOOD)).systems["board"]
    options = system.datatypes["task"].options
    assert options["get"]["missing"] == [None, []]
    assert options["create"]["failed"] == [False, None]
    assert (options["update"]["failed"], options["list"]["paginator"]["size"]) == ([False], 500)
    assert system.options["auth"]["params"] == ["{username}", "{password}"]
    given = WHOLE.format(**{**GOOD, "get": '{method: get, params: {id: "{id}", more: null}, missing: [null, gone]}'})
    get = loaded(tmp_path, given).systems["board"].datatypes["task"].options["get"]
    assert (get["params"], get["missing"]) == ({"id": "{id}", "more": None}, [None, "gone"])


@pytest.mark.parametrize(
    ("key", "written", "said"),
    [
        ("get", '{method: get, params: ["{ident}"]}', "the placeholder 'ident' is not known"),
        ("get", "{method: get}", "the parameters do not hold {id}"),
        ("create", '{method: "add{record}"}', "the parameters do not hold {record}"),
        ("update", '{method: set, params: ["{id}", "{version}"], spread: true}', "`spread` needs parameters by name"),
        ("update", '{method: set, params: ["{id}", "{record}"]}', "the parameters do not hold {version}"),
        ("delete", '{method: remove, params: ["{id}"]}', "the parameters do not hold {version}"),
        ("find", '{method: find, params: ["{property}"], by: [code]}', "the parameters do not hold {value}"),
        ("list", "{method: list, paginator: offset}", "the parameters do not hold {offset}"),
        ("list", "{method: list, changed_since: {params: []}}", "the parameters do not hold {since}"),
        ("list", '{method: list, params: ["{since}"]}', "the placeholder 'since' is not known"),
        ("list", '{method: list, params: ["{after}"], paginator: after, each: {a: [1]}}', "is not read in pages"),
        ("list", '{method: list, changed_since: {params: ["{since}"], format: soon}}', "the format of changed_since"),
        ("modified", "null", "it needs the time of each record"),
        ("protocol", "xml-rpc", "XML-RPC has no parameters by name"),
        ("protocol", "soap", "protocol"),
        ("errors", "{means: perhaps}", "means"),
        ("errors", '{matches: "(", means: gone}', "not a regular expression"),
        ("get", '{params: ["{id}"]}', "method"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, key: str, written: str, said: str) -> None:
    """One problem at a time; the line is that of the key."""
    text = WHOLE.format(**{**GOOD, key: written})
    with pytest.raises(ProjectFileError) as raised:
        loaded(tmp_path, text)
    found = [problem for problem in raised.value.problems if said in f"{problem.path}: {problem.message}"]
    assert found, [str(problem) for problem in raised.value.problems]
    lines: Any = [number for number, line in enumerate(text.splitlines(), 1) if line.lstrip().startswith(f"{key}:")]
    near = found[0].line in lines or key in ("modified", "protocol")
    assert near, (found[0], lines)
