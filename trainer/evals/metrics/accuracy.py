"""Is the label the right one?"""

from __future__ import annotations

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.exact_match import normalised
from trainer.evals.metrics.metric import Measure

AROUND = " .!\"'`“”‘’*"  # what chat models like to set around a label


class Accuracy(Measure):
    """1 when the label is the expected one, whatever its case, and whatever white space, quotes or full stop are
    around it."""

    name = "accuracy"

    def score(self, case: Case, answer: Answer) -> float:
        return float(label(case.expected) == label(answer.text))


def label(text: str) -> str:
    plain = normalised(text).casefold()
    return plain.strip(AROUND) or plain
