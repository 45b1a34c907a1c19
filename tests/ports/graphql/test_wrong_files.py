"""Operations that do not fit are refused when the file is loaded, each with its key and what to do."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from accord.config.load import load
from accord.errors import ProjectFileError

GOOD = """\
version: version
modified: changed
list:
  query: |
    query ($after: String) {
      things(after: $after) { nodes { id name version changed } pageInfo { hasNextPage endCursor } }
    }
get: "query ($id: ID!) { thing(id: $id) { id name version changed } }"
create: "mutation ($input: In!) { make(input: $input) { thing { id } errors { message } } }"
update:
  query: "mutation ($id: ID!, $input: In!) { change(id: $id, input: $input) { thing { id } } }"
  version: input.version
delete: "mutation ($id: ID!) { drop(id: $id) }"
"""


def text(datatype: str) -> str:
    return f"""\
accord: 1
systems:
  shop:
    connector: graphql
    base_url: https://shop.example/graphql
    datatypes:
      thing:
{indent(datatype, " " * 8)}
flows: {{}}
"""


def test_the_file_that_the_others_are_made_of_loads(tmp_path: Path) -> None:
    """Else nothing here would mean anything."""
    (tmp_path / "accord.yaml").write_text(text(GOOD))
    assert set(load(tmp_path / "accord.yaml").systems["shop"].datatypes) == {"thing"}


@pytest.mark.parametrize(
    ("old", "wrong", "said", "hint"),
    [
        ("drop(id: $id) }", "drop(id: $id) ", "not GraphQL: line 1: Syntax Error: Expected Name", "one whole query"),
        ('get: "query', 'get: "query A { a } query', "2 operations", "one query or mutation"),
        ('create: "mutation', 'create: "query', "`create` holds a query", "it must be a mutation"),
        ('get: "query', 'get: "mutation', "`get` holds a mutation", "it must be a query"),
        ("version: input.version", "version: when", "names the variable $when", "there are $id, $input"),
        ('get: "query ($id: ID!)', 'get: "query ($key: ID!)', "`get.id` names the variable $id", "there are $key"),
        (
            "thing(id: $id) { id name version changed }",
            "thing(id: $id) { id version }",
            "`get` does not select changed",
            "",
        ),
        ("nodes { id name version", "nodes { id name", "`list` does not select version (version) at things.nodes", ""),
        ("nodes { id", "nodes { key", "no list with the id 'id' is selected", "say where: `records:"),
        ("modified: changed", "modified: changed\nkey_property: ref", "`list` does not select ref (key_property)", ""),
        (
            'delete: "',
            'find: {query: "query ($n: String) { things(n: $n) { nodes { id } } }", by: {name: n}}\ndelete: "',
            "`find` does not select name (by) at things.nodes",
            "",
        ),
        ("  version: input.version\n", "", "`version` needs the variable of the update", "update: {version: VARIABLE}"),
        ("version: version\n", "", "`update.version` needs the property", "say `version: PATH`"),
        ("version: version\n", "version: etag\n", "GraphQL has no ETags", "say `version: PATH`"),
        (
            'delete: "',
            'find: {query: "{ things { nodes { id } } }", by: {name: name}}\ndelete: "',
            "`find.by` names the variable $name",
            "",
        ),
        (
            "  version: input.version",
            "  version: input.version\n  errors: change.wrong",
            "nothing is selected at change.wrong",
            "",
        ),
        ("get:", "gett:", "gett", "get"),
    ],
)
def test_what_does_not_fit_is_refused(old: str, wrong: str, said: str, hint: str, tmp_path: Path) -> None:
    """Where it stands, what it is, and what there is."""
    assert old in GOOD
    (tmp_path / "accord.yaml").write_text(text(GOOD.replace(old, wrong, 1)))
    with pytest.raises(ProjectFileError) as caught:
        load(tmp_path / "accord.yaml")
    problem = str(caught.value)
    assert said in problem
    assert hint in problem
    assert "accord.yaml:" in problem


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    """In a process in which graphql-core is not there."""
    (tmp_path / "accord.yaml").write_text(text(GOOD))
    code = "import sys; sys.modules['graphql'] = None; from accord.cli.main import main; main()"
    command = [sys.executable, "-c", code, "-C", str(tmp_path), "check", "--offline"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ}, check=False)
    assert done.returncode == 2
    assert "GraphQL needs the extra `graphql`" in done.stdout + done.stderr
    assert "pip install 'accord[graphql]'" in done.stdout + done.stderr
