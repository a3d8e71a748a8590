"""A fair sample of the rows that does not depend on their order: those with the smallest hashes."""

from __future__ import annotations

import heapq
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

from trainer.data.analyze import Batch

SIZE = 1000
LONGEST = 64 * 1024  # characters that are kept of a text


class Picked(NamedTuple):
    """A row of the sample."""

    number: int  # its line
    size: int  # bytes of its JSON
    prompt: str
    answer: str
    messages: int
    chars: int  # of prompt and answer before they were cut to `LONGEST`
    row: Any  # as the format holds it


class Sample:
    """Memory: `SIZE` rows. The same rows in another order give the same sample."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.heap: list[tuple[int, int, int, Picked]] = []  # (-hash, -line, count, row): the greatest hash comes first
        self.offered = 0

    def offer(self, batch: Batch) -> None:
        """Rows; a few of them are taken, by the hash of their line."""
        sizes = batch.sizes()
        hashes = line_hashes(batch.raw, sizes)
        full = len(self.heap) >= self.size
        taken = np.flatnonzero(hashes <= np.uint64(-self.heap[0][0])).tolist() if full else range(len(hashes))
        for index in taken:
            self.offered += 1
            key = -int(hashes[index])
            if len(self.heap) < self.size:
                heapq.heappush(self.heap, (key, -batch.numbers[index], self.offered, _picked(batch, index)))
            elif key > self.heap[0][0]:
                heapq.heapreplace(self.heap, (key, -batch.numbers[index], self.offered, _picked(batch, index)))

    def rows(self) -> list[Picked]:
        """In the order of their hashes: any first few are a fair sample too."""
        return [picked for *_, picked in sorted(self.heap, key=lambda item: (-item[0], -item[1]))]


def _picked(batch: Batch, index: int) -> Picked:
    prompt, answer, roles = batch.views[index]
    chars, size = len(prompt) + len(answer), int(batch.sizes()[index])
    row = batch.rows[index] if size <= LONGEST else None
    return Picked(batch.numbers[index], size, prompt[:LONGEST], answer[:LONGEST], max(1, len(roles)), chars, row)


def line_hashes(raw: bytes, sizes: np.ndarray) -> np.ndarray:
    """63 bits for each line: the same on any machine, and unlike for lines that are alike."""
    view, end = memoryview(raw), 0
    sums = [crc32(view[end : (end := end + size)]) for size in sizes.tolist()]
    return _mixed(np.array(sums, dtype=np.uint64))


def _mixed(values: np.ndarray) -> np.ndarray:
    """A check sum's neighbours, spread over 63 bits (splitmix64)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return (values ^ (values >> np.uint64(31))) >> np.uint64(1)
