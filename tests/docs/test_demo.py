"""There is one demonstration project: the example, and what `accord init --from demo` and `accord demo` write."""

from __future__ import annotations

from itertools import dropwhile

from accord.cli.starting import from_preset
from tests.docs.pages import ROOT


def without_heading(text: str) -> list[str]:
    """The lines after the comment at the top."""
    return list(dropwhile(lambda line: line.startswith("#"), text.splitlines()))


def test_the_preset_is_the_example() -> None:
    """Apart from the comment at the top. The example is the master; copy it to the preset."""
    example = (ROOT / "examples" / "demo" / "accord.yaml").read_text("utf-8")
    assert without_heading(from_preset("demo").project) == without_heading(example)
