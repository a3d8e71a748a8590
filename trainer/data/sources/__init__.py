"""Interim: JSONL only; being replaced."""

from __future__ import annotations

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.data.findings import Problem
from trainer.data.lines import HINTS, Line, foreign, hint
from trainer.data.sources.limits import Limits
from trainer.errors import BadInput, NotFound


class Source:
    kind = "jsonl"
    packed = ""
    title = "JSONL"

    def __init__(self, file: io.BufferedReader) -> None:
        self.file = file
        self.notes: tuple[Problem, ...] = ()
        self.faults: list[Problem] = []

    def head(self, size: int) -> bytes:
        place = self.file.tell()
        found = self.file.read(size)
        self.file.seek(place)
        return found

    def lines(self) -> Iterator[Line]:
        raise NotImplementedError

    def position(self) -> int:
        return self.file.tell()


@contextmanager
def open_source(path: Path, limits: Limits) -> Iterator[Source]:
    from trainer.data.scan import Refused, mib

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path.name} is not a plain file.", fix="Give the path of a .jsonl file.")
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path.name}.", fix="Check the path.") from None
    except PermissionError:
        raise BadInput(f"{path.name} may not be read.", fix="Check its permissions.") from None
    with file:
        size = path.stat().st_size
        if size > limits.file_bytes:
            said = f"The file has {mib(size)} MiB; the limit is {mib(limits.file_bytes)} MiB."
            raise Refused(Problem("too_large", f"{said} Send a part of it, or raise TUNESMITH_MAX_FILE_BYTES."))
        source = Source(file)
        head = source.head(65536)
        if problem := foreign(head):
            raise Refused(problem)
        if (h := hint(head)) in ("text", "cr", "csv", "array", "pretty"):
            raise Refused(Problem("not_jsonl", HINTS[h]))
        yield source
