"""Histories of a project against models of its systems: they replay, they tell, they can be made short."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from accord.config.load import load
from accord.config.meaning import Project
from accord.core import merge
from accord.simulate.learn import offline_shapes
from accord.simulate.models import PROFILES
from accord.simulate.play import play, play_many, shorten

from .projects import project, row

EXAMPLES = Path(__file__).parents[2] / "examples"
ENV = {
    "CUSTOMPMS_URL": "http://127.0.0.1:1",
    "CUSTOMERP_URL": "http://127.0.0.1:2",
    "CRM_URL": "http://127.0.0.1:3",
    "CUSTOMPMS_TOKEN": "token-one",
    "CUSTOMERP_TOKEN": "token-two",
    "CRM_TOKEN": "token-three",
    "CUSTOMERP_DATABASE": "sqlite:///erp.db",
    "CONTACTS_DATABASE": "sqlite:///contacts.db",
    "REDMINE_URL": "http://127.0.0.1:4",
    "REDMINE_KEY": "key-one",
    "TRYTON_URL": "http://127.0.0.1:5/accord",
    "TRYTON_KEY": "key-two",
    "TRYTON_CONTEXT": "context",
}


def demo() -> Project:
    """The demonstration project."""
    return load(EXAMPLES / "demo" / "accord.yaml", env=ENV)


@pytest.mark.parametrize("profile", PROFILES)
def test_the_demonstration_keeps_its_promises(profile: str) -> None:
    """Its three flows, with people, faults and crashes."""
    mapping = demo()
    shapes = offline_shapes(mapping)
    played = [play(mapping, shapes, seed=seed, profile=profile) for seed in range(12)]
    assert [one.broken for one in played if one.broken] == []
    assert sum(one.checked["P2"] for one in played) > 200
    assert all(one.crashes == 0 and not one.faults for one in played) is (profile == "calm")


def test_a_seed_replays_exactly() -> None:
    """The same steps, writes, faults and holds, here and in another process."""
    mapping = demo()
    shapes = offline_shapes(mapping)
    here = {seed: play(mapping, shapes, seed=seed, profile="bad day") for seed in range(6)}
    there = {one.seed: one for one in play_many(mapping, shapes, range(6), "bad day", workers=2)}
    assert there == here


@contextmanager
def conflicts_are_guessed() -> Iterator[None]:
    """An engine that never asks: the first edit wins."""
    decide = merge.decide

    def guess(flow: Any, link: Any, unit: Any, candidates: Any, choice: Any) -> Any:
        winner, reason = decide(flow, link, unit, candidates, choice)
        return (winner, reason) if winner is not None else (candidates[0], "guessed")

    merge.decide = guess
    try:
        yield
    finally:
        merge.decide = decide


def test_a_broken_engine_is_found_and_the_story_is_short(tmp_path: Path) -> None:
    """The promise is named, and the shortest history still breaks it."""
    mapping = project(tmp_path, [row("name"), row("city")])
    shapes = offline_shapes(mapping)
    with conflicts_are_guessed():
        failing = next(p for seed in range(300) if (p := play(mapping, shapes, seed=seed, profile="normal")).broken)
        short = shorten(mapping, shapes, failing)
    assert short.failed == failing.failed == "P2"
    assert len(short.steps) <= 12 < len(failing.steps)
    assert any("someone" in line for line in short.broken[0].story)
    assert any("ACCORD" in line for line in short.broken[0].story)
    assert not play(mapping, shapes, seed=failing.seed, profile="normal", steps=short.steps).broken


@pytest.mark.parametrize("example", sorted(path.parent.name for path in EXAMPLES.glob("*/accord.yaml")))
def test_every_example_can_be_simulated(example: str) -> None:
    """Also with three systems, and with a database."""
    mapping = load(EXAMPLES / example / "accord.yaml", env=ENV)
    shapes = offline_shapes(mapping)
    played = [play(mapping, shapes, seed=seed, profile="normal") for seed in range(6)]
    assert [one.broken for one in played if one.broken] == []
    assert sum(one.edits for one in played) > 20
