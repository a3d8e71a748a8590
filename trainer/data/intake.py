"""An opened file with its first rows seen beforehand, so that its format can be told before it is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import msgspec

from trainer.data.formats import FORMATS, Format, detect, load_format
from trainer.data.lines import BOM, Line, Readable
from trainer.data.sources import Source

HEAD_BYTES = 64 * 1024
FIRST_ROWS = 200


class Intake:
    """Either `file`, for JSONL, or `records`: read once, from the beginning."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.file: Readable | None = source.file if source.kind == "jsonl" else None
        self.records: Iterator[Line] = iter(())
        if self.file is not None:
            raws = source.head(HEAD_BYTES).removeprefix(BOM).split(b"\n")[:FIRST_ROWS]
        else:
            lines = source.lines()
            first = list(islice(lines, FIRST_ROWS))
            self.records = chain(first, lines)
            raws = [line.raw for line in first]
        self.first_raws = raws
        self.first_rows: list[Any] = list(filter(None, map(_value, raws)))

    def formats(self) -> Counter[str]:
        """How many of the first rows are meant to be which format; "" for none that is known."""
        return Counter(detect(row) for row in self.first_rows)

    def guess(self) -> Format | None:
        """The format of most of the first rows, the earlier in FORMATS of equals; None for none that is known."""
        met = self.formats()
        met.pop("", None)
        return load_format(max(FORMATS, key=lambda name: met[name])) if met else None


def _value(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
