"""A small cache for answers of the database: fresh within `ttl_s`, one look-up at a time for each key."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from trainer.errors import Unavailable

STALE_S = 60.0  # how long an old answer still serves while the database is away
SIZE = 4096
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Fresh(Generic[K, V]):
    """`get(key)` loads through a blocking `load` in a thread. None is never kept: a key or a name that
    appears now works now, and a flood of wrong ones pushes no right one out."""

    def __init__(
        self, load: Callable[[K], V | None], *, ttl_s: float, stale_s: float = STALE_S, size: int = SIZE
    ) -> None:
        self._load = load
        self._ttl_s = ttl_s
        self._stale_s = stale_s
        self._size = size
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._loading: dict[K, asyncio.Task[V | None]] = {}

    async def get(self, key: K) -> V | None:
        kept = self._kept.get(key)
        if kept is not None and time.monotonic() - kept[0] < self._ttl_s:
            return kept[1]
        try:
            return await asyncio.shield(self._loading.get(key) or self._start(key))
        except Unavailable:
            if kept is not None and time.monotonic() - kept[0] < self._stale_s:
                return kept[1]
            raise

    def _start(self, key: K) -> asyncio.Task[V | None]:
        task = asyncio.create_task(self._fill(key))
        self._loading[key] = task
        task.add_done_callback(lambda done: self._finished(key, done))
        return task

    async def _fill(self, key: K) -> V | None:
        asked_at = time.monotonic()  # before the look-up: an answer is as old as its question
        value = await asyncio.to_thread(self._load, key)
        if value is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = (asked_at, value)
            self._kept.move_to_end(key)
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value

    def _finished(self, key: K, task: asyncio.Task[V | None]) -> None:
        self._loading.pop(key, None)
        if not task.cancelled():
            task.exception()  # seen here too, in case every waiter has gone
