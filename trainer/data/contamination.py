"""Contamination: does a file hold what it shall later be tested on?

A row is contaminated by a case of another file (an eval suite, a test split) when

- their prompts are equal, without regard to case, white space and punctuation; or
- the row, prompt or answer, shares a run of 13 words with the case, the measure of the literature (GPT-3,
  appendix C); or
- the case has 8 to 12 words and the row holds all of its runs of 8 words.

A case's words are its prompt without the system message (its whole text where it has no prompt). Runs that stand
in more than a few cases are an instruction that the cases share, and prove nothing. Of files with very many runs
a sample is held, the same on every machine, so that memory stays below some 100 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainer.data.analyze import Batch, Scene
from trainer.data.findings import Problem
from trainer.data.formats import Format, detect, load_format
from trainer.data.similar.clusters import distinct, is_among
from trainer.data.similar.shingles import shingles
from trainer.data.similar.texts import Texts, own_texts
from trainer.data.similar.words import Words, words
from trainer.errors import BadInput
from trainer.settings import Settings
from trainer.types import Finding

LONG, SHORT = 13, 8  # words
FEW = 4
RUNS_HELD = 4_000_000
ROWS_AT_ONCE = 1000


class Overlap(NamedTuple):
    """A row (its place in the batch), the case that it shares words with, whether the prompts are equal, and how
    many of the case's runs of words are in the row."""

    row: int
    case: int
    exact: bool
    found: int
    runs: int


