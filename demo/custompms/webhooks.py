"""Webhooks, sent in the background, best effort: one try, then logged to stderr and forgotten."""

import asyncio
import contextlib
import hashlib
import hmac
import sys
import uuid
from typing import Any

import aiohttp

from ..model import encode
from .store import now

QUEUED = 10_000
TIMEOUT_S = 5.0
SENDERS = 4


class Sender:
    """A bounded queue and a few senders; when the queue is full the oldest news is lost, as it is in life."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[tuple[str, str, bytes, str]] = asyncio.Queue(QUEUED)
        self._tasks: list[asyncio.Task[None]] = []

    def fire(self, hook: dict[str, Any], event: str, datatype: str, number: int) -> None:
        """Queue one delivery: `{event, datatype, id, sent_at, delivery}`."""
        delivery = uuid.uuid4().hex
        body = encode({"event": event, "datatype": datatype, "id": number, "sent_at": now(), "delivery": delivery})
        with contextlib.suppress(asyncio.QueueFull):
            self._queue.put_nowait((hook["url"], hook["secret"], body, delivery))

    async def start(self) -> None:
        """Begin sending."""
        self._tasks = [asyncio.create_task(self._send_all()) for _ in range(SENDERS)]

    async def stop(self) -> None:
        """Drop what is queued."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send_all(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                url, secret, body, delivery = await self._queue.get()
                headers = {
                    "Content-Type": "application/json",
                    "X-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
                    "X-Delivery": delivery,
                }
                try:
                    async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                        await answer.read()
                except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                    print(f"webhook to {url} failed: {error!r}", file=sys.stderr)
