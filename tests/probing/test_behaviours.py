"""Each behaviour of a system in memory, switched on alone: the probe finds that one, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.connectors.memory import Behaviour, Effect, cut, default, rounded
from accord.connectors.memory_values import NORMALISERS, clean_text, longest, options, pattern
from accord.model import ABSENT
from accord.probing.found import FoundOfDatatype

from .world import Sandbox, seen

PLAIN = {
    "": {"version-kept", "same-version-moves", "same-modified-moves", "delete-no-trace", "repeat-doubles"},
    "size": {"fraction"},
    "state": {"option-taken"},
}
"""What a system without any habit shows: it checks versions and takes whatever it is given."""
Change = Mapping[str, set[str]]
"""Path → words that are there beside the plain ones; with a minus, that are not."""


def rounding(mode: str) -> Any:
    return lambda value: value.quantize(Decimal("0.01"), mode) if isinstance(value, Decimal) else value


def swallowed(value: Any) -> Any:
    """An option that is not known becomes none."""
    return value if value in ("open", "done") else None


def double(value: Any) -> Any:
    """As a system does that keeps numbers as binary floats."""
    return Decimal(repr(float(value))) if isinstance(value, Decimal | int) and not isinstance(value, bool) else value


def seconds(value: Any) -> Any:
    return value.replace(".123456", "") if isinstance(value, str) else value


def only_dates(value: Any) -> Any:
    return value[:10] if isinstance(value, str) else value


def an_hour_later(value: Any) -> Any:
    from datetime import datetime, timedelta

    return (datetime.fromisoformat(value) + timedelta(hours=1)).isoformat() if isinstance(value, str) else value


def amount(value: Any) -> str | None:
    """Amounts are kept as text with two decimals, and taken in no other form."""
    is_amount = isinstance(value, str) and re.fullmatch(r"-?\d+\.\d\d", value)
    return None if value is None or value is ABSENT or is_amount else "an amount like 1250.50 is expected"


def note(*names: str, **more: Any) -> Behaviour:
    return Behaviour(normalise={"note": tuple(NORMALISERS[name] for name in names)}, **more)


VALUES: list[tuple[str, Behaviour, Change]] = [
    ("nothing", Behaviour(), {}),
    ("trim", note("trim"), {"note": {"trim"}}),
    ("collapse", note("collapse"), {"note": {"trim", "collapse", "lines-lost"}}),
    ("upper", note("upper"), {"note": {"upper"}}),
    ("fold", note("fold"), {"note": {"lower"}}),
    ("lower", note("lower"), {"note": {"lower"}}),
    ("nfc", note("nfc"), {"note": {"nfc"}}),
    ("lines", note("lines"), {"note": {"lines"}}),
    ("escape", note("escape"), {"note": {"escape"}}),
    ("no_tags", note("no_tags"), {"note": {"no-tags"}}),
    ("null_to_empty", note("null_to_empty"), {"note": {"null-to-empty"}}),
    ("empty_to_null", note("empty_to_null"), {"note": {"empty-to-null"}}),
    ("two at once", note("upper", "trim"), {"note": {"upper", "trim"}}),
    ("all at once", note("trim", "upper", "nfc", "escape"), {"note": {"trim", "upper", "nfc", "escape"}}),
    ("cut", Behaviour(normalise={"note": (cut(40),)}), {"note": {"cut"}}),
    ("cut short", Behaviour(normalise={"note": (cut(5),)}), {"note": {"cut", "short"}}),
    ("default", Behaviour(normalise={"note": (default("—"),)}), {"note": {"default", "null-filled"}}),
    ("longest", Behaviour(checks={"note": (longest(37),)}), {"note": {"length"}}),
    ("pattern", Behaviour(checks={"note": (pattern(r"\d+"),)}), {"note": {"refused"}}),
    ("clean_text", Behaviour(checks={"note": (clean_text,)}), {}),
    ("phone", Behaviour(normalise={"mail": (NORMALISERS["fold"],)}), {"mail": {"lower"}}),
    ("mail trimmed", Behaviour(normalise={"mail": (NORMALISERS["trim"],)}), {"mail": {"trim"}}),
    ("options", Behaviour(checks={"state": (options("open", "done"),)}), {"state": {"-option-taken"}}),
    ("fewer options", Behaviour(checks={"state": (options("open"),)}), {"state": {"-option-taken", "option-refused"}}),
    ("swallowed", Behaviour(normalise={"state": (swallowed,)}), {"state": {"-option-taken", "option-swallowed"}}),
    ("half to even", Behaviour(normalise={"sum": (rounded(2),)}), {"sum": {"round"}}),
    ("half up", Behaviour(normalise={"sum": (rounding(ROUND_HALF_UP),)}), {"sum": {"round"}}),
    ("cut off", Behaviour(normalise={"sum": (rounding(ROUND_DOWN),)}), {"sum": {"round"}}),
    (
        "text",
        Behaviour(checks={"sum": (amount,)}),
        {"sum": {"scale"}},
    ),
    ("whole", Behaviour(normalise={"size": (rounded(0),)}), {"size": {"-fraction", "round"}}),
    ("float", Behaviour(normalise={"sum": (double,)}), {"sum": {"float"}}),
    ("whole seconds", Behaviour(normalise={"at": (seconds,)}), {"at": {"resolution"}}),
    ("whole days", Behaviour(normalise={"at": (only_dates,)}), {"at": {"resolution"}}),
    ("another zone", Behaviour(normalise={"at": (an_hour_later,)}), {"at": {"zone"}}),
    ("true only", Behaviour(normalise={"flag": (lambda _: True,)}), {"flag": {"ignored"}}),
]


def expected(change: Change) -> dict[str, set[str]]:
    words = {path: set(found) for path, found in PLAIN.items()}
    for path, more in change.items():
        there = words.setdefault(path, set())
        there |= {word for word in more if not word.startswith("-")}
        there -= {word[1:] for word in more if word.startswith("-")}
    return {path: found for path, found in words.items() if found}


def probed(folder: Path, behaviour: Behaviour, properties: Mapping[str, Any] | None = None) -> FoundOfDatatype:
    sandbox = Sandbox(folder, behaviour, properties)
    found = sandbox.probed()
    assert {name: list(sandbox.store.all(name)) for name in sandbox.store.tables} == {"task": [], "project": ["1"]}
    assert (found.before, found.after) == (0, 0)
    assert not (folder / "accord.yaml.probe").exists()
    return found


@pytest.mark.parametrize(("behaviour", "change"), [pytest.param(*one[1:], id=one[0]) for one in VALUES])
def test_what_it_does_to_values(tmp_path: Path, behaviour: Behaviour, change: Change) -> None:
    """Exactly that is found, and every record is removed again."""
    assert seen(probed(tmp_path, behaviour)) == expected(change)


def test_every_normaliser_is_in_the_table() -> None:
    """`phone` formats numbers, and is tried below on a property of that type."""
    assert set(NORMALISERS) - {"phone"} <= {name for name, _, _ in VALUES}


CAREFUL = {"size": {"-fraction", "untried"}, "project": {"untried"}}
NOTHING = {"empty-refused", "null-refused"}
RECORDS: list[tuple[str, Behaviour, dict[str, Any], Change]] = [
    ("ids", Behaviour(ids="T-{:04d}"), {}, {}),
    ("id", Behaviour(id="no"), {}, {}),
    ("version", Behaviour(version="ver"), {}, {}),
    (
        "version",
        Behaviour(version=None, version_check=None),
        {},
        {"": {"-version-kept", "no-version", "-same-version-moves"}, **CAREFUL},
    ),
    ("version_check", Behaviour(version_check="where"), {}, {"": {"-same-version-moves"}}),
    (
        "version_check",
        Behaviour(version_check=None),
        {},
        {"": {"-version-kept", "no-version", "-same-version-moves"}, **CAREFUL},
    ),
    ("modified", Behaviour(modified=None), {}, {"": {"-same-modified-moves"}}),
    ("changed_since", Behaviour(changed_since="exclusive"), {}, {}),
    ("changed_since", Behaviour(changed_since=None), {}, {}),
    ("resolution", Behaviour(resolution=0), {}, {}),
    ("resolution", Behaviour(resolution=60), {}, {"": {"modified-coarse"}}),
    (
        "soft_delete",
        Behaviour(soft_delete="bin", soft_listed=True),
        {},
        {"": {"delete-softly", "-delete-no-trace", "delete-told"}},
    ),
    ("soft_listed", Behaviour(soft_delete="bin"), {}, {"": {"delete-softly", "-delete-no-trace", "delete-told"}}),
    ("deleted_feed", Behaviour(deleted_feed=True), {}, {"": {"-delete-no-trace"}}),
    ("key_property", Behaviour(key_property="ours"), {}, {}),
    ("idempotent", Behaviour(idempotent=True), {}, {"": {"-repeat-doubles", "repeat-known"}}),
    ("batch", Behaviour(batch=10), {}, {}),
    ("ordered", Behaviour(ordered=True), {}, {}),
    ("page_size", Behaviour(page_size=1), {}, {}),
    ("find", Behaviour(find=("title",)), {}, {}),
    ("unique", Behaviour(unique=(("title",),)), {}, {"": {"-repeat-doubles", "repeat-refused"}}),
    (
        "required",
        Behaviour(required=("title", "note"), told=False),
        {},
        {"note": {"required", *NOTHING}, "title": NOTHING},
    ),
    ("required", Behaviour(required=("title", "note")), {}, {"note": NOTHING, "title": NOTHING}),
    ("references", Behaviour(references={"note": "project"}), {}, {"note": {"refused"}}),
    ("read_only", Behaviour(read_only=frozenset({"note"}), told=False), {}, {"note": {"refused"}}),
    ("silent", Behaviour(read_only=frozenset({"note"}), told=False, silent=True), {}, {"note": {"ignored"}}),
    ("create_only", Behaviour(create_only=frozenset({"note"})), {}, {"note": {"create-only"}}),
    ("silent", Behaviour(create_only=frozenset({"sum"}), silent=True), {}, {"sum": {"create-only"}}),
    ("dropped", Behaviour(dropped=frozenset({"note"})), {}, {"note": {"ignored"}}),
    ("told", Behaviour(read_only=frozenset({"note"})), {"note": {"read_only": True, "type": "string"}}, {}),
    ("checks", Behaviour(checks={"title": (longest(60),)}), {}, {"title": {"length"}}),
    (
        "computed",
        Behaviour(computed={"note": lambda task: f"of {task['title']}"}),
        {},
        {"note": {"ignored"}, "": {"others-change"}},
    ),
    ("untimed", Behaviour(untimed=frozenset({"note"})), {}, {"note": {"untimed"}}),
    ("total", Behaviour(total=True), {}, {}),
    ("whole_put", Behaviour(whole_put=True), {}, {}),
    ("effects", Behaviour(effects=(Effect(via="project", target="project"),)), {}, {}),
    ("merged_into", Behaviour(merged_into="into"), {}, {}),
]


@pytest.mark.parametrize(
    ("behaviour", "properties", "change"),
    [pytest.param(*one[1:], id=f"{at} {one[0]}") for at, one in enumerate(RECORDS)],
)
def test_what_it_does_with_records(
    tmp_path: Path, behaviour: Behaviour, properties: dict[str, Any], change: Change
) -> None:
    """Exactly that is found, and every record is removed again."""
    assert seen(probed(tmp_path, behaviour, properties)) == expected(change)


def test_every_behaviour_is_in_the_table() -> None:
    """`normalise` has a table of its own."""
    assert {field.name for field in fields(Behaviour)} - {"normalise"} == {one[0] for one in RECORDS}
