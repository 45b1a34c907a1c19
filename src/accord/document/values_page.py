"""The tables of docs/reference/types-and-lenses.md, made from the code: `make schema` writes them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from accord.config.kinds import parse_type
from accord.config.meaning import LensSpec, Row, System
from accord.errors import AccordError
from accord.model import json_text
from accord.values.codec import Codec, codec
from accord.values.descriptions import LENSES, TYPES, LensTold, TypeTold
from accord.values.types import row_type

BOTH = frozenset({"there"})
BLOCK = "<!-- {name}: made by `make schema` -->\n"
END = "<!-- end -->\n"


def row_of(kind: str, lens: tuple[str, Any] | None = None) -> Row:
    """A row of one system, as the examples have it."""
    lenses = {"there": (LensSpec(name=lens[0], argument=lens[1]),)} if lens is not None else {}
    return Row(name="x", paths={"there": "x"}, type=parse_type(kind), sources=BOTH, targets=BOTH, lenses=lenses)


def codec_of(row: Row) -> Codec:
    """Its codec, in a system that tells nothing of itself."""
    return codec(row, System(name="there", title="there", connector="rest", datatypes={}), None)


def example_of(row: Row, sample: Any) -> str:
    """`"12.50" → 12.50`: what a native is read as; and what is written for that where it is another native."""
    reader = codec_of(row)
    value = reader.decode(sample)
    back = reader.encode(value, sample)
    told = row_type(row).to_json(value) if row.reference is None else value
    more = "" if json_text(back) == json_text(sample) or row.reference is not None else f" → `{json_text(back)}`"
    return f"`{json_text(sample)}` → `{json_text(told)}`{more}"


def refusal_of(row: Row, refused: Any) -> str | None:
    """What is said of a native that is refused; None where nothing is."""
    try:
        codec_of(row).decode(refused)
    except AccordError as error:
        return error.message.removeprefix("there: x: ")
    return None


def type_rows() -> Iterator[tuple[str, ...]]:
    """One line for each type."""
    for told in TYPES.values():
        example = example_of(row_of(told.spec), told.sample)
        yield (
            told.forms,
            told.decode,
            told.equal,
            told.encode,
            _refuses(told, row_of(told.spec)),
            told.empty,
            told.law,
            example,
        )


def lens_rows() -> Iterator[tuple[str, ...]]:
    """One line for each lens."""
    for name, told in LENSES.items():
        row = row_of(told.kind, (name, told.argument))
        law = f"{told.law} (`lossy: true`)" if told.lossy else told.law
        yield (told.forms, told.read, told.write, _refuses(told, row), law, example_of(row, told.sample))


def _refuses(told: TypeTold | LensTold, row: Row) -> str:
    said = refusal_of(row, told.refused) if told.refused is not None else None
    return told.refuses if said is None else f"{told.refuses}: *{said}*"


def example_file() -> str:
    """A whole project file with one row for each type and each lens."""
    lines = [
        "accord: 1",
        "systems:",
        "  here: {connector: file, datatypes: {customer: {path: customers.jsonl}, thing: {path: here.jsonl}}}",
        "  there: {connector: file, datatypes: {customer: {path: clients.jsonl}, thing: {path: there.jsonl}}}",
        "flows:",
        "  customer: {here: customer, there: customer, rows: [{here: name, there: name}]}",
        "  thing:",
        "    here: thing",
        "    there: thing",
        "    rows:",
    ]
    for name, told in TYPES.items():
        lines.append(f'      - {{here: {name}, there: {name}_there, type: "{told.spec}"}}')
    for name, lens in LENSES.items():
        argument = {name: lens.argument, **({"lossy": True} if lens.lossy else {})}
        lines.append(
            f'      - {{here: by_{name}, there: to_{name}, type: "{lens.kind}", lens: {{there: {_yaml(argument)}}}}}'
        )
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(item)}" for key, item in value.items()) + "}"
    return str(value) if isinstance(value, Decimal) else json_text(value)


TYPE_HEADER = (
    "type",
    "decode: a value is read from",
    "compare: equal when",
    "encode: written as",
    "refuses",
    "empty",
    "law",
    "example",
)
LENS_HEADER = ("lens", "read (from the system)", "write (to the system)", "refuses", "law", "example")


def _table(header: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines)


def written(page: str) -> str:
    """A page with its generated blocks made anew."""
    blocks = {
        "types": _table(TYPE_HEADER, type_rows()),
        "lenses": _table(LENS_HEADER, lens_rows()),
        "examples": f"```yaml accord\n{example_file()}```\n",
    }
    for name, body in blocks.items():
        start = BLOCK.format(name=name)
        pattern = re.escape(start) + r".*?" + re.escape(END)
        found = re.sub(pattern, lambda _, new=f"{start}\n{body}\n{END}": new, page, count=1, flags=re.S)  # type: ignore[misc]
        if start not in page:
            raise ValueError(f"the page has no block {name!r}")
        page = found
    return page


def main(file: Path) -> None:
    """Write the page."""
    file.write_text(written(file.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
