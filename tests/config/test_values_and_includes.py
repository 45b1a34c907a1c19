"""What is filled in, from the environment, files and `.env`; what is included; what is secret; what is a caution."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from project_files import ENV, SEED, SMALL, loaded, problems

from accord.config.kinds import duration, rate
from accord.config.load import find_project_file, load
from accord.errors import Problem, ProjectFileError, UsageError


def test_env_file_beside_the_project_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# c\nexport A='one # not a comment'\nB=two # comment\nC=\"three\"\n", "utf-8")
    text = SMALL + "title: ${A}, ${B}, ${C}\n"
    assert loaded(tmp_path, text).title == "one # not a comment, two, three"
    assert loaded(tmp_path, text, B="zwei").title == "one # not a comment, zwei, three"


def test_a_value_may_come_from_a_file_and_is_then_a_secret(tmp_path: Path) -> None:
    (tmp_path / "token.txt").write_text("from-file\n", "utf-8")
    project = loaded(tmp_path, SEED.replace("${CUSTOMPMS_TOKEN}", "${file:token.txt}"))
    assert project.systems["custompms"].options["auth"]["token"] == "from-file"
    assert "from-file" in project.secrets
    found = problems(tmp_path, SEED.replace("${CUSTOMPMS_TOKEN}", "${file:tokn.txt}"))
    assert [(problem.line, problem.path) for problem in found] == [(10, "systems.custompms.auth.token")]


def test_a_value_may_come_from_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = pytest.importorskip("keyring")
    monkeypatch.setattr(keyring, "get_password", lambda service, user: f"{service}-{user}" if user == "anna" else None)
    project = loaded(tmp_path, SEED.replace("${CUSTOMPMS_TOKEN}", "${keyring:some/pms/anna}"))
    assert "some/pms-anna" in project.secrets
    found = problems(tmp_path, SEED.replace("${CUSTOMPMS_TOKEN}", "${keyring:pms/bert}"))
    assert "keyring set pms bert" in str(found[0])


def test_what_is_not_understood_in_a_placeholder_is_refused(tmp_path: Path) -> None:
    assert "${keyring:SERVICE/USER}" in str(problems(tmp_path, SMALL + "title: ${a-b}\n")[0])


def test_a_missing_variable_says_where_and_what_to_do(tmp_path: Path) -> None:
    found = problems(tmp_path, SMALL + "title: ${CUSTOMPMS_TOKN}\n")
    assert [(problem.line, problem.path) for problem in found] == [(11, "title")]
    assert "CUSTOMPMS_TOKEN?" in found[0].message
    assert ".env" in str(found[0].hint)


def test_a_doubled_dollar_is_text(tmp_path: Path) -> None:
    assert loaded(tmp_path, SMALL + "title: costs $${X}\n").title == "costs ${X}"


def test_a_literal_secret_is_a_caution_and_still_a_secret(tmp_path: Path) -> None:
    text = SEED.replace("${CUSTOMPMS_TOKEN}", "letmein").replace("${CUSTOMERP_URL}", "postgresql://a:hunter2@db/x")
    project = loaded(tmp_path, text)
    assert {(each.line, each.path) for each in project.warnings} == {
        (10, "systems.custompms.auth.token"),
        (18, "systems.customerp.url"),
    }
    assert project.secrets == {"letmein", "hunter2"}
    assert not any("letmein" in each.message or "hunter2" in each.message for each in project.warnings)


def test_credentials_over_http_to_another_host_are_a_caution(tmp_path: Path) -> None:
    project = loaded(tmp_path, SEED, CUSTOMPMS_URL="http://pms.example.org")
    assert [each.path for each in project.warnings] == ["systems.custompms.base_url"]


def test_a_token_that_is_asked_for_over_http_at_another_host_is_a_caution(tmp_path: Path) -> None:
    auth = "{type: oauth2_client_credentials, token_url: http://login.example.org/t, client_id: c, client_secret: s}"
    system = f"systems: {{s: {{connector: rest, base_url: https://erp.example.org, auth: {auth}, datatypes: {{}}}}}}"
    project = loaded(tmp_path, f"accord: 1\nflows: {{}}\n{system}\n")
    assert ("systems.s.auth", True) in [(each.path, "unencrypted" in each.message) for each in project.warnings]


def test_link_modes_without_match_rules_are_a_caution(tmp_path: Path) -> None:
    project = loaded(tmp_path, SEED.replace("link: create", "link: match-only"))
    assert [each.path for each in project.warnings] == ["flows.project.link"]


def test_a_score_of_one_row_is_a_caution_and_one_of_two_is_none(tmp_path: Path) -> None:
    one = SEED.replace("link: create", "match_score: {rows: {title: 1}}")
    assert [each.path for each in loaded(tmp_path, one).warnings] == ["flows.project.match_score"]
    two = one.replace("{title: 1}", "{title: 1, NAME: 1}")
    names = [row.name for row in loaded(tmp_path, one).flows["project"].rows]
    other = next(name for name in names if name != "title")
    assert not loaded(tmp_path, two.replace("NAME", other)).warnings


def test_included_files_are_merged_and_their_problems_named_there(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "flow.yaml").write_text(
        "flows:\n  more:\n    pms: task\n    erp: task\n    rows: []\n", "utf-8"
    )
    text = SMALL + "include: [parts/flow.yaml]\n"
    assert list(loaded(tmp_path, text).flows) == ["task", "more"]
    (tmp_path / "parts" / "flow.yaml").write_text(
        "flows:\n  more:\n    pms: task\n    erpp: task\n    rows: []\n", "utf-8"
    )
    found = problems(tmp_path, text)
    assert {(problem.file, problem.line) for problem in found} == {
        (str(tmp_path / "parts" / "flow.yaml"), 4),
        (str(tmp_path / "parts" / "flow.yaml"), 2),
    }


def test_the_same_flow_in_two_files_is_reported_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("accord: 1\nflows:\n  task: {pms: task, erp: task, rows: []}\n", "utf-8")
    found = problems(tmp_path, SMALL + "include: b.yaml\n")
    assert [(problem.file, problem.line, problem.path) for problem in found] == [
        (f"{tmp_path}/b.yaml", 3, "flows.task")
    ]
    assert f"{tmp_path}/accord.yaml, line 6" in found[0].message


def test_files_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("include: accord.yaml\ntitle: from b\n", "utf-8")
    assert loaded(tmp_path, SMALL + "include: b.yaml\n").title == "from b"


def test_anchors_aliases_and_merge_keys_work(tmp_path: Path) -> None:
    text = SMALL.replace("pms: {connector", "pms: &s {title: T, connector").replace(
        "erp: {connector: memory, datatypes: {task: {}, customer: {}}}",
        "erp: {<<: *s, title: U}",
    )
    systems = loaded(tmp_path, text).systems
    assert [(each.title, list(each.datatypes)) for each in systems.values()] == [
        ("T", ["task", "customer"]),
        ("U", ["task", "customer"]),
    ]


def test_a_preset_gives_keys_that_the_file_may_override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme.yaml").write_text(
        "connector: rest\nlimits: {rate: 5, retries: 9}\n"
        "datatypes:\n  task: {path: /tasks, id: key}\n  customer: {path: /customers}\n",
        "utf-8",
    )
    monkeypatch.setattr("accord.config.resolve_systems.PRESETS", tmp_path)
    system = "connector: acme, base_url: https://x, limits: {rate: 1}, datatypes: {task: {path: /t}}"
    text = SMALL.replace("connector: memory, datatypes: {task: {}, customer: {}}", system, 1)
    pms = loaded(tmp_path, text).systems["pms"]
    assert (pms.connector, pms.limits.rate, pms.limits.retries) == ("rest", 1.0, 9)
    assert (pms.datatypes["task"].id, pms.datatypes["task"].options["list"]["path"]) == ("key", "/t")
    assert (
        "customer" in loaded(tmp_path, text.replace("{task: {path: /t}}", "{customer: }", 1)).systems["pms"].datatypes
    )
    found = problems(tmp_path, SMALL.replace("connector: memory", "connector: acmee", 1))
    assert "'acme'" in str(found[0])


REDMINE = """\
accord: 1
systems:
  pms: {connector: redmine, base_url: "https://x", auth: {key: k}, datatypes: {user: }}
  erp: {connector: memory, datatypes: {task: {}}}
