"""One round at a time, whoever died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from accord.errors import Locked
from accord.store import lease as leases
from accord.store.opening import State
from tests.store.places import NOON, opened

OTHER = """
import sys, time
from datetime import UTC, datetime
from accord.store.opening import open_state
with open_state(sys.argv[1]) as state:
    state.lease.take(datetime.now(UTC))
    print("taken", flush=True)
    time.sleep(60)
"""


def test_a_second_round_is_refused_and_names_the_holder(state: State, tmp_path: Path) -> None:
    """Which process, on which host, since when; nothing is waited for."""
    state.lease.take(NOON)
    with opened(tmp_path) as other, pytest.raises(Locked, match=f"process {os.getpid()} on .* since 2026-01-05T12:00"):
        other.lease.take(NOON)


def test_a_lease_given_back_can_be_taken(state: State, tmp_path: Path) -> None:
    """By anybody; nobody had died."""
    state.lease.take(NOON)
    state.lease.release()
    with opened(tmp_path) as other:
        assert other.lease.take(NOON) is None


def test_the_lease_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    """At once, and without a flag; while it lived it was refused."""
    with opened(tmp_path) as state:
        path = str(tmp_path / "accord.db")
        with subprocess.Popen([sys.executable, "-c", OTHER, path], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "taken\n"
            with pytest.raises(Locked, match=f"process {process.pid}"):
                state.lease.take(NOON)
            process.send_signal(signal.SIGKILL)
            process.wait()
        died = state.lease.take(NOON)
        assert died is not None
        assert died.pid == process.pid
        holder = state.lease.holder()
        assert holder is not None
        assert holder.pid == os.getpid()


def test_a_process_number_used_again_is_not_taken_for_the_holder(state: State) -> None:
    """A process of that number lives, but it was born later."""
    state.lease.take(NOON)
    state.db.run("UPDATE lease SET holder = 'x', born = born || '0'")
    assert state.lease.take(NOON) is not None


@pytest.mark.parametrize(("seconds", "refused"), [(59, True), (61, False)])
def test_a_holder_on_another_host_lives_by_its_beat(state: State, seconds: int, refused: bool) -> None:
    """Its processes cannot be seen from here."""
    state.lease.take(NOON)
    state.db.run("UPDATE lease SET host = 'elsewhere', pid = 1, born = ''")
    now = NOON + timedelta(seconds=seconds)
    if refused:
        with pytest.raises(Locked, match="on elsewhere"):
            state.lease.take(now)
    else:
        died = state.lease.take(now)
        assert died is not None
        assert died.host == "elsewhere"


def test_a_beat_is_noted(state: State) -> None:
    """So that another host sees us live."""
    state.lease.take(NOON)
    state.lease.beat(NOON + timedelta(seconds=30))
    holder = state.lease.holder()
    assert holder is not None
    assert holder.beat == "2026-01-05T12:00:30+00:00"
    assert leases.alive(holder, NOON)


def test_who_lost_the_lease_is_told_at_the_next_beat(state: State, tmp_path: Path) -> None:
    """And then writes nothing more; giving it back leaves the new holder's."""
    state.lease.take(NOON)
    with opened(tmp_path) as other:
        state.db.run("UPDATE lease SET born = 'earlier'")
        other.lease.take(NOON)
        with pytest.raises(Locked, match="took over"):
            state.lease.beat(NOON)
        state.lease.release()
        other.lease.beat(NOON)
