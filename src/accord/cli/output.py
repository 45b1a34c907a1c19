"""What goes to the screen or to a script: JSON, tables, notes. Everything passes `clean`, which blots out secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

REDACTED = "***"
SHORTEST_WITHIN_TEXT = 4
"""A shorter secret is blotted out only where it is the whole text: within texts it would hit chance words."""
PIPE_WIDTH = 120
NARROW = 14
"""A column whose cells are all this short is never folded; the wider ones give way."""
_UNSEEN = {number: f"\\x{number:02x}" for number in (*range(32), *range(127, 160)) if number not in (9, 10)}


@dataclass(slots=True)
class Output:
    """Standard output and standard error of one command."""

    json: bool = False
    secrets: frozenset[str] = field(default_factory=frozenset)
    _consoles: dict[bool, Any] = field(default_factory=dict)

    def clean(self, value: Any) -> Any:
        """The value with every secret in its texts blotted out."""
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, dict):
            return {self.clean(key): self.clean(item) for key, item in value.items()}
        return [self.clean(item) for item in value] if isinstance(value, list | tuple) else value

    def _clean_text(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            if text == secret:
                return REDACTED
            if len(secret) >= SHORTEST_WITHIN_TEXT:
                text = text.replace(secret, REDACTED)
        return text

    def text(self, value: Any) -> str:
        """A text that is safe on a terminal: no secrets, and no control characters."""
        cleaned: str = self._clean_text(str(value))
        return cleaned.translate(_UNSEEN)

    def document(self, value: Any) -> None:
        """One JSON document on standard output, indented for those who look at it on a terminal."""
        self._write(value, pretty=sys.stdout.isatty())

    def line(self, value: Any) -> None:
        """One JSON object in a line."""
        self._write(value, pretty=False)

    def _write(self, value: Any, *, pretty: bool) -> None:
        import msgspec

        content = msgspec.json.Encoder(decimal_format="number").encode(self.clean(value))
        if pretty:
            content = msgspec.json.format(content, indent=2)
        sys.stdout.write(content.decode() + "\n")

    def raw(self, text: str) -> None:
        """Text as it is, such as a document, on standard output."""
        sys.stdout.write(self._clean_text(text))

    def say(self, *lines: RenderableType) -> None:
        """Lines or tables for a person, on standard output."""
        for line in lines:
            self._print(self.console, line)

    def note(self, *lines: str) -> None:
        """Lines for a person on standard error, where they do not disturb a script."""
        for line in lines:
            self._print(self.errors, line)

    def _print(self, console: Console, line: RenderableType) -> None:
        """A line of text is folded under its own indentation on a terminal, and never elsewhere."""
        from rich.padding import Padding
        from rich.text import Text

        if not isinstance(line, str):
            console.print(line, soft_wrap=isinstance(line, Text) and not console.is_terminal)
            return
        text = self.text(line)
        inner = text.lstrip(" ")
        if not console.is_terminal:
            console.print(Text(text), soft_wrap=True)
        else:
            console.print(Padding.indent(Text(inner), len(text) - len(inner)))

    @property
    def console(self) -> Console:
        """Standard output."""
        return self._console(errors=False)

    @property
    def errors(self) -> Console:
        """Standard error."""
        return self._console(errors=True)

    def _console(self, *, errors: bool) -> Console:
        if errors not in self._consoles:
            from rich.console import Console

            stream = sys.stderr if errors else sys.stdout
            width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
            self._consoles[errors] = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
        console: Console = self._consoles[errors]
        return console

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
        """A table whose cells are folded, never cut. A column whose name begins with `#` holds numbers."""
        grid = self.grid(columns, rows)
        if title:
            self.say(self.heading(title))
        self.console.print(grid)

    def grid(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
        """The table itself."""
        from rich import box
        from rich.table import Table

        grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False, padding=(0, 1, 0, 0))
        lines = [[self.cell(value) for value in row] for row in rows]
        for number, name in enumerate(columns):
            narrow = all(line[number].cell_len <= NARROW for line in lines)
            justify: Literal["right", "left"] = "right" if name.startswith("#") else "left"
            grid.add_column(name.lstrip("#"), justify=justify, overflow="fold", no_wrap=narrow)
        for line in lines:
            grid.add_row(*line)
        return grid

    def heading(self, text: str) -> RenderableType:
        """A heading."""
        from rich.text import Text

        return Text(f"\n{self.text(text)}", style="bold")

    def cell(self, value: Any) -> Text:
        """A cell; of None an empty one."""
        from rich.text import Text

        return Text("" if value is None else self.text(value))


def shown(value: Any, *, most: int = 200) -> str:
    """A value as people read it: texts as they are where they cannot be mistaken, everything else as JSON."""
    import msgspec

    if value is None:
        return "–"
    if isinstance(value, dict) and len(value) == 1 and ("link" in value or "unlinked" in value):
        text = f"link {value['link']}" if "link" in value else str(value["unlinked"])  # a reference
    elif isinstance(value, str) and value and value == value.strip():
        text = value.replace("\n", "⏎")
    else:
        text = msgspec.json.Encoder(decimal_format="number").encode(value).decode()
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short_ref(ref: str | None) -> str:
    """`custompms/customer/17` as people say it: `custompms/customer 17`."""
    if ref is None:
        return "new"
    from urllib.parse import unquote

    head, _, id = ref.rpartition("/")
    return f"{head} {unquote(id)}"


def person_ref(ref: str) -> str:
    """`custompms/customer/17` where the datatype is plain: `custompms 17`."""
    from urllib.parse import unquote

    system, _, rest = ref.partition("/")
    return f"{system} {unquote(rest.rpartition('/')[2])}"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 write`, `2 writes`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
