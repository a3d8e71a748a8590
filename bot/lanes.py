"""A bounded pool of workers with lanes: work of one Slack thread runs in order, threads run side by side."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import structlog

from trainer.errors import LimitExceeded

log = structlog.get_logger()
Work = Callable[[], None]


class Lanes:
    def __init__(self, *, workers: int = 8, waiting: int = 500) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lane")
        self._lanes: dict[str, list[tuple[float, int, Work]]] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._room = waiting
        self._closed = False

    def submit(self, lane: str, work: Work, *, at: float | None = None) -> None:
        """Queue work in its lane by when it was asked for (epoch seconds): Slack may deliver out of order.
        LimitExceeded when too much waits already."""
        entry = (time.time() if at is None else at, next(self._numbers), work)
        with self._lock:
            if self._closed or self._room <= 0:
                raise LimitExceeded("I have too much to do at the moment.", fix="Try again in a minute.")
            self._room -= 1
            line = self._lanes.get(lane)
            if line is not None:
                heapq.heappush(line, entry)
                return
            self._lanes[lane] = [entry]
        self._pool.submit(self._drain, lane)

    def _drain(self, lane: str) -> None:
        """One piece of work, then back in the pool's line, so that a busy thread starves no other."""
        with self._lock:
            _, _, work = heapq.heappop(self._lanes[lane])
        try:
            work()
        except Exception:
            log.exception("lane_work_failed", lane=lane)
        with self._lock:
            self._room += 1
            if not self._lanes[lane]:
                del self._lanes[lane]
                return
            closed = self._closed
        if not closed:
            self._pool.submit(self._drain, lane)

    def close(self, *, wait: bool = True) -> None:
        """Finish what runs; what waits is in the inbox, and the next start takes it up."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=wait, cancel_futures=True)
