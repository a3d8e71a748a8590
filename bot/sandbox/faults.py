"""Things that go wrong on request: the next calls of a method fail in a chosen way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["error", "status", "ratelimited", "delay", "drop", "html"]
KINDS: tuple[str, ...] = ("error", "status", "ratelimited", "delay", "drop", "html")


@dataclass
class Fault:
    """One planned failure.

    method: a Web API method, `files.download`, `files.upload`, `response_url`, or `*`.
    kind: `error` (answers `error`), `status` (HTTP `status`), `ratelimited` (429 with `retry_after`),
        `delay` (waits `seconds`, then works), `drop` (the connection closes unanswered), `html` (a web page).
    perform: the call takes effect before its answer is lost.
    contains: only calls whose arguments hold this text.
    """

    method: str
    kind: Kind = "error"
    times: int = 1
    error: str = "internal_error"
    status: int = 500
    retry_after: int = 1
    seconds: float = 1.0
    perform: bool = False
    contains: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault kind {self.kind!r}; there are {', '.join(KINDS)}")


class Faults:
    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        self.planned.append(fault)

    def clear(self) -> None:
        self.planned.clear()

    def take(self, method: str, arguments: Callable[[], Any] = str) -> Fault | None:
        """The fault that this call meets, if any; its count goes down by one."""
        for fault in self.planned:
            if fault.method not in (method, "*") or fault.contains not in str(arguments()):
                continue
            fault.times -= 1
            if fault.times <= 0:
                self.planned.remove(fault)
            return fault
        return None
