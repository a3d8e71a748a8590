"""The one walk over a dataset file, used by the check and by the trainer's loader: so they never disagree."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from trainer.data.findings import Problem
from trainer.data.formats import Format
from trainer.data.lines import BOM, HINTS, Heard, Line, foreign, hint, read_lines
from trainer.data.parse import parse
from trainer.errors import BadInput, NotFound
from trainer.settings import Settings
from trainer.types import Severity

HEAD_BYTES = 64 * 1024
BLANKS_SPARED = 100_000  # blank lines count as rows beyond this, so that no file takes for ever
SUSPECT_ROWS, SUSPECT_BYTES = 1000, 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may measure."""

    file_bytes: int
    line_bytes: int
    rows: int

    @classmethod
    def of(cls, settings: Settings | None) -> Limits:
        """From the settings; without them the shipped defaults, whatever the environment says."""
        if settings is not None:
            return cls(settings.max_file_bytes, settings.max_line_bytes, settings.max_rows)
        fields = Settings.model_fields
        return cls(*(fields[name].default for name in ("max_file_bytes", "max_line_bytes", "max_rows")))


class Scanned(NamedTuple):
    """One line of the file. `row` is set exactly when the row is accepted."""

    line: Line
    row: Any | None = None
    problems: tuple[Problem, ...] = ()
    is_object: bool = False


class Refused(Exception):
    """The file as a whole cannot be used."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The file, for reading; what is missing, forbidden or no plain file is told by name."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise BadInput(f"{path.name} is not a plain file.", fix="Give the path of a .jsonl file.")
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"There is no file {path.name}.", fix="Check the path.") from None
    except PermissionError:
        raise BadInput(f"{path.name} may not be read.", fix="Check its permissions.") from None
    with file:
        yield file


def scan(file: BinaryIO, format: Format, limits: Limits, heard: Heard = len) -> Iterator[Scanned]:
    """Every line in order, blank ones too. Raises `Refused` before the first row or at the row limit."""
    size = os.fstat(file.fileno()).st_size
    if size > limits.file_bytes:
        raise Refused(_too_large(size, limits))
    head = file.read(min(HEAD_BYTES, size))
    file.seek(0)
    if problem := foreign(head):
        raise Refused(problem)
    lines = _scan_lines(read_lines(file, limits.line_bytes, heard), format, limits)
    return _unless_refused(lines, hint(head)) if hint(head) else lines


def _too_large(size: int, limits: Limits) -> Problem:
    said = f"The file has {_mib(size)} MiB; the limit is {_mib(limits.file_bytes)} MiB."
    return Problem("too_large", f"{said} Send a part of it, or raise TUNESMITH_MAX_FILE_BYTES.")


def _mib(count: int) -> str:
    return f"{count / 2**20:,.1f}".removesuffix(".0")


def _scan_lines(lines: Iterator[Line], format: Format, limits: Limits) -> Iterator[Scanned]:
    rows = 0
    for line in lines:
        scanned = _scan_line(line, format, limits)
        rows += not is_blank(scanned)
        if rows > limits.rows or line.number > 2 * limits.rows + BLANKS_SPARED:
            raise Refused(Problem("too_many_rows", f"The file has more rows than the limit, {limits.rows:,}."))
        yield scanned
    if not rows:
        raise Refused(Problem("empty_file", "The file is empty: there is not a single row in it."))


def is_blank(scanned: Scanned) -> bool:
    return bool(scanned.problems) and scanned.problems[-1].code == "blank_line"


_BLANK = (Problem("blank_line", "This line is blank; it is skipped."),)


def _scan_line(line: Line, format: Format, limits: Limits) -> Scanned:
    if line.too_long:
        said = f"The line has {_mib(line.size)} MiB; the limit is {_mib(limits.line_bytes)} MiB."
        return Scanned(line, None, (Problem("line_too_long", said),))
    row = format.clean(line.raw)
    if row is not None:
        return Scanned(line, row, (), True)
    return _inspect(line, format)


def _inspect(line: Line, format: Format) -> Scanned:
    problems: list[Problem] = []
    raw = line.raw
    if line.number == 1 and raw.startswith(BOM):
        raw = raw.removeprefix(BOM)
        problems.append(Problem("bom", "The file begins with a byte order mark (BOM); it is skipped."))
    if not raw.strip():
        return Scanned(line, None, (*problems, *_BLANK))
    row, wrong = parse(raw, last=not line.end)
    problems += wrong
    if row is not ...:
        problems += format.inspect(row)
        problems += _separators(raw)
    accepted = not any(p.severity is Severity.ERROR for p in problems)
    return Scanned(line, row if accepted else None, tuple(problems), isinstance(row, dict))


def _separators(raw: bytes) -> list[Problem]:
    if b"\xe2\x80\xa8" in raw or b"\xe2\x80\xa9" in raw:
        return [Problem("u2028", "A text holds a raw line separator (U+2028 or U+2029); it is kept.")]
    return []


def _unless_refused(lines: Iterator[Scanned], suspicion: str) -> Iterator[Scanned]:
    """Hold rows back until the suspicion about the file's kind is confirmed or dropped."""
    held: list[Scanned] = []
    size = 0
    for scanned in lines:
        held.append(scanned)
        size += scanned.line.size
        if len(held) >= SUSPECT_ROWS or size >= SUSPECT_BYTES:
            break
    if _confirmed(held, suspicion):
        raise Refused(Problem("not_jsonl", HINTS[suspicion]))
    yield from held
    yield from lines


def _confirmed(held: list[Scanned], suspicion: str) -> bool:
    objects = sum(s.is_object for s in held)
    if suspicion == "array" and len(held) > 2:
        return objects <= max(1, len(held) // 20)  # the last element has no comma and reads as a row
    return objects == 0
