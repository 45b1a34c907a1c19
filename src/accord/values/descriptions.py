"""What each type and lens does, in words: the table of docs/reference/types-and-lenses.md is made from this.

Samples are natives: the page shows what the code makes of them, and a test asks the code again.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

TEXT_LAW = "any text comes back as it was"
SAME = "what is written is read again; writing back changes nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeTold:
    """One type."""

    forms: str
    """How it is written in a row."""
    decode: str
    equal: str
    encode: str
    refuses: str
    empty: str
    law: str
    spec: str
    """An example of it in a row."""
    sample: Any
    refused: Any = None
    """A native that it does not take; None where it takes everything that JSON has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LensTold:
    """One lens."""

    forms: str
    read: str
    write: str
    refuses: str
    law: str
    kind: str
    """The row type of the example."""
    argument: Any
    sample: Any
    refused: Any = None
    lossy: bool = False
    """Whether the example loses something, and must say so."""


def _text(**more: Any) -> TypeTold:
    told: dict[str, Any] = {
        "decode": "text; numbers and booleans as JSON writes them",
        "equal": "same characters (Unicode NFC)",
        "encode": "text; a number where the property is one and nothing of it is lost",
        "refuses": "lists and objects",
        "empty": '`""`, blanks',
        "law": TEXT_LAW,
        "refused": ["a"],
        "sample": "Ås",
    }
    return TypeTold(**{**told, **more})


