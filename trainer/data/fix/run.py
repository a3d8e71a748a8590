"""The walk of a fix over a file: clean blocks pass as they are, everything else goes through the mender."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

import msgspec

from trainer.data.canonical import canonical, canonical_lines
from trainer.data.findings import Problem
from trainer.data.fix import values
from trainer.data.fix.books import Books, Fix, FixResult
from trainer.data.fix.mender import CHAT, Mended, Mender, Mixed, Row
from trainer.data.fix.seen import Seen
from trainer.data.formats import FORMATS, Format, detect, load_format
from trainer.data.lines import Block, Line, read_blocks
from trainer.data.scan import BLANKS_SPARED
from trainer.data.sources import Source, open_source
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import Refused
from trainer.errors import BadInput
from trainer.settings import Settings

HEAD_BYTES, FIRST_ROWS = 64 * 1024, 200
RECORDS_A_BLOCK = 256
SMALLEST = 4 * 1024  # bytes: a block of this size is no longer halved in search of a bad row
PROGRESS_BYTES = 4 * 1024 * 1024
Progress = Callable[[int, int], None]


def mend_file(
    path: Path,
    out_dir: Path,
    wanted: Mapping[str, Fix],
    *,
    settings: Settings | None,
    format: str | None,
    mapping: Mapping[str, str] | None,
    asked: bool,
    on_progress: Progress | None,
) -> FixResult:
    """See `trainer.data.fix.fix`. `asked`: conversion was asked for by name."""
    limits = Limits.of(settings)
    convert = asked or bool(mapping)
    try:
        try:
            return _walk(path, out_dir, wanted, limits, format, mapping, convert, on_progress)
        except Mixed:
            return _walk(path, out_dir, wanted, limits, format, mapping, True, on_progress)
    except Refused as refused:
        code, said = refused.problem.code, refused.problem.message
        raise BadInput(f"{path.name} cannot be mended: {said}", code=code) from None


def _walk(
    path: Path,
    out_dir: Path,
    wanted: Mapping[str, Fix],
    limits: Limits,
    format: str | None,
    mapping: Mapping[str, str] | None,
    convert: bool,
    on_progress: Progress | None,
) -> FixResult:
    with ExitStack() as stack:
        source = stack.enter_context(open_source(path, limits, mend=True))
        blocks, firsts = _blocks(source, limits)
        known, mixed = format_of(firsts, wanted, format, mapping)
        mender = Mender(wanted, known, convert=convert or (mixed and "convert" in wanted), mapped=bool(mapping))
        books = Books(out_dir, stack)
        walk = Walk(mender, books, limits)
        for block in _told(blocks, source, path.stat().st_size, on_progress):
            walk.add(block)
        _close(source, books)
    return books.result(mender.target.name, (*source.notes, *source.faults))


def _close(source: Source, books: Books) -> None:
    files = list(dict.fromkeys(source.mended))
    if any(problem.code == "array_commas" for problem in source.faults):
        files.append("trailing-commas")
    if any(problem.code == "json_comment" for problem in source.faults):
        files.append("comments")
    books.applied.update({name: books.records for name in files if books.records})
    if books.crlf:
        books.applied["line-ends"] += books.crlf
        files.append("line-ends")
    if files or source.kind != "jsonl":
        books.whole_file(dict.fromkeys(files), source.path)


def _told(
    blocks: Iterable[Block | list[Line]], source: Source, size: int, on_progress: Progress | None
) -> Iterator[Block | list[Line]]:
    said = 0
    for block in blocks:
        yield block
        done = source.position()
        if on_progress and done - said >= PROGRESS_BYTES:
            said = done
            on_progress(min(done, size), size)
    if on_progress:
        on_progress(size, size)


def _blocks(source: Source, limits: Limits) -> tuple[Iterable[Block | list[Line]], list[Line]]:
    """The file in blocks, and its first lines beforehand."""
    if source.kind == "jsonl" and source.file is not None:
        head = source.head(HEAD_BYTES)
        lines = Block(1, head, len(head)).lines(limits.line_bytes) if head else ()
        return read_blocks(source.file, limits.line_bytes), list(islice(lines, FIRST_ROWS))
    records = source.lines()
    firsts = list(islice(records, FIRST_ROWS))
    return _bundled(chain(firsts, records)), firsts


def _bundled(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while some := list(islice(lines, RECORDS_A_BLOCK)):
        yield some


def format_of(
    firsts: list[Line], wanted: Mapping[str, Fix], format: str | None, mapping: Mapping[str, str] | None
) -> tuple[Format, bool]:
    """The format that most of the first rows are meant to be once mended, and whether chat formats are mixed."""
    if mapping:
        from trainer.data.formats.columns import load_columns

        return load_columns(mapping), False
    if format:
        return load_format(format), False
    met: Counter[str] = Counter()
    looker = Mender(wanted, load_format(CHAT), convert=False, mapped=False)
    for line in firsts:
        met.update(filter(None, map(detect, looker.values(line))))
    if not met:
        return load_format(CHAT), False
    known = load_format(max(FORMATS, key=lambda name: met[name]))
    return known, sum(load_format(name).kind == "chat" for name in met) > 1 and known.kind == "chat"


class Walk:
    """Blocks in, books kept."""

    def __init__(self, mender: Mender, books: Books, limits: Limits) -> None:
        self.mender, self.books, self.limits = mender, books, limits
        self.seen = Seen() if "duplicates" in mender.wanted else None
        self.fast = not (mender.convert or mender.redact)
        self.trims = "whitespace" in mender.wanted

    def add(self, block: Block | list[Line]) -> None:
        if isinstance(block, list):
            self._records(block)
        else:
            self._block(block)
        if self.books.rows > self.limits.rows or self.books.records > 2 * self.limits.rows + BLANKS_SPARED:
            raise Refused(Problem("too_many_rows", f"The file has more rows than the limit, {self.limits.rows:,}."))

    def _block(self, block: Block) -> None:
        raw = block.raw
        rows = self._clean(raw) if len(raw) <= self.limits.line_bytes else None
        if rows is not None:
            self._pass(block.number, raw, rows)
        elif len(raw) > SMALLEST and 0 < (half := raw.find(b"\n", len(raw) // 2) + 1) < len(raw):
            self._block(Block(block.number, raw[:half], half))
            self._block(Block(block.number + raw.count(b"\n", 0, half), raw[half:], len(raw) - half))
        else:
            for line in block.lines(self.limits.line_bytes):
                self._line(line)

    def _records(self, lines: list[Line]) -> None:
        if self.fast and not any(line.problems or line.too_long or not line.raw for line in lines):
            raw = b"\n".join([line.raw for line in lines])
            rows = self._clean(raw)
            if rows is not None and len(rows) == len(lines):
                self._pass(lines[0].number, raw, rows, lines)
                return
        for line in lines:
            self._line(line)

    def _clean(self, raw: bytes) -> list[Any] | None:
        """All rows of whole lines when there is nothing to mend in any."""
        if not raw or not self.fast:
            return None
        rows = self.mender.format.block(raw)
        return None if rows and self.trims and any(map(_is_loose, rows)) else rows

    def _pass(self, number: int, raw: bytes, rows: list[Any], lines: list[Line] | None = None) -> None:
        """Rows that stay as they are, but for those that stood there before."""
        if b"\r\n" in raw:
            self.books.crlf += raw.count(b"\r\n")
            raw = raw.replace(b"\r\n", b"\n")
        raw = raw if raw.endswith(b"\n") else raw + b"\n"
        fresh = self._fresh(rows)
        if all(fresh):
            self.books.records += len(rows)
            self.books.keep(raw, len(rows))
            return
        for i, (text, is_new) in enumerate(zip(raw.split(b"\n"), fresh, strict=False)):
            self.books.records += 1
            if is_new:
                self.books.keep(text + b"\n", 1)
            else:
                self._double(lines[i].number if lines else number + i, ("duplicates",), text)

    def _fresh(self, rows: list[Any]) -> list[bool]:
        if self.seen is None:
            return [True] * len(rows)
        return [self.seen.add(content) for content in canonical_lines(rows).splitlines()]

    def _double(self, line: int, fixes: tuple[str, ...], raw: bytes) -> None:
        self.books.duplicates += 1
        self.books.change(line, fixes, raw, ())

    def _line(self, line: Line) -> None:
        self.books.records += 1
        if line.too_long:
            said = f"The line has {line.size:,} bytes; the limit is {self.limits.line_bytes:,}. It is not kept here."
            self.books.quarantine(line.number, b"", [Problem("line_too_long", said)])
            return
        if not line.raw.strip(b" \t\r\n\xef\xbb\xbf") and not line.problems:
            self.books.blank += 1
            self.books.change(line.number, ("whitespace",), line.raw, ())
            return
        self.books.crlf += line.end == b"\r\n"
        rows = self._clean(line.raw)
        mended = Mended((Row(line.raw, rows[0]),)) if rows and len(rows) == 1 else self.mender.mend(line)
        if mended.reasons:
            self._away(line, mended)
        else:
            self._kept(line, mended)

    def _away(self, line: Line, mended: Mended) -> None:
        if mended.reasons[0].code == "truncated_last_line":
            self.books.applied["truncated-last-line"] += 1
        self.books.quarantine(line.number, line.raw, mended.reasons)

    def _kept(self, line: Line, mended: Mended) -> None:
        fresh = [row.raw for row in mended.rows if self.seen is None or self.seen.add(self._canonical(row))]
        doubles = len(mended.rows) - len(fresh)
        self.books.split += len(mended.rows) - 1
        self.books.duplicates += doubles
        fixes = (*mended.fixes, *(["duplicates"] if doubles else []))
        if fixes or fresh != [line.raw]:
            self.books.change(line.number, fixes or ("whitespace",), line.raw, fresh)
        else:
            self.books.keep(line.raw + b"\n", 1)

    def _canonical(self, row: Row) -> bytes:
        return canonical(row.value)


def _is_loose(row: Any) -> bool:
    """A message begins or ends with space."""
    if isinstance(row, msgspec.Struct):
        return any(_begins_or_ends_so(message.content) for message in getattr(row, "messages", ()))
    return any(_begins_or_ends_so(message.get("content")) for message in values.messages_of(row))


def _begins_or_ends_so(content: Any) -> bool:
    return isinstance(content, str) and bool(content) and (content[0] in values.SPACE or content[-1] in values.SPACE)
