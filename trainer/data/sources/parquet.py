"""Parquet as rows of JSON, some hundred at a time. What JSON has no word for becomes text, and that is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.data.findings import Problem, quote
from trainer.data.lines import Line
from trainer.data.sources.limits import Limits
from trainer.data.sources.refusal import mib, refusal
from trainer.data.sources.unpack import FREE_BYTES, MAX_RATIO

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

ROWS_A_BATCH = 64
BUFFER = 1 << 20


class Parquet:
    """One walk over the rows. `problems` tells, after it, what broke on the way."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._limits = limits
        self._disk = max(path.stat().st_size, 1)
        self._file = _opened(path)
        self._groups, self._rows = 0, 0
        self._problems: list[Problem] = []
        meta = self._file.metadata
        self.rows = meta.num_rows
        for i in range(meta.num_row_groups):
            size = meta.row_group(i).total_byte_size
            if size > limits.file_bytes:
                limit = mib(limits.file_bytes)
                raise refusal("too_large", f"A row group unpacks to {mib(size)} MiB; the limit is {limit} MiB.")

    def notes(self) -> list[Problem]:
        named = [field.name for field in self._file.schema_arrow if _foreign(field.type)]
        if not named:
            return []
        said = f"Columns whose values became text: {', '.join(map(quote, named[:5]))}."
        return [Problem("parquet_as_text", said)]

    def problems(self) -> list[Problem]:
        return self._problems

    def position(self) -> int:
        return int(self._disk * self._rows / max(self.rows, 1))

    def __iter__(self) -> Iterator[Line]:
        import pyarrow as pa

        out = 0
        try:
            for batch in self._file.iter_batches(batch_size=ROWS_A_BATCH, use_threads=False):
                for i in range(batch.num_rows):
                    line = self._line(batch, i)
                    out += line.size
                    self._bound(out)
                    yield line
        except (pa.ArrowException, OSError, ValueError, UnicodeDecodeError) as error:
            if type(error).__module__.startswith("trainer"):
                raise
            said = f"The Parquet file is damaged after row {self._rows:,}; what follows is lost."
            self._problems.append(Problem("corrupt_file", said))
        if not self._problems and self._rows < self.rows:
            said = f"The Parquet file promises {self.rows:,} rows and holds {self._rows:,}."
            self._problems.append(Problem("corrupt_file", said))

    def _line(self, batch: Any, i: int) -> Line:
        row = {name: batch.column(k)[i].as_py() for k, name in enumerate(batch.schema.names)}
        raw = _encode(_plain(row))
        self._rows += 1
        size = len(raw)
        too_long = size > self._limits.line_bytes
        return Line(self._rows, b"" if too_long else raw, size, b"\n", too_long)

    def _bound(self, out: int) -> None:
        if out > self._limits.file_bytes:
            limit = mib(self._limits.file_bytes)
            raise refusal("too_large", f"The Parquet file unpacks to more than the limit, {limit} MiB.")
        if out > FREE_BYTES and out > MAX_RATIO * self._disk:
            said = f"The Parquet file unpacks to more than {MAX_RATIO} times its size: that is no dataset."
            raise refusal("archive_bomb", said)


def _opened(path: Path) -> ParquetFile:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    try:
        return ParquetFile(path, memory_map=False, buffer_size=BUFFER, pre_buffer=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        if "encrypt" in str(error).lower():
            raise refusal("encrypted_archive", "The Parquet file is encrypted. Send it without encryption.") from None
        raise refusal("corrupt_file", "The Parquet file is damaged or cut off: its footer cannot be read.") from None


def _foreign(kind: Any) -> bool:
    import pyarrow.types as types

    if kind.num_fields:
        return any(_foreign(kind.field(i).type) for i in range(kind.num_fields))
    return types.is_temporal(kind) or types.is_binary(kind) or types.is_large_binary(kind) or types.is_decimal(kind)


def _plain(value: Any) -> Any:
    """JSON values; a null in an object is a key left out, for Parquet cannot tell the two apart."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        pairs = bool(value) and all(isinstance(v, tuple) and len(v) == 2 for v in value)  # a map
        return {str(k): _plain(v) for k, v in value} if pairs else [_plain(v) for v in value]
    if isinstance(value, bytes):
        return _text(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def _encode(row: Any) -> bytes:
    """With NaN as it is: the row's own check names it."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
