"""MinHash signatures (rensa), folded into one key a band: rows that share a key may be near duplicates."""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import NDArray

BANDS, ROWS = 12, 3  # at similarity 0.6 a pair shares a band in 95 of 100 cases, at 0.7 in 99
SEED = 20
_ODD = np.uint64(0x9E3779B97F4A7C15)


def band_keys(hashes: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Keys [rows, BANDS] of rows that have `counts` hashes each, one row after the other."""
    from rensa import RMinHash  # pyright: ignore[reportAttributeAccessIssue] - a binary module without stubs

    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.uint64)
    size = BANDS * ROWS
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes.astype(np.uint64), offsets, size, SEED)
    values = np.fromiter(chain.from_iterable(matrix.to_rows()), np.uint64, len(counts) * size)
    values = values.reshape(len(counts), BANDS, ROWS)
    keys = values[:, :, 0]
    for place in range(1, ROWS):
        keys = (keys ^ (keys >> np.uint64(29))) * _ODD + values[:, :, place]
    return keys
