"""Which words do answer and expectation have in common?"""

from __future__ import annotations

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure
from trainer.evals.metrics.words import words


class WordOverlap(Measure):
    """Jaccard's index: the different words that both have, of all that either has. 1 when neither has any."""

    name = "word_overlap"

    def score(self, case: Case, answer: Answer) -> float:
        expected, given = set(words(case.expected)), set(words(answer.text))
        either = expected | given
        return len(expected & given) / len(either) if either else 1.0
