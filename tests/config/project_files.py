"""Project files that the tests of `accord.config` share."""

from __future__ import annotations

from pathlib import Path

from accord.config.load import load
from accord.config.meaning import Project
from accord.errors import Problem, ProjectFileError

ENV = {
    "CUSTOMPMS_URL": "http://localhost:8001",
    "CUSTOMPMS_TOKEN": "pms-token",
    "CUSTOMERP_URL": "postgresql://accord:erp-pass@db/erp",
}

SEED = """\
accord: 1
title: CustomPMS to CustomERP
state: accord.db                     # or postgresql://user@host/database

systems:
  custompms:
    title: CustomPMS
    connector: rest
    base_url: ${CUSTOMPMS_URL}
    auth: {type: bearer, token: ${CUSTOMPMS_TOKEN}}
    datatypes:
      customer: {title: CustomPMS Customer, path: /customers, modified: updated_at}
      project:  {title: CustomPMS Project,  path: /projects,  modified: updated_at}
      task:     {title: Custom Task,        path: /tasks,     modified: updated_at}
  customerp:
    title: CustomERP
    connector: sql
    url: ${CUSTOMERP_URL}
    datatypes:
      customer: {title: Custom Customer, table: customer, id: customer_no, modified: changed_at, version: row_version}
      project:  {title: Custom Project,  table: project,  id: project_no,  modified: changed_at, version: row_version}

flows:
  customer:
    custompms: customer
    customerp: customer
    link: match-or-create
    match: [[org_number], [name, email]]
    rows:
      - {custompms: name,           customerp: customer_name, type: string}
      - {custompms: org_number,     customerp: vat_no,        type: string}
      - {custompms: contact.email,  customerp: email,         type: email, name: email}
  project:
    custompms: project
    customerp: project
    link: create
    rows:
      - {custompms: title,          customerp: description,   type: string}
      - {custompms: customer_id,    customerp: customer_no,   type: reference(customer)}
      - {custompms: state,          customerp: status,        type: enum, map: {open: A, done: C}}
      - {custompms: budget,         customerp: budget_amount, type: decimal(2), conflict: {prefer: [customerp]}}
  task:
    custompms: task
    customerp: {datatype: project, defaults: {kind: task}}
    link: {custompms: create, customerp: never}
    rows:
      - {custompms: name,           customerp: description,   type: string}
      - {custompms: project_id,     customerp: parent_no,     type: reference(project)}
      - {custompms: hours_estimate, customerp: planned_minutes, type: decimal(2), lens: {customerp: {scale: 60}}}
"""

SMALL = """\
accord: 1
systems:
  pms: {connector: memory, datatypes: {task: {}, customer: {}}}
  erp: {connector: memory, datatypes: {task: {}, customer: {}}}
flows:
  task:
    pms: task
    erp: task
    rows:
      - {pms: title, erp: name}
"""
"""Line 3 is pms, 4 erp, 6 the flow, 10 its only row."""


def loaded(folder: Path, text: str, **env: str) -> Project:
    """The project that a text means, in a folder."""
    file = folder / "accord.yaml"
    file.write_text(text, "utf-8")
    return load(file, env={**ENV, **env})


def problems(folder: Path, text: str, **env: str) -> tuple[Problem, ...]:
    """What is wrong with a text; empty when nothing is."""
    try:
        loaded(folder, text, **env)
    except ProjectFileError as error:
        return error.problems
    return ()


def flow_file(body: str, *, systems: str = "") -> str:
    """A file with one flow `task` between the memory systems pms, erp and crm; `body` starts at line 10."""
    inner = "\n".join(f"    {line}" if line else "" for line in body.strip("\n").splitlines())
    kinds = "datatypes: {task: {}, customer: {}}"
    return f"""\
accord: 1
systems:
  pms: {{connector: memory, {kinds}}}
  erp: {{connector: memory, {kinds}}}
  crm: {{connector: memory, {kinds}}}
{systems}
flows:
  task:
    pms: task
{inner}
"""
