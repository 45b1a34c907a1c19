"""A verification for others: JUnit XML for continuous integration, and one HTML page to print and to sign."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from accord.verify.results import Difference, Line, Part, Verification

MOST = 200
"""Differences that a page or a test case shows."""
WORDS = {"passed": "passed", "failed": "differs", "held": "held", "not_tried": "not tried"}


def junit(found: Verification) -> str:
    """A suite for each flow and direction, a case for each line. Held and untried lines count as skipped.

    The dialect that Jenkins and GitLab read.
    """
    counts = found.counts()
    root = ET.Element(
        "testsuites",
        name=found.title,
        tests=str(len(found.lines)),
        failures=str(counts["failed"]),
        errors=str(len(found.errors)),
        skipped=str(counts["held"] + counts["not_tried"]),
    )
    for part in found.parts:
        _suite(root, part, found.started)
    if found.errors:
        number = str(len(found.errors))
        suite = ET.SubElement(root, "testsuite", name="systems", tests=number, errors=number)
        for error in found.errors:
            case = ET.SubElement(suite, "testcase", classname="systems", name=error["system"])
            ET.SubElement(case, "error", message=xml_text(error["message"]), type=error["kind"])
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, part: Part, started: str) -> None:
    failed = sum(line.outcome == "failed" for line in part.lines)
    skipped = sum(line.outcome in ("held", "not_tried") for line in part.lines)
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{part.flow}: {part.source} to {part.target}",
        tests=str(len(part.lines)),
        failures=str(failed),
        errors="0",
        skipped=str(skipped),
        timestamp=started,
    )
    for line in part.lines:
        _case(suite, part, line)


def _case(suite: ET.Element, part: Part, line: Line) -> None:
    case = ET.SubElement(suite, "testcase", classname=f"{part.source}.{part.target}", name=line.id)
    if line.outcome == "failed":
        failure = ET.SubElement(case, "failure", message=xml_text(line.message), type="difference")
        failure.text = xml_text("\n".join(told(one) for one in line.differences[:MOST]) or line.message)
    elif line.outcome != "passed":
        ET.SubElement(case, "skipped", message=xml_text(f"{WORDS[line.outcome]}: {line.message}"))


def xml_text(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(letter for letter in text if letter in "\t\n" or _fits(ord(letter)))


def _fits(number: int) -> bool:
    return number >= 32 and not 0xD800 <= number < 0xE000 and number not in (0xFFFE, 0xFFFF)


def told(one: Difference) -> str:
    """A difference in a line."""
    values = ", ".join(f"{system} {value!r}" for system, value in one.values.items())
    return f"{' and '.join(one.refs)}: {one.message}" + (f": {values}" if values else "")


def page(found: Verification, generated: str) -> str:
    """One page that needs nothing else, with a place for names and dates."""
    return _template().render(found=found, generated=generated, words=WORDS, most=MOST, counts=found.counts())


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("accord.verify"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("verification.html")
