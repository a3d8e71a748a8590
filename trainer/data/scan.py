"""The one walk over a dataset file, used by the check and by the trainer's loader: so they never disagree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from trainer.data.findings import Problem
from trainer.data.formats import Format, detect, load_format
from trainer.data.intake import Intake
from trainer.data.lines import BOM, Block, Heard, Line, count_lines, read_blocks
from trainer.data.parse import parse
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import Refused, mib
from trainer.types import Severity

BLANKS_SPARED = 100_000  # blank lines count as rows beyond this, so that no file takes for ever
LINES_A_BLOCK = 512  # of a container that gives its records one by one
SMALLEST = 8 * 1024  # bytes: a block of this size is no longer halved in search of a bad row


class Scanned(NamedTuple):
    """One line that there is something to say about. `row` is set exactly when it is accepted all the same."""

    line: Line
    row: Any | None = None
    problems: tuple[Problem, ...] = ()
    format: str = ""  # what the row was meant to be, where that could be told


class Part(NamedTuple):
    """Some lines of the file. `rows` are the accepted ones with their line `numbers` and their JSON, one a line
    (LF); `told` are the lines with findings, blank ones too, and stand among `rows` only where accepted."""

    size: int
    numbers: Sequence[int]
    rows: list[Any]
    raw: bytes
    told: tuple[Scanned, ...] = ()
    crlf: int = 0  # the first line of this part that ends in CRLF


@dataclass(slots=True)
class _Count:
    """What the limits on rows have seen so far."""

    limits: Limits
    rows: int = 0
    blanks: int = 0

    def add(self, part: Part) -> None:
        blanks = sum(map(is_blank, part.told))
        self.blanks += blanks
        self.rows += len(part.rows) + sum(s.row is None for s in part.told) - blanks
        limit = self.limits.rows
        if self.rows > limit or self.rows + self.blanks > 2 * limit + BLANKS_SPARED:
            raise Refused(Problem("too_many_rows", f"The file has more rows than the limit, {limit:,}."))


def scan(intake: Intake, format: Format, limits: Limits, heard: Heard = len) -> Iterator[Part]:
    """Every line in order. Raises `Refused` at the row limit, and at the end of a file without a row.

    `heard` gets every byte of a JSONL file, unpacked."""
    count = _Count(limits)
    blocks = _blocks_of(intake, limits, heard)
    for block in blocks:
        for part in _scan_block(block, format, limits):
            count.add(part)
            yield part
    if not count.rows:
        raise Refused(Problem("empty_file", "The file is empty: there is not a single row in it."))


def is_blank(scanned: Scanned) -> bool:
    return bool(scanned.problems) and scanned.problems[-1].code == "blank_line"


def _blocks_of(intake: Intake, limits: Limits, heard: Heard) -> Iterator[Block | list[Line]]:
    if intake.file is not None:
        yield from read_blocks(intake.file, limits.line_bytes, heard)
        return
    while some := list(islice(intake.records, LINES_A_BLOCK)):
        yield some


def _scan_block(block: Block | list[Line], format: Format, limits: Limits) -> Iterator[Part]:
    if isinstance(block, list):
        yield _scan_records(block, format, limits)
        return
    raw = block.raw
    if raw and (len(raw) <= limits.line_bytes or _longest(raw) <= limits.line_bytes):
        rows = format.block(raw)
        if rows is not None:
            crlf = block.number + raw[: raw.index(b"\r\n")].count(b"\n") if b"\r" in raw and b"\r\n" in raw else 0
            yield Part(block.size, range(block.number, block.number + len(rows)), rows, _lf(raw, crlf), (), crlf)
            return
        if len(raw) > SMALLEST and (half := raw.find(b"\n", len(raw) // 2) + 1) and half < len(raw):
            first = Block(block.number, raw[:half], half)
            yield from _scan_block(first, format, limits)
            number = block.number + count_lines(first.raw)
            yield from _scan_block(Block(number, raw[half:], len(raw) - half), format, limits)
            return
    yield _one_by_one(block.lines(limits.line_bytes), format, limits)


def _longest(raw: bytes) -> int:
    return max(map(len, raw.split(b"\n")))


def _lf(raw: bytes, crlf: int) -> bytes:
    text = raw.replace(b"\r\n", b"\n") if crlf else raw
    return text if text.endswith(b"\n") else text + b"\n"


def _scan_records(lines: list[Line], format: Format, limits: Limits) -> Part:
    """Records of a container that is not made of lines: all at once where they are clean."""
    if not any(line.problems or line.too_long or not line.raw for line in lines):
        raw = b"\n".join([line.raw for line in lines]) + b"\n"
        rows = format.block(raw)
        if rows is not None and len(rows) == len(lines):
            return Part(sum(line.size for line in lines), [line.number for line in lines], rows, raw)
    return _one_by_one(lines, format, limits)


def _one_by_one(lines: Any, format: Format, limits: Limits) -> Part:
    size = crlf = 0
    numbers: list[int] = []
    rows: list[Any] = []
    raws: list[bytes] = []
    told: list[Scanned] = []
    for line in lines:
        size += line.size
        if line.end == b"\r\n" and not crlf:
            crlf = line.number
        scanned = _scan_line(line, format, limits)
        if scanned.problems:
            told.append(scanned)
        if scanned.row is not None:
            numbers.append(line.number)
            rows.append(scanned.row)
            raws.append(line.raw.removeprefix(BOM) if line.number == 1 else line.raw)
    raw = b"\n".join(raws) + b"\n" if raws else b""
    return Part(size, numbers, rows, raw, tuple(told), crlf)


_BLANK = (Problem("blank_line", "This line is blank; it is skipped."),)


def _scan_line(line: Line, format: Format, limits: Limits) -> Scanned:
    if not (line.raw or line.problems or line.too_long):
        return Scanned(line, None, _BLANK)
    if line.too_long:
        said = f"The line has {mib(line.size)} MiB; the limit is {mib(limits.line_bytes)} MiB."
        return Scanned(line, None, (*line.problems, Problem("line_too_long", said)))
    if not line.problems and line.raw:
        rows = format.block(line.raw)
        if rows is not None and len(rows) == 1:
            return Scanned(line, rows[0])
    return _inspect(line, format)


def _inspect(line: Line, format: Format) -> Scanned:
    problems = list(line.problems)
    raw = line.raw
    if line.number == 1 and raw.startswith(BOM):
        raw = raw.removeprefix(BOM)
        problems.append(Problem("bom", "The file begins with a byte order mark (BOM); it is skipped."))
    if not raw.strip():
        return Scanned(line, None, tuple(problems) if _fatal(problems) else (*problems, *_BLANK))
    row, wrong = parse(raw, last=not line.end)
    problems += wrong
    meant = ""
    if row is not ...:
        meant = detect(row)
        problems += _other_format(meant, format) if meant not in ("", format.name) else format.inspect(row)
        problems += _separators(raw)
    return Scanned(line, None if _fatal(problems) else row, tuple(problems), meant)


def _fatal(problems: list[Problem]) -> bool:
    return any(p.severity is Severity.ERROR for p in problems)


def _other_format(meant: str, format: Format) -> list[Problem]:
    title = load_format(meant).title
    return [Problem("other_format", f"This row is {title}; the file is {format.title}.", found=title)]


def _separators(raw: bytes) -> list[Problem]:
    if b"\xe2\x80\xa8" in raw or b"\xe2\x80\xa9" in raw:
        return [Problem("u2028", "A text holds a raw line separator (U+2028 or U+2029); it is kept.")]
    return []
