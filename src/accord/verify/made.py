"""What `verify --live` has made and not yet removed, noted in a file beside the state."""

from __future__ import annotations

import json
from pathlib import Path

from accord.config.meaning import Project
from accord.model import Ref


def notes_file(project: Project) -> Path:
    """Where the records that were made are noted until they are removed."""
    place = Path(project.state.removeprefix("sqlite:///"))
    return place.with_name(place.name + ".live")


def note_down(project: Project, ref: Ref) -> None:
    """Note a record, at once and as a whole."""
    file = notes_file(project)
    noted = json.loads(file.read_text("utf-8")) if file.exists() else []
    fresh = file.with_name(file.name + ".new")
    fresh.write_text(json.dumps([*noted, str(ref)]), "utf-8")
    fresh.chmod(0o600)
    fresh.replace(file)
