"""What a check adds up while a file streams by: rows, hashes, figures, and the findings of every part in line order."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from heapq import merge

from trainer.data.analyze import Analyzer, Batch
from trainer.data.canonical import canonical_lines
from trainer.data.fix.trial import Trial
from trainer.data.formats import Format
from trainer.data.lines import Heard
from trainer.data.scan import Part, is_blank
from trainer.data.stats import Gathering
from trainer.types import Finding

BLANKS_LISTED = 1000


class Tally:
    """Adds parts up."""

    def __init__(self, format: Format, analyzers: list[Analyzer], structure_only: bool) -> None:
        self.format = format
        self.analyzers = analyzers
        self.structure_only = structure_only
        self.unknown = False
        self.trial: Trial | None = None
        self.file_sha, self.row_sha = hashlib.sha256(), hashlib.sha256()
        self.hear: Heard = len if structure_only else self.file_sha.update
        self.rows = self.accepted = self.blanks = self.first_crlf = 0
        self.formats: Counter[str] = Counter()
        self.stats = Gathering()

    def add(self, part: Part) -> Iterable[Finding]:
        """The findings on these lines, in order."""
        self.first_crlf = self.first_crlf or part.crlf
        self.accepted += len(part.rows)
        self.rows += len(part.rows)
        told = list(self._lines(part)) if part.told else []
        if self.structure_only or not part.rows:
            return told
        lines = canonical_lines(part.rows)
        self.row_sha.update(lines)
        batch = Batch.of(self.format, part)
        self.stats.add(batch, len(lines))
        found = [analyzer.add(batch) for analyzer in self.analyzers]
        return merge(told, *found, key=_by_line)

    def _lines(self, part: Part) -> Iterator[Finding]:
        for scanned in part.told:
            number, blank = scanned.line.number, is_blank(scanned)
            self.blanks += blank
            self.rows += scanned.row is None and not blank
            if not blank and scanned.row is None:
                self.formats[scanned.format] += 1
                if self.trial:
                    self.trial.add(scanned.line)
            for problem in scanned.problems:
                if self.blanks <= BLANKS_LISTED or problem.code != "blank_line":
                    yield problem.at(number)

    def met(self) -> dict[str, int]:
        """How many rows were meant to be which format."""
        met = self.formats + Counter({self.format.name: self.accepted})
        return {name: count for name, count in met.most_common() if name and count}


def _by_line(finding: Finding) -> int:
    return finding.line
