"""Wrong mappings, each found for what is wrong with it; right ones, near to them, of which nothing is said."""

from pathlib import Path

import pytest

from accord.config.load import load
from accord.engine.checking import Finding, check_offline
from accord.errors import ProjectFileError
from accord.simulate.findings import with_laws

HERE = Path(__file__).parent
ROW = "flows.task.rows[0]"


def said(file: Path) -> list[Finding]:
    """What `accord check --offline` says of a project file; a file that does not load is an error of kind `file`."""
    try:
        project = load(file)
    except ProjectFileError as error:
        return [Finding(level="error", kind="file", where=one.path, message=one.message) for one in error.problems]
    return list(with_laws(project, check_offline(project)).findings)


def files(folder: str) -> list[Path]:
    """The planted mappings."""
    return sorted((HERE / folder).glob("*.yaml"))


def test_there_are_forty_of_each() -> None:
    """And every type and lens is among the right ones."""
    assert (len(files("wrong")) >= 40, len(files("right")) >= 40) == (True, True)


@pytest.mark.parametrize("file", files("wrong"), ids=lambda file: file.stem)
def test_a_wrong_mapping_is_found(file: Path) -> None:
    """For the row that is wrong, and for the reason that its heading names."""
    kind = file.read_text("utf-8").split("# finds: ")[1].split("\n")[0]
    found = [(one.kind, one.where.startswith(ROW)) for one in said(file)]
    assert (kind, True) in found, said(file)


@pytest.mark.parametrize("file", files("right"), ids=lambda file: file.stem)
def test_a_right_mapping_is_left_alone(file: Path) -> None:
    """No error, and no warning."""
    assert said(file) == []
