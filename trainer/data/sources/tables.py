"""CSV and TSV as rows of JSON: every value stays the text that it is."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator

import msgspec

from trainer.data.findings import Problem, quote
from trainer.data.lines import Line
from trainer.data.sources.bytestream import CHUNK, Stream
from trainer.data.sources.refusal import refusal

_encode = msgspec.json.encode
LINES_A_RECORD = 20_000  # a cell of more lines is rather a quote that was never closed
LONG_NAME = 200  # characters of a column's name beyond which it must be a text


class Table:
    """One walk over the records of a table. The first record names the columns."""

    def __init__(self, stream: Stream, delimiter: str, limit: int, encoding: str = "") -> None:
        """`encoding` decodes lines that are not UTF-8; without one they are told as `not_utf8`."""
        self._lines = _Lines(stream, limit, encoding)
        csv.field_size_limit(max(csv.field_size_limit(), limit))
        self._reader = csv.reader(self._lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[Line]:
        line = 1
        header: list[str] = []
        while True:
            cells, problems = self._next(len(header))
            taken = self._lines.taken
            if cells is None and not taken:
                return
            number, size = line, sum(map(len, taken))
            line += len(taken)
            if taken and isinstance(taken[0], _TooLong):
                yield Line(number, b"", taken[0].size, b"\n", too_long=True)
            elif not header and cells:
                _check_header(cells)
                header = cells
            elif header or problems:
                yield Line(number, *self._row(header, cells, problems, size))

    def _row(
        self, header: list[str], cells: list[str] | None, problems: list[Problem], size: int
    ) -> tuple[bytes, int, bytes, bool, tuple[Problem, ...]]:
        problems = problems or self._damage(cells or [])
        if not problems and cells and len(cells) != len(header):
            said = f"The record has {len(cells):,} cells; the header has {len(header):,}."
            problems = [Problem("csv_cells", said, found=str(len(cells)))]
        raw = b"" if problems or not cells else _encode(dict(zip(header, cells, strict=True)))
        return raw, size, b"\n", False, tuple(problems)

    def _damage(self, cells: list[str]) -> list[Problem]:
        text = "".join(cells)
        if text.isascii() or text.isprintable():
            return []
        try:
            text.encode()
        except UnicodeEncodeError:
            return [Problem("not_utf8", "The record holds bytes that are not UTF-8. Save the file as UTF-8.")]
        return []

    @property
    def recoded(self) -> int:
        """Lines that were not UTF-8 and could be read all the same."""
        return self._lines.recoded

    def _next(self, width: int) -> tuple[list[str] | None, list[Problem]]:
        """The cells of the next record; on bad quoting none, and the reading goes on behind its first line."""
        lines = self._lines
        lines.start()
        try:
            cells = next(self._reader, None)
        except csv.Error:
            cells = None
        else:
            if cells is None or len(lines.taken) <= 1 or not width or len(cells) == width:
                return cells, []
        if not lines.taken:
            return None, []
        lines.give_back()
        if isinstance(lines.taken[0], _TooLong):
            return None, []
        said = "The quotes of this record do not match; a quote inside a cell is doubled."
        return None, [Problem("csv_quoting", said)]


class _TooLong(str):
    """Stands for a line that was not kept."""

    size = 0


class _Lines:
    """Lines for a csv reader. It may ask again after an end that bad quoting made it see too early."""

    def __init__(self, stream: Stream, limit: int, encoding: str) -> None:
        self._stream, self._limit, self._encoding = stream, limit, encoding
        self._again: deque[str] = deque()
        self._size = 0
        self.taken: list[str] = []  # of the record at hand
        self.recoded = 0

    def start(self) -> None:
        self.taken, self._size = [], 0

    def give_back(self) -> None:
        """All lines of the record but the first are read again."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        text = self._again.popleft() if self._again else self._read()
        if not text:
            raise StopIteration
        self.taken.append(text)
        self._size += len(text)
        if isinstance(text, _TooLong) or self._size > self._limit or len(self.taken) > LINES_A_RECORD:
            raise csv.Error("a record without an end")
        return text

    def _read(self) -> str:
        raw = self._stream.readline(self._limit + 2)
        if len(raw) == self._limit + 2 and not raw.endswith(b"\n"):
            return self._skipped(len(raw))
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            self.recoded += bool(self._encoding)
            return raw.decode(self._encoding or "utf-8", "surrogateescape")

    def _skipped(self, size: int) -> _TooLong:
        while more := self._stream.readline(CHUNK):
            size += len(more)
            if more.endswith(b"\n"):
                break
        line = _TooLong("\n")
        line.size = size
        return line


def _check_header(cells: list[str]) -> None:
    cells[0] = cells[0].removeprefix("\ufeff")
    if any(not cell.strip() for cell in cells):
        place = next(i for i, cell in enumerate(cells) if not cell.strip())
        raise refusal("csv_header", f"Column {place + 1} has no name. Every column needs a name of its own.")
    twice = [cell for cell in cells if cells.count(cell) > 1] if len(cells) < 10_000 else []
    if twice:
        raise refusal("csv_header", f"Two columns are named {quote(twice[0])}. Give each a name of its own.")
    if any(len(cell) > LONG_NAME or "\n" in cell or _number(cell) for cell in cells):
        said = "The first record looks like data, not like names. Put the columns' names into the first line."
        raise refusal("csv_no_header", said)


def _number(cell: str) -> bool:
    return cell.strip().lstrip("+-").replace(".", "", 1).isdigit()
