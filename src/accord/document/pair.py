"""One flow seen from one system towards another: the words and facts that all parts of a section share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from accord.config.meaning import Datatype, Flow, Project, Row, Side, System
from accord.document.wording import literal, plain, shortened, without_secrets


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A flow, and the two of its sides that a section is about."""

    project: Project
    flow: Flow
    source: Side
    target: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        """The source, then the target."""
        return self.source, self.target

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that name a property on both sides."""
        return tuple(row for row in self.flow.rows if all(side.system in row.paths for side in self.sides))

    def system(self, side: Side) -> System:
        """The system of a side."""
        return self.project.systems[side.system]

    def datatype(self, side: Side) -> Datatype:
        """The datatype of a side."""
        return self.project.datatype(side.system, side.datatype)

    def record(self, side: Side) -> str:
        """What a record of a side is called: the title of its datatype."""
        return title(self.datatype(side).title, self.project)

    def place(self, side: Side) -> str:
        """The title of a side's system."""
        return self.system_title(side.system)

    def system_title(self, name: str) -> str:
        """The title of any system of the project."""
        return system_title(self.project, name)

    def text(self, text: str) -> str:
        """Text of the project file, fit to be shown."""
        return plain(without_secrets(text, self.project.secrets))

    def value(self, value: Any) -> str:
        """A value of the project file, fit to be shown."""
        return literal(without_secrets(value, self.project.secrets))

    def creatable(self, side: Side) -> bool:
        """Whether Accord may create records on a side."""
        return side.create and not self.system(side).read_only

    def editable(self, side: Side) -> bool:
        """Whether Accord may edit records on a side."""
        return side.update and not self.system(side).read_only

    def deletable(self, side: Side) -> bool:
        """Whether Accord may delete records on a side."""
        return side.delete and not self.system(side).read_only

    def carries(self, row: Row, start: Side, end: Side) -> bool:
        """Whether an edit of a row is carried from one side to the other."""
        heard = start.system in row.sources and row.enforce in (None, start.system)
        return heard and end.system in row.targets and self.editable(end)

    def forward(self, row: Row) -> bool:
        """Whether edits go from the source to the target."""
        return self.carries(row, self.source, self.target)

    def backward(self, row: Row) -> bool:
        """Whether edits go from the target to the source."""
        return self.carries(row, self.target, self.source)


def title(text: str, project: Project) -> str:
    """The title of a system or a datatype, fit to be shown; a very long one is cut."""
    return shortened(plain(without_secrets(text, project.secrets)))


def system_title(project: Project, name: str) -> str:
    """The title of a system, fit to be shown."""
    system = project.systems.get(name)
    return title(system.title if system else name, project)
