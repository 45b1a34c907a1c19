"""The tracker as project files describe it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import indent
from typing import Any

from accord.config.load import load
from accord.config.meaning import System
from accord.connectors.registry import connect
from accord.ports import Connector
from tests.real.graphql.conftest import FIELDS, Tracker

PATHS = ("id", "code", "title", "estimate")
PAYLOAD = f"issue {{ {FIELDS} }} userErrors {{ field message code }}"
ERRORS = "errors: {stale: [STALE], rejected: [TOO_LONG, TAKEN]}"
VERSIONED = f"""\
version: version
modified: updatedAt
key_property: ref
properties: {{owner.id: {{write_as: ownerId}}}}
list:
  query: |
    query ($after: String, $first: Int!, $since: DateTime) {{
      issues(after: $after, first: $first, filter: {{updatedSince: $since}}) {{
        nodes {{ {FIELDS} }} pageInfo {{ hasNextPage endCursor }} totalCount
      }}
    }}
  total: issues.totalCount
  changed_since: since
get: "query ($id: ID!) {{ issue(id: $id) {{ {FIELDS} }} }}"
find:
  query: |
    query ($title: String, $ref: String) {{
      issues(filter: {{title: $title, ref: $ref}}) {{ nodes {{ {FIELDS} }} }}
    }}
  by: {{title: title, ref: ref}}
create:
  query: "mutation ($input: IssueInput!) {{ createIssue(input: $input) {{ {PAYLOAD} }} }}"
  errors: createIssue.userErrors
update:
  query: |
    mutation ($id: ID!, $input: IssueInput!, $version: Int!) {{
      updateIssue(id: $id, input: $input, version: $version) {{ {PAYLOAD} }}
    }}
  version: version
  errors: updateIssue.userErrors
delete:
  query: |
    mutation ($id: ID!, $version: Int!) {{
      deleteIssue(id: $id, version: $version) {{ deletedId userErrors {{ field message code }} }}
    }}
  version: version
  record: deleteIssue.deletedId
  errors: deleteIssue.userErrors
{ERRORS}
"""
EDGES = f"""\
version: version
list:
  query: |
    query ($cursor: String, $count: Int!) {{
      issues(after: $cursor, first: $count) {{ edges {{ node {{ {FIELDS} }} }} pageInfo {{ hasNextPage endCursor }} }}
    }}
  pages: {{type: connection, after: cursor, first: count, size: 5}}
get: "query ($id: ID!) {{ issue(id: $id) {{ {FIELDS} }} }}"
create:
  query: |
    mutation ($input: IssueInput!, $token: String) {{
      createIssue(input: $input, token: $token) {{ {PAYLOAD} replayed }}
    }}
  token: token
  replayed: createIssue.replayed
  errors: createIssue.userErrors
update:
  query: |
    mutation ($id: ID!, $input: IssueInput!, $version: Int!) {{
      updateIssue(id: $id, input: $input, version: $version) {{ {PAYLOAD} }}
    }}
  version: version
  errors: updateIssue.userErrors
delete:
  query: "mutation ($id: ID!) {{ deleteIssue(id: $id) {{ deletedId userErrors {{ field message code }} }} }}"
  record: deleteIssue.deletedId
  errors: deleteIssue.userErrors
{ERRORS}
"""
PLAIN = f"""\
list:
  query: |
    query ($offset: Int!, $limit: Int!) {{ issueList(offset: $offset, limit: $limit) {{ ...Fields }} }}
    fragment Fields on Issue {{ {FIELDS} }}
get: "query ($id: ID!) {{ strictIssue(id: $id) {{ {FIELDS} }} }}"
create:
  query: |
    mutation ($input: IssueInput!) {{ createIssue(input: $input) {{ issue {{ id }} userErrors {{ message code }} }} }}
  errors: createIssue.userErrors
update: |
  mutation ($id: ID!, $title: String, $code: String, $estimate: Decimal) {{
    setIssue(id: $id, title: $title, code: $code, estimate: $estimate) {{ {FIELDS} }}
  }}
delete: "mutation ($id: ID!) {{ dropIssue(id: $id) }}"
"""


def described(tracker: Tracker, folder: Path, datatype: str, more: str = "", token: str = "good") -> System:
    """The system of a project file with this datatype."""
    file = folder / "accord.yaml"
    file.write_text(f"""\
accord: 1
systems:
  tracker:
    connector: graphql
    base_url: {tracker.url}
    auth: {{type: bearer, token: {token}}}
    limits: {{timeout: 5s, retries: 1, grace: 1s}}
    {more}
    datatypes:
      issue:
{indent(datatype, " " * 8)}
flows: {{}}
""")
    return load(file).systems["tracker"]


@asynccontextmanager
async def opened(
    tracker: Tracker, folder: Path, datatype: str = VERSIONED, *, paths: Any = PATHS, **more: str
) -> AsyncIterator[Connector]:
    """A connector to the tracker, opened for these paths."""
    connector = connect(described(tracker, folder, datatype, **more))
    await connector.open({"issue": paths})
    try:
        yield connector
    finally:
        await connector.close()
