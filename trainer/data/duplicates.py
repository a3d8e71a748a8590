"""Rows that stand twice: exact copies, the same prompt with another answer, and near duplicates.

A row gets one of these findings at most, the first that fits. What must be remembered of a row waits in files;
at the end some 100 bytes a row are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.data.analyze import Batch, Scene
from trainer.data.canonical import canonical
from trainer.data.findings import Problem
from trainer.data.formats import Format
from trainer.data.formats.typed_chat import Row
from trainer.data.similar import Clusters, firsts, own_texts
from trainer.data.similar.spill import Spill
from trainer.types import Finding

_ODD = np.uint64(0x9E3779B97F4A7C15)


def _keys(format: Format, batch: Batch, prompts: list[str], hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    """What is equal for the same rows and for no others: of a row of texts only, a hash of these and of where the
    first ends; of any other row a hash of its canonical form, which takes four times as long. `hashes` are those of
    the whole prompts.

    hash() is keyed by the process, so that nobody can forge a match, and it never leaves it; that any two of a
    million different rows meet by chance happens once in 40 million files."""
    count = len(batch.rows)
    given, answers, roles = zip(*batch.views, strict=True)
    ends = np.fromiter(map(len, prompts), np.int64, count)
    keys = hashes.view(np.uint64) * _ODD
    for numbers in (ends, map(hash, answers), map(hash, roles)):
        keys ^= keys >> np.uint64(32)
        keys += np.fromiter(numbers, np.int64, count).view(np.uint64)
        keys *= _ODD
    turns = np.fromiter(map(len, roles), np.int64, count)
    headed = (turns == 3) & (ends < np.fromiter(map(len, given), np.int64, count))
    plain = (turns < 3) | headed
    if set(map(type, batch.rows)) != {Row}:
        plain &= [type(row) is Row or _texts_only(format.plain(row)) for row in batch.rows]
    for place in np.flatnonzero(~plain).tolist():
        keys[place] = np.int64(hash(canonical(batch.rows[place]))).view(np.uint64)
    return keys.view(np.int64)


def _texts_only(row: dict[str, Any]) -> bool:
    """Whether this is an OpenAI chat row of roles and texts, as the fast reader gives it."""
    return row.keys() == {"messages"} and all(
        message.keys() == {"role", "content"} and isinstance(message["content"], str) for message in row["messages"]
    )


class Duplicates:
    """Codes duplicate_row, conflicting_answers (kind "chat" only) and near_duplicate; all name the first line.

    Rows with the same prompt are not near duplicates of each other: other kinds give one prompt several answers."""

    def __init__(self, scene: Scene) -> None:
        self._format = scene.format
        self._clusters = Clusters(scene.folder, "duplicates")
        self._numbers = Spill(scene.folder / "duplicates.numbers", np.uint32)
        self._rows = Spill(scene.folder / "duplicates.rows", np.int64)
        self._prompts = Spill(scene.folder / "duplicates.prompts", np.int64)
        self._stats: dict[str, int] = {}

    def add(self, batch: Batch) -> tuple[Finding, ...]:
        count = len(batch.rows)
        texts = own_texts(self._format, batch.rows, batch.views)
        self._clusters.add(texts.whole(), texts.heads)
        self._numbers.write(np.fromiter(batch.numbers, np.uint32, count))
        prompts = np.fromiter(map(hash, [view.prompt for view in batch.views]), np.int64, count)
        self._rows.write(_keys(self._format, batch, texts.prompts, prompts))
        if self._format.kind != "text":
            self._prompts.write(prompts)
        return ()

    def finish(self) -> Iterator[Finding]:
        numbers = self._numbers.pop()
        here = np.arange(len(numbers), dtype=np.int32)
        same = firsts(self._rows.pop()).astype(np.int32)
        copies = same != here
        prompts = self._prompts.pop()
        asked = firsts(prompts, copies).astype(np.int32) if len(prompts) else here
        same_prompt = asked != here
        other = same_prompt & (self._format.kind == "chat")
        alike = self._clusters.roots(copies).astype(np.int32)
        near = (alike != here) & ~copies & ~same_prompt
        self._stats = {
            "duplicate_rows": int(copies.sum()),
            "conflicting_answers": int(other.sum()),
            "near_duplicate_rows": int(near.sum()),
        }
        return self._told(numbers, copies, same, other, asked, near, alike)

    def stats(self) -> dict[str, Any]:
        return dict(self._stats)

    def _told(self, numbers: Any, copies: Any, same: Any, other: Any, asked: Any, near: Any, alike: Any) -> Any:
        for place in np.flatnonzero(copies | other | near).tolist():
            if copies[place]:
                problem = Problem("duplicate_row", f"The same row as line {numbers[same[place]]}.")
            elif other[place]:
                said = f"The prompt of line {numbers[asked[place]]}, with another answer."
                problem = Problem("conflicting_answers", said)
            else:
                problem = Problem("near_duplicate", f"Nearly the same text as line {numbers[alike[place]]}.")
            yield problem.at(int(numbers[place]))
