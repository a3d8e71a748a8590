"""The content check for personal data, sensitive numbers and secrets: one finding a row and kind, never the value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from trainer.data.analyze import Batch, Scene
from trainer.data.findings import Problem
from trainer.data.privacy.find import suspicious
from trainer.data.privacy.kinds import KINDS
from trainer.data.privacy.redact import hits_of, is_prose
from trainer.data.privacy.walk import walk
from trainer.data.quality.suspects import suspects
from trainer.types import Finding

FIRST_LINES = 5
_encode = msgspec.json.Encoder().encode
CODE_OF = {
    "personal": "personal_data",
    "network": "personal_data",
    "financial": "sensitive_id",
    "government_id": "sensitive_id",
    "secret": "secret",
}


class Seen(NamedTuple):
    """A kind in a row: how often, and in which text first."""

    kind: str
    path: str
    hits: int


def look(row: Any) -> list[Seen]:
    """What a plain row holds, a kind at a time, in the order of KINDS."""
    found: dict[str, list[str]] = {}

    def visit(text: str, path: str, key: str) -> str:
        if is_prose(key) and not suspicious(_encode(text)):
            return text  # of a row's texts mostly one is what made its line suspicious
        for hit in hits_of(text, key):
            found.setdefault(hit.kind, []).append(path)
        return text

    walk(row, visit)
    return [Seen(kind, found[kind][0], len(found[kind])) for kind in KINDS if kind in found]


@dataclass(slots=True)
class _Kind:
    rows: int = 0
    hits: int = 0
    first_lines: list[int] = field(default_factory=list)


class Privacy:
    """Lines without a candidate in their bytes cost nothing more than the automaton's run over them."""

    def __init__(self, scene: Scene) -> None:
        self._plain = scene.format.plain
        self._kinds: dict[str, _Kind] = {}
        self._rows = 0

    def add(self, batch: Batch) -> Iterator[Finding]:
        for index, line in batch.once(suspects):
            if not suspicious(line):
                continue
            seen = look(self._plain(batch.rows[index]))
            self._rows += bool(seen)
            for one in seen:
                yield self._finding(batch.numbers[index], one)

    def _finding(self, line: int, seen: Seen) -> Finding:
        about, kind = KINDS[seen.kind], self._kinds.setdefault(seen.kind, _Kind())
        kind.rows += 1
        kind.hits += seen.hits
        if len(kind.first_lines) < FIRST_LINES:
            kind.first_lines.append(line)
        more = f", and {seen.hits - 1:,} more in this row" if seen.hits > 1 else ""
        article = "An" if about.title[0] in "AEIOaeio" else "A"
        where = seen.path or "the row"
        said = f"{article} {about.title} in {where}{more}."
        return Problem(CODE_OF[about.group], said, seen.path).at(line)

    def finish(self) -> Iterable[Finding]:
        return ()

    def stats(self) -> dict[str, Any]:
        kinds = {
            name: {
                "title": KINDS[name].title,
                "group": KINDS[name].group,
                "rows": kind.rows,
                "hits": kind.hits,
                "first_lines": kind.first_lines,
            }
            for name in KINDS
            if (kind := self._kinds.get(name))
        }
        return {"sensitive": {"kinds": kinds, "rows": self._rows}}
