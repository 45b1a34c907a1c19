"""The files that `init` writes: a preset as it is, or a small project between two systems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.errors import UsageError

PRESETS = Path(__file__).parent.parent / "connectors" / "presets" / "projects"
CONNECTORS = ("rest", "sql", "file")
DEMO_ENV = {
    "CUSTOMPMS_URL": "http://127.0.0.1:8471",
    "CUSTOMPMS_TOKEN": "pms-demo-token",
    "CUSTOMERP_URL": "http://127.0.0.1:8472",
    "CUSTOMERP_TOKEN": "erp-demo-token",
}
PLACEHOLDER = "change-me"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One system, as far as `init` asks for it."""

    name: str
    title: str
    connector: str
    url: str

    @property
    def variable(self) -> str:
        """The beginning of the names of its variables."""
        return re.sub(r"\W", "_", self.name).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """What is written."""

    project: str
    env: dict[str, str]


def presets() -> list[str]:
    """The projects that ship with Accord."""
    return sorted(file.stem for file in PRESETS.glob("*.yaml"))


def from_preset(name: str) -> Files:
    """A preset as it is."""
    return Files(project=(PRESETS / f"{name}.yaml").read_text("utf-8"), env=dict(DEMO_ENV))


def name_of(title: str) -> str:
    """`My CRM` → `my_crm`. Raises UsageError where nothing is left."""
    name = re.sub(r"[^\w]+", "_", title.strip().lower()).strip("_")
    if not name:
        raise UsageError(f"{title!r} is no name for a system")
    return name


def between(systems: Sequence[Start]) -> Files:
    """A project of one flow, `customer`, between two systems, with every place marked where it must be adapted."""
    one, two = systems
    if one.name == two.name:
        raise UsageError(f"both systems are called {one.name!r}; they need different names")
    text = _HEAD.format(title=f"{one.title} and {two.title}")
    text += "".join(_SYSTEMS[system.connector].format(**_words(system)) for system in systems)
    text += _FLOW.format(one=one.name, two=two.name)
    env = {}
    for system in systems:
        if system.connector != "file":
            env[f"{system.variable}_URL"] = system.url
        if system.connector == "rest":
            env[f"{system.variable}_TOKEN"] = PLACEHOLDER
    return Files(project=text, env=env)


def _words(system: Start) -> dict[str, str]:
    import json

    return {
        "name": system.name,
        "title": json.dumps(system.title, ensure_ascii=False),
        "variable": system.variable,
        "path": json.dumps(system.url, ensure_ascii=False),
    }


_HEAD = """\
# What the keys mean: docs/reference/project-file.md.
# `accord check` tries this file, `accord plan` shows what would be written.
accord: 1
title: {title}
state: accord.db

systems:
"""
_REST = """\
  {name}:
    title: {title}
    connector: rest
    base_url: ${{{variable}_URL}}
    auth: {{type: bearer, token: "${{{variable}_TOKEN}}"}}
    datatypes:
      customer:
        path: /customers            # adapt: where the customers are
        id: id
        modified: updated_at        # when a record was last changed
        # version: etag             # what proves that a record is unchanged
        # list:
        #   records: data
        #   paginator: {{type: page_number, page_param: page, size_param: per_page, size: 200}}
        #   changed_since: {{param: updated_since, format: iso8601}}
        # create: {{idempotency_header: Idempotency-Key}}
"""
_SQL = """\
  {name}:
    title: {title}
    connector: sql
    url: ${{{variable}_URL}}
    datatypes:
      customer:
        table: customer             # adapt: the table of the customers
        id: id
        modified: updated_at        # the column that says when a row was last changed
"""
_FILE = """\
  {name}:
    title: {title}
    connector: file
    path: {path}
    datatypes:
      customer: {{path: customer.csv, id: id}}
"""
_SYSTEMS = {"rest": _REST, "sql": _SQL, "file": _FILE}
_FLOW = """
flows:
  customer:
    {one}: customer
    {two}: customer
    link: match-or-create
    match: [[name, email]]          # adapt: what makes two records the same customer
    rows:                           # adapt: a path in each system, and a type
      - {{name: name,  {one}: name,  {two}: name,  type: string}}
      - {{name: email, {one}: email, {two}: email, type: email}}
"""
