"""Open a dataset file, whatever it comes in: JSON Lines, a JSON array, CSV, TSV or Parquet; gzip, zstd or zip.

A `Source` of the kind "jsonl" is a stream of bytes; all others give their records one by one as JSON. Everything
streams: memory does not grow with the file. What cannot be read as a whole raises `Refused`.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from trainer.data.findings import Problem
from trainer.data.lines import Line
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import mib, refusal
from trainer.data.sources.source import Source, read_source
from trainer.errors import BadInput, NotFound

__all__ = ["Limits", "Line", "Problem", "Source", "open_source"]


@contextmanager
def open_source(path: Path, limits: Limits, *, mend: bool = False) -> Iterator[Source]:
    """The file, ready to be read once.

    `mend` also reads what a fix can make readable: UTF-16, tables in Windows-1252, U+2028 as line end;
    `Source.mended` names what was done. Raises NotFound, BadInput or `Refused`."""
    with _opened(path) as file:
        size = path.stat().st_size
        if size > limits.file_bytes:
            said = f"The file has {mib(size)} MiB; the limit is {mib(limits.file_bytes)} MiB."
            raise refusal("too_large", f"{said} Send a part of it, or raise TUNESMITH_MAX_FILE_BYTES.")
        yield read_source(path, file, limits, mend=mend)


def _opened(path: Path) -> BinaryIO:
    """The file, for reading; what is missing, forbidden or no plain file is told by name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path.name} is not a plain file.", fix="Give the path of a dataset file.")
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file {path.name}.", fix="Check the path.") from None
    except PermissionError:
        raise BadInput(f"{path.name} may not be read.", fix="Check its permissions.") from None
