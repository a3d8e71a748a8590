"""What a fix writes down: the result, every change with before and after, and the rows that nothing could mend."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from trainer.data.findings import Problem

BEFORE_BYTES = 64 * 1024
SAMPLES, SAMPLE_CHARS = 20, 300
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix. `target` is "module:function" for those that work on a line or a row; a safe one is done unasked."""

    title: str
    meaning: str
    level: Literal["file", "line", "row"]
    safe: bool
    target: str = ""

    @property
    def about(self) -> str:
        return self.meaning if self.safe else f"{self.meaning} (only when asked by name)"


@dataclass(frozen=True, slots=True)
class Change:
    """One line that was changed; the texts are cut to what a person looks at."""

    line: int
    fixes: tuple[str, ...]
    before: str
    after: str

    def __str__(self) -> str:
        return f"Line {self.line:,} ({', '.join(self.fixes)}): {self.before} → {self.after or 'dropped'}"


@dataclass(frozen=True, slots=True)
class FixResult:
    """`rows` + `quarantined` + `duplicates` + `blank` = `records` + `split`."""

    file: Path
    rows: int
    quarantine: Path | None  # none when every row could be kept
    quarantined: int
    applied: dict[str, int]  # fix → rows that it touched
    changes: Path
    sample: list[Change]  # the first few
    records: int = 0  # lines, or elements of an array, or records of a table
    split: int = 0  # rows that shared a line with an earlier one
    duplicates: int = 0  # dropped
    blank: int = 0  # lines, dropped
    format: str = ""  # of the rows in `file`
    notes: tuple[Problem, ...] = field(default=())  # what is wrong with the file as a whole


class Books:
    """The three files, open for writing. Line and record count from 1; a record is a line of JSONL, an element of
    an array or a record of a table."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.file, self.log, self.away = (folder / f"{n}.jsonl" for n in ("fixed", "changes", "quarantine"))
        self._file, self._log, self._away = (
            stack.enter_context(path.open("wb")) for path in (self.file, self.log, self.away)
        )
        self.rows = self.quarantined = self.records = self.split = self.duplicates = self.blank = 0
        self.crlf = 0  # lines whose CRLF became LF
        self.applied: Counter[str] = Counter()
        self.sample: list[Change] = []

    def keep(self, rows: bytes, count: int) -> None:
        """Rows as they are, each ended by LF."""
        self._file.write(rows)
        self.rows += count

    def change(self, line: int, fixes: Sequence[str], before: bytes, after: Sequence[bytes]) -> None:
        """A record that became `after`: no row, one or several."""
        for row in after:
            self._file.write(row + b"\n")
        self.rows += len(after)
        self.applied.update(dict.fromkeys(fixes, 1))
        text = b"\n".join(after)
        note = {"record": self.records, "line": line, "fixes": list(fixes), "rows": len(after)}
        self._log.write(_encode(note | bounded("before", before) | bounded("after", text)) + b"\n")
        if len(self.sample) < SAMPLES:
            self.sample.append(Change(line, tuple(fixes), _glimpse(before), _glimpse(text)))

    def whole_file(self, fixes: Iterable[str], source: Path) -> None:
        """What was done to the file as a whole; its bytes are known by their sha256."""
        with source.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        note = {"record": 0, "line": 0, "fixes": list(fixes), "rows": 0, "before_sha256": sha256}
        self._log.write(_encode(note) + b"\n")

    def quarantine(self, line: int, raw: bytes, reasons: Iterable[Problem]) -> None:
        told = [{"code": p.code, "message": p.message, "path": p.path} for p in reasons]
        note: dict[str, Any] = {"record": self.records, "line": line, **_text("raw", raw), "reasons": told}
        self._away.write(_encode(note) + b"\n")
        self.quarantined += 1

    def result(self, format: str, notes: Sequence[Problem]) -> FixResult:
        """After the files are closed."""
        if not self.quarantined:
            self.away.unlink()
        return FixResult(
            file=self.file,
            rows=self.rows,
            quarantine=self.away if self.quarantined else None,
            quarantined=self.quarantined,
            applied=dict(sorted(self.applied.items())),
            changes=self.log,
            sample=self.sample,
            records=self.records,
            split=self.split,
            duplicates=self.duplicates,
            blank=self.blank,
            format=format,
            notes=tuple(notes),
        )


def bounded(name: str, raw: bytes) -> dict[str, Any]:
    """The bytes as text, cut at 64 KiB; then their sha256 stands beside them."""
    if len(raw) <= BEFORE_BYTES:
        return _text(name, raw)
    return _text(name, raw[:BEFORE_BYTES]) | {f"{name}_sha256": hashlib.sha256(raw).hexdigest()}


def _text(name: str, raw: bytes) -> dict[str, str]:
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(raw).decode()}


def _glimpse(raw: bytes) -> str:
    text = raw[: 4 * SAMPLE_CHARS].decode("utf-8", "replace")
    return text[:SAMPLE_CHARS] + "…" * (len(text) > SAMPLE_CHARS)