TYPES: dict[str, TypeTold] = {
    "string": _text(forms="`string`", spec="string"),
    "text": _text(
        forms="`text`", spec="text", equal="as `string`; line ends do not count", sample="one\r\ntwo", law=TEXT_LAW
    ),
    "integer": TypeTold(
        forms="`integer`",
        decode="whole numbers, also as text",
        equal="same number",
        encode="a whole number; text where the property is text",
        refuses="fractions, what is no number, true and false",
        empty="null",
        law=SAME,
        spec="integer",
        sample="17",
        refused=Decimal("1.5"),
    ),
    "decimal": TypeTold(
        forms="`decimal`, `decimal(2)`",
        decode="numbers, also as text; never through binary floats",
        equal="same number, rounded half to even to that scale",
        encode="a number, rounded to the scale of the property (`check` names that); text where the property is text",
        refuses="what is no number",
        empty="null",
        law=SAME,
        spec="decimal(2)",
        sample="12.50",
        refused="twelve",
    ),
    "float": TypeTold(
        forms="`float`",
        decode="numbers; for measurements, never money",
        equal="same number",
        encode="a number",
        refuses="what is no number",
        empty="null",
        law=SAME,
        spec="float",
        sample=Decimal("0.25"),
        refused="much",
    ),
    "boolean": TypeTold(
        forms="`boolean`",
        decode="true and false, 1 and 0, yes and no, t and f, y and n, on and off",
        equal="same",
        encode="true or false, or the pair of words or numbers that the sample is of",
        refuses="anything else",
        empty="null",
        law=SAME,
        spec="boolean",
        sample="yes",
        refused="perhaps",
    ),
    "date": TypeTold(
        forms="`date`",
        decode="`2026-11-30`; of a time with offset, the date that it is in the system's zone",
        equal="same day",
        encode="in the form of the sample; midnight of the system's zone where the property is a time",
        refuses="what is no day of the calendar",
        empty="null",
        law=SAME,
        spec="date",
        sample="2026-11-30",
        refused="2026-02-30",
    ),
    "datetime": TypeTold(
        forms="`datetime`",
        decode="ISO 8601; without offset it is local time of the system's zone (one that summer time leaves out has "
        "the offset before it); a date alone is midnight",
        equal="same instant",
        encode="in the form, zone and resolution of the sample",
        refuses="what is no time",
        empty="null",
        law="what is written is read again to the sample's resolution; writing back changes nothing",
        spec="datetime",
        sample="2026-11-30T10:00:00+01:00",
        refused="2026-11-30T25:00",
    ),
    "time": TypeTold(
        forms="`time`",
        decode="time of day",
        equal="same",
        encode="in the form of the sample",
        refuses="what is no time of day",
        empty="null",
        law=SAME,
        spec="time",
        sample="08:30",
        refused="24:30",
    ),
    "duration": TypeTold(
        forms="`duration`",
        decode="`1:30`, `PT1H30M`, a number of seconds",
        equal="same length",
        encode="in the form of the sample",
        refuses="months and years, what is no length of time",
        empty="null",
        law=SAME,
        spec="duration",
        sample="PT1H30M",
        refused="long",
    ),
    "enum": _text(
        forms="`enum`, `enum(a, b)`",
        spec="enum(open, done)",
        decode="text; with options nothing else",
        equal="same characters",
        refuses="what is none of its options, or not in the row's `map`",
        empty='`""`',
        law="every option comes back; a map reads what it writes",
        sample="open",
        refused="closed",
    ),
    "money": TypeTold(
        forms="`money`, `money(NOK)`",
        decode="`12.50 NOK`, `{amount, currency}`; a bare number where the type names the currency",
        equal="same amount and currency",
        encode="in the form of the sample",
        refuses="an amount without currency",
        empty="null",
        law=SAME,
        spec="money(NOK)",
        sample="12.50 NOK",
        refused="12.50 kroner",
    ),
    "email": _text(
        forms="`email`", spec="email", decode="text", equal="case does not count", sample="Kari@Example.org"
    ),
    "phone": _text(
        forms="`phone`, `phone(NO)`",
        spec="phone(NO)",
        decode="text; the region is for numbers without country code",
        equal="same number; what is no phone number as text",
        sample="22 33 44 55",
    ),
    "url": _text(forms="`url`", spec="url", decode="text", equal="same characters", sample="https://example.org/a"),
    "country": _text(
        forms="`country`",
        spec="country",
        decode="ISO 3166 of two letters, in any case",
        equal="same code",
        encode="two letters; small ones where the sample has them",
        refuses="what is no code of a country",
        empty='`""`',
        law=SAME,
        sample="no",
        refused="XX",
    ),
    "language": _text(
        forms="`language`",
        spec="language",
        decode="`nb-NO`, `nb_no`",
        equal="case, and `-` or `_`, do not count",
        sample="nb_NO",
    ),
    "person": _text(
        forms="`person`",
        spec="person",
        decode="text, such as a name or an e-mail address",
        equal="case does not count",
        sample="kari@example.org",
    ),
    "reference": TypeTold(
        forms="`reference(flow)`",
        decode='the id, `{"id": 7}` or `[7, "name"]` of a record of that flow',
        equal="both point to the same link",
        encode="the id that the linked record has in the other system, as that system writes it",
        refuses="what is no id; waits while the record is in no link",
        empty="null",
        law="a reference that is written points to the linked record (P7)",
        spec="reference(customer)",
        sample=[7, "Ås"],
        refused=True,
    ),
    "list": TypeTold(
        forms="`list(type)`, `list of type`",
        decode="a list, in order; of objects with [`items`](project-file.md#lists-of-objects) element by element",
        equal="item by item",
        encode="a list",
        refuses="what is no list, and items that their type refuses; with `items` two of one key",
        empty="`[]`",
        law="as its items",
        spec="list(integer)",
        sample=[1, 2],
        refused="1, 2",
    ),
    "set": TypeTold(
        forms="`set(type)`, `set of type`",
        decode="a list, in any order",
        equal="the same items",
        encode="a list",
        refuses="as `list`",
        empty="`[]`",
        law="as its items",
        spec="set(string)",
        sample=["b", "a"],
        refused="a",
    ),
    "object": TypeTold(
        forms="`object`",
        decode="a JSON object",
        equal="as JSON; numbers as numbers",
        encode="the object",
        refuses="what is no object",
        empty="`{}`",
        law=SAME,
        spec="object",
        sample={"a": 1},
        refused=[1],
    ),
    "json": TypeTold(
        forms="`json`",
        decode="any JSON",
        equal="as JSON",
        encode="the same JSON",
        refuses="nothing",
        empty="null, `[]`, `{}`",
        law=SAME,
        spec="json",
        sample=[1, {"a": True}],
    ),
}

