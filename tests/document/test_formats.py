"""The three formats hold what the document holds, whatever the file's titles, paths and values are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from docutils import nodes
from docutils.core import publish_doctree
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from accord.config.meaning import Project
from accord.document.dataflow import describe
from accord.document.parts import Check, Document, Section, Table
from accord.document.render import Format, file_name, render, stale
from accord.document.wording import literal, plain, shortened
from accord.errors import UsageError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FORMATS: tuple[Format, ...] = ("rst", "md", "html")
HOSTILE = [
    "**bold** *it* _under_ under_ __two__ `code` ``lit`` |sub| [1]_ [x](y) <b>&amp;</b> & \\ \\| \\\\",
    "1. first",
    "- item",
    "+ item",
    "* item",
    "# head #",
    "A. letter",
    "(i) roman",
    "> quote",
    ">>> doctest",
    ".. note:: x",
    ".. _x: y",
    ":field: value",
    "====",
    "---",
    "|---|",
    "--option",
    "/V",
    "ends with::",
    "::",
    "ends with \\",
    "__",
    "[ ] task",
    "$x^2$ ~~gone~~ ~~~",
    "客户 项目 課題 고객",
    "عميل ‏مشروع",
    "\u202eevil",
    "👩‍👩‍👧 🎉",
    "e\u0301 combining",
    "line one\nline two\r\nthree\ttab\x85next\u2028sep",
    "null\x00 bell\x07 \ud800",
    "https://user:pass@host/a_b*c and mail a_b@example.org",
    "{{ document }} {% raw %} <script>alert(1)</script>",
    "x" * 25_000,
    ("a.b_" * 9 + " ") * 700,
    "",
]


def every_cell(text: str) -> Document:
    """A document that has the text everywhere."""
    text, heading = plain(text), shortened(plain(text))
    grid = Table(
        title=heading or "Table", header=(text or "x", text, "Custom Data Type"), rows=((text, "", text), (text,) * 3)
    )
    empty = replace(grid, title="Empty", rows=())
    check = Check(id=text or "id", text=text or "text")
    section = Section(
        heading=heading or "Heading", body=(text or "x", grid, empty, text or "y"), checklist=(check, check)
    )
    return Document(title=heading or "Title", introduction=(text or "Hello", "Second"), sections=(section, section))


Grid = list[tuple[str, ...]]


def rst_tables(text: str) -> list[Grid]:
    tree = publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 2})
    return [
        [tuple(entry.astext() for entry in row.findall(nodes.entry)) for row in table.findall(nodes.row)]
        for table in tree.findall(nodes.table)
    ]


def rst_headings(text: str) -> list[str]:
    tree = publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 2})
    return [tree["title"], *(section[0].astext() for section in tree.findall(nodes.section))]


def text_of(token: Token) -> str:
    return "".join(child.content for child in token.children or ())


def markdown_tables(text: str) -> list[Grid]:
    tables: list[Grid] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        match token.type:
            case "table_open":
                tables.append([])
            case "tr_open":
                tables[-1].append(())
            case "inline" if token.level > 3:
                tables[-1][-1] += (text_of(token),)
    return tables


class Page(HTMLParser):
    """Tables, headings and check boxes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[Grid] = []
        self.headings: list[str] = []
        self.boxes = 0
        self.scripts = 0
        self._cell: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.boxes += tag == "input"
        self.scripts += tag == "script"
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(())
        elif tag in ("td", "th", "h1", "h2"):
            self._cell = ""

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.tables[-1][-1] += (self._cell or "",)
        elif tag in ("h1", "h2"):
            self.headings.append(self._cell or "")
        if tag in ("td", "th", "h1", "h2"):
            self._cell = None


def grids(document: Document, *, blank_row: bool = False) -> list[Grid]:
    """The tables of a document; docutils needs a row, so that a table without rows has one of empty cells there."""
    return [
        [table.header, *(table.rows or ([("",) * len(table.header)] if blank_row else []))] for table in document.tables
    ]


