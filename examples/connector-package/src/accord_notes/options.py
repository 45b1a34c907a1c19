"""The keys of a project file that this connector takes besides the common ones."""

from typing import Annotated

from pydantic import AfterValidator

from accord.config.kinds import refuse
from accord.config.schema import DatatypeModel, LocalPath, SystemModel


def _below(value: str) -> str:
    if value.startswith("/") or ".." in value.split("/"):
        refuse("not a folder below that of the system", allowed="a name such as tasks, or a/b")
    return value


class NotesSystem(SystemModel):
    """`folder`: where the folders of the datatypes are."""

    folder: LocalPath


class NotesDatatype(DatatypeModel):
    """`folder`: below that of the system; by default the datatype's name. `body`: the property of the text itself."""

    folder: Annotated[str, AfterValidator(_below)] | None = None
    body: str = "body"
