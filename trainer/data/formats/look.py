"""A walk over one row that collects what is wrong with it, and knows whether the row is still whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from trainer.data.findings import Problem, kind, quote
from trainer.data.parse import PROBLEMS_PER_ROW, Unreadable
from trainer.types import Severity

QUIET = frozenset({"id", "idx", "index", "uuid", "conversation_id", "source", "metadata"})
EXTRA_LISTED = 8


class Look:
    """`broken` once an error was found, or a number that cannot be read (the parser reports that one)."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.broken = False
        self.extra = 0

    def say(self, code: str, message: str, path: str = "", found: str = "") -> None:
        self.take((Problem(code, message, path, found),))

    def take(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            self.broken = self.broken or problem.severity is Severity.ERROR
            if len(self.problems) <= PROBLEMS_PER_ROW:
                self.problems.append(problem)

    def report(self) -> Iterator[Problem]:
        """All of them, or the first hundred and that there are more."""
        yield from self.problems[:PROBLEMS_PER_ROW]
        if len(self.problems) > PROBLEMS_PER_ROW:
            said = f"More findings follow in this row; the first {PROBLEMS_PER_ROW} are listed."
            yield Problem("more_in_row", said)

    def readable(self, value: Any) -> bool:
        self.broken = self.broken or isinstance(value, Unreadable)
        return not isinstance(value, Unreadable)

    def row(self, row: Any) -> bool:
        """Whether it is an object at all."""
        if isinstance(row, dict):
            return True
        if isinstance(row, str) and row.lstrip().startswith("{"):
            self.say("not_an_object", "The row is a text that holds JSON: encoded twice. Decode it once.", "", "a text")
        elif self.readable(row):
            self.say("not_an_object", f"A row is a JSON object; this is {kind(row)}.", "", kind(row))
        return False

    def has(self, row: dict[str, Any], name: str, path: str = "") -> bool:
        if name in row:
            return True
        there = ", ".join(quote(key, 24) for key in list(row)[:4]) or "no key at all"
        more = ", …" if len(row) > 4 else ""
        self.say("missing_key", f"{quote(name)} is missing; found {there}{more}.", path, there)
        return False

    def text(self, value: Any, name: str, path: str) -> bool:
        """Whether a value is a text; what is said otherwise calls it `name`."""
        if isinstance(value, str):
            return True
        if self.readable(value):
            self.say("content_not_text", f"{name} is a text; this is {kind(value)}.", path, kind(value))
        return False

    def needs_text(self, row: dict[str, Any], name: str) -> bool:
        return self.has(row, name) and self.text(row[name], quote(name), name)

    def may_text(self, row: dict[str, Any], name: str) -> bool:
        """A text, null or nothing."""
        return row.get(name) is None or self.text(row[name], quote(name), name)

    def extras(self, row: dict[str, Any], known: Set[str], path: str = "") -> None:
        """Keys beyond the format's own: no fault, they travel as metadata."""
        for key in row:
            if key not in known and key not in QUIET and self.extra < EXTRA_LISTED:
                self.extra += 1
                said = f"The key {quote(key)} is not the format's; it is kept as metadata and not trained on."
                self.say("extra_key", said, path, quote(key))

    def strangers(self, row: dict[str, Any], known: Set[str], path: str = "") -> None:
        """Keys that the format refuses."""
        for key in row:
            if key not in known:
                self.say("unknown_key", f"There is no key {quote(key)} here; remove it.", path, quote(key))
