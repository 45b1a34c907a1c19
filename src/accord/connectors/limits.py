"""How hard a system may be pressed: concurrency, rate, and the pauses that it asks for, shared by all its requests.

A request is one HTTP request, or one page, search or write of a database.
"""

from __future__ import annotations

import asyncio
import random

from accord.config.meaning import SystemLimits

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 10.0
FIRST_SPACING = 0.002
LONGEST_SPACING = 1.0
NEGLIGIBLE = 0.0005


class Gate:
    """Every request of one system passes here. Times are those of the event loop."""

    def __init__(self, limits: SystemLimits) -> None:
        self.slots = asyncio.Semaphore(max(1, limits.concurrency))
        self.successes = 0
        self._interval = 1 / limits.rate if limits.rate else 0.0
        self._spacing = 0.0
        self._next = 0.0
        self._until = 0.0
        self._paused = 0.0

    async def turn(self) -> None:
        """Wait until one more request may be sent: cells of the generic cell rate algorithm, without a burst."""
        while True:
            interval = max(self._interval, self._spacing)
            if not interval and not self._until:
                return
            now = asyncio.get_running_loop().time()
            if now < self._until:
                await asyncio.sleep(self._until - now + random.uniform(0, 0.01))  # noqa: S311 - not a secret
                continue
            self._until = 0.0
            if not interval:
                return
            slot = max(self._next, now)
            self._next = slot + interval
            if slot > now:
                await asyncio.sleep(slot - now)
            if not self._until:
                return

    def pause(self, seconds: float, sent: float) -> None:
        """Nobody sends for so long; afterwards requests are spread, ever less as they succeed.

        `sent` is when the refused request went out: those that were under way together count once.
        """
        now = asyncio.get_running_loop().time()
        self._until = max(self._until, now + seconds)
        self._next = max(self._next, self._until)
        if sent >= self._paused:
            self._paused = now
            self._spacing = min(max(self._spacing * 2, FIRST_SPACING), LONGEST_SPACING)

    def succeeded(self) -> None:
        """An answer came that was no 429 and no 503."""
        self.successes += 1
        if self._spacing:
            self._spacing = self._spacing * 0.98 if self._spacing > NEGLIGIBLE else 0.0


def backoff(attempt: int) -> float:
    """Seconds before attempt 2, 3, …: doubling from 0.1, with jitter (as stamina and AWS do it)."""
    longest: float = min(FIRST_BACKOFF * 2.0**attempt, LONGEST_BACKOFF)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
