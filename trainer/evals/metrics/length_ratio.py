"""How long is the answer, against what was expected?"""

from __future__ import annotations

from typing import Literal

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure
from trainer.evals.metrics.words import words


class LengthRatio(Measure):
    """The answer's length over the expected one's, in words or characters: 1 is as long, 2 twice as long. Applies
    where the expected text has a length."""

    name = "length_ratio"
    unit = "ratio"
    better = ""

    by: Literal["words", "characters"] = "words"

    def score(self, case: Case, answer: Answer) -> float:
        return self._length(answer.text) / self._length(case.expected)

    def applies(self, case: Case) -> bool:
        return self._length(case.expected) > 0

    def _length(self, text: str) -> int:
        return len(words(text)) if self.by == "words" else len(text.strip())
