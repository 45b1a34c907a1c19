"""Texts from JSON lines into a REST API: what arrives as it was, and what is held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_texts_and_numbers import LOST_HALF, TEXTS, carry
from tests.real.kinto.conftest import Kinto

pytestmark = pytest.mark.xdist_group("kinto")


def there(kinto: Kinto) -> dict[str, Any]:
    """A collection of Kinto."""
    auth = {"type": "basic", "username": "accord", "password": "secret"}
    return {"connector": "kinto", "base_url": kinto.collection, "auth": auth, "datatypes": {"record": {}}}


def test_texts(tmp_path: Path, kinto: Kinto) -> None:
    """Each as it was, to the last sign; half a character is held for its record alone."""
    lines = [json.dumps({"id": at, "label": label, "value": text}) for at, (label, text) in enumerate(TEXTS.items(), 1)]
    half = '{"id": 99, "label": "half", "value": "a\\ud800b"}'
    report, shown = carry(tmp_path, there(kinto), "string", [*lines, half])
    assert shown == TEXTS
    assert [LOST_HALF in item["reason"] for item in report.held] == [True]


def test_null_empty_and_absent(tmp_path: Path, kinto: Kinto) -> None:
    """Apart: what is not there is not written."""
    values = ({"value": None}, {"value": ""}, {})
    lines = [json.dumps({"id": at, "label": f"{at}", **value}) for at, value in enumerate(values, 1)]
    report, shown = carry(tmp_path, there(kinto), "string", lines)
    assert (report.held, shown) == ([], {"1": None, "2": "", "3": None})