flows:
  task:
    pms: issue
    erp: task
    rows:
      - {pms: subject, erp: name}
"""
"""A preset as it is shipped."""


def test_what_nobody_names_of_a_preset_is_left_out(tmp_path: Path) -> None:
    assert list(loaded(tmp_path, REDMINE).systems["pms"].datatypes) == ["issue", "user"]
    alone = 'accord: 1\nsystems: {pms: {connector: redmine, base_url: "https://x", auth: {key: k}}}\nflows: {}\n'
    assert list(loaded(tmp_path, alone).systems["pms"].datatypes) == ["project", "issue", "time_entry", "user"]


def test_a_preset_says_what_holds_for_datatypes_that_only_the_file_names(tmp_path: Path) -> None:
    """Under `*`; the name of the datatype is put in, and the file's own keys go before."""
    said = 'pms: {connector: directus, base_url: "https://x", auth: {token: t}, datatypes: {KEYS}}'
    found = {
        keys: loaded(tmp_path, f"accord: 1\nsystems:\n  {said.replace('KEYS', keys)}\nflows: {{}}\n").systems["pms"]
        for keys in ("tasks: , notes: {path: /items/n, key_property: k}", "")
    }
    one, none = found.values()
    tasks, notes = (one.datatypes[name].options for name in ("tasks", "notes"))
    assert (tasks["list"]["path"], tasks["update"]["path"]) == ("/items/tasks", "/items/tasks/{id}")
    assert "find" not in tasks
    assert (notes["list"]["path"], notes["find"]["by"]) == ("/items/n", ["k"])
    assert list(none.datatypes) == []


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{key: k}", {"type": "api_key", "header": "X-Redmine-API-Key", "key": "k"}),
        ("{type: bearer, token: t}", {"type": "bearer", "token": "t"}),
    ],
)
def test_an_auth_of_another_type_takes_the_place_of_the_presets(
    tmp_path: Path, auth: str, expected: dict[str, str]
) -> None:
    pms = loaded(tmp_path, REDMINE.replace("{key: k}", auth)).systems["pms"]
    assert pms.options["auth"] == expected
    assert pms.datatypes["issue"].options["list"]["path"] == "/issues.json"


