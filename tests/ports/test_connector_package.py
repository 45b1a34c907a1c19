"""A connector by somebody else: its package is built and installed apart, then used by its entry point."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "examples" / "connector-package"
PROJECT = """\
accord: 1
systems:
  desk:
    connector: notes
    folder: desk
    datatypes:
      task: {folder: tasks, body: text}
  list:
    connector: file
    datatypes:
      task: {path: tasks.csv}
flows:
  tasks:
    desk: task
    list: task
    rows:
      - {desk: title, list: name}
      - {desk: text, list: remarks}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package in it, built as a wheel by what its pyproject.toml says."""
    target = tmp_path_factory.mktemp("packages")
    uv = Path(sys.executable).parent / "uv"
    options = ["--quiet", "--offline", "--no-deps", "--no-build-isolation", "--python", sys.executable]
    done = subprocess.run(
        [uv, "pip", "install", *options, "--cache-dir", target / "cache", "--target", target / "site", PACKAGE],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target / "site"


def run(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A Python module in a process that has the package."""
    env = {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT / 'src'}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, env=env, timeout=120, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project file, one note and an empty list."""
    (tmp_path / "accord.yaml").write_text(PROJECT)
    (tmp_path / "desk" / "tasks").mkdir(parents=True)
    (tmp_path / "desk" / "tasks" / "lift.md").write_text("---\ntitle: Repair the lift\n---\nFourth floor\n")
    (tmp_path / "tasks.csv").write_text("id,name,remarks\n7,Paint,white\n")
    return tmp_path


def test_its_own_conformance_test_passes(installed: Path, tmp_path: Path) -> None:
    """Against the installed package, as its author runs it."""
    done = run(installed, tmp_path, "pytest", "-q", "-p", "no:cacheprovider", str(PACKAGE / "tests"))
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_project_file_names_it_and_it_is_checked(installed: Path, project: Path) -> None:
    """Its folder starts at the project file, wherever the command is called."""
    done = run(installed, project.parent, "accord", "-C", str(project), "--json", "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {(each["system"], each["datatype"], each["ok"]) for each in json.loads(done.stdout)["systems"]} == {
        ("desk", "task", True),
        ("list", "task", True),
    }


def test_a_round_goes_both_ways(installed: Path, project: Path) -> None:
    """A note becomes a line, a line becomes a note, and an edit of the line goes into the note."""
    assert run(installed, project, "accord", "run").returncode == 0
    lines = (project / "tasks.csv").read_text()
    assert "Repair the lift" in lines
    notes = {file.stem: file.read_text() for file in (project / "desk" / "tasks").iterdir()}
    (made,) = set(notes) - {"lift"}
    assert notes[made] == "---\ntitle: Paint\n---\nwhite"
    (project / "tasks.csv").write_text(lines.replace("Repair the lift", "Replace the lift"))
    assert run(installed, project, "accord", "run").returncode == 0
    expected = "---\ntitle: Replace the lift\n---\nFourth floor\n"
    assert (project / "desk" / "tasks" / "lift.md").read_text() == expected


@pytest.mark.parametrize(
    ("written", "instead", "line", "said"),
    [
        ("    folder: desk\n", "", 3, "the key 'folder' is missing"),
        ("    folder: desk\n", "    foldr: desk\n", 5, "did you mean 'folder'?"),
        ("folder: tasks,", "folder: ../tasks,", 7, "not a folder below that of the system"),
        ("body: text}", "bodi: text}", 7, "did you mean 'body'?"),
    ],
)
def test_its_keys_are_checked_by_its_own_models(
    installed: Path, project: Path, written: str, instead: str, line: int, said: str
) -> None:
    """With file, line and what is allowed, as those of connectors that ship."""
    (project / "accord.yaml").write_text(PROJECT.replace(written, instead))
    done = run(installed, project, "accord", "check")
    assert done.returncode == 2
    told = " ".join((done.stdout + done.stderr).split())
    assert said in told
    assert f"accord.yaml:{line}:" in told


def test_without_the_package_the_connector_is_not_known(project: Path, tmp_path: Path) -> None:
    """And those that are there are named."""
    done = run(tmp_path, project, "accord", "check")
    assert done.returncode == 2
    assert "the connector 'notes' is not known" in done.stdout + done.stderr


def test_a_package_that_cannot_be_imported_is_named(installed: Path, project: Path, tmp_path: Path) -> None:
    """Its mishap is a problem of that line, with the package to mend."""
    broken = tmp_path / "broken"
    (broken / "accord_notes").mkdir(parents=True)
    (broken / "accord_notes" / "__init__.py").write_text("raise RuntimeError('half installed')\n")
    env = f"{broken}{os.pathsep}{installed}"
    done = run(Path(env), project, "accord", "check")
    assert done.returncode == 2
    told = " ".join((done.stdout + done.stderr).split())
    assert "the connector 'notes' cannot be imported: RuntimeError: half installed" in told
    assert "the package accord-notes gives it" in told
