"""One round at a time per project. A dead holder's lease is taken over; a living one's never."""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from accord.errors import Locked
from accord.store.database import Database
from accord.stored import Holder

STALE = timedelta(seconds=60)
"""How long after its last beat a holder on another host counts as dead."""


class Lease:
    """The lease of a project. `take`, `beat` now and then, `release`."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.me = uuid4().hex

    def take(self, now: datetime) -> Holder | None:
        """Take the lease; who died holding it, if anybody. Raises Locked where somebody lives."""
        with self.db.transaction():
            before = self.holder()
            if before is not None and alive(before, now):
                raise Locked(
                    f"a round is at work: {before}", hint="wait until it ends; `accord status` shows what it does"
                )
            at = now.isoformat()
            self.db.run("DELETE FROM lease")
            self.db.run(
                "INSERT INTO lease (name, holder, host, pid, born, since, beat) VALUES ('round', ?, ?, ?, ?, ?, ?)",
                (self.me, socket.gethostname(), os.getpid(), process_born(os.getpid()), at, at),
            )
        return before

    def holder(self) -> Holder | None:
        """Who holds it now."""
        row = self.db.one("SELECT holder, host, pid, born, since, beat FROM lease WHERE name = 'round'")
        if row is None:
            return None
        return Holder(holder=row[0], host=row[1], pid=row[2], born=row[3], since=row[4], beat=row[5])

    def beat(self, now: datetime) -> None:
        """Say that we are alive. Raises Locked where somebody took the lease from us."""
        if not self.db.run("UPDATE lease SET beat = ? WHERE holder = ?", (now.isoformat(), self.me)):
            raise Locked("another process took over this round", hint="nothing is lost; see `accord status`")

    def release(self) -> None:
        """Give it back."""
        self.db.run("DELETE FROM lease WHERE holder = ?", (self.me,))


def alive(holder: Holder, now: datetime) -> bool:
    """Whether a holder is there: on this host by its process, elsewhere by its last beat."""
    if holder.host != socket.gethostname():
        return now - datetime.fromisoformat(holder.beat) < STALE
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return process_born(holder.pid) == holder.born


def process_born(pid: int) -> str:
    """When a process started, so that a number used again is not taken for the old process; "" where unknown.

    Field 22 of /proc/PID/stat (proc(5)).
    """
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError):
        return ""
