"""Short prompts of which one is the other with a word more, such as "please": too short for shingles to tell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.data.similar.words import words

FEWEST, MOST = 5, 16  # words of the longer one
_STEP = np.uint64(0x9E3779B97F4A7C15)
_POWERS = np.cumprod(np.full(MOST + 1, _STEP, np.uint64))

Hashes = NDArray[np.uint64]


class Longer:
    """Takes prompts in order, then says which belong together. About 130 bytes a short prompt."""

    def __init__(self) -> None:
        self._wholes: list[Hashes] = []
        self._shorter: list[Hashes] = []
        self._counts: list[NDArray[np.int64]] = []

    def add(self, prompts: Sequence[str], heads: Hashes) -> None:
        """Prompts, and a hash of what stands above each."""
        if not prompts:
            return
        found = words(prompts)
        short = (found.counts <= MOST) & (found.counts >= FEWEST - 1)
        table = np.zeros((len(prompts), MOST), np.uint64)
        mine = short[found.owners]
        places = np.arange(len(found.hashes)) - np.repeat(np.cumsum(found.counts) - found.counts, found.counts)
        table[found.owners[mine], places[mine]] = found.hashes[mine]
        self._wholes.append(np.where(short, (table * _POWERS[1:]).sum(axis=1) ^ heads, np.uint64(0)))
        counts = np.where(short & (found.counts >= FEWEST), found.counts, 0)
        self._shorter.append((_without(table) ^ heads[:, None])[np.arange(MOST) < counts[:, None]])
        self._counts.append(counts)

    def pairs(self) -> NDArray[np.int64]:
        """[2, m]: places of prompts that differ by one word more."""
        if not self._wholes:
            return np.empty((2, 0), np.int64)
        wholes, shorter = np.concatenate(self._wholes), np.concatenate(self._shorter)
        owners = np.repeat(np.arange(len(wholes)), np.concatenate(self._counts))
        known = np.flatnonzero(wholes)
        order = known[np.argsort(wholes[known], kind="stable")]
        at = np.searchsorted(wholes[order], shorter)
        met = np.flatnonzero(at < len(order))
        met = met[wholes[order[at[met]]] == shorter[met]]
        return np.stack((owners[met], order[at[met]]))


def _without(table: Hashes) -> Hashes:
    """[n, MOST]: the hash of each row of words without its first word, without its second and so on."""
    before = np.cumsum(table * _POWERS[1:], axis=1, dtype=np.uint64)
    after = np.cumsum((table * _POWERS[:-1])[:, ::-1], axis=1, dtype=np.uint64)[:, ::-1]
    made = np.zeros_like(table)
    made[:, 1:] += before[:, :-1]
    made[:, :-1] += after[:, 1:]
    return made