def assert_same_everywhere(document: Document) -> None:
    text = {format: render(document, format, generated=NOON) for format in FORMATS}
    page = Page(text["html"])
    headings = [document.title, *(section.heading for section in document.sections)]
    assert rst_tables(text["rst"]) == grids(document, blank_row=True)
    assert markdown_tables(text["md"]) == page.tables == grids(document)
    assert page.headings == headings
    assert rst_headings(text["rst"]) == headings
    assert page.boxes == sum(len(section.checklist) for section in document.sections)
    assert page.scripts == 0


def test_the_seed_reads_back_from_all_three_formats(seed: Project) -> None:
    for source, target in (("custompms", "customerp"), ("customerp", "custompms")):
        assert_same_everywhere(describe(seed, source, target))


def test_a_file_that_says_everything_reads_back(rich: Project) -> None:
    assert_same_everywhere(describe(rich, "custompms", "customerp"))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_reads_back(text: str) -> None:
    assert_same_everywhere(every_cell(text))


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.one_of(st.characters(), st.sampled_from("\\*_`|:.-+=#[]()<>&~!$ 1a")), max_size=40))
def test_any_text_reads_back(text: str) -> None:
    assert_same_everywhere(every_cell(text))


def test_hostile_titles_and_paths_in_the_file_read_back(rich: Project) -> None:
    for text in HOSTILE[:-1]:
        flow = rich.flows["rich"]
        first = replace(flow.rows[0], paths={"custompms": text, "customerp": text}, description=text)
        systems = {name: replace(system, title=text) for name, system in rich.systems.items()}
        hostile = replace(rich, systems=systems, flows={"rich": replace(flow, rows=(first,))})
        assert_same_everywhere(describe(hostile, "custompms", "customerp"))


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_of_yesterday_is_not_stale_for_its_date(seed: Project, format: Format) -> None:
    document = describe(seed, "custompms", "customerp")
    old, new = (render(document, format, generated=at) for at in (NOON - timedelta(days=1), NOON))
    assert old != new
    assert not stale(old.replace("\n", "\r\n"), new)


@pytest.mark.parametrize("format", FORMATS)
def test_a_document_of_an_older_file_is_stale(seed: Project, format: Format) -> None:
    older = replace(seed, flows={"task": seed.flows["task"]})
    old, new = (render(describe(p, "custompms", "customerp"), format, generated=NOON) for p in (older, seed))
    assert stale(old, new)


@pytest.mark.parametrize("format", FORMATS)
def test_the_time_is_written_in_utc(seed: Project, format: Format) -> None:
    assert "Generated on 2026-11-23 12:00 UTC" in render(
        describe(seed, "custompms", "customerp"), format, generated=NOON
    )


def test_the_page_needs_nothing_from_elsewhere(seed: Project) -> None:
    text = render(describe(seed, "custompms", "customerp"), "html", generated=NOON)
    assert "http" not in text
    assert "src=" not in text


def test_the_file_is_named_after_the_direction(seed: Project) -> None:
    assert file_name(seed, "custompms", "customerp", "rst") == "custompms-to-customerp.rst"
    with pytest.raises(UsageError):
        file_name(seed, "custompms", "sap", "rst")


def test_a_system_name_cannot_leave_the_folder(seed: Project) -> None:
    odd = replace(seed, systems={**seed.systems, "../a b": seed.systems["custompms"]})
    assert file_name(odd, "../a b", "customerp", "md") == "a-b-to-customerp.md"


@pytest.mark.parametrize(
    ("value", "shown"),
    [("A", "A"), ("1", '"1"'), (1, "1"), ("", '""'), (None, "null"), (True, "true"), ("true", '"true"'), ([1], "[1]")],
)
def test_values_that_look_alike_are_told_apart(value: object, shown: str) -> None:
    assert literal(value) == shown
