"""A few threads that work on a list, whose results come as they are ready."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
LOOK_S = 0.25  # how often whoever waits may look around


def in_flight(todo: Sequence[T], work: Callable[[T], R], at_once: int) -> Iterator[R | None]:
    """Results in any order; None when nothing came for a while. What `work` raises is raised here. The threads are
    daemons, so that a request that hangs never holds the process back; closing the iterator ends them."""
    waiting: queue.SimpleQueue[T] = queue.SimpleQueue()
    found: queue.SimpleQueue[R | BaseException | _End] = queue.SimpleQueue()
    stopping = threading.Event()
    for item in todo:
        waiting.put(item)

    def toil() -> None:
        try:
            while not stopping.is_set():
                found.put(work(waiting.get_nowait()))
        except queue.Empty:
            pass
        except BaseException as error:
            found.put(error)
        finally:
            found.put(_END)

    crew = [threading.Thread(target=toil, name="judge", daemon=True) for _ in range(min(at_once, len(todo)))]
    try:
        for thread in crew:
            thread.start()
        yield from _results(found, len(crew))
    finally:
        stopping.set()


class _End:
    """A thread has nothing more to do."""


_END = _End()


def _results(found: queue.SimpleQueue[R | BaseException | _End], left: int) -> Iterator[R | None]:
    while left:
        try:
            got = found.get(timeout=LOOK_S)
        except queue.Empty:
            yield None
            continue
        if isinstance(got, BaseException):
            raise got
        if isinstance(got, _End):
            left -= 1
        else:
            yield got
