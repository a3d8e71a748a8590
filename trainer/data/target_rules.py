"""The content check that asks a target's rules of every row; without a target it does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from trainer.data.analyze import Batch, Scene
from trainer.data.findings import Problem
from trainer.data.formats import typed_chat
from trainer.data.targets import Target, load_target
from trainer.types import Finding

REMEMBERED = 4096
BY_ROLES = ("openai-chat", "mistral")  # formats whose one list of messages the view's roles tell
ESCAPED = (b"\\u005", b"\\u006", b"\\u007")  # how letters and underscores of a key may be written


class TargetRules:
    """Most rows are told by their roles alone: only rows that may break a rule are taken apart."""

    def __init__(self, scene: Scene) -> None:
        self.format = scene.format
        self.target: Target | None = load_target(scene.target) if scene.target else None
        self.rows = self.bytes = 0
        self.fine: set[tuple[str, ...]] = set()
        self.broken: dict[str, int] = {}

    def add(self, batch: Batch) -> Iterable[Finding]:
        target = self.target
        if target is None:
            return
        self.rows += len(batch.numbers)
        self.bytes += len(batch.raw)
        if self.format.name not in target.formats:
            return
        sizes = _long_rows(target, batch)
        whole = self.format.name not in BY_ROLES or _needs_whole_rows(target, batch)
        if not whole and not sizes and {view.roles for view in batch.views} <= self.fine:
            return
        for i, (number, view) in enumerate(zip(batch.numbers, batch.views, strict=True)):
            if whole or i in sizes or view.roles not in self.fine:
                yield from self._row(target, number, batch.rows[i], view.roles, whole, sizes.get(i))

    def finish(self) -> Iterable[Finding]:
        if self.target is not None:
            today = datetime.now(UTC).date()
            for problem in self.target.whole(self.rows, self.bytes, self.format.name, today):
                yield self._told(problem, 0)

    def stats(self) -> dict[str, Any]:
        return {"target": {"name": self.target.name, "findings": self.broken}} if self.target else {}

    def _row(
        self, target: Target, number: int, row: Any, roles: tuple[str, ...], whole: bool, long: Problem | None
    ) -> Iterator[Finding]:
        problems = [] if long is None else [long]
        if whole or roles not in self.fine:
            found = list(target.inspect(self.format.plain(row), self.format.name))
            if not found and not whole and len(self.fine) < REMEMBERED:
                self.fine.add(roles)
            problems += found
        for problem in problems:
            yield self._told(problem, number)

    def _told(self, problem: Problem, number: int) -> Finding:
        self.broken[problem.code] = self.broken.get(problem.code, 0) + 1
        return problem.at(number)


def _long_rows(target: Target, batch: Batch) -> dict[int, Problem]:
    """By place in the batch; a batch without a long row costs one comparison."""
    if target.long(len(batch.raw)) is None:
        return {}
    found = ((i, target.long(size - 1)) for i, size in enumerate(batch.sizes().tolist()))
    return {i: problem for i, problem in found if problem is not None}


def _needs_whole_rows(target: Target, batch: Batch) -> bool:
    """Whether some row may break a rule that does not show in its roles; keys may hide behind escapes."""
    if set(map(type, batch.rows)) == {typed_chat.Row}:
        return False  # roles and texts are all that these can hold
    raw = batch.raw
    if any(escape in raw for escape in ESCAPED):
        return True
    words = [f'"{key}"'.encode() for key in target.refused_keys]
    words += [b'"tool_call'] * (target.tool_id is not None) + [b'"tools"'] * (target.max_tools is not None)
    words += [b'"weight"'] * (not target.weight) + [b'"type"'] * (not target.parts)
    return any(word in raw for word in words)
