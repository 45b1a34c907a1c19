"""Value maps in a table beside the project file: `map: {file: …}`."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from project_files import flow_file, loaded, problems

from accord.config.load import load, mapping_version
from accord.config.meaning import MapTable, Project, Row
from accord.core.mapping import FlowMap
from accord.errors import ValueRefused

COUNTRIES = "pms,erp\nNO,Norge\nSE,Sverige\nDK,Danmark\n"
ROW = "erp: task\nrows:\n  - {{pms: country, erp: land{more}, map: {{file: {file}{map}}}}}\n"


def body(file: str = "countries.csv", map: str = "", more: str = "") -> str:
    return flow_file(ROW.format(file=file, map=f", {map}" if map else "", more=f", {more}" if more else ""))


def table(folder: Path, text: str = COUNTRIES, name: str = "countries.csv") -> None:
    (folder / name).write_text(text, "utf-8")


def the_row(folder: Path, **written: str) -> Row:
    return loaded(folder, body(**written)).flows["task"].rows[0]


def codecs(folder: Path, **written: str) -> Any:
    project = loaded(folder, body(**written))
    sides = FlowMap(project, project.flows["task"]).sides
    return sides["pms"].rows["country"], sides["erp"].rows["country"]


def test_the_columns_are_called_like_the_systems(tmp_path: Path) -> None:
    table(tmp_path)
    row = the_row(tmp_path)
    assert row.maps == {
        "pms": {"NO": "NO", "SE": "SE", "DK": "DK"},
        "erp": {"NO": "Norge", "SE": "Sverige", "DK": "Danmark"},
    }
    assert row.table == MapTable(file="countries.csv", lines=3)


def test_both_ways(tmp_path: Path) -> None:
    """What is read in one system is written in the other as its line says."""
    table(tmp_path)
    pms, erp = codecs(tmp_path)
    assert erp.encode(pms.decode("SE")) == "Sverige"
    assert pms.encode(erp.decode("Danmark")) == "DK"
    with pytest.raises(ValueRefused, match="erp: land: 'Finland' is not one of the options that are mapped: Norge"):
        erp.decode("Finland")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("semicolons.csv", "code;navn;x\nNO;Norge;1\n\n SE ; Sverige ;2\n"),
        ("tabs.tsv", "x\tcode\tnavn\n1\tNO\tNorge\n2\tSE\tSverige\n"),
        ("quoted.csv", '\ufeffcode,navn\r\nNO,"Norge"\r\nSE,Sverige\r\n'),
        ("lines.jsonl", '{"code": "NO", "navn": "Norge"}\n\n{"navn": "Sverige", "code": "SE", "x": 1}\n'),
    ],
)
def test_forms_of_a_table(tmp_path: Path, name: str, text: str) -> None:
    """Blank lines, blanks around cells, a byte order mark and more columns do not count."""
    table(tmp_path, text, name)
    row = the_row(tmp_path, file=name, map="columns: {pms: code, erp: navn}")
    assert row.maps == {"pms": {"NO": "NO", "SE": "SE"}, "erp": {"NO": "Norge", "SE": "Sverige"}}


def test_a_sheet_of_an_excel_file(tmp_path: Path) -> None:
    """Numbers are as Excel shows them."""
    book = openpyxl.Workbook()
    page = book.create_sheet("Rates")
    for cells in [("pms", "erp"), ("low", 6), ("high", 12.5), (None, None), ("full", 25.0)]:
        page.append(cells)
    book.save(tmp_path / "rates.xlsx")
    row = the_row(tmp_path, file="rates.xlsx", map="sheet: Rates")
    assert row.maps["erp"] == {"low": 6, "high": Decimal("12.5"), "full": 25}
    (found,) = problems(tmp_path, body(file="rates.xlsx", map="sheet: Rate"))
    assert "has no sheet 'Rate'; it has Sheet, Rates" in found.message


WRONG = [
    ("pms,erp\nNO,Norge\nSE,Norge\n", "", 3, "'Norge' stands in the column 'erp' twice, first in line 2"),
    ("pms,erp\nNO,Norge\nNO,Noreg\n", "lossy: true", 3, "'NO' stands in the column 'pms' twice, first in line 2"),
    ("pms,erp\nNO,Norge\n\n,Sverige\n", "", 4, "the column 'pms' is empty"),
]


@pytest.mark.parametrize(("text", "map", "line", "said"), WRONG)
def test_a_wrong_line_is_named_with_its_number_in_the_table(
    tmp_path: Path, text: str, map: str, line: int, said: str
) -> None:
    table(tmp_path, text)
    (found,) = problems(tmp_path, body(map=map))
    assert (found.file, found.line, found.path) == (
        str(tmp_path / "countries.csv"),
        line,
        "flows.task.rows[0].map.file",
    )
    assert found.message == said


REFUSED = [
    ({"file": "nowhere.csv"}, "map.file", "nowhere.csv: there is no such file"),
    ({"map": "columns: {pms: pms, erp: ert}"}, "map.columns.erp", "'erp'"),
    ({"map": "columns: {pms: pms, crm: erp}"}, "map.columns.crm", "'crm' is not known"),
    ({"map": "columns: {pms: pms}"}, "map.columns", "two systems or more"),
    ({"map": "colums: {pms: pms}"}, "map.colums", "'columns'"),
    ({"map": "otherwise: past"}, "map.otherwise", "'pass'"),
    ({"map": "otherwise: {erp: Other}"}, "map.otherwise.erp", "read back as another value"),
    ({"map": "sheet: one"}, "map.file", "only an Excel file has sheets"),
]


@pytest.mark.parametrize(("written", "path", "said"), REFUSED)
def test_what_is_wrong_in_the_project_file_is_named_there(
    tmp_path: Path, written: dict[str, str], path: str, said: str
) -> None:
    table(tmp_path)
    found = [problem for problem in problems(tmp_path, body(**written)) if problem.path == f"flows.task.rows[0].{path}"]
    assert found
    assert said in str(found[0])
    assert found[0].line == 12


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"pms,erp\n\xff\xfe,x\n", "is not UTF-8 (byte 8)"),
        ("a.csv", b"pms,erp,pms\n", "two columns of one name"),
        ("a.csv", b'pms,erp\n"NO,Norge\n', "line 2"),
        ("a.csv", b"one,two\nNO,Norge\n", "no columns that are called like two systems"),
        ("a.jsonl", b'{"pms": "NO", "erp": ["Norge"]}\n', "line 1 has a list or an object as a value"),
        ("a.jsonl", b"[1]\n", "line 1 is no JSON object"),
        ("a.xlsx", b"no excel", "is no Excel file"),
        ("a.csv", b"pms,erp\n" + b"x" * 16_000_000, "more than 16 MB"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    found = problems(tmp_path, body(file=name))
    assert [said in problem.message for problem in found] == [True]


def test_many_to_one_that_is_declared(tmp_path: Path) -> None:
    """The first line is read back, and the value that the other system keeps for it is no edit."""
    table(tmp_path, "pms,erp\nred,warm\norange,warm\nblue,cold\n")
    pms, erp = codecs(tmp_path, map="lossy: true")
    assert (erp.encode("orange"), erp.decode("warm"), pms.encode("red")) == ("warm", "red", "red")


def test_a_value_that_passes(tmp_path: Path) -> None:
    """As it is, both ways; except where the other way would read it as something else."""
    table(tmp_path)
    pms, erp = codecs(tmp_path, map="otherwise: pass")
    assert (erp.encode(pms.decode("FI")), pms.encode(erp.decode("FI"))) == ("FI", "FI")
    with pytest.raises(ValueRefused, match="'Norge'"):
        erp.encode("Norge")
    with pytest.raises(ValueRefused, match="'NO'"):
        erp.decode("NO")


def test_a_value_that_is_written_as_another(tmp_path: Path) -> None:
    """Only where the row leads away: it would come back as something else."""
    table(tmp_path)
    _, erp = codecs(tmp_path, map="otherwise: {erp: Annet}", more="direction: pms -> erp")
    assert (erp.encode("FI"), erp.encode("NO")) == ("Annet", "Norge")


def test_people_are_found_whatever_the_case_of_their_addresses(tmp_path: Path) -> None:
    """As their types compare them; two lines that are the same but for that are refused."""
    table(tmp_path, "pms,erp\nKari@Example.org,KN\nola@example.org,ON\n", "people.csv")
    pms, erp = codecs(tmp_path, file="people.csv", more="type: person")
    assert (erp.encode(pms.decode("kari@example.org")), pms.encode(erp.decode("kn"))) == ("KN", "Kari@Example.org")
    table(tmp_path, "pms,erp\nkari@example.org,KN\nKari@example.org,KO\n", "people.csv")
    (found,) = problems(tmp_path, body(file="people.csv", more="type: person"))
    assert found.line == 3


def test_numbers_in_a_system_are_the_text_of_the_table(tmp_path: Path) -> None:
    """A CSV file has no numbers: 47 and "47" are one option."""
    table(tmp_path, "pms,erp\nNO,47\nSE,46\n")
    _, erp = codecs(tmp_path)
    assert (erp.decode(47), erp.encode("SE", like=47)) == ("NO", 46)


def test_an_empty_cell_has_no_counterpart(tmp_path: Path) -> None:
    """It is held, and not blank."""
    table(tmp_path, "pms,erp\nNO,Norge\nFI,\n")
    _, erp = codecs(tmp_path)
    with pytest.raises(ValueRefused, match="'FI'"):
        erp.encode("FI")


def test_another_table_is_another_mapping(tmp_path: Path) -> None:
    """The digest of what is read changes with the table, and with what becomes of other values."""

    def version(project: Project) -> str:
        return mapping_version(project, "task")

    table(tmp_path)
    file = tmp_path / "accord.yaml"
    before = version(loaded(tmp_path, body()))
    assert version(load(file)) == before
    table(tmp_path, COUNTRIES + "FI,Finland\n")
    assert version(load(file)) != before
    table(tmp_path, COUNTRIES.replace("Norge", "Noreg"))
    assert version(load(file)) != before
    table(tmp_path)
    assert version(loaded(tmp_path, body(map="otherwise: pass"))) != before


def test_an_option_that_is_called_file_is_an_option(tmp_path: Path) -> None:
    """Only a name with the ending of a table is one."""
    row = loaded(tmp_path, flow_file("erp: task\nrows:\n  - {pms: kind, erp: art, map: {file: F, folder: D}}\n"))
    assert row.flows["task"].rows[0].maps["erp"] == {"file": "F", "folder": "D"}
