"""Figures that a sample of the rows tells well enough: languages, and tokens by the base's tokenizer."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np

from trainer.data.analyze import Batch, Scene
from trainer.data.quality.languages import Languages
from trainer.data.quality.sample import Sample
from trainer.data.quality.token_figures import TokenFigures
from trainer.data.tokens import load_counter
from trainer.types import Finding

LANGUAGE_ROWS = 250  # of the sample whose language is told
LONG_LISTED = 10_000  # rows kept as perhaps too long, from the file's beginning


class Sampled:
    """Memory: the sample, and 12 bytes for each of at most `LONG_LISTED` long rows."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.sample = Sample()
        self.rows = self.bytes = 0
        self.counter = load_counter(scene.base, scene.settings)
        self.long = (array("q"), array("I"))  # line, bytes
        self.figures: dict[str, Any] = {}

    def add(self, batch: Batch) -> list[Finding]:
        if not batch.numbers:
            return []
        sizes = batch.sizes()
        self.rows += len(batch.numbers)
        self.bytes += len(batch.raw)
        self.sample.offer(batch)
        limit = self.counter.limit
        if limit and len(self.long[0]) < LONG_LISTED:
            for index in np.flatnonzero(sizes > limit).tolist():  # a token is hardly ever less than a byte
                self.long[0].append(batch.numbers[index])
                self.long[1].append(min(int(sizes[index]), 2**32 - 1))
        return []

    def finish(self) -> list[Finding]:
        picked = self.sample.rows()
        if not picked:
            return []
        languages = Languages(picked[:LANGUAGE_ROWS], self.rows <= LANGUAGE_ROWS)
        tokens = TokenFigures(self.scene.format, self.counter, picked, rows=self.rows, size=self.bytes)
        tokens.long = list(zip(*self.long, strict=True))
        self.figures = languages.stats() | tokens.stats()
        return [problem.at(0) for problem in (*languages.problems(), *tokens.problems())]

    def stats(self) -> dict[str, Any]:
        return self.figures
