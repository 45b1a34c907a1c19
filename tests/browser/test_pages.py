"""The pages that people look at, in a real browser: Debian's chromium, headless. `make test-browser` installs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from accord.config.load import load
from accord.document.dataflow import describe
from accord.document.render import render

HOUSE = Path(__file__).parents[2]
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def browse(address: str, *options: str) -> str:
    """What the browser made of a page, scripts run."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *CHROMIUM,
            f"--user-data-dir={profile}",
            *options,
            "--virtual-time-budget=3000",
            "--dump-dom",
            address,
        ]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.fixture(scope="module", params=["custompms", "customerp"])
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one of the two demonstration systems, with its data and one hostile customer."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    command = [sys.executable, "-m", f"demo.{name}", "--port", "0", "--data", str(folder), "--seed-data", "demo"]
    with subprocess.Popen(command, cwd=HOUSE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        _add_hostile(address, name)
        yield address
        server.terminate()


def _add_hostile(address: str, name: str) -> None:
    token, key = ("pms-demo-token", "name") if name == "custompms" else ("erp-demo-token", "customer_name")
    body = json.dumps({key: HOSTILE[:60] if name == "customerp" else HOSTILE}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"{address}/customers", body, headers), timeout=10).close()


def test_a_person_sees_the_records(system: str) -> None:
    """The first page lists customers, with the way to add one, and leads to each of them."""
    page = browse(system)
    assert page.count("<tr") > 10
    assert "Add customer" in page
    record = browse(system + re.findall(r'href="(/ui/customers/[^"/]+)"', page.replace("/ui/customers/new", ""))[0])
    assert all(word in record for word in ("Save", "Delete", "<form", "<input"))


def test_what_a_record_holds_is_not_run(system: str) -> None:
    """Markup that somebody typed into a name is shown as text."""
    page = browse(f"{system}/?type=customers&q=script")
    assert "<title>owned</title>" not in page
    assert "&lt;script&gt;" in page


def test_the_api_page_names_every_call(system: str) -> None:
    """The rendering of the OpenAPI document needs nothing from outside."""
    page = browse(f"{system}/docs")
    assert "/customers" in page
    assert "/projects" in page


def test_the_dataflow_document_fits_a_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page can be ticked, and does not scroll sideways at 390 pixels."""
    for name in ("CUSTOMPMS", "CUSTOMERP"):
        monkeypatch.setenv(f"{name}_URL", "http://127.0.0.1:1")
        monkeypatch.setenv(f"{name}_TOKEN", "not-a-real-token")
    project = load(HOUSE / "examples/demo/accord.yaml")
    document = render(describe(project, "custompms", "customerp"), "html", generated=datetime(2026, 1, 1, tzinfo=UTC))
    measure = "<script>document.body.dataset.wide = document.documentElement.scrollWidth > innerWidth</script>"
    file = tmp_path / "document.html"
    file.write_text(document.replace("</body>", f"{measure}</body>"))
    page = browse(file.as_uri(), "--window-size=390,844")
    assert "CustomPMS to CustomERP Dataflow" in page
    assert 'type="checkbox"' in page
    assert 'data-wide="false"' in page
