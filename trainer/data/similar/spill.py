"""Numbers that wait in a file: written in order, read in chunks or at places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Spill:
    """A growing column of numbers on disk."""

    def __init__(self, path: Path, dtype: DTypeLike) -> None:
        self.path = path
        self.dtype = np.dtype(dtype)
        self.length = 0
        self._file = path.open("wb", buffering=1 << 20)

    def write(self, values: NDArray) -> None:
        self._file.write(np.ascontiguousarray(values, self.dtype).data)
        self.length += len(values)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray:
        """The numbers from `start` up to `stop`, in memory."""
        self._file.flush()
        stop = self.length if stop is None else stop
        return np.fromfile(self.path, self.dtype, stop - start, offset=start * self.dtype.itemsize)

    def take(self, starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray:
        """For each start so many numbers, joined. The file is mapped for this call only, so that its pages do not
        stay in this process."""
        self._file.flush()
        if not counts.sum():
            return np.empty(0, self.dtype)
        ends = np.cumsum(counts)
        places = np.arange(ends[-1]) + np.repeat(starts - (ends - counts), counts)
        return np.array(np.memmap(self.path, self.dtype, "r")[places])

    def close(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
