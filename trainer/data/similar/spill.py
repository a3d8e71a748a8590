"""Numbers that wait in a file: written in order, read in chunks or at places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

PIECE = 512


class Spill:
    """A growing column of numbers on disk."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.path = path
        self.dtype = np.dtype(dtype)
        self.length = 0
        self._file = path.open("wb", buffering=1 << 16)

    def write(self, values: NDArray) -> None:
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self.length += len(values)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray:
        """The numbers from `start` up to `stop`, in memory."""
        self._file.flush()
        stop = self.length if stop is None else stop
        return np.fromfile(self.path, self.dtype, stop - start, offset=start * self.dtype.itemsize)

    def take(self, starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray:
        """For each start so many numbers, joined. The file is mapped anew for every few starts: what a map has
        touched, and the pages around it, count as this process's memory while it lasts."""
        self._file.flush()
        found: list[NDArray] = [np.empty(0, self.dtype)]
        for first in range(0, len(starts), PIECE):
            some, sizes = starts[first : first + PIECE], counts[first : first + PIECE]
            ends = np.cumsum(sizes)
            places = np.arange(ends[-1]) + np.repeat(some - (ends - sizes), sizes)
            if len(places):
                found.append(np.array(np.memmap(self.path, self.dtype, "r")[places]))
        return np.concatenate(found)

    def pop(self) -> NDArray:
        """All numbers, and the file is gone."""
        values = self.read()
        self.close()
        return values

    def close(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
