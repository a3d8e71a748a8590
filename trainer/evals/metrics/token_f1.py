"""How many words do answer and expectation share? As the SQuAD reading tasks score it."""

from __future__ import annotations

import string
from collections import Counter

from trainer.evals.case import Answer, Case
from trainer.evals.metrics.metric import Measure

ARTICLES = {"a", "an", "the"}
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TokenF1(Measure):
    """F1 over words in lower case, without ASCII punctuation and English articles; words count as often as they
    stand. Where either side has no word left, 1 when neither has."""

    name = "token_f1"

    def score(self, case: Case, answer: Answer) -> float:
        expected, given = tokens(case.expected), tokens(answer.text)
        if not expected or not given:
            return float(expected == given)
        shared = (Counter(expected) & Counter(given)).total()
        return 2 * shared / (len(expected) + len(given))


def tokens(text: str) -> list[str]:
    return [word for word in text.lower().translate(_NO_PUNCTUATION).split() if word not in ARTICLES]
