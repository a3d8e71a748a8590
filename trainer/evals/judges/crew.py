"""A few threads that work on a list, whose results come as they are ready."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
LOOK_S = 0.25  # how often whoever waits may look around


def in_flight(todo: Iterator[T], work: Callable[[T], R], at_once: int) -> Iterator[R | None]:
    """Results in any order; None when nothing came for a while. What is to do is taken one by one, in its order, when
    a thread is free. What `todo` and `work` raise is raised here. The threads are daemons, so that a request that
    hangs never holds the process back; closing the iterator ends them."""
    found: queue.SimpleQueue[R | BaseException | _End] = queue.SimpleQueue()
    stopping, line = threading.Event(), threading.Lock()

    def toil() -> None:
        try:
            while not stopping.is_set():
                with line:
                    item = next(todo)
                found.put(work(item))
        except StopIteration:
            pass
        except BaseException as error:
            found.put(error)
        finally:
            found.put(_END)

    crew = [threading.Thread(target=toil, name="judge", daemon=True) for _ in range(at_once)]
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
