"""The contract of a content check: accepted rows in, findings and figures out, in one streaming pass.

An analyzer sees every accepted row once, in file order, in batches of some hundred kilobytes. What it
keeps must not grow by more than a few bytes a row: `Spill` files are for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from trainer.data.formats import Format
from trainer.data.lines import LF
from trainer.data.view import View
from trainer.settings import Settings
from trainer.types import Finding

if TYPE_CHECKING:
    from trainer.data.scan import Part

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """Accepted rows. All four have the same order; `raw` holds one JSON row a line, each ended by LF."""

    numbers: Sequence[int]  # line numbers, ascending
    rows: list[Any]  # as the format holds them: `Format.plain(row)` gives plain JSON values
    views: list[View]
    raw: bytes
    _found: dict[Callable[[bytes], Any], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, format: Format, part: Part) -> Batch:
        return cls(part.numbers, part.rows, [format.view(row) for row in part.rows], part.raw)

    def once(self, find: Callable[[bytes], T]) -> T:
        """What `find` makes of `raw`: made at the first asking, since several analyzers ask for the same."""
        if find not in self._found:
            self._found[find] = find(self.raw)
        return self._found[find]

    def sizes(self) -> NDArray[np.int64]:
        """Bytes of each line of `raw`, its LF included."""
        return self.once(_line_sizes)


def _line_sizes(raw: bytes) -> NDArray[np.int64]:
    return np.diff(np.flatnonzero(np.frombuffer(raw, np.uint8) == LF), prepend=-1)


@dataclass(frozen=True, slots=True)
class Scene:
    """What an analyzer may know about the file at hand."""

    format: Format
    settings: Settings
    folder: Path  # for spill files; removed after the check
    base: str | None = None  # a base model's name, where one was chosen
    target: str | None = None  # whose rules apply, e.g. "openai"
    against: tuple[Path, ...] = ()  # files (eval suites, other splits) that must not overlap with this one


class Analyzer(Protocol):
    def __init__(self, scene: Scene) -> None: ...

    def add(self, batch: Batch) -> Iterable[Finding]:
        """Findings on these rows, in line order."""
        ...

    def finish(self) -> Iterable[Finding]:
        """Findings that only the whole file shows, in line order; line 0 for the file itself."""
        ...

    def stats(self) -> dict[str, Any]:
        """Figures for `CheckReport.stats`, after `finish`: plain JSON, merged key by key."""
        ...


# the content checks in the order in which they look
ANALYZERS: dict[str, str] = {
    "duplicates": "trainer.data.duplicates:Duplicates",
    "contamination": "trainer.data.contamination:Contamination",
    "signs": "trainer.data.quality.signs:Signs",
    "answers": "trainer.data.quality.answers:Answers",
    "sampled": "trainer.data.quality.sampled:Sampled",
    "target": "trainer.data.target_rules:TargetRules",
    "privacy": "trainer.data.privacy.analyzer:Privacy",
}


def load_analyzers(scene: Scene) -> list[Analyzer]:
    return [resolve_name(target)(scene) for target in ANALYZERS.values()]
