"""What people do in the demonstration: edits in both systems, and whether each has arrived in the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accord.cli.demo_servers import Server
from accord.cli.output import short_ref
from accord.model import Ref
from accord.store.opening import State


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit, and where it must be seen."""

    said: str
    """What was done, for people."""
    row: str
    ref: Ref
    """The record that was edited."""
    arrived: Callable[[State], bool]
    """Whether the other system shows it."""


def make_edits(pms: Server, erp: Server, state: State) -> list[Edit]:
    """A customer's name, a project's state, hours on both sides, a new task, a deleted task."""
    return [
        _rename_customer(pms, erp, state),
        _close_project(pms, erp, state),
        _change_estimate(pms, erp, state),
        _spend_minutes(pms, erp, state),
        _add_task(pms, erp, state),
        _delete_task(pms, erp, state),
    ]


def other(state: State, ref: Ref) -> Ref | None:
    """The linked record in the other system."""
    number = state.links.of([ref]).get(ref)
    if number is None:
        return None
    members = state.links.load([number])[number].members
    return next((member.ref for member in members if member.ref.system != ref.system), None)


def _seen(server: Server, path: str, state: State, ref: Ref, property: str, value: Any) -> bool:
    target = other(state, ref)
    return target is not None and bool(server.call("GET", f"/{path}/{target.id}")[property] == value)


def _nth(pms: Server, path: str, number: int) -> dict[str, Any]:
    """The n-th record of a listing of CustomPMS."""
    found: dict[str, Any] = pms.call("GET", f"/{path}?per_page=1&page={number}")["data"][0]
    return found


def _put(erp: Server, path: str, id: str, **changes: Any) -> None:
    """Replace a record of CustomERP, which takes whole records only."""
    record = erp.call("GET", f"/{path}/{id}")
    body = {name: value for name, value in record.items() if name not in ("created_at", "changed_at")}
    erp.call("PUT", f"/{path}/{id}", {**body, **changes})


def _counterpart(state: State, ref: Ref) -> Ref:
    found = other(state, ref)
    if found is None:
        raise LookupError(f"{ref} has no counterpart")
    return found


def _rename_customer(pms: Server, erp: Server, state: State) -> Edit:
    ours = _counterpart(state, Ref("custompms", "customer", "5"))
    name = "Fjordlys Handel AS"
    _put(erp, "customers", ours.id, customer_name=name)
    said = f"CustomERP: {short_ref(str(ours))} is renamed {name!r}"
    return Edit(said, "name", ours, lambda now: _seen(pms, "customers", now, ours, "name", name))


def _close_project(pms: Server, erp: Server, state: State) -> Edit:
    project = next(found for page in range(1, 50) if (found := _nth(pms, "projects", page))["state"] == "open")
    ref = Ref("custompms", "project", str(project["id"]))
    pms.call("PATCH", f"/projects/{ref.id}", {"state": "done"})
    said = f"CustomPMS: {short_ref(str(ref))} is done"
    return Edit(said, "state", ref, lambda now: _seen(erp, "projects", now, ref, "status", "C"))


def _change_estimate(pms: Server, erp: Server, state: State) -> Edit:
    ref = Ref("custompms", "task", str(_nth(pms, "tasks", 11)["id"]))
    pms.call("PATCH", f"/tasks/{ref.id}", {"hours_estimate": 12.5})
    said = f"CustomPMS: {short_ref(str(ref))} is estimated at 12.5 hours"
    return Edit(said, "estimate", ref, lambda now: _seen(erp, "projects", now, ref, "planned_minutes", 750))


def _spend_minutes(pms: Server, erp: Server, state: State) -> Edit:
    task = Ref("custompms", "task", str(_nth(pms, "tasks", 12)["id"]))
    ours = _counterpart(state, task)
    _put(erp, "projects", ours.id, spent_minutes=195)
    said = f"CustomERP: 195 minutes were spent on {short_ref(str(ours))}"
    return Edit(said, "spent", ours, lambda now: float(pms.call("GET", f"/tasks/{task.id}")["hours_spent"]) == 3.25)


def _add_task(pms: Server, erp: Server, state: State) -> Edit:
    project = _nth(pms, "tasks", 13)["project_id"]
    body = {"name": "Call the customer", "project_id": project, "hours_estimate": 1.5}
    ref = Ref("custompms", "task", str(pms.call("POST", "/tasks", body)["id"]))
    said = f"CustomPMS: {short_ref(str(ref))}, {body['name']!r}, is new"
    return Edit(said, "name", ref, lambda now: _seen(erp, "projects", now, ref, "description", body["name"]))


def _delete_task(pms: Server, erp: Server, state: State) -> Edit:
    parents = {task["parent_task_id"] for task in pms.call("GET", "/tasks?per_page=1000")["data"]}
    task = next(found for page in range(20, 200) if (found := _nth(pms, "tasks", page))["id"] not in parents)
    ref = Ref("custompms", "task", str(task["id"]))
    there = _counterpart(state, ref)
    pms.call("DELETE", f"/tasks/{ref.id}")
    said = f"CustomPMS: {short_ref(str(ref))} is deleted"
    return Edit(said, "", ref, lambda now: not _exists(erp, there))


def _exists(erp: Server, ref: Ref) -> bool:
    found = erp.call("GET", f"/projects?limit=1000&kind=task&q={ref.id}")["items"]
    return any(record["project_no"] == ref.id for record in found)


def counts(pms: Server, erp: Server) -> dict[str, tuple[int, int]]:
    """Flow → how many records each system has: (CustomPMS, CustomERP)."""
    ours = {
        path: pms.call("GET", f"/{path}?per_page=1")["meta"]["total"] for path in ("customers", "projects", "tasks")
    }
    theirs = {kind: erp.call("GET", f"/projects?limit=1&kind={kind}")["total"] for kind in ("project", "task")}
    return {
        "customer": (ours["customers"], erp.call("GET", "/customers?limit=1")["total"]),
        "project": (ours["projects"], theirs["project"]),
        "task": (ours["tasks"], theirs["task"]),
    }