LENSES: dict[str, LensTold] = {
    "trim": LensTold(
        forms="`trim`",
        read="blanks at both ends go",
        write="the same",
        refuses="nothing",
        law="text without blanks at its ends comes back",
        kind="string",
        argument=None,
        sample=" Ås ",
        lossy=True,
    ),
    "case": LensTold(
        forms="`case: upper`, `case: lower`",
        read="as it is",
        write="in that case",
        refuses="nothing",
        law="text in that case comes back",
        kind="string",
        argument="upper",
        sample="ås",
        lossy=True,
    ),
    "round": LensTold(
        forms="`round: 2`",
        read="rounded half to even",
        write="rounded",
        refuses="what is no number",
        law="numbers of so many decimals come back",
        kind="decimal",
        argument=2,
        sample=Decimal("0.125"),
        refused="much",
        lossy=True,
    ),
    "truncate": LensTold(
        forms="`truncate: 30`",
        read="as it is",
        write="cut to so many characters, never between a letter and its marks",
        refuses="nothing",
        law="text that fits comes back",
        kind="string",
        argument=3,
        sample="Åsheim",
        lossy=True,
    ),
    "map": LensTold(
        forms="`map: {native: canonical}`",
        read="looked up",
        write="looked up backwards; the first of several",
        refuses="what is in neither",
        law="every value that stands there once comes back",
        kind="boolean",
        argument={"J": True, "N": False},
        sample="J",
        refused="K",
    ),
    "split": LensTold(
        forms='`split: ","` or `{by: ","}`',
        read="a text becomes a list, items trimmed",
        write="the list becomes a text",
        refuses="what is no text; items that hold the separator",
        law="items without separator and blanks at their ends come back",
        kind="list(string)",
        argument=",",
        sample="a, b",
        refused=7,
    ),
    "join": LensTold(
        forms='`join: ","` or `{by: ","}`',
        read="a list becomes a text",
        write="the text becomes a list",
        refuses="what is no list; items that hold the separator",
        law="a text whose parts are not empty and have no blanks at their ends comes back",
        kind="string",
        argument=",",
        sample=["a", "b"],
        refused="a",
    ),
    "scale": LensTold(
        forms="`scale: 60`",
        read="divided by it (minutes to hours)",
        write="multiplied by it",
        refuses="what is no number",
        law="numbers come back to the row's scale",
        kind="decimal(2)",
        argument=60,
        sample=90,
        refused="an hour",
    ),
    "date-format": LensTold(
        forms='`date-format: "%d.%m.%Y"`, `unix`, `unix_ms`',
        read="parsed, in the system's zone",
        write="written so",
        refuses="what is in another format",
        law="days and times come back as far as the format has a place for them",
        kind="date",
        argument="%d.%m.%Y",
        sample="30.11.2026",
        refused="2026-11-30",
    ),
    "phone": LensTold(
        forms="`phone: NO` or `{region: NO, format: national}`",
        read="to E.164; what is no phone number passes",
        write="`e164`, `international` or `national`",
        refuses="nothing",
        law="numbers come back as the same number",
        kind="phone(NO)",
        argument={"region": "NO", "format": "national"},
        sample="22 33 44 55",
    ),
    "country": LensTold(
        forms="`country: alpha3` (`alpha2`, `numeric`, `name`, `{name: nb}`)",
        read="to two letters",
        write="from two letters",
        refuses="what is no such code or name",
        law="every country comes back",
        kind="country",
        argument={"name": "nb"},
        sample="Norge",
        refused="Utopia",
    ),
    "strip-html": LensTold(
        forms="`strip-html`",
        read="HTML becomes text",
        write="text becomes HTML",
        refuses="nothing",
        law="text without blanks at its ends comes back; markup does not",
        kind="text",
        argument=None,
        sample="<p>Ås &amp; co</p>",
        lossy=True,
    ),
    "default": LensTold(
        forms="`default: value`",
        read='null and `""` become that value',
        write="as it is",
        refuses="nothing",
        law="everything that is not empty comes back",
        kind="string",
        argument="none",
        sample="",
        lossy=True,
    ),
    "expression": LensTold(
        forms="`expression: {read: …, write: …}`",
        read="the [expression](expressions.md) over `value`",
        write="the same; without one of the two that way is refused",
        refuses="what the expression cannot take",
        law="none: `check` tries it on a thousand values",
        kind="string",
        argument={"read": "value.upperAscii()", "write": "value.lowerAscii()"},
        sample="as",
        refused=7,
        lossy=True,
    ),
}
