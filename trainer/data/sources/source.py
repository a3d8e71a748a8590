"""One dataset file, unpacked and told: what it is, what is odd about it, and its records."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from trainer.data.findings import Problem, quote
from trainer.data.lines import BOM, Line
from trainer.data.sources.bytestream import Replaced, Stream, Translated
from trainer.data.sources.elements import Elements
from trainer.data.sources.kinds import Kind, foreign, packed, tell, utf16
from trainer.data.sources.limits import Limits
from trainer.data.sources.parquet import Parquet
from trainer.data.sources.refusal import refusal
from trainer.data.sources.tables import Table
from trainer.data.sources.unpack import Bounded, gunzip, unzstd
from trainer.data.sources.zips import open_zip

HEAD_BYTES = 64 * 1024
_ANOTHER_LIST = re.compile(rb'"\s*:\s*\[\s*\{')
_TITLES = {"jsonl": "JSONL", "array": "JSON array", "stream": "JSON", "wrapped": "JSON", "parquet": "Parquet"}
_NOTES = {
    "array": ("json_array", "The rows are one JSON array; each element is read as a row."),
    "stream": ("json_stream", "The objects are not one a line; each is read as a row."),
}
_TEXT = (
    "This looks like plain text, not like a dataset. Send JSONL (one JSON object per line), a table with named "
    "columns (CSV) or Parquet."
)


class Source:
    """A file to be read once: by `file` where `kind` is "jsonl", else by `lines`.

    `notes` are findings on the whole file, known from the start; `faults` those that reading brings to light;
    `mended` names the fixes of whole files that reading applies. `packed` is "" only where `file` gives the very
    bytes of the disk."""

    def __init__(self, path: Path, raw: BinaryIO, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.packed = ""
        self.kind = "jsonl"
        self.title = "JSONL"
        self.notes: tuple[Problem, ...] = ()
        self.faults: list[Problem] = []
        self.mended: list[str] = []
        self.told = Kind("jsonl")
        self.file: Stream | None = None
        self.encoding = ""
        self._raw = raw
        self._parquet: Parquet | None = None

    def head(self, size: int) -> bytes:
        """The first bytes, unpacked; they stay unread."""
        return self.file.head(size) if self.file else b""

    def position(self) -> int:
        """Bytes of the file on disk that were read so far."""
        return self._parquet.position() if self._parquet else self._raw.tell()

    def lines(self) -> Iterator[Line]:
        """Every record as JSON, with the number of its first line (in Parquet of its row)."""
        if self._parquet:
            yield from self._parquet
            self.faults += self._parquet.problems()
        elif self.file and self.kind in ("csv", "tsv"):
            table = Table(self.file, self.told.delimiter, self.limits.line_bytes, self.encoding)
            yield from table
            if table.recoded:
                self.mended.append("encoding")
        elif self.file:
            yield from self._elements(self.file)

    def _elements(self, stream: Stream) -> Iterator[Line]:
        line = 1
        if stream.head(3) == BOM:
            stream.read(3)
        if self.told.start:
            line += stream.read(self.told.start).count(b"\n")
        elements = Elements(stream, self.limits.line_bytes, inside=bool(self.told.start), line=line)
        yield from elements
        self.faults += elements.problems()
        if self.told.start:
            self._look_behind(elements)

    def _look_behind(self, elements: Elements) -> None:
        before = b""
        for chunk in elements.rest():
            if _ANOTHER_LIST.search(before + chunk):
                said = f"Another list of objects follows that of {quote(self.told.key)}; its rows are not read."
                self.faults.append(Problem("json_several_lists", said))
                return
            before = chunk[-64:]


def read_source(path: Path, raw: BinaryIO, limits: Limits, *, mend: bool) -> Source:
    """The source of an opened file."""
    source = Source(path, raw, limits)
    stream, name = _unpacked(source, raw)
    head = stream.head(HEAD_BYTES)
    if head.startswith(b"PAR1"):
        return _described(source, stream, Kind("parquet"), mend=mend)
    if codec := utf16(head):
        if not mend:
            raise refusal("utf16", "This is UTF-16 text, not UTF-8. Save it as UTF-8.")
        stream = Stream(Translated(stream, codec))
        source.mended.append("encoding")
        head = stream.head(HEAD_BYTES)
    if problem := foreign(head):
        raise refusal(problem.code, problem.message)
    whole = len(head) < HEAD_BYTES
    told = tell(head, name, whole)
    if told.kind in ("cr", "u2028"):
        stream = _line_ends(source, stream, told.kind, mend=mend)
        told = tell(stream.head(HEAD_BYTES), name, whole)
    return _described(source, stream, told, mend=mend)


def _unpacked(source: Source, raw: BinaryIO) -> tuple[Stream, str]:
    """The bytes inside, and the name of what is inside."""
    name = source.path.name
    source.packed = packed(raw.peek(4)[:4] if hasattr(raw, "peek") else b"")  # type: ignore[attr-defined]
    if not source.packed:
        return Stream(raw), name
    notes = [Problem("packed", f"The file is packed ({source.packed}); what is inside is read.")]
    if source.packed == "zip":
        pieces, name, more = open_zip(raw)
        notes += more
    else:
        pieces = gunzip(raw) if source.packed == "gzip" else unzstd(raw)
        name = re.sub(r"\.(?:gz|gzip|zst|zstd)$", "", name, flags=re.I)
    bounded = Bounded(pieces, raw, source.limits)
    stream = Stream(_Watched(bounded, source))
    source.notes = tuple(notes)
    head = stream.head(8)
    if packed(head):
        raise refusal("nested_archive", f"Inside the {source.packed} archive is another archive. Unpack it once.")
    if head.startswith(b"PAR1"):
        raise refusal("nested_archive", "Inside the archive is a Parquet file. Send it as it is: it is packed already.")
    return stream, name


class _Watched:
    """Tells the source when the archive breaks, and behind which line."""

    def __init__(self, below: Bounded, source: Source) -> None:
        self._below, self._source = below, source
        self._lines = 0

    def read(self, size: int, /) -> bytes:
        chunk = self._below.read(size)
        self._lines += chunk.count(b"\n")
        if not chunk and self._below.fault:
            said = f"{self._below.fault} Line {self._lines:,} was the last whole one; what follows is lost."
            self._source.faults.append(Problem("corrupt_archive", said))
            self._below.fault = ""
        return chunk


def _line_ends(source: Source, stream: Stream, kind: str, *, mend: bool) -> Stream:
    source.mended.append("line-ends")
    if kind == "cr":
        said = "Lines end in a lone CR (old Mac style); they are read as lines all the same."
        source.notes += (Problem("cr_line_ends", said),)
        source.packed = source.packed or "cr"
        return Stream(Replaced(stream, b"\r", b"\n"))
    if not mend:
        raise refusal("u2028_line_ends", "Rows end in U+2028, not in a line feed. Save the file with LF line ends.")
    return Stream(Replaced(stream, b"}\xe2\x80\xa8{", b"}\n{", last=b"\xe2\x80\xa8"))


def _described(source: Source, stream: Stream, told: Kind, *, mend: bool) -> Source:
    source.told, source.file, source.kind = told, stream, told.kind
    if told.kind == "text":
        raise refusal("not_jsonl", _TEXT)
    if told.kind == "csv":
        source.kind = "tsv" if told.delimiter == "\t" else "csv"
        source.encoding = "cp1252" if mend else ""
    elif told.kind == "parquet":
        source._parquet = Parquet(source.path, source.limits)
        source.notes += tuple(source._parquet.notes())
    elif told.kind != "jsonl":
        source.kind = "json"
        source.mended.append("array-to-lines")
        key = f"The rows stand in a list under {quote(told.key)}; each of its elements is read as a row."
        source.notes += (Problem(*_NOTES.get(told.kind, ("json_wrapped", key))),)
    title = _TITLES.get(told.kind) or source.kind.upper()
    source.title = ", ".join([title, *([source.packed] if source.packed not in ("", "cr") else [])])
    return source
