"""What changed, told to whoever watches: the web page by server-sent events, drivers by long polling."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any


class LiveFeed:
    """Numbered changes. `revision` grows by one a change, so a poller can wait for the next."""

    def __init__(self) -> None:
        self.revision = 0
        self._queues: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._changed = asyncio.Event()

    def publish(self, kind: str, *, channel: str = "", audience: list[str] | None = None, **data: Any) -> None:
        """Tell `audience` (None: everyone who may see the channel) of a change."""
        self.revision += 1
        change = {"kind": kind, "revision": self.revision, "channel": channel, "audience": audience, **data}
        for queue in list(self._queues):
            queue.put_nowait(change)
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, since: int, seconds: float) -> int:
        """Return the revision once it is past `since`, or after `seconds`."""
        if self.revision <= since:
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return self.revision
        return self.revision

    async def changes(self) -> AsyncIterator[dict[str, Any]]:
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            while (change := await queue.get()) is not None:
                yield change
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        for queue in list(self._queues):
            queue.put_nowait(None)


def sse(change: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return f"id: {change['revision']}\ndata: {json.dumps(change)}\n\n".encode()
