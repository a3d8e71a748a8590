"""Read a file by blocks of whole lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np

from trainer.data.findings import Problem

LF = 10
BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line without its end. `size` counts every byte of it, also those that were not kept."""

    number: int
    raw: bytes
    size: int
    end: bytes
    too_long: bool = False
    problems: tuple[Problem, ...] = ()  # what the container has against it


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def readline(self, size: int, /) -> bytes: ...


Heard = Callable[[bytes], object]


BLOCK = 256 * 1024


class Block(NamedTuple):
    """Whole lines with their ends; `number` is the first one's. A line that was too long to keep stands alone:
    `raw` is empty then, and `size` counts its bytes."""

    number: int
    raw: bytes
    size: int

    def lines(self, limit: int) -> Iterator[Line]:
        """Lines end at LF or CRLF only."""
        if not self.raw:
            yield Line(self.number, b"", self.size, b"\n", too_long=True)
            return
        number, start = self.number, 0
        while start < len(self.raw):
            stop = self.raw.find(b"\n", start) + 1 or len(self.raw)
            yield _line(number, self.raw[start:stop], limit)
            number, start = number + 1, stop


def _line(number: int, raw: bytes, limit: int) -> Line:
    end = b"\r\n" if raw.endswith(b"\r\n") else b"\n" if raw.endswith(b"\n") else b""
    text = raw[: len(raw) - len(end)]
    too_long = len(text) > limit
    return Line(number, b"" if too_long else text, len(raw), end, too_long)


def read_blocks(file: Readable, limit: int, heard: Heard = len) -> Iterator[Block]:
    """The file in blocks of about a quarter of a MiB. A line above `limit` bytes is skipped over, its bytes never
    held whole. `heard` gets every byte of the file, in order."""
    number = 1
    while raw := file.read(BLOCK):
        rest = b"" if raw[-1] == LF else file.readline(limit + 2)
        raw += rest
        heard(raw)
        if raw[-1] == LF or len(rest) < limit + 2:
            yield Block(number, raw, len(raw))
            number += count_lines(raw)
            continue
        cut = raw.rfind(b"\n", 0, len(raw) - len(rest)) + 1
        if cut:
            yield Block(number, raw[:cut], cut)
            number += count_lines(raw[:cut])
        yield Block(number, b"", len(raw) - cut + _skip(file, heard))
        number += 1


def count_lines(raw: bytes) -> int:
    """How many LF: several times the speed of bytes.count."""
    return int(np.count_nonzero(np.frombuffer(raw, np.uint8) == LF))


def _skip(file: Readable, heard: Heard) -> int:
    """Read on to the end of the line; how many bytes that was."""
    skipped = 0
    while chunk := file.readline(BLOCK):
        skipped += len(chunk)
        heard(chunk)
        if chunk[-1] == LF:
            break
    return skipped
