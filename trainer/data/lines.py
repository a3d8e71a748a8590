"""Read a file line by line in bounded memory, and tell what kind of file it is by its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from trainer.data.findings import Problem

LF = 10
BOM = b"\xef\xbb\xbf"

_CONVERT = "Export it as JSONL: one JSON object per line, in UTF-8."
# first bytes → what the file is, and what to do
_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it (gunzip) and send the .jsonl inside."),
    (b"PK\x03\x04", "a zip archive (or an Office document)", "Unpack it and send the .jsonl inside."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it (unzstd) and send the .jsonl inside."),
    (b"BZh", "a bzip2 archive", "Unpack it (bunzip2) and send the .jsonl inside."),
    (b"\xfd7zXZ\x00", "an xz archive", "Unpack it (unxz) and send the .jsonl inside."),
    (b"PAR1", "a Parquet file", _CONVERT),
    (b"%PDF-", "a PDF", _CONVERT),
    (b"\xff\xfe", "UTF-16 text", "Save it as UTF-8."),
    (b"\xfe\xff", "UTF-16 text", "Save it as UTF-8."),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the data itself",
        "Run `git lfs pull` and send the real file.",
    ),
)
_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")

# what the text of the first lines looks like → sentence
HINTS: dict[str, str] = {
    "array": "This is one JSON array, not JSONL. Write each element on a line of its own, "
    "without the brackets and without commas between lines.",
    "pretty": "The JSON is spread over many lines. In JSONL each row is one whole object on one line.",
    "csv": f"This looks like CSV, not JSONL. {_CONVERT}",
    "cr": "Lines end in a lone CR (old Mac style), so the whole file reads as one line. Save it with LF line ends.",
    "text": f"This looks like plain text, not JSONL. {_CONVERT}",
}


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
        heard(raw)
        if raw[-1] != LF:
            rest = file.readline(limit + 2)
            heard(rest)
            raw += rest
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


def foreign(head: bytes) -> Problem | None:
    """A file that no line of could be a row, by its first bytes."""
    for magic, name, fix in _MAGIC:
        if head.startswith(magic):
            return Problem("not_jsonl", f"This is {name}, not JSONL. {fix}")
    start = head.removeprefix(BOM).lstrip().lower()
    if start.startswith(_HTML):
        return Problem(
            "not_jsonl",
            "This is a web page, not JSONL: perhaps a login page that was saved in the file's place. "
            "Download the data again while signed in.",
        )
    if _looks_utf16(head):
        return Problem("not_jsonl", "This is UTF-16 text, not UTF-8. Save it as UTF-8.")
    if head.count(b"\0") * 10 > len(head):
        return Problem("not_jsonl", f"This is a binary file, not JSONL. {_CONVERT}")
    return None


def _looks_utf16(head: bytes) -> bool:
    half = len(head) // 2
    zeros = max(head[::2].count(0), head[1::2].count(0))
    return half >= 4 and zeros * 10 > half * 4 and b"\0\0\0" not in head


def hint(head: bytes) -> str:
    """The key into HINTS when the first lines do not look like JSONL, else "". A suspicion, not a verdict."""
    text = head.removeprefix(BOM)
    if b"\n" not in text and b"\r" in text.strip():
        return "cr"
    lines = [line.strip() for line in text.split(b"\n") if line.strip()]
    if not lines:
        return ""
    first, alone = lines[0], len(lines) == 1
    if first == b"{":
        return "pretty"
    if first.startswith(b"["):
        return "array" if alone or not _is_json(first) else ""
    if first.startswith(b"{") or _is_json(first):
        return ""
    return "csv" if not alone and _same_separators(first, lines[1]) else "text"


def _same_separators(first: bytes, second: bytes) -> bool:
    return any(first.count(c) and second.count(c) >= first.count(c) for c in (b",", b"\t", b";"))


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