class Cases:
    """The cases of all files that shall stay unseen."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.files: list[int] = []
        self.lines: list[int] = []
        self._prompts: list[NDArray[np.uint64]] = []
        self._runs = {LONG: _Runs(), SHORT: _Runs()}

    def add_file(self, path: Path, settings: Settings | None = None) -> None:
        """Every accepted row of a file is a case. Raises BadInput where the file cannot be used."""
        from trainer.data.check import reading

        self.names.append(path.name)
        known = len(self.lines)
        with reading(path, settings=settings) as (format, parts):
            for part in parts:
                if part.rows:
                    self.add(part.numbers, own_texts(format, part.rows, [format.view(row) for row in part.rows]))
        if len(self.lines) == known:
            raise BadInput(
                f"{path.name} has no usable row to compare with.",
                fix="Check that file by itself: the report says what is wrong with it.",
                code="nothing_to_compare",
                param="against",
            )

    def add(self, lines: Sequence[int], texts: Texts) -> None:
        start = len(self.lines)
        self.lines.extend(lines)
        self.files.extend([len(self.names) - 1] * len(lines))
        self._prompts.append(_prompts(texts))
        said = words([prompt or answer for prompt, answer in zip(texts.prompts, texts.answers, strict=True)])
        short = said.counts < LONG
        for size, wanted in ((LONG, ~short), (SHORT, short)):
            runs, owners = said.runs(size)
            self._runs[size].add(runs[wanted[owners]], owners[wanted[owners]] + start)

    def close(self) -> None:
        """No case comes any more."""
        prompts = np.concatenate([np.empty(0, np.uint64), *self._prompts])
        self._order = np.argsort(prompts, kind="stable")
        self._ordered = prompts[self._order]
        for runs in self._runs.values():
            runs.close(len(self.lines))

    def find(self, texts: Texts) -> list[Overlap]:
        """For each row that is contaminated the case that it shares most with, in order."""
        best: dict[int, Overlap] = {}
        said = words(texts.whole())
        for size, runs in self._runs.items():
            for overlap in runs.find(said, size):
                known = best.get(overlap.row)
                if known is None or overlap.found * known.runs > known.found * overlap.runs:
                    best[overlap.row] = overlap
        best |= {overlap.row: overlap for overlap in self._equal(texts)}
        return [best[row] for row in sorted(best)]

    def _equal(self, texts: Texts) -> Iterator[Overlap]:
        prompts = _prompts(texts)
        places = np.searchsorted(self._ordered, prompts)
        for row in np.flatnonzero((prompts != 0) & is_among(prompts, self._ordered)).tolist():
            yield Overlap(row, int(self._order[places[row]]), True, 1, 1)

    def where(self, case: int) -> str:
        """For people: the line and the file of a case."""
        return f"line {self.lines[case]} of {self.names[self.files[case]]}"


def _prompts(texts: Texts) -> NDArray[np.uint64]:
    """A hash of each normalised prompt, 0 for none. What is above a prompt of very few words is part of it."""
    made = shingles(texts.prompts)
    hashes = np.where(made.widths > FEW, made.whole, made.whole ^ texts.heads)
    some = np.fromiter(map(bool, texts.prompts), np.bool_, len(texts.prompts))
    return np.where(some, hashes, np.uint64(0))


class _Runs:
    """Runs of words, each with its case."""

    def __init__(self) -> None:
        self.hashes = np.empty(0, np.uint64)
        self.cases = np.empty(0, np.uint32)
        self._waiting: list[tuple[NDArray, NDArray]] = []
        self._held = 0
        self._halved = 0

    def add(self, hashes: NDArray[np.uint64], cases: NDArray[np.int64]) -> None:
        chosen = hashes >> np.uint64(1) < np.uint64(1 << (63 - self._halved))
        self._waiting.append((hashes[chosen], cases[chosen].astype(np.uint32)))
        self._held += len(self._waiting[-1][0])
        while self._held > RUNS_HELD:
            self._halved += 1
            below = np.uint64(1 << (64 - self._halved))
            self._waiting = [(h[h < below], c[h < below]) for h, c in self._waiting]
            self._held = sum(len(h) for h, _ in self._waiting)

    def close(self, cases: int) -> None:
        """Order them, each once a case, without those that too many cases share."""
        hashes = np.concatenate([self.hashes, *(h for h, _ in self._waiting)])
        owners = np.concatenate([self.cases, *(c for _, c in self._waiting)])
        self._waiting.clear()
        order = np.lexsort((owners, hashes))
        hashes, owners = hashes[order], owners[order]
        new = np.concatenate(([True], (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])))[: len(hashes)]
        hashes, owners = hashes[new], owners[new]
        shared = distinct(hashes, max(2, min(10, cases // 10)) + 1)
        proves = ~is_among(hashes, shared)
        self.hashes, self.cases = hashes[proves], owners[proves]
        self.sizes = np.bincount(self.cases, minlength=cases)

    def find(self, said: Words, size: int) -> Iterator[Overlap]:
        """Rows and the cases whose runs they hold: any of the long ones, all of the short ones."""
        if not len(self.hashes):
            return
        runs, owners = said.runs(size)
        hit = np.flatnonzero(is_among(runs, self.hashes))
        first = np.searchsorted(self.hashes, runs[hit], "left")
        times = np.searchsorted(self.hashes, runs[hit], "right") - first
        steps = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times)
        places = np.repeat(first, times) + steps
        # a run counts once, however often the row says it
        once = distinct(np.repeat(owners[hit], times).astype(np.uint64) << np.uint64(32) | places.astype(np.uint64))
        pairs = once >> np.uint64(32) << np.uint64(32) | self.cases[(once & np.uint64(2**32 - 1)).astype(np.int64)]
        values, found = np.unique(pairs, return_counts=True)
        for pair, count in zip(values.tolist(), found.tolist(), strict=True):
            row, case = pair >> 32, pair & (2**32 - 1)
            if size == LONG or count == self.sizes[case]:
                yield Overlap(row, case, False, count, int(self.sizes[case]))


class Contamination:
    """Code `contaminated`: a row that shares its words with a case of `scene.against`. Idle where that is empty."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._cases: Cases | None = None
        self._rows = 0
        self._found: set[int] = set()

    def add(self, batch: Batch) -> Iterable[Finding]:
        if not self._scene.against:
            return ()
        texts = own_texts(self._scene.format, batch.rows, batch.views)
        overlaps = self._known().find(texts)
        self._rows += len(overlaps)
        self._found.update(overlap.case for overlap in overlaps)
        return [Problem("contaminated", self._said(overlap)).at(batch.numbers[overlap.row]) for overlap in overlaps]

    def finish(self) -> Iterable[Finding]:
        return ()

    def stats(self) -> dict[str, Any]:
        if not self._scene.against:
            return {}
        cases = self._known()
        files = [{"file": name, "cases": cases.files.count(i), "seen": 0} for i, name in enumerate(cases.names)]
        for case in self._found:
            files[cases.files[case]]["seen"] += 1
        return {"contaminated_rows": self._rows, "against": files}

    def _known(self) -> Cases:
        if self._cases is None:
            self._cases = Cases()
            for path in self._scene.against:
                self._cases.add_file(path, self._scene.settings)
            self._cases.close()
        return self._cases

    def _said(self, overlap: Overlap) -> str:
        where = self._known().where(overlap.case)
        if overlap.exact:
            return f"The same prompt as {where}."
        share = f"{100 * overlap.found // overlap.runs} %" if overlap.found < overlap.runs else "all"
        return f"It holds words of {where}: {share} of its runs of words."


Numbered = Iterable[tuple[int, dict[str, Any]]]


def overlap(rows: Numbered, suite_rows: Numbered, *, format: Format | None = None) -> Iterator[tuple[int, int, bool]]:
    """(line of a row, line of the case, whether the prompts are equal) for every contaminated row.

    Both are pairs of line and row as `trainer.data.check.rows` gives them; the format is told by the rows."""
    cases = Cases()
    cases.names.append("")
    for lines, texts in _texts(suite_rows, format):
        cases.add(lines, texts)
    cases.close()
    for lines, texts in _texts(rows, format):
        for found in cases.find(texts):
            yield lines[found.row], cases.lines[found.case], found.exact


def _texts(numbered: Numbered, format: Format | None) -> Iterator[tuple[list[int], Texts]]:
    waiting = iter(numbered)
    while some := list(islice(waiting, ROWS_AT_ONCE)):
        rows = [row for _, row in some]
        known = format or load_format(detect(rows[0]) or None)
        yield [line for line, _ in some], own_texts(known, rows, [known.view(row) for row in rows])
