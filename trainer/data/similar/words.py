"""Texts as runs of words: hashes of every n words in a row, a whole batch of texts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.similar.shingles import MARK, SPACE, WINDOW, hash_pairs, normalised, word_starts, words_at

_STEP = np.uint64(0x9E3779B97F4A7C15)
# how many low bytes of eight belong to a word that has so many bytes left
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)


class Words(NamedTuple):
    """The words of n texts: a hash of each, and whose it is. Longer words count as one a 16 bytes; in scripts
    without spaces every character is one."""

    hashes: NDArray[np.uint64]
    owners: NDArray[np.int64]
    counts: NDArray[np.int64]  # [n]

    def runs(self, size: int) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """A hash of every `size` neighbouring words of one text, and whose it is."""
        count = len(self.hashes) - size + 1
        if count <= 0:
            return np.empty(0, np.uint64), np.empty(0, np.int64)
        inside = self.owners[:count] == self.owners[size - 1 :]
        runs = np.zeros(count, np.uint64)
        for place in range(size):
            runs *= _STEP
            runs += self.hashes[place : place + count]
        runs ^= runs >> np.uint64(32)
        return runs[inside] * _STEP, self.owners[:count][inside]


def words(texts: Sequence[str]) -> Words:
    """The words of some texts, without regard to case and punctuation."""
    codes, ascii_only = normalised(texts)
    starts = word_starts(codes, ascii_only)
    stops = np.flatnonzero(codes <= SPACE)
    ends = np.minimum(stops[np.searchsorted(stops, starts)], np.append(starts[1:], len(codes)))
    sizes = np.minimum(ends - starts, WINDOW)
    low, high = words_at(codes, starts)
    low &= _MASKS[np.minimum(sizes, 8)]
    high &= _MASKS[np.maximum(sizes - 8, 0)]
    marks = codes[starts] == MARK
    owners = (np.cumsum(marks) - 1)[~marks]
    return Words(hash_pairs(low, high)[~marks], owners, np.bincount(owners, minlength=len(texts)))
