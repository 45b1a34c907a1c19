"""Small projects to be simulated: nobody has to be reached for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.config.meaning import Project


def written(rows: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A project file of one flow between two files of customers. `pms` and `erp`: what is said of properties."""
    said = {name: more.pop(name, {}) for name in ("pms", "erp")}
    systems = {
        name: {
            "connector": "file",
            "path": f"{name}.csv",
            "datatypes": {"customer": {"path": f"{name}.csv", "properties": said[name]}},
        }
        for name in ("pms", "erp")
    }
    for system in systems.values():
        del system["path"]
    flow = {"pms": "customer", "erp": "customer", "link": "create", "rows": rows, **more}
    return {"accord": 1, "systems": systems, "flows": {"customer": flow}}


def project(folder: Path, rows: list[dict[str, Any]], **more: Any) -> Project:
    """The same, loaded."""
    return loaded(folder, written(rows, **more))


def loaded(folder: Path, body: Mapping[str, Any]) -> Project:
    """A project file, written down and loaded."""
    file = folder / "accord.yaml"
    file.write_text(json.dumps(body), "utf-8")
    return load(file)


def row(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    """A row whose property has one name everywhere."""
    return {"pms": name, "erp": name, "name": name, "type": type, **more}
