"""Findings by the million: every one is kept, in line order, but only the first few thousand in memory."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import IO, Any, overload

import msgspec

from trainer.types import Finding, OfCode, Severity

KEPT = 20_000
FIRST_LINES = 5
_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(Finding).decode


class _Run:
    """Findings in line order; beyond `KEPT` of them on disk, in a file without a name."""

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.more: IO[bytes] | None = None

    def add(self, finding: Finding) -> None:
        if len(self.kept) < KEPT:
            self.kept.append(finding)
            return
        if self.more is None:
            self.more = tempfile.TemporaryFile(prefix="tunesmith-findings-")  # noqa: SIM115 (lives as long as the report)
        self.more.write(_encode(finding) + b"\n")

    def __iter__(self) -> Iterator[Finding]:
        yield from self.kept
        if self.more is None:
            return
        self.more.flush()
        place = 0
        while True:  # several readers may go on at once: each remembers its own place
            self.more.seek(place)
            lines = self.more.readlines(1 << 20)
            place = self.more.tell()
            if not lines:
                return
            yield from map(_decode, lines)


class Findings(Sequence[Finding]):
    """A sequence ordered by line. It is filled in runs, each in line order itself; counts cost nothing to ask."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self._runs: list[_Run] = []
        self._count = 0
        self._severities: Counter[Severity] = Counter()
        self._codes: Counter[str] = Counter()
        self._first: dict[str, list[Finding]] = {}
        self.add_run(findings)

    def add_run(self, findings: Iterable[Finding]) -> None:
        """Add findings that are in line order among themselves; they may be as many as they like."""
        run = _Run()
        self._runs.append(run)  # first: what was found before an exception counts
        for finding in findings:
            run.add(finding)
            self._count += 1
            self._severities[finding.severity] += 1
            self._codes[finding.code] += 1
            self._note(finding)

    def _note(self, finding: Finding) -> None:
        first = self._first.setdefault(finding.code, [])
        if len(first) < FIRST_LINES or finding.line < first[-1].line:
            if any(f.line == finding.line for f in first):
                return
            first.append(finding)
            first.sort(key=_line)
            del first[FIRST_LINES:]

    def of(self, severity: Severity) -> int:
        return self._severities[severity]

    def by_code(self) -> dict[str, OfCode]:
        return {
            code: OfCode(count, tuple(f.line for f in self._first[code]), self._first[code][0])
            for code, count in self._codes.items()
        }

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Finding]:
        return iter(merge(*self._runs, key=_line))

    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Finding]: ...
    def __getitem__(self, at: int | slice) -> Finding | Sequence[Finding]:
        if isinstance(at, slice):
            start, stop, step = at.indices(self._count)
            return tuple(islice(self, start, stop, step)) if step > 0 else tuple(self)[at]
        place = at + self._count if at < 0 else at
        found = next(islice(self, place, None), None) if place >= 0 else None
        if found is None:
            raise IndexError(at)
        return found

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash((self._count, tuple(sorted(self._codes.items()))))

    def __deepcopy__(self, memo: dict[int, Any]) -> Findings:
        return self

    def __repr__(self) -> str:
        return f"Findings({self._count:,}: {dict(self._codes)})"


def _line(finding: Finding) -> int:
    return finding.line
