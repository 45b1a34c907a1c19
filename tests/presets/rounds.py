"""Presets as project files name them, and whole rounds between one of these systems and a CSV file, by the command."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.config.load import load
from accord.config.meaning import System


def described(folder: Path, system: Mapping[str, Any]) -> System:
    """The system as a project file describes it, without flows: every datatype of its preset."""
    file = folder / "accord.yaml"
    file.write_text(json.dumps({"accord": 1, "systems": {"it": dict(system)}, "flows": {}}), "utf-8")
    return load(file).systems["it"]


class Rounds:
    """A folder with a project file and a CSV file with the columns `id`, those named, and `key`."""

    def __init__(
        self, folder: Path, system: Mapping[str, Any], flow: Mapping[str, Any], columns: Sequence[str]
    ) -> None:
        self.folder, self.columns = folder, tuple(columns)
        project = {
            "accord": 1,
            "systems": {
                "it": dict(system),
                "list": {"connector": "file", "datatypes": {"row": {"path": "rows.csv", "key_property": "key"}}},
            },
            "flows": {"flow": {"list": "row", **flow}},
        }
        (folder / "accord.yaml").write_text(json.dumps(project), "utf-8")
        self.write()

    def accord(self, *words: str, held: bool = False) -> Any:
        """The report of a command, which must succeed; or, where something is `held`, say that a person is needed."""
        command = [sys.executable, "-m", "accord", "-C", str(self.folder), "--json", *words]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), timeout=120, check=False)
        assert (done.returncode != 0) == held, done.stdout + done.stderr
        return json.loads(done.stdout)

    def write(self, *rows: Mapping[str, str]) -> None:
        """The file as a person saves it; keys that Accord wrote stay."""
        keys = {row["id"]: row["key"] for row in self.rows()} if (self.folder / "rows.csv").exists() else {}
        with (self.folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["id", *self.columns, "key"], restval="")
            writer.writeheader()
            writer.writerows({"key": keys.get(row["id"], ""), **row} for row in rows)

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "rows.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def values(self) -> list[tuple[str, ...]]:
        """The named columns of each row."""
        return [tuple(row[name] for name in self.columns) for row in self.rows()]