def test_the_project_file_is_found_or_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="accord init"):
        find_project_file(tmp_path, None)
    (tmp_path / "accord.yml").write_text(SMALL, "utf-8")
    assert find_project_file(tmp_path, None) == tmp_path / "accord.yml"
    (tmp_path / "accord.yaml").write_text(SMALL, "utf-8")
    assert find_project_file(tmp_path, None) == tmp_path / "accord.yaml"
    with pytest.raises(UsageError):
        find_project_file(None, tmp_path / "other.yaml")


def test_a_state_path_is_relative_to_the_file(tmp_path: Path) -> None:
    for written, meant in (
        ("x/a.db", f"{tmp_path}/x/a.db"),
        ("sqlite:///a.db", f"{tmp_path}/a.db"),
        ("sqlite:////var/a.db", "/var/a.db"),
        ("postgresql://db/a", "postgresql://db/a"),
    ):
        assert loaded(tmp_path, SMALL + f"state: {written}\n").state == meant


def test_durations_and_rates() -> None:
    assert [duration(text) for text in ("500ms", "30s", "5m", "24h", "7d", "1h30m", 12, "3")] == [
        *(0.5, 30.0, 300.0, 86400.0, 604800.0, 5400.0, 12.0, 3.0),
    ]
    assert [rate(text) for text in ("50/s", "600/m", "3600/h", 7)] == [50.0, 10.0, 1.0, 7.0]


def test_importing_the_loader_loads_no_parser() -> None:
    code = "import sys, accord.config.load; sys.exit(any(m.startswith(('pydantic', 'ruamel')) for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.text(alphabet="accord:1 \n-[]{}#&*!|>'\"%@`?,~\tsystmfl$", max_size=60))
def test_whatever_is_written_gives_a_project_or_problems(text: str) -> None:
    found: tuple[Problem, ...]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "accord.yaml"
        file.write_text(text, "utf-8")
        try:
            load(file, env=ENV)
            found = ()
        except ProjectFileError as error:
            found = error.problems
    assert all(problem.line >= 1 and problem.message for problem in found)
